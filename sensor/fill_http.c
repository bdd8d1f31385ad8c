/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/fill_http.h"

#include "sensor/app_http_head.h"

/* A buffer that is one field's value. */
struct field_buf {
	enum inspect_buf buf;
	enum http_name name;
};

static const struct field_buf request_fields[] = {
	{ BUF_HTTP_REQ_COOKIE, HTTP_NAME_COOKIE },
	{ BUF_HTTP_USER_AGENT, HTTP_NAME_USER_AGENT },
	{ BUF_HTTP_REFERER, HTTP_NAME_REFERER },
	{ BUF_HTTP_ACCEPT, HTTP_NAME_ACCEPT },
	{ BUF_HTTP_ACCEPT_LANG, HTTP_NAME_ACCEPT_LANGUAGE },
	{ BUF_HTTP_ACCEPT_ENC, HTTP_NAME_ACCEPT_ENCODING },
	{ BUF_HTTP_REQ_CONNECTION, HTTP_NAME_CONNECTION },
	{ BUF_HTTP_REQ_CONTENT_TYPE, HTTP_NAME_CONTENT_TYPE },
	{ BUF_HTTP_REQ_CONTENT_LEN, HTTP_NAME_CONTENT_LENGTH },
};

static const struct field_buf response_fields[] = {
	{ BUF_HTTP_RESP_COOKIE, HTTP_NAME_SET_COOKIE },
	{ BUF_HTTP_SERVER, HTTP_NAME_SERVER },
	{ BUF_HTTP_LOCATION, HTTP_NAME_LOCATION },
	{ BUF_HTTP_RESP_CONNECTION, HTTP_NAME_CONNECTION },
	{ BUF_HTTP_RESP_CONTENT_TYPE, HTTP_NAME_CONTENT_TYPE },
	{ BUF_HTTP_RESP_CONTENT_LEN, HTTP_NAME_CONTENT_LENGTH },
};

/* The buffers that exist once a direction. */
struct dir_bufs {
	enum inspect_buf header, raw, names, start, each, line, protocol, body;
	const struct field_buf *fields;
	size_t n_fields;
	enum http_name cookie;
};

static const struct dir_bufs dirs[] = {
	[FLOW_TOSERVER] = { .header = BUF_HTTP_REQ_HEADER,
			    .raw = BUF_HTTP_REQ_HEADER_RAW,
			    .names = BUF_HTTP_REQ_HEADER_NAMES,
			    .start = BUF_HTTP_REQ_START,
			    .each = BUF_HTTP_REQ_ONE_HEADER,
			    .line = BUF_HTTP_REQ_LINE,
			    .protocol = BUF_HTTP_REQ_PROTOCOL,
			    .body = BUF_HTTP_REQ_BODY,
			    .fields = request_fields,
			    .n_fields = ARRAY_LEN(request_fields),
			    .cookie = HTTP_NAME_COOKIE },
	[FLOW_TOCLIENT] = { .header = BUF_HTTP_RESP_HEADER,
			    .raw = BUF_HTTP_RESP_HEADER_RAW,
			    .names = BUF_HTTP_RESP_HEADER_NAMES,
			    .start = BUF_HTTP_RESP_START,
			    .each = BUF_HTTP_RESP_ONE_HEADER,
			    .line = BUF_HTTP_RESP_LINE,
			    .protocol = BUF_HTTP_RESP_PROTOCOL,
			    .body = BUF_HTTP_RESP_BODY,
			    .fields = response_fields,
			    .n_fields = ARRAY_LEN(response_fields),
			    .cookie = HTTP_NAME_SET_COOKIE },
};

static uint8_t *
put(uint8_t *p, struct view v)
{
	if (v.len > 0) {
		memcpy(p, v.p, v.len);
	}
	return p + v.len;
}

static size_t
field_size(const struct http_field *f)
{
	return f->name.len + f->value.len + 4; /* ": " and CR LF */
}

static uint8_t *
put_field(uint8_t *p, const struct http_field *f)
{
	p = put(p, f->name);
	p = put(p, VIEW_LIT(": "));
	p = put(p, f->value);
	return put(p, VIEW_LIT("\r\n"));
}

/*
 * Whether the fields stand in the head as rules see them, "Name: value" and
 * CR LF each: then the buffers that show them are parts of it.
 */
