/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/prefilter.h"

#include "rules/prefilter_db.h"
#include "rules/prefilter_path.h"

/* What finding the literals of a key costs, in compares. */
#define KEY_COMPARES 8
#define KEYS_AT_ONCE 32 /* whose tables are fetched side by side */

struct scan {
	const struct prefilter *p;
	struct view data;
	size_t fresh;
	uint64_t base;
	uint64_t *bits;
	struct prefilter_hit *hits;
	size_t n;
	uint32_t limit; /* of a block, in compares */
	struct prefilter_work *work;
};

static bool
is_known(const struct scan *s, uint32_t id)
{
	return (s->bits[id / 64] >> (id % 64) & 1) != 0;
}

/* Another literal of the same id may have been found further behind. */
static void
move_forward(struct scan *s, uint32_t id, size_t at)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->hits[i].id == id) {
			s->hits[i].at = MIN(s->hits[i].at, (uint32_t)at);
			return;
		}
	}
}

static void
report(struct scan *s, uint32_t id, size_t at)
{
	if (is_known(s, id)) {
		move_forward(s, id, at);
		return;
	}
	s->bits[id / 64] |= UINT64_C(1) << (id % 64);
	s->hits[s->n++] = (struct prefilter_hit){ id, (uint32_t)at };
}

static bool
in_range(const struct scan *s, uint32_t from, uint32_t to, size_t at)
{
	uint64_t offset = s->base + at;

	return offset >= from && (to == PREFILTER_ANYWHERE || offset <= to);
}

/* All but the two words, which were seen to be there. */
static bool
rest_is_there(const struct scan *s, const struct entry *e, const uint8_t *at)
{
	const uint8_t *text = s->p->text + e->text, *mask = text + e->len;
	size_t i = 0;

	if (e->len <= 8) {
		return true; /* the two words are all of it */
	}
	for (; i + 8 <= e->len; i += 8) {
		if (((load_le64(at + i) ^ load_le64(text + i)) &
		     load_le64(mask + i)) != 0) {
			return false;
		}
	}
	i = e->len - 8u;
	return ((load_le64(at + i) ^ load_le64(text + i)) &
		load_le64(mask + i)) == 0;
}

/* The key of 'e' may stand at data[p]. */
static inline void
compare(struct scan *s, const struct entry *e, size_t p)
{
	size_t at = p - e->key, end = at + e->len;
	uint64_t v;

	if (p < e->key || end > s->data.len || end <= s->fresh) {
		return;
	}
	v = load_le32(s->data.p + at + e->a) |
	    (uint64_t)load_le32(s->data.p + at + e->b) << 32;
	if (((v ^ e->word) & e->word_mask) != 0 ||
	    (is_known(s, e->id) && !s->p->ids_shared) ||
	    !in_range(s, e->from, e->to, at) ||
	    !rest_is_there(s, e, s->data.p + at)) {
		return;
	}
	report(s, e->id, at);
}

/* The same for literals of less than four bytes, which are all in 'word'. */
static void
compare_short(struct scan *s, const struct entry *e, size_t p)
{
	size_t at = p - e->key, end = at + e->len;

	if (p < e->key || end > s->data.len || end <= s->fresh ||
	    ((load_to_end(s->data, at) ^ e->word) & e->word_mask) != 0 ||
	    (is_known(s, e->id) && !s->p->ids_shared) ||
	    !in_range(s, e->from, e->to, at)) {
		return;
	}
	report(s, e->id, at);
}

static inline bool
tag_fits(const struct entry_tag *t, uint64_t around)
{
	return ((around ^ t->around) & t->mask) == 0;
}

/*
 * The entries of 't' under hash 'h', whose key stands at data[p].  Most keys
 * have less than TAGS_AT_ONCE, and how many is hard to foresee: so as many are
 * looked at in any case.
 */
