/* SPDX-License-Identifier: Apache-2.0 */
/*
 * byte_gram.h - how rare are these bytes in what networks carry?
 *
 * A rule may be looked for by any piece of its contents; the rarer the piece,
 * the less often the rule is tried in vain.  The answer comes from a table of
 * byte pairs counted in captures of many protocols (byte_gram_data.c, written
 * by tests/tools/byte_gram_train.c).  It need not fit the network at hand: it
 * only has to know that "HTTP" is everywhere and "x5yq" is not.
 *
 * Place    above common/ only; below prefilter_build and fast_pattern.
 * Threads  pure functions on constant data.
 * Memory   53 KiB of constants.
 * Cost     a table load for each byte asked for.
 */
#ifndef RULES_BYTE_GRAM_H
#define RULES_BYTE_GRAM_H

#include "common/base.h"

#define BYTE_GRAM_WINDOW 4

/*
 * Costs are rarities in half bits: of something that begins at one byte of
 * 2^n the cost is 2n.
 */

/* Of the rarest stretch of four bytes in 'v'; of all of it when shorter. */
unsigned byte_gram_cost(struct view v, bool nocase);
/* Of exactly these bytes in a row. */
unsigned byte_gram_string(struct view v, bool nocase);
/* Of one byte; with 'nocase' of either case of it. */
unsigned byte_gram_byte(uint8_t c, bool nocase);

#endif
