/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages as literal bytes, whole and in pieces. */
#include "tests/sensor/app_case.h"

#include "sensor/app_dns.h"
#include "sensor/fill_dns.h"
#include "sensor/log_dns.h"

static struct dns_tx *
first_tx(void)
{
	assert_non_null(flow.app);
	return (struct dns_tx *)flow.app->txs;
}

#define QUERY \
	"\x8d\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x00" \
	"\x03www\x07" \
	"eXample\x03org\x00\x00\x01\x00\x01"

#define ANSWER \
	"\x8d\x34\x81\x80\x00\x01\x00\x02\x00\x01\x00\x01" \
	"\x03www\x07" \
	"example\x03org\x00\x00\x01\x00\x01" \
	"\xc0\x0c\x00\x05\x00\x01\x00\x00\x0e\x10\x00\x05\x02" \
	"ab\xc0\x10" \
	"\xc0\x2d\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07" \
	"\xc0\x10\x00\x06\x00\x01\x00\x00\x00\x3c\x00\x1c" \
	"\x01m\xc0\x10\x01r\xc0\x10" \
	"\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04" \
	"\x00\x00\x00\x05" \
	"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00"

static void
test_query(void **state)
{
	uint64_t all[2] = { UINT64_MAX, UINT64_MAX };
	struct inspect in = { .dir = DIR_TOSERVER };
	struct dns_tx *tx;

	(void)state;
	app_case_flow(IPP_UDP, 4000, 53);
	app_case_send(FLOW_TOSERVER, VIEW_LIT(QUERY), SIZE_MAX);
	assert_int_equal(app_proto_of(&flow), APP_DNS);
	tx = first_tx();
	assert_false(tx->response);
	assert_int_equal(tx->id, 0x8d34);
	assert_int_equal(tx->n_questions, 1);
	expect_text(tx->questions[0].name.text, "www.eXample.org");
	assert_true(event_set_empty(&tx->tx.events));
	fill_dns(&in, tx, all);
	assert_int_equal(in.buf[BUF_DNS_QUERY].n, 1);
	expect_text(in.buf[BUF_DNS_QUERY].v[0], "www.eXample.org");
	assert_int_equal(in.num[NUM_DNS_RRTYPE], 1);
	assert_int_equal(app_counters(ctx)->txs[APP_DNS], 1);
}

static void
expect_names(const struct inspect *in, enum inspect_buf b,
	     const char *const *names, uint32_t n)
{
	assert_true(inspect_bit(in->done, b));
	assert_int_equal(in->buf[b].n, n);
	for (uint32_t i = 0; i < n; i++) {
		expect_text(in->buf[b].v[i], names[i]);
	}
}

static void
test_names_of_sections(void **state)
{
	static const char *const all_names[] = {
		"www.example.org",
		"www.example.org",
		"ab.example.org",
		"ab.example.org",
		"example.org",
		"m.example.org",
		"" /* OPT's root */
	};
	static const char *const opt[] = { "" };
	uint64_t all[2] = { UINT64_MAX, UINT64_MAX };
	struct inspect in = { .dir = DIR_TOCLIENT };

	(void)state;
	app_case_flow(IPP_UDP, 4000, 53);
	app_case_send(FLOW_TOCLIENT, VIEW_LIT(ANSWER), SIZE_MAX);
	fill_dns(&in, first_tx(), all);
	expect_names(&in, BUF_DNS_QUERY, NULL, 0); /* requests only */
	expect_names(&in, BUF_DNS_QUERY_NAME, all_names, 1);
	expect_names(&in, BUF_DNS_ANSWER_NAME, all_names + 1, 2);
	expect_names(&in, BUF_DNS_AUTHORITY_NAME, all_names + 4, 1);
	expect_names(&in, BUF_DNS_ADDITIONAL_NAME, opt, 1);
	expect_names(&in, BUF_DNS_RESPONSE_NAME, all_names, 7);
	app_free(ctx, &flow);
	memset(&in, 0, sizeof(in));
	app_case_flow(IPP_UDP, 4000, 53);
	app_case_send(FLOW_TOSERVER, VIEW_LIT(QUERY), SIZE_MAX);
	fill_dns(&in, first_tx(), all);
	expect_names(&in, BUF_DNS_RESPONSE_NAME, NULL, 0);
}

