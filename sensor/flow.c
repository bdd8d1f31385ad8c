/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/flow.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/clock.h"
#include "sensor/flow_timer.h"

/* The hash is a table of blocks, as the pool's largest block is 1 MiB. */
#define HEADS_SHIFT 17
#define HEADS_PER_BLOCK ((uint32_t)1 << HEADS_SHIFT)
#define MAX_HEAD_BLOCKS 16
#define SECRET_LEN 192

#define MEMCAP_DEFAULT ((uint64_t)128 << 20)
#define PREALLOC_DEFAULT 10000
/* Flows that may be open beyond the cap while ended ones wait. */
#define RESERVE 64

/* What is hashed: both directions of a flow give the same bytes. */
struct key {
	struct addr lo, hi;
	uint16_t lo_port, hi_port;
	uint16_t vlan[PKT_MAX_VLANS];
	uint8_t proto, ip_version;
	uint32_t icmp_key;
};
STATIC_ASSERT(sizeof(struct key) == 48, "hashed whole: no padding");

struct flow_table {
	struct flow **heads[MAX_HEAD_BLOCKS];
	uint32_t mask;
	size_t head_bytes; /* of each block */
	struct pool *pool;
	struct flow_timers timers;
	struct flow_counters n;
	uint64_t max_flows;
	bool use_vlans;
	uint8_t secret[SECRET_LEN];
};

void
flow_table_seed(struct flow_table *t, uint64_t seed)
{
	XXH64_hash_t x = seed;

	for (size_t i = 0; i + sizeof(x) <= SECRET_LEN; i += sizeof(x)) {
		x = XXH3_64bits_withSeed(&i, sizeof(i), x);
		memcpy(t->secret + i, &x, sizeof(x));
	}
}

static void
draw_secret(struct flow_table *t)
{
	if (getrandom(t->secret, SECRET_LEN, 0) != SECRET_LEN) {
		flow_table_seed(t, clock_wall_us() ^ (uintptr_t)t);
	}
}

static void
heads_clear(struct flow_table *t)
{
	for (unsigned i = 0; i < MAX_HEAD_BLOCKS; i++) {
		if (t->heads[i] != NULL) {
			memset(t->heads[i], 0, t->head_bytes);
		}
	}
}

static bool
heads_init(struct flow_table *t, const struct conf *conf)
{
	uint64_t want = conf_u64(conf, "flow.hash-size", 65536, 64,
				 (uint64_t)HEADS_PER_BLOCK * MAX_HEAD_BLOCKS);
	uint32_t n = 64, per_block;

	/* At the cap a chain holds two flows on average. */
	want = MAX(want, t->max_flows / 2);
	while (n < want && n < HEADS_PER_BLOCK * MAX_HEAD_BLOCKS) {
		n *= 2;
	}
	t->mask = n - 1;
	per_block = MIN(n, HEADS_PER_BLOCK);
	t->head_bytes = per_block * sizeof(struct flow *);
	for (uint32_t i = 0; i < n / per_block; i++) {
		t->heads[i] = pool_get(t->pool, t->head_bytes);
		if (t->heads[i] == NULL) {
			return false;
		}
	}
	heads_clear(t);
	return true;
}

/* Draws blocks and returns them, so that the pool has them at hand. */
static void
prealloc(struct flow_table *t, uint64_t n)
{
	struct flow *chain = NULL, *f;

	for (; n > 0 && (f = pool_get(t->pool, sizeof(*f))) != NULL; n--) {
		f->next = chain;
		chain = f;
	}
	while ((f = chain) != NULL) {
		chain = f->next;
		pool_put(t->pool, f, sizeof(*f));
	}
}

struct flow_table *
flow_table_new(const struct conf *conf, struct pool *pool)
{
	struct flow_table *t = pool_get(pool, sizeof(*t));

	if (t == NULL) {
		return NULL;
	}
	memset(t, 0, sizeof(*t));
	t->pool = pool;
	t->max_flows = conf_u64(conf, "flow.memcap", MEMCAP_DEFAULT,
				256 * sizeof(struct flow), UINT64_MAX / 2) /
		       pool_class_size(sizeof(struct flow));
	t->use_vlans = conf_bool(conf, "vlan.use-for-tracking", true);
	flow_timers_init(&t->timers, conf);
	draw_secret(t);
	if (!heads_init(t, conf)) {
		flow_table_free(t);
		return NULL;
	}
	prealloc(t,
		 MIN(t->max_flows, conf_u64(conf, "flow.prealloc",
					    PREALLOC_DEFAULT, 0, UINT64_MAX)));
	return t;
}

