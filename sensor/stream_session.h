/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_session.h - what is remembered of one TCP connection
 *
 * Internal header, included only by stream*.c and their tests.
 *
 * Sequence numbers are turned into 64-bit stream offsets as they come in (0
 * is the first byte behind the SYN), so that nothing but tcp_offset() thinks
 * about wrap-around.
 *
 * Place    above stream_rob.h, below stream.c.
 * Threads  one worker.
 * Memory   one pool block a session; reorder buffer and raw window of a side
 *          only when needed.
 */
#ifndef SENSOR_STREAM_SESSION_H
#define SENSOR_STREAM_SESSION_H

#include "sensor/stream.h"
#include "sensor/stream_rob.h"

/* Session states by Suricata's names; 'fin_wait1' and on: the server's FIN
 * came first, 'close_wait' and 'last_ack': the client's. */
enum tcp_state {
	TCP_NONE,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_LAST_ACK,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_CLOSED,
};

enum side_flags {
	SIDE_SEEN = 1 << 0, /* sent a packet; base_seq is known */
	SIDE_BASE = 1 << 1, /* base_seq is known, perhaps from an ACK */
	SIDE_FIN = 1 << 2, /* the end is known */
	SIDE_RESET = 1 << 3, /* RST: what waits is to be handed out */
	SIDE_FLUSH = 1 << 4, /* the same, by stream_flush() */
	SIDE_ENDED = 1 << 5, /* the last chunk was handed on */
	SIDE_DEPTH = 1 << 6, /* depth was reached */
	SIDE_DEEP = 1 << 15, /* a file goes to the store: file_depth counts */
	SIDE_TS = 1 << 7, /* its SYN had timestamps */
	SIDE_NO_RAW = 1 << 8,
	SIDE_SQUEEZE = 1 << 9, /* a cap was hit: give up the first hole */
	SIDE_WINDOW = 1 << 10, /* 'window' is known */
	SIDE_SYN_DATA = 1 << 11, /* data came in the SYN */
	SIDE_SENT_RST = 1 << 12,
	SIDE_URGENT = 1 << 13, /* 'urgent' is set */
	SIDE_RAW_ENDED = 1 << 14, /* rules had their last look */
};

/*
 * What only some sides need: recent in-order bytes, contiguous, for rules;
 * what came early; urgent data.
 */
struct side_more {
	uint8_t *p; /* the raw window; NULL: none */
	uint32_t cap, len;
	uint32_t seen; /* bytes at the front that were offered before */
	uint32_t left_out; /* urgent bytes that were */
	uint64_t offset; /* of the window's front in the stream */
	uint64_t gap; /* bytes lost right before the front */
	uint64_t chunk_off; /* where the present chunk of raw bytes begins */
	struct rob *rob; /* bytes that came early; NULL: none */
	uint64_t urgent; /* the byte to be left out */
};
STATIC_ASSERT(sizeof(struct side_more) <= 64, "the smallest pool block");

/* One direction: what its sender sent, and what its receiver allows. */
struct tcp_side {
	uint32_t base_seq; /* sequence number of offset 0 */
	uint32_t ts_recent; /* RFC 7323 4.3, for PAWS */
	uint32_t window; /* last announced by this side, scaled */
	uint32_t room; /* from 'acked' to the right edge of the peer's window */
	uint32_t
		fin_low; /* low half of where the stream ends, see side_fin() */
	uint16_t flags; /* enum side_flags */
	uint8_t wscale : 4; /* of windows that this side announces */
	uint8_t policy : 4; /* of whoever receives this side's bytes */
	bool waits : 1; /* more->rob is there */
	bool moved : 1; /* 'acked' or 'next_off' did since next_chunk() */
	uint64_t next_off; /* first byte not handed on yet */
	uint64_t max_off; /* behind the last byte sent */
	uint64_t acked; /* behind the last byte acknowledged by the peer */
	struct side_more *more;
};

/* Initial sequence numbers of SYNs that were sent again with another. */
#define MAX_ISNS 4
struct isn_list {
	uint32_t isn[2][MAX_ISNS];
	uint8_t n[2];
};

