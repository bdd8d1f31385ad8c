/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http.h"

#include "sensor/app_http_conn.h"
#include "sensor/app_http_file.h"
#include "sensor/app_http_plain.h"
#include "sensor/app_http_probe.h"
#include "sensor/app_http_start.h"

#define STEP ((size_t)2048) /* bytes a head takes at a time */
#define INTERIM_MAX 16 /* 1xx responses before one final */

static bool
is_interim(const struct http_tx *tx)
{
	return tx->status >= 100 && tx->status < 200 && tx->status != 101 &&
	       (tx->msg[FLOW_TOCLIENT].body.framing == HTTP_FRAME_NONE ||
		tx->msg[FLOW_TOCLIENT].body.complete);
}

/* RFC 9110 15.2: the final response is still to come. */
static void
forget_interim(struct http_run *r)
{
	struct http_tx *tx = r->s->tx;

	if (r->s->n_interim++ > 0 && tx->status == 100) {
		event_set_add(&tx->tx.events, EV_HTTP_CONTINUE_ALREADY_SEEN);
	}
	http_files_end(tx, FLOW_TOCLIENT);
	http_msg_end(tx, FLOW_TOCLIENT);
	http_msg_begin(r->ctx, r->af, tx, FLOW_TOCLIENT);
	tx->stat_code = tx->stat_msg = VIEW_NONE;
	tx->status = 0;
	tx->maybe_body = tx->ending[FLOW_TOCLIENT] = false;
	r->s->same_tx = true;
	http_begin_line(r->s);
}

/* RFC 9113 3.1 and RFC 6455 4.2.2, by the server's word. */
static enum app_proto
upgrade_of(const struct http_tx *tx)
{
	static const struct {
		const char *token;
		enum app_proto proto;
	} tokens[] = { { "h2c", APP_HTTP2 },
		       { "websocket", APP_WEBSOCKET },
		       { "tls/1.0", APP_TLS } }; /* RFC 2817 3.3 */
	struct view v =
		http_value_of(&tx->msg[FLOW_TOCLIENT], HTTP_NAME_UPGRADE);

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		struct view t = view_cstr(tokens[i].token);

		if (view_caseeq(view_sub(v, 0, t.len), t)) {
			return tokens[i].proto;
		}
	}
	return APP_UNKNOWN;
}

/* The answer to a CONNECT is there. */
static bool
on_connected(struct http_run *r)
{
	struct http_tx *tx = r->s->tx;
	enum http_at client = r->hf->side[FLOW_TOSERVER].at;

	http_body_begin(&tx->msg[FLOW_TOCLIENT].body, HTTP_FRAME_NONE, 0);
	tx->maybe_body = false;
	http_end_message(r);
	r->hf->tunnel = true;
	return client == HTTP_AT_END || client == HTTP_AT_WAIT
		       ? http_leave(r, APP_UNKNOWN)
		       : true;
}

/* The response's head is complete. */
static bool
on_response_head(struct http_run *r)
{
	struct http_side *s = r->s;
	struct http_tx *tx = s->tx;

	if (tx->is_connect && tx->status >= 200 && tx->status < 300) {
		return on_connected(r);
	}
	if (tx->status == 101 && !tx->maybe_body) {
		return http_leave(r, upgrade_of(tx));
	}
	if (is_interim(tx) && s->n_interim < INTERIM_MAX) {
		forget_interim(r);
	} else {
		s->n_interim = 0;
	}
	return true;
}

/* Goes on to the end of the head, if all of it is there; the usual way. */
static bool
skip_plain(struct http_side *s)
{
	struct http_plain lines;

	/* where a line begins of which nothing was looked at */
	if (s->cut.scan != s->cut.at || s->cut.lf_cr ||
	    !http_plain_lines(view_sub(s->in, s->cut.at, s->in.len), &lines)) {
		return false;
	}
	s->cut.at += lines.len;
	s->cut.scan = s->cut.at;
	return true;
}

static bool
skip_fields(struct http_run *r)
{
	struct http_side *s = r->s;
	struct http_line l;

	if (skip_plain(s)) {
		return true;
	}
	while (http_cut(&s->cut, s->in, r->eof, &l)) {
		if (l.empty) {
			return true;
		}
	}
	return false;
}

static bool
on_fields(struct http_run *r)
{
	struct http_side *s = r->s;

	if (skip_fields(r)) {
		http_on_head_end(r, s->cut.at);
		return r->dir == FLOW_TOSERVER ? true : on_response_head(r);
	}
	if (r->eof) {
		http_on_head_end(r, s->in.len);
		return true;
	}
	return s->in.len - s->pos > HTTP_HEAD_MAX ? http_too_long(r) : false;
}

