/* SPDX-License-Identifier: Apache-2.0 */
#include "common/confine_parts.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/listen.h"
#include "common/log.h"

/* A coverage build writes what it counted when it ends, where it was built. */
extern void __gcov_dump(void) __attribute__((weak));
extern int __llvm_profile_write_file(void) __attribute__((weak));

/* Why this process cannot be confined: NULL, or what it is. */
static const char *
unfit(void)
{
	const char *preload = getenv("LD_PRELOAD");

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return "a sanitizer";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
	return "a sanitizer";
#endif
#endif
	if (preload != NULL && strstr(preload, "vgpreload") != NULL) {
		return "Valgrind";
	}
	if (__gcov_dump != NULL || __llvm_profile_write_file != NULL) {
		return "a coverage build";
	}
	return NULL;
}

/* ---------------------------------------------------------------- settings */

static enum err
read_mode(const struct conf *conf, const char *key, enum confine_mode usual,
	  enum confine_mode *out, struct diag *d)
{
	static const char *const on[] = { "on", "yes", "true", "1", NULL };
	static const char *const off[] = { "off", "no", "false", "0", NULL };
	const char *s = conf_str(conf, key, "");

	*out = usual;
	if (s[0] == '\0') {
		return ERR_OK;
	}
	if (strcmp(s, "auto") == 0) {
		*out = CONFINE_AUTO;
		return ERR_OK;
	}
	for (unsigned i = 0; on[i] != NULL; i++) {
		if (strcmp(s, on[i]) == 0) {
			*out = CONFINE_ON;
			return ERR_OK;
		}
		if (strcmp(s, off[i]) == 0) {
			*out = CONFINE_OFF;
			return ERR_OK;
		}
	}
	return diag_set(d, ERR_USAGE, "%s: '%s' is none of auto, on and off",
			key, s);
}

static void
add_read(void *arg, const char *key, const char *value)
{
	(void)key;
	confine_path(arg, value, CONFINE_READ);
}

static void
add_write(void *arg, const char *key, const char *value)
{
	(void)key;
	confine_path(arg, value, CONFINE_WRITE);
}

/* "USER" or "USER:GROUP". */
static enum err
read_user(struct confine *c, const struct conf *conf)
{
	const char *user = conf_str(conf, "run-as.user", "");
	const char *colon = strchr(user, ':');
	const char *group =
		colon != NULL ? colon + 1 : conf_str(conf, "run-as.group", "");

	if (user[0] != '\0') {
		c->user = strndup(user, colon != NULL ? (size_t)(colon - user)
						      : strlen(user));
	}
	if (group[0] != '\0') {
		c->group = strdup(group);
	}
	return (user[0] != '\0' && c->user == NULL) ||
			       (group[0] != '\0' && c->group == NULL)
		       ? ERR_NOMEM
		       : ERR_OK;
}

enum err
confine_read(struct confine *c, const struct conf *conf, struct diag *d)
{
	enum err e;

	*c = (struct confine){ .sandbox = CONFINE_AUTO };
	c->paths = malloc(CONFINE_MAX_PATHS * sizeof(*c->paths));
	if (c->paths == NULL || read_user(c, conf) != ERR_OK) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = read_mode(conf, "security.sandbox", CONFINE_AUTO, &c->sandbox, d);
	if (e == ERR_OK) {
		e = read_mode(conf, "security.landlock", c->sandbox,
			      &c->landlock, d);
	}
	if (e == ERR_OK) {
		e = read_mode(conf, "security.seccomp", c->sandbox, &c->seccomp,
			      d);
	}
	if (e == ERR_OK && c->group != NULL && c->user == NULL) {
		e = diag_set(d, ERR_USAGE,
			     "run-as.group needs run-as.user, whose group it "
			     "is to be");
	}
	if (c->sandbox == CONFINE_OFF) {
		c->landlock = c->seccomp = CONFINE_OFF;
	}
	conf_each(conf, "security.read.", add_read, c);
	conf_each(conf, "security.write.", add_write, c);
	return e;
}

void
confine_fini(struct confine *c)
{
	free(c->paths);
	free((char *)(uintptr_t)c->user);
	free((char *)(uintptr_t)c->group);
	*c = (struct confine){ .paths = NULL };
}

void
confine_path(struct confine *c, const char *path, enum confine_access access)
{
	size_t n = path != NULL ? strlen(path) : 0;

	if (n == 0 || strcmp(path, "-") == 0) {
		return;
	}
	if (c->paths == NULL || c->n_paths == CONFINE_MAX_PATHS ||
	    n >= sizeof(c->paths[0].path)) {
		c->failed = true;
		return;
	}
	memcpy(c->paths[c->n_paths].path, path, n + 1);
	c->paths[c->n_paths++].access = access;
}

void
confine_listen(struct confine *c, const char *address)
{
	struct listen_address at;
	struct diag d;

	if (address == NULL || listen_parse(address, "", "", &at, &d) ||
	    c->n_ports == CONFINE_MAX_PORTS) {
		return; /* who opens it says what is wrong with it */
	}
	c->ports[c->n_ports++] = at.port;
}

/* ------------------------------------------------------------------- doing */

/* What the kernel and the build allow; sets landlock and off. */
static enum err
settle(const struct confine *c, struct confine_state *out, bool *seccomp,
       struct diag *d)
{
	const char *missing = NULL, *why = unfit();
	bool there = confine_seccomp_there();

