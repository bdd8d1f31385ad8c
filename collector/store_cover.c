/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_cover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store_sql.h"
#include "common/clock.h"

#define WHY_CAP 512
/* The collector looks every five seconds. */
#define LOOK_PATIENCE_US (30 * US_PER_S)

const char *
store_cover_name(enum store_cover c)
{
	static const char *const names[STORE_COVERS] = {
		[STORE_WATCHED] = "watched",
		[STORE_PARTLY] = "partly",
		[STORE_UNWATCHED] = "unwatched",
		[STORE_BLIND] = "blind",
	};

	return names[c];
}

/* Of an asset, an interval took all or at the least something: an overload
 * does by priority (blind_overload.h). */
#define ALL "b.all_from<=a.priority"
#define ANY "min(b.all_from,b.payload_from)<=a.priority"
/* The cause, and what there is to say of it. */
#define CAUSE \
	"b.cause||CASE WHEN b.all_from>a.priority THEN ' (payload of large" \
	" and encrypted flows)' ELSE '' END||CASE WHEN b.all_from>1 AND" \
	" a.priority=7 THEN ' (the sensor tells not all of its networks:" \
	" counts as the least important)' ELSE '' END"

/*
 * Where the number of an asset's blind sensors may change: the begins and ends
 * of intervals of each sensor, which is blind while any lasts.  Sums that run
 * along, and not one count for each moment: a sensor can have very many.  And
 * where a sensor is seen for the first time.
 */
static const char edges_sql[] =
	"WITH mine AS (SELECT w.sensor,w.since_us,a.priority FROM blind_assets"
	" a JOIN blind_watch w ON w.sensor=a.sensor AND w.live=1 WHERE"
	" a.asset=?1),"
	" spans AS (SELECT b.sensor,b.from_us lo,"
	" CASE b.to_us WHEN 0 THEN 9223372036854775807 ELSE b.to_us END hi,"
	" " ALL " whole FROM blind b JOIN mine a USING(sensor) WHERE"
	" (b.to_us=0 OR b.to_us>=?2) AND " ANY "),"
	" edges AS (SELECT lo at,sensor,whole,1 d FROM spans WHERE hi>lo UNION"
	"  ALL SELECT hi,sensor,whole,-1 FROM spans WHERE hi>lo),"
	" depths AS (SELECT at,whole,sum(d) d,sum(sum(d)) OVER (PARTITION BY"
	"  sensor,whole ORDER BY at) depth FROM edges GROUP BY"
	"  sensor,whole,at),"
	" steps AS (SELECT at,whole,(depth>0)-(depth-d>0) blind,0 there FROM"
	"  depths UNION ALL SELECT since_us,1,0,1 FROM mine)"
	" SELECT at,sum(blind*whole),sum(there),sum(blind*(1-whole)) FROM steps"
	" GROUP BY at ORDER BY 1";

static const char why_sql[] =
	"SELECT group_concat(sensor||': '||causes,'; ') FROM (SELECT s.sensor,"
	" group_concat(DISTINCT " CAUSE ") causes FROM blind b JOIN"
	" blind_assets a ON a.sensor=b.sensor AND " ANY " JOIN blind_watch w ON"
	" w.sensor=b.sensor AND w.live=1 JOIN sensors s ON s.id=b.sensor WHERE"
	" a.asset=?1 AND b.from_us<?3 AND (b.to_us=0 OR b.to_us>?2) GROUP BY"
	" s.id ORDER BY s.sensor LIMIT 8)";

struct cover {
	struct store_reader *r;
	struct store_cover_row *row;
	void (*fn)(void *arg, const struct store_cover_row *row);
	void *arg;
	struct store_cover_piece *ring, *straight;
	char (*why)[WHY_CAP];
	unsigned limit;
	uint64_t made; /* pieces, all in all */
	/* Sensors, where the walk stands; 'dim': blind for some of it. */
	unsigned there, blind, dim;
	enum err err;
};

static enum store_cover
state_of(unsigned there, unsigned blind, unsigned dim)
{
	return there == 0             ? STORE_UNWATCHED
	       : blind >= there       ? STORE_BLIND
	       : blind > 0 || dim > 0 ? STORE_PARTLY
				      : STORE_WATCHED;
}

/* One text of the store; cut where there is no room. */
static enum err
one_text(sqlite3_stmt *st, char *out, size_t cap)
{
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;

	snprintf(out, cap, "%s", rc == SQLITE_ROW ? sql_text(st, 0) : "");
	return store_reader_finish(st, rc);
}

