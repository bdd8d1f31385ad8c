/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/indicator_json.h"

#include <stdlib.h>

#include "collector/indicator_poll_store.h"
#include "common/indicator_value.h"
#include "common/json_read.h"

/* ------------------------------------------------------------------- one row */

static void
json_texts(struct json *j, const struct indicator *i)
{
	char mark[MARKING_TEXT_CAP];

	json_cstr(j, "source", i->source);
	json_cstr(j, "source_id", i->id);
	json_cstr(j, "mark", marking_text(&i->mark, mark));
	json_u64(j, "severity", i->severity);
	if (i->confidence != INDICATOR_CONFIDENCE_UNKNOWN) {
		json_u64(j, "confidence", i->confidence);
	} else {
		json_nil(j, "confidence");
	}
	json_time_known(j, "valid_from", i->valid_from_us);
	json_time_known(j, "valid_until", i->valid_until_us);
	json_time_known(j, "modified", i->modified_us);
	json_cstr(j, "created_by", i->created_by);
	json_cstr(j, "description", i->description);
	json_cstr(j, "labels", i->labels);
	json_cstr(j, "tactic", i->tactic);
	json_cstr(j, "kill_chain", i->kill_chain);
}

/* Leaves the object open. */
static void
json_entry(struct json *j, const struct indicator_entry *e)
{
	json_obj(j, NULL);
	json_i64(j, "id", e->id);
	json_cstr(j, "kind", indicator_kind_name(e->is.kind));
	json_cstr(j, "value", e->is.value);
	json_bool(j, "exact", e->is.exact);
	json_cstr(j, "state", indicator_state_name(e->state));
	json_cstr(j, "reason", e->reason);
	json_u64(j, "change", e->change);
	json_time(j, "first", e->first_us);
	json_time(j, "changed", e->changed_us);
	json_texts(j, &e->is);
}

struct walk {
	struct store_reader *r;
	struct json *j;
	unsigned n;
	int64_t id; /* of the last */
	enum err err;
};

static void
list_one(void *arg, const struct indicator_entry *e)
{
	struct walk *w = arg;

	json_entry(w->j, e);
	json_obj_end(w->j);
	w->n++;
	w->id = e->id;
}

enum err
indicator_json_list(struct store_reader *r, const struct indicator_filter *f,
		    unsigned limit, struct json *j, const char *key,
		    int64_t *last)
{
	struct walk w = { .r = r, .j = j };
	uint64_t n[3];
	enum err e = indicator_list_counts(r, n);

	*last = 0;
	if (e != ERR_OK) {
		return e;
	}
	json_obj(j, "counts");
	for (int s = INDICATOR_OFF; s <= INDICATOR_ARMED; s++) {
		json_u64(j, indicator_state_name((enum indicator_state)s),
			 n[s]);
	}
	json_obj_end(j);
	json_arr(j, key);
	e = indicator_list(r, f, limit, list_one, &w);
	json_arr_end(j);
	if (w.n == limit) {
		*last = w.id;
	}
	return e;
}

/* ---------------------------------------------------------------- everything */

const char *
indicator_gone_word(enum indicator_gone gone)
{
	static const char *const words[] = { "in force", "revoked", "replaced",
					     "withdrawn" };

	return (size_t)gone < ARRAY_LEN(words) ? words[gone] : "?";
}

static void
put_source(void *arg, const struct indicator *i, enum indicator_gone gone,
	   uint64_t at_us)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_texts(j, i);
	json_cstr(j, "is", indicator_gone_word(gone));
	json_time(j, "at", at_us);
	json_obj_end(j);
}

static void
put_seen(void *arg, const char *site, uint64_t first_us, uint64_t last_us,
	 uint64_t count, uint64_t past)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "site", site);
	json_time(j, "first", first_us);
	json_time(j, "last", last_us);
	json_u64(j, "count", count);
	json_u64(j, "past", past);
	json_obj_end(j);
}

static void
put_log(void *arg, uint64_t at_us, const char *who, const char *what,
	const char *text)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_time(j, "at", at_us);
	json_cstr(j, "who", who);
	json_cstr(j, "what", what);
	json_cstr(j, "text", text);
	json_obj_end(j);
}