static bool
stands_plain(const struct http_msg *m)
{
	const uint8_t *p = m->raw_fields.p;
	const uint8_t *end = p + m->raw_fields.len;

	for (uint32_t i = 0; i < m->n_fields; i++) {
		const struct http_field *f = &m->fields[i];

		if (f->name.p != p || f->name.len == 0 ||
		    f->value.p != p + f->name.len + 2 ||
		    p[f->name.len] != ':' || p[f->name.len + 1] != ' ') {
			return false;
		}
		p = f->value.p + f->value.len;
		if (end - p < 4 || p[0] != '\r' || p[1] != '\n') {
			return false;
		}
		p += 2;
	}
	return m->n_fields > 0 && end - p == 2 && p[0] == '\r' && p[1] == '\n';
}

static bool
is_plain(struct http_msg *m)
{
	if ((m->built & HTTP_BUILT_PLAIN) == 0) {
		m->built |= HTTP_BUILT_PLAIN;
		m->plain = stands_plain(m);
	}
	return m->plain;
}

static size_t
fields_size(const struct http_msg *m)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_fields; i++) {
		n += field_size(&m->fields[i]);
	}
	return n;
}

/* All fields but cookies, which have a buffer of their own. */
static void
build_header(struct arena *a, struct http_msg *m, enum http_name cookie)
{
	const struct http_field *skip = http_field_of(m, cookie);
	uint8_t *p, *begin;

	if (skip == NULL && is_plain(m)) {
		m->header = view_sub(m->raw_fields, 0, m->raw_fields.len - 2);
		return;
	}
	p = begin = arena_alloc(a, fields_size(m) + 1);
	for (uint32_t i = 0; p != NULL && i < m->n_fields; i++) {
		if (&m->fields[i] != skip) {
			p = put_field(p, &m->fields[i]);
		}
	}
	/* No field is no buffer, as for a message that never came. */
	m->header =
		p != begin ? view_of(begin, (size_t)(p - begin)) : VIEW_NONE;
}

static void
build_names(struct arena *a, struct http_msg *m)
{
	uint8_t *p = arena_alloc(a, fields_size(m) + 4), *begin = p;

	if (p == NULL || m->n_fields == 0) {
		return;
	}
	p = put(p, VIEW_LIT("\r\n"));
	for (uint32_t i = 0; i < m->n_fields; i++) {
		p = put(p, m->fields[i].name);
		p = put(p, VIEW_LIT("\r\n"));
	}
	p = put(p, VIEW_LIT("\r\n"));
	m->names = view_of(begin, (size_t)(p - begin));
}

static void
build_start(struct arena *a, struct http_msg *m)
{
	uint8_t *p, *begin;

	if (!m->has_line) {
		return;
	}
	if (m->whole.len > 0 && is_plain(m)) {
		m->start = m->whole;
		return;
	}
	p = begin = arena_alloc(a, m->line.len + fields_size(m) + 4);
	if (p == NULL) {
		return;
	}
	p = put(p, m->line);
	p = put(p, VIEW_LIT("\r\n"));
	for (uint32_t i = 0; i < m->n_fields; i++) {
		p = put_field(p, &m->fields[i]);
	}
	p = put(p, VIEW_LIT("\r\n"));
	m->start = view_of(begin, (size_t)(p - begin));
}

static void
build_each(struct arena *a, struct http_msg *m)
{
	struct view *v = arena_alloc(a, (m->n_fields + 1) * sizeof(*v));
	uint8_t *p = arena_alloc(a, fields_size(m) + 1);

	if (v == NULL || p == NULL) {
		return;
	}
	for (uint32_t i = 0; i < m->n_fields; i++) {
		uint8_t *end = put_field(p, &m->fields[i]);

		v[i] = view_of(p, (size_t)(end - p) - 2);
		p = end - 2;
	}
	m->each = v;
}

/* Builds 'what' unless that was done or tried before. */
static bool
wants(const uint64_t needed[2], enum inspect_buf b, struct http_msg *m,
      enum http_built what)
{
	bool first = (m->built & what) == 0;

	if (!inspect_bit(needed, b)) {
		return false;
	}
	m->built |= what;
	return first;
}

static void
set(struct inspect *in, const uint64_t needed[2], enum inspect_buf b,
    const struct view *v)
{
	if (inspect_bit(needed, b)) {
		inspect_set(in, b, v, v->p != NULL ? 1 : 0);
	}
}

