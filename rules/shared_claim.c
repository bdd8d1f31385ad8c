/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/shared_claim.h"

#include "rules/dataset.h"

void
claim_reset(struct claim_buf *b)
{
	b->base = b->len = 0;
	b->full = false;
}

void
claim_begin(struct claim_buf *b)
{
	b->len = b->base;
	b->full = false;
}

static bool
put(struct claim_buf *b, const void *p, size_t n)
{
	b->full = b->full || CLAIM_ROOM - b->len < n;
	if (!b->full && n > 0) {
		memcpy(b->p + b->len, p, n);
		b->len += n;
	}
	return !b->full;
}

void
claim_list(struct claim_buf *b)
{
	uint32_t none = 0;

	b->count_at = b->len;
	put(b, &none, sizeof(none));
}

void
claim_value(struct claim_buf *b, struct view value)
{
	/* longer ones are in no set: as good as empty */
	uint32_t len = value.len <= DATASET_MAX_VALUE ? (uint32_t)value.len : 0;
	uint32_t n;

	if (put(b, &len, sizeof(len)) && put(b, value.p, len)) {
		memcpy(&n, b->p + b->count_at, sizeof(n));
		n++;
		memcpy(b->p + b->count_at, &n, sizeof(n));
	}
}

struct view
claim_keep(struct claim_buf *b)
{
	struct view v = view_of(b->p + b->base, b->len - b->base);

	b->base = b->len;
	return v;
}

static uint32_t
number(struct view *values)
{
	uint32_t n = 0;

	if (values->len < sizeof(n)) {
		*values = VIEW_NONE;
		return 0;
	}
	memcpy(&n, values->p, sizeof(n));
	*values = view_sub(*values, sizeof(n), values->len);
	return n;
}

uint32_t
claim_next_list(struct view *values)
{
	return number(values);
}

struct view
claim_next_value(struct view *values)
{
	uint32_t n = number(values);
	struct view v = view_sub(*values, 0, n);

	*values = view_sub(*values, n, values->len);
	return v;
}
