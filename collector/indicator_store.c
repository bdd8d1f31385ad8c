/* SPDX-License-Identifier: Apache-2.0 */
/* The tables' connection: statements, transactions, what sources hand in. */
#include "collector/indicator_store_state.h"

#include <stdlib.h>

const struct indicator_limits indicator_limits_default = {
	.max_total = 4000000,
	.max_source = 2000000,
	.keep_off = 200000,
	.keep_log = 200000,
};

static const char *const statements[IS_STATEMENTS] = {
	[IS_NEWEST] = "SELECT max(change) FROM indicators",
	[IS_FIND] = "SELECT id,value FROM indicators WHERE key=?1 AND kind=?2"
		    " AND value=?3",
	[IS_ROW] = "SELECT kind,state,verdict,exact,reason,value FROM"
		   " indicators WHERE id=?1",
	[IS_SET] = "UPDATE indicators SET state=?2,change=?3,reason=?4,"
		   "exact=?5,severity=?6,confidence=?7,mark=?8,"
		   "valid_from_us=?9,valid_until_us=?10,modified_us=?11,"
		   "best=?12,due_us=?13,changed_us=?14 WHERE id=?1",
	[IS_OFF] = "UPDATE indicators SET state=0,change=?2,reason=?3,"
		   "due_us=?5,changed_us=?4 WHERE id=?1",
	[IS_ADD] = "INSERT INTO indicators(key,kind,value,state,verdict,change,"
		   "reason,exact,severity,confidence,mark,valid_from_us,"
		   "valid_until_us,modified_us,best,due_us,first_us,"
		   "changed_us) VALUES(?,?,?,?,0,?,?,?,?,?,?,?,?,?,?,?,?16,"
		   "?16)",
	[IS_SOURCE] =
		"SELECT id,exact,gone,severity,confidence,mark,valid_from_us,"
		"valid_until_us,modified_us,created_by,description,labels,"
		"tactic,kill_chain,origin FROM indicator_sources WHERE"
		" indicator=?1 AND origin=?2",
	[IS_SOURCES] =
		"SELECT id,exact,gone,severity,confidence,mark,valid_from_us,"
		"valid_until_us,modified_us,created_by,description,labels,"
		"tactic,kill_chain,origin FROM indicator_sources WHERE"
		" indicator=?1",
	[IS_SOURCE_PUT] = "INSERT OR REPLACE INTO indicator_sources"
			  " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[IS_SOURCE_TOUCH] = "UPDATE indicator_sources SET import=?3 WHERE"
			    " indicator=?1 AND origin=?2 AND import<>?3",
	[IS_SOURCE_GONE] = "UPDATE indicator_sources SET gone=?3,at_us=?4 WHERE"
			   " indicator=?1 AND origin=?2",
	/* Of who gives one id to many values, only those that are older are
	 * looked at.  The index is a partial one: it is used for nothing that
	 * does not say so. */
	[IS_OLDER] = "SELECT indicator FROM indicator_sources WHERE id_key=?1"
		     " AND id_key<>0 AND origin=?2 AND id=?3 AND modified_us<?4"
		     " AND gone=0 LIMIT 1",
	[IS_DUE] = "SELECT id FROM indicators WHERE due_us>0 AND due_us<=?1"
		   " ORDER BY due_us LIMIT 1",
	[IS_BEHIND] = "SELECT indicator,import,gone FROM indicator_sources"
		      " WHERE indicator>?1 AND origin=?2 ORDER BY indicator"
		      " LIMIT ?3",
	[IS_ORIGIN] = "SELECT id FROM indicator_origins WHERE name=?",
	[IS_ORIGIN_PUT] = "INSERT INTO indicator_origins(name) VALUES(?)",
	[IS_ORIGIN_N] = "SELECT n FROM indicator_origins WHERE id=?",
	[IS_TOTAL] = "SELECT sum(n) FROM indicator_origins",
	[IS_LOG] = "INSERT INTO indicator_log(indicator,at_us,who,what,text)"
		   " VALUES(?,?,?,?,?)",
	[IS_VERDICT] = "UPDATE indicators SET verdict=?2,reason=?3 WHERE id=?1",
	[IS_N_OFF] = "SELECT count(*) FROM indicators WHERE state=0",
	[IS_OLDEST_OFF] = "SELECT id,change FROM indicators WHERE state=0"
			  " ORDER BY change LIMIT 1",
	[IS_N_SOURCES] = "UPDATE indicator_origins SET n=?2 WHERE id=?1",
	[IS_SOURCE_DROP] = "DELETE FROM indicator_sources WHERE indicator=?1"
			   " AND origin=?2",
	[IS_DROP_ORIGINS] = "UPDATE indicator_origins SET n=n-1 WHERE id IN"
			    " (SELECT origin FROM indicator_sources WHERE"
			    " indicator=?)",
	[IS_DROP_SOURCES] = "DELETE FROM indicator_sources WHERE indicator=?",
	[IS_DROP_LOG] = "DELETE FROM indicator_log WHERE indicator=?",
	[IS_DROP_SEEN] = "DELETE FROM indicator_seen WHERE indicator=?",
	[IS_DROP] = "DELETE FROM indicators WHERE id=?",
	[IS_FLOOR] = "INSERT INTO counters VALUES('indicators_floor',?1)"
		     " ON CONFLICT(name) DO UPDATE SET value=?1",
	[IS_LOG_TRIM] = "DELETE FROM indicator_log WHERE id IN (SELECT id FROM"
			" indicator_log WHERE id<=(SELECT max(id) FROM"
			" indicator_log)-?1 ORDER BY id LIMIT ?2)",
};

