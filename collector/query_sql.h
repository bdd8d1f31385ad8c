/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query_sql.h - an analyst's query as conditions on groups of alerts
 *
 * Only fixed text goes into the SQL, values are bound by number.
 *
 * Place    above query; within store_query.
 * Threads  pure.
 * Memory   the query's own.
 */
#ifndef COLLECTOR_QUERY_SQL_H
#define COLLECTOR_QUERY_SQL_H

#include "collector/query.h"
#include "collector/store_query.h"

/* The first parameter of a filter's own query; each query takes so many. */
#define QUERY_PARAMS_FROM 20
#define QUERY_PARAMS (2 * QUERY_MAX_TERMS)

struct query_sql {
	const struct query *query;
	unsigned base; /* number of its first parameter */
	/* Of groups that hold alerts that pass, rather than of groups that pass:
	 * what groups do not know exactly is left out. */
	bool coarse;
	/* The condition under which a group 'h' is archived. */
	const char *archived;
};
#define QUERY_SQL_ARCHIVED \
	"EXISTS(SELECT 1 FROM group_states x WHERE x.grp=h.id AND" \
	" x.archived>=h.last_alert)"

/* " AND ..." for each term, on a group 'h'. */
void query_sql_add(struct store_query *q, const struct query_sql *w);
/* SQLite's result. */
int query_sql_bind(sqlite3_stmt *st, const struct query_sql *w) MUST_CHECK;

#endif
