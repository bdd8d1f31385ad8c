/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: how they open, go on and close, and who may say so. */
#include "tests/test.h"

#include <stdlib.h>

#include "sensor/stream_session.h"
#include "tests/sensor/stream_bench.h"

static void
test_handshake_and_close(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	assert_true(send_tcp(&b, C, TCP_SYN, ISN_C, 0, ""));
	assert_string_equal(stream_state_name(b.f), "syn_sent");
	assert_int_equal(b.f->state, FLOW_NEW);
	assert_true(send_tcp(&b, S, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, ""));
	assert_string_equal(stream_state_name(b.f), "syn_recv");
	assert_false(stream_established(b.f));
	assert_true(send_tcp(&b, C, TCP_ACK, ISN_C + 1, ISN_S + 1, ""));
	assert_string_equal(stream_state_name(b.f), "established");
	assert_true(stream_established(b.f));
	assert_int_equal(b.f->state, FLOW_ESTABLISHED);
	assert_true(data(&b, C, 0, "GET /"));
	assert_got(&b, C, "GET /");
	assert_true(data(&b, S, 0, "200"));
	assert_got(&b, S, "200");
	assert_int_equal(stream_bytes(b.f, FLOW_TOSERVER), 1 + 5);

	assert_true(fin(&b, C, 5, ""));
	assert_true(b.fin[0]);
	assert_string_equal(stream_state_name(b.f), "close_wait");
	b.sent[0] = 6;
	assert_true(fin(&b, S, 3, "!"));
	assert_got(&b, S, "200!");
	assert_true(b.fin[1]);
	assert_string_equal(stream_state_name(b.f), "last_ack");
	assert_int_equal(b.f->state, FLOW_CLOSED);
	b.sent[1] = 5;
	assert_true(data(&b, C, 6, ""));
	assert_string_equal(stream_state_name(b.f), "closed");
	bench_close(&b);
}

static void
test_server_closes_first(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, NULL);
	assert_true(fin(&b, S, 0, "bye"));
	assert_string_equal(stream_state_name(b.f), "fin_wait1");
	b.sent[1] = 4;
	assert_true(data(&b, C, 0, ""));
	assert_string_equal(stream_state_name(b.f), "fin_wait2");
	assert_true(fin(&b, C, 0, ""));
	assert_string_equal(stream_state_name(b.f), "time_wait");
	b.sent[0] = 1;
	assert_true(data(&b, S, 4, ""));
	assert_string_equal(stream_state_name(b.f), "closed");
	bench_close(&b);

	bench_established(&b, NULL);
	assert_true(fin(&b, S, 0, ""));
	assert_true(fin(&b, C, 0, ""));
	assert_string_equal(stream_state_name(b.f), "closing");
	b.sent[0] = b.sent[1] = 1;
	assert_true(data(&b, C, 1, ""));
	assert_string_equal(stream_state_name(b.f), "time_wait");
	assert_true(data(&b, S, 1, ""));
	assert_string_equal(stream_state_name(b.f), "closed");
	bench_close(&b);
}

static void
test_reset(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, NULL);
	data(&b, C, 0, "abc");
	data(&b, C, 5, "fgh");
	/* One that the target would ignore does not end it here either. */
	assert_false(send_tcp(&b, C, TCP_RST, ISN_C + 1 + 1000, 0, ""));
	assert_true(event_set_has(&b.events, EV_STREAM_RST_INVALID_ACK));
	assert_string_equal(stream_state_name(b.f), "established");
	assert_true(send_tcp(&b, C, TCP_RST, ISN_C + 1 + 8, 0, "no"));
	assert_string_equal(stream_state_name(b.f), "closed");
	assert_int_equal(b.f->state, FLOW_CLOSED);
	assert_got(&b, C, "abc..fgh");
	assert_true(b.fin[0] && b.fin[1]);
	assert_false(data(&b, C, 8, "more"));
	assert_got(&b, C, "abc..fgh");
	bench_close(&b);
}

static void
test_refused_connection(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	send_tcp(&b, C, TCP_SYN, ISN_C, 0, "");
	assert_false(send_tcp(&b, S, TCP_RST | TCP_ACK, 0, ISN_C + 9, ""));
	assert_string_equal(stream_state_name(b.f), "syn_sent");
	assert_true(send_tcp(&b, S, TCP_RST | TCP_ACK, 0, ISN_C + 1, ""));
	assert_string_equal(stream_state_name(b.f), "closed");
	assert_false(stream_established(b.f));
	bench_close(&b);

	bench_open(&b, NULL);
	assert_false(send_tcp(&b, C, TCP_RST, 5, 0, ""));
	assert_true(event_set_has(&b.events, EV_STREAM_RST_BUT_NO_SESSION));
	assert_string_equal(stream_state_name(b.f), "none");
	bench_close(&b);
}

