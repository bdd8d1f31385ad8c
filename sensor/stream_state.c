/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP state machine of an onlooker (RFC 9293 3.10.7, RFC 7323 for scale
 * and timestamps).  It must take what the receiver takes: refusing more lets
 * an attacker hide bytes, taking more lets him insert them.  Where hosts
 * differ, and for what a capture may have lost, it leans towards taking.
 */
#include "sensor/stream_session.h"

/* Window of a side whose scale was negotiated before the capture began. */
#define WSCALE_UNKNOWN 14
/* An edge can be this much behind the real one, for acknowledgements that the
 * capture missed. */
#define EDGE_SLACK ((uint64_t)65535)
/* The largest window there is (RFC 7323 2.3). */
#define WINDOW_MAX ((uint64_t)1 << 30)

static bool
isn_add(struct tcp_session *s, enum flow_dir dir, uint32_t isn)
{
	for (unsigned i = 0; i < s->n_isns[dir]; i++) {
		if (s->isn[dir][i] == isn) {
			return true;
		}
	}
	if (s->n_isns[dir] == MAX_ISNS) {
		return false;
	}
	s->isn[dir][s->n_isns[dir]++] = isn;
	return true;
}

/* A SYN or SYN/ACK of 'dir' counts from now on. */
static void
side_syn(struct stream_ctx *c, struct tcp_session *s, const struct packet *pkt,
	 enum flow_dir dir)
{
	struct tcp_side *d = &s->side[dir];

	if ((d->flags & SIDE_BASE) != 0 && d->base_seq != pkt->tcp_seq + 1) {
		stream_drop_waiting(c, d);
		d->max_off = d->acked = d->edge = d->chunk_off = 0;
		d->flags &= (uint16_t)~SIDE_SYN_DATA;
	}
	d->base_seq = pkt->tcp_seq + 1;
	d->flags |= SIDE_SEEN | SIDE_BASE;
	d->wscale = pkt->tcp_wscale == 0xff ? 0 : MIN(pkt->tcp_wscale, 14);
	d->window = pkt->tcp_window; /* RFC 7323 2.2: not scaled in a SYN */
	if (pkt->tcp_has_ts) {
		if (dir == FLOW_TOSERVER) {
			s->syn_ts[1] = pkt->tcp_ts_val;
			s->syn_ts[0] =
				s->syn_has_ts ? s->syn_ts[0] : pkt->tcp_ts_val;
			s->syn_has_ts = true;
		}
		d->flags |= SIDE_TS;
		d->ts_recent = pkt->tcp_ts_val;
	} else {
		d->flags &= (uint16_t)~SIDE_TS;
	}
	s->syn_signed |= pkt->tcp_signed;
	isn_add(s, dir, pkt->tcp_seq);
}

/*
 * Whether 'ack' acknowledges one of the SYNs of 'dir' (and perhaps the data in
 * it, RFC 7413); if that is not the latest, it becomes the one that counts.
 */
static bool
syn_acked(struct stream_ctx *c, struct tcp_session *s, enum flow_dir dir,
	  uint32_t ack)
{
	struct tcp_side *d = &s->side[dir];

	if (ack - d->base_seq <= d->max_off) {
		return true;
	}
	for (unsigned i = 0; i < s->n_isns[dir]; i++) {
		if (ack == s->isn[dir][i] + 1) {
			stream_drop_waiting(c, d);
			d->base_seq = ack;
			d->max_off = d->acked = d->edge = d->chunk_off = 0;
			d->flags &= (uint16_t)~SIDE_SYN_DATA;
			return true;
		}
	}
	return false;
}

static void
establish(struct tcp_session *s)
{
	s->state = TCP_ESTABLISHED;
	s->was_established = true;
}

static void
open_midstream(struct stream_ctx *c, struct tcp_session *s,
	       const struct packet *pkt, enum flow_dir dir, bool synack)
{
	struct tcp_side *me = &s->side[dir], *peer = &s->side[!dir];

	c->n.midstream_pickups++;
	s->midstream = true;
	me->base_seq = pkt->tcp_seq + synack;
	peer->base_seq = pkt->tcp_ack;
	me->flags |= SIDE_SEEN | SIDE_BASE;
	peer->flags |= SIDE_BASE;
	me->wscale = peer->wscale = WSCALE_UNKNOWN;
	if (synack) {
		s->state = TCP_SYN_RECV;
		isn_add(s, dir, pkt->tcp_seq);
		isn_add(s, !dir, pkt->tcp_ack - 1);
	} else {
		establish(s);
	}
}

