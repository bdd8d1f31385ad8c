/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_bytes.h"

static int64_t
small(const struct operand *o, const uint64_t *vars)
{
	if (o->var < 0) {
		return o->n;
	}
	return vars[o->var] > INT32_MAX ? INT32_MAX : (int64_t)vars[o->var];
}

static uint64_t
whole(const struct operand *o, const uint64_t *vars)
{
	return o->var < 0 ? (uint64_t)o->n : vars[o->var];
}

/* A number in text, as strtoull() reads it; false when there is none. */
static bool
from_text(struct view s, unsigned base, uint64_t *out, size_t *used)
{
	size_t i = 0, digits = 0;
	uint64_t n = 0;

	while (i < s.len && (s.p[i] == ' ' || s.p[i] == '\t')) {
		i++;
	}
	if ((base == 16 || base == 0) && i + 2 < s.len && s.p[i] == '0' &&
	    ascii_lower(s.p[i + 1]) == 'x') {
		base = 16;
		i += 2;
	}
	base = base == 0 ? 10 : base;
	for (; i < s.len && (unsigned)ascii_hex(s.p[i]) < base; i++) {
		if (__builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, (uint64_t)ascii_hex(s.p[i]),
					   &n)) {
			return false;
		}
		digits++;
	}
	*out = n;
	*used = i;
	return digits > 0;
}

/* The number that 'op' points at; '*end' is the offset behind it. */
static bool
extract(const struct op *op, struct view data, size_t pos, const uint64_t *vars,
	uint64_t *out, size_t *end)
{
	const struct byte_op *b = &op->byte;
	int64_t n = small(&b->n_bytes, vars);
	int64_t at = small(&b->offset, vars) +
		     ((op->flags & OPF_RELATIVE) != 0 ? (int64_t)pos : 0);
	uint64_t x = 0;
	size_t used;

	if (at < 0 || n < 0 || at > (int64_t)data.len ||
	    n > (int64_t)data.len - at) {
		return false;
	}
	*end = (size_t)(at + n);
	if ((op->flags & OPF_STRING) != 0) {
		if (n == 0) { /* as many digits as there are */
			n = MIN((int64_t)data.len - at, (int64_t)23);
		}
		if (n == 0 || n > 23 ||
		    !from_text(view_of(data.p + at, (size_t)n), b->base, &x,
			       &used)) {
			return false;
		}
		*end = (size_t)at + used;
	} else {
		if (n > 8) {
			return false;
		}
		for (int64_t i = 0; i < n; i++) {
			int64_t k =
				(op->flags & OPF_LITTLE) != 0 ? n - 1 - i : i;

			x = x << 8 | data.p[at + k];
		}
	}
	if ((op->flags & OPF_BITMASK) != 0 && b->bitmask != 0) {
		x = (x & b->bitmask) >> __builtin_ctzll(b->bitmask);
	}
	*out = x;
	return true;
}

bool
bytes_test(const struct op *op, struct view data, size_t pos,
	   const uint64_t *vars)
{
	uint64_t x, wanted = whole(&op->byte.value, vars);
	size_t end;
	bool good;

	if (!extract(op, data, pos, vars, &x, &end)) {
		return false;
	}
	good = compare_u64(x, (enum cmp)op->byte.compare, wanted, 0);
	return good != ((op->flags & OPF_NEGATED) != 0);
}

static uint64_t
aligned(const struct op *op, uint64_t x)
{
	uint64_t a = op->byte.align != 0 ? op->byte.align : 4;

	return (op->flags & OPF_ALIGN) != 0 ? (x + a - 1) / a * a : x;
}

bool
bytes_jump(const struct op *op, struct view data, size_t *pos,
	   const uint64_t *vars)
{
	int64_t from, to;
	uint64_t x;
	size_t end;

	if (!extract(op, data, *pos, vars, &x, &end)) {
		return false;
	}
	/* no jump of more than 4 GiB leads back into the buffer */
	if (x > UINT32_MAX) {
		return false;
	}
	x = aligned(op, x * op->byte.multiplier);
	from = (op->flags & OPF_FROM_BEGINNING) != 0 ? 0
	       : (op->flags & OPF_FROM_END) != 0     ? (int64_t)data.len
						     : (int64_t)end;
	to = from + (int64_t)x + op->byte.post_offset;
	if (to > (int64_t)data.len) {
		return false;
	}
	*pos = to < 0 ? 0 : (size_t)to;
	return true;
}

bool
bytes_extract(const struct op *op, struct view data, size_t *pos,
	      uint64_t *vars)
{
	uint64_t x;
	size_t end;

	if (!extract(op, data, *pos, vars, &x, &end)) {
		return false;
	}
	*pos = end;
	vars[op->byte.result] = aligned(op, x * op->byte.multiplier);
	return true;
}

bool
bytes_math(const struct op *op, struct view data, size_t *pos, uint64_t *vars)
{
	uint64_t x, y = whole(&op->byte.value, vars);
	size_t end;

	if (!extract(op, data, *pos, vars, &x, &end)) {
		return false;
	}
	switch ((enum math)op->byte.math) {
	case MATH_ADD:
		x += y;
		break;
	case MATH_SUB:
		x -= y;
		break;
	case MATH_MUL:
		x *= y;
		break;
	case MATH_DIV:
		if (y == 0) {
			return false;
		}
		x /= y;
		break;
	case MATH_SHL:
		x = y < 64 ? x << y : 0;
		break;
	case MATH_SHR:
		x = y < 64 ? x >> y : 0;
		break;
	}
	*pos = end;
	vars[op->byte.result] = x;
	return true;
}
