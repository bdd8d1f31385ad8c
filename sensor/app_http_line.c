/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_line.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "sensor/app_http_uri.h"

/* Known methods: RFC 9110 9.3, WebDAV RFC 4918 and its kin. */
static const char *const methods[] = {
	"GET",
	"POST",
	"HEAD",
	"PUT",
	"DELETE",
	"OPTIONS",
	"CONNECT",
	"TRACE",
	"PATCH",
	"PROPFIND",
	"COPY",
	"PROPPATCH",
	"MKCOL",
	"MOVE",
	"LOCK",
	"UNLOCK",
	"VERSION-CONTROL",
	"CHECKOUT",
	"UNCHECKOUT",
	"CHECKIN",
	"UPDATE",
	"LABEL",
	"REPORT",
	"MKWORKSPACE",
	"MKACTIVITY",
	"BASELINE-CONTROL",
	"MERGE",
	"SEARCH",
	"SUBSCRIBE",
	"UNSUBSCRIBE",
	"NOTIFY",
	"M-SEARCH",
	"POLL",
	"BMOVE",
	"BCOPY",
	"BDELETE",
	"BPROPFIND",
	"BPROPPATCH",
	"ACL",
	"ORDERPATCH",
	"PURGE",
};

static inline bool
is_end(uint8_t c)
{
	return c == '\r' || c == '\n';
}

#ifdef __SSE2__
/* A bit for each CR and LF of p[0..16). */
static inline unsigned
ends_of(const uint8_t *p)
{
	__m128i x = _mm_loadu_si128((const __m128i *)p);
	__m128i cr = _mm_cmpeq_epi8(x, _mm_set1_epi8('\r'));
	__m128i lf = _mm_cmpeq_epi8(x, _mm_set1_epi8('\n'));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(cr, lf));
}
#endif

/* The first CR or LF of 'v' from 'i' on; v.len: none. */
static size_t
next_end(struct view v, size_t i)
{
#ifdef __SSE2__
	for (; i + 16 <= v.len; i += 16) {
		unsigned ends = ends_of(v.p + i);

		if (ends != 0) {
			return i + (unsigned)__builtin_ctz(ends);
		}
	}
#endif
	while (i < v.len && !is_end(v.p[i])) {
		i++;
	}
	return i;
}

size_t
http_count_ends(struct view v)
{
	size_t i = 0, n = 0;

#ifdef __SSE2__
	for (; i + 16 <= v.len; i += 16) {
		/* few a line: without an instruction, counting is a call */
		for (unsigned m = ends_of(v.p + i); m != 0; m &= m - 1) {
			n++;
		}
	}
#endif
	for (; i < v.len; i++) {
		n += is_end(v.p[i]);
	}
	return n;
}

bool
http_is_blank(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (!http_is_space(v.p[i])) {
			return false;
		}
	}
	return true;
}

/* The line v[at, end) is whole; the next one begins at 'next'. */
static bool
give(struct http_cutter *c, struct view v, size_t end, size_t next,
     struct http_line *out)
{
	size_t at = c->at;

	c->at = c->scan = next;
	while (end > at && (v.p[end - 1] == '\r' || v.p[end - 1] == '\n')) {
		end--;
	}
	out->text = view_sub(v, at, end - at);
	return true;
}

static bool
wait_at(struct http_cutter *c, size_t scan)
{
	c->scan = scan;
	return false;
}

static bool
give_rest(struct http_cutter *c, struct view v, bool eof, struct http_line *out)
{
	if (!eof || c->at >= v.len) {
		return wait_at(c, v.len);
	}
	out->empty = false;
	return give(c, v, v.len, v.len, out);
}

static bool
cut_at_lf(struct http_cutter *c, struct view v, bool eof, struct http_line *out)
{
	const uint8_t *lf;
	size_t i;

	lf = c->scan < v.len ? memchr(v.p + c->scan, '\n', v.len - c->scan)
			     : NULL;
	if (lf == NULL) {
		return give_rest(c, v, eof, out);
	}
	i = (size_t)(lf - v.p);
	out->empty = i == c->at || (i == c->at + 1 && v.p[c->at] == '\r');
	return give(c, v, i, i + 1, out);
}

