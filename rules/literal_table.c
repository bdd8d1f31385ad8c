/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/literal_table.h"

#include <stdlib.h>

#include "rules/keyhash.h"

#define WHOLE_SALT UINT64_C(0xd6e8feb86659fd93)

/* One byte further towards the front: a polynomial over folded bytes. */
static inline uint64_t
roll(const struct literal_table *t, uint64_t h, uint8_t c)
{
	return (h + ascii_lower(c) + 1) * t->factor;
}

static inline uint64_t
settle(uint64_t h, bool whole)
{
	h ^= whole ? WHOLE_SALT : 0;
	h = (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;
	return h != 0 ? h : 1;
}

static uint64_t
hash_of(const struct literal_table *t, const struct rule_prog *p)
{
	uint64_t h = 0;

	for (size_t i = p->fast_key.len; i > 0; i--) {
		h = roll(t, h, p->fast_key.p[i - 1]);
	}
	return settle(h, p->fast_form == FAST_WHOLE);
}

static void
mark(uint64_t *lengths, size_t n)
{
	lengths[n / 64] |= UINT64_C(1) << (n % 64);
}

static bool
marked(const uint64_t *lengths, size_t n)
{
	return (lengths[n / 64] >> (n % 64) & 1) != 0;
}

/* Where the last bytes of p[0..len) stand in 'tails'. */
static inline uint32_t
tail_of(const uint8_t *p, size_t len)
{
	uint32_t v;

	memcpy(&v, p + len - LITERAL_TAIL, sizeof(v));
	/* folds letters, and some other bytes together */
	v |= UINT32_C(0x20202020);
	return v * UINT32_C(0x9e3779b1) >> (32 - LITERAL_TAIL_BITS);
}

static inline uint32_t
head_bit(uint8_t c)
{
	return UINT32_C(1) << (c & 31); /* of either case */
}

static void
note_ends(struct literal_filter *t, struct view key, bool whole)
{
	t->heads[key.len] |= head_bit(key.p[0]);
	if (key.len >= LITERAL_TAIL) {
		mark(t->tails, tail_of(key.p, key.len));
	} else if (!whole) {
		mark(t->lasts, ascii_lower(key.p[key.len - 1]));
	}
}

static struct literal_slot *
slot_of(const struct literal_table *t, uint64_t hash)
{
	uint32_t i = (uint32_t)(hash >> 32) & t->mask;

	while (t->slots[i].hash != 0 && t->slots[i].hash != hash) {
		i = (i + 1) & t->mask;
	}
	return &t->slots[i];
}

static bool
reserve(struct literal_table *t, uint32_t n)
{
	struct keyhash key;
	uint32_t slots = 16;

	if (keyhash_init(&key) != ERR_OK) {
		return false;
	}
	memcpy(&t->factor, key.secret, sizeof(t->factor));
	t->factor |= 1;
	while (slots < n * 2) {
		slots *= 2;
	}
	t->slots = calloc(slots, sizeof(t->slots[0]));
	t->orders = calloc(n, sizeof(t->orders[0]));
	t->filter = calloc(1, sizeof(*t->filter));
	t->mask = slots - 1;
	t->n_orders = n;
	return t->slots != NULL && t->orders != NULL && t->filter != NULL;
}

/* Counts what each slot will hold, then says where it begins. */
static void
lay_out(struct literal_table *t, const struct rule_prog *const *progs,
	uint32_t n)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct rule_prog *p = progs[i];
		uint64_t h;

		if (p->fast_form == FAST_SCAN) {
			continue;
		}
		h = hash_of(t, p);
		slot_of(t, h)->n++;
		slot_of(t, h)->hash = h;
		mark(p->fast_form == FAST_WHOLE ? t->filter->wholes
						: t->filter->lengths,
		     p->fast_key.len);
		note_ends(t->filter, p->fast_key, p->fast_form == FAST_WHOLE);
	}
	for (uint32_t i = 0; i <= t->mask; i++) {
		t->slots[i].first = at;
		at += t->slots[i].n;
		t->slots[i].n = 0;
	}
}

