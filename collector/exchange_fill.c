/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_fill.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "collector/exchange_recall.h"
#include "collector/store_sql.h"
#include "common/clock.h"

#define WHO "exchange"

/* Whether one more bundle of that kind may wait. */
static bool
room(const struct exchange_fill *f, const struct exchange_state *s,
     enum share_kind kind)
{
	const struct exchange_conf *c = f->conf;

	if (s->waiting >= c->outbox_bundles ||
	    s->waiting_bytes + EXCHANGE_MAX_LEN > c->outbox_bytes) {
		return false;
	}
	return kind != SHARE_INDICATOR || f->party->url == NULL ||
	       s->waiting < EXCHANGE_BULK;
}

/* The bundle deflated, on the heap. */
static enum err
deflated(struct view text, struct view *out, struct diag *d)
{
	uLongf len = compressBound((uLong)text.len);
	uint8_t *p = malloc(len);

	if (p == NULL ||
	    compress2(p, &len, text.p, (uLong)text.len, 6) != Z_OK) {
		free(p);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	*out = view_of(p, len);
	return ERR_OK;
}

/* Bundle, versions, audit and cursor: all or nothing. */
static enum err
keep(struct exchange_fill *f, const struct share_request *r,
     const struct share_step *step, struct share_bundle *b,
     const struct exchange_made *made, const struct exchange_state *next,
     uint64_t was, struct diag *d)
{
	const char *party = f->party->name;
	enum err e = sql_exec(f->db, "BEGIN IMMEDIATE");

	if (e == ERR_OK) {
		e = exchange_state_advance(f->db, party, next, was);
	}
	if (e == ERR_OK && made != NULL) {
		e = exchange_out_put(f->db, party, made);
	}
	if (e == ERR_OK) {
		e = exchange_out_had(f->db, party, step->had, step->n_had);
	}
	if (e == ERR_OK && made != NULL) {
		e = share_audit(f->db, r, b, WHO, step->now_us, d);
	} else if (e == ERR_OK && share_held(b) > 0) {
		e = share_audit_held(f->db, r, b, WHO, step->now_us, d);
	}
	if (e == ERR_OK) {
		e = sql_exec(f->db, "COMMIT");
	}
	if (e == ERR_OK) {
		share_held_note(&f->held, f->policy, b);
	}
	if (e != ERR_OK) {
		if (d->msg[0] == '\0') {
			diag_set(d, e, "the store: %s", sqlite3_errmsg(f->db));
		}
		sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
	}
	return e;
}

/* What the step came to, into the state that is to be kept. */
static struct exchange_state
after(const struct exchange_state *s, const struct share_step *step,
      const struct share_bundle *b)
{
	struct exchange_state next = *s;

	next.cursor[step->kind] = step->upto;
	if (step->kind == SHARE_INDICATOR) {
		next.sweeps = step->sweeps;
		memcpy(next.sweep, step->sweep, sizeof(next.sweep));
	}
	next.held += share_held(b);
	if (b->stix.n > 0) {
		next.seq++;
		next.objects += share_released(b);
		next.made_us = step->now_us;
	}
	return next;
}

/* One bundle of one kind, if anything came of it. */
static enum err
fill_one(struct exchange_fill *f, struct exchange_state *s,
	 struct share_step *step, struct diag *d)
{
	struct share_request r = { .policy = f->conf->policy,
				   .to = f->to,
				   .map = f->map };
	struct exchange_state next;
	struct exchange_made made = { .kind = step->kind };
	struct share_bundle b;
	char name[80];
	enum err e;

	snprintf(name, sizeof(name), "exchange|%" PRIu64 "|%" PRIu64, s->epoch,
		 s->seq + 1);
	step->name = name;
	/* Versions follow each other, whatever the clock does. */
	step->now_us = MAX(clock_wall_us(), s->made_us + 1000);
	e = share_step_write(f->store, &r, step, &b, d);
	/* What is held as before is neither counted nor written once more. */
	share_held_news(&f->held, f->policy, &b);
	next = after(s, step, &b);
	if (e == ERR_OK && b.stix.n > 0) {
		struct view text = json_view(&b.stix.j);

		made.seq = next.seq;
		made.n = b.stix.objects;
		made.len = text.len;
		made.made_us = step->now_us;
		e = deflated(text, &made.data, d);
	}
	/* A cursor that only moved on is kept with the next bundle. */
	if (e == ERR_OK && (b.stix.n > 0 || share_held(&b) > 0 ||
			    step->n_had > 0 || next.sweeps != s->sweeps)) {
		e = keep(f, &r, step, &b, b.stix.n > 0 ? &made : NULL, &next,
			 s->seq, d);
	}
	if (e == ERR_OK) {
		next.waiting += made.seq != 0;
		next.waiting_bytes += made.data.len;
		*s = next;
	} else if (d->msg[0] == '\0') {
		diag_set(d, e, "a bundle cannot be made: %s",
			 sqlite3_errmsg(f->store->db));
	}
	exchange_made_fini(&made);
	share_bundle_fini(&b);
	return e;
}

/* All of one kind that there is room for. */
static enum err
fill_kind(struct exchange_fill *f, struct exchange_state *s,
	  enum share_kind kind, unsigned *left, bool *more, struct diag *d)
{
	struct share_step step = { .kind = kind };
	uint64_t newest = 0, floor = 0;
	enum err e = share_step_newest(f->store, kind, &newest, &floor);

	if (kind == SHARE_INDICATOR && s->cursor[kind] < floor &&
	    s->swept < floor) {
		s->sweeps = true;
		s->swept = floor;
		memset(s->sweep, 0, sizeof(s->sweep));
	}
	while (e == ERR_OK && (newest > s->cursor[kind] ||
			       (kind == SHARE_INDICATOR && s->sweeps))) {
		if (*left == 0 || !room(f, s, kind)) {
			*more |= *left == 0;
			break;
		}
		step.since = s->cursor[kind];
		step.sweeps = kind == SHARE_INDICATOR && s->sweeps;
		memcpy(step.sweep, s->sweep, sizeof(step.sweep));
		e = fill_one(f, s, &step, d);
		--*left;
		if (e == ERR_OK && !step.more) {
			break;
		}
	}
	share_step_fini(&step);
	return e;
}

/* What the partner has of a kind that the policy lists no longer goes back. */
static enum err
withdraw_kind(struct exchange_fill *f, struct exchange_state *s,
	      enum share_kind kind, unsigned *left, bool *more, struct diag *d)
{
	struct share_step step = { .kind = kind, .withdraws = true };
	enum err e = ERR_OK;

	if ((kind != SHARE_INDICATOR && kind != SHARE_INCIDENT) ||
	    (f->clean >> kind & 1) != 0) {
		return ERR_OK;
	}
	do {
		if (*left == 0 || !room(f, s, kind)) {
			*more |= *left == 0;
			break;
		}
		step.since = s->cursor[kind];
		step.sweeps = kind == SHARE_INDICATOR && s->sweeps;
		memcpy(step.sweep, s->sweep, sizeof(step.sweep));
		e = fill_one(f, s, &step, d);
		--*left;
		f->clean |= e == ERR_OK && !step.more ? 1u << kind : 0;
	} while (e == ERR_OK && step.more);
	share_step_fini(&step);
	return e;
}

enum err
exchange_fill(struct exchange_fill *f, struct exchange_state *s, bool *more,
	      struct diag *d)
{
	static const enum share_kind order[] = { SHARE_CONSULTATION,
						 SHARE_INCIDENT, SHARE_SIGHTING,
						 SHARE_INDICATOR };
	unsigned left = EXCHANGE_FILL_BUNDLES;
	enum err e = ERR_OK;

	*more = false;
	/* By another policy all is looked at anew, also what waits; what the
	 * partner has stays known, so that only what differs goes. */
	if (strcmp(s->policy, f->policy) != 0) {
		struct exchange_recall r = { .db = f->db,
					     .party = f->party->name,
					     .policy = f->policy,
					     .who = WHO,
					     .by_redis = f->party->url != NULL,
					     .stop = f->stop };

		e = exchange_recall(&r, s, d);
		f->clean = 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(order) && e == ERR_OK; i++) {
		if ((f->to->kinds >> order[i] & 1) != 0) {
			e = fill_kind(f, s, order[i], &left, more, d);
		} else {
			e = withdraw_kind(f, s, order[i], &left, more, d);
		}
	}
	return e;
}
