/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stix_in.h - what a partner's collector says, from a STIX 2.1 bundle
 *
 * Objects may stand in any order, markings and indicators behind those that
 * refer to them, so the bundle is read several times.  A party speaks for
 * itself only: an object that bears another creator is refused, and so is each
 * one that is broken; the others are handed over.  What is marked in a way that
 * cannot be understood is red and for nobody.
 *
 * Place    above indicator_read.h and its index of markings, consult.h and
 *          stix_out.h (ids); below exchange_apply.
 * Threads  one reading, one thread.
 * Memory   one object of at most 1 MiB, an index of the ids; what is handed
 *          over lives until the call returns.
 * Cost     about 5 ns a byte.
 */
#ifndef COLLECTOR_STIX_IN_H
#define COLLECTOR_STIX_IN_H

#include "collector/consult.h"
#include "common/indicator_read.h"

#define STIX_IN_MAX_OBJECTS 2000 /* not counting names and markings */
/* Values that the patterns of one indicator, and of a bundle, have: each is a
 * record of its own. */
#define STIX_IN_VALUES 256
#define STIX_IN_MAX_VALUES 4000
#define STIX_IN_TEXT_CAP 1024
#define STIX_IN_ACTORS 64
#define STIX_IN_ACTOR_CAP 192
/* A member of every object that an exercise brought forth. */
#define STIX_IN_EXERCISE "x_picket_exercise"
#define STIX_IN_EVENT "x-picket-consultation-event"

/* Why an object is refused. */
enum stix_in_cause {
	STIX_IN_MALFORMED,
	STIX_IN_IMPERSONATED, /* it bears another party's name */
	STIX_IN_TOO_MANY,
	STIX_IN_CAUSES
};

/* What all objects have. */
struct stix_in_object {
	const char *id;
	const char *exercise; /* "": none */
	uint64_t created_us, modified_us; /* 0: not said */
	bool revoked;
	struct marking mark;
};

struct stix_in_sighting {
	struct stix_in_object o;
	const char *of; /* id of the indicator */
	/* When the indicator is in the bundle, or the sighting says itself what
	 * was seen ("x_picket_pattern"): the value, else NULL. */
	const char *value;
	enum indicator_kind kind;
	uint8_t confidence; /* or INDICATOR_CONFIDENCE_UNKNOWN */
	const char *place; /* name of the first place, "": not said */
	uint64_t first_us, last_us; /* 0: not said */
	uint64_t count; /* at least 1 */
	bool past; /* "x_picket_past": found in what had been seen before */
};

struct stix_in_incident {
	struct stix_in_object o;
	const char *title;
	bool has_level;
	uint64_t level, score, alerts;
	uint64_t first_us, last_us;
	/* parted by commas */
	const char *lead, *support, *missions, *sites, *stages;
	uint64_t number; /* that the party itself gives it; 0: not told */
	/* "kKIND VALUE" of the other side, each with its NUL: STIX_IN_ACTORS at
	 * most; longer ones are left out. */
	struct view actors;
};

/* Who takes what is read.  An error ends the reading and is its result; what
 * the callee refuses by its own rules is its own to count. */
struct stix_in_sink {
	void *arg;
	/* 'exercise' as in stix_in_object. */
	enum err (*indicator)(void *arg, const struct indicator *i,
			      const char *exercise);
	enum err (*sighting)(void *arg, const struct stix_in_sighting *s);
	enum err (*incident)(void *arg, const struct stix_in_incident *i);
	enum err (*event)(void *arg, const struct stix_in_object *o,
			  const struct consult_event *e);
	/* 'what': the object's type and id as far as known, and the reason. */
	void (*refused)(void *arg, enum stix_in_cause cause, const char *what);
};

struct stix_in_report {
	uint64_t objects; /* indicators, sightings, incidents and events */
	uint64_t others; /* of types that we do not take; passed over */
	uint64_t refused[STIX_IN_CAUSES];
};

/* "malformed", "impersonated", "too-many". */
const char *stix_in_cause_name(enum stix_in_cause c);

/*
 * Reads the bundle that 'party' sent.  Indicators are handed over first, then
 * all else in the order of the bundle.  ERR_FORMAT with diag when it is no
 * bundle, or not to its end: what stood before has been handed over; ERR_NOMEM;
 * else what a callee returned.
 */
enum err stix_in_read(struct view bundle, const char *party,
		      const struct stix_in_sink *sink, struct stix_in_report *r,
		      struct diag *d) MUST_CHECK;

#endif
