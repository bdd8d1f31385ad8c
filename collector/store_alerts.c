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

#include "collector/store_line.h"
#include "collector/store_query.h"
#include "collector/store_sql.h"
#include "common/eve.h"
#include "common/frame.h"
#include "common/json.h"

/* Frames that are looked through before groups are asked. */
#define FIRST_FRAMES 32
/* More groups than this say little: frames are looked through one by one. */
#define MAX_GROUPS 262144

/* A group and the highest frame that may be its next. */
struct turn {
	int64_t group, frame;
	bool exact; /* it has an alert in just this frame */
};

enum { Q_FRAME, Q_FRAMES_OF, Q_SIGNATURE, Q_NAME, Q_GROUP, Q_COUNT };

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
		    "(SELECT text FROM names WHERE id=dst_info)"
		    " FROM alert_groups WHERE key=?",
};

struct line {
	size_t off, len;
};

/* One question under way. */
struct search {
	struct store_reader *r;
	const struct store_alert_filter *f;
	unsigned left; /* rows still wanted */
	void (*fn)(void *arg, const struct store_alert *a);
	void *arg;
	sqlite3_stmt *q[Q_COUNT];
	struct frame_codec *codec;
	struct eve *eve;
	struct line *lines; /* the frame's alerts */
	size_t lines_cap;
	struct json text; /* NUL-terminated texts of the row that is made */
	struct turn *heap;
	size_t n_heap, heap_cap;
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

/* ---------------------------------------------------------- what passes */

/* Whether 'part' stands in 'text'; ASCII letters of either case are one. */
static bool
has_text(struct view text, const char *part)
{
	size_t n = strlen(part);

	for (size_t i = 0; i + n <= text.len; i++) {
		size_t k = 0;

		while (k < n && ascii_lower(text.p[i + k]) ==
					ascii_lower((uint8_t)part[k])) {
			k++;
		}
		if (k == n) {
			return true;
		}
	}
	return false;
}

static bool
in_scope(const struct store_alert_filter *f, struct view exercise)
{
	switch (f->scope) {
	case STORE_REAL:
		return exercise.len == 0;
	case STORE_EXERCISE:
		return f->exercise != NULL
			       ? view_eq(exercise, view_cstr(f->exercise))
			       : exercise.len != 0;
	default:
		return true;
	}
}

static bool
passes(const struct store_alert_filter *f, const struct alert *a)
{
	return in_scope(f, a->exercise) && (f->sid == 0 || a->sid == f->sid) &&
	       (f->max_severity == 0 ||
		(a->severity != 0 && a->severity <= f->max_severity)) &&
	       (f->from_us == 0 || a->timestamp_us >= f->from_us) &&
	       (f->to_us == 0 || a->timestamp_us < f->to_us) &&
	       (!f->has_addr || addr_eq(&a->src, &f->addr) ||
		addr_eq(&a->dst, &f->addr)) &&
	       (f->text == NULL || has_text(a->signature, f->text));
}

/* ---------------------------------------------------- a line as a row */

/* The number of a text; 0 when the store has none. */
static int64_t
name_of(struct search *s, struct view text)
{
	sqlite3_stmt *st = s->q[Q_NAME];
	int64_t id = 0;

	if (sql_bind(st, "v", text) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		id = sqlite3_column_int64(st, 0);
	}
	sqlite3_reset(st);
	return id;
}

static int64_t
signature_of(struct search *s, const struct alert *a)
{
	sqlite3_stmt *st = s->q[Q_SIGNATURE];
	int64_t id = 0;

	if (sql_bind(st, "uuuvv", (uint64_t)a->gid, (uint64_t)a->sid,
		     (uint64_t)a->rev, a->signature,
		     a->category) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		id = sqlite3_column_int64(st, 0);
	}
	sqlite3_reset(st);
	return id;
}

/* What is known of the alert's ends, as its group has it; left in Q_GROUP,
 * which the caller resets. */
static void
find_info(struct search *s, const struct alert *a, struct store_alert *out)
{
	struct store_group_key key = {
		.signature = signature_of(s, a),
		.site = name_of(s, view_cstr(out->site)),
		.exercise = name_of(s, a->exercise),
		.src = a->src,
		.dst = a->dst,
	};
	sqlite3_stmt *st = s->q[Q_GROUP];

	out->src_info = out->dst_info = "{}";
	if (sql_bind(st, "i", (int64_t)store_group_hash(&key)) != SQLITE_OK) {
		return;
	}
	while (sqlite3_step(st) == SQLITE_ROW) {
		struct addr src = sql_addr(st, 3), dst = sql_addr(st, 4);

		if (sqlite3_column_int64(st, 0) == key.signature &&
		    sqlite3_column_int64(st, 1) == key.site &&
		    sqlite3_column_int64(st, 2) == key.exercise &&
		    addr_eq(&src, &key.src) && addr_eq(&dst, &key.dst)) {
			if (sql_text(st, 5)[0] != '\0') {
				out->src_info = sql_text(st, 5);
				out->dst_info = sql_text(st, 6);
			}
			return;
		}
	}
}

/* Appends 'v' and a NUL; where it begins. */
static size_t
keep_text(struct search *s, struct view v)
{
	size_t at = s->text.len;

	json_append(&s->text, v);
	json_append(&s->text, view_of("", 1));
	return at;
}

enum {
	T_EXERCISE,
	T_TLP,
	T_PROTO,
	T_APP,
	T_SIGNATURE,
	T_CATEGORY,
	T_IND,
	T_RAW,
	T_COUNT
};

static enum err
give_row(struct search *s, const struct alert *a, int64_t id, struct view line,
	 struct store_alert *row)
{
	size_t at[T_COUNT];
	const char *p;

