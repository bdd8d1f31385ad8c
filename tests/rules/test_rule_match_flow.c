/* SPDX-License-Identifier: Apache-2.0 */
/* Rules over the life of a flow: bits, order, streams, halves. */
#include "tests/rules/rule_bench.h"

static void
test_stream_window(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert tcp any any -> any any (content:\"hello\"; "
		       "sid:1;)\n"
		       "alert tcp any any -> any any (content:\"he\"; "
		       "content:\"world\"; distance:0; sid:2;)\n"
		       "alert tcp any any -> any any (flow:only_stream; "
		       "content:\"GET\"; startswith; sid:3;)\n");
	b.in.pkt.proto = IPP_TCP;
	assert_int_equal(stream(&b, "xhel", 0, 0), 0);
	/* across the seam */
	assert_int_equal(stream(&b, "xhello", 4, 0), 1);
	assert_int_equal(b.hits[0].rule->sid, 1);
	/* nothing new of it; the second rule waited for its other half */
	assert_int_equal(stream(&b, "xhello world", 6, 0), 1);
	assert_int_equal(b.hits[0].rule->sid, 2);
	assert_int_equal(stream(&b, "xhello world..", 12, 0), 0);
	/* "GET" is where the window begins, but not the stream */
	assert_int_equal(stream(&b, "GET", 0, 100), 0);
	assert_int_equal(stream(&b, "GET", 0, 0), 1);
	bench_close(&b);
}

static void
test_packet_then_stream(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert tcp any any -> any any (content:\"GET\"; "
		       "depth:3; sid:1;)\n"
		       "alert tcp-pkt any any -> any any (content:\"GET\"; "
		       "sid:2;)\n"
		       "alert tcp any any -> any any (content:\"GET\"; "
		       "sid:3;)\n");
	b.in.pkt.proto = IPP_TCP;
	b.in.pkt.in_stream = true;
	assert_int_equal(packet(&b, "GET /"), 2);
	assert_int_equal(b.hits[0].rule->sid, 1);
	assert_int_equal(b.hits[1].rule->sid, 2);
	/* the first spoke for this packet already */
	assert_int_equal(stream(&b, "GET /", 0, 0), 1);
	assert_int_equal(b.hits[0].rule->sid, 3);
	bench_close(&b);
}

static void
test_flowbits(void **state)
{
	struct rule_metadata meta;
	struct bench b;

	(void)state;
	bench_open(&b, "alert udp any any -> any any (flowbits:isset,b; "
		       "content:\"x\"; sid:3;)\n"
		       "alert udp any any -> any any (flowbits:isset,a; "
		       "content:\"x\"; flowbits:set,b; sid:2;)\n"
		       "alert udp any any -> any any (content:\"x\"; "
		       "flowbits:set,a; flowbits:noalert; sid:1;)\n"
		       "alert udp any any -> any any (content:\"y\"; "
		       "flowbits:isnotset,a|c; flowbits:unset,b; sid:4;)\n"
		       "alert udp any any -> any any (content:\"z\"; "
		       "flowbits:isset,b; sid:5;)\n");
	/* all three in one packet, in order of who needs whom */
	assert_int_equal(packet(&b, "x"), 2);
	assert_int_equal(b.hits[0].rule->sid, 3); /* load order */
	assert_int_equal(b.hits[1].rule->sid, 2);
	rule_metadata_of(b.rs, b.flow_state, &meta);
	assert_int_equal(meta.n_bits, 2);
	assert_int_equal(packet(&b, "z"), 1);
	assert_int_equal(packet(&b, "y"), 1);
	assert_int_equal(packet(&b, "z"), 0);
	bench_close(&b);
}

static void
test_flowbit_first(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert udp any any -> any any (flowbits:isset,a; "
		       "sid:1;)\n"
		       "alert udp any any -> any any (flowbits:isnotset,a; "
		       "content:\"x\"; flowbits:set,a; noalert; sid:2;)\n"
		       "alert udp any any -> any any (flowbits:isset,a; "
		       "content:\"x\"; flowbits:unset,a; sid:3;)\n");
	b.flow.pkts[0] = 1;
	assert_int_equal(packet(&b, "x"), 2);
	assert_int_equal(packet(&b, "y"), 0);
	bench_close(&b);
}

