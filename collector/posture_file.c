/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/posture_file.h"

#include "collector/yaml_file.h"

/* What picket-collector(8) shows under POSTURE: change both. */
static const char shipped[] =
	"levels:\n"
	"  - name: peacetime\n"
	"  - name: heightened\n"
	"    settings:\n"
	"      correlate.min-stages: 2\n"
	"      detect.thresholds.percent: 200\n"
	"      eve.alert.payload: yes\n"
	"      evidence.mode: alerts\n"
	"      forward.types: alert,anchor,anomaly,contacts,fileinfo,stats\n"
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
	"      evidence.mode: flows\n"
	"      forward.types: "
	"alert,anchor,anomaly,contacts,dns,fileinfo,http,ssh,tls,stats\n"
	"      forward.batch-ms: 25\n"
	"      forward.presence-ms: 500\n"
	"      ledger.interval: 5\n";

struct reading {
	struct yaml_file *y;
	struct posture_levels *out;
};

static const struct yaml_kind levels_file = {
	.max = POSTURE_FILE_MAX,
	.fault = ERR_USAGE,
	.unread = ERR_USAGE,
	.named = "posture.file: ",
};

static void
read_settings(struct reading *r, const yaml_node_t *map, struct posture *p)
{
	if (map == NULL || map->type != YAML_MAPPING_NODE) {
		yaml_file_fail(r->y, map,
			       "settings: write KEY: VALUE, one a line");
		return;
	}
	for (const yaml_node_pair_t *i = map->data.mapping.pairs.start;
	     i < map->data.mapping.pairs.top && r->y->err == ERR_OK; i++) {
		const yaml_node_t *k = yaml_file_node(r->y, i->key);
		const yaml_node_t *v = yaml_file_node(r->y, i->value);
		struct diag why;

		if (yaml_file_text(k) == NULL || yaml_file_text(v) == NULL) {
			yaml_file_fail(
				r->y, k,
				"settings: a key and one text each; lists "
				"are parted by commas");
		} else if (posture_get(p, yaml_file_text(k)) != NULL) {
			yaml_file_fail(r->y, k, "settings: there twice");
		} else if (posture_set(p, yaml_file_text(k), yaml_file_text(v),
				       &why) != ERR_OK) {
			yaml_file_fail(r->y, k, "%s", why.msg);
		}
	}
}

static void
read_name(struct reading *r, const yaml_node_t *n, struct posture *p)
{
	const char *name = yaml_file_text(n);

	if (name == NULL || !posture_name_ok(name)) {
		yaml_file_fail(
			r->y, n,
			"name: 1 to 31 letters, digits, '.', '_' and '-'");
	} else if (posture_levels_find(r->out, name) != NULL) {
		yaml_file_fail(r->y, n, "name: another level is called so");
	} else {
		memcpy(p->level, name, strlen(name) + 1);
	}
}

static void
read_level(struct reading *r, const yaml_node_t *n)
{
	struct posture p = { .number = r->out->n };

	if (n == NULL || n->type != YAML_MAPPING_NODE) {
		yaml_file_fail(r->y, n,
			       "levels: each has a name and may have settings");
		return;
	}
	if (r->out->n == POSTURE_MAX_LEVELS) {
		yaml_file_fail(r->y, n, "levels: more than 8");
		return;
	}
	for (const yaml_node_pair_t *i = n->data.mapping.pairs.start;
	     i < n->data.mapping.pairs.top && r->y->err == ERR_OK; i++) {
		const yaml_node_t *k = yaml_file_node(r->y, i->key);
		const yaml_node_t *v = yaml_file_node(r->y, i->value);
		const char *key = yaml_file_text(k);

		if (key != NULL && strcmp(key, "name") == 0) {
			read_name(r, v, &p);
		} else if (key != NULL && strcmp(key, "settings") == 0) {
			read_settings(r, v, &p);
		} else {
			yaml_file_fail(
				r->y, k,
				"a level has name and settings, no more");
		}
	}
	if (p.level[0] == '\0') {
		yaml_file_fail(r->y, n, "a level without a name");
	}
	if (r->y->err == ERR_OK) {
		r->out->level[r->out->n++] = p;
	}
}

static void
read_root(struct yaml_file *y, yaml_node_t *root, void *arg)
{
	struct reading reading = { .y = y, .out = arg }, *r = &reading;
	const yaml_node_t *list = NULL;

	if (root == NULL || root->type != YAML_MAPPING_NODE) {
		yaml_file_fail(r->y, root,
			       "no levels: see picket-collector(8)");
		return;
	}
	for (const yaml_node_pair_t *i = root->data.mapping.pairs.start;
	     i < root->data.mapping.pairs.top && r->y->err == ERR_OK; i++) {
		const yaml_node_t *k = yaml_file_node(r->y, i->key);

		if (yaml_file_text(k) == NULL ||
		    strcmp(yaml_file_text(k), "levels") != 0) {
			yaml_file_fail(r->y, k, "only 'levels' may stand here");
		}
		list = yaml_file_node(r->y, i->value);
	}
	if (r->y->err == ERR_OK &&
	    (list == NULL || list->type != YAML_SEQUENCE_NODE)) {
		yaml_file_fail(r->y, list, "levels: a list");
	}
	if (r->y->err != ERR_OK) {
		return;
	}
	for (const yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->y->err == ERR_OK; i++) {
		read_level(r, yaml_file_node(r->y, *i));
	}
	if (r->out->n == 0) {
		yaml_file_fail(r->y, list, "levels: at least one");
	}
}

enum err
posture_levels_read(struct posture_levels *out, const char *name,
		    struct view text, struct diag *d)
{
	memset(out, 0, sizeof(*out));
	return yaml_file_parse(&levels_file, name, text, read_root, out, d);
}

enum err
posture_levels_load(struct posture_levels *out, const char *path,
		    struct diag *d)
{
	static const char built_in[] = "the levels that come with Picket";

	memset(out, 0, sizeof(*out));
	return path != NULL
		       ? yaml_file_load(&levels_file, path, read_root, out, d)
		       : yaml_file_parse(&levels_file, built_in,
					 view_of(shipped, sizeof(shipped) - 1),
					 read_root, out, d);
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
