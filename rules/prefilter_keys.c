/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which piece of each literal is its key, and which of the filter's
 * buckets it goes to.  The filter passes a position when for one bucket each
 * byte is one that some key of the bucket has at that place; so keys that are
 * alike belong together, and a bucket's share of passing positions is about
 * the product of the shares of bytes its places admit.  Literals are placed
 * one by one where they add least, and then all once more, now that the
 * others are known.
 */
#include "rules/prefilter_lane.h"

#include <math.h>
#include <stdlib.h>

#include "rules/byte_gram.h"

#define BUCKETS (8 * TABLES)
#define CHOICES 6 /* keys of a literal that are weighed */
#define ROUNDS 2
#define PASS_COST 4.0 /* cycles of a position that passes the filter */
#define PLACE_COST 0.04 /* of looking a byte up */
#define CLUMPS 4.0 /* bytes of one kind come together */
#define CROWD 4 /* literals of one key that are no cost at all */
#define CROWD_COST 1e-4 /* for each more: whoever sends the key pays for all */
#define KEY_COST 25.0 /* of one where the key stands */

/*
 * Keys that are worth a second table, and those that are worth a third and a
 * fourth.  Where sixteen positions are sifted at a time it takes more of them.
 */
static const struct {
	size_t many, very_many;
} worth[] = {
	[CLASS_SIX] = { 300, 2500 },
	[CLASS_FOUR] = { 100, 1000 },
	/* one position at a time has all buckets for the price of one; a
	 * second table would cost as much as the first */
	[CLASS_BYTE] = { SIZE_MAX, SIZE_MAX },
};

/* What one bucket admits at one place. */
struct place {
	uint32_t byte[256], low[16], high[16]; /* how many keys want it */
	double share; /* of bytes that pass */
};

struct keys {
	enum class_form form;
	unsigned width, buckets;
	double rate[256]; /* of bytes */
	struct place at[BUCKETS][LANE_WIDTH_MAX];
	uint16_t *crowd; /* literals by the hash of their key */
	unsigned crowd_shift;
};

static double
rate_of(unsigned cost)
{
	return exp2(-(double)cost / 2);
}

/* By how much 'c' would add to the share of 'pl'. */
static double
added(const struct keys *k, const struct place *pl, uint8_t c)
{
	unsigned low = c & 15, high = c >> 4;
	double sum = 0;

	if (k->form != CLASS_FOUR) {
		return pl->byte[c] > 0 ? 0 : k->rate[c];
	}
	if (pl->low[low] == 0) {
		for (unsigned h = 0; h < 16; h++) {
			sum += pl->high[h] > 0 || h == high
				       ? k->rate[h << 4 | low]
				       : 0;
		}
	}
	if (pl->high[high] == 0) {
		for (unsigned l = 0; l < 16; l++) {
			sum += pl->low[l] > 0 ? k->rate[high << 4 | l] : 0;
		}
	}
	return sum;
}

static void
count_share(const struct keys *k, struct place *pl)
{
	pl->share = 0;
	for (unsigned c = 0; c < 256; c++) {
		bool in = k->form == CLASS_FOUR
				  ? pl->low[c & 15] > 0 && pl->high[c >> 4] > 0
				  : pl->byte[c] > 0;

		pl->share += in ? k->rate[c] : 0;
	}
}

static void
want(struct keys *k, struct place *pl, uint8_t c, bool gone)
{
	uint32_t step = gone ? UINT32_MAX : 1; /* -1 or +1 */
	uint32_t low = pl->low[c & 15], high = pl->high[c >> 4];
	uint32_t byte = pl->byte[c];

	pl->byte[c] += step;
	pl->low[c & 15] += step;
	pl->high[c >> 4] += step;
	if (byte == 0 || pl->byte[c] == 0 || low == 0 || high == 0 ||
	    pl->low[c & 15] == 0 || pl->high[c >> 4] == 0) {
		count_share(k, pl);
	}
}

static uint8_t
other_case(const struct prefilter_literal *l, size_t i)
{
	uint8_t c = l->bytes.p[i];

	return byte_mask(c, l->nocase) != 0xff ? c ^ 0x20 : c;
}

/* How many literals have their key in common with 'v', more or less. */
static uint16_t *
crowd_of(const struct keys *k, const struct piece *v)
{
	uint64_t mask =
		k->width >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * k->width) - 1;

	return &k->crowd[piece_hash(v, mask, 0) >> k->crowd_shift];
}

static void
place_piece(struct keys *k, const struct piece *v, bool gone)
{
	uint16_t *crowd = crowd_of(k, v);

	*crowd = (uint16_t)(*crowd + (gone ? -1 : 1));
	for (unsigned j = 0; j < k->width; j++) {
		struct place *pl = &k->at[v->bucket][j];
		uint8_t c = v->lit->bytes.p[v->key + j];
		uint8_t d = other_case(v->lit, v->key + j);

		want(k, pl, c, gone);
		if (c != d) {
			want(k, pl, d, gone);
		}
	}
}