bool
literal_table_build(struct literal_table *t, const struct rule_prog **progs,
		    uint32_t *n)
{
	uint32_t taken = 0, kept = 0;

	memset(t, 0, sizeof(*t));
	for (uint32_t i = 0; i < *n; i++) {
		taken += progs[i]->fast_form != FAST_SCAN;
	}
	if (taken == 0) {
		return true;
	}
	if (!reserve(t, taken)) {
		literal_table_fini(t);
		return false;
	}
	lay_out(t, progs, *n);
	for (uint32_t i = 0; i < *n; i++) {
		const struct rule_prog *p = progs[i];

		if (p->fast_form == FAST_SCAN) {
			progs[kept++] = p;
		} else {
			struct literal_slot *s = slot_of(t, hash_of(t, p));

			t->orders[s->first + s->n++] = p->order;
		}
	}
	*n = kept;
	return true;
}

void
literal_table_fini(struct literal_table *t)
{
	free(t->slots);
	free(t->orders);
	free(t->filter);
	memset(t, 0, sizeof(*t));
}

size_t
literal_table_memory(const struct literal_table *t)
{
	return t->slots == NULL ? 0
				: ((size_t)t->mask + 1) * sizeof(t->slots[0]) +
					  sizeof(*t->filter) +
					  t->n_orders * sizeof(t->orders[0]);
}

static uint32_t
look_up(const struct literal_table *t, uint64_t h, bool whole, uint32_t n,
	const struct literal_slot **found)
{
	const struct literal_slot *s = slot_of(t, settle(h, whole));

	if (s->hash != 0) {
		found[n++] = s;
	}
	return n;
}

/* The byte before the last 'len' - 1 of 'value', which a dot goes before. */
static inline uint8_t
byte_at(struct view value, size_t len)
{
	return len <= value.len ? value.p[value.len - len] : '.';
}

static inline bool
begins(const struct literal_filter *t, struct view value, size_t len)
{
	return (t->heads[len] & head_bit(byte_at(value, len))) != 0;
}

/* Whether the last bytes of 'value' are those of a literal.  One that is as
 * short as LITERAL_TAIL may be all of a literal, with a dot or without. */
static bool
may_end(const struct literal_filter *t, struct view value)
{
	return value.len <= LITERAL_TAIL ||
	       marked(t->tails, tail_of(value.p, value.len)) ||
	       marked(t->lasts, ascii_lower(value.p[value.len - 1]));
}

/* The length of the longest literal that 'value' may end with; 0: none. */
static size_t
longest_end(const struct literal_filter *t, struct view value)
{
	size_t most = MIN(value.len + 1, (size_t)FAST_KEY_MAX);

	if (!may_end(t, value)) {
		return 0;
	}
	for (size_t len = value.len; len <= most; len++) {
		if (marked(t->wholes, len) && begins(t, value, len)) {
			return most;
		}
	}
	for (size_t w = most / 64 + 1; w-- > 0;) {
		uint64_t left = t->lengths[w];

		if (w == most / 64) {
			left &= ~UINT64_C(0) >> (63 - most % 64);
		}
		while (left != 0) {
			unsigned bit = 63 - (unsigned)__builtin_clzll(left);

			if (begins(t, value, w * 64 + bit)) {
				return w * 64 + bit;
			}
			left &= ~(UINT64_C(1) << bit);
		}
	}
	return 0;
}

uint32_t
literal_table_find(const struct literal_table *t, struct view value,
		   const struct literal_slot *found[LITERAL_TABLE_FOUND])
{
	const struct literal_filter *f = t->filter;
	uint64_t h = 0;
	uint32_t n = 0;
	size_t longest;

	if (t->slots == NULL || value.len == 0) {
		return 0;
	}
	longest = longest_end(f, value);
	/* the last round may stand for a dot before the value */
	for (size_t len = 1; len <= longest; len++) {
		h = roll(t, h, byte_at(value, len));
		if (marked(f->lengths, len) && begins(f, value, len)) {
			n = look_up(t, h, false, n, found);
		}
		if (len >= value.len && marked(f->wholes, len)) {
			n = look_up(t, h, true, n, found);
		}
	}
	return n;
}
