/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of sightings and the incidents that they make. */
#include <stdio.h>

#include "collector/correlate_case.h"
#include "collector/mute_store.h"
#include "collector/silence_store.h"
#include "collector/store_state.h"
#include "common/clock.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* NULL is what nobody marked: that is nobody's to see. */
static const char *
mark_text(const struct marking *m, char out[MARKING_TEXT_CAP])
{
	return marking_text(m != NULL ? m : &mark_nobody, out);
}

static struct view
times_view(const struct stage_times *t)
{
	return t != NULL ? view_of(t, sizeof(*t)) : VIEW_NONE;
}

enum err
store_run(struct store *s, const struct run *r)
{
	struct view stages = times_view(r->stages), own = times_view(r->own);
	char said[MARKING_TEXT_CAP], mark[MARKING_TEXT_CAP];
	enum err e = sql_run(s->st[ST_RUN], "utdtuuddbdttduuubd", r->id,
			     r->exercise, (int)r->kind, r->key, r->first_us,
			     r->last_us, (int)r->severity, (int)r->confidence,
			     stages, (int)r->what, mark_text(r->said, said),
			     mark_text(r->mark, mark), (int)r->flooded,
			     r->flood.at, r->flood.n, r->flood.before, own,
			     (int)r->refuted | (int)r->doubted << 1);

	for (const struct run_site *t = r->sites; t != NULL && e == ERR_OK;
	     t = t->next) {
		e = sql_run(s->st[ST_RUN_SITE], "uttuuuutuuu", r->id, t->site,
			    t->owner, t->first_us, t->last_us, t->count,
			    t->strong, mark_text(t->mark, mark), t->events,
			    t->told, t->past);
	}
	for (const struct run_link *l = r->links; l != NULL && e == ERR_OK;
	     l = l->next) {
		if (r->id < l->other->id && l->is_new) {
			e = sql_run(s->st[ST_LINK], "uuidd", r->id,
				    l->other->id, l->alert, (int)l->by_hand,
				    (int)l->told);
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
	struct marking said, mark;
	struct stage_times t;
	struct run *r;
	unsigned out;
	bool has = sqlite3_column_bytes(st, 8) == (int)sizeof(t);

	if (has) {
		memcpy(&t, sqlite3_column_blob(st, 8), sizeof(t));
	}
	r = correlate_load_run(l->c, sql_u64(st, 0), sql_text(st, 1),
			       (enum key_kind)sqlite3_column_int(st, 2),
			       sql_text(st, 3), sql_u64(st, 4), sql_u64(st, 5),
			       (uint8_t)sqlite3_column_int(st, 6),
			       (uint8_t)sqlite3_column_int(st, 7),
			       has ? &t : NULL);
	if (r == NULL) {
		return ERR_NOMEM;
	}
	mark_read_kept(&said, view_cstr(sql_text(st, 10)));
	mark_read_kept(&mark, view_cstr(sql_text(st, 11)));
	correlate_load_marks(l->c, r, (uint8_t)sqlite3_column_int(st, 9), &said,
			     &mark);
	correlate_load_flood(r, sqlite3_column_int(st, 12) != 0,
			     &(struct run_flood){ sql_u64(st, 13),
						  sql_u64(st, 14),
						  sql_u64(st, 15) });
	has = sqlite3_column_bytes(st, 16) == (int)sizeof(t);
	if (has) {
		memcpy(&t, sqlite3_column_blob(st, 16), sizeof(t));
	}
	out = (unsigned)sqlite3_column_int(st, 17);
	return correlate_load_own(l->c, r, has ? &t : NULL, (out & 1) != 0,
				  (out & 2) != 0);
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
			      .strong = sql_u64(st, 6),
			      .events = sql_u64(st, 8),
			      .told = sql_u64(st, 9),
			      .past = sql_u64(st, 10) };
	struct marking mark;

	copy_text(s.site, sizeof(s.site), sql_text(st, 1));
	copy_text(s.owner, sizeof(s.owner), sql_text(st, 2));
	mark_read_kept(&mark, view_cstr(sql_text(st, 7)));
	s.mark = correlate_keep_mark(l->c, &mark);
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
					     sqlite3_column_int64(st, 2),
					     sqlite3_column_int(st, 3) != 0,
					     sqlite3_column_int(st, 4) != 0)
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

static enum err
load_trimmed(void *arg, sqlite3_stmt *st)
{
	struct load *l = arg;

	correlate_load_trimmed(correlate_find_run(l->c, sql_u64(st, 0)));
	return ERR_OK;
}

static enum err
load_apart(void *arg, sqlite3_stmt *st)
{
	struct load *l = arg;

	return correlate_load_apart(l->c, sqlite3_column_int64(st, 0),
				    sqlite3_column_int64(st, 1));
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

/* One of the statements below: runs into the table 'recent'. */
static enum err
gather(struct store *s, const char *sql, const char *args, uint64_t a,
       uint64_t b, uint64_t c)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK) {
		e = args[1] != '\0' ? sql_run(st, args, a, b, c)
				    : sql_run(st, args, a);
	}
	sqlite3_finalize(st);
	return e;
}

