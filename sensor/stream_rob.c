/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stream_rob.h"

#define INDEX_MIN 8

bool
overlap_policy_by_name(struct view name, enum overlap_policy *out)
{
	static const struct {
		const char *name;
		enum overlap_policy policy;
	} names[] = {
		{ "bsd", OVERLAP_BSD },
		{ "windows", OVERLAP_BSD },
		{ "windows2k3", OVERLAP_BSD },
		{ "macos", OVERLAP_BSD },
		{ "irix", OVERLAP_BSD },
		{ "hpux10", OVERLAP_BSD },
		{ "linux", OVERLAP_LINUX },
		{ "old-linux", OVERLAP_OLD_LINUX },
		{ "solaris", OVERLAP_SOLARIS },
		{ "old-solaris", OVERLAP_SOLARIS },
		{ "hpux11", OVERLAP_SOLARIS },
		{ "vista", OVERLAP_FIRST },
		{ "first", OVERLAP_FIRST },
		{ "last", OVERLAP_LAST },
		{ "bsd-right", OVERLAP_LAST },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (view_caseeq(name, view_cstr(names[i].name))) {
			*out = names[i].policy;
			return true;
		}
	}
	return false;
}

void
rob_init(struct rob *r)
{
	memset(r, 0, sizeof(*r));
}

static void
index_free(struct rob *r, struct pool *pool)
{
	pool_put(pool, r->runs, r->cap * sizeof(r->runs[0]));
	r->runs = NULL;
	r->first = r->cap = 0;
}

void
rob_fini(struct rob *r, struct pool *pool)
{
	while (!rob_empty(r)) {
		struct rob_run run = rob_pop(r);

		pool_put(pool, run.block, run.block_size);
	}
	index_free(r, pool);
}

const struct rob_run *
rob_first(const struct rob *r)
{
	return r->n > 0 ? &r->runs[r->first] : NULL;
}

struct rob_run
rob_pop(struct rob *r)
{
	struct rob_run run = r->runs[r->first++];

	r->n--;
	r->bytes -= run.block_size;
	if (r->n == 0) {
		r->first = 0;
	}
	return run;
}

/* Index of the first run that ends behind 'off'. */
static uint32_t
find(const struct rob *r, uint64_t off)
{
	uint32_t lo = 0, hi = r->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct rob_run *run = &r->runs[r->first + mid];

		if (run->off + run->len > off) {
			hi = mid;
		} else {
			lo = mid + 1;
		}
	}
	return lo;
}

/*
 * Grown by doubling; what is free lies half before, half behind the runs, so
 * that segments sent backwards cost no more than those sent forwards.
 */
static bool
index_grow(struct rob *r, struct pool *pool)
{
	uint32_t cap = r->cap == 0 ? INDEX_MIN : r->cap * 2;
	uint32_t first = (cap - r->n) / 2;
	struct rob_run *runs;

	runs = pool_get(pool, cap * sizeof(runs[0]));
	if (runs == NULL) {
		return false;
	}
	if (r->n > 0) {
		memcpy(runs + first, r->runs + r->first,
		       r->n * sizeof(runs[0]));
	}
	pool_put(pool, r->runs, r->cap * sizeof(runs[0]));
	r->runs = runs;
	r->first = first;
	r->cap = cap;
	return true;
}

/* Opens a slot before run 'at', moving the shorter side. */
static bool
index_open(struct rob *r, struct pool *pool, uint32_t at)
{
	bool front, back;

	if (r->n >= ROB_MAX_RUNS) {
		return false;
	}
	if (r->n == r->cap && !index_grow(r, pool)) {
		return false;
	}
	front = r->first > 0;
	back = r->first + r->n < r->cap;
	if (front && (at < r->n / 2 || !back)) {
		memmove(r->runs + r->first - 1, r->runs + r->first,
			at * sizeof(r->runs[0]));
		r->first--;
	} else {
		memmove(r->runs + r->first + at + 1, r->runs + r->first + at,
			(r->n - at) * sizeof(r->runs[0]));
	}
	r->n++;
	return true;
}

struct segment {
	uint64_t off;
	struct view data;
	enum overlap_policy policy;
};

static bool
new_wins(const struct segment *s, const struct rob_run *old)
{
	uint64_t end = s->off + s->data.len;
	uint64_t old_end = old->seg_off + old->seg_len;

	switch (s->policy) {
	case OVERLAP_BSD:
		return s->off < old->seg_off;
	case OVERLAP_LINUX:
		return s->off < old->seg_off ||
		       (s->off == old->seg_off && end > old_end);
	case OVERLAP_OLD_LINUX:
		return s->off <= old->seg_off;
	case OVERLAP_SOLARIS:
		return end >= old_end;
	case OVERLAP_LAST:
		return true;
	case OVERLAP_FIRST:
	default:
		return false;
	}
}

