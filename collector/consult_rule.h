/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consult_rule.h - what the collector says in a consultation by itself
 *
 * A consultation is opened when an incident reaches a level, or touches two
 * owners.  It is raised when the level climbs or a further owner is touched,
 * and opened again when that happens after it was closed.
 *
 * The lead moves by rule only to an owner that has something at stake that is
 * a whole name of criticality (CONSULT_MARGIN) above that of who leads, and
 * never once people handed it over.  Stakes only grow, so it moves at most four
 * times, and never back and forth.
 *
 * Whoever does not acknowledge in time is called again, CONSULT_STEPS times.
 * A deadline is a time in the store: one that passed while nobody ran is told
 * once, at the next look, and the next one counts from there.
 *
 * Place    above consult; below pipeline.
 * Threads  pure.
 * Memory   none.
 * Cost     a few comparisons.
 */
#ifndef COLLECTOR_CONSULT_RULE_H
#define COLLECTOR_CONSULT_RULE_H

#include "collector/consult.h"

#define CONSULT_MARGIN 25
#define CONSULT_MIN_OWNERS 2

struct consult_config {
	unsigned level; /* from which on it is opened */
	/* To acknowledge within: below level 4, at 4, at 5. */
	uint64_t ack_us[3];
	/* Whose automation this is; "": whoever leads. */
	char side[SEVERITY_NAME_CAP];
};
/* 4; 60, 30 and 15 minutes; "". */
extern const struct consult_config consult_defaults;

/* Among partners one speaks as oneself only: as 'us' (NULL: there are none),
 * unless a side was set. */
void consult_rule_among(struct consult_config *cfg, const char *us);

/* What is known of the incident. */
struct consult_facts {
	int64_t incident;
	const char *exercise;
	unsigned level;
	const struct severity_stake *stakes; /* lead first */
	unsigned n_stakes;
};

/*
 * The next thing to be said of an incident, into 'e' but for what
 * store_consult_say() fills in; 'c' NULL: there is no consultation yet.  False:
 * nothing.  To be asked again with what came of it.
 */
bool consult_rule_next(const struct consult_config *cfg,
		       const struct consult_facts *f, const struct consult *c,
		       uint64_t now_us, struct consult_event *e);
/*
 * What is to be said in 'now', which 'x' and 'y' became: that it is open, when
 * one of them was and the close of the other one stands behind it.
 */
bool consult_rule_merged(const struct consult_config *cfg,
			 const struct consult *x, const struct consult *y,
			 const struct consult *now, uint64_t now_us,
			 struct consult_event *e);
/* The same of a deadline that passed. */
bool consult_rule_late(const struct consult_config *cfg,
		       const struct consult *c, uint64_t now_us,
		       struct consult_event *e);
/* How long a side may take at this level. */
uint64_t consult_rule_patience(const struct consult_config *cfg,
			       unsigned level);

#endif
