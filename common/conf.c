/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <yaml.h>

#include "common/hide_args.h"
#include "common/log.h"

#define MAX_DEPTH 32
#define MAX_KEY 512
#define MAX_SETTINGS 100000

struct setting {
	char *key, *value;
	size_t line; /* in 'file'; 0: from somewhere else */
};

struct conf {
	char *file; /* the one read last, for messages */
	struct setting *v; /* in order of first appearance */
	size_t n, cap;
};

struct conf *
conf_new(void)
{
	return calloc(1, sizeof(struct conf));
}

/* It may be a password, and what is freed may be read in what is allocated
 * next. */
static void
wipe(char *value)
{
	explicit_bzero(value, strlen(value));
	free(value);
}

void
conf_free(struct conf *c)
{
	if (c == NULL) {
		return;
	}
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].key);
		wipe(c->v[i].value);
	}
	free(c->v);
	free(c->file);
	free(c);
}

static struct setting *
find(const struct conf *c, const char *key)
{
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->v[i].key, key) == 0) {
			return &c->v[i];
		}
	}
	return NULL;
}

enum err
conf_set(struct conf *c, const char *key, const char *value)
{
	struct setting *s = find(c, key);
	char *copy = strdup(value);

	if (copy == NULL) {
		return ERR_NOMEM;
	}
	if (s != NULL) {
		wipe(s->value);
		s->value = copy;
		s->line = 0;
		return ERR_OK;
	}
	if (c->n >= MAX_SETTINGS) {
		free(copy);
		return ERR_LIMIT;
	}
	if (c->n == c->cap) {
		size_t cap = MAX(c->cap * 2, (size_t)64);
		struct setting *v = realloc(c->v, cap * sizeof(*v));

		if (v == NULL) {
			free(copy);
			return ERR_NOMEM;
		}
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n].key = strdup(key);
	if (c->v[c->n].key == NULL) {
		free(copy);
		return ERR_NOMEM;
	}
	c->v[c->n].line = 0;
	c->v[c->n++].value = copy;
	return ERR_OK;
}

enum err
conf_set_arg(struct conf *c, const char *arg, struct diag *d)
{
	const char *eq = strchr(arg, '=');
	const char *url = strstr(arg, "://");
	char key[MAX_KEY], shown[HIDE_ARG_CAP];

	/* The '=' may be in a URL's password, which is no part of a key. */
	if (eq == NULL || (url != NULL && url < eq) || eq == arg ||
	    (size_t)(eq - arg) >= sizeof(key)) {
		return diag_set(d, ERR_USAGE,
				"--set %s: expected KEY=VALUE, for example "
				"stream.midstream=true",
				hide_arg(arg, shown));
	}
	memcpy(key, arg, (size_t)(eq - arg));
	key[eq - arg] = '\0';
	return conf_set(c, key, eq + 1);
}

/* Where the reader stands: a mapping waits for a key, a sequence counts. */
struct level {
	bool is_sequence;
	bool have_key;
	unsigned index;
	size_t key_len; /* length of 'path' that names this container */
};

struct reader {
	struct conf *conf;
	const char *file;
	struct level stack[MAX_DEPTH];
	unsigned depth;
	char path[MAX_KEY];
};

static enum err
path_push(struct reader *r, size_t at, const char *part, struct diag *d,
	  const yaml_mark_t *mark)
{
	int n = snprintf(r->path + at, sizeof(r->path) - at, "%s%s",
			 at > 0 ? "." : "", part);

	if (n < 0 || (size_t)n >= sizeof(r->path) - at) {
		return diag_set(d, ERR_USAGE, "%s:%zu: key is too long",
				r->file, mark->line + 1);
	}
	return ERR_OK;
}

/* Names the value that comes next when it is a list item. */
static enum err
begin_value(struct reader *r, struct diag *d, const yaml_mark_t *mark)
{
	struct level *l;
	char number[16];

	if (r->depth == 0) {
		return ERR_OK;
	}
	l = &r->stack[r->depth - 1];
	if (!l->is_sequence) {
		return ERR_OK;
	}
	snprintf(number, sizeof(number), "%u", l->index++);
	return path_push(r, l->key_len, number, d, mark);
}

static void
end_value(struct reader *r)
{
	if (r->depth > 0) {
		struct level *l = &r->stack[r->depth - 1];

		l->have_key = false;
		r->path[l->key_len] = '\0';
	}
}

