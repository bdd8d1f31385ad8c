/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/floor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "tests/bench/measure.h"

#define WINDOW ((size_t)1 << 20)
#define RECORD_MAX ((size_t)1 << 18)
#define BATCH 32
#define WAYS 8
#define TAIL 63 /* bytes of a direction that a literal may begin in */
#define NOT_FOUND UINT32_MAX
/* Each level is compiled for itself. */
#define FOR_LEVEL static inline __attribute__((always_inline))

/* A packet, as far as the floor needs it. */
struct mini {
	uint64_t key[5]; /* both ends in order, ports, protocol */
	uint64_t hash;
	const uint8_t *payload;
	uint32_t len;
	uint32_t seq;
	uint8_t proto, flags;
	uint8_t side; /* 1: the ends were exchanged for the key */
	bool has_key;
};

/* A cache line of the table: short hashes, then where the flows are. */
struct bucket {
	uint16_t tag[WAYS]; /* 0: free */
	uint32_t flow[WAYS];
	uint32_t unused[4];
} __attribute__((aligned(64)));

struct mini_flow {
	uint64_t key[5];
	uint64_t bytes;
	uint32_t packets[2];
	/* second line */
	uint32_t next_seq[2], first_seq[2];
	bool has_seq[2];
	uint8_t client; /* the side that spoke first */
	uint8_t tail_len[2];
	uint8_t unused[43];
	/* third and fourth */
	uint8_t tail[2][64];
} __attribute__((aligned(64)));
STATIC_ASSERT(sizeof(struct bucket) == 64, "one line");
STATIC_ASSERT(sizeof(struct mini_flow) == 256, "four lines");

struct floor {
	struct floor_counts n;
	struct floor_literals lits;
	struct prefilter_scratch *scratch;
	uint64_t *bits;
	struct prefilter_hit *hits;
	struct bucket *buckets;
	uint64_t mask;
	struct mini_flow *flows;
	uint32_t n_flows, max_flows;
	uint8_t *window;
	uint64_t sum; /* of what was read, so that reading is not left out */
};

static void *
reserve(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		bench_die("floor", "out of memory");
	}
	(void)madvise(p, n, MADV_HUGEPAGE);
	return p;
}

static size_t
buckets_bytes(const struct floor *f)
{
	return (size_t)(f->mask + 1) * sizeof(f->buckets[0]);
}

struct floor *
floor_new(uint32_t max_flows, const struct floor_literals *lits)
{
	struct floor *f = calloc(1, sizeof(*f));
	uint64_t n = 1;
	uint32_t ids = 1;

	if (f == NULL) {
		bench_die("floor", "out of memory");
	}
	while (n * WAYS < (uint64_t)max_flows * 2) {
		n *= 2;
	}
	f->mask = n - 1;
	f->max_flows = max_flows;
	f->buckets = reserve(buckets_bytes(f));
	f->flows = reserve((size_t)max_flows * sizeof(f->flows[0]));
	f->window = reserve(WINDOW + RECORD_MAX);
	f->scratch = prefilter_scratch_new();
	for (unsigned d = 0; lits != NULL && d < 2; d++) {
		f->lits.prefilter[d] = lits->prefilter[d];
		ids = MAX(ids, lits->n[d]);
		if (prefilter_scratch_grow(f->scratch, lits->prefilter[d]) !=
		    ERR_OK) {
			bench_die("floor", "out of memory");
		}
	}
	f->bits = calloc(ids / 64 + 1, sizeof(f->bits[0]));
	f->hits = calloc(ids, sizeof(f->hits[0]));
	if (f->scratch == NULL || f->bits == NULL || f->hits == NULL) {
		bench_die("floor", "out of memory");
	}
	return f;
}

void
floor_free(struct floor *f)
{
	if (f == NULL) {
		return;
	}
	munmap(f->buckets, buckets_bytes(f));
	munmap(f->flows, (size_t)f->max_flows * sizeof(f->flows[0]));
	munmap(f->window, WINDOW + RECORD_MAX);
	prefilter_scratch_free(f->scratch);
	free(f->bits);
	free(f->hits);
	free(f);
}

void
floor_reset(struct floor *f)
{
	memset(f->buckets, 0, buckets_bytes(f));
	f->n_flows = 0;
	f->n = (struct floor_counts){ 0 };
}

const struct floor_counts *
floor_counts(const struct floor *f)
{
	return &f->n;
}

static inline uint64_t
fold(uint64_t a, uint64_t b)
{
	unsigned __int128 x = (unsigned __int128)a * b;

	return (uint64_t)x ^ (uint64_t)(x >> 64);
}

static inline uint64_t
load_u64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

