/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sink.h"

#include <assert.h>
#include <stdlib.h>

#include "rules/ioc_pattern_prog.h"
#include "rules/rule_prog.h"
#include "sensor/eve_writer.h"
#include "sensor/forward.h"
#include "sensor/sink_order.h"

/* Rounds that wait for the writer, live: with 20 a second, one and a half. */
#define LIVE_PARCELS PARCELS_MAX
#define ANY_SEVERITY 255

/* A claim, and where it stands among the claims of its slot. */
struct turn {
	struct sink_slot slot;
	uint64_t turn;
	uint64_t prog;
};

struct sink {
	struct sink_settings set;
	struct eve_writer *writer;
	struct threshold_table *thresholds;
	struct held *held;
	struct sink_order order; /* of the round at hand */
	struct turn *turns; /* claims of a round, in the order to settle them */
	size_t n_turns, cap_turns;
	struct sink_counters count;
	struct sink_counters told; /* with the writer's */
	/* Live, for the round at hand: what is said in spite of the writer's
	 * being behind. */
	unsigned severity_max; /* 0: no alert */
	bool spare_events;
	struct outbox lines; /* sink_line(), live */
	/* Of what the writer could not take, what the forwarder would have:
	 * by severity 1, 2, 3 and others, as far as it was not told yet. */
	uint64_t behind[4];
	uint64_t no_memory[4]; /* likewise */
	struct forward *forward;
};

