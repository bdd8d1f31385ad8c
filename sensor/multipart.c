/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/multipart.h"

static bool
is_lws(uint8_t c)
{
	return c == ' ' || c == '\t';
}

bool
multipart_boundary(struct view v, struct view *out)
{
	static const char key[] = "boundary=";
	const size_t n = sizeof(key) - 1;
	struct view b = VIEW_NONE;
	size_t len = 0;

	if (!view_caseeq(view_sub(v, 0, 10), VIEW_LIT("multipart/"))) {
		return false;
	}
	for (size_t i = 10; i + n < v.len && b.len == 0; i++) {
		if (view_caseeq(view_sub(v, i, n), view_cstr(key)) &&
		    (v.p[i - 1] == ';' || is_lws(v.p[i - 1]))) {
			b = view_sub(v, i + n, v.len);
		}
	}
	if (b.len > 0 && b.p[0] == '"') {
		b = view_sub(b, 1, b.len);
		while (len < b.len && b.p[len] != '"') {
			len++;
		}
	} else {
		while (len < b.len && b.p[len] != ';' && b.p[len] != ',' &&
		       !is_lws(b.p[len])) {
			len++;
		}
	}
	*out = view_sub(b, 0, len);
	return len > 0 && len <= MULTIPART_BOUNDARY_MAX;
}

void
multipart_init(struct multipart *m, struct view boundary,
	       const struct multipart_out *out)
{
	uint16_t k = 0;

	boundary = view_sub(boundary, 0, MULTIPART_BOUNDARY_MAX);
	m->out = *out;
	m->at = MULTIPART_PREAMBLE;
	m->n_head = 0;
	memcpy(m->delim, "\r\n--", 4);
	memcpy(m->delim + 4, boundary.p, boundary.len);
	m->n_delim = (uint16_t)(boundary.len + 4);
	m->n_match = 2; /* as if a line ended before the first byte */
	m->fail[0] = m->fail[1] = 0;
	for (uint16_t i = 1; i < m->n_delim; i++) {
		while (k > 0 && m->delim[i] != m->delim[k]) {
			k = m->fail[k];
		}
		if (m->delim[i] == m->delim[k]) {
			k++;
		}
		m->fail[i + 1] = k;
	}
}

static void
begin_boundary_line(struct multipart *m)
{
	m->at = MULTIPART_BOUNDARY_LINE;
	m->n_line = 0;
	m->dash[0] = m->dash[1] = false;
	m->n_match = 0;
}

/* Gives on what lies before 'end', where 'held' bytes before 'in' count. */
static void
give(struct multipart *m, struct view in, size_t held, size_t end)
{
	size_t old = MIN(end, held);

	if (m->at != MULTIPART_DATA) {
		return;
	}
	if (old > 0) { /* they are the delimiter's own, so it has them */
		m->out.data(m->out.arg, view_of(m->delim, old));
	}
	if (end > held) {
		m->out.data(m->out.arg, view_sub(in, 0, end - held));
	}
}

/*
 * Bytes of a part, or before the first, up to the next delimiter.  Those at
 * the end that may begin one are held back.  Returns how many were used.
 */
static size_t
feed_data(struct multipart *m, struct view in)
{
	size_t held = m->n_match, i = 0;

	while (i < in.len && m->n_match < m->n_delim) {
		while (m->n_match > 0 && in.p[i] != m->delim[m->n_match]) {
			m->n_match = m->fail[m->n_match];
		}
		m->n_match += in.p[i++] == m->delim[m->n_match];
	}
	give(m, in, held, held + i - m->n_match);
	if (m->n_match == m->n_delim) {
		if (m->at == MULTIPART_DATA) {
			m->out.end(m->out.arg, true);
		}
		begin_boundary_line(m);
	}
	return i;
}

/* The rest of a delimiter's line: white space, or "--" for the last. */
static size_t
feed_boundary_line(struct multipart *m, struct view in)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.p[i];

		if (m->n_line < 2) {
			m->dash[m->n_line++] = c == '-';
		}
		if (m->dash[0] && m->dash[1]) {
			m->at = MULTIPART_EPILOGUE;
			return i + 1;
		}
		if (c == '\n') {
			m->at = MULTIPART_HEAD;
			m->n_head = 0;
			m->line_empty = true;
			return i + 1;
		}
	}
	return in.len;
}

/* Field lines up to an empty one. */
static size_t
feed_head(struct multipart *m, struct view in)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.p[i];

		if (m->n_head < sizeof(m->head)) {
			m->head[m->n_head++] = c;
		}
		if (c == '\n' && m->line_empty) {
			m->at = MULTIPART_DATA;
			m->n_match = 0;
			m->out.begin(m->out.arg, view_of(m->head, m->n_head));
			return i + 1;
		}
		m->line_empty = c == '\n' || (m->line_empty && c == '\r');
	}
	return in.len;
}

void
multipart_feed(struct multipart *m, struct view in)
{
	while (in.len > 0) {
		size_t n;

		switch (m->at) {
		case MULTIPART_PREAMBLE:
		case MULTIPART_DATA:
			n = feed_data(m, in);
			break;
		case MULTIPART_BOUNDARY_LINE:
			n = feed_boundary_line(m, in);
			break;
		case MULTIPART_HEAD:
			n = feed_head(m, in);
			break;
		default: /* what follows the last part is nobody's */
			n = in.len;
			break;
		}
		in = view_sub(in, n, in.len);
	}
}

void
multipart_gap(struct multipart *m)
{
	if (m->at == MULTIPART_DATA || m->at == MULTIPART_PREAMBLE) {
		give(m, VIEW_NONE, m->n_match, m->n_match);
		m->n_match = 0;
	}
}

void
multipart_end(struct multipart *m)
{
	if (m->at == MULTIPART_DATA) {
		give(m, VIEW_NONE, m->n_match, m->n_match);
		m->out.end(m->out.arg, false);
	}
	m->at = MULTIPART_EPILOGUE;
}