/* Both directions of a conversation have one key. */
static inline void
set_key(struct mini *m, const uint64_t a[2], const uint64_t b[2],
	uint16_t a_port, uint16_t b_port)
{
	bool turn = a[0] != b[0]   ? a[0] > b[0]
		    : a[1] != b[1] ? a[1] > b[1]
				   : a_port > b_port;
	const uint64_t *lo = turn ? b : a, *hi = turn ? a : b;

	m->side = turn;
	m->key[0] = lo[0];
	m->key[1] = lo[1];
	m->key[2] = hi[0];
	m->key[3] = hi[1];
	m->key[4] = (uint64_t)(turn ? b_port : a_port) << 32 |
		    (uint64_t)(turn ? a_port : b_port) << 16 | m->proto;
	m->hash = fold(fold(m->key[0] ^ UINT64_C(0x8ebc6af09c88c6e3),
			    m->key[1] ^ UINT64_C(0x589965cc75374cc3)) ^
			       fold(m->key[2] ^ UINT64_C(0x1d8e4e27c47d124f),
				    m->key[3] ^ UINT64_C(0xeb44accab455d165)),
		       m->key[4] ^ UINT64_C(0xa0761d6478bd642f));
	m->has_key = true;
}

/* Ethernet, VLAN tags, IPv4 or IPv6 without extension headers, TCP or UDP. */
static inline void
decode(struct mini *m, const uint8_t *p, uint32_t n)
{
	uint64_t a[2] = { 0 }, b[2] = { 0 };
	uint32_t at = 14, end;
	uint16_t type;

	m->has_key = false;
	m->hash = 0;
	if (n < 34) {
		return;
	}
	type = load_be16(p + 12);
	while ((type == 0x8100 || type == 0x88a8) && at + 24 <= n) {
		type = load_be16(p + at + 2);
		at += 4;
	}
	if (type == 0x0800) {
		uint32_t head = (uint32_t)(p[at] & 15) * 4;
		uint32_t total = load_be16(p + at + 2);

		if (at + 20 > n || head < 20 || total < head ||
		    (load_be16(p + at + 6) & 0x1fff) != 0) {
			return;
		}
		end = MIN(at + total, n);
		m->proto = p[at + 9];
		memcpy(&a[0], p + at + 12, 4);
		memcpy(&b[0], p + at + 16, 4);
		at += head;
	} else if (type == 0x86dd && at + 40 <= n) {
		end = MIN(at + 40 + load_be16(p + at + 4), n);
		m->proto = p[at + 6];
		a[0] = load_u64(p + at + 8);
		a[1] = load_u64(p + at + 16);
		b[0] = load_u64(p + at + 24);
		b[1] = load_u64(p + at + 32);
		at += 40;
	} else {
		return;
	}
	if (m->proto == 6 && at + 20 <= end) {
		uint32_t head = (uint32_t)(p[at + 12] >> 4) * 4;

		if (head < 20 || at + head > end) {
			return;
		}
		m->seq = load_be32(p + at + 4);
		m->flags = p[at + 13];
		m->payload = p + at + head;
		m->len = end - at - head;
	} else if (m->proto == 17 && at + 8 <= end) {
		m->payload = p + at + 8;
		m->len = end - at - 8;
	} else {
		return;
	}
	set_key(m, a, b, load_be16(p + at), load_be16(p + at + 2));
}

static inline uint16_t
tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48) | 1;
}

/* The flow of the first slot with the tag; NOT_FOUND: none has it. */
static inline uint32_t
bucket_find(const struct bucket *b, uint16_t tag)
{
#ifdef __SSE2__
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)b->tag);
	int hit = _mm_movemask_epi8(
		_mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag)));

	return hit != 0 ? b->flow[__builtin_ctz((unsigned)hit) / 2] : NOT_FOUND;
#else
	for (unsigned i = 0; i < WAYS; i++) {
		if (b->tag[i] == tag) {
			return b->flow[i];
		}
	}
	return NOT_FOUND;
#endif
}

static inline bool
same_key(const uint64_t a[5], const uint64_t b[5])
{
	return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) |
		(a[4] ^ b[4])) == 0;
}

/* The bucket that takes what its own has no room for. */
static inline struct bucket *
second_bucket(struct floor *f, uint64_t hash)
{
	return &f->buckets[(hash ^ fold(tag_of(hash), 0x5bd1e995)) & f->mask];
}

