/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_say.h - exchanges of HTTP as they are spoken, on http_rig.h's bench
 */
#ifndef TESTS_SENSOR_HTTP_SAY_H
#define TESTS_SENSOR_HTTP_SAY_H

#include "tests/sensor/http_rig.h"
#include "tests/test.h"

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

static inline void
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
static inline void
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

static inline void
assert_view(struct view v, const char *want)
{
	if (!view_eq(v, view_cstr(want))) {
		fail_msg("is '%.*s', not '%s'", (int)v.len,
			 v.len > 0 ? (const char *)v.p : "", want);
	}
}

static inline void
assert_body(const struct http_tx *tx, enum flow_dir dir, const char *want)
{
	assert_non_null(tx);
	assert_view(buf_view(&tx->msg[dir].body.data), want);
}

static inline bool
event(const struct http_tx *tx, enum event_id e)
{
	return event_set_has(&tx->tx.events, e);
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/* One response to a GET; sent whole, and its connection closed. */
static inline void
answer(struct rig *r, struct view sent, const char *const *set)
{
	struct say x[] = { C(GET), { SERVER, sent }, S_END };

	run_set(r, x, ARRAY_LEN(x), set);
}

#endif
