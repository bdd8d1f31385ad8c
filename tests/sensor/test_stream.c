/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a connection: in order, overlapping, missing, too many. */
#include "tests/test.h"

#include <stdlib.h>

#include "sensor/stream_session.h"
#include "tests/sensor/stream_bench.h"

/* All orders of five segments, with all starts around 2^32. */
static void
test_permutations(void **state)
{
	static const char *const part[5] = { "aa", "b", "cccc", "dd", "eee" };
	static const uint64_t at[5] = { 0, 2, 3, 7, 9 };

	(void)state;
	for (unsigned p = 0; p < 120; p++) {
		unsigned order[5] = { 0, 1, 2, 3, 4 }, k = p;
		struct bench b;

		for (unsigned i = 5; i > 1; i--) {
			unsigned j = k % i, tmp = order[i - 1];

			k /= i;
			order[i - 1] = order[j];
			order[j] = tmp;
		}
		bench_isn(&b, UINT32_MAX - p % 12, UINT32_MAX - p % 7);
		for (unsigned i = 0; i < 5; i++) {
			assert_true(data(&b, C, at[order[i]], part[order[i]]));
		}
		assert_got(&b, C, "aabccccddeee");
		assert_int_equal(b.gaps, 0);
		bench_close(&b);
	}
}

struct overlap_case {
	const char *policy;
	/* What becomes of A...A met by B, by case. */
	const char *want[6];
};

/*
 * Each case: segments from offset 4 on, waiting behind a hole of 4 bytes that
 * is filled last.
 */
static void
test_overlap_policies(void **state)
{
	static const struct overlap_case cases[] = {
		{ "bsd",
		  { "AAAA", "BBBBBBBBAAAA", "AAAAAAAABBBB", "BBBBBBBBBBBB",
		    "AAAABBBB", "AAAA" } },
		{ "linux",
		  { "AAAA", "BBBBBBBBAAAA", "AAAAAAAABBBB", "BBBBBBBBBBBB",
		    "BBBBBBBB", "AAAA" } },
		{ "old-linux",
		  { "BBBB", "BBBBBBBBAAAA", "AAAAAAAABBBB", "BBBBBBBBBBBB",
		    "BBBBBBBB", "CCCC" } },
		{ "solaris",
		  { "BBBB", "BBBBAAAAAAAA", "AAAABBBBBBBB", "BBBBBBBBBBBB",
		    "BBBBBBBB", "CCCC" } },
		{ "vista",
		  { "AAAA", "BBBBAAAAAAAA", "AAAAAAAABBBB", "BBBBAAAABBBB",
		    "AAAABBBB", "AAAA" } },
		{ "last",
		  { "BBBB", "BBBBBBBBAAAA", "AAAABBBBBBBB", "BBBBBBBBBBBB",
		    "BBBBBBBB", "CCCC" } },
	};
	static const char *const same[][2] = {
		{ "macos", "bsd" },      { "irix", "bsd" },
		{ "hpux10", "bsd" },     { "windows", "bsd" },
		{ "windows2k3", "bsd" }, { "old-solaris", "solaris" },
		{ "hpux11", "solaris" }, { "first", "vista" },
	};
	static const struct {
		uint64_t a, b;
		const char *as, *bs, *cs;
	} moves[6] = {
		{ 4, 4, "AAAA", "BBBB", NULL }, /* exact */
		{ 8, 4, "AAAAAAAA", "BBBBBBBB", NULL }, /* starts before */
		{ 4, 8, "AAAAAAAA", "BBBBBBBB", NULL }, /* starts after */
		{ 8, 4, "AAAA", "BBBBBBBBBBBB", NULL }, /* covers */
		{ 4, 4, "AAAA", "BBBBBBBB", NULL }, /* same start, longer */
		{ 4, 4, "AAAA", "BBBB", "CCCC" }, /* exact, three times */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases) + ARRAY_LEN(same); i++) {
		const struct overlap_case *c = &cases[0];
		const char *name;

		if (i < ARRAY_LEN(cases)) {
			c = &cases[i];
			name = c->policy;
		} else {
			name = same[i - ARRAY_LEN(cases)][0];
			while (strcmp(c->policy,
				      same[i - ARRAY_LEN(cases)][1]) != 0) {
				c++;
			}
		}
		for (unsigned m = 0; m < 6; m++) {
			char key[64], want[32];
			struct bench b;

			snprintf(key, sizeof(key),
				 "host-os-policy.%s.0=10.0.0.0/24", name);
			bench_established(&b, key);
			data(&b, C, moves[m].a, moves[m].as);
			data(&b, C, moves[m].b, moves[m].bs);
			if (moves[m].cs != NULL) {
				data(&b, C, moves[m].b, moves[m].cs);
			}
			assert_true(event_set_has(
				&b.events,
				EV_STREAM_REASSEMBLY_OVERLAP_DIFFERENT_DATA));
			data(&b, C, 0, "0000");
			snprintf(want, sizeof(want), "0000%s", c->want[m]);
			assert_got(&b, C, want);
			bench_close(&b);
		}
	}
}

