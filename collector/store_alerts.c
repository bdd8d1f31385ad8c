/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts, read out of the frames that hold them.
 *
 * The newest frames are simply looked through.  When that does not give
 * enough, and the filter asks for something that groups know (a rule, an
 * address, a site, an exercise, a severity), the frames of all groups that pass
 * are gone through, newest first: every group stands in a heap by its next
 * frame, which is looked up when its turn comes.
 */
#include <stdlib.h>

#include "collector/store_query.h"
#include "collector/store_search.h"
#include "collector/store_sql.h"

/* Frames that are looked through before groups are asked. */
#define FIRST_FRAMES 32
/* More groups than this say little: frames are looked through one by one. */
#define MAX_GROUPS 262144

static const char *const queries[Q_COUNT] = {
	[Q_FRAME] = "SELECT s.site,s.sensor,f.data,f.crc,f.first_alert,f.others"
		    " FROM frames f CROSS JOIN sensors s ON s.id=f.sensor"
		    " WHERE f.id=?",
	[Q_FRAMES_OF] = "SELECT first,frames FROM group_frames WHERE grp=? AND"
			" first<=? ORDER BY first DESC LIMIT 1",
	[Q_SIGNATURE] = "SELECT id FROM signatures WHERE gid=? AND sid=? AND"
			" rev=? AND text=? AND category=?",
	[Q_NAME] = "SELECT id FROM names WHERE text=?",
	[Q_GROUP] = "SELECT signature,site,exercise,src,dst,"
		    "(SELECT text FROM names WHERE id=src_info),"
		    "(SELECT text FROM names WHERE id=dst_info),id"
		    " FROM alert_groups WHERE key=?",
};

static void
search_fini(struct search *s)
{
	for (int i = 0; i < Q_COUNT; i++) {
		sqlite3_finalize(s->q[i]);
	}
	frame_codec_free(s->codec);
	eve_free(s->eve);
	json_fini(&s->text);
	free(s->lines);
	free(s->heap);
	free(s->passing);
}

static enum err
search_init(struct search *s, struct store_reader *r,
	    const struct store_alert_filter *f, unsigned limit,
	    void (*fn)(void *arg, const struct store_alert *a), void *arg)
{
	*s = (struct search){ .r = r,
			      .f = f,
			      .left = MIN(limit, (unsigned)STORE_MAX_ROWS),
			      .fn = fn,
			      .arg = arg };
	s->codec = frame_codec_new(1);
	s->eve = eve_new();
	json_init(&s->text);
	if (s->codec == NULL || s->eve == NULL) {
		return ERR_NOMEM;
	}
	for (int i = 0; i < Q_COUNT; i++) {
		s->q[i] = store_reader_prepare(r, queries[i]);
		if (s->q[i] == NULL) {
			return ERR_IO;
		}
	}
	return ERR_OK;
}

/* --------------------------------------------------- frames of groups */

static void
sift_down(struct search *s, size_t i)
{
	for (;;) {
		size_t top = i, k = 2 * i + 1;
		struct turn t;

		if (k < s->n_heap && s->heap[k].frame > s->heap[top].frame) {
			top = k;
		}
		k++;
		if (k < s->n_heap && s->heap[k].frame > s->heap[top].frame) {
			top = k;
		}
		if (top == i) {
			return;
		}
		t = s->heap[i];
		s->heap[i] = s->heap[top];
		s->heap[top] = t;
		i = top;
	}
}

static void
drop_top(struct search *s)
{
	s->heap[0] = s->heap[--s->n_heap];
	sift_down(s, 0);
}

