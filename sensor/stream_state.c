/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP state machine of an onlooker (RFC 9293 3.10.7, RFC 7323 for scale
 * and timestamps).  It must take what the receiver takes: refusing more lets
 * an attacker hide bytes, taking more lets him insert them.  Where hosts
 * differ, and for what a capture may have lost, it leans towards taking.
 */
#include "sensor/stream_session.h"

/* The largest window there is (RFC 7323 2.3). */
#define WINDOW_MAX ((uint64_t)1 << 30)

static bool
window_ok(const struct tcp_session *s, const struct tcp_side *me,
	  const struct tcp_side *peer, int64_t off, size_t len)
{
	int64_t edge = (int64_t)(me->max_off + WINDOW_MAX);

	/* One byte before the first may be a keep-alive (RFC 9293 3.8.4). */
	if (off < -1 && !s->midstream) {
		return false;
	}
	if ((peer->flags & SIDE_WINDOW) != 0) {
		edge = (int64_t)(side_edge(me) +
				 MAX(peer->window, TCP_EDGE_SLACK));
	}
	(void)len; /* what hangs over the edge is for the receiver to cut */
	return off <= edge;
}

/* RFC 7323 5: a timestamp older than the last one in sequence. */
static bool
paws_ok(const struct tcp_side *me, const struct tcp_side *peer,
	const struct packet *pkt)
{
	if (!pkt->tcp_has_ts || (me->flags & peer->flags & SIDE_TS) == 0 ||
	    pkt->tcp_ts_val == 0) {
		return true;
	}
	return (int32_t)(pkt->tcp_ts_val - me->ts_recent) >= 0;
}

static bool
ack_ok(const struct tcp_side *me, const struct tcp_side *peer, int64_t ack)
{
	uint64_t limit = peer->max_off + WINDOW_MAX;

	/* Beyond what was seen means bytes that the capture lost, as long as
	 * the acknowledging side had allowed them. */
	if ((me->flags & SIDE_WINDOW) != 0) {
		limit = MAX(side_edge(peer), peer->max_off) +
			MAX(me->window, TCP_EDGE_SLACK);
	}
	return ack <= (int64_t)limit + 1;
}

static void
fin_acked(struct tcp_session *s, enum flow_dir of)
{
	if (of == FLOW_TOCLIENT) {
		s->state = s->state == TCP_FIN_WAIT1  ? TCP_FIN_WAIT2
			   : s->state == TCP_CLOSING  ? TCP_TIME_WAIT
			   : s->state == TCP_LAST_ACK ? TCP_CLOSED
						      : s->state;
	} else if (s->state == TCP_TIME_WAIT) {
		s->state = TCP_CLOSED;
	}
}

static void
take_ack(struct tcp_session *s, const struct packet *pkt, enum flow_dir dir,
	 int64_t ack)
{
	struct tcp_side *me = &s->side[dir], *peer = &s->side[!dir];
	uint64_t to, edge;

	me->window = (uint32_t)pkt->tcp_window << me->wscale;
	me->flags |= SIDE_WINDOW;
	if (ack < 0) {
		return;
	}
	to = (uint64_t)ack;
	edge = MAX(side_edge(peer), to + me->window);
	if ((peer->flags & SIDE_FIN) != 0 && to > side_fin(peer)) {
		fin_acked(s, !dir);
		to = side_fin(peer);
	}
	peer->moved |= to > peer->acked;
	side_set_edge(peer, MAX(peer->acked, to), edge);
	peer->max_off = MAX(peer->max_off, to);
}

static enum tcp_verdict
take_segment(struct stream_ctx *c, struct tcp_session *s, struct packet *pkt,
	     enum flow_dir dir)
{
	struct tcp_side *me = &s->side[dir], *peer = &s->side[!dir];
	size_t len = pkt->payload.len;
	int64_t off, ack;

	if ((me->flags & SIDE_SEEN) == 0) {
		if ((me->flags & SIDE_BASE) == 0) {
			me->base_seq = pkt->tcp_seq;
		}
		me->flags |= SIDE_SEEN | SIDE_BASE;
		s->async = false;
	}
	off = tcp_offset(me, pkt->tcp_seq);
	ack = tcp_offset(peer, pkt->tcp_ack);
	if (!window_ok(s, me, peer, off, len)) {
		stream_event(pkt, tcp_wrong_seq_event(s, pkt));
		c->n.out_of_window++;
		return TCP_REFUSED;
	}
	if (!paws_ok(me, peer, pkt)) {
		stream_event(pkt, EV_STREAM_PKT_INVALID_TIMESTAMP);
		return TCP_REFUSED;
	}
	if (!ack_ok(me, peer, ack)) {
		stream_event(pkt, tcp_wrong_ack_event(s, pkt));
		stream_event(pkt, EV_STREAM_PKT_INVALID_ACK);
		c->n.invalid_ack++;
		return TCP_REFUSED;
	}
	if (pkt->tcp_has_ts &&
	    off <= (int64_t)(s->async ? me->next_off : me->acked) &&
	    (int32_t)(pkt->tcp_ts_val - me->ts_recent) > 0) {
		me->ts_recent = pkt->tcp_ts_val;
	}
	if (UNLIKELY(tcp_odd_segment(s, pkt, dir, off, ack))) {
		return TCP_REFUSED;
	}
	take_ack(s, pkt, dir, ack);
	if ((me->flags & SIDE_RESET) != 0 &&
	    off + (int64_t)len > (int64_t)me->next_off) {
		return TCP_REFUSED;
	}
	return TCP_DATA;
}

