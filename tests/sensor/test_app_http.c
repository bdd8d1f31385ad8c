/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of HTTP: heads, fields, URIs, and what follows what. */
#include "sensor/app_http_uri.h"
#include "tests/sensor/http_say.h"

static void
test_simple(void **state)
{
	struct rig r;
	struct http_tx *tx;

	(void)state;
	RUN(&r,
	    C("POST /x?y=%41 HTTP/1.1\r\nHost: Example.COM:8080\r\n"
	      "Content-Length: 5\r\n\r\nhello"),
	    S("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: s\r\n\r\nhi"));
	tx = rig_tx(&r, 0);
	assert_view(tx->method, "POST");
	assert_view(tx->uri_raw, "/x?y=%41");
	assert_view(tx->uri, "/x?y=A");
	assert_view(tx->host, "example.com");
	assert_view(tx->host_raw, "Example.COM:8080");
	assert_int_equal(tx->port, 8080);
	assert_int_equal(tx->status, 200);
	assert_view(tx->stat_msg, "OK");
	assert_body(tx, CLIENT, "hello");
	assert_body(tx, SERVER, "hi");
	assert_true(tx->tx.done[0] && tx->tx.done[1]);
	assert_true(event_set_empty(&tx->tx.events));
	assert_null(rig_tx(&r, 1));
	rig_fini(&r);
}

static void
test_pipelined(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r,
	    C("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\n"
	      "Host: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n"),
	    S("HTTP/1.1 200 A\r\nContent-Length: 1\r\n\r\na"
	      "HTTP/1.1 200 B\r\nContent-Length: 9\r\n\r\n"
	      "HTTP/1.1 404 C\r\nContent-Length: 1\r\n\r\nc"));
	assert_view(rig_tx(&r, 0)->stat_msg, "A");
	assert_view(rig_tx(&r, 1)->stat_msg, "B");
	assert_view(rig_tx(&r, 2)->uri, "/3");
	assert_body(rig_tx(&r, 1), SERVER, "");
	assert_body(rig_tx(&r, 2), SERVER, "c");
	assert_true(rig_tx(&r, 2)->tx.done[SERVER]);
	rig_fini(&r);
}

