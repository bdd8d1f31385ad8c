/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of segments that do not fit the session, by the state that it
 * is in; and those that fit but that no sane host sends.
 */
#include "sensor/stream_session.h"

static bool
is_fin(const struct packet *pkt)
{
	return (pkt->tcp_flags & TCP_FIN) != 0;
}

enum event_id
tcp_wrong_seq_event(const struct tcp_session *s, const struct packet *pkt)
{
	bool fin = is_fin(pkt);

	switch ((enum tcp_state)s->state) {
	case TCP_FIN_WAIT1:
		return fin ? EV_STREAM_FIN1_FIN_WRONG_SEQ
			   : EV_STREAM_FIN1_ACK_WRONG_SEQ;
	case TCP_FIN_WAIT2:
		return fin ? EV_STREAM_FIN2_FIN_WRONG_SEQ
			   : EV_STREAM_FIN2_ACK_WRONG_SEQ;
	case TCP_CLOSE_WAIT:
		return fin ? EV_STREAM_CLOSEWAIT_FIN_OUT_OF_WINDOW
			   : EV_STREAM_CLOSEWAIT_ACK_OUT_OF_WINDOW;
	case TCP_CLOSING:
		return EV_STREAM_CLOSING_ACK_WRONG_SEQ;
	case TCP_LAST_ACK:
		return EV_STREAM_LASTACK_ACK_WRONG_SEQ;
	case TCP_TIME_WAIT:
		return EV_STREAM_TIMEWAIT_ACK_WRONG_SEQ;
	default:
		return fin ? EV_STREAM_FIN_OUT_OF_WINDOW
			   : EV_STREAM_EST_PACKET_OUT_OF_WINDOW;
	}
}

enum event_id
tcp_wrong_ack_event(const struct tcp_session *s, const struct packet *pkt)
{
	switch ((enum tcp_state)s->state) {
	case TCP_FIN_WAIT1:
		return EV_STREAM_FIN1_INVALID_ACK;
	case TCP_FIN_WAIT2:
		return EV_STREAM_FIN2_INVALID_ACK;
	case TCP_CLOSE_WAIT:
		return EV_STREAM_CLOSEWAIT_INVALID_ACK;
	case TCP_CLOSING:
		return EV_STREAM_CLOSING_INVALID_ACK;
	case TCP_LAST_ACK:
		return EV_STREAM_LASTACK_INVALID_ACK;
	case TCP_TIME_WAIT:
		return EV_STREAM_TIMEWAIT_INVALID_ACK;
	default:
		return is_fin(pkt) ? EV_STREAM_FIN_INVALID_ACK
				   : EV_STREAM_EST_INVALID_ACK;
	}
}

/* Behind all that a side sent, its FIN counted. */
static int64_t
sent_end(const struct tcp_side *d)
{
	return (int64_t)d->max_off + ((d->flags & SIDE_FIN) != 0);
}

/*
 * A window that shrinks in a segment from the future, which also acknowledges
 * bytes that nobody sent: meant to make the receiver of the ACK stop.
 */
static bool
bad_window_update(const struct tcp_side *me, const struct tcp_side *peer,
		  const struct packet *pkt, int64_t off, int64_t ack)
{
	uint32_t window = (uint32_t)pkt->tcp_window << me->wscale;

	return (me->flags & SIDE_WINDOW) != 0 && window < me->window &&
	       me->window - window > pkt->payload.len && off > sent_end(me) &&
	       ack > sent_end(peer) && !is_fin(pkt);
}

/* Data again that was acknowledged: by Suricata's count a retransmission. */
static void
tell_old_data(const struct tcp_session *s, const struct tcp_side *me,
	      struct packet *pkt, int64_t off)
{
	if (off < 0) {
		stream_event(pkt, EV_STREAM_REASSEMBLY_SEGMENT_BEFORE_BASE_SEQ);
	}
	if (off + (int64_t)pkt->payload.len >= (int64_t)me->acked) {
		return;
	}
	if (s->state == TCP_ESTABLISHED) {
		stream_event(pkt, EV_STREAM_EST_PKT_BEFORE_LAST_ACK);
	} else if (s->state == TCP_CLOSE_WAIT) {
		stream_event(pkt, EV_STREAM_CLOSEWAIT_PKT_BEFORE_LAST_ACK);
	}
}

bool
tcp_odd_segment(const struct tcp_session *s, struct packet *pkt,
		enum flow_dir dir, int64_t off, int64_t ack)
{
	const struct tcp_side *me = &s->side[dir], *peer = &s->side[!dir];

	if (pkt->payload.len > 0) {
		if (UNLIKELY((me->flags & SIDE_SENT_RST) != 0)) {
			/* Who resets does not go on: the RST was forged. */
			stream_event(pkt, EV_STREAM_SUSPECTED_RST_INJECT);
		}
		if (UNLIKELY(off < (int64_t)me->acked)) {
			tell_old_data(s, me, pkt, off);
		}
	}
	if (UNLIKELY(me->window == 0 && (me->flags & SIDE_WINDOW) != 0 &&
		     ack == (int64_t)side_edge(peer) + 1)) {
		/* The byte of a zero window probe. */
		stream_event(pkt, EV_STREAM_EST_ACK_ZWP_DATA);
	}
	if (UNLIKELY(s->state >= TCP_ESTABLISHED && !s->midstream &&
		     bad_window_update(me, peer, pkt, off, ack))) {
		stream_event(pkt, EV_STREAM_PKT_BAD_WINDOW_UPDATE);
		/* With bytes in it, it is rather the capture that lost. */
		return pkt->payload.len == 0;
	}
	return false;
}
