/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observation.h - one Observed Data of STIX: what a sensor saw at one moment
 *
 * A flow that begins, a transaction that went on, a file that ended and a flow
 * that ended are an observation each.  It consists of objects, and of facts,
 * each a value of a property of an object.  What was known of the flow before
 * is there as well, but is no news.
 *
 * Place    above pattern_object.h; below ioc_pattern_run.
 * Threads  one worker's scratch.
 * Memory   views borrow from what was inspected, or from 'room'.
 * Cost     adding a fact is a few stores; what does not fit is counted.
 */
#ifndef RULES_OBSERVATION_H
#define RULES_OBSERVATION_H

#include "common/addr.h"
#include "common/pattern_object.h"

#define OBSERVATION_FACTS 384
#define OBSERVATION_OBJECTS 64
#define OBSERVATION_ROOM 32768
#define OBSERVATION_NONE UINT16_MAX

enum observed_type {
	OBSERVED_IPV4,
	OBSERVED_IPV6,
	OBSERVED_DOMAIN,
	OBSERVED_URL,
	OBSERVED_TRAFFIC,
	OBSERVED_CERT,
	OBSERVED_FILE,
	OBSERVED_TYPES
};

struct observed_fact {
	struct view text; /* also of addresses, when they are asked as text */
	struct view name; /* PATTERN_P_HEADER: in lower case */
	int64_t number; /* integers, 0 or 1, microseconds since 1970 */
	struct addr addr;
	uint16_t next; /* of the same property */
	uint16_t index; /* in its list */
	uint8_t property, object;
	bool news; /* first known at this moment */
};

struct observation {
	uint64_t ts_us;
	enum pattern_moment at;
	/* Bit per property: whether it is known if there is one, and since
	 * this moment. */
	uint64_t known, fresh;
	uint64_t of_type[OBSERVED_TYPES]; /* objects, a bit each */
	unsigned n_objects, n_facts;
	uint16_t first[PATTERN_PROPERTIES];
	struct observed_fact v[OBSERVATION_FACTS];
	size_t used;
	uint64_t dropped; /* facts that found no room, ever */
	uint8_t room[OBSERVATION_ROOM];
};

static inline void
observation_reset(struct observation *o, enum pattern_moment at, uint64_t ts_us)
{
	o->ts_us = ts_us;
	o->at = at;
	o->known = o->fresh = 0;
	memset(o->of_type, 0, sizeof(o->of_type));
	o->n_objects = o->n_facts = 0;
	memset(o->first, 0xff, sizeof(o->first));
	o->used = 0;
}

/* A new object's number; the last one's when there are too many. */
static inline uint8_t
observation_object(struct observation *o, enum observed_type type)
{
	if (o->n_objects == OBSERVATION_OBJECTS) {
		o->dropped++;
		return OBSERVATION_OBJECTS - 1;
	}
	o->of_type[type] |= UINT64_C(1) << o->n_objects;
	return (uint8_t)o->n_objects++;
}

/* NULL: no room, counted. */
static inline struct observed_fact *
observation_add(struct observation *o, enum pattern_property p, uint8_t object,
		bool news)
{
	struct observed_fact *f;

	o->known |= UINT64_C(1) << p;
	o->fresh |= (uint64_t)news << p;
	if (o->n_facts == OBSERVATION_FACTS) {
		o->dropped++;
		return NULL;
	}
	f = &o->v[o->n_facts];
	memset(f, 0, sizeof(*f));
	f->property = (uint8_t)p;
	f->object = object;
	f->news = news;
	f->next = o->first[p];
	o->first[p] = (uint16_t)o->n_facts++;
	return f;
}

/* A lower-case copy in the observation's room; VIEW_NONE when there is none. */
static inline struct view
observation_lower(struct observation *o, struct view v)
{
	uint8_t *out = o->room + o->used;

	if (v.len > sizeof(o->room) - o->used) {
		o->dropped++;
		return VIEW_NONE;
	}
	for (size_t i = 0; i < v.len; i++) {
		out[i] = ascii_lower(v.p[i]);
	}
	o->used += v.len;
	return view_of(out, v.len);
}

#endif
