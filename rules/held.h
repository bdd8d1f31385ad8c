/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held.h - matches that became no alert, by rule and cause
 *
 * A sensor that holds alerts back must say so: in its counters, and in the
 * next alert of the rule.
 *
 * Place    above rule.h; below the sensor's record and sink.
 * Threads  one table, one thread.
 * Memory   an entry for each rule that was ever held back; rules beyond
 *          HELD_MAX_RULES are counted in the totals only.
 * Cost     one hash probe a match that is held back, or that follows one.
 */
#ifndef RULES_HELD_H
#define RULES_HELD_H

#include "rules/rule.h"

#define HELD_MAX_RULES ((uint32_t)1 << 20)

/* CAUSE(symbol, "name in the counters") */
#define HELD_CAUSE_LIST(CAUSE) \
	CAUSE(THRESHOLD, "threshold") /* and event_filter */ \
	CAUSE(DETECTION_FILTER, "detection_filter") \
	CAUSE(RATE_FILTER, "rate_filter") /* new_action pass */ \
	CAUSE(SUPPRESS, "suppress") \
	CAUSE(ALERT_MAX, "packet_alert_max") \
	CAUSE(NO_MEMORY, "no_memory")

enum held_cause {
#define CAUSE(sym, name) HELD_##sym,
	HELD_CAUSE_LIST(CAUSE)
#undef CAUSE
		HELD_CAUSES,
	HELD_NOT = HELD_CAUSES,
};

struct held_rule {
	uint32_t gid, sid;
	uint64_t total;
	uint64_t by[HELD_CAUSES]; /* since the run began */
	uint64_t fresh[HELD_CAUSES]; /* since the rule's last alert */
	bool any_fresh;
};

struct held;

struct held *held_new(void); /* NULL when out of memory */
void held_free(struct held *h);
const char *held_cause_name(enum held_cause c);

void held_add(struct held *h, const struct rule *r, enum held_cause c);
/* So many of rules that nobody knows any more: in the totals only. */
void held_add_unnamed(struct held *h, enum held_cause c, uint64_t n);
/* The rule's counts when something was held since its last alert; NULL when
 * nothing was.  The caller prints 'fresh' and calls held_told(). */
struct held_rule *held_news(struct held *h, const struct rule *r);
void held_told(struct held_rule *r);

uint64_t held_total(const struct held *h, enum held_cause c);
/* How many rules have been held back at all, as far as they were kept. */
uint32_t held_rules(const struct held *h);
/* The worst rules first (by total, then gid and sid); returns how many. */
uint32_t held_worst(const struct held *h, const struct held_rule **out,
		    uint32_t cap);

#endif
