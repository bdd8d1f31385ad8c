/* SPDX-License-Identifier: Apache-2.0 */
#include "common/metrics_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#define LABEL_CAP 256
#define NAME_CAP 256

/* One number, and the way to it. */
struct leaf {
	const char *part[METRICS_MAX_DEPTH]; /* borrowed from the document, or
					      * of 'index' */
	char index[METRICS_MAX_DEPTH][24];
	bool element[METRICS_MAX_DEPTH]; /* a place in a list: no name */
	unsigned depth;
	const json_t *value; /* a number or a bool; of METRIC_INFO the object */
	bool used;
	char name[NAME_CAP]; /* of one that no row names */
};

struct leaves {
	struct leaf *v;
	size_t n, cap;
	enum err err;
};

struct writer {
	FILE *f;
	const char *prefix;
};

/* ---------------------------------------------------------------- gathering */

static void
add(struct leaves *l, const struct leaf *at, const json_t *value)
{
	if (l->n == METRICS_MAX_SAMPLES) {
		l->err = ERR_LIMIT;
	}
	if (l->err != ERR_OK) {
		return;
	}
	if (l->n == l->cap) {
		size_t cap = l->cap > 0 ? 2 * l->cap : 256;
		struct leaf *v;

		v = reallocarray(l->v, cap, sizeof(*v));
		if (v == NULL) {
			l->err = ERR_NOMEM;
			return;
		}
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n] = *at;
	l->v[l->n++].value = value;
}

static const char *
element_name(const json_t *e)
{
	static const char *const keys[] = { "interface", "name", "id" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *s = json_string_value(json_object_get(e, keys[i]));

		if (s != NULL) {
			return s;
		}
	}
	return NULL;
}

static void walk(struct leaves *l, struct leaf *at, const json_t *v);

static void
walk_list(struct leaves *l, struct leaf *at, const json_t *v)
{
	unsigned d = at->depth++;
	size_t i;
	json_t *e;

	at->element[d] = true;
	json_array_foreach(v, i, e)
	{
		at->part[d] = element_name(e);
		if (at->part[d] == NULL) {
			snprintf(at->index[d], sizeof(at->index[d]), "%zu", i);
		}
		walk(l, at, e);
	}
	at->depth--;
}

static void
walk(struct leaves *l, struct leaf *at, const json_t *v)
{
	const char *key;
	json_t *e;

	if (json_is_number(v) || json_is_boolean(v)) {
		add(l, at, v);
		return;
	}
	if (at->depth == METRICS_MAX_DEPTH || l->err != ERR_OK) {
		return;
	}
	if (json_is_array(v)) {
		walk_list(l, at, v);
	} else if (json_is_object(v)) {
		unsigned d = at->depth;

		add(l, at, v); /* METRIC_INFO takes it whole */
		at->depth++;
		at->element[d] = false;
		json_object_foreach((json_t *)(uintptr_t)v, key, e)
		{
			at->part[d] = key;
			walk(l, at, e);
		}
		at->depth--;
	}
}

static const char *
part(const struct leaf *l, unsigned i)
{
	return l->part[i] != NULL ? l->part[i] : l->index[i];
}

/* ------------------------------------------------------------------ writing */

static void
put_label_value(FILE *f, const char *s)
{
	for (size_t n = 0; *s != '\0' && n < LABEL_CAP; s++, n++) {
		if (*s == '\n') {
			fputs("\\n", f);
		} else {
			if (*s == '"' || *s == '\\') {
				fputc('\\', f);
			}
			fputc(*s, f);
		}
	}
}

static void
put_head(const struct writer *w, const char *name, const char *type,
	 const char *help)
{
	fprintf(w->f, "# HELP %s%s %s\n# TYPE %s%s %s\n", w->prefix, name, help,
		w->prefix, name, type);
}

static void
put_value(const struct writer *w, const json_t *v)
{
	if (json_is_integer(v)) {
		fprintf(w->f, " %" JSON_INTEGER_FORMAT "\n",
			json_integer_value(v));
	} else if (json_is_real(v)) {
		fprintf(w->f, " %.17g\n", json_real_value(v));
	} else {
		fprintf(w->f, " %d\n", json_is_true(v));
	}
}

