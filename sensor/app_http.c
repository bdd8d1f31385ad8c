/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http.h"

#include <stdlib.h>

#define STEP ((size_t)2048) /* bytes a head takes at a time */
/* A first line this long that is no status line is a body without head. */
#define JUNK_LINE_MAX ((size_t)1024)
#define INTERIM_MAX 16 /* 1xx responses before one final */

enum at {
	AT_LINE, /* before or in a start line */
	AT_PROBE, /* behind a request line without protocol */
	AT_FIELDS,
	AT_BODY,
	AT_END, /* nothing more is read */
};

/* One direction of a connection. */
struct side {
	enum at at;
	struct buf in; /* bytes of the head that is arriving */
	size_t pos; /* where it begins in 'in' */
	struct http_cutter cut; /* positions in 'in' */
	struct http_tx *tx; /* whose message this is, or whose just ended */
	uint64_t last_id; /* of the last message here */
	bool has_last, in_junk;
	bool same_tx; /* an interim response: the next is tx's too */
	uint8_t n_interim;
};

struct http_flow {
	struct side side[2]; /* by enum flow_dir */
	uint64_t next_response; /* lowest id that may still want one */
	bool tunnel; /* behind a CONNECT that was granted */
	enum app_result result;
};

/* What the functions below pass on. */
struct run {
	struct app_ctx *ctx;
	struct app_flow *af;
	struct http_flow *hf;
	struct side *s;
	enum flow_dir dir;
	bool eof;
};

static void
mark_done(struct http_tx *tx, enum flow_dir dir)
{
	tx->ending[dir] = false;
	tx->tx.done[dir] = true;
	tx->tx.updated[dir] = true;
	if (!tx->maybe_body || dir == FLOW_TOSERVER) {
		http_body_end(&tx->msg[dir].body);
	}
	if (!event_set_empty(&tx->tx.events)) {
		/* Rules of either direction may ask for events. */
		tx->tx.updated[FLOW_TOSERVER] = true;
		tx->tx.updated[FLOW_TOCLIENT] = true;
	}
}

static struct http_tx *
find_tx(const struct app_flow *af, uint64_t least, bool exact)
{
	for (struct app_tx *t = af->txs; t != NULL; t = t->next) {
		if (t->id == least || (!exact && t->id > least)) {
			return (struct http_tx *)t;
		}
	}
	return NULL;
}

static struct http_tx *
last_tx(const struct run *r)
{
	if (r->s->tx != NULL) {
		return r->s->tx;
	}
	return r->s->has_last ? find_tx(r->af, r->s->last_id, true) : NULL;
}

static struct http_tx *
new_tx(struct run *r)
{
	const struct http_settings *s = r->ctx->http;
	struct http_tx *tx = app_tx_new(r->ctx, r->af, &app_http, sizeof(*tx));

	if (tx == NULL) {
		return NULL;
	}
	tx->settings = s;
	for (unsigned d = 0; d < 2; d++) {
		http_body_init(&tx->msg[d].body, r->ctx->pool, s->body_limit[d],
			       &tx->tx.events, d == FLOW_TOCLIENT);
	}
	if (r->hf->side[FLOW_TOCLIENT].at == AT_END) {
		tx->tx.done[FLOW_TOCLIENT] = true;
	}
	return tx;
}

/* The side is given up; what it was in ends here. */
static bool
fail(struct run *r)
{
	if (r->s->tx != NULL) {
		mark_done(r->s->tx, r->dir);
		r->s->tx = NULL;
	}
	if (r->dir == FLOW_TOCLIENT) {
		struct app_tx *t = r->af->txs;

		for (; t != NULL; t = t->next) {
			t->done[FLOW_TOCLIENT] = true;
			t->updated[FLOW_TOCLIENT] = true;
		}
	}
	r->s->at = AT_END;
	r->hf->result = APP_PARSE_FAILED;
	return false;
}

static void
settle_ending(struct run *r)
{
	if (r->s->tx != NULL && !r->s->same_tx) {
		mark_done(r->s->tx, r->dir);
		r->s->tx = NULL;
	}
}

