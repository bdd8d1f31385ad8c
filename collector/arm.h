/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm.h - publishes the common indicators: a base and signed deltas
 *
 * A thread with its own connection asks the source every ARM_TURN_MS what has
 * changed, and adds it to the stream as a delta.  Beside that it writes the
 * base anew whenever the deltas since weigh half as much, a slice between two
 * deltas, so that no change waits for it.  Redis may lose all of it at any
 * time: what is missing is found out at each connection and written again.
 *
 * A version is the number of the source's last change, within an epoch.  The
 * epoch stands in what was published, not in the store: a publisher goes on in
 * the epoch of the base that it finds, if it signed that and the source is not
 * behind it; otherwise - Redis was emptied, the store was restored from a copy,
 * a sensor runs a version that we never had - it begins another one, the time
 * in microseconds or one more than the greatest it heard of, and all sensors
 * take a base.  A sensor that stays where it is, because the stream has lost
 * what leads on from there, is helped by a base as well.
 *
 * Place    above common/delta.h and redis_pool.h; below the program's main.
 * Threads  its own, in which the source is called; arm_seen() and arm_read() by
 *          any.
 * Memory   two documents and a connection, whatever the set.
 * Cost     a call of the source every ARM_TURN_MS; 1 us a change; of a base
 *          about 1 us an indicator.
 */
#ifndef COLLECTOR_ARM_H
#define COLLECTOR_ARM_H

#include "common/delta.h"
#include "common/redis_options.h"

#define ARM_TURN_MS 10
/* Of a delta, so that a reader takes several at once. */
#define ARM_DELTA_RECORDS 2048
/* Deltas weigh at least this much before the base is written anew. */
#define ARM_REBASE_BYTES (UINT64_C(1) << 20)
/* How long parts that nobody needs any more stay for who reads them. */
#define ARM_LINGER_S 600
/* Sensors' versions are compared so far apart: one that three times has not
 * moved, while there was something newer, does not by itself. */
#define ARM_HEED_MS 10000

/*
 * Where indicators come from.  Called by the publisher's thread alone, beside
 * whoever changes them.
 */
struct arm_source {
	void *arg;
	/* Number of the newest change that is committed; grows with each. */
	uint64_t (*version)(void *arg);
	/*
	 * Calls 'fn' for what changed behind 'since', in the order of the
	 * changes' numbers, each with its state now, 'max' times at most and
	 * until it returns an error.  since 0: all that is armed.
	 */
	enum err (*changes)(void *arg, uint64_t since, size_t max,
			    enum err (*fn)(void *arg, const struct indicator *i,
					   uint64_t change, bool armed),
			    void *fn_arg);
	/* ERR_NOTFOUND: what was disarmed behind 'since' is forgotten, and only
	 * since 0 tells all. */
};

struct arm_options {
	const struct redis_options *redis; /* strings outlive it */
	const char *key; /* file of the private key (control.sign-key) */
	struct arm_source source;
	/* Whether it is ours to publish now (lease.h); NULL: it is. */
	bool (*held)(void *arg);
	void *held_arg;
	unsigned heed_ms; /* 0: ARM_HEED_MS */
};

struct arm_status {
	uint64_t epoch, version; /* published; epoch 0: nothing yet */
	uint64_t base_version, base_parts, base_bytes, base_records;
	uint64_t delta_bytes; /* since that base */
	uint64_t deltas, records, bases, epochs; /* since the start */
	uint64_t refused; /* records that no document takes */
	uint64_t failed; /* calls of Redis or the source */
	uint64_t slowest_us; /* from asking the source to Redis' answer, of the
			      * slowest delta */
	bool reachable; /* Redis, at the last try */
	char last_error[200];
};

struct arm;

/* Reads the key, and asks the source for its version: before anything changes
 * it.  ERR_USAGE, ERR_NOMEM with diag. */
enum err arm_new(struct arm **out, const struct arm_options *o,
		 struct diag *d) MUST_CHECK;
enum err arm_start(struct arm *a, struct diag *d) MUST_CHECK;
/* Ends the thread, if it was started. */
void arm_free(struct arm *a);

/* What a sensor says that it runs, "EPOCH-VERSION"; anything else is passed
 * over.  Whoever may not be believed must not come this far. */
void arm_seen(struct arm *a, const char *version);
void arm_read(struct arm *a, struct arm_status *out);

#endif