/* The highest frame of the group that is not above t->frame; 0 for none. */
static enum err
next_frame(struct search *s, struct turn *t)
{
	sqlite3_stmt *st = s->q[Q_FRAMES_OF];
	int64_t bound = t->frame, at;
	struct view list;
	uint64_t step;
	int rc;

	t->frame = t->first <= bound ? t->first : 0;
	if (sql_bind(st, "ii", t->group, bound) != SQLITE_OK) {
		return ERR_IO;
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		at = sqlite3_column_int64(st, 0);
		list = view_of(sqlite3_column_blob(st, 1),
			       (size_t)sqlite3_column_bytes(st, 1));
		do {
			t->frame = at;
		} while (store_varint_get(&list, &step) &&
			 (at += (int64_t)step) <= bound);
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err
note_passing(struct search *s, int64_t group)
{
	size_t at = (size_t)group / 8;

	if (at >= s->n_passing) {
		size_t n = MAX(2 * at, (size_t)4096);
		uint8_t *p = realloc(s->passing, n);

		if (p == NULL) {
			return ERR_NOMEM;
		}
		memset(p + s->n_passing, 0, n - s->n_passing);
		s->passing = p;
		s->n_passing = n;
	}
	s->passing[at] |= (uint8_t)(1 << group % 8);
	return ERR_OK;
}

/* All groups that pass and have frames below 'below', as a heap.  '*many':
 * there are too many of them; of a query, all are noted all the same. */
static enum err
gather_groups(struct search *s, int64_t below, bool *many)
{
	struct store_alert_filter f = *s->f;
	struct store_query q = { .len = 0 };
	sqlite3_stmt *st;
	bool has;
	enum err e = store_query_has_rule(s->r, &f, &has);
	int rc = SQLITE_ERROR;

	*many = false;
	if (e != ERR_OK || !has) {
		return e;
	}
	store_query_add(
		&q, "SELECT h.id,h.last_frame,h.first_frame FROM alert_groups h"
		    " CROSS JOIN signatures g ON g.id=h.signature"
		    " CROSS JOIN names n ON n.id=h.site"
		    " CROSS JOIN names e ON e.id=h.exercise"
		    " WHERE h.first_frame<?10 AND h.last_frame>0");
	store_query_groups(&q, &f);
	store_query_add(&q, f.query == NULL ? " LIMIT ?13" : "");
	f.before_id = below;
	st = q.full ? NULL : store_reader_prepare(s->r, q.sql);
	if (st == NULL ||
	    store_query_bind(st, &f, 0, MAX_GROUPS + 1) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t last = sqlite3_column_int64(st, 1);

		if (f.query != NULL || f.group != 0) {
			e = note_passing(s, sqlite3_column_int64(st, 0));
			if (e != ERR_OK) {
				break;
			}
			if (s->n_heap > MAX_GROUPS) {
				continue;
			}
		}
		if (s->n_heap == s->heap_cap) {
			size_t cap = MAX(2 * s->n_heap, (size_t)1024);
			struct turn *p = realloc(s->heap, cap * sizeof(*p));

			if (p == NULL) {
				e = ERR_NOMEM;
				break;
			}
			s->heap = p;
			s->heap_cap = cap;
		}
		s->heap[s->n_heap++] = (struct turn){
			sqlite3_column_int64(st, 0), MIN(last, below - 1),
			sqlite3_column_int64(st, 2), last < below
		};
	}
	sqlite3_finalize(st);
	*many = s->n_heap > MAX_GROUPS;
	for (size_t i = s->n_heap / 2; i-- > 0;) {
		sift_down(s, i);
	}
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err
look_at_groups(struct search *s, int64_t below)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && s->n_heap > 0 && s->left > 0) {
		struct turn *t = &s->heap[0];

		if (!t->exact) {
			e = next_frame(s, t);
			t->exact = true;
			if (t->frame == 0) {
				drop_top(s);
			} else {
				sift_down(s, 0);
			}
			continue;
		}
		if (t->frame < below) {
			below = t->frame;
			e = store_search_frame(s, below);
		}
		t->frame--;
		t->exact = false;
	}
	return e;
}

/* ------------------------------------------------------ the whole search */

/* Whether only groups know all of what is asked for. */
static bool
asks_rows(const struct store_alert_filter *f)
{
	return f->group != 0 || (f->query != NULL && f->query->n > 0);
}

/* Whether groups know something of what is asked for. */
static bool
asks_groups(const struct store_alert_filter *f)
{
	return f->scope != STORE_BOTH || f->site != NULL || f->text != NULL ||
	       f->has_addr || f->sid != 0 || f->max_severity != 0 ||
	       asks_rows(f);
}

/* Frames, newest first, that may hold what is asked for. */
static sqlite3_stmt *
walk_frames(struct search *s)
{
	const struct store_alert_filter *f = s->f;
	struct store_query q = { .len = 0 };
	sqlite3_stmt *st;

	store_query_add(&q, "SELECT id,first_alert+alerts FROM frames INDEXED"
			    " BY frames_alerts WHERE alerts>0");
	store_query_add(&q, f->before_id > 0 ? " AND first_alert<?10" : "");
	store_query_add(&q, f->max_severity != 0 ? " AND worst<=?7 AND worst>0"
						 : "");
	store_query_add(&q, f->from_us != 0 ? " AND last_us>=?8" : "");
	store_query_add(&q, f->to_us != 0 ? " AND first_us<?9" : "");
	if (f->site != NULL || f->sensor != NULL) {
		store_query_add(&q, " AND sensor IN (SELECT id FROM sensors"
				    " WHERE 1");
		store_query_add(&q, f->site != NULL ? " AND site=?2" : "");
		store_query_add(&q, f->sensor != NULL ? " AND sensor=?3" : "");
		store_query_add(&q, ")");
	}
	store_query_add(&q, " ORDER BY first_alert DESC");
	st = store_reader_prepare(s->r, q.sql);
	if (st != NULL && store_query_bind(st, f, 0, 0) != SQLITE_OK) {
		sqlite3_finalize(st);
		return NULL;
	}
	return st;
}

static enum err
search_all(struct search *s)
{
	/* As long as this is open, all that is read is of one commit. */
	sqlite3_stmt *walk = walk_frames(s);
	bool groups = asks_groups(s->f);
	unsigned looked = 0;
	enum err e = walk != NULL ? ERR_OK : ERR_IO;
	int rc = SQLITE_DONE;

	while (e == ERR_OK && s->left > 0 &&
	       (rc = sqlite3_step(walk)) == SQLITE_ROW) {
		int64_t frame = sqlite3_column_int64(walk, 0);

		if (s->f->after_id > 0 &&
		    sqlite3_column_int64(walk, 1) <= s->f->after_id + 1) {
			rc = SQLITE_DONE;
			break;
		}
		if (groups &&
		    looked++ == (asks_rows(s->f) ? 0 : FIRST_FRAMES)) {
			bool many = false;

			e = gather_groups(s, frame + 1, &many);
			if (e == ERR_OK && !many) {
				e = look_at_groups(s, frame + 1);
				rc = SQLITE_DONE;
				break;
			}
		}
		if (e == ERR_OK) {
			e = store_search_frame(s, frame);
		}
	}
	sqlite3_finalize(walk);
	return e != ERR_OK                             ? e
	       : rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK
						       : ERR_IO;
}

enum err
store_read_alerts(struct store_reader *r, const struct store_alert_filter *f,
		  unsigned limit,
		  void (*fn)(void *arg, const struct store_alert *a), void *arg)
{
	struct search s;
	enum err e = search_init(&s, r, f, limit, fn, arg);

	if (e == ERR_OK) {
		e = search_all(&s);
	}
	search_fini(&s);
	return e;
}

enum err
store_read_alert(struct store_reader *r, int64_t id,
		 void (*fn)(void *arg, const struct store_alert *a), void *arg)
{
	/* Just this one. */
	struct store_alert_filter f = { .scope = STORE_BOTH,
					.before_id = id + 1,
					.after_id = id - 1,
					.raw = true };
	struct search s;
	enum err e;

	if (id <= 0 || id == INT64_MAX) {
		return ERR_NOTFOUND;
	}
	e = search_init(&s, r, &f, 1, fn, arg);
	if (e == ERR_OK) {
		e = search_all(&s);
	}
	if (e == ERR_OK && s.left > 0) {
		e = ERR_NOTFOUND;
	}
	search_fini(&s);
	return e;
}
