/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_query.h - a filter of alerts as SQL
 *
 * Internal header: what the files of store_read share.  Only fixed text goes
 * into a query; values are bound by number, the same in every query.
 *
 * Place    within store_read.
 * Threads  pure.
 * Memory   the query's own.
 */
#ifndef COLLECTOR_STORE_QUERY_H
#define COLLECTOR_STORE_QUERY_H

#include "collector/store_read.h"

/* A query being put together. */
struct store_query {
	char sql[16384];
	size_t len;
	bool full; /* something found no room: it must not be run */
};

void store_query_add(struct store_query *q, const char *text);
void store_query_add_part(struct store_query *q, struct view text);
/* Conditions on the exercise, whose text is the column 'ex'. */
void store_query_scope(struct store_query *q,
		       const struct store_alert_filter *f, const char *ex);
/* Conditions on a group 'h' with its signature 'g', site's name 'n' and
 * exercise's name 'e'. */
void store_query_groups(struct store_query *q,
			const struct store_alert_filter *f);
/*
 * Binds what the text mentions: ?1 exercise, ?2 site, ?3 sensor, ?4 text, ?5
 * address, ?6 sid, ?7 severity, ?8 from, ?9 to, ?10 before, ?11 after, ?12
 * limit, ?13 offset, ?14 group.  SQLite's result.
 */
int store_query_bind(sqlite3_stmt *st, const struct store_alert_filter *f,
		     unsigned limit, unsigned offset) MUST_CHECK;

/*
 * Whether any rule is what the filter asks for: rules are few, and when none
 * is, the many groups need not be gone through.
 */
enum err store_query_has_rule(struct store_reader *r,
			      const struct store_alert_filter *f,
			      bool *has) MUST_CHECK;

/*
 * Whether so few groups pass that they are found sooner by reading all of the
 * table than by walking it in the order of time: those of one address, and
 * those of a severity that hardly any frame has.
 */
enum err store_query_is_rare(struct store_reader *r,
			     const struct store_alert_filter *f,
			     bool *rare) MUST_CHECK;

#endif
