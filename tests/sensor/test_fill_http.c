/* SPDX-License-Identifier: Apache-2.0 */
#include "http_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "common/json.h"
#include "sensor/fill.h"
#include "sensor/log_file.h"
#include "sensor/log_http.h"

static const uint64_t all[2] = { UINT64_MAX, UINT64_MAX };

static void
assert_buf(const struct inspect *in, enum inspect_buf b, const char *want)
{
	assert_true(inspect_bit(in->done, b));
	if (want == NULL) {
		assert_int_equal(in->buf[b].n, 0);
		return;
	}
	assert_int_equal(in->buf[b].n, 1);
	if (!view_eq(in->buf[b].v[0], view_cstr(want))) {
		fail_msg("is '%.*s', not '%s'", (int)in->buf[b].v[0].len,
			 (const char *)in->buf[b].v[0].p, want);
	}
}

static struct inspect in;

static void
assert_file(uint32_t i, const char *name, const char *data, bool whole)
{
	assert_true(i < in.n_files);
	assert_true(view_eq(in.files[i].name, view_cstr(name)));
	assert_true(view_eq(in.files[i].data, view_cstr(data)));
	assert_int_equal(in.files[i].whole, whole);
}

static void
fill(struct rig *r, uint64_t id, enum inspect_dir dir, const uint64_t needed[2])
{
	memset(&in, 0, sizeof(in));
	fill_tx(&in, &rig_tx(r, id)->tx,
		dir == DIR_TOSERVER ? FLOW_TOSERVER : FLOW_TOCLIENT, needed);
}

#define REQ \
	"POST /a/../b?x=%31 HTTP/1.1\r\nHost: H.example:8080\r\n" \
	"User-Agent: ua\r\nCookie: c=1\r\nX: 1\r\nReferer:\r\nx: 2\r\n" \
	"Content-Length: 4\r\n\r\n"

static void
test_request(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (size_t)8 << 20, NULL);
	rig_feed(&r, FLOW_TOSERVER, VIEW_LIT(REQ "body"));
	fill(&r, 0, DIR_TOSERVER, all);
	assert_buf(&in, BUF_HTTP_METHOD, "POST");
	assert_buf(&in, BUF_HTTP_URI, "/b?x=1");
	assert_buf(&in, BUF_HTTP_URI_RAW, "/a/../b?x=%31");
	assert_buf(&in, BUF_HTTP_REQ_LINE, "POST /a/../b?x=%31 HTTP/1.1");
	assert_buf(&in, BUF_HTTP_REQ_PROTOCOL, "HTTP/1.1");
	assert_buf(&in, BUF_HTTP_HOST, "h.example");
	assert_buf(&in, BUF_HTTP_HOST_RAW, "H.example:8080");
	assert_buf(&in, BUF_HTTP_REQ_HEADER,
		   "Host: H.example:8080\r\nUser-Agent: ua\r\nX: 1, 2\r\n"
		   "Referer: \r\nContent-Length: 4\r\n");
	assert_buf(&in, BUF_HTTP_REQ_HEADER_RAW,
		   "Host: H.example:8080\r\nUser-Agent: ua\r\nCookie: c=1\r\n"
		   "X: 1\r\nReferer:\r\nx: 2\r\nContent-Length: 4\r\n\r\n");
	assert_buf(&in, BUF_HTTP_REQ_HEADER_NAMES,
		   "\r\nHost\r\nUser-Agent\r\nCookie\r\nX\r\nReferer\r\n"
		   "Content-Length\r\n\r\n");
	assert_buf(&in, BUF_HTTP_REQ_START,
		   "POST /a/../b?x=%31 HTTP/1.1\r\n"
		   "Host: H.example:8080\r\nUser-Agent: ua\r\nCookie: c=1\r\n"
		   "X: 1, 2\r\nReferer: \r\nContent-Length: 4\r\n\r\n");
	assert_buf(&in, BUF_HTTP_REQ_COOKIE, "c=1");
	assert_buf(&in, BUF_HTTP_USER_AGENT, "ua");
	assert_buf(&in, BUF_HTTP_REFERER, ""); /* sent, and empty */
	assert_buf(&in, BUF_HTTP_ACCEPT, NULL); /* known to be absent */
	assert_buf(&in, BUF_HTTP_REQ_CONTENT_LEN, "4");
	assert_int_equal(in.buf[BUF_HTTP_REQ_ONE_HEADER].n, 6);
	assert_true(view_eq(in.buf[BUF_HTTP_REQ_ONE_HEADER].v[3],
			    VIEW_LIT("X: 1, 2")));
	assert_buf(&in, BUF_HTTP_REQ_BODY, "body");
	assert_file(0, "/b", "body", true);
	assert_true(in.body_complete[0] && in.tx_done[0] && !in.tx_done[1]);
	assert_int_equal(in.files[0].size, 4);
	assert_false(inspect_bit(in.done, BUF_HTTP_STAT_CODE));
	fill(&r, 0, DIR_TOCLIENT, all);
	assert_int_equal(in.done[0] | in.done[1], 0);
	rig_fini(&r);
}

