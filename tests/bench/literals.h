/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literals.h - the literals by which a rule set's rules are found
 *
 * Each rule's one literal that makes it a candidate, as the compiler chose
 * it, once for each spelling; for the floor, and to make hostile bytes of.
 *
 * Place    above rules/ruleset.h and floor.h.
 * Threads  one.
 * Memory   heap; the bytes are the rule set's.
 * Cost     cold.
 */
#ifndef BENCH_LITERALS_H
#define BENCH_LITERALS_H

#include "rules/ruleset.h"
#include "tests/bench/floor.h"

enum literal_choice {
	LITERALS_PAYLOAD, /* of rules on packets' payload and streams */
	LITERALS_ALL, /* of any buffer */
};

struct literal_list {
	struct prefilter_literal *v;
	uint32_t n;
};

/* In the order of the rules; ends the program without memory. */
struct literal_list literals_of(const struct ruleset *rs,
				enum literal_choice choice,
				enum inspect_dir dir);
void literals_free(struct literal_list *l);

struct key_list {
	uint8_t (*v)[4];
	uint32_t n;
	uint8_t worst[4]; /* that of most literals */
};

/*
 * Those four bytes of 'l' by which the prefilter of the payload's rules tells
 * where to look closer: what somebody sends who knows rules and program.
 */
struct key_list keys_of(const struct ruleset *rs, const struct literal_list *l,
			enum inspect_dir dir);
void keys_free(struct key_list *k);

/* Both directions' prefilters. */
struct floor_literals floor_literals_of(const struct ruleset *rs,
					enum literal_choice choice);
void floor_literals_fini(struct floor_literals *f);

#endif
