/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_epoch.h"

#include "collector/store_sql.h"

/* One statement of two numbers, the sensor's first. */
static sqlite3_stmt *
ask(struct store *s, const char *sql, int64_t sensor, uint64_t number)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(store_db(s), sql, -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "iu", sensor, number) == SQLITE_OK) {
		return st;
	}
	sqlite3_finalize(st);
	return NULL;
}

static enum err
finish(sqlite3_stmt *st, int rc)
{
	sqlite3_finalize(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : ERR_IO;
}

static enum err
hand_over_ranges(struct store *s, int64_t sensor, uint64_t epoch,
		 const struct store_epoch_to *to)
{
	sqlite3_stmt *st = ask(s,
			       "SELECT lo,hi FROM mark_ranges WHERE sensor=?1"
			       " AND epoch=?2 ORDER BY lo",
			       sensor, epoch);
	int rc = SQLITE_ERROR;
	enum err e = ERR_OK;

	while (e == ERR_OK && st != NULL &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		e = to->range(to->arg, sensor, epoch, sql_u64(st, 0),
			      sql_u64(st, 1));
	}
	return e == ERR_OK ? finish(st, rc) : (sqlite3_finalize(st), e);
}

enum err
store_epoch_find(struct store *s, int64_t sensor, uint64_t epoch,
		 const struct store_epoch_to *to, enum store_epoch *out)
{
	sqlite3_stmt *st = ask(s,
			       "SELECT upto FROM marks WHERE sensor=?1 AND"
			       " epoch=?2",
			       sensor, epoch);
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;
	bool kept = rc == SQLITE_ROW;
	uint64_t upto = kept ? sql_u64(st, 0) : 0, gone = 0;
	enum err e = finish(st, rc);

	*out = kept ? STORE_EPOCH_KEPT : STORE_EPOCH_NEW;
	if (e == ERR_OK && kept) {
		e = to->mark(to->arg, sensor, epoch, upto);
		return e == ERR_OK ? hand_over_ranges(s, sensor, epoch, to) : e;
	}
	if (e == ERR_OK) {
		e = store_drop_upto(store_db(s), sensor, STORE_DROP_epochs,
				    &gone);
	}
	if (gone != 0 && epoch <= gone) {
		*out = STORE_EPOCH_FORGOTTEN;
	}
	return e;
}

/* All that is kept of an epoch but its batches. */
static enum err
forget(struct store *s, int64_t sensor, uint64_t epoch)
{
	static const char *const sql[] = {
		"DELETE FROM marks WHERE sensor=?1 AND epoch=?2",
		"DELETE FROM mark_ranges WHERE sensor=?1 AND epoch=?2",
		"DELETE FROM ledgers WHERE sensor=?1 AND epoch=?2",
		"DELETE FROM ledger_batches WHERE sensor=?1 AND epoch=?2",
		"DELETE FROM ledger_sums WHERE sensor=?1 AND epoch=?2",
		"DELETE FROM ledger_shed WHERE sensor=?1 AND epoch=?2",
	};
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(sql) && e == ERR_OK; i++) {
		sqlite3_stmt *st = ask(s, sql[i], sensor, epoch);

		e = finish(st, st != NULL ? sqlite3_step(st) : SQLITE_ERROR);
	}
	return e;
}

/*
 * The next that goes, when there are more than so many; 'open': numbers are
 * missing between those that arrived, or the ledger speaks of more; 'events':
 * that its batches brought.
 */
static const char victim_sql[] =
	"SELECT m.epoch,EXISTS(SELECT 1 FROM mark_ranges x WHERE"
	" x.sensor=m.sensor AND x.epoch=m.epoch) OR coalesce(CASE"
	" json_valid(l.text) WHEN 1 THEN json_extract(l.text,'$.last_seq')"
	" END,0)>m.upto open,(SELECT coalesce(sum(events),0) FROM ledger_sums u"
	" WHERE u.sensor=m.sensor AND u.epoch=m.epoch)+(SELECT"
	" coalesce(sum(events),0) FROM ledger_batches b WHERE b.sensor=m.sensor"
	" AND b.epoch=m.epoch) FROM marks m JOIN sensors s ON s.id=m.sensor"
	" LEFT JOIN ledgers l ON l.sensor=m.sensor AND l.epoch=m.epoch WHERE"
	" m.sensor=?1 AND m.epoch<>s.epoch AND (SELECT count(*) FROM marks"
	" WHERE sensor=?1)>?2 ORDER BY open,m.epoch LIMIT 1";

enum err
store_epoch_trim(struct store *s, int64_t sensor,
		 void (*fn)(void *arg, int64_t sensor, uint64_t epoch),
		 void *arg)
{
	for (;;) {
		sqlite3_stmt *st =
			ask(s, victim_sql, sensor, store_bounds(s)->epochs);
		int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;
		bool found = rc == SQLITE_ROW;
		uint64_t epoch = found ? sql_u64(st, 0) : 0;
		uint64_t open = found ? sql_u64(st, 1) : 0;
		uint64_t events = found ? sql_u64(st, 2) : 0;
		enum err e = finish(st, rc);

		if (e != ERR_OK || !found) {
			return e;
		}
		e = forget(s, sensor, epoch);
		if (e == ERR_OK) {
			e = store_drop_note(store_db(s), sensor,
					    STORE_DROP_epochs, 1, events,
					    epoch);
		}
		if (e == ERR_OK) {
			e = store_drop_note(store_db(s), sensor,
					    STORE_DROP_epochs_open, open,
					    open != 0 ? events : 0, epoch);
		}
		if (e != ERR_OK) {
			return e;
		}
		fn(arg, sensor, epoch);
	}
}
