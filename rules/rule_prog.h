/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_prog.h - what a rule does, as tables the matcher walks
 *
 * The parser fills these, the compiler checks and groups them, the verifier
 * reads them: what is asked of bytes (rule_op.h), of facts (rule_test.h), and
 * here when all that is asked, and what a match does.  A rule that means both directions of a protocol has a program
 * for each, because "http.header" is two buffers.
 *
 * Place    above rule_op.h, rule_test.h, rule.h and range_set.h.
 * Threads  read only once the set is built.
 * Memory   the ruleset's arena.
 * Cost     plain data.
 */
#ifndef RULES_RULE_PROG_H
#define RULES_RULE_PROG_H

#include "rules/range_set.h"
#include "rules/rule.h"
#include "rules/rule_op.h"
#include "rules/rule_test.h"

#define RULE_MAX_LISTS 48
#define RULE_MAX_BITS 64
#define FAST_KEY_MAX 255 /* longest literal that is looked up by hash */
#define RULE_MAX_TX_BITS 1024 /* names of bits of transactions, in all */

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

#endif
