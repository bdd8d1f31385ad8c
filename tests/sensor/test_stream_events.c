/* SPDX-License-Identifier: Apache-2.0 */
/* Each stream event: a segment that raises it, and none in sane sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sensor/stream_session.h"
#include "tests/sensor/stream_bench.h"

#define SYN TCP_SYN
#define SYNACK (TCP_SYN | TCP_ACK)
#define ACK TCP_ACK
#define FINACK (TCP_FIN | TCP_ACK)
#define RST TCP_RST

/* How far the session is when the odd segment comes. */
enum scene {
	EMPTY,
	SENT, /* SYN */
	BOTH, /* a SYN of either side */
	RECV, /* SYN, SYN/ACK */
	OPEN, /* established, "hello" and "world" sent and acknowledged */
	CLIENT_FIN, /* close_wait */
	SERVER_FIN, /* fin_wait1 */
	SERVER_FIN_ACKED, /* fin_wait2 */
	BOTH_FIN, /* closing */
	CLIENT_LAST, /* last_ack */
	ENDING, /* time_wait */
};

struct odd {
	enum event_id event;
	enum scene scene;
	bool client;
	uint8_t flags;
	int32_t seq, ack; /* from the next byte of each side, or its ISN */
	const char *payload;
};

static const struct odd cases[] = {
	{ EV_STREAM_RST_BUT_NO_SESSION, EMPTY, C, RST, 0, 0, "" },
	{ EV_STREAM_FIN_BUT_NO_SESSION, EMPTY, C, FINACK, 0, 0, "" },
	{ EV_STREAM_FIN_SYN, EMPTY, C, SYN | TCP_FIN, 0, 0, "" },
	{ EV_STREAM_PKT_BROKEN_ACK, OPEN, C, TCP_PSH, 0, 7, "x" },

	{ EV_STREAM_3WHS_ACK_IN_WRONG_DIR, SENT, S, ACK, 0, 1, "" },
	{ EV_STREAM_3WHS_ACK_DATA_INJECT, SENT, S, ACK, 0, 1, "evil" },
	{ EV_STREAM_3WHS_SYNACK_IN_WRONG_DIRECTION, SENT, C, SYNACK, 0, 0, "" },
	{ EV_STREAM_3WHS_SYNACK_WITH_WRONG_ACK, SENT, S, SYNACK, 0, 9, "" },
	{ EV_STREAM_4WHS_SYNACK_WITH_WRONG_ACK, BOTH, S, SYNACK, 0, 9, "" },
	{ EV_STREAM_4WHS_SYNACK_WITH_WRONG_SYN, BOTH, S, SYNACK, 9, 1, "" },

	{ EV_STREAM_3WHS_SYNACK_TOSERVER_ON_SYN_RECV, RECV, C, SYNACK, 1, 1,
	  "" },
	{ EV_STREAM_3WHS_SYNACK_RESEND_WITH_DIFF_ACK, RECV, S, SYNACK, 0, 9,
	  "" },
	{ EV_STREAM_3WHS_SYNACK_RESEND_WITH_DIFF_SEQ, RECV, S, SYNACK, 9, 1,
	  "" },
	{ EV_STREAM_3WHS_SYN_TOCLIENT_ON_SYN_RECV, RECV, S, SYN, 0, 0, "" },
	{ EV_STREAM_3WHS_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV, RECV, C, SYN, 9, 0,
	  "" },
	{ EV_STREAM_3WHS_RIGHT_SEQ_WRONG_ACK_EVASION, RECV, C, ACK, 1, 9, "" },
	{ EV_STREAM_3WHS_WRONG_SEQ_WRONG_ACK, RECV, C, ACK, 9, 9, "" },

	{ EV_STREAM_EST_SYNACK_TOSERVER, OPEN, C, SYNACK, 0, 0, "" },
	{ EV_STREAM_EST_SYNACK_RESEND, OPEN, S, SYNACK, -6, -5, "" },
	{ EV_STREAM_EST_SYNACK_RESEND_WITH_DIFF_ACK, OPEN, S, SYNACK, -6, 0,
	  "" },
	{ EV_STREAM_EST_SYNACK_RESEND_WITH_DIFF_SEQ, OPEN, S, SYNACK, 99, -5,
	  "" },
	{ EV_STREAM_EST_SYN_RESEND, OPEN, C, SYN, -6, 0, "" },
	{ EV_STREAM_EST_SYN_RESEND_DIFF_SEQ, OPEN, C, SYN, 9, 0, "" },
	{ EV_STREAM_EST_SYN_TOCLIENT, OPEN, S, SYN, 9, 0, "" },
	{ EV_STREAM_EST_PACKET_OUT_OF_WINDOW, OPEN, C, ACK, 1 << 28, 0, "x" },
	{ EV_STREAM_FIN_OUT_OF_WINDOW, OPEN, C, FINACK, 1 << 28, 0, "" },
	{ EV_STREAM_EST_INVALID_ACK, OPEN, C, ACK, 0, 1 << 28, "x" },
	{ EV_STREAM_PKT_INVALID_ACK, OPEN, C, ACK, 0, 1 << 28, "x" },
	{ EV_STREAM_FIN_INVALID_ACK, OPEN, C, FINACK, 0, 1 << 28, "" },
	{ EV_STREAM_EST_PKT_BEFORE_LAST_ACK, OPEN, C, ACK, -5, 0, "hel" },
	{ EV_STREAM_PKT_RETRANSMISSION, OPEN, C, ACK, -5, 0, "hel" },
	{ EV_STREAM_RST_INVALID_ACK, OPEN, C, RST, 1 << 28, 0, "" },
	{ EV_STREAM_RST_WITH_DATA, OPEN, C, RST, 0, 0, "why" },

	{ EV_STREAM_CLOSEWAIT_ACK_OUT_OF_WINDOW, CLIENT_FIN, S, ACK, 1 << 28, 0,
	  "" },
	{ EV_STREAM_CLOSEWAIT_FIN_OUT_OF_WINDOW, CLIENT_FIN, S, FINACK, 1 << 28,
	  0, "" },
	{ EV_STREAM_CLOSEWAIT_INVALID_ACK, CLIENT_FIN, S, ACK, 0, 1 << 28, "" },
	{ EV_STREAM_CLOSEWAIT_PKT_BEFORE_LAST_ACK, CLIENT_FIN, S, ACK, -5, 0,
	  "wor" },
	{ EV_STREAM_SHUTDOWN_SYN_RESEND, CLIENT_FIN, C, SYN, 9, 0, "" },
	{ EV_STREAM_FIN1_ACK_WRONG_SEQ, SERVER_FIN, C, ACK, 1 << 28, 0, "" },
	{ EV_STREAM_FIN1_FIN_WRONG_SEQ, SERVER_FIN, C, FINACK, 1 << 28, 0, "" },
	{ EV_STREAM_FIN1_INVALID_ACK, SERVER_FIN, C, ACK, 0, 1 << 28, "" },
	{ EV_STREAM_FIN2_ACK_WRONG_SEQ, SERVER_FIN_ACKED, C, ACK, 1 << 28, 0,
	  "" },
	{ EV_STREAM_FIN2_FIN_WRONG_SEQ, SERVER_FIN_ACKED, C, FINACK, 1 << 28, 0,
	  "" },
	{ EV_STREAM_FIN2_INVALID_ACK, SERVER_FIN_ACKED, C, ACK, 0, 1 << 28,
	  "" },
	{ EV_STREAM_CLOSING_ACK_WRONG_SEQ, BOTH_FIN, C, ACK, 1 << 28, 0, "" },
	{ EV_STREAM_CLOSING_INVALID_ACK, BOTH_FIN, C, ACK, 0, 1 << 28, "" },
	{ EV_STREAM_LASTACK_ACK_WRONG_SEQ, CLIENT_LAST, C, ACK, 1 << 28, 0,
	  "" },
	{ EV_STREAM_LASTACK_INVALID_ACK, CLIENT_LAST, C, ACK, 0, 1 << 28, "" },
	{ EV_STREAM_TIMEWAIT_ACK_WRONG_SEQ, ENDING, S, ACK, 1 << 28, 0, "" },
	{ EV_STREAM_TIMEWAIT_INVALID_ACK, ENDING, S, ACK, 0, 1 << 28, "" },
};

