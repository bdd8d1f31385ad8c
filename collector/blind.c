/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/blind.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/clock.h"

#define FLOWS_LEAST 20 /* fewer tell nothing of both sides */

const struct blind_config blind_defaults = {
	.tap_silent_us = 30 * US_PER_S,
	.tap_floor = 1,
	.drop_percent = 1,
	.one_way_percent = 50,
	.clock_us = 15 * US_PER_S,
	.window_us = 30 * US_PER_S,
	.gap_us = 30 * US_PER_S,
};

static const char *const names[BLIND_CAUSES] = {
#define X(name) #name,
	BLIND_CAUSE_LIST(X)
#undef X
};

const char *
blind_cause_name(enum blind_cause c)
{
	return c < BLIND_CAUSES ? names[c] : "unknown";
}

enum blind_cause
blind_cause_find(const char *name)
{
	unsigned c = 0;

	while (c < BLIND_CAUSES && strcmp(names[c], name) != 0) {
		c++;
	}
	return (enum blind_cause)c;
}

/* --- one look's changes --- */

struct look {
	struct blind *b;
	const struct blind_config *c;
	const struct blind_facts *f;
	struct blind_span *out;
	unsigned n;
	uint64_t at_us; /* of the ledger: see right_us() */
};

static struct blind_span *
change(struct look *k, enum blind_cause cause, uint64_t from_us, uint64_t to_us)
{
	struct blind_span *s = &k->out[k->n++];

	*s = (struct blind_span){ .cause = cause,
				  .from_us = from_us,
				  .to_us = to_us };
	if (cause == BLIND_overload) {
		s->all_from = k->b->overload.all_from;
		s->payload_from = k->b->overload.payload_from;
	}
	return s;
}

