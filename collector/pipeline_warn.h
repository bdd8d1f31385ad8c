/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline_warn.h - what one site learnt, told to all
 *
 * The addresses, domains and certificates of an incident that are worth it, and
 * an indicator that is seen for the first time, are noted with the alerts that
 * showed them, and offered to the common set right after the commit; from there
 * they pass the gate and go to every sensor.  All that is known of it is in the
 * store, so that a crash between two steps repeats the second.
 *
 * Place    the pipeline's own: above common_set and store_warning.
 * Threads  the pipeline's.
 * Memory   none but this.
 * Cost     three lookups for an indicator or actor that changed; nothing more
 *          while nothing is to be offered or followed.
 */
#ifndef COLLECTOR_PIPELINE_WARN_H
#define COLLECTOR_PIPELINE_WARN_H

#include "collector/correlate.h"
#include "collector/spelling.h"
#include "collector/store_warning.h"
#include "common/alert.h"

/* The pipeline's memory of it: what is to be looked for in the store. */
struct pipeline_warn {
	bool look; /* both of these are not known */
	bool pending; /* something is to be offered */
	bool open; /* something was given, and is not yet armed everywhere */
	bool failed; /* the last turn, and it was told */
	/* Monotonic: the next look at the common set, at sensors; or try. */
	uint64_t next_us, follow_us, retry_us;
	struct spellings *named; /* by alerts of this transaction */
	struct warning_cursor cursor; /* the common set was followed so far */
	bool moved; /* the set took one back in this transaction */
};

struct pipeline;

/* In the transaction: an alert whose sighting is 's'. */
void pipeline_warn_alert(struct pipeline *p, const struct alert *a,
			 const struct sighting_set *s);
/* The transaction ended, or was given up. */
void pipeline_warn_settled(struct pipeline *p, bool committed);
/* In the transaction: incident 'from' became part of 'into'; and 'id' stands no
 * more: what it alone armed is taken back. */
enum err pipeline_warn_merged(struct pipeline *p, int64_t from,
			      int64_t into) MUST_CHECK;
enum err pipeline_warn_withdraw(struct pipeline *p, int64_t id) MUST_CHECK;
/* In the transaction; 'all' its members are looked at, else those that changed.
 * The incident was just assessed. */
enum err pipeline_warn_incident(struct pipeline *p, const struct incident *i,
				bool all) MUST_CHECK;
/* In the transaction: of a run that changed. */
enum err pipeline_warn_run(struct pipeline *p, const struct run *r) MUST_CHECK;
/* Between two transactions: offers, tells, follows.  An error is the feed's;
 * others are told and tried again. */
enum err pipeline_warn_turn(struct pipeline *p, struct diag *d) MUST_CHECK;

#endif
