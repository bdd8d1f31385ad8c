/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_prog.h - what a rule does, as tables the matcher walks
 *
 * The parser fills these, the compiler checks and groups them, the verifier
 * reads them.  A rule that means both directions of a protocol has a program
 * for each, because "http.header" is two buffers.
 *
 * Place    above rule.h and range_set.h.
 * Threads  read only once the set is built.
 * Memory   the ruleset's arena.
 * Cost     plain data.
 */
#ifndef RULES_RULE_PROG_H
#define RULES_RULE_PROG_H

#include "rules/dataset.h"
#include "rules/digest_list.h"
#include "rules/range_set.h"
#include "rules/rule.h"
#include "rules/rule_notes.h"

#define RULE_MAX_OPS 128 /* a list; bounds the verifier's recursion */
#define RULE_MAX_LISTS 48
#define RULE_MAX_VARS 32
#define RULE_MAX_TESTS 48
#define RULE_MAX_XFORMS 8
#define RULE_MAX_BITS 64
#define FAST_KEY_MAX 255 /* longest literal that is looked up by hash */
#define RULE_MAX_TX_BITS 1024 /* names of bits of transactions, in all */
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

enum cmp {
	CMP_EQ,
	CMP_NE,
	CMP_LT,
	CMP_LE,
	CMP_GT,
	CMP_GE,
	CMP_IN, /* between, both ends excluded */
	CMP_OUT,
	CMP_AND, /* any common bit */
	CMP_OR, /* byte_test's ^ and the like */
	CMP_MASK, /* (x & a) == b */
	CMP_NOT_MASK,
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

/* Facts that compare as numbers. */
enum fact {
	FACT_TTL,
	FACT_TOS,
	FACT_IP_ID,
	FACT_IP_PROTO,
	FACT_FRAG_OFFSET,
	FACT_TCP_SEQ,
	FACT_TCP_ACK,
	FACT_TCP_WINDOW,
	FACT_TCP_MSS,
	FACT_ICMP_TYPE,
	FACT_ICMP_CODE,
	FACT_ICMP_ID,
	FACT_ICMP_SEQ,
	FACT_ICMPV6_MTU,
	FACT_IGMP_TYPE,
	FACT_TCP_WSCALE,
	FACT_DSIZE,
	FACT_FLOW_AGE,
	FACT_FLOW_PKTS, /* 'arg': enum inspect_dir, or 2 for both */
	FACT_FLOW_BYTES,
	FACT_STREAM_SIZE, /* 'arg': 0 server's, 1 client's, 2 both, 3 either */
	FACT_NUM, /* 'arg': enum inspect_num */
	FACT_FLAGS, /* TCP, 'a' wanted, 'b' mask, 'arg' enum flags_mode */
	FACT_FRAGBITS,
	FACT_IPOPT, /* 'a': bits, any of them */
	FACT_CSUM, /* 'arg': enum csum_of; 'a': 1 right, 0 wrong */
	FACT_SAMEIP,
	FACT_ADDR, /* 'a': address of a struct range_set; 'arg' 0 either
		    * side, 1 the sender, 2 the receiver, 3 both */
	FACT_APP_PROTO, /* 'a': bit per app_proto; 'arg': enum app_mode */
	FACT_EVENT, /* 'a': enum event_id, of packet or transaction */
	FACT_FILE, /* there is one */
	FACT_FILE_SIZE,
	FACT_FILE_DIGEST, /* 'arg': enum inspect_digest; in 'digests' */
	FACT_SSL_STATE, /* 'a': bits wanted, 'b': bits refused */
	FACT_TLS_VERSION, /* the same, of enum tls_version_bit */
	FACT_CERT_EXPIRED,
	FACT_CERT_VALID,
	FACT_FLOWINT_ISSET, /* 'arg': variable */
	FACT_FLOWINT_NOTSET,
	FACT_FLOWINT, /* compares with 'a', or with variable 'b' */
	FACT_NOTE, /* 'arg': enum note_kind, 'a': name; 'text' is in it */
};

/* Whose checksum, of which version of IP. */
enum csum_of {
	CSUM_IPV4,
	CSUM_TCPV4,
	CSUM_TCPV6,
	CSUM_UDPV4,
	CSUM_UDPV6,
	CSUM_ICMPV4,
	CSUM_ICMPV6,
};

enum tls_version_bit {
	TLS_BIT_SSL2 = 1,
	TLS_BIT_SSL3 = 2,
	TLS_BIT_10 = 4,
	TLS_BIT_11 = 8,
	TLS_BIT_12 = 16,
	TLS_BIT_13 = 32, /* and its drafts */
};

enum flags_mode { FLAGS_EXACT, FLAGS_ALL, FLAGS_ANY, FLAGS_NONE };
enum app_mode {
	APP_OF_FLOW,
	APP_TO_SERVER,
	APP_TO_CLIENT,
	APP_EITHER,
	APP_FINAL,
	APP_ORIGINAL, /* before the flow changed its protocol */
};

struct test {
	uint8_t fact; /* enum fact */
	uint8_t compare; /* enum cmp */
	uint16_t arg;
	bool negated;
	uint64_t a, b;
	struct view text;
	const struct digest_list *digests;
};

enum bit_cmd {
	BIT_ISSET,
	BIT_ISNOTSET,
	BIT_SET,
	BIT_UNSET,
	BIT_TOGGLE,
};

struct bit_op {
	uint8_t cmd;
	uint16_t n; /* isset, isnotset: any of them */
	const uint32_t *ids;
};

enum shared_track { SHARED_SRC, SHARED_DST, SHARED_PAIR };

/* xbits and hostbits */
struct shared_bit_op {
	uint8_t cmd; /* enum bit_cmd */
	uint8_t track; /* enum shared_track */
	uint32_t id, expire_s;
};

enum int_cmd { INT_ADD, INT_SUB, INT_SET };

struct int_op {
	uint8_t cmd;
	uint16_t var;
	bool from_var;
	uint32_t value; /* or the variable's number */
};

/* suppress, from the threshold file */
struct suppress {
	enum { SUPPRESS_ALL, SUPPRESS_SRC, SUPPRESS_DST, SUPPRESS_EITHER } by;
	const struct range_set *addrs; /* NULL: any */
	const struct suppress *next;
};

enum prog_kind {
	PROG_PACKET, /* header facts and flow state only */
	PROG_IPONLY, /* once per flow and direction */
	PROG_PAYLOAD, /* packet payload, stream, header buffers */
	PROG_TX, /* application buffers */
};

enum prog_proto {
	PROTO_TCP = 1,
	PROTO_UDP = 2,
	PROTO_ICMP4 = 4,
	PROTO_ICMP6 = 8,
	PROTO_SCTP = 16,
	PROTO_OTHER = 32,
	PROTO_ALL = 63,
};

enum flow_flag {
	FLOW_ESTABLISHED = 1,
	FLOW_NOT_ESTABLISHED = 2,
	FLOW_NO_STREAM = 4,
	FLOW_ONLY_STREAM = 8,
	FLOW_NO_FRAG = 16,
	FLOW_ONLY_FRAG = 32,
	FLOW_NEEDED = 64, /* 'flow' or another keyword needs one */
};

/* How the literal that makes a rule a candidate is found. */
enum fast_form {
	FAST_SCAN, /* 'fast' anywhere in the buffer */
	FAST_SUFFIX, /* the buffer ends with 'fast_key' */
	FAST_WHOLE, /* the buffer is 'fast_key' */
};

/* filestore: which files besides the one that the rule is about. */
enum store_scope { STORE_NONE, STORE_FILE, STORE_TX, STORE_FLOW };

struct rule_prog {
	const struct rule *rule;
	const struct rule_prog *other; /* the same rule's other direction */
	uint32_t order; /* of evaluation; its number in the set */
	uint32_t uid; /* the same in every later set that has this revision */
	uint8_t kind; /* enum prog_kind */
	uint8_t dirs; /* bit per enum inspect_dir */
	uint8_t protos; /* enum prog_proto */
	uint8_t ip_versions; /* bit 1: v4, bit 2: v6; 0: any */
	uint8_t flow; /* enum flow_flag */
	bool both_ways; /* <> */
	bool two_halves; /* =>: 'other' must hold in the same transaction */
	bool on_packet, on_every_packet, on_stream;
	bool by_chunk; /* the stream is asked when a chunk is complete */
	bool of_files; /* something is asked of files, one at a time */
	uint8_t store; /* enum store_scope */
	uint8_t store_dirs; /* bit per enum inspect_dir */
	bool app_strict; /* 'app' was asked for, not only implied */
	bool app_exact; /* http1, not any HTTP */
	uint8_t app; /* enum app_proto */
	uint16_t n_tests, n_lists, n_bits, n_bits_set, n_ints;
	const struct range_set *src, *dst, *sport, *dport; /* NULL: any */
	const struct test *tests;
	const struct rule_list *lists;
	const struct bit_op *bits; /* asked before */
	const struct bit_op *bits_set; /* done after */
	const struct int_op *ints; /* done after */
	uint16_t n_shared, n_tx_bits;
	const struct shared_bit_op *shared; /* asked and done where hits meet */
	const struct bit_op *tx_bits; /* xbits of a transaction, both kinds */
	bool never; /* asks for a bit that no rule sets: is never tried */
	bool asks_shared; /* of those, or of a dataset that changes */
	bool uses_vars; /* a list does */
	bool tests_settle; /* a test does, once its number is known */
	bool settles_early; /* some lists do, and others wait for bytes */
	const struct suppress *suppress;
	/* the literal that makes this a candidate; none: fast_list is -1 */
	int16_t fast_list;
	bool fast_nocase;
	bool once; /* a flow and direction */
	bool once_a_flow; /* whatever the direction */
	uint8_t fast_form; /* enum fast_form */
	struct view fast;
	/* where in the buffer 'fast' may begin; to: UINT32_MAX is anywhere */
	uint32_t fast_from, fast_to;
	struct view fast_key; /* after transforms; unset for FAST_SCAN */
	uint64_t need[2]; /* transaction buffers, bit per enum inspect_buf */
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

static inline bool
compare_u64(uint64_t x, enum cmp c, uint64_t a, uint64_t b)
{
	switch (c) {
	case CMP_EQ:
		return x == a;
	case CMP_NE:
		return x != a;
	case CMP_LT:
		return x < a;
	case CMP_LE:
		return x <= a;
	case CMP_GT:
		return x > a;
	case CMP_GE:
		return x >= a;
	case CMP_IN:
		return x > a && x < b;
	case CMP_OUT:
		return x <= a || x >= b;
	case CMP_AND:
		return (x & a) != 0;
	case CMP_OR:
		return (x ^ a) != 0;
	case CMP_MASK:
		return (x & a) == b;
	case CMP_NOT_MASK:
		return (x & a) != b;
	}
	return false;
}

/* FACT_FLAGS and FACT_FRAGBITS. */
static inline bool
flags_match(const struct test *t, uint64_t flags)
{
	uint64_t x = flags & t->b;

	switch ((enum flags_mode)t->arg) {
	case FLAGS_EXACT:
		return x == t->a;
	case FLAGS_ALL:
		return (x & t->a) == t->a;
	case FLAGS_ANY:
		return (x & t->a) != 0;
	case FLAGS_NONE:
		return (x & t->a) == 0;
	}
	return false;
}

#endif
