/* SPDX-License-Identifier: Apache-2.0 */
/* Events that turn out to be one: their rows, and the alert that was counted
 * twice, read again out of its frame. */
#include <stdio.h>
#include <stdlib.h>

#include "collector/taps_state.h"

void
taps_join_fini(struct taps *t)
{
	frame_codec_free(t->frame.codec);
	eve_free(t->frame.eve);
	free(t->frame.lines);
	t->frame = (struct taps_frame){ 0 };
}

static bool
note_line(struct taps_frame *f, struct view line)
{
	if (f->n == f->cap) {
		size_t cap = MAX(2 * f->cap, (size_t)128);
		struct view *p = realloc(f->lines, cap * sizeof(*p));

		if (p == NULL) {
			return false;
		}
		f->lines = p;
		f->cap = cap;
	}
	f->lines[f->n++] = line;
	return true;
}

static enum err
find_lines(struct taps_frame *f, struct view raw, struct view others)
{
	struct taps_others other = taps_others(others);
	uint64_t line = 0;

	f->n = 0;
	for (size_t at = 0; at < raw.len;) {
		const uint8_t *nl = memchr(raw.p + at, '\n', raw.len - at);
		size_t end = nl != NULL ? (size_t)(nl - raw.p) : raw.len;

		if (end > at && !taps_is_other(&other, line++) &&
		    !note_line(f, view_sub(raw, at, end - at))) {
			return ERR_NOMEM;
		}
		at = end + 1;
	}
	return ERR_OK;
}

/* Reads the frame of the row, unless it is the one at hand.  One that is
 * damaged has no lines. */
static enum err
take_frame(struct taps_frame *f, sqlite3_stmt *st)
{
	int64_t id = sqlite3_column_int64(st, 0);
	struct view raw;
	enum err e;

	if (f->id == id) {
		return ERR_OK;
	}
	f->id = 0;
	f->n = 0;
	e = frame_unpack(f->codec,
			 view_of(sqlite3_column_blob(st, 1),
				 (size_t)sqlite3_column_bytes(st, 1)),
			 (uint32_t)sqlite3_column_int64(st, 2), &raw, NULL);
	if (e == ERR_OK) {
		e = find_lines(f, raw,
			       view_of(sqlite3_column_blob(st, 4),
				       (size_t)sqlite3_column_bytes(st, 4)));
	} else if (e != ERR_NOMEM) {
		e = ERR_OK;
	}
	if (e == ERR_OK) {
		f->id = id;
		f->first = sqlite3_column_int64(st, 3);
		f->sensor = sqlite3_column_int64(st, 5);
		snprintf(f->site, sizeof(f->site), "%s", sql_text(st, 6));
		snprintf(f->name, sizeof(f->name), "%s", sql_text(st, 7));
	}
	return e;
}

/* Makes the frame of alert 'id' the one at hand, if there is one. */
static enum err
find_frame(struct taps *t, int64_t id)
{
	struct taps_frame *f = &t->frame;
	sqlite3_stmt *st = t->st[ST_JOIN_FRAME];
	enum err e = ERR_OK;
	int rc;

	f->codec = f->codec != NULL ? f->codec : frame_codec_new(1);
	f->eve = f->eve != NULL ? f->eve : eve_new();
	if (f->codec == NULL || f->eve == NULL) {
		return ERR_NOMEM;
	}
	rc = sql_bind(st, "i", id);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		e = take_frame(f, st);
		rc = SQLITE_DONE;
	}
	sqlite3_reset(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* The alert that is now part of another event, out of its frame. */
static enum err
look_in_frames(struct taps *t, const struct twins_joined *j,
	       struct taps_joined *out, struct alert *a)
{
	const struct taps_frame *f = &t->frame;
	bool known;
	const char *why;
	enum err e = sql_run(t->st[ST_JOIN_FIRST], "ii", j->was, j->event);

	if (e == ERR_OK) {
		e = find_frame(t, j->was);
	}
	if (e != ERR_OK || f->id == 0 || j->was < f->first ||
	    (uint64_t)(j->was - f->first) >= f->n ||
	    eve_parse(f->eve, f->lines[j->was - f->first], a, &why) !=
		    EVE_ALERT) {
		return e;
	}
	out->a = a;
	out->site = f->site;
	out->sensor = f->name;
	out->us = taps_right(t, f->sensor, a->timestamp_us, &known);
	return ERR_OK;
}

static enum err
look_elsewhere(struct taps *t, const struct twins_joined *j,
	       struct taps_joined *out)
{
	struct taps_kept k;
	bool known;
	enum err e = t->find(t->find_arg, j->was, &k);

	if (e != ERR_OK) {
		return e;
	}
	out->a = k.a;
	out->site = k.site;
	out->sensor = k.sensor;
	out->us = taps_right(t, k.sensor_id, k.a->timestamp_us, &known);
	return sql_run(t->st[ST_TWIN], "iii", j->was, j->event, k.sensor_id);
}

/* Writes one pair down; what is told of it. */
static enum err
join_pair(struct taps *t, const struct twins_joined *j, struct taps_joined *out,
	  struct alert *a)
{
	enum err e = sql_run(t->st[ST_JOIN_ROWS], "ii", j->was, j->event);

	*out = (struct taps_joined){ .was = j->was, .event = j->event };
	if (e == ERR_OK && t->find != NULL && j->sensor != 0) {
		e = sql_run(t->st[ST_FIRST], "ii", j->event, j->sensor);
	}
	if (e == ERR_OK) {
		e = t->find != NULL ? look_elsewhere(t, j, out) : ERR_NOTFOUND;
	}
	return e == ERR_NOTFOUND ? look_in_frames(t, j, out, a) : e;
}

enum err
taps_rejoin(struct taps *t,
	    enum err (*joined)(void *arg, const struct taps_joined *j),
	    void *arg)
{
	struct twins_joined pairs[TAPS_JOIN_MAX];
	unsigned n = twins_rejoin(t->twins, pairs, TAPS_JOIN_MAX);
	enum err e = ERR_OK;

	/* A frame of an epoch that was given up may have been another's. */
	t->frame.id = 0;
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		struct taps_joined out;
		struct alert a;

		e = join_pair(t, &pairs[i], &out, &a);
		if (e == ERR_OK) {
			e = joined(arg, &out);
		}
	}
	return e;
}

void
taps_elsewhere(struct taps *t, taps_find_fn *find, void *arg)
{
	t->find = find;
	t->find_arg = arg;
}

/* The store's word on an event, for memory to agree with. */
struct caller {
	struct taps *t;
	enum err e;
};

static int64_t
event_of(void *arg, int64_t alert)
{
	struct caller *c = arg;
	int64_t event = alert;

	if (c->e == ERR_OK) {
		c->e = taps_event_of(c->t, alert, &event);
	}
	return event;
}

enum err
taps_forget(struct taps *t, int64_t first, int64_t last)
{
	struct caller c = { t, ERR_OK };
	enum err e = sql_run(t->st[ST_FORGET], "ii", first, last);

	if (e == ERR_OK) {
		e = sql_run(t->st[ST_CALL], "ii", first, last);
	}
	if (e == ERR_OK) {
		twins_forget(t->twins, first, last, event_of, &c);
		e = c.e;
	}
	return e;
}

bool
taps_busy(const struct taps *t)
{
	return twins_looking(t->twins);
}
