/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "sensor/spool_state.h"

/* Files open at once: the writers, and a few for readers and the mark. */
#define MAX_OPEN 16
/* A full disk is met by shedding, one segment a try. */
#define MAX_TRIES 8

uint64_t
spool_epoch(const struct spool *s)
{
	return s->meta.epoch;
}

uint64_t
spool_last_seq(const struct spool *s)
{
	return s->meta.next - 1;
}

uint64_t
spool_committed(const struct spool *s)
{
	return s->meta.committed;
}

void
spool_get_stats(const struct spool *s, struct spool_stats *out)
{
	*out = s->st;
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		out->shed_frames[c] =
			s->meta.shed_frames[c] + s->st.refused_frames[c];
		out->shed_events[c] =
			s->meta.shed_events[c] + s->st.refused_events[c];
	}
}

void
spool_on_shed(struct spool *s, spool_shed_fn *fn, void *arg)
{
	s->on_shed = fn;
	s->on_shed_arg = arg;
}

static void
close_seg(struct spool *s, struct seg *g)
{
	if (g->fd >= 0) {
		seg_close(g);
		s->n_open--;
	}
}

/* Closes the file that was used longest ago, writers excepted. */
static void
close_oldest(struct spool *s)
{
	struct seg *oldest = NULL;

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		for (struct seg *g = s->cls[c].head; g != NULL; g = g->next) {
			if (g->fd >= 0 && g->sealed &&
			    (oldest == NULL || g->used < oldest->used)) {
				oldest = g;
			}
		}
	}
	if (oldest != NULL) {
		close_seg(s, oldest);
	}
}

enum err
spool_use(struct spool *s, struct seg *g)
{
	enum err e;

	g->used = ++s->uses;
	if (g->fd >= 0) {
		return ERR_OK;
	}
	if (s->n_open >= MAX_OPEN) {
		close_oldest(s);
	}
	e = seg_open(g, s->dirfd);
	s->n_open += e == ERR_OK;
	return e;
}

void
spool_link(struct spool *s, struct seg *g)
{
	unsigned c = g->cls;

	g->base = s->cls[c].written;
	s->cls[c].written += g->size;
	if (s->cls[c].tail != NULL) {
		s->cls[c].tail->next = g;
	} else {
		s->cls[c].head = g;
	}
	s->cls[c].tail = g;
	s->st.disk_bytes += g->size;
	s->st.bytes += g->size - g->done_off;
	s->st.frames += g->frames;
	s->st.events += g->events;
	s->st.held_events[c] += g->events;
}

void
spool_unlink_head(struct spool *s, unsigned cls)
{
	struct seg *g = s->cls[cls].head;
	char name[SEG_NAME_CAP];

	seg_name(g, name);
	/* A file that stays is found, and found committed, at the next start. */
	(void)unlinkat(s->dirfd, name, 0);
	s->cls[cls].head = g->next;
	if (g->next == NULL) {
		s->cls[cls].tail = NULL;
	}
	s->st.disk_bytes -= g->size;
	s->st.bytes -= g->size - g->done_off;
	s->st.frames -= g->frames - g->done_frames;
	s->st.events -= g->events - g->done_events;
	s->st.held_events[cls] -= g->events - g->done_events;
	s->generation++;
	close_seg(s, g);
	free(g);
}

/*
 * Writes the ledger before the files it speaks of go.  Only when the disk is
 * too full for the ledger itself do the files go first, which makes room.
 */
static void
forget_head(struct spool *s, unsigned cls, bool *saved)
{
	if (!*saved) {
		*saved = spool_meta_save(&s->meta, s->dirfd) == ERR_OK;
	}
	spool_unlink_head(s, cls);
	if (!*saved) {
		*saved = spool_meta_save(&s->meta, s->dirfd) == ERR_OK;
	}
}

static bool
all_done(const struct spool *s, const struct seg *g)
{
	return g->last_seq <= s->meta.committed;
}

