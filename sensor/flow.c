/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/flow.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/clock.h"
#include "sensor/flow_index.h"
#include "sensor/flow_same.h"
#include "sensor/flow_timer.h"

#define MEMCAP_DEFAULT ((uint64_t)128 << 20)
#define PREALLOC_DEFAULT 10000
#define HASH_SIZE_DEFAULT 1024
/* What others take a row for each of shares a bucket, which has seven places:
 * fewer pages are touched, and at random each costs a walk for its address. */
#define FLOWS_PER_BUCKET 4
#define MIN_FLOWS 256
#define MAX_FLOWS ((uint64_t)64 << 20)
/* Flows that may be open beyond the cap while ended ones wait. */
#define RESERVE 64
/* What a flow takes of flow.memcap: its record and its part of the index. */
#define FLOW_COST (sizeof(struct flow) + 20)

struct flow_table {
	struct flow_index index;
	struct flow_records rec;
	struct flow_keying key;
	uint32_t kind_mask; /* of what flow_same_kind() compares */
	struct flow_counters n;
	uint64_t max_flows;
	struct flow_timers timers;
};

void
flow_table_seed(struct flow_table *t, uint64_t seed)
{
	for (size_t i = 0; i < ARRAY_LEN(t->key.secret); i++) {
		seed = XXH3_64bits_withSeed(&i, sizeof(i), seed);
		t->key.secret[i] = seed | 1; /* a factor keeps all bits */
	}
}

static void
draw_secret(struct flow_table *t)
{
	uint64_t seed;

	if (getrandom(t->key.secret, sizeof(t->key.secret), 0) !=
	    sizeof(t->key.secret)) {
		seed = clock_wall_us() ^ (uintptr_t)t;
		flow_table_seed(t, seed);
	}
	for (size_t i = 0; i < ARRAY_LEN(t->key.secret); i++) {
		t->key.secret[i] |= 1;
	}
}

/* Address space for as many flows as the limits allow; nothing is used yet. */
static bool
records_init(struct flow_table *t, const struct conf *conf, struct pool *pool)
{
	uint64_t memcap = conf_u64(conf, "flow.memcap", MEMCAP_DEFAULT,
				   MIN_FLOWS * FLOW_COST, UINT64_MAX / 2);

	t->max_flows = MIN(memcap / FLOW_COST, MAX_FLOWS);
	return flow_records_init(
		&t->rec, pool,
		(uint32_t)MIN(t->max_flows + RESERVE,
			      pool_limit(pool) / sizeof(struct flow)));
}

/* Has the pages of the first 'n' records, and of the index that so many
 * flows need, come into being. */
static void
prealloc(struct flow_table *t, uint64_t n)
{
	n = MIN(n, t->rec.cap);
	pool_region_warm(t->rec.v, n * sizeof(struct flow));
	flow_index_warm(&t->index, n);
}

struct flow_table *
flow_table_new(const struct conf *conf, struct pool *pool)
{
	struct flow_table *t = pool_get(pool, sizeof(*t));
	uint64_t flows = conf_u64(conf, "flow.hash-size", HASH_SIZE_DEFAULT, 64,
				  UINT32_MAX);

	if (t == NULL) {
		return NULL;
	}
	memset(t, 0, sizeof(*t));
	t->key.vlans = conf_bool(conf, "vlan.use-for-tracking", true);
	t->kind_mask = flow_kind_mask(t->key.vlans);
	draw_secret(t);
	flow_timers_init(&t->timers, &t->rec, conf);
	if (!records_init(t, conf, pool) ||
	    !flow_index_init(&t->index, &t->rec, flows / FLOWS_PER_BUCKET,
			     t->max_flows + RESERVE)) {
		flow_table_free(t);
		return NULL;
	}
	t->n.mem = flow_index_bytes(&t->index);
	prealloc(t, conf_u64(conf, "flow.prealloc", PREALLOC_DEFAULT, 0,
			     UINT64_MAX));
	return t;
}

