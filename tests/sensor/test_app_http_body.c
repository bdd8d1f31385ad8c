/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of HTTP: codings, damage, limits, holes. */
#include <zlib.h>

#include "tests/sensor/http_say.h"

/* Appends 'in' as zlib writes it; window bits tell which format. */
static size_t
squeeze(uint8_t *out, size_t cap, const void *in, size_t len, int bits)
{
	z_stream z = { 0 };
	size_t n;

	assert_int_equal(
		deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY),
		Z_OK);
	z.next_in = (Bytef *)(uintptr_t)in;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = cap - z.avail_out;
	deflateEnd(&z);
	return n;
}

enum { GZ = 31, ZL = 15, RAW = -15 };

/* A response with this Content-Encoding and body. */
static void
coded(struct rig *r, const char *coding, const uint8_t *body, size_t len,
      const char *const *set)
{
	static uint8_t sent[1 << 20];
	int n = snprintf((char *)sent, sizeof(sent),
			 "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n"
			 "Content-Length: %zu\r\n\r\n",
			 coding, len);

	memcpy(sent + n, body, len);
	answer(r, view_of(sent, (size_t)n + len), set);
}

static void
test_codings(void **state)
{
	static const char text[] = "the plain text of this body, plain, plain";
	static const struct {
		const char *coding;
		int bits[3];
	} cases[] = {
		{ "gzip", { GZ } },
		{ "x-gzip", { GZ } },
		{ "deflate", { RAW } },
		{ "deflate", { ZL } },
		{ "gzip, deflate", { GZ, RAW } },
		{ "deflate,gzip", { ZL, GZ } },
		{ "gzip", { RAW } },
		{ "deflate", { GZ } },
		{ "gzip", { 0 } },
		{ "deflate, gzip", { 0 } },
		{ "br", { 0 } },
		{ "gzip, gzip", { GZ } },
		{ "identity, \vgzip;", { GZ } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t a[1024], b[1024];
		size_t n = sizeof(text) - 1;
		struct rig r;

		memcpy(a, text, n);
		for (size_t k = 0; k < 3 && cases[i].bits[k] != 0; k++) {
			n = squeeze(b, sizeof(b), a, n, cases[i].bits[k]);
			memcpy(a, b, n);
		}
		coded(&r, cases[i].coding, a, n, NULL);
		assert_body(rig_tx(&r, 0), SERVER, text);
		rig_fini(&r);
	}
}

static void
test_coding_damage(void **state)
{
	static const char text[] = "the plain text of this body, plain, plain";
	uint8_t a[1024];
	size_t n = squeeze(a, sizeof(a), text, sizeof(text) - 1, GZ);
	struct rig r;

	(void)state;
	/* A cut trailer, a wrong checksum, reserved flags: text all the same. */
	coded(&r, "gzip", a, n - 8, NULL);
	assert_body(rig_tx(&r, 0), SERVER, text);
	rig_fini(&r);
	a[n - 5] ^= 0xff;
	coded(&r, "gzip", a, n, NULL);
	assert_body(rig_tx(&r, 0), SERVER, text);
	assert_true(event(rig_tx(&r, 0), EV_HTTP_GZIP_DECOMPRESSION_FAILED));
	rig_fini(&r);
	a[3] = 0xc0;
	coded(&r, "gzip", a, n, NULL);
	assert_body(rig_tx(&r, 0), SERVER, text);
	rig_fini(&r);
	/* Two members. */
	n = squeeze(a, sizeof(a), "one ", 4, GZ);
	n += squeeze(a + n, sizeof(a) - n, "two", 3, GZ);
	coded(&r, "gzip", a, n, NULL);
	assert_body(rig_tx(&r, 0), SERVER, "one two");
	rig_fini(&r);
}

static void
test_layers(void **state)
{
	uint8_t a[256], b[256];
	size_t n = squeeze(a, sizeof(a), "text", 4, GZ);
	struct rig r;

	(void)state;
	n = squeeze(b, sizeof(b), a, n, GZ);
	n = squeeze(a, sizeof(a), b, n, GZ);
	coded(&r, "gzip, gzip, gzip", a, n, NULL);
	assert_true(event(rig_tx(&r, 0), EV_HTTP_TOO_MANY_ENCODING_LAYERS));
	rig_fini(&r);
}

static void
test_bomb(void **state)
{
	static uint8_t zeros[1 << 22], a[1 << 16], b[1 << 16];
	size_t n = squeeze(a, sizeof(a), zeros, sizeof(zeros), GZ);
	struct rig r;
	struct http_tx *tx;

	(void)state;
	n = squeeze(b, sizeof(b), a, n, GZ);
	/* Where exactly it is stopped may depend on the segments. */
	rig_init(&r, POOL, NULL);
	rig_feed(&r, CLIENT, VIEW_LIT(GET));
	rig_feed(&r, SERVER,
		 VIEW_LIT("HTTP/1.1 200 OK\r\nContent-Encoding: gzip, "
			  "gzip\r\n\r\n"));
	rig_feed(&r, SERVER, view_of(b, n));
	tx = rig_tx(&r, 0);
	assert_true(event(tx, EV_HTTP_COMPRESSION_BOMB));
	assert_true(tx->msg[SERVER].body.data.len <= 1 << 20);
	assert_true(tx->msg[SERVER].body.truncated);
	rig_fini(&r);
}

static void
test_limits(void **state)
{
	static const char *const set[] = {
		"app-layer.protocols.http.libhtp.default-config."
		"response-body-limit=4",
		NULL
	};
	struct rig r;
	char *big = malloc(100000);

	(void)state;
	answer(&r,
	       VIEW_LIT("HTTP/1.1 200 OK\r\nContent-Length: "
			"10\r\n\r\n0123456789"),
	       set);
	assert_body(rig_tx(&r, 0), SERVER, "0123");
	assert_int_equal(rig_tx(&r, 0)->msg[SERVER].body.size, 10);
	assert_true(rig_tx(&r, 0)->msg[SERVER].body.truncated);
	rig_fini(&r);

	/* A head without end is given up, one with many fields is cut. */
	memset(big, 'a', 100000);
	memcpy(big, "GET / HTTP/1.1\r\n", 16);
	rig_init(&r, POOL, NULL);
	rig_feed(&r, CLIENT, view_of(big, 100000));
	assert_int_equal(r.result[CLIENT], APP_PARSE_FAILED);
	assert_true(event(rig_tx(&r, 0), EV_HTTP_REQUEST_FIELD_TOO_LONG));
	rig_fini(&r);
	for (size_t i = 16; i + 4 <= 8016; i += 4) {
		memcpy(big + i, "a:\r\n", 4);
		big[i] = (char)('a' + i / 4 % 26);
	}
	memcpy(big + 8016, "\r\n", 2);
	rig_init(&r, POOL, NULL);
	rig_feed(&r, CLIENT, view_of(big, 8018));
	assert_true(event(rig_tx(&r, 0), EV_HTTP_REQUEST_TOO_MANY_HEADERS));
	rig_fini(&r);
	free(big);
}

static void
test_gaps(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, POOL, NULL);
	rig_feed(&r, CLIENT, VIEW_LIT(GET GET));
	rig_feed(&r, SERVER,
		 VIEW_LIT("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012"));
	rig_gap(&r, SERVER, 4);
	rig_feed(&r, SERVER,
		 VIEW_LIT("789HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"));
	assert_body(rig_tx(&r, 0), SERVER, "012789");
	assert_int_equal(rig_tx(&r, 0)->msg[SERVER].body.size, 10);
	assert_true(rig_tx(&r, 0)->msg[SERVER].body.gap);
	assert_body(rig_tx(&r, 1), SERVER, "x");
	rig_gap(&r, SERVER, 1);
	assert_int_equal(r.result[SERVER], APP_PARSE_FAILED);
	rig_feed(&r, CLIENT, VIEW_LIT(GET));
	assert_true(rig_tx(&r, 2)->tx.done[CLIENT]);
	assert_true(rig_tx(&r, 2)->tx.done[SERVER]);
	rig_fini(&r);

	/* Beyond the body: what was known stays. */
	rig_init(&r, POOL, NULL);
	rig_feed(&r, CLIENT, VIEW_LIT(GET));
	rig_feed(&r, SERVER,
		 VIEW_LIT("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012"));
	rig_gap(&r, SERVER, 40);
	assert_int_equal(r.result[SERVER], APP_PARSE_FAILED);
	assert_true(rig_tx(&r, 0)->tx.done[SERVER]);
	assert_int_equal(rig_tx(&r, 0)->msg[SERVER].body.size, 10);
	rig_fini(&r);
}

static void
test_no_memory(void **state)
{
	(void)state;
	/* Wherever memory ends, the parser goes on or gives up in order. */
	for (size_t pool = 1024; pool < 300000; pool += pool / 8) {
		uint8_t a[1024];
		size_t n = squeeze(a, sizeof(a), "text", 4, GZ);
		struct rig r;

		rig_init(&r, pool, NULL);
		rig_feed(&r, CLIENT, VIEW_LIT(GET GET));
		rig_feed(&r, SERVER,
			 VIEW_LIT("HTTP/1.1 200 OK\r\nContent-Encoding: "
				  "gzip\r\n\r\n"));
		rig_feed(&r, SERVER, view_of(a, n));
		rig_eof(&r, CLIENT);
		rig_eof(&r, SERVER);
		rig_fini(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codings),
		cmocka_unit_test(test_coding_damage),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
