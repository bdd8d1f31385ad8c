/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_run.h - the correlators over contacts: summaries in, findings out
 *
 * Each line of contacts goes by all kinds that are on.  What is remembered
 * between lines is in finding_state, so that the same lines lead to the same
 * findings with or without a restart between them; intervals of several workers
 * and sensors may come in any order within some minutes.
 *
 * Place    above finding_state, contacts_in and mission; below pipeline.
 * Threads  one.
 * Memory   finding_state's, and one JSON document.
 * Cost     some lookups by hash for each destination in a line: about 10 us a
 *          line with 16 of them, and the states that changed to the store.
 */
#ifndef COLLECTOR_FINDING_RUN_H
#define COLLECTOR_FINDING_RUN_H

#include "collector/contacts_in.h"
#include "collector/finding_state.h"

struct finder;

/* What a line says, and of where. */
struct finder_line {
	const char *exercise, *site, *owner;
	const struct marking *mark; /* of the line, joined with its site */
	const struct contacts *contacts;
};
struct finder_sink {
	void *arg;
	enum err (*found)(void *arg, const struct finding *f);
};
struct finder_stats {
	uint64_t ignored; /* lines of hosts that are on the list */
	uint64_t refused; /* of too many sites */
	struct finding_states_count states;
};

/* 'cfg' is copied, 'm' borrowed.  ERR_NOMEM, ERR_IO. */
enum err finder_new(struct finder **out, const struct finding_config *cfg,
		    const struct mission_map *m, sqlite3 *db) MUST_CHECK;
void finder_free(struct finder *f);
/* Makes memory agree with the store: at start, and after a rollback. */
enum err finder_reload(struct finder *f) MUST_CHECK;
/* Within a transaction; 'sink' is called for each finding, new or going on. */
enum err finder_take(struct finder *f, const struct finder_line *l,
		     const struct finder_sink *sink) MUST_CHECK;
/* What was learned since, to the store, in the same transaction. */
enum err finder_keep(struct finder *f) MUST_CHECK;
void finder_stats(const struct finder *f, struct finder_stats *out);
/* For tests. */
struct finding_states *finder_states(struct finder *f);

#endif
