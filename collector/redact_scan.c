/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/redact_scan.h"

#define ARPA_V4 ".in-addr.arpa"
#define ARPA_V6 "ip6.arpa"

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static int
hex_value(uint8_t c)
{
	c = ascii_lower(c);
	return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_letter(uint8_t c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool
follows(struct view t, size_t at, const char *word)
{
	return view_caseeq(view_sub(t, at, strlen(word)), view_cstr(word));
}

/* Up to four numbers below 256 with the same sign between them; how many. */
static unsigned
octets(struct view t, size_t at, uint8_t out[4], size_t ends[4])
{
	uint8_t sign = 0;
	unsigned n = 0;

	while (n < 4) {
		unsigned v = 0, digits = 0;

		for (; at < t.len && is_digit(t.p[at]) && digits < 4; at++) {
			v = v * 10 + (unsigned)(t.p[at] - '0');
			digits++;
		}
		if (digits == 0 || digits > 3 || v > 255) {
			break;
		}
		out[n] = (uint8_t)v;
		ends[n++] = at;
		if (at >= t.len ||
		    (t.p[at] != '.' && t.p[at] != '-' && t.p[at] != '_') ||
		    (sign != 0 && t.p[at] != sign)) {
			break;
		}
		sign = t.p[at++];
	}
	return n;
}

static size_t
scan_v4(struct view t, size_t at, bool (*judge)(void *, const struct addr *),
	void *arg, struct addr *out)
{
	uint8_t o[4], v4[4] = { 0 };
	size_t ends[4];
	unsigned n;

	if (!is_digit(t.p[at]) || (at > 0 && is_digit(t.p[at - 1]))) {
		return 0;
	}
	n = octets(t, at, o, ends);
	for (unsigned i = n; i > 0; i--) {
		/* "3.2.10.in-addr.arpa" is 10.2.3.0 and near. */
		if (!follows(t, ends[i - 1], ARPA_V4)) {
			continue;
		}
		memset(v4, 0, sizeof(v4));
		for (unsigned k = 0; k < i; k++) {
			v4[k] = o[i - 1 - k];
		}
		*out = addr_from_v4(v4);
		if (judge(arg, out)) {
			return ends[i - 1] - at;
		}
	}
	if (n == 4) {
		*out = addr_from_v4(o);
		if (judge(arg, out)) {
			return ends[3] - at;
		}
	}
	return 0;
}

/* Nibbles with dots between them, least significant first (RFC 3596 2.5). */
static size_t
scan_arpa6(struct view t, size_t at, bool (*judge)(void *, const struct addr *),
	   void *arg, struct addr *out)
{
	uint8_t nibbles[32];
	unsigned n = 0;
	size_t end = at;

	while (n < 32 && end + 1 < t.len && hex_value(t.p[end]) >= 0 &&
	       t.p[end + 1] == '.') {
		nibbles[n++] = (uint8_t)hex_value(t.p[end]);
		end += 2;
	}
	if (n == 0 || !follows(t, end, ARPA_V6)) {
		return 0;
	}
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < n; i++) {
		out->b[i / 2] |=
			(uint8_t)(nibbles[n - 1 - i] << (i % 2 == 0 ? 4 : 0));
	}
	return judge(arg, out) ? end - 1 - at : 0;
}

static size_t
scan_v6(struct view t, size_t at, bool (*judge)(void *, const struct addr *),
	void *arg, struct addr *out)
{
	size_t end = at;
	unsigned colons = 0;

	if ((hex_value(t.p[at]) < 0 && t.p[at] != ':') ||
	    (at > 0 && hex_value(t.p[at - 1]) >= 0)) {
		return 0;
	}
	while (end < t.len && end - at < ADDR_TEXT_CAP &&
	       (hex_value(t.p[end]) >= 0 || t.p[end] == ':' ||
		t.p[end] == '.')) {
		colons += t.p[end++] == ':';
	}
	for (; end - at >= 2 && colons >= 2; end--) {
		/* Not in the middle of a group. */
		if ((end == t.len || hex_value(t.p[end]) < 0) &&
		    addr_parse(view_sub(t, at, end - at), out) &&
		    judge(arg, out)) {
			return end - at;
		}
		colons -= t.p[end - 1] == ':';
	}
	return 0;
}

size_t
redact_scan_addr(struct view text, size_t at,
		 bool (*judge)(void *arg, const struct addr *a), void *arg,
		 struct addr *out)
{
	size_t n = scan_v6(text, at, judge, arg, out);

	if (n == 0) {
		n = scan_arpa6(text, at, judge, arg, out);
	}
	return n != 0 ? n : scan_v4(text, at, judge, arg, out);
}

size_t
redact_scan_host(struct view text, size_t at)
{
	size_t end = at;

	while (end < text.len &&
	       (is_digit(text.p[end]) || is_letter(text.p[end]) ||
		text.p[end] == '-' || text.p[end] == '_' ||
		text.p[end] == '.')) {
		end++;
	}
	while (end > at && text.p[end - 1] == '.') {
		end--;
	}
	return end - at;
}

size_t
redact_scan_word(struct view text, size_t at)
{
	size_t end = at;

	if (at < text.len && text.p[at] >= 0x80) {
		for (end++; end < text.len && (text.p[end] & 0xc0) == 0x80;) {
			end++;
		}
		return end;
	}
	while (end < text.len &&
	       (is_digit(text.p[end]) || is_letter(text.p[end]))) {
		end++;
	}
	return end;
}
