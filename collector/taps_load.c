/* SPDX-License-Identifier: Apache-2.0 */
/* The latest observations and anchors, read again out of the frames that hold them. */
#include <stdlib.h>

#include "collector/store_line.h"
#include "collector/taps_state.h"
#include "common/eve.h"
#include "common/frame.h"

/* So many are looked at: of some 80 alerts each, half of what twins holds. */
#define LOAD_FRAMES 512

/* A walk through frames. */
struct walk {
	struct taps *t;
	struct frame_codec *codec;
	struct eve *eve;
};

enum err
taps_event_of(struct taps *t, int64_t id, int64_t *event)
{
	sqlite3_stmt *st = t->st[ST_EVENT];
	int rc = sql_bind(st, "i", id);

	*event = id;
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		*event = sqlite3_column_int64(st, 0);
		rc = SQLITE_DONE;
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
taps_recall(struct taps *t, int64_t sensor, int64_t id, const struct alert *a)
{
	struct twin_seen seen = taps_seen(t, sensor, id, a);
	int64_t event;
	enum err e = taps_event_of(t, id, &event);

	twins_load(t->twins, &seen, a, event);
	return e;
}

enum err
taps_recall_anchor(struct taps *t, int64_t sensor, const struct alert *a)
{
	uint64_t id, syn_us;

	return taps_handshake(a, &id, &syn_us)
		       ? skew_recall(t->skew, sensor, id, syn_us,
				     a->timestamp_us)
		       : ERR_OK;
}

/* A line that is no alert: perhaps an anchor, if it is the sensor's own. */
static enum err
load_other(struct walk *w, sqlite3_stmt *st, struct view line)
{
	struct alert a;
	const char *why;

	if (eve_parse(w->eve, line, &a, &why) != EVE_ANCHOR ||
	    !view_eq(a.site, view_cstr(sql_text(st, 5))) ||
	    !view_eq(a.sensor, view_cstr(sql_text(st, 6)))) {
		return ERR_OK;
	}
	return taps_recall_anchor(w->t, sqlite3_column_int64(st, 0), &a);
}

struct taps_others
taps_others(struct view list)
{
	struct taps_others o = { list, 0 };
	uint64_t step;

	/* The first one's distance is to the line before the first. */
	o.next = store_varint_get(&o.left, &step) ? step - 1 : UINT64_MAX;
	return o;
}

bool
taps_is_other(struct taps_others *o, uint64_t n)
{
	uint64_t step;

	if (n != o->next) {
		return false;
	}
	o->next =
		store_varint_get(&o->left, &step) ? o->next + step : UINT64_MAX;
	return true;
}

/* The lines of one frame: alerts are all but those that 'others' lists. */
static enum err
load_lines(struct walk *w, sqlite3_stmt *st, struct view raw,
	   struct view others)
{
	int64_t sensor = sqlite3_column_int64(st, 0),
		id = sqlite3_column_int64(st, 3);
	struct taps_others other = taps_others(others);
	uint64_t line = 0;
	enum err e = ERR_OK;

	for (size_t at = 0; at < raw.len && e == ERR_OK;) {
		const uint8_t *nl = memchr(raw.p + at, '\n', raw.len - at);
		size_t end = nl != NULL ? (size_t)(nl - raw.p) : raw.len;
		struct view text = view_sub(raw, at, end - at);
		struct alert a;
		const char *why;

		if (text.len > 0 && taps_is_other(&other, line++)) {
			e = load_other(w, st, text);
		} else if (text.len > 0) {
			if (eve_parse(w->eve, text, &a, &why) == EVE_ALERT) {
				e = taps_recall(w->t, sensor, id, &a);
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
	return load_lines(w, st, raw, others);
}

static enum err
load_frames(struct walk *w)
{
	static const char frames[] =
		"SELECT f.sensor,f.data,f.crc,f.first_alert,f.others,s.site,"
		"s.sensor FROM frames f CROSS JOIN sensors s ON s.id=f.sensor"
		" WHERE f.id>(SELECT coalesce(max(id),0)-?1 FROM frames)"
		" ORDER BY f.id";
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;
	int rc = sqlite3_prepare_v2(store_db(w->t->store), frames, -1, &st,
				    NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "i", (int64_t)LOAD_FRAMES);
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
taps_load(struct taps *t)
{
	struct walk w = { .t = t,
			  .codec = frame_codec_new(1),
			  .eve = eve_new() };
	enum err e = w.codec != NULL && w.eve != NULL ? ERR_OK : ERR_NOMEM;

	if (e == ERR_OK) {
		e = load_frames(&w);
	}
	frame_codec_free(w.codec);
	eve_free(w.eve);
	return e;
}
