/* SPDX-License-Identifier: Apache-2.0 */
/* xbits, hostbits and datasets: in rules, in claims, in packet order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "rules/rule_match.h"
#include "rules/shared_bits.h"
#include "rules/shared_claim.h"
#include "tests/rules/rule_case.h"

#define MAX_HITS 16
#define START_S 1000000

/* A set, its state, and a packet that goes through them. */
struct bench {
	struct ruleset *rs;
	struct rule_matcher *m;
	struct shared_state *s;
	struct pool *pool;
	struct inspect in;
	struct inspect_flow flow;
	struct rule_flow *flow_state;
	struct rule_tx *tx_state;
	struct view views[4];
	struct rule_hit hits[MAX_HITS];
	struct rule_hits out;
};

static struct addr
host(uint8_t n)
{
	uint8_t b[4] = { 192, 0, 2, n };

	return addr_from_v4(b);
}

static void
bench_open(struct bench *b, const char *rules)
{
	struct diag d = { "" };

	memset(b, 0, sizeof(*b));
	b->rs = rules_of(NULL, rules, &d);
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
	assert_int_equal(shared_state_new(&b->s, b->rs, NULL, &d), ERR_OK);
	b->out = (struct rule_hits){ .v = b->hits, .cap = MAX_HITS };
	b->flow = (struct inspect_flow){ .id = 1,
					 .established = true,
					 .pkts = { 3, 3 } };
	b->in.flow = &b->flow;
	b->in.pkt.src = host(1);
	b->in.pkt.dst = host(2);
	b->in.pkt.sport = 40000;
	b->in.pkt.dport = 53;
	b->in.pkt.ip_version = 4;
	b->in.pkt.proto = IPP_UDP;
	b->in.pkt.ts_us = START_S * US_PER_S;
	b->in.flow_state = &b->flow_state;
	b->in.tx_state = &b->tx_state;
	b->in.pool = b->pool;
}

static void
bench_close(struct bench *b)
{
	rule_flow_free(b->flow_state, b->pool);
	rule_tx_free(b->tx_state, b->pool);
	assert_int_equal(pool_in_use(b->pool), 0);
	shared_state_free(b->s);
	rule_matcher_free(b->m);
	ruleset_free(b->rs);
	pool_free(b->pool);
}

/*
 * The sids that alert, as bits: each hit's claim settled as the sink does,
 * in the order of evaluation.
 */
static uint32_t
settle(struct bench *b)
{
	uint32_t sids = 0;

	b->out.n = 0;
	rule_match(b->m, &b->in, &b->out);
	assert_int_equal(b->out.overflowed, 0);
	for (uint32_t order = 0; order < 64; order++) {
		for (uint32_t i = 0; i < b->out.n; i++) {
			struct rule_hit *h = &b->hits[i];

			if (h->claim.prog == NULL
				    ? order > 0
				    : h->claim.prog->order != order) {
				continue;
			}
			if ((h->claim.prog == NULL ||
			     shared_state_apply(b->s, &h->claim)) &&
			    !h->silent) {
				sids |= UINT32_C(1) << h->rule->sid;
			}
		}
	}
	return sids;
}

static uint32_t
packet(struct bench *b, uint8_t src, uint8_t dst, const char *payload)
{
	b->in.kind = INSPECT_PACKET;
	b->in.pkt.src = host(src);
	b->in.pkt.dst = host(dst);
	memset(b->in.buf, 0, sizeof(b->in.buf));
	b->views[0] = view_cstr(payload);
	inspect_set(&b->in, BUF_PAYLOAD, &b->views[0], 1);
	return settle(b);
}

/* One DNS query of one transaction. */
static uint32_t
query(struct bench *b, uint32_t n, const char *const *names)
{
	static struct view views[4];

	for (uint32_t i = 0; i < n; i++) {
		views[i] = view_cstr(names[i]);
	}
	rule_tx_free(b->tx_state, b->pool);
	b->tx_state = NULL;
	b->in.kind = INSPECT_TX;
	b->in.app = b->flow.app = APP_DNS;
	memset(b->in.buf, 0, sizeof(b->in.buf));
	memset(b->in.fresh, 0, sizeof(b->in.fresh));
	inspect_set(&b->in, BUF_DNS_QUERY, views, n);
	b->in.fresh[BUF_DNS_QUERY / 64] |= UINT64_C(1) << (BUF_DNS_QUERY % 64);
	return settle(b);
}