static void
test_chunked(void **state)
{
	static const struct {
		const char *sent, *body;
	} cases[] = {
		{ "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "abcde" },
		{ "0003\r\nabc\r\n0\r\nT: r\r\n\r\n", "abc" },
		{ " 3\r\nabc\r\n\n\t2 x\r\nde\r\n0\r\n\r\n", "abcde" },
		{ "A\r\n0123456789\r\n0\r\n\r\n", "0123456789" },
		{ "X5O!P%@AP plain", "X5O!P%@AP plain" },
		{ "fffffffff\r\nabc", "fffffffff\r\nabc" },
		{ "3\r\nabcJUNK\r\n1\r\nd\r\n0\r\n\r\n", "abcd" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig r;
		struct say x[] = {
			C(GET),
			S("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
			  "chunked\r\n\r\n"),
			{ SERVER, view_cstr(cases[i].sent) },
			S_END,
		};

		run_set(&r, x, ARRAY_LEN(x), NULL);
		assert_body(rig_tx(&r, 0), SERVER, cases[i].body);
		rig_fini(&r);
	}
}

static void
test_lenient_heads(void **state)
{
	/* Each carries the body "0123456789" in its own way. */
	static const char *const cases[] = {
		"HTTP/1.1 200 OK\nContent-Length: 10\n\n0123456789",
		"HTTP/1.1 200 OK\rContent-Length: 10\r\n\n0123456789",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nA: b\r\n \r\nContent-Length: "
		"10\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\n \n0123456789",
		"HTTP/1.1 200 OK\n\rA: b\n\rContent-Length: "
		"10\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\nContent-Length: 10\n\r\r\n\r\n0123456789",
		"\r\n \r\nHTTP/1.1 200 OK\r\nContent-Length: "
		"10\r\n\r\n0123456789",
		"\0HTTP/1.1 200 OK\r\n\r\r\nContent-Length: "
		"10\r\n\r\n0123456789",
		"SIP/2.0 200 ok\r\nHTTP/1.1 200 OK\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nContent-Length: (10) 3\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nContent-Length\0: 10\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nContent-Length\r\n :\r\n "
		"10\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\n Content-Length: 10\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nA: b\r\n\tContent-Length: "
		"10\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123456789",
		"HTTP/1.1 204 OK\r\nContent-Length: 10\r\n\r\n0123456789",
		"HTTP/1.1 100 OK\r\nContent-Length: 10\r\n\r\n0123456789",
		"HTTP/1.1 304 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"A\r\n0123456789\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: x, chun\0ked\r\n\r\n"
		"A\r\n0123456789\r\n0\r\n\r\n",
		"HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789",
		"0123456789",
	};
	static const size_t nul_len[ARRAY_LEN(cases)] = {
		[8] = sizeof("\0HTTP/1.1 200 OK\r\n\r\r\nContent-Length: 10"
			     "\r\n\r\n0123456789") -
		      1,
		[11] = sizeof("HTTP/1.1 200 OK\r\nContent-Length\0: 10\r\n\r\n"
			      "0123456789") -
		       1,
		[20] = sizeof("HTTP/1.1 200 OK\r\nTransfer-Encoding: x, "
			      "chun\0ked\r\n\r\nA\r\n0123456789\r\n0\r\n"
			      "\r\n") -
		       1,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig r;
		size_t n = nul_len[i] > 0 ? nul_len[i] : strlen(cases[i]);

		answer(&r, view_of(cases[i], n), NULL);
		assert_body(rig_tx(&r, 0), SERVER, "0123456789");
		assert_null(rig_tx(&r, 1));
		assert_true(rig_tx(&r, 0)->tx.done[SERVER]);
		rig_fini(&r);
	}
}

static void
test_interim(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r, C("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"),
	    S("HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"), C("b"),
	    S("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: "
	      "0\r\n\r\n"));
	assert_int_equal(rig_tx(&r, 0)->status, 201);
	assert_view(rig_tx(&r, 0)->stat_msg, "Made");
	assert_null(http_field_find(&rig_tx(&r, 0)->msg[SERVER], "x"));
	assert_null(rig_tx(&r, 1));
	rig_fini(&r);
}

static void
test_no_body(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r, C(GET GET GET),
	    S("HTTP/1.1 304 Not Modified\r\nContent-Length: 90\r\n\r\n"
	      "HTTP/1.1 204 None\r\n\r\n"
	      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"));
	assert_int_equal(rig_tx(&r, 0)->status, 304);
	assert_int_equal(rig_tx(&r, 1)->status, 204);
	assert_int_equal(rig_tx(&r, 2)->status, 200);
	assert_body(rig_tx(&r, 0), SERVER, "");
	assert_body(rig_tx(&r, 2), SERVER, "x");
	rig_fini(&r);
}

static void
test_connect(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r, C("CONNECT h.example:443 HTTP/1.1\r\nHost: h.example\r\n\r\n"),
	    S("HTTP/1.1 200 Established\r\n\r\n"), C("\x16\x03\x01\x02\x00"));
	assert_view(rig_tx(&r, 0)->host, "h.example");
	assert_int_equal(rig_tx(&r, 0)->port, 443);
	assert_true(rig_tx(&r, 0)->tx.done[0] && rig_tx(&r, 0)->tx.done[1]);
	assert_int_equal(r.result[CLIENT], APP_PARSE_DONE);
	rig_fini(&r);

	/* HTTP in the tunnel is read on. */
	RUN(&r, C("CONNECT a:80 HTTP/1.1\r\n\r\n"),
	    S("HTTP/1.1 200 OK\r\n\r\n"), C("\n" GET),
	    S("\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"));
	assert_body(rig_tx(&r, 1), SERVER, "x");
	rig_fini(&r);

	RUN(&r, C("CONNECT a:80 HTTP/1.1\r\n\r\n"),
	    S("HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nx"));
	assert_int_equal(r.result[SERVER], APP_PARSE_OK);
	assert_body(rig_tx(&r, 0), SERVER, "x");
	rig_fini(&r);
}

static void
test_upgrade(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r, C(GET),
	    S("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
	      "\x81\x05hello"));
	assert_int_equal(r.result[SERVER], APP_PARSE_DONE);
	assert_int_equal(rig_tx(&r, 0)->status, 101);
	assert_body(rig_tx(&r, 0), SERVER, "");
	rig_fini(&r);
}

static void
test_without_request(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r, S("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), C(GET),
	    S("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"));
	assert_true(rig_tx(&r, 0)->request_unseen);
	assert_true(event(rig_tx(&r, 0),
			  EV_HTTP_UNABLE_TO_MATCH_RESPONSE_TO_REQUEST));
	assert_body(rig_tx(&r, 0), SERVER, "hi");
	assert_int_equal(rig_tx(&r, 1)->status, 404);
	assert_view(rig_tx(&r, 1)->method, "GET");
	rig_fini(&r);
}

