/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts, rules and minutes within their bounds.  A text or rule that finds no
 * room is stood for by another until a sweep has taken those that no group and
 * no minute names any more; a sweep that frees little is not soon tried again.
 */
#include "collector/store_state.h"

/* Cut to seven eighths, so that the next time is far. */
#define BELOW(n) ((int64_t)(n) - (int64_t)(n) / 8)

static enum err
one_number(struct store *s, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	*out = 0;
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		*out = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static const char *const counts[STORE_ROOMS] = {
	[STORE_ROOM_NAMES] = "SELECT count(*) FROM names",
	[STORE_ROOM_SIGNATURES] = "SELECT count(*) FROM signatures",
};

static const char *const sweeps[STORE_ROOMS] = {
	[STORE_ROOM_NAMES] =
		"DELETE FROM names WHERE id NOT IN("
		"SELECT site FROM alert_groups UNION SELECT exercise FROM"
		" alert_groups UNION SELECT src_info FROM alert_groups UNION"
		" SELECT dst_info FROM alert_groups UNION SELECT site FROM"
		" timeline UNION SELECT exercise FROM timeline)",
	[STORE_ROOM_SIGNATURES] =
		"DELETE FROM signatures WHERE id NOT IN(SELECT signature FROM"
		" alert_groups)",
};

static unsigned
bound_of(const struct store *s, enum store_rooms room)
{
	return room == STORE_ROOM_NAMES ? s->bounds.names
					: s->bounds.signatures;
}

enum err
store_room_for(struct store *s, enum store_rooms room, bool *is)
{
	struct store_room *r = &s->rooms[room];
	enum err e = ERR_OK;

	if (!r->counted) {
		e = one_number(s, counts[room], &r->rows);
		r->counted = e == ERR_OK;
	}
	*is = r->rows < (int64_t)bound_of(s, room);
	if (e != ERR_OK || *is) {
		r->rows += *is;
		return e;
	}
	r->refused++;
	return store_drop_note(s->db, s->frame.sensor,
			       room == STORE_ROOM_NAMES ? STORE_DROP_names
							: STORE_DROP_signatures,
			       1, 0, 0);
}

static enum err
sweep(struct store *s, enum store_rooms room)
{
	struct store_room *r = &s->rooms[room];
	enum err e;

	if (r->refused == 0) {
		return ERR_OK;
	}
	if (r->patience > 0) {
		r->patience--;
		return ERR_OK;
	}
	e = sql_exec(s->db, sweeps[room]);
	r->rows -= sqlite3_changes(s->db);
	r->refused = 0;
	r->patience =
		r->rows > BELOW(bound_of(s, room)) ? s->bounds.patience : 0;
	/* Their numbers mean nothing any more. */
	store_names_clear(s);
	memset(s->known, 0, STORE_KNOWN_GROUPS * sizeof(*s->known));
	return e;
}

/* The oldest minutes of the site with most of them: whoever invents minutes
 * costs those of his own site. */
static enum err
cut_largest_site(struct store *s, int64_t site, int64_t rows)
{
	static const char *const sql[] = {
		"SELECT minute FROM timeline WHERE site=?1 ORDER BY minute"
		" LIMIT 1 OFFSET ?2",
		"SELECT count(*),sum(count) FROM timeline WHERE site=?1 AND"
		" minute<=?2",
		"DELETE FROM timeline WHERE site=?1 AND minute<=?2",
	};
	int64_t second = rows;
	uint64_t n = 0, alerts = 0;
	enum err e = ERR_OK;

	for (unsigned i = 0; i < ARRAY_LEN(sql) && e == ERR_OK; i++) {
		sqlite3_stmt *st = NULL;
		int rc = sqlite3_prepare_v2(s->db, sql[i], -1, &st, NULL);

		if (rc == SQLITE_OK) {
			rc = sql_bind(st, "ii", site, second);
		}
		if (rc == SQLITE_OK) {
			rc = sqlite3_step(st);
		}
		if (rc == SQLITE_ROW && i == 0) {
			second = sqlite3_column_int64(st, 0);
		} else if (rc == SQLITE_ROW && i == 1) {
			n = sql_u64(st, 0);
			alerts = sql_u64(st, 1);
		}
		sqlite3_finalize(st);
		e = rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
	}
	s->minute_rows -= (int64_t)n;
	return e == ERR_OK ? store_drop_note(s->db, 0, STORE_DROP_timeline, n,
					     alerts, 0)
			   : e;
}

static enum err
cut_timeline(struct store *s)
{
	static const char largest[] =
		"SELECT site,count(*) FROM timeline GROUP BY site ORDER BY 2"
		" DESC,1 LIMIT 1";
	/* Each turn takes a row at least, and the last turn all. */
	enum err e =
		one_number(s, "SELECT count(*) FROM timeline", &s->minute_rows);

	while (e == ERR_OK && s->minute_rows > (int64_t)s->bounds.minutes) {
		int64_t site = 0, rows = 0, over;
		sqlite3_stmt *st = NULL;
		int rc = sqlite3_prepare_v2(s->db, largest, -1, &st, NULL);

		if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			site = sqlite3_column_int64(st, 0);
			rows = sqlite3_column_int64(st, 1);
		}
		sqlite3_finalize(st);
		over = s->minute_rows - BELOW(s->bounds.minutes);
		e = rows > 0 ? cut_largest_site(s, site,
						MIN(over, (rows + 1) / 2) - 1)
			     : ERR_IO;
	}
	return e;
}

enum err
store_sweep(struct store *s)
{
	enum err e = ERR_OK;

	if (s->minute_rows > (int64_t)s->bounds.minutes) {
		e = cut_timeline(s);
	}
	for (unsigned i = 0; i < STORE_ROOMS && e == ERR_OK; i++) {
		e = sweep(s, (enum store_rooms)i);
	}
	return e;
}
