/* SPDX-License-Identifier: Apache-2.0 */
/* What partners saw, what was real meanwhile, who was how fast, and what happened
 * when. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "collector/exercise_report_state.h"
#include "collector/store_cases.h"
#include "collector/store_consult.h"
#include "collector/store_exercise.h"
#include "collector/store_read.h"

static uint64_t
end_of(const struct exercise_report *x)
{
	return x->end_us != 0 && x->end_us < x->exercise->until_us
		       ? MAX(x->end_us, x->exercise->from_us)
		       : x->exercise->until_us;
}

/* --- what partners saw --- */

static void
note_told(void *arg, const struct store_exercise_told *t)
{
	struct exercise_report *x = arg;
	int inject = exercise_inject_of_value(x->exercise, view_cstr(t->value),
					      t->first_us);
	struct report_hit *h = NULL;

	for (unsigned i = 0; i < x->n_hits && h == NULL; i++) {
		if (x->hit[i].told && (int)x->hit[i].inject == inject &&
		    strcmp(x->hit[i].site, t->place) == 0) {
			h = &x->hit[i];
		}
	}
	if (inject < 0 || x->err != ERR_OK) {
		return;
	}
	if (h == NULL) {
		h = report_hit_new(x);
		if (h == NULL) {
			return;
		}
		h->inject = (unsigned)inject;
		h->told = true;
		h->first_us = t->first_us;
		snprintf(h->site, sizeof(h->site), "%s", t->place);
		snprintf(h->owner, sizeof(h->owner), "%s", t->party);
		snprintf(h->signature, sizeof(h->signature),
			 word(x->lang, "sighting of %.160s"), t->value);
	}
	h->last_us = MAX(h->last_us, t->last_us);
	h->count += t->count;
}

/* --- what was real --- */

static void
note_real(void *arg, const struct store_incident *i)
{
	struct exercise_report *x = arg;
	struct report_incident *to;

	if (i->merged_into != 0 || i->last_us < x->exercise->from_us ||
	    i->first_us >= end_of(x)) {
		return;
	}
	if (x->n_real == MAX_INCIDENTS) {
		x->real_left_out++;
		return;
	}
	to = &x->real[x->n_real++];
	*to = (struct report_incident){ .id = i->id,
					.score = i->score,
					.level = i->level,
					.first_us = i->first_us,
					.created_us = i->created_us };
	snprintf(to->title, sizeof(to->title), "%s", i->title);
	snprintf(to->lead, sizeof(to->lead), "%s", i->lead);
	snprintf(to->state, sizeof(to->state), "%s", i->state);
}

static void
note_real_bucket(void *arg, const struct store_bucket *b)
{
	struct exercise_report *x = arg;

	x->real_alerts += b->count;
}

/* --- who was how fast --- */

static int
by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct report_nation *
nation_of(struct exercise_report *x, const char *name)
{
	struct report_nation *n;

	for (unsigned i = 0; i < x->n_nations; i++) {
		if (strcmp(x->nation[i].name, name) == 0) {
			return &x->nation[i];
		}
	}
	if (x->n_nations == MAX_NATIONS) {
		return NULL;
	}
	n = &x->nation[x->n_nations++];
	snprintf(n->name, sizeof(n->name), "%s", name);
	return n;
}

/* Of each inject what the nation saw first. */
static void
measure(const struct exercise_report *x, struct report_nation *n)
{
	uint64_t after[EXERCISE_MAX_INJECTS], first;

	for (unsigned i = 0; i < x->exercise->n_injects; i++) {
		uint64_t at = x->exercise->inject[i].at_us;

		first = UINT64_MAX;
		for (unsigned k = 0; k < x->n_hits; k++) {
			const struct report_hit *h = &x->hit[k];

			if (h->inject == i && strcmp(h->owner, n->name) == 0) {
				first = MIN(first, h->first_us);
			}
		}
		n->seen += first != UINT64_MAX;
		if (first != UINT64_MAX && at != 0) {
			after[n->timed++] = first > at ? first - at : 0;
		}
	}
	if (n->timed > 0) {
		qsort(after, n->timed, sizeof(after[0]), by_number);
		n->median_us = after[(n->timed - 1) / 2];
		n->longest_us = after[n->timed - 1];
	}
}

