/* SPDX-License-Identifier: Apache-2.0 */
/*
 * presence.h - what a sensor says about itself, every two seconds
 *
 * A hash with a time to live: silence is itself a report.
 *
 * Signed when the sensor has a key: who may write to Redis could else have a
 * sensor that is gone look alive, or one that is there look gone.
 *
 * Place    above redis_pool.h and presence_sign.h.
 * Threads  one.
 * Memory   caller's.
 * Cost     three small commands.
 */
#ifndef SENSOR_PRESENCE_H
#define SENSOR_PRESENCE_H

#include "common/presence_sign.h"
#include "common/redis_pool.h"

#define PRESENCE_PERIOD_US UINT64_C(2000000)
#define PRESENCE_TTL_MS 15000
/* How long a sensor that ended cleanly is remembered as such. */
#define PRESENCE_ENDED_TTL_MS 86400000
#define PRESENCE_COMMANDS 3 /* replies to expect */

/* Filled by the program.  Strings are printable; "" leaves the field out. */
struct presence_facts {
	char version[32];
	char ruleset[72]; /* digest */
	char indicator_version[72];
	char posture[32];
	char posture_error[160]; /* why the one told last is not in force, or
				  * what of it was left out */
	char exercise[72];
	char exercises[260]; /* told by the collector, parted by blanks */
	char owner[72];
	char reload_error[256]; /* why the latest reload failed */
	char state[16]; /* "running", "draining"; "" is "running" */
	char confined[160]; /* what is held back from it: user, Landlock ... */
	char patterns_refused[400]; /* "ID: REASON; ..."; "": none */
	char watches[512]; /* networks, parted by blanks; "": all of the site */
	bool indicators_stale; /* older than they may be */
	uint64_t rules_version, rules_loaded, rules_failed;
	uint64_t posture_version; /* of its document; 0: none was taken */
	uint64_t reloads, reloads_failed;
	uint64_t indicators, packets, drops;
	/* Of "indicator_version"; and how long the latest change took. */
	uint64_t indicators_armed, indicators_refused, indicators_forged;
	uint64_t indicators_lag_us;
	uint64_t indicators_taken_us; /* when that was in force; 0: not known */
	uint64_t patterns; /* armed, of these; in the set of rules or not yet */
	bool patterns_wait; /* for a set that has them as they are */
	uint64_t patterns_lag_us; /* how long the latest waited */
	uint64_t started_ms; /* since 1970 */
};

/* What the forwarder knows. */
struct presence_spool {
	uint64_t epoch, order; /* 'order' grows from one to the next */
	uint64_t last_seq, committed;
	uint64_t points_forged; /* committed points that were refused */
	uint64_t depth_frames, depth_bytes, shed_events;
	uint64_t control_version, control_refused; /* documents */
	const char *ledger; /* JSON (common/ledger.h); "" leaves it out */
};

/*
 * Queues the commands for 'name' (SITE/SENSOR), each with 'tag', signed with
 * 'k' if that is not NULL; 'ended' writes the last word.  As redis_pool_queue(); 'queued' of them stand.
 */
enum err presence_queue(struct redis_pool *p, uint64_t tag, const char *name,
			struct sign_key *k, const struct presence_facts *f,
			const struct presence_spool *sp, bool ended,
			unsigned *queued) MUST_CHECK;

#endif
