/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/indicator_list.h"

#include "collector/sighting.h"
#include "collector/store_sql.h"

#define ENTRY \
	"SELECT n.id,n.kind,n.value,n.state,n.verdict,n.change,n.reason," \
	"n.exact,n.severity,n.confidence,n.mark,n.valid_from_us," \
	"n.valid_until_us,n.modified_us,n.first_us,n.changed_us," \
	"coalesce(o.name,''),coalesce(s.id,''),coalesce(s.created_by,'')," \
	"coalesce(s.description,''),coalesce(s.labels,'')," \
	"coalesce(s.tactic,''),coalesce(s.kill_chain,'') FROM indicators n" \
	" LEFT JOIN indicator_sources s ON s.indicator=n.id AND" \
	" s.origin=n.best LEFT JOIN indicator_origins o ON o.id=n.best"

static struct marking
mark_of(const char *text)
{
	struct marking m;

	/* What cannot be read restricts most. */
	if (marking_read(&m, view_cstr(text), NULL) != ERR_OK) {
		m = (struct marking){ .tlp = TLP_RED, .limited = true };
	}
	return m;
}

static struct indicator_entry
entry(sqlite3_stmt *st)
{
	return (struct indicator_entry){
		.id = sqlite3_column_int64(st, 0),
		.state = (enum indicator_state)sqlite3_column_int(st, 3),
		.verdict = (enum indicator_verdict)sqlite3_column_int(st, 4),
		.change = sql_u64(st, 5),
		.reason = sql_text(st, 6),
		.first_us = sql_u64(st, 14),
		.changed_us = sql_u64(st, 15),
		.is = {
			.kind = (enum indicator_kind)sqlite3_column_int(st, 1),
			.value = sql_text(st, 2),
			.exact = sqlite3_column_int(st, 7) != 0,
			.severity = (uint8_t)sqlite3_column_int(st, 8),
			.confidence = (uint8_t)sqlite3_column_int(st, 9),
			.mark = mark_of(sql_text(st, 10)),
			.valid_from_us = sql_u64(st, 11),
			.valid_until_us = sql_u64(st, 12),
			.modified_us = sql_u64(st, 13),
			.source = sql_text(st, 16),
			.id = sql_text(st, 17),
			.created_by = sql_text(st, 18),
			.description = sql_text(st, 19),
			.labels = sql_text(st, 20),
			.tactic = sql_text(st, 21),
			.kill_chain = sql_text(st, 22),
		},
	};
}

/* Prepares 'sql' with one number, or NULL. */
static sqlite3_stmt *
of_number(struct store_reader *r, const char *sql, int64_t n)
{
	sqlite3_stmt *st = store_reader_prepare(r, sql);

	if (st != NULL && sql_bind(st, "i", n) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	return st;
}

/* Which rows: by number, by value, held ones by their index, or all. */
static sqlite3_stmt *
select_rows(struct store_reader *r, const struct indicator_filter *f,
	    unsigned limit)
{
	const char *sql = ENTRY
		" WHERE (?1=0 OR ?1>>n.state&1) AND (?2 IS NULL OR"
		" instr(n.value,?2)) AND n.id<?3 ORDER BY n.id DESC LIMIT ?4";
	int64_t key = f->before > 0 ? f->before : INT64_MAX;
	sqlite3_stmt *st;

	if (f->id != 0) {
		sql = ENTRY " WHERE n.id=?3 AND ?1=?1 AND (?2 IS NULL OR 1)"
			    " LIMIT ?4";
		key = f->id;
	} else if (f->value != NULL) {
		sql = ENTRY " WHERE n.key=?3 AND ?1=?1 AND"
			    " n.value=?2 COLLATE NOCASE LIMIT ?4";
		key = indicator_store_key(f->value);
	} else if (f->states == 1u << INDICATOR_HELD) {
		sql = ENTRY " WHERE n.state=1 AND ?1=?1 AND (?2 IS NULL OR"
			    " instr(n.value,?2)) AND n.id<?3"
			    " ORDER BY n.id DESC LIMIT ?4";
	}
	st = store_reader_prepare(r, sql);
	if (st != NULL && sql_bind(st, "dtii", (int)f->states,
				   f->value != NULL ? f->value : f->text, key,
				   (int64_t)limit) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	return st;
}

enum err
indicator_list(struct store_reader *r, const struct indicator_filter *f,
	       unsigned limit,
	       void (*fn)(void *arg, const struct indicator_entry *e),
	       void *arg)
{
	sqlite3_stmt *st = select_rows(r, f, limit);
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct indicator_entry e = entry(st);

		fn(arg, &e);
	}
	return store_reader_finish(st, rc);
}

enum err
indicator_list_sources(struct store_reader *r, int64_t id,
		       void (*fn)(void *arg, const struct indicator *i,
				  enum indicator_gone gone, uint64_t at_us),
		       void *arg)
{
	sqlite3_stmt *st = of_number(
		r,
		"SELECT s.exact,s.severity,s.confidence,s.mark,"
		"s.valid_from_us,s.valid_until_us,s.modified_us,o.name,s.id,"
		"s.created_by,s.description,s.labels,s.tactic,s.kill_chain,"
		"s.gone,s.at_us,n.kind,n.value FROM indicator_sources s JOIN"
		" indicators n ON n.id=s.indicator JOIN indicator_origins o ON"
		" o.id=s.origin WHERE s.indicator=?1 ORDER BY s.origin"
		" LIMIT 10000",
		id);
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct indicator i = {
			.kind = (enum indicator_kind)sqlite3_column_int(st, 16),
			.value = sql_text(st, 17),
			.exact = sqlite3_column_int(st, 0) != 0,
			.severity = (uint8_t)sqlite3_column_int(st, 1),
			.confidence = (uint8_t)sqlite3_column_int(st, 2),
			.mark = mark_of(sql_text(st, 3)),
			.valid_from_us = sql_u64(st, 4),
			.valid_until_us = sql_u64(st, 5),
			.modified_us = sql_u64(st, 6),
			.source = sql_text(st, 7),
			.id = sql_text(st, 8),
			.created_by = sql_text(st, 9),
			.description = sql_text(st, 10),
			.labels = sql_text(st, 11),
			.tactic = sql_text(st, 12),
			.kill_chain = sql_text(st, 13),
		};

		fn(arg, &i, (enum indicator_gone)sqlite3_column_int(st, 14),
		   sql_u64(st, 15));
	}
	return store_reader_finish(st, rc);
}