static uint32_t
ask(struct bench *b, const char *name)
{
	return query(b, 1, &name);
}

#define UDP "alert udp any any -> any any "
#define DNS "alert dns any any -> any any "
#define SID(n) (UINT32_C(1) << (n))

static void
test_bits_table(void **state)
{
	struct shared_bits *t = shared_bits_new(4096);
	struct shared_bit bit = { .a = host(1), .id = 1, .ip_version = 4 };
	uint32_t n = 0;

	(void)state;
	assert_non_null(t);
	assert_null(shared_bits_new(1));
	assert_false(shared_bits_has(t, &bit, 10));
	shared_bits_set(t, &bit, 10, 40);
	assert_true(shared_bits_has(t, &bit, 40));
	bit.ip_version = 6;
	assert_false(shared_bits_has(t, &bit, 40));
	bit.ip_version = 4;
	assert_false(shared_bits_has(t, &bit, 41)); /* and it is gone */
	assert_false(shared_bits_has(t, &bit, 10));
	shared_bits_set(t, &bit, 10, 40);
	shared_bits_unset(t, &bit);
	shared_bits_unset(t, &bit);
	assert_false(shared_bits_has(t, &bit, 10));
	/* the longest ago goes; what was set again is young */
	for (bit.id = 0; shared_bits_evicted(t) == 0; bit.id++) {
		assert_in_range(bit.id, 0, 4096 / 64);
		shared_bits_set(t, &bit, 10, 40);
		if (bit.id == 1) {
			bit.id = 0;
			shared_bits_set(t, &bit, 10, 40);
			bit.id = 1;
		}
	}
	n = bit.id;
	for (bit.id = 0; bit.id < n; bit.id++) {
		assert_int_equal(shared_bits_has(t, &bit, 10), bit.id != 1);
	}
	/* what is over is no loss */
	for (bit.id = n; bit.id < 2 * n - 1; bit.id++) {
		shared_bits_set(t, &bit, 100, 140);
	}
	assert_int_equal(shared_bits_evicted(t), 1);
	shared_bits_free(t);
}

static void
test_claim(void **state)
{
	struct claim_buf b = { .p = malloc(CLAIM_ROOM) };
	uint8_t *big = calloc(1, 65536);
	struct view v;

	(void)state;
	claim_reset(&b);
	claim_begin(&b);
	claim_list(&b);
	claim_begin(&b); /* the rule did not match after all */
	claim_list(&b);
	claim_list(&b);
	claim_value(&b, VIEW_LIT("abc"));
	claim_value(&b, view_of(big, 65536)); /* too long for any set */
	v = claim_keep(&b);
	assert_int_equal(claim_next_list(&v), 0);
	assert_int_equal(claim_next_list(&v), 2);
	assert_true(view_eq(claim_next_value(&v), VIEW_LIT("abc")));
	assert_int_equal(claim_next_value(&v).len, 0);
	assert_int_equal(v.len, 0);
	assert_int_equal(claim_next_list(&v), 0);
	claim_begin(&b);
	claim_list(&b);
	for (unsigned i = 0; i < 20; i++) {
		claim_value(&b, view_of(big, 65535));
	}
	assert_true(b.full);
	claim_begin(&b);
	assert_false(b.full);
	free(big);
	free(b.p);
}

