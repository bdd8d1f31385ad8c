/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_store.h - the common set as it is kept: values, sources, states
 *
 * An indicator is a kind and a value.  Each source that gave it has a record of
 * its own, which that source alone revokes, replaces or withdraws.  What is
 * armed joins the records that are in force: the widest validity, the best
 * confidence, the worst severity, and the join of all marks, so that nothing a
 * source restricted goes further because another source did not.
 *
 * Every change of a row gives it the next change number, unique and growing:
 * who follows the set asks for what changed since a number.  A row that is off
 * stays as a tombstone, so that followers hear of it; the oldest beyond
 * 'keep_off' go, and the number of the last that went is the floor.
 *
 * Place    above store_sql; below common_set and ctl_indicator.
 * Threads  as the connection; several connections may write in turn.
 * Memory   its statements; one row at a time.
 * Cost     10 to 20 us for an indicator that is new, 5 for one that is known.
 */
#ifndef COLLECTOR_INDICATOR_STORE_H
#define COLLECTOR_INDICATOR_STORE_H

#include <sqlite3.h>

#include "common/indicator.h"

#define INDICATOR_REASON_CAP 320

/* Numbers are stored. */
enum indicator_state { INDICATOR_OFF, INDICATOR_HELD, INDICATOR_ARMED };
/* The analysts' word, which stands over the gate's; HELD may be the gate's own
 * as well, about what was armed and proved too common. */
enum indicator_verdict {
	VERDICT_NONE,
	VERDICT_RELEASED,
	VERDICT_HELD,
	VERDICT_REMOVED
};
/* Why a source's record is no longer in force. */
enum indicator_gone {
	INDICATOR_HERE,
	INDICATOR_REVOKED,
	INDICATOR_REPLACED, /* by a newer version of the same object */
	INDICATOR_WITHDRAWN /* its source's list no longer has it */
};

struct indicator_limits {
	uint64_t max_total; /* records of all sources */
	uint64_t max_source; /* of one source */
	uint64_t keep_off; /* rows that are off */
	uint64_t keep_log; /* lines of the log */
};
extern const struct indicator_limits indicator_limits_default;

/* Whether a new indicator may be armed at once; else why not. */
struct indicator_gate {
	void *arg;
	bool (*pass)(void *arg, const struct indicator *i,
		     char reason[INDICATOR_REASON_CAP]);
};

enum indicator_outcome {
	INDICATOR_ADDED,
	INDICATOR_CHANGED,
	INDICATOR_SAME,
	INDICATOR_STALE, /* the source's own record is newer */
	INDICATOR_GONE, /* revoked */
	INDICATOR_NO_ROOM
};

struct indicator_put {
	int64_t origin; /* indicator_store_origin() */
	int64_t import; /* 0: none */
	bool snapshot; /* records that it does not bring are withdrawn later */
	uint64_t now_us; /* wall clock */
	const struct indicator_gate *gate; /* NULL: all may be armed */
	uint64_t quota; /* most records of this source; 0: as the limits say */
	/* what came of it */
	enum indicator_outcome outcome;
	bool held; /* by this put */
	bool crowded; /* INDICATOR_NO_ROOM: for the bound of all, not its own */
	int64_t id; /* 0 with INDICATOR_NO_ROOM */
};

struct indicator_store;

/* On a connection that writes; ERR_IO with diag. */
enum err indicator_store_open(struct indicator_store **out, sqlite3 *db,
			      const struct indicator_limits *limits,
			      struct diag *d) MUST_CHECK;
void indicator_store_close(struct indicator_store *s);

/* A transaction; ERR_AGAIN when another writer has the store for too long.
 * All that follows is inside of one. */
enum err indicator_store_begin(struct indicator_store *s) MUST_CHECK;
enum err indicator_store_commit(struct indicator_store *s) MUST_CHECK;
/* The same within the caller's own transaction: before the first use of it, and
 * after the last.  When that is rolled back, so is indicator_store_rollback(). */
enum err indicator_store_join(struct indicator_store *s) MUST_CHECK;
enum err indicator_store_leave(struct indicator_store *s) MUST_CHECK;
void indicator_store_rollback(struct indicator_store *s);

/* The number of a source by its name, made when it is new. */
enum err indicator_store_origin(struct indicator_store *s, const char *name,
				int64_t *id) MUST_CHECK;
enum err indicator_store_put(struct indicator_store *s,
			     const struct indicator *i,
			     struct indicator_put *p) MUST_CHECK;
/* Takes the records of 'origin' away that have been there longest, at most
 * 'max': '*n' of them.  What another source gives too stays. */
enum err indicator_store_evict(struct indicator_store *s, int64_t origin,
			       uint64_t now_us, unsigned max,
			       unsigned *n) MUST_CHECK;
/* Settles at most 'max' rows one of whose sources ran out; '*n' of them. */
enum err indicator_store_due(struct indicator_store *s, uint64_t now_us,
			     unsigned max, unsigned *n) MUST_CHECK;
/* Of the rows behind '*cursor', at most 'max': the records of 'origin' that
 * 'import' did not bring are withdrawn.  'done': there is none behind. */
enum err indicator_store_withdraw(struct indicator_store *s, int64_t origin,
				  int64_t import, uint64_t now_us, unsigned max,
				  int64_t *cursor, unsigned *n,
				  bool *done) MUST_CHECK;
/* The oldest tombstones and log lines beyond their bounds, 'max' of each. */
enum err indicator_store_trim(struct indicator_store *s, unsigned max,
			      unsigned *n) MUST_CHECK;
/* An analyst's word on row 'id', logged; ERR_NOTFOUND, or ERR_USAGE for what
 * is so already, with diag. */
enum err indicator_store_judge(struct indicator_store *s, int64_t id,
			       enum indicator_verdict v, const char *who,
			       const char *note, uint64_t now_us,
			       struct diag *d) MUST_CHECK;

/* Takes an armed one back of which no analyst said anything, as if who had held
 * it, for 'why'; '*held' whether there was such a one. */
enum err indicator_store_take_back(struct indicator_store *s,
				   enum indicator_kind kind, const char *value,
				   const char *who, const char *why,
				   uint64_t now_us, bool *held) MUST_CHECK;

/* An analyst gives again what one had removed: the word is lifted, logged, and
 * the gate decides when the record comes.  ERR_OK as well when there is none. */
enum err indicator_store_restore(struct indicator_store *s,
				 enum indicator_kind kind, const char *value,
				 const char *who, uint64_t now_us,
				 struct diag *d) MUST_CHECK;

/* What 'key' holds: a digest of the value, its case folded. */
int64_t indicator_store_key(const char *value);
/* "off", "held", "armed". */
const char *indicator_state_name(enum indicator_state s);

#endif
