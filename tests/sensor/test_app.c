/* SPDX-License-Identifier: Apache-2.0 */
/* Which protocol is this, from whose bytes, and who is told. */
#include "tests/sensor/app_case.h"

#include "sensor/app_dns.h"
#include "sensor/http_tx.h"
#include "tests/sensor/tls_bytes.h"

static int
setup(void **state)
{
	(void)state;
	conf = conf_new();
	pool = pool_new(8 << 20);
	return 0;
}

static void
open_flow(uint8_t proto, uint16_t dport)
{
	if (ctx != NULL) {
		app_free(ctx, &flow);
	}
	app_case_flow(proto, 40000, dport);
}

static void
start(void)
{
	ctx = app_ctx_new(conf, pool);
	assert_non_null(ctx);
	memset(&flow, 0, sizeof(flow));
}

static void
send(enum flow_dir dir, const char *s, size_t len)
{
	uint8_t *copy = malloc(len);

	memcpy(copy, s, len);
	app_data(ctx, &flow, dir, view_of(copy, len), 1);
	free(copy);
}

#define TS(s) send(FLOW_TOSERVER, s, sizeof(s) - 1)
#define TC(s) send(FLOW_TOCLIENT, s, sizeof(s) - 1)

static void
test_signatures(void **state)
{
	static const struct {
		enum app_proto proto;
		enum flow_dir dir;
		uint16_t port;
		const char *bytes;
		size_t len;
	} cases[] = {
#define CASE(p, d, port, s) { APP_##p, FLOW_##d, port, s, sizeof(s) - 1 }
		CASE(SSH, TOSERVER, 22, "SSH-2.0-x\r\n"),
		CASE(SSH, TOCLIENT, 2222, "SSH-2.0-OpenSSH_9.2p1\r\n"),
		CASE(SMTP, TOCLIENT, 25, "220 mx.example.org ready\r\n"),
		CASE(SMTP, TOCLIENT, 4000, "220 mx ESMTP\r\n"),
		CASE(SMTP, TOSERVER, 4000, "ehlo me\r\n"),
		CASE(FTP, TOCLIENT, 21, "220 (vsFTPd 3.0.3)\r\n"),
		CASE(FTP, TOCLIENT, 4000, "220 ProFTPD\r\n"),
		CASE(FTP, TOSERVER, 21, "USER anonymous\r\n"),
		CASE(IMAP, TOCLIENT, 143, "* OK ready\r\n"),
		CASE(IMAP, TOSERVER, 143, "a1 CAPABILITY\r\n"),
		CASE(POP3, TOCLIENT, 110, "+OK hello\r\n"),
		CASE(RFB, TOCLIENT, 5900, "RFB 003.008\n"),
		CASE(SMB, TOSERVER, 445, "\0\0\0\x2a\xfeSMB@\0"),
		CASE(SMB, TOSERVER, 139, "\0\0\0\x2a\xffSMBr\0"),
		CASE(HTTP2, TOSERVER, 80, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		CASE(RDP, TOSERVER, 3389,
		     "\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0"),
		CASE(DCERPC, TOSERVER, 49152,
		     "\5\0\x0b\3\x10\0\0\0\x48\0\0\0\1\0\0\0"),
		CASE(MQTT, TOSERVER, 1883, "\x10\x10\0\4MQTT\4"),
		CASE(SIP, TOSERVER, 5060,
		     "REGISTER sip:example.org SIP/2.0\r\n"),
		CASE(PGSQL, TOSERVER, 5432, "\0\0\0\x08\x04\xd2\x16\x2f"),
		CASE(TELNET, TOCLIENT, 23, "\xff\xfd\x18"),
		CASE(TLS, TOSERVER, 4000, "\x16\3\1\0\5\1\0\0\1\3"),
#undef CASE
	};

	(void)state;
	start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_flow(IPP_TCP, cases[i].port);
		/* Byte by byte it must come to the same. */
		for (size_t k = 0; k < cases[i].len; k++) {
			send(cases[i].dir, cases[i].bytes + k, 1);
		}
		if (app_proto_of(&flow) != cases[i].proto) {
			fail_msg("case %zu is %d", i, app_proto_of(&flow));
		}
		open_flow(IPP_TCP, cases[i].port);
		send(cases[i].dir, cases[i].bytes, cases[i].len);
		assert_int_equal(app_proto_of(&flow), cases[i].proto);
		assert_int_equal(app_proto_dir(&flow, cases[i].dir),
				 cases[i].proto);
	}
}

