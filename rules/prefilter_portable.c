/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/prefilter_path.h"
#include "rules/prefilter_short.h"
#include "rules/prefilter_sift.h"

static unsigned
classes_at(const struct filter *f, struct view data, size_t p)
{
	unsigned all = 0xff;

	for (unsigned j = 0; j < f->width && all != 0; j++) {
		all &= f->at[0][j].byte[p + j < data.len ? data.p[p + j] : 0];
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
		uint32_t v = load_le32(data.p + p);

		if (v == (v << 8 | v >> 24) &&
		    (f->at[0][0].byte[data.p[p]] != 0)) {
			return p;
		}
	}
	return to;
}

static void
find(struct short_search *x)
{
	const union classes *at = x->shorts->at;

	for (size_t p = x->from; p < x->to && x->wanted != 0; p++) {
		unsigned all = x->wanted;

		for (unsigned j = 0; j < x->shorts->width && all != 0; j++) {
			uint8_t c = p + j < x->data.len ? x->data.p[p + j] : 0;

			all &= at[j].byte[c];
		}
		take_shorts(x, p, all);
	}
}

const struct prefilter_path prefilter_portable = {
	"portable", CLASS_BYTE, filter, sift, run, find,
};