/* Makes room by what costs least; false when all is more severe than 'cls'. */
static bool
make_room(struct spool *s, unsigned cls)
{
	bool saved = false;

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		struct seg *g = s->cls[c].head;

		if (g != NULL && g->frames > 0 && all_done(s, g)) {
			forget_head(s, c, &saved);
			return true;
		}
	}
	for (unsigned c = SPOOL_CLASSES; c-- > cls;) {
		struct seg *g = s->cls[c].head;

		if (g != NULL) {
			s->meta.shed_frames[c] += g->frames - g->done_frames;
			s->meta.shed_events[c] += g->events - g->done_events;
			if (s->on_shed != NULL) {
				s->on_shed(s->on_shed_arg, c,
					   MAX(g->first_seq,
					       s->meta.committed + 1),
					   g->last_seq,
					   g->events - g->done_events);
			}
			forget_head(s, c, &saved);
			return true;
		}
	}
	return false;
}

static void
sync_seg(struct spool *s, struct seg *g)
{
	if (g->dirty && g->fd >= 0 && fdatasync(g->fd) < 0) {
		s->st.sync_failures++;
	}
	g->dirty = false;
}

static void
seal_tail(struct spool *s, unsigned cls)
{
	struct seg *g = s->cls[cls].tail;

	if (g != NULL && !g->sealed) {
		sync_seg(s, g);
		g->sealed = true;
	}
}

/* The segment to write to, a new one when the last is full. */
static enum err
writer(struct spool *s, const struct frame_header *h, uint64_t need,
       struct seg **out)
{
	unsigned cls = spool_class(h->sev);
	struct seg *g = s->cls[cls].tail;
	enum err e;

	if (g != NULL && !g->sealed &&
	    (g->frames == 0 || g->size + need <= s->segment_bytes)) {
		*out = g;
		return spool_use(s, g);
	}
	seal_tail(s, cls);
	g = calloc(1, sizeof(*g));
	if (g == NULL) {
		return ERR_NOMEM;
	}
	*g = (struct seg){
		.fd = -1, .cls = cls, .epoch = h->epoch, .first_seq = h->seq
	};
	if (s->n_open >= MAX_OPEN) {
		close_oldest(s);
	}
	e = seg_create(g, s->dirfd);
	if (e != ERR_OK) {
		free(g);
		return e;
	}
	s->n_open++;
	s->dir_dirty = true;
	g->used = ++s->uses;
	spool_link(s, g);
	*out = g;
	return ERR_OK;
}

static enum err
try_append(struct spool *s, const struct frame_header *h, struct view data)
{
	uint64_t need = SEG_REC_HEAD + data.len;
	struct seg *g = NULL;
	enum err e = writer(s, h, need, &g);

	if (e != ERR_OK) {
		return e;
	}
	e = seg_append(g, h, data);
	if (e != ERR_OK) {
		return e;
	}
	s->cls[g->cls].written += need;
	s->st.disk_bytes += need;
	s->st.bytes += need;
	s->st.frames++;
	s->st.events += h->n;
	s->st.held_events[g->cls] += h->n;
	return ERR_OK;
}

static enum err
refuse_incoming(struct spool *s, const struct frame_header *h, enum err e)
{
	s->st.refused_frames[spool_class(h->sev)]++;
	s->st.refused_events[spool_class(h->sev)] += h->n;
	return e;
}

enum err
spool_append(struct spool *s, struct frame_header *h, struct view data,
	     struct diag *d)
{
	unsigned cls = spool_class(h->sev);
	uint64_t need = SEG_HEAD + SEG_REC_HEAD + data.len;
	enum err e = ERR_OK;
	int err = 0;

