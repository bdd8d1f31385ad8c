/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_conn.h"

#include "sensor/app_http_field.h"
#include "sensor/app_http_file.h"
#include "sensor/app_http_head.h"

void
http_mark_done(struct http_tx *tx, enum flow_dir dir)
{
	tx->ending[dir] = false;
	tx->tx.done[dir] = true;
	tx->tx.updated[dir] = true;
	if (!tx->maybe_body || dir == FLOW_TOSERVER) {
		http_body_end(&tx->msg[dir].body);
	}
	http_files_end(tx, dir);
	if (!event_set_empty(&tx->tx.events)) {
		/* Rules of either direction may ask for events. */
		tx->tx.updated[FLOW_TOSERVER] = true;
		tx->tx.updated[FLOW_TOCLIENT] = true;
	}
}

struct http_tx *
http_find_tx(const struct app_flow *af, uint64_t least, bool exact)
{
	for (struct app_tx *t = af->txs; t != NULL; t = t->next) {
		if (t->parser == af->parser &&
		    (t->id == least || (!exact && t->id > least))) {
			return (struct http_tx *)t;
		}
	}
	return NULL;
}

struct http_tx *
http_last_tx(const struct http_run *r)
{
	if (r->s->tx != NULL) {
		return r->s->tx;
	}
	return r->s->has_last ? http_find_tx(r->af, r->s->last_id, true) : NULL;
}

struct http_tx *
http_new_tx(struct http_run *r)
{
	const struct http_settings *s = r->ctx->http;
	struct http_tx *tx =
		app_tx_new(r->ctx, r->af, r->af->parser, sizeof(*tx));

	if (tx == NULL) {
		return NULL;
	}
	tx->settings = s;
	for (unsigned d = 0; d < 2; d++) {
		http_msg_begin(r->ctx, r->af, tx, (enum flow_dir)d);
	}
	if (r->hf->side[FLOW_TOCLIENT].at == HTTP_AT_END) {
		tx->tx.done[FLOW_TOCLIENT] = true;
	}
	return tx;
}

/* The side is given up; what it was in ends here. */
bool
http_give_up(struct http_run *r)
{
	if (r->s->tx != NULL) {
		http_mark_done(r->s->tx, r->dir);
		r->s->tx = NULL;
	}
	if (r->dir == FLOW_TOCLIENT) {
		struct app_tx *t = r->af->txs;

		for (; t != NULL; t = t->next) {
			t->done[FLOW_TOCLIENT] = true;
			t->updated[FLOW_TOCLIENT] = true;
		}
	}
	r->s->at = HTTP_AT_END;
	r->hf->result = APP_PARSE_FAILED;
	return false;
}

void
http_settle_ending(struct http_run *r)
{
	if (r->s->tx != NULL && !r->s->same_tx) {
		http_mark_done(r->s->tx, r->dir);
		r->s->tx = NULL;
	}
}

void
http_begin_line(struct http_side *s)
{
	bool any_cr = s->cut.any_cr;

	s->at = HTTP_AT_LINE;
	s->cut = (struct http_cutter){ .at = s->pos,
				       .scan = s->pos,
				       .any_cr = any_cr };
}

void
http_end_message(struct http_run *r)
{
	r->s->last_id = r->s->tx->tx.id;
	r->s->has_last = true;
	r->s->tx->ending[r->dir] = true;
	r->s->tx->tx.updated[r->dir] = true;
	http_begin_line(r->s);
}

struct view
http_pending(const struct http_side *s)
{
	return view_sub(s->in, s->pos, s->in.len);
}

void
http_keep_frame(struct http_run *r, struct http_msg *m, struct view v)
{
	/* begun without, it goes on without: rules may change meanwhile */
	v.len = MIN(v.len, m->frame.limit - m->frame.len);
	if (v.len > 0 && buf_append(&m->frame, v) < v.len) {
		r->ctx->n_no_memory++;
		m->frame.limit = m->frame.len;
	}
}

bool
http_leave(struct http_run *r, enum app_proto next)
{
	for (unsigned d = 0; d < 2; d++) {
		struct http_side *s = &r->hf->side[d];

		if (s->tx != NULL) {
			http_mark_done(s->tx, (enum flow_dir)d);
			s->tx = NULL;
		}
		s->at = HTTP_AT_END;
	}
	r->hf->result = APP_PARSE_DONE;
	r->left = true;
	r->af->expect = next;
	return false;
}

