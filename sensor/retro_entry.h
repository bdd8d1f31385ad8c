/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retro_entry.h - one thing that was seen: when, how often, and an example
 *
 * An address is its own key, so that a network is a run of neighbours; anything
 * else is a digest with a secret, so that nobody outside can make two values
 * share one, or aim at a place of the index.
 *
 * Place    above common/indicator.h, common/addr.h and common/host_bits.h; below
 *          retro_ring and retro_seg.
 * Threads  pure; a secret is read only once it is set.
 * Memory   64 bytes an entry, in memory and on disk.
 * Cost     a digest of 16 bytes takes about 5 ns.
 */
#ifndef SENSOR_RETRO_ENTRY_H
#define SENSOR_RETRO_ENTRY_H

#include "common/addr.h"
#include "common/host_bits.h"
#include "common/indicator.h"

#define RETRO_SECRET_LEN 192
#define RETRO_KEY_LEN 16
#define RETRO_DIGEST_LEN 12 /* of all keys but addresses */
/* Hosts are counted anew from week to week: over months one host has many
 * addresses, and what many had to do with long ago says nothing of today. */
#define RETRO_HOSTS_S (7 * 86400)

struct retro_secret {
	uint8_t b[RETRO_SECRET_LEN];
};

/*
 * Kinds up to INDICATOR_KINDS are those of indicators, a domain's whole names.
 * Numbers are stored.
 */
enum {
	RETRO_BELOW = 64, /* a domain of which a name was seen */
	RETRO_ASKED = 128, /* + kind: this indicator was asked for */
};

/* One flow that showed it; times are whole seconds of the wall clock. */
struct retro_entry {
	uint8_t kind;
	uint8_t proto; /* enum ip_proto */
	uint16_t port; /* the server's */
	uint32_t first_s, last_s;
	uint32_t count; /* flows or transactions; stays at its largest value */
	union {
		uint8_t key[RETRO_KEY_LEN];
		struct {
			uint8_t digest[RETRO_DIGEST_LEN];
			/* whose it was of ours (host_bits.h), in the week of
			 * last_s; no part of the key.  Of an address there is
			 * none. */
			uint32_t hosts;
		};
	};
	struct addr src, dst; /* client and server of the latest one */
};
STATIC_ASSERT(sizeof(struct retro_entry) == 64, "stored as it is");

/* 'value' in its canonical text, with no hosts; for an address
 * retro_addr_key().  Kinds stand before keys in the order, and are not part of
 * it. */
void retro_key(const struct retro_secret *s, struct view value,
	       uint8_t out[RETRO_KEY_LEN]);
static inline void
retro_addr_key(const struct addr *a, uint8_t out[RETRO_KEY_LEN])
{
	memcpy(out, a->b, RETRO_KEY_LEN);
}

static inline uint64_t
retro_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* The second half of a key, without hosts. */
static inline uint64_t
retro_key_end(unsigned kind, const uint8_t *key)
{
	uint64_t v = retro_be64(key + 8);

	return kind == INDICATOR_IP ? v : v & ~(uint64_t)UINT32_MAX;
}

/* The order of entries: by kind, then by key. */
static inline int
retro_cmp_key(unsigned kind_a, const uint8_t *a, unsigned kind_b,
	      const uint8_t *b)
{
	uint64_t x, y;

	if (kind_a != kind_b) {
		return kind_a < kind_b ? -1 : 1;
	}
	x = retro_be64(a);
	y = retro_be64(b);
	if (x == y) {
		x = retro_key_end(kind_a, a);
		y = retro_key_end(kind_a, b);
	}
	return x < y ? -1 : x > y;
}

static inline int
retro_cmp(const struct retro_entry *a, const struct retro_entry *b)
{
	return retro_cmp_key(a->kind, a->key, b->kind, b->key);
}

static inline uint32_t
retro_week(const struct retro_entry *e)
{
	return e->last_s / RETRO_HOSTS_S;
}

/* 'a' takes in what 'b' tells of the same thing. */
static inline void
retro_join(struct retro_entry *a, const struct retro_entry *b)
{
	uint32_t first = MIN(a->first_s, b->first_s);
	uint32_t count = a->count + b->count;
	uint32_t hosts = retro_week(a) >= retro_week(b) ? a->hosts : 0;

	hosts |= retro_week(b) >= retro_week(a) ? b->hosts : 0;
	count = count < a->count ? UINT32_MAX : count;
	if (b->last_s >= a->last_s) {
		*a = *b;
	}
	a->first_s = first;
	a->count = count;
	if (a->kind != INDICATOR_IP) {
		a->hosts = hosts;
	}
}

/* Whether 'e' is something that may stand in an index. */
bool retro_entry_ok(const struct retro_entry *e);

#endif