static void
test_flowint(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert udp any any -> any any (content:\"x\"; "
		       "flowint:n,+,1; flowint:n,>,1; sid:1;)\n"
		       "alert udp any any -> any any (content:\"x\"; "
		       "flowint:n,notset; flowint:n,=,1; noalert; sid:2;)\n");
	assert_int_equal(packet(&b, "x"), 0); /* n = 1 */
	assert_int_equal(packet(&b, "x"), 0);
	bench_close(&b);
	bench_open(&b, "alert udp any any -> any any (content:\"x\"; "
		       "flowint:n,+,1; noalert; sid:1;)\n"
		       "alert udp any any -> any any (content:\"x\"; "
		       "flowint:n,==,2; sid:2;)\n");
	assert_int_equal(packet(&b, "x"), 0);
	assert_int_equal(packet(&b, "x"), 1);
	assert_int_equal(packet(&b, "x"), 0);
	bench_close(&b);
}

static void
test_pass_and_order(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert udp any any -> any any (content:\"x\"; "
		       "priority:3; sid:1;)\n"
		       "alert udp any any -> any any (content:\"x\"; "
		       "priority:1; sid:2;)\n"
		       "pass udp any any -> any any (content:\"p\"; sid:3;)\n");
	assert_int_equal(packet(&b, "x"), 2);
	assert_int_equal(b.hits[0].rule->sid, 2);
	assert_int_equal(packet(&b, "xp"), 0);
	/* a packet's pass ends with the packet */
	assert_int_equal(packet(&b, "x"), 2);
	bench_close(&b);
}

static void
test_once_a_flow(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert ip any any -> any any (sid:1;)\n"
		       "alert udp any any -> any any "
		       "(app-layer-protocol:dns; sid:2;)\n"
		       "alert tls any any -> any any (sid:3;)\n"
		       "alert tcp any any -> any any (app-layer-protocol:smtp,"
		       "original; app-layer-protocol:ftp,final; sid:4;)\n"
		       "alert http any any -> any any (sid:5;)\n"
		       "alert http1 any any -> any any (sid:6;)\n");
	b.flow.pkts[0] = 1;
	assert_int_equal(packet(&b, "x"), 1);
	b.flow.pkts[0] = 2;
	assert_int_equal(packet(&b, "x"), 0);
	b.flow.app = APP_DNS;
	assert_int_equal(packet(&b, "x"), 1);
	assert_int_equal(packet(&b, "x"), 0);
	/* a protocol in the header is asked of every packet */
	b.in.pkt.proto = IPP_TCP;
	b.flow.app = APP_TLS;
	assert_int_equal(packet(&b, "x"), 1);
	assert_int_equal(packet(&b, "x"), 1);
	/* a flow changes its protocol once, for both directions */
	b.flow.app = APP_FTP;
	b.flow.app_before = APP_SMTP;
	assert_int_equal(packet(&b, "x"), 1);
	b.in.dir = DIR_TOCLIENT;
	assert_int_equal(packet(&b, "x"), 0);
	/* http is HTTP of any version */
	b.flow.app = APP_HTTP;
	assert_int_equal(packet(&b, "x"), 2);
	b.flow.app = APP_HTTP2;
	assert_int_equal(packet(&b, "x"), 1);
	assert_int_equal(b.hits[0].rule->sid, 5);
	bench_close(&b);
}

/* "action-order": a pass rule silences only what comes after it. */
static void
test_action_order(void **state)
{
	static const char rules[] =
		"alert udp any any -> any any (content:\"x\"; sid:1;)\n"
		"pass udp any any -> any any (content:\"x\"; sid:2;)\n"
		"drop udp any any -> any any (content:\"x\"; sid:3;)\n";
	struct conf *conf = conf_new();
	struct diag d = { "" };
	struct bench b;

	(void)state;
	assert_non_null(conf);
	bench_open(&b, rules);
	assert_int_equal(packet(&b, "x"), 0);
	bench_close(&b);
	assert_int_equal(conf_set(conf, "action-order.0", "alert"), ERR_OK);
	assert_int_equal(conf_set(conf, "action-order.1", "pass"), ERR_OK);
	bench_open_conf(&b, conf, rules);
	assert_int_equal(packet(&b, "x"), 1);
	assert_int_equal(b.hits[0].rule->sid, 1);
	bench_close(&b);
	assert_int_equal(conf_set(conf, "action-order.1", "let"), ERR_OK);
	assert_null(rules_of(conf, rules, &d));
	assert_non_null(strstr(d.msg, "action-order"));
	conf_free(conf);
}

