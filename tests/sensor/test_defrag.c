/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/defrag.h"

#include "sensor/decode.h"
#include "sensor/defrag_policy.h"
#include "tests/sensor/frame_build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static struct pool *pool;
static struct defrag *df;
static struct packet pkt;
static struct frame frame;
static struct view whole;

static void
start(const struct conf *conf, size_t limit)
{
	pool = pool_new(limit);
	assert_non_null(pool);
	df = defrag_new(conf, pool);
	assert_non_null(df);
	frame.ts_us = 1000000000;
}

static void
stop(void)
{
	defrag_free(df);
	df = NULL;
	assert_int_equal(pool_in_use(pool), 0);
	pool_free(pool);
}

static int
set_up(void **state)
{
	(void)state;
	start(NULL, (size_t)64 << 20);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	stop();
	return 0;
}

static struct conf *
policy_conf(const char *os)
{
	struct conf *c = conf_new();
	char key[64];

	snprintf(key, sizeof(key), "host-os-policy.%s.0", os);
	assert_non_null(c);
	assert_int_equal(conf_set(c, key, "0.0.0.0/0"), ERR_OK);
	snprintf(key, sizeof(key), "host-os-policy.%s.1", os);
	assert_int_equal(conf_set(c, key, "::/0"), ERR_OK);
	return c;
}

/* A fragment from 10.0.0.1 to 10.0.0.2, or their IPv6 brothers. */
static bool
push(uint8_t version, uint32_t id, uint32_t offset, bool more, const void *p,
     size_t n)
{
	uint8_t header[40] = { version == 4 ? 0x45 : 0x60 };
	struct defrag_fragment frag;
	uint8_t *copy = malloc(n > 0 ? n : 1);
	bool done;

	memcpy(copy, p, n);
	header[6] = version == 4 ? 0 : IPP_FRAGMENT;
	memset(&pkt, 0, sizeof(pkt));
	pkt.frame = &frame;
	pkt.ip_version = version;
	pkt.proto = IPP_UDP;
	/* The same bytes in both versions, on purpose. */
	pkt.src.b[15] = 1;
	pkt.dst.b[15] = 2;
	pkt.frag_id = id;
	pkt.frag_offset = (uint16_t)(offset / 8);
	pkt.frag_flags = more ? 1 : 0;
	frag.header = view_of(header, version == 4 ? 20 : 40);
	frag.next_header_at = 6;
	frag.data = view_of(copy, n);
	done = defrag_push(df, &pkt, &frag, &whole);
	free(copy);
	return done;
}

/* 'units' times 8 bytes of the letter. */
static bool
letter(uint8_t version, uint32_t id, uint32_t offset, size_t n, bool more,
       char c)
{
	char text[4096];

	assert_true(n <= sizeof(text));
	memset(text, c, n);
	return push(version, id, offset, more, text, n);
}

static struct view
body(void)
{
	size_t hlen = whole.p[0] >> 4 == 4 ? 20 : 40;

	return view_of(whole.p + hlen, whole.len - hlen);
}

static void
any_order(void **state)
{
	static const uint8_t order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 },
					     { 1, 0, 2 }, { 1, 2, 0 },
					     { 2, 0, 1 }, { 2, 1, 0 } };

	(void)state;
	for (unsigned v = 4; v <= 6; v += 2) {
		for (unsigned i = 0; i < 6; i++) {
			for (unsigned k = 0; k < 3; k++) {
				unsigned n = order[i][k];

				assert_int_equal(letter((uint8_t)v, i, n * 16,
							n == 2 ? 5 : 16, n != 2,
							(char)('a' + n)),
						 k == 2);
				assert_true(event_set_empty(&pkt.events));
			}
			assert_true(view_eq(
				body(),
				VIEW_LIT("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"
					 "ccccc")));
			if (v == 4) {
				assert_int_equal(load_be16(whole.p + 2), 57);
				assert_int_equal(
					csum_fold(csum_add(0, whole.p, 20)),
					0xffff);
			} else {
				assert_int_equal(load_be16(whole.p + 4), 37);
				assert_int_equal(whole.p[6], IPP_UDP);
			}
			defrag_recycle(df);
		}
	}
}

static void
holes_wait_and_duplicates_do_no_harm(void **state)
{
	(void)state;
	assert_false(letter(4, 1, 0, 8, true, 'a'));
	assert_false(letter(4, 1, 16, 8, false, 'c'));
	assert_false(letter(4, 1, 16, 8, false, 'c'));
	assert_true(event_set_has(&pkt.events, EV_DECODE_IPV4_FRAG_OVERLAP));
	assert_false(letter(4, 1, 0, 8, true, 'a'));
	assert_true(letter(4, 1, 8, 8, true, 'b'));
	assert_true(view_eq(body(), VIEW_LIT("aaaaaaaabbbbbbbbcccccccc")));
	/* Without the first fragment there is no header to go by. */
	assert_false(letter(4, 2, 8, 8, true, 'b'));
	assert_false(letter(4, 2, 16, 8, false, 'c'));
	assert_true(letter(4, 2, 0, 8, true, 'a'));
}

