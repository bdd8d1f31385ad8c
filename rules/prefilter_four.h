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
 *	v_bits(v)	a bit for each byte of 'v' that is not zero; those of
 *			two bytes stand BITS apart
 *
 * Place    beside prefilter_path.h.
 * Threads  pure functions.
 * Memory   none but the caller's.
 * Cost     hot.
 */
#ifndef RULES_PREFILTER_FOUR_H
#define RULES_PREFILTER_FOUR_H

#define ALWAYS inline __attribute__((always_inline))
#define POSITION(bit) ((bit) / BITS)

/* What a filter looks bytes up in. */
struct look_ups {
	vec low[TABLES][LANE_WIDTH_MAX], high[TABLES][LANE_WIDTH_MAX];
};

/* Of the STEP positions from 'at' on, each with 'width' bytes, those that
 * pass. */
static ALWAYS uint64_t
positions(const struct look_ups *f, unsigned width, unsigned tables,
	  const uint8_t *at)
{
	vec r[TABLES];

#pragma GCC unroll 4
	for (unsigned j = 0; j < width; j++) {
		vec v = v_load(at + j), l = v_low(v), h = v_high(v);

#pragma GCC unroll 4
		for (unsigned t = 0; t < tables; t++) {
			vec c = v_and(v_look(f->low[t][j], l),
				      v_look(f->high[t][j], h));

			r[t] = j == 0 ? c : v_and(r[t], c);
		}
	}
#pragma GCC unroll 4
	for (unsigned t = 1; t < tables; t++) {
		r[0] = v_or(r[0], r[t]);
	}
	return v_bits(r[0]);
}

/* Appends the positions behind 'first' that have a bit. */
static ALWAYS size_t
append(uint16_t *queue, size_t n, uint64_t m, size_t first)
{
	for (; m != 0; m &= m - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(m);

		queue[n++] = (uint16_t)(first + POSITION(bit));
	}
	return n;
}

/*
 * The last positions, fewer than STEP, are those of a step that begins before
 * them where there is room for one, else of a copy.
 */
static ALWAYS size_t
filter_width(const struct filter *f, unsigned width, unsigned tables,
	     struct view data, size_t from, size_t to, uint16_t *queue)
{
	uint8_t rest[2 * STEP + LANE_WIDTH_MAX];
	struct look_ups t;
	size_t n = 0, p = from, left;
	uint64_t m;

#pragma GCC unroll 4
	for (unsigned k = 0; k < tables; k++) {
#pragma GCC unroll 4
		for (unsigned j = 0; j < width; j++) {
			t.low[k][j] = v_spread(f->at[k][j].four.low);
			t.high[k][j] = v_spread(f->at[k][j].four.high);
		}
	}
	for (; p + STEP <= to; p += STEP) {
		m = positions(&t, width, tables, data.p + p);
		n = append(queue, n, m, p - from);
	}
	left = to - p;
	if (left == 0) {
		return n;
	}
	if (to >= STEP) {
		m = positions(&t, width, tables, data.p + to - STEP);
		m >>= BITS * (STEP - left);
	} else {
		memset(rest, 0, sizeof(rest));
		memcpy(rest, data.p + p, left + width - 1);
		m = positions(&t, width, tables, rest);
		m = m << BITS * (64 / BITS - left) >> BITS * (64 / BITS - left);
	}
	return append(queue, n, m, p - from);
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