/* A rule on the stream speaks once in a chunk, as soon as it can. */
static void
test_stream_chunks(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert tcp any any -> any any (content:\"abc\"; "
		       "sid:1;)\n");
	b.in.pkt.proto = IPP_TCP;
	assert_int_equal(stream(&b, "abc", 0, 0), 1);
	assert_int_equal(stream(&b, "abcabc", 3, 0), 0);
	b.in.stream_chunk = 6;
	assert_int_equal(stream(&b, "abcabcx", 6, 0), 0);
	assert_int_equal(stream(&b, "abcabcxabc", 7, 0), 1);
	assert_int_equal(stream(&b, "abcabcxabcabc", 10, 0), 0);
	bench_close(&b);
}

/* A placed content is asked of the packet, then of the complete chunk. */
static void
test_packet_then_chunk(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert tcp any any -> any any (content:\"abc\"; "
		       "depth:3; sid:1;)\n"
		       "alert tcp any any -> any any (ttl:64; "
		       "content:\"abc\"; sid:2;)\n");
	b.in.pkt.proto = IPP_TCP;
	b.in.pkt.in_stream = true;
	assert_int_equal(packet(&b, "abc"), 2);
	assert_int_equal(packet(&b, "ab"), 0);
	assert_int_equal(stream(&b, "abc", 0, 0), 0);
	assert_int_equal(stream(&b, "abcx", 3, 0), 0);
	b.in.stream_chunk = 4;
	/* complete; only the first rule looks at streams */
	assert_int_equal(stream(&b, "abcxy", 4, 0), 1);
	assert_int_equal(b.hits[0].rule->sid, 1);
	assert_int_equal(stream(&b, "abcxyz", 5, 0), 0);
	b.in.stream_end = true;
	assert_int_equal(stream(&b, "abcxyz", 6, 0), 0);
	bench_close(&b);
}

/* The end of the stream completes the last chunk. */
static void
test_chunk_ends(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert tcp any any -> any any (content:\"abc\"; "
		       "depth:3; sid:1;)\n"
		       "alert tcp any any -> any any (content:\"xbc\"; "
		       "depth:3; sid:2;)\n");
	b.in.pkt.proto = IPP_TCP;
	assert_int_equal(stream(&b, "abcxbc", 0, 0), 0);
	b.in.stream_end = true;
	assert_int_equal(stream(&b, "abcxbc", 6, 0), 1);
	assert_int_equal(b.hits[0].rule->sid, 1);
	bench_close(&b);
}

/* Raw bytes and a transaction's buffer, whichever comes first. */
static void
test_raw_and_tx(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert http any any -> any any (content:\"raw\"; "
		       "http.uri; content:\"/abc\"; http.user_agent; "
		       "content:\"bot\"; sid:1;)\n");
	b.in.pkt.proto = IPP_TCP;
	b.in.app = b.flow.app = APP_HTTP;
	give(&b, BUF_HTTP_URI, "/abc");
	give(&b, BUF_STREAM, "some raw bytes");
	assert_int_equal(call(&b, INSPECT_TX), 0);
	forget(&b);
	/* the bytes have gone by, and are remembered */
	give(&b, BUF_HTTP_URI, "/abc");
	give(&b, BUF_HTTP_USER_AGENT, "a bot");
	give(&b, BUF_STREAM, "others");
	assert_int_equal(call(&b, INSPECT_TX), 1);
	assert_int_equal(call(&b, INSPECT_TX), 0);
	bench_close(&b);

	bench_open(&b, "alert dns any any -> any any (content:\"|01 00|\"; "
		       "offset:2; depth:2; dns.query; content:\"a\"; "
		       "sid:1;)\n");
	b.in.app = b.flow.app = APP_DNS;
	give(&b, BUF_DNS_QUERY, "a.example");
	give(&b, BUF_PAYLOAD, "12\x02");
	assert_int_equal(call(&b, INSPECT_TX), 0);
	b.views[BUF_PAYLOAD] = view_of((const uint8_t *)"12\x01\0", 4);
	assert_int_equal(call(&b, INSPECT_TX), 1);
	bench_close(&b);
}

