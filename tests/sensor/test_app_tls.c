/* SPDX-License-Identifier: Apache-2.0 */
/* TLS handshakes as literal bytes, whole, in pieces, cut and broken. */
#include "tests/sensor/app_case.h"

#include "sensor/app_tls.h"
#include "sensor/fill_tls.h"
#include "sensor/log_tls.h"
#include "tests/sensor/tls_bytes.h"

static int
setup(void **state)
{
	app_case_flow(IPP_TCP, 40000, 8443);
	return app_case_setup(state);
}

static struct tls_tx *
tx(void)
{
	assert_non_null(flow.app);
	assert_non_null(flow.app->txs);
	return (struct tls_tx *)flow.app->txs;
}

#define BYTES(a) view_of(a, sizeof(a))

static const struct {
	enum flow_dir dir;
	struct view bytes;
} tls12[] = {
	{ FLOW_TOSERVER, { tls12_c0, sizeof(tls12_c0) } },
	{ FLOW_TOCLIENT, { tls12_s1, sizeof(tls12_s1) } },
	{ FLOW_TOSERVER, { tls12_c2, sizeof(tls12_c2) } },
	{ FLOW_TOCLIENT, { tls12_s3, sizeof(tls12_s3) } },
};

static void
test_handshake_12(void **state)
{
	uint64_t all[2] = { UINT64_MAX, UINT64_MAX };
	struct inspect in = { .dir = DIR_TOCLIENT };
	struct json j = { 0 };

	(void)state;
	app_case_send(FLOW_TOSERVER, tls12[0].bytes, SIZE_MAX);
	assert_int_equal(app_proto_of(&flow), APP_TLS);
	expect_text(tx()->hello[FLOW_TOSERVER].sni, "www.example.org");
	fill_tls(&in, tx(), all);
	assert_true(inspect_bit(in.done, BUF_TLS_SNI));
	assert_false(inspect_bit(in.done, BUF_TLS_CERT_SUBJECT));
	app_case_send(FLOW_TOCLIENT, tls12[1].bytes, SIZE_MAX);
	assert_false(tx()->tx.done[FLOW_TOCLIENT]);
	fill_tls(&in, tx(), all);
	assert_int_equal(in.buf[BUF_TLS_CERT_SUBJECT].n, 1);
	expect_text(in.buf[BUF_TLS_CERT_SUBJECT].v[0],
		    "C=XX, O=Example, Inc., CN=www.example.org");
	assert_int_equal(in.buf[BUF_TLS_SUBJECTALTNAME].n, 2);
	expect_text(in.buf[BUF_TLS_SUBJECTALTNAME].v[1], "192.0.2.1");
	assert_int_equal(in.buf[BUF_TLS_RANDOM].v[0].len, 32);
	assert_true(view_eq(in.buf[BUF_TLS_RANDOM_TIME].v[0],
			    view_sub(in.buf[BUF_TLS_RANDOM].v[0], 0, 4)));
	assert_true(view_eq(in.buf[BUF_TLS_RANDOM_BYTES].v[0],
			    view_sub(in.buf[BUF_TLS_RANDOM].v[0], 4, 28)));
	assert_int_equal(in.num[NUM_TLS_VERSION], 0x0303);
	assert_int_equal(in.num[NUM_TLS_CHAIN_LEN], 1);
	assert_int_equal(in.num[NUM_TLS_STATE],
			 SSL_STATE_SERVER_HELLO | SSL_STATE_SERVER_KEYX);
	in.dir = DIR_TOSERVER;
	fill_tls(&in, tx(), all);
	assert_int_equal(in.num[NUM_TLS_STATE], SSL_STATE_CLIENT_HELLO);
	in.dir = DIR_TOCLIENT;
	app_case_send(FLOW_TOSERVER, tls12[2].bytes, SIZE_MAX);
	app_case_send(FLOW_TOCLIENT, tls12[3].bytes, SIZE_MAX);
	assert_true(tx()->tx.done[0] && tx()->tx.done[1]);
	assert_true(flow.app->encrypted);
	assert_true(event_set_empty(&tx()->tx.events));
	log_tls(&j, tx());
	expect_text(json_view(&j), TLS12_EVE);
	json_fini(&j);
}

static void
test_every_step_is_alike(void **state)
{
	struct json whole = { 0 }, parts = { 0 };

	(void)state;
	for (size_t step = 0; step < 90; step++) {
		struct json *j = step == 0 ? &whole : &parts;

		app_free(ctx, &flow);
		for (size_t i = 0; i < ARRAY_LEN(tls12); i++) {
			app_case_send(tls12[i].dir, tls12[i].bytes,
				      step == 0 ? SIZE_MAX : step);
		}
		json_reset(j);
		log_tls(j, tx());
		json_hex(j, "events",
			 view_of(&tx()->tx.events, sizeof(struct event_set)));
		assert_true(tx()->tx.done[0] && tx()->tx.done[1]);
		assert_true(view_eq(json_view(&whole), json_view(j)));
	}
	json_fini(&whole);
	json_fini(&parts);
}

static void
test_handshake_13(void **state)
{
	(void)state;
	app_case_send(FLOW_TOSERVER, BYTES(tls13_c0), 7);
	expect_text(tx()->ja3_hash, TLS13_JA3);
	expect_text(tx()->ja4, TLS13_JA4);
	assert_int_equal(tx()->hello[FLOW_TOSERVER].n_alpn, 2);
	expect_text(tx()->hello[FLOW_TOSERVER].alpn[1], "http/1.1");
	app_case_send(FLOW_TOCLIENT, BYTES(tls13_s1), 7);
	assert_int_equal(tx()->version, 0x0304);
	assert_true(tx()->tx.done[FLOW_TOCLIENT]);
	assert_false(tx()->tx.done[FLOW_TOSERVER]);
	assert_false(tx()->resumed);
	app_case_send(FLOW_TOSERVER, BYTES(tls13_c2), 7);
	assert_true(flow.app->encrypted);
}

