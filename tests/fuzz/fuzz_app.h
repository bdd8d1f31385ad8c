/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_app.h - drives one flow through the application layer, two ways
 *
 * The input is a byte of choices, then runs: a byte of direction and length
 * class, a length, the bytes.  The same runs are given whole and in small
 * steps; what they leave behind must be the same.
 */
#ifndef TESTS_FUZZ_APP_H
#define TESTS_FUZZ_APP_H

#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "rules/inspect.h"
#include "sensor/app.h"
#include "tests/sensor/copy_same.h"

struct fuzz_app {
	struct conf *conf;
	struct pool *pool;
	struct app_ctx *ctx;
	struct flow flow;
};

static inline void
fuzz_app_open(struct fuzz_app *a, uint8_t proto, uint16_t port)
{
	if (a->ctx == NULL) {
		a->conf = conf_new();
		a->pool = pool_new(256 << 20);
		a->ctx = app_ctx_new(a->conf, a->pool);
		if (a->ctx == NULL) {
			abort();
		}
	}
	memset(&a->flow, 0, sizeof(a->flow));
	a->flow.proto = proto;
	a->flow.port[0] = 40000;
	a->flow.port[1] = port;
}

/* Gives 'v' in steps of 'step' bytes, each in memory of its own. */
static inline void
fuzz_app_data(struct fuzz_app *a, enum flow_dir dir, struct view v, size_t step)
{
	for (size_t i = 0; i < v.len; i += step) {
		struct view part = view_sub(v, i, step);
		uint8_t *copy = malloc(part.len);

		memcpy(copy, part.p, part.len);
		app_data(a->ctx, &a->flow, dir, view_of(copy, part.len), 1);
		free(copy);
	}
}

/* The runs of 'in'; a length of 0 is a hole of the bytes that follow. */
static inline void
fuzz_app_runs(struct fuzz_app *a, struct view in, size_t step)
{
	while (in.len >= 3) {
		enum flow_dir dir = in.p[0] & 1 ? FLOW_TOCLIENT : FLOW_TOSERVER;
		size_t len = load_be16(in.p + 1);

		if (in.p[0] & 0x80) {
			app_gap(a->ctx, &a->flow, dir, len, 1);
			in = view_sub(in, 3, in.len);
			continue;
		}
		fuzz_app_data(a, dir, view_sub(in, 3, len), step);
		in = view_sub(in, 3 + len, in.len);
	}
	app_eof(a->ctx, &a->flow, FLOW_TOSERVER, 1);
	app_eof(a->ctx, &a->flow, FLOW_TOCLIENT, 1);
}

/* What rules (by 'fill') and events (by 'log') are told of each transaction
 * of 'proto'; a copy must say the same. */
struct fuzz_app_tale {
	enum app_proto proto;
	void (*fill)(struct inspect *in, struct app_tx *tx,
		     const uint64_t all[2]);
	void (*log)(struct json *j, struct app_tx *tx);
};

static inline void
fuzz_app_describe(const struct fuzz_app *a, const struct fuzz_app_tale *tale,
		  struct json *j)
{
	static const uint64_t all[2] = { UINT64_MAX, UINT64_MAX };
	struct inspect in = { .dir = DIR_TOSERVER };

	json_reset(j);
	json_arr(j, NULL);
	for (struct app_tx *tx = a->flow.app != NULL ? a->flow.app->txs : NULL;
	     tx != NULL; tx = tx->next) {
		if (tx->parser->proto != tale->proto) {
			continue;
		}
		tale->fill(&in, tx, all);
		json_obj(j, NULL);
		tale->log(j, tx);
		json_hex(j, "events", view_of(&tx->events, sizeof(tx->events)));
		json_obj_end(j);
		copy_same_all(tx);
	}
	json_arr_end(j);
}

static inline void
fuzz_app_close(struct fuzz_app *a)
{
	app_free(a->ctx, &a->flow);
	if (pool_in_use(a->pool) != 0) {
		abort();
	}
}

#endif