/*
 * Other bytes than HTTP at a CONNECT's tunnel.  A client may send them before
 * the proxy's answer is seen, which we still want to read.
 */
bool
http_enter_tunnel(struct http_run *r)
{
	if (r->hf->tunnel) {
		return http_leave(r, APP_UNKNOWN);
	}
	http_settle_ending(r);
	r->s->at = HTTP_AT_WAIT;
	return true;
}

void
http_unexpected(struct http_run *r, struct http_tx *tx, struct view v)
{
	event_set_add(&tx->tx.events,
		      r->dir == FLOW_TOSERVER
			      ? EV_HTTP_REQUEST_BODY_UNEXPECTED
			      : EV_HTTP_RESPONSE_BODY_UNEXPECTED);
	http_body_extra(&tx->msg[r->dir].body, v);
	if (tx->tx.done[r->dir]) {
		http_files_end(tx, r->dir); /* they make one of their own */
	}
	tx->tx.updated[r->dir] = true;
}

/*
 * A copy of the head that lives with the transaction; the start line goes
 * before it once more, since rules look at both in one.
 */
static void
keep_head(struct http_tx *tx, struct http_msg *m, struct view head)
{
	size_t n = m->line.len + 2;
	uint8_t *p = m->has_line && head.len > 0
			     ? arena_alloc(&tx->tx.arena, n + head.len)
			     : NULL;

	if (p == NULL || m->line.len == 0) {
		m->raw_fields = arena_copy(&tx->tx.arena, head);
		return;
	}
	memcpy(p, m->line.p, m->line.len);
	memcpy(p + m->line.len, "\r\n", 2);
	memcpy(p + n, head.p, head.len);
	m->whole = view_of(p, n + head.len);
	m->raw_fields = view_of(p + n, head.len);
}

/* The head goes as far as 'end' in 'in'. */
void
http_on_head_end(struct http_run *r, size_t end)
{
	struct http_side *s = r->s;
	struct http_tx *tx = s->tx;
	struct http_msg *m = &tx->msg[r->dir];

	http_keep_frame(r, m, view_sub(s->in, s->pos, end - s->pos));
	keep_head(tx, m, view_sub(s->in, s->pos, end - s->pos));
	s->pos = end;
	http_parse_fields(tx, r->dir);
	tx->tx.updated[r->dir] = true;
	if (r->dir == FLOW_TOSERVER) {
		http_request_head_done(tx);
	} else {
		http_response_head_done(tx);
	}
	s->at = HTTP_AT_BODY;
	if (m->body.framing == HTTP_FRAME_NONE || m->body.complete ||
	    tx->maybe_body) {
		http_end_message(r);
	}
}

bool
http_too_long(struct http_run *r)
{
	struct http_side *s = r->s;

	if (s->tx != NULL && s->at == HTTP_AT_FIELDS) {
		event_set_add(&s->tx->tx.events,
			      r->dir == FLOW_TOSERVER
				      ? EV_HTTP_REQUEST_FIELD_TOO_LONG
				      : EV_HTTP_RESPONSE_FIELD_TOO_LONG);
		http_on_head_end(r, s->in.len);
	} else {
		event_set_add(&r->af->events,
			      r->dir == FLOW_TOSERVER
				      ? EV_HTTP_REQUEST_FIELD_TOO_LONG
				      : EV_HTTP_RESPONSE_FIELD_TOO_LONG);
	}
	return http_give_up(r);
}

/* Takes the start line: its message becomes s->tx's. */
bool
http_accept_line(struct http_run *r, struct http_tx *tx, struct view text)
{
	struct http_side *s = r->s;
	struct http_msg *m = &tx->msg[r->dir];

	s->tx = tx;
	s->same_tx = false;
	m->line = arena_copy(&tx->tx.arena, text);
	m->has_line = true;
	http_keep_frame(r, m, view_sub(s->in, s->pos, s->cut.at - s->pos));
	s->pos = s->cut.at;
	if (m->line.len < text.len) {
		return http_give_up(r);
	}
	return true;
}