/* The row's stars, as {label="part",...}. */
static void
put_sample(const struct writer *w, const struct metric_row *r, const char *name,
	   const struct leaf *l)
{
	const char *p = r->path, *label = r->labels;
	bool open = false;

	fprintf(w->f, "%s%s", w->prefix, name);
	for (unsigned i = 0; i < l->depth && label != NULL; i++) {
		size_t n = strcspn(p, "."), k = strcspn(label, ",");

		if (n == 1 && *p == '*') {
			fprintf(w->f, "%c%.*s=\"", open ? ',' : '{', (int)k,
				label);
			put_label_value(w->f, part(l, i));
			fputc('"', w->f);
			open = true;
			label = label[k] == ',' ? label + k + 1 : NULL;
		}
		p += n + (p[n] == '.');
	}
	if (open) {
		fputc('}', w->f);
	}
	put_value(w, l->value);
}

static void
put_info(const struct writer *w, const char *name, const json_t *object)
{
	const char *key;
	json_t *v;
	char open = '{';

	fprintf(w->f, "%s%s", w->prefix, name);
	json_object_foreach((json_t *)(uintptr_t)object, key, v)
	{
		if (json_is_string(v)) {
			fprintf(w->f, "%c%s=\"", open, key);
			put_label_value(w->f, json_string_value(v));
			fputc('"', w->f);
			open = ',';
		}
	}
	fprintf(w->f, "%s 1\n", open == '{' ? "" : "}");
}

/* ----------------------------------------------------------------- the table */

static bool
fits(const struct metric_row *r, const struct leaf *l)
{
	const char *p = r->path;

	if (r->type != METRIC_NONE &&
	    json_is_object(l->value) != (r->type == METRIC_INFO)) {
		return false;
	}
	for (unsigned i = 0; i < l->depth; i++) {
		size_t n = strcspn(p, ".");

		if (n == 2 && p[0] == '*' && p[1] == '*') {
			return true;
		}
		if (n == 0 || (!(n == 1 && *p == '*') &&
			       (strlen(part(l, i)) != n ||
				memcmp(part(l, i), p, n) != 0))) {
			return false;
		}
		p += n + (p[n] == '.');
	}
	return *p == '\0';
}

/* The last star's part, as it may stand in a name. */
static void
star_part(const struct metric_row *r, const struct leaf *l, char out[NAME_CAP])
{
	const char *p = r->path, *last = "";
	size_t n = 0;

	for (unsigned i = 0; i < l->depth; i++) {
		size_t k = strcspn(p, ".");

		if (k == 1 && *p == '*') {
			last = part(l, i);
		}
		p += k + (p[k] == '.');
	}
	for (; *last != '\0' && n < NAME_CAP - 1; last++) {
		out[n++] = isalnum((unsigned char)*last) ? *last : '_';
	}
	out[n] = '\0';
}

/* 'text' with 'star' for each '%'. */
static void
expand(const char *text, const char *star, char out[NAME_CAP])
{
	size_t at = 0;

	for (; text != NULL && *text != '\0' && at < NAME_CAP - 1; text++) {
		if (*text != '%') {
			out[at++] = *text;
			continue;
		}
		at += (size_t)snprintf(out + at, NAME_CAP - at, "%s", star);
		at = MIN(at, (size_t)NAME_CAP - 1);
	}
	out[at] = '\0';
}

static void
put_leaf(const struct writer *w, const struct metric_row *r, const char *name,
	 const struct leaf *l)
{
	if (r->type == METRIC_INFO) {
		put_info(w, name, l->value);
	} else {
		put_sample(w, r, name, l);
	}
}

/* All of a row; of one whose name has a '%', all of that name. */
static void
put_family(const struct writer *w, const struct metric_row *r,
	   struct leaves *ls, size_t first, const char *star, bool *headed)
{
	char name[NAME_CAP], help[NAME_CAP], other[NAME_CAP];

	expand(r->name, star, name);
	expand(r->help, star, help);
	for (size_t i = first; i < ls->n; i++) {
		struct leaf *l = &ls->v[i];

		if (l->used || !fits(r, l)) {
			continue;
		}
		star_part(r, l, other);
		if (strchr(r->name, '%') != NULL && strcmp(star, other) != 0) {
			continue;
		}
		l->used = true;
		if (!*headed) {
			put_head(w, name,
				 r->type == METRIC_COUNTER ? "counter"
							   : "gauge",
				 help);
			*headed = true;
		}
		put_leaf(w, r, name, l);
	}
}

static void
put_row(const struct writer *w, const struct metric_row *r, struct leaves *ls,
	bool *headed)
{
	char star[NAME_CAP];

	for (size_t i = 0; i < ls->n; i++) {
		struct leaf *l = &ls->v[i];

		if (l->used || !fits(r, l)) {
			continue;
		}
		if (r->type == METRIC_NONE) {
			l->used = true;
			continue;
		}
		if (strchr(r->name, '%') != NULL) {
			*headed = false;
		}
		star_part(r, l, star);
		put_family(w, r, ls, i, star, headed);
	}
}

