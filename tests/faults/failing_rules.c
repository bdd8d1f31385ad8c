/* SPDX-License-Identifier: Apache-2.0 */
#include "failing_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_RULES 8

static const char *const kinds[] = { "open",      "read",   "write",    "fsync",
				     "rename",    "unlink", "truncate", "mmap",
				     "fallocate", "close",  "mkdir",    "flock",
				     "send",      "alloc",  "io",       NULL };

enum action { A_FAIL, A_SHORT, A_BEFORE, A_AFTER, A_COUNT, A_WAIT };
static const char *const actions[] = { "fail",  "short", "before", "after",
				       "count", "wait",  NULL };

static const struct {
	const char *name;
	int value;
} errors[] = {
	{ "ENOSPC", ENOSPC }, { "EIO", EIO },       { "EINTR", EINTR },
	{ "EMFILE", EMFILE }, { "ENOMEM", ENOMEM }, { "EACCES", EACCES }
};

static struct rule {
	enum action action;
	enum kind kind;
	char pattern[160];
	unsigned long at;
	bool on; /* and all that follow */
	int err;
	atomic_ulong hits;
} rules[MAX_RULES];
static unsigned n_rules;
static atomic_bool ready;
static char out_path[512], under[512], gate[512];
int journal = -1;
static pthread_mutex_t journal_lock = PTHREAD_MUTEX_INITIALIZER;
_Thread_local bool inside;

void
die(void)
{
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	/* A sandbox forbids it: no test may take this for a kill, or wait. */
	for (;;) {
		syscall(SYS_exit_group, 98);
	}
}

static void
raw_write(int fd, const void *p, size_t n)
{
	while (n > 0) {
		long k = syscall(SYS_write, fd, p, n);

		if (k <= 0) {
			return;
		}
		p = (const char *)p + k;
		n -= (size_t)k;
	}
}

static void
say(const char *what, enum kind k, const char *path)
{
	char line[700];
	int fd, n;

	if (out_path[0] == '\0') {
		return;
	}
	n = snprintf(line, sizeof(line), "%s %s %s\n", what, kinds[k], path);
	fd = (int)syscall(SYS_openat, AT_FDCWD, out_path,
			  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		raw_write(fd, line, (size_t)n);
		syscall(SYS_close, fd);
	}
}

/* --- rules --- */

static int
word_of(const char *w, const char *const *of)
{
	for (int i = 0; of[i] != NULL; i++) {
		if (strcmp(w, of[i]) == 0) {
			return i;
		}
	}
	fprintf(stderr, "failing_io: %s is no such word\n", w);
	abort();
}

static void
add_rule(const char *text)
{
	char action[16] = "", kind[16] = "", at[24] = "", err[16] = "EIO";
	struct rule *r = &rules[n_rules];
	char *end;

	if (sscanf(text, " %15s %15s %159s %23s %15s", action, kind, r->pattern,
		   at, err) < 4 ||
	    n_rules == MAX_RULES) {
		fprintf(stderr, "failing_io: '%s' is no rule\n", text);
		abort();
	}
	r->action = (enum action)word_of(action, actions);
	r->kind = (enum kind)word_of(kind, kinds);
	r->at = strtoul(at, &end, 10);
	r->on = *end == '+';
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		if (strcmp(err, errors[i].name) == 0) {
			r->err = errors[i].value;
		}
	}
	n_rules++;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("FAILING_IO");
	const char *out = getenv("FAILING_IO_OUT");
	const char *to = getenv("FAILING_IO_JOURNAL");
	const char *dir = getenv("FAILING_IO_UNDER");
	const char *door = getenv("FAILING_IO_GATE");
	char one[256];

	inside = true;
	snprintf(out_path, sizeof(out_path), "%s", out != NULL ? out : "");
	snprintf(under, sizeof(under), "%s", dir != NULL ? dir : "");
	snprintf(gate, sizeof(gate), "%s", door != NULL ? door : "");
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, ";");

		snprintf(one, sizeof(one), "%.*s", (int)n, text);
		add_rule(one);
		text += n + (text[n] == ';');
	}
	if (to != NULL) {
		journal = (int)syscall(
			SYS_openat, AT_FDCWD, to,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	}
	inside = false;
	ready = true;
}

__attribute__((destructor)) static void
end(void)
{
	char line[64];

	inside = true;
	for (unsigned i = 0; i < n_rules; i++) {
		snprintf(line, sizeof(line), "hits %u %lu", i, rules[i].hits);
		say(line, rules[i].kind, rules[i].pattern);
	}
}

void
path_of_fd(int fd, char *path, size_t cap)
{
	char link[40];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlinkat, AT_FDCWD, link, path, cap - 1);
	path[n > 0 ? n : 0] = '\0';
}