/* From 'at' to 'to' it is as the counts say; one piece with the last when that
 * was so too. */
static void
add_piece(struct cover *c, uint64_t at, uint64_t to)
{
	struct store_cover_row *row = c->row;
	enum store_cover state = state_of(c->there, c->blind, c->dim);
	struct store_cover_piece *p;

	at = MAX(at, row->from_us);
	to = MIN(to, row->to_us);
	if (at >= to) {
		return;
	}
	row->us[state] += to - at;
	p = &c->ring[(c->made + c->limit - 1) % c->limit];
	if (c->made > 0 && p->state == state && p->blind == c->blind &&
	    p->dim == c->dim) {
		p->to_us = to;
		return;
	}
	c->ring[c->made++ % c->limit] =
		(struct store_cover_piece){ .from_us = at,
					    .to_us = to,
					    .state = state,
					    .blind = c->blind,
					    .dim = c->dim };
}

static void
walk_edges(struct cover *c)
{
	struct store_cover_row *row = c->row;
	sqlite3_stmt *st = store_reader_prepare(c->r, edges_sql);
	uint64_t last = row->from_us;
	int rc = SQLITE_ERROR;

	if (st != NULL &&
	    sql_bind(st, "tu", row->asset, row->from_us) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			uint64_t at = sql_u64(st, 0);

			add_piece(c, last, at);
			last = MAX(last, at);
			c->blind += (unsigned)sqlite3_column_int(st, 1);
			c->there += (unsigned)sqlite3_column_int(st, 2);
			c->dim += (unsigned)sqlite3_column_int(st, 3);
		}
	}
	add_piece(c, last, row->to_us);
	c->err = store_reader_finish(st, rc);
}

/* The ring laid straight, with what was the matter in each piece. */
static void
finish_pieces(struct cover *c)
{
	struct store_cover_row *row = c->row;
	struct store_cover_piece *out = c->straight;
	unsigned n = (unsigned)MIN(c->made, (uint64_t)c->limit);

	for (unsigned i = 0; i < n && c->err == ERR_OK; i++) {
		struct store_cover_piece *p = &out[i];
		sqlite3_stmt *st;

		*p = c->ring[(c->made - n + i) % c->limit];
		p->why = "";
		if (p->blind > 0 || p->dim > 0) {
			st = store_reader_prepare(c->r, why_sql);
			if (st != NULL &&
			    sql_bind(st, "tuu", row->asset, p->from_us,
				     p->to_us) != SQLITE_OK) {
				sqlite3_finalize(st);
				st = NULL;
			}
			c->err = one_text(st, c->why[i], WHY_CAP);
			p->why = c->why[i];
		}
		if (p->to_us == row->to_us) {
			p->to_us = 0;
		}
	}
	row->piece = out;
	row->n_pieces = n;
	row->left_out = c->made - n;
}

