/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_case.h - one flow through the application layer, in a test of a parser
 *
 * A test includes it once, after cmocka: what it has is that test's own.
 */
#ifndef TESTS_SENSOR_APP_CASE_H
#define TESTS_SENSOR_APP_CASE_H

#include <stdlib.h>

#include "sensor/app.h"
#include "tests/test.h"

static struct conf *conf;
static struct pool *pool;
static struct app_ctx *ctx;
static struct flow flow;

/* What has no state yet: a connection to 'dport'. */
static inline void
app_case_flow(uint8_t proto, uint16_t sport, uint16_t dport)
{
	memset(&flow, 0, sizeof(flow));
	flow.proto = proto;
	flow.port[0] = sport;
	flow.port[1] = dport;
}

static inline int
app_case_setup(void **state)
{
	(void)state;
	conf = conf_new();
	pool = pool_new(64 << 20);
	ctx = app_ctx_new(conf, pool);
	return ctx == NULL;
}

/* Nothing of the flow may be left in the pool. */
static inline int
app_case_teardown(void **state)
{
	(void)state;
	app_free(ctx, &flow);
	assert_int_equal(pool_in_use(pool), 0);
	app_ctx_free(ctx);
	pool_free(pool);
	conf_free(conf);
	return 0;
}

/* In steps of 'step' bytes, each a block of its own, so that a read past the
 * end is seen; no bytes at all are given once. */
static inline void
app_case_send(enum flow_dir dir, struct view v, size_t step)
{
	size_t i = 0;

	do {
		struct view part = view_sub(v, i, step);
		uint8_t *copy = malloc(part.len > 0 ? part.len : 1);

		if (part.len > 0) {
			memcpy(copy, part.p, part.len);
		}
		app_data(ctx, &flow, dir, view_of(copy, part.len), 1000);
		free(copy);
		i += MIN(step, v.len);
	} while (i < v.len);
}

static inline void
expect_text(struct view v, const char *text)
{
	if (!view_eq(v, view_cstr(text))) {
		fail_msg("'%.*s' is not '%s'", (int)v.len, (const char *)v.p,
			 text);
	}
}

#endif
