/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h - which protocol is this, and the driver of its parser
 *
 * Detection is by content first and port second, in both directions; the
 * bytes seen meanwhile are kept (bounded) and given to the parser once.
 *
 * Place    above every parser; below fill and worker.
 * Threads  one context per worker.
 * Memory   app.max-open-tx and app.tx-memory bound a flow, the worker's pool
 *          all of them.
 * Cost     nothing per packet for flows that are done with.
 */
#ifndef SENSOR_APP_H
#define SENSOR_APP_H

#include "sensor/app_parser.h"

/* Reads app-layer.protocols.NAME.enabled and each parser's own keys. */
struct app_ctx *app_ctx_new(const struct conf *conf, struct pool *pool);
void app_ctx_free(struct app_ctx *ctx);

/*
 * Of which protocols somebody asks more than the name: bit per enum
 * app_proto.  The others are recognised and not parsed.  Holds for flows
 * recognised from now on; until this is called, all are parsed.
 */
void app_want(struct app_ctx *ctx, uint64_t tcp, uint64_t udp);

/*
 * One run of stream bytes of 'dir', or one datagram.  The first datagram of a
 * flow may turn out to be a server's: then f->app->swap is set, and the
 * caller exchanges the flow's roles (flow_swap) and clears it.
 */
void app_data(struct app_ctx *ctx, struct flow *f, enum flow_dir dir,
	      struct view data, uint64_t now_us);
void app_gap(struct app_ctx *ctx, struct flow *f, enum flow_dir dir,
	     uint64_t bytes, uint64_t now_us);
void app_eof(struct app_ctx *ctx, struct flow *f, enum flow_dir dir,
	     uint64_t now_us);

/* APP_UNKNOWN, APP_FAILED or the protocol. */
enum app_proto app_proto_unparsed(const struct flow *f); /* of the others */
static inline enum app_proto
app_proto_of(const struct flow *f)
{
	if (f->app == NULL) {
		return APP_UNKNOWN;
	}
	return f->app->parser != NULL ? f->app->parser->proto
				      : app_proto_unparsed(f);
}
enum app_proto app_proto_dir(const struct flow *f, enum flow_dir dir);

/* Sends for what the next bytes of the flow will touch; reads f->app. */
static inline void
app_prefetch(const struct flow *f)
{
	const struct app_flow *af = f->app;

	if (af != NULL && af->state != NULL) {
		/* numbers: a state may be shorter, and there may be no tx */
		uintptr_t state = (uintptr_t)af->state;
		uintptr_t tx = (uintptr_t)af->last_tx;

		/* both directions' sides, and the marks of the transaction */
		__builtin_prefetch((const void *)state, 1);
		__builtin_prefetch((const void *)(state + 128), 1);
		__builtin_prefetch((const void *)(tx + 64), 1);
	}
}
/* What it was before it changed, EVE's app_proto_orig; or APP_UNKNOWN. */
enum app_proto app_proto_before(const struct flow *f);

/* Removes and frees 'tx'. */
void app_tx_end(struct app_ctx *ctx, struct flow *f, struct app_tx *tx);
/* Ends all transactions and the state; f->app becomes NULL.  The rules'
 * state in each transaction must have been freed before. */
void app_free(struct app_ctx *ctx, struct flow *f);

/* Transactions opened and errors met, by protocol. */
struct app_counters {
	uint64_t flows[APP_PROTO_COUNT]; /* APP_FAILED: not recognised */
	uint64_t txs[APP_PROTO_COUNT];
	uint64_t failed[APP_PROTO_COUNT]; /* directions given up */
	uint64_t gaps[APP_PROTO_COUNT];
	uint64_t no_memory; /* flows that could not be looked into */
};
const struct app_counters *app_counters(const struct app_ctx *ctx);

#endif