const char *
indicator_state_name(enum indicator_state s)
{
	static const char *const names[] = { "off", "held", "armed" };

	return (size_t)s < ARRAY_LEN(names) ? names[s] : "unknown";
}

int64_t
indicator_store_key(const char *value)
{
	return indicator_value_key(view_cstr(value));
}

enum err
indicator_store_open(struct indicator_store **out, sqlite3 *db,
		     const struct indicator_limits *limits, struct diag *d)
{
	struct indicator_store *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (s == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	s->db = db;
	s->limits = *limits;
	for (int i = 0; i < IS_STATEMENTS; i++) {
		if (sqlite3_prepare_v3(db, statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &s->st[i],
				       NULL) != SQLITE_OK) {
			indicator_store_close(s);
			return diag_set(d, ERR_IO, "indicators: %s",
					sqlite3_errmsg(db));
		}
	}
	*out = s;
	return ERR_OK;
}

void
indicator_store_close(struct indicator_store *s)
{
	if (s != NULL) {
		for (int i = 0; i < IS_STATEMENTS; i++) {
			sqlite3_finalize(s->st[i]);
		}
		free(s);
	}
}

enum err
indicator_number(sqlite3_stmt *st, uint64_t *out)
{
	int rc = sqlite3_step(st);

	*out = rc == SQLITE_ROW ? sql_u64(st, 0) : 0;
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
indicator_store_join(struct indicator_store *s)
{
	enum err e = indicator_number(s->st[IS_NEWEST], &s->change);

	s->origin = 0;
	s->origin_moved = false;
	return e == ERR_OK ? indicator_number(s->st[IS_TOTAL], &s->total) : e;
}

enum err
indicator_store_begin(struct indicator_store *s)
{
	enum err e = sql_exec(s->db, "BEGIN IMMEDIATE");

	if (e != ERR_OK) {
		return sqlite3_errcode(s->db) == SQLITE_BUSY ? ERR_AGAIN : e;
	}
	e = indicator_store_join(s);
	if (e != ERR_OK) {
		indicator_store_rollback(s);
	}
	return e;
}

static enum err
keep_origin(struct indicator_store *s)
{
	enum err e = s->origin_moved ? sql_run(s->st[IS_N_SOURCES], "iu",
					       s->origin, s->origin_n)
				     : ERR_OK;

	s->origin_moved = false;
	s->origin = 0;
	return e;
}

enum err
indicator_store_leave(struct indicator_store *s)
{
	return keep_origin(s);
}

enum err
indicator_store_commit(struct indicator_store *s)
{
	enum err e = keep_origin(s);

	if (e == ERR_OK) {
		e = sql_exec(s->db, "COMMIT");
	}
	if (e != ERR_OK) {
		indicator_store_rollback(s);
	}
	return e;
}

void
indicator_store_rollback(struct indicator_store *s)
{
	s->origin_moved = false;
	s->origin = 0;
	/* SQLite may have rolled back by itself (disk full). */
	if (!sqlite3_get_autocommit(s->db)) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	}
}

enum err
indicator_store_origin(struct indicator_store *s, const char *name, int64_t *id)
{
	uint64_t n = 0;
	enum err e = sql_bind(s->st[IS_ORIGIN], "t", name) == SQLITE_OK
			     ? indicator_number(s->st[IS_ORIGIN], &n)
			     : ERR_IO;

	if (e == ERR_OK && n == 0) {
		e = sql_run(s->st[IS_ORIGIN_PUT], "t", name);
		n = (uint64_t)sqlite3_last_insert_rowid(s->db);
	}
	*id = (int64_t)n;
	return e;
}

/* The source that is put from is 'origin': how many records it has. */
static enum err
count_origin(struct indicator_store *s, int64_t origin)
{
	enum err e = ERR_OK;

	if (s->origin != origin) {
		e = keep_origin(s);
		if (e == ERR_OK) {
			e = sql_bind(s->st[IS_ORIGIN_N], "i", origin) ==
					    SQLITE_OK
				    ? indicator_number(s->st[IS_ORIGIN_N],
						       &s->origin_n)
				    : ERR_IO;
		}
		s->origin = origin;
	}
	return e;
}

/* Whether one record more of the source has room; it is counted then. */
static enum err
room_for(struct indicator_store *s, struct indicator_put *p, bool *is)
{
	uint64_t max = s->limits.max_source;
	enum err e = count_origin(s, p->origin);
	bool own = s->origin_n < (p->quota != 0 ? MIN(p->quota, max) : max);

	p->crowded = own && s->total >= s->limits.max_total;
	*is = own && !p->crowded;
	if (*is) {
		s->origin_n++;
		s->total++;
		s->origin_moved = true;
	}
	return e;
}

static enum err
put_source(struct indicator_store *s, int64_t id, const struct indicator *i,
	   const struct indicator_put *p)
{
	char mark[MARKING_TEXT_CAP];

	return sql_run(s->st[IS_SOURCE_PUT],
		       "iitidddd"
		       "tuuutttttiu",
		       id, p->origin, i->id,
		       i->id[0] != '\0' ? indicator_store_key(i->id)
					: INT64_C(0),
		       (int)i->exact,
		       (int)(i->revoked ? INDICATOR_REVOKED : INDICATOR_HERE),
		       (int)i->severity, (int)i->confidence,
		       marking_text(&i->mark, mark), i->valid_from_us,
		       i->valid_until_us, i->modified_us, i->created_by,
		       i->description, i->labels, i->tactic, i->kill_chain,
		       p->import, p->now_us);
}

static enum err
add(struct indicator_store *s, const struct indicator *i, int64_t key,
    struct indicator_put *p)
{
	char mark[MARKING_TEXT_CAP];
	struct indicator_joined j = { .n = 0 };
	struct indicator_row row = { .value = (char *)i->value,
				     .kind = i->kind,
				     .exact = i->exact };
	bool room = false;
	enum err e = room_for(s, p, &room);

	if (e != ERR_OK || !room) {
		p->outcome = INDICATOR_NO_ROOM;
		return e;
	}
	indicator_joined_add(&j, i, p->origin,
			     i->revoked ? INDICATOR_REVOKED : INDICATOR_HERE,
			     p->now_us);
	indicator_decide(&row, &j, p->gate);
	p->held = row.state == INDICATOR_HELD;
	p->outcome = i->revoked ? INDICATOR_GONE : INDICATOR_ADDED;
	e = sql_run(s->st[IS_ADD], "idtdutdddtuuuiuu", key, (int)i->kind,
		    i->value, (int)row.state, ++s->change, row.reason,
		    (int)i->exact, (int)i->severity, (int)i->confidence,
		    marking_text(&i->mark, mark), i->valid_from_us,
		    i->valid_until_us, i->modified_us, p->origin, j.due_us,
		    p->now_us);
	p->id = sqlite3_last_insert_rowid(s->db);
	return e == ERR_OK ? put_source(s, p->id, i, p) : e;
}

/* Versions of one object: what an older one of this source said and the newer
 * one does not is no longer said. */
static enum err
replace_older(struct indicator_store *s, const struct indicator *i,
	      const struct indicator_put *p)
{
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		uint64_t id = 0;
		bool held;

		if (sql_bind(s->st[IS_OLDER], "iitu",
			     indicator_store_key(i->id), p->origin, i->id,
			     i->modified_us) != SQLITE_OK) {
			return ERR_IO;
		}
		e = indicator_number(s->st[IS_OLDER], &id);
		if (e != ERR_OK || id == 0) {
			break;
		}
		e = sql_run(s->st[IS_SOURCE_GONE], "iidu", (int64_t)id,
			    p->origin, (int)INDICATOR_REPLACED, p->now_us);
		if (e == ERR_OK) {
			e = indicator_settle(s, (int64_t)id, NULL, p->now_us,
					     &held);
		}
	}
	return e;
}