/*
 * Which runs are put back: the newest, those of a clock that runs ahead last; what these were seen with, since they may
 * tie it together any time; the rest of the incidents that all those are of,
 * whose summaries would else forget who was met first; and what that was seen
 * with.
 */
static enum err
gather_recent(struct store *s, uint64_t since_us, size_t max)
{
	static const char newest[] =
		"INSERT INTO recent SELECT id FROM runs WHERE last_us>=?1"
		" ORDER BY CASE WHEN last_us>?3 THEN id ELSE last_us END DESC"
		" LIMIT ?2";
	static const char linked[] =
		"INSERT OR IGNORE INTO recent SELECT o.id FROM (SELECT l.b AS"
		" id FROM recent t JOIN links l ON l.a=t.id UNION SELECT l.a"
		" FROM recent t JOIN links l ON l.b=t.id) o WHERE o.id NOT IN"
		" (SELECT id FROM recent) LIMIT ?";
	static const char members[] =
		"INSERT OR IGNORE INTO recent SELECT o.run FROM (SELECT"
		" DISTINCT m.incident AS id FROM recent t JOIN incident_runs m"
		" ON m.run=t.id) i JOIN incident_runs o ON o.incident=i.id"
		" WHERE o.run NOT IN (SELECT id FROM recent) LIMIT ?";
	const char *const more[] = { linked, members, linked };
	enum err e = sql_exec(s->db, "CREATE TEMP TABLE IF NOT EXISTS"
				     " recent(id INTEGER PRIMARY KEY);"
				     "DELETE FROM recent");

	if (e == ERR_OK) {
		e = gather(s, newest, "uuu", since_us, max,
			   clock_wall_us() + CORRELATE_AHEAD_US);
	}
	for (size_t i = 0; i < ARRAY_LEN(more) && e == ERR_OK; i++) {
		e = gather(s, more[i], "u", max / 16, 0, 0);
	}
	return e;
}

static enum err
load_next(void *arg, sqlite3_stmt *st)
{
	struct load *l = arg;

	correlate_load_next(l->c, sql_u64(st, 0));
	return ERR_OK;
}

enum err
store_load_runs(struct store *s, struct correlate *c, uint64_t since_us,
		size_t max)
{
	static const struct {
		const char *sql;
		enum err (*fn)(void *arg, sqlite3_stmt *st);
	} steps[] = {
		{ "SELECT r.id,r.exercise,r.kind,r.key,r.first_us,r.last_us,"
		  "r.severity,r.confidence,r.stages,r.what,r.said,r.mark,"
		  "r.flooded,r.flood_at,r.flood_n,r.flood_before,r.own,"
		  "r.refuted"
		  " FROM recent t JOIN runs r ON r.id=t.id"
		  " ORDER BY r.id",
		  load_run },
		{ "SELECT s.run,s.site,s.owner,s.first_us,s.last_us,s.count,"
		  "s.strong,s.mark,s.events,s.told,s.past FROM recent t JOIN "
		  "sightings s"
		  " ON s.run=t.id",
		  load_site },
		{ "SELECT l.a,l.b,l.alert,l.by_hand,l.told FROM recent t"
		  " JOIN links l ON l.a=t.id",
		  load_link },
		{ "SELECT m.run,m.incident FROM recent t JOIN incident_runs m"
		  " ON m.run=t.id ORDER BY 2,1",
		  load_member },
		/* Of each incident that is not here as a whole, a run that is;
		 * and those that a link of misses the other end. */
		{ "SELECT i.run FROM (SELECT m.incident,min(m.run) AS run FROM"
		  " recent t JOIN incident_runs m ON m.run=t.id GROUP BY 1) i"
		  " WHERE EXISTS(SELECT 1 FROM incident_runs o WHERE"
		  " o.incident=i.incident AND o.run NOT IN"
		  " (SELECT id FROM recent))"
		  " UNION SELECT t.id FROM recent t JOIN links l ON l.a=t.id"
		  " WHERE l.b NOT IN(SELECT id FROM recent)"
		  " UNION SELECT t.id FROM recent t JOIN links l ON l.b=t.id"
		  " WHERE l.a NOT IN(SELECT id FROM recent)",
		  load_trimmed },
		{ "SELECT a,b FROM incident_apart ORDER BY 1,2", load_apart },
		/* Also one that is not put back has its id. */
		{ "SELECT coalesce(max(id),0)+1 FROM runs", load_next },
	};
	struct load l = { c };
	enum err e = gather_recent(s, since_us, max);

	for (size_t i = 0; i < ARRAY_LEN(steps) && e == ERR_OK; i++) {
		e = store_each_row(s, steps[i].sql, steps[i].fn, &l);
	}
	return e == ERR_OK ? correlate_load_end(c) : e;
}