/* Sends what leads to 's'; 'next' is where each side's next byte stands. */
static void
play(struct bench *b, enum scene s, uint32_t next[2])
{
	next[0] = b->isn[0];
	next[1] = b->isn[1];
	if (s == EMPTY) {
		return;
	}
	send_tcp(b, C, SYN, b->isn[0], 0, "");
	if (s == SENT) {
		return;
	}
	if (s == BOTH) {
		send_tcp(b, S, SYN, b->isn[1], 0, "");
		return;
	}
	send_tcp(b, S, SYNACK, b->isn[1], b->isn[0] + 1, "");
	if (s == RECV) {
		return;
	}
	send_tcp(b, C, ACK, b->isn[0] + 1, b->isn[1] + 1, "");
	data(b, C, 0, "hello");
	b->sent[0] = 5;
	data(b, S, 0, "world");
	b->sent[1] = 5;
	data(b, C, 5, "");
	next[0] = b->isn[0] + 6;
	next[1] = b->isn[1] + 6;
	switch (s) {
	case CLIENT_FIN:
	case CLIENT_LAST:
		fin(b, C, 5, "");
		b->sent[0] = 6;
		next[0]++;
		data(b, S, 5, "");
		if (s == CLIENT_LAST) {
			fin(b, S, 5, "");
			next[1]++;
		}
		break;
	case SERVER_FIN:
	case SERVER_FIN_ACKED:
	case BOTH_FIN:
	case ENDING:
		fin(b, S, 5, "");
		next[1]++;
		if (s == SERVER_FIN_ACKED || s == ENDING) {
			b->sent[1] = 6;
			data(b, C, 5, "");
		}
		if (s == BOTH_FIN || s == ENDING) {
			fin(b, C, 5, "");
			next[0]++;
		}
		break;
	default:
		break;
	}
}

