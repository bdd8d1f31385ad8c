/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/overload.h"

#define NONE (PRIORITY_LAST + 1)

STATIC_ASSERT(SHED_PRIORITY_5 - SHED_PRIORITY_1 ==
		      PRIORITY_LAST - PRIORITY_FIRST,
	      "a reason for each priority");
STATIC_ASSERT(FLOW_PRIORITY_MASK >> FLOW_PRIORITY_SHIFT >= PRIORITY_LAST,
	      "a flow has room for any");

static const char *const names[SHED_REASONS] = {
	"encrypted",  "elephant",   "priority_1", "priority_2",
	"priority_3", "priority_4", "priority_5",
};

const char *
overload_shed_name(enum overload_shed s)
{
	return s < SHED_REASONS ? names[s] : "none";
}

static void
add_level(struct overload_conf *c, unsigned payload, unsigned all)
{
	c->level[c->n_levels].payload = (uint8_t)payload;
	c->level[c->n_levels].all = (uint8_t)all;
	c->n_levels++;
}

void
overload_make_levels(struct overload_conf *c, unsigned used)
{
	unsigned top = PRIORITY_LAST;

	for (unsigned p = PRIORITY_LAST; p >= PRIORITY_FIRST; p--) {
		top = (used >> p & 1) != 0 ? p : top;
	}
	c->n_levels = 0;
	add_level(c, NONE, NONE);
	if ((used & ~(1U << top)) != 0) {
		add_level(c, top + 1, NONE);
	}
	for (unsigned p = PRIORITY_LAST; p > top; p--) {
		if ((used >> p & 1) != 0) {
			add_level(c, top + 1, p);
		}
	}
	add_level(c, top, c->level[c->n_levels - 1].all);
}

/* --- the level --- */

static void
change(struct overload *o, unsigned level, uint64_t now_us)
{
	if (level > o->level) {
		o->count.raised++;
		o->count.spells += o->level == 0;
	} else {
		o->count.lowered++;
	}
	o->level = (uint8_t)level;
	o->changed_us = now_us;
	o->count.highest = MAX(o->count.highest, level);
}

void
overload_gauge(struct overload *o, unsigned fill, uint64_t now_us)
{
	const struct overload_conf *c = o->conf;
	bool grows = fill >= o->fill;

	if (c == NULL || !c->enabled) {
		return;
	}
	if (o->level > 0) {
		o->count.overloaded_us += now_us - o->gauged_us;
	}
	o->gauged_us = now_us;
	o->fill = fill;
	if (fill > c->stop) {
		o->calm_since_us = 0;
	} else if (o->calm_since_us == 0) {
		o->calm_since_us = now_us;
	}
	if (fill >= c->start && (grows || fill >= c->urgent)) {
		if (o->level + 1U < c->n_levels &&
		    (o->level == 0 || now_us >= o->changed_us + c->step_us)) {
			change(o, o->level + 1U, now_us);
		}
	} else if (o->level > 0 && o->calm_since_us != 0 &&
		   now_us >=
			   MAX(o->calm_since_us, o->changed_us) + c->calm_us) {
		change(o, o->level - 1U, now_us);
	}
}

/* --- one packet --- */

/* Of both ends the more important. */
static unsigned
find_priority(const struct overload_conf *c, const struct flow *f)
{
	unsigned best = NONE;

	for (unsigned i = 0; i < 2; i++) {
		unsigned p = asset_priority_of(c->table, &f->addr[i]);

		best = MIN(best, p != 0 ? p : c->default_priority);
	}
	return best;
}

static unsigned
priority_of(const struct overload_conf *c, struct flow *f)
{
	unsigned p = (f->flags & FLOW_PRIORITY_MASK) >> FLOW_PRIORITY_SHIFT;

	if (p == 0) {
		p = find_priority(c, f);
		f->flags |= (uint16_t)(p << FLOW_PRIORITY_SHIFT);
	}
	return p;
}

enum overload_shed
overload_verdict(const struct overload *o, struct flow *f, enum flow_dir dir,
		 bool encrypted)
{
	const struct overload_conf *c = o->conf;
	unsigned p = priority_of(c, f);

	if (p >= c->level[o->level].all) {
		return (enum overload_shed)(SHED_PRIORITY_1 +
					    (p - PRIORITY_FIRST));
	}
	if (p < c->level[o->level].payload) {
		return SHED_NONE;
	}
	if (encrypted) {
		return SHED_ENCRYPTED;
	}
	return f->bytes[0] + f->bytes[1] > c->elephant_bytes &&
			       f->bytes[dir] > c->elephant_keep
		       ? SHED_ELEPHANT
		       : SHED_NONE;
}

void
overload_count(struct overload *o, struct flow *f, enum overload_shed s,
	       uint32_t frames, uint64_t bytes, uint64_t ts_us)
{
	unsigned p = (f->flags & FLOW_PRIORITY_MASK) >> FLOW_PRIORITY_SHIFT;
	struct overload_span *span =
		&(overload_sheds_all(s)
			  ? o->count.all
			  : o->count.payload)[MIN(p, (unsigned)PRIORITY_LAST)];

	uint16_t mark = s == SHED_ENCRYPTED  ? FLOW_SHED_ENCRYPTED
			: s == SHED_ELEPHANT ? FLOW_SHED_ELEPHANT
					     : FLOW_SHED_ALL;

	o->count.shed[s].packets += frames;
	o->count.shed[s].bytes += bytes;
	o->count.shed[s].flows += (f->flags & mark) == 0;
	f->flags |= mark;
	/* a frame counts once, for the first packet in it; but a tunnel may
	 * carry packets of others, who were not seen either */
	span->frames++;
	if (span->spell != o->count.spells || span->since_us == 0) {
		span->spell = o->count.spells;
		span->since_us = ts_us;
	}
	span->last_us = MAX(span->last_us, ts_us);
}