/* Whose bytes they are is remembered when they are overwritten. */
static void
test_overlap_of_three(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, NULL); /* bsd */
	data(&b, C, 8, "AAAA");
	data(&b, C, 4, "BBBBBBBB"); /* starts before A: wins */
	data(&b, C, 6, "CCCC"); /* starts before A, but behind B: loses */
	data(&b, C, 0, "0000");
	assert_got(&b, C, "0000BBBBBBBB");
	bench_close(&b);

	bench_established(&b, "host-os-policy.last.0=10.0.0.0/24");
	data(&b, C, 4, "AAAAAAAA");
	data(&b, C, 6, "BB"); /* splits A */
	data(&b, C, 5, "CC");
	data(&b, C, 0, "0000");
	assert_got(&b, C, "0000ACCBAAAA");
	bench_close(&b);
}

static void
test_most_specific_policy(void **state)
{
	struct bench b;

	(void)state;
	bench_new(&b, "host-os-policy.first.0=0.0.0.0/0");
	bench_set(&b, "host-os-policy.last.0=10.0.0.2");
	bench_start(&b);
	bench_shake(&b);
	data(&b, C, 4, "AAAA");
	data(&b, C, 4, "BBBB");
	data(&b, C, 0, "0000");
	assert_got(&b, C, "0000BBBB"); /* the server is 10.0.0.2 */
	data(&b, S, 4, "AAAA");
	data(&b, S, 4, "BBBB");
	data(&b, S, 0, "0000");
	assert_got(&b, S, "0000AAAA");
	bench_close(&b);
}

static void
test_retransmission(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, NULL);
	data(&b, C, 0, "hello");
	assert_true(data(&b, C, 0, "hello"));
	assert_true(event_set_has(&b.events, EV_STREAM_PKT_RETRANSMISSION));
	assert_false(event_set_has(
		&b.events, EV_STREAM_REASSEMBLY_OVERLAP_DIFFERENT_DATA));
	assert_true(data(&b, C, 3, "lo world"));
	assert_got(&b, C, "hello world");
	assert_false(event_set_has(
		&b.events, EV_STREAM_REASSEMBLY_OVERLAP_DIFFERENT_DATA));
	assert_true(data(&b, C, 0, "HELLO"));
	assert_true(event_set_has(&b.events,
				  EV_STREAM_REASSEMBLY_OVERLAP_DIFFERENT_DATA));
	assert_got(&b, C, "hello world");
	/* A keep-alive with a garbage byte. */
	memset(&b.events, 0, sizeof(b.events));
	assert_true(data(&b, C, 10, "?"));
	assert_true(event_set_empty(&b.events));
	assert_int_equal(stream_counters(b.c)->retransmitted, 2);
	assert_int_equal(stream_counters(b.c)->overlap, 1);
	bench_close(&b);
}

static void
test_gap_when_acknowledged(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, NULL);
	data(&b, C, 0, "abc");
	data(&b, C, 6, "ghi");
	assert_got(&b, C, "abc");
	b.sent[0] = 5; /* acknowledges a part of the hole only */
	data(&b, S, 0, "");
	assert_got(&b, C, "abc");
	b.sent[0] = 9;
	data(&b, S, 0, "x");
	assert_got(&b, C, "abc...ghi");
	assert_got(&b, S, "x");
	assert_int_equal(b.gaps, 1);
	assert_true(event_set_has(&b.events, EV_STREAM_REASSEMBLY_SEQ_GAP));
	assert_int_equal(stream_counters(b.c)->reassembly_gap_bytes, 3);
	/* The raw window restarts behind the hole. */
	assert_int_equal(b.raw_offset[0], 6);
	/* Late: nobody waits for it any more. */
	data(&b, C, 3, "def");
	assert_got(&b, C, "abc...ghi");
	bench_close(&b);
}

