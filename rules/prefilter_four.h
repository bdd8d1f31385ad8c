/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter_four.h - the loops of a path that looks bytes up by half bytes
 *
 * Internal: included by prefilter_avx2.c, _ssse3.c and _neon.c, which define
 *
 *	vec		a register of STEP bytes
 *	v_load, v_store	from and to memory, unaligned
 *	v_spread(p)	16 bytes at 'p' for v_look
 *	v_set(c)	'c' everywhere
 *	v_look(t, i)	t[i] for each byte of i, all below 16
 *	v_and, v_or, v_eq, v_low, v_high (the half bytes)
 *	v_bits(v)	a bit for each byte of 'v' that is not zero, at
 *			POSITION(number of the bit)
 *
 * The half bytes of a block are written side by side first: then a look-up at
 * each of a key's places takes its indices straight from memory, and what is
 * read behind the data is this copy's padding.
 *
 * Place    beside prefilter_path.h.
 * Threads  pure functions.
 * Memory   2 KiB of stack.
 * Cost     hot.
 */
#ifndef RULES_PREFILTER_FOUR_H
#define RULES_PREFILTER_FOUR_H

#define ALWAYS inline __attribute__((always_inline))
#define HALVES (BLOCK + 2 * STEP + LANE_WIDTH_MAX)

struct halves {
	uint8_t low[HALVES] __attribute__((aligned(64)));
	uint8_t high[HALVES] __attribute__((aligned(64)));
};

static ALWAYS void
put_halves(struct halves *h, size_t at, vec v)
{
	v_store(h->low + at, v_low(v));
	v_store(h->high + at, v_high(v));
}

/* Those of data[from..), 'n' of them at least; behind the data come zeros. */
static ALWAYS void
split(struct halves *h, struct view data, size_t from, size_t n)
{
	size_t i = 0, left = data.len - from;

	for (; i < n && i + STEP <= left; i += STEP) {
		put_halves(h, i, v_load(data.p + from + i));
	}
	if (i < n) {
		uint8_t rest[STEP] = { 0 };

		for (size_t k = i; k < left; k++) {
			rest[k - i] = data.p[from + k];
		}
		put_halves(h, i, v_load(rest));
		i += STEP;
	}
	if (i < n) {
		put_halves(h, i, v_set(0));
	}
}

static ALWAYS size_t
filter_width(const struct filter *f, unsigned width, unsigned tables,
	     struct view data, size_t from, size_t to, uint16_t *queue)
{
	vec low[TABLES][LANE_WIDTH_MAX], high[TABLES][LANE_WIDTH_MAX];
	size_t n = 0, len = to - from;
	struct halves h;

	split(&h, data, from, (len + STEP - 1) / STEP * STEP + width - 1);
#pragma GCC unroll 4
	for (unsigned t = 0; t < tables; t++) {
#pragma GCC unroll 4
		for (unsigned j = 0; j < width; j++) {
			low[t][j] = v_spread(f->at[t][j].four.low);
			high[t][j] = v_spread(f->at[t][j].four.high);
		}
	}
	for (size_t i = 0; i < len; i += STEP) {
		vec r[TABLES];

#pragma GCC unroll 4
		for (unsigned j = 0; j < width; j++) {
			vec l = v_load(h.low + i + j);
			vec g = v_load(h.high + i + j);

#pragma GCC unroll 4
			for (unsigned t = 0; t < tables; t++) {
				vec v = v_and(v_look(low[t][j], l),
					      v_look(high[t][j], g));

				r[t] = j == 0 ? v : v_and(r[t], v);
			}
		}
#pragma GCC unroll 4
		for (unsigned t = 1; t < tables; t++) {
			r[0] = v_or(r[0], r[t]);
		}
		for (uint64_t m = v_bits(r[0]); m != 0; m &= m - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(m);

			queue[n++] = (uint16_t)(i + POSITION(bit));
		}
	}
	while (n > 0 && queue[n - 1] >= len) {
		n--; /* of the padding */
	}
	return n;
}

