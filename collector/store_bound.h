/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_bound.h - how much is kept of what a sensor can invent
 *
 * A sensor that is broken or hostile, or whoever writes in its name, can say
 * ever new epochs, ranges, moments and texts.  Each table that such words fill
 * has a bound, and the newest of it is kept.  What goes beyond is counted in
 * the table 'dropped', by sensor and kind, so that nothing ends in silence.
 *
 * Frames and groups have bounds of the operator's: store_limit().
 *
 * Place    above store_reader; below store.
 * Threads  the writing half: the store's; the reading half: as store_reader.h.
 * Memory   one row a sensor and kind.
 * Cost     a statement for each time that something goes.
 */
#ifndef COLLECTOR_STORE_BOUND_H
#define COLLECTOR_STORE_BOUND_H

#include "collector/store_reader.h"

/* What went, and by whose fault; sensor 0 where it is nobody's alone. */
#define STORE_DROP_LIST(X) \
	X(epochs) /* of which all that was known is forgotten */ \
	X(epochs_open) /* of these: something was missing or waiting */ \
	X(epochs_told) /* ledgers of epochs that no batch ever came of */ \
	X(batches) /* counts of single batches, summed up early */ \
	X(shed) /* ranges of shed batches, summed up */ \
	X(gaps) /* gap records, summed up */ \
	X(blind) /* intervals of blindness */ \
	X(timeline) /* minutes of a site; events: alerts in them */ \
	X(names) /* texts that stand as "(too many names)" */ \
	X(signatures) /* rules that stand as "(too many rules)" */

enum store_drop {
#define X(name) STORE_DROP_##name,
	STORE_DROP_LIST(X)
#undef X
		STORE_DROPS
};

/* Rows at most.  A table may be over its bound by what one transaction brings,
 * and goes well below when it is cut, so that cutting is rare. */
struct store_bounds {
	unsigned epochs; /* of a sensor, with batches */
	unsigned told; /* of a sensor, told of in ledgers only */
	unsigned batches; /* numbers of an epoch that are counted singly */
	unsigned shed; /* of an epoch and class */
	unsigned gaps; /* of a sensor */
	unsigned blind; /* of a sensor and cause; what lasts is not counted */
	unsigned minutes; /* of the timeline; the site with most gives way */
	unsigned names, signatures;
	unsigned patience; /* commits, until a sweep of these is tried again */
};
extern const struct store_bounds store_bounds_default;

/* Longer names of exercises are not kept. */
#define STORE_NAME_LEN 256
/* What stands for a text, or a rule, that found no room. */
#define STORE_NAME_OTHER "(too many names)"
#define STORE_SIGNATURE_OTHER "(too many rules)"

const char *store_drop_name(enum store_drop kind);

/*
 * Counts 'n' rows that went, with 'events' in them; 'upto' is the highest epoch
 * (epochs) or the latest moment (blind) that they speak of, else 0.  Inside of
 * the store's transaction.
 */
enum err store_drop_note(sqlite3 *db, int64_t sensor, enum store_drop kind,
			 uint64_t n, uint64_t events, uint64_t upto) MUST_CHECK;
/* The highest 'upto' of a sensor's kind; 0: nothing went. */
enum err store_drop_upto(sqlite3 *db, int64_t sensor, enum store_drop kind,
			 uint64_t *upto) MUST_CHECK;

/* What has been told of all that went. */
struct store_drop_told {
	uint64_t at_us, n[STORE_DROPS];
	bool begun; /* what a former collector dropped, it told */
};
/* Logs what went since it was told last, once a minute at most. */
void store_drop_tell(sqlite3 *db, struct store_drop_told *t, uint64_t now_us);

/* --- reading --- */

struct store_dropped {
	const char *site, *sensor, *what; /* "" and "": nobody's alone */
	uint64_t n, events, upto;
	uint64_t first_us, last_us; /* when */
};
/* By site and sensor (NULL: all), those of nobody first. */
enum err
store_read_dropped(struct store_reader *r, const char *site, const char *sensor,
		   void (*fn)(void *arg, const struct store_dropped *row),
		   void *arg) MUST_CHECK;

#endif