/* A CONNECT names no path: its URI is known to be empty. */
static void
test_connect(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (size_t)8 << 20, NULL);
	rig_feed(&r, FLOW_TOSERVER,
		 VIEW_LIT("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"));
	fill(&r, 0, DIR_TOSERVER, all);
	assert_buf(&in, BUF_HTTP_URI, "");
	assert_buf(&in, BUF_HTTP_URI_RAW, "a:443");
	rig_fini(&r);
}

/* A response that never came has no header, not an empty one. */
static void
test_no_response(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (size_t)8 << 20, NULL);
	rig_feed(&r, FLOW_TOSERVER,
		 VIEW_LIT("GET /f HTTP/1.1\r\nHost: a\r\n\r\n"));
	rig_eof(&r, FLOW_TOCLIENT);
	fill(&r, 0, DIR_TOCLIENT, all);
	assert_buf(&in, BUF_HTTP_RESP_HEADER, NULL);
	assert_buf(&in, BUF_HTTP_RESP_START, NULL);
	assert_buf(&in, BUF_HTTP_STAT_CODE, NULL);
	fill(&r, 0, DIR_TOSERVER, all);
	assert_buf(&in, BUF_HTTP_REQ_HEADER, "Host: a\r\n");
	rig_fini(&r);
}

static void
test_response(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (size_t)8 << 20, NULL);
	rig_feed(&r, FLOW_TOSERVER,
		 VIEW_LIT("GET /f HTTP/1.1\r\nHost: a\r\n\r\n"));
	rig_feed(&r, FLOW_TOCLIENT, VIEW_LIT("HTTP/1.1 302 Go there\r\n"));
	fill(&r, 0, DIR_TOCLIENT, all);
	assert_buf(&in, BUF_HTTP_STAT_CODE, "302");
	assert_buf(&in, BUF_HTTP_STAT_MSG, "Go there");
	assert_false(inspect_bit(in.done, BUF_HTTP_SERVER));
	rig_feed(&r, FLOW_TOCLIENT,
		 VIEW_LIT("Server: s\r\nSet-Cookie: a=1\r\nSet-Cookie: b\r\n"
			  "Location: /x\r\nContent-Type: text/html; q=1\r\n"
			  "Content-Disposition: attachment; "
			  "filename=\"n.exe\"\r\nContent-Length: 3\r\n\r\na"));
	fill(&r, 0, DIR_TOCLIENT, all);
	assert_buf(&in, BUF_HTTP_SERVER, "s");
	assert_buf(&in, BUF_HTTP_RESP_COOKIE, "a=1, b");
	assert_buf(&in, BUF_HTTP_LOCATION, "/x");
	assert_buf(&in, BUF_HTTP_RESP_CONTENT_TYPE, "text/html; q=1");
	assert_buf(&in, BUF_HTTP_RESP_HEADER,
		   "Server: s\r\nLocation: /x\r\n"
		   "Content-Type: text/html; q=1\r\nContent-Disposition: "
		   "attachment; filename=\"n.exe\"\r\nContent-Length: 3\r\n");
	assert_file(0, "n.exe", "a", false);
	assert_false(in.files[0].data_due); /* too little */
	rig_feed(&r, FLOW_TOCLIENT, VIEW_LIT("bc"));
	fill(&r, 0, DIR_TOCLIENT, all);
	assert_buf(&in, BUF_HTTP_RESP_BODY, "abc");
	assert_file(0, "n.exe", "abc", true);
	assert_true(in.body_complete[1] && in.tx_done[1]);
	rig_fini(&r);
}