bool
tcp_open(struct stream_ctx *c, struct tcp_session *s, struct packet *pkt,
	 enum flow_dir dir)
{
	switch (pkt->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) {
	case TCP_SYN | TCP_FIN:
		/* Some hosts take it as a SYN; its FIN counts for nothing. */
		stream_event(pkt, EV_STREAM_FIN_SYN);
		/* fall through */
	case TCP_SYN:
		side_syn(c, s, pkt, dir);
		s->state = TCP_SYN_SENT;
		c->n.syn++;
		return true;
	case TCP_SYN | TCP_ACK:
		if (!c->midstream && !c->async) {
			return false;
		}
		open_midstream(c, s, pkt, dir, true);
		c->n.synack++;
		return true;
	case TCP_ACK:
	case TCP_ACK | TCP_FIN:
		if (!c->midstream) {
			if ((pkt->tcp_flags & TCP_FIN) != 0) {
				stream_event(pkt, EV_STREAM_FIN_BUT_NO_SESSION);
			}
			return false;
		}
		open_midstream(c, s, pkt, dir, false);
		return true;
	default:
		if ((pkt->tcp_flags & TCP_RST) != 0) {
			stream_event(pkt, EV_STREAM_RST_BUT_NO_SESSION);
		} else if ((pkt->tcp_flags & TCP_FIN) != 0) {
			stream_event(pkt, EV_STREAM_FIN_BUT_NO_SESSION);
		}
		return false;
	}
}

/* SYN/ACKs of other numbers than the first, as with SYNs. */
static void
count_synack(struct stream_ctx *c, struct tcp_session *s, struct packet *pkt,
	     enum flow_dir dir)
{
	const struct tcp_side *me = &s->side[dir], *peer = &s->side[!dir];

	if (s->state != TCP_SYN_RECV) {
		return;
	}
	if (pkt->tcp_ack - peer->base_seq != peer->acked) {
		stream_event(pkt, EV_STREAM_3WHS_SYNACK_RESEND_WITH_DIFF_ACK);
	}
	if (me->base_seq != pkt->tcp_seq + 1) {
		stream_event(pkt, EV_STREAM_3WHS_SYNACK_RESEND_WITH_DIFF_SEQ);
		if (s->n_synacks < UINT8_MAX) {
			s->n_synacks++;
		}
		if (s->n_synacks > c->max_synacks) {
			stream_event(pkt, EV_STREAM_3WHS_SYNACK_FLOOD);
		}
	}
}

/*
 * Linux, and hosts like it, do not believe an answer to a SYN that echoes a
 * timestamp which the SYNs did not have (RFC 7323, 5.2, "invalid" there).
 */
static bool
echo_ok(const struct tcp_session *s, const struct packet *pkt,
	enum flow_dir dir)
{
	if (s->state != TCP_SYN_SENT || dir != FLOW_TOCLIENT ||
	    !pkt->tcp_has_ts || pkt->tcp_ts_ecr == 0) {
		return true;
	}
	return s->syn_has_ts &&
	       pkt->tcp_ts_ecr - s->syn_ts[0] <= s->syn_ts[1] - s->syn_ts[0];
}

/* A SYN/ACK that answers a SYN: the usual one, or the client's own where both
 * sides sent a SYN (RFC 9293 3.5, simultaneous or split handshake). */
static enum tcp_verdict
take_synack(struct stream_ctx *c, struct tcp_session *s, struct packet *pkt,
	    enum flow_dir dir)
{
	struct tcp_side *peer = &s->side[!dir];

	c->n.synack++;
	if (dir == FLOW_TOSERVER && !s->simultaneous) {
		stream_event(
			pkt,
			s->state == TCP_SYN_RECV
				? EV_STREAM_3WHS_SYNACK_TOSERVER_ON_SYN_RECV
				: EV_STREAM_3WHS_SYNACK_IN_WRONG_DIRECTION);
		return TCP_REFUSED;
	}
	if (!syn_acked(c, s, !dir, pkt->tcp_ack)) {
		stream_event(
			pkt,
			s->simultaneous ? EV_STREAM_4WHS_SYNACK_WITH_WRONG_ACK
			: s->state == TCP_SYN_RECV
				? EV_STREAM_3WHS_SYNACK_RESEND_WITH_DIFF_ACK
				: EV_STREAM_3WHS_SYNACK_WITH_WRONG_ACK);
		return TCP_REFUSED;
	}
	if (s->simultaneous && (s->side[dir].flags & SIDE_BASE) != 0 &&
	    s->side[dir].base_seq != pkt->tcp_seq + 1) {
		stream_event(pkt, EV_STREAM_4WHS_SYNACK_WITH_WRONG_SYN);
	}
	count_synack(c, s, pkt, dir);
	if (dir == FLOW_TOCLIENT || s->side[dir].base_seq != pkt->tcp_seq + 1) {
		side_syn(c, s, pkt, dir);
	}
	peer->acked = pkt->tcp_ack - peer->base_seq;
	peer->edge = MAX(peer->edge, peer->acked + pkt->tcp_window);
	s->side[dir].flags |= SIDE_WINDOW;
	if ((peer->flags & SIDE_SYN_DATA) != 0 && peer->acked == 0) {
		/* The server did not take the data; it will be sent again. */
		stream_event(pkt, EV_STREAM_3WHS_SYNACK_TFO_DATA_IGNORED);
		stream_drop_waiting(c, peer);
		peer->max_off = 0;
		peer->flags &= (uint16_t)~SIDE_SYN_DATA;
	}
	s->state = TCP_SYN_RECV;
	return TCP_DATA;
}

