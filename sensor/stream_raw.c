/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stream_session.h"

/* History kept in front of new bytes, so that a pattern cut by segments, or a
 * rule that looks back, still sees it whole. */
#define RAW_KEEP ((uint32_t)4096)
/* Slide only when this much can go: a memmove of RAW_KEEP pays for it. */
#define RAW_SLIDE ((uint32_t)16384)
#define RAW_MIN ((uint32_t)256)
/* All that can wait behind a hole may come at once. */
#define RAW_MAX ((uint32_t)POOL_MAX_BLOCK)

void
raw_free(struct stream_ctx *c, struct tcp_side *d)
{
	struct side_more *w = d->more;

	if (w == NULL) {
		return;
	}
	c->mem -= w->cap;
	pool_put(c->pool, w->p, w->cap);
	w->p = NULL;
	w->cap = w->len = w->seen = 0;
	w->offset = w->gap = 0;
}

static void
slide(struct side_more *w, uint32_t n)
{
	memmove(w->p, w->p + n, w->len - n);
	w->len -= n;
	w->offset += n;
	w->gap = n > 0 ? 0 : w->gap;
	w->seen -= MIN(w->seen, n);
}

static bool
resize(struct stream_ctx *c, struct side_more *w, uint32_t need)
{
	uint32_t cap = RAW_MIN;
	uint8_t *p;

	while (cap < need) {
		cap *= 2;
	}
	if (cap == w->cap) {
		return true;
	}
	if (c->mem + cap > c->memcap + w->cap) {
		return false;
	}
	p = pool_get(c->pool, cap);
	if (p == NULL) {
		return false;
	}
	if (w->len > 0) {
		memcpy(p, w->p, w->len);
	}
	pool_put(c->pool, w->p, w->cap);
	c->mem = c->mem - w->cap + cap;
	w->p = p;
	w->cap = cap;
	return true;
}

/* Room for 'n' more bytes; what was seen goes first, but for RAW_KEEP. */
static bool
make_room(struct stream_ctx *c, struct side_more *w, uint32_t n)
{
	if (w->seen > RAW_KEEP && w->len + n > w->cap) {
		slide(w, w->seen - RAW_KEEP);
	}
	if (w->len + n > RAW_MAX) {
		slide(w, MIN(w->len, w->len + n - RAW_MAX));
	}
	return w->len + n <= w->cap || resize(c, w, w->len + n);
}

/* The first bytes, those behind a hole, and those that lack room. */
static bool
prepare(struct stream_ctx *c, struct side_more *w, uint64_t off, size_t n)
{
	uint64_t end = w->offset + w->len;

	if (off != end) {
		w->gap = off > end ? off - end : 0;
		w->len = w->seen = 0;
		w->offset = off;
	}
	return n <= RAW_MAX / 2 && make_room(c, w, (uint32_t)n);
}

void
raw_append(struct stream_ctx *c, struct tcp_side *d, uint64_t off,
	   struct view data)
{
	struct side_more *w = d->more;

	if (UNLIKELY(w == NULL || off != w->offset + w->len ||
		     data.len > w->cap - w->len)) {
		w = side_extend(c, d);
		if (w == NULL || !prepare(c, w, off, data.len)) {
			c->n.segment_memcap_drop++;
			return;
		}
	}
	memcpy(w->p + w->len, data.p, data.len);
	w->len += (uint32_t)data.len;
}

bool
raw_differs(const struct tcp_side *d, uint64_t off, struct view data)
{
	const struct side_more *w = d->more;
	uint64_t from, to;

	if (w == NULL) {
		return false;
	}
	from = MAX(off, w->offset);
	to = MIN(off + data.len, w->offset + w->len);
	return from < to &&
	       memcmp(w->p + (from - w->offset), data.p + (from - off),
		      (size_t)(to - from)) != 0;
}

struct view
stream_raw(const struct flow *f, enum flow_dir dir, uint32_t *seen,
	   uint64_t *offset)
{
	const struct side_more *w;

	*seen = 0;
	*offset = 0;
	if (f->tcp == NULL || (w = f->tcp->side[dir].more) == NULL) {
		return VIEW_NONE;
	}
	*seen = w->seen;
	*offset = w->offset;
	return view_of(w->p, w->len);
}

uint64_t
stream_raw_gap(const struct flow *f, enum flow_dir dir)
{
	return f->tcp != NULL && f->tcp->side[dir].more != NULL
		       ? f->tcp->side[dir].more->gap
		       : 0;
}

void
stream_raw_done(struct stream_ctx *c, struct flow *f, enum flow_dir dir)
{
	struct side_more *w;

	if (f->tcp == NULL || (w = f->tcp->side[dir].more) == NULL) {
		return;
	}
	w->seen = w->len;
	if ((f->tcp->side[dir].flags & SIDE_ENDED) != 0) {
		f->tcp->side[dir].flags |= SIDE_RAW_ENDED;
	}
	if (w->len > RAW_SLIDE) {
		slide(w, w->len - RAW_KEEP);
		/* A burst is over: most flows need little. */
		if (w->cap > 4 * RAW_SLIDE) {
			(void)resize(c, w, RAW_SLIDE + 1);
		}
	}
}

bool
stream_raw_last(const struct flow *f, enum flow_dir dir, bool closing)
{
	uint16_t flags =
		f->tcp != NULL ? f->tcp->side[dir].flags : SIDE_RAW_ENDED;

	return (flags & SIDE_RAW_ENDED) == 0 &&
	       (closing || (flags & SIDE_ENDED) != 0);
}

uint64_t
stream_raw_chunk(const struct flow *f, enum flow_dir dir)
{
	return f->tcp != NULL && f->tcp->side[dir].more != NULL
		       ? f->tcp->side[dir].more->chunk_off
		       : 0;
}

void
stream_raw_cut(struct flow *f, enum flow_dir dir)
{
	if (f->tcp != NULL && f->tcp->side[dir].more != NULL) {
		f->tcp->side[dir].more->chunk_off = f->tcp->side[dir].next_off;
	}
}

void
stream_raw_disable(struct stream_ctx *c, struct flow *f, enum flow_dir dir)
{
	if (f->tcp != NULL) {
		f->tcp->side[dir].flags |= SIDE_NO_RAW;
		raw_free(c, &f->tcp->side[dir]);
	}
}