static void
id_used_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_false(letter(6, 7, 0, 8, true, (char)('a' + i)));
		assert_true(letter(6, 7, 8, 8, false, (char)('A' + i)));
		assert_int_equal(body().p[0], 'a' + i);
		assert_int_equal(body().p[8], 'A' + i);
		assert_true(event_set_empty(&pkt.events));
		defrag_recycle(df);
	}
	/* What comes too late begins a datagram of its own. */
	assert_false(letter(6, 7, 8, 8, false, 'x'));
	assert_true(event_set_empty(&pkt.events));
}

static void
version_is_part_of_the_key(void **state)
{
	(void)state;
	assert_false(letter(4, 9, 0, 8, true, 'a'));
	assert_false(letter(6, 9, 8, 8, false, 'b'));
	assert_true(event_set_empty(&pkt.events));
	assert_true(letter(4, 9, 8, 8, false, 'c'));
	assert_true(view_eq(body(), VIEW_LIT("aaaaaaaacccccccc")));
	assert_true(letter(6, 9, 0, 8, true, 'd'));
	assert_true(view_eq(body(), VIEW_LIT("ddddddddbbbbbbbb")));
}

static void
ends_must_agree(void **state)
{
	(void)state;
	assert_false(letter(4, 1, 16, 8, false, 'c'));
	/* Another end, and data behind the end. */
	assert_false(letter(4, 1, 24, 8, false, 'x'));
	assert_true(event_set_has(&pkt.events, EV_DECODE_IPV4_FRAG_OVERLAP));
	assert_false(letter(4, 1, 24, 8, true, 'x'));
	assert_true(event_set_has(&pkt.events, EV_DECODE_IPV4_FRAG_OVERLAP));
	assert_true(letter(4, 1, 0, 16, true, 'a'));
	assert_int_equal(body().len, 24);
	assert_int_equal(body().p[16], 'c');
	/* An end before data that came. */
	assert_false(letter(4, 2, 16, 16, true, 'c'));
	assert_false(letter(4, 2, 8, 8, false, 'x'));
	assert_true(event_set_has(&pkt.events, EV_DECODE_IPV4_FRAG_OVERLAP));
}

static void
odd_lengths(void **state)
{
	(void)state;
	/* IPv4: cut down to whole units; IPv6: not taken. */
	assert_false(push(4, 1, 0, true, "aaaaaaaabbb", 11));
	assert_true(push(4, 1, 8, false, "cc", 2));
	assert_true(view_eq(body(), VIEW_LIT("aaaaaaaacc")));
	assert_false(push(6, 1, 0, true, "aaaaaaaabbb", 11));
	assert_true(
		event_set_has(&pkt.events, EV_DECODE_IPV6_FRAG_INVALID_LENGTH));
	assert_false(push(4, 2, 0, true, "", 0));
	assert_false(push(4, 2, 0, true, "aaaaa", 5));
	assert_true(event_set_has(&pkt.events, EV_DECODE_IPV4_FRAG_IGNORED));
	/* One byte at the end. */
	assert_false(letter(4, 3, 0, 8, true, 'a'));
	assert_true(letter(4, 3, 8, 1, false, 'b'));
	assert_int_equal(body().len, 9);
}

static void
too_large(void **state)
{
	(void)state;
	/* The highest offset there is, 65528: with the header, beyond. */
	assert_false(letter(4, 1, 65528, 7, false, 'x'));
	assert_true(
		event_set_has(&pkt.events, EV_DECODE_IPV4_FRAG_PKT_TOO_LARGE));
	assert_false(letter(4, 1, 65512, 8, false, 'x'));
	assert_true(
		event_set_has(&pkt.events, EV_DECODE_IPV4_FRAG_PKT_TOO_LARGE));
	assert_false(letter(6, 1, 65528, 8, false, 'x'));
	assert_true(
		event_set_has(&pkt.events, EV_DECODE_IPV6_FRAG_PKT_TOO_LARGE));
	/* The largest there is. */
	for (unsigned v = 4; v <= 6; v += 2) {
		size_t last = v == 4 ? 65512 : 65528;
		unsigned n = 0;

		for (size_t at = 0; at < last; at += 1024) {
			assert_false(letter((uint8_t)v, 2, (uint32_t)at,
					    MIN(last - at, (size_t)1024), true,
					    (char)('a' + n++ % 26)));
		}
		/* 65512 + 3 + 20 and 65528 + 7 are 65535. */
		assert_true(letter((uint8_t)v, 2, (uint32_t)last,
				   v == 4 ? 3 : 7, false, '!'));
		assert_int_equal(body().len, v == 4 ? 65515 : 65535);
		for (size_t i = 0; i < last; i++) {
			assert_int_equal(body().p[i], 'a' + (i / 1024) % 26);
		}
		assert_int_equal(body().p[body().len - 1], '!');
	}
}