/* Whether the record in 'st' says what 'i' says. */
static bool
same_record(sqlite3_stmt *st, const struct indicator *i)
{
	char mark[MARKING_TEXT_CAP];

	return strcmp(sql_text(st, 0), i->id) == 0 &&
	       (sqlite3_column_int(st, 1) != 0) == i->exact &&
	       sqlite3_column_int(st, 2) ==
		       (i->revoked ? INDICATOR_REVOKED : INDICATOR_HERE) &&
	       sqlite3_column_int(st, 3) == i->severity &&
	       sqlite3_column_int(st, 4) == i->confidence &&
	       strcmp(sql_text(st, 5), marking_text(&i->mark, mark)) == 0 &&
	       sql_u64(st, 6) == i->valid_from_us &&
	       sql_u64(st, 7) == i->valid_until_us &&
	       sql_u64(st, 8) == i->modified_us &&
	       strcmp(sql_text(st, 9), i->created_by) == 0 &&
	       strcmp(sql_text(st, 10), i->description) == 0 &&
	       strcmp(sql_text(st, 11), i->labels) == 0 &&
	       strcmp(sql_text(st, 12), i->tactic) == 0 &&
	       strcmp(sql_text(st, 13), i->kill_chain) == 0;
}

/* What the source's own record of row 'id' makes of 'i'; INDICATOR_ADDED when
 * it has none. */
