/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_partner.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/indicator_store.h"
#include "collector/store_sql.h"

enum statement {
	SP_GET,
	SP_PUT,
	SP_MOVE,
	SP_COUNT,
	SP_SEEN_GET,
	SP_SEEN_PUT,
	SP_SEEN_GROWN,
	SP_SEEN_N,
	SP_SEEN_OLDEST,
	SP_SEEN_GONE,
	SP_INCIDENT_GET,
	SP_INCIDENT_PUT,
	SP_INCIDENT_GROWN,
	SP_INCIDENT_N,
	SP_INCIDENT_OLDEST,
	SP_INCIDENT_GONE,
	SP_VALUE,
	SP_COUNT_OF
};

static const char *const statements[SP_COUNT_OF] = {
	[SP_GET] = "SELECT epoch,seq FROM partners WHERE party=?1",
	[SP_PUT] = "INSERT OR IGNORE INTO partners(party) VALUES(?1)",
	[SP_MOVE] =
		"UPDATE partners SET epoch=?2,seq=?3,added_us=?4,at_us=?5 WHERE"
		" party=?1",
	[SP_COUNT] = "INSERT INTO partner_counts VALUES(?1,?2,?3,?4) ON"
		     " CONFLICT(party,name) DO UPDATE SET n=n+min(?3,"
		     "9223372036854775807-n),at_us=?4",
	[SP_SEEN_GET] = "SELECT count,kind,value,exercise,place,first_us,"
			"last_us FROM partner_sightings WHERE party=?1 AND"
			" id=?2",
	/* Of one that is far from where it was, the new time alone: else all
	 * that lies between would be near. */
	[SP_SEEN_PUT] =
		"INSERT INTO partner_sightings VALUES(?1,?2,?3,?4,?5,?6,?7,?8,"
		"?9,?10,?11,?13) ON CONFLICT(party,id) DO UPDATE SET kind=?3,"
		"value=?4,place=?5,exercise=?6,first_us=iif(?12,?7,"
		"min(first_us,?7)),last_us=iif(?12,?8,max(last_us,?8)),"
		"count=?9,mark=?10,at_us=?11,past=?13",
	[SP_SEEN_GROWN] = "UPDATE partners SET sightings=sightings+?2 WHERE"
			  " party=?1",
	[SP_SEEN_N] = "SELECT sightings FROM partners WHERE party=?1",
	[SP_SEEN_OLDEST] = "SELECT id FROM partner_sightings WHERE party=?1"
			   " ORDER BY at_us,id LIMIT 1",
	[SP_SEEN_GONE] = "DELETE FROM partner_sightings WHERE party=?1 AND"
			 " id=?2",
	[SP_INCIDENT_GET] = "SELECT modified_us FROM partner_incidents WHERE"
			    " party=?1 AND id=?2",
	[SP_INCIDENT_PUT] = "INSERT OR REPLACE INTO partner_incidents VALUES("
			    "?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,"
			    "?15,?16,?17,?18)",
	[SP_INCIDENT_GROWN] = "UPDATE partners SET incidents=incidents+?2"
			      " WHERE party=?1",
	[SP_INCIDENT_N] = "SELECT incidents FROM partners WHERE party=?1",
	[SP_INCIDENT_OLDEST] = "SELECT id FROM partner_incidents WHERE"
			       " party=?1 ORDER BY at_us,id LIMIT 1",
	[SP_INCIDENT_GONE] = "DELETE FROM partner_incidents WHERE party=?1"
			     " AND id=?2",
	/* The party's own word on its id goes before another's.  One id may be
	 * that of all that it ever gave: one row of them is looked at. */
	[SP_VALUE] = "SELECT n.kind,n.value FROM (SELECT indicator,1 AS way"
		     " FROM (SELECT indicator FROM indicator_sources WHERE"
		     " id_key=?1 AND id_key<>0 AND origin=?3 AND id=?2 LIMIT 1)"
		     " UNION ALL SELECT indicator,2 FROM (SELECT indicator FROM"
		     " indicator_sources WHERE id_key=?1 AND id_key<>0 AND"
		     " id=?2 LIMIT 1)) s JOIN indicators n ON n.id=s.indicator"
		     " ORDER BY s.way LIMIT 1",
};

