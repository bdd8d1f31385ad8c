/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_query.h"

#include <string.h>

#include "collector/query_sql.h"
#include "collector/store_sql.h"

void
store_query_add_part(struct store_query *q, struct view text)
{
	size_t room = sizeof(q->sql) - 1 - q->len;

	q->full |= text.len > room;
	if (!q->full) {
		memcpy(q->sql + q->len, text.p, text.len);
		q->len += text.len;
		q->sql[q->len] = '\0';
	}
}

void
store_query_add(struct store_query *q, const char *text)
{
	store_query_add_part(q, view_cstr(text));
}

/* Parameters by number, the same in every query that filters. */
enum param {
	P_EXERCISE = 1,
	P_SITE,
	P_SENSOR,
	P_TEXT,
	P_ADDR,
	P_SID,
	P_SEVERITY,
	P_FROM,
	P_TO,
	P_BEFORE,
	P_AFTER,
	P_LIMIT,
	P_OFFSET,
	P_GROUP,
};

int
store_query_bind(sqlite3_stmt *st, const struct store_alert_filter *f,
		 unsigned limit, unsigned offset)
{
	int rc;

	/* Binding a number that the text does not use is refused by SQLite;
	 * only what is mentioned is bound. */
#define BIND(p, call) \
	do { \
		if (p <= sqlite3_bind_parameter_count(st)) { \
			rc = call; \
			if (rc != SQLITE_OK) { \
				return rc; \
			} \
		} \
	} while (0)
#define TEXT(p, s) \
	BIND(p, sqlite3_bind_text(st, p, (s) != NULL ? (s) : "", -1, \
				  SQLITE_TRANSIENT))
#define NUMBER(p, n) BIND(p, sqlite3_bind_int64(st, p, (int64_t)(n)))
	TEXT(P_EXERCISE, f->exercise);
	TEXT(P_SITE, f->site);
	TEXT(P_SENSOR, f->sensor);
	TEXT(P_TEXT, f->text);
	BIND(P_ADDR, sqlite3_bind_blob(st, P_ADDR, f->addr.b, sizeof(f->addr.b),
				       SQLITE_TRANSIENT));
	NUMBER(P_SID, f->sid);
	NUMBER(P_SEVERITY, f->max_severity);
	NUMBER(P_FROM, MIN(f->from_us, (uint64_t)INT64_MAX));
	NUMBER(P_TO, MIN(f->to_us, (uint64_t)INT64_MAX));
	NUMBER(P_BEFORE, f->before_id);
	NUMBER(P_AFTER, f->after_id);
	NUMBER(P_LIMIT, MIN(limit, (unsigned)STORE_MAX_ROWS));
	NUMBER(P_OFFSET, offset);
	NUMBER(P_GROUP, f->group);
#undef NUMBER
#undef TEXT
#undef BIND
	return f->query != NULL
		       ? query_sql_bind(st,
					&(struct query_sql){
						.query = f->query,
						.base = QUERY_PARAMS_FROM })
		       : SQLITE_OK;
}

/* Conditions on exercise 'ex' and site 'site', names of columns. */
void
store_query_scope(struct store_query *q, const struct store_alert_filter *f,
		  const char *ex)
{
	if (f->scope == STORE_BOTH) {
		return;
	}
	store_query_add(q, " AND ");
	store_query_add(q, ex);
	if (f->scope == STORE_REAL) {
		store_query_add(q, "=''");
	} else {
		store_query_add(q, f->exercise != NULL ? "=?1" : "<>''");
	}
}

void
store_query_groups(struct store_query *q, const struct store_alert_filter *f)
{
	store_query_add(q, f->max_severity != 0
				   ? " AND h.severity<=?7 AND h.severity>0"
				   : "");
	store_query_add(q, f->from_us != 0 ? " AND h.last_us>=?8" : "");
	store_query_add(q, f->to_us != 0 ? " AND h.first_us<?9" : "");
	store_query_add(q, f->has_addr ? " AND (h.src=?5 OR h.dst=?5)" : "");
	/* Of the few rules, once, and not of every group. */
	store_query_add(q, f->sid != 0 ? " AND h.signature IN (SELECT id FROM"
					 " signatures WHERE sid=?6)"
				       : "");
	store_query_add(q, f->text != NULL
				   ? " AND h.signature IN (SELECT id FROM"
				     " signatures WHERE"
				     " instr(lower(text),lower(?4))>0)"
				   : "");
	store_query_add(q, f->site != NULL ? " AND n.text=?2" : "");
	store_query_scope(q, f, "e.text");
	store_query_add(q, f->group != 0 ? " AND h.id=?14" : "");
	if (f->query != NULL) {
		query_sql_add(q, &(struct query_sql){
					 .query = f->query,
					 .base = QUERY_PARAMS_FROM,
					 .coarse = true,
					 .archived = QUERY_SQL_ARCHIVED });
	}
}

enum err
store_query_has_rule(struct store_reader *r, const struct store_alert_filter *f,
		     bool *has)
{
	struct store_query q = { .len = 0 };
	sqlite3_stmt *st;
	int rc;

	*has = true;
	if (f->sid == 0 && f->text == NULL) {
		return ERR_OK;
	}
	store_query_add(&q, "SELECT 1 FROM signatures WHERE 1");
	store_query_add(&q, f->sid != 0 ? " AND sid=?6" : "");
	store_query_add(&q, f->text != NULL
				    ? " AND instr(lower(text),lower(?4))>0"
				    : "");
	store_query_add(&q, " LIMIT 1");
	st = store_reader_prepare(r, q.sql);
	rc = st != NULL ? store_query_bind(st, f, 0, 0) : SQLITE_ERROR;
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		*has = rc == SQLITE_ROW;
	}
	return store_reader_finish(st, rc);
}

/* Of a hundred frames, fewer than that have the severity. */
#define RARE_FRAMES 1

enum err
store_query_is_rare(struct store_reader *r, const struct store_alert_filter *f,
		    bool *rare)
{
	sqlite3_stmt *st;
	int rc;

	*rare = f->has_addr;
	if (f->has_addr || f->max_severity == 0) {
		return ERR_OK;
	}
	st = store_reader_prepare(
		r, "SELECT count(CASE WHEN worst<=?7 AND worst>0 THEN 1 END),"
		   "count(*) FROM frames INDEXED BY frames_alerts"
		   " WHERE alerts>0");
	rc = st != NULL ? store_query_bind(st, f, 0, 0) : SQLITE_ERROR;
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*rare = sqlite3_column_int64(st, 0) <
			sqlite3_column_int64(st, 1) / 100 * RARE_FRAMES;
	}
	return store_reader_finish(st, rc);
}