static void
test_xbits(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, UDP
		   "(content:\"set\"; xbits:set,x,track ip_src,expire 10; "
		   "noalert; sid:1;)\n" UDP
		   "(content:\"ask\"; xbits:isset,x,track ip_src; sid:2;)\n" UDP
		   "(content:\"ask\"; xbits:isnotset,x,track ip_dst; "
		   "sid:3;)\n" UDP
		   "(content:\"off\"; xbits:unset,x,track ip_src; sid:4;)\n" UDP
		   "(content:\"both\"; xbits:set,y,track ip_pair; "
		   "sid:5;)\n" UDP "(content:\"pair\"; "
		   "xbits:isset,y,track ip_pair; sid:6;)\n");
	assert_int_equal(packet(&b, 1, 2, "ask"), SID(3));
	assert_int_equal(packet(&b, 1, 2, "set"), 0);
	assert_int_equal(packet(&b, 1, 3, "ask"), SID(2) | SID(3));
	assert_int_equal(packet(&b, 2, 1, "ask"), 0);
	b.in.pkt.ts_us += 10 * US_PER_S;
	assert_int_equal(packet(&b, 1, 3, "ask"), SID(2) | SID(3));
	b.in.pkt.ts_us += US_PER_S;
	assert_int_equal(packet(&b, 1, 3, "ask"), SID(3));
	assert_int_equal(packet(&b, 1, 3, "set, then off"), SID(4));
	assert_int_equal(packet(&b, 1, 3, "ask"), SID(3));
	assert_int_equal(packet(&b, 1, 3, "pair"), 0);
	assert_int_equal(packet(&b, 1, 3, "both"), SID(5));
	assert_int_equal(packet(&b, 3, 1, "pair"), SID(6));
	assert_int_equal(packet(&b, 1, 2, "pair"), 0);
	bench_close(&b);
}

/* Who sets is asked before who asks, whatever the order of the file. */
static void
test_order(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b,
		   UDP "(content:\"a\"; hostbits:isset,x; sid:1;)\n" UDP
		       "(content:\"a\"; hostbits:set,x; sid:2;)\n" UDP
		       "(content:\"b\"; hostbits:toggle,y,dst; sid:3;)\n" UDP
		       "(content:\"b\"; hostbits:isset,y,dst; sid:4;)\n" UDP
		       "(content:\"b\"; hostbits:noalert; sid:5;)\n" UDP
		       "(hostbits:isset,never; sid:6;)\n" UDP
		       "(xbits:isset,x,track ip_pair; sid:7;)\n");
	assert_int_equal(packet(&b, 1, 2, "a"), SID(1) | SID(2));
	assert_int_equal(packet(&b, 1, 2, "b"), SID(3) | SID(4));
	assert_int_equal(packet(&b, 1, 2, "b"), SID(3));
	assert_int_equal(packet(&b, 1, 3, "b"), SID(3) | SID(4));
	bench_close(&b);
}

static void
test_datasets(void **state)
{
	static const char *const two[] = { "one.example", "two.example" };
	struct bench b;

	(void)state;
	bench_open(&b,
		   DNS "(dns.query; dataset:set,seen,type string; sid:1;)\n" DNS
		       "(dns.query; content:\"off\"; dataset:unset,seen; "
		       "sid:2;)\n" DNS
		       "(dns.query; dataset:isset,seen; sid:3;)\n" DNS
		       "(dns.query; to_md5; dataset:isnotset,sums,type md5; "
		       "dataset:set,sums; sid:4;)\n");
	assert_int_equal(ask(&b, "one.example"), SID(1) | SID(3) | SID(4));
	assert_int_equal(ask(&b, "one.example"), SID(3));
	/* any one of several values, and no more than one is added */
	assert_int_equal(query(&b, 2, two), SID(1) | SID(3) | SID(4));
	assert_int_equal(ask(&b, "two.example"), SID(3));
	assert_int_equal(ask(&b, "off.example"), SID(1) | SID(2) | SID(4));
	assert_int_equal(ask(&b, "off.example"), SID(1) | SID(2));
	bench_close(&b);
}