/* "=>": both directions of one transaction, in this order or the other. */
static void
test_two_halves(void **state)
{
	static const char rule[] =
		"alert http any any => any 80 (http.uri; content:\"/a\"; "
		"http.stat_code; content:\"500\"; http.connection: "
		"to_client; content:\"close\"; sid:1;)\n";
	struct bench b;

	(void)state;
	for (unsigned good = 0; good < 2; good++) {
		bench_open(&b, rule);
		b.in.pkt.proto = IPP_TCP;
		b.in.app = b.flow.app = APP_HTTP;
		give(&b, BUF_HTTP_URI, "/abc");
		assert_int_equal(call(&b, INSPECT_TX), 0);
		forget(&b);
		b.in.dir = DIR_TOCLIENT;
		b.in.pkt.sport = 80;
		b.in.pkt.dport = 40000;
		give(&b, BUF_HTTP_STAT_CODE, good ? "500" : "200");
		give(&b, BUF_HTTP_RESP_CONNECTION, "close");
		assert_int_equal(call(&b, INSPECT_TX), good);
		assert_int_equal(call(&b, INSPECT_TX), 0);
		bench_close(&b);
	}
	bench_open(&b, rule);
	b.in.pkt.proto = IPP_TCP;
	b.in.app = b.flow.app = APP_HTTP;
	b.in.pkt.dport = 81; /* not the server's port */
	give(&b, BUF_HTTP_URI, "/abc");
	assert_int_equal(call(&b, INSPECT_TX), 0);
	forget(&b);
	b.in.dir = DIR_TOCLIENT;
	b.in.pkt.sport = 81;
	give(&b, BUF_HTTP_STAT_CODE, "500");
	give(&b, BUF_HTTP_RESP_CONNECTION, "close");
	assert_int_equal(call(&b, INSPECT_TX), 0);
	bench_close(&b);
}

static void
test_tx_waits(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert http any any -> any any (http.uri; "
		       "content:\"/a\"; http.user_agent; content:\"bot\"; "
		       "sid:1;)\n");
	b.in.pkt.proto = IPP_TCP;
	b.in.app = b.flow.app = APP_HTTP;
	give(&b, BUF_HTTP_URI, "/abc");
	assert_int_equal(call(&b, INSPECT_TX), 0);
	memset(b.in.fresh, 0, sizeof(b.in.fresh));
	give(&b, BUF_HTTP_USER_AGENT, "a bot");
	assert_int_equal(call(&b, INSPECT_TX), 1);
	assert_int_equal(call(&b, INSPECT_TX), 0);
	bench_close(&b);
}

static void
test_work_is_bounded(void **state)
{
	static char data[60001];
	struct bench b;

	(void)state;
	bench_open(&b, "alert udp any any -> any any (content:\"a\"; "
		       "content:\"a\"; distance:0; content:\"a\"; distance:0; "
		       "content:\"a\"; distance:0; content:\"b\"; distance:0; "
		       "sid:1;)\n"
		       "alert udp any any -> any any (content:\"a\"; "
		       "pcre:\"/(a+)+$/R\"; content:\"b\"; distance:0; "
		       "sid:2;)\n");
	memset(data, 'a', sizeof(data) - 1);
	assert_int_equal(packet(&b, data), 0);
	bench_close(&b);
}

static void
test_full_list(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert udp any any -> any any (content:\"x\"; "
		       "sid:1;)\n"
		       "alert udp any any -> any any (content:\"x\"; "
		       "sid:2;)\n");
	b.out.cap = 1;
	assert_int_equal(packet(&b, "x"), 1);
	assert_int_equal(b.out.overflowed, 1);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream_window),
		cmocka_unit_test(test_packet_then_stream),
		cmocka_unit_test(test_flowbits),
		cmocka_unit_test(test_flowbit_first),
		cmocka_unit_test(test_flowint),
		cmocka_unit_test(test_pass_and_order),
		cmocka_unit_test(test_once_a_flow),
		cmocka_unit_test(test_action_order),
		cmocka_unit_test(test_stream_chunks),
		cmocka_unit_test(test_packet_then_chunk),
		cmocka_unit_test(test_chunk_ends),
		cmocka_unit_test(test_raw_and_tx),
		cmocka_unit_test(test_two_halves),
		cmocka_unit_test(test_tx_waits),
		cmocka_unit_test(test_work_is_bounded),
		cmocka_unit_test(test_full_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