/* Looks at every slot that may have it; opens it when none does. */
static uint32_t
find_slowly(struct floor *f, const struct mini *m)
{
	struct bucket *b[2] = { &f->buckets[m->hash & f->mask],
				second_bucket(f, m->hash) };
	uint16_t tag = tag_of(m->hash);

	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 0; i < WAYS; i++) {
			if (b[k]->tag[i] == tag &&
			    same_key(f->flows[b[k]->flow[i]].key, m->key)) {
				return b[k]->flow[i];
			}
		}
	}
	for (unsigned k = 0; k < 2 && f->n_flows < f->max_flows; k++) {
		for (unsigned i = 0; i < WAYS; i++) {
			if (b[k]->tag[i] == 0) {
				struct mini_flow *fl = &f->flows[f->n_flows];

				memset(fl, 0, 128);
				memcpy(fl->key, m->key, sizeof(fl->key));
				fl->client = m->side;
				b[k]->tag[i] = tag;
				b[k]->flow[i] = f->n_flows;
				f->n.flows++;
				return f->n_flows++;
			}
		}
	}
	f->n.no_room++;
	return NOT_FOUND;
}

/* Cuts off what was there before; false when nothing is new. */
static inline bool
in_order(struct floor *f, struct mini_flow *fl, struct mini *m)
{
	int32_t ahead;

	if ((m->flags & TCP_SYN) != 0) {
		fl->next_seq[m->side] = m->seq + 1;
		fl->first_seq[m->side] = m->seq + 1;
		fl->has_seq[m->side] = true;
		fl->tail_len[m->side] = 0;
		return false;
	}
	if (m->len == 0) {
		return false;
	}
	ahead = (int32_t)(m->seq - fl->next_seq[m->side]);
	if (UNLIKELY(!fl->has_seq[m->side])) {
		fl->has_seq[m->side] = true;
		fl->first_seq[m->side] = m->seq;
		ahead = 0;
	} else if (UNLIKELY(ahead > 0)) {
		f->n.out_of_order++;
		fl->tail_len[m->side] = 0;
	} else if (UNLIKELY(ahead < 0)) {
		uint32_t old = (uint32_t)-ahead;

		f->n.repeated++;
		if (old >= m->len) {
			return false;
		}
		m->payload += old;
		m->len -= old;
		m->seq += old;
	}
	fl->next_seq[m->side] = m->seq + m->len;
	return true;
}

/* 'base' is where in the stream, or the datagram, 'p' begins. */
static inline void
look(struct floor *f, unsigned dir, const uint8_t *p, size_t n, size_t fresh,
     uint64_t base)
{
	const struct prefilter_input in = { view_of(p, n), fresh, base };
	size_t found = prefilter_scan(f->lits.prefilter[dir], f->scratch, &in,
				      f->bits, f->hits);

	f->n.found += found;
	for (size_t i = 0; i < found; i++) {
		f->bits[f->hits[i].id / 64] = 0;
	}
}

/* Once over the new bytes, and over the seam to those before them. */
static void
scan(struct floor *f, struct mini_flow *fl, const struct mini *m)
{
	unsigned dir = m->side != fl->client;
	uint8_t seam[2 * TAIL + 2], *tail = fl->tail[m->side];
	uint32_t had = fl->tail_len[m->side], head = MIN(m->len, TAIL), base;

	if (m->proto != 6) {
		look(f, dir, m->payload, m->len, 0, 0);
		return;
	}
	base = m->seq - fl->first_seq[m->side];
	look(f, dir, m->payload, m->len, 0, base);
	if (had > 0) {
		memcpy(seam, tail, had);
		memcpy(seam + had, m->payload, head);
		look(f, dir, seam, had + head, had, base - had);
	}
	if (m->len >= TAIL) {
		memcpy(tail, m->payload + m->len - TAIL, TAIL);
		fl->tail_len[m->side] = TAIL;
	} else {
		uint32_t keep = MIN(had, TAIL - m->len);

		memmove(tail, tail + had - keep, keep);
		memcpy(tail + keep, m->payload, m->len);
		fl->tail_len[m->side] = (uint8_t)(keep + m->len);
	}
}

/* One packet whose flow is known to be at 'at', or NOT_FOUND. */
FOR_LEVEL void
one(struct floor *f, enum floor_level level, struct mini *m, uint32_t at)
{
	struct mini_flow *fl;

	if (at == NOT_FOUND || !same_key(f->flows[at].key, m->key)) {
		at = find_slowly(f, m);
		if (at == NOT_FOUND) {
			return;
		}
	}
	fl = &f->flows[at];
	fl->packets[m->side]++;
	fl->bytes += m->len;
	if (level < FLOOR_TCP ||
	    (m->proto == 6 ? !in_order(f, fl, m) : m->len == 0)) {
		return;
	}
	f->n.payload += m->len;
	if (level >= FLOOR_SCAN) {
		scan(f, fl, m);
	}
}

