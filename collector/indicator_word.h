/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_word.h - whether what an indicator raised still means anything
 *
 * An indicator is *refuted* when an analyst removed or held it, when it is on an
 * allow list (as the lists are now), or when no source stands behind it any
 * more: all revoked, replaced or withdrew it.  One that merely ran out was good
 * until then: what was seen before stays what it was, so a source that sets the
 * end back refutes from there on.  What an analyst released stands.  Warnings of
 * our own do not count as sources: they follow from what was seen.  Of a value
 * that the set has no record of, nobody said anything: it stands.
 *
 * Place    above sighting, store_sql, gate and indicator_store; below
 *          common_set.
 * Threads  as the connection.
 * Memory   its statements.
 * Cost     about 10 us a value.
 */
#ifndef COLLECTOR_INDICATOR_WORD_H
#define COLLECTOR_INDICATOR_WORD_H

#include "collector/gate.h"
#include "collector/indicator_store.h"

struct indicator_word {
	bool refuted;
	uint64_t until_us; /* it was in force up to then; 0: never */
	/* Of what stands: the best of its sources, or
	 * INDICATOR_CONFIDENCE_UNKNOWN. */
	uint8_t confidence;
	char reason[INDICATOR_REASON_CAP]; /* of 'refuted' */
};

struct indicator_words;

/* 'g' is the caller's; ERR_IO, ERR_NOMEM with diag. */
enum err indicator_words_new(struct indicator_words **out, sqlite3 *db,
			     const struct gate *g, struct diag *d) MUST_CHECK;
void indicator_words_free(struct indicator_words *w);

/* Of a value, whatever its case, or of the key that one has in sightings, which
 * is cut when it is long; of several kinds with one value it stands when one of
 * them does. */
enum err indicator_word_of(struct indicator_words *w, const char *text,
			   uint64_t now_us,
			   struct indicator_word *out) MUST_CHECK;

/* The values that changed behind '*change', at most 'max'; it is moved.
 * '*more': there are others. */
enum err indicator_words_since(struct indicator_words *w, uint64_t *change,
			       unsigned max,
			       void (*fn)(void *arg, const char *value),
			       void *arg, bool *more) MUST_CHECK;

#endif