/* Why nobody watches it, in words. */
static enum err
say_why(struct cover *c, char *out)
{
	struct store_cover_row *row = c->row;
	sqlite3_stmt *st;
	bool unwatched = row->state == STORE_UNWATCHED;

	out[0] = '\0';
	if (row->state == STORE_WATCHED) {
		return ERR_OK;
	}
	st = store_reader_prepare(
		c->r,
		unwatched
			? "SELECT CASE WHEN NOT EXISTS(SELECT 1 FROM"
			  " blind_watch WHERE live=1) THEN 'no live sensor has"
			  " reported' WHEN EXISTS(SELECT 1 FROM blind_watch w"
			  " JOIN sensors s ON s.id=w.sensor WHERE w.live=1 AND"
			  " (?2='' OR s.site=?2)) THEN 'no live sensor of its"
			  " site watches its networks' ELSE 'its site has no"
			  " live sensor' END WHERE ?1 IS NOT NULL"
			: "SELECT group_concat(sensor||': '||causes,'; ') FROM"
			  " (SELECT s.sensor,group_concat(DISTINCT " CAUSE
			  ") causes FROM blind b JOIN blind_assets a ON"
			  " a.sensor=b.sensor AND " ANY " JOIN blind_watch w ON"
			  " w.sensor=b.sensor AND w.live=1 JOIN sensors s ON"
			  " s.id=b.sensor WHERE a.asset=?1 AND ?2 IS NOT NULL"
			  " AND b.to_us=0 GROUP BY s.id ORDER BY s.sensor"
			  " LIMIT 8)");
	if (st != NULL &&
	    sql_bind(st, "tt", row->asset, row->site) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	return one_text(st, out, WHY_CAP);
}

/* --- assets --- */

static const char assets_sql[] =
	"SELECT a.asset,max(CASE a.sensor WHEN 0 THEN a.site ELSE '' END),"
	" count(w.sensor),coalesce(sum(EXISTS(SELECT 1 FROM blind b WHERE"
	"  b.sensor=w.sensor AND b.to_us=0 AND " ALL ")),0),"
	" coalesce(min(w.since_us),0),"
	" coalesce((SELECT max(d.upto) FROM dropped d JOIN blind_assets x ON"
	"  x.sensor=d.sensor WHERE d.what='blind' AND x.asset=a.asset),0),"
	" coalesce(sum(EXISTS(SELECT 1 FROM blind b WHERE b.sensor=w.sensor AND"
	"  b.to_us=0 AND " ANY " AND NOT " ALL ")),0)"
	" FROM blind_assets a LEFT JOIN blind_watch w ON"
	" w.sensor=a.sensor AND w.live=1"
	" WHERE ?1 IS NULL OR a.asset=?1 GROUP BY 1 ORDER BY 2,1";

/* Up to when anything can be said. */
static uint64_t
looked_us(struct store_reader *r)
{
	sqlite3_stmt *st =
		store_reader_prepare(r, "SELECT at_us FROM blind_beat");
	uint64_t now = clock_wall_us(), at = now;

	if (st != NULL && sqlite3_step(st) == SQLITE_ROW) {
		at = sql_u64(st, 0);
	}
	sqlite3_finalize(st);
	return now > at && now - at > LOOK_PATIENCE_US ? at : now;
}

static enum err
one_asset(struct cover *c, sqlite3_stmt *st, uint64_t since_us, uint64_t to_us)
{
	uint64_t first = sql_u64(st, 4);
	char why[WHY_CAP];
	struct store_cover_row row = {
		.asset = sql_text(st, 0),
		.site = sql_text(st, 1),
		.sensors = (unsigned)sqlite3_column_int(st, 2),
		.blind = (unsigned)sqlite3_column_int(st, 3),
		.dim = (unsigned)sqlite3_column_int(st, 6),
		.from_us = since_us != 0 ? since_us : first,
		.to_us = to_us,
		.first_us = first,
		.known_us = sql_u64(st, 5),
		.why = why,
	};

	if (row.from_us == 0 || row.from_us > to_us) {
		row.from_us = to_us;
	}
	row.state = state_of(row.sensors, row.blind, row.dim);
	row.known_us = row.known_us > row.from_us ? row.known_us : 0;
	c->row = &row;
	c->made = 0;
	c->there = c->blind = c->dim = 0;
	c->err = ERR_OK;
	walk_edges(c);
	if (c->err == ERR_OK) {
		finish_pieces(c);
	}
	if (c->err == ERR_OK) {
		c->err = say_why(c, why);
	}
	if (c->err == ERR_OK) {
		c->fn(c->arg, &row);
	}
	return c->err;
}

enum err
store_read_cover(struct store_reader *r, uint64_t since_us, const char *asset,
		 unsigned limit,
		 void (*fn)(void *arg, const struct store_cover_row *row),
		 void *arg)
{
	struct cover c = {
		.r = r, .limit = MAX(limit, 1U), .fn = fn, .arg = arg
	};
	uint64_t to_us = looked_us(r);
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;
	enum err e = ERR_NOMEM;

	c.ring = calloc(c.limit, sizeof(*c.ring));
	c.straight = calloc(c.limit, sizeof(*c.straight));
	c.why = calloc(c.limit, sizeof(*c.why));
	if (c.straight != NULL && c.ring != NULL && c.why != NULL) {
		st = store_reader_prepare(r, assets_sql);
		e = st != NULL && sql_bind(st, "t", asset) == SQLITE_OK
			    ? ERR_OK
			    : ERR_IO;
	}
	while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		e = one_asset(&c, st, since_us, to_us);
	}
	free(c.straight);
	free(c.ring);
	free(c.why);
	if (e != ERR_OK) {
		sqlite3_finalize(st);
		return e;
	}
	return store_reader_finish(st, rc);
}

/* --- missions --- */

