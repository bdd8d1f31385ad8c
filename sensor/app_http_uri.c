/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_uri.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct uri_parts {
	struct view authority, path, query, fragment;
	bool has_query, has_fragment;
};

/* Hexadecimal number of exactly 'n' digits at 'p'; -1 when it is not one. */
static int
hex_number(struct view v, size_t at, size_t n)
{
	int sum = 0;

	if (v.len - at < n) {
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		int d = ascii_hex(v.p[at + i]);

		if (d < 0) {
			return -1;
		}
		sum = sum * 16 + d;
	}
	return sum;
}

/* IIS's %uXXXX to the byte a server would make of it; '?' for none. */
static uint8_t
best_fit(int code)
{
	if (code < 0x100) {
		return (uint8_t)code;
	}
	if (code >= 0xff01 && code <= 0xff5e) {
		return (uint8_t)(code - 0xff01 + '!'); /* full width forms */
	}
	return '?';
}

/*
 * Decodes one percent sign at 'at' into '*c' and returns the bytes used; a
 * broken escape stays as it is.
 */
static size_t
percent(struct view v, size_t at, uint8_t *c)
{
	int code;

	*c = v.p[at];
	if (v.p[at] != '%' || v.len - at < 3) {
		return 1;
	}
	if (ascii_lower(v.p[at + 1]) == 'u') {
		code = hex_number(v, at + 2, 4);
		if (code < 0) {
			return 1;
		}
		*c = best_fit(code);
		return 6;
	}
	code = hex_number(v, at + 1, 2);
	if (code < 0) {
		return 1;
	}
	*c = (uint8_t)code;
	return 3;
}

/* Decodes in place; returns the new length. */
static size_t
decode_query(uint8_t *p, size_t len, bool plus_is_space)
{
	struct view v = view_of(p, len);
	size_t out = 0;

	for (size_t i = 0; i < len;) {
		uint8_t c;

		i += percent(v, i, &c);
		p[out++] = c == '+' && plus_is_space ? ' ' : c;
	}
	return out;
}

static size_t
decode_path(uint8_t *p, size_t len, const struct http_settings *s)
{
	struct view v = view_of(p, len);
	size_t out = 0;

	for (size_t i = 0; i < len;) {
		uint8_t c;

		i += percent(v, i, &c);
		if (c == '\\' && s->backslash_is_slash) {
			c = '/';
		}
		if (c == '/' && s->compress_slashes && out > 0 &&
		    p[out - 1] == '/') {
			continue;
		}
		p[out++] = s->lower_path ? ascii_lower(c) : c;
	}
	return out;
}

/* Removes "." and ".." segments in place, RFC 3986 5.2.4. */
static size_t
remove_dots(uint8_t *p, size_t len)
{
	size_t out = 0, i = 0;

	while (i < len) {
		bool slash = p[i] == '/';
		size_t seg = slash ? i + 1 : i;
		size_t end = seg;

		while (end < len && p[end] != '/') {
			end++;
		}
		if (end - seg == 1 && p[seg] == '.') {
			if (end == len && slash) {
				p[out++] = '/';
			} else if (!slash && end < len) {
				end++; /* a leading "./" */
			}
		} else if (end - seg == 2 && p[seg] == '.' &&
			   p[seg + 1] == '.') {
			while (out > 0 && p[--out] != '/') {
			}
			if (end == len && slash) {
				p[out++] = '/';
			} else if (!slash && end < len) {
				end++;
			}
		} else {
			memmove(p + out, p + i, end - i);
			out += end - i;
		}
		i = end;
	}
	return out;
}

/* Whether 'v' would shrink if it were decoded once more. */
static bool
still_coded(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c;

		if (v.p[i] == '%' && percent(v, i, &c) > 1) {
			return true;
		}
	}
	return false;
}

static bool
is_scheme_char(uint8_t c)
{
	uint8_t l = ascii_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
	       c == '-' || c == '.';
}

/* RFC 3986 3: scheme "://" authority path "?" query "#" fragment. */
static void
split(struct view uri, struct uri_parts *out)
{
	const uint8_t *mark;
	size_t i = 0;

	*out = (struct uri_parts){ .path = uri };
	while (i < uri.len && is_scheme_char(uri.p[i])) {
		i++;
	}
	if (i > 0 && uri.len - i >= 3 && memcmp(uri.p + i, "://", 3) == 0) {
		size_t begin = i + 3, end = begin;

		while (end < uri.len && strchr("/?#", uri.p[end]) == NULL) {
			end++;
		}
		out->authority = view_sub(uri, begin, end - begin);
		out->path = view_sub(uri, end, uri.len);
	}
	if (out->path.len == 0) {
		return;
	}
	mark = memchr(out->path.p, '#', out->path.len);
	if (mark != NULL) {
		size_t at = (size_t)(mark - out->path.p);

		out->has_fragment = true;
		out->fragment = view_sub(out->path, at + 1, out->path.len);
		out->path.len = at;
	}
	mark = out->path.len > 0 ? memchr(out->path.p, '?', out->path.len)
				 : NULL;
	if (mark != NULL) {
		size_t at = (size_t)(mark - out->path.p);

		out->has_query = true;
		out->query = view_sub(out->path, at + 1, out->path.len);
		out->path.len = at;
	}
}

