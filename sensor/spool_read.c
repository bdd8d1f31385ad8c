/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool.h"
#include "sensor/spool_state.h"

/* Looks at a record that the system refuses, before it is given up. */
#define MAX_REFUSED 32

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

bool
spool_look_again(struct spool *s, uint64_t seq)
{
	if (s->refused_seq != seq) {
		s->refused_seq = seq;
		s->refused = 0;
		s->st.read_failures++;
	}
	return ++s->refused <= MAX_REFUSED;
}

enum err
spool_peek(struct spool *s, struct spool_cursor *cur, unsigned c,
	   struct seg_rec *r)
{
	if (cur->at[c].seg == NULL) {
		cur->at[c].seg = s->cls[c].head;
		cur->at[c].off = SEG_HEAD;
	}
	while (cur->at[c].seg != NULL) {
		struct seg *g = cur->at[c].seg;
		enum err e = spool_use(s, g);

		if (g->lost_off != 0 && cur->at[c].off >= g->lost_off) {
			cur->at[c].off = g->size;
			e = ERR_EOF;
		} else if (e == ERR_OK) {
			e = seg_read_head(g, cur->at[c].off, r);
		}
		if (e == ERR_OK && r->hdr.seq >= cur->seq) {
			return ERR_OK;
		}
		if (e == ERR_OK) {
			cur->at[c].off += seg_rec_size(r);
			continue;
		}
		if (e == ERR_IO && spool_look_again(s, g->first_seq)) {
			return ERR_IO;
		}
		if (e != ERR_EOF) {
			/* Went bad since the start: what follows is lost. */
			spool_lose_rest(s, g, cur->at[c].off);
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

/* The class whose next record comes first; SPOOL_CLASSES when none.  ERR_IO
 * when one could not be looked at: it might be the first. */
static enum err
peek_all(struct spool *s, struct spool_cursor *cur, struct seg_rec *best,
	 unsigned *at)
{
	*at = SPOOL_CLASSES;
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		struct seg_rec r;
		enum err e = spool_peek(s, cur, c, &r);

		if (e == ERR_IO) {
			return e;
		}
		if (e == ERR_OK &&
		    (*at == SPOOL_CLASSES || r.hdr.seq < best->hdr.seq)) {
			*best = r;
			*at = c;
		}
	}
	return ERR_OK;
}

void
spool_align(struct spool *s, struct spool_cursor *cur)
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
	enum err e;

	spool_align(s, cur);
	for (;;) {
		e = peek_all(s, cur, &r, &c);
		if (e != ERR_OK) {
			return e;
		}
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
		e = spool_read_body(s, cur->at[c].seg, &r);
		if (e == ERR_IO && spool_look_again(s, r.hdr.seq)) {
			return e;
		}
		cur->at[c].off += seg_rec_size(&r);
		if (e == ERR_OK) {
			break;
		}
		/* Damaged: the next record there is will reveal the gap. */
		spool_lose_record(s, cur->at[c].seg, &r);
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

	spool_align(s, cur);
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
