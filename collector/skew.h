/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skew.h - by how much sensors' clocks differ, from handshakes that both saw
 *
 * An *anchor* is a handshake at one sensor: when its SYN and when the answer
 * passed.  The middle of both is compared, so that the way from one tap to the
 * other cancels out as far as it takes equally long both ways.  Of a pair of
 * sensors the latest SKEW_SAMPLES differences are kept; their median, after a
 * drift that is clear enough was taken out, is the pair's *offset*.
 *
 * The offsets of all pairs give one for each sensor: a weighted median over its
 * pairs.  A sensor tells of its own times alone, so it only moves pairs that it
 * is part of; those that fit no triangle with a third sensor are left out.  So
 * one that lies moves no other whose pairs are triangles of others; where it is
 * the only link between two, it stands for how they are related.  Of three sensors or more that hang together the middle one is
 * taken to be right; of two, the one that was known first: nobody can say which
 * of two clocks is wrong.
 *
 * Place    above common/err.h; below taps.
 * Threads  one.
 * Memory   48 KiB a sensor, 1.2 KiB a pair; at most SKEW_SENSORS and
 *          SKEW_PAIRS.  A sensor's anchors displace its own alone.
 * Cost     an anchor: a look at each other sensor; solving: each sensor looks at
 *          all pairs some 20 times, 1 ms for 40 sensors.
 */
#ifndef COLLECTOR_SKEW_H
#define COLLECTOR_SKEW_H

#include "common/base.h"
#include "common/err.h"

#define SKEW_SENSORS 512
#define SKEW_PAIRS 2048
#define SKEW_SAMPLES 64
#define SKEW_ANCHORS 2048 /* of a sensor; a power of two */
/* Fewer say nothing. */
#define SKEW_MIN_SAMPLES 8
/* A clock that is off by more is told of; a smaller one is not corrected when
 * it is below the first, which the ways between taps may make. */
#define SKEW_CORRECT_US 10000
#define SKEW_FLAG_US 100000

struct skew_sample {
	int64_t diff_us; /* b's clock minus a's */
	uint64_t at_us; /* by a's */
};

/* Of two sensors, a < b by their numbers in the store. */
struct skew_pair {
	int64_t a, b;
	uint64_t total; /* shared handshakes, ever */
	struct skew_sample ring[SKEW_SAMPLES];
	uint32_t n, next; /* kept, and where the next goes */
	/* What they say, at the time of the last one. */
	int64_t offset_us;
	double drift; /* seconds a second */
	uint64_t error_us; /* of the offset; UINT64_MAX: not known */
	uint64_t at_us;
	bool changed; /* since it was handed out */
};

enum skew_state {
	SKEW_UNKNOWN, /* too few handshakes shared with anybody */
	SKEW_RELATIVE, /* to one other sensor: one of both may be wrong */
	SKEW_GOOD, /* with most others */
	SKEW_OFF, /* at least two others agree on that */
};
const char *skew_state_name(enum skew_state s);

struct skew_clock {
	int64_t sensor;
	enum skew_state state;
	int64_t offset_us; /* how far it is ahead of the others */
	double drift;
	uint64_t error_us, at_us;
	uint64_t shared; /* handshakes */
	unsigned others; /* sensors that it was compared with */
	bool changed; /* since it was handed out */
	bool turned; /* its state did */
};

struct skew;
struct skew *skew_new(void); /* NULL when out of memory */
void skew_free(struct skew *s);
void skew_reset(struct skew *s);

/*
 * A handshake, by the number that trace_connection() gives it, its SYN at
 * 'syn_us' and the answer at 'answer_us' of the sensor's clock.  ERR_NOMEM; one
 * that there is no room for is counted and left out.
 */
enum err skew_add(struct skew *s, int64_t sensor, uint64_t id, uint64_t syn_us,
		  uint64_t answer_us) MUST_CHECK;
/* Puts a handshake back that was told of before: it is there to be compared
 * with what comes, and not compared itself.  ERR_NOMEM. */
enum err skew_recall(struct skew *s, int64_t sensor, uint64_t id,
		     uint64_t syn_us, uint64_t answer_us) MUST_CHECK;
/* Works out what has changed since the last call. */
void skew_solve(struct skew *s);
/* How far the sensor's clock was ahead at 'us' of its own time, to be taken
 * off; 0 when it is right or nobody knows.  '*known': it was compared. */
int64_t skew_ahead(struct skew *s, int64_t sensor, uint64_t us, bool *known);

/* What is to be kept, and back. */
enum err
skew_each_change(struct skew *s,
		 enum err (*pair)(void *arg, const struct skew_pair *p),
		 enum err (*clock)(void *arg, const struct skew_clock *c),
		 void *arg) MUST_CHECK;
enum err skew_load(struct skew *s, const struct skew_pair *p) MUST_CHECK;
/* By its name the state that was handed out of a sensor before, once all is
 * loaded and worked out: if it is so still, it has not turned. */
void skew_told(struct skew *s, int64_t sensor, const char *state);

struct skew_stats {
	uint64_t anchors, shared, refused; /* the last for want of room */
	unsigned sensors, pairs, off;
};
void skew_stats(const struct skew *s, struct skew_stats *out);

#endif