/* A list in the file replaces a list given before, as a whole. */
static void
forget_below(struct conf *c, const char *prefix)
{
	size_t len = strlen(prefix), kept = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct setting *s = &c->v[i];

		if (strncmp(s->key, prefix, len) == 0 && s->key[len] == '.') {
			free(s->key);
			wipe(s->value);
		} else {
			c->v[kept++] = *s;
		}
	}
	c->n = kept;
}

static enum err
on_container(struct reader *r, bool sequence, struct diag *d,
	     const yaml_mark_t *mark)
{
	enum err e = begin_value(r, d, mark);

	if (e != ERR_OK) {
		return e;
	}
	if (r->depth == MAX_DEPTH) {
		return diag_set(d, ERR_USAGE, "%s:%zu: nested too deeply",
				r->file, mark->line + 1);
	}
	if (r->depth == 0 && sequence) {
		return diag_set(d, ERR_USAGE,
				"%s:%zu: expected settings (key: value), found "
				"a list",
				r->file, mark->line + 1);
	}
	if (sequence) {
		forget_below(r->conf, r->path);
	}
	r->stack[r->depth++] = (struct level){
		.is_sequence = sequence,
		.key_len = strlen(r->path),
	};
	return ERR_OK;
}

static enum err
on_scalar(struct reader *r, const char *text, struct diag *d,
	  const yaml_mark_t *mark)
{
	struct level *l;
	enum err e;

	if (r->depth == 0) {
		if (text[0] == '\0') {
			return ERR_OK; /* an empty file */
		}
		return diag_set(d, ERR_USAGE,
				"%s:%zu: expected settings (key: value)",
				r->file, mark->line + 1);
	}
	l = &r->stack[r->depth - 1];
	if (!l->is_sequence && !l->have_key) {
		l->have_key = true;
		return path_push(r, l->key_len, text, d, mark);
	}
	e = begin_value(r, d, mark);
	if (e == ERR_OK) {
		e = conf_set(r->conf, r->path, text);
		if (e != ERR_OK) {
			diag_set(d, e, "%s:%zu: %s", r->file, mark->line + 1,
				 err_name(e));
		} else {
			find(r->conf, r->path)->line = mark->line + 1;
		}
	}
	end_value(r);
	return e;
}

static enum err
on_event(struct reader *r, const yaml_event_t *ev, struct diag *d)
{
	switch (ev->type) {
	case YAML_MAPPING_START_EVENT:
		return on_container(r, false, d, &ev->start_mark);
	case YAML_SEQUENCE_START_EVENT:
		return on_container(r, true, d, &ev->start_mark);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		r->depth--;
		end_value(r);
		return ERR_OK;
	case YAML_SCALAR_EVENT:
		return on_scalar(r, (const char *)ev->data.scalar.value, d,
				 &ev->start_mark);
	case YAML_ALIAS_EVENT:
		return diag_set(d, ERR_USAGE,
				"%s:%zu: YAML aliases are not supported; "
				"write the value out",
				r->file, ev->start_mark.line + 1);
	default:
		return ERR_OK;
	}
}

enum err
conf_load(struct conf *c, const char *path, struct diag *d)
{
	struct reader r = { .conf = c, .file = path };
	yaml_parser_t parser;
	yaml_event_t ev;
	enum err e = ERR_OK;
	bool done = false;
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		return diag_set(d, ERR_USAGE, "%s: %s", path, strerror(errno));
	}
	if (!yaml_parser_initialize(&parser)) {
		fclose(f);
		return diag_set(d, ERR_NOMEM, "%s: out of memory", path);
	}
	/* Without memory messages lack the place, no more. */
	free(c->file);
	c->file = strdup(path);
	for (size_t i = 0; i < c->n; i++) {
		c->v[i].line = 0;
	}
	yaml_parser_set_input_file(&parser, f);
	while (!done && e == ERR_OK) {
		if (!yaml_parser_parse(&parser, &ev)) {
			e = diag_set(d, ERR_USAGE, "%s:%zu:%zu: %s", path,
				     parser.problem_mark.line + 1,
				     parser.problem_mark.column + 1,
				     parser.problem != NULL ? parser.problem
							    : "not YAML");
			break;
		}
		e = on_event(&r, &ev, d);
		done = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	fclose(f);
	return e;
}

const char *
conf_get(const struct conf *c, const char *key)
{
	const struct setting *s = c != NULL ? find(c, key) : NULL;

	return s != NULL ? s->value : NULL;
}

