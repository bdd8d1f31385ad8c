/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_bits.h - bits of hosts and of pairs of hosts, each with its end
 *
 * Place    above keyhash.h; below shared_state.
 * Threads  one table, one thread.
 * Memory   bounded at birth; when it is full the bit that was set the longest
 *          ago goes, and is counted when its time was not over.
 * Cost     one hash of 40 bytes.
 */
#ifndef RULES_SHARED_BITS_H
#define RULES_SHARED_BITS_H

#include "common/addr.h"
#include "common/err.h"

struct shared_bits;

/* All bytes are compared and hashed: no holes. */
struct shared_bit {
	struct addr a, b; /* b: the pair's other host; zero for a host's bit */
	uint32_t id; /* of the name */
	uint32_t ip_version; /* 4 and 6 are different hosts */
};
STATIC_ASSERT(sizeof(struct shared_bit) == 40, "hashed whole");

/* NULL when 'memcap' has no room for one, or out of memory. */
struct shared_bits *shared_bits_new(size_t memcap);
void shared_bits_free(struct shared_bits *t);

/* A bit holds through its last second, 'end_s'. */
bool shared_bits_has(struct shared_bits *t, const struct shared_bit *bit,
		     uint64_t now_s);
void shared_bits_set(struct shared_bits *t, const struct shared_bit *bit,
		     uint64_t now_s, uint64_t end_s);
void shared_bits_unset(struct shared_bits *t, const struct shared_bit *bit);
/* Bits lost before their end, because the table was full. */
uint64_t shared_bits_evicted(const struct shared_bits *t);

#endif
