/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_json.h - the common set as JSON, for picketctl and the console
 *
 * Place    above indicator_list, indicator_poll_store and store_read; below
 *          console_indicators and ctl_indicator.
 * Threads  as the reader.
 * Memory   one row, and its text in the writer.
 * Cost     as indicator_list.h says.
 */
#ifndef COLLECTOR_INDICATOR_JSON_H
#define COLLECTOR_INDICATOR_JSON_H

#include "collector/indicator_list.h"
#include "collector/store_read.h"
#include "common/delta.h"
#include "common/json.h"

/* All of these write members of an object that is open.  ERR_IO. */

/* "counts" by state, and a list 'key', the newest first; '*last' is the number
 * of the last when there are 'limit' of them, else 0. */
enum err indicator_json_list(struct store_reader *r,
			     const struct indicator_filter *f, unsigned limit,
			     struct json *j, const char *key,
			     int64_t *last) MUST_CHECK;
/* "indicators" with "sources", "seen" and "log" of each: those that 'f' names
 * (by number or value); when none has the value as it is written, those that
 * have it as it would be kept.  '*n' of them. */
enum err indicator_json_show(struct store_reader *r,
			     const struct indicator_filter *f, struct json *j,
			     unsigned *n) MUST_CHECK;
/* "imports" with the "refusals" of each, the newest first; 'id' 0: all.  '*n' of
 * them. */
enum err indicator_json_imports(struct store_reader *r, int64_t id,
				unsigned limit, struct json *j,
				unsigned *n) MUST_CHECK;
/* "polls": how far servers were read. */
enum err indicator_json_polls(struct store_reader *r,
			      struct json *j) MUST_CHECK;

/* How far a sensor is with the set, as it says in its presence.  The texts last
 * until the next one is read. */
struct indicator_armed {
	const struct store_sensor *sensor;
	char version[DELTA_VERSION_CAP]; /* "": it has none */
	bool known; /* 'behind' is */
	uint64_t behind; /* changes */
	uint64_t armed, refused, forged, lag_us;
	uint64_t patterns, patterns_wait, patterns_lag_us;
	char patterns_refused[420]; /* as a sensor sends it */
};
/* Hands out each sensor; 'newest' is the set's change as it is now. */
enum err indicator_armed_each(struct store_reader *r, uint64_t newest,
			      void (*fn)(void *arg,
					 const struct indicator_armed *a),
			      void *arg) MUST_CHECK;
/* "version", and "sensors" with how far each is. */
enum err indicator_json_armed(struct store_reader *r,
			      struct json *j) MUST_CHECK;

/* The filter's word as it would be kept, for who writes it otherwise: with a
 * scheme, a final dot.  Hands out rows as indicator_list(). */
enum err indicator_list_canonical(struct store_reader *r, const char *word,
				  void (*fn)(void *arg,
					     const struct indicator_entry *e),
				  void *arg, const unsigned *n) MUST_CHECK;
/* "in force", "revoked", .. */
const char *indicator_gone_word(enum indicator_gone gone);

#endif