/* The path of a name relative to a directory, as the rules see it. */
static void
path_of_name(int dirfd, const char *name, char *path, size_t cap)
{
	size_t n;

	if (name[0] == '/') {
		snprintf(path, cap, "%s", name);
		return;
	}
	if (dirfd == AT_FDCWD) {
		n = syscall(SYS_getcwd, path, cap) > 0 ? strlen(path) : 0;
	} else {
		path_of_fd(dirfd, path, cap);
		n = strlen(path);
	}
	snprintf(path + n, cap - n, "/%s", name);
}

/* A disk that is slow for as long as the test wants it to be. */
static void
wait_at_gate(void)
{
	const struct timespec moment = { 0, 10000000 };
	struct stat st;

	while (gate[0] != '\0' && stat(gate, &st) != 0) {
		nanosleep(&moment, NULL);
	}
}

static bool
hit(struct rule *r, enum kind k, const char *path)
{
	unsigned long n;

	if (r->kind != k && !(r->kind == K_IO && k != K_ALLOC)) {
		return false;
	}
	if (k != K_ALLOC && fnmatch(r->pattern, path, 0) != 0) {
		return false;
	}
	n = atomic_fetch_add(&r->hits, 1) + 1;
	return r->at != 0 && (n == r->at || (r->on && n > r->at));
}

int
judge(enum kind k, const char *path, bool *after)
{
	int verdict = 0;

	*after = false;
	if (inside || !ready || n_rules == 0) {
		return 0;
	}
	inside = true;
	for (unsigned i = 0; i < n_rules; i++) {
		struct rule *r = &rules[i];

		if (!hit(r, k, path)) {
			continue;
		}
		if (k != K_ALLOC || r->hits == r->at) {
			say("fired", k, path);
		}
		switch (r->action) {
		case A_FAIL:
			errno = r->err;
			verdict = 1;
			break;
		case A_SHORT:
			verdict = 2;
			break;
		case A_BEFORE:
			die();
			break;
		case A_AFTER:
			*after = true;
			break;
		case A_COUNT:
			break;
		case A_WAIT:
			wait_at_gate();
			break;
		}
	}
	inside = false;
	return verdict;
}

int
judge_fd(enum kind k, int fd, bool *after)
{
	char path[512];
	int saved = errno;

	*after = false;
	if (inside || !ready || n_rules == 0) {
		return 0;
	}
	path_of_fd(fd, path, sizeof(path));
	errno = saved;
	return judge(k, path, after);
}

int
judge_name(enum kind k, int dirfd, const char *name, bool *after)
{
	char path[1024];

	*after = false;
	if (inside || !ready || n_rules == 0 || name == NULL) {
		return 0;
	}
	path_of_name(dirfd, name, path, sizeof(path));
	return judge(k, path, after);
}

/* --- journal --- */

/* The name below the directory under watch; NULL when it is not below. */
static const char *
below(const char *path)
{
	size_t n = strlen(under);

	if (journal < 0 || strncmp(path, under, n) != 0) {
		return NULL;
	}
	return path[n] == '\0' ? "." : path[n] == '/' ? path + n + 1 : NULL;
}

static void
note(const char *line, const void *data, size_t len)
{
	pthread_mutex_lock(&journal_lock);
	raw_write(journal, line, strlen(line));
	raw_write(journal, data, len);
	pthread_mutex_unlock(&journal_lock);
}

/* For a test program that has this library preloaded. */
void failing_io_mark(const char *text);
void
failing_io_mark(const char *text)
{
	char line[256];

	if (journal >= 0) {
		snprintf(line, sizeof(line), "mark %s\n", text);
		note(line, NULL, 0);
	}
}

void
note_name(const char *what, int dirfd, const char *name, const char *rest)
{
	char path[1024], line[1200];
	const char *rel;
	int saved = errno;

	if (journal < 0) {
		return;
	}
	path_of_name(dirfd, name, path, sizeof(path));
	rel = below(path);
	if (rel != NULL) {
		snprintf(line, sizeof(line), "%s %s%s\n", what, rel, rest);
		note(line, NULL, 0);
	}
	errno = saved;
}

void
note_fd(const char *what, int fd, long long off, long long len,
	const void *data)
{
	char path[512], line[700];
	const char *rel;
	int saved = errno;

	if (journal < 0) {
		return;
	}
	path_of_fd(fd, path, sizeof(path));
	rel = below(path);
	if (rel != NULL && data != NULL) {
		snprintf(line, sizeof(line), "%s %s %lld %lld\n", what, rel,
			 off, len);
		note(line, data, (size_t)len);
	} else if (rel != NULL && len >= 0) {
		snprintf(line, sizeof(line), "%s %s %lld\n", what, rel, len);
		note(line, NULL, 0);
	} else if (rel != NULL) {
		snprintf(line, sizeof(line), "%s %s\n", what, rel);
		note(line, NULL, 0);
	}
	errno = saved;
}
