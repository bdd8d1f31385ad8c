/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_cases.h - incidents and sightings as analysts read and steer them
 *
 * Rows are handed out as store_read.h does.
 *
 * Place    beside store_read.
 * Threads  as the reader; a change of state takes a connection of its own.
 * Memory   a page at a time.
 */
#ifndef COLLECTOR_STORE_CASES_H
#define COLLECTOR_STORE_CASES_H

#include "collector/store_reader.h"

struct store_incident {
	int64_t id;
	const char *state; /* "open", "ack", "closed", "merged" */
	const char *exercise, *title;
	unsigned score, level; /* 0-100, 0-5 */
	const char *level_name;
	const char *lead, *support; /* owners; support is comma-separated */
	uint64_t first_us, last_us; /* packet time */
	uint64_t created_us, updated_us; /* wall clock */
	int64_t merged_into; /* 0, or the incident that took this one in */
	const char *mark; /* marking_text(): who may see it */
	/* JSON object: sites, owners, actors [{kind,value,sites,count,first,
	 * last}], victims, stages, services, missions, factors, alerts,
	 * evidence (alert ids) */
	const char *summary;
};
/* 'state' NULL is all but merged ones.  Worst first. */
enum err
store_read_incidents(struct store_reader *r, enum store_scope scope,
		     const char *state, unsigned offset, unsigned limit,
		     void (*fn)(void *arg, const struct store_incident *i),
		     void *arg) MUST_CHECK;
enum err store_read_incident(struct store_reader *r, int64_t id,
			     void (*fn)(void *arg,
					const struct store_incident *i),
			     void *arg) MUST_CHECK;

struct store_log {
	uint64_t at_us;
	const char *who; /* "correlate", or the analyst's name */
	const char *what; /* opened raised merged ack closed consult note */
	const char *text;
};
enum err store_read_incident_log(struct store_reader *r, int64_t id,
				 void (*fn)(void *arg,
					    const struct store_log *l),
				 void *arg) MUST_CHECK;

struct store_sighting {
	const char *kind; /* "indicator", "address", "domain", ... */
	const char *key, *site, *exercise;
	uint64_t first_us, last_us, count;
	int64_t incident; /* 0 when part of none */
};
/* Of one incident (id > 0) or of all, latest first. */
enum err
store_read_sightings(struct store_reader *r, int64_t incident, unsigned limit,
		     void (*fn)(void *arg, const struct store_sighting *s),
		     void *arg) MUST_CHECK;

/*
 * "ack", "closed" or "open" (again); writes the log in the same transaction.
 * ERR_NOTFOUND, ERR_USAGE for a state there is no way to from here, ERR_AGAIN
 * when the writer held the store for longer than a few seconds.
 */
enum err store_incident_set_state(struct store_reader *r, int64_t id,
				  const char *state, const char *who,
				  const char *note, struct diag *d) MUST_CHECK;
/*
 * A line "note" in its log, whatever its state.  ERR_NOTFOUND, ERR_AGAIN as
 * above.
 */
enum err store_incident_note(struct store_reader *r, int64_t id,
			     const char *who, const char *note,
			     struct diag *d) MUST_CHECK;

#endif
