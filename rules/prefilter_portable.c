/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/prefilter_path.h"
#include "rules/prefilter_sift.h"

static unsigned
classes_at(const struct filter *f, struct view data, size_t p)
{
	unsigned all = 0xff;

	for (unsigned j = 0; j < f->width && all != 0; j++) {
		all &= f->at[j].byte[p + j < data.len ? data.p[p + j] : 0];
	}
	return all;
}

static size_t
filter(const struct filter *f, struct view data, size_t from, size_t to,
       uint16_t *queue)
{
	size_t n = 0;

	for (size_t p = from; p < to; p++) {
		queue[n] = (uint16_t)(p - from);
		n += classes_at(f, data, p) != 0;
	}
	return n;
}

static size_t
run(const struct filter *f, struct view data, size_t from, size_t to)
{
	for (size_t p = from; p < to; p++) {
		uint32_t v = load32(data.p + p);

		if (v == (v << 8 | v >> 24) &&
		    (f->at[0].byte[data.p[p]] != 0)) {
			return p;
		}
	}
	return to;
}

static bool
stands_at(const struct single *l, const uint8_t *at)
{
	for (unsigned j = 0; j < l->len; j++) {
		if (((at[j] ^ l->byte[j]) & l->mask[j]) != 0) {
			return false;
		}
	}
	return true;
}

static size_t
find(const struct single *l, struct view data, size_t from, size_t to)
{
	for (size_t p = from; p < to; p++) {
		if (stands_at(l, data.p + p)) {
			return p;
		}
	}
	return to;
}

const struct prefilter_path prefilter_portable = {
	"portable", CLASS_BYTE, filter, sift, run, find,
};
