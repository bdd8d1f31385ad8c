/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_driver.h"

/* What a direction may say before it is given up as not recognised. */
#define PENDING_MAX 4096
/* Protocols may lie in each other; this often a connection may change. */
#define CHANGES_MAX 4

static struct app_flow *
flow_open(struct app_driver *d, struct flow *f)
{
	struct app_flow *af = pool_get(d->ctx.pool, sizeof(*af));

	if (af == NULL) {
		d->n.no_memory++;
		return NULL;
	}
	memset(af, 0, sizeof(*af));
	buf_init(&af->pending[0], d->ctx.pool, PENDING_MAX);
	buf_init(&af->pending[1], d->ctx.pool, PENDING_MAX);
	af->flow = f;
	f->app = af;
	return af;
}

static void
account(struct app_driver *d, struct app_flow *af, uint64_t first_id)
{
	d->n.txs[af->parser->proto] += af->next_tx_id - first_id;
}

static void change(struct app_driver *d, struct flow *f, enum flow_dir dir,
		   struct view rest);

static void
feed(struct app_driver *d, struct flow *f, enum flow_dir dir, struct view data)
{
	struct app_flow *af = f->app;
	uint64_t first_id = af->next_tx_id;

	if (af->parser == NULL || data.len == 0 || af->failed[dir] ||
	    af->finished[dir] || af->encrypted || af->muted) {
		return;
	}
	switch (af->parser->parse(&d->ctx, af, dir, data)) {
	case APP_PARSE_OK:
		break;
	case APP_PARSE_FAILED:
		af->failed[dir] = true;
		d->n.failed[af->parser->proto]++;
		break;
	case APP_PARSE_DONE:
		af->finished[dir] = true;
		break;
	}
	account(d, af, first_id);
	if (UNLIKELY(af->change)) {
		change(d, f, dir, view_sub(data, af->used, data.len));
	}
}

static void
drain(struct app_driver *d, struct flow *f, enum flow_dir dir)
{
	struct app_flow *af = f->app;
	struct buf held = af->pending[dir];

	/* A change of protocol may fill 'pending' anew. */
	buf_init(&af->pending[dir], d->ctx.pool, PENDING_MAX);
	feed(d, f, dir, buf_view(&held));
	buf_fini(&held);
}

/*
 * Bytes of a direction that nothing recognised, while the other may still
 * tell what the flow is: they are the parser's then.
 */
static void
hold(struct app_driver *d, struct app_flow *af, enum flow_dir dir,
     struct view data)
{
	if (!af->failed[dir] &&
	    buf_append(&af->pending[dir], data) < data.len) {
		buf_fini(&af->pending[dir]);
		af->failed[dir] = true;
		d->n.failed[APP_FAILED]++;
	}
}

/* The flow became known by 'dir': what the other side said came before. */
static void
adopt(struct app_driver *d, struct flow *f, enum flow_dir dir)
{
	struct app_flow *af = f->app;
	struct buf *b = &af->pending[!dir];

	if (b->len == 0) {
		return;
	}
	if (!af->detect_done[!dir]) {
		struct app_verdict v = app_detect(d, f, !dir, buf_view(b));

		if (v.proto == APP_UNKNOWN) {
			v.proto = af->dir_proto[dir];
		}
		app_decide(d, af, !dir, v);
	}
	drain(d, f, !dir);
}

/* Stream bytes of a direction that is decided. */
static void
deliver(struct app_driver *d, struct flow *f, enum flow_dir dir,
	struct view data)
{
	struct app_flow *af = f->app;

	if (af->parser != NULL) {
		feed(d, f, dir, data);
	} else if (af->dir_proto[dir] == APP_FAILED && !af->detect_done[!dir]) {
		hold(d, af, dir, data);
	}
}

/* After 'dir' was decided: moves on what had to wait for that. */
static void
release(struct app_driver *d, struct flow *f, enum flow_dir dir)
{
	struct app_flow *af = f->app;

	if (app_known(af->dir_proto[dir])) {
		adopt(d, f, dir);
	} else if (af->dir_proto[!dir] == APP_FAILED) {
		buf_fini(&af->pending[!dir]);
	}
	if (app_known(app_proto_of(f)) || af->detect_done[!dir]) {
		drain(d, f, dir);
	}
}

static void take_bytes(struct app_driver *d, struct flow *f, enum flow_dir dir,
		       struct view data);