/* v[i] is the LF of a response's line. */
static bool
end_lf(struct http_cutter *c, struct view v, size_t i, bool eof,
       struct http_line *out)
{
	bool one_blank =
		i == c->at + 1 && (v.p[c->at] == ' ' || v.p[c->at] == '\t');
	size_t next = i + 1;

	out->empty = i == c->at;
	if (out->empty) {
		c->lf_cr = false;
		return give(c, v, i, next, out);
	}
	if (next == v.len && !eof) {
		return wait_at(c, i); /* what follows decides */
	}
	if (next < v.len) {
		c->lf_cr = v.p[next] == '\r';
		out->empty = one_blank && v.p[next] != '\n';
		next += c->lf_cr;
	}
	return give(c, v, i, next, out);
}

/* v[i] is a CR and v[i + 1] its LF. */
static bool
end_crlf(struct http_cutter *c, struct view v, size_t i, bool eof,
	 struct http_line *out)
{
	size_t next = i + 2;

	out->empty = i == c->at;
	if (c->lf_cr && out->empty) {
		/* LF CR CR LF CR LF is two line ends to browsers. */
		if (next == v.len && !eof) {
			return wait_at(c, i);
		}
		if (next < v.len && v.p[next] == '\r') {
			if (next + 1 == v.len && !eof) {
				return wait_at(c, i);
			}
			next++;
			if (next < v.len && v.p[next] == '\n') {
				next++;
			}
		}
	}
	c->lf_cr = false;
	return give(c, v, i, next, out);
}

static bool
cut_any(struct http_cutter *c, struct view v, bool eof, struct http_line *out)
{
	for (size_t i = next_end(v, c->scan); i < v.len;
	     i = next_end(v, i + 1)) {
		if (v.p[i] == '\n') {
			return end_lf(c, v, i, eof, out);
		}
		if (i + 1 == v.len) {
			return eof ? give_rest(c, v, eof, out) : wait_at(c, i);
		}
		if (v.p[i + 1] == '\n') {
			return end_crlf(c, v, i, eof, out);
		}
		if (v.p[i + 1] == '\r') {
			continue;
		}
		/* A lone CR ends a line, but never the head. */
		out->empty = false;
		c->lf_cr = false;
		return give(c, v, i, i + 1, out);
	}
	return give_rest(c, v, eof, out);
}

bool
http_cut(struct http_cutter *c, struct view v, bool eof, struct http_line *out)
{
	return c->any_cr ? cut_any(c, v, eof, out) : cut_at_lf(c, v, eof, out);
}

static size_t
skip_space(struct view v, size_t i)
{
	while (i < v.len && http_is_space(v.p[i])) {
		i++;
	}
	return i;
}

static size_t
skip_word(struct view v, size_t i)
{
	while (i < v.len && !http_is_space(v.p[i])) {
		i++;
	}
	return i;
}

static bool
begins_http(struct view v)
{
	return v.len >= 4 && view_caseeq(view_sub(v, 0, 4), VIEW_LIT("HTTP"));
}

bool
http_opens_response(struct view line)
{
	size_t i = 0;

	while (i < line.len && (http_is_space(line.p[i]) || line.p[i] == 0)) {
		i++;
	}
	return begins_http(view_sub(line, i, line.len));
}

static struct view
last_word(struct view v)
{
	size_t end = v.len, at;

	while (end > 0 && http_is_space(v.p[end - 1])) {
		end--;
	}
	at = end;
	while (at > 0 && !http_is_space(v.p[at - 1])) {
		at--;
	}
	return view_sub(v, at, end - at);
}

bool
http_opens_request(struct view line)
{
	size_t at = skip_space(line, 0);
	struct view word = view_sub(line, at, skip_word(line, at) - at);
	struct view last = last_word(line);

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (view_eq(word, view_cstr(methods[i]))) {
			return true;
		}
	}
	return last.p != word.p && last.len > 5 &&
	       memcmp(last.p, "HTTP/", 5) == 0;
}

