/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow.h - the flow table of one worker
 *
 * Maps a packet's five-tuple (with VLANs) to the state that outlives it.
 *
 * Place    after defrag, before stream; never calls either.
 * Threads  one table per worker; nothing here may be shared.
 * Memory   bounded by flow.memcap, in regions that cost nothing before they
 *          are used, charged to the worker's pool; what hangs on a flow (TCP, application,
 *          rule state) is owned by those stages, which the worker ends before
 *          flow_release().
 * Cost     flow_find() does not allocate from the heap, lock or log.  It reads
 *          one line of the index and two of the flow; with flow_ahead_*()
 *          they are there before, and the index is not asked twice.
 */
#ifndef SENSOR_FLOW_H
#define SENSOR_FLOW_H

#include "common/conf.h"
#include "common/pool.h"
#include "sensor/flow_key.h"
#include "sensor/packet.h"

enum flow_dir { FLOW_TOSERVER = 0, FLOW_TOCLIENT = 1 };

/* EVE's flow.state */
enum flow_state { FLOW_NEW, FLOW_ESTABLISHED, FLOW_CLOSED };

/* EVE's flow.reason */
enum flow_end { FLOW_END_TIMEOUT, FLOW_END_FORCED, FLOW_END_SHUTDOWN };

struct tcp_session; /* stream.c */
struct app_flow; /* app_parser.h */
struct rule_flow; /* rules */

/*
 * Ordered by use.  A packet reads and writes the first two cache lines; the
 * third is for the flow's beginning and end, and for rules that matched.
 */
struct flow {
	/* Identity: index 0 is the initiator (client). */
	struct addr addr[2];
	uint16_t port[2];
	uint16_t vlan[PKT_MAX_VLANS];
	uint8_t n_vlans;
	uint8_t proto, ip_version;
	uint8_t timer; /* flow_timer.h: which timeout */
	uint8_t state; /* enum flow_state */
	uint8_t end; /* enum flow_end */
	uint32_t icmp_key; /* of an ICMP conversation: types, code, id; or 0 */
	uint8_t tcp_flags[2]; /* union of flags seen */
	uint16_t flags; /* enum flow_flags */
	uint64_t last_us;

	/* -- second line: by enum flow_dir, bytes are of L2 on -- */
	uint64_t pkts[2], bytes[2];
	/* What the later stages remember; each frees its own. */
	struct tcp_session *tcp;
	struct app_flow *app;
	uint32_t plan[2][2]; /* the rules' own, by direction; 0: none yet */

	/* -- third line -- */
	struct rule_flow *rules;
	uint64_t id; /* deterministic: same capture, same id; 53 bits */
	uint64_t first_us;
	uint64_t n_alerts;
	/* The table's own: bucket and its chain, timing wheel. */
	uint64_t hash;
	uint32_t chain;
	uint32_t prev, next;
	uint16_t slot;
	uint8_t icmp_type, icmp_code; /* of the first packet */
	uint16_t iface; /* of the first packet, as in struct frame */
	uint8_t evidence; /* enum evidence_flow */
	uint8_t contact_lane; /* contact_notes.h: of which exercise it is */
	uint32_t contact; /* and what was counted of it; 0: nothing */
} __attribute__((aligned(64)));
STATIC_ASSERT(sizeof(struct flow) == 192, "three cache lines");
STATIC_ASSERT(offsetof(struct flow, pkts) == 64 &&
		      offsetof(struct flow, rules) == 128,
	      "a packet touches two");

enum flow_flags {
	FLOW_IP_CHECKED_TOSERVER = 1 << 0, /* address-only rules were tried */
	FLOW_IP_CHECKED_TOCLIENT = 1 << 1,
	FLOW_SWAPPED = 1 << 2, /* roles were exchanged after a late start */
	FLOW_PASSED = 1 << 4, /* a pass rule matched for the whole flow */
	FLOW_REJECTED = 1 << 5, /* a drop or reject rule did */
	FLOW_BYPASSED = 1 << 6, /* a rule said that no more need be seen */
	FLOW_UNLINKED = 1 << 3, /* over: out of the hash, waits for release */
	/* overload.h: what was given up of it, so far */
	FLOW_SHED_ENCRYPTED = 1 << 7,
	FLOW_SHED_ELEPHANT = 1 << 8,
	FLOW_SHED_ALL = 1 << 9,
	FLOW_PRIORITY_MASK = 7 << 10, /* of its addresses; 0: not asked yet */
	FLOW_CONTACT = 1 << 13, /* contact_notes.h noted its beginning */
	FLOW_CONTACT_CLOSED = 1 << 14, /* and that TCP ended it */
	FLOW_CONTACT_SMALL = 1 << 15, /* contact_notes.h: bytes in 'contact' */
};
#define FLOW_PRIORITY_SHIFT 10

#define FLOW_JUDGED 8

struct flow_counters {
	/* TCP flows of which one side has sent FLOW_JUDGED packets, and of
	 * these those whose other side was not seen at all. */
	uint64_t tcp_judged, tcp_one_way;
	uint64_t total, tcp, udp, icmp, other; /* flows opened */
	uint64_t active, emergency_evicted, no_memory;
	uint64_t mem; /* bytes: records in use and buckets */
};

struct flow_table;

/*
 * Packet time that one wrong timestamp cannot move: a leap by more than
 * FLOW_DISORDER_US needs a second, different time that agrees.  Zeroed is
 * new.
 */