	assert(data.len > 0 && data.len <= FRAME_MAX_DATA);
	h->epoch = s->meta.epoch;
	h->seq = s->meta.next++;
	while (s->st.disk_bytes + need > s->max_bytes) {
		if (need > s->max_bytes || !make_room(s, cls)) {
			diag_set(d, ERR_LIMIT,
				 "spool %s: full of what is more severe",
				 s->dir);
			return refuse_incoming(s, h, ERR_LIMIT);
		}
	}
	for (int i = 0; i < MAX_TRIES; i++) {
		e = try_append(s, h, data);
		if (e != ERR_IO) {
			break;
		}
		err = errno;
		if (err != ENOSPC && err != EDQUOT) {
			/* The next batch may have better luck elsewhere. */
			seal_tail(s, cls);
			break;
		}
		if (!make_room(s, cls)) {
			break;
		}
	}
	if (e != ERR_OK) {
		diag_set(d, e, "spool %s: %s", s->dir,
			 e == ERR_IO ? strerror(err) : err_name(e));
		return refuse_incoming(s, h, e);
	}
	return ERR_OK;
}

enum err
spool_sync(struct spool *s, struct diag *d)
{
	uint64_t failures = s->st.sync_failures;

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		if (s->cls[c].tail != NULL) {
			sync_seg(s, s->cls[c].tail);
		}
	}
	if (s->dir_dirty && fsync(s->dirfd) < 0) {
		s->st.sync_failures++;
	}
	s->dir_dirty = false;
	s->synced = s->meta.next - 1;
	return failures == s->st.sync_failures
		       ? ERR_OK
		       : diag_set(d, ERR_IO, "spool %s: cannot sync: %s",
				  s->dir, strerror(errno));
}

void
spool_seek(struct spool_cursor *c, uint64_t seq)
{
	*c = (struct spool_cursor){ .seq = seq };
}

/* Puts the cursor at the front of the segments that may hold its number. */
static void
place(struct spool *s, struct spool_cursor *cur)
{
	cur->generation = s->generation;
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		struct seg *g = s->cls[c].head;

		while (g != NULL && g->next != NULL && g->last_seq < cur->seq) {
			g = g->next;
		}
		cur->at[c].seg = g;
		cur->at[c].off = g == NULL                ? 0
				 : g->last_seq < cur->seq ? g->size
							  : SEG_HEAD;
	}
}

/* The first record of a class at or above the cursor's number. */
static enum err
peek(struct spool *s, struct spool_cursor *cur, unsigned c, struct seg_rec *r)
{
	if (cur->at[c].seg == NULL) {
		cur->at[c].seg = s->cls[c].head;
		cur->at[c].off = SEG_HEAD;
	}
	while (cur->at[c].seg != NULL) {
		struct seg *g = cur->at[c].seg;
		enum err e = spool_use(s, g);

		if (e == ERR_OK) {
			e = seg_read_head(g, cur->at[c].off, r);
		}
		if (e == ERR_OK && r->hdr.seq >= cur->seq) {
			return ERR_OK;
		}
		if (e == ERR_OK) {
			cur->at[c].off += seg_rec_size(r);
			continue;
		}
		if (e != ERR_EOF) {
			/* Went bad since the start: what follows is lost. */
			s->st.bad_records++;
			cur->at[c].off = g->size;
		}
		if (g->next == NULL) {
			return ERR_EOF;
		}
		cur->at[c].seg = g->next;
		cur->at[c].off = SEG_HEAD;
	}
	return ERR_EOF;
}

/* The class whose next record comes first; SPOOL_CLASSES when none. */
static unsigned
peek_all(struct spool *s, struct spool_cursor *cur, struct seg_rec *best)
{
	unsigned at = SPOOL_CLASSES;

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		struct seg_rec r;

		if (peek(s, cur, c, &r) == ERR_OK &&
		    (at == SPOOL_CLASSES || r.hdr.seq < best->hdr.seq)) {
			*best = r;
			at = c;
		}
	}
	return at;
}

static void
align(struct spool *s, struct spool_cursor *cur)
{
	/* What is committed may be gone, and that is no gap. */
	if (cur->seq <= s->meta.committed) {
		cur->seq = s->meta.committed + 1;
	}
	if (cur->generation != s->generation) {
		place(s, cur);
	}
}

