/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_pattern_prog.h - a STIX pattern in the form that traffic is held against
 *
 * Each pair of brackets becomes a leaf: its tests in the order of evaluation.
 * What joins leaves becomes a small tree.
 *
 * Place    above pattern.h and observation.h; below ioc_pattern_set.
 * Threads  read only once made.
 * Memory   one block a pattern, and PCRE2's for each MATCHES.
 * Cost     making one is cold.
 */
#ifndef RULES_IOC_PATTERN_PROG_H
#define RULES_IOC_PATTERN_PROG_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "common/pattern.h"
#include "rules/observation.h"

/* Observations that one match may need; those kept are a few more. */
#define IOC_PATTERN_MAX_SLOTS 1000

struct ioc_test_value {
	struct view text; /* in lower case when its property's values are */
	int64_t number; /* integers, 0 or 1, microseconds since 1970 */
	double real;
	bool is_real;
	struct cidr net; /* of addresses */
};

struct ioc_test {
	uint8_t join; /* enum pattern_join; its operands stand before it */
	uint8_t property, op, object;
	bool negated, has_name;
	int32_t index; /* -1: any */
	uint32_t n_values;
	const struct ioc_test_value *values;
	struct view name; /* of a header, in lower case */
	pcre2_code *code; /* MATCHES */
};

struct ioc_leaf {
	uint16_t first, n; /* its tests */
	uint8_t at; /* bits of enum pattern_moment: when it may be news */
};

struct ioc_obs_node {
	uint8_t kind; /* enum pattern_obs_kind */
	uint8_t leaf;
	uint16_t left, right; /* nodes before this one */
	uint32_t repeats;
	uint64_t leaves; /* below it, a bit each */
	uint64_t within_us, start_us, stop_us;
};

struct ioc_prog {
	const struct ioc_test *tests;
	const struct ioc_leaf *leaves;
	const struct ioc_obs_node *nodes; /* the root is the last */
	uint16_t n_tests, n_leaves, n_nodes;
	bool stateful; /* more than one observation is needed */
	uint32_t least; /* observations that any match needs */
	uint32_t number; /* among those of its set; set by that */
	uint32_t state; /* among the stateful ones */
	uint32_t ioc; /* the indicator's place in its set */
};

/*
 * ERR_FORMAT with diag when a sensor cannot judge it: what stands in the
 * pattern that it cannot see, an expression that PCRE2 refuses, or more
 * observations at once than are kept.  ERR_NOMEM.
 */
enum err ioc_prog_new(struct ioc_prog **out, struct view text,
		      struct diag *d) MUST_CHECK;
void ioc_prog_free(struct ioc_prog *p);

static inline const struct ioc_obs_node *
ioc_prog_root(const struct ioc_prog *p)
{
	return &p->nodes[p->n_nodes - 1];
}

#endif