/* Stream bytes of a direction that is not decided yet. */
static void
pend(struct app_driver *d, struct flow *f, enum flow_dir dir, struct view data)
{
	struct app_flow *af = f->app;
	struct buf *b = &af->pending[dir];
	struct view all = data;
	struct app_verdict v;
	size_t took = 0;

	if (b->len > 0) {
		took = buf_append(b, data);
		all = buf_view(b);
	}
	v = app_detect(d, f, dir, all);
	if (v.proto == APP_UNKNOWN && b->len == 0) {
		took = buf_append(b, data);
	}
	if (v.proto == APP_UNKNOWN) {
		if (took == data.len && b->len < PENDING_MAX) {
			return;
		}
		v.proto = APP_FAILED;
	}
	app_decide(d, af, dir, v);
	release(d, f, dir);
	take_bytes(d, f, dir, view_sub(data, took, data.len));
}

/* New stream bytes of 'dir', whether it is decided or not. */
static void
take_bytes(struct app_driver *d, struct flow *f, enum flow_dir dir,
	   struct view data)
{
	struct app_flow *af = f->app;

	if (data.len == 0) {
		return;
	}
	if (af->detect_done[dir]) {
		deliver(d, f, dir, data);
	} else {
		pend(d, f, dir, data);
	}
}

/* Bytes that the former parser left are the first of what comes now. */
static void
take_left(struct app_driver *d, struct flow *f, enum flow_dir dir)
{
	struct app_flow *af = f->app;
	struct buf held = af->pending[dir];

	buf_init(&af->pending[dir], d->ctx.pool, PENDING_MAX);
	take_bytes(d, f, dir, buf_view(&held));
	buf_fini(&held);
}

/*
 * The parser is through, the connection is not: it is looked at as if it
 * began here.  Transactions of the former protocol end on their own.
 */
static void
change(struct app_driver *d, struct flow *f, enum flow_dir dir,
       struct view rest)
{
	struct app_flow *af = f->app;

	af->change = af->server_first = false;
	if (++af->n_changes > CHANGES_MAX) {
		if (af->parser->proto == APP_HTTP && af->last_tx != NULL) {
			event_set_add(&af->last_tx->events,
				      EV_HTTP_FAILED_PROTOCOL_CHANGE);
			af->last_tx->updated[dir] = true;
		}
		return;
	}
	if (af->parser->state_free != NULL) {
		af->parser->state_free(&d->ctx, af, af->state);
	}
	af->before = af->parser->proto;
	af->state = NULL;
	af->parser = NULL;
	for (unsigned i = 0; i < 2; i++) {
		af->dir_proto[i] = APP_UNKNOWN;
		af->detect_done[i] = af->failed[i] = af->finished[i] = false;
	}
	take_left(d, f, !dir);
	take_left(d, f, dir);
	take_bytes(d, f, dir, rest);
}

static void
take_datagram(struct app_driver *d, struct flow *f, enum flow_dir dir,
	      struct view data)
{
	struct app_flow *af = f->app;

	if (!af->detect_done[dir]) {
		struct app_verdict v = app_detect(d, f, dir, data);

		if (v.proto == APP_UNKNOWN || v.proto == APP_FAILED) {
			/* One side is enough to name an exchange. */
			v.proto = app_known(af->dir_proto[!dir])
					  ? af->dir_proto[!dir]
					  : APP_FAILED;
		}
		if (v.parser != NULL && v.parser->reversed != NULL &&
		    !af->detect_done[!dir] && v.parser->reversed(data, dir)) {
			af->swap = true;
			dir = !dir;
		}
		app_decide(d, af, dir, v);
	}
	feed(d, f, dir, data);
}

void
app_data(struct app_ctx *ctx, struct flow *f, enum flow_dir dir,
	 struct view data, uint64_t now_us)
{
	struct app_driver *d = app_driver_of(ctx);
	struct app_flow *af = f->app;

	if (data.len == 0) {
		return;
	}
	if (af == NULL) {
		af = flow_open(d, f);
		if (af == NULL) {
			return;
		}
		af->server_first = dir == FLOW_TOCLIENT && f->proto == IPP_TCP;
	}
	af->now_us = now_us;
	if (f->proto != IPP_TCP) {
		take_datagram(d, f, dir, data);
	} else {
		take_bytes(d, f, dir, data);
	}
}

