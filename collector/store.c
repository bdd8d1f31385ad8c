/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/store_schema.h"
#include "collector/store_sql.h"
#include "common/clock.h"

#define NAME_SLOTS (2 * STORE_MAX_NAMES)
#define GROUP_SLOTS 8192
#define MINUTE_SLOTS 4096

enum statement {
	ST_NAME_GET,
	ST_NAME_PUT,
	ST_SENSOR_GET,
	ST_SENSOR_PUT,
	ST_SENSOR_STATE,
	ST_SENSOR_STATS,
	ST_SENSOR_ADD,
	ST_COUNT,
	ST_FRAME,
	ST_SIGNATURE_GET,
	ST_SIGNATURE_PUT,
	ST_ALERT,
	ST_GROUP,
	ST_MINUTE,
	ST_MARK,
	ST_EPOCH,
	ST_RANGE,
	ST_RANGE_CLEAR,
	ST_GAP,
	ST_RUN,
	ST_RUN_SITES_CLEAR,
	ST_RUN_SITE,
	ST_LINK,
	ST_RUN_GONE,
	ST_LINKS_GONE,
	ST_MEMBER,
	ST_MEMBER_GONE,
	ST_INCIDENT_GET,
	ST_INCIDENT_PUT,
	ST_INCIDENT_SET,
	ST_INCIDENT_STATE,
	ST_INCIDENT_MERGE,
	ST_MEMBERS_MERGE,
	ST_LOG,
	ST_COUNT_OF
};

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
	[ST_FRAME] = "INSERT OR IGNORE INTO "
		     "frames(sensor,epoch,seq,n,sev,crc,at_us,data)"
		     " VALUES(?,?,?,?,?,?,?,?)",
	[ST_SIGNATURE_GET] = "SELECT id FROM signatures WHERE gid=? AND sid=?"
			     " AND rev=? AND text=? AND category=?",
	[ST_SIGNATURE_PUT] = "INSERT INTO signatures(gid,sid,rev,text,category)"
			     " VALUES(?,?,?,?,?)",
	[ST_ALERT] = "INSERT INTO alerts VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
		     "?,?,?,?)",
	[ST_GROUP] =
		"INSERT INTO alert_groups(signature,site,exercise,src,dst,"
		"severity,count,first_us,last_us,last_alert)"
		" VALUES(?,?,?,?,?,?,?,?,?,?)"
		" ON CONFLICT(signature,site,exercise,src,dst) DO UPDATE SET"
		" count=count+excluded.count,"
		" first_us=min(first_us,excluded.first_us),"
		" last_us=max(last_us,excluded.last_us),"
		" last_alert=max(last_alert,excluded.last_alert)",
	[ST_MINUTE] =
		"INSERT INTO timeline VALUES(?,?,?,?,?)"
		" ON CONFLICT(minute,site,exercise,severity) DO UPDATE SET"
		" count=count+excluded.count",
	[ST_MARK] = "INSERT INTO marks VALUES(?,?,?) ON CONFLICT(sensor,epoch)"
		    " DO UPDATE SET upto=max(upto,excluded.upto)",
	[ST_EPOCH] = "UPDATE sensors SET epoch=? WHERE id=?",
	[ST_RANGE] = "INSERT INTO mark_ranges VALUES(?,?,?,?)",
	[ST_RANGE_CLEAR] = "DELETE FROM mark_ranges WHERE sensor=? AND epoch=?",
	[ST_GAP] = "INSERT INTO gaps(sensor,epoch,lo,hi,frames,events,cause,"
		   "at_us) VALUES(?,?,?,?,?,?,?,?)",
	[ST_RUN] = "INSERT OR REPLACE INTO runs VALUES(?,?,?,?,?,?,?,?,?)",
	[ST_RUN_SITES_CLEAR] = "DELETE FROM sightings WHERE run=?",
	[ST_RUN_SITE] =
		"INSERT OR REPLACE INTO sightings VALUES(?,?,?,?,?,?,?)",
	[ST_LINK] = "INSERT OR IGNORE INTO links VALUES(?,?,?)",
	[ST_RUN_GONE] = "DELETE FROM runs WHERE id=?",
	[ST_LINKS_GONE] = "DELETE FROM links WHERE a=?1 OR b=?1",
	[ST_MEMBER] = "INSERT OR REPLACE INTO incident_runs VALUES(?,?)",
	[ST_MEMBER_GONE] = "DELETE FROM incident_runs WHERE run=?",
	[ST_INCIDENT_GET] =
		"SELECT score,level,state,summary,support FROM incidents"
		" WHERE id=?",
	[ST_INCIDENT_PUT] =
		"INSERT INTO incidents(state,exercise,title,score,level,lead,"
		"support,first_us,last_us,created_us,updated_us,summary)"
		" VALUES('open',?1,?2,?3,?4,?5,?6,?7,?8,?9,?9,?10)",
	[ST_INCIDENT_SET] =
		"UPDATE incidents SET title=?2,score=?3,level=?4,lead=?5,"
		"support=?6,first_us=?7,last_us=?8,updated_us=?9,summary=?10"
		" WHERE id=?1",
	[ST_INCIDENT_STATE] = "UPDATE incidents SET state=? WHERE id=?",
	[ST_INCIDENT_MERGE] =
		"UPDATE incidents SET state='merged',merged_into=?2"
		" WHERE id=?1 OR merged_into=?1",
	[ST_MEMBERS_MERGE] =
		"UPDATE incident_runs SET incident=?2 WHERE incident=?1",
	[ST_LOG] = "INSERT INTO incident_log(incident,at_us,who,what,text)"
		   " VALUES(?,?,?,?,?)",
};