/* Ordinary connections need these two cache lines and no more. */
struct tcp_session {
	uint8_t state; /* enum tcp_state */
	bool was_established : 1;
	bool midstream : 1;
	bool async : 1; /* only one side is seen */
	bool simultaneous : 1; /* both sides sent a SYN */
	bool syn_has_ts : 1, syn_signed : 1; /* of any of the client's SYNs */
	uint8_t n_syns, n_synacks; /* sent again with other numbers */
	uint32_t syn_ts; /* of the first SYN; the last one's is ts_recent */
	struct isn_list *isns; /* NULL: each side had one number at most */
	struct tcp_side side[2]; /* by enum flow_dir: of the sender */
};
STATIC_ASSERT(sizeof(struct tcp_session) <= 128, "one pool block");

struct stream_policy {
	struct cidr net;
	enum overlap_policy policy;
};
#define MAX_POLICIES 256

struct stream_ctx {
	struct stream_front front; /* first: see stream_has_next() */
	bool general_only; /* a test compares: no way around the long one */
	struct pool *pool;
	struct stream_counters n;
	bool midstream, async, checksums, inline_mode;
	uint8_t urgent; /* enum urgent_policy */
	uint8_t max_syns, max_synacks; /* other ones, before it is a flood */
	uint64_t depth; /* UINT64_MAX: none */
	uint64_t chunk_size[2]; /* by enum flow_dir */
	uint64_t file_depth; /* of directions with a file for the store */
	uint64_t memcap, mem;

	/* Of the packet in hand, until stream_next() has returned false. */
	struct tcp_session *session;
	struct packet *pkt;
	bool plain; /* 'data' is all there is to hand on, and in order */
	struct view data; /* in order, not handed on yet */
	enum flow_dir dir;
	struct rob_run held; /* handed on last, freed at the next call */

	unsigned n_policies;
	struct stream_policy policies[MAX_POLICIES];
};

/* -- stream_state.c -- */

enum tcp_verdict {
	TCP_REFUSED, /* not of the session */
	TCP_TAKEN, /* of the session, its payload counts for nothing */
	TCP_DATA, /* its payload and FIN are to be taken */
};

/* Handshake, windows, acknowledgements, resets; sets events and counters. */
enum tcp_verdict tcp_packet(struct stream_ctx *c, struct tcp_session *s,
			    struct packet *pkt, enum flow_dir dir);
/* A FIN of 'dir' whose bytes end at 'off' was taken. */
void tcp_fin(struct tcp_session *s, enum flow_dir dir, uint64_t off);
/* Opens a session on its first packet, client already at index 0; false when
 * this packet may not open one. */
bool tcp_open(struct stream_ctx *c, struct tcp_session *s, struct packet *pkt,
	      enum flow_dir dir);

/* Offset of 'seq' in what 'd' sent; negative: before its first byte. */
static inline int64_t
tcp_offset(const struct tcp_side *d, uint32_t seq)
{
	uint32_t at = d->base_seq + (uint32_t)d->max_off;

	return (int64_t)d->max_off + (int32_t)(seq - at);
}

/* The right edge of the window in which 'd' may send. */
static inline uint64_t
side_edge(const struct tcp_side *d)
{
	return d->acked + d->room;
}

/* The room is at most what two windows allow, but for a receiver who
 * acknowledges what nobody sent. */
static inline void
side_set_edge(struct tcp_side *d, uint64_t acked, uint64_t edge)
{
	d->acked = acked;
	d->room = (uint32_t)MIN(edge - acked, (uint64_t)UINT32_MAX);
}

/* With SIDE_FIN: where the stream ends.  That is within a window of max_off,
 * which from then on only goes there. */
static inline uint64_t
side_fin(const struct tcp_side *d)
{
	uint32_t behind = d->fin_low - (uint32_t)d->max_off;

	return (uint64_t)((int64_t)d->max_off + (int32_t)behind);
}

static inline struct rob *
side_rob(const struct tcp_side *d)
{
	return d->waits ? d->more->rob : NULL;
}

static inline void
stream_event(struct packet *pkt, enum event_id e)
{
	event_set_add(&pkt->events, e);
}

/* An edge can be this much behind the real one, for acknowledgements that the
 * capture missed. */
#define TCP_EDGE_SLACK ((uint64_t)65535)

/* -- stream_shake.c -- */

/* Any packet with a SYN, when there is a session. */
enum tcp_verdict tcp_take_syn(struct stream_ctx *c, struct tcp_session *s,
			      struct packet *pkt, enum flow_dir dir);
