/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_warning.h - what one site learnt and all are armed with, in the store
 *
 * A row is a kind and a value: noted in the transaction of the alerts that
 * showed it, offered to the common set after that, and followed until every
 * sensor that is there runs it.  A site adds STORE_WARNING_HOUR rows an hour
 * at most, and keeps STORE_WARNING_SITE: its own oldest go first.
 *
 * Place    above store_sql and indicator_store; below feed, pipeline and
 *          ctl_warning.
 * Threads  as the connection.
 * Memory   texts of a row are valid within the call that hands it out.
 * Cost     three lookups for what is noted.
 */
#ifndef COLLECTOR_STORE_WARNING_H
#define COLLECTOR_STORE_WARNING_H

#include <sqlite3.h>

#include "common/indicator.h"
#include "common/json.h"

#define STORE_WARNING_HOUR 256
#define STORE_WARNING_SITE 2000
/* Of one incident: who links much to itself shall not arm us with all of it. */
#define STORE_WARNING_INCIDENT 32

/* Numbers are stored. */
enum warning_state {
	WARNING_NOTED, /* to be offered to the common set */
	WARNING_GIVEN, /* armed; not yet seen at every sensor */
	WARNING_ARMED, /* at every sensor that was there */
	WARNING_HELD, /* by the gate, for an analyst */
	WARNING_KNOWN, /* was in the common set when it was first seen */
	WARNING_REFUSED, /* the common set has no room */
	WARNING_OFF, /* no longer in force: removed, refuted, run out */
	WARNING_STATES
};

struct store_warning {
	int64_t id;
	enum indicator_kind kind;
	bool exact; /* not the subdomains */
	const char *value, *mark; /* marking_text() */
	unsigned confidence, severity;
	int64_t incident; /* 0: an indicator that no incident has */
	unsigned level; /* of the incident */
	const char *site; /* where it was seen first */
	uint64_t first_us; /* packet time: it was seen first */
	uint64_t cause_us; /* packet time: what made it worth a warning */
	uint64_t stored_us; /* wall clock: of the transaction that noted it */
	enum warning_state state;
	int64_t indicator; /* of the common set; 0: none yet */
	uint64_t change; /* with which it was armed */
	uint64_t offered_us, armed_us; /* 0: not yet */
	unsigned sensors; /* that it was armed at */
	const char *last_site, *last_sensor; /* of these, the last */
	uint64_t moved_us; /* the common set changed its state; 0: never */
};

/* "noted", "given", "armed", "held", "known", "refused", "off". */
const char *warning_state_name(enum warning_state s);
/* Its members, into the object that is open. */
void store_warning_json(struct json *j, const struct store_warning *w);

/*
 * In the writer's transaction: a warning that is new, or wider, or whose former
 * one was stored before 'expired_us', is off for another reason than that an
 * analyst removed it, or found no room an hour ago.  'known' true: one that the
 * common set has armed is noted as that, else it is passed over.  '*added' is
 * false, too, for one that is there already, unless fewer may see it now; '*refused': its site or incident
 * had its share.  '*forgotten' rows of its site went.  Sets state and indicator
 * of 'w'.
 */
enum err store_warning_note(sqlite3 *db, struct store_warning *w,
			    uint64_t expired_us, bool known, bool *added,
			    bool *refused, uint64_t *forgotten) MUST_CHECK;
/* At most 'max' that are noted or given (not armed) behind 'after', oldest
 * first; 'fn' may begin transactions.  Without last_site and last_sensor. */
enum err store_warning_each(sqlite3 *db, enum warning_state s, int64_t after,
			    unsigned max,
			    enum err (*fn)(void *arg,
					   const struct store_warning *w),
			    void *arg) MUST_CHECK;
/* The newest 'max', the newest first. */
enum err store_warning_list(sqlite3 *db, unsigned max,
			    enum err (*fn)(void *arg,
					   const struct store_warning *w),
			    void *arg) MUST_CHECK;
/* What came of the offer, as the common set has it: state, indicator, change and
 * offered_us of 'w'.  'indicator' 0: there was no room. */
enum err store_warning_offered(sqlite3 *db, struct store_warning *w,
			       int64_t indicator, uint64_t now_us) MUST_CHECK;

/* Where warnings were last compared with the common set; zero at first. */
struct warning_cursor {
	bool swept; /* all rows were looked at once; what changed since is left */
	int64_t row;
	uint64_t change;
};
/*
 * Compares the next warnings, or what changed of the common set, 'max' of them,
 * and hands out those whose state is no longer right, in the state that is; a
 * transaction of its own.  An error of 'fn' ends it, and nothing is changed.
 * '*more': there are others.  ERR_AGAIN: another writes.
 */
enum err store_warning_agree(sqlite3 *db, struct warning_cursor *at,
			     uint64_t now_us, unsigned max, bool *more,
			     enum err (*fn)(void *arg, enum warning_state was,
					    const struct store_warning *w),
			     void *arg) MUST_CHECK;
/* In the writer's transaction: those that incident 'id' gave are handed out, and
 * are off then; not those of indicators that it has. */
enum err store_warning_withdraw(sqlite3 *db, int64_t id, uint64_t now_us,
				enum err (*fn)(void *arg,
					       const struct store_warning *w),
				void *arg) MUST_CHECK;
/* In the writer's transaction: incident 'from' became part of 'into'. */
enum err store_warning_merged(sqlite3 *db, int64_t from,
			      int64_t into) MUST_CHECK;
/* What all sensors that are there have in force: the oldest change of theirs,
 * and who was the last to take one, when by its own clock. */
struct warning_fleet {
	unsigned n; /* sensors; 0: nothing is known */
	uint64_t change;
	uint64_t taken_us;
	char site[256], sensor[256];
};
/* Those given that they have are armed: since when, where last.  Clocks of
 * sensors are behind ours by 'clocks_us' at most.  '*open': one that was given
 * since 'since_us' is not armed everywhere. */
enum err store_warning_armed(sqlite3 *db, const struct warning_fleet *f,
			     uint64_t now_us, uint64_t clocks_us,
			     uint64_t since_us, bool *open) MUST_CHECK;

#endif