bool
http_parse_host(struct view v, struct view *name, uint32_t *port)
{
	size_t end = 0;
	struct view digits;
	uint32_t n = 0;

	*port = 0;
	*name = v;
	if (v.len > 0 && v.p[0] == '[') {
		while (end < v.len && v.p[end] != ']') {
			end++;
		}
		if (end == v.len) {
			return false;
		}
		end++;
	} else {
		while (end < v.len && v.p[end] != ':') {
			end++;
		}
	}
	*name = view_sub(v, 0, end);
	if (end == v.len) {
		return true;
	}
	if (v.p[end] != ':') {
		return false;
	}
	digits = view_sub(v, end + 1, v.len);
	if (digits.len == 0 || digits.len > 5) {
		return false;
	}
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9') {
			return false;
		}
		n = n * 10 + (uint32_t)(digits.p[i] - '0');
	}
	if (n == 0 || n > UINT16_MAX) {
		return false;
	}
	*port = n;
	return true;
}

static void
set_authority(struct http_tx *tx, struct view authority)
{
	struct view host = authority;
	uint32_t port;

	for (size_t i = host.len; i > 0; i--) {
		if (host.p[i - 1] == '@') {
			host = view_sub(host, i, host.len);
			break;
		}
	}
	if (!http_parse_host(host, &tx->uri_host, &port)) {
		event_set_add(&tx->tx.events, EV_HTTP_INVALID_AUTHORITY_PORT);
	}
	tx->port = port;
}

static size_t
append(uint8_t *p, size_t at, struct view v)
{
	if (v.len > 0) {
		memcpy(p + at, v.p, v.len);
	}
	return at + v.len;
}

/* Whether decoding may change 'c', or a segment that begins behind it. */
static inline bool
may_change_at(uint8_t c, uint8_t next)
{
	return c == '%' || c == '+' || c == '\\' ||
	       (c == '/' && (next == '/' || next == '.'));
}

#ifdef __SSE2__
/* The same of p[0..16); p[16] is there too. */
static inline bool
may_change_in(const uint8_t *p)
{
	__m128i c = _mm_loadu_si128((const __m128i *)p);
	__m128i next = _mm_loadu_si128((const __m128i *)(p + 1));
	__m128i slash = _mm_set1_epi8('/'), odd, pair;

	odd = _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8('%')),
			   _mm_cmpeq_epi8(c, _mm_set1_epi8('+')));
	odd = _mm_or_si128(odd, _mm_cmpeq_epi8(c, _mm_set1_epi8('\\')));
	pair = _mm_or_si128(_mm_cmpeq_epi8(next, slash),
			    _mm_cmpeq_epi8(next, _mm_set1_epi8('.')));
	pair = _mm_and_si128(pair, _mm_cmpeq_epi8(c, slash));
	return _mm_movemask_epi8(_mm_or_si128(odd, pair)) != 0;
}
#endif

/* Whether normalising may change 'v', which is not empty, at all. */
static bool
may_change(struct view v)
{
	size_t i = 0;

	if (v.p[0] == '.') {
		return true;
	}
#ifdef __SSE2__
	for (; i + 17 <= v.len; i += 16) {
		if (may_change_in(v.p + i)) {
			return true;
		}
	}
#endif
	for (; i < v.len; i++) {
		if (may_change_at(v.p[i], i + 1 < v.len ? v.p[i + 1] : 0)) {
			return true;
		}
	}
	return false;
}

/*
 * What has nothing to normalise stays where it is: path, query and fragment
 * stand behind each other there.
 */
static bool
stands_normal(struct http_tx *tx, const struct uri_parts *u)
{
	const struct http_settings *s = tx->settings;
	const uint8_t *end = tx->uri_raw.p + tx->uri_raw.len;
	struct view all;

	if (u->path.len == 0 || s->lower_path ||
	    (s->uri_include_all && u->authority.len > 0)) {
		return false;
	}
	all = view_of(u->path.p, (size_t)(end - u->path.p));
	if (may_change(all)) {
		return false;
	}
	tx->path = u->path;
	tx->uri = all;
	return true;
}

/* Path and query, each normalised, in one piece of memory. */
static void
normalise(struct http_tx *tx, const struct uri_parts *u)
{
	const struct http_settings *s = tx->settings;
	size_t cap = u->path.len + u->query.len + u->fragment.len +
		     u->authority.len + 3;
	uint8_t *p = arena_alloc(&tx->tx.arena, cap);
	size_t base = 0, n, q;
	bool twice = false; /* a second decoding changed something */

	if (p == NULL) {
		return;
	}
	if (s->uri_include_all) {
		base = append(p, 0, u->authority);
	}
	n = append(p + base, 0, u->path);
	n = remove_dots(p + base, decode_path(p + base, n, s));
	if (s->double_decode_path) {
		twice = still_coded(view_of(p + base, n));
		n = remove_dots(p + base, decode_path(p + base, n, s));
	}
	tx->path = view_of(p + base, n);
	n += base;
	if (u->has_query) {
		p[n++] = '?';
		q = append(p + n, 0, u->query);
		q = decode_query(p + n, q, s->plus_is_space);
		if (s->double_decode_query) {
			twice = twice || still_coded(view_of(p + n, q));
			q = decode_query(p + n, q, s->plus_is_space);
		}
		n += q;
	}
	if (u->has_fragment) {
		p[n++] = '#';
		n = append(p, n, u->fragment);
	}
	tx->uri = n > 0 ? view_of(p, n) : VIEW_NONE;
	if (twice) {
		event_set_add(&tx->tx.events, EV_HTTP_DOUBLE_ENCODED_URI);
	}
}

void
http_parse_uri(struct http_tx *tx)
{
	struct uri_parts u;

	if (tx->uri_raw.len == 0) {
		return;
	}
	if (tx->is_connect) {
		/* RFC 9112 3.2.3: nothing but host and port. */
		set_authority(tx, tx->uri_raw);
		tx->uri = view_of("", 0); /* known, and no path: urilen is 0 */
		return;
	}
	split(tx->uri_raw, &u);
	if (u.authority.len > 0) {
		set_authority(tx, u.authority);
	}
	if (!stands_normal(tx, &u)) {
		normalise(tx, &u);
	}
}
