/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ten thousand spoilt rules: each is refused or loaded, and neither reading
 * nor matching one takes long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "rules/rule_match.h"
#include "tests/cpu_time.h"
#include "tests/rules/rule_case.h"

#define MUTANTS 10000
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMIT_US 300000 /* sanitizers take their time */
#else
#define LIMIT_US 50000 /* a rule, read and matched */
#endif
#define TRIES 5 /* before a slow one counts: machines stall */

static const char *const seeds[] = {
	"alert tcp $HOME_NET any -> [192.0.2.0/24,!192.0.2.9] [80,8000:8100,!"
	"8080] (msg:\"a\\;b\"; flow:established,to_server; content:\"GET|20|/"
	"\"; offset:0; depth:5; content:!\"x\"; distance:1; within:10; "
	"nocase; content:\"abc\"; fast_pattern:0,3; sid:1; rev:2;)",
	"alert http any any -> any any (msg:\"h\"; http.uri; content:\"/a\"; "
	"startswith; pcre:\"/^(a+)+$/Ri\"; http.header; content:\"Host\"; "
	"isdataat:!1,relative; bsize:3<>9; classtype:trojan-activity; sid:2;)",
	"alert dns any any -> any 53 (dns.query; dotprefix; content:\".evil."
	"example\"; nocase; endswith; threshold:type limit, track by_src, "
	"count 1, seconds 60; metadata:a b, c d; reference:url,example.org; "
	"sid:3;)",
	"alert udp any any <> any ![1:1023] (byte_extract:2,0,n,relative,"
	"little; byte_test:4,>=,n,2,bitmask 0xff; byte_jump:1,4,multiplier 8,"
	"align,post_offset -3; byte_math:bytes 2, offset 1, oper +, rvalue 7, "
	"result m; isdataat:m; sid:4;)",
	"alert tls any any -> any any (tls.sni; to_lowercase; xor:\"0a0b\"; "
	"content:\"a\"; tls.version:1.2; flowbits:set,a.b; flowbits:isset,c|d;"
	" flowint:x,+,1; flowint:x,>,9; noalert; priority:1; gid:7; sid:5;)",
	"drop ip [$EXTERNAL_NET,!$HOME_NET] any -> any any (ttl:<5; id:1; "
	"fragbits:MD; ipopts:lsrr; ip_proto:!6; sameip; dsize:10<>20; "
	"detection_filter:track by_dst, count 5, seconds 10; sid:6;)",
	"alert tcp any any -> any any (content:\"a\"; base64_decode:bytes 20, "
	"offset 1, relative; base64_data; content:\"zz\"; stream_size:either,"
	">,9; flags:SA,12; window:0; urilen:1<>9; uricontent:\"x\"; sid:7;)",
	"alert http any any -> any any (file.data; content:\"|ff d8|\"; "
	"within:2; pcre:\"/(?:a|aa)+\\x00(.*?){1,9}b/smx\"; filename:\"x\"; "
	"target:src_ip; requires:version >= 7; sid:8;)",
};

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t
rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state * UINT64_C(2685821657736338717) >> 33) % n;
}

struct text {
	uint8_t b[16384];
	size_t n;
};

static void
insert(struct text *t, size_t at, const char *s, unsigned times)
{
	size_t len = strlen(s);

	for (unsigned i = 0; i < times && t->n + len < sizeof(t->b); i++) {
		memmove(t->b + at + len, t->b + at, t->n - at);
		memcpy(t->b + at, s, len);
		t->n += len;
	}
}

static void
spoil(struct text *t)
{
	static const char *const bits[] = { "[",
					    "[[[[",
					    "!",
					    "]",
					    "(",
					    ")",
					    ";",
					    ":",
					    "\"",
					    "\\",
					    "|",
					    ",",
					    "18446744073709551616",
					    "-1",
					    "4294967296",
					    "0x",
					    "$",
					    "\xff\xfe",
					    "\xc3",
					    "((((((((",
					    "(a*)*",
					    "{1,65535}",
					    "\n",
					    " content:\"\";",
					    " distance:-9999999;",
					    " depth:65536;",
					    " byte_test:99,>,x,0;",
					    "%n%s",
					    " pcre:\"/((a{1,99}){1,99})/\";" };
	size_t at = rnd((uint32_t)t->n);

	switch (rnd(9)) {
	case 0:
		t->b[at] ^= (uint8_t)(1U << rnd(8));
		break;
	case 1:
		t->n = at + 1;
		break;
	case 2:
		t->b[at] = (uint8_t)rnd(256);
		break;
	case 3:
		insert(t, at, bits[rnd(ARRAY_LEN(bits))], 1 + rnd(3));
		break;
	case 4:
		insert(t, at, bits[rnd(ARRAY_LEN(bits))], 1 + rnd(600));
		break;
	case 5:
		memmove(t->b + at / 2, t->b + at, t->n - at);
		t->n -= at - at / 2;
		break;
	default: /* one letter for another */
		t->b[at] = "aA09.,; -"[rnd(9)];
		break;
	}
}