static void
begin_line(struct side *s)
{
	bool any_cr = s->cut.any_cr;

	s->at = AT_LINE;
	s->cut = (struct http_cutter){ .at = s->pos,
				       .scan = s->pos,
				       .any_cr = any_cr };
}

static void
end_message(struct run *r)
{
	r->s->last_id = r->s->tx->tx.id;
	r->s->has_last = true;
	r->s->tx->ending[r->dir] = true;
	r->s->tx->tx.updated[r->dir] = true;
	begin_line(r->s);
}

static struct view
pending(const struct side *s)
{
	return view_sub(buf_view(&s->in), s->pos, s->in.len);
}

/* Ends what is known of both sides; the connection is no longer HTTP. */
static bool
leave(struct run *r)
{
	for (unsigned d = 0; d < 2; d++) {
		struct side *s = &r->hf->side[d];

		if (s->tx != NULL) {
			mark_done(s->tx, (enum flow_dir)d);
			s->tx = NULL;
		}
		s->at = AT_END;
	}
	r->hf->result = APP_PARSE_DONE;
	return false;
}

/*
 * Other bytes than HTTP at a CONNECT's tunnel.  A client may send them before
 * the proxy's answer is seen, which we still want to read.
 */
static bool
enter_tunnel(struct run *r)
{
	if (r->hf->tunnel) {
		return leave(r);
	}
	settle_ending(r);
	r->s->at = AT_END;
	return true;
}

static void
unexpected(struct run *r, struct http_tx *tx, struct view v)
{
	event_set_add(&tx->tx.events,
		      r->dir == FLOW_TOSERVER
			      ? EV_HTTP_REQUEST_BODY_UNEXPECTED
			      : EV_HTTP_RESPONSE_BODY_UNEXPECTED);
	http_body_extra(&tx->msg[r->dir].body, v);
	tx->tx.updated[r->dir] = true;
}

/* Passes a long line without home on until its LF. */
static bool
on_junk(struct run *r)
{
	struct side *s = r->s;
	struct view v = pending(s);
	const uint8_t *lf = v.len > 0 ? memchr(v.p, '\n', v.len) : NULL;
	size_t n = lf != NULL ? (size_t)(lf - v.p) + 1 : v.len;
	struct http_tx *tx = last_tx(r);

	if (n == 0) {
		return false;
	}
	if (tx != NULL) {
		unexpected(r, tx, view_sub(v, 0, n));
	}
	s->pos += n;
	s->in_junk = lf == NULL;
	begin_line(s);
	return true;
}

/* A copy of the head as far as 'end' that lives with the transaction. */
static bool
on_head_end(struct run *r, size_t end)
{
	struct side *s = r->s;
	struct http_tx *tx = s->tx;
	struct http_msg *m = &tx->msg[r->dir];

	m->raw_fields =
		arena_copy(&tx->tx.arena,
			   view_sub(buf_view(&s->in), s->pos, end - s->pos));
	s->pos = end;
	http_parse_fields(tx, r->dir);
	tx->tx.updated[r->dir] = true;
	if (r->dir == FLOW_TOSERVER) {
		http_request_head_done(tx);
	} else {
		http_response_head_done(tx);
	}
	s->at = AT_BODY;
	if (m->body.framing == HTTP_FRAME_NONE || m->body.complete ||
	    tx->maybe_body) {
		end_message(r);
	}
	return true;
}

static bool
too_long(struct run *r)
{
	struct side *s = r->s;

	if (s->tx != NULL && s->at == AT_FIELDS) {
		event_set_add(&s->tx->tx.events,
			      r->dir == FLOW_TOSERVER
				      ? EV_HTTP_REQUEST_FIELD_TOO_LONG
				      : EV_HTTP_RESPONSE_FIELD_TOO_LONG);
		on_head_end(r, s->in.len);
	} else {
		event_set_add(&r->af->events,
			      r->dir == FLOW_TOSERVER
				      ? EV_HTTP_REQUEST_FIELD_TOO_LONG
				      : EV_HTTP_RESPONSE_FIELD_TOO_LONG);
	}
	return fail(r);
}