/* Puts bytes [from, to) of the segment into a run of their own at 'at'. */
static bool
add_run(struct rob *r, struct pool *pool, uint32_t at, const struct segment *s,
	uint64_t from, uint64_t to, size_t room)
{
	uint32_t len = (uint32_t)(to - from);
	size_t size = pool_class_size(len);
	uint8_t *block;

	if (r->bytes + size > room) {
		return false;
	}
	block = pool_get(pool, size);
	if (block == NULL) {
		return false;
	}
	if (!index_open(r, pool, at)) {
		pool_put(pool, block, size);
		return false;
	}
	memcpy(block, s->data.p + (from - s->off), len);
	r->runs[r->first + at] = (struct rob_run){
		.off = from,
		.seg_off = s->off,
		.len = len,
		.seg_len = (uint32_t)s->data.len,
		.block = block,
		.block_size = (uint32_t)size,
	};
	r->bytes += (uint32_t)size;
	return true;
}

/*
 * The new segment takes [from, to) of run 'i' over.  The parts that stay keep
 * the old segment's bounds.  Returns the index behind the part taken over.
 * Out of memory, the bytes are right but the run keeps its old bounds.
 */
static uint32_t
take_over(struct rob *r, struct pool *pool, uint32_t i, const struct segment *s,
	  uint64_t from, uint64_t to, size_t room)
{
	struct rob_run old = r->runs[r->first + i];
	uint64_t end = old.off + old.len;
	struct rob_run *run;

	memcpy(old.block + old.skip + (from - old.off),
	       s->data.p + (from - s->off), (size_t)(to - from));
	if (from > old.off && to < end) {
		struct segment rest = {
			to,
			view_of(old.block + old.skip + (to - old.off),
				(size_t)(end - to)),
			s->policy,
		};

		if (!add_run(r, pool, i + 1, &rest, to, end, room)) {
			return i + 1;
		}
		run = &r->runs[r->first + i + 1];
		run->seg_off = old.seg_off;
		run->seg_len = old.seg_len;
		r->runs[r->first + i].len -= (uint32_t)(end - to);
		end = to;
	}
	if (from == old.off && to == end) {
		run = &r->runs[r->first + i];
		run->seg_off = s->off;
		run->seg_len = (uint32_t)s->data.len;
		return i + 1;
	}
	if (from == old.off) {
		if (add_run(r, pool, i, s, from, to, room)) {
			run = &r->runs[r->first + i + 1];
			run->skip += (uint32_t)(to - from);
			run->off = to;
			run->len = (uint32_t)(end - to);
		}
		return i + 1;
	}
	if (add_run(r, pool, i + 1, s, from, to, room)) {
		r->runs[r->first + i].len = (uint32_t)(from - old.off);
		return i + 2;
	}
	return i + 1;
}

static unsigned
compare(const struct segment *s, const struct rob_run *old, uint64_t from,
	uint64_t to)
{
	bool same =
		memcmp(old->block + old->skip + (from - old->off),
		       s->data.p + (from - s->off), (size_t)(to - from)) == 0;

	return same ? ROB_OVERLAP : ROB_OVERLAP | ROB_DIFFERENT;
}

unsigned
rob_insert(struct rob *r, struct pool *pool, uint64_t off, struct view data,
	   enum overlap_policy policy, size_t room)
{
	struct segment s = { off, data, policy };
	uint64_t at = off, end = off + data.len;
	uint32_t i = find(r, off);
	unsigned verdict = ROB_OK;

	room += r->bytes;
	while (at < end) {
		struct rob_run *old = i < r->n ? &r->runs[r->first + i] : NULL;
		uint64_t to = end;

		if (old != NULL && old->off <= at) {
			to = MIN(end, old->off + old->len);
			verdict |= compare(&s, old, at, to);
			i = new_wins(&s, old)
				    ? take_over(r, pool, i, &s, at, to, room)
				    : i + 1;
		} else {
			if (old != NULL) {
				to = MIN(end, old->off);
			}
			if (!add_run(r, pool, i, &s, at, to, room)) {
				return verdict | ROB_NO_MEMORY;
			}
			i++;
		}
		at = to;
	}
	return verdict;
}
