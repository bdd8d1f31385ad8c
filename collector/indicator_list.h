/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_list.h - the common set as it is read: lists, changes, reports
 *
 * Place    above store_reader and indicator_store; below ctl_indicator and
 *          whoever follows the set to arm it.
 * Threads  as the reader: a connection of its own, never in the writer's way.
 * Memory   what is handed out lives until the call returns.
 * Cost     an index lookup a row; a search by text walks the set.
 */
#ifndef COLLECTOR_INDICATOR_LIST_H
#define COLLECTOR_INDICATOR_LIST_H

#include "collector/indicator_store.h"
#include "collector/store_reader.h"

struct indicator_entry {
	int64_t id;
	enum indicator_state state;
	enum indicator_verdict verdict;
	uint64_t change;
	uint64_t first_us, changed_us; /* wall clock */
	const char *reason; /* why it is held or off; "" */
	struct indicator is; /* joined; texts of the best source */
};

struct indicator_filter {
	unsigned states; /* a bit for each (1 << INDICATOR_HELD); 0: all */
	const char *text; /* in the value; NULL: any */
	int64_t id; /* of this row; 0: any */
	const char *value; /* of this value, of any kind; NULL: any */
	int64_t before; /* only rows with a smaller number; 0: any */
};

/* The newest rows first.  ERR_IO. */
enum err indicator_list(struct store_reader *r,
			const struct indicator_filter *f, unsigned limit,
			void (*fn)(void *arg, const struct indicator_entry *e),
			void *arg) MUST_CHECK;

/* What each source says of row 'id'. */
enum err indicator_list_sources(struct store_reader *r, int64_t id,
				void (*fn)(void *arg, const struct indicator *i,
					   enum indicator_gone gone,
					   uint64_t at_us),
				void *arg) MUST_CHECK;
enum err indicator_list_log(struct store_reader *r, int64_t id,
			    void (*fn)(void *arg, uint64_t at_us,
				       const char *who, const char *what,
				       const char *text),
			    void *arg) MUST_CHECK;
/* Where row 'id' was seen: at sites of ours, and at "PARTY:PLACE" of partners that
 * said so.  'past' of 'count' were found in what had been seen before. */
enum err indicator_list_seen(struct store_reader *r, int64_t id,
			     void (*fn)(void *arg, const char *site,
					uint64_t first_us, uint64_t last_us,
					uint64_t count, uint64_t past),
			     void *arg) MUST_CHECK;

struct indicator_import {
	int64_t id;
	const char *origin, *who, *error;
	const char *state; /* "reading", "waiting", "done" */
	uint64_t begun_us, ended_us;
	uint64_t total, supported, refused, repeated;
	uint64_t taken, added, changed, same, stale, revoked, held, no_room;
	uint64_t withdrawn;
};
/* The newest first; 'id' 0: all. */
enum err
indicator_list_imports(struct store_reader *r, int64_t id, unsigned limit,
		       void (*fn)(void *arg, const struct indicator_import *i),
		       void *arg) MUST_CHECK;
enum err indicator_list_refusals(struct store_reader *r, int64_t import,
				 void (*fn)(void *arg, const char *file,
					    uint64_t line, const char *id,
					    const char *reason),
				 void *arg) MUST_CHECK;
/* How many are off, held and armed. */
enum err indicator_list_counts(struct store_reader *r,
			       uint64_t out[3]) MUST_CHECK;

/* The marks of all in the set that have this value (its case folded), joined;
 * '*known' false when none has. */
enum err indicator_list_marks(struct store_reader *r, const char *value,
			      struct marking *out, bool *known) MUST_CHECK;

/*
 * The value that the text of a key of an indicator of that kind (sighting.h)
 * stands for, in its own case and whole; of several one that is in force, then
 * the oldest.  '*known' false when the set has none.
 */
enum err indicator_list_value(struct store_reader *r, enum indicator_kind kind,
			      const char *key,
			      char value[INDICATOR_PATTERN_CAP],
			      bool *known) MUST_CHECK;

/*
 * As struct arm_source wants them; 'arg' is the store_reader.  The newest
 * change committed (0 when there is none or it cannot be read), and what
 * changed since a number, in order; since 0: all that is armed.  ERR_NOTFOUND:
 * tombstones newer than 'since' are gone, begin again from 0.
 */
uint64_t indicator_changes_version(void *arg);
enum err indicator_changes(void *arg, uint64_t since, size_t max,
			   enum err (*fn)(void *arg, const struct indicator *i,
					  uint64_t change, bool armed),
			   void *fn_arg) MUST_CHECK;

#endif