static void
test_addresses(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, UDP
		   "(ip.src; content:\"|c0 00 02 01|\"; sid:1;)\n" UDP
		   "(ip.dst; content:\"|02 01|\"; endswith; sid:2;)\n" UDP
		   "(ip.dst; dataset:set,hosts,type ip; sid:3;)\n" UDP
		   "(ip.src; bsize:16; sid:4;)\n" UDP
		   "(content:\"x\"; ip.src; dataset:isset,hosts; sid:5;)\n");
	assert_int_equal(packet(&b, 1, 2, "x"), SID(1) | SID(3));
	assert_int_equal(packet(&b, 2, 1, "x"), SID(2) | SID(3) | SID(5));
	assert_int_equal(packet(&b, 2, 1, "y"), SID(2));
	b.in.pkt.ip_version = 6;
	assert_int_equal(packet(&b, 3, 4, "y"), SID(3) | SID(4));
	b.in.pkt.ip_version = 0;
	assert_int_equal(packet(&b, 1, 4, "y"), 0);
	bench_close(&b);
}

static void
test_transaction_bits(void **state)
{
	struct bench b;
	static const char *const name[] = { "a.example" };

	(void)state;
	bench_open(&b, DNS "(dns.query; content:\"a\"; xbits:isset,x,track tx; "
			   "sid:1;)\n" DNS
			   "(dns.query; content:\"a\"; xbits:set,x,track tx; "
			   "sid:2;)\n" DNS
			   "(dns.query; content:\"a\"; xbits:isset,y,track tx; "
			   "sid:3;)\n");
	assert_int_equal(query(&b, 1, name), SID(1) | SID(2));
	assert_int_equal(ask(&b, "b.com"), 0);
	bench_close(&b);
}

/* Datasets that never change are answered where the rule matches. */
static void
test_listed(void **state)
{
	char path[] = "/tmp/picket-dataset-XXXXXX", rules[1024];
	int fd = mkstemp(path);
	struct bench b;
	FILE *f = fdopen(fd, "w");

	(void)state;
	assert_non_null(f);
	fputs("{\"name\": \".evil.com\", \"since\": 2005}\n", f);
	fclose(f);
	snprintf(rules, sizeof(rules),
		 DNS "(dns.query; dotprefix; dataset:isset,bad,type string, "
		     "match subdomain,load %s,format ndjson,value_key name, "
		     "context_key why,remove_key; sid:1;)\n" DNS
		     "(dns.query; dotprefix; dataset:isnotset,bad; sid:2;)\n",
		 path);
	bench_open(&b, rules);
	unlink(path);
	assert_int_equal(ask(&b, "www.evil.com"), SID(1) | SID(2));
	assert_int_equal(b.hits[0].rule->sid, 1);
	assert_null(b.hits[0].claim.prog);
	assert_int_equal(b.hits[0].n_data, 1);
	assert_string_equal(b.hits[0].data[0].key, "why");
	assert_string_equal(b.hits[0].data[0].json, "{\"since\":2005}");
	assert_int_equal(b.hits[1].n_data, 0);
	assert_int_equal(ask(&b, "evil.com"), SID(1));
	assert_int_equal(ask(&b, "notevil.com"), SID(2));
	bench_close(&b);
}

/* A pass rule's bits are set, though it is never seen. */
static void
test_pass(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "pass udp any any -> any any (content:\"set\"; "
		       "xbits:set,x,track ip_src; sid:1;)\n" UDP
		       "(content:\"s\"; xbits:isset,x,track ip_src; sid:2;)\n");
	b.in.flow = NULL; /* a flow that was passed stays silent */
	assert_null(ruleset_undivided(b.rs));
	assert_int_equal(packet(&b, 1, 2, "s"), 0);
	assert_int_equal(packet(&b, 1, 2, "set"), 0);
	assert_int_equal(packet(&b, 1, 2, "s"), SID(2));
	bench_close(&b);
}