/* Of a list with commas. */
static unsigned
n_names(const char *s)
{
	unsigned n = s[0] != '\0';

	for (; *s != '\0'; s++) {
		n += *s == ',';
	}
	return n;
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
		out->n_owners =
			n_names(sql_text(st, 4)) + n_names(sql_text(st, 5));
		mark_read_kept(&out->mark, view_cstr(sql_text(st, 6)));
		out->summary_hash = XXH3_64bits(summary, strlen(summary));
	}
	sqlite3_reset(st);
	return ERR_OK;
}

enum err
store_incident_before(struct store *s, int64_t id, struct assess_before *out)
{
	sqlite3_stmt *st = NULL;
	unsigned f[6] = { 0 };
	enum err e = ERR_IO;

	*out = (struct assess_before){ .lead = "" };
	if (sqlite3_prepare_v2(s->db,
			       "SELECT lead,support,"
			       "json_extract(summary,'$.factors.mission'),"
			       "json_extract(summary,'$.factors.stage'),"
			       "json_extract(summary,'$.factors.spread'),"
			       "json_extract(summary,'$.factors.alert'),"
			       "json_extract(summary,'$.factors.indicator'),"
			       "json_extract(summary,'$.factors.silence')"
			       " FROM incidents WHERE id=? AND"
			       " json_valid(summary)",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "i", id) == SQLITE_OK) {
		int rc = sqlite3_step(st);

		if (rc == SQLITE_ROW) {
			copy_text(out->lead, sizeof(out->lead),
				  sql_text(st, 0));
			copy_text(out->support, sizeof(out->support),
				  sql_text(st, 1));
		}
		for (int i = 0; rc == SQLITE_ROW && i < 6; i++) {
			f[i] = (unsigned)sqlite3_column_int(st, i + 2);
		}
		e = rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
	}
	sqlite3_finalize(st);
	out->factors =
		(struct severity_factors){ f[0], f[1], f[2], f[3], f[4], f[5] };
	return e;
}

enum err
store_incident_put(struct store *s, const struct store_incident_change *c,
		   int64_t *id)
{
	char mark[MARKING_TEXT_CAP];
	enum err e;

	if (c->id == 0) {
		e = sql_run(s->st[ST_INCIDENT_PUT], "ttddttuuuvt", c->exercise,
			    c->title, (int)c->score, (int)c->level, c->lead,
			    c->support, c->first_us, c->last_us, c->at_us,
			    c->summary, mark_text(c->mark, mark));
		*id = sqlite3_last_insert_rowid(s->db);
		return e;
	}
	*id = c->id;
	return sql_run(s->st[ST_INCIDENT_SET], "itddttuuuv", c->id, c->title,
		       (int)c->score, (int)c->level, c->lead, c->support,
		       c->first_us, c->last_us, c->at_us, c->summary);
}

enum err
store_incident_mark(struct store *s, int64_t id, const struct marking *mark)
{
	char text[MARKING_TEXT_CAP];
	struct store_incident_kept was;
	enum err e = store_incident_get(s, id, &was);

	if (e != ERR_OK || !was.found || marking_covers(&was.mark, mark)) {
		return e;
	}
	marking_join(&was.mark, mark);
	return sql_run(s->st[ST_INCIDENT_MARK], "it", id,
		       marking_text(&was.mark, text));
}

