/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literals and data out of the fuzzer's bytes; every path of the prefilter
 * must report what a naive search finds.  Input: a byte of how much of the data
 * is old and one of its offset in the buffer; up to 32 literals, each a byte of
 * length and flags (1 to 31 bytes, 0x80: caseless, 0x60: id shared, 0x40: at
 * the offset of the next byte only); a zero; then the data.
 */
#include <stdlib.h>

#include "rules/prefilter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_LITERALS 32
#define MAX_DATA 4096

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
take_literals(struct view *in, struct prefilter_literal *lits)
{
	size_t n = 0;

	while (n < MAX_LITERALS && in->len > 0) {
		uint8_t head = in->p[0];
		size_t len = head & 31;
		uint32_t from = 0, to = PREFILTER_ANYWHERE;

		*in = view_sub(*in, 1, in->len);
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

static void
try_path(const char *name, const struct prefilter_literal *lits, size_t n,
	 const struct prefilter_input *in, const size_t *want)
{
	static struct prefilter_scratch *s;
	struct prefilter_hit hits[64];
	uint64_t got = 0;
	struct prefilter *p;
	struct diag d;
	size_t found;

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
	found = prefilter_scan(p, s, in, &got, hits);
	for (size_t i = 0; i < found; i++) {
		if (hits[i].at != want[hits[i].id]) {
			abort();
		}
	}
	for (unsigned i = 0; i < 64; i++) {
		found -= want[i] != SIZE_MAX;
		if ((got >> i & 1) != (want[i] != SIZE_MAX)) {
			abort();
		}
	}
	if (found != 0) {
		abort();
	}
	prefilter_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefilter_literal lits[MAX_LITERALS];
	struct view all = view_of(data, size);
	struct prefilter_input in = { .data = VIEW_NONE };
	size_t n, want[64];
	uint8_t *copy;

	if (size < 2) {
		return 0;
	}
	all = view_sub(all, 2, size);
	n = take_literals(&all, lits);
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
	in.fresh = data[0];
	in.base = data[1];
	for (unsigned i = 0; i < 64; i++) {
		want[i] = SIZE_MAX;
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = stands_at(&lits[i], &in);

		want[lits[i].id] = MIN(want[lits[i].id], at);
	}
	for (unsigned i = 0; prefilter_path_name(i) != NULL; i++) {
		try_path(prefilter_path_name(i), lits, n, &in, want);
	}
	free(copy);
	return 0;
}
