/* SPDX-License-Identifier: Apache-2.0 */
/* The store's connection, its statements, and one transaction after another. */
#include "collector/store_state.h"

#include <stdlib.h>

#include "collector/store_checkpoint.h"
#include "collector/store_schema.h"

/* How long the writer waits for who reads or writes besides. */
#define BUSY_MS 10000

static const char *const statements[ST_COUNT_OF] = {
	[ST_NAME_GET] = "SELECT id FROM names WHERE text=?",
	[ST_NAME_PUT] = "INSERT INTO names(text) VALUES(?)",
	[ST_SENSOR_GET] = "SELECT id FROM sensors WHERE site=? AND sensor=?",
	[ST_SENSOR_PUT] = "INSERT INTO sensors(site,sensor) VALUES(?,?)",
	[ST_SENSOR_STATE] = "UPDATE sensors SET state=coalesce(?2,state),"
			    " presence=coalesce(nullif(?3,''),presence), "
			    "seen_us=max(seen_us,?4)"
			    " WHERE id=?1",
	[ST_SENSOR_STATS] = "UPDATE sensors SET stats=? WHERE id=?",
	[ST_SENSOR_ADD] =
		"UPDATE sensors SET owner=CASE WHEN ?2='' THEN owner ELSE ?2"
		" END, first_us=CASE WHEN ?3>0 AND (first_us=0 OR ?3<first_us)"
		" THEN ?3 ELSE first_us END, last_us=max(last_us,?4),"
		" seen_us=max(seen_us,?5), alerts=alerts+?6, frames=frames+?7,"
		" lines_refused=lines_refused+?8,"
		" frames_refused=frames_refused+?9, duplicates=duplicates+?10"
		" WHERE id=?1",
	[ST_COUNT] = "INSERT INTO counters VALUES(?,?) ON CONFLICT(name)"
		     " DO UPDATE SET value=value+excluded.value",
	[ST_FRAME_HAS] = "SELECT 1 FROM frames WHERE sensor=? AND epoch=?"
			 " AND seq=?",
	[ST_FRAME] = "INSERT INTO frames(id,sensor,epoch,seq,n,sev,crc,at_us,"
		     "data,first_alert,alerts,worst,first_us,last_us,others)"
		     " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[ST_SIGNATURE_GET] = "SELECT id FROM signatures WHERE gid=? AND sid=?"
			     " AND rev=? AND text=? AND category=?",
	[ST_SIGNATURE_PUT] = "INSERT INTO signatures(gid,sid,rev,text,category)"
			     " VALUES(?,?,?,?,?)",
	[ST_GROUPS_FIND] =
		"SELECT p.place,g.id,g.signature,g.site,g.exercise,g.src,g.dst"
		" FROM sums p CROSS JOIN alert_groups g ON g.key=p.key",
	[ST_GROUPS_PUT] =
		"INSERT INTO alert_groups(id,key,signature,site,exercise,src,"
		"dst,severity,count,first_us,last_us,last_alert,src_info,"
		"dst_info,first_frame,last_frame) SELECT id,key,signature,site,"
		"exercise,src,dst,severity,count,first_us,last_us,last_alert,"
		"src_info,dst_info,first_frame,last_frame FROM sums WHERE true"
		" ON CONFLICT(id) DO UPDATE SET severity=CASE WHEN"
		" excluded.severity>0 AND (severity=0 OR"
		" excluded.severity<severity) THEN excluded.severity ELSE"
		" severity END, count=count+excluded.count,"
		" first_us=min(first_us,excluded.first_us),"
		" last_us=max(last_us,excluded.last_us),"
		" last_alert=max(last_alert,excluded.last_alert),"
		" src_info=CASE excluded.src_info WHEN 0 THEN src_info ELSE"
		" excluded.src_info END,"
		" dst_info=CASE excluded.dst_info WHEN 0 THEN dst_info ELSE"
		" excluded.dst_info END,"
		" last_frame=max(last_frame,excluded.last_frame)",
	[ST_LISTS_PUT] = "INSERT INTO group_frames SELECT * FROM lists",
	[ST_MINUTE] =
		"INSERT INTO timeline VALUES(?,?,?,?,?)"
		" ON CONFLICT(minute,site,exercise,severity) DO UPDATE SET"
		" count=count+excluded.count",
	[ST_OLDEST] = "SELECT id,alerts,at_us FROM frames"
		      " ORDER BY first_alert,alerts LIMIT ?",
	[ST_EXPIRE] = "DELETE FROM frames WHERE id=?",
	[ST_SWEEP_POSTINGS] = "DELETE FROM group_frames WHERE grp>=?1 AND"
			      " grp<?2 AND last<?3",
	[ST_SWEEP_GROUPS] = "DELETE FROM alert_groups WHERE id>=?1 AND id<?2"
			    " AND last_frame<?3",
	[ST_GROUP_TOP] = "SELECT max(id) FROM alert_groups",
	[ST_PAGES] = "SELECT (page_count-freelist_count)*page_size FROM"
		     " pragma_page_count,pragma_freelist_count,"
		     "pragma_page_size",
	[ST_FRAME_MIN] = "SELECT min(id) FROM frames",
	[ST_MARK] = "INSERT INTO marks VALUES(?,?,?) ON CONFLICT(sensor,epoch)"
		    " DO UPDATE SET upto=max(upto,excluded.upto)",
	[ST_EPOCH] = "UPDATE sensors SET epoch=? WHERE id=?",
	[ST_RANGE] = "INSERT INTO mark_ranges VALUES(?,?,?,?)",
	[ST_RANGE_CLEAR] = "DELETE FROM mark_ranges WHERE sensor=? AND epoch=?"
			   " AND lo BETWEEN ? AND ?",
	[ST_GAP] = "INSERT INTO gaps(sensor,epoch,lo,hi,frames,events,cause,"
		   "at_us) VALUES(?,?,?,?,?,?,?,?)",
	[ST_GAP_COUNT] = "SELECT count(*) FROM gaps WHERE sensor=?1",
	[ST_GAP_UPTO] = "SELECT id FROM gaps WHERE sensor=?1 ORDER BY id LIMIT"
			" 1 OFFSET ?2",
	/* The first of them stands for all up to there. */
	[ST_GAP_SUM] = "UPDATE gaps SET (epoch,lo,hi,frames,events,cause,at_us)"
		       "=(SELECT 0,0,0,sum(frames),sum(events),'summed up',"
		       "max(at_us) FROM gaps WHERE sensor=?1 AND id<=?2) WHERE"
		       " id=(SELECT min(id) FROM gaps WHERE sensor=?1)",
	[ST_GAP_GONE] = "DELETE FROM gaps WHERE sensor=?1 AND id<=?2 AND"
			" id>(SELECT min(id) FROM gaps WHERE sensor=?1)",
	[ST_RUN] = "INSERT INTO runs(id,exercise,kind,key,first_us,last_us,"
		   "severity,confidence,stages,what,said,mark,flooded,"
		   "flood_at,flood_n,flood_before,own,refuted)"
		   " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
		   " ON CONFLICT(id) DO UPDATE SET first_us=excluded.first_us,"
		   "last_us=excluded.last_us,severity=excluded.severity,"
		   "confidence=excluded.confidence,stages=excluded.stages,"
		   "what=excluded.what,said=excluded.said,mark=excluded.mark,"
		   "flooded=excluded.flooded,flood_at=excluded.flood_at,"
		   "flood_n=excluded.flood_n,"
		   "flood_before=excluded.flood_before,"
		   "own=excluded.own,refuted=excluded.refuted",
	[ST_RUN_SITES_CLEAR] = "DELETE FROM sightings WHERE run=?",
	[ST_RUN_SITE] = "INSERT INTO sightings(run,site,owner,first_us,last_us,"
			"count,strong,mark,events,told,past)"
			" VALUES(?,?,?,?,?,?,?,?,?,?,?)"
			" ON CONFLICT(run,site,owner) DO UPDATE SET"
			" first_us=excluded.first_us,last_us=excluded.last_us,"
			"count=excluded.count,strong=excluded.strong,"
			"mark=excluded.mark,events=excluded.events,"
			"told=excluded.told,past=excluded.past",
	[ST_LINK] = "INSERT INTO links VALUES(?,?,?,?,?)"
		    " ON CONFLICT(a,b) DO UPDATE SET"
		    " by_hand=max(by_hand,excluded.by_hand),"
		    "told=min(told,excluded.told)"
		    " WHERE excluded.by_hand>by_hand OR excluded.told<told",
	[ST_RUN_GONE] = "DELETE FROM runs WHERE id=?",
	[ST_LINKS_GONE] = "DELETE FROM links WHERE a=?1 OR b=?1",
	[ST_MEMBER] = "INSERT INTO incident_runs VALUES(?,?)"
		      " ON CONFLICT(run) DO UPDATE SET"
		      " incident=excluded.incident"
		      " WHERE incident<>excluded.incident",
	[ST_MEMBER_GONE] = "DELETE FROM incident_runs WHERE run=?",
	[ST_INCIDENT_GET] =
		"SELECT score,level,state,summary,lead,support,mark FROM "
		"incidents"
		" WHERE id=?",
	[ST_INCIDENT_PUT] =
		"INSERT INTO incidents(state,exercise,title,score,level,lead,"
		"support,first_us,last_us,created_us,updated_us,summary,mark)"
		" VALUES('open',?1,?2,?3,?4,?5,?6,?7,?8,?9,?9,?10,?11)",
	[ST_INCIDENT_SET] =
		"UPDATE incidents SET title=?2,score=?3,level=?4,lead=?5,"
		"support=?6,first_us=?7,last_us=?8,updated_us=?9,summary=?10"
		" WHERE id=?1",
	[ST_INCIDENT_MARK] = "UPDATE incidents SET mark=?2 WHERE id=?1",
	[ST_INCIDENT_STATE] = "UPDATE incidents SET state=? WHERE id=?",
	[ST_INCIDENT_MERGE] =
		"UPDATE incidents SET state='merged',merged_into=?2"
		" WHERE id=?1 OR merged_into=?1",
	[ST_MEMBERS_MERGE] =
		"UPDATE incident_runs SET incident=?2 WHERE incident=?1",
	[ST_LOG] = "INSERT INTO incident_log(incident,at_us,who,what,text)"
		   " VALUES(?,?,?,?,?)",
};

