/* SPDX-License-Identifier: Apache-2.0 */
/*
 * armed.h - the sensor's common indicators, as the collector changes them
 *
 * A thread with its own connection reads the stream of deltas and, at the
 * start, after a gap and when its file grew long, the base; applies them to the
 * live set, which workers look at meanwhile; and keeps them on disk, so that a
 * sensor is armed from its start on, whoever is away.
 *
 * Place    above armed_set.h, armed_file.h and redis_pool.h; below the
 *          program's sensor*.c.
 * Threads  its own; armed_read() and armed_reload_key() by any.
 * Memory   a connection, a document, the live set.
 * Cost     a blocking read; in a cluster, which does not wait, one in 20 ms.
 */
#ifndef SENSOR_ARMED_H
#define SENSOR_ARMED_H

#include "common/redis_options.h"
#include "sensor/armed_set.h"

struct armed;

struct armed_options {
	const char *key; /* file of the public key */
	/* Strings outlive it. */
	const struct redis_options *redis;
	/*
	 * Asks whether 'i', which is armed now, was seen before; 'once': it may
	 * have been asked for by a former run.  ERR_LIMIT: it is asked again
	 * later.  By the thread, and by armed_ask(); must not block.  NULL:
	 * there is nobody to ask.
	 */
	enum err (*ask)(void *arg, const struct indicator *i, bool once);
	void *ask_arg;
	/* By the thread: the list of patterns is another than it was; must not
	 * block.  NULL: nobody takes it in. */
	void (*patterns_changed)(void *arg);
	void *patterns_arg;
};

struct armed_status {
	struct armed_counts n;
	uint64_t indicators, memory; /* now; but for patterns */
	uint64_t patterns, patterns_refused; /* now, of the list */
	uint64_t lag_us; /* between a delta's making and its being in force, of
			  * the latest; clocks may differ */
	uint64_t most_lag_us; /* since the start */
	uint64_t taken_us; /* when the latest delta was in force; 0: none yet */
	uint64_t reads_failed; /* answers that did not come, or errors */
	bool reachable; /* Redis, at the last try */
	bool saved; /* the file could be written */
};

/* What --check and the start need: the key.  ERR_USAGE with diag. */
enum err armed_new(struct armed **out, const struct armed_options *o,
		   struct diag *d) MUST_CHECK;
void armed_free(struct armed *a);
/* The set, for matchers; it lives as long as 'a'. */
struct ioc_live *armed_live(struct armed *a);
/* Likewise the patterns, for who loads sets of rules. */
struct pattern_list *armed_patterns(struct armed *a);

/* Arms with what the file in 'dir' has.  What is wrong with it is logged. */
void armed_load(struct armed *a, const char *dir);
/* Asks for those that are armed, without the thread, which does it itself;
 * false: it has to be called again, for there are more. */
bool armed_ask(struct armed *a);
/* Follows the collector from now on, behind armed_load().  ERR_IO, ERR_USAGE
 * with diag. */
enum err armed_start(struct armed *a, struct diag *d) MUST_CHECK;
void armed_stop(struct armed *a);
/* The key's file is read again, soon. */
void armed_reload_key(struct armed *a);

void armed_read(struct armed *a, struct armed_status *out);

#endif