static void
test_lost_end(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, NULL);
	data(&b, C, 0, "abc");
	fin(&b, C, 6, "");
	assert_false(b.fin[0]);
	b.sent[0] = 7;
	data(&b, S, 0, "");
	assert_got(&b, C, "abc...");
	assert_true(b.fin[0]);
	bench_close(&b);
}

static void
test_flush(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, NULL);
	data(&b, C, 3, "def");
	data(&b, C, 8, "ij");
	assert_got(&b, C, "");
	stream_flush(b.c, b.f);
	drain(&b);
	assert_got(&b, C, "...def..ij");
	assert_false(b.fin[0]);
	bench_close(&b);
}

static void
test_depth(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, "stream.reassembly.depth=8");
	data(&b, C, 0, "abcd");
	data(&b, C, 6, "ghij"); /* waits, cut at the depth */
	assert_true(
		event_set_has(&b.events, EV_STREAM_REASSEMBLY_DEPTH_REACHED));
	data(&b, C, 4, "ef");
	assert_got(&b, C, "abcdefgh");
	memset(&b.events, 0, sizeof(b.events));
	assert_true(data(&b, C, 10, "klmn"));
	assert_got(&b, C, "abcdefgh");
	assert_false(
		event_set_has(&b.events, EV_STREAM_REASSEMBLY_DEPTH_REACHED));
	assert_int_equal(stream_counters(b.c)->stream_depth_reached, 1);
	assert_int_equal(stream_bytes(b.f, FLOW_TOSERVER), 1 + 14);
	fin(&b, C, 14, "");
	assert_true(b.fin[0]);
	bench_close(&b);
}

/* Chunks of raw bytes end where so many are acknowledged, or at a cut. */
static void
test_raw_chunks(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, "stream.reassembly.toserver-chunk-size=4");
	b.keep_raw = true;
	data(&b, C, 0, "abc");
	assert_true(send_tcp(&b, S, TCP_ACK, ISN_S + 1, ISN_C + 1 + 3, ""));
	data(&b, C, 3, "def"); /* three are too few */
	assert_int_equal(stream_raw_chunk(b.f, FLOW_TOSERVER), 0);
	data(&b, C, 6, "ghi"); /* nothing acknowledged since */
	assert_int_equal(stream_raw_chunk(b.f, FLOW_TOSERVER), 0);
	assert_true(send_tcp(&b, S, TCP_ACK, ISN_S + 1, ISN_C + 1 + 6, ""));
	assert_int_equal(stream_raw_chunk(b.f, FLOW_TOSERVER), 0);
	data(&b, C, 9, "jkl");
	assert_int_equal(stream_raw_chunk(b.f, FLOW_TOSERVER), 6);
	stream_raw_cut(b.f, FLOW_TOSERVER);
	assert_int_equal(stream_raw_chunk(b.f, FLOW_TOSERVER), 12);
	assert_int_equal(stream_raw_chunk(b.f, FLOW_TOCLIENT), 0);
	assert_false(stream_raw_last(b.f, FLOW_TOSERVER, false));
	assert_true(stream_raw_last(b.f, FLOW_TOSERVER, true));
	fin(&b, C, 12, "");
	assert_true(stream_raw_last(b.f, FLOW_TOSERVER, false));
	stream_raw_done(b.c, b.f, FLOW_TOSERVER);
	assert_false(stream_raw_last(b.f, FLOW_TOSERVER, true));
	bench_close(&b);
}

/* -- the raw window -- */

static void
test_raw_window(void **state)
{
	struct bench b;
	uint32_t seen;
	uint64_t off;
	struct view v;

	(void)state;
	bench_established(&b, NULL);
	b.keep_raw = true;
	data(&b, C, 0, "abc");
	v = stream_raw(b.f, FLOW_TOSERVER, &seen, &off);
	assert_int_equal(v.len, 3);
	assert_int_equal(seen, 0);
	stream_raw_done(b.c, b.f, FLOW_TOSERVER);
	v = stream_raw(b.f, FLOW_TOSERVER, &seen, &off);
	assert_int_equal(seen, v.len);
	data(&b, C, 3, "def");
	v = stream_raw(b.f, FLOW_TOSERVER, &seen, &off);
	assert_int_equal(seen, 3);
	assert_int_equal(off, 0);
	assert_memory_equal(v.p, "abcdef", 6);
	stream_raw_disable(b.c, b.f, FLOW_TOSERVER);
	data(&b, C, 6, "ghi");
	v = stream_raw(b.f, FLOW_TOSERVER, &seen, &off);
	assert_int_equal(seen, v.len);
	assert_got(&b, C, "abcdefghi");
	bench_close(&b);
}