static void set(struct look *k, enum blind_cause cause, bool blind,
		uint64_t since_us, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* The cause holds, since then, or does not. */
static void
set(struct look *k, enum blind_cause cause, bool blind, uint64_t since_us,
    const char *fmt, ...)
{
	uint64_t *open = &k->b->open_us[cause];
	struct blind_span *s;
	va_list ap;

	if (blind == (*open != 0)) {
		return;
	}
	if (!blind) {
		(void)change(k, cause, *open, MAX(k->f->now_us, *open + 1));
		*open = 0;
		return;
	}
	*open = MAX(since_us, UINT64_C(1));
	s = change(k, cause, *open, 0);
	va_start(ap, fmt);
	vsnprintf(s->detail, sizeof(s->detail), fmt, ap);
	va_end(ap);
}

/* --- causes that a window shows --- */

/*
 * When a ledger was written, on a clock that is right: windows that are
 * measured with one that was stepped hold what happened long ago, or make a
 * moment of silence a long one.
 */
static uint64_t
right_us(const struct look *k, const struct ledger *l)
{
	uint64_t now = k->f->now_us;
	uint64_t off = l->at_us > now ? l->at_us - now : now - l->at_us;

	return off <= k->c->clock_us ? l->at_us : now;
}

static struct blind_sample
sample_of(const struct ledger *l, uint64_t at_us)
{
	struct blind_sample s = { .at_us = at_us,
				  .flows = l->tcp_flows,
				  .one_way = l->tcp_one_way,
				  .given_up = blind_given_up_of(l) };

	for (unsigned i = 0; i < l->n_links; i++) {
		s.seen += l->link[i].kernel_seen;
		s.dropped += l->link[i].kernel_dropped + l->link[i].unread;
	}
	for (unsigned i = 0; i < LEDGER_LOSTS; i++) {
		if (i != LEDGER_LOST_overload && i != LEDGER_LOST_writer &&
		    i != LEDGER_LOST_killed) {
			s.lost += ledger_sum(l->lost[i]);
		}
	}
	for (unsigned i = 0; i < LEDGER_GONES; i++) {
		s.lost += ledger_sum(l->gone[i]);
	}
	return s;
}

static const struct blind_sample *
previous(const struct blind *b)
{
	return b->n_samples > 0 ? &b->sample[(b->n_samples - 1) % BLIND_SAMPLES]
				: NULL;
}

/*
 * What the newest is held against: the oldest sample within the window, or if
 * the sensor said nothing for longer than that, the one before.
 */
static const struct blind_sample *
oldest(const struct blind *b, const struct blind_sample *now, uint64_t window)
{
	const struct blind_sample *best = previous(b);

	for (unsigned i = 0; i < b->n_samples && i < BLIND_SAMPLES; i++) {
		const struct blind_sample *s = &b->sample[i];

		if (s->at_us + window >= now->at_us && s->at_us < best->at_us) {
			best = s;
		}
	}
	return best;
}

/* A cause that is over when it was not so for a whole window. */
static void
set_windowed(struct look *k, enum blind_cause cause, bool bad,
	     uint64_t since_us, const char *detail)
{
	struct blind *b = k->b;
	uint64_t now = k->f->now_us;

	if (bad) {
		b->bad_us[cause] = now;
		set(k, cause, true, since_us, "%s", detail);
	} else if (now >= b->bad_us[cause] + k->c->window_us) {
		set(k, cause, false, 0, "%s", "");
	}
}

/*
 * Who was not seen may change while it lasts: then one interval ends and the
 * next begins.  What is worse was so from the ledger before on, and what is
 * better is so from this one on.
 */
static void
look_at_overload(struct look *k, const struct blind_sample *s,
		 const struct blind_sample *p)
{
	struct blind_overload *o = &k->b->overload;
	uint64_t *open = &k->b->open_us[BLIND_overload];
	uint64_t since = p->at_us;
	char detail[BLIND_DETAIL_CAP];
	unsigned all, payload;

	blind_overload_mark(o, &s->given_up, &p->given_up, k->f->now_us);
	blind_overload_from(o, k->f->now_us, k->c->window_us, &all, &payload);
	if (MIN(all, payload) == BLIND_NOBODY) {
		set(k, BLIND_overload, false, 0, "%s", "");
		return;
	}
	if (*open != 0 && (all != o->all_from || payload != o->payload_from)) {
		bool worse = all < o->all_from || payload < o->payload_from;

		since = MAX(worse ? p->at_us : k->at_us, *open);
		if (since > *open) {
			(void)change(k, BLIND_overload, *open, since);
		}
		*open = 0; /* and opens again */
	}
	if (*open == 0) {
		o->all_from = all;
		o->payload_from = payload;
		blind_overload_describe(o, &s->given_up, &p->given_up, detail,
					sizeof(detail));
		set(k, BLIND_overload, true, since, "%s", detail);
	}
}

static void
look_at_rates(struct look *k, const struct blind_sample *s)
{
	const struct blind_sample *p = previous(k->b);
	const struct blind_sample *o;
	uint64_t seen, dropped, flows, one_way;
	char detail[BLIND_DETAIL_CAP];

	if (p == NULL) {
		return;
	}
	o = oldest(k->b, s, k->c->window_us);
	seen = s->seen - MIN(o->seen, s->seen);
	dropped = s->dropped - MIN(o->dropped, s->dropped);
	snprintf(detail, sizeof(detail), "%" PRIu64 " of %" PRIu64 " packets",
		 dropped, seen);
	set_windowed(k, BLIND_kernel_drops,
		     dropped > 0 && (double)dropped * 100 >
					    k->c->drop_percent * (double)seen,
		     o->at_us, detail);
	flows = s->flows - MIN(o->flows, s->flows);
	one_way = s->one_way - MIN(o->one_way, s->one_way);
	snprintf(detail, sizeof(detail),
		 "one side only of %" PRIu64 " of %" PRIu64 " TCP flows",
		 one_way, flows);
	set_windowed(k, BLIND_one_way,
		     flows >= FLOWS_LEAST &&
			     (double)one_way * 100 >
				     k->c->one_way_percent * (double)flows,
		     o->at_us, detail);
	snprintf(detail, sizeof(detail), "%" PRIu64 " events",
		 s->lost - MIN(p->lost, s->lost));
	set_windowed(k, BLIND_events_lost, s->lost > p->lost, p->at_us, detail);
	look_at_overload(k, s, p);
}

/* --- taps --- */

static struct blind_tap *
tap_of(struct blind *b, const struct ledger_link *l, uint64_t at_us)
{
	struct blind_tap *t;

	for (unsigned i = 0; i < b->n_taps; i++) {
		if (strcmp(b->tap[i].name, l->name) == 0) {
			return &b->tap[i];
		}
	}
	if (b->n_taps == LEDGER_LINKS) {
		return NULL;
	}
	t = &b->tap[b->n_taps++];
	*t = (struct blind_tap){ .delivered = l->delivered,
				 .first = l->delivered,
				 .first_us = at_us,
				 .changed_us = at_us };
	memcpy(t->name, l->name, sizeof(t->name));
	return t;
}

/* Whether it was more than a trickle, while there was anything. */
static bool
had_traffic(const struct blind_tap *t, const struct ledger *l, double floor)
{
	uint64_t from = MIN(l->started_us, t->first_us);
	double s = (double)(t->changed_us - MIN(from, t->changed_us)) /
		   (double)US_PER_S;

	return t->delivered > 0 && (double)t->delivered >= floor * MAX(s, 1.0);
}

static void
look_at_taps(struct look *k, const struct ledger *l)
{
	const char *down = NULL, *silent = NULL;
	uint64_t since = 0;

	for (unsigned i = 0; i < l->n_links; i++) {
		const struct ledger_link *link = &l->link[i];
		struct blind_tap *t = tap_of(k->b, link, k->at_us);

		if (t != NULL && link->delivered != t->delivered) {
			t->delivered = link->delivered;
			t->changed_us = k->at_us;
		}
		if (!link->up) {
			down = link->name;
		} else if (t != NULL &&
			   k->at_us >= t->changed_us + k->c->tap_silent_us &&
			   had_traffic(t, l, k->c->tap_floor)) {
			silent = link->name;
			since = t->changed_us;
		}
	}
	set(k, BLIND_interface_down, down != NULL, k->at_us, "%s",
	    down != NULL ? down : "");
	set(k, BLIND_tap_silent, silent != NULL, since, "%s",
	    silent != NULL ? silent : "");
}

/* --- the look --- */

/*
 * Counters of another run of the program say nothing of this one's, which began
 * at nothing: packets' do, while events are counted over all runs.  What is lost
 * beyond the last account of the run before is news: a sensor that is started
 * while it is cut off tells of it for the first time when it is back.
 */
static void
forget_program(struct look *k, const struct ledger *l,
	       const struct blind_sample *s)
{
	struct blind *b = k->b;
	uint64_t ran_us = l->at_us - MIN(l->started_us, l->at_us);
	const struct blind_sample *former = previous(b);
	uint64_t lost = former != NULL ? MIN(former->lost, s->lost) : s->lost;

	if (b->started_us == l->started_us) {
		return;
	}
	b->started_us = l->started_us;
	b->n_taps = 0;
	b->sample[0] = (struct blind_sample){
		.at_us = k->at_us - MIN(ran_us, k->at_us),
		.lost = lost,
		.given_up.passed = s->given_up.passed,
	};
	b->n_samples = 1;
}

static void
look_at_clock(struct look *k, const struct ledger *l)
{
	uint64_t now = k->f->now_us;
	uint64_t off = l->at_us > now ? l->at_us - now : now - l->at_us;

	/* The first ledger that a collector sees may have waited for it. */
	if (k->b->told_us == 0) {
		return;
	}
	set(k, BLIND_clock, off > k->c->clock_us, now, "%.1f s %s",
	    (double)off / (double)US_PER_S,
	    l->at_us > now ? "ahead" : "behind");
}

bool
blind_killed(const struct ledger *l, struct blind_span *out)
{
	if (l->blind_from_us == 0 || l->blind_to_us <= l->blind_from_us) {
		return false;
	}
	*out = (struct blind_span){ .cause = BLIND_killed,
				    .from_us = l->blind_from_us,
				    .to_us = l->blind_to_us };
	snprintf(out->detail, sizeof(out->detail),
		 "%" PRIu64 " events were in memory",
		 ledger_sum(l->lost[LEDGER_LOST_killed]));
	return true;
}

/* A cause that holds ends then: what follows is another interval's. */
static void
close_at(struct look *k, enum blind_cause cause, uint64_t at_us)
{
	uint64_t *open = &k->b->open_us[cause];

	if (*open != 0) {
		(void)change(k, cause, *open, MAX(at_us, *open + 1));
		*open = 0;
	}
}

/* What a program said of its packets ended with it, as far as the sensor's clock
 * is right; the next program's looks open it anew. */
static void
close_at_kill(struct look *k, const struct ledger *l,
	      const struct blind_span *killed)
{
	static const enum blind_cause of_packets[] = {
		BLIND_tap_silent, BLIND_interface_down, BLIND_kernel_drops,
		BLIND_one_way,    BLIND_overload,
	};

	if (right_us(k, l) != l->at_us) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(of_packets); i++) {
		close_at(k, of_packets[i], MIN(killed->from_us, k->f->now_us));
	}
}

