/* SPDX-License-Identifier: Apache-2.0 */
#include "common/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

bool
cidr_contains(const struct cidr *net, const struct addr *a)
{
	unsigned full = net->bits / 8, rest = net->bits % 8;
	uint8_t mask;

	if (memcmp(net->addr.b, a->b, full) != 0) {
		return false;
	}
	if (rest == 0) {
		return true;
	}
	mask = (uint8_t)(0xff << (8 - rest));
	return ((net->addr.b[full] ^ a->b[full]) & mask) == 0;
}

static char *
put_octet(char *p, uint8_t v)
{
	if (v >= 100) {
		*p++ = (char)('0' + v / 100);
		v %= 100;
		*p++ = (char)('0' + v / 10);
	} else if (v >= 10) {
		*p++ = (char)('0' + v / 10);
	}
	*p++ = (char)('0' + v % 10);
	return p;
}

static char *
put_v4(char *p, const uint8_t b[4])
{
	p = put_octet(p, b[0]);
	for (unsigned i = 1; i < 4; i++) {
		*p++ = '.';
		p = put_octet(p, b[i]);
	}
	return p;
}

/* One of the eight groups, without leading zeros (RFC 5952 4.1, 4.3). */
static char *
put_group(char *p, unsigned v)
{
	static const char hex[] = "0123456789abcdef";

	if (v >= 0x1000) {
		*p++ = hex[v >> 12];
	}
	if (v >= 0x100) {
		*p++ = hex[v >> 8 & 15];
	}
	if (v >= 0x10) {
		*p++ = hex[v >> 4 & 15];
	}
	*p++ = hex[v & 15];
	return p;
}

/* Where the longest run of two and more zero groups is, the first of equals
 * (RFC 5952 4.2); '*n' is 0 when there is none. */
static unsigned
zero_groups(const uint8_t b[16], unsigned *n)
{
	unsigned best = 0;

	*n = 0;
	for (unsigned i = 0, run = 0; i < 8; i++) {
		run = load_be16(b + 2 * i) == 0 ? run + 1 : 0;
		if (run >= 2 && run > *n) {
			*n = run;
			best = i + 1 - run;
		}
	}
	return best;
}

static char *
put_v6(char *p, const uint8_t b[16])
{
	unsigned n, zeros = zero_groups(b, &n);

	if (zeros == 0 && n == 6) { /* IPv4-compatible, RFC 4291 2.5.5.1 */
		*p++ = ':';
		*p++ = ':';
		return put_v4(p, b + 12);
	}
	for (unsigned i = 0; i < 8; i++) {
		if (n > 0 && i == zeros) {
			*p++ = ':';
			if (i + n == 8) {
				*p++ = ':';
			}
			i += n - 1;
			continue;
		}
		if (i > 0) {
			*p++ = ':';
		}
		p = put_group(p, load_be16(b + 2 * i));
	}
	return p;
}

size_t
addr_format(const struct addr *a, char out[ADDR_TEXT_CAP])
{
	char *end = addr_is_v4(a) ? put_v4(out, a->b + 12) : put_v6(out, a->b);

	*end = '\0';
	return (size_t)(end - out);
}

bool
addr_parse(struct view s, struct addr *out)
{
	char text[ADDR_TEXT_CAP];
	uint8_t raw[16];

	if (s.len == 0 || s.len >= sizeof(text) ||
	    memchr(s.p, '\0', s.len) != NULL) {
		return false;
	}
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	if (inet_pton(AF_INET, text, raw) == 1) {
		*out = addr_from_v4(raw);
		return true;
	}
	if (inet_pton(AF_INET6, text, raw) == 1) {
		*out = addr_from_v6(raw);
		return true;
	}
	return false;
}

static void
clear_host_bits(struct cidr *net)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned first = i * 8;

		if (first >= net->bits) {
			net->addr.b[i] = 0;
		} else if (net->bits - first < 8) {
			net->addr.b[i] &=
				(uint8_t)(0xff << (8 - (net->bits - first)));
		}
	}
}

/* An IPv4 netmask in dotted form, as Suricata accepts behind the slash. */
static bool
parse_netmask(struct view s, unsigned *bits)
{
	struct addr mask;
	uint32_t m;

	if (!addr_parse(s, &mask) || !addr_is_v4(&mask)) {
		return false;
	}
	m = load_be32(mask.b + 12);
	*bits = (unsigned)__builtin_popcount(m);
	return m == 0 || m == (uint32_t)(UINT64_C(0xffffffff) << (32 - *bits));
}

bool
cidr_parse(struct view s, struct cidr *out)
{
	const uint8_t *slash =
		memchr(s.p != NULL ? s.p : (const uint8_t *)"", '/', s.len);
	size_t head = slash != NULL ? (size_t)(slash - s.p) : s.len;
	unsigned bits = 0, max;

	if (!addr_parse(view_sub(s, 0, head), &out->addr)) {
		return false;
	}
	max = addr_is_v4(&out->addr) ? 32 : 128;
	if (slash == NULL) {
		out->bits = 128;
		return true;
	}
	struct view tail = view_sub(s, head + 1, s.len);
	if (max == 32 && memchr(s.p, '.', s.len) != NULL && tail.len > 3) {
		if (!parse_netmask(tail, &bits)) {
			return false;
		}
	} else {
		if (tail.len == 0 || tail.len > 3) {
			return false;
		}
		for (size_t i = 0; i < tail.len; i++) {
			if (tail.p[i] < '0' || tail.p[i] > '9') {
				return false;
			}
			bits = bits * 10 + (unsigned)(tail.p[i] - '0');
		}
	}
	if (bits > max) {
		return false;
	}
	out->bits = (uint8_t)(max == 32 ? bits + 96 : bits);
	clear_host_bits(out);
	return true;
}

size_t
cidr_format(const struct cidr *net, char out[ADDR_TEXT_CAP + 4])
{
	size_t n = addr_format(&net->addr, out);
	bool v4 = addr_is_v4(&net->addr) && net->bits >= 96;

	return n + (size_t)snprintf(out + n, ADDR_TEXT_CAP + 4 - n, "/%d",
				    v4 ? net->bits - 96 : net->bits);
}
