/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/spool_file.h"
#include "sensor/spool_state.h"

/* Files open at once: the writers, and a few for readers and the mark. */
#define MAX_OPEN 16
/* A full disk is met by shedding, one segment a try. */
#define MAX_TRIES 8
/* Another error is met once more, in a new segment. */
#define MAX_ERRORS 2
/* Numbers that are reserved at a time while batches go out before they are
 * durable; after the loss of power so many may be passed over. */
#define RESERVE 1024

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
	for (unsigned i = 0; i < SPOOL_CAUSES; i++) {
		out->shed_causes[i] += s->meta.shed_causes[i];
	}
}

void
spool_on_news(struct spool *s, spool_news_fn *fn, void *arg)
{
	s->on_news = fn;
	s->on_news_arg = arg;
}

void
spool_tell(struct spool *s, const struct spool_news *n)
{
	if (s->on_news != NULL) {
		s->on_news(s->on_news_arg, n);
	}
}

bool
spool_sync_policy_read(const char *word, enum spool_sync_policy *out)
{
	static const char *const words[] = { [SPOOL_SYNC_BATCH] = "batch",
					     [SPOOL_SYNC_INTERVAL] = "interval",
					     [SPOOL_SYNC_NONE] = "none" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			*out = (enum spool_sync_policy)i;
			return true;
		}
	}
	return false;
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
	seg_fini(g);
	free(g);
}

/* Whether without 'g' the disk still tells that its numbers were given. */
static bool
others_tell(const struct spool *s, const struct seg *g)
{
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		const struct seg *t = s->cls[c].tail;

		if (t != NULL && t != g && t->last_seq > g->last_seq) {
			return true;
		}
	}
	return false;
}

/*
 * Writes the ledger before the files it speaks of go.  Only when the disk is
 * too full for the ledger itself do the files go first, which makes room.
 * When the ledger cannot be written at all the files stay: they are what
 * tells which numbers were given.
 */
static bool
forget_head(struct spool *s, unsigned cls, bool *saved)
{
	if (!*saved) {
		*saved = spool_meta_save(&s->meta, s->dirfd) == ERR_OK;
	}
	if (!*saved) {
		if ((errno != ENOSPC && errno != EDQUOT) ||
		    !others_tell(s, s->cls[cls].head)) {
			return false;
		}
		spool_sync_all(s); /* the others must outlast this one */
	}
	spool_unlink_head(s, cls);
	if (!*saved) {
		*saved = spool_meta_save(&s->meta, s->dirfd) == ERR_OK;
	}
	return true;
}

static bool
all_done(const struct spool *s, const struct seg *g)
{
	return g->last_seq <= s->meta.committed;
}

static bool
shed_head(struct spool *s, unsigned cls, enum spool_cause why)
{
	const struct seg *g = s->cls[cls].head;
	struct spool_news news = {
		.what = SPOOL_SHEDS,
		.cls = cls,
		.from = MAX(g->first_seq, s->meta.committed + 1),
		.to = g->last_seq,
		.events = g->events - g->done_events,
	};
	uint64_t events = news.events;
	struct spool_meta before = s->meta;
	bool saved = false;

	/* Counted first: the ledger is written before the file goes. */
	s->meta.shed_frames[cls] += g->frames - g->done_frames;
	s->meta.shed_events[cls] += events;
	s->meta.shed_causes[why] += events;
	spool_tell(s, &news);
	if (!forget_head(s, cls, &saved)) {
		s->meta = before;
		news.what = SPOOL_KEEPS;
		spool_tell(s, &news);
		return false;
	}
	return true;
}

/* Makes room by what costs least; false when all is more severe than 'cls',
 * or nothing can be removed. */
static bool
make_room(struct spool *s, unsigned cls, enum spool_cause why)
{
	bool saved = false;

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		struct seg *g = s->cls[c].head;

		if (g != NULL && g->frames > 0 && all_done(s, g)) {
			return forget_head(s, c, &saved);
		}
	}
	for (unsigned c = SPOOL_CLASSES; c-- > cls;) {
		if (s->cls[c].head != NULL) {
			return shed_head(s, c, why);
		}
	}
	return false;
}

/*
 * From here on numbers may be known to the collector and not to this disk.
 * Those given next are reserved in the ledger, so that none is given twice.
 */
static void
reserve_numbers(struct spool *s)
{
	if (s->meta.next < s->meta.reserved) {
		return;
	}
	s->meta.reserved = s->meta.next + RESERVE;
	if (s->doubt) {
		snprintf(s->meta.boot, sizeof(s->meta.boot), "-");
	} else {
		clock_boot_id(s->meta.boot);
	}
	if (spool_meta_save(&s->meta, s->dirfd) != ERR_OK) {
		s->st.sync_failures++;
	}
}

static void
sync_failed(struct spool *s)
{
	int err = errno;

	s->st.sync_failures++;
	if (!s->doubt) {
		s->doubt = true;
		s->meta.reserved = 0; /* and with the doubt written down */
		reserve_numbers(s);
	}
	errno = err;
}

static void
sync_seg(struct spool *s, struct seg *g)
{
	if (g->dirty && g->fd >= 0 && !file_sync(g->fd)) {
		sync_failed(s);
	}
	g->dirty = false;
}

/* Nothing more goes into it; what is in it is made durable, as it is closed
 * when other files are needed. */
