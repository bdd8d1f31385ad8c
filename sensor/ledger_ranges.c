/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/ledger_ranges.h"

static void
append(struct ledger_slot *s, const struct ledger_shed *r)
{
	if (s->n_shed == LEDGER_SHEDS) {
		memmove(s->shed, s->shed + 1,
			(LEDGER_SHEDS - 1) * sizeof(s->shed[0]));
		s->n_shed--;
		s->shed_more++;
	}
	s->shed[s->n_shed++] = *r;
}

/*
 * Files of a class are shed oldest first, so that one range mostly grows.
 * Damaged batches grow one only when they follow each other: what stands
 * between two of them is still there.
 */
static bool
continues(const struct ledger_slot *s, const struct ledger_shed *last,
	  const struct ledger_shed *r)
{
	if (last->cls != r->cls || last->alone != r->alone) {
		return false;
	}
	if (r->alone) {
		/* readers mostly go forward; one that begins anew need not */
		return r->from <= last->to + 1 && last->from <= r->to + 1;
	}
	/* Between them nothing of this class was committed. */
	return last->to >= s->committed;
}

/* The class's youngest range; NULL when it has none. */
static struct ledger_shed *
last_of(struct ledger_slot *s, unsigned cls)
{
	for (uint64_t i = s->n_shed; i-- > 0;) {
		if (s->shed[i].cls == cls) {
			return &s->shed[i];
		}
	}
	return NULL;
}

void
ledger_range_note(struct ledger_slot *s, const struct ledger_shed *r)
{
	struct ledger_shed *last = last_of(s, r->cls);

	if (last != NULL && continues(s, last, r)) {
		last->from = MIN(last->from, r->from);
		last->to = MAX(last->to, r->to);
		last->events += r->events;
		return;
	}
	append(s, r);
}

/* The number of the first batch of a class that the spool holds; 0: none. */
static uint64_t
first_held(struct spool *s, unsigned cls)
{
	struct spool_cursor cur;
	struct spool_item it;

	spool_seek(&cur, 1);
	while (spool_next(s, &cur, &it) == ERR_OK) {
		if (it.gap_from == 0 && spool_class(it.hdr.sev) == cls) {
			return it.hdr.seq;
		}
	}
	return 0;
}

bool
ledger_range_take_back(struct ledger_slot *s, struct spool *spool, unsigned cls,
		       uint64_t events)
{
	uint64_t first = first_held(spool, cls), n = 0;
	bool was_shed = false;

	for (uint64_t i = 0; i < s->n_shed; i++) {
		const struct ledger_shed *r = &s->shed[i];

		was_shed |= r->cls == cls && !r->alone && r->to >= first;
	}
	if (first == 0 || !was_shed) {
		return false;
	}
	for (uint64_t i = 0; i < s->n_shed; i++) {
		struct ledger_shed r = s->shed[i];

		if (r.cls == cls && !r.alone && r.to >= first) {
			r.to = first - 1;
			r.events -= MIN(events, r.events);
		}
		if (r.from <= r.to) {
			s->shed[n++] = r;
		}
	}
	s->n_shed = n;
	return true;
}

static void
forget_damage(struct ledger_slot *s, unsigned cls, uint64_t above)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < s->n_shed; i++) {
		const struct ledger_shed *r = &s->shed[i];

		if (r->cls != cls || !r->alone || r->to <= above) {
			s->shed[n++] = *r;
		}
	}
	s->n_shed = n;
}

/* Numbers that nothing of the class stands between make one range. */
void
ledger_range_damaged(struct ledger_slot *s, struct spool *spool, unsigned cls,
		     uint64_t events)
{
	uint64_t last = spool_last_seq(spool);
	struct ledger_shed r = { .cls = cls, .alone = 1, .events = events };
	struct spool_cursor cur;
	struct spool_item it;
	enum err e;

	forget_damage(s, cls, spool_committed(spool));
	if (events == 0) {
		return; /* what is missing was shed, and has its ranges */
	}
	spool_seek(&cur, spool_committed(spool) + 1);
	/* What the system refuses is given up some time: there is an end. */
	while ((e = spool_next(spool, &cur, &it)) == ERR_OK || e == ERR_IO) {
		if (e == ERR_OK && it.gap_from != 0) {
			r.from = r.from != 0 ? r.from : it.gap_from;
			r.to = it.gap_to;
		} else if (e == ERR_OK && spool_class(it.hdr.sev) == cls &&
			   r.from != 0) {
			append(s, &r);
			r.from = r.events = 0;
		}
	}
	/* Behind the last that is there nothing tells of a gap. */
	if (cur.seq <= last) {
		r.from = r.from != 0 ? r.from : cur.seq;
		r.to = last;
	}
	if (r.from != 0) {
		append(s, &r);
	}
}