struct store_partner {
	sqlite3 *db;
	sqlite3_stmt *st[SP_COUNT_OF];
	uint64_t max_sightings, max_incidents;
};

void
store_partner_origin(const char *party, char out[STORE_PARTNER_ORIGIN_CAP])
{
	snprintf(out, STORE_PARTNER_ORIGIN_CAP, STORE_PARTNER_ORIGIN "%s",
		 party);
}

enum err
store_partner_open(struct store_partner **out, sqlite3 *db, struct diag *d)
{
	struct store_partner *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (s == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	s->db = db;
	store_partner_bound(s, STORE_PARTNER_SIGHTINGS,
			    STORE_PARTNER_INCIDENTS);
	for (int i = 0; i < SP_COUNT_OF; i++) {
		if (sqlite3_prepare_v3(db, statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &s->st[i],
				       NULL) != SQLITE_OK) {
			store_partner_close(s);
			return diag_set(d, ERR_IO, "partners: %s",
					sqlite3_errmsg(db));
		}
	}
	*out = s;
	return ERR_OK;
}

void
store_partner_close(struct store_partner *s)
{
	if (s != NULL) {
		for (int i = 0; i < SP_COUNT_OF; i++) {
			sqlite3_finalize(s->st[i]);
		}
		free(s);
	}
}

void
store_partner_bound(struct store_partner *s, uint64_t sightings,
		    uint64_t incidents)
{
	s->max_sightings = sightings;
	s->max_incidents = incidents;
}

/* One row of numbers; '*is' false: there is none. */
static enum err
numbers(sqlite3_stmt *st, uint64_t *a, uint64_t *b, bool *is)
{
	int rc = sqlite3_step(st);

	*is = rc == SQLITE_ROW;
	*a = *is ? sql_u64(st, 0) : 0;
	if (b != NULL) {
		*b = *is ? sql_u64(st, 1) : 0;
	}
	sqlite3_reset(st);
	return *is || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_partner_point(struct store_partner *s, const char *party, uint64_t *epoch,
		    uint64_t *seq)
{
	bool is = false;
	enum err e = sql_bind(s->st[SP_GET], "t", party) == SQLITE_OK
			     ? numbers(s->st[SP_GET], epoch, seq, &is)
			     : ERR_IO;

	return e == ERR_OK && !is ? sql_run(s->st[SP_PUT], "t", party) : e;
}

enum err
store_partner_move(struct store_partner *s, const char *party, uint64_t epoch,
		   uint64_t seq, uint64_t added_us, uint64_t now_us)
{
	return sql_run(s->st[SP_MOVE], "tuuuu", party, epoch, seq,
		       added_us != 0 ? MIN(added_us, now_us) : now_us, now_us);
}

enum err
store_partner_count(struct store_partner *s, const char *party,
		    const char *name, uint64_t n, uint64_t now_us)
{
	/* A broker may say that it trimmed any number: a sum that overflows
	 * would be no integer any more. */
	return n > 0 ? sql_run(s->st[SP_COUNT], "ttuu", party, name,
			       MIN(n, (uint64_t)INT64_MAX), now_us)
		     : ERR_OK;
}

/* One row more of a party: its oldest go when they are above 'max'. */
static enum err
make_room(struct store_partner *s, const char *party, uint64_t max,
	  enum statement n, enum statement grown, enum statement oldest,
	  enum statement gone, const char *count, uint64_t now_us)
{
	uint64_t have = 0;
	bool is = false;
	enum err e = sql_bind(s->st[n], "t", party) == SQLITE_OK
			     ? numbers(s->st[n], &have, NULL, &is)
			     : ERR_IO;
	int64_t more = 1;

	while (e == ERR_OK && have >= max && more > -2) {
		sqlite3_stmt *st = s->st[oldest];
		char id[INDICATOR_ID_CAP] = "";

		if (sql_bind(st, "t", party) == SQLITE_OK &&
		    sqlite3_step(st) == SQLITE_ROW) {
			snprintf(id, sizeof(id), "%s", sql_text(st, 0));
		}
		sqlite3_reset(st);
		e = sql_run(s->st[gone], "tt", party, id);
		if (e == ERR_OK) {
			e = store_partner_count(s, party, count, 1, now_us);
		}
		have--;
		more--;
	}
	return e == ERR_OK ? sql_run(s->st[grown], "ti", party, more) : e;
}

/* How 'is' stands to the row that 'st' is at. */
static enum store_partner_standing
stands(sqlite3_stmt *st, const struct store_partner_sighting *is, uint64_t had)
{
	uint64_t first = sql_u64(st, 5), last = sql_u64(st, 6);

	if (sqlite3_column_int(st, 1) != (int)is->kind ||
	    strcmp(sql_text(st, 2), is->value) != 0 ||
	    strcmp(sql_text(st, 3), is->exercise) != 0) {
		return STORE_PARTNER_OTHER;
	}
	if (is->count <= had) {
		return STORE_PARTNER_SAME;
	}
	return strcmp(sql_text(st, 4), is->place) == 0 &&
			       is->first_us <= last + STORE_PARTNER_NEAR_US &&
			       first <= is->last_us + STORE_PARTNER_NEAR_US
		       ? STORE_PARTNER_GROWN
		       : STORE_PARTNER_FAR;
}

enum err
store_partner_look(struct store_partner *s,
		   const struct store_partner_sighting *is,
		   enum store_partner_standing *how, uint64_t *more)
{
	sqlite3_stmt *st = s->st[SP_SEEN_GET];
	int rc = SQLITE_ERROR;

	*how = STORE_PARTNER_NEW;
	*more = is->count;
	if (sql_bind(st, "tt", is->party, is->id) == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		uint64_t had = sql_u64(st, 0);

		*how = stands(st, is, had);
		*more -= *how == STORE_PARTNER_OTHER ? 0 : MIN(is->count, had);
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_partner_sighting(struct store_partner *s,
		       const struct store_partner_sighting *is,
		       enum store_partner_standing how, uint64_t now_us)
{
	enum err e = ERR_OK;

	if (how == STORE_PARTNER_NEW) {
		e = make_room(s, is->party, s->max_sightings, SP_SEEN_N,
			      SP_SEEN_GROWN, SP_SEEN_OLDEST, SP_SEEN_GONE,
			      "sightings-forgotten", now_us);
	}
	return e == ERR_OK
		       ? sql_run(s->st[SP_SEEN_PUT], "ttdtttuuutudd", is->party,
				 is->id, (int)is->kind, is->value, is->place,
				 is->exercise, is->first_us, is->last_us,
				 is->count, is->mark, now_us,
				 (int)(how >= STORE_PARTNER_FAR), (int)is->past)
		       : e;
}

enum err
store_partner_incident(struct store_partner *s,
		       const struct store_partner_incident *is, uint64_t now_us,
		       bool *fresh)
{
	sqlite3_stmt *st = s->st[SP_INCIDENT_GET];
	uint64_t had = 0;
	bool known = false;
	enum err e = sql_bind(st, "tt", is->party, is->id) == SQLITE_OK
			     ? numbers(st, &had, NULL, &known)
			     : ERR_IO;

	*fresh = !known || is->modified_us > had;
	if (e != ERR_OK || !*fresh) {
		return e;
	}
	if (!known) {
		e = make_room(s, is->party, s->max_incidents, SP_INCIDENT_N,
			      SP_INCIDENT_GROWN, SP_INCIDENT_OLDEST,
			      SP_INCIDENT_GONE, "incidents-forgotten", now_us);
	}
	return e == ERR_OK
		       ? sql_run(s->st[SP_INCIDENT_PUT], "tttddttttttuuuudtu",
				 is->party, is->id, is->title, (int)is->level,
				 (int)is->score, is->lead, is->support,
				 is->missions, is->sites, is->stages,
				 is->exercise, is->alerts, is->first_us,
				 is->last_us, is->modified_us, (int)is->revoked,
				 is->mark, now_us)
		       : e;
}

enum err
store_partner_value(struct store_partner *s, const char *id, int64_t origin,
		    enum indicator_kind *kind, char *value, size_t cap)
{
	sqlite3_stmt *st = s->st[SP_VALUE];
	enum err e = ERR_IO;
	int rc;

	if (sql_bind(st, "iti", indicator_store_key(id), id, origin) !=
	    SQLITE_OK) {
		return ERR_IO;
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*kind = (enum indicator_kind)sqlite3_column_int(st, 0);
		snprintf(value, cap, "%s", sql_text(st, 1));
		e = ERR_OK;
	} else if (rc == SQLITE_DONE) {
		e = ERR_NOTFOUND;
	}
	sqlite3_reset(st);
	return e;
}

/* ------------------------------------------------------------ reading */

enum err
store_partner_each(sqlite3 *db,
		   void (*fn)(void *arg, const struct store_partner_row *row),
		   void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	if (sqlite3_prepare_v2(
		    db,
		    "SELECT p.party,p.epoch,p.seq,p.at_us,p.sightings,"
		    "p.incidents,coalesce(o.n,0),iif(p.added_us=0,0,"
		    "max(p.at_us-p.added_us,0)) FROM partners p LEFT JOIN"
		    " indicator_origins o ON o.name='" STORE_PARTNER_ORIGIN "'"
		    "||p.party ORDER BY p.party",
		    -1, &st, NULL) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			fn(arg, &(struct store_partner_row){
					.party = sql_text(st, 0),
					.epoch = sql_u64(st, 1),
					.seq = sql_u64(st, 2),
					.at_us = sql_u64(st, 3),
					.sightings = sql_u64(st, 4),
					.incidents = sql_u64(st, 5),
					.indicators = sql_u64(st, 6),
					.lag_us = sql_u64(st, 7) });
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_partner_each_count(sqlite3 *db, const char *party,
			 void (*fn)(void *arg, const char *name, uint64_t n,
				    uint64_t at_us),
			 void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db,
			       "SELECT name,n,at_us FROM partner_counts WHERE"
			       " party=?1 ORDER BY name",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "t", party) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			fn(arg, sql_text(st, 0), sql_u64(st, 1),
			   sql_u64(st, 2));
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_partner_each_incident(sqlite3 *db, const char *party, unsigned max,
			    void (*fn)(void *arg,
				       const struct store_partner_incident *i),
			    void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	if (sqlite3_prepare_v2(
		    db,
		    "SELECT party,id,title,level,score,lead,support,missions,"
		    "sites,stages,exercise,alerts,first_us,last_us,"
		    "modified_us,mark,at_us FROM partner_incidents WHERE"
		    " (?1 IS NULL OR party=?1) AND revoked=0 ORDER BY at_us"
		    " DESC,id LIMIT ?2",
		    -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "ti", party, (int64_t)max) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			fn(arg, &(struct store_partner_incident){
					.party = sql_text(st, 0),
					.id = sql_text(st, 1),
					.title = sql_text(st, 2),
					.level = (unsigned)sql_u64(st, 3),
					.score = (unsigned)sql_u64(st, 4),
					.lead = sql_text(st, 5),
					.support = sql_text(st, 6),
					.missions = sql_text(st, 7),
					.sites = sql_text(st, 8),
					.stages = sql_text(st, 9),
					.exercise = sql_text(st, 10),
					.alerts = sql_u64(st, 11),
					.first_us = sql_u64(st, 12),
					.last_us = sql_u64(st, 13),
					.modified_us = sql_u64(st, 14),
					.mark = sql_text(st, 15),
					.at_us = sql_u64(st, 16) });
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}