#define FLOW_DISORDER_US (10 * UINT64_C(1000000))
struct flow_clock {
	uint64_t now_us; /* the latest time that is believed */
	uint64_t claim_us; /* a leap that one packet claims; 0: none */
};
void flow_clock_leap(struct flow_clock *c, uint64_t ts_us);

static inline void
flow_clock_tick(struct flow_clock *c, uint64_t ts_us)
{
	/* One comparison for both ways: what is too early wraps around. */
	if (LIKELY(ts_us - c->now_us + FLOW_DISORDER_US <=
		   2 * FLOW_DISORDER_US)) {
		c->now_us = MAX(c->now_us, ts_us);
		c->claim_us = 0;
	} else {
		flow_clock_leap(c, ts_us);
	}
}

/*
 * Keys read: flow.memcap (128mb), flow.hash-size (flows to begin with), flow.prealloc,
 * flow-timeouts.{default,tcp,udp,icmp}.{new,established,closed} in seconds, as
 * Suricata's, vlan.use-for-tracking.  NULL when memory is out.
 */
struct flow_table *flow_table_new(const struct conf *conf, struct pool *pool);
/* All flows were released before; what is left is given back to the pool. */
void flow_table_free(struct flow_table *t);
/* The hash is keyed at random; a test may fix it while the table is empty. */
void flow_table_seed(struct flow_table *t, uint64_t seed);

/*
 * Looking ahead.  A worker that knows some packets of the future, each decoded
 * by decode_ahead() or of ip_version 0, takes them through three steps, some
 * packets apart: their hash, and the bucket is sent for; a guess at the
 * record, which is sent for; and what TCP remembers of the flow, and the first
 * of what its application does.  Guesses never change a result.
 */
void flow_ahead_bucket(const struct flow_table *t, struct packet *v,
		       unsigned n);
void flow_ahead_record(const struct flow_table *t, struct packet *v,
		       unsigned n);
void flow_ahead_session(const struct flow_table *t, const struct packet *v,
			unsigned n);
/* The flow that the second step found, if it is there still, or NULL. */
const struct flow *flow_guess(const struct flow_table *t,
			      const struct packet *p);
/* What the first of them puts in pkt->flow_hash, of any packet. */
uint64_t flow_hash(const struct flow_table *t, const struct packet *pkt);

/*
 * Finds the flow of 'pkt', opening one when there is none, and counts the
 * packet in it.  A flow idle for longer than its timeout at pkt's time is not
 * reused: it is left to flow_expire() and a new one opened, so that results
 * do not depend on when expiry runs (as long as packets are at most
 * FLOW_DISORDER_US out of order).  A TCP SYN on a flow in FLOW_CLOSED opens a
 * new one, too.  NULL for packets that have no flow (fragments, broken, not
 * IP) or when memory is out (counted).  '*dir' says which way it goes.  ICMP
 * errors are flows of their own.
 *
 * At flow.memcap, of sixteen flows, each time the next ones in the table, the
 * one that has used up most of its timeout is ended (FLOW_END_FORCED) and
 * handed over by the next flow_expire(); a small reserve carries new flows
 * until then.
 */
struct flow *flow_find(struct flow_table *t, const struct packet *pkt,
		       enum flow_dir *dir);

/* Which way 'pkt' goes in 'f': ask again after flow_swap(). */
enum flow_dir flow_packet_dir(const struct flow *f, const struct packet *pkt);

/* Exchanges client and server (counters, flags too): for a flow whose first
 * packet was the server's. */
void flow_swap(struct flow_table *t, struct flow *f);

/* How long 'f', over or not, may go without a packet in its state. */
uint64_t flow_timeout_us(const struct flow_table *t, const struct flow *f);

/* Stage that knows better sets the state; it decides the timeout. */
void flow_set_state(struct flow_table *t, struct flow *f, enum flow_state s);

/*
 * Hands over one flow whose time is up at 'now_us' (packet time), or NULL.
 * With 'all' every flow in order of its first packet.  The caller ends what
 * hangs on it, then calls flow_release().  Flows end at the first call behind
 * their time; which of them comes first is not said.
 *
 * A clock that leaps by more than FLOW_DISORDER_US is believed when a second
 * packet or call agrees, so that one wrong timestamp ends nothing.  A flow
 * whose last packet lies in the future by more than its timeout is over, too.
 * A flow is looked at once for each timeout that it lives, not at each call.
 */
struct flow *flow_expire(struct flow_table *t, uint64_t now_us, bool all);
/*
 * Sets the table's time without a second voice: by who sees the packets of
 * all tables, so that each table ends its flows at the same time.
 */
void flow_table_set_clock(struct flow_table *t, uint64_t now_us);
void flow_release(struct flow_table *t, struct flow *f);

const struct flow_counters *flow_counters(const struct flow_table *t);

/* Community ID v1 ("1:..."), seed 0 by default; returns the length. */
#define COMMUNITY_ID_CAP 40
/*
 * The ICMP type that answers 'type' (or that it answers), '*request' when
 * 'type' is the question; false for types that stand alone.
 */
bool icmp_counterpart(uint8_t proto, uint8_t type, uint8_t *other,
		      bool *request);
size_t flow_community_id(const struct flow *f, uint16_t seed,
			 char out[COMMUNITY_ID_CAP]);

#endif