static void
seal_tail(struct spool *s, unsigned cls)
{
	struct seg *g = s->cls[cls].tail;

	if (g == NULL) {
		return;
	}
	g->sealed = true;
	if (s->policy != SPOOL_SYNC_NONE) {
		sync_seg(s, g);
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

/*
 * Tries until it is written or nothing more can be done: a full disk is met by
 * shedding, too many open files by closing one, and what else may be wrong
 * with a file by another one.
 */
static enum err
append_somehow(struct spool *s, const struct frame_header *h, struct view data)
{
	unsigned cls = spool_class(h->sev), errors = 0;
	enum err e = ERR_OK;
	int err = 0;

	for (int i = 0; i < MAX_TRIES; i++) {
		e = try_append(s, h, data);
		err = errno;
		if (e != ERR_IO) {
			break;
		}
		if (err == ENOSPC || err == EDQUOT) {
			if (!make_room(s, cls, SPOOL_DISK_FULL)) {
				break;
			}
			continue;
		}
		seal_tail(s, cls);
		if (err == EMFILE || err == ENFILE) {
			close_oldest(s);
		}
		if (++errors == MAX_ERRORS) {
			break;
		}
	}
	errno = err;
	return e;
}

static enum spool_cause
cause_of(enum err e, int err)
{
	return e == ERR_LIMIT                   ? SPOOL_FULL
	       : e == ERR_NOMEM                 ? SPOOL_NO_MEMORY
	       : err == ENOSPC || err == EDQUOT ? SPOOL_DISK_FULL
						: SPOOL_DISK_ERROR;
}

enum err
spool_append(struct spool *s, struct frame_header *h, struct view data,
	     struct diag *d)
{
	unsigned cls = spool_class(h->sev);
	uint64_t need = SEG_HEAD + SEG_REC_HEAD + data.len;
	enum err e = ERR_OK;
	int err;

	assert(data.len > 0 && data.len <= FRAME_MAX_DATA);
	if (s->policy != SPOOL_SYNC_BATCH || s->doubt) {
		reserve_numbers(s);
	}
	h->epoch = s->meta.epoch;
	h->seq = s->meta.next++;
	while (e == ERR_OK && s->st.disk_bytes + need > s->max_bytes) {
		if (need > s->max_bytes || !make_room(s, cls, SPOOL_FULL)) {
			e = diag_set(d, ERR_LIMIT,
				     "spool %s: full of what is more severe",
				     s->dir);
		}
	}
	if (e == ERR_OK) {
		e = append_somehow(s, h, data);
		err = errno;
		if (e == ERR_OK) {
			return ERR_OK;
		}
		diag_set(d, e, "spool %s: %s", s->dir,
			 e == ERR_IO ? strerror(err) : err_name(e));
		errno = err;
	}
	s->st.refused_frames[cls]++;
	s->st.refused_events[cls] += h->n;
	s->st.shed_causes[cause_of(e, errno)] += h->n;
	return e;
}

/* Files first, then the directory that names them. */
void
spool_sync_all(struct spool *s)
{
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		if (s->cls[c].tail != NULL) {
			sync_seg(s, s->cls[c].tail);
		}
	}
	if (s->dir_dirty && !file_sync_dir(s->dirfd)) {
		sync_failed(s);
	}
	s->dir_dirty = false;
	s->next_sync_us = 0;
}

bool
spool_sync_due(const struct spool *s)
{
	return s->next_sync_us != 0 && clock_mono_us() >= s->next_sync_us;
}

enum err
spool_sync(struct spool *s, struct diag *d)
{
	uint64_t failures = s->st.sync_failures;

	if (s->policy == SPOOL_SYNC_INTERVAL && s->next_sync_us == 0) {
		s->next_sync_us = clock_mono_us() + SPOOL_SYNC_US;
	}
	if (s->policy == SPOOL_SYNC_BATCH || spool_sync_due(s)) {
		spool_sync_all(s);
	}
	s->synced = s->meta.next - 1;
	return failures == s->st.sync_failures
		       ? ERR_OK
		       : diag_set(d, ERR_IO, "spool %s: cannot sync: %s",
				  s->dir, strerror(errno));
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
	while ((g->lost_off == 0 || g->done_off < g->lost_off) &&
	       spool_use(s, g) == ERR_OK &&
	       seg_read_head(g, g->done_off, &r) == ERR_OK &&
	       r.hdr.seq <= s->meta.committed) {
		uint64_t n = seg_is_bad(g, r.hdr.seq) ? 0 : r.hdr.n;

		g->done_off += seg_rec_size(&r);
		g->done_frames++;
		g->done_events += n;
		s->st.bytes -= seg_rec_size(&r);
		s->st.frames--;
		s->st.events -= n;
		s->st.held_events[g->cls] -= n;
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
	spool_tell(s, &(struct spool_news){ .what = SPOOL_COMMITS });
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		while (s->cls[c].head != NULL && s->cls[c].head->sealed &&
		       all_done(s, s->cls[c].head) &&
		       forget_head(s, c, &saved)) {
		}
	}
	if (e != ERR_OK && !saved &&
	    spool_meta_save(&s->meta, s->dirfd) != ERR_OK) {
		return diag_set(d, ERR_IO, "spool %s: cannot write meta: %s",
				s->dir, strerror(errno));
	}
	return e;
}
