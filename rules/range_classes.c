/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/range_classes.h"

#include <stdlib.h>

#define SETS_MAX 8192
#define BORDERS_MAX ((size_t)1 << 20)

/* One of the distinct sets, and its entries. */
struct set_use {
	const struct range_set *set;
	size_t first, n;
};

struct border {
	unsigned __int128 at;
	uint32_t set;
	bool begins;
};

struct building {
	struct range_classes *c;
	const struct range_classes_entry *v;
	struct set_use *sets;
	size_t n_sets, set_words;
	size_t n_any; /* of 'v', at its front */
	struct border *borders;
	size_t n_borders;
	uint64_t *now; /* the sets that hold the present piece */
	uint64_t *members; /* the same of each class */
	size_t cap, most; /* classes: room, and what is allowed */
	uint32_t *slots; /* class + 1, by the hash of its sets */
	uint32_t mask;
};

static int
compare_sets(const struct range_set *a, const struct range_set *b)
{
	if (a == b) {
		return 0;
	}
	if (a == NULL || b == NULL) {
		return a == NULL ? -1 : 1;
	}
	if (a->n != b->n) {
		return a->n < b->n ? -1 : 1;
	}
	return a->n == 0 ? 0 : memcmp(a->v, b->v, a->n * sizeof(a->v[0]));
}

static int
by_set(const void *a, const void *b)
{
	const struct range_classes_entry *x = a, *y = b;
	int c = compare_sets(x->set, y->set);

	return c != 0 ? c : (x->id > y->id) - (x->id < y->id);
}

static int
by_place(const void *a, const void *b)
{
	const struct border *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* The distinct sets; those with the most ranges stand last. */
static bool
find_sets(struct building *b, struct range_classes_entry *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_set);
	b->v = v;
	b->sets = calloc(n + 1, sizeof(*b->sets));
	if (b->sets == NULL) {
		return false;
	}
	while (b->n_any < n && v[b->n_any].set == NULL) {
		b->n_any++;
	}
	for (size_t i = b->n_any; i < n; i++) {
		if (i == b->n_any ||
		    compare_sets(v[i].set, v[i - 1].set) != 0) {
			b->sets[b->n_sets++] =
				(struct set_use){ v[i].set, i, 0 };
		}
		b->sets[b->n_sets - 1].n++;
	}
	return true;
}

/* Leaves out, as if they held everything, the sets that are too many. */
static size_t
bound_sets(struct building *b)
{
	size_t n = 0, borders = 0;

	while (n < b->n_sets && n < SETS_MAX &&
	       borders + 2 * b->sets[n].set->n <= BORDERS_MAX) {
		borders += 2 * b->sets[n++].set->n;
	}
	return n;
}

static bool
find_borders(struct building *b, size_t n_sets)
{
	size_t total = 0;

	for (size_t s = 0; s < n_sets; s++) {
		total += 2 * b->sets[s].set->n;
	}
	b->borders = malloc((total + 1) * sizeof(*b->borders));
	if (b->borders == NULL) {
		return false;
	}
	for (size_t s = 0; s < n_sets; s++) {
		const struct range_set *set = b->sets[s].set;

		for (uint32_t i = 0; i < set->n; i++) {
			b->borders[b->n_borders++] =
				(struct border){ set->v[i].lo, (uint32_t)s,
						 true };
			if (set->v[i].hi != RANGE_MAX) {
				b->borders[b->n_borders++] =
					(struct border){ set->v[i].hi + 1,
							 (uint32_t)s, false };
			}
		}
	}
	qsort(b->borders, b->n_borders, sizeof(*b->borders), by_place);
	return true;
}

