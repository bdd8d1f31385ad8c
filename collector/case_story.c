/* SPDX-License-Identifier: Apache-2.0 */
/* What happened in an incident, in order of time. */
#include <stdio.h>
#include <stdlib.h>

#include "collector/case_graph.h"
#include "common/clock.h"

#define LINE_CAP 640
/* A site, a stage, a silence is a line each; the log goes on. */
#define LINES_MAX 1024

struct line {
	uint64_t at_us;
	unsigned order; /* of two at one time, that which was told first */
	const char *kind;
	char who[128], text[LINE_CAP];
};

struct story {
	struct line *lines;
	unsigned n, cut;
};

static struct line *
add(struct story *s, uint64_t at_us, const char *kind)
{
	struct line *l;

	if (s->n == LINES_MAX) {
		s->cut++;
		return NULL;
	}
	l = &s->lines[s->n];
	*l = (struct line){ .at_us = at_us, .order = s->n, .kind = kind };
	s->n++;
	return l;
}

static const char *
member(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static void
add_sites(struct story *s, const json_t *summary)
{
	const json_t *list = json_object_get(summary, "sites"), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		uint64_t us;
		struct line *l;

		if (!clock_parse_iso(view_cstr(member(v, "first")), &us) ||
		    (l = add(s, us, "site")) == NULL) {
			continue;
		}
		snprintf(l->text, sizeof(l->text),
			 "first seen at %.200s, which is %.200s's",
			 member(v, "site"), member(v, "owner"));
	}
}

static void
add_stages(struct story *s, const json_t *summary)
{
	const json_t *list = json_object_get(summary, "stages"), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		uint64_t us;
		struct line *l;

		if (!clock_parse_iso(view_cstr(member(v, "first")), &us) ||
		    (l = add(s, us, "stage")) == NULL) {
			continue;
		}
		snprintf(l->text, sizeof(l->text), "first sign of %.200s",
			 member(v, "stage"));
	}
}

static void
add_silences(struct story *s, const json_t *summary)
{
	const json_t *list = json_object_get(summary, "silences"), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		uint64_t us;
		struct line *l;

		if (!clock_parse_iso(view_cstr(member(v, "from")), &us) ||
		    (l = add(s, us, "silence")) == NULL) {
			continue;
		}
		snprintf(l->text, sizeof(l->text),
			 "sensor %.150s at %.150s went blind: %.150s",
			 member(v, "sensor"), member(v, "site"),
			 member(v, "cause"));
	}
}

static void
on_log(void *arg, const struct store_log *g)
{
	struct line *l = add(arg, g->at_us, "log");

	if (l != NULL) {
		snprintf(l->who, sizeof(l->who), "%s", g->who);
		snprintf(l->text, sizeof(l->text), "%.60s%s%.500s", g->what,
			 g->text[0] != '\0' ? ": " : "", g->text);
	}
}

static int
line_cmp(const void *x, const void *y)
{
	const struct line *a = x, *b = y;

	if (a->at_us != b->at_us) {
		return a->at_us < b->at_us ? -1 : 1;
	}
	return a->order < b->order ? -1 : a->order > b->order;
}

enum err
case_story_json(struct store_reader *r, int64_t incident, const json_t *summary,
		struct json *j)
{
	struct story s = { .lines = malloc(LINES_MAX * sizeof(*s.lines)) };
	enum err e;

	if (s.lines == NULL) {
		return ERR_NOMEM;
	}
	add_sites(&s, summary);
	add_stages(&s, summary);
	add_silences(&s, summary);
	e = store_read_incident_log(r, incident, on_log, &s);
	if (s.n > 1) {
		qsort(s.lines, s.n, sizeof(s.lines[0]), line_cmp);
	}
	json_arr(j, "story");
	for (unsigned i = 0; i < MIN(s.n, (unsigned)STORY_MAX); i++) {
		const struct line *l = &s.lines[i];

		json_obj(j, NULL);
		json_time(j, "at", l->at_us);
		json_cstr(j, "kind", l->kind);
		json_cstr(j, "who", l->who);
		json_cstr(j, "text", l->text);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_u64(j, "story_cut",
		 s.cut + (s.n > STORY_MAX ? s.n - STORY_MAX : 0));
	free(s.lines);
	return e;
}