/* What a key at 'key' adds to the rate at which bucket 'b' passes. */
static double
adds_to(const struct keys *k, const struct prefilter_literal *l, size_t key,
	unsigned b)
{
	double was = 1, is = 1;

	for (unsigned j = 0; j < k->width; j++) {
		const struct place *pl = &k->at[b][j];
		uint8_t c = l->bytes.p[key + j], d = other_case(l, key + j);
		double more = added(k, pl, c) + (c != d ? added(k, pl, d) : 0);

		was *= pl->share;
		is *= pl->share + more;
	}
	return is - was;
}

/* The rarest keys of a literal, as many as are worth weighing. */
static unsigned
choices(const struct keys *k, const struct prefilter_literal *l,
	uint16_t at[CHOICES], double rate[CHOICES])
{
	unsigned n = 0;

	for (size_t i = 0; i + k->width <= l->bytes.len; i++) {
		double r = rate_of(byte_gram_string(
			view_sub(l->bytes, i, k->width), l->nocase));
		unsigned j = n < CHOICES ? n++ : CHOICES;

		while (j > 0 && rate[j - 1] > r) {
			if (j < CHOICES) {
				at[j] = at[j - 1];
				rate[j] = rate[j - 1];
			}
			j--;
		}
		if (j < CHOICES) {
			at[j] = (uint16_t)i;
			rate[j] = r;
		}
	}
	return n;
}

/* What it is worth not to be one more under the key at 'key'. */
static double
crowd_cost(const struct keys *k, const struct prefilter_literal *l,
	   uint16_t key)
{
	struct piece v = { .lit = l, .key = key };
	unsigned n = *crowd_of(k, &v);

	return n > CROWD ? (n - CROWD) * CROWD_COST : 0;
}

static void
choose(struct keys *k, struct piece *v)
{
	uint16_t at[CHOICES];
	double rate[CHOICES], best = INFINITY;
	unsigned n = choices(k, v->lit, at, rate);

	for (unsigned i = 0; i < n; i++) {
		double crowd = crowd_cost(k, v->lit, at[i]);

		for (unsigned b = 0; b < k->buckets; b++) {
			double cost = adds_to(k, v->lit, at[i], b) * PASS_COST +
				      rate[i] * KEY_COST + crowd;

			if (cost < best) {
				best = cost;
				v->key = at[i];
				v->bucket = (uint8_t)b;
			}
		}
	}
}

void
filter_admit(union classes *at, enum class_form form, unsigned bucket,
	     uint8_t c)
{
	uint8_t bit = (uint8_t)(1u << bucket);

	switch (form) {
	case CLASS_SIX:
		at->six.low[c & 63] |= bit;
		at->six.high[c >> 2] |= bit;
		break;
	case CLASS_FOUR:
		at->four.low[c & 15] |= bit;
		at->four.high[c >> 4] |= bit;
		break;
	default:
		at->byte[c] |= bit;
	}
}

/*
 * How many bytes of the keys the filter should look at: one more costs every
 * position, one less lets more of them through.
 */
static unsigned
best_width(const struct keys *k)
{
	double pass[BUCKETS], best = INFINITY;
	unsigned width = k->width;

	for (unsigned b = 0; b < k->buckets; b++) {
		pass[b] = 1;
	}
	for (unsigned j = 0; j < k->width; j++) {
		double sum = 0, cost;

		for (unsigned b = 0; b < k->buckets; b++) {
			pass[b] *= k->at[b][j].share;
			sum += pass[b];
		}
		cost = sum * CLUMPS * PASS_COST +
		       PLACE_COST * (j + 1) * (k->buckets / 8);
		if (cost < best && (j > 0 || k->width == 1)) {
			best = cost;
			width = j + 1;
		}
	}
	return width;
}

bool
filter_build(struct filter *f, enum class_form form, struct piece *v, size_t n)
{
	struct keys *k = calloc(1, sizeof(*k));
	unsigned bits = 6;

	while (((size_t)1 << bits) < 8 * n) {
		bits++;
	}
	if (k != NULL) {
		k->crowd = calloc((size_t)1 << bits, sizeof(k->crowd[0]));
		k->crowd_shift = 64 - bits;
	}
	if (k == NULL || k->crowd == NULL) {
		free(k);
		return false;
	}
	k->form = form;
	k->width = f->width;
	f->tables = n >= worth[form].very_many ? TABLES
		    : n >= worth[form].many    ? 2
					       : 1;
	k->buckets = 8 * f->tables;
	for (unsigned c = 0; c < 256; c++) {
		k->rate[c] = rate_of(byte_gram_byte((uint8_t)c, false));
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < n; i++) {
			if (round > 0) {
				place_piece(k, &v[i], true);
			}
			choose(k, &v[i]);
			place_piece(k, &v[i], false);
		}
	}
	f->width = best_width(k);
	free(k->crowd);
	free(k);
	for (size_t i = 0; i < n; i++) {
		union classes *at = f->at[v[i].bucket / 8];
		unsigned bucket = v[i].bucket % 8;

		for (unsigned j = 0; j < f->width; j++) {
			size_t p = v[i].key + j;

			filter_admit(&at[j], form, bucket,
				     v[i].lit->bytes.p[p]);
			filter_admit(&at[j], form, bucket,
				     other_case(v[i].lit, p));
		}
	}
	return true;
}
