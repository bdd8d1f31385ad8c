/* SPDX-License-Identifier: Apache-2.0 */
/* The ledgers, read by whoever shows them. */
#include "collector/store_ledger.h"

#include <stdlib.h>

#include "collector/store_sql.h"

/* The sums by class of one statement's rows (class, events, lost). */
static enum err
add_sums(struct store_reader *r, const char *sql, int64_t sensor,
	 const struct store_ledger_row *row, uint64_t events[LEDGER_CLASSES],
	 uint64_t lost[LEDGER_CLASSES])
{
	sqlite3_stmt *st = store_reader_prepare(r, sql);
	int rc = SQLITE_ERROR;

	if (st != NULL &&
	    sql_bind(st, "iuuu", sensor, row->epoch, row->ledger.committed,
		     row->ledger.last_seq) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			uint64_t cls = sql_u64(st, 0);

			if (cls < LEDGER_CLASSES) {
				events[cls] += sql_u64(st, 1);
				lost[cls] += sql_u64(st, 2);
			}
		}
	}
	return store_reader_finish(st, rc);
}

static enum err
fill_store(struct store_reader *r, int64_t sensor, struct store_ledger_row *row)
{
	struct ledger_store *s = &row->store;
	uint64_t none[LEDGER_CLASSES];
	enum err e;

	e = add_sums(r,
		     "SELECT class,events,lost FROM ledger_sums WHERE"
		     " sensor=?1 AND epoch=?2 AND ?3>=0 AND ?4>=0",
		     sensor, row, s->stored, s->unreadable);
	if (e == ERR_OK) {
		e = add_sums(r,
			     "SELECT class,sum(events),sum(lost) FROM"
			     " ledger_batches WHERE sensor=?1 AND epoch=?2 AND"
			     " seq<=?3 AND ?4>=0 GROUP BY class",
			     sensor, row, s->stored, s->unreadable);
	}
	if (e == ERR_OK) {
		e = add_sums(r,
			     "SELECT class,sum(events),sum(lost) FROM"
			     " ledger_batches WHERE sensor=?1 AND epoch=?2 AND"
			     " seq>?3 AND seq<=?4 GROUP BY class",
			     sensor, row, s->ahead, s->unreadable);
	}
	if (e == ERR_OK) {
		e = add_sums(r,
			     "SELECT class,sum(returned),0 FROM ledger_shed"
			     " WHERE sensor=?1 AND epoch=?2 AND ?3>=0 AND"
			     " ?4>=0 GROUP BY class",
			     sensor, row, s->returned, none);
	}
	return e;
}

static enum err
read_row(struct store_reader *r, sqlite3_stmt *st, struct json_reader *reader,
	 struct store_ledger_row *row)
{
	*row = (struct store_ledger_row){
		.site = sql_text(st, 1),
		.sensor = sql_text(st, 2),
		.state = sql_text(st, 3),
		.epoch = sql_u64(st, 4),
		.newest = sqlite3_column_int(st, 5) != 0,
		.seen_us = sql_u64(st, 6),
		.repeats = sql_u64(st, 9),
		.store = {
			.known = true,
			.committed = sql_u64(st, 10),
			.frames = sql_u64(st, 7),
			.gap_frames = sql_u64(st, 8),
			.upto = sql_u64(st, 11),
			.numbers = sql_u64(st, 11) + sql_u64(st, 12),
		},
	};
	if (!json_read(reader, view_cstr(sql_text(st, 13))) ||
	    !ledger_read(&row->ledger, reader, json_root(reader))) {
		row->ledger = (struct ledger){ 0 };
	}
	return fill_store(r, sqlite3_column_int64(st, 0), row);
}

enum err
store_read_ledgers(struct store_reader *r, const char *site, const char *sensor,
		   void (*fn)(void *arg, const struct store_ledger_row *row),
		   void *arg)
{
	static const char sql[] =
		"SELECT s.id,s.site,s.sensor,s.state,l.epoch,"
		" l.epoch=(SELECT max(epoch) FROM ledgers n WHERE"
		"  n.sensor=s.id),"
		" l.seen_us,l.batches,l.gaps,l.repeats,l.floor,"
		" coalesce(m.upto,0),coalesce((SELECT sum(hi-lo+1) FROM"
		"  mark_ranges x WHERE x.sensor=s.id AND x.epoch=l.epoch),0),"
		" l.text FROM ledgers l JOIN sensors s ON s.id=l.sensor"
		" LEFT JOIN marks m ON m.sensor=s.id AND m.epoch=l.epoch"
		" WHERE (?1 IS NULL OR s.site=?1) AND"
		" (?2 IS NULL OR s.sensor=?2) ORDER BY s.site,s.sensor,l.epoch";
	static const char begin[] = "BEGIN", end[] = "COMMIT";
	struct json_reader reader;
	struct store_ledger_row *row = malloc(sizeof(*row));
	sqlite3_stmt *st;
	int rc = SQLITE_ERROR;
	enum err e = row != NULL ? ERR_OK : ERR_NOMEM;

	json_reader_init(&reader);
	/* One state of the store for all of it: it must add up. */
	if (e == ERR_OK) {
		e = sql_exec(r->db, begin);
	}
	st = e == ERR_OK ? store_reader_prepare(r, sql) : NULL;
	if (st != NULL && sql_bind(st, "tt", site, sensor) == SQLITE_OK) {
		while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			e = read_row(r, st, &reader, row);
			if (e == ERR_OK) {
				fn(arg, row);
			}
		}
	}
	if (e != ERR_NOMEM) {
		enum err f = store_reader_finish(st, rc);

		e = e == ERR_OK ? f : e;
		if (sql_exec(r->db, end) != ERR_OK && e == ERR_OK) {
			e = ERR_IO;
		}
	}
	json_reader_fini(&reader);
	free(row);
	return e;
}