static void
test_answer(void **state)
{
	struct json j = { 0 };
	struct dns_tx *tx;

	(void)state;
	app_case_flow(IPP_UDP, 4000, 53);
	app_case_send(FLOW_TOCLIENT, VIEW_LIT(ANSWER), SIZE_MAX);
	tx = first_tx();
	assert_true(tx->response);
	assert_int_equal(tx->n_rr[DNS_ANSWER], 2);
	expect_text(tx->rr[DNS_ANSWER][0].target.text, "ab.example.org");
	expect_text(tx->rr[DNS_ANSWER][1].name.text, "ab.example.org");
	assert_int_equal(tx->n_rr[DNS_AUTHORITY], 1);
	assert_int_equal(tx->n_rr[DNS_ADDITIONAL], 1);
	log_dns(&j, tx);
	expect_text(
		json_view(&j),
		"\"dns\":{\"version\":3,\"type\":\"response\",\"tx_id\":0,"
		"\"id\":36148,\"flags\":\"8180\",\"qr\":true,\"rd\":true,"
		"\"ra\":true,\"opcode\":0,\"rcode\":\"NOERROR\",\"queries\":["
		"{\"rrname\":\"www.example.org\",\"rrtype\":\"A\"}],"
		"\"answers\":[{\"rrname\":\"www.example.org\",\"rrtype\":"
		"\"CNAME\",\"ttl\":3600,\"rdata\":\"ab.example.org\"},"
		"{\"rrname\":\"ab.example.org\",\"rrtype\":\"A\",\"ttl\":60,"
		"\"rdata\":\"192.0.2.7\"}],\"grouped\":{\"CNAME\":["
		"\"ab.example.org\"],\"A\":[\"192.0.2.7\"]},"
		"\"authorities\":[{\"rrname\":\"example.org\",\"rrtype\":"
		"\"SOA\",\"ttl\":60,\"soa\":{\"mname\":\"m.example.org\","
		"\"rname\":\"r.example.org\",\"serial\":1,\"refresh\":2,"
		"\"retry\":3,\"expire\":4,\"minimum\":5}}],\"additionals\":["
		"{\"rrname\":\"\",\"rrtype\":\"OPT\",\"ttl\":0}]}");
	json_fini(&j);
}

static void
expect_event(enum event_id e)
{
	assert_true(event_set_has(&first_tx()->tx.events, e));
}

static void
test_hostile_names(void **state)
{
	(void)state;
	/* A pointer at itself. */
	app_case_flow(IPP_UDP, 4000, 53);
	app_case_send(FLOW_TOSERVER,
		      VIEW_LIT("\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"),
		      SIZE_MAX);
	expect_event(EV_DNS_INFINITE_LOOP);
	app_free(ctx, &flow);
	/* Two pointers at each other. */
	app_case_send(
		FLOW_TOSERVER,
		VIEW_LIT("\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0e\xc0\x0c\0\1\0\1"),
		SIZE_MAX);
	expect_event(EV_DNS_TOO_MANY_LABELS);
	app_free(ctx, &flow);
	/* A pointer behind the end. */
	app_case_send(FLOW_TOSERVER,
		      VIEW_LIT("\0\1\1\0\0\1\0\0\0\0\0\0\xff\xff\0\1\0\1"),
		      SIZE_MAX);
	expect_event(EV_DNS_MALFORMED_DATA);
	assert_true(first_tx()->tx.logged);
	app_free(ctx, &flow);
	/* A label that runs past the end. */
	app_case_send(FLOW_TOSERVER,
		      VIEW_LIT("\0\1\1\0\0\1\0\0\0\0\0\0\x3f"
			       "abcdef"),
		      SIZE_MAX);
	expect_event(EV_DNS_MALFORMED_DATA);
}

/* Labels that repeat through a pointer grow beyond any limit but ours. */
static void
test_long_name(void **state)
{
	uint8_t m[12 + 64 + 2 + 4] = { 0, 1, 1, 0, 0, 1 };
	struct dns_tx *tx;

	(void)state;
	app_case_flow(IPP_UDP, 4000, 53);
	m[12] = 63;
	memset(m + 13, 'a', 63);
	m[76] = 0xc0;
	m[77] = 12;
	m[79] = 1;
	m[81] = 1;
	app_case_send(FLOW_TOSERVER, view_of(m, sizeof(m)), SIZE_MAX);
	tx = first_tx();
	assert_int_equal(tx->n_questions, 1);
	assert_int_equal(tx->questions[0].name.text.len, DNS_NAME_MAX_TEXT);
	assert_true(tx->questions[0].name.truncated);
	expect_event(EV_DNS_NAME_TOO_LONG);
}

