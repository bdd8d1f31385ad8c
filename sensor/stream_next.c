/* SPDX-License-Identifier: Apache-2.0 */
/* What a session hands on: bytes in order, holes in their place, the end. */
#include "sensor/stream_session.h"

/* Whether the bytes before 'off' are not worth waiting for any more. */
static bool
hole_is_final(const struct tcp_side *d, uint64_t off)
{
	return d->acked >= off ||
	       (d->flags & (SIDE_RESET | SIDE_FLUSH | SIDE_SQUEEZE)) != 0;
}

static void
emit_gap(struct stream_ctx *c, struct tcp_session *s, struct tcp_side *d,
	 uint64_t to, struct stream_chunk *out)
{
	out->offset = read_offset(d, d->next_off);
	out->gap = to - d->next_off;
	d->next_off = to;
	d->moved = true;
	if ((d->flags & SIDE_NO_RAW) == 0) {
		(void)side_extend(c, d); /* where chunks are counted */
	}
	d->flags &= (uint16_t)~SIDE_SQUEEZE;
	if (d->acked < to && (d->flags & (SIDE_RESET | SIDE_FLUSH)) != 0) {
		/* Nobody says that these bytes ever arrived: the session
		 * ended first, the capture need not have lost them. */
		return;
	}
	c->n.reassembly_gap++;
	c->n.reassembly_gap_bytes += out->gap;
	if (c->session == s && c->pkt != NULL) {
		stream_event(c->pkt, EV_STREAM_REASSEMBLY_SEQ_GAP);
	}
}

static void
emit_data(struct stream_ctx *c, struct tcp_side *d, enum flow_dir dir,
	  struct view data, struct stream_chunk *out)
{
	out->offset = read_offset(d, d->next_off);
	out->data = data;
	if ((d->flags & SIDE_NO_RAW) == 0) {
		raw_append(c, d, out->offset, data);
		c->front.fresh |= (uint8_t)(1u << dir);
	}
	d->next_off += data.len;
	d->moved = true;
}

/* The next byte is urgent: left out, or by the policy a hole. */
static bool
pass_urgent(const struct stream_ctx *c, struct tcp_side *d,
	    struct stream_chunk *out)
{
	d->moved = true;
	if (c->urgent == URGENT_GAP) {
		out->offset = read_offset(d, d->next_off++);
		out->gap = 1;
		return true;
	}
	d->next_off++;
	d->more->left_out++;
	return false;
}

/* The bytes of the packet at hand, up to an urgent one. */
static bool
next_at_hand(struct stream_ctx *c, struct tcp_side *d, struct stream_chunk *out)
{
	struct view data = c->data;

	if (urgent_cut(d, &data)) {
		c->data = view_sub(c->data, 1, c->data.len);
		if (pass_urgent(c, d, out)) {
			return true;
		}
		data = c->data;
	}
	if (data.len == 0) {
		return false;
	}
	emit_data(c, d, c->dir, data, out);
	c->data = view_sub(c->data, data.len, c->data.len);
	return true;
}

/* Bytes that waited and whose turn it is, or the hole before them. */
static bool
next_waiting(struct stream_ctx *c, struct tcp_session *s, struct tcp_side *d,
	     struct stream_chunk *out)
{
	const struct rob_run *run;
	struct rob *rob = side_rob(d);

	while ((run = rob_first(rob)) != NULL) {
		struct view data = rob_run_view(run);
		uint64_t at = run->off;
		size_t whole;

		if (at > d->next_off) {
			if (!hole_is_final(d, at)) {
				return false;
			}
			emit_gap(c, s, d, MIN(at, stream_side_end(c, d)), out);
			return true;
		}
		stream_drop_held(c);
		data = view_sub(data, (size_t)(d->next_off - at), data.len);
		data = view_sub(data, 0, stream_side_end(c, d) - d->next_off);
		whole = data.len;
		if (urgent_cut(d, &data)) {
			if (pass_urgent(c, d, out)) {
				return true;
			}
			continue;
		}
		if (data.len == whole) {
			c->held = rob_pop(rob);
		}
		if (data.len > 0) {
			emit_data(c, d, out->dir, data, out);
			return true;
		}
	}
	stream_drop_waiting(c, d);
	return false;
}

/* Whether nothing can follow. */
static bool
is_last(const struct stream_ctx *c, const struct tcp_side *d)
{
	if ((d->flags & SIDE_FIN) != 0 &&
	    d->next_off >= stream_side_end(c, d)) {
		return true;
	}
	return (d->flags & SIDE_RESET) != 0 &&
	       (!d->waits || rob_empty(d->more->rob));
}

static bool
next_of(struct stream_ctx *c, struct tcp_session *s, enum flow_dir dir,
	struct stream_chunk *out)
{
	struct tcp_side *d = &s->side[dir];
	bool some = false;

	out->dir = dir;
	if ((d->flags & SIDE_ENDED) != 0) {
		return false;
	}
	if (c->session == s && c->dir == dir && c->data.len > 0) {
		some = next_at_hand(c, d, out);
	}
	if (!some && d->waits) {
		some = next_waiting(c, s, d, out);
	}
	if (!some && (d->flags & SIDE_FIN) != 0 && !d->waits &&
	    d->next_off < stream_side_end(c, d) &&
	    hole_is_final(d, side_fin(d))) {
		emit_gap(c, s, d, stream_side_end(c, d), out);
		some = true;
	}
	if (is_last(c, d)) {
		d->flags |= SIDE_ENDED;
		c->front.fresh |= (uint8_t)(1u << dir);
		out->offset = some ? out->offset : read_offset(d, d->next_off);
		out->fin = true;
		some = true;
		stream_drop_waiting(c, d);
	}
	return some;
}

/* The bytes of a packet for which plain_packet() did all. */
static bool
next_plain(struct stream_ctx *c, struct stream_chunk *out)
{
	c->plain = c->front.ready = false;
	out->dir = c->dir;
	out->gap = 0;
	out->fin = false;
	emit_data(c, &c->session->side[c->dir], c->dir, c->data, out);
	c->data = VIEW_NONE;
	return true;
}

bool
stream_take_next(struct stream_ctx *c, struct flow *f, struct stream_chunk *out)
{
	struct tcp_session *s = f->tcp;
	enum flow_dir dir = c->session == s ? c->dir : FLOW_TOSERVER;

	if (LIKELY(c->plain && c->session == s)) {
		return next_plain(c, out);
	}
	stream_drop_held(c);
	if (s != NULL && stream_is_open(c, s)) {
		memset(out, 0, sizeof(*out));
		/* What this packet acknowledged was there before the packet. */
		if (next_of(c, s, !dir, out) || next_of(c, s, dir, out)) {
			return true;
		}
	}
	c->front.ready = false;
	return false;
}

void
stream_flush(struct stream_ctx *c, struct flow *f)
{
	stream_drop_held(c);
	c->session = NULL;
	c->data = VIEW_NONE;
	c->plain = false;
	c->front = (struct stream_front){ true, 0 };
	if (f->tcp != NULL) {
		f->tcp->side[0].flags |= SIDE_FLUSH;
		f->tcp->side[1].flags |= SIDE_FLUSH;
	}
}
