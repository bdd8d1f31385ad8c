/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_inbox_state.h - what the files of store_inbox share
 *
 * Place    within store_inbox.
 * Threads  as store_inbox.h.
 * Memory   the inbox's.
 */
#ifndef COLLECTOR_STORE_INBOX_STATE_H
#define COLLECTOR_STORE_INBOX_STATE_H

#include "collector/query_sql.h"
#include "collector/store_inbox.h"

struct inbox {
	struct store_reader *r;
	struct inbox_asked asked;
	char exercise[256];
	struct query query;
	struct query rules[INBOX_MAX_RULES];
	unsigned n_rules;
	struct store_query archived; /* the condition */
	struct store_query sql; /* scratch */
};

/* " AND ..." on groups 'h' for all that is asked but the page, into 'sql';
 * the values, for a statement that has it. */
void inbox_conditions(struct inbox *b, struct store_query *sql);
int inbox_bind(struct inbox *b, sqlite3_stmt *st) MUST_CHECK;

#endif
