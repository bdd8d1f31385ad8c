/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rules/byte_gram.h"
#include "rules/prefilter_lane.h"

#define PROBE_CHAIN 8 /* literals of one key at one offset */
#define COMMON_COST 14 /* it is in every 128 bytes */
#define SHORT_PLACES 16
#define FEW_SHORT 24 /* not worth a lane */
#define FEW 8 /* literals that may all have one key */
#define BITMAP_MIN_BITS 12
#define BITMAP_MAX_BITS 21
#define BITMAP_SPARSE 32 /* bits for each key */
#define BITMAP_CACHED_BITS 17 /* four times as sparse up to here */

static void
sorted_fini(struct sorted *s)
{
	free(s->probes);
	free(s->pieces);
	free(s->shorts);
	free(s->runs);
	free(s->spots);
}

static bool
sorted_init(struct sorted *s, size_t n)
{
	s->probes = calloc(n, sizeof(s->probes[0]));
	s->pieces = calloc(n, sizeof(s->pieces[0]));
	s->shorts = calloc(n, sizeof(s->shorts[0]));
	s->runs = calloc(n, sizeof(s->runs[0]));
	s->spots = calloc(n, sizeof(s->spots[0]));
	return s->probes != NULL && s->pieces != NULL && s->shorts != NULL &&
	       s->runs != NULL && s->spots != NULL;
}

static bool
is_run(const struct prefilter_literal *l)
{
	if (l->bytes.len < RUN_MIN ||
	    byte_mask(l->bytes.p[0], l->nocase) != 0xff) {
		return false;
	}
	for (size_t i = 1; i < l->bytes.len; i++) {
		if (l->bytes.p[i] != l->bytes.p[0]) {
			return false;
		}
	}
	return true;
}

static uint64_t
mask_of(unsigned width)
{
	return width >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

/* The probe for literals of 'l's offset and length; -1: there is no room. */
static int
probe_of(struct prefilter *p, const struct prefilter_literal *l)
{
	unsigned width = l->bytes.len < 8 ? 4 : 8;
	struct probe *pr;

	for (uint32_t i = 0; i < p->n_probes; i++) {
		pr = &p->probe[i];
		if (pr->at == l->from && pr->width == width) {
			return (int)i;
		}
	}
	if (p->n_probes == PROBES_MAX) {
		return -1;
	}
	pr = &p->probe[p->n_probes];
	pr->at = l->from;
	pr->width = width;
	pr->key_mask = mask_of(width);
	pr->seed = (p->n_probes + 1) * UINT64_C(0xc2b2ae3d27d4eb4f);
	return (int)p->n_probes++;
}

static int
by_key_end(const void *a, const void *b)
{
	const struct probe *p = a, *q = b;
	uint64_t x = (uint64_t)p->at + p->width;
	uint64_t y = (uint64_t)q->at + q->width;

	return (x > y) - (x < y);
}

static bool
build_probes(struct prefilter *p, struct sorted *s)
{
	qsort(p->probe, p->n_probes, sizeof(p->probe[0]), by_key_end);
	return s->n_probes == 0 ||
	       table_build(p, &p->probe_table, s->probes, s->n_probes);
}

static bool
try_probe(struct prefilter *p, struct sorted *s,
	  const struct prefilter_literal *l)
{
	struct piece *v = &s->probes[s->n_probes];
	unsigned same = 0;
	int i;

	if (l->bytes.len < RUN_MIN || l->from != l->to ||
	    (i = probe_of(p, l)) < 0) {
		return false;
	}
	*v = (struct piece){ .lit = l, .probe = (uint8_t)i };
	v->hash = piece_hash(v, p->probe[i].key_mask, p->probe[i].seed);
	/* they come sorted, so those of the same key are not far */
	for (size_t k = s->n_probes; k > 0 && k + 64 > s->n_probes; k--) {
		same += s->probes[k - 1].hash == v->hash;
	}
	if (same >= PROBE_CHAIN) {
		return false;
	}
	s->n_probes++;
	p->probe[i].hashes[v->hash >> 62] |= UINT64_C(1)
					     << (v->hash >> 56 & 63);
	p->probe[i].reach =
		MAX(p->probe[i].reach, (uint64_t)l->from + l->bytes.len);
	p->probes_end = MAX(p->probes_end, p->probe[i].reach);
	return true;
}

/*
 * Of a common literal a lane would let every place through, a search ends at
 * the first; and a search of a few places only is short in any case.
 */
static bool
has_a_bucket(const struct prefilter_literal *l)
{
	return l->bytes.len < LANE_WIDTH_MIN ||
	       (l->bytes.len <= SHORT_MAX &&
		(l->to - l->from < SHORT_PLACES ||
		 byte_gram_string(l->bytes, l->nocase) < COMMON_COST));
}

/* Short, and at one place only. */
static bool
is_spot(const struct prefilter_literal *l)
{
	return l->bytes.len <= SHORT_MAX && l->from == l->to;
}

static void
sort_literals(struct prefilter *p, struct sorted *s,
	      const struct prefilter_literal *lits, size_t n)
{
	size_t few = 0;

	for (size_t i = 0; i < n; i++) {
		few += lits[i].bytes.len <= SHORT_MAX && !is_spot(&lits[i]);
	}
	for (size_t i = 0; i < n; i++) {
		const struct prefilter_literal *l = &lits[i];

		if (l->from > l->to) {
			continue; /* nowhere */
		}
		if (is_spot(l)) {
			s->spots[s->n_spots++] = l;
		} else if (has_a_bucket(l) ||
			   (l->bytes.len <= SHORT_MAX && few <= FEW_SHORT)) {
			s->shorts[s->n_shorts++] = l;
		} else if (!try_probe(p, s, l)) {
			if (is_run(l)) {
				s->runs[s->n_runs++] = l;
			} else {
				s->pieces[s->n_pieces++].lit = l;
			}
		}
	}
}

static bool
build_bitmap(struct prefilter *p, struct lane *l, const struct piece *v,
	     size_t n)
{
	unsigned bits = BITMAP_MIN_BITS;

	while (bits < BITMAP_MAX_BITS &&
	       ((size_t)1 << bits) <
		       n * BITMAP_SPARSE *
			       (bits < BITMAP_CACHED_BITS ? 4 : 1)) {
		bits++;
	}
	l->bitmap_shift = 32 - bits;
	l->bitmap = calloc((size_t)1 << bits >> 3, 1);
	if (l->bitmap == NULL) {
		return false;
	}
	p->memory += (size_t)1 << bits >> 3;
	for (size_t i = 0; i < n; i++) {
		uint64_t h = v[i].hash >> 32 >> l->bitmap_shift;

		l->bitmap[h / 8] |= (uint8_t)(1u << (h % 8));
	}
	return true;
}

static bool
build_lane(struct prefilter *p, struct piece *v, size_t n)
{
	struct lane *l;
	unsigned width = LANE_WIDTH_MAX;

	if (n == 0) {
		return true;
	}
	l = prefilter_alloc(sizeof(*l));
	if (l == NULL) {
		return false;
	}
	p->memory += sizeof(*l);
	p->lane[p->n_lanes++] = l;
	for (size_t i = 0; i < n; i++) {
		width = (unsigned)MIN(width, v[i].lit->bytes.len);
	}
	l->width = l->filter.width = width;
	l->is_short = width < RUN_MIN;
	l->key_mask = (uint32_t)mask_of(width);
	if (!filter_build(&l->filter, p->path->form, v, n)) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		v[i].hash = piece_lane_hash(&v[i], l->key_mask);
		l->reach = MAX(l->reach, v[i].lit->bytes.len - v[i].key);
		l->lead = MAX(l->lead, (size_t)v[i].key);
	}
	if (!build_bitmap(p, l, v, n) || !table_build(p, &l->table, v, n)) {
		return false;
	}
	if (n > FEW) {
		l->linear = linear_build(p, &l->table);
	}
	return n <= FEW || l->linear != NULL;
}

