/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_start.h"

/* A first line this long that is no status line is a body without head. */
#define JUNK_LINE_MAX ((size_t)1024)

/* Passes a long line without home on until its LF. */
static bool
on_junk(struct http_run *r)
{
	struct http_side *s = r->s;
	struct view v = http_pending(s);
	const uint8_t *lf = v.len > 0 ? memchr(v.p, '\n', v.len) : NULL;
	size_t n = lf != NULL ? (size_t)(lf - v.p) + 1 : v.len;
	struct http_tx *tx = http_last_tx(r);

	if (n == 0) {
		return false;
	}
	if (tx != NULL) {
		http_unexpected(r, tx, view_sub(v, 0, n));
	}
	s->pos += n;
	s->in_junk = lf == NULL;
	http_begin_line(s);
	return true;
}

static bool
start_request(struct http_run *r, struct view text)
{
	struct http_side *s = r->s;
	struct http_tx *last = http_last_tx(r), *tx;
	struct view whole = view_sub(s->in, s->pos, s->cut.at - s->pos);

	if (last != NULL && !http_opens_request(text)) {
		if (r->hf->tunnel || last->is_connect) {
			return http_enter_tunnel(r);
		}
		http_unexpected(r, last, whole);
		s->pos = s->cut.at;
		return true;
	}
	http_settle_ending(r);
	tx = http_new_tx(r);
	if (tx == NULL || !http_accept_line(r, tx, text)) {
		return http_give_up(r);
	}
	r->hf->tunnel = false;
	http_parse_request_line(tx);
	tx->tx.updated[FLOW_TOSERVER] = true;
	s->at = tx->msg[FLOW_TOSERVER].protocol.len > 0 ? HTTP_AT_FIELDS
							: HTTP_AT_PROBE;
	return true;
}

static struct http_tx *
tx_for_response(struct http_run *r)
{
	struct http_tx *tx;

	if (r->s->same_tx) {
		return r->s->tx;
	}
	http_settle_ending(r);
	tx = http_find_tx(r->af, r->hf->next_response, false);
	if (tx == NULL) {
		tx = http_new_tx(r);
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
has_waiting(const struct http_run *r)
{
	return r->s->same_tx ||
	       http_find_tx(r->af, r->hf->next_response, false) != NULL;
}

/* A response without head, as HTTP/0.9 servers send: body from here on. */
static bool
start_bare_body(struct http_run *r)
{
	struct http_tx *tx = tx_for_response(r);

	if (tx == NULL) {
		return http_give_up(r);
	}
	r->s->tx = tx;
	r->s->same_tx = false;
	tx->msg[FLOW_TOCLIENT].head_done = true;
	tx->file_name[FLOW_TOCLIENT] = tx->path;
	tx->tx.updated[FLOW_TOCLIENT] = true;
	http_body_begin(&tx->msg[FLOW_TOCLIENT].body, HTTP_FRAME_CLOSE, 0);
	r->s->at = HTTP_AT_BODY;
	return true;
}

/* The last response should have had no body, but said how long it is. */
static bool
belongs_to_last(const struct http_run *r)
{
	const struct http_tx *last = http_last_tx(r);

	return !has_waiting(r) && last != NULL && last->maybe_body &&
	       !last->msg[r->dir].body.complete;
}

/* Bytes that are no status line, of which the first line is 'len' long. */
static bool
no_status_line(struct http_run *r, size_t len)
{
	struct http_side *s = r->s;
	struct http_tx *last;

	if (r->hf->tunnel) {
		return http_leave(r, APP_UNKNOWN);
	}
	if (has_waiting(r)) {
		return start_bare_body(r);
	}
	last = http_last_tx(r);
	if (last == NULL) {
		return start_bare_body(r);
	}
	if (belongs_to_last(r)) {
		s->tx = last;
		last->maybe_body = false;
		last->tx.done[r->dir] = false;
		s->at = HTTP_AT_BODY;
		return true;
	}
	if (len > JUNK_LINE_MAX) {
		s->in_junk = true;
		return true;
	}
	http_unexpected(r, last, view_sub(http_pending(s), 0, len));
	s->pos += len;
	http_begin_line(s);
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
start_response(struct http_run *r, struct view text)
{
	struct http_side *s = r->s;
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
	if (tx == NULL || !http_accept_line(r, tx, text)) {
		return http_give_up(r);
	}
	r->hf->tunnel = false;
	http_parse_response_line(tx);
	tx->tx.updated[FLOW_TOCLIENT] = true;
	s->at = HTTP_AT_FIELDS;
	return true;
}

/* The start line is not whole yet: can it be judged all the same? */
static bool
on_part_line(struct http_run *r)
{
	struct http_side *s = r->s;
	struct view v = http_pending(s);

	if (r->dir == FLOW_TOCLIENT && never_status_line(v)) {
		if (v.len > JUNK_LINE_MAX || belongs_to_last(r)) {
			return no_status_line(r, v.len);
		}
	}
	return v.len > HTTP_HEAD_MAX ? http_too_long(r) : false;
}

/* Whether bytes that begin with 'c' go into the tunnel of a CONNECT. */
static bool
is_for_tunnel(const struct http_run *r, uint8_t c)
{
	const struct http_tx *last;

	if (http_is_space(c) ||
	    (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')) {
		return false;
	}
	last = r->dir == FLOW_TOSERVER ? http_last_tx(r) : NULL;
	return r->hf->tunnel || (last != NULL && last->is_connect);
}

/* Clients take a line end behind a response for the end of its body. */
static void
on_blank_line(struct http_run *r)
{
	struct http_side *s = r->s;
	struct http_tx *last =
		r->dir == FLOW_TOCLIENT && !s->same_tx ? http_last_tx(r) : NULL;

	if (last != NULL && last->msg[r->dir].body.size > 0) {
		http_body_extra(&last->msg[r->dir].body,
				view_sub(s->in, s->pos, s->cut.at - s->pos));
		last->tx.updated[r->dir] = true;
	}
}

bool
http_on_line(struct http_run *r)
{
	struct http_side *s = r->s;
	struct http_cutter before = s->cut;
	struct view v = s->in;
	struct http_line l;

	if (s->in_junk) {
		return on_junk(r);
	}
	if (s->pos < s->in.len && is_for_tunnel(r, v.p[s->pos])) {
		return http_enter_tunnel(r);
	}
	if (!http_cut(&s->cut, v, r->eof, &l)) {
		return on_part_line(r);
	}
	if (l.empty || http_is_blank(l.text)) {
		on_blank_line(r);
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
bool
http_on_probe(struct http_run *r)
{
	struct http_side *s = r->s;
	struct view v = http_pending(s);
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
		s->at = HTTP_AT_FIELDS;
		return true;
	}
	http_on_head_end(r, s->pos);
	return true;
}
