/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/posture_file.h"

#include <errno.h>
#include <stdio.h>
#include <yaml.h>

/* What picket-collector(8) shows under POSTURE: change both. */
static const char shipped[] =
	"levels:\n"
	"  - name: peacetime\n"
	"  - name: heightened\n"
	"    settings:\n"
	"      correlate.min-stages: 2\n"
	"      detect.thresholds.percent: 200\n"
	"      eve.alert.payload: yes\n"
	"      forward.types: alert,anomaly,fileinfo,stats\n"
	"      forward.batch-ms: 100\n"
	"      forward.presence-ms: 1000\n"
	"      ledger.interval: 15\n"
	"  - name: contingency\n"
	"    settings:\n"
	"      consult.level: 3\n"
	"      correlate.min-stages: 2\n"
	"      correlate.window: 172800\n"
	"      detect.thresholds.percent: 1000\n"
	"      eve.alert.payload: yes\n"
	"      eve.alert.http-body: yes\n"
	"      forward.types: alert,anomaly,dns,fileinfo,http,ssh,tls,stats\n"
	"      forward.batch-ms: 25\n"
	"      forward.presence-ms: 500\n"
	"      ledger.interval: 5\n";

struct reading {
	yaml_document_t doc;
	struct posture_levels *out;
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

static const char *
scalar(const yaml_node_t *n)
{
	return n != NULL && n->type == YAML_SCALAR_NODE &&
			       strlen((const char *)n->data.scalar.value) ==
				       n->data.scalar.length
		       ? (const char *)n->data.scalar.value
		       : NULL;
}

static void
read_settings(struct reading *r, const yaml_node_t *map, struct posture *p)
{
	if (map == NULL || map->type != YAML_MAPPING_NODE) {
		fail(r, map, "settings: write KEY: VALUE, one a line");
		return;
	}
	for (const yaml_node_pair_t *i = map->data.mapping.pairs.start;
	     i < map->data.mapping.pairs.top && r->err == ERR_OK; i++) {
		const yaml_node_t *k = yaml_document_get_node(&r->doc, i->key);
		const yaml_node_t *v =
			yaml_document_get_node(&r->doc, i->value);
		struct diag why;

		if (scalar(k) == NULL || scalar(v) == NULL) {
			fail(r, k,
			     "settings: a key and one text each; lists "
			     "are parted by commas");
		} else if (posture_get(p, scalar(k)) != NULL) {
			fail(r, k, "settings: there twice");
		} else if (posture_set(p, scalar(k), scalar(v), &why) !=
			   ERR_OK) {
			fail(r, k, why.msg);
		}
	}
}

static void
read_name(struct reading *r, const yaml_node_t *n, struct posture *p)
{
	const char *name = scalar(n);

	if (name == NULL || !posture_name_ok(name)) {
		fail(r, n, "name: 1 to 31 letters, digits, '.', '_' and '-'");
	} else if (posture_levels_find(r->out, name) != NULL) {
		fail(r, n, "name: another level is called so");
	} else {
		memcpy(p->level, name, strlen(name) + 1);
	}
}

static void
read_level(struct reading *r, const yaml_node_t *n)
{
	struct posture p = { .number = r->out->n };

	if (n == NULL || n->type != YAML_MAPPING_NODE) {
		fail(r, n, "levels: each has a name and may have settings");
		return;
	}
	if (r->out->n == POSTURE_MAX_LEVELS) {
		fail(r, n, "levels: more than 8");
		return;
	}
	for (const yaml_node_pair_t *i = n->data.mapping.pairs.start;
	     i < n->data.mapping.pairs.top && r->err == ERR_OK; i++) {
		const yaml_node_t *k = yaml_document_get_node(&r->doc, i->key);
		const yaml_node_t *v =
			yaml_document_get_node(&r->doc, i->value);
		const char *key = scalar(k);

		if (key != NULL && strcmp(key, "name") == 0) {
			read_name(r, v, &p);
		} else if (key != NULL && strcmp(key, "settings") == 0) {
			read_settings(r, v, &p);
		} else {
			fail(r, k, "a level has name and settings, no more");
		}
	}
	if (p.level[0] == '\0') {
		fail(r, n, "a level without a name");
	}
	if (r->err == ERR_OK) {
		r->out->level[r->out->n++] = p;
	}
}

static void
read_root(struct reading *r)
{
	const yaml_node_t *root = yaml_document_get_root_node(&r->doc);
	const yaml_node_t *list = NULL;

	if (root == NULL || root->type != YAML_MAPPING_NODE) {
		fail(r, root, "no levels: see picket-collector(8)");
		return;
	}
	for (const yaml_node_pair_t *i = root->data.mapping.pairs.start;
	     i < root->data.mapping.pairs.top && r->err == ERR_OK; i++) {
		const yaml_node_t *k = yaml_document_get_node(&r->doc, i->key);

		if (scalar(k) == NULL || strcmp(scalar(k), "levels") != 0) {
			fail(r, k, "only 'levels' may stand here");
		}
		list = yaml_document_get_node(&r->doc, i->value);
	}
	if (r->err == ERR_OK &&
	    (list == NULL || list->type != YAML_SEQUENCE_NODE)) {
		fail(r, list, "levels: a list");
	}
	if (r->err != ERR_OK) {
		return;
	}
	for (const yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->err == ERR_OK; i++) {
		read_level(r, yaml_document_get_node(&r->doc, *i));
	}
	if (r->out->n == 0) {
		fail(r, list, "levels: at least one");
	}
}

enum err
posture_levels_read(struct posture_levels *out, const char *name,
		    struct view text, struct diag *d)
{
	struct reading r = { .out = out, .name = name, .d = d };
	yaml_parser_t parser;

