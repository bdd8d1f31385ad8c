/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_pattern_set.h - many STIX patterns, found by the values that they name
 *
 * Each leaf is filed under values that an observation must show for it to be
 * satisfied, so that a million patterns cost what is met of them.  A leaf that
 * names no value at all, or one that many name, stands in a list of those that
 * are tried one by one, which is why such lists are limited.
 *
 * Place    above ioc_pattern_run.h; below ioc_set.
 * Threads  built by one thread, then read only.
 * Memory   heap; about a kilobyte for a pattern of four comparisons.
 * Cost     a probe for each fact of an observation, and what it meets.
 */
#ifndef RULES_IOC_PATTERN_SET_H
#define RULES_IOC_PATTERN_SET_H

#include "rules/ioc_pattern_run.h"
#include "rules/ioc_table.h"
#include "rules/keyhash.h"

/* Leaves that may be filed under the same value. */
#define IOC_PATTERN_CHAIN_MAX 1000
#define IOC_PATTERN_HITS 256 /* of one observation; more are counted */

/* A value under which a leaf is filed. */
struct ioc_atom {
	uint64_t hash;
	uint32_t prog;
	uint8_t leaf;
};

struct ioc_pattern_set {
	struct keyhash key;
	struct ioc_prog **v;
	uint32_t n, cap, n_stateful;
	struct ioc_atom *atoms;
	uint32_t n_atoms, cap_atoms;
	struct ioc_table index; /* of atoms */
	uint64_t by_value, by_presence; /* properties that atoms are about */
	uint64_t properties; /* that tests are about */
	bool address_text; /* some test takes an address as text */
	uint8_t moments; /* at which leaves may be satisfied */
};

struct ioc_pattern_set *ioc_pattern_set_new(void);
void ioc_pattern_set_free(struct ioc_pattern_set *s);
/*
 * Takes 'p' for the indicator 'ioc'.  ERR_FORMAT with diag, and 'p' is still
 * the caller's: too many patterns are found by the same value.  ERR_NOMEM.
 */
enum err ioc_pattern_set_add(struct ioc_pattern_set *s, struct ioc_prog *p,
			     uint32_t ioc, struct diag *d) MUST_CHECK;

/* A pattern of which leaves are satisfied by the observation. */
struct ioc_pattern_hit {
	const struct ioc_prog *prog;
	uint64_t leaves;
};

struct ioc_pattern_hits {
	unsigned n;
	uint64_t overflowed, tried; /* ever */
	struct ioc_pattern_hit v[IOC_PATTERN_HITS];
};

/* Empties 'out' and adds the patterns that r->obs satisfies a leaf of, in the
 * order in which they were added. */
void ioc_pattern_find(const struct ioc_pattern_set *s, struct ioc_run *r,
		      struct ioc_pattern_hits *out);
/* Of a pattern that needs no more: whether these leaves are a match. */
bool ioc_pattern_holds(const struct ioc_prog *p, uint64_t leaves,
		       uint64_t ts_us);

/* For the set's own files: under what a fact is found. */
static inline uint64_t
ioc_atom_present(unsigned property)
{
	return keyhash_join(property + 1, UINT64_C(0x5eed));
}

#endif
