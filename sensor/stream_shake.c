/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a session begins: SYNs, their answers, the last acknowledgement, and
 * sessions whose beginning was not seen.
 */
#include "sensor/stream_session.h"

/* Window of a side whose scale was negotiated before the capture began. */
#define WSCALE_UNKNOWN 14

/* The list begins when a side shows a second number. */
static struct isn_list *
isn_list_of(struct stream_ctx *c, struct tcp_session *s)
{
	if (s->isns != NULL) {
		return s->isns;
	}
	s->isns = pool_get(c->pool, sizeof(*s->isns));
	if (s->isns == NULL) {
		return NULL;
	}
	memset(s->isns, 0, sizeof(*s->isns));
	for (unsigned d = 0; d < 2; d++) {
		if ((s->side[d].flags & SIDE_BASE) != 0) {
			s->isns->isn[d][0] = s->side[d].base_seq - 1;
			s->isns->n[d] = 1;
		}
	}
	return s->isns;
}

/* Before the session's numbers change; false when there is no room. */
static bool
isn_add(struct stream_ctx *c, struct tcp_session *s, enum flow_dir dir,
	uint32_t isn)
{
	const struct tcp_side *d = &s->side[dir];
	struct isn_list *l;

	if (s->isns == NULL &&
	    ((d->flags & SIDE_BASE) == 0 || d->base_seq == isn + 1)) {
		return true;
	}
	l = isn_list_of(c, s);
	if (l == NULL) {
		return false;
	}
	for (unsigned i = 0; i < l->n[dir]; i++) {
		if (l->isn[dir][i] == isn) {
			return true;
		}
	}
	if (l->n[dir] == MAX_ISNS) {
		return false;
	}
	l->isn[dir][l->n[dir]++] = isn;
	return true;
}

/* The bytes of a SYN that counts no more. */
static void
side_restart(struct stream_ctx *c, struct tcp_side *d)
{
	stream_drop_waiting(c, d);
	d->max_off = d->acked = 0;
	d->room = 0;
	d->flags &= (uint16_t)~SIDE_SYN_DATA;
	if (d->more != NULL) {
		d->more->chunk_off = 0;
	}
}

/* A SYN or SYN/ACK of 'dir' counts from now on. */
static void
side_syn(struct stream_ctx *c, struct tcp_session *s, const struct packet *pkt,
	 enum flow_dir dir)
{
	struct tcp_side *d = &s->side[dir];

	isn_add(c, s, dir, pkt->tcp_seq);
	if ((d->flags & SIDE_BASE) != 0 && d->base_seq != pkt->tcp_seq + 1) {
		side_restart(c, d);
	}
	d->base_seq = pkt->tcp_seq + 1;
	d->flags |= SIDE_SEEN | SIDE_BASE;
	d->wscale = pkt->tcp_wscale == 0xff ? 0 : MIN(pkt->tcp_wscale, 14);
	d->window = pkt->tcp_window; /* RFC 7323 2.2: not scaled in a SYN */
	if (pkt->tcp_has_ts) {
		if (dir == FLOW_TOSERVER) {
			s->syn_ts = s->syn_has_ts ? s->syn_ts : pkt->tcp_ts_val;
			s->syn_has_ts = true;
		}
		d->flags |= SIDE_TS;
		d->ts_recent = pkt->tcp_ts_val;
	} else {
		d->flags &= (uint16_t)~SIDE_TS;
	}
	s->syn_signed |= pkt->tcp_signed;
}

/*
 * Whether 'ack' acknowledges one of the SYNs of 'dir' (and perhaps the data in
 * it, RFC 7413); if that is not the latest, it becomes the one that counts.
 */
bool
tcp_syn_acked(struct stream_ctx *c, struct tcp_session *s, enum flow_dir dir,
	      uint32_t ack)
{
	struct tcp_side *d = &s->side[dir];

	if (ack - d->base_seq <= d->max_off) {
		return true;
	}
	for (unsigned i = 0; s->isns != NULL && i < s->isns->n[dir]; i++) {
		if (ack == s->isns->isn[dir][i] + 1) {
			side_restart(c, d);
			d->base_seq = ack;
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
bool
tcp_echo_ok(const struct tcp_session *s, const struct packet *pkt,
	    enum flow_dir dir)
{
	if (s->state != TCP_SYN_SENT || dir != FLOW_TOCLIENT ||
	    !pkt->tcp_has_ts || pkt->tcp_ts_ecr == 0) {
		return true;
	}
	return s->syn_has_ts &&
	       pkt->tcp_ts_ecr - s->syn_ts <=
		       s->side[FLOW_TOSERVER].ts_recent - s->syn_ts;
}

/* A SYN/ACK that answers a SYN: the usual one, or the client's own where both
 * sides sent a SYN (RFC 9293 3.5, simultaneous or split handshake). */
static enum tcp_verdict
take_synack(struct stream_ctx *c, struct tcp_session *s, struct packet *pkt,
	    enum flow_dir dir)
{
	struct tcp_side *peer = &s->side[!dir];
	uint64_t acked;

	c->n.synack++;
	if (dir == FLOW_TOSERVER && !s->simultaneous) {
		stream_event(
			pkt,
			s->state == TCP_SYN_RECV
				? EV_STREAM_3WHS_SYNACK_TOSERVER_ON_SYN_RECV
				: EV_STREAM_3WHS_SYNACK_IN_WRONG_DIRECTION);
		return TCP_REFUSED;
	}
	if (!tcp_syn_acked(c, s, !dir, pkt->tcp_ack)) {
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
	acked = pkt->tcp_ack - peer->base_seq;
	side_set_edge(peer, acked,
		      MAX(side_edge(peer), acked + pkt->tcp_window));
	peer->moved = true;
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
tell_late_syn(struct stream_ctx *c, struct tcp_session *s, struct packet *pkt,
	      enum flow_dir dir, bool same)
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
	} else if (!same && isn_add(c, s, dir, pkt->tcp_seq)) {
		/* Counts if the server answers this one. */
		stream_event(pkt,
			     EV_STREAM_3WHS_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV);
	}
}

enum tcp_verdict
tcp_take_syn(struct stream_ctx *c, struct tcp_session *s, struct packet *pkt,
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
		tell_late_syn(c, s, pkt, dir, same);
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
bool
tcp_take_handshake_ack(struct stream_ctx *c, struct tcp_session *s,
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
	if (!tcp_syn_acked(c, s, !dir, pkt->tcp_ack)) {
		tell_handshake(s, pkt, pkt->tcp_seq == me->base_seq);
		c->n.invalid_ack++;
		return false;
	}
	if (pkt->tcp_seq - me->base_seq > me->max_off + TCP_EDGE_SLACK) {
		stream_event(pkt, s->simultaneous
					  ? EV_STREAM_4WHS_WRONG_SEQ
					  : EV_STREAM_3WHS_WRONG_SEQ_WRONG_ACK);
		c->n.out_of_window++;
		return false;
	}
	establish(s);
	return true;
}
