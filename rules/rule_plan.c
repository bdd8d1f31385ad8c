/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_plan.h"

#include <stdlib.h>

#define ROWS_MEMORY ((size_t)16 << 20)
#define CAP_MIN 64

bool
rule_plans_init(struct rule_plans *p, const struct rule_groups *groups)
{
	size_t row = groups->headers.n_words * sizeof(uint64_t);
	size_t slots = 1;

	memset(p, 0, sizeof(*p));
	p->groups = groups;
	p->serial = 1;
	p->cap = (uint32_t)MIN(RULE_PLANS_MAX,
			       MAX(ROWS_MEMORY / row, (size_t)CAP_MIN));
	while (slots < 2 * (size_t)p->cap) {
		slots *= 2;
	}
	p->mask = (uint32_t)(slots - 1);
	p->v = calloc(p->cap, sizeof(*p->v));
	p->rows = malloc(p->cap * row);
	p->slots = calloc(slots, sizeof(*p->slots));
	return p->v != NULL && p->rows != NULL && p->slots != NULL;
}

void
rule_plans_fini(struct rule_plans *p)
{
	free(p->v);
	free(p->rows);
	free(p->slots);
	memset(p, 0, sizeof(*p));
}

void
rule_plans_follow(struct rule_plans *p, const struct rule_plans *old)
{
	p->serial = old->serial == UINT32_MAX ? 1 : old->serial + 1;
}

/* All plans at once: those in use come back with their flows' next packets. */
static void
drop_all(struct rule_plans *p)
{
	p->n = 0;
	p->serial = p->serial == UINT32_MAX ? 1 : p->serial + 1;
	memset(p->slots, 0, ((size_t)p->mask + 1) * sizeof(*p->slots));
}

enum packet_class
packet_class_of(uint8_t proto, bool in_stream)
{
	switch (proto) {
	case IPP_TCP:
		return in_stream ? PACKET_TCP_STREAM : PACKET_TCP;
	case IPP_UDP:
		return PACKET_UDP;
	case IPP_ICMP:
		return PACKET_ICMP4;
	case IPP_ICMPV6:
		return PACKET_ICMP6;
	case IPP_SCTP:
		return PACKET_SCTP;
	default:
		return PACKET_OTHER;
	}
}

/* The bit of enum prog_proto. */
static unsigned
proto_bit(enum packet_class c)
{
	static const uint8_t bits[PACKET_CLASSES] = {
		[PACKET_TCP_STREAM] = 0, [PACKET_TCP] = 0,   [PACKET_UDP] = 1,
		[PACKET_ICMP4] = 2,      [PACKET_ICMP6] = 3, [PACKET_SCTP] = 4,
		[PACKET_OTHER] = 5,
	};

	return bits[c];
}

static bool
fits(const struct rule_plan *plan, uint32_t order)
{
	return (plan->fits[order / 64] >> (order % 64) & 1) != 0;
}

static bool
any_fits(const struct rule_plan *plan, const struct bare_rule *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (fits(plan, v[i].order)) {
			return true;
		}
	}
	return false;
}

/* The types of those that fit; false: there are none. */
static bool
join(struct type_set *types, const struct rule_plan *plan,
     const struct bare_rule *v, uint32_t n, bool needs_payload)
{
	bool any = false;

	for (uint32_t i = 0; i < n; i++) {
		if (v[i].needs_payload == needs_payload &&
		    fits(plan, v[i].order)) {
			for (unsigned k = 0; k < ARRAY_LEN(types->w); k++) {
				types->w[k] |= v[i].types.w[k];
			}
			any = true;
		}
	}
	return any;
}

static void
note_types(struct rule_plan_packet *p, const struct rule_plan *plan,
	   const struct packet_lists *l, const struct rule_group *payload)
{
	const struct rule_group *a = &l->always;

	p->has_types = join(&p->types, plan, a->bare, a->n_bare, false);
	p->has_types |=
		join(&p->types, plan, payload->bare, payload->n_bare, false);
	p->has_payload_types =
		join(&p->payload_types, plan, a->bare, a->n_bare, true);
	p->has_payload_types |= join(&p->payload_types, plan, payload->bare,
				     payload->n_bare, true);
	p->has_end_types =
		join(&p->end_types, plan, a->indexed, a->n_indexed, false);
	p->has_end_types |=
		join(&p->end_types, plan, a->indexed, a->n_indexed, true);
}

/* What the plan's rules wait for, in packets of class 'c'. */
static void
note_class(struct rule_plan *plan, const struct rule_groups *g,
	   enum packet_class c, unsigned dir)
{
	bool in_stream = c == PACKET_TCP_STREAM;
	struct rule_plan_packet *p = &plan->packet[in_stream];
	const struct packet_lists *l = &g->packet[c][dir];
	const struct rule_scans *far = &g->far[c][dir];
	const struct rule_group *first = &l->first;

