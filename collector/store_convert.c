/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_convert.h"

#include <stdlib.h>

#include "collector/store_line.h"
#include "collector/store_sql.h"
#include "common/frame.h"
#include "common/log.h"

enum { C_GROUP, C_DATA, C_FRAME, C_BARE, C_POSTING, C_SEEN, C_COUNT };

static const char *const statements[C_COUNT] = {
	[C_GROUP] = "INSERT INTO alert_groups SELECT id,?2,signature,site,"
		    "exercise,src,dst,severity,count,first_us,last_us,"
		    "last_alert,0,0,0,0 FROM old_groups WHERE id=?1",
	[C_DATA] = "SELECT data,crc FROM frames WHERE id=?",
	[C_FRAME] = "UPDATE frames SET first_alert=?2,alerts=?3,worst=?4,"
		    "first_us=?5,last_us=?6,others=?7 WHERE id=?1",
	/* Frames without alerts stand before the next one that has some. */
	[C_BARE] = "UPDATE frames SET first_alert=?2 WHERE id<?1 AND"
		   " id>?3",
	[C_POSTING] = "INSERT OR IGNORE INTO group_frames VALUES(?1,?2,?2,x'')",
	[C_SEEN] = "UPDATE alert_groups SET"
		   " severity=CASE WHEN ?2>0 AND (severity=0 OR ?2<severity)"
		   " THEN ?2 ELSE severity END, src_info=?3, dst_info=?4,"
		   " first_frame=CASE first_frame WHEN 0 THEN ?5 ELSE"
		   " min(first_frame,?5) END, last_frame=max(last_frame,?5)"
		   " WHERE id=?1",
};

struct conversion {
	sqlite3 *db;
	sqlite3_stmt *st[C_COUNT];
	struct frame_codec *codec;
	uint8_t *others;
	/* The frame whose alerts are being read. */
	int64_t frame, former; /* and the one before it that had any */
	int64_t first_alert;
	uint64_t n, first_us, last_us;
	uint8_t worst;
	uint64_t *offsets; /* of its alerts' lines, rising */
};

/* As many lines as a frame can have. */
#define MAX_LINES (FRAME_MAX_RAW / 2)