/* A SYN/ACK when the handshake is over. */
static void
tell_late_synack(const struct tcp_session *s, struct packet *pkt,
		 enum flow_dir dir)
{
	const struct tcp_side *me = &s->side[dir], *peer = &s->side[!dir];

	if (dir == FLOW_TOSERVER && !s->simultaneous) {
		stream_event(pkt, EV_STREAM_EST_SYNACK_TOSERVER);
	} else if (me->base_seq != pkt->tcp_seq + 1) {
		stream_event(pkt, EV_STREAM_EST_SYNACK_RESEND_WITH_DIFF_SEQ);
	} else if (peer->base_seq != pkt->tcp_ack) {
		stream_event(pkt, EV_STREAM_EST_SYNACK_RESEND_WITH_DIFF_ACK);
	} else {
		stream_event(pkt, EV_STREAM_EST_SYNACK_RESEND);
	}
}

/* A SYN that comes when one was answered already. */
static void
tell_late_syn(struct tcp_session *s, struct packet *pkt, enum flow_dir dir,
	      bool same)
{
	if (s->state > TCP_ESTABLISHED) {
		stream_event(pkt, EV_STREAM_SHUTDOWN_SYN_RESEND);
	} else if (s->state == TCP_ESTABLISHED) {
		stream_event(pkt, dir == FLOW_TOCLIENT
					  ? EV_STREAM_EST_SYN_TOCLIENT
				  : same ? EV_STREAM_EST_SYN_RESEND
					 : EV_STREAM_EST_SYN_RESEND_DIFF_SEQ);
	} else if (dir == FLOW_TOCLIENT && !s->simultaneous) {
		stream_event(pkt, EV_STREAM_3WHS_SYN_TOCLIENT_ON_SYN_RECV);
	} else if (!same && isn_add(s, dir, pkt->tcp_seq)) {
		/* Counts if the server answers this one. */
		stream_event(pkt,
			     EV_STREAM_3WHS_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV);
	}
}

static enum tcp_verdict
take_syn(struct stream_ctx *c, struct tcp_session *s, struct packet *pkt,
	 enum flow_dir dir)
{
	bool ack = (pkt->tcp_flags & TCP_ACK) != 0;
	bool same = (s->side[dir].flags & SIDE_BASE) != 0 &&
		    s->side[dir].base_seq == pkt->tcp_seq + 1;

	if (s->state <= TCP_SYN_RECV && ack) {
		return take_synack(c, s, pkt, dir);
	}
	if (ack) {
		tell_late_synack(s, pkt, dir);
		c->n.synack++;
		return same ? TCP_TAKEN : TCP_REFUSED;
	}
	c->n.syn++;
	if (s->state != TCP_SYN_SENT) {
		tell_late_syn(s, pkt, dir, same);
		return same ? TCP_TAKEN : TCP_REFUSED;
	}
	/* Again, perhaps with another number; or from both sides. */
	s->simultaneous |= dir == FLOW_TOCLIENT;
	if (!same && dir == FLOW_TOSERVER) {
		if (s->n_syns < UINT8_MAX) {
			s->n_syns++;
		}
		if (s->n_syns > c->max_syns) {
			stream_event(pkt, EV_STREAM_3WHS_SYN_FLOOD);
		}
	}
	side_syn(c, s, pkt, dir);
	return TCP_DATA;
}

/* The last ACK of a handshake acknowledges something else. */
static void
tell_handshake(const struct tcp_session *s, struct packet *pkt, bool right_seq)
{
	if (s->simultaneous) {
		stream_event(pkt, EV_STREAM_4WHS_INVALID_ACK);
	} else if (right_seq) {
		stream_event(pkt, EV_STREAM_3WHS_RIGHT_SEQ_WRONG_ACK_EVASION);
	} else {
		stream_event(pkt, EV_STREAM_3WHS_WRONG_SEQ_WRONG_ACK);
	}
}