struct name {
	uint64_t hash; /* 0 is free */
	int64_t id;
	char *text;
};

/* One row of alert_groups or timeline to be, summed up in memory first. */
struct group {
	int64_t signature, site, exercise;
	struct addr src, dst;
	uint64_t count, first_us, last_us;
	int64_t last_alert;
	uint8_t severity;
};

struct minute {
	int64_t minute, site, exercise;
	uint64_t count;
	uint8_t severity;
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *st[ST_COUNT_OF];
	int64_t next_alert, first_alert; /* the next, and at store_begin() */
	bool in_transaction;
	struct name *names;
	size_t n_names;
	struct group *groups; /* count 0 is free */
	struct minute *minutes;
	size_t n_groups, n_minutes;
	/* The signature of the last alert: most come in runs. */
	struct {
		uint32_t gid, sid, rev;
		uint64_t hash;
		int64_t id;
	} signatures[256];
};

static void
names_clear(struct store *s)
{
	for (size_t i = 0; i < NAME_SLOTS; i++) {
		free(s->names[i].text);
	}
	memset(s->names, 0, NAME_SLOTS * sizeof(*s->names));
	s->n_names = 0;
	memset(s->signatures, 0, sizeof(s->signatures));
}

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
	sqlite3_close(s->db);
	if (s->names != NULL) {
		names_clear(s);
	}
	free(s->names);
	free(s->groups);
	free(s->minutes);
	free(s);
}

