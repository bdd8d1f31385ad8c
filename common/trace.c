/* SPDX-License-Identifier: Apache-2.0 */
#include "common/trace.h"

/* Without leading zeros; 0 is "0". */
static size_t
put_hex(char *out, uint64_t v)
{
	static const char digits[] = "0123456789abcdef";
	unsigned n = 1;

	while (n < 16 && v >> (4 * n) != 0) {
		n++;
	}
	for (unsigned i = 0; i < n; i++) {
		out[i] = digits[v >> (4 * (n - 1 - i)) & 15];
	}
	return n;
}

size_t
trace_format(const struct trace *t, char out[TRACE_TEXT_CAP])
{
	size_t n = 0;

	for (unsigned i = 0; i < 2; i++) {
		if (t->has_isn[i]) {
			n += put_hex(out + n, t->isn[i]);
		}
		out[n++] = '-';
	}
	if (t->content != 0) {
		n += put_hex(out + n, t->content);
	}
	out[n++] = '-';
	if (t->ip_id != 0) {
		n += put_hex(out + n, t->ip_id);
	}
	out[n] = '\0';
	return n;
}

/* One part up to 'end' or "-"; '*n' digits of it; false: one that is none. */
static bool
take_hex(const uint8_t **p, const uint8_t *end, unsigned max, uint64_t *v,
	 unsigned *n)
{
	*v = 0;
	*n = 0;
	for (; *p < end && **p != '-'; (*p)++, (*n)++) {
		uint8_t c = **p;

		if (*n == max ||
		    !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
			return false;
		}
		*v = *v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

bool
trace_parse(struct view text, struct trace *t)
{
	static const uint8_t max[4] = { 8, 8, 16, 4 };
	const uint8_t *p = text.p, *end = p + text.len;
	uint64_t v[4];
	unsigned n[4];

	*t = (struct trace){ 0 };
	if (text.len == 0) {
		return false;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (!take_hex(&p, end, max[i], &v[i], &n[i]) ||
		    (p < end) != (i < 3)) {
			return false;
		}
		p += i < 3;
	}
	*t = (struct trace){
		.isn = { (uint32_t)v[0], (uint32_t)v[1] },
		.has_isn = { n[0] > 0, n[1] > 0 },
		.content = v[2],
		.ip_id = (uint16_t)v[3],
	};
	return true;
}

uint64_t
trace_connection(uint32_t client, uint32_t server)
{
	uint64_t h = (uint64_t)client << 32 | server;

	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}