static void
look_at_ledger(struct look *k, const struct ledger *l)
{
	struct blind *b = k->b;
	struct blind_sample s;
	struct blind_span killed;

	if (l->blind_to_us != b->killed_us && blind_killed(l, &killed)) {
		close_at_kill(k, l, &killed);
		k->out[k->n++] = killed;
		b->killed_us = l->blind_to_us;
	}
	if (k->f->ended || l->at_us == b->told_us) {
		return;
	}
	k->at_us = right_us(k, l);
	s = sample_of(l, k->at_us);
	forget_program(k, l, &s);
	look_at_clock(k, l);
	/* Files say nothing about the present; what they lost they lost all
	 * the same. */
	if (l->live) {
		look_at_taps(k, l);
	}
	look_at_rates(k, &s);
	b->sample[b->n_samples++ % BLIND_SAMPLES] = s;
	b->told_us = l->at_us;
}

/* What was while no collector looked. */
static void
look_back(struct look *k, uint64_t was_down_us)
{
	const struct blind_facts *f = k->f;
	struct blind *b = k->b;
	uint64_t to = f->now_us;

	if (was_down_us == 0 || !b->known || !b->live || !f->there ||
	    f->now_us < was_down_us + k->c->gap_us ||
	    b->open_us[BLIND_ended] != 0 || b->open_us[BLIND_silent] != 0) {
		return;
	}
	if (f->ledger != NULL) {
		if (f->ledger->started_us <= was_down_us) {
			return; /* the same program watched all the time */
		}
		to = MIN(to, f->ledger->started_us);
	}
	if (to > was_down_us) {
		(void)change(k, BLIND_collector_down, was_down_us, to);
	}
}