static enum err
setup(struct store *s, const char *path, struct diag *d)
{
	sqlite3_stmt *max = NULL;
	enum err e;

	sqlite3_busy_timeout(s->db, 10000);
	e = store_schema_migrate(s->db, path, d);
	if (e != ERR_OK) {
		return e;
	}
	if (sql_exec(s->db, "PRAGMA journal_mode=WAL;"
			    "PRAGMA synchronous=FULL;"
			    "PRAGMA cache_size=-65536;"
			    "PRAGMA wal_autocheckpoint=4000;"
			    "PRAGMA journal_size_limit=67108864;"
			    "PRAGMA temp_store=MEMORY;"
			    "PRAGMA trusted_schema=OFF") != ERR_OK) {
		return diag_set(d, ERR_IO,
				"%s: %s: is the directory writable, and no "
				"other collector using this store?",
				path, sqlite3_errmsg(s->db));
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
	if (sqlite3_prepare_v2(s->db, "SELECT max(id) FROM alerts", -1, &max,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(max) == SQLITE_ROW) {
		s->next_alert = sqlite3_column_int64(max, 0) + 1;
	}
	sqlite3_finalize(max);
	return ERR_OK;
}

enum err
store_open(struct store **out, const char *path, struct diag *d)
{
	struct store *s = calloc(1, sizeof(*s));
	enum err e = ERR_OK;

	*out = NULL;
	if (s != NULL) {
		s->names = calloc(NAME_SLOTS, sizeof(*s->names));
		s->groups = calloc(GROUP_SLOTS, sizeof(*s->groups));
		s->minutes = calloc(MINUTE_SLOTS, sizeof(*s->minutes));
	}
	if (s == NULL || s->names == NULL || s->groups == NULL ||
	    s->minutes == NULL) {
		e = diag_set(d, ERR_NOMEM, "%s: out of memory", path);
	} else if (sqlite3_open_v2(path, &s->db,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
					   SQLITE_OPEN_NOMUTEX,
				   NULL) != SQLITE_OK) {
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
	return e;
}

static enum err
groups_flush(struct store *s)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < GROUP_SLOTS && s->n_groups > 0; i++) {
		struct group *g = &s->groups[i];

		if (g->count == 0) {
			continue;
		}
		if (e == ERR_OK) {
			e = sql_run(s->st[ST_GROUP], "iiiaaduuui", g->signature,
				    g->site, g->exercise, &g->src, &g->dst,
				    (int)g->severity, g->count, g->first_us,
				    g->last_us, g->last_alert);
		}
		g->count = 0;
		s->n_groups--;
	}
	for (size_t i = 0; i < MINUTE_SLOTS && s->n_minutes > 0; i++) {
		struct minute *m = &s->minutes[i];

		if (m->count == 0) {
			continue;
		}
		if (e == ERR_OK) {
			e = sql_run(s->st[ST_MINUTE], "iiidu", m->minute,
				    m->site, m->exercise, (int)m->severity,
				    m->count);
		}
		m->count = 0;
		s->n_minutes--;
	}
	return e;
}

enum err
store_commit(struct store *s)
{
	enum err e = groups_flush(s);

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
	/* SQLite may have rolled back by itself (disk full). */
	if (!sqlite3_get_autocommit(s->db)) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	}
	/* Ids handed out since store_begin() mean nothing any more. */
	names_clear(s);
	memset(s->groups, 0, GROUP_SLOTS * sizeof(*s->groups));
	memset(s->minutes, 0, MINUTE_SLOTS * sizeof(*s->minutes));
	s->n_groups = s->n_minutes = 0;
}

/* The id of a text, through the cache. */
static enum err
name_id(struct store *s, struct view text, int64_t *id)
{
	uint64_t h = XXH3_64bits(text.len != 0 ? (const void *)text.p : "",
				 text.len) |
		     1;
	size_t slot = h >> 8 & (NAME_SLOTS - 1);
	sqlite3_stmt *get = s->st[ST_NAME_GET];
	struct name *n;
	enum err e = ERR_OK;

	for (;; slot = (slot + 1) & (NAME_SLOTS - 1)) {
		n = &s->names[slot];
		if (n->hash == 0) {
			break;
		}
		if (n->hash == h && strlen(n->text) == text.len &&
		    (text.len == 0 || memcmp(n->text, text.p, text.len) == 0)) {
			*id = n->id;
			return ERR_OK;
		}
	}
	if (sql_bind(get, "v", text) != SQLITE_OK) {
		return ERR_IO;
	}
	if (sqlite3_step(get) == SQLITE_ROW) {
		*id = sqlite3_column_int64(get, 0);
		sqlite3_reset(get);
	} else {
		sqlite3_reset(get);
		e = sql_run(s->st[ST_NAME_PUT], "v", text);
		*id = sqlite3_last_insert_rowid(s->db);
	}
	if (e != ERR_OK) {
		return e;
	}
	/* An attacker can invent texts; forgetting all of them costs a
	 * lookup each and keeps memory bounded. */
	if (s->n_names >= STORE_MAX_NAMES) {
		names_clear(s);
		n = &s->names[h >> 8 & (NAME_SLOTS - 1)];
	}
	n->text = malloc(text.len + 1);
	if (n->text == NULL) {
		return ERR_NOMEM;
	}
	if (text.len != 0) {
		memcpy(n->text, text.p, text.len);
	}
	n->text[text.len] = '\0';
	n->hash = h;
	n->id = *id;
	s->n_names++;
	return ERR_OK;
}

