/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern_list.h - STIX patterns that the collector armed, until a set has them
 *
 * A pattern is a program that is compiled into a set of rules, so that it
 * cannot be looked up beside one like a plain value.  The list has what is
 * armed now; who loads a set takes a copy of it, and the set then looks for
 * just these.  What the sensor cannot judge stays in the list with the reason.
 *
 * Place    above ioc_pattern_prog.h and keyhash.h; below ruleset and armed_set.
 * Threads  one changes it; anybody reads, and pattern_list_refuse() is anybody's.
 * Memory   heap: a pattern's texts and about 900 bytes, PATTERN_LIST_MAX at
 *          most, and of their texts PATTERN_LIST_BYTES.
 * Cost     a change compiles the pattern once to judge it, some ten us; a copy
 *          is a pointer each, sorted.
 */
#ifndef RULES_PATTERN_LIST_H
#define RULES_PATTERN_LIST_H

#include "common/indicator.h"

#define PATTERN_LIST_MAX 100000
#define PATTERN_LIST_BYTES ((size_t)256 << 20)

struct pattern_list;

struct pattern_list *pattern_list_new(void); /* NULL without memory */
void pattern_list_free(struct pattern_list *l);

/* --- who changes it --- */

/*
 * Puts it in, in place of that of the same text.  ERR_FORMAT with diag: no
 * sensor can judge it, and it is in the list of those refused; ERR_USAGE with
 * diag: the list is full; ERR_NOMEM: the former one stays.
 */
enum err pattern_list_arm(struct pattern_list *l, const struct indicator *i,
			  struct diag *d) MUST_CHECK;
/* Takes it out; whether it was there. */
bool pattern_list_disarm(struct pattern_list *l, const char *text);
/* What is not armed again from here on to the sweep goes with it. */
void pattern_list_begin(struct pattern_list *l);
/* How many went. */
uint32_t pattern_list_sweep(struct pattern_list *l);

/* --- by any thread --- */

struct pattern_list_counts {
	uint64_t changes; /* grows with each that asks for another set */
	uint32_t armed; /* that can be judged */
	uint32_t refused; /* that cannot */
};
void pattern_list_read(struct pattern_list *l, struct pattern_list_counts *out);
/*
 * Up to 'cap' bytes with the NUL: "ID: REASON; ID: REASON", and how many more
 * there are; "" when none is refused.  Returns 'out'.
 */
const char *pattern_list_refused(struct pattern_list *l, char *out, size_t cap);

/* What was armed at one moment, in the order of texts. */
struct pattern_list_copy {
	uint64_t changes;
	uint32_t n;
	struct listed_pattern **v; /* see pattern_list_at() */
};
enum err pattern_list_take(struct pattern_list *l,
			   struct pattern_list_copy *out) MUST_CHECK;
void pattern_list_give(struct pattern_list_copy *c);
/* Lives as long as the copy. */
const struct indicator *pattern_list_at(const struct pattern_list_copy *c,
					uint32_t n);
/* What a set said of it; NULL: the set has it. */
void pattern_list_refuse(struct pattern_list *l,
			 const struct pattern_list_copy *c, uint32_t n,
			 const char *reason);

#endif