/* Whether a packet ends the handshake; sets the state when it does. */
bool tcp_take_handshake_ack(struct stream_ctx *c, struct tcp_session *s,
			    struct packet *pkt, enum flow_dir dir);
/* Whether an answer to a SYN echoes a timestamp that a SYN had. */
bool tcp_echo_ok(const struct tcp_session *s, const struct packet *pkt,
		 enum flow_dir dir);
/* Whether 'ack' acknowledges one of the SYNs of 'dir', which then counts. */
bool tcp_syn_acked(struct stream_ctx *c, struct tcp_session *s,
		   enum flow_dir dir, uint32_t ack);

/* -- stream_odd.c -- */

/* The event for a segment outside the window, or of a wrong acknowledgement. */
enum event_id tcp_wrong_seq_event(const struct tcp_session *s,
				  const struct packet *pkt);
enum event_id tcp_wrong_ack_event(const struct tcp_session *s,
				  const struct packet *pkt);
/* Sets the events of a segment that fits but is odd; true: refuse it. */
bool tcp_odd_segment(const struct tcp_session *s, struct packet *pkt,
		     enum flow_dir dir, int64_t off, int64_t ack);

/* -- stream_urgent.c -- */

enum urgent_policy { URGENT_OOB, URGENT_INLINE, URGENT_DROP, URGENT_GAP };

enum urgent_policy urgent_policy_of(const struct conf *conf);
/* Notes the urgent byte of a segment at 'off'; false: refuse the segment. */
bool urgent_take(struct stream_ctx *c, struct tcp_side *d, struct packet *pkt,
		 int64_t off);
/*
 * Before 'data', which is next, is handed on: cuts it down to what stands
 * before the urgent byte.  True when that byte is its first: pass over it.
 */
bool urgent_cut(struct tcp_side *d, struct view *data);

/* What rules and parsers call the offset of a byte: urgent ones do not
 * count. */
static inline uint64_t
read_offset(const struct tcp_side *d, uint64_t off)
{
	return d->more == NULL ? off : off - d->more->left_out;
}

static inline uint64_t
stream_depth_of(const struct stream_ctx *c, const struct tcp_side *d)
{
	return (d->flags & SIDE_DEEP) != 0 ? c->file_depth : c->depth;
}

/* The last byte that may be handed on is before this. */
static inline uint64_t
stream_side_end(const struct stream_ctx *c, const struct tcp_side *d)
{
	uint64_t depth = stream_depth_of(c, d);

	return (d->flags & SIDE_FIN) != 0 ? MIN(side_fin(d), depth) : depth;
}

/* Whether bytes may be handed on: inline, before the handshake is over, as
 * there they must be judged before the receiver has them. */
static inline bool
stream_is_open(const struct stream_ctx *c, const struct tcp_session *s)
{
	return s->state >= TCP_ESTABLISHED || c->inline_mode;
}

/* -- stream.c -- */

/* Frees the run handed on last. */
static inline void
stream_drop_held(struct stream_ctx *c)
{
	if (UNLIKELY(c->held.block != NULL)) {
		pool_put(c->pool, c->held.block, c->held.block_size);
		c->mem -= c->held.block_size;
		c->held.block = NULL;
	}
}

/* The extension of 'd'; NULL when memory is out. */
struct side_more *side_extend(struct stream_ctx *c, struct tcp_side *d);

/* Forgets what waits for its turn in 'd'. */
void stream_drop_waiting(struct stream_ctx *c, struct tcp_side *d);

/* -- stream_take.c -- */

/*
 * Takes the payload of 'pkt', which 'd' of 's' sent and which begins at 'at'
 * (below 0: before the stream): what is next becomes c->data, what comes early
 * waits, what was handed on before is compared.
 */
void stream_take(struct stream_ctx *c, struct tcp_session *s,
		 struct tcp_side *d, struct packet *pkt, int64_t at);

/* -- stream_raw.c -- */

/* Appends bytes handed on; restarts behind a hole. */
void raw_append(struct stream_ctx *c, struct tcp_side *d, uint64_t off,
		struct view data);
/* Whether 'data' differs from what the window still holds of it. */
bool raw_differs(const struct tcp_side *d, uint64_t off, struct view data);
void raw_free(struct stream_ctx *c, struct tcp_side *d);

#endif