static void
test_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct odd *o = &cases[i];
		unsigned me = o->client ? 0 : 1;
		uint32_t next[2];
		struct bench b;

		bench_open(&b, NULL);
		play(&b, o->scene, next);
		if (!event_set_empty(&b.events)) {
			fail_msg("%s: something before", event_name(o->event));
		}
		send_tcp(&b, o->client, o->flags, next[me] + (uint32_t)o->seq,
			 (o->flags & (ACK | TCP_PSH)) != 0
				 ? next[!me] + (uint32_t)o->ack
				 : 0,
			 o->payload);
		if (!event_set_has(&b.events, o->event)) {
			fail_msg("%s: not raised", event_name(o->event));
		}
		bench_close(&b);
	}
}

/* The other sequence of each scene: nothing is odd about it. */
static void
test_sane_ends(void **state)
{
	(void)state;
	for (unsigned s = OPEN; s <= ENDING; s++) {
		uint32_t next[2];
		struct bench b;

		bench_open(&b, NULL);
		play(&b, (enum scene)s, next);
		b.sent[0] = next[0] - b.isn[0] - 1;
		b.sent[1] = next[1] - b.isn[1] - 1;
		data(&b, S, b.sent[1], "");
		data(&b, C, b.sent[0], "");
		assert_true(event_set_empty(&b.events));
		bench_close(&b);
	}
}

static void
test_floods(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "stream.max-syn-queued=3");
	for (unsigned i = 0; i < 4; i++) {
		send_tcp(&b, C, SYN, 1000 + i, 0, "");
	}
	assert_false(event_set_has(&b.events, EV_STREAM_3WHS_SYN_FLOOD));
	send_tcp(&b, C, SYN, 2000, 0, "");
	assert_true(event_set_has(&b.events, EV_STREAM_3WHS_SYN_FLOOD));
	bench_close(&b);

	bench_open(&b, "stream.max-synack-queued=2");
	send_tcp(&b, C, SYN, 1000, 0, "");
	for (unsigned i = 0; i < 3; i++) {
		send_tcp(&b, S, SYNACK, 5000 + i, 1001, "");
	}
	assert_false(event_set_has(&b.events, EV_STREAM_3WHS_SYNACK_FLOOD));
	send_tcp(&b, S, SYNACK, 6000, 1001, "");
	assert_true(event_set_has(&b.events, EV_STREAM_3WHS_SYNACK_FLOOD));
	bench_close(&b);
}

/* An answer that echoes what no SYN said, and the reset that it provokes, end
 * nothing. */
static void
test_forged_answers(void **state)
{
	struct bench b;

	(void)state;
	for (unsigned ts = 0; ts < 2; ts++) {
		struct made m;
		enum flow_dir dir;

		bench_open(&b, NULL);
		b.ts_val[0] = ts ? 5000 : 0;
		send_tcp(&b, C, SYN, ISN_C, 0, "");
		make_tcp(&m, b.now_us, S, RST | ACK, 0, ISN_C + 1, "", 0);
		m.pkt.tcp_has_ts = true;
		m.pkt.tcp_ts_val = m.pkt.tcp_ts_ecr = 100;
		b.f = flow_find(b.t, &m.pkt, &dir);
		assert_false(stream_packet(b.c, b.t, b.f, &m.pkt, dir));
		assert_true(event_set_has(&m.pkt.events,
					  EV_STREAM_PKT_INVALID_TIMESTAMP));
		send_tcp(&b, C, RST, ISN_C + 1, 0, "");
		assert_string_equal(stream_state_name(b.f), "syn_sent");
		b.ts_val[0] = 0;
		send_tcp(&b, S, SYNACK, ISN_S, ISN_C + 1, "");
		send_tcp(&b, C, ACK, ISN_C + 1, ISN_S + 1, "");
		assert_true(stream_established(b.f));
		bench_close(&b);
	}
	/* The right echo does end it. */
	bench_open(&b, NULL);
	b.ts_val[0] = 5000;
	send_tcp(&b, C, SYN, ISN_C, 0, "");
	send_tcp(&b, S, RST | ACK, 0, ISN_C + 1, "");
	assert_string_equal(stream_state_name(b.f), "closed");
	bench_close(&b);
}

