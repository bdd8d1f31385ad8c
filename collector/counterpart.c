/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/counterpart.h"

#include <stdio.h>

#include "collector/severity.h"
#include "collector/situation.h"
#include "collector/store_sql.h"

static enum err
forget(sqlite3 *db, const char *party, const char *id)
{
	static const char *const sql[] = {
		"DELETE FROM partner_keys WHERE party=?1 AND incident=?2",
		"DELETE FROM partner_numbers WHERE party=?1 AND incident=?2",
	};
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(sql) && e == ERR_OK; i++) {
		sqlite3_stmt *st = NULL;

		e = ERR_IO;
		if (sqlite3_prepare_v2(db, sql[i], -1, &st, NULL) ==
		    SQLITE_OK) {
			e = sql_run(st, "tt", party, id);
		}
		sqlite3_finalize(st);
	}
	return e;
}

static enum err
keep_keys(sqlite3 *db, const char *party, const char *id, struct view keys)
{
	sqlite3_stmt *st = NULL;
	unsigned n = 0;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "INSERT OR IGNORE INTO partner_keys VALUES"
			       "(?1,?2,?3)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = ERR_OK;
	}
	for (size_t i = 0; i < keys.len && e == ERR_OK && n < COUNTERPART_KEYS;
	     n++) {
		const char *key = (const char *)keys.p + i;
		size_t len = strnlen(key, keys.len - i);

		e = sql_run(st, "vtt", view_of(key, len), party, id);
		i += len + 1;
	}
	sqlite3_finalize(st);
	return e;
}

enum err
counterpart_keep(sqlite3 *db, const char *party, const char *id,
		 uint64_t number, struct view keys)
{
	sqlite3_stmt *st = NULL;
	enum err e = forget(db, party, id);

	if (e == ERR_OK && number != 0) {
		e = ERR_IO;
		if (sqlite3_prepare_v2(db,
				       "INSERT OR REPLACE INTO partner_numbers"
				       " VALUES(?1,?2,?3)",
				       -1, &st, NULL) == SQLITE_OK) {
			e = sql_run(st, "tut", party, number, id);
		}
		sqlite3_finalize(st);
	}
	return e == ERR_OK ? keep_keys(db, party, id, keys) : e;
}

/* Incidents 'i' of ours and 'p' of a partner, by a key 'k' that both have. */
#define SAME \
	" JOIN partner_keys k ON k.key=a.key" \
	" JOIN partner_incidents p ON p.party=k.party" \
	" AND p.id=k.incident AND p.revoked=0"

#define NEAR \
	" i.state IN ('open','ack') AND p.exercise=i.exercise AND" \
	" (p.first_us=0 OR (p.first_us<=i.last_us+?1 AND p.last_us+?1>=" \
	"i.first_us))"

enum err
counterpart_each(sqlite3 *db, int64_t incident,
		 void (*fn)(void *arg, const struct counterpart *c), void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT party,title,lead,support,missions,number,level,score,"
		"alerts,first_us,last_us,ours FROM (SELECT *,row_number() OVER"
		" (PARTITION BY party ORDER BY score DESC,id) AS nth FROM"
		" (SELECT DISTINCT p.party,p.title,p.lead,p.support,p.missions,"
		"coalesce((SELECT n.number FROM partner_numbers n WHERE"
		" n.party=p.party AND n.incident=p.id),0) AS number,p.level,"
		"p.score,p.alerts,p.first_us,p.last_us,p.id,i.lead AS ours"
		" FROM incidents i"
		" JOIN incident_keys a ON a.incident=i.id" SAME
		" WHERE i.id=?2 AND" NEAR "))"
		" WHERE nth<=?4 ORDER BY score DESC,party,id LIMIT ?3",
		-1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "uidd", SITUATION_WINDOW_US, incident,
			      COUNTERPART_SHOWN, COUNTERPART_OF_ONE);
	}
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		fn(arg, &(struct counterpart){
				.party = sql_text(st, 0),
				.title = sql_text(st, 1),
				.lead = sql_text(st, 2),
				.support = sql_text(st, 3),
				.missions = sql_text(st, 4),
				.number = sql_u64(st, 5),
				.level = (unsigned)sqlite3_column_int(st, 6),
				.score = (unsigned)sqlite3_column_int(st, 7),
				.alerts = sql_u64(st, 8),
				.first_us = sql_u64(st, 9),
				.last_us = sql_u64(st, 10),
				.our_lead = sql_text(st, 11),
			});
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static void
put_one(void *arg, const struct counterpart *c)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "partner", c->party);
	json_u64(j, "incident", c->number);
	json_cstr(j, "title", c->title);
	json_u64(j, "level", c->level);
	json_cstr(j, "level_name", severity_level_name(c->level));
	json_u64(j, "score", c->score);
	json_cstr(j, "lead", c->lead);
	json_cstr(j, "our_lead", c->our_lead);
	json_cstr(j, "support", c->support);
	json_cstr(j, "missions", c->missions);
	json_u64(j, "alerts", c->alerts);
	json_time_known(j, "first", c->first_us);
	json_time_known(j, "last", c->last_us);
	json_obj_end(j);
}

