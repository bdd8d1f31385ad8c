/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/dedupe.h"

#include <stdlib.h>

#define BUCKETS 4096 /* a power of two */

struct dedupe {
	struct dedupe_mark *buckets[BUCKETS]; /* by sensor, newest first */
	uint64_t forgotten;
};

struct dedupe *
dedupe_new(void)
{
	return calloc(1, sizeof(struct dedupe));
}

void
dedupe_reset(struct dedupe *d)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (d->buckets[i] != NULL) {
			struct dedupe_mark *m = d->buckets[i];

			d->buckets[i] = m->next;
			free(m->ranges);
			free(m->moved);
			free(m);
		}
	}
}

void
dedupe_free(struct dedupe *d)
{
	if (d != NULL) {
		dedupe_reset(d);
		free(d);
	}
}

static struct dedupe_mark **
bucket(const struct dedupe *d, int64_t sensor)
{
	/* Ids are small and dense. */
	return (struct dedupe_mark **)&d
		->buckets[(uint64_t)sensor & (BUCKETS - 1)];
}

static struct dedupe_mark *
find(const struct dedupe *d, int64_t sensor, uint64_t epoch)
{
	struct dedupe_mark *m = *bucket(d, sensor);

	while (m != NULL && (m->sensor != sensor || m->epoch != epoch)) {
		m = m->next;
	}
	return m;
}

static void
take_away(struct dedupe_mark **at)
{
	struct dedupe_mark *m = *at;

	*at = m->next;
	free(m->ranges);
	free(m->moved);
	free(m);
}

/* The mark of that sensor, clean, that was added longest ago, and is not the
 * newest, which somebody is about to use; how many it has. */
static struct dedupe_mark **
oldest_clean(struct dedupe_mark **head, int64_t sensor, unsigned *n)
{
	struct dedupe_mark **victim = NULL;

	*n = 0;
	for (struct dedupe_mark **p = head; *p != NULL; p = &(*p)->next) {
		if ((*p)->sensor == sensor) {
			(*n)++;
			if (p != head && !(*p)->dirty && !(*p)->latest) {
				victim = p;
			}
		}
	}
	return victim;
}

/* A sensor that starts a new epoch with every frame must not cost memory.
 * More than one goes when there were too many of one transaction to let go. */
static void
forget_oldest(struct dedupe *d, struct dedupe_mark **head, int64_t sensor)
{
	unsigned n;
	struct dedupe_mark **victim = oldest_clean(head, sensor, &n);

	while (n > DEDUPE_MAX_EPOCHS && victim != NULL) {
		take_away(victim);
		d->forgotten++;
		victim = oldest_clean(head, sensor, &n);
	}
}

void
dedupe_forget(struct dedupe *d, int64_t sensor, uint64_t epoch)
{
	struct dedupe_mark **p = bucket(d, sensor);

	while (*p != NULL && ((*p)->sensor != sensor || (*p)->epoch != epoch)) {
		p = &(*p)->next;
	}
	if (*p != NULL) {
		take_away(p);
	}
}

bool
dedupe_knows(const struct dedupe *d, int64_t sensor, uint64_t epoch)
{
	return find(d, sensor, epoch) != NULL;
}

uint64_t
dedupe_forgotten(const struct dedupe *d)
{
	return d->forgotten;
}

static struct dedupe_mark *
find_or_add(struct dedupe *d, int64_t sensor, uint64_t epoch)
{
	struct dedupe_mark *m = find(d, sensor, epoch);
	struct dedupe_mark **head = bucket(d, sensor);

	if (m != NULL) {
		return m;
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL) {
		return NULL;
	}
	m->sensor = sensor;
	m->epoch = epoch;
	m->next = *head;
	*head = m;
	forget_oldest(d, head, sensor);
	return m;
}

/* The first range that ends at or after 'seq' - 1: it may touch 'seq'. */
static unsigned
first_touching(const struct dedupe_mark *m, uint64_t seq)
{
	unsigned lo = 0, hi = m->n_ranges;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (m->ranges[mid].hi + 1 < seq) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo;
}