static enum err
convert_groups(struct conversion *c)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc = sqlite3_prepare_v2(c->db,
				    "SELECT id,signature,site,exercise,src,dst"
				    " FROM old_groups ORDER BY id",
				    -1, &st, NULL);

	while (rc == SQLITE_OK && e == ERR_OK &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_group_key key = {
			sqlite3_column_int64(st, 1),
			sqlite3_column_int64(st, 2),
			sqlite3_column_int64(st, 3),
			sql_addr(st, 4),
			sql_addr(st, 5),
		};

		e = sql_run(c->st[C_GROUP], "ii", sqlite3_column_int64(st, 0),
			    (int64_t)store_group_hash(&key));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* The numbers of the lines of 'raw' that begin at none of the offsets. */
static size_t
list_others(struct conversion *c, struct view raw)
{
	uint64_t line = 0, last = 0, k = 0;
	size_t len = 0;

	for (size_t at = 0; at < raw.len;) {
		const uint8_t *nl = memchr(raw.p + at, '\n', raw.len - at);
		size_t end = nl != NULL ? (size_t)(nl - raw.p) : raw.len;

		if (end > at) {
			line++;
			if (k < c->n && c->offsets[k] == at) {
				k++;
			} else {
				len += store_varint_put(c->others + len,
							line - last);
				last = line;
			}
		}
		at = end + 1;
	}
	return len;
}

/* Writes what is known of the frame whose alerts were read. */
static enum err
finish_frame(struct conversion *c)
{
	sqlite3_stmt *st = c->st[C_DATA];
	struct view raw = VIEW_NONE;
	size_t len = 0;
	enum err e;

	if (c->n == 0) {
		return ERR_OK;
	}
	if (sql_bind(st, "i", c->frame) != SQLITE_OK) {
		return ERR_IO;
	}
	if (sqlite3_step(st) == SQLITE_ROW &&
	    frame_unpack(c->codec,
			 view_of(sqlite3_column_blob(st, 0),
				 (size_t)sqlite3_column_bytes(st, 0)),
			 (uint32_t)sqlite3_column_int64(st, 1), &raw,
			 NULL) == ERR_OK) {
		len = list_others(c, raw);
	}
	sqlite3_reset(st);
	e = sql_run(c->st[C_FRAME], "iiuduub", c->frame, c->first_alert, c->n,
		    (int)c->worst, c->first_us, c->last_us,
		    view_of(c->others, len));
	if (e == ERR_OK) {
		e = sql_run(c->st[C_BARE], "iii", c->frame, c->first_alert,
			    c->former);
	}
	c->former = c->frame;
	return e;
}

/* The columns of a row: see convert_alerts(). */
static enum err
take_alert(struct conversion *c, sqlite3_stmt *st)
{
	int64_t id = sqlite3_column_int64(st, 0);
	int64_t frame = sqlite3_column_int64(st, 3);
	int64_t group = sqlite3_column_int64(st, 5);
	uint64_t us = sql_u64(st, 1);
	uint8_t severity = (uint8_t)sqlite3_column_int(st, 2);
	enum err e = ERR_OK;

	if (frame != c->frame) {
		e = finish_frame(c);
		c->frame = frame;
		c->first_alert = id;
		c->n = 0;
		c->first_us = UINT64_MAX;
		c->last_us = 0;
		c->worst = 0;
	}
	if (e != ERR_OK || c->n == MAX_LINES) {
		return e != ERR_OK ? e : ERR_LIMIT;
	}
	c->offsets[c->n++] = sql_u64(st, 4);
	c->first_us = MIN(c->first_us, us);
	c->last_us = MAX(c->last_us, us);
	if (severity != 0 && (c->worst == 0 || severity < c->worst)) {
		c->worst = severity;
	}
	if (group == 0) {
		return ERR_OK;
	}
	e = sql_run(c->st[C_POSTING], "ii", group, frame);
	return e == ERR_OK ? sql_run(c->st[C_SEEN], "idiii", group,
				     (int)severity, sqlite3_column_int64(st, 6),
				     sqlite3_column_int64(st, 7), frame)
			   : e;
}

static enum err
convert_alerts(struct conversion *c)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc = sqlite3_prepare_v2(
		c->db,
		"SELECT a.id,a.ts_us,a.severity,a.frame,a.off,coalesce(g.id,0),"
		"a.src_info,a.dst_info FROM alerts a"
		" LEFT JOIN sensors s ON s.id=a.sensor"
		" LEFT JOIN names n ON n.text=s.site"
		" LEFT JOIN old_groups g ON g.signature=a.signature AND"
		" g.site=n.id AND g.exercise=a.exercise AND g.src=a.src AND"
		" g.dst=a.dst ORDER BY a.id",
		-1, &st, NULL);

	while (rc == SQLITE_OK && e == ERR_OK &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		e = take_alert(c, st);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	if (e == ERR_OK && rc == SQLITE_DONE) {
		return finish_frame(c);
	}
	return e != ERR_OK ? e : ERR_IO;
}

static enum err
prepare(struct conversion *c)
{
	for (int i = 0; i < C_COUNT; i++) {
		if (sqlite3_prepare_v2(c->db, statements[i], -1, &c->st[i],
				       NULL) != SQLITE_OK) {
			return ERR_IO;
		}
	}
	c->codec = frame_codec_new(1);
	c->offsets = calloc(MAX_LINES, sizeof(*c->offsets));
	/* At most three bytes for each line: they are fewer than 2^21. */
	c->others = malloc(3 * MAX_LINES + STORE_VARINT_MAX);
	return c->codec != NULL && c->offsets != NULL && c->others != NULL
		       ? ERR_OK
		       : ERR_NOMEM;
}

enum err
store_convert_alerts(sqlite3 *db)
{
	struct conversion c = { .db = db };
	enum err e = prepare(&c);

	if (e == ERR_OK) {
		e = convert_groups(&c);
	}
	if (e == ERR_OK) {
		e = convert_alerts(&c);
	}
	if (e == ERR_OK && c.n > 0) {
		/* What came after the last alert goes on behind it. */
		e = sql_run(c.st[C_BARE], "iii", INT64_MAX,
			    c.first_alert + (int64_t)c.n, c.frame);
		log_info("the store was brought to a new schema: %lld alerts",
			 (long long)(c.first_alert + (int64_t)c.n - 1));
	}
	for (int i = 0; i < C_COUNT; i++) {
		sqlite3_finalize(c.st[i]);
	}
	frame_codec_free(c.codec);
	free(c.offsets);
	free(c.others);
	return e;
}