/* What the worker does between two packets. */
static void
offered(struct rig *r)
{
	fill_tx_done(&in, &rig_tx(r, 0)->tx);
}

static void
test_body_steps(void **state)
{
	static uint8_t part[1000];
	struct rig r;
	unsigned n_offers = 0;
	uint64_t scanned = 0;

	(void)state;
	rig_init(&r, (size_t)8 << 20, NULL);
	rig_feed(&r, FLOW_TOSERVER, VIEW_LIT("GET / HTTP/1.0\r\n\r\n"));
	rig_feed(&r, FLOW_TOCLIENT, VIEW_LIT("HTTP/1.0 200 OK\r\n\r\n"));
	for (unsigned i = 0; i < 1000; i++) {
		rig_tx(&r, 0)->tx.updated[1] = false;
		rig_feed(&r, FLOW_TOCLIENT, view_of(part, sizeof(part)));
		fill(&r, 0, DIR_TOCLIENT, all);
		assert_int_equal(rig_tx(&r, 0)->tx.updated[1],
				 in.buf[BUF_HTTP_RESP_BODY].n > 0 || i == 0);
		assert_int_equal(in.files[0].data_due,
				 in.buf[BUF_HTTP_RESP_BODY].n > 0);
		if (in.buf[BUF_HTTP_RESP_BODY].n > 0) {
			n_offers++;
			scanned += in.files[0].data.len;
			assert_int_equal(in.files[0].data_seen,
					 in.body_seen[1]);
			assert_int_equal(in.body_seen[1],
					 rig_tx(&r, 0)->tx.body_inspected[1]);
			assert_false(in.body_complete[1]);
		}
		offered(&r);
	}
	assert_in_range(n_offers, 3, 12);
	assert_true(scanned < 4 * 1000000);
	rig_eof(&r, FLOW_TOCLIENT);
	fill(&r, 0, DIR_TOCLIENT, all);
	assert_int_equal(in.files[0].data.len, 1000000);
	assert_true(in.files[0].whole);
	assert_true(in.body_complete[1]);
	rig_fini(&r);
}

static void
test_needed_only(void **state)
{
	uint64_t one[2] = { 0, 0 };
	struct rig r;

	(void)state;
	one[BUF_HTTP_URI / 64] |= UINT64_C(1) << (BUF_HTTP_URI % 64);
	rig_init(&r, (size_t)8 << 20, NULL);
	rig_feed(&r, FLOW_TOSERVER, VIEW_LIT(REQ "body"));
	fill(&r, 0, DIR_TOSERVER, one);
	assert_true(in.done[0] == one[0] && in.done[1] == one[1]);
	assert_int_equal(rig_tx(&r, 0)->msg[0].built, 0);
	rig_fini(&r);
}

static void
test_form_name(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (size_t)8 << 20, NULL);
	rig_feed(&r, FLOW_TOSERVER,
		 VIEW_LIT("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 81"
			  "\r\nContent-Type: multipart/form-data; "
			  "boundary=B\r\n\r\n"
			  "--B\r\nContent-Disposition: form-data; name=\"f\"; "
			  "filename=\"up.bin\"\r\n\r\ndata\r\n--B--\r\n"));
	fill(&r, 0, DIR_TOSERVER, all);
	assert_file(0, "up.bin", "data", true);
	rig_fini(&r);
}