/* No more bytes will come to tell what 'dir' is. */
static void
give_up_detection(struct app_driver *d, struct flow *f, enum flow_dir dir)
{
	struct app_flow *af = f->app;
	struct app_verdict v = { APP_FAILED, NULL };

	if (af->pending[dir].len > 0) {
		v = app_detect(d, f, dir, buf_view(&af->pending[dir]));
	}
	if (v.proto == APP_UNKNOWN) {
		v.proto = APP_FAILED;
	}
	app_decide(d, af, dir, v);
	release(d, f, dir);
}

void
app_gap(struct app_ctx *ctx, struct flow *f, enum flow_dir dir, uint64_t bytes,
	uint64_t now_us)
{
	struct app_driver *d = app_driver_of(ctx);
	struct app_flow *af = f->app;
	uint64_t first_id;

	if (bytes == 0 || (af == NULL && (af = flow_open(d, f)) == NULL)) {
		return;
	}
	af->now_us = now_us;
	if (!af->detect_done[dir]) {
		give_up_detection(d, f, dir);
	}
	d->n.gaps[app_proto_of(f)]++;
	if (af->parser == NULL) {
		/* What waits must not be joined over the hole. */
		buf_fini(&af->pending[dir]);
		af->failed[dir] = true;
		return;
	}
	if (af->failed[dir] || af->finished[dir] || af->encrypted ||
	    af->muted) {
		return;
	}
	first_id = af->next_tx_id;
	if (af->parser->gap == NULL ||
	    af->parser->gap(ctx, af, dir, bytes) == APP_PARSE_FAILED) {
		af->failed[dir] = true;
		d->n.failed[af->parser->proto]++;
	}
	account(d, af, first_id);
}

void
app_eof(struct app_ctx *ctx, struct flow *f, enum flow_dir dir, uint64_t now_us)
{
	struct app_driver *d = app_driver_of(ctx);
	struct app_flow *af = f->app;
	uint64_t first_id;

	if (af == NULL || af->eof[dir]) {
		return;
	}
	af->eof[dir] = true;
	af->now_us = now_us;
	if (!af->detect_done[dir] && af->pending[dir].len > 0) {
		give_up_detection(d, f, dir);
	}
	if (af->parser == NULL || af->parser->eof == NULL || af->failed[dir] ||
	    af->encrypted || af->muted) {
		return;
	}
	first_id = af->next_tx_id;
	af->parser->eof(ctx, af, dir);
	account(d, af, first_id);
}

enum app_proto
app_proto_unparsed(const struct flow *f)
{
	const struct app_flow *af = f->app;

	for (unsigned i = 0; i < 2; i++) {
		if (app_known(af->dir_proto[i])) {
			return af->dir_proto[i];
		}
	}
	if (af->before != APP_UNKNOWN) {
		return af->before; /* nothing is known to have replaced it */
	}
	return af->dir_proto[0] == APP_FAILED && af->dir_proto[1] == APP_FAILED
		       ? APP_FAILED
		       : APP_UNKNOWN;
}

enum app_proto
app_proto_before(const struct flow *f)
{
	const struct app_flow *af = f->app;

	return af != NULL && af->before != app_proto_of(f) ? af->before
							   : APP_UNKNOWN;
}

enum app_proto
app_proto_dir(const struct flow *f, enum flow_dir dir)
{
	return f->app != NULL ? f->app->dir_proto[dir] : APP_UNKNOWN;
}

void
app_tx_end(struct app_ctx *ctx, struct flow *f, struct app_tx *tx)
{
	struct app_flow *af = f->app;
	struct app_tx **at = &af->txs, *prev = NULL;

	while (*at != tx) {
		prev = *at;
		at = &prev->next;
	}
	*at = tx->next;
	if (af->last_tx == tx) {
		af->last_tx = prev;
	}
	af->n_txs--;
	app_tx_free(ctx, tx);
}

void
app_free(struct app_ctx *ctx, struct flow *f)
{
	struct app_flow *af = f->app;

	if (af == NULL) {
		return;
	}
	while (af->txs != NULL) {
		app_tx_end(ctx, f, af->txs);
	}
	if (af->parser != NULL && af->parser->state_free != NULL &&
	    !af->muted) {
		af->parser->state_free(ctx, af, af->state);
	}
	buf_fini(&af->pending[0]);
	buf_fini(&af->pending[1]);
	pool_put(ctx->pool, af, sizeof(*af));
	f->app = NULL;
}

const struct app_counters *
app_counters(const struct app_ctx *ctx)
{
	return &((const struct app_driver *)ctx)->n;
}