enum err
counterpart_json(sqlite3 *db, int64_t incident, struct json *j)
{
	enum err e;

	json_arr(j, "partners");
	e = counterpart_each(db, incident, put_one, j);
	json_arr_end(j);
	return e;
}

static void
read_id(sqlite3_stmt *st, int col, struct consult_id *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->side, sizeof(out->side), "%s", sql_text(st, col));
	out->number = sql_u64(st, col + 1);
}

enum err
counterpart_consults(sqlite3 *db, struct counterpart_pair *out, unsigned max,
		     unsigned *n)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT our_side,our_number,side,number,incident FROM (SELECT"
		" *,row_number() OVER (PARTITION BY side ORDER BY number,"
		"our_side,our_number,incident) AS nth FROM (SELECT DISTINCT"
		" c.side AS our_side,c.number AS our_number,f.side AS side,"
		"f.number AS number,i.id AS incident FROM consults f"
		" JOIN partner_numbers b ON b.party=f.side AND"
		" b.number=f.incident"
		" JOIN partner_incidents p ON p.party=b.party AND"
		" p.id=b.incident AND p.revoked=0"
		" JOIN partner_keys k ON k.party=p.party AND k.incident=p.id"
		" JOIN incident_keys a ON a.key=k.key"
		" JOIN incidents i ON i.id=a.incident"
		" JOIN consults c ON c.incident=i.id AND c.local=1"
		" WHERE f.local=0 AND f.state='open' AND c.state='open'"
		" AND (f.root_side<>c.root_side OR"
		" f.root_number<>c.root_number) AND" NEAR
		" AND NOT EXISTS (SELECT 1 FROM consult_events m WHERE"
		" m.consult_side=c.side AND m.consult_number=c.number AND"
		" m.kind=9 AND m.local=1 AND m.other_side=f.side AND"
		" m.other_number=f.number)"
		/* 'c' is what remains of its group: its body has the sides. */
		" AND EXISTS (SELECT 1 FROM json_each(CAST(c.body AS TEXT),"
		"'$.sides') s WHERE json_extract(s.value,'$.owner')=f.side)"
		" AND (SELECT count(*) FROM consult_events m WHERE"
		" m.consult_side=c.side AND m.consult_number=c.number AND"
		" m.kind=9 AND m.local=1 AND m.other_side=f.side)<?3))"
		/* One of each side, then another of each: nobody's are in the
		 * way of another's. */
		" ORDER BY nth,side LIMIT ?2",
		-1, &st, NULL);

	*n = 0;
	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "udd", SITUATION_WINDOW_US, (int)max,
			      COUNTERPART_MERGES);
	}
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_id(st, 0, &out[*n].ours);
		read_id(st, 2, &out[*n].theirs);
		out[(*n)++].incident = sqlite3_column_int64(st, 4);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}
