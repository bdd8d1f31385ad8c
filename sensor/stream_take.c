/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a segment: next, for later, or seen before. */
#include "sensor/stream_session.h"

/* What one direction may keep waiting; a peer's window is rarely larger. */
#define WAITING_MAX ((uint32_t)1 << 20)
/* Nobody acknowledges where one side is not seen: a hole is given up when
 * this much waits behind it. */
#define WAITING_MAX_ASYNC ((uint32_t)64 << 10)

static struct rob *
side_wait(struct stream_ctx *c, struct tcp_side *d)
{
	if (!d->waits && side_extend(c, d) != NULL) {
		d->more->rob = pool_get(c->pool, sizeof(*d->more->rob));
		if (d->more->rob != NULL) {
			rob_init(d->more->rob);
			d->waits = true;
		}
	}
	return side_rob(d);
}

static void
reach_depth(struct stream_ctx *c, struct tcp_side *d, struct packet *pkt)
{
	if ((d->flags & SIDE_DEPTH) == 0) {
		d->flags |= SIDE_DEPTH;
		c->n.stream_depth_reached++;
		stream_event(pkt, EV_STREAM_REASSEMBLY_DEPTH_REACHED);
	}
}

/* Bytes that were handed on already: only compared. */
static void
take_old(struct stream_ctx *c, struct tcp_side *d, struct packet *pkt,
	 uint64_t off, struct view data, bool whole)
{
	/* A keep-alive's byte is garbage by design (RFC 9293 3.8.4). */
	if (whole && data.len == 1 && off + 1 == d->max_off) {
		return;
	}
	if (whole) {
		c->n.retransmitted++;
		stream_event(pkt, EV_STREAM_PKT_RETRANSMISSION);
		if (off + data.len <= d->acked) {
			stream_event(pkt,
				     EV_STREAM_PKT_SPURIOUS_RETRANSMISSION);
		}
	} else {
		c->n.overlap++;
	}
	/* Behind bytes left out, the two countings differ. */
	if (d->more != NULL && d->more->left_out == 0 &&
	    raw_differs(d, off, data)) {
		c->n.overlap_diff_data++;
		stream_event(pkt, EV_STREAM_REASSEMBLY_OVERLAP_DIFFERENT_DATA);
	}
}

/* There was no room for a segment that came early. */
static void
tell_no_memory(struct stream_ctx *c, struct packet *pkt)
{
	c->n.segment_memcap_drop++;
	stream_event(pkt, EV_STREAM_REASSEMBLY_NO_SEGMENT);
	stream_event(pkt, EV_STREAM_REASSEMBLY_INSERT_MEMCAP);
}

/* Bytes for later, or that meet bytes waiting; false when memory is out. */
static bool
take_early(struct stream_ctx *c, struct tcp_side *d, struct packet *pkt,
	   uint64_t off, struct view data, bool async)
{
	struct rob *rob = side_wait(c, d);
	uint32_t before;
	unsigned v;

	if (rob == NULL) {
		tell_no_memory(c, pkt);
		return false;
	}
	before = rob->bytes;
	v = rob_insert(rob, c->pool, off, data, (enum overlap_policy)d->policy,
		       c->memcap > c->mem ? c->memcap - c->mem : 0);
	c->mem += rob->bytes - before;
	if ((v & ROB_OVERLAP) != 0) {
		c->n.overlap++;
	}
	if ((v & ROB_DIFFERENT) != 0) {
		c->n.overlap_diff_data++;
		stream_event(pkt, EV_STREAM_REASSEMBLY_OVERLAP_DIFFERENT_DATA);
	}
	if ((v & ROB_NO_MEMORY) != 0) {
		tell_no_memory(c, pkt);
		d->flags |= SIDE_SQUEEZE;
	}
	if (rob->bytes > (async ? WAITING_MAX_ASYNC : WAITING_MAX) ||
	    rob->n >= ROB_MAX_RUNS - 2) {
		stream_event(pkt, EV_STREAM_REASSEMBLY_INSERT_LIMIT);
		d->flags |= SIDE_SQUEEZE;
	}
	return (v & ROB_NO_MEMORY) == 0;
}

/* Whether [off, end) touches nothing that waits. */
static bool
is_clear(const struct tcp_side *d, uint64_t end)
{
	const struct rob *rob = side_rob(d);

	return rob == NULL || rob_empty(rob) || rob_first(rob)->off >= end;
}

void
stream_take(struct stream_ctx *c, struct tcp_session *s, struct tcp_side *d,
	    struct packet *pkt, int64_t at)
{
	struct view data = pkt->payload;
	uint64_t off, end = stream_side_end(c, d);

	if (at < 0) {
		data = view_sub(data, (size_t)-at, data.len);
		at = 0;
	}
	off = (uint64_t)at;
	if (data.len == 0) {
		return;
	}
	if ((d->flags & SIDE_FIN) == 0) {
		d->max_off = MAX(d->max_off, off + data.len);
	}
	if (off + data.len <= d->next_off) {
		take_old(c, d, pkt, off, data, true);
		return;
	}
	if (off < d->next_off) {
		size_t old = (size_t)(d->next_off - off);

		take_old(c, d, pkt, off, view_sub(data, 0, old), false);
		data = view_sub(data, old, data.len);
		off = d->next_off;
	}
	if (off + data.len > end) {
		if (off + data.len > stream_depth_of(c, d)) {
			reach_depth(c, d, pkt);
		}
		data = view_sub(data, 0, off < end ? (size_t)(end - off) : 0);
	}
	if (data.len == 0 || (d->flags & SIDE_ENDED) != 0) {
		return;
	}
	if (off == d->next_off && stream_is_open(c, s) &&
	    is_clear(d, off + data.len)) {
		c->data = data;
		return;
	}
	if (off > d->next_off) {
		c->n.out_of_order++;
	}
	if (!take_early(c, d, pkt, off, data, s->async) && off == d->next_off &&
	    stream_is_open(c, s)) {
		c->data = data; /* at hand: no need to lose it */
	}
}
