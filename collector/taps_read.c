/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of events and clocks, for those who ask. */
#include "collector/store_reader.h"
#include "collector/store_sql.h"
#include "collector/taps.h"

enum err
taps_read_clocks(struct store_reader *r,
		 void (*fn)(void *arg, const struct taps_clock *c), void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT s.site,s.sensor,c.state,c.offset_us,c.drift_ppb,"
		   "c.error_us,c.shared,c.others,c.at_us FROM clocks c JOIN"
		   " sensors s ON s.id=c.sensor ORDER BY 1,2");
	int rc;

	if (st == NULL) {
		return ERR_IO;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct taps_clock c = {
			.site = sql_text(st, 0),
			.sensor = sql_text(st, 1),
			.state = sql_text(st, 2),
			.offset_us = sqlite3_column_int64(st, 3),
			.drift = (double)sqlite3_column_int64(st, 4) / 1e9,
			.error_us = sql_u64(st, 5),
			.shared = sql_u64(st, 6),
			.others = (unsigned)sqlite3_column_int(st, 7),
			.at_us = sql_u64(st, 8),
		};

		fn(arg, &c);
	}
	return store_reader_finish(st, rc);
}

enum err
taps_read_event(struct store_reader *r, int64_t id,
		void (*fn)(void *arg, const struct taps_observation *o),
		void *arg)
{
	/* The first one has no row but at a head: its frame says whose it is. */
	sqlite3_stmt *st = store_reader_prepare(
		r, "WITH e(id) AS (SELECT event FROM twins WHERE alert=?1 OR"
		   " event=?1 LIMIT 1),"
		   "o(alert,sensor) AS (SELECT alert,sensor FROM twins WHERE"
		   " event=(SELECT id FROM e) UNION SELECT e.id,"
		   "(SELECT iif(first_alert+alerts>e.id,sensor,NULL) FROM"
		   " frames WHERE alerts>0 AND first_alert<=e.id ORDER BY"
		   " first_alert DESC LIMIT 1) FROM e)"
		   "SELECT o.alert,s.site,s.sensor FROM o JOIN sensors s ON"
		   " s.id=o.sensor ORDER BY 1");
	int rc;

	if (st == NULL) {
		return ERR_IO;
	}
	rc = sql_bind(st, "i", id);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct taps_observation o = { sqlite3_column_int64(st, 0),
					      sql_text(st, 1),
					      sql_text(st, 2) };

		fn(arg, &o);
		rc = SQLITE_OK;
	}
	return store_reader_finish(st, rc);
}

enum err
taps_read_incident(struct store_reader *r, int64_t incident,
		   void (*fn)(void *arg, const struct taps_witness *w),
		   void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r,
		"WITH a(id) AS (SELECT DISTINCT l.alert FROM incident_runs m"
		" JOIN links l ON l.a=m.run WHERE m.incident=?1 LIMIT ?2),"
		"e(id) AS (SELECT DISTINCT coalesce((SELECT event FROM twins"
		" WHERE alert=a.id),a.id) FROM a),"
		"o(event,sensor) AS (SELECT t.event,t.sensor FROM e JOIN twins"
		" t ON t.event=e.id UNION SELECT e.id,(SELECT"
		" iif(first_alert+alerts>e.id,sensor,NULL) FROM"
		" frames WHERE alerts>0 AND first_alert<=e.id ORDER BY"
		" first_alert DESC LIMIT 1) FROM e)"
		"SELECT s.site,s.sensor,count(*) FROM o JOIN sensors s ON"
		" s.id=o.sensor GROUP BY s.id ORDER BY 1,2");
	int rc;

	if (st == NULL) {
		return ERR_IO;
	}
	rc = sql_bind(st, "ii", incident, (int64_t)TAPS_EVIDENCE);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct taps_witness w = { sql_text(st, 0), sql_text(st, 1),
					  sql_u64(st, 2) };

		fn(arg, &w);
		rc = SQLITE_OK;
	}
	return store_reader_finish(st, rc);
}