void
store_close(struct store *s)
{
	if (s == NULL) {
		return;
	}
	store_rollback(s);
	for (int i = 0; i < ST_COUNT_OF; i++) {
		sqlite3_finalize(s->st[i]);
	}
	store_checkpoint_stop(s->checkpoint);
	sqlite3_close(s->db);
	if (s->names != NULL) {
		store_names_clear(s);
	}
	free(s->frame.others);
	free(s->names);
	free(s->groups);
	free(s->used);
	free(s->order);
	free(s->postings);
	free(s->minutes);
	free(s->known);
	free(s);
}

static bool
reserve(struct store *s)
{
	s->names = calloc(2 * (size_t)STORE_MAX_NAMES, sizeof(*s->names));
	s->groups = calloc(STORE_GROUP_SLOTS, sizeof(*s->groups));
	s->used = calloc(STORE_GROUP_SLOTS, sizeof(*s->used));
	s->order = calloc(STORE_GROUP_SLOTS, sizeof(*s->order));
	s->postings = calloc(STORE_POSTINGS, sizeof(*s->postings));
	s->minutes = calloc(STORE_MINUTE_SLOTS, sizeof(*s->minutes));
	s->known = calloc(STORE_KNOWN_GROUPS, sizeof(*s->known));
	return s->names != NULL && s->groups != NULL && s->used != NULL &&
	       s->order != NULL && s->postings != NULL && s->minutes != NULL &&
	       s->known != NULL;
}