static void
fill_fields(struct inspect *in, struct http_tx *tx, enum flow_dir dir,
	    const uint64_t needed[2])
{
	const struct dir_bufs *d = &dirs[dir];
	struct http_msg *m = &tx->msg[dir];
	struct arena *a = &tx->tx.arena;

	if (wants(needed, d->header, m, HTTP_BUILT_HEADER)) {
		build_header(a, m, d->cookie);
	}
	if (wants(needed, d->names, m, HTTP_BUILT_NAMES)) {
		build_names(a, m);
	}
	if (wants(needed, d->start, m, HTTP_BUILT_START)) {
		build_start(a, m);
	}
	if (wants(needed, d->each, m, HTTP_BUILT_EACH)) {
		build_each(a, m);
	}
	/* without a field they are absent, and so is what never began */
	if (m->n_fields > 0) {
		set(in, needed, d->header, &m->header);
		set(in, needed, d->raw, &m->raw_fields);
		set(in, needed, d->names, &m->names);
	} else {
		inspect_set(in, d->header, NULL, 0);
		inspect_set(in, d->raw, NULL, 0);
		inspect_set(in, d->names, NULL, 0);
	}
	if (m->has_line) {
		set(in, needed, d->start, &m->start);
	} else {
		inspect_set(in, d->start, NULL, 0);
	}
	if (inspect_bit(needed, d->each)) {
		inspect_set(in, d->each, m->each,
			    m->each != NULL ? m->n_fields : 0);
	}
	for (size_t i = 0; i < d->n_fields; i++) {
		const struct http_field *f;

		if (!inspect_bit(needed, d->fields[i].buf)) {
			continue;
		}
		f = http_field_of(m, d->fields[i].name);
		inspect_set(in, d->fields[i].buf, f != NULL ? &f->value : NULL,
			    f != NULL ? 1 : 0);
	}
}

static void
fill_line(struct inspect *in, struct http_tx *tx, enum flow_dir dir,
	  const uint64_t needed[2])
{
	struct http_msg *m = &tx->msg[dir];

	set(in, needed, dirs[dir].line, &m->line);
	set(in, needed, dirs[dir].protocol, &m->protocol);
	if (dir == FLOW_TOSERVER) {
		set(in, needed, BUF_HTTP_METHOD, &tx->method);
		set(in, needed, BUF_HTTP_URI, &tx->uri);
		set(in, needed, BUF_HTTP_URI_RAW, &tx->uri_raw);
	} else {
		set(in, needed, BUF_HTTP_STAT_CODE, &tx->stat_code);
		set(in, needed, BUF_HTTP_STAT_MSG, &tx->stat_msg);
	}
}

static void
fill_body(struct inspect *in, struct http_tx *tx, enum flow_dir dir,
	  const uint64_t needed[2])
{
	struct http_body *b = &tx->msg[dir].body;
	bool complete = b->complete || b->truncated || tx->tx.done[dir];

	if (!http_body_due(tx, dir)) {
		return;
	}
	in->body_offset[dir] = 0;
	in->body_seen[dir] = (uint32_t)MIN(tx->tx.body_inspected[dir],
					   (uint64_t)b->data.len);
	in->body_complete[dir] = complete;
	tx->msg[dir].body_view = buf_view(&b->data);
	set(in, needed, dirs[dir].body, &tx->msg[dir].body_view);
	in->body_end[dir] = b->data.len;
}

void
fill_http(struct inspect *in, struct http_tx *tx, const uint64_t needed[2])
{
	enum flow_dir dir =
		in->dir == DIR_TOSERVER ? FLOW_TOSERVER : FLOW_TOCLIENT;
	struct http_msg *m = &tx->msg[dir];
	bool done = tx->tx.done[dir];

	in->tx_done[FLOW_TOSERVER] = tx->tx.done[FLOW_TOSERVER];
	in->tx_done[FLOW_TOCLIENT] = tx->tx.done[FLOW_TOCLIENT];
	if (m->has_line || done) {
		fill_line(in, tx, dir, needed);
	}
	if (m->head_done || done) {
		fill_fields(in, tx, dir, needed);
		fill_body(in, tx, dir, needed);
	}
	if (done) {
		m->frame_view = buf_view(&m->frame);
		set(in, needed,
		    dir == FLOW_TOSERVER ? BUF_HTTP_REQ_FRAME
					 : BUF_HTTP_RESP_FRAME,
		    &m->frame_view);
	}
	if (dir == FLOW_TOSERVER && (m->head_done || done)) {
		set(in, needed, BUF_HTTP_HOST, &tx->host);
		set(in, needed, BUF_HTTP_HOST_RAW, &tx->host_raw);
	}
}
