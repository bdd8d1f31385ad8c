/* SPDX-License-Identifier: Apache-2.0 */
/*
 * correlator_store.h - the correlators as they run, and what they found
 *
 * The collector writes down at its start, and when a posture changes a
 * threshold, which correlators hold and by what numbers, so that whoever looks
 * at the store sees what is in force and not what a file says by now.  What they
 * find is counted by the hour, for CORRELATOR_HOURS.
 *
 * Place    above store_sql and store_reader; below pipeline and ctl_correlator.
 * Threads  as the connection.
 * Memory   texts of a row are valid within the call that hands it out.
 * Cost     two short statements a finding; CORRELATOR_HOURS rows a kind.
 */
#ifndef COLLECTOR_CORRELATOR_STORE_H
#define COLLECTOR_CORRELATOR_STORE_H

#include "collector/correlator_file.h"
#include "collector/store_reader.h"

#define CORRELATOR_HOURS 48

struct correlator_found {
	const char *kind, *place; /* "FILE:LINE"; "": as it ships */
	const char *thresholds; /* a JSON object */
	const char *tactics; /* "TA0007", with "/" between; "": none */
	bool enabled;
	uint64_t day, total, last_us; /* found in 24 hours, ever, and when */
};

/* All kinds as they are; 'file' NULL: there is none.  In a transaction. */
enum err correlator_store_declare(sqlite3 *db, const struct correlate_config *c,
				  const struct finding_config *f,
				  const struct correlator_lines *lines,
				  const char *file) MUST_CHECK;
/* 'kind' found 'n' more.  In a transaction. */
enum err correlator_store_found(sqlite3 *db, const char *kind, uint64_t n,
				uint64_t at_us) MUST_CHECK;
/* Each, in the order of the documentation. */
enum err correlator_store_each(struct store_reader *r, uint64_t now_us,
			       enum err (*fn)(void *arg,
					      const struct correlator_found *c),
			       void *arg) MUST_CHECK;

#endif