static int64_t
number_of(struct store *s, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n = 0;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		n = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return n;
}

static enum err
setup(struct store *s, const char *path, struct diag *d)
{
	enum err e = store_schema_migrate(s->db, path, d);

	if (e != ERR_OK) {
		return e;
	}
	if (sql_exec(s->db, "PRAGMA journal_mode=WAL;"
			    "PRAGMA synchronous=FULL;"
			    "PRAGMA cache_size=-65536;"
			    "PRAGMA journal_size_limit=67108864;"
			    "PRAGMA trusted_schema=OFF") != ERR_OK ||
	    sqlite3_wal_autocheckpoint(s->db, STORE_LOG_PAGES) != SQLITE_OK) {
		return diag_set(d, ERR_IO,
				"%s: %s: is the directory writable, and no "
				"other collector using this store?",
				path, sqlite3_errmsg(s->db));
	}
	if (store_sums_register(s) != ERR_OK) {
		return diag_set(d, ERR_NOMEM, "%s: out of memory", path);
	}
	for (int i = 0; i < ST_COUNT_OF; i++) {
		if (sqlite3_prepare_v3(s->db, statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &s->st[i],
				       NULL) != SQLITE_OK) {
			return diag_set(d, ERR_FORMAT,
					"%s: %s: the store is damaged: restore "
					"it, or start with another file",
					path, sqlite3_errmsg(s->db));
		}
	}
	s->bounds = store_bounds_default;
	s->minute_rows = INT64_MAX / 2;
	/* The newest frame is never dropped, so that no number comes twice. */
	s->next_alert = number_of(s, "SELECT first_alert+alerts FROM frames"
				     " ORDER BY first_alert DESC,alerts DESC"
				     " LIMIT 1");
	s->next_alert = MAX(s->next_alert, INT64_C(1));
	s->next_frame = number_of(s, "SELECT max(id) FROM frames") + 1;
	s->next_group = number_of(s, "SELECT max(id) FROM alert_groups") + 1;
	return ERR_OK;
}

