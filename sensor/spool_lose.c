/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool.h"
#include "sensor/spool_state.h"

/*
 * What was whole when it was written or when the spool was opened, and is not
 * when it is read.  It is not held from then on, and whoever keeps the ledger
 * is told; what the next start finds damaged is left out there from the first.
 */

enum err
spool_read_body(struct spool *s, const struct seg *g, const struct seg_rec *r)
{
	return seg_is_bad(g, r->hdr.seq) ? ERR_FORMAT
					 : seg_read_data(g, r, s->body);
}

static void
lose(struct spool *s, struct seg *g, uint64_t from, uint64_t to, uint64_t n)
{
	const struct spool_news news = { .what = SPOOL_LOSES,
					 .cls = g->cls,
					 .from = from,
					 .to = to,
					 .events = n };

	g->events -= n;
	s->st.events -= n;
	s->st.held_events[g->cls] -= n;
	spool_tell(s, &news);
}

/* The class's last number before the file, if the file before it is there;
 * then nothing of the class stands between it and the first of 'g'. */
static uint64_t
last_before(const struct spool *s, const struct seg *g)
{
	for (const struct seg *p = s->cls[g->cls].head; p != NULL;
	     p = p->next) {
		if (p->next == g) {
			return p->last_seq;
		}
	}
	return g->first_seq - 1;
}

/*
 * The first number from which on up to the record's own the class has no other
 * batch: neighbours that are damaged too make one range, which says the same
 * as two.  Readers go forward, and so does this walk.
 */
static uint64_t
alone_from(const struct spool *s, struct seg *g, const struct seg_rec *r)
{
	struct seg_rec at;
	uint64_t from;

	if (g->walk_off == 0 || g->walk_off > r->off) {
		g->walk_off = SEG_HEAD;
		g->walk_last = last_before(s, g);
	}
	while (g->walk_off < r->off) {
		if (seg_read_head(g, g->walk_off, &at) != ERR_OK) {
			return r->hdr.seq;
		}
		g->walk_off += seg_rec_size(&at);
		g->walk_last = at.hdr.seq;
	}
	from = MAX(g->walk_last, s->meta.committed) + 1;
	return MIN(from, r->hdr.seq);
}

void
spool_lose_record(struct spool *s, struct seg *g, const struct seg_rec *r)
{
	uint64_t seq = r->hdr.seq;

	/* Without memory to remember it, the next reader may tell. */
	if (!seg_is_bad(g, seq) && seg_note_bad(g, seq) == ERR_OK) {
		s->st.bad_records++;
		lose(s, g, alone_from(s, g, r), seq, r->hdr.n);
	}
}

void
spool_lose_rest(struct spool *s, struct seg *g, uint64_t off)
{
	uint64_t before = g->done_events, last = s->meta.committed;
	struct seg_rec r;

	if (g->lost_off != 0) {
		return;
	}
	s->st.bad_records++;
	/* The next start cuts it here: nothing more goes behind. */
	g->sealed = true;
	g->lost_off = off;
	for (uint64_t at = g->done_off;
	     at < off && seg_read_head(g, at, &r) == ERR_OK;
	     at += seg_rec_size(&r)) {
		before += seg_is_bad(g, r.hdr.seq) ? 0 : r.hdr.n;
		last = r.hdr.seq;
	}
	if (g->events > before) {
		lose(s, g, last + 1, g->last_seq, g->events - before);
	}
}