void
flow_table_free(struct flow_table *t)
{
	struct flow *f;

	if (t == NULL) {
		return;
	}
	if (t->rec.v != NULL) {
		flow_timers_end_all(&t->timers);
	}
	while ((f = flow_timers_ended(&t->timers)) != NULL) {
		flow_timers_forget(&t->timers, f);
		flow_records_put(&t->rec, f);
	}
	flow_index_fini(&t->index);
	flow_records_fini(&t->rec);
	pool_put(t->rec.pool, t, sizeof(*t));
}

static bool
is_icmp(uint8_t proto)
{
	return proto == IPP_ICMP || proto == IPP_ICMPV6;
}

/* Question and answer share one key; what stands alone has type and code. */
static uint32_t
icmp_key(const struct packet *pkt)
{
	uint8_t other, type = pkt->icmp_type;
	bool request;

	if ((pkt->flags & PKT_ICMP_ERROR) != 0 ||
	    !icmp_counterpart(pkt->proto, type, &other, &request)) {
		return (uint32_t)0xff << 24 | (uint32_t)type << 8 |
		       pkt->icmp_code;
	}
	return (uint32_t)(request ? type : other) << 16 |
	       (pkt->icmp_has_id ? pkt->icmp_id : 0);
}

static uint64_t
hash_packet(const struct flow_keying *k, const struct packet *pkt,
	    uint32_t icmp)
{
	return flow_key_hash(k, flow_key_v6(&pkt->src), flow_key_v6(&pkt->dst),
			     pkt->sport, pkt->dport,
			     flow_key_rest(k, pkt->ip_version, pkt->proto,
					   pkt->vlan, pkt->n_vlans, icmp));
}

uint64_t
flow_hash(const struct flow_table *t, const struct packet *pkt)
{
	return hash_packet(&t->key, pkt,
			   is_icmp(pkt->proto) ? icmp_key(pkt) : 0);
}

enum flow_dir
flow_packet_dir(const struct flow *f, const struct packet *pkt)
{
	if (pkt->sport != f->port[0] || pkt->dport != f->port[1] ||
	    !addr_eq(&pkt->src, &f->addr[0])) {
		return FLOW_TOCLIENT;
	}
	/* A host that pings itself: only the type tells the answer. */
	if (is_icmp(pkt->proto) && pkt->icmp_type != f->icmp_type &&
	    addr_eq(&pkt->src, &pkt->dst)) {
		return FLOW_TOCLIENT;
	}
	return FLOW_TOSERVER;
}

/*
 * Both ways are compared: which one it is cannot be foretold, a wrong guess
 * costs more than the second comparison.
 */
static inline __attribute__((always_inline)) bool
is_flow_of(const struct flow_table *t, const struct flow *f,
	   const struct packet *pkt, uint32_t icmp, enum flow_dir *dir)
{
	uint64_t to = flow_ends_differ(f, pkt, 0);
	uint64_t from = flow_ends_differ(f, pkt, 1);
	unsigned way = to != 0 ? FLOW_TOCLIENT : FLOW_TOSERVER;

	/* One branch, which nearly always goes the same way: the compiler is
	 * not to know that the mask has two values. */
	__asm__("" : "+r"(way));
	if (UNLIKELY((from & -(uint64_t)way) != 0)) {
		return false;
	}
	*dir = (enum flow_dir)way;
	if (UNLIKELY(is_icmp(pkt->proto))) {
		*dir = flow_packet_dir(f, pkt);
	}
	return f->icmp_key == icmp && flow_same_kind(f, pkt, t->kind_mask);
}

/*
 * Not keyed: an identity that two runs, and two sensors, agree on.  53 bits
 * survive readers that keep JSON numbers as doubles.
 */
static uint64_t
flow_identity(const struct packet *pkt, uint32_t icmp)
{
	struct {
		struct addr src, dst;
		uint64_t ts_us;
		uint32_t icmp, seq;
		uint16_t sport, dport;
		uint16_t vlan[PKT_MAX_VLANS];
		uint8_t proto, n_vlans;
		uint8_t pad[4];
	} in;
	uint64_t id;

	memset(&in, 0, sizeof(in));
	in.src = pkt->src;
	in.dst = pkt->dst;
	in.ts_us = pkt->frame->ts_us;
	in.icmp = icmp;
	in.seq = pkt->proto == IPP_TCP ? pkt->tcp_seq : pkt->ip_version;
	in.sport = pkt->sport;
	in.dport = pkt->dport;
	memcpy(in.vlan, pkt->vlan, pkt->n_vlans * sizeof(in.vlan[0]));
	in.proto = pkt->proto;
	in.n_vlans = pkt->n_vlans;
	id = XXH3_64bits_withSeed(&in, sizeof(in), 0) >> 11;
	return id != 0 ? id : 1;
}