static enum err
compare(struct indicator_store *s, int64_t id, const struct indicator *i,
	struct indicator_put *p)
{
	sqlite3_stmt *st = s->st[IS_SOURCE];
	int rc;

	if (sql_bind(st, "ii", id, p->origin) != SQLITE_OK) {
		return ERR_IO;
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_DONE) {
		p->outcome = INDICATOR_ADDED;
	} else if (rc == SQLITE_ROW) {
		p->outcome =
			same_record(st, i) ? INDICATOR_SAME
			: sql_u64(st, 8) > i->modified_us && i->modified_us != 0
				? INDICATOR_STALE
				: INDICATOR_CHANGED;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err
put_known(struct indicator_store *s, const struct indicator *i,
	  struct indicator_put *p)
{
	bool room = true;
	enum err e = compare(s, p->id, i, p);

	if (e == ERR_OK && p->outcome == INDICATOR_ADDED) {
		e = room_for(s, p, &room);
	}
	if (e != ERR_OK || !room) {
		p->outcome = INDICATOR_NO_ROOM;
		return e;
	}
	if (p->outcome == INDICATOR_SAME || p->outcome == INDICATOR_STALE) {
		return p->snapshot ? sql_run(s->st[IS_SOURCE_TOUCH], "iii",
					     p->id, p->origin, p->import)
				   : ERR_OK;
	}
	p->outcome = i->revoked ? INDICATOR_GONE : INDICATOR_CHANGED;
	e = put_source(s, p->id, i, p);
	return e == ERR_OK ? indicator_settle(s, p->id, p->gate, p->now_us,
					      &p->held)
			   : e;
}

enum err
indicator_store_put(struct indicator_store *s, const struct indicator *i,
		    struct indicator_put *p)
{
	int64_t key = indicator_store_key(i->value);
	uint64_t id = 0;
	enum err e = ERR_IO;

	p->held = false;
	if (sql_bind(s->st[IS_FIND], "idt", key, (int)i->kind, i->value) ==
	    SQLITE_OK) {
		e = indicator_number(s->st[IS_FIND], &id);
	}
	if (e != ERR_OK) {
		return e;
	}
	p->id = (int64_t)id;
	e = id == 0 ? add(s, i, key, p) : put_known(s, i, p);
	if (e == ERR_OK && i->id[0] != '\0' && i->modified_us != 0 &&
	    (p->outcome != INDICATOR_NO_ROOM || i->revoked) &&
	    p->outcome != INDICATOR_SAME && p->outcome != INDICATOR_STALE) {
		e = replace_older(s, i, p);
	}
	return e;
}

enum err
indicator_store_evict(struct indicator_store *s, int64_t origin,
		      uint64_t now_us, unsigned max, unsigned *n)
{
	sqlite3_stmt *st = s->st[IS_BEHIND];
	enum err e = count_origin(s, origin);

	for (*n = 0; *n < max && e == ERR_OK; (*n)++) {
		uint64_t id = 0;
		bool held;

		e = sql_bind(st, "iii", INT64_C(0), origin, INT64_C(1)) ==
				    SQLITE_OK
			    ? indicator_number(st, &id)
			    : ERR_IO;
		if (e != ERR_OK || id == 0) {
			break;
		}
		e = sql_run(s->st[IS_SOURCE_DROP], "ii", (int64_t)id, origin);
		s->origin_n -= MIN(s->origin_n, UINT64_C(1));
		s->total -= MIN(s->total, UINT64_C(1));
		s->origin_moved = true;
		if (e == ERR_OK) {
			e = indicator_settle(s, (int64_t)id, NULL, now_us,
					     &held);
		}
	}
	return e;
}
