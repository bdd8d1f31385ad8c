/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pipeline_case.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/case_order.h"
#include "collector/correlate_case.h"
#include "collector/mute_store.h"
#include "collector/pipeline_state.h"
#include "collector/situation.h"
#include "common/clock.h"
#include "common/log.h"

#define LOOK_US (US_PER_S / 2)
/* Orders of one look: batches wait meanwhile. */
#define AT_ONCE 16

static enum err
load_mute(void *arg, const struct mute_row *m)
{
	struct pipeline *p = arg;
	enum err e = correlate_mute(p->correlate, m->exercise,
				    (enum key_kind)m->kind, m->key);

	return e == ERR_LIMIT ? ERR_OK : e;
}

enum err
pipeline_case_load(struct pipeline *p)
{
	return mute_each(store_db(p->store), false, CORRELATE_MUTES, load_mute,
			 p);
}

static enum err
count_muted(void *arg, const char *exercise, enum key_kind kind,
	    const char *key, uint64_t alerts)
{
	struct pipeline *p = arg;

	return mute_count(store_db(p->store), exercise, kind, key, alerts);
}

enum err
pipeline_case_keep(struct pipeline *p)
{
	return correlate_each_muted(p->correlate, count_muted, p);
}

enum err
pipeline_case_log(struct pipeline *p, int64_t incident, const char *what,
		  const char *text)
{
	const struct pipeline_cases *c = &p->cases;
	char line[CASE_TEXT_CAP + 256];

	if (c->who == NULL) {
		return store_incident_log(p->store, incident, p->now_us,
					  "correlate", what, text);
	}
	snprintf(line, sizeof(line), "%s%s%s", text,
		 c->why[0] != '\0' ? ": " : "", c->why);
	return store_incident_log(p->store, incident, p->now_us, c->who, what,
				  line);
}

enum err
pipeline_case_parted(struct pipeline *p, const struct incident *i)
{
	int64_t from = i->split_from;
	char text[96];
	enum err e = ERR_OK;

	for (unsigned k = 0; k < i->n_apart && e == ERR_OK; k++) {
		e = apart_put(store_db(p->store), i->id, i->apart[k]->id,
			      p->now_us);
	}
	/* What it had in common with others is found anew. */
	if (e == ERR_OK) {
		e = situation_forget(store_db(p->store), from);
	}
	snprintf(text, sizeof(text), "was parted from incident %" PRId64, from);
	if (e == ERR_OK) {
		e = pipeline_case_log(p, i->id, "split", text);
	}
	snprintf(text, sizeof(text),
		 "incident %" PRId64 " was parted from this one", i->id);
	if (e == ERR_OK) {
		e = pipeline_case_log(p, from, "split", text);
	}
	log_info("incident %" PRId64 " was parted from incident %" PRId64,
		 i->id, from);
	return e;
}

/* ------------------------------------------------------- carrying it out */

/* What came of an order: '*refused' with the reason in 'answer'. */
struct outcome {
	bool refused;
	char answer[CASE_TEXT_CAP];
};

static enum err PRINTF_LIKE(2, 3)
	refuse(struct outcome *o, const char *fmt, ...)
{
	va_list ap;

	o->refused = true;
	va_start(ap, fmt);
	vsnprintf(o->answer, sizeof(o->answer), fmt, ap);
	va_end(ap);
	return ERR_OK;
}

