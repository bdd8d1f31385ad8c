/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exercise_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "common/clock.h"

struct reading {
	yaml_document_t doc;
	struct exercise *e;
	const char *name;
	struct diag *d;
	enum err err;
};

/* The first fault is kept, at the line of 'n'. */
static void
fail(struct reading *r, const yaml_node_t *n, const char *what)
{
	if (r->err == ERR_OK) {
		r->err = diag_set(r->d, ERR_USAGE, "%s:%zu: %s", r->name,
				  n != NULL ? n->start_mark.line + 1 : 1, what);
	}
}

static yaml_node_t *
node(struct reading *r, int id)
{
	return yaml_document_get_node(&r->doc, id);
}

static struct view
scalar(const yaml_node_t *n)
{
	return n != NULL && n->type == YAML_SCALAR_NODE
		       ? view_of(n->data.scalar.value, n->data.scalar.length)
		       : VIEW_NONE;
}

static bool
is_key(const yaml_node_t *n, const char *key)
{
	return view_eq(scalar(n), view_cstr(key));
}

static void
read_time(struct reading *r, const yaml_node_t *n, uint64_t *out)
{
	if (!clock_parse_iso(scalar(n), out)) {
		fail(r, n, "no time: write 2026-11-23T09:00:00Z");
	}
}

static void
read_list(struct reading *r, const yaml_node_t *list,
	  enum err (*add)(struct exercise *e, struct view v, struct diag *d))
{
	struct diag why;

	if (list == NULL || list->type != YAML_SEQUENCE_NODE) {
		fail(r, list, "a list: [ONE, ANOTHER]");
		return;
	}
	for (const yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->err == ERR_OK; i++) {
		const yaml_node_t *n = node(r, *i);

		if (add(r->e, scalar(n), &why) != ERR_OK) {
			fail(r, n, why.msg);
		}
	}
}

/* What an inject says; those that come before its lists are read first. */
struct inject_nodes {
	const yaml_node_t *id, *title, *at, *sources, *names;
};

static void
find_inject(struct reading *r, const yaml_node_t *n, struct inject_nodes *is)
{
	const struct {
		const char *key;
		const yaml_node_t **to;
	} known[] = { { "id", &is->id },
		      { "title", &is->title },
		      { "at", &is->at },
		      { "sources", &is->sources },
		      { "names", &is->names } };

	for (const yaml_node_pair_t *i = n->data.mapping.pairs.start;
	     i < n->data.mapping.pairs.top && r->err == ERR_OK; i++) {
		const yaml_node_t *k = node(r, i->key);
		bool found = false;

		for (size_t m = 0; m < ARRAY_LEN(known); m++) {
			if (is_key(k, known[m].key)) {
				*known[m].to = node(r, i->value);
				found = true;
			}
		}
		if (!found) {
			fail(r, k,
			     "an inject has id, title, at, sources and names, "
			     "no more");
		}
	}
}

static void
read_inject(struct reading *r, const yaml_node_t *n)
{
	struct inject_nodes is = { 0 };
	uint64_t at_us = 0;
	struct diag why;

	if (n == NULL || n->type != YAML_MAPPING_NODE) {
		fail(r, n, "an inject has id, title, at, sources and names");
		return;
	}
	find_inject(r, n, &is);
	if (r->err == ERR_OK && is.at != NULL) {
		read_time(r, is.at, &at_us);
	}
	if (r->err == ERR_OK &&
	    exercise_add_inject(r->e, scalar(is.id), scalar(is.title), at_us,
				&why) != ERR_OK) {
		fail(r, n, why.msg);
	}
	if (r->err == ERR_OK && is.sources != NULL) {
		read_list(r, is.sources, exercise_add_source);
	}
	if (r->err == ERR_OK && is.names != NULL) {
		read_list(r, is.names, exercise_add_host);
	}
}