static inline uint32_t
compare_all(struct scan *s, const struct entry_table *t, uint64_t h,
	    uint64_t around, size_t p)
{
	uint32_t first = t->first[h], end = t->first[h + 1];
	const struct entry_tag *tags = &t->tags[first];
	unsigned fits = 0;

#pragma GCC unroll 4
	for (unsigned k = 0; k < TAGS_AT_ONCE; k++) {
		fits |= (unsigned)tag_fits(&tags[k], around) << k;
	}
	fits &= (1u << MIN(end - first, (uint32_t)TAGS_AT_ONCE)) - 1;
	for (; fits != 0; fits &= fits - 1) {
		compare(s, &t->v[first + (unsigned)__builtin_ctz(fits)], p);
	}
	for (uint32_t i = first + TAGS_AT_ONCE; i < end; i++) {
		if (tag_fits(&t->tags[i], around)) {
			compare(s, &t->v[i], p);
		}
	}
	return end - first;
}

static inline uint32_t
compare_shorts(struct scan *s, const struct entry_table *t, uint64_t h,
	       size_t p)
{
	uint32_t first = t->first[h], end = t->first[h + 1];

	for (uint32_t i = first; i < end; i++) {
		compare_short(s, &t->v[i], p);
	}
	return end - first;
}

/* The first position whose literal may end behind what is known already. */
static size_t
start_of(const struct scan *s, size_t reach)
{
	return s->fresh + 1 > reach ? s->fresh + 1 - reach : 0;
}

/*
 * Literals of the lane whose keys begin in [from, to) of the data, whatever
 * the bytes are.
 */
static void
scan_linear(struct scan *s, const struct lane *l, size_t from, size_t to)
{
	struct linear_run r = {
		.at = from - MIN(l->lead, from),
		.to = MIN(to + l->reach - 1, s->data.len),
	};
	struct linear_found found[LINEAR_ENDS];
	unsigned n;

	s->work->linear_blocks++;
	s->work->linear_bytes += r.to - r.at;
	while ((n = linear_find(l->linear, s->data, &r, found)) > 0) {
		s->work->linear_ends += n;
		for (unsigned i = 0; i < n; i++) {
			const struct entry *e = &l->table.v[found[i].entry];
			size_t key = found[i].end - e->len + e->key;

			if (l->is_short) {
				compare_short(s, e, key);
			} else {
				compare(s, e, key);
			}
		}
	}
}

/* A position where a key stands: its hash, and what is around it. */
struct found_key {
	uint64_t around;
	uint32_t hash;
};

static inline struct found_key
found_key(const struct scan *s, size_t p, uint64_t hash, unsigned shift)
{
	return (struct found_key){
		.around = load_before(s->data, p) |
			  load_to_end(s->data, p) >> 32 << 32,
		.hash = (uint32_t)(hash >> shift),
	};
}

/* The keys at 'n' positions; fetches what the table has of them. */
static void
look_up(const struct scan *s, const struct lane *l, size_t from,
	const struct prefilter_scratch *x, size_t first, size_t n,
	struct found_key *keys)
{
	const struct entry_table *t = &l->table;

	for (size_t i = 0; i < n; i++) {
		keys[i] = found_key(s, from + x->queue[first + i],
				    lane_word(x->hash[first + i]), t->shift);
		__builtin_prefetch(&t->first[keys[i].hash]);
	}
	if (n > 1) {
		for (size_t i = 0; i < n; i++) {
			__builtin_prefetch(&t->tags[t->first[keys[i].hash]]);
		}
	}
}

/*
 * The literals of 'n' keys behind 'from', as far as that is within reason;
 * says how many keys that are.
 */
