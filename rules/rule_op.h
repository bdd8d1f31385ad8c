/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_op.h - what a rule asks of bytes: contents, expressions, numbers in them
 *
 * A list is all that is asked of one buffer, in order; an operation may ask
 * from where the one before it ended.
 *
 * Place    above inspect.h, dataset.h and rule_notes.h; below rule_prog.h.
 * Threads  read only once the set is built.
 * Memory   the ruleset's arena.
 * Cost     plain data.
 */
#ifndef RULES_RULE_OP_H
#define RULES_RULE_OP_H

#include "rules/dataset.h"
#include "rules/inspect.h"
#include "rules/rule_notes.h"

#define RULE_MAX_OPS 128 /* a list; bounds the verifier's recursion */
#define RULE_MAX_VARS 32
#define RULE_MAX_XFORMS 8
#define RULE_MAX_DATASETS 8 /* a list */

/* A number, or the value of a byte_extract or byte_math name. */
struct operand {
	int64_t n;
	int8_t var; /* -1: 'n' it is */
};

enum op_type {
	OP_CONTENT,
	OP_PCRE,
	OP_ISDATAAT,
	OP_BSIZE,
	OP_BYTE_TEST,
	OP_BYTE_JUMP,
	OP_BYTE_EXTRACT,
	OP_BYTE_MATH,
	OP_BASE64,
	OP_ENTROPY,
	OP_ASN1,
};

/* A group of a pcre that is kept. */
struct capture {
	uint8_t group; /* 1 is the first */
	uint8_t key_group; /* its text is the name; 0: none */
	uint8_t kind; /* enum note_kind */
	uint32_t name;
};

#define RULE_MAX_CAPTURES 8 /* a pcre */

enum op_flag {
	OPF_NEGATED = 1 << 0,
	OPF_RELATIVE = 1 << 1,
	OPF_NOCASE = 1 << 2,
	OPF_STARTSWITH = 1 << 3,
	OPF_ENDSWITH = 1 << 4,
	OPF_OFFSET = 1 << 5,
	OPF_DEPTH = 1 << 6,
	OPF_DISTANCE = 1 << 7,
	OPF_WITHIN = 1 << 8,
	OPF_LITTLE = 1 << 9,
	OPF_STRING = 1 << 10,
	OPF_ALIGN = 1 << 11,
	OPF_FROM_BEGINNING = 1 << 12,
	OPF_FROM_END = 1 << 13,
	OPF_BITMASK = 1 << 14,
};

struct content {
	const uint8_t *bytes; /* lower case when OPF_NOCASE */
	const uint16_t *fail; /* OPF_NOCASE: KMP's table */
	uint16_t len;
	/* the two bytes that rule_find() looks for, and where in 'bytes' they
	 * stand; 'rare_fold' makes a letter of the data small */
	uint16_t rare_at[2];
	uint8_t rare[2], rare_fold[2];
	struct operand offset, depth, distance, within;
};

/* Bytes that every match of an expression holds. */
struct pcre_literal {
	struct content content;
	bool nocase;
};

#define PCRE_ENDLESS UINT32_MAX

enum math { MATH_ADD, MATH_SUB, MATH_MUL, MATH_DIV, MATH_SHL, MATH_SHR };

/* byte_test, byte_jump, byte_extract, byte_math */
struct byte_op {
	struct operand n_bytes, offset, value;
	uint64_t bitmask;
	uint32_t multiplier, align;
	int32_t post_offset;
	uint8_t base; /* of OPF_STRING: 8, 10, 16; 0: by its prefix */
	uint8_t compare; /* enum cmp */
	uint8_t math; /* enum math */
	int8_t result; /* variable */
};

struct rule_list;

struct op {
	uint8_t type; /* enum op_type */
	uint16_t flags; /* enum op_flag */
	union {
		struct content content;
		struct {
			void *code; /* pcre2_code */
			const struct capture *captures;
			uint8_t n_captures, n_literals;
			bool no_limit;
			bool front; /* begins with the first literal */
			uint32_t longest; /* match, or PCRE_ENDLESS */
			uint32_t shortest; /* bytes from its front to the end */
			const struct pcre_literal *literals;
		} pcre;
		struct {
			double a, b;
			uint32_t bytes; /* 0: to the end */
			uint32_t offset;
			uint32_t name; /* of the buffer, for the event */
			uint8_t compare; /* enum cmp */
		} entropy;
		struct {
			int64_t offset; /* OPF_RELATIVE: to the last match */
			uint64_t oversize;
			bool has_oversize, bitstring, real;
		} asn1;
		struct operand at; /* isdataat */
		struct {
			uint8_t compare;
			uint64_t a, b;
		} bsize;
		struct byte_op byte;
		struct {
			uint32_t bytes; /* 0: to the end */
			uint32_t offset;
			const struct rule_list *data; /* NULL: must decode */
		} base64;
	};
};

enum xform_type {
	XFORM_DOTPREFIX,
	XFORM_LOWERCASE,
	XFORM_UPPERCASE,
	XFORM_STRIP_WHITESPACE,
	XFORM_COMPRESS_WHITESPACE,
	XFORM_MD5,
	XFORM_SHA1,
	XFORM_SHA256,
	XFORM_URL_DECODE,
	XFORM_XOR,
	XFORM_HEADER_LOWERCASE,
	XFORM_STRIP_PSEUDO_HEADERS,
	XFORM_FROM_BASE64,
	XFORM_SUBSLICE,
	XFORM_DOMAIN,
	XFORM_TLD,
	XFORM_PCRE,
	XFORM_GUNZIP,
	XFORM_ZLIB,
};

struct xform {
	enum xform_type type;
	struct view arg; /* xor's key, pcrexform's expression */
	/* subslice: start and length; base64: offset, bytes; inflating: most
	 * bytes */
	int64_t a, b;
	void *code; /* pcrexform: pcre2_code */
	bool has_b;
};

enum need_kind {
	NEED_LENGTH, /* 'op' asks for the buffer's */
	NEED_PLACE, /* content 'op' where it may be */
	NEED_SOMEWHERE, /* 'literal' anywhere */
};

/* Something without which a list cannot match; rule_need.h. */
struct rule_need {
	uint8_t kind; /* enum need_kind */
	bool nocase;
	union {
		const struct op *op;
		const struct content *literal;
	};
};

/* All that is asked of one buffer. */
struct rule_list {
	enum inspect_buf buf;
	bool multi; /* any one instance will do */
	bool body; /* grows: negated tests wait for its end */
	bool wants_end; /* has a test that only the whole can answer */
	bool absent, absent_or; /* absent: matches when there is none */
	uint8_t n_xforms;
	uint16_t n_ops;
	const struct xform *xforms;
	const struct op *ops;
	/* bytes without which no match is: of a buffer that is there from its
	 * front on, and of one whose front went by */
	uint32_t least[2];
	uint16_t n_needs;
	bool measures; /* notes what it measured, match or not */
	bool uses_vars; /* reads or sets values that other tests share */
	bool settles; /* once its buffer is final, so is its answer */
	const struct rule_need *needs; /* asked before 'ops', in this order */
	const struct rule_need *dry; /* the first that is NEED_SOMEWHERE */
	uint8_t n_datasets;
	const struct dataset_op *datasets; /* asked of the whole, after 'ops' */
};

/* Does a dataset of 'l' change while rules match? */
static inline bool
rule_list_changes(const struct rule_list *l)
{
	for (uint8_t i = 0; i < l->n_datasets; i++) {
		if (l->datasets[i].set->changes) {
			return true;
		}
	}
	return false;
}

#endif