/* The server answers the second SYN: its number counts. */
static void
test_syn_again_with_other_number(void **state)
{
	struct bench b;

	(void)state;
	for (unsigned answer = 0; answer < 2; answer++) {
		uint32_t isn;

		bench_open(&b, NULL);
		isn = answer == 0 ? ISN_C : ISN_C + 5000;
		send_tcp(&b, C, TCP_SYN, ISN_C, 0, "");
		send_tcp(&b, C, TCP_SYN, ISN_C + 5000, 0, "");
		assert_false(send_tcp(&b, S, TCP_SYN | TCP_ACK, ISN_S,
				      ISN_C + 77, ""));
		assert_true(event_set_has(
			&b.events, EV_STREAM_3WHS_SYNACK_WITH_WRONG_ACK));
		assert_true(
			send_tcp(&b, S, TCP_SYN | TCP_ACK, ISN_S, isn + 1, ""));
		assert_true(send_tcp(&b, C, TCP_ACK, isn + 1, ISN_S + 1, "hi"));
		assert_got(&b, C, "hi");
		bench_close(&b);
	}
}

static void
test_lost_handshake_ack(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	send_tcp(&b, C, TCP_SYN, ISN_C, 0, "");
	send_tcp(&b, S, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, "");
	assert_false(send_tcp(&b, S, TCP_ACK, ISN_S + 1, ISN_C + 1, ""));
	assert_true(event_set_has(&b.events, EV_STREAM_3WHS_ACK_IN_WRONG_DIR));
	assert_true(send_tcp(&b, S, TCP_ACK, ISN_S + 1, ISN_C + 1, "220 hi"));
	assert_true(stream_established(b.f));
	assert_got(&b, S, "220 hi");
	bench_close(&b);
}

static void
test_fast_open(void **state)
{
	struct bench b;

	(void)state;
	/* The server takes the data in the SYN. */
	bench_open(&b, NULL);
	assert_false(send_tcp(&b, C, TCP_SYN, ISN_C, 0, "GET /"));
	assert_got(&b, C, "");
	send_tcp(&b, S, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 6, "");
	send_tcp(&b, S, TCP_ACK, ISN_S + 1, ISN_C + 6, "early");
	assert_got(&b, C, "GET /");
	assert_got(&b, S, "early");
	send_tcp(&b, C, TCP_ACK, ISN_C + 6, ISN_S + 6, " more");
	assert_got(&b, C, "GET / more");
	bench_close(&b);

	/* It does not: what comes again counts, not what was ignored. */
	bench_open(&b, NULL);
	send_tcp(&b, C, TCP_SYN, ISN_C, 0, "LIES!");
	send_tcp(&b, S, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, "");
	send_tcp(&b, C, TCP_ACK, ISN_C + 1, ISN_S + 1, "GET /");
	assert_got(&b, C, "GET /");
	bench_close(&b);
}

static void
test_simultaneous_open(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	send_tcp(&b, C, TCP_SYN, ISN_C, 0, "");
	assert_true(send_tcp(&b, S, TCP_SYN, ISN_S, 0, ""));
	assert_true(send_tcp(&b, C, TCP_SYN | TCP_ACK, ISN_C, ISN_S + 1, ""));
	assert_true(send_tcp(&b, S, TCP_ACK, ISN_S + 1, ISN_C + 1, ""));
	assert_true(stream_established(b.f));
	data(&b, C, 0, "evil");
	assert_got(&b, C, "evil");
	bench_close(&b);
}

static void
test_midstream(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	assert_false(data(&b, C, 0, "abc"));
	assert_string_equal(stream_state_name(b.f), "none");
	assert_null(b.f->tcp);
	bench_close(&b);

	bench_open(&b, "stream.midstream=yes");
	assert_true(data(&b, C, 0, "abc"));
	assert_got(&b, C, "abc");
	assert_true(stream_established(b.f));
	b.sent[0] = 3;
	assert_true(data(&b, S, 0, "xyz"));
	assert_got(&b, S, "xyz");
	assert_int_equal(stream_counters(b.c)->midstream_pickups, 1);
	bench_close(&b);

	/* The server's bytes come first: roles are put right. */
	bench_open(&b, "stream.midstream=yes");
	assert_true(data(&b, S, 0, "xyz"));
	assert_int_equal(b.f->port[1], 80);
	assert_int_equal(b.f->pkts[1], 1);
	assert_got(&b, S, "xyz");
	assert_true(data(&b, C, 0, "abc"));
	assert_got(&b, C, "abc");
	bench_close(&b);

	/* Who answers is the server, whatever its port. */
	bench_open(&b, "stream.midstream=yes");
	assert_true(data(&b, C, 0, "HTTP/1.1 200 OK"));
	assert_int_equal(b.f->port[0], 80);
	assert_int_equal(b.f->pkts[1], 1);
	bench_close(&b);
	bench_open(&b, "stream.midstream=yes");
	assert_true(data(&b, C, 0, "HTTP/2.0 200 OK"));
	assert_int_equal(b.f->port[1], 80);
	bench_close(&b);

	bench_open(&b, "stream.midstream=yes");
	assert_true(send_tcp(&b, S, TCP_SYN | TCP_ACK, ISN_S, ISN_C + 1, ""));
	assert_int_equal(b.f->port[1], 80);
	assert_true(data(&b, C, 0, "abc"));
	assert_got(&b, C, "abc");
	assert_true(stream_established(b.f));
	bench_close(&b);
}

