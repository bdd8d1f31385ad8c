/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literals and data out of the fuzzer's bytes; the prefilter must report what
 * a naive search finds.  Input: up to 32 literals, each a byte of length and
 * flags (1 to 31 bytes, 0x80: caseless, 0x60: id), a zero, then the data.
 */
#include <stdlib.h>

#include "rules/prefilter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_LITERALS 32
#define MAX_DATA 4096

static bool
occurs(const struct prefilter_literal *l, struct view data)
{
	for (size_t i = 0; i + l->bytes.len <= data.len; i++) {
		struct view at = view_of(data.p + i, l->bytes.len);

		if (l->nocase ? view_caseeq(at, l->bytes)
			      : view_eq(at, l->bytes)) {
			return true;
		}
	}
	return false;
}

static size_t
take_literals(struct view *in, struct prefilter_literal *lits)
{
	size_t n = 0;

	while (n < MAX_LITERALS && in->len > 0) {
		uint8_t head = in->p[0];
		size_t len = head & 31;

		*in = view_sub(*in, 1, in->len);
		if (len == 0 || len > in->len) {
			break;
		}
		/* Every fourth shares an id. */
		lits[n] = (struct prefilter_literal){
			view_sub(*in, 0, len), (head & 0x80) != 0,
			(head & 0x60) == 0x60 ? 63 : (uint32_t)n
		};
		*in = view_sub(*in, len, in->len);
		n++;
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct prefilter_scratch *s;
	struct prefilter_literal lits[MAX_LITERALS];
	struct view in = view_of(data, size);
	size_t n = take_literals(&in, lits), found;
	uint64_t want = 0, got = 0, listed = 0;
	uint32_t ids[64];
	struct prefilter *p;
	struct diag d;

	in.len = MIN(in.len, MAX_DATA);
	for (size_t i = 0; i < n; i++) {
		want |= (uint64_t)occurs(&lits[i], in) << lits[i].id;
	}
	if (s == NULL) {
		s = prefilter_scratch_new();
	}
	p = prefilter_build(lits, n, &d);
	if (p == NULL || s == NULL || prefilter_scratch_grow(s, p) != ERR_OK) {
		abort();
	}
	found = prefilter_scan(p, s, in, &got, ids);
	for (size_t i = 0; i < found; i++) {
		listed += UINT64_C(1) << ids[i];
	}
	if (got != want || listed != want) {
		abort();
	}
	prefilter_free(p);
	return 0;
}