static enum err
insert(struct dedupe_mark *m, unsigned i, struct dedupe_range r)
{
	if ((m->n_ranges & (m->n_ranges - 1)) == 0) {
		size_t cap = m->n_ranges == 0 ? 1 : (size_t)m->n_ranges * 2;
		struct dedupe_range *p = realloc(m->ranges, cap * sizeof(*p));

		if (p == NULL) {
			return ERR_NOMEM;
		}
		m->ranges = p;
	}
	memmove(&m->ranges[i + 1], &m->ranges[i],
		(m->n_ranges - i) * sizeof(*m->ranges));
	m->ranges[i] = r;
	m->n_ranges++;
	return ERR_OK;
}

/* Takes ranges [i, j) out. */
static void
take_out(struct dedupe_mark *m, unsigned i, unsigned j)
{
	if (i == j) {
		return;
	}
	memmove(&m->ranges[i], &m->ranges[j],
		(m->n_ranges - j) * sizeof(*m->ranges));
	m->n_ranges -= j - i;
}

/* Adds [lo, hi], lo above upto; counts what was there in '*had'. */
static enum err
add_range(struct dedupe_mark *m, uint64_t lo, uint64_t hi,
	  enum dedupe_verdict *verdict, uint64_t *had)
{
	unsigned i = first_touching(m, lo), j = i;
	struct dedupe_range r = { lo, hi };

	*had = 0;
	for (; j < m->n_ranges && m->ranges[j].lo <= hi + 1; j++) {
		uint64_t from = MAX(m->ranges[j].lo, lo);
		uint64_t to = MIN(m->ranges[j].hi, hi);

		*had += from <= to ? to - from + 1 : 0;
		r.lo = MIN(r.lo, m->ranges[j].lo);
		r.hi = MAX(r.hi, m->ranges[j].hi);
	}
	if (r.lo == m->upto + 1) {
		m->upto = r.hi;
		take_out(m, i, j);
		return ERR_OK;
	}
	if (i < j) {
		m->ranges[i] = r;
		take_out(m, i + 1, j);
		return ERR_OK;
	}
	if (m->n_ranges >= DEDUPE_MAX_RANGES) {
		*verdict = DEDUPE_FULL;
		return ERR_OK;
	}
	return insert(m, i, r);
}

static void
make_latest(struct dedupe *d, struct dedupe_mark *m)
{
	for (struct dedupe_mark *o = *bucket(d, m->sensor); o != NULL;
	     o = o->next) {
		if (o->sensor == m->sensor) {
			o->latest = false;
		}
	}
	m->latest = true;
}

/* Remembers what to write.  Without memory, all is written. */
static void
note_moved(struct dedupe_mark *m, uint64_t seq)
{
	if (m->moved == NULL) {
		m->moved = malloc(DEDUPE_MAX_MOVED * sizeof(*m->moved));
		m->n_moved = m->moved == NULL ? DEDUPE_MAX_MOVED : 0;
	}
	if (m->n_moved < DEDUPE_MAX_MOVED) {
		m->moved[m->n_moved++] = seq;
	}
}

enum err
dedupe_note(struct dedupe *d, int64_t sensor, uint64_t epoch, uint64_t lo,
	    uint64_t hi, enum dedupe_verdict *verdict, uint64_t *n_new)
{
	struct dedupe_mark *m = find_or_add(d, sensor, epoch);
	uint64_t had = 0;
	enum err e;

	if (m == NULL) {
		return ERR_NOMEM;
	}
	*verdict = DEDUPE_NEW;
	*n_new = 0;
	m->dirty = true; /* a repeat asks for the mark to be told again */
	make_latest(d, m);
	if (hi <= m->upto) {
		*verdict = DEDUPE_REPEAT;
		return ERR_OK;
	}
	lo = MAX(lo, m->upto + 1);
	e = add_range(m, lo, hi, verdict, &had);
	if (e == ERR_OK && *verdict == DEDUPE_NEW) {
		*n_new = hi - lo + 1 - had;
		note_moved(m, lo);
		if (*n_new == 0) {
			*verdict = DEDUPE_REPEAT;
		}
	}
	return e;
}

