/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literals and data out of the fuzzer's bytes; every path of the prefilter
 * must report what a naive search finds.  Input: a byte of how much of the data
 * is old and one of its offset in the buffer; up to 32 literals, each a byte of
 * length and flags (1 to 31 bytes, 0x80: caseless, 0x60: id shared, 0x40: at
 * the offset of the next byte only); a zero; then the data.  Instead of a zero
 * 0x20 and a byte: up to 2,040 literals more, made of pieces of the data, for
 * one of the paths, as building them takes most of the time.
 */
#include <stdlib.h>

#include "rules/prefilter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FEW_LITERALS 32
#define MAX_LITERALS 2112
#define MADE_BYTES 24 /* of one that is made */
#define MAX_DATA 4096
#define IDS MAX_LITERALS

/* Where 'l' first stands in 'in' as asked for; SIZE_MAX: nowhere. */
static size_t
stands_at(const struct prefilter_literal *l, const struct prefilter_input *in)
{
	for (size_t i = 0; i + l->bytes.len <= in->data.len; i++) {
		struct view at = view_of(in->data.p + i, l->bytes.len);

		if (i + l->bytes.len > in->fresh && in->base + i >= l->from &&
		    (l->to == PREFILTER_ANYWHERE || in->base + i <= l->to) &&
		    (l->nocase ? view_caseeq(at, l->bytes)
			       : view_eq(at, l->bytes))) {
			return i;
		}
	}
	return SIZE_MAX;
}

static size_t
take_literals(struct view *in, struct prefilter_literal *lits, uint8_t *many)
{
	size_t n = 0;

	while (n < FEW_LITERALS && in->len > 0) {
		uint8_t head = in->p[0];
		size_t len = head & 31;
		uint32_t from = 0, to = PREFILTER_ANYWHERE;

		*in = view_sub(*in, 1, in->len);
		if (head == 0x20 && in->len > 0) {
			*many = in->p[0];
			*in = view_sub(*in, 1, in->len);
			break;
		}
		if (len == 0 || len > in->len) {
			break;
		}
		if ((head & 0x60) == 0x40) {
			from = in->p[0];
			to = from + in->p[0] % 3;
		}
		/* Every fourth shares an id. */
		lits[n] = (struct prefilter_literal){
			view_sub(*in, 0, len),
			(head & 0x80) != 0,
			(head & 0x60) == 0x60 ? 63 : (uint32_t)n,
			from,
			to,
		};
		*in = view_sub(*in, len, in->len);
		n++;
	}
	return n;
}

/*
 * Literals that the data nearly have: as many as make every table of a lane
 * and every bucket of its filter.
 */
static size_t
make_literals(struct view data, uint8_t many, struct prefilter_literal *lits,
	      size_t n)
{
	static uint8_t bytes[MAX_LITERALS][MADE_BYTES];
	uint64_t x = many;
	size_t end = MIN(n + 8 * (size_t)many, (size_t)MAX_LITERALS);

	for (; n < end && data.len > 0; n++) {
		size_t from, len;

		x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
		from = (size_t)(x >> 40) % data.len;
		len = MIN(1 + (size_t)(x >> 33) % MADE_BYTES, data.len - from);
		memcpy(bytes[n], data.p + from, len);
		if ((x >> 20 & 3) != 0) {
			bytes[n][(x >> 22) % len] ^=
				(uint8_t)(1u << (x >> 27) % 8);
		}
		lits[n] = (struct prefilter_literal){
			view_of(bytes[n], len),
			(x >> 31 & 1) != 0,
			(uint32_t)n,
			0,
			PREFILTER_ANYWHERE,
		};
	}
	return n;
}

static void
scan_once(const struct prefilter *p, struct prefilter_scratch *s,
	  const struct prefilter_input *in, const size_t *want)
{
	static struct prefilter_hit hits[MAX_LITERALS + 1];
	uint64_t got[IDS / 64] = { 0 };
	size_t found = prefilter_scan(p, s, in, got, hits);

	for (size_t i = 0; i < found; i++) {
		if (hits[i].at != want[hits[i].id]) {
			abort();
		}
	}
	for (unsigned i = 0; i < IDS; i++) {
		found -= want[i] != SIZE_MAX;
		if ((got[i / 64] >> (i % 64) & 1) != (want[i] != SIZE_MAX)) {
			abort();
		}
	}
	if (found != 0) {
		abort();
	}
}

static void
try_path(const char *name, const struct prefilter_literal *lits, size_t n,
	 const struct prefilter_input *in, const size_t *want)
{
	/* never the automaton; in the midst of a block; always */
	const uint32_t limits[] = { UINT32_MAX, 40, 0 };
	static struct prefilter_scratch *s;
	struct prefilter *p;
	struct diag d;

	if (s == NULL) {
		s = prefilter_scratch_new();
	}
	if (!prefilter_force_path(name)) {
		abort();
	}
	p = prefilter_build(lits, n, &d);
	if (p == NULL || s == NULL || prefilter_scratch_grow(s, p) != ERR_OK) {
		abort();
	}
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		prefilter_force_linear(s, limits[i]);
		scan_once(p, s, in, want);
	}
	prefilter_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct prefilter_literal lits[MAX_LITERALS];
	struct view all = view_of(data, size);
	struct prefilter_input in = { .data = VIEW_NONE };
	static size_t want[IDS];
	uint8_t *copy, many = 0;
	unsigned paths = 0;
	size_t n;

	if (size < 2) {
		return 0;
	}
	all = view_sub(all, 2, size);
	n = take_literals(&all, lits, &many);
	/* on its own, so that the sanitizer sees both of its ends */
	in.data.len = MIN(all.len, MAX_DATA);
	copy = malloc(MAX(in.data.len, (size_t)1));
	if (copy == NULL) {
		abort();
	}
	if (in.data.len > 0) {
		memcpy(copy, all.p, in.data.len);
	}
	in.data.p = copy;
	n = make_literals(in.data, many, lits, n);
	in.fresh = data[0];
	in.base = data[1];
	for (unsigned i = 0; i < IDS; i++) {
		want[i] = SIZE_MAX;
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = stands_at(&lits[i], &in);

		want[lits[i].id] = MIN(want[lits[i].id], at);
	}
	while (prefilter_path_name(paths) != NULL) {
		paths++;
	}
	for (unsigned i = 0; i < paths; i++) {
		if (n <= FEW_LITERALS || i == size % paths) {
			try_path(prefilter_path_name(i), lits, n, &in, want);
		}
	}
	free(copy);
	return 0;
}
