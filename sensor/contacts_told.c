/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a host, and when. */
#include "sensor/contacts_state.h"

/* Coming back more often than this in an interval is no news. */
#define RARE 8

/* How telling it is, as of the interval's end. */
static enum pair_weight
weight_now(const struct contact_pair *p)
{
	return p->weight == PAIR_AGAIN && p->to.flows > RARE
		       ? PAIR_PLAIN
		       : (enum pair_weight)p->weight;
}

/* Whether 'a' goes before 'b'. */
static bool
goes_before(const struct contact_pair *a, const struct contact_pair *b)
{
	enum pair_weight x = weight_now(a), y = weight_now(b);
	int order;

	if (x != y) {
		return x > y;
	}
	if (a->to.bytes_out != b->to.bytes_out) {
		return a->to.bytes_out > b->to.bytes_out;
	}
	order = addr_cmp(&a->to.ip, &b->to.ip);
	if (order != 0) {
		return order < 0;
	}
	return a->to.port != b->to.port ? a->to.port < b->to.port
					: a->to.proto < b->to.proto;
}

/* The most telling destinations, in their order. */
static void
tell_pairs(struct contacts *c, struct contact_host *h)
{
	const struct contact_pair *v[KEPT_HOME];
	unsigned n = 0;

	/* Once more, as by now earlier intervals may have been told of. */
	h->weighed = false;
	contacts_weigh(c, h);
	for (uint32_t i = h->pairs; i != 0; i = c->pair[i].next) {
		const struct contact_pair *p = &c->pair[i];
		unsigned at = n++;

		for (; at > 0 && goes_before(p, v[at - 1]); at--) {
			v[at] = v[at - 1];
		}
		v[at] = p;
	}
	c->told.n_to = MIN(n, (unsigned)CONTACTS_TO);
	for (unsigned i = 0; i < c->told.n_to; i++) {
		c->told.to[i] = v[i]->to;
	}
	for (unsigned i = 0; h->home && i < n; i++) {
		if (v[i]->to.flows > 0) {
			contacts_note_seen(c, &h->ip, &v[i]->to, h->interval);
		}
	}
}

const struct contacts_told *
contacts_tell(struct contacts *c, uint32_t i)
{
	struct contact_host *h = &c->host[i];
	struct contacts_told *t = &c->told;

	t->start_us = h->interval * c->conf->interval_us;
	t->end_us = t->start_us + c->conf->interval_us;
	t->ip = h->ip;
	t->exercise[0] = '\0';
	if (h->lane > 0) {
		memcpy(t->exercise, c->lanes->exercise[h->lane - 1],
		       sizeof(t->exercise));
	}
	t->flows = h->flows;
	t->failed = h->failed;
	t->bytes_out = h->bytes_out;
	t->bytes_in = h->bytes_in;
	t->peers = h->peers;
	t->ports = h->ports;
	tell_pairs(c, h);
	c->count.lines++;
	contacts_forget(c, i);
	return t;
}

void
contacts_sweep(struct contacts *c, uint64_t now_us, bool all)
{
	c->now_us = now_us;
	c->all = all;
	c->next_due_us = UINT64_MAX;
	c->side = true;
	c->at = all || now_us >= c->due_us ? c->list[true].first : 0;
	if (!all && now_us < c->due_us) {
		c->side = false;
		c->next_due_us = c->due_us;
	}
}

/* What lies in the future by more than packets may be out of order comes of a
 * wrong time, and would wait for long. */
static bool
is_over(const struct contacts *c, const struct contact_host *h)
{
	return c->all || c->now_us >= contacts_due(c, h->interval) ||
	       h->interval * c->conf->interval_us >
		       c->now_us + c->conf->interval_us + CONTACTS_LATE_US;
}

const struct contacts_told *
contacts_next(struct contacts *c)
{
	for (;;) {
		while (c->at != 0) {
			uint32_t i = c->at;
			const struct contact_host *h = &c->host[i];

			c->at = h->next;
			if (is_over(c, h)) {
				return contacts_tell(c, i);
			}
			c->next_due_us = MIN(c->next_due_us,
					     contacts_due(c, h->interval));
		}
		if (!c->side) {
			c->due_us = c->next_due_us;
			return NULL;
		}
		c->side = false;
		c->at = c->list[false].first;
	}
}
