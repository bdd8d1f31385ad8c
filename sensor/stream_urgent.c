/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Urgent data.  A socket that did not ask for it in line (nearly none does)
 * hands its reader the stream without the byte before the urgent pointer (RFC
 * 6093, 3.1): whoever would look at that byte as well sees another text.
 */
#include "sensor/stream_session.h"

/* More than this of one direction is no application, but an attempt. */
#define OOB_MAX 65535

enum urgent_policy
urgent_policy_of(const struct conf *conf)
{
	const char *v =
		conf_str(conf, "stream.reassembly.urgent.policy", "oob");

	return strcmp(v, "inline") == 0 ? URGENT_INLINE
	       : strcmp(v, "drop") == 0 ? URGENT_DROP
	       : strcmp(v, "gap") == 0  ? URGENT_GAP
					: URGENT_OOB;
}

bool
urgent_take(struct stream_ctx *c, struct tcp_side *d, struct packet *pkt,
	    int64_t off)
{
	int64_t at = off + pkt->tcp_urgent - 1;

	if (c->urgent == URGENT_INLINE || pkt->tcp_urgent == 0) {
		return true;
	}
	if (c->urgent == URGENT_DROP) {
		return false;
	}
	if (d->more != NULL && d->more->left_out >= OOB_MAX) {
		stream_event(pkt,
			     EV_STREAM_REASSEMBLY_URGENT_OOB_LIMIT_REACHED);
		return true;
	}
	if (at >= (int64_t)d->next_off && side_extend(c, d) != NULL) {
		/* There is one mark; a host that gets another before it read
		 * up to the first reads that byte in line. */
		d->more->urgent = (uint64_t)at;
		d->flags |= SIDE_URGENT;
	}
	return true;
}

bool
urgent_cut(struct tcp_side *d, struct view *data)
{
	if (LIKELY((d->flags & SIDE_URGENT) == 0) ||
	    d->more->urgent >= d->next_off + data->len) {
		return false;
	}
	if (d->more->urgent > d->next_off) {
		*data = view_sub(*data, 0, d->more->urgent - d->next_off);
		return false;
	}
	d->flags &= (uint16_t)~SIDE_URGENT;
	return d->more->urgent == d->next_off;
}