/* Those too short for a key of RUN_MIN bytes have a lane of their own. */
static unsigned
lane_of(const struct piece *v)
{
	return v->lit->bytes.len < RUN_MIN;
}

static int
by_lane(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	unsigned lx = lane_of(x), ly = lane_of(y);

	return lx != ly ? (lx < ly ? -1 : 1)
			: (x->lit > y->lit) - (x->lit < y->lit);
}

static bool
build_lanes(struct prefilter *p, const struct sorted *s)
{
	struct piece *v = s->pieces;
	size_t end = 0;

	qsort(v, s->n_pieces, sizeof(v[0]), by_lane);
	for (unsigned lane = 0; lane < LANES; lane++) {
		size_t begin = end;

		while (end < s->n_pieces && lane_of(&v[end]) <= lane) {
			end++;
		}
		if (!build_lane(p, v + begin, end - begin)) {
			return false;
		}
	}
	return true;
}

static enum err
check_literals(const struct prefilter_literal *lits, size_t n, size_t *longest,
	       struct diag *d)
{
	if (n >= UINT32_MAX / (4 * PREFILTER_LITERAL_MAX)) {
		return diag_set(d, ERR_LIMIT, "%zu literals are too many", n);
	}
	for (size_t i = 0; i < n; i++) {
		if (lits[i].bytes.len == 0) {
			return diag_set(d, ERR_USAGE,
					"literal %zu of %zu is empty", i, n);
		}
		if (lits[i].bytes.len > PREFILTER_LITERAL_MAX) {
			return diag_set(d, ERR_LIMIT,
					"literal %zu of %zu has %zu bytes; at "
					"most %d can be looked for",
					i, n, lits[i].bytes.len,
					PREFILTER_LITERAL_MAX);
		}
		*longest = MAX(*longest, lits[i].bytes.len);
	}
	return ERR_OK;
}