enum err
indicator_list_log(struct store_reader *r, int64_t id,
		   void (*fn)(void *arg, uint64_t at_us, const char *who,
			      const char *what, const char *text),
		   void *arg)
{
	sqlite3_stmt *st =
		of_number(r,
			  "SELECT at_us,who,what,text FROM indicator_log WHERE"
			  " indicator=?1 ORDER BY id LIMIT 10000",
			  id);
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		fn(arg, sql_u64(st, 0), sql_text(st, 1), sql_text(st, 2),
		   sql_text(st, 3));
	}
	return store_reader_finish(st, rc);
}

enum err
indicator_list_seen(struct store_reader *r, int64_t id,
		    void (*fn)(void *arg, const char *site, uint64_t first_us,
			       uint64_t last_us, uint64_t count, uint64_t past),
		    void *arg)
{
	sqlite3_stmt *st = of_number(
		r,
		"SELECT site,first_us,last_us,count,past FROM"
		" indicator_seen WHERE indicator=?1 UNION ALL"
		" SELECT p.place,min(p.first_us),max(p.last_us),"
		"sum(p.count),sum(iif(p.past,p.count,0)) FROM indicators n JOIN"
		" partner_sightings p ON p.kind=n.kind AND"
		" p.value=n.value COLLATE NOCASE WHERE n.id=?1 AND"
		" p.exercise='' GROUP BY p.place ORDER BY 1",
		id);
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		fn(arg, sql_text(st, 0), sql_u64(st, 1), sql_u64(st, 2),
		   sql_u64(st, 3), sql_u64(st, 4));
	}
	return store_reader_finish(st, rc);
}

enum err
indicator_list_imports(struct store_reader *r, int64_t id, unsigned limit,
		       void (*fn)(void *arg, const struct indicator_import *i),
		       void *arg)
{
	static const char *const states[] = { "reading", "waiting", "done" };
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT id,origin,who,error,state,begun_us,ended_us,total,"
		   "supported,refused,repeated,taken,added,changed,same,stale,"
		   "revoked,held,no_room,withdrawn FROM indicator_imports WHERE"
		   " ?1=0 OR id=?1 ORDER BY id DESC LIMIT ?2");
	int rc = SQLITE_ERROR;

	if (st != NULL && sql_bind(st, "ii", id, (int64_t)limit) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		unsigned state = (unsigned)sqlite3_column_int(st, 4);
		struct indicator_import i = {
			.id = sqlite3_column_int64(st, 0),
			.origin = sql_text(st, 1),
			.who = sql_text(st, 2),
			.error = sql_text(st, 3),
			.state = state < ARRAY_LEN(states) ? states[state]
							   : "unknown",
			.begun_us = sql_u64(st, 5),
			.ended_us = sql_u64(st, 6),
			.total = sql_u64(st, 7),
			.supported = sql_u64(st, 8),
			.refused = sql_u64(st, 9),
			.repeated = sql_u64(st, 10),
			.taken = sql_u64(st, 11),
			.added = sql_u64(st, 12),
			.changed = sql_u64(st, 13),
			.same = sql_u64(st, 14),
			.stale = sql_u64(st, 15),
			.revoked = sql_u64(st, 16),
			.held = sql_u64(st, 17),
			.no_room = sql_u64(st, 18),
			.withdrawn = sql_u64(st, 19),
		};

		fn(arg, &i);
	}
	return store_reader_finish(st, rc);
}