/* Body bytes; those in 'in' first. */
static size_t
take_body(struct http_run *r, struct view v)
{
	struct http_side *s = r->s;
	struct http_msg *m = &s->tx->msg[r->dir];
	size_t n = http_body_feed(&m->body, v);

	http_keep_frame(r, m, view_sub(v, 0, n));

	if (http_body_due(s->tx, r->dir) || http_files_due(s->tx, r->dir)) {
		s->tx->tx.updated[r->dir] = true;
	}
	return n;
}

static bool
on_body(struct http_run *r)
{
	struct http_side *s = r->s;
	struct http_body *b = &s->tx->msg[r->dir].body;

	if (s->pos < s->in.len) {
		s->pos += take_body(r, http_pending(s));
	}
	if (r->eof) {
		http_body_end(b);
	}
	if (!b->complete) {
		return false;
	}
	http_end_message(r);
	return true;
}

/* Goes as far as the bytes in 'in' allow. */
static void
go_on(struct http_run *r)
{
	bool more = true;

	while (more) {
		switch (r->s->at) {
		case HTTP_AT_LINE:
			more = http_on_line(r);
			break;
		case HTTP_AT_PROBE:
			more = http_on_probe(r);
			break;
		case HTTP_AT_FIELDS:
			more = on_fields(r);
			break;
		case HTTP_AT_BODY:
			more = on_body(r);
			break;
		case HTTP_AT_WAIT:
			more = false;
			break;
		case HTTP_AT_END:
			if (!r->left) {
				r->s->pos = r->s->in.len;
			}
			more = false;
			break;
		}
	}
}

/* No bytes are left of which a head could come. */
static void
forget_in(struct http_side *s)
{
	buf_fini(&s->kept);
	s->in = VIEW_NONE;
	s->lent = false;
	s->pos = 0;
}

/*
 * Drops what of 'in' is done with, so that it stays short, and keeps the rest
 * beyond the segment at hand.  False without memory: the side is given up.
 */
static bool
compact(struct http_run *r)
{
	struct http_side *s = r->s;
	struct view rest = http_pending(s);

	s->cut.at -= MIN(s->cut.at, s->pos);
	s->cut.scan -= MIN(s->cut.scan, s->pos);
	if (rest.len == 0) {
		forget_in(s);
		return true;
	}
	if (!s->lent) {
		buf_consume(&s->kept, s->pos);
	} else if (buf_append(&s->kept, rest) < rest.len) {
		forget_in(s);
		r->ctx->n_no_memory++;
		return http_give_up(r);
	}
	s->in = buf_view(&s->kept);
	s->lent = false;
	s->pos = 0;
	return true;
}

/* Adds to 'in' from the front of 'data'; returns how much, 0 without memory. */
static size_t
take_in(struct http_side *s, struct view data)
{
	size_t n;

	data = view_sub(data, 0, STEP);
	if (s->in.len == 0) {
		s->in = data;
		s->lent = true;
		return data.len;
	}
	n = buf_append(&s->kept, data);
	s->in = buf_view(&s->kept);
	return n;
}

static size_t
feed(struct http_run *r, struct view data)
{
	struct http_side *s = r->s;
	size_t n;

	if (s->at == HTTP_AT_BODY && s->in.len == s->pos) {
		n = take_body(r, data);
		go_on(r);
		return n;
	}
	if (!compact(r)) {
		return data.len;
	}
	n = take_in(s, data);
	if (n == 0) {
		r->ctx->n_no_memory++;
		http_give_up(r);
		return data.len;
	}
	go_on(r);
	return n;
}

static struct http_run
run_of(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir)
{
	struct http_flow *hf = af->state;

	hf->result = APP_PARSE_OK;
	return (struct http_run){
		.ctx = ctx, .af = af, .hf = hf, .s = &hf->side[dir], .dir = dir
	};
}

/* An answer proves that a request without protocol was whole. */
static void
conclude_probe(struct http_run *r)
{
	struct http_side *req = &r->hf->side[FLOW_TOSERVER];
	struct http_run q = *r;

	if (r->dir == FLOW_TOSERVER || req->at != HTTP_AT_PROBE) {
		return;
	}
	q.dir = FLOW_TOSERVER;
	q.s = req;
	http_on_head_end(&q, req->pos);
	http_settle_ending(&q);
}

