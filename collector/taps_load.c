/* SPDX-License-Identifier: Apache-2.0 */
/* The latest observations, read again out of the frames that hold them. */
#include <stdlib.h>

#include "collector/store_line.h"
#include "collector/taps_state.h"
#include "common/eve.h"
#include "common/frame.h"

/* As many alerts are looked at, at least, unless there are fewer. */
#define LOAD_ALERTS 16384

/* A walk through frames. */
struct walk {
	struct taps *t;
	struct frame_codec *codec;
	struct eve *eve;
	sqlite3_stmt *event; /* that an alert is of */
};

static enum err
load_alert(struct walk *w, int64_t sensor, int64_t id, const struct alert *a)
{
	struct twin_seen seen = taps_seen(w->t, sensor, id, a);
	int64_t event = id;
	int rc = sql_bind(w->event, "i", id);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(w->event);
	}
	if (rc == SQLITE_ROW) {
		event = sqlite3_column_int64(w->event, 0);
		rc = SQLITE_DONE;
	}
	sqlite3_reset(w->event);
	twins_load(w->t->twins, &seen, a, event);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* The alerts of one frame: all lines but those that 'others' lists. */
static enum err
load_lines(struct walk *w, int64_t sensor, int64_t id, struct view raw,
	   struct view others)
{
	uint64_t line = 0, step,
		 other = store_varint_get(&others, &step) ? step : UINT64_MAX;
	enum err e = ERR_OK;

	for (size_t at = 0; at < raw.len && e == ERR_OK;) {
		const uint8_t *nl = memchr(raw.p + at, '\n', raw.len - at);
		size_t end = nl != NULL ? (size_t)(nl - raw.p) : raw.len;
		struct alert a;
		const char *why;

		if (end > at && ++line == other) {
			other = store_varint_get(&others, &step) ? other + step
								 : UINT64_MAX;
		} else if (end > at) {
			if (eve_parse(w->eve, view_sub(raw, at, end - at), &a,
				      &why) == EVE_ALERT) {
				e = load_alert(w, sensor, id, &a);
			}
			id++;
		}
		at = end + 1;
	}
	return e;
}

static enum err
load_frame(struct walk *w, sqlite3_stmt *st)
{
	struct view raw, others;
	enum err e =
		frame_unpack(w->codec,
			     view_of(sqlite3_column_blob(st, 1),
				     (size_t)sqlite3_column_bytes(st, 1)),
			     (uint32_t)sqlite3_column_int64(st, 2), &raw, NULL);

	if (e != ERR_OK) {
		/* Damaged: nothing of it can be known again. */
		return e == ERR_NOMEM ? e : ERR_OK;
	}
	others = view_of(sqlite3_column_blob(st, 4),
			 (size_t)sqlite3_column_bytes(st, 4));
	return load_lines(w, sqlite3_column_int64(st, 0),
			  sqlite3_column_int64(st, 3), raw, others);
}

static enum err
load_frames(struct walk *w)
{
	static const char frames[] =
		"SELECT sensor,data,crc,first_alert,others FROM frames"
		" WHERE alerts>0 AND first_alert>"
		"(SELECT coalesce(max(first_alert),0)-?1 FROM frames)"
		" ORDER BY id";
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;
	int rc = sqlite3_prepare_v2(store_db(w->t->store), frames, -1, &st,
				    NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "i", (int64_t)LOAD_ALERTS);
	}
	if (rc == SQLITE_OK) {
		e = ERR_OK;
		while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			e = load_frame(w, st);
		}
	}
	sqlite3_finalize(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
taps_load_twins(struct taps *t)
{
	struct walk w = { .t = t,
			  .codec = frame_codec_new(1),
			  .eve = eve_new() };
	enum err e = w.codec != NULL && w.eve != NULL ? ERR_OK : ERR_NOMEM;

	if (e == ERR_OK &&
	    sqlite3_prepare_v2(store_db(t->store),
			       "SELECT event FROM twins WHERE alert=?", -1,
			       &w.event, NULL) != SQLITE_OK) {
		e = ERR_IO;
	}
	if (e == ERR_OK) {
		e = load_frames(&w);
	}
	sqlite3_finalize(w.event);
	frame_codec_free(w.codec);
	eve_free(w.eve);
	return e;
}