static void
count_opened(struct flow_counters *n, uint8_t proto)
{
	n->total++;
	n->active++;
	n->tcp += proto == IPP_TCP;
	n->udp += proto == IPP_UDP;
	n->icmp += is_icmp(proto);
	n->other += proto != IPP_TCP && proto != IPP_UDP && !is_icmp(proto);
}

/* Takes 'f' out of the index; the worker gets it from flow_expire(). */
static __attribute__((noinline)) void
flow_end(struct flow_table *t, struct flow *f, enum flow_end end)
{
	flow_index_remove(&t->index, flow_index_of(&t->rec, f));
	f->flags |= FLOW_UNLINKED;
	flow_timers_end(&t->timers, f, end);
}

static bool
evict(struct flow_table *t)
{
	struct flow *victim = flow_timers_victim(&t->timers);

	if (victim == NULL) {
		return false;
	}
	flow_end(t, victim, FLOW_END_FORCED);
	t->n.emergency_evicted++;
	return true;
}

static uint32_t
flow_alloc(struct flow_table *t)
{
	uint32_t i = 0;

	if (t->n.active >= t->max_flows && t->timers.n_ended < RESERVE) {
		evict(t);
	}
	if (t->n.active < t->max_flows + RESERVE) {
		i = flow_records_take(&t->rec);
		if (i == 0 && t->timers.n_ended < RESERVE) {
			evict(t); /* makes room for the next */
		}
	}
	t->n.no_memory += i == 0;
	return i;
}

/* Kept apart, as what follows is once for each flow. */
static __attribute__((noinline)) struct flow *
flow_open(struct flow_table *t, const struct packet *pkt, uint64_t hash,
	  uint32_t icmp)
{
	uint32_t i = flow_alloc(t);
	struct flow *f = &t->rec.v[i];

	if (i == 0) {
		return NULL;
	}
	f->hash = hash;
	f->icmp_key = icmp;
	f->addr[0] = pkt->src;
	f->addr[1] = pkt->dst;
	f->port[0] = pkt->sport;
	f->port[1] = pkt->dport;
	memcpy(f->vlan, pkt->vlan, sizeof(f->vlan));
	f->n_vlans = pkt->n_vlans;
	f->proto = pkt->proto;
	f->ip_version = pkt->ip_version;
	f->iface = pkt->frame->iface;
	f->icmp_type = pkt->icmp_type;
	f->icmp_code = pkt->icmp_code;
	f->first_us = f->last_us = pkt->frame->ts_us;
	f->id = flow_identity(pkt, icmp);
	flow_index_add(&t->index, i);
	flow_timers_add(&t->timers, f);
	count_opened(&t->n, f->proto);
	t->n.mem = t->n.active * sizeof(*f) + flow_index_bytes(&t->index);
	return f;
}

/* Wire bytes of the packet: of the frame, or of the datagram when it is only
 * a part of the frame or was in several. */
static uint32_t
wire_bytes(const struct packet *pkt)
{
	if (pkt->depth > 0 || (pkt->flags & PKT_REASSEMBLED) != 0) {
		return (uint32_t)pkt->l3.len;
	}
	return pkt->frame->wirelen;
}

static inline void
flow_count(struct flow_table *t, struct flow *f, const struct packet *pkt,
	   enum flow_dir dir)
{
	f->last_us = MAX(f->last_us, pkt->frame->ts_us);
	f->pkts[dir]++;
	f->bytes[dir] += wire_bytes(pkt);
	f->tcp_flags[dir] |= pkt->tcp_flags;
	/* Once a flow: by the side that is first to have sent so many. */
	if (UNLIKELY(f->pkts[dir] == FLOW_JUDGED) && f->proto == IPP_TCP &&
	    f->pkts[!dir] < FLOW_JUDGED) {
		t->n.tcp_judged++;
		t->n.tcp_one_way += f->pkts[!dir] == 0;
	}
	if (UNLIKELY(f->state == FLOW_NEW) && f->proto != IPP_TCP &&
	    f->pkts[!dir] != 0) {
		flow_set_state(t, f, FLOW_ESTABLISHED);
	}
}