/* Settled at once when a rule cannot be decided in two places. */
static void
test_undivided(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, UDP
		   "(content:\"set\"; xbits:set,x,track ip_src; sid:1;)\n" UDP
		   "(content:\"ask\"; xbits:isset,x,track ip_src; "
		   "flowbits:set,f; sid:2;)\n" UDP
		   "(content:\"ask\"; flowbits:isset,f; sid:3;)\n" UDP
		   "(content:\"set\"; xbits:unset,x,track ip_src; "
		   "flowbits:set,g; sid:4;)\n");
	assert_non_null(ruleset_undivided(b.rs));
	assert_int_equal(ruleset_undivided(b.rs)->sid, 2);
	rule_matcher_settle(b.m, b.s);
	assert_int_equal(packet(&b, 1, 2, "ask"), 0);
	assert_int_equal(packet(&b, 1, 2, "set"), SID(1) | SID(4));
	assert_int_equal(packet(&b, 1, 2, "ask"), 0);
	bench_close(&b);
	bench_open(&b, UDP
		   "(content:\"set\"; xbits:set,x,track ip_src; sid:1;)\n" UDP
		   "(content:\"ask\"; xbits:isset,x,track ip_src; "
		   "flowbits:set,f; sid:2;)\n" UDP
		   "(content:\"ask\"; flowbits:isset,f; sid:3;)\n");
	rule_matcher_settle(b.m, b.s);
	assert_int_equal(packet(&b, 1, 2, "ask"), 0);
	assert_int_equal(packet(&b, 1, 2, "set"), SID(1));
	assert_int_equal(packet(&b, 1, 2, "ask"), SID(2) | SID(3));
	bench_close(&b);
	bench_open(&b, UDP "(content:\"a\"; xbits:set,x,track ip_src; "
			   "flowbits:set,f; sid:1;)\n");
	assert_null(ruleset_undivided(b.rs));
	bench_close(&b);
	bench_open(&b, "pass udp any any -> any any (content:\"a\"; "
		       "xbits:isnotset,x,track ip_src; sid:1;)\n");
	assert_non_null(ruleset_undivided(b.rs));
	bench_close(&b);
}

/* Another ruleset goes on where the first one was. */
static void
test_follow(void **state)
{
	struct bench b;
	struct diag d = { "" };
	struct shared_next *n;
	struct ruleset *next;

	(void)state;
	bench_open(&b, DNS "(dns.query; dataset:set,seen,type string; "
			   "xbits:set,x,track ip_src; sid:1;)\n");
	assert_int_equal(ask(&b, "one.example"), SID(1));
	assert_int_equal(ask(&b, "one.example"), 0);
	next = rules_of(
		NULL,
		DNS "(dns.query; dataset:set,new,type string; "
		    "sid:2;)\n" DNS "(dns.query; dataset:set,seen,type string; "
		    "sid:1;)\n" DNS
		    "(dns.query; content:\"o\"; xbits:isset,x,track ip_src; "
		    "sid:3;)\n" DNS "(dns.query; content:\"o\"; "
		    "xbits:set,x,track ip_src; sid:4;)\n",
		&d);
	assert_non_null(next);
	assert_int_equal(ruleset_report(next)->failed, 0);
	assert_int_equal(shared_next_new(&n, b.s, next, NULL, &d), ERR_OK);
	shared_state_follow(b.s, n);
	rule_matcher_free(b.m);
	ruleset_free(b.rs);
	b.rs = next;
	b.m = rule_matcher_new(next);
	assert_non_null(b.m);
	assert_int_equal(ask(&b, "one.example"), SID(2) | SID(3) | SID(4));
	assert_int_equal(ask(&b, "two.example"),
			 SID(1) | SID(2) | SID(3) | SID(4));
	bench_close(&b);
}