/* Nothing is left to judge: what ended is done. */
static void
settle(struct http_run *r)
{
	struct http_side *s = r->s;

	if (s->at == HTTP_AT_LINE && s->pos == s->in.len) {
		http_settle_ending(r);
	}
	(void)compact(r);
}

/* What of side 'd' was kept and is not HTTP's. */
static void
keep_rest(struct http_run *r, unsigned d, size_t n)
{
	const struct http_side *s = &r->hf->side[d];
	struct view v = view_sub(http_pending(s), 0, n);

	if (buf_append(&r->af->pending[d], v) < v.len) {
		r->ctx->n_no_memory++;
	}
}

/*
 * Hands the connection over; of the 'used' bytes just read some lie at the
 * end of the side's 'in', behind what was HTTP.
 */
static void
hand_over(struct http_run *r, size_t used)
{
	size_t rest = http_pending(r->s).len;
	size_t ours = MIN(rest, used);

	keep_rest(r, r->dir, rest - ours);
	keep_rest(r, !r->dir, SIZE_MAX);
	forget_in(&r->hf->side[0]);
	forget_in(&r->hf->side[1]);
	r->af->change = true;
	r->af->used = used - ours;
}

static enum app_result
parse(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir,
      struct view data)
{
	struct http_run r = run_of(ctx, af, dir);
	size_t used = 0;

	conclude_probe(&r);
	while (used < data.len && r.s->at != HTTP_AT_END) {
		used += feed(&r, view_sub(data, used, data.len));
	}
	if (r.left) {
		hand_over(&r, used);
		return r.hf->result;
	}
	settle(&r);
	return r.hf->result;
}

static enum app_result
gap(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir, uint64_t bytes)
{
	struct http_run r = run_of(ctx, af, dir);
	uint64_t lost = 0;

	if (r.s->at == HTTP_AT_BODY) {
		struct http_msg *m = &r.s->tx->msg[dir];

		lost = http_body_gap(&m->body, bytes);
		m->frame.limit = m->frame.len; /* nothing matches across it */
		r.s->tx->tx.updated[dir] = true;
		go_on(&r);
	}
	if (lost < bytes && r.s->at != HTTP_AT_END) {
		/* Which message comes next cannot be known. */
		http_give_up(&r);
	}
	settle(&r);
	return r.hf->result;
}

static void
eof(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir)
{
	struct http_run r = run_of(ctx, af, dir);

	conclude_probe(&r);
	r.eof = true;
	go_on(&r);
	if (r.s->tx != NULL) {
		http_mark_done(r.s->tx, dir);
		r.s->tx = NULL;
	}
	r.s->at = HTTP_AT_END;
	for (struct app_tx *t = af->txs; dir == FLOW_TOCLIENT && t != NULL;
	     t = t->next) {
		if (!t->done[dir] && t->parser == af->parser) {
			http_mark_done((struct http_tx *)t, dir);
		}
	}
	settle(&r);
}

static void *
state_new(struct app_ctx *ctx, struct app_flow *af)
{
	struct http_flow *hf = pool_get(ctx->pool, sizeof(*hf));

	if (hf == NULL) {
		ctx->n_no_memory++;
		return NULL;
	}
	*hf = (struct http_flow){ 0 };
	for (unsigned d = 0; d < 2; d++) {
		buf_init(&hf->side[d].kept, ctx->pool,
			 HTTP_HEAD_MAX + 2 * STEP);
	}
	hf->side[FLOW_TOCLIENT].cut.any_cr = true;
	hf->next_response = af->next_tx_id;
	return hf;
}

static void
state_free(struct app_ctx *ctx, struct app_flow *af, void *state)
{
	struct http_flow *hf = state;

	(void)af;
	if (hf == NULL) {
		return;
	}
	buf_fini(&hf->side[0].kept);
	buf_fini(&hf->side[1].kept);
	pool_put(ctx->pool, hf, sizeof(*hf));
}

static void
tx_fini(struct app_ctx *ctx, struct app_tx *t)
{
	struct http_tx *tx = (struct http_tx *)t;

	(void)ctx;
	http_msg_end(tx, FLOW_TOSERVER);
	http_msg_end(tx, FLOW_TOCLIENT);
}

static const uint16_t ports[] = { 80, 8080, 8000, 8008, 3128, 8888, 0 };

const struct app_parser app_http = {
	.proto = APP_HTTP,
	.tcp = true,
	.ports = ports,
	.probe = http_probe,
	.state_new = state_new,
	.state_free = state_free,
	.parse = parse,
	.gap = gap,
	.eof = eof,
	.tx_fini = tx_fini,
};
