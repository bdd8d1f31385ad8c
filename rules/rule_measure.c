/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_measure.h"

#include <math.h>

#define BER_BIT_STRING 3
#define BER_REAL 9
#define REAL_BUFFER 256 /* what readers of ASCII reals make room for */

bool
measure_entropy(const struct op *op, struct view data, double *out)
{
	uint32_t count[256] = { 0 };
	struct view part;
	double sum = 0;

	if (op->entropy.offset > data.len) {
		return false;
	}
	part = view_sub(data, op->entropy.offset,
			op->entropy.bytes > 0 ? op->entropy.bytes : data.len);
	for (size_t i = 0; i < part.len; i++) {
		count[part.p[i]]++;
	}
	for (unsigned i = 0; i < ARRAY_LEN(count); i++) {
		if (count[i] > 0) {
			double p = (double)count[i] / (double)part.len;

			sum -= p * log2(p);
		}
	}
	*out = sum;
	return true;
}

bool
measure_entropy_ok(const struct op *op, double x)
{
	double a = op->entropy.a, b = op->entropy.b;

	switch ((enum cmp)op->entropy.compare) {
	case CMP_EQ:
		return x >= a && x <= a;
	case CMP_NE:
		return x < a || x > a;
	case CMP_LT:
		return x < a;
	case CMP_LE:
		return x <= a;
	case CMP_GT:
		return x > a;
	case CMP_GE:
		return x >= a;
	case CMP_IN:
		return x > a && x < b;
	case CMP_OUT:
		return x <= a || x >= b;
	default:
		return false;
	}
}

struct ber {
	uint32_t tag;
	bool universal, constructed, indefinite;
	uint64_t len; /* as the header has it */
	struct view body; /* indefinite: all that follows */
};

/* X.690 8.1.2.4: tag numbers above 30 */
static bool
long_tag(struct view in, size_t *at, uint32_t *tag)
{
	*tag = 0;
	for (unsigned i = 0; i < 4 && *at < in.len; i++) {
		uint8_t c = in.p[(*at)++];

		*tag = *tag << 7 | (c & 0x7f);
		if ((c & 0x80) == 0) {
			return true;
		}
	}
	return false;
}

/* X.690 8.1.3 */
static bool
ber_len(struct view in, size_t *at, struct ber *b)
{
	uint8_t first;

	if (*at >= in.len) {
		return false;
	}
	first = in.p[(*at)++];
	b->indefinite = first == 0x80;
	b->len = first & 0x7f;
	if (first <= 0x80) {
		return true;
	}
	if (b->len > sizeof(b->len) || b->len > in.len - *at) {
		return false;
	}
	b->len = 0;
	for (unsigned n = first & 0x7f; n > 0; n--) {
		b->len = b->len << 8 | in.p[(*at)++];
	}
	return true;
}

/* One header; '*in' moves behind it. */
static bool
ber_next(struct view *in, struct ber *b)
{
	size_t at = 1;

	if (in->len < 2) {
		return false;
	}
	b->universal = (in->p[0] & 0xc0) == 0;
	b->constructed = (in->p[0] & 0x20) != 0;
	b->tag = in->p[0] & 0x1f;
	if (b->tag == 0x1f && !long_tag(*in, &at, &b->tag)) {
		return false;
	}
	if (!ber_len(*in, &at, b)) {
		return false;
	}
	*in = view_sub(*in, at, in->len);
	if (b->indefinite) {
		b->body = *in;
		return true;
	}
	if (b->len > in->len) {
		return false; /* the rest is not here to be judged */
	}
	b->body = view_of(in->p, (size_t)b->len);
	return true;
}

static bool
ber_fault(const struct op *op, const struct ber *b)
{
	uint8_t first = b->body.len > 0 ? b->body.p[0] : 0;
	bool simple = b->universal && !b->constructed && b->body.len > 0;

	if (op->asn1.has_oversize && b->len > op->asn1.oversize) {
		return true;
	}
	/* X.690 8.6.2.2: more unused bits than there are */
	if (op->asn1.bitstring && simple && b->tag == BER_BIT_STRING &&
	    (uint64_t)first > (b->len - 1) * 8) {
		return true;
	}
	/* X.690 8.5.8: a number in characters */
	return op->asn1.real && simple && b->tag == BER_REAL &&
	       (first & 0xc0) == 0 && b->len > REAL_BUFFER;
}

bool
measure_asn1(const struct op *op, struct view data, size_t pos)
{
	/* what is left behind each constructed object that is open */
	struct view rest[MEASURE_BER_DEPTH];
	unsigned depth = 0;
	int64_t at = op->asn1.offset +
		     ((op->flags & OPF_RELATIVE) != 0 ? (int64_t)pos : 0);
	struct view in;

	if (at < 0 || at > (int64_t)data.len) {
		return false;
	}
	in = view_sub(data, (size_t)at, data.len);
	for (unsigned i = 0; i < MEASURE_BER_FRAMES; i++) {
		struct ber b = { .tag = 0 };

		while (in.len == 0 && depth > 0) {
			in = rest[--depth];
		}
		if (!ber_next(&in, &b)) {
			return false;
		}
		if (ber_fault(op, &b)) {
			return true;
		}
		if (b.constructed && depth < MEASURE_BER_DEPTH) {
			rest[depth++] = view_sub(in, b.body.len, in.len);
			in = b.body;
		} else {
			in = view_sub(in, b.body.len, in.len);
		}
	}
	return false;
}