static const struct {
	const char *rule, *says;
} refusals[] = {
	{ UDP "(xbits:set; sid:1;)", "track" },
	{ UDP "(xbits:set,x; sid:1;)", "track" },
	{ UDP "(xbits:put,x,track ip_src; sid:1;)", "unknown command" },
	{ UDP "(xbits:set,x,track ip_any; sid:1;)", "ip_pair" },
	{ UDP "(xbits:set,x,track ip_src,expire 0; sid:1;)", "at least 1" },
	{ UDP "(xbits:set,x,track ip_src,expire soon; sid:1;)", "at least 1" },
	{ UDP "(xbits:set,a b,track ip_src; sid:1;)", "no spaces" },
	{ UDP "(xbits:set,,track ip_src; sid:1;)", "no name" },
	{ DNS "(xbits:unset,x,track tx; sid:1;)", "set and isset" },
	{ UDP "(hostbits:set; sid:1;)", "no name" },
	{ UDP "(hostbits:set,x,both; sid:1;)", "src or dst" },
	{ UDP "(hostbits:isnot,x; sid:1;)", "unknown command" },
	{ UDP "(dataset:isset,x,type string; sid:1;)", "sticky buffer" },
	{ DNS "(dns.query; dataset:isset,x; sid:1;)", "type" },
	{ DNS "(dns.query; dataset:add,x,type string; sid:1;)",
	  "unknown command" },
	{ DNS "(dns.query; dataset:isset,x,type text; sid:1;)",
	  "not understood" },
	{ DNS "(dns.query; dataset:isset,x,type string,colour red; sid:1;)",
	  "not understood" },
	{ DNS "(dns.query; dataset:isset,x,type string,load a,load b; "
	      "sid:1;)",
	  "twice" },
	{ DNS "(dns.query; dataset:set,x,type string,load a,state b; sid:1;)",
	  "state stands for" },
	{ DNS "(dns.query; dataset:set,x,type string,state /a; sid:1;)",
	  "absolute" },
	{ DNS "(dns.query; dataset:set,x,type string,save a/../../b; sid:1;)",
	  "parent" },
	{ DNS "(dns.query; dataset:isset,x,type string,load /nowhere; sid:1;)",
	  "/nowhere" },
	{ DNS "(dns.query; dataset:isset,x,type string,value_key a; sid:1;)",
	  "format json" },
	{ DNS "(dns.query; dataset:set,x,type string,format json; sid:1;)",
	  "only asked" },
	{ DNS "(dns.query; dataset:isset,x,type string,format json; sid:1;)",
	  "context_key" },
	{ DNS "(dns.query; dataset:isset,x,type md5,match subdomain; sid:1;)",
	  "type string" },
	{ DNS "(dns.query; dataset:isset,x,type string,match all; sid:1;)",
	  "not understood" },
	{ DNS "(dns.query; dataset:isset,x,type string,memcap big; sid:1;)",
	  "not understood" },
	{ DNS "(dns.query; dataset:isset,x,type string,hashsize 65537; "
	      "sid:1;)",
	  "single-hashsize" },
	{ DNS "(dns.query; datarep:x,>=,1,type string; sid:1;)", "OPERATOR" },
	{ DNS "(dns.query; datarep:x,>,65536,type string; sid:1;)", "65535" },
	{ DNS "(dns.query; datarep:x,>,1,type string,format json; sid:1;)",
	  "not understood" },
	{ DNS "(dns.query; dataset:isset,"
	      "nameofmorethansixtythreecharactersnameofmorethansixtythreecharsx"
	      ",type string; sid:1;)",
	  "63" },
	{ "alert http any any => any any (http.uri; dataset:set,x,type string; "
	  "http.stat_code; content:\"200\"; sid:1;)",
	  "rule with =>" },
	{ DNS "(dns.query; dataset:set,x,type string; sid:1;)\n" DNS
	      "(dns.query; to_md5; dataset:isset,x,type md5; sid:2;)",
	  "another type" },
};

static void
test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct diag d = { "" };
		struct ruleset *rs = rules_of(NULL, refusals[i].rule, &d);
		const struct ruleset_report *r;

		assert_non_null(rs);
		r = ruleset_report(rs);
		if (r->failed != 1) {
			fail_msg("loads: %s", refusals[i].rule);
		}
		if (strstr(r->problems[0].reason, refusals[i].says) == NULL) {
			fail_msg("%s: \"%s\" does not say \"%s\"",
				 refusals[i].rule, r->problems[0].reason,
				 refusals[i].says);
		}
		ruleset_free(rs);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits_table),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_xbits),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_datasets),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_transaction_bits),
		cmocka_unit_test(test_listed),
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_undivided),
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