	json_reset(&s->text);
	at[T_EXERCISE] = keep_text(s, a->exercise);
	at[T_TLP] = keep_text(s, a->tlp);
	at[T_PROTO] = keep_text(s, a->proto);
	at[T_APP] = keep_text(s, a->app_proto);
	at[T_SIGNATURE] = keep_text(s, a->signature);
	at[T_CATEGORY] = keep_text(s, a->category);
	at[T_IND] = s->text.len;
	if (a->has_indicator) {
		json_append(&s->text, a->indicator.type);
		json_append(&s->text, VIEW_LIT(":"));
		json_append(&s->text, a->indicator.value.len != 0
					      ? a->indicator.value
					      : a->indicator.id);
	}
	json_append(&s->text, view_of("", 1));
	at[T_RAW] = keep_text(s, s->f->raw ? line : VIEW_NONE);
	if (s->text.failed) {
		return ERR_NOMEM;
	}
	p = s->text.p;
	row->id = id;
	row->timestamp_us = a->timestamp_us;
	row->exercise = p + at[T_EXERCISE];
	row->tlp = p + at[T_TLP];
	row->src = a->src;
	row->dst = a->dst;
	row->src_port = a->src_port;
	row->dst_port = a->dst_port;
	row->proto = p + at[T_PROTO];
	row->app_proto = p + at[T_APP];
	row->gid = a->gid;
	row->sid = a->sid;
	row->rev = a->rev;
	row->severity = a->severity;
	row->signature = p + at[T_SIGNATURE];
	row->category = p + at[T_CATEGORY];
	row->indicator = p + at[T_IND];
	row->raw = p + at[T_RAW];
	find_info(s, a, row);
	s->fn(s->arg, row);
	sqlite3_reset(s->q[Q_GROUP]);
	s->left--;
	return ERR_OK;
}

/* -------------------------------------------------------------- a frame */

/* Where the frame's alerts are; how many. */
static enum err
find_lines(struct search *s, struct view raw, struct view others, size_t *n)
{
	uint64_t line = 0, other = 0, step;

	*n = 0;
	other = store_varint_get(&others, &step) ? step : UINT64_MAX;
	for (size_t at = 0; at < raw.len;) {
		const uint8_t *nl = memchr(raw.p + at, '\n', raw.len - at);
		size_t end = nl != NULL ? (size_t)(nl - raw.p) : raw.len;

		if (end > at && ++line == other) {
			other = store_varint_get(&others, &step) ? other + step
								 : UINT64_MAX;
		} else if (end > at) {
			if (*n == s->lines_cap) {
				size_t cap = MAX(2 * *n, (size_t)256);
				struct line *p =
					realloc(s->lines, cap * sizeof(*p));

				if (p == NULL) {
					return ERR_NOMEM;
				}
				s->lines = p;
				s->lines_cap = cap;
			}
			s->lines[(*n)++] = (struct line){ at, end - at };
		}
		at = end + 1;
	}
	return ERR_OK;
}

/* The alerts of the frame in Q_FRAME's row that pass, last one first. */
static enum err
look_at_row(struct search *s, sqlite3_stmt *st)
{
	const struct store_alert_filter *f = s->f;
	struct store_alert row = { .site = sql_text(st, 0),
				   .sensor = sql_text(st, 1) };
	int64_t first;
	struct view raw;
	size_t n;
	enum err e;

	if ((f->site != NULL && strcmp(f->site, row.site) != 0) ||
	    (f->sensor != NULL && strcmp(f->sensor, row.sensor) != 0)) {
		return ERR_OK;
	}
	if (frame_unpack(s->codec,
			 view_of(sqlite3_column_blob(st, 2),
				 (size_t)sqlite3_column_bytes(st, 2)),
			 (uint32_t)sqlite3_column_int64(st, 3), &raw,
			 NULL) != ERR_OK) {
		return ERR_OK; /* damaged: nothing of it can be shown */
	}
	first = sqlite3_column_int64(st, 4);
	e = find_lines(s, raw,
		       view_of(sqlite3_column_blob(st, 5),
			       (size_t)sqlite3_column_bytes(st, 5)),
		       &n);
	while (e == ERR_OK && n-- > 0 && s->left > 0) {
		struct view line =
			view_sub(raw, s->lines[n].off, s->lines[n].len);
		int64_t id = first + (int64_t)n;
		struct alert a;
		const char *why;

		if ((f->before_id > 0 && id >= f->before_id) ||
		    (f->after_id > 0 && id <= f->after_id) ||
		    eve_parse(s->eve, line, &a, &why) != EVE_ALERT ||
		    !passes(f, &a)) {
			continue;
		}
		e = give_row(s, &a, id, line, &row);
	}
	return e;
}

/* A frame that is gone by now has no alerts. */
static enum err
look_at_frame(struct search *s, int64_t frame)
{
	sqlite3_stmt *st = s->q[Q_FRAME];
	enum err e = ERR_IO;
	int rc;

	if (sql_bind(st, "i", frame) == SQLITE_OK) {
		rc = sqlite3_step(st);
		e = rc == SQLITE_ROW    ? look_at_row(s, st)
		    : rc == SQLITE_DONE ? ERR_OK
					: ERR_IO;
	}
	sqlite3_reset(st);
	return e;
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

/* The highest frame of the group that is not above 'frame'; 0 for none. */
static enum err
next_frame(struct search *s, int64_t group, int64_t *frame)
{
	sqlite3_stmt *st = s->q[Q_FRAMES_OF];
	int64_t bound = *frame, at;
	struct view list;
	uint64_t step;
	int rc;

	*frame = 0;
	if (sql_bind(st, "ii", group, bound) != SQLITE_OK) {
		return ERR_IO;
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		at = sqlite3_column_int64(st, 0);
		list = view_of(sqlite3_column_blob(st, 1),
			       (size_t)sqlite3_column_bytes(st, 1));
		do {
			*frame = at;
		} while (store_varint_get(&list, &step) &&
			 (at += (int64_t)step) <= bound);
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* All groups that pass and have frames below 'below', as a heap.  '*many':
 * there are too many of them. */
static enum err
gather_groups(struct search *s, int64_t below, bool *many)
{
	struct store_alert_filter f = *s->f;
	struct store_query q = { .len = 0 };
	sqlite3_stmt *st;
	enum err e = ERR_OK;
	int rc = SQLITE_ERROR;

	store_query_add(&q, "SELECT h.id,h.last_frame FROM alert_groups h"
			    " CROSS JOIN signatures g ON g.id=h.signature"
			    " CROSS JOIN names n ON n.id=h.site"
			    " CROSS JOIN names e ON e.id=h.exercise"
			    " WHERE h.first_frame<?10 AND h.last_frame>0");
	store_query_groups(&q, &f);
	store_query_add(&q, " LIMIT ?13");
	f.before_id = below;
	st = store_reader_prepare(s->r, q.sql);
	if (st == NULL ||
	    store_query_bind(st, &f, 0, MAX_GROUPS + 1) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t last = sqlite3_column_int64(st, 1);

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
		s->heap[s->n_heap++] =
			(struct turn){ sqlite3_column_int64(st, 0),
				       MIN(last, below - 1), last < below };
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
			e = next_frame(s, t->group, &t->frame);
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
			e = look_at_frame(s, below);
		}
		t->frame--;
		t->exact = false;
	}
	return e;
}

/* ------------------------------------------------------ the whole search */

/* Whether groups know something of what is asked for. */
static bool
asks_groups(const struct store_alert_filter *f)
{
	return f->scope != STORE_BOTH || f->site != NULL || f->text != NULL ||
	       f->has_addr || f->sid != 0 || f->max_severity != 0;
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
		if (groups && looked++ == FIRST_FRAMES) {
			bool many = false;

			e = gather_groups(s, frame + 1, &many);
			if (e == ERR_OK && !many) {
				e = look_at_groups(s, frame + 1);
				rc = SQLITE_DONE;
				break;
			}
		}
		if (e == ERR_OK) {
			e = look_at_frame(s, frame);
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