static size_t
scan_keys(struct scan *s, const struct lane *l, size_t from,
	  const struct prefilter_scratch *x, size_t n)
{
	struct found_key keys[KEYS_AT_ONCE];
	uint32_t compares = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		size_t p = from + x->queue[i], k = i % KEYS_AT_ONCE;

		if (UNLIKELY(compares >= s->limit) && l->linear != NULL) {
			break;
		}
		if (k == 0) {
			look_up(s, l, from, x, i,
				MIN(n - i, (size_t)KEYS_AT_ONCE), keys);
		}
		compares += KEY_COMPARES;
		compares +=
			l->is_short
				? compare_shorts(s, &l->table, keys[k].hash, p)
				: compare_all(s, &l->table, keys[k].hash,
					      keys[k].around, p);
	}
	s->work->keys += i;
	s->work->compares += compares - i * KEY_COMPARES;
	return i;
}

static void
scan_lane(struct scan *s, const struct lane *l, struct prefilter_scratch *x)
{
	const struct prefilter_path *path = s->p->path;
	size_t from = start_of(s, l->reach);
	size_t end;

	if (s->data.len < l->width) {
		return;
	}
	end = s->data.len - l->width + 1;
	for (size_t to; from < end; from = to) {
		size_t n, done;

		to = MIN(end, from + BLOCK);
		n = path->filter(&l->filter, s->data, from, to, x->queue);
		if (n == 0) {
			continue;
		}
		n = path->sift(l, s->data, from, x->queue, n, x->hash);
		done = scan_keys(s, l, from, x, n);
		if (done < n) {
			scan_linear(s, l, from + x->queue[done], to);
		}
	}
}

static void
scan_probes(struct scan *s)
{
	const struct prefilter *p = s->p;
	uint64_t end = s->base + s->data.len;

	for (uint32_t i = 0; i < p->n_probes; i++) {
		const struct probe *pr = &p->probe[i];
		struct found_key key;
		uint64_t h;
		size_t at;

		if ((uint64_t)pr->at + pr->width > end) {
			break; /* and so do those behind it */
		}
		if (pr->at < s->base || pr->reach <= s->base + s->fresh) {
			continue;
		}
		at = (size_t)(pr->at - s->base);
		h = key_hash(load_to_end(s->data, at), pr->key_mask, pr->seed);
		if ((pr->hashes[h >> 62] >> (h >> 56 & 63) & 1) != 0) {
			key = found_key(s, at, h, p->probe_table.shift);
			compare_all(s, &p->probe_table, key.hash, key.around,
				    at);
		}
	}
}

/*
 * The part of 'data' where literals of 'least' to 'len' bytes may begin, as
 * [first, end).
 */
static bool
starts(const struct scan *s, uint32_t from, uint32_t to, uint32_t len,
       uint32_t least, size_t *first, size_t *end)
{
	*first = start_of(s, len);
	if (s->data.len < least || (to != PREFILTER_ANYWHERE && s->base > to)) {
		return false;
	}
	*end = s->data.len - least + 1;
	if (from > s->base) {
		uint64_t skip = from - s->base;

		*first = MAX(*first, (size_t)MIN(skip, s->data.len));
	}
	if (to != PREFILTER_ANYWHERE) {
		*end = (size_t)MIN(*end, to - s->base + 1);
	}
	return *first < *end;
}

/* A run over [from, to) of the data: all literals that are in it. */
static void
report_run(struct scan *s, size_t from, size_t to)
{
	const struct prefilter *p = s->p;
	uint8_t byte = s->data.p[from];

	for (uint32_t i = p->run_first[byte]; i < p->run_first[byte + 1u];
	     i++) {
		const struct run_literal *r = &p->runs[i];
		size_t first, end;

		if (r->len > to - from) {
			return; /* the others are longer */
		}
		if ((is_known(s, r->id) && !p->ids_shared) ||
		    !starts(s, r->from, r->to, r->len, r->len, &first, &end)) {
			continue;
		}
		first = MAX(first, from);
		if (first < end && first + r->len <= to) {
			report(s, r->id, first);
		}
	}
}

