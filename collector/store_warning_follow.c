/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of warnings that were given: by the common set, by incidents. */
#include "collector/store_warning_state.h"

#include "common/clock.h"

/* Of a row that was offered or known: what it is now. */
static enum warning_state
state_now(enum warning_state was, int indicator)
{
	if (was == WARNING_NOTED || was == WARNING_REFUSED) {
		return was;
	}
	if (indicator == INDICATOR_HELD) {
		return WARNING_HELD;
	}
	if (indicator != INDICATOR_ARMED) {
		return WARNING_OFF;
	}
	return was == WARNING_HELD || was == WARNING_OFF ? WARNING_GIVEN : was;
}

struct moved {
	int64_t id, indicator;
	uint64_t change;
	enum warning_state was, is;
};

/* One look: '*looked' rows, '*n' of them moved. */
static enum err
look(sqlite3 *db, struct warning_cursor *at, unsigned max, unsigned *looked,
     struct moved *out, unsigned *n)
{
	static const char *const sql[] = {
		"SELECT w.id,w.id,w.state,w.indicator,coalesce(i.state,0),"
		"coalesce(i.change,0) FROM warnings w LEFT JOIN indicators i ON"
		" i.id=w.indicator WHERE w.id>?1 ORDER BY w.id LIMIT ?2",
		"SELECT i.change,w.id,w.state,i.id,i.state,i.change FROM"
		" indicators i LEFT JOIN warnings w ON w.kind=i.kind AND"
		" w.value=i.value WHERE i.change>?1 ORDER BY i.change LIMIT ?2",
	};
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	*n = *looked = 0;
	if (sqlite3_prepare_v2(db, sql[at->swept], -1, &st, NULL) ==
		    SQLITE_OK &&
	    sql_bind(st, "id", at->swept ? (int64_t)at->change : at->row,
		     (int)max) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct moved m = {
				.id = sqlite3_column_int64(st, 1),
				.indicator = sqlite3_column_int64(st, 3),
				.change = sql_u64(st, 5),
				.was = (enum warning_state)sqlite3_column_int(
					st, 2),
			};

			m.is = state_now(m.was, sqlite3_column_int(st, 4));
			if (at->swept) {
				at->change = sql_u64(st, 0);
			} else {
				at->row = m.id;
			}
			if (m.id != 0 && m.is != m.was) {
				out[(*n)++] = m;
			}
			++*looked;
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

#define AGREE_MAX 256

enum err
store_warning_agree(sqlite3 *db, struct warning_cursor *at, uint64_t now_us,
		    unsigned max, bool *more,
		    enum err (*fn)(void *arg, enum warning_state was,
				   const struct store_warning *w),
		    void *arg)
{
	struct warning_cursor next = *at;
	struct moved moved[AGREE_MAX];
	unsigned n = 0, looked = 0;
	enum err e = ERR_OK;

	max = MIN(max, (unsigned)AGREE_MAX);
	*more = false;
	if (!next.swept && next.row == 0) {
		int64_t change;

		/* What changes while the rows are looked at comes again. */
		e = store_warning_number(
			db, &change,
			"SELECT max(change) FROM indicators WHERE ?1=?1 AND"
			" ?2=?2 AND ?3=?3",
			0, "", 0);
		next.change = (uint64_t)change;
	}
	if (e == ERR_OK) {
		e = look(db, &next, max, &looked, moved, &n);
	}
	if (e == ERR_OK && n > 0 && sql_exec(db, "BEGIN IMMEDIATE") != ERR_OK) {
		return sqlite3_errcode(db) == SQLITE_BUSY ? ERR_AGAIN : ERR_IO;
	}
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		const struct moved *m = &moved[i];
		struct warning_kept k;

		WARNING_RUN(
			db, e,
			"UPDATE warnings SET state=?2,indicator=?3,change=?4,"
			"moved_us=?5,armed_us=CASE WHEN ?2=?6 THEN 0 ELSE "
			"armed_us"
			" END WHERE id=?1",
			"idiuud", m->id, (int)m->is, m->indicator, m->change,
			now_us, (int)WARNING_GIVEN);
		if (e == ERR_OK) {
			e = store_warning_read(db, m->id, &k);
		}
		if (e == ERR_OK) {
			e = fn(arg, m->was, &k.w);
		}
	}
	if (n > 0 && e == ERR_OK) {
		e = sql_exec(db, "COMMIT");
	}
	if (e != ERR_OK) {
		if (n > 0 && !sqlite3_get_autocommit(db)) {
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		}
		return e;
	}
	*more = looked == max || !next.swept;
	next.swept = next.swept || looked < max;
	*at = next;
	return ERR_OK;
}

enum err
store_warning_withdraw(sqlite3 *db, int64_t id, uint64_t now_us,
		       enum err (*fn)(void *arg, const struct store_warning *w),
		       void *arg)
{
	enum err e = ERR_OK;

	for (int64_t row = 0; e == ERR_OK;) {
		struct warning_kept k;

		e = store_warning_number(
			db, &row,
			"SELECT id FROM warnings WHERE incident=?1 AND"
			" level>0 AND state NOT IN(4,5,6) AND id>?3 AND"
			" ?2=?2 ORDER BY id LIMIT 1",
			id, "", row);
		if (e != ERR_OK || row == 0) {
			break;
		}
		e = store_warning_read(db, row, &k);
		if (e == ERR_OK) {
			k.w.state = WARNING_OFF;
			WARNING_RUN(
				db, e,
				"UPDATE warnings SET state=?2,moved_us=?3 WHERE"
				" id=?1",
				"idu", row, (int)WARNING_OFF, now_us);
		}
		if (e == ERR_OK) {
			e = fn(arg, &k.w);
		}
	}
	return e;
}

enum err
store_warning_merged(sqlite3 *db, int64_t from, int64_t into)
{
	enum err e;

	WARNING_RUN(db, e, "UPDATE warnings SET incident=?2 WHERE incident=?1",
		    "ii", from, into);
	return e;
}

enum err
store_warning_armed(sqlite3 *db, const struct warning_fleet *f, uint64_t now_us,
		    uint64_t clocks_us, uint64_t since_us, bool *open)
{
	int64_t left = 0;
	enum err e = ERR_OK;

	if (f->n > 0) {
		/* Who took the set whole does not say when: it has it now. */
		WARNING_RUN(db, e,
			    "UPDATE warnings SET state=?1,sensors=?2,"
			    "last_site=?3,last_sensor=?4,armed_us=max(moved_us,"
			    "CASE WHEN ?5+?6<offered_us THEN ?7 ELSE"
			    " max(?5,offered_us) END) WHERE state=?8 AND"
			    " state<2 AND change<=?9",
			    "ddttuuudu", (int)WARNING_ARMED, (int)f->n, f->site,
			    f->sensor, f->taken_us, clocks_us, now_us,
			    (int)WARNING_GIVEN,
			    MIN(f->change, (uint64_t)INT64_MAX));
	}
	if (e == ERR_OK) {
		e = store_warning_number(
			db, &left,
			"SELECT 1 FROM warnings WHERE state=?1 AND state<2 AND"
			" max(offered_us,moved_us)>=?3 AND ?2=?2 ORDER BY id"
			" DESC LIMIT 1",
			WARNING_GIVEN, "", (int64_t)since_us);
	}
	*open = e != ERR_OK || left != 0;
	return e;
}