static void
test_nothing_known(void **state)
{
	(void)state;
	start();
	open_flow(IPP_TCP, 9);
	TS("\xa1\xa2\xa3\xa4");
	assert_int_equal(app_proto_of(&flow), APP_UNKNOWN);
	TC("\xb1\xb2\xb3\xb4");
	assert_int_equal(app_proto_of(&flow), APP_FAILED);
	assert_int_equal(flow.app->pending[0].cap, 0);
	assert_int_equal(app_counters(ctx)->flows[APP_FAILED], 1);
}

/* An undecided beginning that goes on for ever is bounded. */
static void
test_pending_is_bounded(void **state)
{
	(void)state;
	start();
	open_flow(IPP_TCP, 9);
	TS("\xa1\xa2");
	for (unsigned i = 0; i < 20000; i++) {
		TS("x");
	}
	assert_true(flow.app->pending[0].len <= 4096);
	assert_true(flow.app->failed[FLOW_TOSERVER]);
}

static void
test_directions_disagree(void **state)
{
	(void)state;
	start();
	open_flow(IPP_TCP, 4000);
	TS("SSH-2.0-x\r\n");
	TC("RFB 003.008\n");
	assert_int_equal(app_proto_of(&flow), APP_SSH);
	assert_int_equal(app_proto_dir(&flow, FLOW_TOCLIENT), APP_RFB);
	assert_true(
		event_set_has(&flow.app->events,
			      EV_APPLAYER_MISMATCH_PROTOCOL_BOTH_DIRECTIONS));
	open_flow(IPP_TCP, 4000);
	TS("SSH-2.0-x\r\n");
	TC("\xb1\xb2\xb3\xb4");
	assert_true(
		event_set_has(&flow.app->events,
			      EV_APPLAYER_DETECT_PROTOCOL_ONLY_ONE_DIRECTION));
}

#define DNS_TCP "\0\x1d\0\1\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1"

/* What a side said before anyone knew is parsed once it is known. */
static void
test_held_bytes_reach_the_parser(void **state)
{
	(void)state;
	start();
	open_flow(IPP_TCP, 53);
	TS("\0");
	TC("\0\x1d\0\1\x81\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1");
	assert_int_equal(app_proto_of(&flow), APP_DNS);
	assert_int_equal(flow.app->n_txs, 1);
	send(FLOW_TOSERVER, &DNS_TCP[1], sizeof(DNS_TCP) - 2);
	assert_int_equal(flow.app->n_txs, 2);
	assert_true(event_set_empty(&flow.app->events));
}

static void
test_settings(void **state)
{
	(void)state;
	assert_int_equal(
		conf_set(conf, "app-layer.protocols.ssh.enabled", "no"),
		ERR_OK);
	assert_int_equal(conf_set(conf, "app-layer.protocols.dns.tcp.enabled",
				  "detection-only"),
			 ERR_OK);
	assert_int_equal(
		conf_set(conf, "app-layer.protocols.dns.udp.enabled", "no"),
		ERR_OK);
	start();
	open_flow(IPP_TCP, 22);
	TS("SSH-2.0-x\r\n");
	assert_int_equal(app_proto_of(&flow), APP_UNKNOWN);
	open_flow(IPP_TCP, 53);
	TS(DNS_TCP);
	assert_int_equal(app_proto_of(&flow), APP_DNS);
	assert_int_equal(flow.app->n_txs, 0);
	open_flow(IPP_UDP, 53);
	send(FLOW_TOSERVER, &DNS_TCP[2], sizeof(DNS_TCP) - 3);
	assert_int_equal(app_proto_of(&flow), APP_UNKNOWN);
}

static void
test_detection_ports(void **state)
{
	(void)state;
	assert_int_equal(
		conf_set(conf, "app-layer.protocols.dns.udp.detection-ports.dp",
			 "53, 1053"),
		ERR_OK);
	start();
	open_flow(IPP_UDP, 1053); /* by content this would not be enough */
	TS("\0\1\x48\0\0\1\0\0\0\0\0\0\3www\0\0\1\0\1");
	assert_int_equal(app_proto_of(&flow), APP_DNS);
	open_flow(IPP_UDP, 1054);
	TS("\0\1\x48\0\0\1\0\0\0\0\0\0\3www\0\0\1\0\1");
	assert_int_equal(app_proto_of(&flow), APP_UNKNOWN);
}