/* Takes the start line: its message becomes s->tx's. */
static bool
accept_line(struct run *r, struct http_tx *tx, struct view text)
{
	struct side *s = r->s;
	struct http_msg *m = &tx->msg[r->dir];

	s->tx = tx;
	s->same_tx = false;
	m->line = arena_copy(&tx->tx.arena, text);
	m->has_line = true;
	s->pos = s->cut.at;
	if (m->line.len < text.len) {
		return fail(r);
	}
	return true;
}

static bool
start_request(struct run *r, struct view text)
{
	struct side *s = r->s;
	struct http_tx *last = last_tx(r), *tx;
	struct view whole =
		view_sub(buf_view(&s->in), s->pos, s->cut.at - s->pos);

	if (last != NULL && !http_opens_request(text)) {
		if (r->hf->tunnel || last->is_connect) {
			return enter_tunnel(r);
		}
		unexpected(r, last, whole);
		s->pos = s->cut.at;
		return true;
	}
	settle_ending(r);
	tx = new_tx(r);
	if (tx == NULL || !accept_line(r, tx, text)) {
		return fail(r);
	}
	r->hf->tunnel = false;
	http_parse_request_line(tx);
	tx->tx.updated[FLOW_TOSERVER] = true;
	s->at = tx->msg[FLOW_TOSERVER].protocol.len > 0 ? AT_FIELDS : AT_PROBE;
	return true;
}

static struct http_tx *
tx_for_response(struct run *r)
{
	struct http_tx *tx;

	if (r->s->same_tx) {
		return r->s->tx;
	}
	settle_ending(r);
	tx = find_tx(r->af, r->hf->next_response, false);
	if (tx == NULL) {
		tx = new_tx(r);
		if (tx == NULL) {
			return NULL;
		}
		tx->request_unseen = true;
		tx->tx.done[FLOW_TOSERVER] = true;
		event_set_add(&tx->tx.events,
			      EV_HTTP_UNABLE_TO_MATCH_RESPONSE_TO_REQUEST);
	}
	r->hf->next_response = tx->tx.id + 1;
	return tx;
}

static bool
has_waiting(const struct run *r)
{
	return r->s->same_tx ||
	       find_tx(r->af, r->hf->next_response, false) != NULL;
}

/* A response without head, as HTTP/0.9 servers send: body from here on. */
static bool
start_bare_body(struct run *r)
{
	struct http_tx *tx = tx_for_response(r);

	if (tx == NULL) {
		return fail(r);
	}
	r->s->tx = tx;
	r->s->same_tx = false;
	tx->msg[FLOW_TOCLIENT].head_done = true;
	tx->file_name[FLOW_TOCLIENT] = tx->path;
	tx->tx.updated[FLOW_TOCLIENT] = true;
	http_body_begin(&tx->msg[FLOW_TOCLIENT].body, HTTP_FRAME_CLOSE, 0);
	r->s->at = AT_BODY;
	return true;
}

/* The last response should have had no body, but said how long it is. */
static bool
belongs_to_last(const struct run *r)
{
	const struct http_tx *last = last_tx(r);

	return !has_waiting(r) && last != NULL && last->maybe_body &&
	       !last->msg[r->dir].body.complete;
}

/* Bytes that are no status line, of which the first line is 'len' long. */
static bool
no_status_line(struct run *r, size_t len)
{
	struct side *s = r->s;
	struct http_tx *last;

	if (r->hf->tunnel) {
		return leave(r);
	}
	if (has_waiting(r)) {
		return start_bare_body(r);
	}
	last = last_tx(r);
	if (last == NULL) {
		return start_bare_body(r);
	}
	if (belongs_to_last(r)) {
		s->tx = last;
		last->maybe_body = false;
		last->tx.done[r->dir] = false;
		s->at = AT_BODY;
		return true;
	}
	if (len > JUNK_LINE_MAX) {
		s->in_junk = true;
		return true;
	}
	unexpected(r, last, view_sub(pending(s), 0, len));
	s->pos += len;
	begin_line(s);
	return true;
}

/* Whether no more bytes could make 'v' begin like a status line. */
static bool
never_status_line(struct view v)
{
	static const char http[] = "HTTP";
	size_t i = 0;

	while (i < v.len && (http_is_space(v.p[i]) || v.p[i] == 0)) {
		i++;
	}
	for (size_t k = 0; k < 4 && i + k < v.len; k++) {
		if (ascii_lower(v.p[i + k]) != ascii_lower((uint8_t)http[k])) {
			return true;
		}
	}
	return false;
}