static void
test_broken_additionals_keep_answers(void **state)
{
	uint8_t m[sizeof(ANSWER) - 1];

	(void)state;
	memcpy(m, ANSWER, sizeof(m));
	app_case_flow(IPP_UDP, 4000, 53);
	app_case_send(FLOW_TOCLIENT, view_of(m, sizeof(m) - 3), SIZE_MAX);
	expect_event(EV_DNS_INVALID_ADDITIONALS);
	assert_false(first_tx()->tx.logged);
	assert_int_equal(first_tx()->n_rr[DNS_ANSWER], 2);
	assert_int_equal(first_tx()->n_rr[DNS_ADDITIONAL], 0);
}

static void
test_content_on_other_port(void **state)
{
	(void)state;
	app_case_flow(IPP_UDP, 4000, 4001);
	app_case_send(FLOW_TOSERVER, VIEW_LIT(QUERY), SIZE_MAX);
	assert_int_equal(app_proto_of(&flow), APP_DNS);
	app_free(ctx, &flow);
	app_case_send(FLOW_TOSERVER,
		      VIEW_LIT("\0\1\0\0\0\1\0\0\0\0\0\0not a name"), SIZE_MAX);
	assert_int_equal(app_proto_of(&flow), APP_UNKNOWN);
	assert_int_equal(app_proto_dir(&flow, FLOW_TOSERVER), APP_FAILED);
}

/* All that a run of bytes leaves behind, as text. */
static void
describe(struct json *j)
{
	json_reset(j);
	json_arr(j, NULL);
	for (struct app_tx *tx = flow.app->txs; tx != NULL; tx = tx->next) {
		json_obj(j, NULL);
		log_dns(j, (struct dns_tx *)tx);
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void
test_tcp_in_pieces(void **state)
{
	static const char stream[] = "\x00\x21" QUERY "\x00\x00"
				     "\x00\x21" QUERY "\x00\x21" QUERY;
	struct view all = view_of(stream, sizeof(stream) - 1);
	struct json whole = { 0 }, parts = { 0 };

	(void)state;
	app_case_flow(IPP_TCP, 4000, 53);
	app_case_send(FLOW_TOSERVER, all, SIZE_MAX);
	describe(&whole);
	assert_int_equal(flow.app->n_txs, 3);
	for (size_t step = 1; step < all.len; step++) {
		app_free(ctx, &flow);
		for (size_t i = 0; i < all.len; i += step) {
			app_case_send(FLOW_TOSERVER, view_sub(all, i, step),
				      SIZE_MAX);
		}
		describe(&parts);
		assert_true(view_eq(json_view(&whole), json_view(&parts)));
	}
	json_fini(&whole);
	json_fini(&parts);
}

static void
test_tcp_gap(void **state)
{
	static const char msg[] = "\x00\x21" QUERY;
	struct view m = view_of(msg, sizeof(msg) - 1);

	(void)state;
	app_case_flow(IPP_TCP, 4000, 53);
	app_case_send(FLOW_TOSERVER, m, SIZE_MAX);
	/* A hole inside a message: the next begins where it must. */
	app_case_send(FLOW_TOSERVER, view_sub(m, 0, 10), SIZE_MAX);
	app_gap(ctx, &flow, FLOW_TOSERVER, 5, 1000);
	app_case_send(FLOW_TOSERVER, view_sub(m, 15, m.len), SIZE_MAX);
	app_case_send(FLOW_TOSERVER, m, SIZE_MAX);
	assert_int_equal(flow.app->n_txs, 2);
	/* A hole of unknown contents: the next run that begins a message. */
	app_gap(ctx, &flow, FLOW_TOSERVER, 500, 1000);
	app_case_send(FLOW_TOSERVER, view_sub(m, 7, m.len), SIZE_MAX);
	assert_int_equal(flow.app->n_txs, 2);
	app_case_send(FLOW_TOSERVER, m, SIZE_MAX);
	assert_int_equal(flow.app->n_txs, 3);
}

int
main(void)
{
#define T(f) \
	cmocka_unit_test_setup_teardown(f, app_case_setup, app_case_teardown)
	const struct CMUnitTest tests[] = {
		T(test_query),
		T(test_answer),
		T(test_names_of_sections),
		T(test_hostile_names),
		T(test_long_name),
		T(test_broken_additionals_keep_answers),
		T(test_content_on_other_port),
		T(test_tcp_in_pieces),
		T(test_tcp_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