/* Causes that are about a program that runs: they end where 'keep' begins. */
static void
close_all_but(struct look *k, enum blind_cause keep, uint64_t from_us)
{
	for (unsigned c = 0; c < BLIND_CAUSES; c++) {
		if (c != keep) {
			close_at(k, (enum blind_cause)c,
				 MIN(from_us, k->f->now_us));
		}
	}
}

void
blind_resume(struct blind *b, bool live, uint64_t seen_us)
{
	b->known = true;
	b->live = live;
	b->seen_us = seen_us;
}

void
blind_recall(struct blind *b, const struct ledger *l)
{
	b->started_us = l->started_us;
	b->sample[0] = sample_of(l, b->seen_us);
	b->n_samples = 1;
}

/*
 * When it was last heard.  Presence outlives its sensor by seconds, in which
 * nobody watched: what counts is when it wrote, as far as its clock is right.
 */
static uint64_t
heard_us(const struct blind *b, const struct blind_config *c,
	 const struct blind_facts *f)
{
	uint64_t at_us = f->ledger != NULL ? f->ledger->at_us : 0;

	/* An interval of silence ends now, the next begins no earlier. */
	if (at_us == 0 || at_us > f->now_us || b->open_us[BLIND_silent] != 0) {
		return f->now_us;
	}
	if (at_us == b->told_us) {
		return b->seen_us;
	}
	return f->now_us - at_us <= c->clock_us ? MAX(at_us, b->seen_us)
						: f->now_us;
}

unsigned
blind_look(struct blind *b, const struct blind_config *c,
	   const struct blind_facts *f, uint64_t was_down_us,
	   struct blind_span *out)
{
	struct look k = { b, c, f, out, 0, 0 };

	if (!f->there) {
		if (b->known && b->open_us[BLIND_ended] == 0) {
			/* Of a replay nobody expects to go on. */
			close_all_but(&k, BLIND_silent, b->seen_us);
			set(&k, BLIND_silent, true, b->seen_us, "%s", "");
		}
		return k.n;
	}
	if (f->ledger != NULL) {
		b->live = f->ledger->live;
	}
	look_back(&k, was_down_us);
	b->known = true;
	b->seen_us = heard_us(b, c, f);
	if (f->ledger != NULL) {
		look_at_ledger(&k, f->ledger);
	}
	if (f->ended) {
		uint64_t at_us =
			f->ledger != NULL ? f->ledger->at_us : f->now_us;

		/* Of a replay nothing begins that would go on. */
		close_all_but(&k, BLIND_ended, b->live ? at_us : f->now_us);
		set(&k, BLIND_ended, b->live, at_us, "%s", "");
		b->known =
			b->live; /* a replay is over, and nothing is missed */
		return k.n;
	}
	set(&k, BLIND_ended, false, 0, "%s", "");
	set(&k, BLIND_silent, false, 0, "%s", "");
	set(&k, BLIND_rules_failed, f->rules_failed, f->now_us, "%.90s",
	    f->rules_error != NULL ? f->rules_error : "");
	set(&k, BLIND_feed_stale, f->feed_stale, f->now_us, "%s", "");
	return k.n;
}