const char *
conf_named(const struct conf *c, const char *key)
{
	const char *v = conf_get(c, key);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

const char *
conf_str(const struct conf *c, const char *key, const char *fallback)
{
	const char *v = conf_get(c, key);

	return v != NULL ? v : fallback;
}

bool
conf_bool(const struct conf *c, const char *key, bool fallback)
{
	static const char *const yes[] = { "yes", "true", "on", "1",
					   "enabled" };
	static const char *const no[] = { "no", "false", "off", "0",
					  "disabled" };
	const char *v = conf_get(c, key);

	for (size_t i = 0; v != NULL && i < ARRAY_LEN(yes); i++) {
		if (strcasecmp(v, yes[i]) == 0) {
			return true;
		}
		if (strcasecmp(v, no[i]) == 0) {
			return false;
		}
	}
	return fallback;
}

uint64_t
conf_u64(const struct conf *c, const char *key, uint64_t fallback, uint64_t min,
	 uint64_t max)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = { { "", 0 },    { "b", 0 },    { "kb", 10 }, { "kib", 10 },
		      { "mb", 20 }, { "mib", 20 }, { "gb", 30 }, { "gib", 30 },
		      { "k", 10 },  { "m", 20 },   { "g", 30 } };
	const char *v = conf_get(c, key);
	char *end;
	unsigned long long n;

	if (v == NULL || *v < '0' || *v > '9') {
		return fallback;
	}
	errno = 0;
	n = strtoull(v, &end, 10);
	while (*end == ' ') {
		end++;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcasecmp(end, units[i].name) == 0) {
			if (errno == ERANGE ||
			    n > UINT64_MAX >> units[i].shift) {
				return max;
			}
			n <<= units[i].shift;
			return n < min ? min : n > max ? max : n;
		}
	}
	return fallback;
}

bool
conf_has(const struct conf *c, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; c != NULL && i < c->n; i++) {
		if (strncmp(c->v[i].key, key, len) == 0 &&
		    (c->v[i].key[len] == '\0' || c->v[i].key[len] == '.')) {
			return true;
		}
	}
	return false;
}

void
conf_each(const struct conf *c, const char *prefix,
	  void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	size_t len = strlen(prefix);

	for (size_t i = 0; c != NULL && i < c->n; i++) {
		if (strncmp(c->v[i].key, prefix, len) == 0) {
			fn(arg, c->v[i].key, c->v[i].value);
		}
	}
}

static bool
known(const char *key, const struct conf_key *keys, size_t n_keys)
{
	for (size_t i = 0; i < n_keys; i++) {
		size_t len = strlen(keys[i].key);

		if (len > 2 && strcmp(keys[i].key + len - 2, ".*") == 0) {
			if (strncmp(key, keys[i].key, len - 2) == 0 &&
			    (key[len - 2] == '\0' || key[len - 2] == '.')) {
				return true;
			}
		} else if (strcmp(key, keys[i].key) == 0) {
			return true;
		}
	}
	return false;
}

static enum err
unknown(const struct conf *c, const struct setting *s, const char *own,
	const char *manual, struct diag *d)
{
	char at[512] = "";

	if (s->line > 0 && c->file != NULL) {
		snprintf(at, sizeof(at), "%.400s:%zu: ", c->file, s->line);
	}
	if (strcmp(s->key, own) == 0) {
		/* "rules: x.rules" where there are only settings below it. */
		return diag_set(d, ERR_USAGE,
				"%sunknown setting '%s'; see %s for those that "
				"begin so",
				at, s->key, manual);
	}
	return diag_set(d, ERR_USAGE,
			"%sunknown setting '%s'; see %s for those below '%s'",
			at, s->key, manual, own);
}

enum err
conf_check(const struct conf *c, const struct conf_key *keys, size_t n_keys,
	   const char *const *own, const char *manual, struct diag *d)
{
	size_t foreign = 0;
	const char *example = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const char *key = c->v[i].key;
		size_t top = strcspn(key, ".");

		if (known(key, keys, n_keys)) {
			continue;
		}
		for (size_t k = 0; own[k] != NULL; k++) {
			if (strlen(own[k]) == top &&
			    strncmp(own[k], key, top) == 0) {
				return unknown(c, &c->v[i], own[k], manual, d);
			}
		}
		foreign++;
		example = key;
	}
	if (foreign > 0) {
		log_warn("%zu settings are not known to Picket and have no "
			 "effect (for example %s)",
			 foreign, example);
	}
	return ERR_OK;
}
