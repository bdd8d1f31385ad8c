/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_store.h - findings in the store
 *
 * A row is one kind, key and window: what goes on is written over it.  Of each
 * site FINDING_STORE_SITE are kept and of all FINDING_STORE_MAX, the oldest go,
 * those of the site that fills the table first.
 *
 * Place    above store_sql and finding; below feed, pipeline and ctl_finding.
 * Threads  as the connection.
 * Memory   texts of a row are valid within the call that hands it out.
 * Cost     a lookup and a write for each verdict.
 */
#ifndef COLLECTOR_FINDING_STORE_H
#define COLLECTOR_FINDING_STORE_H

#include <sqlite3.h>

#include "collector/finding.h"

#define FINDING_STORE_SITE 5000
#define FINDING_STORE_MAX 50000

struct finding_row {
	int64_t id;
	const char *kind, *exercise, *site; /* where it was seen first */
	const char *host, *peer; /* addresses; "": none */
	unsigned port, proto; /* 0: none in particular */
	unsigned severity;
	const char *title, *mark; /* marking_text() */
	uint64_t first_us, last_us; /* of packets */
	uint64_t stored_us; /* wall clock, when it was told first */
	uint64_t updates; /* verdicts beyond the first */
	const char *places, *evidence; /* JSON: [{"site","owner"}...]; object */
};

/* What a verdict became. */
enum finding_news {
	FINDING_NEW,
	FINDING_RAISED, /* it is twice what was told */
	FINDING_MORE, /* it goes on */
};

/* In the writer's transaction; '*forgotten' rows went. */
enum err finding_store_put(sqlite3 *db, const struct finding *f,
			   uint64_t now_us, int64_t *id,
			   enum finding_news *news,
			   uint64_t *forgotten) MUST_CHECK;
/* The row as it is now; ERR_NOTFOUND. */
enum err finding_store_get(sqlite3 *db, int64_t id,
			   enum err (*fn)(void *arg,
					  const struct finding_row *r),
			   void *arg) MUST_CHECK;
/* The newest 'max' of one kind and one exercise ("": none; NULL: all). */
enum err finding_store_list(sqlite3 *db, const char *kind, const char *exercise,
			    unsigned max,
			    enum err (*fn)(void *arg,
					   const struct finding_row *r),
			    void *arg) MUST_CHECK;
/* Its members, into the object that is open. */
void finding_row_json(struct json *j, const struct finding_row *r);

#endif