enum err
store_sensor(struct store *s, const char *site, const char *sensor, int64_t *id)
{
	sqlite3_stmt *get = s->st[ST_SENSOR_GET];
	enum err e;

	if (sql_bind(get, "tt", site, sensor) != SQLITE_OK) {
		return ERR_IO;
	}
	if (sqlite3_step(get) == SQLITE_ROW) {
		*id = sqlite3_column_int64(get, 0);
		sqlite3_reset(get);
		return ERR_OK;
	}
	sqlite3_reset(get);
	e = sql_run(s->st[ST_SENSOR_PUT], "tt", site, sensor);
	*id = sqlite3_last_insert_rowid(s->db);
	return e;
}

enum err
store_sensor_state(struct store *s, int64_t sensor, const char *state,
		   struct view presence, uint64_t seen_us)
{
	return sql_run(s->st[ST_SENSOR_STATE], "itvu", sensor, state, presence,
		       seen_us);
}

enum err
store_sensor_stats(struct store *s, int64_t sensor, struct view stats)
{
	return sql_run(s->st[ST_SENSOR_STATS], "vi", stats, sensor);
}

enum err
store_sensor_add(struct store *s, int64_t sensor, const struct store_tally *t)
{
	return sql_run(s->st[ST_SENSOR_ADD], "ituuuuuuuu", sensor,
		       t->owner != NULL ? t->owner : "", t->first_us,
		       t->last_us, t->seen_us, t->alerts, t->frames,
		       t->lines_refused, t->frames_refused, t->duplicates);
}

enum err
store_count(struct store *s, const char *name, uint64_t add)
{
	return add == 0 ? ERR_OK : sql_run(s->st[ST_COUNT], "tu", name, add);
}

enum err
store_frame(struct store *s, int64_t sensor, const struct frame_header *h,
	    struct view data, uint64_t at_us, int64_t *frame)
{
	enum err e = sql_run(s->st[ST_FRAME], "iuuuduub", sensor, h->epoch,
			     h->seq, (uint64_t)h->n, (int)h->sev,
			     (uint64_t)h->crc, at_us, data);

	if (e == ERR_OK && sqlite3_changes(s->db) == 0) {
		return ERR_LIMIT;
	}
	*frame = sqlite3_last_insert_rowid(s->db);
	return e;
}

static enum err
signature_id(struct store *s, const struct alert *a, int64_t *id)
{
	uint64_t h = XXH3_64bits_withSeed(
		a->signature.p != NULL ? (const void *)a->signature.p : "",
		a->signature.len, a->category.len);
	size_t slot = (h ^ a->sid) % ARRAY_LEN(s->signatures);
	sqlite3_stmt *get = s->st[ST_SIGNATURE_GET];
	enum err e = ERR_OK;

	h = XXH3_64bits_withSeed(
		a->category.p != NULL ? (const void *)a->category.p : "",
		a->category.len, h);
	if (s->signatures[slot].id != 0 && s->signatures[slot].hash == h &&
	    s->signatures[slot].gid == a->gid &&
	    s->signatures[slot].sid == a->sid &&
	    s->signatures[slot].rev == a->rev) {
		*id = s->signatures[slot].id;
		return ERR_OK;
	}
	if (sql_bind(get, "uuuvv", (uint64_t)a->gid, (uint64_t)a->sid,
		     (uint64_t)a->rev, a->signature,
		     a->category) != SQLITE_OK) {
		return ERR_IO;
	}
	if (sqlite3_step(get) == SQLITE_ROW) {
		*id = sqlite3_column_int64(get, 0);
		sqlite3_reset(get);
	} else {
		sqlite3_reset(get);
		e = sql_run(s->st[ST_SIGNATURE_PUT], "uuuvv", (uint64_t)a->gid,
			    (uint64_t)a->sid, (uint64_t)a->rev, a->signature,
			    a->category);
		*id = sqlite3_last_insert_rowid(s->db);
	}
	if (e == ERR_OK) {
		s->signatures[slot].gid = a->gid;
		s->signatures[slot].sid = a->sid;
		s->signatures[slot].rev = a->rev;
		s->signatures[slot].hash = h;
		s->signatures[slot].id = *id;
	}
	return e;
}