static uint32_t
hash_of(const uint64_t *w, size_t n)
{
	uint64_t h = 0;

	for (size_t i = 0; i < n; i++) {
		h = (h ^ w[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return (uint32_t)h;
}

static bool
grow(struct building *b)
{
	size_t cap = b->cap == 0 ? 64 : b->cap * 2;
	uint64_t *members =
		realloc(b->members, cap * b->set_words * sizeof(*members));
	uint32_t *slots;

	if (members == NULL) {
		return false;
	}
	b->members = members;
	slots = calloc(cap * 2, sizeof(*slots));
	if (slots == NULL) {
		return false;
	}
	free(b->slots);
	b->slots = slots;
	b->mask = (uint32_t)(cap * 2 - 1);
	b->cap = cap;
	for (uint32_t i = 0; i < b->c->n_classes; i++) {
		uint32_t at = hash_of(members + i * b->set_words, b->set_words);

		while (slots[at & b->mask] != 0) {
			at++;
		}
		slots[at & b->mask] = i + 1;
	}
	return true;
}

/* The class of b->now, a new one if need be. */
static enum err
class_of_now(struct building *b, uint16_t *out)
{
	size_t size = b->set_words * sizeof(uint64_t);
	uint32_t at;

	if (b->c->n_classes == b->cap && !grow(b)) {
		return ERR_NOMEM;
	}
	at = hash_of(b->now, b->set_words);
	for (; b->slots[at & b->mask] != 0; at++) {
		uint32_t i = b->slots[at & b->mask] - 1;

		if (memcmp(b->members + i * b->set_words, b->now, size) == 0) {
			*out = (uint16_t)i;
			return ERR_OK;
		}
	}
	if (b->c->n_classes == b->most) {
		return ERR_LIMIT;
	}
	memcpy(b->members + b->c->n_classes * b->set_words, b->now, size);
	*out = (uint16_t)b->c->n_classes++;
	b->slots[at & b->mask] = b->c->n_classes;
	return ERR_OK;
}

static enum err
cut(struct building *b)
{
	struct range_classes *c = b->c;
	unsigned __int128 at = 0;
	size_t i = 0;

	c->lo = malloc((b->n_borders + 1) * sizeof(*c->lo));
	c->class = malloc((b->n_borders + 1) * sizeof(*c->class));
	if (c->lo == NULL || c->class == NULL) {
		return ERR_NOMEM;
	}
	for (;;) {
		enum err e;

		for (; i < b->n_borders && b->borders[i].at == at; i++) {
			b->now[b->borders[i].set / 64] ^=
				UINT64_C(1) << (b->borders[i].set % 64);
		}
		c->lo[c->n_pieces] = at;
		e = class_of_now(b, &c->class[c->n_pieces++]);
		if (e != ERR_OK || i == b->n_borders) {
			return e;
		}
		at = b->borders[i].at;
	}
}

static void
put(uint64_t *row, const struct range_classes_entry *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		row[v[i].id / 64] |= UINT64_C(1) << (v[i].id % 64);
	}
}

/* The row of what is in every class: sets from 'n_sets' on, and no set. */
static void
fill_rows(struct building *b, size_t n_sets)
{
	struct range_classes *c = b->c;

	for (uint32_t i = 0; i < c->n_classes; i++) {
		uint64_t *row = c->rows + (size_t)i * c->n_words;
		const uint64_t *in = b->members + i * b->set_words;

		put(row, b->v, b->n_any);
		for (size_t s = 0; s < b->n_sets; s++) {
			if (s >= n_sets || (in[s / 64] >> (s % 64) & 1) != 0) {
				put(row, b->v + b->sets[s].first, b->sets[s].n);
			}
		}
	}
}

/* With the sets up to 'n_sets' told apart; ERR_LIMIT when it is too large. */
static enum err
build(struct building *b, size_t n_sets)
{
	struct range_classes *c = b->c;
	enum err e = ERR_NOMEM;

	b->set_words = n_sets / 64 + 1;
	b->now = calloc(b->set_words, sizeof(*b->now));
	if (b->now != NULL && find_borders(b, n_sets)) {
		e = cut(b);
	}
	if (e == ERR_OK) {
		c->rows = calloc((size_t)c->n_classes * c->n_words,
				 sizeof(*c->rows));
		e = c->rows != NULL ? ERR_OK : ERR_NOMEM;
	}
	if (e == ERR_OK) {
		fill_rows(b, n_sets);
	}
	free(b->now);
	free(b->borders);
	free(b->members);
	free(b->slots);
	b->now = b->members = NULL;
	b->borders = NULL;
	b->slots = NULL;
	b->n_borders = b->cap = 0;
	return e;
}

enum err
range_classes_build(struct range_classes *c, struct range_classes_entry *v,
		    size_t n, uint32_t n_ids)
{
	uint32_t n_words = n_ids / 64 + 1;
	struct building b = {
		.c = c,
		.most = MIN((size_t)RANGE_CLASSES_MAX,
			    RANGE_CLASSES_MEMORY / (n_words * 8) + 1),
	};
	enum err e = ERR_NOMEM;

	memset(c, 0, sizeof(*c));
	if (find_sets(&b, v, n)) {
		size_t n_sets = bound_sets(&b);

		do {
			range_classes_fini(c);
			c->n_words = n_words;
			e = build(&b, n_sets);
			n_sets /= 2; /* fewer of them make fewer classes */
		} while (e == ERR_LIMIT);
	}
	free(b.sets);
	if (e == ERR_OK && !addr_front_build(&c->front, c->lo, sizeof(c->lo[0]),
					     c->n_pieces)) {
		e = ERR_NOMEM;
	}
	if (e != ERR_OK) {
		range_classes_fini(c);
	}
	return e;
}

void
range_classes_fini(struct range_classes *c)
{
	free(c->lo);
	free(c->class);
	addr_front_fini(&c->front);
	free(c->rows);
	memset(c, 0, sizeof(*c));
}

/* How many addresses of IPv4 are in piece 'i'. */
static uint64_t
width_v4(const struct range_classes *c, uint32_t i)
{
	const unsigned __int128 first = (unsigned __int128)0xffff << 32;
	const unsigned __int128 end = (unsigned __int128)0x10000 << 32;
	unsigned __int128 lo = MAX(c->lo[i], first);
	unsigned __int128 hi = i + 1 < c->n_pieces ? c->lo[i + 1] : end;

	hi = MIN(hi, end);
	return hi > lo ? (uint64_t)(hi - lo) : 0;
}

uint32_t
range_classes_widest(const struct range_classes *c, uint32_t *classes,
		     uint32_t most)
{
	uint64_t *width = calloc((size_t)c->n_classes + 1, sizeof(*width));
	uint32_t n = 0;

	if (width == NULL) {
		return 0;
	}
	for (uint32_t i = 0; i < c->n_pieces; i++) {
		width[c->class[i]] += width_v4(c, i);
	}
	for (; n < most; n++) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < c->n_classes; i++) {
			best = width[i] > width[best] ? i : best;
		}
		if (c->n_classes == 0 || width[best] == 0) {
			break;
		}
		classes[n] = best;
		width[best] = 0;
	}
	free(width);
	return n;
}

size_t
range_classes_memory(const struct range_classes *c)
{
	return c->n_pieces * (sizeof(*c->lo) + sizeof(*c->class)) +
	       (size_t)c->n_classes * c->n_words * sizeof(*c->rows);
}