static void
test_one_side_only(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	send_tcp(&b, C, TCP_SYN, ISN_C, 0, "");
	assert_false(data(&b, C, 0, "abc"));
	bench_close(&b);

	bench_open(&b, "stream.async-oneside=yes");
	send_tcp(&b, C, TCP_SYN, ISN_C, 0, "");
	b.sent[1] = 0;
	assert_true(data(&b, C, 0, "abc"));
	b.sent[1] = 500; /* what the unseen side sent */
	assert_true(data(&b, C, 3, "def"));
	assert_true(data(&b, C, 9, "jkl"));
	assert_got(&b, C, "abcdef");
	stream_flush(b.c, b.f);
	drain(&b);
	assert_got(&b, C, "abcdef...jkl");
	bench_close(&b);
}

static void
test_windows_and_acks(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, NULL);
	assert_false(data(&b, C, 400000, "far"));
	assert_true(
		event_set_has(&b.events, EV_STREAM_EST_PACKET_OUT_OF_WINDOW));
	assert_false(send_tcp(&b, C, TCP_ACK, ISN_C - 100, ISN_S + 1, "old"));
	memset(&b.events, 0, sizeof(b.events));
	b.sent[1] = 500000; /* acknowledges what nobody was allowed to send */
	assert_false(data(&b, C, 0, "bad"));
	assert_true(event_set_has(&b.events, EV_STREAM_EST_INVALID_ACK));
	b.sent[1] = 0;
	assert_true(data(&b, C, 0, "good"));
	assert_got(&b, C, "good");
	/* No ACK at all: hosts drop it. */
	assert_false(send_tcp(&b, C, TCP_PSH, ISN_C + 5, 0, "evil"));
	assert_int_equal(stream_counters(b.c)->out_of_window, 2);
	assert_int_equal(stream_counters(b.c)->invalid_ack, 1);
	bench_close(&b);
}

static void
test_timestamps(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	b.ts_val[0] = b.ts_val[1] = UINT32_MAX - 5; /* wraps, too */
	bench_shake(&b);
	b.ts_val[0] += 10;
	assert_true(data(&b, C, 0, "ab"));
	b.sent[0] = 2;
	assert_true(data(&b, S, 0, ""));
	b.ts_val[0] += 10;
	assert_true(data(&b, C, 2, "cd"));
	b.sent[0] = 4;
	assert_true(data(&b, S, 0, ""));
	b.ts_val[0] -= 15;
	assert_false(data(&b, C, 4, "EVIL"));
	assert_true(event_set_has(&b.events, EV_STREAM_PKT_INVALID_TIMESTAMP));
	/* Late but not old: sent before, overtaken on the way. */
	b.ts_val[0] += 20;
	assert_true(data(&b, C, 6, "gh"));
	b.ts_val[0] -= 1;
	assert_true(data(&b, C, 4, "ef"));
	assert_got(&b, C, "abcdefgh");
	bench_close(&b);
}

static void
test_checksums(void **state)
{
	struct bench b;

	(void)state;
	bench_established(&b, NULL);
	b.pkt_flags = PKT_BAD_L4_CSUM;
	assert_false(data(&b, C, 0, "evil"));
	assert_int_equal(stream_counters(b.c)->invalid_checksum, 1);
	b.pkt_flags = 0;
	assert_true(data(&b, C, 0, "good"));
	assert_got(&b, C, "good");
	bench_close(&b);

	bench_open(&b, "stream.checksum-validation=no");
	b.pkt_flags = PKT_BAD_L4_CSUM;
	bench_shake(&b);
	assert_true(data(&b, C, 0, "good"));
	bench_close(&b);
}

static void
test_closed_flow_opens_anew(void **state)
{
	struct bench b;
	struct flow *first;

	(void)state;
	bench_established(&b, NULL);
	first = b.f;
	send_tcp(&b, C, TCP_RST, ISN_C + 1, 0, "");
	assert_true(send_tcp(&b, C, TCP_SYN, ISN_C + 1000, 0, ""));
	assert_ptr_not_equal(b.f, first);
	assert_string_equal(stream_state_name(b.f), "syn_sent");
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake_and_close),
		cmocka_unit_test(test_server_closes_first),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_refused_connection),
		cmocka_unit_test(test_syn_again_with_other_number),
		cmocka_unit_test(test_lost_handshake_ack),
		cmocka_unit_test(test_fast_open),
		cmocka_unit_test(test_simultaneous_open),
		cmocka_unit_test(test_midstream),
		cmocka_unit_test(test_one_side_only),
		cmocka_unit_test(test_windows_and_acks),
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_closed_flow_opens_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
