/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the inbox. */
#include "collector/store_inbox_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store_sql.h"
#include "common/clock.h"

/* Parameters, beside those of queries. */
enum { P_EXERCISE = 1, P_KEY, P_ID, P_LIMIT, P_GROUP };

static struct query_sql
own_query(const struct inbox *b)
{
	return (struct query_sql){ .query = &b->query,
				   .base = QUERY_PARAMS_FROM,
				   .archived = b->archived.sql };
}

static struct query_sql
rule_query(const struct inbox *b, unsigned i)
{
	return (struct query_sql){ .query = &b->rules[i],
				   .base = QUERY_PARAMS_FROM +
					   QUERY_PARAMS * (i + 1),
				   .archived = QUERY_SQL_ARCHIVED };
}

/* ------------------------------------------------------------ what is asked */

static enum err
load_rules(struct inbox *b)
{
	uint64_t now = clock_wall_us();
	sqlite3_stmt *st = store_reader_prepare(
		b->r, "SELECT query FROM archive_rules WHERE until_us=0 OR"
		      " until_us>?1 ORDER BY id");
	int rc = SQLITE_ERROR;

	if (st == NULL || sql_bind(st, "u", now) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while (b->n_rules < INBOX_MAX_RULES &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct diag d;
		unsigned column;

		/* One that this program does not understand archives
		 * nothing, nor does one that says nothing. */
		b->n_rules += query_parse(&b->rules[b->n_rules],
					  view_cstr(sql_text(st, 0)), now,
					  &column, &d) == ERR_OK &&
			      b->rules[b->n_rules].n > 0;
	}
	return store_reader_finish(st, rc);
}

static void
make_archived(struct inbox *b)
{
	struct store_query *q = &b->archived;

	store_query_add(q, "(" QUERY_SQL_ARCHIVED);
	for (unsigned i = 0; i < b->n_rules; i++) {
		struct query_sql w = rule_query(b, i);

		store_query_add(q, " OR (1");
		query_sql_add(q, &w);
		store_query_add(q, ")");
	}
	store_query_add(q, ")");
}

/* Groups are asked, so nothing that only single alerts have. */
static enum err
check_fields(const struct query *q, unsigned *column, struct diag *d)
{
	for (unsigned i = 0; i < q->n; i++) {
		if (query_field_is_of_alert(q->t[i].field)) {
			*column = q->t[i].column;
			return diag_set(d, ERR_FORMAT,
					"column %u: alerts of one group differ "
					"in '%s': ask for single alerts",
					*column,
					query_field_name(q->t[i].field));
		}
	}
	return ERR_OK;
}

enum err
inbox_new(struct inbox **out, struct store_reader *r,
	  const struct inbox_asked *asked, unsigned *column, struct diag *d)
{
	struct inbox *b = calloc(1, sizeof(*b));
	enum err e;

	*out = NULL;
	*column = 0;
	if (b == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	b->r = r;
	b->asked = *asked;
	snprintf(b->exercise, sizeof(b->exercise), "%s",
		 asked->exercise != NULL ? asked->exercise : "");
	e = query_parse(&b->query, asked->query, clock_wall_us(), column, d);
	b->asked.query = VIEW_NONE;
	if (e == ERR_OK) {
		e = check_fields(&b->query, column, d);
	}
	if (e == ERR_OK) {
		e = load_rules(b);
	}
	if (e != ERR_OK) {
		inbox_free(b);
		return e;
	}
	make_archived(b);
	*out = b;
	return ERR_OK;
}

void
inbox_free(struct inbox *b)
{
	free(b);
}

void
inbox_conditions(struct inbox *b, struct store_query *sql)
{
	const struct inbox_asked *a = &b->asked;
	struct query_sql own = own_query(b);

	if (a->group != 0) {
		store_query_add(sql, " AND h.id=?5");
	}
	if (a->scope == STORE_EXERCISE && a->exercise != NULL) {
		store_query_add(sql, " AND h.exercise IN (SELECT id FROM names"
				     " WHERE text=?1)");
	} else if (a->scope != STORE_BOTH &&
		   !query_has(&b->query, QUERY_EXERCISE)) {
		store_query_add(sql, a->scope == STORE_REAL
					     ? " AND h.exercise IN (SELECT id"
					       " FROM names WHERE text='')"
					     : " AND h.exercise NOT IN (SELECT"
					       " id FROM names WHERE text='')");
	}
	query_sql_add(sql, &own);
	if (a->view == INBOX_ESCALATED) {
		store_query_add(sql, " AND h.id IN (SELECT grp FROM"
				     " group_states WHERE escalated_us>0)");
	} else if (a->view != INBOX_ALL) {
		store_query_add(sql,
				a->view == INBOX_OPEN ? " AND NOT " : " AND ");
		store_query_add(sql, b->archived.sql);
	}
	sql->full |= b->archived.full;
}

int
inbox_bind(struct inbox *b, sqlite3_stmt *st)
{
	struct query_sql w = own_query(b);
	int top = sqlite3_bind_parameter_count(st);
	int rc = SQLITE_OK;

	if (top >= P_EXERCISE) {
		rc = sqlite3_bind_text(st, P_EXERCISE, b->exercise, -1,
				       SQLITE_TRANSIENT);
	}
	if (rc == SQLITE_OK && top >= P_GROUP) {
		rc = sqlite3_bind_int64(st, P_GROUP, b->asked.group);
	}
	if (rc == SQLITE_OK) {
		rc = query_sql_bind(st, &w);
	}
	for (unsigned i = 0; i < b->n_rules && rc == SQLITE_OK; i++) {
		w = rule_query(b, i);
		rc = query_sql_bind(st, &w);
	}
	return rc;
}

/* -------------------------------------------------------------------- pages */

/* Each the higher, the sooner it comes. */
static const char *const keys[] = {
	[INBOX_LAST] = "h.last_us",
	[INBOX_FIRST] = "h.first_us",
	[INBOX_COUNT] = "h.count",
	[INBOX_SEVERITY] =
		"(CASE h.severity WHEN 0 THEN 0 ELSE 256-h.severity END)",
};

/* Other orders, and filters by which few groups may pass, are answered sooner by
 * a look at all of the table than by a walk in the order of time. */
static bool
reads_all(const struct inbox *b)
{
	if (b->asked.group != 0) {
		return false;
	}
	for (unsigned i = 0; i < b->query.n; i++) {
		const struct query_term *t = &b->query.t[i];

		if (!t->negated && t->field != QUERY_SEV &&
		    t->field != QUERY_IS && t->field != QUERY_FROM) {
			return true;
		}
	}
	return b->asked.sort != INBOX_LAST;
}

static sqlite3_stmt *
prepare_page(struct inbox *b, unsigned limit)
{
	struct store_query *q = &b->sql;
	const char *key = keys[b->asked.sort];
	sqlite3_stmt *st;

	*q = (struct store_query){ .len = 0 };
	store_query_add(
		q, "SELECT h.id,h.last_alert,n.text,e.text,g.text,g.category,"
		   "g.gid,g.sid,h.severity,h.src,h.dst,h.count,h.first_us,"
		   "h.last_us,(SELECT text FROM names WHERE id=h.src_info),"
		   "(SELECT text FROM names WHERE id=h.dst_info),"
		   "t.grp IS NULL,t.escalated_us,t.who,t.note,");
	store_query_add(q, b->archived.sql);
	/* Which groups first: only those of the page are read whole. */
	store_query_add(q, ",p.k FROM (SELECT h.id AS pid,");
	store_query_add(q, key);
	store_query_add(q, " AS k FROM alert_groups h");
	store_query_add(q, reads_all(b) ? " NOT INDEXED WHERE 1" : " WHERE 1");
	inbox_conditions(b, q);
	if (b->asked.on) {
		store_query_add(q, " AND (");
		store_query_add(q, key);
		store_query_add(q, ",h.id)<(?2,?3)");
	}
	store_query_add(q, " ORDER BY ");
	store_query_add(q, key);
	store_query_add(q, " DESC,h.id DESC LIMIT ?4) p"
			   " CROSS JOIN alert_groups h ON h.id=p.pid"
			   " CROSS JOIN signatures g ON g.id=h.signature"
			   " CROSS JOIN names n ON n.id=h.site"
			   " CROSS JOIN names e ON e.id=h.exercise"
			   " LEFT JOIN group_states t ON t.grp=h.id"
			   " ORDER BY p.k DESC,p.pid DESC");
	st = q->full ? NULL : store_reader_prepare(b->r, q->sql);
	if (st == NULL || inbox_bind(b, st) != SQLITE_OK ||
	    sqlite3_bind_int64(st, P_KEY, b->asked.key) != SQLITE_OK ||
	    sqlite3_bind_int64(st, P_ID, b->asked.id) != SQLITE_OK ||
	    sqlite3_bind_int64(st, P_LIMIT, limit) != SQLITE_OK) {
		sqlite3_finalize(st);
		return NULL;
	}
	return st;
}

static void
read_row(sqlite3_stmt *st, struct inbox_row *x)
{
	*x = (struct inbox_row){
		.g = { .id = sqlite3_column_int64(st, 0),
		       .last_alert = sqlite3_column_int64(st, 1),
		       .site = sql_text(st, 2),
		       .exercise = sql_text(st, 3),
		       .signature = sql_text(st, 4),
		       .category = sql_text(st, 5),
		       .gid = (uint32_t)sqlite3_column_int64(st, 6),
		       .sid = (uint32_t)sqlite3_column_int64(st, 7),
		       .severity = (uint8_t)sqlite3_column_int(st, 8),
		       .src = sql_addr(st, 9),
		       .dst = sql_addr(st, 10),
		       .count = sql_u64(st, 11),
		       .first_us = sql_u64(st, 12),
		       .last_us = sql_u64(st, 13) },
		.src_info = sql_text(st, 14),
		.dst_info = sql_text(st, 15),
		.is_new = sqlite3_column_int(st, 16) != 0,
		.escalated_us = sql_u64(st, 17),
		.who = sql_text(st, 18),
		.note = sql_text(st, 19),
		.archived = sqlite3_column_int(st, 20) != 0,
		.key = sqlite3_column_int64(st, 21),
	};
}

enum err
inbox_read(struct inbox *b, unsigned limit,
	   void (*fn)(void *arg, const struct inbox_row *row), void *arg)
{
	sqlite3_stmt *st =
		prepare_page(b, MIN(limit, (unsigned)STORE_MAX_ROWS));
	struct inbox_row row;
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_row(st, &row);
		fn(arg, &row);
	}
	return store_reader_finish(st, rc);
}

enum err
inbox_total(struct inbox *b, uint64_t *out)
{
	struct store_query *q = &b->sql;
	sqlite3_stmt *st;
	int rc = SQLITE_ERROR;

	*out = 0;
	*q = (struct store_query){ .len = 0 };
	store_query_add(q, "SELECT count(*) FROM (SELECT 1 FROM alert_groups h"
			   " WHERE 1");
	inbox_conditions(b, q);
	store_query_add(q, " LIMIT 10000)");
	STATIC_ASSERT(INBOX_MAX_TOTAL == 10000, "the limit above");
	st = q->full ? NULL : store_reader_prepare(b->r, q->sql);
	if (st != NULL && inbox_bind(b, st) == SQLITE_OK &&
	    (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*out = sql_u64(st, 0);
	}
	return store_reader_finish(st, rc);
}

enum err
inbox_history(struct store_reader *r, int64_t group,
	      void (*fn)(void *arg, const struct inbox_done *x), void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT a.at_us,a.undone_us,a.who,a.act,a.note FROM"
		   " group_log l CROSS JOIN group_acts a ON a.id=l.act WHERE"
		   " l.grp=?1 ORDER BY a.id DESC LIMIT 200");
	int rc = SQLITE_ERROR;

	if (st == NULL || sql_bind(st, "i", group) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct inbox_done x = { .at_us = sql_u64(st, 0),
					.undone_us = sql_u64(st, 1),
					.who = sql_text(st, 2),
					.act = sql_text(st, 3),
					.note = sql_text(st, 4) };

		fn(arg, &x);
	}
	return store_reader_finish(st, rc);
}
