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

size_t
addr_format(const struct addr *a, char out[ADDR_TEXT_CAP])
{
	bool v4 = addr_is_v4(a);

	if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->b + 12 : a->b, out,
		      ADDR_TEXT_CAP) == NULL) {
		out[0] = '\0';
	}
	return strlen(out);
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