/*
 * The sequence of Novak and Sturges: fragments by offset and length in units,
 * then what each policy makes of it, a letter a unit.
 */
static void
overlap_policies(void **state)
{
	static const uint8_t seq[17][2] = {
		{ 0, 3 },  { 4, 2 },  { 6, 3 },  { 10, 1 }, { 13, 2 },
		{ 15, 3 }, { 18, 2 }, { 20, 2 }, { 22, 1 }, { 1, 4 },
		{ 6, 3 },  { 9, 3 },  { 12, 3 }, { 16, 1 }, { 19, 1 },
		{ 20, 1 }, { 22, 2 },
	};
	static const struct {
		const char *os, *want;
	} policy[] = {
		{ "bsd", "AAAJJBCCCLLLMMMFFFGGHHIQ" },
		{ "bsd-right", "AJJJBBKKKLDLMEEFNFGOPHQQ" },
		{ "linux", "AAAJJBKKKLLLMMMFFFGGPHQQ" },
		{ "first", "AAAJBBCCCLDLMEEFFFGGHHIQ" },
		{ "last", "AJJJJBKKKLLLMMMFNFGOPHQQ" },
		{ "windows", "AAAJBBCCCLLLMEEFFFGGHHIQ" },
		{ "solaris", "AAAJBBCCCLLLMMMFFFGGHHIQ" },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(policy); k++) {
		for (unsigned v = 4; v <= 6; v += 2) {
			struct conf *c = policy_conf(policy[k].os);
			char got[25] = "";
			bool done = false;

			stop();
			start(c, (size_t)1 << 20);
			conf_free(c);
			for (unsigned i = 0; i < 17; i++) {
				assert_false(done);
				done = letter((uint8_t)v, 1, seq[i][0] * 8u,
					      seq[i][1] * 8u, i != 16,
					      (char)('A' + i));
			}
			assert_true(done);
			assert_int_equal(body().len, 24 * 8);
			for (unsigned u = 0; u < 24; u++) {
				got[u] = (char)body().p[u * 8];
				assert_int_equal(body().p[u * 8 + 7], got[u]);
			}
			assert_string_equal(got, policy[k].want);
		}
	}
}

static void
most_specific_policy(void **state)
{
	struct conf *c = conf_new();
	struct defrag_policies *p;
	struct addr a;

	(void)state;
	assert_int_equal(conf_set(c, "host-os-policy.windows.0", "0.0.0.0/0"),
			 ERR_OK);
	assert_int_equal(conf_set(c, "host-os-policy.linux.0", "10.0.0.0/8"),
			 ERR_OK);
	assert_int_equal(conf_set(c, "host-os-policy.solaris.0", "10.1.1.1"),
			 ERR_OK);
	p = defrag_policies_new(c);
	assert_true(addr_parse(VIEW_LIT("10.1.1.1"), &a));
	assert_int_equal(defrag_policy_for(p, &a), DEFRAG_SOLARIS);
	assert_true(addr_parse(VIEW_LIT("10.1.1.2"), &a));
	assert_int_equal(defrag_policy_for(p, &a), DEFRAG_LINUX);
	assert_true(addr_parse(VIEW_LIT("11.1.1.2"), &a));
	assert_int_equal(defrag_policy_for(p, &a), DEFRAG_WINDOWS);
	assert_true(addr_parse(VIEW_LIT("2001:db8::1"), &a));
	assert_int_equal(defrag_policy_for(p, &a), DEFRAG_BSD);
	defrag_policies_free(p);
	conf_free(c);
}

static void
time_passes(void **state)
{
	(void)state;
	assert_false(letter(4, 1, 0, 8, true, 'a'));
	frame.ts_us += 60 * 1000000;
	assert_false(letter(4, 1, 8, 8, true, 'b'));
	frame.ts_us += 60 * 1000000 + 1;
	assert_false(letter(4, 1, 16, 8, false, 'c'));
	assert_int_equal(defrag_counters(df)->timeout, 1);
	/* The next capture may be older. */
	frame.ts_us = 5;
	assert_false(letter(4, 1, 0, 8, true, 'a'));
	assert_false(letter(4, 1, 8, 8, true, 'b'));
	assert_true(letter(4, 1, 16, 8, false, 'c'));
	assert_int_equal(defrag_counters(df)->timeout, 2);
}

