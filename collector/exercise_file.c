/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exercise_file.h"

#include "collector/yaml_file.h"
#include "common/clock.h"

struct reading {
	struct yaml_file *y;
	struct exercise *e;
};

static const struct yaml_kind plan_file = {
	.max = EXERCISE_FILE_MAX,
	.fault = ERR_USAGE,
	.unread = ERR_USAGE,
};

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
		yaml_file_fail(r->y, n, "no time: write 2026-11-23T09:00:00Z");
	}
}

static void
read_list(struct reading *r, const yaml_node_t *list,
	  enum err (*add)(struct exercise *e, struct view v, struct diag *d))
{
	struct diag why;

	if (list == NULL || list->type != YAML_SEQUENCE_NODE) {
		yaml_file_fail(r->y, list, "a list: [ONE, ANOTHER]");
		return;
	}
	for (const yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->y->err == ERR_OK; i++) {
		const yaml_node_t *n = yaml_file_node(r->y, *i);

		if (add(r->e, scalar(n), &why) != ERR_OK) {
			yaml_file_fail(r->y, n, "%s", why.msg);
		}
	}
}

/* What an inject says; those that come before its lists are read first. */
struct inject_nodes {
	const yaml_node_t *id, *title, *at, *until, *sources, *names, *targets,
		*sids, *indicators;
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
		      { "until", &is->until },
		      { "targets", &is->targets },
		      { "sids", &is->sids },
		      { "indicators", &is->indicators },
		      { "sources", &is->sources },
		      { "names", &is->names } };

	for (const yaml_node_pair_t *i = n->data.mapping.pairs.start;
	     i < n->data.mapping.pairs.top && r->y->err == ERR_OK; i++) {
		const yaml_node_t *k = yaml_file_node(r->y, i->key);
		bool found = false;

		for (size_t m = 0; m < ARRAY_LEN(known); m++) {
			if (is_key(k, known[m].key)) {
				*known[m].to = yaml_file_node(r->y, i->value);
				found = true;
			}
		}
		if (!found) {
			yaml_file_fail(r->y, k,
				       "%.64s: an inject has id, title, at, "
				       "until, sources, names, sids, "
				       "indicators and targets, no more",
				       yaml_file_text(k) != NULL
					       ? yaml_file_text(k)
					       : "a key");
		}
	}
}

/* What it is told by. */
static void
read_told(struct reading *r, const struct inject_nodes *is)
{
	const struct {
		const yaml_node_t *list;
		enum err (*add)(struct exercise *e, struct view v,
				struct diag *d);
	} told[] = { { is->sources, exercise_add_source },
		     { is->names, exercise_add_host },
		     { is->targets, exercise_add_target },
		     { is->sids, exercise_add_sid },
		     { is->indicators, exercise_add_value } };

	for (size_t i = 0; i < ARRAY_LEN(told) && r->y->err == ERR_OK; i++) {
		if (told[i].list != NULL) {
			read_list(r, told[i].list, told[i].add);
		}
	}
}

static void
read_inject(struct reading *r, const yaml_node_t *n)
{
	struct inject_nodes is = { 0 };
	uint64_t at_us = 0, until_us = 0;
	struct diag why;

	if (n == NULL || n->type != YAML_MAPPING_NODE) {
		yaml_file_fail(r->y, n,
			       "an inject has id, title, at, until, sources, "
			       "names, targets, sids and indicators");
		return;
	}
	find_inject(r, n, &is);
	if (r->y->err == ERR_OK && is.at != NULL) {
		read_time(r, is.at, &at_us);
	}
	if (r->y->err == ERR_OK && is.until != NULL) {
		read_time(r, is.until, &until_us);
	}
	if (r->y->err != ERR_OK) {
		return;
	}
	if (exercise_add_inject(r->e, scalar(is.id), scalar(is.title), at_us,
				&why) != ERR_OK) {
		yaml_file_fail(r->y, n, "%s", why.msg);
		return;
	}
	r->e->inject[r->e->n_injects - 1].until_us = until_us;
	read_told(r, &is);
}

static void
read_injects(struct reading *r, const yaml_node_t *list)
{
	if (list == NULL || list->type != YAML_SEQUENCE_NODE) {
		yaml_file_fail(r->y, list, "injects: a list");
		return;
	}
	for (const yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->y->err == ERR_OK; i++) {
		read_inject(r, yaml_file_node(r->y, *i));
	}
}

static void
read_member(struct reading *r, const yaml_node_t *k, const yaml_node_t *v)
{
	struct view text = scalar(v);

	if (is_key(k, "name")) {
		if (!exercise_name_ok(text)) {
			yaml_file_fail(r->y, v,
				       "name: 1 to 63 letters, digits, '.', "
				       "'_' and '-'");
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
	} else if (is_key(k, "players")) {
		read_list(r, v, exercise_add_player);
	} else if (is_key(k, "injects")) {
		read_injects(r, v);
	} else {
		yaml_file_fail(r->y, k,
			       "%.64s: an exercise has name, from, until, "
			       "ranges, players and injects, no more",
			       yaml_file_text(k) != NULL ? yaml_file_text(k)
							 : "a key");
	}
}

static void
read_root(struct yaml_file *y, yaml_node_t *root, void *arg)
{
	struct reading reading = { .y = y, .e = arg }, *r = &reading;
	struct diag why;

	if (root == NULL || root->type != YAML_MAPPING_NODE) {
		yaml_file_fail(r->y, root, "no exercise: see picketctl(1)");
		return;
	}
	for (const yaml_node_pair_t *i = root->data.mapping.pairs.start;
	     i < root->data.mapping.pairs.top && r->y->err == ERR_OK; i++) {
		read_member(r, yaml_file_node(r->y, i->key),
			    yaml_file_node(r->y, i->value));
	}
	if (r->y->err == ERR_OK && exercise_check(r->e, &why) != ERR_OK) {
		yaml_file_fail(r->y, root, "%s", why.msg);
	}
}

static enum err
settle(enum err err, struct exercise *e, struct exercise **out)
{
	if (err != ERR_OK) {
		exercise_free(e);
		return err;
	}
	*out = e;
	return ERR_OK;
}

enum err
exercise_read_yaml(struct exercise **out, const char *name, struct view text,
		   struct diag *d)
{
	struct exercise *e = exercise_new();

	*out = NULL;
	if (e == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	return settle(yaml_file_parse(&plan_file, name, text, read_root, e, d),
		      e, out);
}

enum err
exercise_load(struct exercise **out, const char *path, struct diag *d)
{
	struct exercise *e = exercise_new();

	*out = NULL;
	if (e == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	return settle(yaml_file_load(&plan_file, path, read_root, e, d), e,
		      out);
}