/* The ACK that ends the handshake; without it, the first data that shows that
 * it was sent. */
static bool
take_handshake_ack(struct stream_ctx *c, struct tcp_session *s,
		   struct packet *pkt, enum flow_dir dir)
{
	struct tcp_side *me = &s->side[dir], *peer = &s->side[!dir];
	bool content = pkt->payload.len > 0 || (pkt->tcp_flags & TCP_FIN) != 0;

	if (s->state == TCP_SYN_SENT) {
		bool one_sided =
			dir == FLOW_TOSERVER && (c->async || c->midstream);

		if (one_sided && pkt->tcp_seq - me->base_seq > me->max_off) {
			stream_event(pkt, EV_STREAM_3WHS_ASYNC_WRONG_SEQ);
			return false;
		}
		if (one_sided) {
			/* The other side is not seen. */
			peer->base_seq = pkt->tcp_ack;
			peer->flags |= SIDE_BASE;
			peer->wscale = me->wscale = WSCALE_UNKNOWN;
			s->async = true;
			establish(s);
			return true;
		}
		if (dir == FLOW_TOCLIENT && pkt->payload.len > 0) {
			/* As if a handshake had been (CVE-2018-6794). */
			stream_event(pkt, EV_STREAM_3WHS_ACK_DATA_INJECT);
		} else if (dir == FLOW_TOCLIENT) {
			stream_event(pkt, EV_STREAM_3WHS_ACK_IN_WRONG_DIR);
		}
		return false;
	}
	if (dir == FLOW_TOCLIENT && s->midstream && c->async &&
	    (peer->flags & SIDE_SEEN) == 0) {
		/* Only what the server sends is seen. */
		s->async = true;
		establish(s);
		return true;
	}
	if (dir == FLOW_TOCLIENT && !s->simultaneous &&
	    !(content && pkt->tcp_seq == me->base_seq)) {
		stream_event(pkt, EV_STREAM_3WHS_ACK_IN_WRONG_DIR);
		return false;
	}
	if (!syn_acked(c, s, !dir, pkt->tcp_ack)) {
		tell_handshake(s, pkt, pkt->tcp_seq == me->base_seq);
		c->n.invalid_ack++;
		return false;
	}
	if (pkt->tcp_seq - me->base_seq > me->max_off + EDGE_SLACK) {
		stream_event(pkt, s->simultaneous
					  ? EV_STREAM_4WHS_WRONG_SEQ
					  : EV_STREAM_3WHS_WRONG_SEQ_WRONG_ACK);
		c->n.out_of_window++;
		return false;
	}
	establish(s);
	return true;
}

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
		edge = (int64_t)(MAX(me->edge, me->acked) +
				 MAX(peer->window, EDGE_SLACK));
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
		limit = MAX(peer->edge, peer->max_off) +
			MAX(me->window, EDGE_SLACK);
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
	uint64_t to;

	me->window = (uint32_t)pkt->tcp_window << me->wscale;
	me->flags |= SIDE_WINDOW;
	if (ack < 0) {
		return;
	}
	to = (uint64_t)ack;
	peer->edge = MAX(peer->edge, to + me->window);
	if ((peer->flags & SIDE_FIN) != 0 && to > peer->fin_off) {
		fin_acked(s, !dir);
		to = peer->fin_off;
	}
	peer->acked = MAX(peer->acked, to);
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
		       off <= top + (int64_t)EDGE_SLACK;
	}
	switch ((enum overlap_policy)me->policy) {
	case OVERLAP_LINUX:
	case OVERLAP_OLD_LINUX:
	case OVERLAP_SOLARIS:
		return off >= (int64_t)me->acked &&
		       off <= (int64_t)MAX(me->edge, (uint64_t)top);
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
		return ack && syn_acked(c, s, FLOW_TOSERVER, pkt->tcp_ack);
	}
	if (s->state <= TCP_SYN_RECV) {
		return pkt->tcp_seq - (me->base_seq - 1) <=
		       me->max_off + EDGE_SLACK;
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
	if (UNLIKELY(!echo_ok(s, pkt, dir))) {
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
		return take_syn(c, s, pkt, dir);
	}
	if (!ack) {
		return TCP_REFUSED; /* RFC 9293 3.10.7.4: dropped by hosts */
	}
	if (s->state <= TCP_SYN_RECV && !take_handshake_ack(c, s, pkt, dir)) {
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
	me->fin_off = off;
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
