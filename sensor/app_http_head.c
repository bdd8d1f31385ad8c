/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_head.h"

#include "sensor/app_http_uri.h"

bool
http_value_has(struct view v, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < v.len; i++) {
		size_t k = 0;

		for (size_t j = i; j < v.len && k < n; j++) {
			if (v.p[j] == 0) {
				continue;
			}
			if (ascii_lower(v.p[j]) != (uint8_t)word[k]) {
				break;
			}
			k++;
		}
		if (k == n) {
			return true;
		}
	}
	return false;
}

static bool
is_word(struct view v, const char *word)
{
	return view_caseeq(v, view_cstr(word));
}

/*
 * Content-Length as servers read it that forgive junk around the number;
 * false when there is no number at all.
 */
static bool
parse_length(struct view v, uint64_t *out, bool *clean)
{
	size_t i = 0, begin;
	uint64_t n = 0;

	*clean = true;
	while (i < v.len && (v.p[i] < '0' || v.p[i] > '9')) {
		*clean = false;
		i++;
	}
	begin = i;
	for (; i < v.len && v.p[i] >= '0' && v.p[i] <= '9'; i++) {
		if (n > INT64_MAX / 10 - 1) {
			return false;
		}
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	*clean = *clean && i == v.len;
	*out = n;
	return i > begin;
}

/* The codings of Content-Encoding that we undo, in their order. */
static unsigned
parse_codings(struct http_tx *tx, struct view v, unsigned limit,
	      enum http_coding out[HTTP_CODINGS_MAX])
{
	struct event_set *ev = &tx->tx.events;
	unsigned n = 0;
	size_t i = 0;

	limit = MIN(limit, HTTP_CODINGS_MAX);
	while (i < v.len) {
		size_t begin;
		struct view w;
		bool gzip, deflate, lzma, brotli;

		while (i < v.len && (v.p[i] == ',' || v.p[i] == ' ')) {
			i++;
		}
		begin = i;
		while (i < v.len && v.p[i] != ',' && v.p[i] != ' ') {
			i++;
		}
		w = view_sub(v, begin, i - begin);
		gzip = http_value_has(w, "gzip");
		deflate = !gzip && http_value_has(w, "deflate");
		lzma = tx->settings->lzma_limit > 0 && is_word(w, "lzma");
		brotli = is_word(w, "br");
		if (!gzip && !deflate && !lzma && !brotli) {
			if (w.len > 0 && !is_word(w, "identity") &&
			    !is_word(w, "none")) {
				event_set_add(ev, EV_HTTP_ABNORMAL_CE_HEADER);
			}
			continue;
		}
		if (!lzma && !brotli &&
		    !is_word(w, gzip ? "gzip" : "deflate") &&
		    !is_word(w, gzip ? "x-gzip" : "x-deflate")) {
			event_set_add(ev, EV_HTTP_ABNORMAL_CE_HEADER);
		}
		if (n == limit) {
			event_set_add(ev, EV_HTTP_TOO_MANY_ENCODING_LAYERS);
			break;
		}
		out[n++] = gzip     ? HTTP_CODING_GZIP
			   : lzma   ? HTTP_CODING_LZMA
			   : brotli ? HTTP_CODING_BROTLI
				    : HTTP_CODING_DEFLATE;
	}
	return n;
}

static void
set_codings(struct http_tx *tx, enum flow_dir dir)
{
	struct http_msg *m = &tx->msg[dir];
	const struct http_settings *s = tx->settings;
	enum http_coding codings[HTTP_CODINGS_MAX];
	unsigned n;

	if (m->body.complete || s->coding_layers == 0 ||
	    (dir == FLOW_TOSERVER && !s->decode_request)) {
		return;
	}
	n = parse_codings(tx, http_value_of(m, HTTP_NAME_CONTENT_ENCODING),
			  s->coding_layers, codings);
	http_body_codings(&m->body, codings, n, s->bomb_limit, s->lzma_limit);
}

/* The front of 'v' before any of the characters 'stops'. */
static struct view
until(struct view v, const char *stops)
{
	size_t n = 0;

	while (n < v.len && (v.p[n] == 0 || strchr(stops, v.p[n]) == NULL)) {
		n++;
	}
	return view_sub(v, 0, n);
}

/* The name a download is stored under, RFC 6266. */
struct view
http_disposition_name(struct view v)
{
	static const char key[] = "filename=";
	const size_t n = sizeof(key) - 1;

	for (size_t i = 0; i + n <= v.len; i++) {
		struct view rest = view_sub(v, i + n, v.len);

		if (!view_caseeq(view_sub(v, i, n), view_cstr(key)) ||
		    rest.len == 0) {
			continue;
		}
		if (rest.p[0] == '"') {
			return until(view_sub(rest, 1, rest.len), "\"\r\n");
		}
		return until(rest, "; \r\n");
	}
	return VIEW_NONE;
}

static bool
has_upper(struct view v)
{
	bool upper = false;

	for (size_t i = 0; i < v.len; i++) {
		upper |= v.p[i] >= 'A' && v.p[i] <= 'Z';
	}
	return upper;
}

static struct view
lower_host(struct http_tx *tx, struct view v)
{
	uint8_t *p;

	while (v.len > 0 && v.p[v.len - 1] == '.') {
		v.len--;
	}
	if (v.len > 0 && !has_upper(v)) {
		return v;
	}
	p = v.len > 0 ? arena_alloc(&tx->tx.arena, v.len) : NULL;
	if (p == NULL) {
		return VIEW_NONE;
	}
	for (size_t i = 0; i < v.len; i++) {
		p[i] = ascii_lower(v.p[i]);
	}
	return view_of(p, v.len);
}

static bool
is_host_name(struct view v)
{
	static const bool is_char[256] = {
		['a' ... 'z'] = true, ['A' ... 'Z'] = true,
		['0' ... '9'] = true, ['-'] = true,
		['.'] = true,         ['_'] = true,
		[':'] = true,         ['['] = true,
		[']'] = true,
	};

	for (size_t i = 0; i < v.len; i++) {
		if (!is_char[v.p[i]]) {
			return false;
		}
	}
	return v.len > 0 && v.len <= 255;
}

/* RFC 9112 3.2.2: the target's authority goes before the Host field. */
static void
set_host(struct http_tx *tx)
{
	struct http_msg *m = &tx->msg[FLOW_TOSERVER];
	const struct http_field *f = http_field_of(m, HTTP_NAME_HOST);
	struct event_set *ev = &tx->tx.events;
	struct view name = VIEW_NONE;
	uint32_t port = 0;

	if (f == NULL && m->version == HTTP_VERSION_1_1) {
		event_set_add(ev, EV_HTTP_MISSING_HOST_HEADER);
	}
	if (f != NULL &&
	    (!http_parse_host(f->value, &name, &port) || !is_host_name(name))) {
		event_set_add(ev, EV_HTTP_REQUEST_HEADER_HOST_INVALID);
	}
	if (tx->uri_host.len > 0 && !is_host_name(tx->uri_host)) {
		event_set_add(ev, EV_HTTP_REQUEST_URI_HOST_INVALID);
		tx->uri_host = VIEW_NONE;
	}
	if (tx->uri_host.len > 0) {
		if (f != NULL && !view_caseeq(name, tx->uri_host)) {
			event_set_add(ev, EV_HTTP_HOST_HEADER_AMBIGUOUS);
		}
		tx->host_raw = tx->uri_host;
		tx->host = lower_host(tx, tx->uri_host);
	} else if (f != NULL) {
		tx->host_raw = f->value;
		tx->host = lower_host(tx, name);
		tx->port = port;
	}
}

static void
check_authorization(struct http_tx *tx)
{
	const struct http_field *f =
		http_field_of(&tx->msg[FLOW_TOSERVER], HTTP_NAME_AUTHORIZATION);

	if (f == NULL) {
		return;
	}
	if (!is_word(view_sub(f->value, 0, 5), "basic") &&
	    !is_word(view_sub(f->value, 0, 6), "digest") &&
	    !is_word(view_sub(f->value, 0, 6), "bearer")) {
		event_set_add(&tx->tx.events,
			      EV_HTTP_REQUEST_AUTH_UNRECOGNIZED);
	}
}

/* RFC 9112 6.3, items 4 to 7. */
void
http_request_head_done(struct http_tx *tx)
{
	struct http_msg *m = &tx->msg[FLOW_TOSERVER];
	const struct http_field *te =
		http_field_of(m, HTTP_NAME_TRANSFER_ENCODING);
	const struct http_field *cl =
		http_field_of(m, HTTP_NAME_CONTENT_LENGTH);
	struct event_set *ev = &tx->tx.events;
	uint64_t length = 0;
	bool clean;

	m->head_done = true;
	set_host(tx);
	check_authorization(tx);
	tx->file_name[FLOW_TOSERVER] = tx->path;
	if (tx->is_connect) {
		http_body_begin(&m->body, HTTP_FRAME_NONE, 0);
		return;
	}
	if (te != NULL && http_value_has(te->value, "chunked")) {
		if (!is_word(te->value, "chunked") ||
		    m->version < HTTP_VERSION_1_1) {
			event_set_add(
				ev,
				EV_HTTP_INVALID_TRANSFER_ENCODING_VALUE_IN_REQUEST);
		}
		http_body_begin(&m->body, HTTP_FRAME_CHUNKED, 0);
		set_codings(tx, FLOW_TOSERVER);
		return;
	}
	if (te != NULL) {
		event_set_add(
			ev, EV_HTTP_INVALID_TRANSFER_ENCODING_VALUE_IN_REQUEST);
	}
	if (cl == NULL) {
		http_body_begin(&m->body, HTTP_FRAME_NONE, 0);
		return;
	}
	if (!parse_length(cl->value, &length, &clean)) {
		event_set_add(ev,
			      EV_HTTP_INVALID_CONTENT_LENGTH_FIELD_IN_REQUEST);
	}
	http_body_begin(&m->body, HTTP_FRAME_LENGTH, length);
	set_codings(tx, FLOW_TOSERVER);
}

static void
frame_response(struct http_tx *tx)
{
	struct http_msg *m = &tx->msg[FLOW_TOCLIENT];
	const struct http_field *te =
		http_field_of(m, HTTP_NAME_TRANSFER_ENCODING);
	const struct http_field *cl =
		http_field_of(m, HTTP_NAME_CONTENT_LENGTH);
	struct event_set *ev = &tx->tx.events;
	uint64_t length;
	bool clean;

	if (te != NULL && http_value_has(te->value, "chunked")) {
		if (!is_word(te->value, "chunked")) {
			event_set_add(
				ev,
				EV_HTTP_RESPONSE_ABNORMAL_TRANSFER_ENCODING);
		}
		if (m->version < HTTP_VERSION_1_1) {
			event_set_add(ev, EV_HTTP_RESPONSE_CHUNKED_OLD_PROTO);
		}
		http_body_begin(&m->body, HTTP_FRAME_CHUNKED, 0);
		return;
	}
	if (te != NULL) {
		event_set_add(
			ev,
			EV_HTTP_INVALID_TRANSFER_ENCODING_VALUE_IN_RESPONSE);
	}
	if (cl == NULL) {
		if (http_value_has(http_value_of(m, HTTP_NAME_CONTENT_TYPE),
				   "multipart/byteranges")) {
			event_set_add(ev,
				      EV_HTTP_RESPONSE_MULTIPART_BYTERANGES);
		}
		http_body_begin(&m->body, HTTP_FRAME_CLOSE, 0);
		return;
	}
	if (!parse_length(cl->value, &length, &clean)) {
		event_set_add(ev,
			      EV_HTTP_INVALID_CONTENT_LENGTH_FIELD_IN_RESPONSE);
		http_body_begin(&m->body, HTTP_FRAME_CLOSE, 0);
		return;
	}
	http_body_begin(&m->body, HTTP_FRAME_LENGTH, length);
}

/* RFC 9112 6.3, items 1 to 8, with what browsers make of broken servers. */
void
http_response_head_done(struct http_tx *tx)
{
	struct http_msg *m = &tx->msg[FLOW_TOCLIENT];
	bool sized = http_field_of(m, HTTP_NAME_TRANSFER_ENCODING) != NULL ||
		     http_field_of(m, HTTP_NAME_CONTENT_LENGTH) != NULL;
	struct view name = http_disposition_name(
		http_value_of(m, HTTP_NAME_CONTENT_DISPOSITION));

	m->head_done = true;
	tx->file_name[FLOW_TOCLIENT] = name.len > 0 ? name : tx->path;
	if (tx->is_head) {
		http_body_begin(&m->body, HTTP_FRAME_NONE, 0);
		return;
	}
	if ((tx->status >= 100 && tx->status < 200) || tx->status == 204 ||
	    tx->status == 304) {
		if (!sized) {
			http_body_begin(&m->body, HTTP_FRAME_NONE, 0);
			return;
		}
		event_set_add(&tx->tx.events, EV_HTTP_RESPONSE_BODY_UNEXPECTED);
		tx->maybe_body = true;
	}
	frame_response(tx);
	set_codings(tx, FLOW_TOCLIENT);
}