static void
put_rows(const struct writer *w, const struct metric_row *rows, size_t n,
	 struct leaves *ls)
{
	bool headed = false;

	for (size_t i = 0; i < n; i++) {
		if (i > 0 &&
		    (rows[i].name == NULL || rows[i - 1].name == NULL ||
		     strcmp(rows[i].name, rows[i - 1].name) != 0)) {
			headed = false;
		}
		put_row(w, &rows[i], ls, &headed);
	}
}

/* ------------------------------------------------------------ what has no row */

static void
make_name(struct leaf *l)
{
	size_t n = 0;

	for (unsigned i = 0; i < l->depth; i++) {
		const char *s = part(l, i);

		if (l->element[i]) {
			continue;
		}
		if (n > 0 && n < NAME_CAP - 1) {
			l->name[n++] = '_';
		}
		for (; *s != '\0' && n < NAME_CAP - 1; s++) {
			l->name[n++] = isalnum((unsigned char)*s) ? *s : '_';
		}
	}
	l->name[n] = '\0';
}

static int
by_name(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Elements of lists are told apart by the labels item, item2 ... */
static void
put_unnamed(const struct writer *w, const struct leaf *l)
{
	unsigned items = 0;

	fprintf(w->f, "%s%s", w->prefix, l->name);
	for (unsigned i = 0; i < l->depth; i++) {
		if (l->element[i]) {
			char nth[12] = "";

			if (++items > 1) {
				snprintf(nth, sizeof(nth), "%u", items);
			}
			fprintf(w->f, "%citem%s=\"", items > 1 ? ',' : '{',
				nth);
			put_label_value(w->f, part(l, i));
			fputc('"', w->f);
		}
	}
	if (items > 0) {
		fputc('}', w->f);
	}
	put_value(w, l->value);
}

/* Whether both would be the same sample: "a-b" and "a_b" have one name. */
static bool
same_sample(const struct leaf *a, const struct leaf *b)
{
	unsigned i = 0, k = 0;

	if (strcmp(a->name, b->name) != 0) {
		return false;
	}
	for (;; i++, k++) {
		while (i < a->depth && !a->element[i]) {
			i++;
		}
		while (k < b->depth && !b->element[k]) {
			k++;
		}
		if (i == a->depth || k == b->depth) {
			return i == a->depth && k == b->depth;
		}
		if (strcmp(part(a, i), part(b, k)) != 0) {
			return false;
		}
	}
}

static void
put_rest(const struct writer *w, struct leaves *ls)
{
	size_t n = 0, first = 0;

	for (size_t i = 0; i < ls->n; i++) {
		if (!ls->v[i].used && !json_is_object(ls->v[i].value)) {
			make_name(&ls->v[i]);
			ls->v[n++] = ls->v[i];
		}
	}
	qsort(ls->v, n, sizeof(*ls->v), by_name);
	for (size_t i = 0; i < n; i++) {
		const struct leaf *l = &ls->v[i];
		bool twice = false;

		if (i == 0 || strcmp(l->name, ls->v[i - 1].name) != 0) {
			put_head(w, l->name, "untyped",
				 "See the statistics of the same name.");
			first = i;
		}
		for (size_t k = first; k < i && !twice; k++) {
			twice = same_sample(&ls->v[k], l);
		}
		if (!twice) {
			put_unnamed(w, l);
		}
	}
}

enum err
metrics_text(struct view doc, const char *prefix, const struct metric_row *rows,
	     size_t n_rows, char **out, size_t *len)
{
	json_t *root = json_loadb((const char *)doc.p, doc.len, 0, NULL);
	struct leaves ls = { .err = ERR_OK };
	struct writer w = { NULL, prefix };
	struct leaf at = { .depth = 0 };
	enum err e = json_is_object(root) ? ERR_OK : ERR_FORMAT;

	*out = NULL;
	*len = 0;
	if (e == ERR_OK) {
		walk(&ls, &at, root);
		e = ls.err;
	}
	if (e == ERR_OK) {
		w.f = open_memstream(out, len);
		e = w.f != NULL ? ERR_OK : ERR_NOMEM;
	}
	if (e == ERR_OK) {
		put_rows(&w, rows, n_rows, &ls);
		put_rest(&w, &ls);
		e = ferror(w.f) ? ERR_NOMEM : ERR_OK;
		if (fclose(w.f) != 0 || e != ERR_OK) {
			free(*out);
			*out = NULL;
			e = ERR_NOMEM;
		}
	}
	free(ls.v);
	json_decref(root);
	return e;
}
