/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_order.h"

#include "sensor/spool_state.h"

/* Records that the front passes in one call: what is left waits for the next,
 * so that no call takes long. */
#define MAX_STEPS 4096

void
spool_order_seek(struct spool_order *o, const uint64_t next[SPOOL_CLASSES],
		 uint64_t front)
{
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		spool_seek(&o->next[c], next[c]);
	}
	spool_seek(&o->front, front);
}

/* The first record at or above the front; SPOOL_CLASSES when there is none or
 * one that cannot be looked at now might be it. */
static unsigned
front_record(struct spool *s, struct spool_order *o, struct seg_rec *best)
{
	unsigned at = SPOOL_CLASSES;

	spool_align(s, &o->front);
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		struct seg_rec r;
		enum err e = spool_peek(s, &o->front, c, &r);

		if (e == ERR_IO) {
			return SPOOL_CLASSES;
		}
		if (e == ERR_OK &&
		    (at == SPOOL_CLASSES || r.hdr.seq < best->hdr.seq)) {
			*best = r;
			at = c;
		}
	}
	return at == SPOOL_CLASSES || best->hdr.seq > s->synced ? SPOOL_CLASSES
								: at;
}

/*
 * Moves the front over what was handed out.  The class of the first record
 * that was not, in '*r'; SPOOL_CLASSES when there is none now.  Stops before
 * a gap, with '*gap' set.
 */
static unsigned
walk(struct spool *s, struct spool_order *o, struct seg_rec *r, bool *gap)
{
	*gap = false;
	for (unsigned i = 0; i < MAX_STEPS; i++) {
		unsigned c = front_record(s, o, r);

		if (c == SPOOL_CLASSES) {
			return c;
		}
		if (r->hdr.seq > o->front.seq) {
			*gap = true;
			return c;
		}
		if (r->hdr.seq >= o->next[c].seq) {
			return c;
		}
		o->front.at[c].off += seg_rec_size(r);
		o->front.seq = r->hdr.seq + 1;
	}
	return SPOOL_CLASSES;
}

/* The most severe class that has a record, not too far ahead of the front. */
static unsigned
worst(struct spool *s, struct spool_order *o, struct seg_rec *r)
{
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		spool_align(s, &o->next[c]);
		if (spool_peek(s, &o->next[c], c, r) == ERR_OK &&
		    r->hdr.seq <= s->synced &&
		    r->hdr.seq - MIN(o->front.seq, r->hdr.seq) <=
			    SPOOL_ORDER_SPAN) {
			return c;
		}
	}
	return SPOOL_CLASSES;
}

static void
make_gap(const struct spool *s, uint64_t from, uint64_t to,
	 struct spool_item *out, unsigned *cls)
{
	*out = (struct spool_item){
		.hdr = { .epoch = s->meta.epoch, .seq = to },
		.gap_from = from,
		.gap_to = to,
	};
	*cls = SPOOL_CLASSES;
}

enum err
spool_order_next(struct spool *s, struct spool_order *o, bool oldest,
		 struct spool_item *out, unsigned *cls)
{
	struct seg_rec r, first;
	bool gap;
	unsigned c = walk(s, o, &first, &gap);
	enum err e;

	if (gap) {
		make_gap(s, o->front.seq, first.hdr.seq - 1, out, cls);
		o->front.seq = first.hdr.seq;
		return ERR_OK;
	}
	if (!oldest || c == SPOOL_CLASSES) {
		c = worst(s, o, &r);
	}
	if (c == SPOOL_CLASSES) {
		return ERR_EOF;
	}
	spool_align(s, &o->next[c]);
	if (spool_peek(s, &o->next[c], c, &r) != ERR_OK ||
	    r.hdr.seq > s->synced) {
		return ERR_EOF;
	}
	e = spool_read_body(s, o->next[c].at[c].seg, &r);
	if (e == ERR_IO && spool_look_again(s, r.hdr.seq)) {
		return e;
	}
	o->next[c].at[c].off += seg_rec_size(&r);
	o->next[c].seq = r.hdr.seq + 1;
	if (e != ERR_OK) {
		/* Damaged: whoever waits for it waits in vain. */
		spool_lose_record(s, o->next[c].at[c].seg, &r);
		make_gap(s, r.hdr.seq, r.hdr.seq, out, cls);
		return ERR_OK;
	}
	*out = (struct spool_item){ .hdr = r.hdr,
				    .data = view_of(s->body, r.data_len) };
	*cls = c;
	return ERR_OK;
}

uint64_t
spool_order_front(struct spool *s, struct spool_order *o)
{
	struct seg_rec r;
	bool gap;

	(void)walk(s, o, &r, &gap);
	return o->front.seq;
}

uint64_t
spool_order_held(struct spool *s, struct spool_order *o)
{
	struct spool_cursor all = { .seq = UINT64_MAX };

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		spool_align(s, &o->next[c]);
		all.generation = o->next[c].generation;
		all.at[c].seg = o->next[c].at[c].seg;
		all.at[c].off = o->next[c].at[c].off;
	}
	return spool_ahead(s, &all);
}