static bool
start_response(struct run *r, struct view text)
{
	struct side *s = r->s;
	size_t len = s->cut.at - s->pos;
	struct http_tx *tx;

	if (!http_opens_response(text)) {
		/* A line before the status line proper is passed over. */
		if (len <= JUNK_LINE_MAX && s->cut.at < s->in.len &&
		    s->in.p[s->cut.at] == 'H' && !belongs_to_last(r)) {
			s->pos = s->cut.at;
			return true;
		}
		return no_status_line(r, len);
	}
	tx = tx_for_response(r);
	if (tx == NULL || !accept_line(r, tx, text)) {
		return fail(r);
	}
	r->hf->tunnel = false;
	http_parse_response_line(tx);
	tx->tx.updated[FLOW_TOCLIENT] = true;
	s->at = AT_FIELDS;
	return true;
}

/* The start line is not whole yet: can it be judged all the same? */
static bool
on_part_line(struct run *r)
{
	struct side *s = r->s;
	struct view v = pending(s);

	if (r->dir == FLOW_TOCLIENT && never_status_line(v)) {
		if (v.len > JUNK_LINE_MAX || belongs_to_last(r)) {
			return no_status_line(r, v.len);
		}
	}
	return v.len > HTTP_HEAD_MAX ? too_long(r) : false;
}