/* At least 4 KiB of history, whatever the sizes; bytes are the right ones. */
static void
test_raw_history(void **state)
{
	static uint8_t text[400000];
	struct bench b;
	uint64_t at = 0;

	(void)state;
	srand(3);
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = (uint8_t)rand();
	}
	bench_established(&b, NULL);
	b.keep_raw = true;
	while (at < sizeof(text) - 3000) {
		size_t len = 1 + (size_t)(rand() % 2900);
		uint32_t seen;
		uint64_t off;
		struct view v;

		data_bytes(&b, C, at, view_of(text + at, len));
		b.sent[0] = at + len;
		data(&b, S, 0, "");
		v = stream_raw(b.f, FLOW_TOSERVER, &seen, &off);
		assert_int_equal(off + v.len, at + len);
		assert_int_equal(off + seen, at);
		assert_true(seen >= MIN(at, 4096));
		assert_true(v.len <= 65536);
		assert_memory_equal(v.p, text + off, v.len);
		stream_raw_done(b.c, b.f, FLOW_TOSERVER);
		at += len;
	}
	bench_close(&b);
}

/* -- much of everything -- */

/* Any cut of the bytes into segments, any order within the window, any
 * repetition: the original bytes. */
static void
test_random_segmentation(void **state)
{
	static uint8_t text[60000];

	(void)state;
	for (unsigned run = 0; run < 60; run++) {
		static bool sent[sizeof(text)];
		struct bench b;
		size_t left, n = 1 + (size_t)(rand() % 20000);

		srand(run);
		for (size_t i = 0; i < n; i++) {
			text[i] = (uint8_t)rand();
		}
		memset(sent, 0, sizeof(sent));
		bench_isn(&b, (uint32_t)rand() * 3, UINT32_MAX - 100);
		for (left = n; left > 0;) {
			size_t at = (size_t)rand() % n, len;

			while (rand() % 3 != 0 && sent[at]) {
				at = (at + 1) % n;
			}
			len = 1 + (size_t)(rand() % 1460);
			len = MIN(n - at, len);
			for (size_t i = at; i < at + len; i++) {
				left -= !sent[i];
				sent[i] = true;
			}
			assert_true(
				data_bytes(&b, C, at, view_of(text + at, len)));
		}
		assert_int_equal(b.n_got[0], n);
		assert_memory_equal(b.got[0], text, n);
		assert_int_equal(b.gaps, 0);
		assert_false(event_set_has(
			&b.events,
			EV_STREAM_REASSEMBLY_OVERLAP_DIFFERENT_DATA));
		bench_close(&b);
	}
}

/* One-byte segments that never fit: bounded memory, bounded runs. */
static void
test_storm_of_bytes(void **state)
{
	struct bench b;
	size_t before;

	(void)state;
	bench_established(&b, NULL);
	before = pool_in_use(b.pool);
	for (uint64_t i = 0; i < 60000; i++) {
		uint64_t at = (i * 7919) % 60000 | 1; /* byte 0 never comes */

		data(&b, C, at, "x");
		assert_true(pool_in_use(b.pool) - before < 4 << 20);
	}
	assert_true(stream_counters(b.c)->reassembly_gap > 0);
	stream_flush(b.c, b.f);
	drain(&b);
	bench_close(&b);
}

static void
test_memcap(void **state)
{
	static uint8_t text[1400];
	struct bench b;

	(void)state;
	bench_established(&b, "stream.reassembly.memcap=64kb");
	for (unsigned i = 1; i < 60; i++) {
		data_bytes(&b, C, i * 2000, view_of(text, sizeof(text)));
	}
	assert_true(stream_counters(b.c)->segment_memcap_drop > 0);
	assert_true(b.c->mem <= 64 << 10);
	/* In-order data still goes through. */
	data_bytes(&b, C, b.c->session->side[0].next_off,
		   view_of(text, sizeof(text)));
	assert_true(b.n_got[0] > 0);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permutations),
		cmocka_unit_test(test_overlap_policies),
		cmocka_unit_test(test_overlap_of_three),
		cmocka_unit_test(test_most_specific_policy),
		cmocka_unit_test(test_retransmission),
		cmocka_unit_test(test_gap_when_acknowledged),
		cmocka_unit_test(test_lost_end),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_raw_chunks),
		cmocka_unit_test(test_raw_window),
		cmocka_unit_test(test_raw_history),
		cmocka_unit_test(test_random_segmentation),
		cmocka_unit_test(test_storm_of_bytes),
		cmocka_unit_test(test_memcap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
