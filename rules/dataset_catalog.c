/* SPDX-License-Identifier: Apache-2.0 */
/* Which sets there are, and where their files lie. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/dataset.h"
#include "rules/rule_file.h"

#define DEFAULT_MEMCAP ((uint64_t)100 << 20)
#define DEFAULT_HASHSIZE 4096
#define MOST_HASHSIZE 65536 /* of one set, unless the settings say more */
#define MOST_HASHSIZES 16777216 /* of all together */

static struct dataset *
find(const struct dataset_catalog *c, struct view name)
{
	struct dataset *s = c->first;

	while (s != NULL && !view_eq(view_cstr(s->name), name)) {
		s = s->next;
	}
	return s;
}

static void
set_free(struct dataset *s)
{
	if (s != NULL) {
		dataset_table_fini(&s->table);
		free(s->load);
		free(s->save);
		free(s);
	}
}

void
dataset_catalog_fini(struct dataset_catalog *c)
{
	struct dataset *next;

	for (struct dataset *s = c->first; s != NULL; s = next) {
		next = s->next;
		set_free(s);
	}
	memset(c, 0, sizeof(*c));
}

static bool
goes_up(struct view path)
{
	struct view part;

	while (text_next(&path, '/', &part)) {
		if (view_eq(part, VIEW_LIT(".."))) {
			return true;
		}
	}
	return false;
}

/* A rule may come from anyone: by default it writes below our directory. */
static enum err
may_write(const struct dataset_catalog *c, struct view path, struct diag *d)
{
	if (!conf_bool(c->conf, "datasets.rules.allow-write", true)) {
		return diag_set(d, ERR_AUTH,
				"dataset: state and save are switched off by "
				"datasets.rules.allow-write");
	}
	if (conf_bool(c->conf, "datasets.rules.allow-absolute-filenames",
		      false)) {
		return ERR_OK;
	}
	if (path.len > 0 && path.p[0] == '/') {
		return diag_set(d, ERR_AUTH,
				"dataset: absolute paths are not allowed: "
				"%.*s; see "
				"datasets.rules.allow-absolute-filenames",
				TEXT_ARG(path));
	}
	if (goes_up(path)) {
		return diag_set(d, ERR_AUTH,
				"dataset: parent directories are not allowed: "
				"%.*s; see "
				"datasets.rules.allow-absolute-filenames",
				TEXT_ARG(path));
	}
	return ERR_OK;
}

static char *
joined(const char *dir, struct view path)
{
	char *out;

	if (dir == NULL || dir[0] == '\0' || path.p[0] == '/') {
		return strndup((const char *)path.p, path.len);
	}
	if (asprintf(&out, "%s/%.*s", dir, (int)path.len,
		     (const char *)path.p) < 0) {
		return NULL;
	}
	return out;
}

static const char *
data_dir(const struct dataset_catalog *c)
{
	return conf_str(c->conf, "default-data-dir", "");
}

/* Beside the rules when it is there, else in the data directory. */
static char *
load_path(const struct dataset_catalog *c, struct view path,
	  const char *rule_dir)
{
	char *p = joined(rule_dir, path);

	if (p != NULL && rule_dir != NULL && access(p, F_OK) != 0) {
		char *other = joined(data_dir(c), path);

		if (other != NULL && access(other, F_OK) == 0) {
			free(p);
			return other;
		}
		free(other);
	}
	return p;
}

