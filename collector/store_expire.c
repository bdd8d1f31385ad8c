/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's limits: the oldest frames go, and what they held is counted.
 *
 * A transaction drops a bounded number, more than it took in.  Groups none of
 * whose frames is left, and their lists of frames, are looked for a stretch at
 * a time.  The timeline and the totals of sensors keep counting what went.
 */
#include "collector/store_state.h"

#include "common/clock.h"
#include "common/log.h"

#define EXPIRE_MIN 1024 /* frames a transaction, at least */
#define EXPIRE_CHECK 32 /* frames between two looks at the size */
#define SWEEP_GROUPS 4096 /* group numbers a transaction */

static enum err
one_number(sqlite3_stmt *st, int64_t *out)
{
	int rc = sqlite3_step(st);

	*out = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* Whether the store is larger than it may be. */
static enum err
is_large(struct store *s, bool *large)
{
	int64_t bytes;
	enum err e = ERR_OK;

	*large = false;
	if (s->limits.max_bytes != 0) {
		e = one_number(s->st[ST_PAGES], &bytes);
		*large = (uint64_t)bytes > s->limits.max_bytes;
	}
	return e;
}

struct dropped {
	uint64_t frames, alerts;
};

/* Drops up to 'max' of the oldest frames as long as there is a reason. */
static enum err
drop_frames(struct store *s, int64_t max, struct dropped *n)
{
	sqlite3_stmt *st = s->st[ST_OLDEST];
	uint64_t now = clock_wall_us(), keep = s->limits.keep_us;
	uint64_t before_us = keep != 0 && now > keep ? now - keep : 0;
	bool large = false;
	enum err e = is_large(s, &large);

	if (e != ERR_OK || sql_bind(st, "i", max) != SQLITE_OK) {
		return e != ERR_OK ? e : ERR_IO;
	}
	while (e == ERR_OK && sqlite3_step(st) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(st, 0);

		/* The newest stays: numbers go on from it. */
		if (id == s->next_frame - 1 ||
		    (!large && sql_u64(st, 2) >= before_us)) {
			break;
		}
		e = sql_run(s->st[ST_EXPIRE], "i", id);
		n->frames++;
		n->alerts += sql_u64(st, 1);
		if (e == ERR_OK && n->frames % EXPIRE_CHECK == 0) {
			e = is_large(s, &large);
		}
	}
	sqlite3_reset(st);
	return e;
}

static enum err
sweep(struct store *s)
{
	int64_t top, from = s->sweep, to = from + SWEEP_GROUPS;
	enum err e = one_number(s->st[ST_GROUP_TOP], &top);

	if (e == ERR_OK) {
		e = sql_run(s->st[ST_SWEEP_POSTINGS], "iii", from, to,
			    s->oldest_frame);
	}
	if (e == ERR_OK) {
		e = sql_run(s->st[ST_SWEEP_GROUPS], "iii", from, to,
			    s->oldest_frame);
	}
	if (e == ERR_OK && sqlite3_changes(s->db) > 0) {
		/* Numbers of rows that are gone must not be used. */
		memset(s->known, 0, STORE_KNOWN_GROUPS * sizeof(*s->known));
	}
	s->sweep = to > top ? 0 : to;
	return e;
}

enum err
store_expire(struct store *s)
{
	struct dropped n = { 0, 0 };
	int64_t added = s->next_frame - s->first_frame;
	enum err e;

	if (s->limits.max_bytes == 0 && s->limits.keep_us == 0) {
		return ERR_OK;
	}
	e = drop_frames(s, MAX(2 * added, (int64_t)EXPIRE_MIN), &n);
	if (e == ERR_OK && n.frames > 0) {
		e = store_count(s, "frames_expired", n.frames);
	}
	if (e == ERR_OK && n.alerts > 0) {
		e = store_count(s, "alerts_expired", n.alerts);
	}
	if (e == ERR_OK && n.frames > 0) {
		e = one_number(s->st[ST_FRAME_MIN], &s->oldest_frame);
	}
	if (n.frames > 0 && !s->expiring) {
		log_info("the store is at its limit: the oldest frames are "
			 "dropped and counted as frames_expired and "
			 "alerts_expired");
		s->expiring = true;
	}
	return e == ERR_OK && n.frames > 0 ? sweep(s) : e;
}