/* RFC 9293 3.10.7.4 and RFC 5961 3.2: hosts differ in how exact a RST must
 * be; one that its target ignores must not end the session here. */
static bool
rst_in_window(const struct tcp_session *s, const struct tcp_side *me,
	      int64_t off)
{
	int64_t top = (int64_t)me->max_off;

	if ((me->flags & SIDE_FIN) != 0) {
		top++;
	}
	if (s->async || s->midstream) {
		return off >= (int64_t)MIN(me->acked, me->next_off) &&
		       off <= top + (int64_t)TCP_EDGE_SLACK;
	}
	switch ((enum overlap_policy)me->policy) {
	case OVERLAP_LINUX:
	case OVERLAP_OLD_LINUX:
	case OVERLAP_SOLARIS:
		return off >= (int64_t)me->acked &&
		       off <= (int64_t)MAX(side_edge(me), (uint64_t)top);
	default:
		return off == top || off == (int64_t)me->max_off ||
		       off == (int64_t)me->acked;
	}
}

static bool
rst_ok(struct stream_ctx *c, struct tcp_session *s, const struct packet *pkt,
       enum flow_dir dir)
{
	struct tcp_side *me = &s->side[dir], *peer = &s->side[!dir];
	bool ack = (pkt->tcp_flags & TCP_ACK) != 0;

	if (s->state == TCP_SYN_SENT && dir == FLOW_TOCLIENT) {
		/* RFC 9293 3.10.7.3: only when it acknowledges the SYN. */
		return ack && tcp_syn_acked(c, s, FLOW_TOSERVER, pkt->tcp_ack);
	}
	if (s->state <= TCP_SYN_RECV) {
		return pkt->tcp_seq - (me->base_seq - 1) <=
		       me->max_off + TCP_EDGE_SLACK;
	}
	if (ack && (peer->flags & SIDE_BASE) != 0 &&
	    !ack_ok(me, peer, tcp_offset(peer, pkt->tcp_ack))) {
		return false;
	}
	return (me->flags & SIDE_BASE) == 0 ||
	       rst_in_window(s, me, tcp_offset(me, pkt->tcp_seq));
}

enum tcp_verdict
tcp_packet(struct stream_ctx *c, struct tcp_session *s, struct packet *pkt,
	   enum flow_dir dir)
{
	bool ack = (pkt->tcp_flags & TCP_ACK) != 0;

	if (!ack && pkt->tcp_ack != 0) {
		stream_event(pkt, EV_STREAM_PKT_BROKEN_ACK);
	}
	if (UNLIKELY(!tcp_echo_ok(s, pkt, dir))) {
		stream_event(pkt, EV_STREAM_PKT_INVALID_TIMESTAMP);
		return TCP_REFUSED;
	}
	if ((pkt->tcp_flags & TCP_RST) != 0) {
		if (pkt->payload.len > 0) {
			stream_event(pkt, EV_STREAM_RST_WITH_DATA);
		}
		if (pkt->tcp_signed && !s->syn_signed && !s->midstream) {
			/* Signed for a session that is not: hosts that check
			 * drop it (RFC 2385, 2), so it ends nothing. */
			stream_event(pkt, EV_STREAM_SUSPECTED_RST_INJECT);
			return TCP_REFUSED;
		}
		if (!rst_ok(c, s, pkt, dir)) {
			stream_event(pkt, EV_STREAM_RST_INVALID_ACK);
			return TCP_REFUSED;
		}
		if (s->state == TCP_SYN_SENT && dir == FLOW_TOSERVER) {
			/* Nobody has seen a server take it.  A client may
			 * have sent it to a forged answer, and go on. */
			c->n.rst++;
			return TCP_TAKEN;
		}
		s->side[dir].flags |= SIDE_SENT_RST;
		s->state = TCP_CLOSED;
		s->side[0].flags |= SIDE_RESET;
		s->side[1].flags |= SIDE_RESET;
		c->n.rst++;
		return TCP_TAKEN;
	}
	if ((pkt->tcp_flags & TCP_SYN) != 0) {
		if ((pkt->tcp_flags & TCP_FIN) != 0) {
			stream_event(pkt, EV_STREAM_FIN_SYN);
		}
		return tcp_take_syn(c, s, pkt, dir);
	}
	if (!ack) {
		return TCP_REFUSED; /* RFC 9293 3.10.7.4: dropped by hosts */
	}
	if (s->state <= TCP_SYN_RECV &&
	    !tcp_take_handshake_ack(c, s, pkt, dir)) {
		return TCP_REFUSED;
	}
	return take_segment(c, s, pkt, dir);
}

void
tcp_fin(struct tcp_session *s, enum flow_dir dir, uint64_t off)
{
	struct tcp_side *me = &s->side[dir];

	if ((me->flags & SIDE_FIN) != 0 || s->state == TCP_CLOSED) {
		return;
	}
	me->flags |= SIDE_FIN;
	me->fin_low = (uint32_t)off;
	if (dir == FLOW_TOSERVER) {
		s->state = s->state == TCP_ESTABLISHED ? TCP_CLOSE_WAIT
			   : s->state == TCP_FIN_WAIT1 ? TCP_CLOSING
			   : s->state == TCP_FIN_WAIT2 ? TCP_TIME_WAIT
						       : s->state;
	} else {
		s->state = s->state == TCP_ESTABLISHED  ? TCP_FIN_WAIT1
			   : s->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK
							: s->state;
	}
}
