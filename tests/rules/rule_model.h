/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_model.h - random rules, and a slow interpreter that is plainly right
 *
 * The model draws rules from a stream of random bytes, keeps them as a small
 * tree and writes them as rule text.  The text goes through the real reader,
 * compiler, prefilter and matcher; the tree is interpreted by trying every
 * place for every content.  Both must say the same of every buffer.
 *
 * Place    tests only: the unit test and the fuzz target share it.
 * Threads  one.
 * Memory   the caller's struct.
 * Cost     exponential on purpose; buffers are short.
 */
#ifndef TESTS_RULE_MODEL_H
#define TESTS_RULE_MODEL_H

#include "rules/inspect.h"

#define MODEL_RULES 6
#define MODEL_LISTS 2
#define MODEL_OPS 4
#define MODEL_BYTES 20 /* of a buffer */

enum model_type {
	MODEL_CONTENT,
	MODEL_PCRE, /* a literal as a regular expression */
	MODEL_ISDATAAT,
	MODEL_BSIZE,
	MODEL_BYTE_TEST,
	MODEL_BYTE_JUMP,
};

enum model_place {
	MODEL_ANYWHERE,
	MODEL_ABSOLUTE, /* offset, depth */
	MODEL_RELATIVE, /* distance, within */
	MODEL_STARTS,
};

struct model_op {
	enum model_type type;
	bool negated, nocase, ends, relative, little;
	enum model_place place;
	char text[4]; /* of contents: 1 to 3 letters */
	unsigned len;
	int offset, depth, distance, within; /* 0 depth, within: none */
	char compare; /* < > = & ^ */
	unsigned value, n_bytes;
};

struct model_list {
	enum inspect_buf buf;
	struct model_op ops[MODEL_OPS];
	unsigned n_ops;
};

struct model_rule {
	struct model_list lists[MODEL_LISTS];
	unsigned n_lists;
	bool packet; /* on the payload; else on the transaction */
};

struct model {
	const uint8_t *bytes; /* what randomness is drawn from */
	size_t n, at;
	struct model_rule rules[MODEL_RULES];
	unsigned n_rules;
};

/* Draws rules; sids are 1, 2, ... in order. */
void model_draw(struct model *m, const uint8_t *bytes, size_t n);
/* Writes them; returns the length. */
size_t model_text(const struct model *m, char *out, size_t cap);
/* Draws one buffer, with pieces of the rules in it; returns its length. */
size_t model_buffer(struct model *m, uint8_t out[MODEL_BYTES]);
/* Does rule 'i' match?  'bufs' by enum inspect_buf. */
bool model_match(const struct model *m, unsigned i, const struct view *bufs);

/*
 * The whole comparison for one string of random bytes: false, with rule text
 * and buffers on standard error, when the two disagree.
 */
bool model_agrees(const uint8_t *bytes, size_t n);

#endif