/* The state of an asset as a number of enum store_cover, as state_of() has it;
 * names of at most eight of each. */
static const char missions_sql[] =
	"WITH now AS (SELECT a.asset,count(w.sensor) n,coalesce(sum(EXISTS("
	"SELECT 1 FROM blind b WHERE b.sensor=w.sensor AND b.to_us=0 AND " ALL
	")),0) k,coalesce(sum(EXISTS(SELECT 1 FROM blind b WHERE"
	" b.sensor=w.sensor AND b.to_us=0 AND " ANY ")),0) some"
	" FROM blind_assets a LEFT JOIN blind_watch w ON w.sensor=a.sensor AND"
	" w.live=1 GROUP BY 1),"
	" at AS (SELECT m.mission,m.asset,CASE WHEN coalesce(n,0)=0 THEN 2"
	"  WHEN k=n THEN 3 WHEN some>0 THEN 1 ELSE 0 END state,row_number()"
	"  OVER (PARTITION BY m.mission,CASE WHEN coalesce(n,0)=0 THEN 2 WHEN"
	"  k=n THEN 3 WHEN some>0 THEN 1 ELSE 0 END ORDER BY m.asset) i FROM"
	"  mission_assets m LEFT JOIN now ON now.asset=m.asset WHERE"
	"  m.asset<>'')"
	" SELECT m.mission,m.owner,m.criticality,"
	" (SELECT count(*) FROM at WHERE at.mission=m.mission AND state=0),"
	" (SELECT count(*) FROM at WHERE at.mission=m.mission AND state=1),"
	" (SELECT count(*) FROM at WHERE at.mission=m.mission AND state=2),"
	" (SELECT count(*) FROM at WHERE at.mission=m.mission AND state=3),"
	" (SELECT group_concat(asset,', ') FROM at WHERE at.mission=m.mission"
	"  AND state=1 AND i<=8),"
	" (SELECT group_concat(asset,', ') FROM at WHERE at.mission=m.mission"
	"  AND state=2 AND i<=8),"
	" (SELECT group_concat(asset,', ') FROM at WHERE at.mission=m.mission"
	"  AND state=3 AND i<=8),"
	" (SELECT count(*) FROM incidents c WHERE c.state IN('open','ack') AND"
	"  c.exercise='' AND json_valid(c.summary) AND EXISTS(SELECT 1 FROM"
	"  json_each(c.summary,'$.missions') j WHERE j.value=m.mission))"
	" FROM (SELECT DISTINCT mission,owner,criticality FROM mission_assets)"
	" m ORDER BY 1";

/* "blind: mail; unwatched: gate, files and 3 more". */
static void
put_why(struct store_mission_row *row, sqlite3_stmt *st, char *out, size_t cap)
{
	size_t len = 0;

	out[0] = '\0';
	if (row->assets == 0) {
		snprintf(out, cap, "the map names no asset that it needs");
		return;
	}
	for (unsigned s = STORE_COVERS; s-- > STORE_PARTLY && len < cap;) {
		if (row->n[s] == 0) {
			continue;
		}
		len += (size_t)snprintf(out + len, cap - len, "%s%s: %s",
					len > 0 ? "; " : "",
					store_cover_name((enum store_cover)s),
					sql_text(st, 6 + (int)s));
		if (row->n[s] > 8 && len < cap) {
			len += (size_t)snprintf(out + len, cap - len,
						" and %u more", row->n[s] - 8);
		}
	}
}

enum err
store_read_missions(struct store_reader *r,
		    void (*fn)(void *arg, const struct store_mission_row *row),
		    void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(r, missions_sql);
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		char why[2 * WHY_CAP];
		struct store_mission_row row = {
			.mission = sql_text(st, 0),
			.owner = sql_text(st, 1),
			.criticality = (unsigned)sqlite3_column_int(st, 2),
			.incidents = (unsigned)sqlite3_column_int(st, 10),
			.why = why,
		};

		for (unsigned s = 0; s < STORE_COVERS; s++) {
			row.n[s] = (unsigned)sqlite3_column_int(st, 3 + (int)s);
			row.assets += row.n[s];
			if (row.n[s] > 0) {
				row.state = (enum store_cover)s;
			}
		}
		if (row.assets == 0) {
			row.state = STORE_UNWATCHED;
		}
		put_why(&row, st, why, sizeof(why));
		fn(arg, &row);
	}
	return store_reader_finish(st, rc);
}