bool
dedupe_has(const struct dedupe *d, int64_t sensor, uint64_t epoch, uint64_t seq)
{
	const struct dedupe_mark *m = find(d, sensor, epoch);
	unsigned i;

	if (m == NULL) {
		return false;
	}
	if (seq <= m->upto) {
		return true;
	}
	i = first_touching(m, seq);
	if (i < m->n_ranges && m->ranges[i].hi < seq) {
		i++;
	}
	return i < m->n_ranges && m->ranges[i].lo <= seq;
}

enum err
dedupe_load(struct dedupe *d, int64_t sensor, uint64_t epoch, uint64_t upto,
	    bool latest)
{
	struct dedupe_mark *m = find_or_add(d, sensor, epoch);

	if (m == NULL) {
		return ERR_NOMEM;
	}
	m->upto = upto;
	m->latest = latest;
	return ERR_OK;
}

enum err
dedupe_load_range(struct dedupe *d, int64_t sensor, uint64_t epoch, uint64_t lo,
		  uint64_t hi)
{
	struct dedupe_mark *m = find_or_add(d, sensor, epoch);
	enum dedupe_verdict ignored = DEDUPE_NEW;
	uint64_t had;

	if (m == NULL) {
		return ERR_NOMEM;
	}
	return lo > m->upto && lo <= hi ? add_range(m, lo, hi, &ignored, &had)
					: ERR_OK;
}

enum err
dedupe_each(struct dedupe *d, bool dirty_only,
	    enum err (*fn)(void *arg, const struct dedupe_mark *m), void *arg)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct dedupe_mark *m = d->buckets[i];
		     m != NULL && e == ERR_OK; m = m->next) {
			if (m->dirty || !dirty_only) {
				e = fn(arg, m);
			}
		}
	}
	return e;
}

void
dedupe_clean(struct dedupe *d)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct dedupe_mark *m = d->buckets[i]; m != NULL;
		     m = m->next) {
			m->dirty = false;
			free(m->moved);
			m->moved = NULL;
			m->n_moved = 0;
		}
	}
}

/* All of it: from nothing to what there is. */
static enum err
change_all(const struct dedupe_mark *m,
	   enum err (*fn)(void *arg, const struct dedupe_mark *m,
			  struct dedupe_range gone, struct dedupe_range now),
	   void *arg)
{
	static const struct dedupe_range none = { 1, 0 };
	enum err e = fn(arg, m, (struct dedupe_range){ 0, INT64_MAX }, none);

	for (unsigned i = 0; i < m->n_ranges && e == ERR_OK; i++) {
		e = fn(arg, m, none, m->ranges[i]);
	}
	return e;
}

enum err
dedupe_changes(const struct dedupe_mark *m,
	       enum err (*fn)(void *arg, const struct dedupe_mark *m,
			      struct dedupe_range gone,
			      struct dedupe_range now),
	       void *arg)
{
	static const struct dedupe_range none = { 1, 0 };
	bool below = false;
	enum err e = ERR_OK;

	if (m->n_moved == DEDUPE_MAX_MOVED) {
		return change_all(m, fn, arg);
	}
	for (unsigned k = 0; k < m->n_moved && e == ERR_OK; k++) {
		uint64_t seq = m->moved[k];
		unsigned i = first_touching(m, seq);

		if (seq <= m->upto) {
			below = true;
			continue;
		}
		if (i < m->n_ranges && m->ranges[i].hi < seq) {
			i++;
		}
		if (i < m->n_ranges && m->ranges[i].lo <= seq) {
			e = fn(arg, m, m->ranges[i], m->ranges[i]);
		}
	}
	return e == ERR_OK && below
		       ? fn(arg, m, (struct dedupe_range){ 0, m->upto }, none)
		       : e;
}
