/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/prefilter.h"

#include <assert.h>

#include "rules/prefilter_db.h"

/*
 * Hyperscan's lengths are 32 bits.  Longer data is scanned in pieces that
 * overlap by the longest literal, so that none is lost at a border.
 */
#define SCAN_PIECE ((size_t)1 << 30)

struct scan_out {
	uint64_t *bits;
	uint32_t *ids;
	size_t n;
};

static int
on_match(unsigned int id, unsigned long long from, unsigned long long to,
	 unsigned int flags, void *ctx)
{
	struct scan_out *out = ctx;
	uint64_t bit = UINT64_C(1) << (id % 64);

	(void)from;
	(void)to;
	(void)flags;
	if (id == PREFILTER_NOBODY) {
		return 0;
	}
	if ((out->bits[id / 64] & bit) == 0) {
		out->bits[id / 64] |= bit;
		out->ids[out->n++] = id;
	}
	return 0;
}

size_t
prefilter_scan(const struct prefilter *p, struct prefilter_scratch *s,
	       struct view data, uint64_t *bits, uint32_t *ids)
{
	struct scan_out out = { .bits = bits, .ids = ids };

	if (p->db == NULL) {
		return 0;
	}
	while (data.len > 0) {
		size_t piece = MIN(data.len, SCAN_PIECE);
		hs_error_t rc =
			hs_scan(p->db, (const char *)data.p,
				(unsigned int)piece, 0, s->hs, on_match, &out);

		/* Only a scratch that was not grown, or is in use, fails. */
		assert(rc == HS_SUCCESS);
		if (piece == data.len) {
			break;
		}
		data = view_sub(data, piece - (p->longest - 1), data.len);
	}
	return out.n;
}

size_t
prefilter_memory(const struct prefilter *p)
{
	return p->memory;
}

size_t
prefilter_longest(const struct prefilter *p)
{
	return p->longest;
}