	memset(out, 0, sizeof(*out));
	if (text.len > POSTURE_FILE_MAX) {
		return diag_set(d, ERR_USAGE, "%s: larger than %zu bytes", name,
				POSTURE_FILE_MAX);
	}
	if (!yaml_parser_initialize(&parser)) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	yaml_parser_set_input_string(
		&parser, text.len > 0 ? text.p : (const uint8_t *)"", text.len);
	if (!yaml_parser_load(&parser, &r.doc)) {
		diag_set(d, ERR_USAGE, "%s:%zu: %s", name,
			 parser.problem_mark.line + 1,
			 parser.problem != NULL ? parser.problem
						: "no YAML that can be read");
		yaml_parser_delete(&parser);
		return ERR_USAGE;
	}
	read_root(&r);
	yaml_document_delete(&r.doc);
	yaml_parser_delete(&parser);
	return r.err;
}

enum err
posture_levels_load(struct posture_levels *out, const char *path,
		    struct diag *d)
{
	static const char built_in[] = "the levels that come with Picket";
	uint8_t *text;
	size_t n;
	FILE *f;
	enum err e;

	if (path == NULL) {
		return posture_levels_read(
			out, built_in, view_of(shipped, sizeof(shipped) - 1),
			d);
	}
	f = fopen(path, "r");
	text = malloc(POSTURE_FILE_MAX + 1);
	if (f == NULL || text == NULL) {
		e = diag_set(d, f == NULL ? ERR_USAGE : ERR_NOMEM,
			     "posture.file: %s: %s", path, strerror(errno));
	} else {
		n = fread(text, 1, POSTURE_FILE_MAX + 1, f);
		e = ferror(f)
			    ? diag_set(d, ERR_USAGE,
				       "posture.file: %s: cannot be read", path)
			    : posture_levels_read(out, path, view_of(text, n),
						  d);
	}
	if (f != NULL) {
		fclose(f);
	}
	free(text);
	return e;
}

const struct posture *
posture_levels_find(const struct posture_levels *l, const char *name)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (strcmp(l->level[i].level, name) == 0) {
			return &l->level[i];
		}
	}
	return NULL;
}