static void
show_one(void *arg, const struct indicator_entry *e)
{
	struct walk *w = arg;
	struct json *j = w->j;

	w->n++;
	if (w->err != ERR_OK) {
		return;
	}
	json_entry(j, e);
	json_arr(j, "sources");
	w->err = indicator_list_sources(w->r, e->id, put_source, j);
	json_arr_end(j);
	json_arr(j, "seen");
	if (w->err == ERR_OK) {
		w->err = indicator_list_seen(w->r, e->id, put_seen, j);
	}
	json_arr_end(j);
	json_arr(j, "log");
	if (w->err == ERR_OK) {
		w->err = indicator_list_log(w->r, e->id, put_log, j);
	}
	json_arr_end(j);
	json_obj_end(j);
}

enum err
indicator_list_canonical(struct store_reader *r, const char *word,
			 void (*fn)(void *arg, const struct indicator_entry *e),
			 void *arg, const unsigned *n)
{
	char value[INDICATOR_VALUE_CAP];
	struct indicator_filter f = { .value = value };
	enum err e = ERR_OK;
	struct diag d;
	size_t len;

	for (int k = 0; k < INDICATOR_PATTERN && e == ERR_OK && *n == 0; k++) {
		if (indicator_value_canon((enum indicator_kind)k, false,
					  view_cstr(word), value, &len,
					  &d) == ERR_OK) {
			value[len] = '\0';
			e = indicator_list(r, &f, INDICATOR_KINDS, fn, arg);
		}
	}
	return e;
}

enum err
indicator_json_show(struct store_reader *r, const struct indicator_filter *f,
		    struct json *j, unsigned *n)
{
	struct walk w = { .r = r, .j = j };
	enum err e;

	json_arr(j, "indicators");
	/* A value may be there as several kinds. */
	e = indicator_list(r, f, INDICATOR_KINDS, show_one, &w);
	if (e == ERR_OK && w.n == 0 && f->value != NULL) {
		e = indicator_list_canonical(r, f->value, show_one, &w, &w.n);
	}
	json_arr_end(j);
	*n = w.n;
	return e == ERR_OK ? w.err : e;
}

/* ------------------------------------------------------------------- imports */

static void
put_refusal(void *arg, const char *file, uint64_t line, const char *id,
	    const char *reason)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "file", file);
	json_u64(j, "line", line);
	json_cstr(j, "id", id);
	json_cstr(j, "reason", reason);
	json_obj_end(j);
}

static void
report_json(struct json *j, const struct indicator_import *i)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{ "total", i->total },         { "supported", i->supported },
		{ "refused", i->refused },     { "repeated", i->repeated },
		{ "taken", i->taken },         { "new", i->added },
		{ "changed", i->changed },     { "same", i->same },
		{ "stale", i->stale },         { "revoked", i->revoked },
		{ "held", i->held },           { "no_room", i->no_room },
		{ "withdrawn", i->withdrawn },
	};

	json_obj(j, NULL);
	json_i64(j, "id", i->id);
	json_cstr(j, "source", i->origin);
	json_cstr(j, "who", i->who);
	json_cstr(j, "state", i->state);
	json_time(j, "begun", i->begun_us);
	json_time_known(j, "ended", i->ended_us);
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		json_u64(j, rows[k].name, rows[k].n);
	}
	json_cstr(j, "error", i->error);
	json_arr(j, "refusals");
}

static void
report_one(void *arg, const struct indicator_import *i)
{
	struct walk *w = arg;

	w->n++;
	if (w->err != ERR_OK) {
		return;
	}
	report_json(w->j, i);
	w->err = indicator_list_refusals(w->r, i->id, put_refusal, w->j);
	json_arr_end(w->j);
	json_obj_end(w->j);
}

enum err
indicator_json_imports(struct store_reader *r, int64_t id, unsigned limit,
		       struct json *j, unsigned *n)
{
	struct walk w = { .r = r, .j = j };
	enum err e;

	json_arr(j, "imports");
	e = indicator_list_imports(r, id, limit, report_one, &w);
	json_arr_end(j);
	*n = w.n;
	return e == ERR_OK ? w.err : e;
}