static enum http_version
parse_version(struct view v)
{
	if (v.len != 8 || memcmp(v.p, "HTTP/", 5) != 0 || v.p[6] != '.') {
		return HTTP_VERSION_BAD;
	}
	if (v.p[5] == '1' && (v.p[7] == '0' || v.p[7] == '1')) {
		return v.p[7] == '1' ? HTTP_VERSION_1_1 : HTTP_VERSION_1_0;
	}
	return v.p[5] == '0' && v.p[7] == '9' ? HTTP_VERSION_0_9
					      : HTTP_VERSION_BAD;
}

/*
 * The protocol is the line's last word if that looks like one, so that a
 * target may hold blanks; else what follows the second word.
 */
static void
split_target(struct http_tx *tx, struct view rest)
{
	struct http_msg *m = &tx->msg[FLOW_TOSERVER];
	struct view last = last_word(rest);
	size_t end = skip_word(rest, 0);

	if (begins_http(last) && last.p != rest.p) {
		m->protocol = last;
		end = (size_t)(last.p - rest.p);
	} else {
		size_t next = skip_space(rest, end);

		m->protocol = view_sub(rest, next, rest.len);
		if (!begins_http(m->protocol)) {
			m->protocol = VIEW_NONE;
			end = rest.len;
		} else {
			end = next;
		}
	}
	for (; end > 0 && http_is_space(rest.p[end - 1]); end--) {
		if (rest.p[end - 1] != ' ') {
			event_set_add(&tx->tx.events,
				      EV_HTTP_URI_DELIM_NON_COMPLIANT);
		}
	}
	tx->uri_raw = view_sub(rest, 0, end);
}

void
http_parse_request_line(struct http_tx *tx)
{
	struct http_msg *m = &tx->msg[FLOW_TOSERVER];
	struct event_set *ev = &tx->tx.events;
	size_t at = skip_space(m->line, 0);
	size_t end = skip_word(m->line, at);

	if (at > 0) {
		event_set_add(ev, EV_HTTP_REQUEST_LINE_LEADING_WHITESPACE);
	}
	tx->method = view_sub(m->line, at, end - at);
	tx->is_head = view_eq(tx->method, VIEW_LIT("HEAD"));
	tx->is_connect = view_eq(tx->method, VIEW_LIT("CONNECT"));
	at = skip_space(m->line, end);
	for (size_t i = end; i < at; i++) {
		if (m->line.p[i] != ' ') {
			event_set_add(ev, EV_HTTP_METHOD_DELIM_NON_COMPLIANT);
		}
	}
	if (at == m->line.len) {
		event_set_add(ev, EV_HTTP_REQUEST_LINE_INCOMPLETE);
		return;
	}
	split_target(tx, view_sub(m->line, at, m->line.len));
	if (m->protocol.len > 0) {
		m->version = parse_version(m->protocol);
		if (m->version == HTTP_VERSION_BAD) {
			event_set_add(ev, EV_HTTP_REQUEST_LINE_INVALID);
		}
	}
	http_parse_uri(tx);
}

static int
parse_status(struct view v)
{
	int n = 0;

	if (v.len != 3) {
		return 0;
	}
	for (size_t i = 0; i < 3; i++) {
		if (v.p[i] < '0' || v.p[i] > '9') {
			return 0;
		}
		n = n * 10 + (v.p[i] - '0');
	}
	return n >= 100 ? n : 0;
}

void
http_parse_response_line(struct http_tx *tx)
{
	struct http_msg *m = &tx->msg[FLOW_TOCLIENT];
	struct view v = m->line;
	size_t at = skip_space(v, 0), end;

	end = skip_word(v, at);
	m->protocol = view_sub(v, at, end - at);
	m->version = parse_version(m->protocol);
	at = skip_space(v, end);
	end = skip_word(v, at);
	tx->stat_code = view_sub(v, at, end - at);
	tx->status = parse_status(tx->stat_code);
	at = skip_space(v, end);
	tx->stat_msg = view_sub(v, at, v.len);
	if (m->version == HTTP_VERSION_BAD) {
		event_set_add(&tx->tx.events,
			      EV_HTTP_RESPONSE_INVALID_PROTOCOL);
	}
	if (tx->status == 0) {
		event_set_add(&tx->tx.events, EV_HTTP_RESPONSE_INVALID_STATUS);
	}
}