/* Each part that has a file name is a file; the rest are fields. */
static void
test_form_files(void **state)
{
	static const char body[] =
		"preamble\r\n--x\r\n"
		"Content-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
		"--x\r\ncontent-disposition: form-data; name=b; "
		"filename=\"one.txt\"\r\nContent-Type: text/plain\r\n\r\n"
		"first\r\n--\r\n--x \r\nContent-Disposition: form-data; "
		"filename=two.txt\r\n\r\nsecond\r\n--x--\r\nepilogue";

	(void)state;
	for (size_t step = 1; step < sizeof(body); step += 6) {
		struct rig r;
		char head[160];

		rig_init(&r, (size_t)8 << 20, NULL);
		snprintf(head, sizeof(head),
			 "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: %zu"
			 "\r\nContent-Type: multipart/form-data; "
			 "boundary=\"x\"\r\n\r\n",
			 sizeof(body) - 1);
		rig_feed(&r, FLOW_TOSERVER, view_cstr(head));
		for (size_t i = 0; i < sizeof(body) - 1; i += step) {
			rig_feed(&r, FLOW_TOSERVER,
				 view_sub(view_of(body, sizeof(body) - 1), i,
					  step));
		}
		fill(&r, 0, DIR_TOSERVER, all);
		assert_int_equal(in.n_files, 2);
		assert_file(0, "one.txt", "first\r\n--", true);
		assert_file(1, "two.txt", "second", true);
		rig_fini(&r);
	}
}

