/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_test.h - what a rule asks of facts: a packet's, a flow's, a file's
 *
 * Place    above digest_list.h; below rule_prog.h.
 * Threads  read only once the set is built.
 * Memory   the ruleset's arena.
 * Cost     plain data; comparing is inline.
 */
#ifndef RULES_RULE_TEST_H
#define RULES_RULE_TEST_H

#include "rules/digest_list.h"

#define RULE_MAX_TESTS 48

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