static void
read_injects(struct reading *r, const yaml_node_t *list)
{
	if (list == NULL || list->type != YAML_SEQUENCE_NODE) {
		fail(r, list, "injects: a list");
		return;
	}
	for (const yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->err == ERR_OK; i++) {
		read_inject(r, node(r, *i));
	}
}

static void
read_member(struct reading *r, const yaml_node_t *k, const yaml_node_t *v)
{
	struct view text = scalar(v);

	if (is_key(k, "name")) {
		if (!exercise_name_ok(text)) {
			fail(r, v,
			     "name: 1 to 63 letters, digits, '.', '_' and '-'");
			return;
		}
		memcpy(r->e->name, text.p, text.len);
		r->e->name[text.len] = '\0';
	} else if (is_key(k, "from")) {
		read_time(r, v, &r->e->from_us);
	} else if (is_key(k, "until")) {
		read_time(r, v, &r->e->until_us);
	} else if (is_key(k, "ranges")) {
		read_list(r, v, exercise_add_range);
	} else if (is_key(k, "injects")) {
		read_injects(r, v);
	} else {
		fail(r, k,
		     "an exercise has name, from, until, ranges and injects, "
		     "no more");
	}
}

static void
read_root(struct reading *r)
{
	const yaml_node_t *root = yaml_document_get_root_node(&r->doc);
	struct diag why;

	if (root == NULL || root->type != YAML_MAPPING_NODE) {
		fail(r, root, "no exercise: see picketctl(1)");
		return;
	}
	for (const yaml_node_pair_t *i = root->data.mapping.pairs.start;
	     i < root->data.mapping.pairs.top && r->err == ERR_OK; i++) {
		read_member(r, node(r, i->key), node(r, i->value));
	}
	if (r->err == ERR_OK && exercise_check(r->e, &why) != ERR_OK) {
		fail(r, root, why.msg);
	}
}

enum err
exercise_read_yaml(struct exercise **out, const char *name, struct view text,
		   struct diag *d)
{
	struct reading r = { .name = name, .d = d };
	yaml_parser_t parser;

	*out = NULL;
	if (text.len > EXERCISE_FILE_MAX) {
		return diag_set(d, ERR_USAGE, "%s: larger than %zu bytes", name,
				EXERCISE_FILE_MAX);
	}
	r.e = exercise_new();
	if (r.e == NULL || !yaml_parser_initialize(&parser)) {
		exercise_free(r.e);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	yaml_parser_set_input_string(
		&parser, text.len > 0 ? text.p : (const uint8_t *)"", text.len);
	if (yaml_parser_load(&parser, &r.doc)) {
		read_root(&r);
		yaml_document_delete(&r.doc);
	} else {
		r.err = diag_set(d, ERR_USAGE, "%s:%zu: %s", name,
				 parser.problem_mark.line + 1,
				 parser.problem != NULL
					 ? parser.problem
					 : "no YAML that can be read");
	}
	yaml_parser_delete(&parser);
	if (r.err != ERR_OK) {
		exercise_free(r.e);
		return r.err;
	}
	*out = r.e;
	return ERR_OK;
}

enum err
exercise_load(struct exercise **out, const char *path, struct diag *d)
{
	FILE *f = fopen(path, "r");
	uint8_t *text = malloc(EXERCISE_FILE_MAX + 1);
	size_t n;
	enum err e;

	*out = NULL;
	if (f == NULL || text == NULL) {
		e = diag_set(d, f == NULL ? ERR_USAGE : ERR_NOMEM, "%s: %s",
			     path, strerror(errno));
	} else {
		n = fread(text, 1, EXERCISE_FILE_MAX + 1, f);
		e = ferror(f)
			    ? diag_set(d, ERR_USAGE, "%s: cannot be read", path)
			    : exercise_read_yaml(out, path, view_of(text, n),
						 d);
	}
	if (f != NULL) {
		fclose(f);
	}
	free(text);
	return e;
}
