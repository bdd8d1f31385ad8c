/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_bench.h - a set of rules, a matcher and literal inspect structs
 *
 * A test sets up what it is about in 'in', gives buffers and asks for the hits.
 */
#ifndef TESTS_RULES_RULE_BENCH_H
#define TESTS_RULES_RULE_BENCH_H

#include "rules/rule_match.h"
#include "tests/rules/rule_case.h"
#include "tests/test.h"

#define MAX_HITS 16

/* A set, a matcher and everything a call needs. */
struct bench {
	struct ruleset *rs;
	struct rule_matcher *m;
	struct pool *pool;
	struct inspect in;
	struct inspect_flow flow;
	struct rule_flow *flow_state;
	struct rule_tx *tx_state;
	struct rule_tx *file_state[4];
	bool wanted;
	struct view views[BUF_COUNT];
	struct rule_hit hits[MAX_HITS];
	struct rule_hits out;
};

static inline void
bench_open_conf(struct bench *b, const struct conf *conf, const char *rules)
{
	struct diag d = { "" };
	static const uint8_t client[4] = { 192, 168, 1, 5 };
	static const uint8_t server[4] = { 198, 51, 100, 7 };

	memset(b, 0, sizeof(*b));
	b->rs = rules_of(conf, rules, &d);
	if (b->rs == NULL) {
		fail_msg("%s", d.msg);
	}
	if (ruleset_report(b->rs)->n_problems > 0) {
		fail_msg("%s: %s", rules,
			 ruleset_report(b->rs)->problems[0].reason);
	}
	b->m = rule_matcher_new(b->rs);
	b->pool = pool_new((size_t)1 << 20);
	assert_non_null(b->m);
	assert_non_null(b->pool);
	b->out = (struct rule_hits){ .v = b->hits, .cap = MAX_HITS };
	b->flow = (struct inspect_flow){ .id = 1,
					 .established = true,
					 .pkts = { 3, 3 } };
	b->in.flow = &b->flow;
	b->in.pkt.src = addr_from_v4(client);
	b->in.pkt.dst = addr_from_v4(server);
	b->in.pkt.sport = 40000;
	b->in.pkt.dport = 80;
	b->in.pkt.ip_version = 4;
	b->in.pkt.proto = IPP_UDP;
	b->in.pkt.ttl = 64;
	b->in.flow_state = &b->flow_state;
	b->in.tx_state = &b->tx_state;
	b->in.pool = b->pool;
}

static inline void
bench_open(struct bench *b, const char *rules)
{
	bench_open_conf(b, NULL, rules);
}

static inline void
bench_close(struct bench *b)
{
	rule_flow_free(b->flow_state, b->pool);
	rule_tx_free(b->tx_state, b->pool);
	for (unsigned i = 0; i < 4; i++) {
		rule_tx_free(b->file_state[i], b->pool);
	}
	assert_int_equal(pool_in_use(b->pool), 0);
	rule_matcher_free(b->m);
	ruleset_free(b->rs);
	pool_free(b->pool);
}

static inline uint32_t
call(struct bench *b, enum inspect_kind kind)
{
	b->in.kind = kind;
	b->out.n = 0;
	rule_match(b->m, &b->in, &b->out);
	return b->out.n;
}

static inline void
forget(struct bench *b)
{
	memset(b->in.buf, 0, sizeof(b->in.buf));
	memset(b->in.done, 0, sizeof(b->in.done));
	memset(b->in.fresh, 0, sizeof(b->in.fresh));
}

/* Buffer 'buf' becomes known; a NULL value makes it known as absent. */
static inline void
give(struct bench *b, enum inspect_buf buf, const char *value)
{
	b->views[buf] = view_cstr(value);
	inspect_set(&b->in, buf, &b->views[buf], value != NULL ? 1 : 0);
	b->in.fresh[buf / 64] |= UINT64_C(1) << (buf % 64);
}

static inline uint32_t
packet(struct bench *b, const char *payload)
{
	forget(b);
	give(b, BUF_PAYLOAD, payload);
	b->in.pkt.dsize = payload != NULL ? (uint32_t)strlen(payload) : 0;
	return call(b, INSPECT_PACKET);
}

static inline uint32_t
stream(struct bench *b, const char *window, uint32_t seen, uint64_t offset)
{
	forget(b);
	give(b, BUF_STREAM, window);
	b->in.stream_seen = seen;
	b->in.stream_offset = offset;
	return call(b, INSPECT_STREAM);
}

#endif