enum err
sink_open(struct sink **out, const struct sink_settings *set, struct diag *d)
{
	struct sink *s = calloc(1, sizeof(*s));
	struct eve_writer_settings w = {
		.path = set->eve_path,
		.eve_types = set->eve_types,
		.forward_types = set->forward_types,
		.verdict = set->verdict,
		.parcels = set->live ? LIVE_PARCELS : 0,
		.stop = set->stop,
		.drain_us = set->drain_us,
	};
	enum err e;

	*out = NULL;
	if (s == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	s->set = *set;
	s->severity_max = ANY_SEVERITY;
	s->spare_events = true;
	s->thresholds = threshold_table_new(set->threshold_entries);
	if (s->thresholds != NULL && set->threshold_percent != 0) {
		threshold_set_percent(s->thresholds, set->threshold_percent);
	}
	s->held = held_new();
	e = s->thresholds != NULL && s->held != NULL
		    ? eve_writer_open(&s->writer, &w, d)
		    : diag_set(d, ERR_NOMEM, "out of memory");
	if (e != ERR_OK) {
		(void)sink_close(s);
		return e;
	}
	*out = s;
	return ERR_OK;
}

void
sink_set_posture(struct sink *s, uint32_t eve_types, uint32_t forward_types,
		 unsigned threshold_percent)
{
	s->set.eve_types = eve_types;
	s->set.forward_types = forward_types;
	eve_writer_set_types(s->writer, eve_types, forward_types);
	threshold_set_percent(s->thresholds, threshold_percent);
}

void
sink_set_forward(struct sink *s, struct forward *f)
{
	s->forward = f;
	eve_writer_forward(s->writer, f);
}

void
sink_flush(struct sink *s)
{
	eve_writer_flush(s->writer);
}

void
sink_wait(struct sink *s)
{
	eve_writer_wait(s->writer);
}

uint64_t
sink_mark(struct sink *s)
{
	return eve_writer_mark(s->writer);
}

bool
sink_passed(struct sink *s, uint64_t mark)
{
	return eve_writer_passed(s->writer, mark);
}

void
sink_end_live(struct sink *s)
{
	s->set.live = false;
	s->severity_max = ANY_SEVERITY;
	s->spare_events = true;
}

void
sink_line(struct sink *s, enum event_type type, struct view line)
{
	struct record r = { .type = type };
	struct outbox *box = &s->lines;

	if (!s->set.live) {
		eve_writer_line(s->writer, type, line);
		return;
	}
	outbox_reset(box);
	outbox_put(box, &r, line);
	sink_round(s, &box, 1);
	sink_flush(s);
}

void
sink_alert(struct sink *s, uint8_t severity, struct view line)
{
	struct record r = { .type = EVENT_TYPE_ALERT, .severity = severity };
	struct outbox *box = &s->lines;

	outbox_reset(box);
	outbox_put(box, &r, line);
	sink_round(s, &box, 1);
	sink_flush(s);
}

/*
 * How far the writer is behind decides what the round at hand is still worth:
 * first what is no alert is lost, then alerts from the least severe up.
 */
static void
note_room(struct sink *s)
{
	unsigned room = eve_writer_room(s->writer);

	s->spare_events = room > LIVE_PARCELS / 2;
	s->severity_max = room > LIVE_PARCELS / 4   ? ANY_SEVERITY
			  : room > LIVE_PARCELS / 8 ? 2
			  : room > 0                ? 1
						    : 0;
}

/* For the forwarder's book: there was no memory for the line of 'r'. */
static void
note_no_memory(struct sink *s, const struct record *r)
{
	s->no_memory[r->severity - 1U < 3 ? r->severity - 1U : 3] +=
		s->set.forward_types >> r->type & 1;
}

/* The line of 'r' is lost for want of memory. */
static void
lose(struct sink *s, const struct record *r)
{
	s->count.lost++;
	if (r->rule != NULL ? record_is_said(r) : r->len > 0) {
		note_no_memory(s, r);
	}
}

/* Live: whether the line of 'r' is still taken; counted when not. */
static bool
is_spared(struct sink *s, const struct record *r)
{
	bool alert = r->type == EVENT_TYPE_ALERT;
	bool spared =
		alert ? r->severity <= s->severity_max && s->severity_max > 0
		      : s->spare_events;

	if (!spared) {
		s->count.behind_alerts += alert;
		s->count.behind_events += !alert;
		s->behind[r->severity - 1U < 3 ? r->severity - 1U : 3] +=
			s->set.forward_types >> r->type & 1;
	}
	return spared;
}

/* HELD_NOT: the alert is said. */
static enum held_cause
cause_of(struct sink *s, const struct record *r)
{
	if (r->held != HELD_NOT) {
		return (enum held_cause)r->held;
	}
	switch (threshold_check(s->thresholds, r->rule, &r->key, r->ts_us)) {
	case THRESHOLD_BY_LIMIT:
		return HELD_THRESHOLD;
	case THRESHOLD_BY_FILTER:
		return HELD_DETECTION_FILTER;
	case THRESHOLD_BY_RATE:
		return HELD_RATE_FILTER;
	case THRESHOLD_PASS:
		break;
	}
	return HELD_NOT;
}

/* Whether the line of 'r' goes out, which is decided here, in its turn; with
 * what was held back of its rule before, or NULL. */
static bool
goes_out(struct sink *s, const struct record *r, struct held_rule **news)
{
	*news = NULL;
	if (r->unmet || (r->len == 0 && r->rule == NULL)) {
		s->count.unmet += r->unmet && r->rule != NULL;
		return false;
	}
	if (r->rule != NULL) {
		enum held_cause c = cause_of(s, r);

		if (c != HELD_NOT) {
			s->count.suppressed += c <= HELD_RATE_FILTER;
			held_add(s->held, r->rule, c);
			if (c == HELD_NO_MEMORY) {
				note_no_memory(s, r);
			}
			return false;
		}
		s->count.threshold_evicted = threshold_evicted(s->thresholds);
	}
	if (s->set.live && !is_spared(s, r)) {
		return false;
	}
	s->count.alerts += r->type == EVENT_TYPE_ALERT;
	if (r->rule != NULL) {
		*news = held_news(s->held, r->rule);
	}
	return true;
}

static int
by_turn(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->slot.order != y->slot.order || x->slot.sub != y->slot.sub ||
	    x->slot.box != y->slot.box) {
		return sink_order_compare(&x->slot, &y->slot);
	}
	if (x->turn != y->turn) {
		return x->turn < y->turn ? -1 : 1;
	}
	return x->prog < y->prog ? -1 : x->prog > y->prog;
}