/* A flow that begins with the server's answer asks for its roles back. */
static void
test_reversed_datagram(void **state)
{
	(void)state;
	start();
	open_flow(IPP_UDP, 40001);
	flow.port[0] = 53;
	TS("\0\1\x81\x80\0\1\0\0\0\0\0\0\3www\0\0\1\0\1");
	assert_true(flow.app->swap);
	assert_int_equal(app_proto_dir(&flow, FLOW_TOCLIENT), APP_DNS);
	assert_true(flow.app->txs->updated[FLOW_TOCLIENT]);
	assert_true(event_set_empty(&flow.app->txs->events));
}

static void
test_too_many_transactions(void **state)
{
	(void)state;
	assert_int_equal(conf_set(conf, "app.max-open-tx", "3"), ERR_OK);
	start();
	open_flow(IPP_TCP, 53);
	for (unsigned i = 0; i < 5; i++) {
		TS(DNS_TCP);
	}
	assert_int_equal(flow.app->n_txs, 3);
	assert_int_equal(ctx->n_tx_limit, 2);
	/* From the middle, then the ends. */
	app_tx_end(ctx, &flow, flow.app->txs->next);
	app_tx_end(ctx, &flow, flow.app->last_tx);
	assert_ptr_equal(flow.app->txs, flow.app->last_tx);
	TS(DNS_TCP);
	assert_int_equal(flow.app->n_txs, 2);
}

/* With no memory left nothing breaks and all is counted. */
static void
test_no_memory(void **state)
{
	struct pool *full = pool;

	(void)state;
	pool = pool_new(2048);
	start();
	open_flow(IPP_TCP, 53);
	for (unsigned i = 0; i < 8; i++) {
		TS(DNS_TCP);
	}
	assert_true(ctx->n_no_memory + app_counters(ctx)->no_memory > 0);
	app_free(ctx, &flow);
	assert_int_equal(pool_in_use(pool), 0);
	app_ctx_free(ctx);
	pool_free(pool);
	pool = full;
	start();
}

static void
test_gap_before_detection(void **state)
{
	(void)state;
	start();
	open_flow(IPP_TCP, 53);
	app_gap(ctx, &flow, FLOW_TOSERVER, 100, 1);
	TC("\0\x1d\0\1\x81\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1");
	assert_int_equal(app_proto_of(&flow), APP_DNS);
	assert_int_equal(flow.app->n_txs, 1);
	TS("garbage");
	assert_int_equal(flow.app->n_txs, 1);
}

#define CONNECT "CONNECT www.example.org:443 HTTP/1.1\r\nHost: a\r\n\r\n"
#define GRANTED "HTTP/1.1 200 OK\r\n\r\n"
#define HELLO ((const char *)tls12_c0), sizeof(tls12_c0)

static void
expect_tunnelled_tls(void)
{
	assert_int_equal(app_proto_of(&flow), APP_TLS);
	assert_int_equal(app_proto_before(&flow), APP_HTTP);
	assert_int_equal(app_proto_dir(&flow, FLOW_TOSERVER), APP_TLS);
	assert_int_equal(flow.app->n_txs,
			 2); /* the CONNECT and the handshake */
	assert_true(flow.app->txs->done[0] && flow.app->txs->done[1]);
	assert_int_equal(flow.app->last_tx->parser->proto, APP_TLS);
	assert_true(flow.app->last_tx->updated[FLOW_TOSERVER]);
}