static void
memory_is_bounded(void **state)
{
	struct conf *c = conf_new();

	(void)state;
	stop();
	assert_int_equal(conf_set(c, "defrag.trackers", "100"), ERR_OK);
	start(c, (size_t)64 << 20);
	for (uint32_t i = 0; i < 1000; i++) {
		assert_false(letter(4, i, 0, 8, true, 'a'));
	}
	assert_int_equal(defrag_counters(df)->no_memory, 900);
	/* The newest still come through. */
	assert_true(letter(4, 999, 8, 8, false, 'b'));
	stop();
	conf_free(c);
	/* So with more fragments than may wait: the oldest give way. */
	c = conf_new();
	assert_int_equal(conf_set(c, "defrag.max-frags", "50"), ERR_OK);
	start(c, (size_t)64 << 20);
	for (uint32_t i = 0; i < 100; i++) {
		assert_false(letter(4, i, 0, 8, true, 'a'));
	}
	assert_int_equal(defrag_counters(df)->no_memory, 50);
	assert_true(letter(4, 99, 8, 8, false, 'b'));
	stop();
	conf_free(c);
	/* A pool that is nearly empty, and offsets made to cost the most. */
	start(NULL, 64 << 10);
	for (uint32_t i = 0; i < 100000; i++) {
		letter(i % 2 != 0 ? 6 : 4, i % 50, (i * 1400) % 65000 / 8 * 8,
		       8, true, 'a');
		assert_true(pool_in_use(pool) <= 64 << 10);
	}
	assert_true(defrag_counters(df)->no_memory > 0);
}

/* Through the decoder: a fragmented tunnel whose inside is fragmented too. */
static void
fragments_within_fragments(void **state)
{
	struct decoder *d = decoder_new(NULL, pool);
	struct packet out[FRAME_MAX_PACKETS];
	struct decode_counters count;
	struct build outer, part;
	unsigned n = 0, whole_inner = 0;
	size_t at, udp;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		outer.len = 0;
		at = add_ipv4(&outer, IPP_IPIP, 8, 9);
		udp = outer.len;
		add_ipv4(&outer, IPP_UDP, 1, 2);
		outer.b[udp + 5] = 77;
		outer.b[udp + 6] = i == 0 ? 0x20 : 0;
		outer.b[udp + 7] = i == 0 ? 0 : 3;
		if (i == 0) {
			size_t head = add_udp(&outer, 1111, 2222);

			store_be16(outer.b + head + 4, 34);
			add(&outer, "0123456789abcdef", 16);
		} else {
			add(&outer, "ghijklmnop", 10);
		}
		finish_ipv4(&outer, udp);
		for (size_t off = 0; off < outer.len - 20; off += 16) {
			size_t len = MIN(outer.len - 20 - off, (size_t)16);
			struct frame fr;

			part.len = 0;
			at = add_ipv4(&part, IPP_IPIP, 8, 9);
			part.b[5] = (uint8_t)(i + 1);
			part.b[6] = off + len < outer.len - 20 ? 0x20 : 0;
			part.b[7] = (uint8_t)(off / 8);
			add(&part, outer.b + 20 + off, len);
			finish_ipv4(&part, at);
			fr = frame_of(&part, 101);
			n = decode_frame(d, &fr, out);
			whole_inner += n == 4;
		}
	}
	/* Fragment, outer datagram, inner fragment, inner datagram. */
	assert_int_equal(n, 4);
	assert_int_equal(whole_inner, 1);
	assert_int_equal(out[0].flags, PKT_FRAGMENT);
	assert_int_equal(out[1].flags, PKT_REASSEMBLED | PKT_OUTER);
	assert_int_equal(out[2].flags, PKT_FRAGMENT | PKT_INNER);
	assert_int_equal(out[3].flags & ~(uint32_t)PKT_NO_L4_CSUM,
			 PKT_REASSEMBLED | PKT_INNER);
	assert_int_equal(out[3].dport, 2222);
	assert_true(view_eq(out[3].payload,
			    VIEW_LIT("0123456789abcdefghijklmnop")));
	decode_counters(d, &count);
	assert_int_equal(count.frag_ipv4_reassembled, 3);
	decoder_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(any_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			holes_wait_and_duplicates_do_no_harm, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(id_used_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(version_is_part_of_the_key,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(ends_must_agree, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(odd_lengths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(overlap_policies, set_up,
						tear_down),
		cmocka_unit_test(most_specific_policy),
		cmocka_unit_test_setup_teardown(time_passes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_is_bounded, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(fragments_within_fragments,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
