/* SPDX-License-Identifier: Apache-2.0 */
/* What a store kept, put back at start. */
#include "collector/correlate_state.h"

#include <stdlib.h>

struct run *
correlate_load_run(struct correlate *c, uint64_t id, const char *exercise,
		   enum key_kind kind, const char *key, uint64_t first_us,
		   uint64_t last_us, uint8_t severity, uint8_t confidence,
		   const struct stage_times *stages)
{
	struct run *r;

	if (c->n_by_id == c->cap_by_id) {
		size_t cap = MAX(c->cap_by_id * 2, (size_t)1024);
		struct run **p = realloc(c->by_id, cap * sizeof(struct run *));

		if (p == NULL) {
			return NULL;
		}
		c->by_id = p;
		c->cap_by_id = cap;
	}
	c->loading = true;
	r = correlate_run_new(c, id, exercise, kind, key);
	if (r == NULL) {
		return NULL;
	}
	c->by_id[c->n_by_id++] = r;
	r->first_us = first_us;
	r->last_us = last_us;
	r->severity = severity;
	r->confidence = confidence;
	c->next_id = MAX(c->next_id, id + 1);
	if (stages != NULL) {
		r->stages = malloc(sizeof(*stages));
		if (r->stages == NULL) {
			return NULL;
		}
		*r->stages = *stages;
	}
	return r;
}

void
correlate_load_marks(struct correlate *c, struct run *r, uint8_t what,
		     const struct marking *said, const struct marking *mark)
{
	r->what = what;
	r->said = mark_set_keep(c->marks, said);
	r->mark = mark_set_keep(c->marks, mark);
}

enum err
correlate_load_own(struct correlate *c, struct run *r,
		   const struct stage_times *own, bool refuted, bool doubted)
{
	r->refuted = refuted;
	r->doubted = doubted;
	c->doubts = c->doubts || doubted;
	r->muted = r->muted || refuted;
	if (own != NULL) {
		r->own = malloc(sizeof(*own));
		if (r->own == NULL) {
			return ERR_NOMEM;
		}
		*r->own = *own;
	}
	return ERR_OK;
}

void
correlate_load_flood(struct run *r, bool flooded, const struct run_flood *f)
{
	r->flooded = flooded;
	r->flood = *f;
}

const struct marking *
correlate_keep_mark(struct correlate *c, const struct marking *m)
{
	return mark_set_keep(c->marks, m);
}

/* Runs were loaded in order of id. */
struct run *
correlate_find_run(struct correlate *c, uint64_t id)
{
	size_t lo = 0, hi = c->n_by_id;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->by_id[mid]->id < id) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo < c->n_by_id && c->by_id[lo]->id == id ? c->by_id[lo] : NULL;
}

enum err
correlate_load_site(struct correlate *c, struct run *r,
		    const struct run_site *s)
{
	return correlate_add_site(c, r, s);
}

enum err
correlate_load_link(struct correlate *c, struct run *a, struct run *b,
		    int64_t alert, bool by_hand, bool told)
{
	return by_hand ? correlate_add_hand(c, a, b, alert, told)
		       : correlate_add_link(c, a, b, alert, told);
}

enum err
correlate_load_apart(struct correlate *c, int64_t a, int64_t b)
{
	struct incident *x = correlate_find_incident(c, a);
	struct incident *y = correlate_find_incident(c, b);

	return x != NULL && y != NULL && x != y ? correlate_hold_apart(x, y)
						: ERR_OK;
}

void
correlate_load_trimmed(struct run *r)
{
	if (r != NULL && r->incident != NULL) {
		r->incident->trimmed = true;
	}
}

enum err
correlate_load_incident(struct correlate *c, struct run *r, int64_t id)
{
	struct run *prev = c->last_loaded;

	if (r->incident == NULL && correlate_incident_new(c, r) == NULL) {
		return ERR_NOMEM;
	}
	r->incident->id = id;
	c->last_loaded = r;
	if (prev != NULL && prev->incident->id == id) {
		return correlate_join(c, prev, r);
	}
	return ERR_OK;
}

/*
 * Which runs qualify is found out again rather than believed, and so is what
 * they tie together: by other settings than those of before it may be more.
 * Nothing else is to be written.
 */
enum err
correlate_load_end(struct correlate *c)
{
	enum err e = ERR_OK;
	bool did;

	c->loading = false;
	for (size_t i = 0; i < c->n_by_id && e == ERR_OK; i++) {
		e = correlate_qualify(c, c->by_id[i], &did);
	}
	for (size_t i = 0; i < c->n_by_id && e == ERR_OK; i++) {
		e = correlate_join_links(c, c->by_id[i]);
	}
	free(c->by_id);
	c->last_loaded = NULL;
	c->by_id = NULL;
	c->n_by_id = c->cap_by_id = 0;
	return e;
}

void
correlate_load_next(struct correlate *c, uint64_t id)
{
	c->next_id = MAX(c->next_id, id);
}
