/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an analyst types into the inbox: up to the first NUL a query, behind it
 * a text that is compared with each of its words.
 *
 * Oracle: what is taken stays within its bounds and makes SQL that SQLite
 * takes; what is refused says why, and where within the text.
 */
#include <stdlib.h>
#include <string.h>

#include "collector/query_sql.h"
#include "collector/store_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sqlite3 *
schema(void)
{
	static sqlite3 *db;
	struct diag d = { "" };

	if (db == NULL &&
	    (sqlite3_open(":memory:", &db) != SQLITE_OK ||
	     store_schema_migrate(db, ":memory:", &d) != ERR_OK)) {
		abort();
	}
	return db;
}

static void
run(const struct query *q)
{
	static struct store_query sql;
	struct query_sql w = { q, QUERY_PARAMS_FROM, false,
			       QUERY_SQL_ARCHIVED };
	sqlite3_stmt *st = NULL;

	for (int coarse = 0; coarse < 2; coarse++) {
		w.coarse = coarse == 1;
		sql = (struct store_query){ .len = 0 };
		store_query_add(&sql, "SELECT 1 FROM alert_groups h WHERE 1");
		query_sql_add(&sql, &w);
		if (sql.full) {
			continue;
		}
		if (sqlite3_prepare_v2(schema(), sql.sql, -1, &st, NULL) !=
			    SQLITE_OK ||
		    query_sql_bind(st, &w) != SQLITE_OK ||
		    sqlite3_step(st) != SQLITE_DONE) {
			abort();
		}
		sqlite3_finalize(st);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t n = nul != NULL ? (size_t)(nul - data) : size;
	struct view rest =
		nul != NULL ? view_of(nul + 1, size - n - 1) : VIEW_NONE;
	static struct query q;
	struct diag d = { "" };
	unsigned column = 0;

	if (query_parse(&q, view_of(data, n), UINT64_C(1795300000000000),
			&column, &d) != ERR_OK) {
		if (d.msg[0] == '\0' || column == 0 || column > n + 1) {
			abort();
		}
		return 0;
	}
	if (q.n > QUERY_MAX_TERMS || q.n_text > sizeof(q.text)) {
		abort();
	}
	for (unsigned i = 0; i < q.n; i++) {
		if (q.t[i].text < q.text ||
		    q.t[i].text + strlen(q.t[i].text) >= q.text + q.n_text) {
			abort();
		}
		(void)query_text_matches(&q.t[i], rest);
	}
	run(&q);
	return 0;
}