static void
test_connect_carries_tls(void **state)
{
	(void)state;
	start();
	open_flow(IPP_TCP, 3128);
	TS(CONNECT);
	TC(GRANTED);
	assert_int_equal(app_proto_of(&flow), APP_HTTP);
	send(FLOW_TOSERVER, HELLO);
	expect_tunnelled_tls();
	send(FLOW_TOCLIENT, (const char *)tls12_s1, sizeof(tls12_s1));
	assert_int_equal(app_proto_dir(&flow, FLOW_TOCLIENT), APP_TLS);

	/* byte by byte */
	open_flow(IPP_TCP, 3128);
	TS(CONNECT);
	TC(GRANTED);
	for (size_t i = 0; i < sizeof(tls12_c0); i++) {
		send(FLOW_TOSERVER, (const char *)tls12_c0 + i, 1);
	}
	expect_tunnelled_tls();

	/* the client does not wait for the proxy */
	open_flow(IPP_TCP, 3128);
	TS(CONNECT);
	send(FLOW_TOSERVER, HELLO);
	assert_int_equal(app_proto_of(&flow), APP_HTTP);
	TC(GRANTED);
	expect_tunnelled_tls();

	/* refused: no tunnel, whatever the client sends */
	open_flow(IPP_TCP, 3128);
	TS(CONNECT);
	TC("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
	send(FLOW_TOSERVER, HELLO);
	assert_int_equal(app_proto_of(&flow), APP_HTTP);
	assert_int_equal(app_proto_before(&flow), APP_UNKNOWN);
}

static void
test_connect_carries_http(void **state)
{
	const struct http_tx *tx;

	(void)state;
	start();
	open_flow(IPP_TCP, 3128);
	TS(CONNECT);
	TC(GRANTED);
	TS("GET /inner HTTP/1.1\r\nHost: b\r\n\r\n");
	assert_int_equal(app_proto_of(&flow), APP_HTTP);
	tx = (const struct http_tx *)flow.app->last_tx;
	assert_true(view_eq(tx->uri, VIEW_LIT("/inner")));
}

static void
test_upgrade(void **state)
{
	(void)state;
	start();
	open_flow(IPP_TCP, 80);
	TS("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n");
	/* the server's first frame in the same segment */
	TC("HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n"
	   "\0\0\0\4\0\0\0\0\0");
	assert_int_equal(app_proto_of(&flow), APP_HTTP2);
	TS("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	assert_int_equal(app_proto_of(&flow), APP_HTTP2);
	assert_int_equal(app_proto_before(&flow), APP_HTTP);
	assert_true(event_set_empty(&flow.app->events));

	/* something else than was agreed on */
	open_flow(IPP_TCP, 80);
	TS("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n");
	TC("HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n");
	TS("EHLO me\r\n");
	assert_int_equal(app_proto_of(&flow), APP_SMTP);
	assert_true(event_set_has(&flow.app->events,
				  EV_APPLAYER_UNEXPECTED_PROTOCOL));
}

static void
test_who_speaks_first(void **state)
{
	(void)state;
	start();
	open_flow(IPP_TCP, 80);
	TC("HTTP/1.1 200 OK\r\n\r\n");
	assert_true(event_set_has(&flow.app->events,
				  EV_APPLAYER_WRONG_DIRECTION_FIRST_DATA));
	open_flow(IPP_TCP, 80);
	TS("GET / HTTP/1.1\r\n\r\n");
	TC("HTTP/1.1 200 OK\r\n\r\n");
	assert_true(event_set_empty(&flow.app->events));
	/* SSH servers may. */
	open_flow(IPP_TCP, 22);
	TC("SSH-2.0-x\r\n");
	assert_true(event_set_empty(&flow.app->events));
}

/* A peer may answer 101 for ever: each costs, so only so many count. */
static void
test_changes_are_bounded(void **state)
{
	(void)state;
	start();
	open_flow(IPP_TCP, 80);
	for (unsigned i = 0; i < 100; i++) {
		TC("HTTP/1.1 101 Again\r\n\r\nHTTP/1.1 101 Again\r\n\r\n");
	}
	assert_true(flow.app->n_changes <= 5);
	assert_true(event_set_has(&flow.app->last_tx->events,
				  EV_HTTP_FAILED_PROTOCOL_CHANGE));
	assert_true(flow.app->n_txs <= 5);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, app_case_teardown)
	const struct CMUnitTest tests[] = {
		T(test_signatures),
		T(test_nothing_known),
		T(test_pending_is_bounded),
		T(test_directions_disagree),
		T(test_held_bytes_reach_the_parser),
		T(test_settings),
		T(test_detection_ports),
		T(test_reversed_datagram),
		T(test_too_many_transactions),
		T(test_no_memory),
		T(test_gap_before_detection),
		T(test_connect_carries_tls),
		T(test_connect_carries_http),
		T(test_upgrade),
		T(test_who_speaks_first),
		T(test_changes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
