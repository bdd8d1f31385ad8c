/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_key.h - the keyed hash by which flows are found
 *
 * Both directions of a flow give the same value: each endpoint is hashed by
 * itself and the two are added, so that nothing needs to be put in order.
 * The secret is drawn at random for each table: who sends packets cannot
 * choose addresses and ports that meet in one bucket.  A port is multiplied
 * by a secret of its own as it joins its address, and before the two are
 * mixed: merely XORed, someone who owns many IPv6 addresses could make them
 * cancel out; added later, so could two ports.
 *
 * Place    below flow.h.
 * Threads  pure.
 * Memory   by value.
 * Cost     three 64-bit multiplications to 128 bits and two to 64.
 */
#ifndef SENSOR_FLOW_KEY_H
#define SENSOR_FLOW_KEY_H

#include "common/addr.h"

/* How one table hashes. */
struct flow_keying {
	uint64_t secret[6];
	bool vlans; /* VLAN tags are part of the key */
};

/* An address as two words, as memory holds them. */
struct flow_key_addr {
	uint64_t hi, lo;
};

static inline struct flow_key_addr
flow_key_v6(const void *be128)
{
	struct flow_key_addr a;

	memcpy(&a.hi, be128, 8);
	memcpy(&a.lo, (const uint8_t *)be128 + 8, 8);
	return a;
}

/* Both halves of the product: every bit of either factor reaches each. */
static inline uint64_t
flow_key_mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide x = (wide)a * b;

	return (uint64_t)x ^ (uint64_t)(x >> 64);
}

/* What both directions share.  'icmp': see flow.c; 0 for all but ICMP. */
static inline uint64_t
flow_key_rest(const struct flow_keying *k, uint8_t ip_version, uint8_t proto,
	      const uint16_t *vlan, unsigned n_vlans, uint32_t icmp)
{
	uint64_t x = (uint64_t)ip_version << 8 | proto;

	for (unsigned i = 0; k->vlans && i < n_vlans; i++) {
		/* +1: a priority tag (VLAN 0) differs from none */
		x ^= ((uint64_t)vlan[i] + 1) << (16 * (i + 1));
	}
	return x ^ (icmp * k->secret[4]);
}

static inline uint64_t
flow_key_end(const struct flow_keying *k, struct flow_key_addr a, uint16_t port)
{
	return flow_key_mix(a.hi ^ k->secret[0],
			    (a.lo ^ k->secret[1]) + port * k->secret[2]);
}

/* Ports in host order; never 0. */
static inline uint64_t
flow_key_hash(const struct flow_keying *k, struct flow_key_addr src,
	      struct flow_key_addr dst, uint16_t sport, uint16_t dport,
	      uint64_t rest)
{
	uint64_t ends =
		flow_key_end(k, src, sport) + flow_key_end(k, dst, dport);

	return flow_key_mix(ends ^ k->secret[3], rest ^ k->secret[5]) |
	       (uint64_t)1 << 63;
}

#endif