/* What is not whole says so, and a GET's body is no file. */
static void
test_file_states(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (size_t)8 << 20, NULL);
	rig_feed(&r, FLOW_TOSERVER,
		 VIEW_LIT("GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2"
			  "\r\n\r\nxx"));
	fill(&r, 0, DIR_TOSERVER, all);
	assert_int_equal(in.n_files, 0);
	rig_feed(&r, FLOW_TOCLIENT,
		 VIEW_LIT("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
	rig_gap(&r, FLOW_TOCLIENT, 3);
	rig_feed(&r, FLOW_TOCLIENT, VIEW_LIT("ghi"));
	fill(&r, 0, DIR_TOCLIENT, all);
	assert_int_equal(in.n_files, 1);
	assert_true(in.files[0].ended && !in.files[0].whole);
	assert_int_equal(in.files[0].size, 9);
	assert_true(rig_tx(&r, 0)->tx.files[1].first->gaps);
	rig_feed(&r, FLOW_TOSERVER,
		 VIEW_LIT("GET /b HTTP/1.1\r\nHost: a\r\n\r\n"));
	rig_feed(&r, FLOW_TOCLIENT,
		 VIEW_LIT("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
	rig_eof(&r, FLOW_TOCLIENT);
	fill(&r, 1, DIR_TOCLIENT, all);
	assert_true(in.files[0].ended && !in.files[0].whole);
	assert_int_equal(in.files[0].size, 3);
	rig_fini(&r);
}

static void
assert_log(struct rig *r, const char *want_http, const char *want_file)
{
	struct json j;

	json_init(&j);
	log_http(&j, rig_tx(r, 0));
	if (!view_eq(json_view(&j), view_cstr(want_http))) {
		fail_msg("%.*s", (int)j.len, j.p);
	}
	json_reset(&j);
	json_obj(&j, NULL);
	log_file(&j, rig_tx(r, 0)->tx.files[1].first, 1, 0, 1);
	json_obj_end(&j);
	if (!view_eq(json_view(&j), view_cstr(want_file))) {
		fail_msg("%.*s", (int)j.len, j.p);
	}
	json_fini(&j);
}

static void
assert_client(const struct rig *r, const char *header, bool last,
	      const char *want)
{
	struct addr got, right;

	assert_int_equal(log_http_xff(rig_tx(r, 0), header, last, &got),
			 want != NULL);
	if (want != NULL) {
		assert_true(addr_parse(view_cstr(want), &right));
		assert_memory_equal(&got, &right, sizeof(got));
	}
}

/* The forms that proxies write a client in. */
static void
test_client(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (size_t)8 << 20, NULL);
	rig_feed(&r, FLOW_TOSERVER,
		 VIEW_LIT("GET / HTTP/1.1\r\n"
			  "A: 192.0.2.1:80 , \"[2001:db8::1]:80\"\r\n"
			  "B: 2001:db8::2,unknown\r\nC:\r\n"
			  "D: [2001:db8::1, [\r\n\r\n"));
	assert_client(&r, "a", false, "192.0.2.1");
	assert_client(&r, "a", true, "2001:db8::1");
	assert_client(&r, "b", false, "2001:db8::2");
	assert_client(&r, "b", true, NULL);
	assert_client(&r, "c", false, NULL);
	assert_client(&r, "c", true, NULL);
	assert_client(&r, "d", false, NULL);
	assert_client(&r, "d", true, NULL);
	rig_fini(&r);
}

static void
test_log(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (size_t)8 << 20, NULL);
	rig_feed(&r, FLOW_TOSERVER,
		 VIEW_LIT("GET /x HTTP/1.1\r\nHost: A.b:81\r\nUser-Agent: u"
			  "\r\nReferer: r\r\nX-Forwarded-For: 1.1.1.1, "
			  "2.2.2.2\r\n\r\n"));
	rig_feed(&r, FLOW_TOCLIENT,
		 VIEW_LIT("HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Type: "
			  "text/html; charset=x\r\nContent-Range: bytes "
			  "5-7/99\r\nTransfer-Encoding: chunked\r\n\r\n"
			  "3\r\nabc\r\n0\r\n\r\n"));
	assert_log(&r,
		   "\"http\":{\"hostname\":\"a.b\",\"http_port\":81,"
		   "\"url\":\"/x\",\"http_user_agent\":\"u\","
		   "\"http_content_type\":\"text/html\","
		   "\"content_range\":{\"raw\":\"bytes 5-7/99\",\"start\":5,"
		   "\"end\":7,\"size\":99},\"http_refer\":\"r\","
		   "\"http_method\":\"GET\",\"protocol\":\"HTTP/1.1\","
		   "\"status\":302,\"redirect\":\"/y\",\"length\":13}",
		   "{\"filename\":\"/x\",\"gaps\":false,"
		   "\"state\":\"CLOSED\",\"stored\":false,\"size\":3,"
		   "\"start\":5,\"end\":7,\"tx_id\":0}");
	assert_client(&r, "x-forwarded-for", false, "1.1.1.1");
	assert_client(&r, "x-forwarded-for", true, "2.2.2.2");
	assert_client(&r, "x-real-ip", true, NULL);
	rig_fini(&r);
}

/* Messages as they were sent: chunks, trailers, what follows a hole not. */
static void
test_frames(void **state)
{
	static const char resp[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
				   "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
	struct rig r;

	(void)state;
	for (size_t cut = 1; cut < sizeof(resp) - 1; cut++) {
		rig_init(&r, (size_t)8 << 20, NULL);
		r.ctx.keep_frames = true;
		rig_feed(&r, FLOW_TOSERVER,
			 VIEW_LIT("GET /1 HTTP/1.1\nHost: a\n\n"
				  "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n"));
		rig_feed(&r, FLOW_TOCLIENT, view_of(resp, cut));
		fill(&r, 0, DIR_TOCLIENT, all);
		assert_false(inspect_bit(in.done, BUF_HTTP_RESP_FRAME));
		rig_feed(&r, FLOW_TOCLIENT,
			 view_of(resp + cut, sizeof(resp) - 1 - cut));
		rig_feed(&r, FLOW_TOCLIENT,
			 VIEW_LIT("HTTP/1.1 200 OK\r\nContent-Length: 8"
				  "\r\n\r\nab"));
		rig_gap(&r, FLOW_TOCLIENT, 4);
		rig_feed(&r, FLOW_TOCLIENT, VIEW_LIT("cd"));
		rig_eof(&r, FLOW_TOSERVER);
		rig_eof(&r, FLOW_TOCLIENT);
		fill(&r, 0, DIR_TOSERVER, all);
		assert_buf(&in, BUF_HTTP_REQ_FRAME,
			   "GET /1 HTTP/1.1\nHost: a\n\n");
		fill(&r, 0, DIR_TOCLIENT, all);
		assert_buf(&in, BUF_HTTP_RESP_FRAME, resp);
		fill(&r, 1, DIR_TOSERVER, all);
		assert_buf(&in, BUF_HTTP_REQ_FRAME,
			   "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n");
		fill(&r, 1, DIR_TOCLIENT, all);
		assert_buf(&in, BUF_HTTP_RESP_FRAME,
			   "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nab");
		rig_fini(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_no_response),
		cmocka_unit_test(test_body_steps),
		cmocka_unit_test(test_needed_only),
		cmocka_unit_test(test_form_name),
		cmocka_unit_test(test_form_files),
		cmocka_unit_test(test_file_states),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