static int
run_cmp(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

static bool
is_picked(void *arg, const struct run *r)
{
	const struct case_order *o = arg;

	return o->n_runs > 0 && bsearch(&r->id, o->runs, o->n_runs,
					sizeof(*o->runs), run_cmp) != NULL;
}

static enum err
not_in_memory(struct outcome *out, int64_t id)
{
	return refuse(out,
		      "there is no incident %" PRId64 " that still grows: "
		      "the number is wrong, or nothing of it was seen for "
		      "too long; picketctl incidents show %" PRId64 " tells",
		      id, id);
}

static enum err
split(struct pipeline *p, struct case_order *o, struct outcome *out)
{
	uint64_t horizon = 2 * p->cfg.correlate.window_us;
	struct incident *i = NULL;
	bool room;
	enum err e = apart_room(store_db(p->store),
				p->now_us - MIN(p->now_us, horizon), &room);

	if (e != ERR_OK) {
		return e;
	}
	if (!room) {
		return refuse(out,
			      "%d pairs of incidents are held apart: no "
			      "more can be",
			      APART_PAIRS);
	}
	e = correlate_split(p->correlate, o->incident, is_picked, o, &i);
	if (e == ERR_NOTFOUND) {
		return not_in_memory(out, o->incident);
	}
	if (e == ERR_USAGE) {
		return refuse(out, "that is none or all of incident %" PRId64,
			      o->incident);
	}
	if (e == ERR_OK) {
		e = pipeline_incidents(p);
	}
	if (e == ERR_OK) {
		snprintf(out->answer, sizeof(out->answer),
			 "incident %" PRId64 " was parted from incident "
			 "%" PRId64,
			 i->id, o->incident);
	}
	return e;
}

static enum err
merge(struct pipeline *p, struct case_order *o, struct outcome *out)
{
	int64_t into = 0;
	enum err e =
		correlate_merge(p->correlate, o->incident, o->other, &into);

	if (e == ERR_NOTFOUND) {
		return not_in_memory(
			out, correlate_find_incident(p->correlate,
						     o->incident) == NULL
				     ? o->incident
				     : o->other);
	}
	if (e == ERR_USAGE) {
		return refuse(out,
			      "incidents %" PRId64 " and %" PRId64
			      " do not go together: an exercise's and a real "
			      "one, or another exercise's, never become one",
			      o->incident, o->other);
	}
	if (e == ERR_OK) {
		e = pipeline_incidents(p);
	}
	snprintf(out->answer, sizeof(out->answer),
		 "incident %" PRId64 " is part of incident %" PRId64,
		 into == o->incident ? o->other : o->incident, into);
	return e;
}

/* The incidents that the key is part of say so. */
static enum err
log_of_key(struct pipeline *p, const struct case_order *o, const char *what,
	   const char *text)
{
	int64_t ids[64];
	unsigned n = correlate_incidents_of(p->correlate, o->exercise,
					    (enum key_kind)o->kind, o->key, ids,
					    ARRAY_LEN(ids));
	char line[SIGHTING_KEY_CAP + 96];
	enum err e = ERR_OK;

	snprintf(line, sizeof(line), "%s %s %s",
		 key_kind_name((enum key_kind)o->kind), o->key, text);
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		e = pipeline_case_log(p, ids[i], what, line);
	}
	return e;
}

static enum err
mute(struct pipeline *p, struct case_order *o, struct outcome *out)
{
	struct mute_row m = { .exercise = o->exercise,
			      .key = o->key,
			      .kind = o->kind,
			      .from_us = p->now_us,
			      .until_us = o->until_us,
			      .who = o->who,
			      .why = o->why };
	enum err e;

	if (o->kind == KEY_JA3) {
		return refuse(out, "a ja3 ties nothing together: mute the "
				   "rule");
	}
	if (o->until_us != 0 && o->until_us <= p->now_us) {
		return refuse(out, "that time is over");
	}
	e = mute_put(store_db(p->store), &m);
	if (e == ERR_LIMIT) {
		return refuse(out, "%d keys are muted: remove one", MUTES_NOW);
	}
	if (e == ERR_OK) {
		e = log_of_key(p, o, "muted", "is muted");
	}
	if (e == ERR_OK) {
		e = correlate_mute(p->correlate, o->exercise,
				   (enum key_kind)o->kind, o->key);
	}
	if (e == ERR_OK) {
		e = pipeline_incidents(p);
	}
	snprintf(out->answer, sizeof(out->answer), "%s %s is muted",
		 key_kind_name((enum key_kind)o->kind), o->key);
	return e;
}

static enum err
unmute(struct pipeline *p, struct case_order *o, struct outcome *out)
{
	enum err e = pipeline_case_keep(p);

	if (e == ERR_OK) {
		e = mute_end(store_db(p->store), o->exercise, o->kind, o->key,
			     o->who, p->now_us);
	}
	if (e == ERR_NOTFOUND) {
		return refuse(out, "%s %s is not muted",
			      key_kind_name((enum key_kind)o->kind), o->key);
	}
	if (e == ERR_OK) {
		e = log_of_key(p, o, "unmuted", "is no longer muted");
	}
	if (e == ERR_OK) {
		e = correlate_unmute(p->correlate, o->exercise,
				     (enum key_kind)o->kind, o->key);
	}
	if (e == ERR_OK) {
		e = pipeline_incidents(p);
	}
	snprintf(out->answer, sizeof(out->answer), "%s %s is no longer muted",
		 key_kind_name((enum key_kind)o->kind), o->key);
	return e;
}

