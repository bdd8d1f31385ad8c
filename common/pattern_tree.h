/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern_tree.h - what a parsed STIX pattern consists of
 *
 * Place    above err.h; below pattern.h, and for who judges patterns.
 * Threads  read only once parsed.
 * Memory   all of a tree lies in its pattern's chunks and ends with it.
 * Cost     none.
 */
#ifndef COMMON_PATTERN_TREE_H
#define COMMON_PATTERN_TREE_H

#include "common/err.h"

enum pattern_literal {
	PATTERN_STRING,
	PATTERN_INTEGER,
	PATTERN_FLOAT,
	PATTERN_BOOL,
	PATTERN_TIME, /* t'' */
	PATTERN_HEX, /* h'' */
	PATTERN_BINARY, /* b'' */
};

struct pattern_value {
	enum pattern_literal kind;
	/* Strings without quotes and escapes; of the others the text between
	 * the quotes, or the number as written. */
	struct view text;
	int64_t integer; /* also of a bool: 0, 1 */
	double real; /* of both kinds of numbers */
	uint64_t us; /* PATTERN_TIME: since 1970 */
};

enum pattern_step_kind {
	PATTERN_KEY, /* .name or .'name' */
	PATTERN_INDEX, /* [3], [-1] */
	PATTERN_ANY, /* [*] */
};

struct pattern_step {
	enum pattern_step_kind kind;
	struct view key;
	int64_t index;
};

struct pattern_path {
	struct view type; /* "ipv4-addr" */
	const struct pattern_step *steps;
	unsigned n_steps; /* at least 1 */
};

/* PATTERN_OP(symbol, "as written") */
#define PATTERN_OP_LIST(OP) \
	OP(EQ, "=") \
	OP(NE, "!=") \
	OP(GT, ">") \
	OP(LT, "<") \
	OP(GE, ">=") \
	OP(LE, "<=") \
	OP(IN, "IN") \
	OP(LIKE, "LIKE") \
	OP(MATCHES, "MATCHES") \
	OP(ISSUBSET, "ISSUBSET") \
	OP(ISSUPERSET, "ISSUPERSET") \
	OP(EXISTS, "EXISTS")

enum pattern_op {
#define OP(sym, text) PATTERN_##sym,
	PATTERN_OP_LIST(OP)
#undef OP
		PATTERN_OPS
};

/* "=", "IN", "MATCHES" ... */
const char *pattern_op_name(enum pattern_op op);

enum pattern_join { PATTERN_TEST, PATTERN_BOTH, PATTERN_EITHER };

/* What stands in brackets. */
struct pattern_cmp {
	enum pattern_join join;
	const struct pattern_cmp *left, *right; /* but PATTERN_TEST */
	/* PATTERN_TEST: */
	bool negated;
	enum pattern_op op;
	struct pattern_path path;
	const struct pattern_value *values; /* EXISTS: none */
	unsigned n_values; /* IN: 0 to many; the others: 1 */
};

enum pattern_obs_kind {
	PATTERN_OBSERVATION, /* [ ] */
	PATTERN_AND,
	PATTERN_OR,
	PATTERN_FOLLOWEDBY,
	PATTERN_WITHIN,
	PATTERN_REPEATS,
	PATTERN_STARTSTOP,
};

struct pattern_obs {
	enum pattern_obs_kind kind;
	const struct pattern_obs *left; /* a qualifier's: what it is about */
	const struct pattern_obs *right;
	const struct pattern_cmp *cmp; /* PATTERN_OBSERVATION */
	unsigned number; /* PATTERN_OBSERVATION: from 0, left to right */
	struct view seconds; /* PATTERN_WITHIN: as written */
	uint64_t within_us;
	uint32_t repeats;
	struct view start, stop; /* PATTERN_STARTSTOP: as written */
	uint64_t start_us, stop_us; /* from start on, before stop */
};

struct pattern_chunk;

struct pattern {
	const struct pattern_obs *root;
	unsigned n_observations, n_comparisons;
	struct pattern_chunk *chunks;
};

#endif