/* Whether two literals have one id. */
static bool
shares_ids(const struct prefilter_literal *lits, size_t n, bool *shared)
{
	uint32_t most = 0;
	uint8_t *seen;

	for (size_t i = 0; i < n; i++) {
		most = MAX(most, lits[i].id);
	}
	seen = calloc((size_t)most / 8 + 1, 1);
	if (seen == NULL) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		uint8_t bit = (uint8_t)(1u << (lits[i].id % 8));

		*shared = *shared || (seen[lits[i].id / 8] & bit) != 0;
		seen[lits[i].id / 8] |= bit;
	}
	free(seen);
	return true;
}

static bool
build_all(struct prefilter *p, const struct prefilter_literal *lits, size_t n)
{
	struct sorted s = { 0 };
	size_t text = 0;
	bool good;

	for (size_t i = 0; i < n; i++) {
		text += 2 * lits[i].bytes.len;
	}
	p->text = malloc(text);
	good = p->text != NULL && sorted_init(&s, n) &&
	       shares_ids(lits, n, &p->ids_shared);
	if (good) {
		p->memory += text;
		sort_literals(p, &s, lits, n);
		good = build_probes(p, &s) && runs_build(p, &s) &&
		       spots_build(p, &s) && shorts_build(p, &s) &&
		       build_lanes(p, &s);
	}
	sorted_fini(&s);
	return good;
}

/* What makes one prefilter another one: bytes, case, ids, and their order. */
static bool
digest(const struct prefilter_literal *lits, size_t n, uint8_t key[16])
{
	XXH3_state_t *x = XXH3_createState();
	XXH128_canonical_t out;

	if (x == NULL) {
		return false;
	}
	XXH3_128bits_reset(x);
	for (size_t i = 0; i < n; i++) {
		uint64_t head[5] = { lits[i].bytes.len, lits[i].nocase,
				     lits[i].id, lits[i].from, lits[i].to };

		XXH3_128bits_update(x, head, sizeof(head));
		XXH3_128bits_update(x, lits[i].bytes.p, lits[i].bytes.len);
	}
	XXH128_canonicalFromHash(&out, XXH3_128bits_digest(x));
	XXH3_freeState(x);
	memcpy(key, out.digest, sizeof(out.digest));
	return true;
}

struct prefilter *
prefilter_build_like(const struct prefilter *like,
		     const struct prefilter_literal *lits, size_t n,
		     struct diag *d)
{
	uint8_t key[16];
	struct prefilter *p;

	if (!digest(lits, n, key)) {
		diag_set(d, ERR_NOMEM, "no memory for a prefilter");
		return NULL;
	}
	if (like != NULL && memcmp(like->key, key, sizeof(key)) == 0) {
		/* only the count of its users is not constant */
		p = (struct prefilter *)(uintptr_t)like;
		atomic_fetch_add(&p->refs, 1);
		return p;
	}
	p = prefilter_build(lits, n, d);
	if (p != NULL) {
		memcpy(p->key, key, sizeof(key));
	}
	return p;
}

struct prefilter *
prefilter_build(const struct prefilter_literal *lits, size_t n, struct diag *d)
{
	struct prefilter *p = prefilter_alloc(sizeof(*p));

	if (p == NULL) {
		diag_set(d, ERR_NOMEM, "no memory for a prefilter");
		return NULL;
	}
	atomic_init(&p->refs, 1);
	p->path = prefilter_path();
	if (check_literals(lits, n, &p->longest, d) != ERR_OK) {
		prefilter_free(p);
		return NULL;
	}
	if (n > 0 && !build_all(p, lits, n)) {
		diag_set(d, ERR_NOMEM, "no memory to look for %zu literals", n);
		prefilter_free(p);
		return NULL;
	}
	p->memory += sizeof(*p);
	return p;
}

static void
table_fini(struct entry_table *t)
{
	free(t->first);
	free(t->tags);
	free(t->v);
}

void
prefilter_free(struct prefilter *p)
{
	if (p == NULL || atomic_fetch_sub(&p->refs, 1) != 1) {
		return;
	}
	for (uint32_t i = 0; i < p->n_lanes; i++) {
		table_fini(&p->lane[i]->table);
		linear_free(p->lane[i]->linear);
		free(p->lane[i]->bitmap);
		free(p->lane[i]);
	}
	free(p->shorts);
	free(p->spots);
	free(p->spot_literals);
	table_fini(&p->probe_table);
	free(p->runs);
	free(p->text);
	free(p);
}

struct prefilter_scratch *
prefilter_scratch_new(void)
{
	struct prefilter_scratch *s = calloc(1, sizeof(*s));

	if (s != NULL) {
		s->limit = BLOCK_COMPARES;
	}
	return s;
}

enum err
prefilter_scratch_grow(struct prefilter_scratch *s, const struct prefilter *p)
{
	(void)s;
	(void)p;
	return ERR_OK; /* one size fits all */
}

void
prefilter_scratch_free(struct prefilter_scratch *s)
{
	free(s);
}