static void
test_old_requests(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r, C("GET /old\r\n"), S("<html>plain\n</html>"), S_END);
	assert_view(rig_tx(&r, 0)->uri, "/old");
	assert_true(rig_tx(&r, 0)->tx.done[CLIENT]);
	assert_body(rig_tx(&r, 0), SERVER, "<html>plain\n</html>");
	rig_fini(&r);

	RUN(&r, C("\r\n\r\nGET /new\r\nHost: a\r\n\r\n"),
	    S("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	assert_view(rig_tx(&r, 0)->host, "a");
	assert_true(
		event(rig_tx(&r, 0), EV_HTTP_REQUEST_LINE_MISSING_PROTOCOL));
	rig_fini(&r);
}

static void
test_unexpected_body(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r, C("POST / HTTP/1.1\r\nHost: a\r\n\r\na=b&c=d\r\n" GET));
	assert_body(rig_tx(&r, 0), CLIENT, "a=b&c=d\r\n");
	assert_true(event(rig_tx(&r, 0), EV_HTTP_REQUEST_BODY_UNEXPECTED));
	assert_view(rig_tx(&r, 1)->method, "GET");
	rig_fini(&r);
}

static void
test_field_rules(void **state)
{
	struct rig r;
	struct http_msg *m;

	(void)state;
	RUN(&r, C("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY:2 \r\nx:  3\r\n"
		  "Long: one\r\n  two\r\n\tthree\r\nX: 4\r\nbad line\r\n"
		  "Empty:\r\n: v\r\n\r\n"));
	m = &rig_tx(&r, 0)->msg[CLIENT];
	assert_int_equal(m->n_fields, 6);
	assert_view(http_field_value(m, "x"), "1, 3, 4");
	assert_int_equal(http_field_find(m, "X")->n, 3);
	assert_view(http_field_value(m, "y"), "2");
	assert_view(http_field_value(m, "long"), "one  two\tthree");
	assert_view(http_field_value(m, ""), "bad line, v");
	assert_non_null(http_field_find(m, "empty"));
	assert_true(event(rig_tx(&r, 0), EV_HTTP_REQUEST_HEADER_REPETITION));
	rig_fini(&r);
}

static void
test_content_length(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r, C("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
		  "Content-Length: 9\r\n\r\nabc" GET));
	assert_body(rig_tx(&r, 0), CLIENT, "abc");
	assert_true(event(rig_tx(&r, 0),
			  EV_HTTP_DUPLICATE_CONTENT_LENGTH_FIELD_IN_REQUEST));
	assert_non_null(rig_tx(&r, 1));
	rig_fini(&r);

	RUN(&r, C("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"));
	assert_true(event(rig_tx(&r, 0),
			  EV_HTTP_INVALID_CONTENT_LENGTH_FIELD_IN_REQUEST));
	rig_fini(&r);
}