	*out = (struct confine_state){ .jit = (c->needs & CONFINE_JIT) != 0 };
	out->landlock = c->landlock == CONFINE_OFF ? 0 : confine_landlock_abi();
	/* The first version lets no file be moved to another directory, which
	 * is how the file store works. */
	if (out->landlock == 1) {
		out->landlock = 0;
	}
	*seccomp = c->seccomp != CONFINE_OFF && there;
	if (c->sandbox != CONFINE_OFF && why != NULL) {
		out->off = why;
		out->landlock = 0;
		*seccomp = false;
	}
	if (c->landlock == CONFINE_ON && out->landlock == 0) {
		missing = "landlock";
	} else if (c->seccomp == CONFINE_ON && !*seccomp) {
		missing = "seccomp";
	}
	if (missing != NULL) {
		return diag_set(d, ERR_USAGE,
				"security.%s is on, and %s%s: set it to auto "
				"to do without",
				missing,
				why != NULL
					? "not possible under "
					: "this kernel does not have it, or "
					  "too old a version of it",
				why != NULL ? why : "");
	}
	return c->failed ? diag_set(d, ERR_USAGE,
				    "more than %d files and directories, or "
				    "one with a name too long: set "
				    "security.landlock to off",
				    CONFINE_MAX_PATHS)
			 : ERR_OK;
}

/* Rights are each thread's own: one that is there already would keep them. */
static bool
alone(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned n = 0;

	if (dir == NULL) {
		return true; /* no /proc: nothing to tell it by */
	}
	for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
		n += e->d_name[0] != '.';
	}
	closedir(dir);
	return n == 1;
}

enum err
confine_check(const struct confine *c, struct confine_state *out,
	      struct diag *d)
{
	struct confine_ids ids;
	bool seccomp;
	enum err e = settle(c, out, &seccomp, d);

	if (e == ERR_OK) {
		e = confine_ids(c, &ids, d);
	}
	if (e == ERR_OK) {
		snprintf(out->user, sizeof(out->user), "%s", ids.name);
		out->caps = c->caps;
		out->calls = seccomp ? UINT_MAX : 0;
	}
	return e;
}

enum err
confine_apply(const struct confine *c, struct confine_state *out,
	      struct diag *d)
{
	struct confine_ids ids;
	bool seccomp;
	enum err e = settle(c, out, &seccomp, d);

	if (e == ERR_OK) {
		e = confine_ids(c, &ids, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!alone() && out->off == NULL) {
		return diag_set(d, ERR_IO,
				"rights cannot be given up: there are other "
				"threads already, which would keep them");
	}
	e = confine_give(c, &ids, d);
	if (e == ERR_OK) {
		e = confine_rights(c, &ids, out, d);
	}
	if (e == ERR_OK && out->landlock > 0) {
		e = confine_files(c, out->landlock, d);
	}
	if (e == ERR_OK && seccomp) {
		e = confine_threads(c, out, d);
	}
	if (e == ERR_OK && seccomp) {
		e = confine_calls(c, out, d);
	}
	return e;
}

static void
calls_text(const struct confine_state *s, char *out, size_t cap)
{
	unsigned least = UINT_MAX, most = 0;

	for (unsigned k = 0; k < THREAD_KINDS; k++) {
		if (s->thread_calls[k] > 0) {
			least = MIN(least, s->thread_calls[k]);
			most = MAX(most, s->thread_calls[k]);
		}
	}
	if (most > 0) {
		snprintf(out, cap, "seccomp (%u calls, %u to %u a thread)",
			 s->calls, least, most);
	} else {
		snprintf(out, cap, "seccomp (%u calls)", s->calls);
	}
}

void
confine_text(const struct confine_state *s, char *out, size_t cap)
{
	char landlock[32] = "no Landlock", calls[80] = "no seccomp";

	if (s->landlock > 0) {
		snprintf(landlock, sizeof(landlock), "Landlock %d",
			 s->landlock);
	}
	if (s->calls == UINT_MAX) {
		snprintf(calls, sizeof(calls), "seccomp");
	} else if (s->calls > 0) {
		calls_text(s, calls, sizeof(calls));
	}
	snprintf(out, cap, "user %s, %s%s%s, %s, %s%s%s%s", s->user,
		 s->caps == 0 ? "no capabilities" : "capabilities ",
		 (s->caps & CONFINE_CAP_NET_RAW) != 0 ? "net_raw" : "",
		 (s->caps & CONFINE_CAP_NET_ADMIN) != 0 ? " net_admin" : "",
		 landlock, calls, s->off != NULL ? " (off under " : "",
		 s->off != NULL ? s->off : "", s->off != NULL ? ")" : "");
}

void
confine_json(const struct confine_state *s, struct json *j, const char *key)
{
	json_obj(j, key);
	json_obj(j, "is");
	json_cstr(j, "user", s->user);
	json_cstr(j, "off", s->off != NULL ? s->off : "");
	json_obj_end(j);
	json_u64(j, "landlock", (uint64_t)s->landlock);
	json_u64(j, "seccomp", s->calls);
	json_obj(j, "threads");
	for (unsigned k = 0; k < THREAD_KINDS; k++) {
		if (s->thread_calls[k] > 0) {
			json_u64(j, thread_name(k), s->thread_calls[k]);
		}
	}
	json_obj_end(j);
	json_u64(j, "capabilities", (uint64_t)__builtin_popcount(s->caps));
	json_obj_end(j);
}