static enum err
group_add(struct store *s, const struct alert *a, const struct group *g)
{
	struct {
		int64_t ids[3];
		struct addr ends[2];
	} key = { { g->signature, g->site, g->exercise }, { g->src, g->dst } };
	size_t slot = XXH3_64bits(&key, sizeof(key)) % GROUP_SLOTS;
	struct minute m = { (int64_t)(a->timestamp_us / (60 * US_PER_S)),
			    g->site, g->exercise, 1, g->severity };

	for (; s->groups[slot].count != 0; slot = (slot + 1) % GROUP_SLOTS) {
		struct group *t = &s->groups[slot];

		if (t->signature == g->signature && t->site == g->site &&
		    t->exercise == g->exercise && addr_eq(&t->src, &g->src) &&
		    addr_eq(&t->dst, &g->dst)) {
			break;
		}
	}
	if (s->groups[slot].count == 0) {
		s->groups[slot] = *g;
		s->n_groups++;
	} else {
		struct group *t = &s->groups[slot];

		t->count++;
		t->first_us = MIN(t->first_us, g->first_us);
		t->last_us = MAX(t->last_us, g->last_us);
		t->last_alert = g->last_alert;
	}
	slot = XXH3_64bits(&m, 24) % MINUTE_SLOTS;
	for (; s->minutes[slot].count != 0; slot = (slot + 1) % MINUTE_SLOTS) {
		struct minute *t = &s->minutes[slot];

		if (t->minute == m.minute && t->site == m.site &&
		    t->exercise == m.exercise && t->severity == m.severity) {
			t->count++;
			return ERR_OK;
		}
	}
	s->minutes[slot] = m;
	s->n_minutes++;
	if (s->n_groups >= GROUP_SLOTS / 4 * 3 ||
	    s->n_minutes >= MINUTE_SLOTS / 4 * 3) {
		return groups_flush(s);
	}
	return ERR_OK;
}

enum err
store_alert(struct store *s, const struct alert *a, int64_t sensor,
	    const char *site, int64_t frame, size_t off, size_t len,
	    struct view src_info, struct view dst_info, int64_t *id)
{
	int64_t proto, app, exercise, tlp, indicator, sinfo, dinfo;
	struct group g = { .src = a->src,
			   .dst = a->dst,
			   .count = 1,
			   .first_us = a->timestamp_us,
			   .last_us = a->timestamp_us,
			   .last_alert = s->next_alert,
			   .severity = a->severity };
	char what[256];
	size_t n = 0;
	enum err e;

	if (a->has_indicator) {
		struct view t = a->indicator.type, v = a->indicator.value;

		v = v.len != 0 ? v : a->indicator.id;
		t.len = MIN(t.len, (size_t)64);
		v.len = MIN(v.len, sizeof(what) - 66);
		memcpy(what, t.len != 0 ? (const void *)t.p : "", t.len);
		n = t.len;
		what[n++] = ':';
		memcpy(what + n, v.p, v.len);
		n += v.len;
	}
	if ((e = signature_id(s, a, &g.signature)) != ERR_OK ||
	    (e = name_id(s, view_cstr(site), &g.site)) != ERR_OK ||
	    (e = name_id(s, a->proto, &proto)) != ERR_OK ||
	    (e = name_id(s, a->app_proto, &app)) != ERR_OK ||
	    (e = name_id(s, a->exercise, &exercise)) != ERR_OK ||
	    (e = name_id(s, a->tlp, &tlp)) != ERR_OK ||
	    (e = name_id(s, view_of(what, n), &indicator)) != ERR_OK ||
	    (e = name_id(s, src_info, &sinfo)) != ERR_OK ||
	    (e = name_id(s, dst_info, &dinfo)) != ERR_OK) {
		return e;
	}
	g.exercise = exercise;
	*id = s->next_alert;
	e = sql_run(s->st[ST_ALERT], "iuiidadadiiiiiiiiuu", *id,
		    a->timestamp_us, sensor, g.signature, (int)a->severity,
		    &a->src, (int)a->src_port, &a->dst, (int)a->dst_port, proto,
		    app, exercise, tlp, indicator, sinfo, dinfo, frame,
		    (uint64_t)off, (uint64_t)len);
	if (e != ERR_OK) {
		return e;
	}
	s->next_alert++;
	return group_add(s, a, &g);
}