static void
test_uri(void **state)
{
	static const struct {
		const char *raw, *uri;
	} cases[] = {
		{ "/", "/" },
		{ "/a/./b/../c//d", "/a/c/d" },
		{ "/a/b/..", "/a/" },
		{ "/../../x", "/x" },
		{ "../c/./d", "c/d" },
		{ "/%2e%2E/%41%zz%4", "/A%zz%4" },
		{ "/a\\b%5Cc", "/a/b/c" },
		{ "/%u0041%uff0fx", "/A/x" },
		{ "/A%2fB", "/A/B" },
		{ "/p%20q?x=%2e%2e//%41+b", "/p q?x=..//A+b" },
		{ "http://H.example:81/p//q?r#s", "/p/q?r#s" },
		{ "http://h.example?x", "?x" },
		{ "/a?b=http://c//d", "/a?b=http://c//d" },
		{ "*", "*" },
		{ "/a b c", "/a b c" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig r;
		char req[256];
		struct say x[1];

		snprintf(req, sizeof(req), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n",
			 cases[i].raw);
		x[0] = (struct say){ CLIENT, view_cstr(req) };
		run_set(&r, x, 1, NULL);
		assert_view(rig_tx(&r, 0)->uri_raw, cases[i].raw);
		assert_view(rig_tx(&r, 0)->uri, cases[i].uri);
		rig_fini(&r);
	}
}

static void
test_uri_settings(void **state)
{
	static const char *const set[] = {
		"app-layer.protocols.http.libhtp.default-config."
		"double-decode-path=yes",
		"app-layer.protocols.http.libhtp.default-config."
		"double-decode-query=yes",
		NULL
	};
	struct say x[] = { C("GET http://u:p@[::1]:90/%2541?%2542 HTTP/1.1\r\n"
			     "Host: other\r\n\r\n") };
	struct rig r;

	(void)state;
	run_set(&r, x, 1, set);
	assert_view(rig_tx(&r, 0)->uri, "/A?B");
	assert_view(rig_tx(&r, 0)->host, "[::1]");
	assert_int_equal(rig_tx(&r, 0)->port, 90);
	assert_true(event(rig_tx(&r, 0), EV_HTTP_HOST_HEADER_AMBIGUOUS));
	assert_true(event(rig_tx(&r, 0), EV_HTTP_DOUBLE_ENCODED_URI));
	rig_fini(&r);
	{
		static const char *const paths[] = {
			"app-layer.protocols.http.libhtp.default-config."
			"path-convert-lowercase=yes",
			"app-layer.protocols.http.libhtp.default-config."
			"path-convert-backslash-separators=no",
			NULL
		};
		struct say y[] = { C("GET /A\\B HTTP/1.1\r\nHost: a\r\n\r\n") };

		run_set(&r, y, 1, paths);
		assert_view(rig_tx(&r, 0)->uri, "/a\\b");
		rig_fini(&r);
		run_set(&r, y, 1, NULL);
		assert_view(rig_tx(&r, 0)->uri, "/A/B");
		rig_fini(&r);
	}
	/* Once is what servers do: nothing to say about the rest. */
	run_set(&r, x, 1, NULL);
	assert_view(rig_tx(&r, 0)->uri, "/%41?%42");
	assert_false(event(rig_tx(&r, 0), EV_HTTP_DOUBLE_ENCODED_URI));
	rig_fini(&r);
}

static void
test_probe(void **state)
{
	static const struct {
		enum flow_dir dir;
		const char *bytes;
		enum app_probe want;
	} cases[] = {
		{ CLIENT, "G", PROBE_MORE },
		{ CLIENT, "GET ", PROBE_YES },
		{ CLIENT, "\r\nPOST /", PROBE_YES },
		{ CLIENT, "FOO /", PROBE_MORE },
		{ CLIENT, "FOO / HTTP/1.1\r\n", PROBE_YES },
		{ CLIENT, "FOO / bar\r\n", PROBE_NO },
		{ CLIENT, "\x16\x03", PROBE_NO },
		{ CLIENT, "SSH-2.0-x\r\n", PROBE_NO },
		{ SERVER, "HTT", PROBE_MORE },
		{ SERVER, "HTTP/1.1", PROBE_YES },
		{ SERVER, "220 ftp", PROBE_NO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(app_http.probe(view_cstr(cases[i].bytes),
						cases[i].dir, false),
				 cases[i].want);
	}
}

static void
test_events(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r, C("GET / HTTP/1.1\r\nnonsense\r\n\r\n"));
	assert_true(event(rig_tx(&r, 0), EV_HTTP_MISSING_HOST_HEADER));
	assert_true(event(rig_tx(&r, 0), EV_HTTP_REQUEST_FIELD_MISSING_COLON));
	rig_fini(&r);
}

/* The normalised target of 'v'. */
static struct view
uri_of(struct rig *r, struct http_tx *tx, struct view v)
{
	*tx = (struct http_tx){ .settings = r->ctx.http, .uri_raw = v };
	arena_init(&tx->tx.arena, r->ctx.pool, (size_t)1 << 20);
	http_parse_uri(tx);
	return tx->uri;
}

/*
 * A target that is left where it stands is what normalising makes of it: an
 * escape behind it has all of it gone through, and adds its one letter.
 */
static void
test_uri_in_place(void **state)
{
	static const char chars[] = "/./?ab.c/xyzd%+\\0123456789";
	uint32_t seed = 5, in_place = 0;
	struct http_tx tx;
	struct rig r;

	(void)state;
	rig_init(&r, (size_t)16 << 20, NULL);
	for (unsigned round = 0; round < 50000; round++) {
		uint8_t raw[64], whole[64];
		size_t len = 1 + round % 50;
		struct view v;

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525u + 1013904223u;
			raw[i] = (uint8_t)
				chars[(seed >> 8) % (sizeof(chars) - 1)];
		}
		v = uri_of(&r, &tx, view_of(raw, len));
		if (v.p >= raw && v.p < raw + sizeof(raw)) {
			in_place++;
			assert_ptr_equal(v.p + v.len, raw + len);
			memcpy(whole, v.p, v.len);
			whole[v.len] = 'A';
			len = v.len;
			arena_reset(&tx.tx.arena);
			memcpy(raw, whole, len);
			memcpy(raw + len, "%41", 3);
			v = uri_of(&r, &tx, view_of(raw, len + 3));
			assert_int_equal(v.len, len + 1);
			assert_memory_equal(v.p, whole, len + 1);
		}
		arena_reset(&tx.tx.arena);
	}
	assert_true(in_place > 1000);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_chunked),
		cmocka_unit_test(test_lenient_heads),
		cmocka_unit_test(test_interim),
		cmocka_unit_test(test_no_body),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_without_request),
		cmocka_unit_test(test_old_requests),
		cmocka_unit_test(test_unexpected_body),
		cmocka_unit_test(test_field_rules),
		cmocka_unit_test(test_content_length),
		cmocka_unit_test(test_uri),
		cmocka_unit_test(test_uri_settings),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_uri_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