static void
poll_one(void *arg, const struct indicator_poll_row *p)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "source", p->source);
	json_cstr(j, "url", p->url);
	json_cstr(j, "collection", p->collection);
	json_cstr(j, "added_after", p->added_after);
	json_time(j, "polled", p->polled_us);
	json_time_known(j, "whole", p->good_us);
	json_u64(j, "polls", p->polls);
	json_u64(j, "failed", p->failed);
	json_u64(j, "entries", p->entries);
	json_cstr(j, "error", p->error);
	json_obj_end(j);
}

enum err
indicator_json_polls(struct store_reader *r, struct json *j)
{
	enum err e;

	json_arr(j, "polls");
	e = indicator_poll_list(r, poll_one, j);
	json_arr_end(j);
	return e;
}

/* ------------------------------------------------------------ where it is armed */

struct answer {
	struct json_reader reader;
	struct indicator_armed is;
	uint64_t newest;
	void (*fn)(void *arg, const struct indicator_armed *a);
	void *arg;
};

static const char *
member(struct answer *a, const char *name, char *out, size_t cap)
{
	const struct json_value *v =
		json_member(&a->reader, json_root(&a->reader), view_cstr(name));

	out[0] = '\0';
	if (v != NULL && v->type == JSON_STRING) {
		snprintf(out, cap, "%.*s", (int)MIN(v->text.len, cap - 1),
			 (const char *)v->text.p);
	}
	return out;
}

static uint64_t
number(struct answer *a, const char *name)
{
	char text[24];

	return strtoull(member(a, name, text, sizeof(text)), NULL, 10);
}

static void
read_sensor(void *arg, const struct store_sensor *s)
{
	struct answer *a = arg;
	struct indicator_armed *is = &a->is;
	uint64_t epoch = 0, v = 0;

	*is = (struct indicator_armed){ .sensor = s };
	if (json_read(&a->reader, view_cstr(s->presence))) {
		member(a, "indicator_version", is->version,
		       sizeof(is->version));
		is->known = delta_version_read(is->version, &epoch, &v) &&
			    epoch > 0;
		is->armed = number(a, "indicators_armed");
		is->refused = number(a, "indicators_refused");
		is->forged = number(a, "indicators_forged");
		is->lag_us = number(a, "indicators_lag_us");
		is->patterns = number(a, "patterns");
		is->patterns_wait = number(a, "patterns_wait");
		is->patterns_lag_us = number(a, "patterns_lag_us");
		member(a, "patterns_refused", is->patterns_refused,
		       sizeof(is->patterns_refused));
	}
	is->behind = a->newest > v ? a->newest - v : 0;
	a->fn(a->arg, is);
}

enum err
indicator_armed_each(struct store_reader *r, uint64_t newest,
		     void (*fn)(void *arg, const struct indicator_armed *a),
		     void *arg)
{
	struct answer a = { .newest = newest, .fn = fn, .arg = arg };
	enum err e;

	json_reader_init(&a.reader);
	e = store_read_sensors(r, read_sensor, &a);
	json_reader_fini(&a.reader);
	return e;
}

static void
put_armed(void *arg, const struct indicator_armed *a)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "site", a->sensor->site);
	json_cstr(j, "sensor", a->sensor->sensor);
	json_cstr(j, "state", a->sensor->state);
	json_cstr(j, "version", a->version);
	if (a->known) {
		json_u64(j, "behind", a->behind);
	} else {
		json_nil(j, "behind");
	}
	json_u64(j, "armed", a->armed);
	json_u64(j, "refused", a->refused);
	json_u64(j, "forged", a->forged);
	json_u64(j, "lag_us", a->lag_us);
	json_u64(j, "patterns", a->patterns);
	json_bool(j, "patterns_wait", a->patterns_wait > 0);
	json_u64(j, "patterns_lag_us", a->patterns_lag_us);
	json_cstr(j, "patterns_refused", a->patterns_refused);
	json_obj_end(j);
}

enum err
indicator_json_armed(struct store_reader *r, struct json *j)
{
	uint64_t newest = indicator_changes_version(r);
	enum err e;

	json_u64(j, "version", newest);
	json_arr(j, "sensors");
	e = indicator_armed_each(r, newest, put_armed, j);
	json_arr_end(j);
	return e;
}