enum err
store_mark(struct store *s, int64_t sensor, uint64_t epoch, uint64_t upto)
{
	enum err e = sql_run(s->st[ST_MARK], "iuu", sensor, epoch, upto);

	if (e == ERR_OK) {
		e = sql_run(s->st[ST_EPOCH], "ui", epoch, sensor);
	}
	return e;
}

enum err
store_mark_range(struct store *s, int64_t sensor, uint64_t epoch, uint64_t lo,
		 uint64_t hi)
{
	return sql_run(s->st[ST_RANGE], "iuuu", sensor, epoch, lo, hi);
}

enum err
store_mark_clear(struct store *s, int64_t sensor, uint64_t epoch)
{
	return sql_run(s->st[ST_RANGE_CLEAR], "iu", sensor, epoch);
}

enum err
store_gap(struct store *s, int64_t sensor, uint64_t epoch, uint64_t lo,
	  uint64_t hi, uint64_t frames, uint64_t events, const char *cause,
	  uint64_t at_us)
{
	return sql_run(s->st[ST_GAP], "iuuuuutu", sensor, epoch, lo, hi, frames,
		       events, cause, at_us);
}

/* Steps through 'sql', calling 'fn' for each row. */
static enum err
each_row(struct store *s, const char *sql,
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

struct each_mark {
	enum err (*fn)(void *arg, const struct store_mark *m);
	void *arg;
};

static enum err
mark_row(void *arg, sqlite3_stmt *st)
{
	struct each_mark *m = arg;
	struct store_mark mark = { .sensor = sqlite3_column_int64(st, 0),
				   .epoch = sql_u64(st, 3),
				   .upto = sql_u64(st, 4),
				   .published =
					   sqlite3_column_int(st, 5) != 0 };

	mark.site = sql_text(st, 1);
	mark.name = sql_text(st, 2);
	return m->fn(m->arg, &mark);
}

enum err
store_each_mark(struct store *s,
		enum err (*fn)(void *arg, const struct store_mark *m),
		void *arg)
{
	struct each_mark m = { fn, arg };

	return each_row(s,
			"SELECT s.id,s.site,s.sensor,m.epoch,m.upto,"
			"m.epoch=s.epoch FROM marks m JOIN sensors s"
			" ON s.id=m.sensor ORDER BY 1,4",
			mark_row, &m);
}

struct each_range {
	enum err (*fn)(void *arg, int64_t sensor, uint64_t epoch, uint64_t lo,
		       uint64_t hi);
	void *arg;
};

static enum err
range_row(void *arg, sqlite3_stmt *st)
{
	struct each_range *r = arg;

	return r->fn(r->arg, sqlite3_column_int64(st, 0), sql_u64(st, 1),
		     sql_u64(st, 2), sql_u64(st, 3));
}

enum err
store_each_range(struct store *s,
		 enum err (*fn)(void *arg, int64_t sensor, uint64_t epoch,
				uint64_t lo, uint64_t hi),
		 void *arg)
{
	struct each_range r = { fn, arg };

	return each_row(s,
			"SELECT sensor,epoch,lo,hi FROM mark_ranges"
			" ORDER BY 1,2,3",
			range_row, &r);
}

enum err
store_run(struct store *s, const struct run *r)
{
	struct view stages = r->stages != NULL
				     ? view_of(r->stages, sizeof(*r->stages))
				     : VIEW_NONE;
	enum err e = sql_run(s->st[ST_RUN], "utdtuuddb", r->id, r->exercise,
			     (int)r->kind, r->key, r->first_us, r->last_us,
			     (int)r->severity, (int)r->confidence, stages);

	for (const struct run_site *t = r->sites; t != NULL && e == ERR_OK;
	     t = t->next) {
		e = sql_run(s->st[ST_RUN_SITE], "uttuuuu", r->id, t->site,
			    t->owner, t->first_us, t->last_us, t->count,
			    t->strong);
	}
	for (const struct run_link *l = r->links; l != NULL && e == ERR_OK;
	     l = l->next) {
		if (r->id < l->other->id && l->is_new) {
			e = sql_run(s->st[ST_LINK], "uui", r->id, l->other->id,
				    l->alert);
		}
	}
	if (e == ERR_OK && r->incident != NULL) {
		e = sql_run(s->st[ST_MEMBER], "ui", r->id, r->incident->id);
	}
	return e;
}

enum err
store_run_gone(struct store *s, uint64_t run)
{
	enum err e = sql_run(s->st[ST_RUN_SITES_CLEAR], "u", run);

	if (e == ERR_OK) {
		e = sql_run(s->st[ST_LINKS_GONE], "u", run);
	}
	if (e == ERR_OK) {
		e = sql_run(s->st[ST_MEMBER_GONE], "u", run);
	}
	if (e == ERR_OK) {
		e = sql_run(s->st[ST_RUN_GONE], "u", run);
	}
	return e;
}

struct load {
	struct correlate *c;
};

static enum err
load_run(void *arg, sqlite3_stmt *st)
{
	struct load *l = arg;
	struct stage_times t;
	bool has = sqlite3_column_bytes(st, 8) == (int)sizeof(t);

	if (has) {
		memcpy(&t, sqlite3_column_blob(st, 8), sizeof(t));
	}
	return correlate_load_run(l->c, sql_u64(st, 0), sql_text(st, 1),
				  (enum key_kind)sqlite3_column_int(st, 2),
				  sql_text(st, 3), sql_u64(st, 4),
				  sql_u64(st, 5),
				  (uint8_t)sqlite3_column_int(st, 6),
				  (uint8_t)sqlite3_column_int(st, 7),
				  has ? &t : NULL) != NULL
		       ? ERR_OK
		       : ERR_NOMEM;
}

static void
copy_text(char *out, size_t cap, const char *s)
{
	size_t n = MIN(strlen(s), cap - 1);

	memcpy(out, s, n);
	out[n] = '\0';
}

static enum err
load_site(void *arg, sqlite3_stmt *st)
{
	struct load *l = arg;
	struct run *r = correlate_find_run(l->c, sql_u64(st, 0));
	struct run_site s = { .first_us = sql_u64(st, 3),
			      .last_us = sql_u64(st, 4),
			      .count = sql_u64(st, 5),
			      .strong = sql_u64(st, 6) };

	copy_text(s.site, sizeof(s.site), sql_text(st, 1));
	copy_text(s.owner, sizeof(s.owner), sql_text(st, 2));
	return r != NULL ? correlate_load_site(l->c, r, &s) : ERR_OK;
}

static enum err
load_link(void *arg, sqlite3_stmt *st)
{
	struct load *l = arg;
	struct run *a = correlate_find_run(l->c, sql_u64(st, 0));
	struct run *b = correlate_find_run(l->c, sql_u64(st, 1));

	return a != NULL && b != NULL
		       ? correlate_load_link(l->c, a, b,
					     sqlite3_column_int64(st, 2))
		       : ERR_OK;
}

static enum err
load_member(void *arg, sqlite3_stmt *st)
{
	struct load *l = arg;
	struct run *r = correlate_find_run(l->c, sql_u64(st, 0));

	return r != NULL ? correlate_load_incident(l->c, r,
						   sqlite3_column_int64(st, 1))
			 : ERR_OK;
}

uint64_t
store_newest_run(struct store *s)
{
	sqlite3_stmt *st = NULL;
	uint64_t newest = 0;

	if (sqlite3_prepare_v2(s->db, "SELECT max(last_us) FROM runs", -1, &st,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		newest = sql_u64(st, 0);
	}
	sqlite3_finalize(st);
	return newest;
}

enum err
store_load_runs(struct store *s, struct correlate *c, uint64_t since_us,
		size_t max)
{
	static const struct {
		const char *sql;
		enum err (*fn)(void *arg, sqlite3_stmt *st);
	} steps[] = {
		{ "SELECT r.* FROM recent t JOIN runs r ON r.id=t.id"
		  " ORDER BY r.id",
		  load_run },
		{ "SELECT s.* FROM recent t JOIN sightings s ON s.run=t.id",
		  load_site },
		{ "SELECT l.* FROM recent t JOIN links l ON l.a=t.id",
		  load_link },
		{ "SELECT m.run,m.incident FROM recent t JOIN incident_runs m"
		  " ON m.run=t.id ORDER BY 2,1",
		  load_member },
	};
	struct load l = { c };
	sqlite3_stmt *st = NULL;
	enum err e = sql_exec(s->db, "CREATE TEMP TABLE IF NOT EXISTS"
				     " recent(id INTEGER PRIMARY KEY);"
				     "DELETE FROM recent");

	if (e == ERR_OK &&
	    sqlite3_prepare_v2(s->db,
			       "INSERT INTO recent SELECT id FROM runs"
			       " WHERE last_us>=? ORDER BY last_us DESC"
			       " LIMIT ?",
			       -1, &st, NULL) != SQLITE_OK) {
		e = ERR_IO;
	}
	if (e == ERR_OK) {
		e = sql_run(st, "uu", since_us, (uint64_t)max);
	}
	sqlite3_finalize(st);
	for (size_t i = 0; i < ARRAY_LEN(steps) && e == ERR_OK; i++) {
		e = each_row(s, steps[i].sql, steps[i].fn, &l);
	}
	return e == ERR_OK ? correlate_load_end(c) : e;
}

enum err
store_incident_get(struct store *s, int64_t id, struct store_incident_kept *out)
{
	sqlite3_stmt *st = s->st[ST_INCIDENT_GET];

	*out = (struct store_incident_kept){ 0 };
	if (sql_bind(st, "i", id) != SQLITE_OK) {
		return ERR_IO;
	}
	if (sqlite3_step(st) == SQLITE_ROW) {
		const char *summary = sql_text(st, 3);

		out->found = true;
		out->score = (unsigned)sqlite3_column_int(st, 0);
		out->level = (unsigned)sqlite3_column_int(st, 1);
		out->closed = strcmp(sql_text(st, 2), "closed") == 0;
		out->support = sql_text(st, 4)[0] != '\0';
		out->summary_hash = XXH3_64bits(summary, strlen(summary));
	}
	sqlite3_reset(st);
	return ERR_OK;
}

enum err
store_incident_put(struct store *s, const struct store_incident_change *c,
		   int64_t *id)
{
	enum err e;

	if (c->id == 0) {
		e = sql_run(s->st[ST_INCIDENT_PUT], "ttddttuuuv", c->exercise,
			    c->title, (int)c->score, (int)c->level, c->lead,
			    c->support, c->first_us, c->last_us, c->at_us,
			    c->summary);
		*id = sqlite3_last_insert_rowid(s->db);
		return e;
	}
	*id = c->id;
	return sql_run(s->st[ST_INCIDENT_SET], "itddttuuuv", c->id, c->title,
		       (int)c->score, (int)c->level, c->lead, c->support,
		       c->first_us, c->last_us, c->at_us, c->summary);
}

enum err
store_incident_reopen(struct store *s, int64_t id)
{
	return sql_run(s->st[ST_INCIDENT_STATE], "ti", "open", id);
}

enum err
store_incident_merge(struct store *s, int64_t from, int64_t into)
{
	enum err e = sql_run(s->st[ST_INCIDENT_MERGE], "ii", from, into);

	if (e == ERR_OK) {
		e = sql_run(s->st[ST_MEMBERS_MERGE], "ii", from, into);
	}
	return e;
}

enum err
store_incident_log(struct store *s, int64_t id, uint64_t at_us, const char *who,
		   const char *what, const char *text)
{
	return sql_run(s->st[ST_LOG], "iuttt", id, at_us, who, what, text);
}
