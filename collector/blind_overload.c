/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/blind_overload.h"

#include <inttypes.h>
#include <stdio.h>

STATIC_ASSERT(BLIND_PRIORITY_UNTOLD > LEDGER_PRIORITIES &&
		      BLIND_NOBODY > BLIND_PRIORITY_CUT,
	      "who is not known misses what anybody misses, nobody does not");
STATIC_ASSERT(LEDGER_SKIPPED_shed_priority_5 - LEDGER_SKIPPED_shed_priority_1 ==
		      LEDGER_PRIORITIES - 1,
	      "a cause for each priority");

/* --- what was given up --- */

struct blind_given_up
blind_given_up_of(const struct ledger *l)
{
	const uint64_t *skipped = l->frames.skipped;
	struct blind_given_up g = {
		.passed = ledger_sum(l->lost[LEDGER_LOST_overload]) +
			  ledger_sum(l->lost[LEDGER_LOST_writer])
	};

	/* Of a tunnel's frame, each packet in it may have a priority of its
	 * own; only there they all are. */
	for (unsigned p = 0; p < LEDGER_PRIORITIES; p++) {
		g.all[p] = l->overload.of[p].all.frames;
		g.payload[p] = l->overload.of[p].payload.frames;
	}
	if (l->overload.levels == 0) {
		for (unsigned p = 0; p < LEDGER_PRIORITIES; p++) {
			g.all[p] = skipped[LEDGER_SKIPPED_shed_priority_1 + p];
		}
		/* It does not say whose: it may have been anybody's. */
		g.payload[0] = skipped[LEDGER_SKIPPED_shed_encrypted] +
			       skipped[LEDGER_SKIPPED_shed_elephant];
	}
	return g;
}

void
blind_overload_mark(struct blind_overload *o, const struct blind_given_up *s,
		    const struct blind_given_up *p, uint64_t at_us)
{
	for (unsigned i = 0; i < LEDGER_PRIORITIES; i++) {
		if (s->all[i] > p->all[i]) {
			o->all_us[i] = at_us;
		}
		if (s->payload[i] > p->payload[i]) {
			o->payload_us[i] = at_us;
		}
	}
	if (s->passed > p->passed) {
		o->passed_us = at_us;
	}
}

static bool
lately(uint64_t at_us, uint64_t now_us, uint64_t window_us)
{
	return at_us != 0 && now_us < at_us + window_us;
}

void
blind_overload_from(const struct blind_overload *o, uint64_t now_us,
		    uint64_t window_us, unsigned *all_from,
		    unsigned *payload_from)
{
	*all_from = *payload_from = BLIND_NOBODY;
	for (unsigned i = LEDGER_PRIORITIES; i-- > 0;) {
		if (lately(o->all_us[i], now_us, window_us)) {
			*all_from = i + 1;
		}
		if (lately(o->payload_us[i], now_us, window_us)) {
			*payload_from = i + 1;
		}
	}
	if (lately(o->passed_us, now_us, window_us)) {
		*all_from = BLIND_EVERYBODY;
	}
}

static uint64_t
more(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

void
blind_overload_describe(const struct blind_overload *o,
			const struct blind_given_up *s,
			const struct blind_given_up *p, char *out, size_t cap)
{
	bool all = o->all_from != BLIND_NOBODY;
	unsigned from = all ? o->all_from : o->payload_from;
	uint64_t passed = more(s->passed, p->passed), n = passed;
	size_t len = 0;

	for (unsigned i = 0; i < LEDGER_PRIORITIES; i++) {
		n += more(s->all[i], p->all[i]);
		n += more(s->payload[i], p->payload[i]);
	}
	if (passed > 0) {
		snprintf(out, cap, "%" PRIu64 " packets and events", n);
		return;
	}
	if (n > 0) {
		len = (size_t)snprintf(out, cap, "%" PRIu64 " packets, ", n);
	}
	len += (size_t)snprintf(out + len, cap - len, "%s",
				all ? "all traffic"
				    : "payload of large and encrypted flows");
	if (from != BLIND_EVERYBODY) {
		snprintf(out + len, cap - len,
			 "%s priority %u and less important", all ? " of" : ",",
			 from);
	}
}

/* --- whose --- */

unsigned
blind_priority(const struct ledger_overload *o, const struct cidr *net,
	       unsigned criticality)
{
	unsigned best, least = 0;
	int bits = -1; /* of the longest that holds it */

	if (o->levels == 0 || o->default_priority < 1 ||
	    o->default_priority > LEDGER_PRIORITIES) {
		return BLIND_PRIORITY_UNTOLD;
	}
	if (o->more_nets > 0) {
		return BLIND_PRIORITY_CUT;
	}
	best = (unsigned)o->default_priority;
	if (o->missions) {
		best = ledger_priority_of(criticality);
		bits = net->bits;
	}
	for (unsigned i = 0; i < o->n_nets; i++) {
		const struct cidr *n = &o->net[i].net;
		unsigned p = (unsigned)o->net[i].priority;

		if (n->bits > net->bits) {
			if (cidr_contains(net, &n->addr)) {
				least = MAX(least, p);
			}
		} else if (cidr_contains(n, &net->addr) && n->bits >= bits) {
			best = n->bits == bits ? MIN(best, p) : p;
			bits = n->bits;
		}
	}
	return MAX(best, least);
}

bool
blind_priorities_same(const struct ledger_overload *a,
		      const struct ledger_overload *b)
{
	if ((a->levels == 0) != (b->levels == 0) ||
	    a->default_priority != b->default_priority ||
	    a->missions != b->missions || a->n_nets != b->n_nets ||
	    a->more_nets != b->more_nets) {
		return false;
	}
	for (unsigned i = 0; i < a->n_nets; i++) {
		if (a->net[i].priority != b->net[i].priority ||
		    a->net[i].net.bits != b->net[i].net.bits ||
		    !addr_eq(&a->net[i].net.addr, &b->net[i].net.addr)) {
			return false;
		}
	}
	return true;
}