static void
settle(struct sink *s, const struct outbox *box, struct record *r)
{
	struct shared_claim c = outbox_claim(box, r);

	r->unmet =
		s->set.shared == NULL || !shared_state_apply(s->set.shared, &c);
}

/* Patterns come behind all rules, in their own order. */
static uint64_t
claim_order(const struct shared_claim *c)
{
	return c->prog != NULL ? c->prog->order
			       : UINT64_C(1) << 32 | c->pattern->number;
}

/* All claims of the round, before anything of it is written. */
static void
settle_claims(struct sink *s, struct outbox *const *boxes, size_t n)
{
	s->n_turns = 0;
	for (size_t i = 0; i < n; i++) {
		const struct sink_slot *slot = &s->order.slots[i];
		const struct record *r = &boxes[slot->box]->rec[slot->index];
		struct turn *p = s->turns;

		if (!claim_is_made(&r->claim)) {
			continue;
		}
		if (s->n_turns == s->cap_turns) {
			p = realloc(p, (s->cap_turns * 2 + 64) * sizeof(*p));
			if (p == NULL) {
				lose(s, r);
				boxes[slot->box]->rec[slot->index].len = 0;
				boxes[slot->box]->rec[slot->index].rule = NULL;
				continue;
			}
			s->turns = p;
			s->cap_turns = s->cap_turns * 2 + 64;
		}
		p[s->n_turns++] =
			(struct turn){ *slot, r->turn, claim_order(&r->claim) };
	}
	if (s->n_turns > 1) {
		qsort(s->turns, s->n_turns, sizeof(*s->turns), by_turn);
	}
	for (size_t i = 0; i < s->n_turns; i++) {
		struct outbox *box = boxes[s->turns[i].slot.box];

		settle(s, box, &box->rec[s->turns[i].slot.index]);
	}
}

/*
 * Without memory to sort: late order beats loss, and what rules ask of shared
 * state is settled all the same.
 */
static void
take_unsorted(struct sink *s, struct outbox *const *boxes, unsigned n)
{
	struct held_rule *news;

	for (unsigned i = 0; i < n; i++) {
		for (size_t k = 0; k < boxes[i]->n; k++) {
			struct record *r = &boxes[i]->rec[k];

			if (claim_is_made(&r->claim)) {
				settle(s, boxes[i], r);
			}
			if (!goes_out(s, r, &news)) {
				continue;
			}
			if (s->set.live) {
				lose(s, r);
				s->count.alerts -= r->type == EVENT_TYPE_ALERT;
			} else {
				eve_writer_record(s->writer, boxes[i], r, news);
			}
		}
	}
}

/* Live, without room: a round that nobody will read.  Shared state and
 * thresholds go on as if it were written. */
static void
pass_over(struct sink *s, struct outbox *const *boxes, unsigned n, size_t total)
{
	if (!sink_order_reserve(&s->order, total)) {
		for (unsigned i = 0; i < n; i++) {
			for (size_t k = 0; k < boxes[i]->n; k++) {
				lose(s, &boxes[i]->rec[k]);
			}
		}
		return;
	}
	total = sink_order_line_up(&s->order, boxes, n);
	settle_claims(s, boxes, total);
	for (size_t i = 0; i < total; i++) {
		const struct sink_slot *at = &s->order.slots[i];
		struct held_rule *news;

		(void)goes_out(s, &boxes[at->box]->rec[at->index], &news);
	}
}

/* The forwarder's ledger has all that was raised, said or not. */
static void
tell_lost(struct sink *s, enum ledger_lost cause, uint64_t lost[4])
{
	for (unsigned c = 0; c < 4; c++) {
		if (lost[c] > 0 && s->forward != NULL) {
			forward_lost(s->forward, cause, (uint8_t)(c + 1),
				     lost[c]);
		}
		lost[c] = 0;
	}
}

