/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threshold.h - threshold and detection_filter, counted in packet order
 *
 * Thresholds count across flows and workers, so they are applied where all
 * workers' alerts meet, in packet order; a replay gives the same alerts with
 * any number of workers.
 *
 * Place    above rule.h; called by the sensor's sink.
 * Threads  one table, one thread.
 * Memory   bounded by 'max_entries'; the longest idle entry is replaced, and
 *          counted.
 */
#ifndef RULES_THRESHOLD_H
#define RULES_THRESHOLD_H

#include "rules/rule.h"

/* What an entry costs with its place in the index, about. */
#define THRESHOLD_ENTRY_BYTES 128

struct threshold_table;

struct threshold_key {
	struct addr src, dst;
	uint64_t flow_id;
	/* What is of one lane (0: real, else an exercise's number) is not held
	 * back for what another one had. */
	unsigned lane;
};

/* Which of a rule's counts held the match back. */
enum threshold_verdict {
	THRESHOLD_PASS,
	THRESHOLD_BY_LIMIT, /* threshold or event_filter */
	THRESHOLD_BY_FILTER, /* detection_filter */
	THRESHOLD_BY_RATE, /* rate_filter with new_action pass */
};

/* NULL when 'max_entries' is 0 or the system has no memory. */
struct threshold_table *threshold_table_new(size_t max_entries);
void threshold_table_free(struct threshold_table *t);
/*
 * Counts this match and says whether it alerts. 'ts_us' is packet time.  A
 * period begins with the first match after the last one ended; its last
 * microsecond still belongs to it.  rate_filter is asked first, then
 * detection_filter, and each counts only what the one before lets through.
 */
enum threshold_verdict threshold_check(struct threshold_table *t,
				       const struct rule *rule,
				       const struct threshold_key *key,
				       uint64_t ts_us);
/*
 * How much more, in percent, thresholds and event filters let through from now
 * on: 200 doubles the alerts of a limit and halves the matches that make one
 * alert; 100 is as the rules say.  Detection and rate filters, which say what
 * an attack is, stay as they are.  Counts that run go on.
 */
void threshold_set_percent(struct threshold_table *t, unsigned percent);
uint64_t threshold_suppressed(const struct threshold_table *t);
/* Counts lost to replacement before their period was over. */
uint64_t threshold_evicted(const struct threshold_table *t);

#endif