static void
test_forged_resets(void **state)
{
	struct bench b;
	struct made m;
	enum flow_dir dir;

	(void)state;
	bench_established(&b, NULL);
	make_tcp(&m, b.now_us, C, RST | ACK, ISN_C + 1, ISN_S + 1, "", 0);
	m.pkt.tcp_signed = true;
	b.f = flow_find(b.t, &m.pkt, &dir);
	assert_false(stream_packet(b.c, b.t, b.f, &m.pkt, dir));
	assert_true(
		event_set_has(&m.pkt.events, EV_STREAM_SUSPECTED_RST_INJECT));
	assert_true(data(&b, C, 0, "still here"));
	assert_got(&b, C, "still here");
	bench_close(&b);

	/* Data behind one that was believed. */
	bench_established(&b, NULL);
	send_tcp(&b, C, RST, ISN_C + 1, 0, "");
	assert_true(event_set_empty(&b.events));
	data(&b, C, 0, "still here");
	assert_true(event_set_has(&b.events, EV_STREAM_SUSPECTED_RST_INJECT));
	bench_close(&b);
}

static void
test_one_sided(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "stream.async-oneside=yes");
	send_tcp(&b, C, SYN, ISN_C, 0, "");
	send_tcp(&b, C, ACK, ISN_C + 9, ISN_S, "x");
	assert_true(event_set_has(&b.events, EV_STREAM_3WHS_ASYNC_WRONG_SEQ));
	assert_false(stream_established(b.f));
	send_tcp(&b, C, ACK, ISN_C + 1, ISN_S, "x");
	assert_true(stream_established(b.f));
	bench_close(&b);

	/* Only the server is seen, from its SYN/ACK on. */
	bench_open(&b, "stream.async-oneside=yes");
	send_tcp(&b, S, SYNACK, ISN_S, ISN_C + 1, "");
	send_tcp(&b, S, ACK, ISN_S + 1, ISN_C + 50, "");
	send_tcp(&b, S, ACK, ISN_S + 1, ISN_C + 50, "page");
	assert_got(&b, S, "page");
	assert_true(stream_established(b.f));
	assert_true(event_set_empty(&b.events));
	bench_close(&b);
}

/* Inline, what a SYN carries is judged at once; else when it was taken. */
static void
test_data_on_syn(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "stream.inline=yes");
	send_tcp(&b, C, SYN, ISN_C, 0, "GET");
	assert_got(&b, C, "GET");
	bench_close(&b);

	bench_open(&b, NULL);
	send_tcp(&b, C, SYN, ISN_C, 0, "GET");
	assert_int_equal(b.n_got[0], 0);
	send_tcp(&b, S, SYNACK, ISN_S, ISN_C + 1, "");
	assert_true(event_set_has(&b.events,
				  EV_STREAM_3WHS_SYNACK_TFO_DATA_IGNORED));
	send_tcp(&b, C, ACK, ISN_C + 1, ISN_S + 1, "PUT");
	assert_got(&b, C, "PUT");
	bench_close(&b);
}

/* What a reader gets when some of the bytes are urgent. */
static void
test_urgent(void **state)
{
	static const struct {
		const char *policy, *want;
	} cases_of[] = {
		{ "oob", "malicious GET" },
		{ "inline", "malicXious GET" },
		{ "gap", "malic.ious GET" },
	};
	struct bench b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases_of); i++) {
		for (unsigned late = 0; late < 2; late++) {
			char arg[64];

			snprintf(arg, sizeof(arg),
				 "stream.reassembly.urgent.policy=%s",
				 cases_of[i].policy);
			bench_established(&b, arg);
			if (!late) {
				data(&b, C, 0, "mal");
			}
			b.urgent = 3;
			data(&b, C, 3, "icXious"); /* behind a hole, or not */
			b.urgent = 0;
			if (late) {
				data(&b, C, 0, "mal");
			}
			data(&b, C, 10, " GET");
			assert_got(&b, C, cases_of[i].want);
			bench_close(&b);
		}
	}
	/* The pointer may reach into a segment to come. */
	bench_established(&b, NULL);
	b.urgent = 4;
	data(&b, C, 0, "ab");
	b.urgent = 0;
	data(&b, C, 2, "cXd");
	assert_got(&b, C, "abcd");
	bench_close(&b);

	bench_established(&b, "stream.reassembly.urgent.policy=drop");
	b.urgent = 1;
	assert_false(data(&b, C, 0, "x"));
	b.urgent = 0;
	data(&b, C, 0, "y");
	assert_got(&b, C, "y");
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_sane_ends),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_forged_answers),
		cmocka_unit_test(test_forged_resets),
		cmocka_unit_test(test_one_sided),
		cmocka_unit_test(test_data_on_syn),
		cmocka_unit_test(test_urgent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