#define TABLES_OF(w, n) \
	case n: \
		return filter_width(f, w, n, data, from, to, queue)

#define WIDTH(w) \
	switch (f->tables) { \
		TABLES_OF(w, 1); \
		TABLES_OF(w, 2); \
	default: \
		TABLES_OF(w, TABLES); \
	}

static size_t
filter(const struct filter *f, struct view data, size_t from, size_t to,
       uint16_t *queue)
{
	switch (f->width) {
	case 2:
		WIDTH(2)
	case 3:
		WIDTH(3)
	default:
		WIDTH(4)
	}
}

/* The bytes at 'p' that 'f' lets pass, as v_bits(). */
static ALWAYS vec
passes(const struct filter *f, vec v)
{
	return v_and(v_look(v_spread(f->at[0][0].four.low), v_low(v)),
		     v_look(v_spread(f->at[0][0].four.high), v_high(v)));
}

static size_t
run(const struct filter *f, struct view data, size_t from, size_t to)
{
	size_t p = from;

	for (; p + STEP <= to; p += STEP) {
		vec v = v_load(data.p + p), all = passes(f, v);
		uint64_t m = v_bits(all);

		for (unsigned j = 1; j < RUN_MIN && m != 0; j++) {
			all = v_and(all, v_eq(v, v_load(data.p + p + j)));
			m = v_bits(all);
		}
		if (m != 0) {
			return p + POSITION((unsigned)__builtin_ctzll(m));
		}
	}
	for (; p < to; p++) {
		uint32_t v = load_le32(data.p + p);
		uint8_t c = data.p[p];

		if (v == (v << 8 | v >> 24) &&
		    (f->at[0][0].four.low[c & 15] &
		     f->at[0][0].four.high[c >> 4]) != 0) {
			return p;
		}
	}
	return to;
}

/* The shorts that stand at the STEP bytes from 'at' on; 'p' is in the data. */
static ALWAYS void
find_step(struct short_search *x, const vec *low, const vec *high,
	  unsigned width, const uint8_t *at, size_t p)
{
	vec r = v_set((uint8_t)x->wanted);
	uint8_t classes[STEP];
	uint64_t m;

	for (unsigned j = 0; j < width; j++) {
		vec v = v_load(at + j);

		r = v_and(r, v_and(v_look(low[j], v_low(v)),
				   v_look(high[j], v_high(v))));
	}
	m = v_bits(r);
	if (m == 0) {
		return;
	}
	v_store(classes, r);
	for (; m != 0; m &= m - 1) {
		unsigned i = POSITION((unsigned)__builtin_ctzll(m));

		take_shorts(x, p + i, classes[i]);
	}
}

static ALWAYS void
find_width(struct short_search *x, unsigned width)
{
	vec low[SHORT_MAX], high[SHORT_MAX];
	uint8_t rest[STEP + SHORT_MAX + STEP] = { 0 };
	size_t p = x->from;

	for (unsigned j = 0; j < width; j++) {
		low[j] = v_spread(x->shorts->at[j].four.low);
		high[j] = v_spread(x->shorts->at[j].four.high);
	}
	for (; p + STEP + width - 1 <= x->data.len; p += STEP) {
		if (p >= x->to || x->wanted == 0) {
			return;
		}
		find_step(x, low, high, width, x->data.p + p, p);
	}
	if (p >= x->to || x->wanted == 0) {
		return;
	}
	/* fewer than STEP + width - 1 are left */
	memcpy(rest, x->data.p + p, x->data.len - p);
	find_step(x, low, high, width, rest, p);
	find_step(x, low, high, width, rest + STEP, p + STEP);
}

static void
find(struct short_search *x)
{
	switch (x->shorts->width) {
	case 1:
		find_width(x, 1);
		break;
	case 2:
		find_width(x, 2);
		break;
	default:
		find_width(x, 3);
	}
}

#endif