enum err
indicator_list_refusals(struct store_reader *r, int64_t import,
			void (*fn)(void *arg, const char *file, uint64_t line,
				   const char *id, const char *reason),
			void *arg)
{
	sqlite3_stmt *st =
		of_number(r,
			  "SELECT file,line,id,reason FROM indicator_refusals"
			  " WHERE import=?1 ORDER BY n",
			  import);
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		fn(arg, sql_text(st, 0), sql_u64(st, 1), sql_text(st, 2),
		   sql_text(st, 3));
	}
	return store_reader_finish(st, rc);
}

enum err
indicator_list_counts(struct store_reader *r, uint64_t out[3])
{
	/* Those that are off and held have indexes; armed is the rest. */
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT (SELECT count(*) FROM indicators WHERE state=0),"
		   "(SELECT count(*) FROM indicators WHERE state=1),"
		   "(SELECT count(*) FROM indicators)");
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;

	if (rc == SQLITE_ROW) {
		out[INDICATOR_OFF] = sql_u64(st, 0);
		out[INDICATOR_HELD] = sql_u64(st, 1);
		out[INDICATOR_ARMED] =
			sql_u64(st, 2) - sql_u64(st, 0) - sql_u64(st, 1);
	}
	return store_reader_finish(st, rc);
}

enum err
indicator_list_marks(struct store_reader *r, const char *value,
		     struct marking *out, bool *known)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT mark FROM indicators WHERE key=?1 AND"
		   " value=?2 COLLATE NOCASE");
	int rc = SQLITE_ERROR;

	*out = MARKING_CLEAR;
	*known = false;
	if (st != NULL && sql_bind(st, "it", indicator_store_key(value),
				   value) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct marking m = mark_of(sql_text(st, 0));

		marking_join(out, &m);
		*known = true;
	}
	return store_reader_finish(st, rc);
}

enum err
indicator_list_value(struct store_reader *r, enum indicator_kind kind,
		     const char *key, char value[INDICATOR_PATTERN_CAP],
		     bool *known)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT value FROM indicators WHERE key=?1 AND kind=?2"
		   " ORDER BY state=2 DESC,id");
	size_t n;
	int64_t digest = sighting_key_value(key, &n);
	bool cut = n < strlen(key);
	int rc = SQLITE_ERROR;

	*known = false;
	if (st != NULL && sql_bind(st, "id", digest, (int)kind) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	while (st != NULL && !*known && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct view v = view_cstr(sql_text(st, 0));

		*known = v.len < INDICATOR_PATTERN_CAP &&
			 (cut ? v.len > n : v.len == n) &&
			 view_caseeq(view_sub(v, 0, n), view_of(key, n));
		if (*known) {
			memcpy(value, v.p, v.len);
			value[v.len] = '\0';
		}
	}
	return store_reader_finish(st, *known ? SQLITE_DONE : rc);
}

/* ----------------------------------------------------------- who follows it */

static uint64_t
number(struct store_reader *r, const char *sql)
{
	sqlite3_stmt *st = store_reader_prepare(r, sql);
	uint64_t n = st != NULL && sqlite3_step(st) == SQLITE_ROW
			     ? sql_u64(st, 0)
			     : 0;

	sqlite3_finalize(st);
	return n;
}

uint64_t
indicator_changes_version(void *arg)
{
	return number(arg, "SELECT max(change) FROM indicators");
}

enum err
indicator_changes(void *arg, uint64_t since, size_t max,
		  enum err (*fn)(void *arg, const struct indicator *i,
				 uint64_t change, bool armed),
		  void *fn_arg)
{
	struct store_reader *r = arg;
	sqlite3_stmt *st;
	enum err e = ERR_OK;
	int rc = SQLITE_ERROR;

	if (since != 0 && since < number(r, "SELECT value FROM counters WHERE"
					    " name='indicators_floor'")) {
		return ERR_NOTFOUND;
	}
	st = store_reader_prepare(
		r, since == 0 ? ENTRY " WHERE n.change>?1 AND n.state=2"
				      " ORDER BY n.change LIMIT ?2"
			      : ENTRY " WHERE n.change>?1 ORDER BY n.change"
				      " LIMIT ?2");
	if (st != NULL &&
	    sql_bind(st, "uu", since, (uint64_t)max) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	while (st != NULL && e == ERR_OK &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct indicator_entry n = entry(st);

		e = fn(fn_arg, &n.is, n.change, n.state == INDICATOR_ARMED);
	}
	return e != ERR_OK ? (sqlite3_finalize(st), e)
			   : store_reader_finish(st, rc);
}