static void
mutate(struct text *t)
{
	const char *seed = seeds[rnd(ARRAY_LEN(seeds))];

	t->n = strlen(seed);
	memcpy(t->b, seed, t->n);
	for (unsigned i = 1 + rnd(2); i > 0 && t->n > 2; i--) {
		spoil(t);
	}
}

/* What some expressions take very long over, were they not bounded. */
static void
match(struct rule_matcher *m, struct pool *pool)
{
	static uint8_t bytes[4096];
	struct view v = view_of(bytes, sizeof(bytes));
	struct rule_flow *flow_state = NULL;
	struct rule_tx *tx_state = NULL;
	struct rule_hit room[4];
	struct rule_hits out = { .v = room, .cap = 4 };
	struct inspect_flow flow = { .established = true,
				     .is_tcp = true,
				     .app = APP_HTTP,
				     .pkts = { 1, 1 } };
	struct inspect in = { .flow = &flow,
			      .flow_state = &flow_state,
			      .tx_state = &tx_state,
			      .kind = INSPECT_STREAM,
			      .pool = pool };

	memset(bytes, 'a', sizeof(bytes));
	in.pkt.ip_version = 4;
	in.pkt.proto = IPP_TCP;
	inspect_set(&in, BUF_STREAM, &v, 1);
	rule_match(m, &in, &out);
	memset(in.buf, 0, sizeof(in.buf));
	in.kind = INSPECT_TX;
	in.app = APP_HTTP;
	in.tx_done[0] = in.body_complete[0] = true;
	for (unsigned b = BUF_FILE_DATA; b < BUF_COUNT; b++) {
		inspect_set(&in, (enum inspect_buf)b, &v, 1);
		in.fresh[b / 64] |= UINT64_C(1) << (b % 64);
	}
	rule_match(m, &in, &out);
	rule_flow_free(flow_state, pool);
	rule_tx_free(tx_state, pool);
}

/* Loads and matches the text once; microseconds. */
static uint64_t
run(const struct text *t, struct pool *pool, bool *loaded)
{
	int fd = memfd_create("rule", 0);
	char path[64];
	const char *patterns[] = { path };
	struct ruleset *rs;
	struct rule_matcher *m;
	struct diag d = { "" };
	uint64_t start;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, t->b, t->n), t->n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	start = cpu_us();
	rs = ruleset_load(NULL, patterns, 1, NULL, 0, &d);
	close(fd);
	assert_non_null(rs);
	*loaded = ruleset_count(rs) > 0;
	/* a text of one line is one rule, unless nothing is left of it */
	if (*loaded) {
		m = rule_matcher_new(rs);
		assert_non_null(m);
		match(m, pool);
		rule_matcher_free(m);
	} else if (ruleset_report(rs)->n_problems > 0) {
		assert_true(strlen(ruleset_report(rs)->problems[0].reason) > 0);
	}
	ruleset_free(rs);
	return cpu_us() - start;
}

static void
test_mutants(void **unused)
{
	struct pool *pool = pool_new((size_t)4 << 20);
	unsigned n_loaded = 0;
	bool loaded;

	(void)unused;
	assert_non_null(pool);
	for (unsigned i = 0; i < MUTANTS; i++) {
		struct text t;
		uint64_t least = UINT64_MAX;

		mutate(&t);
		for (unsigned k = 0; k < TRIES && least > LIMIT_US; k++) {
			uint64_t us = run(&t, pool, &loaded);

			least = MIN(least, us);
		}
		n_loaded += loaded;
		if (least > LIMIT_US) {
			fail_msg("mutant %u took %llu us: %.*s", i,
				 (unsigned long long)least, (int)t.n, t.b);
		}
		assert_int_equal(pool_in_use(pool), 0);
	}
	/* both ways of ending must have been tried */
	assert_true(n_loaded > MUTANTS / 50);
	assert_true(n_loaded < MUTANTS * 9 / 10);
	pool_free(pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