enum err
spool_next(struct spool *s, struct spool_cursor *cur, struct spool_item *out)
{
	struct seg_rec r;
	unsigned c;

	align(s, cur);
	for (;;) {
		c = peek_all(s, cur, &r);
		if (c == SPOOL_CLASSES || r.hdr.seq > s->synced) {
			return ERR_EOF;
		}
		if (r.hdr.seq > cur->seq) {
			*out = (struct spool_item){
				.hdr = { .epoch = s->meta.epoch,
					 .seq = r.hdr.seq - 1 },
				.gap_from = cur->seq,
				.gap_to = r.hdr.seq - 1,
			};
			cur->seq = r.hdr.seq;
			return ERR_OK;
		}
		cur->at[c].off += seg_rec_size(&r);
		if (seg_read_data(cur->at[c].seg, &r, s->body) == ERR_OK) {
			break;
		}
		/* Damaged: the next record there is will reveal the gap. */
		s->st.bad_records++;
	}
	cur->seq = r.hdr.seq + 1;
	*out = (struct spool_item){ .hdr = r.hdr,
				    .data = view_of(s->body, r.data_len) };
	return ERR_OK;
}

uint64_t
spool_ahead(struct spool *s, struct spool_cursor *cur)
{
	uint64_t sum = 0;

	align(s, cur);
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		const struct seg *g = cur->at[c].seg, *head = s->cls[c].head;
		uint64_t at, done;

		if (g == NULL || head == NULL) {
			continue;
		}
		at = g->base + cur->at[c].off;
		done = head->base + head->done_off;
		sum += at > done ? at - done : 0;
	}
	return sum;
}

/* Moves one segment's committed mark; true when it reached the end. */
static bool
mark_seg(struct spool *s, struct seg *g)
{
	struct seg_rec r;

	if (all_done(s, g)) {
		s->st.bytes -= g->size - g->done_off;
		s->st.frames -= g->frames - g->done_frames;
		s->st.events -= g->events - g->done_events;
		s->st.held_events[g->cls] -= g->events - g->done_events;
		g->done_off = g->size;
		g->done_frames = g->frames;
		g->done_events = g->events;
		return true;
	}
	while (spool_use(s, g) == ERR_OK &&
	       seg_read_head(g, g->done_off, &r) == ERR_OK &&
	       r.hdr.seq <= s->meta.committed) {
		g->done_off += seg_rec_size(&r);
		g->done_frames++;
		g->done_events += r.hdr.n;
		s->st.bytes -= seg_rec_size(&r);
		s->st.frames--;
		s->st.events -= r.hdr.n;
		s->st.held_events[g->cls] -= r.hdr.n;
	}
	return false;
}

void
spool_mark_done(struct spool *s)
{
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		struct seg *g = s->cls[c].head;

		while (g != NULL && mark_seg(s, g)) {
			g = g->next;
		}
	}
}

enum err
spool_commit(struct spool *s, uint64_t upto, struct diag *d)
{
	enum err e = ERR_OK;
	bool saved = false;

	if (upto <= s->meta.committed) {
		return ERR_OK;
	}
	if (upto >= s->meta.next) {
		e = diag_set(d, ERR_FORMAT,
			     "spool %s: the collector has %llu batches, this "
			     "disk knows of %llu; it lost some that it had "
			     "written",
			     s->dir, (unsigned long long)upto,
			     (unsigned long long)(s->meta.next - 1));
		s->meta.next = upto + 1;
		s->synced = upto;
	}
	s->meta.committed = upto;
	spool_mark_done(s);
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		while (s->cls[c].head != NULL && s->cls[c].head->sealed &&
		       all_done(s, s->cls[c].head)) {
			forget_head(s, c, &saved);
		}
	}
	if (e != ERR_OK && !saved &&
	    spool_meta_save(&s->meta, s->dirfd) != ERR_OK) {
		return diag_set(d, ERR_IO, "spool %s: cannot write meta: %s",
				s->dir, strerror(errno));
	}
	return e;
}