/* Whether bytes that begin with 'c' go into the tunnel of a CONNECT. */
static bool
is_for_tunnel(const struct run *r, uint8_t c)
{
	const struct http_tx *last;

	if (http_is_space(c) ||
	    (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')) {
		return false;
	}
	last = r->dir == FLOW_TOSERVER ? last_tx(r) : NULL;
	return r->hf->tunnel || (last != NULL && last->is_connect);
}

static bool
on_line(struct run *r)
{
	struct side *s = r->s;
	struct http_cutter before = s->cut;
	struct view v = buf_view(&s->in);
	struct http_line l;

	if (s->in_junk) {
		return on_junk(r);
	}
	if (s->pos < s->in.len && is_for_tunnel(r, v.p[s->pos])) {
		return enter_tunnel(r);
	}
	if (!http_cut(&s->cut, v, r->eof, &l)) {
		return on_part_line(r);
	}
	if (l.empty || http_is_blank(l.text)) {
		s->pos = s->cut.at;
		return true;
	}
	if (r->dir == FLOW_TOCLIENT) {
		if (s->cut.at == s->in.len && !r->eof &&
		    !http_opens_response(l.text) &&
		    s->cut.at - s->pos <= JUNK_LINE_MAX) {
			s->cut = before; /* the next byte decides */
			return on_part_line(r);
		}
		return start_response(r, l.text);
	}
	return start_request(r, l.text);
}

/*
 * Behind a request line without protocol: fields mean that it was left out,
 * anything else that this is HTTP/0.9 and the request is over.
 */
static bool
on_probe(struct run *r)
{
	struct side *s = r->s;
	struct view v = pending(s);
	size_t i = 0;

	while (i < v.len && i < 128 && v.p[i] > ' ' && v.p[i] < 0x7f &&
	       v.p[i] != ':') {
		i++;
	}
	if (i == v.len && i < 128 && !r->eof) {
		return false;
	}
	if (i < v.len &&
	    (v.p[i] == ':' || (i == 0 && (v.p[i] == '\r' || v.p[i] == '\n')))) {
		if (v.p[i] == ':') {
			event_set_add(&s->tx->tx.events,
				      EV_HTTP_REQUEST_LINE_MISSING_PROTOCOL);
		}
		s->at = AT_FIELDS;
		return true;
	}
	return on_head_end(r, s->pos);
}

static bool
is_interim(const struct http_tx *tx)
{
	return tx->status >= 100 && tx->status < 200 && tx->status != 101 &&
	       (tx->msg[FLOW_TOCLIENT].body.framing == HTTP_FRAME_NONE ||
		tx->msg[FLOW_TOCLIENT].body.complete);
}

/* RFC 9110 15.2: the final response is still to come. */
static void
forget_interim(struct run *r)
{
	struct http_tx *tx = r->s->tx;

	if (r->s->n_interim++ > 0 && tx->status == 100) {
		event_set_add(&tx->tx.events, EV_HTTP_CONTINUE_ALREADY_SEEN);
	}
	http_body_fini(&tx->msg[FLOW_TOCLIENT].body);
	tx->msg[FLOW_TOCLIENT] = (struct http_msg){ 0 };
	http_body_init(&tx->msg[FLOW_TOCLIENT].body, r->ctx->pool,
		       tx->settings->body_limit[FLOW_TOCLIENT], &tx->tx.events,
		       true);
	tx->stat_code = tx->stat_msg = VIEW_NONE;
	tx->status = 0;
	tx->maybe_body = tx->ending[FLOW_TOCLIENT] = false;
	r->s->same_tx = true;
	begin_line(r->s);
}

static bool
on_fields(struct run *r)
{
	struct side *s = r->s;
	struct http_line l;
	struct http_tx *tx = s->tx;

	while (http_cut(&s->cut, buf_view(&s->in), r->eof, &l)) {
		if (!l.empty) {
			continue;
		}
		if (!on_head_end(r, s->cut.at)) {
			return false;
		}
		if (r->dir == FLOW_TOSERVER) {
			return true;
		}
		if (tx->is_connect && tx->status >= 200 && tx->status < 300) {
			http_body_begin(&tx->msg[FLOW_TOCLIENT].body,
					HTTP_FRAME_NONE, 0);
			tx->maybe_body = false;
			end_message(r);
			r->hf->tunnel = true;
			return r->hf->side[FLOW_TOSERVER].at == AT_END
				       ? leave(r)
				       : true;
		}
		if (tx->status == 101 && !tx->maybe_body) {
			return leave(r);
		}
		if (is_interim(tx) && s->n_interim < INTERIM_MAX) {
			forget_interim(r);
		} else {
			s->n_interim = 0;
		}
		return true;
	}
	if (r->eof) {
		return on_head_end(r, s->in.len);
	}
	return s->in.len - s->pos > HTTP_HEAD_MAX ? too_long(r) : false;
}

/* Body bytes; those in 'in' first. */
static size_t
take_body(struct run *r, struct view v)
{
	struct side *s = r->s;
	size_t n = http_body_feed(&s->tx->msg[r->dir].body, v);

	if (http_body_due(s->tx, r->dir)) {
		s->tx->tx.updated[r->dir] = true;
	}
	return n;
}

static bool
on_body(struct run *r)
{
	struct side *s = r->s;
	struct http_body *b = &s->tx->msg[r->dir].body;

	if (s->pos < s->in.len) {
		s->pos += take_body(r, pending(s));
	}
	if (r->eof) {
		http_body_end(b);
	}
	if (!b->complete) {
		return false;
	}
	end_message(r);
	return true;
}

/* Goes as far as the bytes in 'in' allow. */
static void
go_on(struct run *r)
{
	bool more = true;

	while (more) {
		switch (r->s->at) {
		case AT_LINE:
			more = on_line(r);
			break;
		case AT_PROBE:
			more = on_probe(r);
			break;
		case AT_FIELDS:
			more = on_fields(r);
			break;
		case AT_BODY:
			more = on_body(r);
			break;
		case AT_END:
			r->s->pos = r->s->in.len;
			more = false;
			break;
		}
	}
}

/* Drops what of 'in' is done with, so that it stays short. */
static void
compact(struct side *s)
{
	if (s->pos == 0) {
		return;
	}
	buf_consume(&s->in, s->pos);
	s->cut.at -= MIN(s->cut.at, s->pos);
	s->cut.scan -= MIN(s->cut.scan, s->pos);
	s->pos = 0;
	if (s->in.len == 0) {
		buf_fini(&s->in);
	}
}

static size_t
feed(struct run *r, struct view data)
{
	struct side *s = r->s;
	size_t n;

	if (s->at == AT_BODY && s->in.len == s->pos) {
		n = take_body(r, data);
		go_on(r);
		return n;
	}
	compact(s);
	n = buf_append(&s->in, view_sub(data, 0, STEP));
	if (n == 0) {
		r->ctx->n_no_memory++;
		fail(r);
		return data.len;
	}
	go_on(r);
	return n;
}

static struct run
run_of(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir)
{
	struct http_flow *hf = af->state;

	hf->result = APP_PARSE_OK;
	return (struct run){
		.ctx = ctx, .af = af, .hf = hf, .s = &hf->side[dir], .dir = dir
	};
}

/* An answer proves that a request without protocol was whole. */
static void
conclude_probe(struct run *r)
{
	struct side *req = &r->hf->side[FLOW_TOSERVER];
	struct run q = *r;

	if (r->dir == FLOW_TOSERVER || req->at != AT_PROBE) {
		return;
	}
	q.dir = FLOW_TOSERVER;
	q.s = req;
	on_head_end(&q, req->pos);
	settle_ending(&q);
}

/* Nothing is left to judge: what ended is done. */
static void
settle(struct run *r)
{
	struct side *s = r->s;

	if (s->at == AT_LINE && s->pos == s->in.len) {
		settle_ending(r);
	}
	compact(s);
}

bool
http_body_due(const struct http_tx *tx, enum flow_dir dir)
{
	const struct http_body *b = &tx->msg[dir].body;
	uint64_t seen = tx->tx.body_inspected[dir];
	uint64_t step = MAX((uint64_t)tx->settings->body_step[dir], seen / 2);

	return b->complete || b->truncated || tx->tx.done[dir] ||
	       b->data.len >= seen + step;
}

static enum app_result
parse(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir,
      struct view data)
{
	struct run r = run_of(ctx, af, dir);
	size_t used = 0;

	conclude_probe(&r);
	while (used < data.len && r.s->at != AT_END) {
		used += feed(&r, view_sub(data, used, data.len));
	}
	settle(&r);
	return r.hf->result;
}

static enum app_result
gap(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir, uint64_t bytes)
{
	struct run r = run_of(ctx, af, dir);
	uint64_t lost = 0;

	if (r.s->at == AT_BODY) {
		lost = http_body_gap(&r.s->tx->msg[dir].body, bytes);
		r.s->tx->tx.updated[dir] = true;
		go_on(&r);
	}
	if (lost < bytes && r.s->at != AT_END) {
		/* Which message comes next cannot be known. */
		fail(&r);
	}
	settle(&r);
	return r.hf->result;
}

static void
eof(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir)
{
	struct run r = run_of(ctx, af, dir);

	conclude_probe(&r);
	r.eof = true;
	go_on(&r);
	if (r.s->tx != NULL) {
		mark_done(r.s->tx, dir);
		r.s->tx = NULL;
	}
	r.s->at = AT_END;
	for (struct app_tx *t = af->txs; dir == FLOW_TOCLIENT && t != NULL;
	     t = t->next) {
		if (!t->done[dir]) {
			mark_done((struct http_tx *)t, dir);
		}
	}
	settle(&r);
}

static enum app_probe
probe_response(struct view v)
{
	struct view want = VIEW_LIT("HTTP/");
	size_t n = MIN(v.len, want.len);

	if (!view_caseeq(view_sub(v, 0, n), view_sub(want, 0, n))) {
		return PROBE_NO;
	}
	return v.len < want.len ? PROBE_MORE : PROBE_YES;
}

static bool
is_method_char(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* METHOD SP target, and a protocol unless the method is one we know. */
static enum app_probe
probe_request(struct view v)
{
	size_t i = 0, word, end;
	struct view line;

	while (i < v.len && i < 16 && (v.p[i] == '\r' || v.p[i] == '\n')) {
		i++;
	}
	v = view_sub(v, i, v.len);
	word = 0;
	while (word < v.len && word < 32 && is_method_char(v.p[word])) {
		word++;
	}
	if (word == v.len) {
		return word < 32 ? PROBE_MORE : PROBE_NO;
	}
	if (word < 2 || (v.p[word] != ' ' && v.p[word] != '\t')) {
		return PROBE_NO;
	}
	if (http_opens_request(view_sub(v, 0, word))) {
		return PROBE_YES;
	}
	end = word;
	while (end < v.len && v.p[end] != '\n') {
		if (v.p[end] == 0) {
			return PROBE_NO;
		}
		end++;
	}
	line = view_sub(v, 0, end);
	if (end == v.len) {
		return v.len < 4096 ? PROBE_MORE : PROBE_NO;
	}
	return http_opens_request(line) ? PROBE_YES : PROBE_NO;
}

static enum app_probe
probe(struct view data, enum flow_dir dir, bool by_port)
{
	(void)by_port; /* the content says it well enough */
	return dir == FLOW_TOCLIENT ? probe_response(data)
				    : probe_request(data);
}

static void *
state_new(struct app_ctx *ctx, struct app_flow *af)
{
	struct http_flow *hf = pool_get(ctx->pool, sizeof(*hf));

	(void)af;
	if (hf == NULL) {
		ctx->n_no_memory++;
		return NULL;
	}
	*hf = (struct http_flow){ 0 };
	for (unsigned d = 0; d < 2; d++) {
		buf_init(&hf->side[d].in, ctx->pool, HTTP_HEAD_MAX + 2 * STEP);
	}
	hf->side[FLOW_TOCLIENT].cut.any_cr = true;
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
	buf_fini(&hf->side[0].in);
	buf_fini(&hf->side[1].in);
	pool_put(ctx->pool, hf, sizeof(*hf));
}

static void
tx_fini(struct app_ctx *ctx, struct app_tx *t)
{
	struct http_tx *tx = (struct http_tx *)t;

	(void)ctx;
	http_body_fini(&tx->msg[0].body);
	http_body_fini(&tx->msg[1].body);
}

static const uint16_t ports[] = { 80, 8080, 8000, 8008, 3128, 8888, 0 };

const struct app_parser app_http = {
	.proto = APP_HTTP,
	.tcp = true,
	.ports = ports,
	.probe = probe,
	.state_new = state_new,
	.state_free = state_free,
	.parse = parse,
	.gap = gap,
	.eof = eof,
	.tx_fini = tx_fini,
};

#define KEY(s) "app-layer.protocols.http.libhtp.default-config." s

/* 0 is Suricata's "no limit"; here the largest block is. */
static size_t
limit(const struct conf *c, const char *key)
{
	uint64_t n = conf_u64(c, key, POOL_MAX_BLOCK, 0, UINT64_MAX);

	return n == 0 ? POOL_MAX_BLOCK : (size_t)MIN(n, POOL_MAX_BLOCK);
}

bool
http_setup(struct app_ctx *ctx)
{
	const struct conf *c = ctx->conf;
	struct http_settings *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return false;
	}
	s->body_limit[0] = limit(c, KEY("request-body-limit"));
	s->body_limit[1] = limit(c, KEY("response-body-limit"));
	s->body_step[0] =
		(uint32_t)conf_u64(c, KEY("request-body-minimal-inspect-size"),
				   32 << 10, 1, POOL_MAX_BLOCK);
	s->body_step[1] =
		(uint32_t)conf_u64(c, KEY("response-body-minimal-inspect-size"),
				   40 << 10, 1, POOL_MAX_BLOCK);
	s->bomb_limit = conf_u64(c, KEY("compression-bomb-limit"), 1 << 20,
				 1 << 10, UINT64_MAX);
	s->coding_layers = (uint32_t)conf_u64(
		c, KEY("response-body-decompress-layer-limit"), 2, 0,
		HTTP_CODINGS_MAX);
	s->decode_request = true;
	s->double_decode_path = conf_bool(c, KEY("double-decode-path"), false);
	s->double_decode_query =
		conf_bool(c, KEY("double-decode-query"), false);
	s->plus_is_space = conf_bool(c, KEY("query-plusspace-decode"), false);
	s->uri_include_all = conf_bool(c, KEY("uri-include-all"), false);
	s->lower_path = conf_bool(c, KEY("convert-lowercase"), false);
	s->backslash_is_slash =
		conf_bool(c, KEY("backslash-convert-slashes"), true);
	s->compress_slashes =
		conf_bool(c, KEY("path-separators-compress"), true);
	ctx->http = s;
	return true;
}

void
http_teardown(struct app_ctx *ctx)
{
	free(ctx->http);
	ctx->http = NULL;
}