static enum err
set_paths(const struct dataset_catalog *c, struct dataset *s,
	  const struct dataset_spec *spec, const char *rule_dir, struct diag *d)
{
	struct view save = spec->state.len > 0 ? spec->state : spec->save;
	enum err e = ERR_OK;

	if (save.len > 0) {
		if (rule_dir != NULL) {
			e = may_write(c, save, d);
		}
		if (e != ERR_OK) {
			return e;
		}
		s->save = joined(data_dir(c), save);
		if (s->save == NULL) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	if (spec->state.len > 0) {
		s->load = strdup(s->save);
	} else if (spec->load.len > 0) {
		s->load = load_path(c, spec->load,
				    rule_dir != NULL ? rule_dir : data_dir(c));
	} else {
		return ERR_OK;
	}
	return s->load != NULL ? ERR_OK
			       : diag_set(d, ERR_NOMEM, "out of memory");
}

static enum err
load(struct dataset *s, const struct dataset_spec *spec, struct diag *d)
{
	struct rule_file f;
	struct stat st;
	enum err e;

	if (s->load == NULL ||
	    (spec->state.len > 0 && access(s->load, F_OK) != 0)) {
		return ERR_OK; /* no state yet */
	}
	if (stat(s->load, &st) == 0 && !S_ISREG(st.st_mode)) {
		return diag_set(d, ERR_FORMAT, "dataset %s: %s is no file",
				s->name, s->load);
	}
	e = rule_file_open(&f, s->load, d);
	if (e != ERR_OK) {
		struct diag why = *d;

		return diag_set(d, ERR_FORMAT, "dataset %s: %.400s", s->name,
				why.msg);
	}
	e = dataset_read(s, spec, view_of(f.text, f.len), s->load, d);
	rule_file_close(&f);
	return e;
}

static enum err
check_hashsize(struct dataset_catalog *c, const struct dataset *s,
	       uint64_t asked, struct diag *d)
{
	uint64_t size =
		asked > 0 ? asked
			  : conf_u64(c->conf, "datasets.defaults.hashsize",
				     DEFAULT_HASHSIZE, 1, UINT32_MAX);
	uint64_t one = conf_u64(c->conf, "datasets.limits.single-hashsize",
				MOST_HASHSIZE, 0, UINT32_MAX);
	uint64_t all = conf_u64(c->conf, "datasets.limits.total-hashsizes",
				MOST_HASHSIZES, 0, UINT32_MAX);

	if (one > 0 && size > one) {
		return diag_set(d, ERR_LIMIT,
				"dataset %s: hashsize %llu is above "
				"datasets.limits.single-hashsize, %llu",
				s->name, (unsigned long long)size,
				(unsigned long long)one);
	}
	if (all > 0 && c->hashsizes + size > all) {
		return diag_set(d, ERR_LIMIT,
				"dataset %s: all hashsizes together are above "
				"datasets.limits.total-hashsizes, %llu",
				s->name, (unsigned long long)all);
	}
	c->hashsizes += size;
	return ERR_OK;
}

static bool
same_path(const char *path, const struct dataset_catalog *c, struct view said,
	  const char *dir, bool is_load)
{
	char *p = is_load ? load_path(c, said, dir) : joined(data_dir(c), said);
	bool same = p != NULL && path != NULL && strcmp(p, path) == 0;

	free(p);
	return same;
}

/* Does 'spec' say anything that 's' is not? */
static enum err
check_same(const struct dataset_catalog *c, const struct dataset *s,
	   const struct dataset_spec *spec, const char *rule_dir,
	   struct diag *d)
{
	struct view save = spec->state.len > 0 ? spec->state : spec->save;

	if (spec->type != DATASET_NONE && spec->type != s->type) {
		return diag_set(d, ERR_FORMAT,
				"dataset %s: declared before with another type",
				s->name);
	}
	if (spec->format != DATASET_CSV && spec->format != s->format) {
		return diag_set(d, ERR_FORMAT,
				"dataset %s: declared before with another "
				"format",
				s->name);
	}
	if ((save.len > 0 && !same_path(s->save, c, save, NULL, false)) ||
	    (spec->load.len > 0 &&
	     !same_path(s->load, c, spec->load, rule_dir, true))) {
		return diag_set(d, ERR_FORMAT,
				"dataset %s: declared before with another "
				"load, save or state",
				s->name);
	}
	return ERR_OK;
}

/* datarep needs a set whose values carry numbers. */
static enum err
check_rep(const struct dataset *s, const struct dataset_spec *spec,
	  struct diag *d)
{
	if (spec->rep && !s->rep && s->table.n > 0) {
		return diag_set(d, ERR_FORMAT,
				"datarep: the values of %s have no number",
				s->name);
	}
	return ERR_OK;
}

static enum err
fresh(struct dataset_catalog *c, struct dataset *s,
      const struct dataset_spec *spec, const char *rule_dir, struct diag *d)
{
	enum err e;

	if (spec->type == DATASET_NONE) {
		return diag_set(d, ERR_FORMAT,
				"%s: a new set needs its type: string, md5, "
				"sha256, ipv4 or ip",
				s->name);
	}
	s->type = spec->type;
	s->format = spec->format;
	s->memcap = spec->memcap > 0
			    ? spec->memcap
			    : conf_u64(c->conf, "datasets.defaults.memcap",
				       DEFAULT_MEMCAP, 1, UINT64_MAX);
	e = check_hashsize(c, s, spec->hashsize, d);
	if (e == ERR_OK) {
		e = set_paths(c, s, spec, rule_dir, d);
	}
	/* what an operator lists is bounded only by a bound that he set */
	if (e == ERR_OK &&
	    dataset_table_init(
		    &s->table,
		    spec->memcap > 0 || conf_has(c->conf,
						 "datasets.defaults.memcap")
			    ? s->memcap
			    : 0) != ERR_OK) {
		e = diag_set(d, ERR_IO, "no random bytes");
	}
	if (e == ERR_OK) {
		e = load(s, spec, d);
	}
	return e == ERR_OK ? check_rep(s, spec, d) : e;
}

enum err
dataset_declare(struct dataset_catalog *c, struct view name,
		const struct dataset_spec *spec, const char *rule_dir,
		struct dataset **out, struct diag *d)
{
	struct dataset *s = find(c, name);
	enum err e;

	if (s != NULL) {
		*out = s;
		e = check_same(c, s, spec, rule_dir, d);
		return e == ERR_OK ? check_rep(s, spec, d) : e;
	}
	if (name.len == 0 || name.len > DATASET_MAX_NAME) {
		return diag_set(d, ERR_FORMAT,
				"dataset: a name has 1 to %d characters",
				DATASET_MAX_NAME);
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	memcpy(s->name, name.p, name.len);
	e = fresh(c, s, spec, rule_dir, d);
	if (e != ERR_OK) {
		set_free(s);
		return e;
	}
	if (c->last != NULL) {
		c->last->next = s;
	} else {
		c->first = s;
	}
	c->last = s;
	*out = s;
	return ERR_OK;
}

/* One set of the settings; its keys follow each other. */
struct from_conf {
	struct dataset_catalog *c;
	struct diag *d;
	enum err e;
};

static bool
is_number(struct view v)
{
	uint64_t n;

	return text_u64(v, &n);
}

/*
 * "datasets.NAME.type", or as a list "datasets.0.NAME.type"; a name may hold
 * dots.  False for what is no set.
 */
static bool
split_key(const char *key, struct view *name, struct view *prefix)
{
	struct view rest = view_cstr(key + strlen("datasets."));
	size_t dot = text_find(rest, '.'), last;

	if (dot < rest.len && is_number(view_of(rest.p, dot))) {
		rest = view_sub(rest, dot + 1, rest.len);
	}
	for (last = rest.len; last > 0 && rest.p[last - 1] != '.'; last--) {
	}
	if (last < 2 || !text_is(view_sub(rest, last, rest.len), "type")) {
		return false;
	}
	*name = view_of(rest.p, last - 1);
	*prefix = view_of(key,
			  (size_t)(name->p - (const uint8_t *)key) + name->len);
	return !text_is(*name, "rules") && !text_is(*name, "defaults") &&
	       !text_is(*name, "limits");
}

static const char *
of_set(const struct conf *conf, struct view prefix, const char *what, char *key,
       size_t cap)
{
	snprintf(key, cap, "%.*s.%s", (int)prefix.len, (const char *)prefix.p,
		 what);
	return conf_get(conf, key);
}

static void
declare_one(void *arg, const char *key, const char *value)
{
	struct from_conf *f = arg;
	const struct conf *conf = f->c->conf;
	struct dataset_spec spec = { .type = dataset_type_of(
					     view_cstr(value)) };
	struct view name, prefix;
	struct dataset *set;
	char k[256];

	if (f->e != ERR_OK || !split_key(key, &name, &prefix)) {
		return;
	}
	if (spec.type == DATASET_NONE) {
		f->e = diag_set(f->d, ERR_USAGE,
				"%s: \"%s\" is no type of dataset: string, "
				"md5, sha256, ipv4 or ip",
				key, value);
		return;
	}
	spec.load = view_cstr(of_set(conf, prefix, "load", k, sizeof(k)));
	spec.save = view_cstr(of_set(conf, prefix, "save", k, sizeof(k)));
	spec.state = view_cstr(of_set(conf, prefix, "state", k, sizeof(k)));
	if (of_set(conf, prefix, "memcap", k, sizeof(k)) != NULL) {
		spec.memcap = conf_u64(conf, k, 0, 0, UINT64_MAX);
	}
	if (of_set(conf, prefix, "hashsize", k, sizeof(k)) != NULL) {
		spec.hashsize = conf_u64(conf, k, 0, 0, UINT32_MAX);
	}
	f->e = dataset_declare(f->c, name, &spec, NULL, &set, f->d);
}

enum err
dataset_catalog_init(struct dataset_catalog *c, const struct conf *conf,
		     struct diag *d)
{
	struct from_conf f = { .c = c, .d = d };

	*c = (struct dataset_catalog){ .conf = conf };
	conf_each(conf, "datasets.", declare_one, &f);
	return f.e;
}