/* A connection that is over and opened anew on the same ports. */
static bool
is_reopened(const struct flow *f, const struct packet *pkt)
{
	return f->proto == IPP_TCP && f->state == FLOW_CLOSED &&
	       (pkt->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) ==
		       TCP_SYN;
}

/* By the index: for the first packet of a flow, and what nobody foresaw. */
static __attribute__((noinline)) struct flow *
look_up(const struct flow_table *t, const struct packet *pkt, uint64_t hash,
	uint32_t icmp, enum flow_dir *dir)
{
	const struct flow_bucket *b = flow_bucket_of(&t->index, hash);
	uint32_t lanes = flow_bucket_lanes(b, flow_tag_of(hash));

	for (; lanes != 0; lanes = flow_next_lanes(lanes)) {
		struct flow *f = &t->rec.v[b->at[flow_first_lane(lanes)]];

		if (LIKELY(is_flow_of(t, f, pkt, icmp, dir))) {
			return f;
		}
	}
	for (uint32_t i = b->over; UNLIKELY(i != 0); i = t->rec.v[i].chain) {
		if (is_flow_of(t, &t->rec.v[i], pkt, icmp, dir)) {
			return &t->rec.v[i];
		}
	}
	return NULL;
}

/*
 * The record that was guessed, when it still is the packet's: it may have been
 * given to another flow since, or have ended.
 */
static inline struct flow *
guessed(const struct flow_table *t, const struct packet *pkt, uint32_t icmp,
	enum flow_dir *dir)
{
	struct flow *f = &t->rec.v[pkt->flow_at];

	if (LIKELY(pkt->flow_at != 0 && (f->flags & FLOW_UNLINKED) == 0 &&
		   is_flow_of(t, f, pkt, icmp, dir))) {
		return f;
	}
	return NULL;
}

struct flow *
flow_find(struct flow_table *t, const struct packet *pkt, enum flow_dir *dir)
{
	struct flow *f;
	uint64_t hash = pkt->flow_hash;
	uint32_t icmp = 0;

	if (UNLIKELY(pkt->ip_version == 0 ||
		     (pkt->flags & (PKT_FRAGMENT | PKT_BROKEN)) != 0)) {
		return NULL;
	}
	flow_timers_tick(&t->timers, pkt->frame->ts_us);
	if (UNLIKELY(is_icmp(pkt->proto))) {
		icmp = icmp_key(pkt);
	}
	if (UNLIKELY(hash == 0)) {
		hash = hash_packet(&t->key, pkt, icmp);
	}
	f = guessed(t, pkt, icmp, dir);
	if (UNLIKELY(f == NULL)) {
		f = look_up(t, pkt, hash, icmp, dir);
	}
	if (f != NULL &&
	    UNLIKELY(flow_timers_over(&t->timers, f, pkt->frame->ts_us) ||
		     is_reopened(f, pkt))) {
		flow_end(t, f, FLOW_END_TIMEOUT);
		f = NULL;
	}
	if (UNLIKELY(f == NULL)) {
		f = flow_open(t, pkt, hash, icmp);
		if (f == NULL) {
			return NULL;
		}
		*dir = flow_packet_dir(f, pkt);
	}
	flow_count(t, f, pkt, *dir);
	return f;
}

void
flow_ahead_bucket(const struct flow_table *t, struct packet *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct packet *p = &v[i];

		p->flow_at = 0;
		p->flow_hash = 0;
		if (LIKELY(p->ip_version != 0)) {
			p->flow_hash = hash_packet(&t->key, p, 0);
			__builtin_prefetch(
				flow_bucket_of(&t->index, p->flow_hash));
		}
	}
}