/* --- what happened when --- */

static void PRINTF_LIKE(3, 4) add_event(struct exercise_report *x,
					uint64_t at_us, const char *fmt, ...)
{
	struct report_event *e;
	va_list ap;

	if (at_us == 0 || x->n_events == MAX_EVENTS) {
		return;
	}
	e = &x->event[x->n_events++];
	e->at_us = at_us;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
}

static void
note_consult(void *arg, const struct consult *c)
{
	struct exercise_report *x = arg;
	char name[SEVERITY_NAME_CAP + 24];

	if (strcmp(c->exercise, x->name) != 0) {
		return;
	}
	snprintf(name, sizeof(name), "%s-%" PRIu64, c->id.side, c->id.number);
	add_event(x, c->opened_us,
		  word(x->lang, "consultation %s is opened, %s leads"), name,
		  c->lead);
	for (unsigned i = 0; i < c->n_sides; i++) {
		const struct consult_side *s = &c->sides[i];

		if (s->acked) {
			add_event(x, s->acked_us,
				  word(x->lang,
				       "%s acknowledges consultation %s"),
				  s->owner, name);
		}
	}
	if (c->closed) {
		add_event(x, c->closed_us,
			  word(x->lang, "consultation %s is closed"), name);
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct report_event *x = a, *y = b;

	return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

static enum err
tell_story(struct exercise_report *x)
{
	const struct exercise *ex = x->exercise;
	enum err e;

	add_event(x, x->at_us, word(x->lang, "ordered by %s"), x->who);
	add_event(x, ex->from_us, "%s", word(x->lang, "the exercise begins"));
	if (end_of(x) <= x->now_us) {
		add_event(x, end_of(x), "%s",
			  word(x->lang, "the exercise ends"));
	}
	for (unsigned i = 0; i < ex->n_injects; i++) {
		add_event(x, ex->inject[i].at_us,
			  word(x->lang, "inject %s is to begin"),
			  ex->inject[i].id);
	}
	for (unsigned i = 0; i < x->n_hits; i++) {
		const struct report_hit *h = &x->hit[i];

		add_event(x, h->first_us,
			  word(x->lang, "inject %s is seen at %s: %s"),
			  ex->inject[h->inject].id, h->site, h->signature);
	}
	for (unsigned i = 0; i < x->n_incidents; i++) {
		add_event(x, x->incident[i].created_us,
			  word(x->lang, "incident %" PRId64 " is opened: %s"),
			  x->incident[i].id, x->incident[i].title);
	}
	for (unsigned i = 0; i < x->n_real; i++) {
		add_event(x, x->real[i].created_us,
			  word(x->lang,
			       "real incident %" PRId64 " is opened: %s"),
			  x->real[i].id, x->real[i].title);
	}
	e = store_consult_each(x->reader->db, true, STORE_MAX_ROWS,
			       note_consult, x);
	qsort(x->event, x->n_events, sizeof(*x->event), by_time);
	return e;
}

enum err
report_read_rest(struct exercise_report *x)
{
	struct store_alert_filter real = { .scope = STORE_REAL,
					   .from_us = x->exercise->from_us,
					   .to_us = end_of(x) };
	enum err e =
		store_exercise_each_told(x->reader->db, x->name, note_told, x);

	e = e == ERR_OK ? x->err : e;
	if (e == ERR_OK) {
		e = store_read_incidents(x->reader, STORE_REAL, NULL, 0,
					 STORE_MAX_ROWS, note_real, x);
	}
	if (e == ERR_OK) {
		e = store_read_timeline(x->reader, &real, 60, note_real_bucket,
					x);
	}
	for (unsigned i = 0; i < x->n_hits && e == ERR_OK; i++) {
		nation_of(x, x->hit[i].owner);
	}
	for (unsigned i = 0; i < x->n_nations && e == ERR_OK; i++) {
		measure(x, &x->nation[i]);
	}
	return e == ERR_OK ? tell_story(x) : e;
}