void
flow_table_free(struct flow_table *t)
{
	struct flow *f;

	if (t == NULL) {
		return;
	}
	flow_timers_end_all(&t->timers);
	while ((f = t->timers.ended.oldest) != NULL) {
		flow_timers_remove(&t->timers, f);
		pool_put(t->pool, f, sizeof(*f));
	}
	for (unsigned i = 0; i < MAX_HEAD_BLOCKS; i++) {
		pool_put(t->pool, t->heads[i], t->head_bytes);
	}
	pool_put(t->pool, t, sizeof(*t));
}

static struct flow **
head_of(const struct flow_table *t, uint32_t hash)
{
	uint32_t i = hash & t->mask;

	return &t->heads[i >> HEADS_SHIFT][i & (HEADS_PER_BLOCK - 1)];
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

static void
make_key(const struct flow_table *t, const struct packet *pkt, struct key *k)
{
	int cmp = addr_cmp(&pkt->src, &pkt->dst);
	bool fwd = cmp < 0 || (cmp == 0 && pkt->sport <= pkt->dport);

	k->lo = fwd ? pkt->src : pkt->dst;
	k->hi = fwd ? pkt->dst : pkt->src;
	k->lo_port = fwd ? pkt->sport : pkt->dport;
	k->hi_port = fwd ? pkt->dport : pkt->sport;
	memset(k->vlan, 0xff, sizeof(k->vlan)); /* 0xffff: no such tag */
	for (unsigned i = 0; t->use_vlans && i < pkt->n_vlans; i++) {
		k->vlan[i] = pkt->vlan[i];
	}
	k->proto = pkt->proto;
	k->ip_version = pkt->ip_version;
	k->icmp_key = is_icmp(pkt->proto) ? icmp_key(pkt) : 0;
}

static bool
same_vlans(const struct flow *f, const struct packet *pkt)
{
	return f->n_vlans == pkt->n_vlans &&
	       memcmp(f->vlan, pkt->vlan,
		      pkt->n_vlans * sizeof(pkt->vlan[0])) == 0;
}

static bool
is_flow_of(const struct flow_table *t, const struct flow *f,
	   const struct packet *pkt, uint32_t icmp)
{
	bool fwd, back;

	fwd = f->port[0] == pkt->sport && f->port[1] == pkt->dport &&
	      addr_eq(&f->addr[0], &pkt->src) &&
	      addr_eq(&f->addr[1], &pkt->dst);
	back = !fwd && f->port[1] == pkt->sport && f->port[0] == pkt->dport &&
	       addr_eq(&f->addr[1], &pkt->src) &&
	       addr_eq(&f->addr[0], &pkt->dst);
	return (fwd || back) && f->proto == pkt->proto &&
	       f->ip_version == pkt->ip_version && f->icmp_key == icmp &&
	       (!t->use_vlans || same_vlans(f, pkt));
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

/* Takes 'f' out of the hash; the worker gets it from flow_expire(). */
static void
flow_end(struct flow_table *t, struct flow *f, enum flow_end end)
{
	struct flow **at = head_of(t, f->hash);

	while (*at != f) {
		at = &(*at)->next;
	}
	*at = f->next;
	f->next = NULL;
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

static struct flow *
flow_alloc(struct flow_table *t)
{
	struct flow *f = NULL;

	if (t->n.active >= t->max_flows && t->timers.n_ended < RESERVE) {
		evict(t);
	}
	if (t->n.active < t->max_flows + RESERVE) {
		f = pool_get(t->pool, sizeof(*f));
		if (f == NULL && t->timers.n_ended < RESERVE) {
			evict(t); /* makes room for the next */
		}
	}
	if (f == NULL) {
		t->n.no_memory++;
	}
	return f;
}

static struct flow *
flow_open(struct flow_table *t, const struct packet *pkt, uint32_t hash,
	  uint32_t icmp)
{
	struct flow *f = flow_alloc(t), **head;

	if (f == NULL) {
		return NULL;
	}
	memset(f, 0, sizeof(*f));
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
	f->icmp_type = pkt->icmp_type;
	f->icmp_code = pkt->icmp_code;
	f->first_us = f->last_us = pkt->frame->ts_us;
	f->id = flow_identity(pkt, icmp);
	head = head_of(t, hash);
	f->next = *head;
	*head = f;
	flow_timers_add(&t->timers, f);
	count_opened(&t->n, f->proto);
	t->n.mem += pool_class_size(sizeof(*f));
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

static void
flow_count(struct flow_table *t, struct flow *f, const struct packet *pkt,
	   enum flow_dir dir)
{
	f->last_us = f->pkts[0] + f->pkts[1] == 0
			     ? pkt->frame->ts_us
			     : MAX(f->last_us, pkt->frame->ts_us);
	f->pkts[dir]++;
	f->bytes[dir] += wire_bytes(pkt);
	f->tcp_flags[dir] |= pkt->tcp_flags;
	if (f->state == FLOW_NEW && f->proto != IPP_TCP && f->pkts[!dir] != 0) {
		f->state = FLOW_ESTABLISHED;
	}
	flow_timers_touch(&t->timers, f);
}

/* A connection that is over and opened anew on the same ports. */
static bool
is_reopened(const struct flow *f, const struct packet *pkt)
{
	return f->proto == IPP_TCP && f->state == FLOW_CLOSED &&
	       (pkt->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) ==
		       TCP_SYN;
}

struct flow *
flow_find(struct flow_table *t, const struct packet *pkt, enum flow_dir *dir)
{
	struct key k;
	struct flow *f;
	uint32_t hash;

	if (pkt->ip_version == 0 ||
	    (pkt->flags & (PKT_FRAGMENT | PKT_BROKEN)) != 0) {
		return NULL;
	}
	flow_clock_tick(&t->timers.clock, pkt->frame->ts_us);
	make_key(t, pkt, &k);
	hash = (uint32_t)XXH3_64bits_withSecret(&k, sizeof(k), t->secret,
						SECRET_LEN);
	for (f = *head_of(t, hash); f != NULL; f = f->next) {
		if (f->hash == hash && is_flow_of(t, f, pkt, k.icmp_key)) {
			break;
		}
	}
	if (f != NULL && (flow_timers_over(&t->timers, f, pkt->frame->ts_us) ||
			  is_reopened(f, pkt))) {
		flow_end(t, f, FLOW_END_TIMEOUT);
		f = NULL;
	}
	if (f == NULL) {
		f = flow_open(t, pkt, hash, k.icmp_key);
		if (f == NULL) {
			return NULL;
		}
	}
	*dir = flow_packet_dir(f, pkt);
	flow_count(t, f, pkt, *dir);
	return f;
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
	uint32_t ip = f->flags &
		      (FLOW_IP_CHECKED_TOSERVER | FLOW_IP_CHECKED_TOCLIENT);

	(void)t; /* the hash does not know directions */
	SWAP(f->addr[0], f->addr[1]);
	SWAP(f->port[0], f->port[1]);
	SWAP(f->pkts[0], f->pkts[1]);
	SWAP(f->bytes[0], f->bytes[1]);
	SWAP(f->tcp_flags[0], f->tcp_flags[1]);
	f->flags &= ~ip;
	f->flags |= (ip & FLOW_IP_CHECKED_TOSERVER) != 0
			    ? FLOW_IP_CHECKED_TOCLIENT
			    : 0;
	f->flags |= (ip & FLOW_IP_CHECKED_TOCLIENT) != 0
			    ? FLOW_IP_CHECKED_TOSERVER
			    : 0;
	f->flags ^= FLOW_SWAPPED;
}

void
flow_set_state(struct flow_table *t, struct flow *f, enum flow_state s)
{
	if (f->state != s) {
		f->state = s;
		flow_timers_touch(&t->timers, f);
	}
}

void
flow_table_set_clock(struct flow_table *t, uint64_t now_us)
{
	t->timers.clock = (struct flow_clock){ .now_us = now_us };
}

struct flow *
flow_expire(struct flow_table *t, uint64_t now_us, bool all)
{
	struct flow *f;

	if (all) {
		if (flow_timers_end_all(&t->timers)) {
			heads_clear(t);
		}
	} else {
		flow_clock_tick(&t->timers.clock, now_us);
		f = flow_timers_due(&t->timers);
		if (f != NULL) {
			flow_end(t, f, FLOW_END_TIMEOUT);
		}
	}
	return t->timers.ended.oldest;
}

void
flow_release(struct flow_table *t, struct flow *f)
{
	if ((f->flags & FLOW_UNLINKED) == 0) {
		flow_end(t, f, f->end);
	}
	flow_timers_remove(&t->timers, f);
	t->n.active--;
	t->n.mem -= pool_class_size(sizeof(*f));
	pool_put(t->pool, f, sizeof(*f));
}

const struct flow_counters *
flow_counters(const struct flow_table *t)
{
	return &t->n;
}