	note_types(p, plan, l, &g->payload[c][dir]);
	p->event = any_fits(plan, l->event.bare, l->event.n_bare);
	p->bits = any_fits(plan, l->bits.bare, l->bits.n_bare);
	p->first = any_fits(plan, first->bare, first->n_bare) ||
		   any_fits(plan, first->indexed, first->n_indexed);
	for (unsigned e = 0; e < 2 && !in_stream; e++) {
		struct rule_scans_choice scans = rule_scans_choose(
			far, plan->fits, g->headers.established[0][e]);

		p->far[e] = scans.ports;
		p->apps |= scans.apps;
	}
}

/*
 * Segments are scanned for their own rules and for the stream's at once: with
 * what both need.
 */
static void
note_stream(struct rule_plan *plan, const struct rule_groups *g, unsigned dir)
{
	const struct rule_scans *far = &g->far[PACKET_TCP_STREAM][dir];
	struct rule_plan_packet *p = &plan->packet[true];
	struct rule_scans_choice segment, stream;

	segment = rule_scans_choose(far, plan->fits, g->headers.role[0]);
	stream = rule_scans_choose(far, plan->fits, g->headers.role[1]);
	p->apps = segment.apps;
	plan->stream_apps = stream.apps;
	plan->stream_far = rule_scans_for_both(far, &segment, &stream);
	for (unsigned e = 0; e < 2; e++) {
		p->far[e] = segment.fit != 0 ? plan->stream_far : NULL;
		p->near[e] = rule_scans_choose(&g->near[0][dir], plan->fits,
					       g->headers.established[0][e])
				     .ports;
	}
	if (stream.fit == 0) {
		plan->stream_far = NULL;
	}
	plan->stream_near =
		rule_scans_choose(&g->near[1][dir], plan->fits, NULL).ports;
	plan->stream_bare =
		any_fits(plan, g->stream[dir].bare, g->stream[dir].n_bare);
}

static void
fill(struct rule_plan *plan, const struct rule_groups *g,
     const struct inspect_ends *ends, uint64_t *row)
{
	const struct header_index *h = &g->headers;
	const uint64_t *src, *dst, *sport, *dport, *proto, *version;
	unsigned v = ends->ip_version == 4 ? 1 : ends->ip_version == 6 ? 2 : 0;

	src = range_classes_row(&h->src, plan->classes >> 48);
	dst = range_classes_row(&h->dst, plan->classes >> 32 & 0xffff);
	sport = range_classes_row(&h->sport, plan->classes >> 16 & 0xffff);
	dport = range_classes_row(&h->dport, plan->classes & 0xffff);
	proto = h->proto[proto_bit((enum packet_class)plan->kind)];
	version = h->version[v];
	for (uint32_t i = 0; i < h->n_words; i++) {
		row[i] = src[i] & dst[i] & sport[i] & dport[i] & proto[i] &
			 version[i];
	}
	for (uint32_t i = 0; i < h->n_words && !ends->has_flow; i++) {
		row[i] &= h->flowless[i];
	}
	plan->fits = row;
	note_class(plan, g, (enum packet_class)plan->kind, ends->dir);
	if (plan->kind == PACKET_TCP) {
		note_class(plan, g, PACKET_TCP_STREAM, ends->dir);
		note_stream(plan, g, ends->dir);
	}
}

static uint64_t
classes_of(const struct header_index *h, const struct inspect_ends *ends)
{
	uint32_t src = range_classes_find(&h->src, addr_value(ends->src));
	uint32_t dst = range_classes_find(&h->dst, addr_value(ends->dst));

	return (uint64_t)src << 48 | (uint64_t)dst << 32 |
	       (uint64_t)h->sport_class[ends->sport] << 16 |
	       h->dport_class[ends->dport];
}

const struct rule_plan *
rule_plan_make(struct rule_plans *p, const struct inspect_ends *ends,
	       uint32_t slot[2])
{
	const struct header_index *h = &p->groups->headers;
	uint64_t classes = classes_of(h, ends);
	enum packet_class kind = packet_class_of(ends->proto, false);
	uint32_t rest = (uint32_t)kind << 16 | (uint32_t)ends->ip_version << 8 |
			(uint32_t)ends->has_flow << 1 | ends->dir;
	uint64_t hash = (classes ^ (uint64_t)rest * UINT64_C(0x2545f491)) *
			UINT64_C(0x9e3779b97f4a7c15);
	uint32_t at = (uint32_t)(hash >> 32), i;

	for (; p->slots[at & p->mask] != 0; at++) {
		i = p->slots[at & p->mask] - 1;
		if (p->v[i].classes == classes && p->v[i].rest == rest) {
			goto found;
		}
	}
	if (p->n == p->cap) {
		drop_all(p);
		at = (uint32_t)(hash >> 32);
	}
	i = p->n++;
	p->slots[at & p->mask] = p->n;
	p->v[i] = (struct rule_plan){
		.classes = classes,
		.rest = rest,
		.kind = (uint8_t)kind,
	};
	fill(&p->v[i], p->groups, ends, p->rows + (size_t)i * h->n_words);
found:
	if (slot != NULL) {
		slot[0] = p->serial;
		slot[1] = i;
	}
	return &p->v[i];
}