/* Adds what would have been forwarded, by class. */
static void
add_forwarded(const struct sink *s, const uint64_t severity[4],
	      const uint64_t type[EVENT_TYPE_COUNT], uint64_t out[4])
{
	for (unsigned c = 0; c < 4; c++) {
		if ((s->set.forward_types >> EVENT_TYPE_ALERT & 1) != 0) {
			out[c] += severity[c];
		}
	}
	for (unsigned t = 0; t < EVENT_TYPE_COUNT; t++) {
		if ((s->set.forward_types >> t & 1) != 0) {
			out[3] += type[t];
		}
	}
}

/* What workers had no more room, or no memory, for. */
static void
count_box(struct sink *s, const struct outbox *box)
{
	s->count.behind_alerts += box->full_alerts;
	s->count.behind_events += box->full_events;
	s->count.behind_claims += box->full_claims;
	s->count.lost += box->lost;
	if (box->full_suppressed > 0) {
		held_add_unnamed(s->held, HELD_SUPPRESS, box->full_suppressed);
	}
	add_forwarded(s, box->full_severity, box->full_type, s->behind);
	add_forwarded(s, box->lost_severity, box->lost_type, s->no_memory);
}

static void
merge_round(struct sink *s, struct outbox *const *boxes, unsigned n)
{
	struct parcel *p;
	size_t total = 0;

	assert(n <= PARCEL_BOXES);
	for (unsigned i = 0; i < n; i++) {
		total += boxes[i]->n;
		count_box(s, boxes[i]);
	}
	if (total == 0) {
		return;
	}
	if (s->set.live) {
		note_room(s);
		if (s->severity_max == 0) {
			pass_over(s, boxes, n, total);
			return;
		}
	}
	p = eve_writer_take(s->writer);
	if (!sink_order_reserve(&s->order, total) ||
	    !parcel_reserve(p, total)) {
		take_unsorted(s, boxes, n);
		return;
	}
	total = sink_order_line_up(&s->order, boxes, n);
	settle_claims(s, boxes, total);
	for (size_t i = 0; i < total; i++) {
		const struct sink_slot *at = &s->order.slots[i];
		struct held_rule *news;

		if (goes_out(s, &boxes[at->box]->rec[at->index], &news)) {
			parcel_add(p, at->box, at->index, news);
		}
	}
	if (p->n == 0) {
		return; /* it is there for the next round */
	}
	for (unsigned i = 0; i < n; i++) {
		outbox_swap(boxes[i], &p->box[i]);
	}
	eve_writer_hand(s->writer, p);
}

void
sink_round(struct sink *s, struct outbox *const *boxes, unsigned n)
{
	merge_round(s, boxes, n);
	/* at the end of live capture too: workers may have had no room */
	tell_lost(s, LEDGER_LOST_writer, s->behind);
	tell_lost(s, LEDGER_LOST_no_memory, s->no_memory);
}

void
sink_reopen(struct sink *s)
{
	if (s->set.live) {
		eve_writer_reopen_soon(s->writer);
	} else {
		eve_writer_reopen(s->writer);
	}
}

bool
sink_reader_gone(const struct sink *s)
{
	return eve_writer_reader_gone(s->writer);
}

const struct held *
sink_held(const struct sink *s)
{
	return s->held;
}

const struct sink_counters *
sink_counters(struct sink *s)
{
	struct eve_writer_counters now;
	const struct eve_writer_counters *w = &now;

	if (s->set.live) {
		eve_writer_counters_now(s->writer, &now);
	} else {
		eve_writer_wait(s->writer);
		w = eve_writer_counters(s->writer);
	}
	s->told = s->count;
	memcpy(s->told.events, w->events, sizeof(s->told.events));
	s->told.lost += w->lost;
	s->told.forwarded = w->forwarded;
	s->told.bytes = w->bytes;
	s->told.write_errors = w->write_errors;
	s->told.unwritten = w->unwritten;
	return &s->told;
}

enum err
sink_close(struct sink *s)
{
	enum err e;

	if (s == NULL) {
		return ERR_OK;
	}
	e = eve_writer_close(s->writer);
	threshold_table_free(s->thresholds);
	held_free(s->held);
	outbox_fini(&s->lines);
	sink_order_fini(&s->order);
	free(s->turns);
	free(s);
	return e;
}
