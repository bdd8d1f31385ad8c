/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stream.h"

#include "sensor/stream_session.h"

#define MEMCAP_DEFAULT ((uint64_t)256 << 20)
#define DEPTH_DEFAULT ((uint64_t)1 << 20)
#define CHUNK_DEFAULT 2560
#define CHUNK_MAX ((uint64_t)1 << 20)

static void
add_policy(void *arg, const char *key, const char *value)
{
	static const size_t prefix = sizeof("host-os-policy.") - 1;
	struct stream_ctx *c = arg;
	struct stream_policy p;
	const char *name = key + prefix;
	struct view text = view_cstr(value);
	unsigned i;

	if (c->n_policies == MAX_POLICIES ||
	    !overlap_policy_by_name(view_of(name, strcspn(name, ".")),
				    &p.policy) ||
	    !cidr_parse(text, &p.net)) {
		return;
	}
	/* Longest prefix first. */
	for (i = c->n_policies++;
	     i > 0 && c->policies[i - 1].net.bits < p.net.bits; i--) {
		c->policies[i] = c->policies[i - 1];
	}
	c->policies[i] = p;
}

struct stream_ctx *
stream_ctx_new(const struct conf *conf, struct pool *pool)
{
	struct stream_ctx *c = pool_get(pool, sizeof(*c));

	if (c == NULL) {
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->pool = pool;
	c->midstream = conf_bool(conf, "stream.midstream", false);
	c->async = conf_bool(conf, "stream.async-oneside", false);
	c->urgent = (uint8_t)urgent_policy_of(conf);
	c->inline_mode =
		strcmp(conf_str(conf, "stream.inline", "no"), "auto") != 0 &&
		conf_bool(conf, "stream.inline", false);
	c->max_syns = (uint8_t)conf_u64(conf, "stream.max-syn-queued", 10, 0,
					UINT8_MAX - 1);
	c->max_synacks = (uint8_t)conf_u64(conf, "stream.max-synack-queued", 5,
					   0, UINT8_MAX - 1);
	c->checksums = conf_bool(conf, "stream.checksum-validation", true);
	c->memcap = conf_u64(conf, "stream.reassembly.memcap", MEMCAP_DEFAULT,
			     0, UINT64_MAX / 2);
	c->depth = conf_u64(conf, "stream.reassembly.depth", DEPTH_DEFAULT, 0,
			    UINT64_MAX / 2);
	if (c->depth == 0) {
		c->depth = UINT64_MAX;
	}
	c->chunk_size[FLOW_TOSERVER] =
		conf_u64(conf, "stream.reassembly.toserver-chunk-size",
			 CHUNK_DEFAULT, 1, CHUNK_MAX);
	c->chunk_size[FLOW_TOCLIENT] =
		conf_u64(conf, "stream.reassembly.toclient-chunk-size",
			 CHUNK_DEFAULT, 1, CHUNK_MAX);
	c->file_depth = c->depth;
	if (conf_has(conf, "host-os-policy")) {
		conf_each(conf, "host-os-policy.", add_policy, c);
	}
	return c;
}

void
stream_ctx_free(struct stream_ctx *c)
{
	if (c != NULL) {
		stream_drop_held(c);
		pool_put(c->pool, c, sizeof(*c));
	}
}

struct side_more *
side_extend(struct stream_ctx *c, struct tcp_side *d)
{
	if (d->more == NULL) {
		d->more = pool_get(c->pool, sizeof(*d->more));
		if (d->more != NULL) {
			memset(d->more, 0, sizeof(*d->more));
		}
	}
	return d->more;
}

void
stream_drop_waiting(struct stream_ctx *c, struct tcp_side *d)
{
	struct rob *rob = side_rob(d);

	if (rob != NULL) {
		c->mem -= rob->bytes;
		rob_fini(rob, c->pool);
		pool_put(c->pool, rob, sizeof(*rob));
		d->more->rob = NULL;
		d->waits = false;
	}
}

static uint8_t
policy_of(const struct stream_ctx *c, const struct addr *receiver)
{
	for (unsigned i = 0; i < c->n_policies; i++) {
		if (cidr_contains(&c->policies[i].net, receiver)) {
			return (uint8_t)c->policies[i].policy;
		}
	}
	return OVERLAP_BSD;
}

static bool
begins(struct view v, struct view with)
{
	return v.len >= with.len && memcmp(v.p, with.p, with.len) == 0;
}

/*
 * Who is the client, when the first packet does not say by a SYN: well-known
 * ports serve, and so do those who answer.
 */
static bool
from_server(const struct packet *pkt)
{
	if ((pkt->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
		return true;
	}
	if ((pkt->tcp_flags & TCP_SYN) != 0) {
		return false;
	}
	return (pkt->sport < 1024 && pkt->dport >= 1024) ||
	       begins(pkt->payload, VIEW_LIT("HTTP/1.")); /* RFC 9112 4 */
}

static struct tcp_session *
session_open(struct stream_ctx *c, struct flow_table *t, struct flow *f,
	     struct packet *pkt, enum flow_dir *dir)
{
	struct tcp_session s;
	enum flow_dir actual = from_server(pkt) ? FLOW_TOCLIENT : FLOW_TOSERVER;

	memset(&s, 0, sizeof(s));
	if (!tcp_open(c, &s, pkt, actual)) {
		c->n.no_flow++;
		return NULL;
	}
	f->tcp = pool_get(c->pool, sizeof(s));
	if (f->tcp == NULL) {
		c->n.session_no_memory++;
		return NULL;
	}
	if (actual != *dir) {
		flow_swap(t, f);
		*dir = actual;
	}
	s.side[FLOW_TOSERVER].policy = policy_of(c, &f->addr[FLOW_TOCLIENT]);
	s.side[FLOW_TOCLIENT].policy = policy_of(c, &f->addr[FLOW_TOSERVER]);
	*f->tcp = s;
	c->n.sessions++;
	return f->tcp;
}

void
stream_set_file_depth(struct stream_ctx *c, uint64_t depth)
{
	c->file_depth = MAX(c->depth, depth);
}

void
stream_deepen(struct flow *f, enum flow_dir dir)
{
	if (f->tcp != NULL && (f->tcp->side[dir].flags & SIDE_DEPTH) == 0) {
		f->tcp->side[dir].flags |= SIDE_DEEP;
	}
}

bool
stream_is_past_depth(const struct flow *f)
{
	return f->tcp != NULL && (f->tcp->side[0].flags &
				  f->tcp->side[1].flags & SIDE_DEPTH) != 0;
}

static void
set_flow_state(struct flow_table *t, struct flow *f)
{
	enum flow_state now = FLOW_NEW;

	switch ((enum tcp_state)f->tcp->state) {
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
	case TCP_CLOSED:
		now = FLOW_CLOSED;
		break;
	case TCP_NONE:
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		break;
	default:
		now = FLOW_ESTABLISHED;
	}
	flow_set_state(t, f, now);
}

/* Bytes that were acknowledged before this packet may fill a chunk. */
static void
next_chunk(const struct stream_ctx *c, const struct tcp_session *s,
	   struct tcp_side *d, enum flow_dir dir)
{
	uint64_t end = s->async ? d->next_off : MIN(d->acked, d->next_off);

	d->moved = false;
	if (d->more != NULL && end >= d->more->chunk_off + c->chunk_size[dir]) {
		d->more->chunk_off = end;
	}
}

#define SIDE_KNOWN (SIDE_SEEN | SIDE_BASE | SIDE_WINDOW)
/* What makes a direction more than bytes in a row. */
#define SIDE_ODD \
	(SIDE_FIN | SIDE_RESET | SIDE_FLUSH | SIDE_ENDED | SIDE_SQUEEZE | \
	 SIDE_SENT_RST | SIDE_URGENT)

/*
 * Nearly every packet is the next of a connection that is established and
 * complete, or acknowledges bytes that were seen.  For those, the little here
 * is all that the general way would come to; false: go that way.
 */
static bool
plain_packet(struct stream_ctx *c, struct tcp_session *s,
	     const struct packet *pkt, enum flow_dir dir)
{
	struct tcp_side *me = &s->side[dir], *peer = &s->side[!dir];
	uint32_t len = (uint32_t)pkt->payload.len;
	uint32_t behind =
		peer->base_seq + (uint32_t)peer->max_off - pkt->tcp_ack;
	uint32_t window = (uint32_t)pkt->tcp_window << me->wscale;
	uint64_t ack, edge;
	bool beyond = false; /* of the depth */

	if (s->state != TCP_ESTABLISHED || s->async ||
	    (pkt->tcp_flags &
	     (TCP_ACK | TCP_FIN | TCP_SYN | TCP_RST | TCP_URG)) != TCP_ACK ||
	    (me->flags & (SIDE_KNOWN | SIDE_ODD)) != SIDE_KNOWN ||
	    (peer->flags & (SIDE_BASE | SIDE_WINDOW | SIDE_ODD)) !=
		    (SIDE_BASE | SIDE_WINDOW) ||
	    me->waits || peer->waits ||
	    pkt->tcp_seq != me->base_seq + (uint32_t)me->max_off ||
	    behind > peer->max_off || me->window == 0 ||
	    me->max_off - me->acked >
		    me->room + MAX(peer->window, TCP_EDGE_SLACK)) {
		return false;
	}
	if (len > 0) {
		uint64_t depth = stream_depth_of(c, me);

		beyond = (me->flags & SIDE_DEPTH) != 0 && me->max_off >= depth;
		if (!beyond && (me->max_off != me->next_off ||
				me->next_off + len > depth)) {
			return false;
		}
	}
	if (pkt->tcp_has_ts) {
		int32_t newer = (int32_t)(pkt->tcp_ts_val - me->ts_recent);

		if (newer < 0 && (me->flags & peer->flags & SIDE_TS) != 0 &&
		    pkt->tcp_ts_val != 0) {
			return false;
		}
		if (newer > 0 && me->max_off <= me->acked) {
			me->ts_recent = pkt->tcp_ts_val;
		}
	}
	me->window = window;
	ack = peer->max_off - behind;
	edge = MAX(side_edge(peer), ack + window);
	peer->moved |= ack > peer->acked;
	side_set_edge(peer, MAX(peer->acked, ack), edge);
	if (me->moved) {
		next_chunk(c, s, me, dir);
	}
	if (len > 0) {
		me->max_off += len;
		if (!beyond) {
			c->data = pkt->payload;
			c->plain = true;
			c->front.ready = true;
			c->session = s;
			c->dir = dir;
		}
	}
	return true;
}

/* Any packet, by all the rules there are. */
static __attribute__((noinline)) bool
general_packet(struct stream_ctx *c, struct flow_table *t, struct flow *f,
	       struct packet *pkt, enum flow_dir dir)
{
	struct tcp_session *s = f->tcp;
	enum tcp_verdict v = TCP_DATA;
	struct tcp_side *d;
	bool syn = (pkt->tcp_flags & TCP_SYN) != 0;
	int64_t off;

	c->data = VIEW_NONE;
	c->session = NULL;
	if (s == NULL) {
		s = session_open(c, t, f, pkt, &dir);
		if (s == NULL) {
			return false;
		}
		if (!syn) {
			v = tcp_packet(c, s, pkt, dir);
		}
	} else {
		v = tcp_packet(c, s, pkt, dir);
	}
	c->front.ready = true;
	c->session = s;
	c->pkt = pkt;
	c->dir = dir;
	if (v != TCP_REFUSED) {
		next_chunk(c, s, &s->side[dir], dir);
	}
	if (v == TCP_DATA) {
		d = &s->side[dir];
		off = tcp_offset(d, pkt->tcp_seq + syn);
		if (UNLIKELY((pkt->tcp_flags & TCP_URG) != 0) &&
		    !urgent_take(c, d, pkt, off)) {
			set_flow_state(t, f);
			return false;
		}
		if (pkt->payload.len > 0) {
			if (syn) {
				d->flags |= SIDE_SYN_DATA;
			}
			stream_take(c, s, d, pkt, off);
		}
		off += (int64_t)pkt->payload.len;
		if ((pkt->tcp_flags & TCP_FIN) != 0 && !syn &&
		    off >= (int64_t)d->next_off) {
			tcp_fin(s, dir, (uint64_t)off);
		}
	}
	set_flow_state(t, f);
	/* Data in a SYN that did not ask for it is kept in case the server
	 * takes it; few do, so that rules look at it where it stands. */
	return v != TCP_REFUSED &&
	       !(syn && pkt->payload.len > 0 && !pkt->tcp_fast_open);
}

bool
stream_packet(struct stream_ctx *c, struct flow_table *t, struct flow *f,
	      struct packet *pkt, enum flow_dir dir)
{
	stream_drop_held(c);
	c->front = (struct stream_front){ false, 0 };
	c->plain = false;
	if (c->checksums && UNLIKELY(!packet_l4_csum_ok(pkt))) {
		c->n.invalid_checksum++;
		c->session = NULL;
		return false;
	}
	if (LIKELY(f->tcp != NULL && !c->general_only) &&
	    plain_packet(c, f->tcp, pkt, dir)) {
		return true;
	}
	return general_packet(c, t, f, pkt, dir);
}

bool
stream_established(const struct flow *f)
{
	return f->tcp != NULL && f->tcp->was_established;
}

uint64_t
stream_bytes(const struct flow *f, enum flow_dir dir)
{
	const struct tcp_side *d = f->tcp != NULL ? &f->tcp->side[dir] : NULL;

	if (d == NULL || (d->flags & SIDE_BASE) == 0) {
		return 0;
	}
	return 1 + d->max_off + ((d->flags & SIDE_FIN) != 0);
}

const char *
stream_state_name(const struct flow *f)
{
	static const char *const names[] = {
		[TCP_NONE] = "none",
		[TCP_SYN_SENT] = "syn_sent",
		[TCP_SYN_RECV] = "syn_recv",
		[TCP_ESTABLISHED] = "established",
		[TCP_FIN_WAIT1] = "fin_wait1",
		[TCP_FIN_WAIT2] = "fin_wait2",
		[TCP_TIME_WAIT] = "time_wait",
		[TCP_LAST_ACK] = "last_ack",
		[TCP_CLOSE_WAIT] = "close_wait",
		[TCP_CLOSING] = "closing",
		[TCP_CLOSED] = "closed",
	};

	return f->tcp != NULL ? names[f->tcp->state] : "none";
}

bool
stream_isn(const struct flow *f, enum flow_dir dir, uint32_t *isn)
{
	const struct tcp_session *s = f->tcp;

	if (s == NULL || s->midstream ||
	    (s->side[dir].flags & SIDE_SEEN) == 0) {
		return false;
	}
	*isn = s->side[dir].base_seq - 1;
	return true;
}

void
stream_free(struct stream_ctx *c, struct flow *f)
{
	struct tcp_session *s = f->tcp;

	if (s == NULL) {
		return;
	}
	stream_drop_held(c);
	if (c->session == s) {
		c->session = NULL;
		c->data = VIEW_NONE;
		c->plain = c->front.ready = false;
	}
	for (unsigned d = 0; d < 2; d++) {
		stream_drop_waiting(c, &s->side[d]);
		raw_free(c, &s->side[d]);
		pool_put(c->pool, s->side[d].more, sizeof(struct side_more));
	}
	pool_put(c->pool, s->isns, sizeof(*s->isns));
	pool_put(c->pool, s, sizeof(*s));
	f->tcp = NULL;
}

const struct stream_counters *
stream_counters(const struct stream_ctx *c)
{
	return &c->n;
}
