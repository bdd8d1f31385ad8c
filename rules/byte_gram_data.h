/* SPDX-License-Identifier: Apache-2.0 */
/*
 * byte_gram_data.h - the counted table behind byte_gram.h
 *
 * Internal: included by byte_gram.c and by the program that writes the table.
 * Each cost is one character, BYTE_GRAM_ZERO + half bits.
 *
 * Place    beside byte_gram.c.
 * Threads  constant.
 * Memory   53 KiB.
 * Cost     none.
 */
#ifndef RULES_BYTE_GRAM_DATA_H
#define RULES_BYTE_GRAM_DATA_H

#include "common/base.h"

#define BYTE_GRAM_ZERO '#' /* from here to '[' nothing needs an escape */
#define BYTE_GRAM_MOST ('[' - BYTE_GRAM_ZERO)
#define BYTE_GRAM_FOLDED 230 /* bytes but A to Z, which count as a to z */

extern const char byte_gram_bytes[256 + 1]; /* a byte, as it is */
/* second of a pair, given the first; both folded */
extern const char byte_gram_pairs[BYTE_GRAM_FOLDED * BYTE_GRAM_FOLDED + 1];

/* The place of a byte in the table of pairs. */
static inline unsigned
byte_gram_fold(uint8_t c)
{
	return c < 'A' ? c : c <= 'Z' ? c + 'a' - 'A' - 26u : c - 26u;
}

#endif