static enum err
carry_out(struct pipeline *p, struct case_order *o)
{
	struct outcome out = { .answer = "" };
	enum err e;

	if (o->n_runs > 1) {
		qsort(o->runs, o->n_runs, sizeof(*o->runs), run_cmp);
	}
	switch (o->what) {
	case CASE_SPLIT:
		e = split(p, o, &out);
		break;
	case CASE_MERGE:
		e = merge(p, o, &out);
		break;
	case CASE_MUTE:
	case CASE_UNMUTE:
		e = o->kind >= KEY_KINDS   ? refuse(&out, "no kind of key")
		    : o->what == CASE_MUTE ? mute(p, o, &out)
					   : unmute(p, o, &out);
		break;
	default:
		e = refuse(&out, "no order that this version knows");
		break;
	}
	if (e == ERR_OK && o->id != 0) {
		log_info("order %" PRId64 " of %s: %s%s%s%s", o->id, o->who,
			 out.refused ? "refused: " : "", out.answer,
			 o->why[0] != '\0' ? ": " : "", o->why);
		e = case_order_answer(store_db(p->store), o->id,
				      out.refused ? CASE_REFUSED : CASE_DONE,
				      out.answer, p->now_us);
	}
	return e;
}

/* One order, which becomes true whole or not at all. */
static enum err
in_transaction(struct pipeline *p, struct case_order *o)
{
	enum err e = store_begin(p->store);

	p->cases.who = o->who;
	p->cases.why = o->why;
	if (e == ERR_OK) {
		e = carry_out(p, o);
	}
	if (e == ERR_OK) {
		e = store_commit(p->store);
	}
	p->cases.who = p->cases.why = NULL;
	if (e == ERR_OK) {
		p->committed = p->stats;
	}
	return e;
}

static enum err
note_due(void *arg, const struct mute_row *m)
{
	struct case_order *o = arg;

	o->what = CASE_UNMUTE;
	o->kind = m->kind;
	snprintf(o->who, sizeof(o->who), "%s", MUTE_BY_TIME);
	snprintf(o->exercise, sizeof(o->exercise), "%s", m->exercise);
	snprintf(o->key, sizeof(o->key), "%s", m->key);
	return ERR_OK;
}

static enum err
orders(struct pipeline *p)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < AT_ONCE && e == ERR_OK; i++) {
		struct case_order o = { .id = 0 };

		e = mute_due(store_db(p->store), p->now_us, note_due, &o);
		if (e == ERR_OK && o.what == 0) {
			e = case_order_next(store_db(p->store), &o);
		}
		if (e == ERR_OK && o.what == 0 && o.id == 0) {
			break;
		}
		if (e == ERR_OK) {
			e = in_transaction(p, &o);
		}
		case_order_fini(&o);
	}
	return e;
}

enum err
pipeline_case_turn(struct pipeline *p, struct diag *d)
{
	uint64_t now = clock_mono_us();
	enum err e;

	if (now < p->cases.next_look_us && !p->cases.refuted.more) {
		return ERR_OK;
	}
	p->cases.next_look_us = now + LOOK_US;
	p->now_us = clock_wall_us();
	e = orders(p);
	if (e == ERR_OK) {
		e = pipeline_silence_turn(p);
	}
	if (e == ERR_OK) {
		e = pipeline_refute_turn(p);
	}
	if (e == ERR_OK) {
		p->cases.failed = false;
		return p->feed != NULL ? feed_flush(p->feed, d) : ERR_OK;
	}
	if (!p->cases.failed) {
		log_warn("incidents cannot be changed, trying on: "
			 "%s",
			 store_error(p->store));
	}
	p->cases.failed = true;
	p->cases.who = p->cases.why = NULL;
	p->cases.refuted.more = false;
	store_rollback(p->store);
	p->stats = p->committed;
	if (p->feed != NULL) {
		feed_drop(p->feed);
	}
	if (pipeline_reload(p) != ERR_OK) {
		return diag_set(d, ERR_IO, "%s: %s: restart when it is mended",
				p->cfg.store, store_error(p->store));
	}
	p->warn.look = true;
	return ERR_OK;
}