enum err
store_incident_reopen(struct store *s, int64_t id)
{
	return sql_run(s->st[ST_INCIDENT_STATE], "ti", "open", id);
}

enum err
store_incident_dissolve(struct store *s, int64_t id)
{
	return sql_run(s->st[ST_INCIDENT_STATE], "ti", "closed", id);
}

enum err
store_incident_dissolved(struct store *s, int64_t id, bool *is)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	*is = false;
	if (sqlite3_prepare_v2(s->db,
			       "SELECT what='dissolved' FROM incident_log WHERE"
			       " incident=? AND what IN('dissolved','open',"
			       "'closed','ack') ORDER BY id DESC LIMIT 1",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "i", id) == SQLITE_OK) {
		int rc = sqlite3_step(st);

		*is = rc == SQLITE_ROW && sqlite3_column_int(st, 0) != 0;
		e = rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
	}
	sqlite3_finalize(st);
	return e;
}

/* The factors of 'from' go on top of those of 'into': memory may know less of
 * either by now (store_incident_before). */
static enum err
merge_factors(struct store *s, int64_t from, int64_t into)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(
		    s->db,
		    "UPDATE incidents SET summary=json_set(summary,'$.factors',"
		    "(SELECT json_group_object(k,v) FROM (SELECT f.key AS k,"
		    "max(f.value) AS v FROM incidents i,"
		    "json_each(i.summary,'$.factors') f WHERE i.id IN(?1,?2)"
		    " AND json_valid(i.summary)"
		    " GROUP BY f.key))) WHERE id=?2 AND"
		    " json_valid(summary)",
		    -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "ii", from, into);
	}
	sqlite3_finalize(st);
	return e;
}

/* A name of a list with commas between, once. */
static void
add_owner(char *list, size_t cap, const char *lead, const char *name)
{
	size_t len = strlen(list), n = strlen(name);
	const char *p = list;

	if (n == 0 || strcmp(lead, name) == 0 || len + 1 + n >= cap) {
		return;
	}
	for (; p != NULL; p = strchr(p, ',')) {
		p += p != list;
		if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0')) {
			return;
		}
	}
	snprintf(list + len, cap - len, "%s%s", len > 0 ? "," : "", name);
}

/* Whose 'from' was, 'into' is too, for the same reason; who leads is found anew
 * when it is assessed. */
static enum err
merge_owners(struct store *s, int64_t from, int64_t into)
{
	struct assess_before gone, stays;
	sqlite3_stmt *st = NULL;
	char *save = NULL;
	enum err e = store_incident_before(s, from, &gone);

	if (e == ERR_OK) {
		e = store_incident_before(s, into, &stays);
	}
	if (e != ERR_OK) {
		return e;
	}
	add_owner(stays.support, sizeof(stays.support), stays.lead, gone.lead);
	for (char *n = strtok_r(gone.support, ",", &save); n != NULL;
	     n = strtok_r(NULL, ",", &save)) {
		add_owner(stays.support, sizeof(stays.support), stays.lead, n);
	}
	e = ERR_IO;
	if (sqlite3_prepare_v2(s->db,
			       "UPDATE incidents SET support=?2 WHERE id=?1",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "it", into, stays.support);
	}
	sqlite3_finalize(st);
	return e;
}

enum err
store_incident_merge(struct store *s, int64_t from, int64_t into)
{
	struct store_incident_kept was;
	enum err e = store_incident_get(s, from, &was);

	if (e == ERR_OK && was.found) {
		e = store_incident_mark(s, into, &was.mark);
	}
	if (e == ERR_OK) {
		e = merge_factors(s, from, into);
	}
	if (e == ERR_OK) {
		e = merge_owners(s, from, into);
	}
	if (e == ERR_OK) {
		e = sql_run(s->st[ST_INCIDENT_MERGE], "ii", from, into);
	}
	if (e == ERR_OK) {
		e = sql_run(s->st[ST_MEMBERS_MERGE], "ii", from, into);
	}
	if (e == ERR_OK) {
		e = apart_merged(s->db, from, into);
	}
	if (e == ERR_OK) {
		e = silence_merged(s->db, from, into);
	}
	return e;
}

enum err
store_incident_log(struct store *s, int64_t id, uint64_t at_us, const char *who,
		   const char *what, const char *text)
{
	return sql_run(s->st[ST_LOG], "iuttt", id, at_us, who, what, text);
}