void
flow_ahead_record(const struct flow_table *t, struct packet *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct flow_bucket *b =
			flow_bucket_of(&t->index, v[i].flow_hash);
		uint32_t lanes =
			flow_bucket_lanes(b, flow_tag_of(v[i].flow_hash));

		if (LIKELY(lanes != 0 && v[i].flow_hash != 0)) {
			const struct flow *f;

			v[i].flow_at = b->at[flow_first_lane(lanes)];
			f = &t->rec.v[v[i].flow_at];
			__builtin_prefetch(f, 1);
			__builtin_prefetch(f->pkts, 1);
		}
	}
}

const struct flow *
flow_guess(const struct flow_table *t, const struct packet *p)
{
	const struct flow *f = &t->rec.v[p->flow_at];

	return LIKELY(p->flow_at != 0 && (f->flags & FLOW_UNLINKED) == 0)
		       ? f
		       : NULL;
}

void
flow_ahead_session(const struct flow_table *t, const struct packet *v,
		   unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct flow *f = flow_guess(t, &v[i]);

		if (f != NULL) {
			uintptr_t s = (uintptr_t)f->tcp; /* or 0 */

			__builtin_prefetch((const void *)s, 1);
			__builtin_prefetch((const void *)(s + 64), 1);
			__builtin_prefetch(f->app);
		}
	}
}

#define SWAP(a, b) \
	do { \
		__typeof__(a) swap_ = (a); \
		(a) = (b); \
		(b) = swap_; \
	} while (0)

void
flow_swap(struct flow_table *t, struct flow *f)
{
	unsigned ip = f->flags &
		      (FLOW_IP_CHECKED_TOSERVER | FLOW_IP_CHECKED_TOCLIENT);

	(void)t; /* the hash does not know directions */
	SWAP(f->addr[0], f->addr[1]);
	SWAP(f->port[0], f->port[1]);
	SWAP(f->pkts[0], f->pkts[1]);
	SWAP(f->bytes[0], f->bytes[1]);
	SWAP(f->tcp_flags[0], f->tcp_flags[1]);
	memset(f->plan, 0, sizeof(f->plan));
	f->flags &= ~ip;
	f->flags |= (ip & FLOW_IP_CHECKED_TOSERVER) != 0
			    ? FLOW_IP_CHECKED_TOCLIENT
			    : 0;
	f->flags |= (ip & FLOW_IP_CHECKED_TOCLIENT) != 0
			    ? FLOW_IP_CHECKED_TOSERVER
			    : 0;
	f->flags ^= FLOW_SWAPPED;
}

uint64_t
flow_timeout_us(const struct flow_table *t, const struct flow *f)
{
	return t->timers.timeout_us[flow_timer_of(f)];
}

void
flow_set_state(struct flow_table *t, struct flow *f, enum flow_state s)
{
	if (f->state != s) {
		f->state = (uint8_t)s;
		flow_timers_restate(&t->timers, f);
	}
}

void
flow_table_set_clock(struct flow_table *t, uint64_t now_us)
{
	struct flow_clock *c = &t->timers.clock;

	if (c->now_us > now_us && c->now_us - now_us > FLOW_DISORDER_US) {
		t->timers.stepped_back = true;
	}
	*c = (struct flow_clock){ .now_us = now_us };
}

struct flow *
flow_expire(struct flow_table *t, uint64_t now_us, bool all)
{
	struct flow *f;

	if (all) {
		if (flow_timers_end_all(&t->timers)) {
			flow_index_reset(&t->index);
		}
	} else {
		flow_timers_tick(&t->timers, now_us);
		f = flow_timers_due(&t->timers);
		if (f != NULL) {
			flow_end(t, f, FLOW_END_TIMEOUT);
			/* While the caller ends this one, send for the next. */
			__builtin_prefetch(flow_bucket_of(
				&t->index, t->rec.v[t->timers.pending].hash));
		}
	}
	return flow_timers_ended(&t->timers);
}

void
flow_release(struct flow_table *t, struct flow *f)
{
	if ((f->flags & FLOW_UNLINKED) == 0) {
		flow_end(t, f, (enum flow_end)f->end);
	}
	flow_timers_forget(&t->timers, f);
	flow_records_put(&t->rec, f);
	t->n.active--;
	t->n.mem -= sizeof(*f);
}

const struct flow_counters *
flow_counters(const struct flow_table *t)
{
	return &t->n;
}