enum err
store_open(struct store **out, const char *path, struct diag *d)
{
	struct store *s = calloc(1, sizeof(*s));
	enum err e = ERR_OK;

	*out = NULL;
	if (s == NULL || !reserve(s)) {
		e = diag_set(d, ERR_NOMEM, "%s: out of memory", path);
	} else if (sql_open(&s->db, path,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_NOMUTEX,
			    BUSY_MS) != ERR_OK) {
		e = diag_set(d, ERR_IO,
			     "%s: %s: name a file in a writable directory with "
			     "--store",
			     path, sqlite3_errmsg(s->db));
	} else {
		e = setup(s, path, d);
	}
	if (e != ERR_OK) {
		store_close(s);
		return e;
	}
	*out = s;
	return ERR_OK;
}

enum err
store_checkpoints(struct store *s, const char *path, struct diag *d)
{
	return store_checkpoint_start(&s->checkpoint, s->db, path, d);
}

void
store_limit(struct store *s, const struct store_limits *limits)
{
	s->limits = *limits;
}

void
store_bound(struct store *s, const struct store_bounds *bounds)
{
	s->bounds = *bounds;
}

const struct store_bounds *
store_bounds(const struct store *s)
{
	return &s->bounds;
}

struct sqlite3 *
store_db(struct store *s)
{
	return s->db;
}

const char *
store_error(const struct store *s)
{
	return sqlite3_errmsg(s->db);
}

enum err
store_begin(struct store *s)
{
	enum err e = sql_exec(s->db, "BEGIN IMMEDIATE");

	s->in_transaction = e == ERR_OK;
	s->first_alert = s->next_alert;
	s->first_frame = s->next_frame;
	s->first_group = s->next_group;
	return e;
}

enum err
store_commit(struct store *s)
{
	enum err e = store_groups_flush(s);

	if (e == ERR_OK) {
		e = store_expire(s);
	}
	if (e == ERR_OK) {
		e = store_sweep(s);
	}
	if (e == ERR_OK) {
		e = sql_exec(s->db, "COMMIT");
	}
	if (e != ERR_OK) {
		store_rollback(s);
		return e;
	}
	s->in_transaction = false;
	return ERR_OK;
}

void
store_rollback(struct store *s)
{
	if (!s->in_transaction) {
		return;
	}
	s->in_transaction = false;
	s->next_alert = s->first_alert;
	s->next_frame = s->first_frame;
	s->next_group = s->first_group;
	s->oldest_frame = 0;
	/* SQLite may have rolled back by itself (disk full). */
	if (!sqlite3_get_autocommit(s->db)) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	}
	memset(s->rooms, 0, sizeof(s->rooms));
	s->minute_rows = INT64_MAX / 2;
	/* Ids handed out since store_begin() mean nothing any more. */
	store_names_clear(s);
	store_groups_clear(s);
	memset(s->known, 0, STORE_KNOWN_GROUPS * sizeof(*s->known));
}

enum err
store_each_row(struct store *s, const char *sql,
	       enum err (*fn)(void *arg, sqlite3_stmt *st), void *arg)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	while (rc == SQLITE_OK && e == ERR_OK &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		e = fn(arg, st);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}
