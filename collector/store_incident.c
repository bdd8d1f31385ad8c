/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of sightings and the incidents that they make. */
#include "collector/store_state.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

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
		e = sql_run(s->st[ST_RUN_SITE], "uttuuuuu", r->id, t->site,
			    t->owner, t->first_us, t->last_us, t->count,
			    t->strong, t->events);
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
			      .strong = sql_u64(st, 6),
			      .events = sql_u64(st, 7) };

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
		e = store_each_row(s, steps[i].sql, steps[i].fn, &l);
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
