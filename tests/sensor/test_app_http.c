/* SPDX-License-Identifier: Apache-2.0 */
#include "http_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <zlib.h>

#define CLIENT FLOW_TOSERVER
#define SERVER FLOW_TOCLIENT
#define POOL ((size_t)64 << 20)

/* Steps of an exchange: who speaks, and what. */
struct say {
	enum flow_dir dir;
	struct view bytes; /* empty: this side ends */
};
#define C(s) \
	{ \
		CLIENT, VIEW_LIT(s) \
	}
#define S(s) \
	{ \
		SERVER, VIEW_LIT(s) \
	}
#define C_END \
	{ \
		CLIENT, \
		{ \
			NULL, 0 \
		} \
	}
#define S_END \
	{ \
		SERVER, \
		{ \
			NULL, 0 \
		} \
	}

static void
speak(struct rig *r, const struct say *x, size_t n, size_t piece)
{
	for (size_t i = 0; i < n; i++) {
		struct view v = x[i].bytes;

		if (v.len == 0) {
			rig_eof(r, x[i].dir);
		}
		while (v.len > 0) {
			size_t k = MIN(piece, v.len);

			rig_feed(r, x[i].dir, view_sub(v, 0, k));
			v = view_sub(v, k, v.len);
		}
	}
}

/*
 * Runs an exchange whole and byte by byte, asserts that both left the same
 * behind, and hands out the first run.
 */
static void
run_set(struct rig *r, const struct say *x, size_t n, const char *const *set)
{
	struct rig bytes;
	char *a, *b;

	rig_init(r, POOL, set);
	speak(r, x, n, SIZE_MAX);
	rig_init(&bytes, POOL, set);
	speak(&bytes, x, n, 1);
	a = rig_dump(r);
	b = rig_dump(&bytes);
	assert_string_equal(a, b);
	free(a);
	free(b);
	rig_fini(&bytes);
}

#define RUN(r, ...) \
	do { \
		const struct say x_[] = { __VA_ARGS__ }; \
		run_set((r), x_, ARRAY_LEN(x_), NULL); \
	} while (0)

static void
assert_view(struct view v, const char *want)
{
	if (!view_eq(v, view_cstr(want))) {
		fail_msg("is '%.*s', not '%s'", (int)v.len,
			 v.len > 0 ? (const char *)v.p : "", want);
	}
}

static void
assert_body(const struct http_tx *tx, enum flow_dir dir, const char *want)
{
	assert_non_null(tx);
	assert_view(buf_view(&tx->msg[dir].body.data), want);
}

static bool
event(const struct http_tx *tx, enum event_id e)
{
	return event_set_has(&tx->tx.events, e);
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

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
test_events(void **state)
{
	struct rig r;

	(void)state;
	RUN(&r, C("GET / HTTP/1.1\r\nnonsense\r\n\r\n"));
	assert_true(event(rig_tx(&r, 0), EV_HTTP_MISSING_HOST_HEADER));
	assert_true(event(rig_tx(&r, 0), EV_HTTP_REQUEST_FIELD_MISSING_COLON));
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_chunked),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