/* Where the run ends of which data[at - 1] is part. */
static size_t
run_end(struct view data, size_t at)
{
	uint8_t c = data.p[at - 1];

	for (; at + 8 <= data.len; at += 8) {
		uint64_t differ = load_le64(data.p + at) ^
				  c * UINT64_C(0x0101010101010101);

		if (differ != 0) {
			return at + (size_t)__builtin_ctzll(differ) / 8;
		}
	}
	while (at < data.len && data.p[at] == c) {
		at++;
	}
	return at;
}

static void
scan_runs(struct scan *s)
{
	size_t from = start_of(s, s->p->run_max), end;

	if (s->data.len < RUN_MIN) {
		return;
	}
	end = s->data.len - RUN_MIN + 1;
	while (from < end && (from = s->p->path->run(&s->p->run_bytes, s->data,
						     from, end)) < end) {
		size_t to = run_end(s->data, from + RUN_MIN);

		report_run(s, from, to);
		from = to - RUN_MIN + 1;
	}
}

static void
scan_shorts(struct scan *s, const struct shorts *g)
{
	struct short_search x = {
		.shorts = g,
		.data = s->data,
		.fresh = s->fresh,
		.wanted = (1u << g->n) - 1,
	};

	if (!starts(s, g->from, g->to, g->width, 1, &x.from, &x.to)) {
		return;
	}
	s->p->path->find(&x);
	for (unsigned all = x.found; all != 0; all &= all - 1) {
		unsigned i = (unsigned)__builtin_ctz(all);

		report(s, g->id[i], x.at[i]);
	}
}

/* The literals of 'sp' that stand at data[at]. */
static void
compare_spot(struct scan *s, const struct spot *sp, size_t at)
{
	uint32_t v = (uint32_t)load_to_end(s->data, at);

	for (uint32_t i = sp->first; i < sp->end; i++) {
		const struct spot_literal *l = &s->p->spot_literals[i];
		size_t end = at + l->len;

		if (((v ^ l->word) & l->mask) == 0 && end <= s->data.len &&
		    end > s->fresh) {
			report(s, l->id, at);
		}
	}
}

static void
scan_spots(struct scan *s)
{
	const struct prefilter *p = s->p;
	uint64_t end = s->base + s->data.len;

	for (uint32_t i = 0; i < p->n_spots && p->spots[i].at < end; i++) {
		const struct spot *sp = &p->spots[i];
		size_t at = (size_t)(sp->at - s->base);
		uint8_t c;

		if (sp->at < s->base || at + SHORT_MAX <= s->fresh) {
			continue;
		}
		c = s->data.p[at];
		if ((sp->begins[c / 64] >> (c % 64) & 1) != 0) {
			compare_spot(s, sp, at);
		}
	}
}

size_t
prefilter_scan(const struct prefilter *p, struct prefilter_scratch *scratch,
	       const struct prefilter_input *in, uint64_t *bits,
	       struct prefilter_hit *hits)
{
	struct scan s = {
		.p = p,
		.data = in->data,
		.fresh = in->fresh,
		.base = in->base,
		.bits = bits,
		.hits = hits,
		.limit = scratch->limit,
		.work = &scratch->work,
	};

	if (in->fresh >= in->data.len) {
		return 0;
	}
	if (p->n_probes > 0 && p->probes_end > in->base + in->fresh) {
		scan_probes(&s);
	}
	if (p->n_runs > 0) {
		scan_runs(&s);
	}
	scan_spots(&s);
	for (uint32_t i = 0; i < p->n_shorts; i++) {
		scan_shorts(&s, &p->shorts[i]);
	}
	for (uint32_t i = 0; i < p->n_lanes; i++) {
		scan_lane(&s, p->lane[i], scratch);
	}
	return s.n;
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

const struct prefilter_work *
prefilter_work(const struct prefilter_scratch *s)
{
	return &s->work;
}

void
prefilter_force_linear(struct prefilter_scratch *s, uint32_t limit)
{
	s->limit = limit;
}