/* Memory is asked for a whole batch ahead: one miss hides the others. */
FOR_LEVEL void
batch(struct floor *f, enum floor_level level, struct mini *v, unsigned n)
{
	uint32_t at[BATCH];

	for (unsigned i = 0; i < n; i++) {
		f->n.decoded += v[i].has_key;
		if (level > FLOOR_DECODE && v[i].has_key) {
			__builtin_prefetch(&f->buckets[v[i].hash & f->mask]);
		}
	}
	for (unsigned i = 0; level > FLOOR_DECODE && i < n; i++) {
		struct mini_flow *fl;

		if (!v[i].has_key) {
			continue;
		}
		at[i] = bucket_find(&f->buckets[v[i].hash & f->mask],
				    tag_of(v[i].hash));
		if (at[i] != NOT_FOUND) {
			fl = &f->flows[at[i]];
			__builtin_prefetch(fl, 1);
			__builtin_prefetch(&fl->next_seq, 1);
			if (level >= FLOOR_SCAN) {
				__builtin_prefetch(fl->tail[v[i].side], 1);
			}
		}
	}
	for (unsigned i = 0; level > FLOOR_DECODE && i < n; i++) {
		if (v[i].has_key) {
			one(f, level, &v[i], at[i]);
		}
	}
}

/* The records of the window from '*at' on; returns how many were whole. */
FOR_LEVEL unsigned
records(struct floor *f, enum floor_level level, size_t have, size_t *at)
{
	struct mini v[BATCH];
	unsigned n = 0;

	while (n < BATCH && *at + 16 <= have) {
		const uint8_t *r = f->window + *at;
		uint32_t caplen;

		memcpy(&caplen, r + 8, sizeof(caplen));
		if (caplen > RECORD_MAX - 16) {
			bench_die("floor", "a record is too long");
		}
		if (*at + 16 + caplen > have) {
			break;
		}
		__builtin_prefetch(r + 16 + caplen + 256);
		__builtin_prefetch(r + 16 + caplen + 512);
		f->n.bytes += caplen;
		if (level == FLOOR_READ) {
			f->sum += r[16 + caplen / 2];
		} else {
			decode(&v[n], r + 16, caplen);
			f->sum += v[n].hash;
		}
		*at += 16 + caplen;
		n++;
	}
	if (level > FLOOR_READ) {
		batch(f, level, v, n);
	}
	f->n.packets += n;
	return n;
}

/* All whole records of the window; returns where the rest begins. */
static size_t
window(struct floor *f, enum floor_level level, size_t have)
{
	size_t at = 0;

#define ALL(level) \
	while (records(f, level, have, &at) == BATCH) { \
	} \
	break
	switch (level) {
	case FLOOR_READ:
		ALL(FLOOR_READ);
	case FLOOR_DECODE:
		ALL(FLOOR_DECODE);
	case FLOOR_FLOW:
		ALL(FLOOR_FLOW);
	case FLOOR_TCP:
		ALL(FLOOR_TCP);
	default:
		ALL(FLOOR_SCAN);
	}
#undef ALL
	return at;
}

void
floor_file(struct floor *f, enum floor_level level, const char *path)
{
	int fd = open(path, O_RDONLY);
	uint32_t head[6];
	size_t have = 0;
	ssize_t got;

	if (fd < 0 || read(fd, head, sizeof(head)) != sizeof(head) ||
	    head[0] != 0xa1b2c3d4 || (head[5] & 0xffff) != 1) {
		bench_die(path, "not an Ethernet capture in plain pcap");
	}
	while ((got = read(fd, f->window + have, WINDOW - have)) > 0) {
		size_t at;

		have += (size_t)got;
		at = window(f, level, have);
		memmove(f->window, f->window + at, have - at);
		have -= at;
	}
	close(fd);
}

void
floor_frames(struct floor *f, enum floor_level level, const struct frame *v,
	     size_t n)
{
	struct mini m[BATCH];

	for (size_t at = 0; at < n; at += BATCH) {
		unsigned k = (unsigned)MIN(n - at, (size_t)BATCH);

		for (unsigned i = 0; i < k; i++) {
			f->n.bytes += v[at + i].caplen;
			decode(&m[i], v[at + i].data, v[at + i].caplen);
			f->sum += m[i].hash;
		}
		f->n.packets += k;
		if (level == FLOOR_FLOW) {
			batch(f, FLOOR_FLOW, m, k);
		} else if (level == FLOOR_TCP) {
			batch(f, FLOOR_TCP, m, k);
		} else {
			batch(f, level, m, k);
		}
	}
}