/* Whatever is cut off or flipped, nothing is read that is not there. */
static void
test_broken(void **state)
{
	uint8_t copy[sizeof(tls12_s1)];

	(void)state;
	for (size_t i = 0; i < sizeof(copy); i++) {
		memcpy(copy, tls12_s1, sizeof(copy));
		copy[i] ^= 0xff;
		app_free(ctx, &flow);
		app_case_send(FLOW_TOSERVER, BYTES(tls12_c0), SIZE_MAX);
		app_case_send(FLOW_TOCLIENT, BYTES(copy), SIZE_MAX);
		app_eof(ctx, &flow, FLOW_TOCLIENT, 1000);
	}
	for (size_t i = 0; i < sizeof(tls12_c0); i++) {
		memcpy(copy, tls12_c0, sizeof(tls12_c0));
		copy[i] ^= 0xff;
		app_free(ctx, &flow);
		app_case_send(FLOW_TOSERVER, view_of(copy, sizeof(tls12_c0)),
			      SIZE_MAX);
		app_eof(ctx, &flow, FLOW_TOSERVER, 1000);
	}
}

static void
test_events(void **state)
{
	(void)state;
	/* A record of a type that does not exist, behind a hello. */
	app_case_send(FLOW_TOSERVER, BYTES(tls12_c0), SIZE_MAX);
	app_case_send(FLOW_TOSERVER, VIEW_LIT("\x55\x03\x03\x00\x01x"), 2);
	assert_true(
		event_set_has(&tx()->tx.events, EV_TLS_INVALID_RECORD_TYPE));
	assert_true(flow.app->failed[FLOW_TOSERVER]);
	app_free(ctx, &flow);
	/* A heartbeat that asks for more than it brought (CVE-2014-0160). */
	app_case_send(FLOW_TOSERVER, BYTES(tls12_c0), SIZE_MAX);
	app_case_send(FLOW_TOSERVER,
		      VIEW_LIT("\x18\x03\x03\x00\x03\x01\x40\x00"), 1);
	assert_true(event_set_has(&tx()->tx.events,
				  EV_TLS_OVERFLOW_HEARTBEAT_MESSAGE));
	app_free(ctx, &flow);
	/* A handshake message of 16 MiB is skipped, not kept. */
	app_case_send(FLOW_TOSERVER,
		      VIEW_LIT("\x16\x03\x01\x00\x08\x01\xff\xff\xff"
			       "abcd"),
		      SIZE_MAX);
	assert_true(event_set_has(&tx()->tx.events,
				  EV_TLS_HANDSHAKE_INVALID_LENGTH));
}

static void
test_gap(void **state)
{
	struct view s1 = BYTES(tls12_s1);

	(void)state;
	/* A hole in the certificate costs the certificate only. */
	app_case_send(FLOW_TOSERVER, BYTES(tls12_c0), SIZE_MAX);
	app_case_send(FLOW_TOCLIENT, view_sub(s1, 0, 200), SIZE_MAX);
	app_gap(ctx, &flow, FLOW_TOCLIENT, 100, 1000);
	app_case_send(FLOW_TOCLIENT, view_sub(s1, 300, s1.len), SIZE_MAX);
	assert_false(tx()->chain[FLOW_TOCLIENT].seen);
	assert_true(tx()->state & SSL_STATE_SERVER_KEYX);
	app_case_send(FLOW_TOCLIENT, BYTES(tls12_s3), SIZE_MAX);
	assert_true(tx()->tx.done[FLOW_TOCLIENT]);
}

static void
test_one_direction(void **state)
{
	(void)state;
	app_case_send(FLOW_TOCLIENT, BYTES(tls12_s1), 11);
	assert_int_equal(app_proto_of(&flow), APP_TLS);
	expect_text(tx()->chain[FLOW_TOCLIENT].leaf.serial, "08:3A");
	assert_false(tx()->tx.logged);
}

static void
test_sslv2_hello(void **state)
{
	static const char hello[] =
		"\x80\x28\x01\x03\x01\x00\x0f\x00\x00\x00\x10"
		"\x00\x00\x39\x07\x00\xc0\x00\x00\x2f\x00\x00\x0a\x00\x00\xff"
		"0123456789abcdef";

	(void)state;
	app_case_send(FLOW_TOSERVER, view_of(hello, sizeof(hello) - 1), 5);
	assert_int_equal(app_proto_of(&flow), APP_TLS);
	assert_true(tx()->hello[FLOW_TOSERVER].sslv2);
	assert_int_equal(tx()->version, 0x0301);
	assert_int_equal(tx()->hello[FLOW_TOSERVER].ciphers.len, 8);
}

static void
test_times(void **state)
{
	char text[TLS_TIME_CAP];

	(void)state;
	expect_text(view_of(text, tls_time_text(-86400, text)),
		    "1969-12-31T00:00:00");
	expect_text(view_of(text, tls_time_text(951782400, text)),
		    "2000-02-29T00:00:00");
	expect_text(view_of(text, tls_time_text(INT64_C(4102444799), text)),
		    "2099-12-31T23:59:59");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, app_case_teardown)
	const struct CMUnitTest tests[] = {
		T(test_handshake_12),  T(test_every_step_is_alike),
		T(test_handshake_13),  T(test_broken),
		T(test_events),        T(test_gap),
		T(test_one_direction), T(test_sslv2_hello),
		T(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
