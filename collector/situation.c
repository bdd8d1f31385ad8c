/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/situation.h"

#include <stdlib.h>

#include "collector/severity.h"
#include "collector/store_sql.h"

unsigned
situation_score(unsigned worst, unsigned n, unsigned n_sites, unsigned n_owners)
{
	unsigned more = 0;

	if (n > 1) {
		more = 5 * MIN(n - 1, 2u);
		more += n_sites > 2 ? 5 : n_sites == 2 ? 2 : 0;
		more += n_owners > 1 ? 5 : 0;
	}
	return MIN(worst + more, 100u);
}

static enum err
run_once(sqlite3 *db, const char *sql, int64_t id)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "i", id);
	}
	sqlite3_finalize(st);
	return e;
}

enum err
situation_forget(sqlite3 *db, int64_t incident)
{
	return run_once(db, "DELETE FROM incident_keys WHERE incident=?",
			incident);
}

/* Keys of the other side that are kept of an incident. */
static enum err
count_keys(sqlite3 *db, int64_t incident, unsigned *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT count(*) FROM incident_keys WHERE"
				    " incident=? AND key>='k' AND key<'l'",
				    -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "i", incident);
	}
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	*out = rc == SQLITE_ROW ? (unsigned)sqlite3_column_int(st, 0) : 0;
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? ERR_OK : ERR_IO;
}

enum err
situation_keep(sqlite3 *db, int64_t incident, struct view keys)
{
	sqlite3_stmt *st = NULL;
	unsigned n_kept = 0;
	enum err e = run_once(db, "DELETE FROM incident_keys WHERE incident<=?",
			      incident - SITUATION_KEPT);

	if (e == ERR_OK) {
		e = count_keys(db, incident, &n_kept);
	}
	if (e == ERR_OK &&
	    sqlite3_prepare_v2(db,
			       "INSERT OR IGNORE INTO incident_keys"
			       " VALUES(?,?)",
			       -1, &st, NULL) != SQLITE_OK) {
		e = ERR_IO;
	}
	for (size_t i = 0; i < keys.len && e == ERR_OK;) {
		const char *key = (const char *)keys.p + i;
		size_t n = strnlen(key, keys.len - i);
		bool counts = key[0] == 'k';

		if (!counts || n_kept < SITUATION_KEYS) {
			e = sql_run(st, "vi", view_of(key, n), incident);
			n_kept += counts && sqlite3_changes(db) > 0;
		}
		i += n + 1;
	}
	sqlite3_finalize(st);
	return e;
}

static int
id_cmp(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return a < b ? -1 : a > b;
}

static bool
add(struct situation *s, int64_t id)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->incidents[i] == id) {
			return true;
		}
	}
	if (s->n == SITUATION_MAX) {
		return false;
	}
	s->incidents[s->n++] = id;
	return true;
}

/* Those that share a key with one and are near it, the worst first. */
static enum err
grow_from(sqlite3 *db, struct situation *s, int64_t id)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT DISTINCT i.id,i.score FROM incident_keys a"
		" CROSS JOIN incident_keys b ON b.key=a.key"
		" CROSS JOIN incidents i ON i.id=b.incident"
		" CROSS JOIN incidents o ON o.id=?1"
		" WHERE a.incident=?1 AND a.key>='k' AND a.key<'n'"
		" AND (a.key<'l' OR a.key>='m') AND i.id<>?1"
		" AND i.state IN ('open','ack') AND i.exercise=o.exercise"
		" AND i.first_us<=o.last_us+?2 AND i.last_us>=o.first_us-?2"
		" ORDER BY i.score DESC,i.id LIMIT ?3",
		-1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "iui", id, SITUATION_WINDOW_US,
			      (int64_t)SITUATION_MAX);
	}
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW && !add(s, sqlite3_column_int64(st, 0))) {
			rc = SQLITE_DONE;
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* "state", "score" of one incident; ERR_NOTFOUND. */
static enum err
look_at(sqlite3 *db, int64_t id, bool *open, unsigned *score)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT state IN ('open','ack'),score FROM"
				    " incidents WHERE id=?",
				    -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "i", id);
	}
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		*open = sqlite3_column_int(st, 0) != 0;
		*score = (unsigned)sqlite3_column_int(st, 1);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW    ? ERR_OK
	       : rc == SQLITE_DONE ? ERR_NOTFOUND
				   : ERR_IO;
}

/* How many different keys, "s" and a site or "o" and an owner, they have. */
static enum err
count(sqlite3 *db, const struct situation *s, const char *from, const char *to,
      unsigned *out)
{
	sqlite3_stmt *st = NULL;
	struct json ids;
	int rc;

	json_init(&ids);
	json_arr(&ids, NULL);
	for (unsigned i = 0; i < s->n; i++) {
		json_i64(&ids, NULL, s->incidents[i]);
	}
	json_arr_end(&ids);
	rc = ids.failed ? SQLITE_NOMEM
			: sqlite3_prepare_v2(
				  db,
				  "SELECT count(DISTINCT key) FROM"
				  " incident_keys WHERE incident IN (SELECT"
				  " value FROM json_each(?)) AND key>=? AND"
				  " key<?",
				  -1, &st, NULL);
	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "vtt", json_view(&ids), from, to);
	}
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	*out = rc == SQLITE_ROW ? (unsigned)sqlite3_column_int(st, 0) : 0;
	sqlite3_finalize(st);
	json_fini(&ids);
	return rc == SQLITE_ROW ? ERR_OK : ERR_IO;
}

enum err
situation_of(sqlite3 *db, int64_t incident, struct situation *out)
{
	struct situation s = { .n = 0 };
	bool open = false;
	enum err e = look_at(db, incident, &open, &s.worst);

	if (e != ERR_OK) {
		return e;
	}
	(void)add(&s, incident);
	/* One that is closed is no part of what goes on. */
	for (unsigned i = 0;
	     i < s.n && s.n < SITUATION_MAX && open && e == ERR_OK; i++) {
		e = grow_from(db, &s, s.incidents[i]);
	}
	qsort(s.incidents, s.n, sizeof(s.incidents[0]), id_cmp);
	for (unsigned i = 0; i < s.n && e == ERR_OK; i++) {
		unsigned score = 0;

		e = look_at(db, s.incidents[i], &open, &score);
		s.worst = MAX(s.worst, score);
	}
	s.n_sites = s.n_owners = 0;
	if (e == ERR_OK && s.n > 1) {
		e = count(db, &s, "s", "t", &s.n_sites);
	}
	if (e == ERR_OK && s.n > 1) {
		e = count(db, &s, "o", "p", &s.n_owners);
	}
	s.id = s.incidents[0];
	s.score = situation_score(s.worst, s.n, s.n_sites, s.n_owners);
	s.level = severity_level(s.score);
	*out = s;
	return e;
}

void
situation_json(struct json *j, const struct situation *s)
{
	if (s->n < 2) {
		json_nil(j, "situation");
		return;
	}
	json_obj(j, "situation");
	json_i64(j, "id", s->id);
	json_arr(j, "incidents");
	for (unsigned i = 0; i < s->n; i++) {
		json_i64(j, NULL, s->incidents[i]);
	}
	json_arr_end(j);
	json_u64(j, "sites", s->n_sites);
	json_u64(j, "owners", s->n_owners);
	json_u64(j, "worst", s->worst);
	json_u64(j, "score", s->score);
	json_u64(j, "level", s->level);
	json_cstr(j, "level_name", severity_level_name(s->level));
	json_obj_end(j);
}
