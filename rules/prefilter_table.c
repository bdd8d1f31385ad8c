/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "rules/byte_gram.h"
#include "rules/prefilter_lane.h"

static uint64_t
key_bytes(const struct piece *v)
{
	uint8_t b[8] = { 0 };

	memcpy(b, v->lit->bytes.p + v->key,
	       MIN(sizeof(b), v->lit->bytes.len - v->key));
	return load_le64(b);
}

uint64_t
piece_hash(const struct piece *v, uint64_t key_mask, uint64_t seed)
{
	return key_hash(key_bytes(v), key_mask, seed);
}

uint64_t
piece_lane_hash(const struct piece *v, uint32_t key_mask)
{
	return lane_word(lane_hash((uint32_t)key_bytes(v), key_mask));
}

/* The rarest word that shares no byte with the 'not' at 'apart'. */
static uint16_t
rarest_word(const struct prefilter_literal *l, const size_t *apart,
	    const size_t *len, unsigned n)
{
	unsigned most = 0;
	size_t best = l->bytes.len - WORD;

	for (size_t i = 0; i + WORD <= l->bytes.len; i++) {
		unsigned cost = byte_gram_string(view_sub(l->bytes, i, WORD),
						 l->nocase);

		for (unsigned k = 0; k < n; k++) {
			if (i < apart[k] + len[k] && apart[k] < i + WORD) {
				cost /= 4; /* known in part already */
			}
		}
		if (cost > most) {
			most = cost;
			best = i;
		}
	}
	return (uint16_t)best;
}

static uint32_t
word_mask(const struct prefilter_literal *l, size_t at)
{
	uint8_t m[WORD];

	for (size_t i = 0; i < WORD; i++) {
		m[i] = byte_mask(l->bytes.p[at + i], l->nocase);
	}
	return load_le32(m);
}

static void
choose_words(struct entry *e, const struct prefilter_literal *l)
{
	size_t apart[2] = { e->key, 0 }, len[2] = { WORD, WORD };

	if (l->bytes.len < WORD) {
		for (size_t i = l->bytes.len; i > 0; i--) {
			uint8_t c = l->bytes.p[i - 1];

			e->word = e->word << 8 | c;
			e->word_mask =
				e->word_mask << 8 | byte_mask(c, l->nocase);
		}
		return;
	}
	if (l->bytes.len <= 2 * WORD) {
		e->a = 0;
		e->b = (uint16_t)(l->bytes.len - WORD);
	} else {
		e->a = rarest_word(l, apart, len, 1);
		apart[1] = e->a;
		e->b = rarest_word(l, apart, len, 2);
	}
	e->word = load_le32(l->bytes.p + e->a) |
		  (uint64_t)load_le32(l->bytes.p + e->b) << 32;
	e->word_mask = word_mask(l, e->a) | (uint64_t)word_mask(l, e->b) << 32;
	e->word &= e->word_mask;
}

/* Room for the text was made before; p->text_len counts it up. */
static uint32_t
add_text(struct prefilter *p, const struct prefilter_literal *l)
{
	uint8_t *to = p->text + p->text_len;
	uint32_t at = (uint32_t)p->text_len;

	memcpy(to, l->bytes.p, l->bytes.len);
	for (size_t i = 0; i < l->bytes.len; i++) {
		to[l->bytes.len + i] = byte_mask(l->bytes.p[i], l->nocase);
	}
	p->text_len += 2 * l->bytes.len;
	return at;
}

static void
set_entry(struct prefilter *p, struct entry *e, const struct piece *v)
{
	const struct prefilter_literal *l = v->lit;

	*e = (struct entry){
		.key = v->key,
		.len = (uint16_t)l->bytes.len,
		.id = l->id,
		.from = l->from,
		.to = l->to,
	};
	choose_words(e, l);
	e->text = add_text(p, l);
}

static struct entry_tag
tag_of(const struct piece *v)
{
	struct entry_tag t = { 0, 0 };
	struct view lit = v->lit->bytes;

	for (unsigned i = 0; i < 2 * WORD; i++) {
		size_t at = v->key + (size_t)i + (i < WORD ? 0 : WORD);

		if (at >= WORD && at - WORD < lit.len) {
			uint8_t c = lit.p[at - WORD];
			uint64_t mask = byte_mask(c, v->lit->nocase);

			t.around |= (c & mask) << (8 * i);
			t.mask |= mask << (8 * i);
		}
	}
	return t;
}

static int
by_hash(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

bool
table_build(struct prefilter *p, struct entry_table *t, struct piece *v,
	    size_t n)
{
	unsigned bits = 4;
	size_t size, at = 0;

	while (((size_t)1 << bits) < 2 * n) {
		bits++;
	}
	size = ((size_t)1 << bits) + 1;
	t->shift = 64 - bits;
	t->n = (uint32_t)n;
	t->first = calloc(size, sizeof(t->first[0]));
	t->v = calloc(n, sizeof(t->v[0]));
	t->tags = calloc(n + TAGS_AT_ONCE, sizeof(t->tags[0]));
	if (t->first == NULL || t->v == NULL || t->tags == NULL) {
		return false;
	}
	p->memory += size * sizeof(t->first[0]) +
		     n * (sizeof(t->v[0]) + sizeof(t->tags[0]));
	qsort(v, n, sizeof(v[0]), by_hash);
	for (size_t h = 0; h < size; h++) {
		t->first[h] = (uint32_t)at;
		while (at < n && v[at].hash >> t->shift == h) {
			set_entry(p, &t->v[at], &v[at]);
			t->tags[at] = tag_of(&v[at]);
			at++;
		}
	}
	return true;
}
