/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hll.h - how many different ones there were, in 48 bytes (HyperLogLog)
 *
 * What several workers, sensors and sites saw is put together by the greatest
 * of each register, in any order and as often as one likes; an element that is
 * seen again changes nothing.
 *
 * The hash is XXH64 with seed 0 of the bytes: of an address its 16 (IPv4 mapped),
 * of a port its two, the high one first.  Its six highest bits are the register,
 * which keeps the most of 1 + the zeros that lead the 58 others, 59 at most.
 * Register i is the bits 6i to 6i+5 of the 48 bytes, the high ones first.  As
 * the hash has no secret, so that all agree, a sender that chooses its peers
 * by it can look like fewer or more of them: whoever judges also looks at
 * plain counts.
 *
 * Place    above addr.h.
 * Threads  pure.
 * Memory   by value.
 * Cost     a hash and three bytes for an element; 64 registers for the rest.
 */
#ifndef COMMON_HLL_H
#define COMMON_HLL_H

#include "common/addr.h"

#define HLL_REGISTERS 64
#define HLL_LEN 48 /* bytes, packed */
#define HLL_MAX 59 /* of a register */
#define HLL_TEXT_CAP (2 * HLL_LEN + 1)

/* Zeroed is empty. */
struct hll {
	uint8_t b[HLL_LEN];
};

void hll_add_addr(struct hll *h, const struct addr *a);
void hll_add_port(struct hll *h, uint16_t port);
/* By the hash of the element, see above. */
void hll_add_hash(struct hll *h, uint64_t hash);

/* 'into' has seen all that 'from' has, too. */
void hll_merge(struct hll *into, const struct hll *from);

/*
 * About how many different ones; 0 exactly when there was none.  The standard
 * error is 13 %, less below some dozens.
 */
uint64_t hll_count(const struct hll *h);

/* 96 lower-case digits and a zero; returns their number. */
size_t hll_format(const struct hll *h, char out[HLL_TEXT_CAP]);
/* False, and '*out' empty, when it is not 96 digits or a register is above
 * HLL_MAX. */
bool hll_parse(struct view text, struct hll *out) MUST_CHECK;

#endif
