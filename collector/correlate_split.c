/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents taken apart, by an analyst or since what tied them has ended. */
#include "collector/correlate_state.h"

#include <stdlib.h>

struct incident *
correlate_find_incident(const struct correlate *c, int64_t id)
{
	struct incident *i = c->incidents;

	while (i != NULL && (id == 0 || i->id != id)) {
		i = i->next;
	}
	return i;
}

unsigned
correlate_look_again(struct correlate *c,
		     bool (*which)(void *arg, const struct incident *i),
		     void *arg)
{
	unsigned n = 0;

	for (struct incident *i = c->incidents; i != NULL; i = i->next) {
		if (which(arg, i)) {
			i->dirty = true;
			n++;
		}
	}
	return n;
}

/* ------------------------------------------------------------ held apart */

bool
correlate_is_apart(const struct incident *i, const struct incident *j)
{
	const struct incident *few = i->n_apart < j->n_apart ? i : j;
	const struct incident *other = few == i ? j : i;

	for (unsigned k = 0; k < few->n_apart; k++) {
		if (few->apart[k] == other) {
			return true;
		}
	}
	return false;
}

static bool
note(struct incident *i, struct incident *other)
{
	if (i->n_apart == i->cap_apart) {
		unsigned cap = i->cap_apart * 2 + 4;
		struct incident **p =
			realloc(i->apart, cap * sizeof(struct incident *));

		if (p == NULL) {
			return false;
		}
		i->apart = p;
		i->cap_apart = cap;
	}
	i->apart[i->n_apart++] = other;
	return true;
}

enum err
correlate_hold_apart(struct incident *i, struct incident *j)
{
	if (i == j || correlate_is_apart(i, j)) {
		return ERR_OK;
	}
	return note(i, j) && note(j, i) ? ERR_OK : ERR_NOMEM;
}

static void
unnote(struct incident *i, const struct incident *other)
{
	for (unsigned k = 0; k < i->n_apart; k++) {
		if (i->apart[k] == other) {
			i->apart[k] = i->apart[--i->n_apart];
			return;
		}
	}
}

void
correlate_forget_apart(struct incident *i)
{
	while (i->n_apart > 0) {
		struct incident *other = i->apart[i->n_apart - 1];

		unnote(other, i);
		unnote(i, other);
	}
}

enum err
correlate_join_by_hand(struct correlate *c, struct run *a, struct run *b)
{
	if (a->incident != NULL && b->incident != NULL) {
		unnote(a->incident, b->incident);
		unnote(b->incident, a->incident);
	}
	return correlate_join(c, a, b);
}

/* --------------------------------------------------------------- by hand */

enum err
correlate_split(struct correlate *c, int64_t id,
		bool (*picked)(void *arg, const struct run *r), void *arg,
		struct incident **out)
{
	struct incident *i = correlate_find_incident(c, id), *to = NULL;
	unsigned n = 0;
	enum err e;

	*out = NULL;
	if (i == NULL) {
		return ERR_NOTFOUND;
	}
	for (struct run *r = i->members; r != NULL; r = r->next_member) {
		r->part = picked(arg, r);
		n += r->part;
	}
	if (n == 0 || n == i->n_members) {
		return ERR_USAGE;
	}
	for (struct run *r = i->members, *next; r != NULL; r = next) {
		next = r->next_member;
		if (r->part == 0) {
			continue;
		}
		if (to == NULL) {
			correlate_leave(c, r);
			to = correlate_incident_new(c, r);
			if (to == NULL) {
				return ERR_NOMEM;
			}
		} else {
			correlate_move(c, r, to);
		}
	}
	to->split_from = id;
	i->dirty = i->lessened = true;
	e = correlate_hold_apart(i, to);
	/* What it was held apart from before, all of it stays so. */
	for (unsigned k = 0; k < i->n_apart && e == ERR_OK; k++) {
		e = correlate_hold_apart(to, i->apart[k]);
	}
	*out = to;
	return e;
}

static struct run *
oldest(const struct incident *i)
{
	struct run *first = i->members;

	for (struct run *r = i->members; r != NULL; r = r->next_member) {
		first = r->id < first->id ? r : first;
	}
	return first;
}

enum err
correlate_merge(struct correlate *c, int64_t a, int64_t b, int64_t *into)
{
	struct incident *x = correlate_find_incident(c, a);
	struct incident *y = correlate_find_incident(c, b);
	struct run *r, *s;
	enum err e;

	if (x == NULL || y == NULL) {
		return ERR_NOTFOUND;
	}
	r = oldest(x);
	s = oldest(y);
	if (x == y || strcmp(r->exercise, s->exercise) != 0) {
		return ERR_USAGE;
	}
	e = correlate_join_by_hand(c, r, s);
	if (e == ERR_OK) {
		e = correlate_add_hand(c, r, s, 0, false);
	}
	*into = r->incident->id;
	return e;
}

/* --------------------------------------------------------------- by rule */

unsigned
correlate_connect(struct incident *i)
{
	struct run **todo = malloc(i->n_members * sizeof(struct run *));
	unsigned n = 0, part = 0;

	for (struct run *r = i->members; r != NULL; r = r->next_member) {
		r->part = 0;
	}
	for (struct run *r = i->members; todo != NULL && r != NULL;
	     r = r->next_member) {
		if (r->part != 0) {
			continue;
		}
		r->part = ++part;
		todo[n++] = r;
		while (n > 0) {
			struct run *at = todo[--n];

			for (struct run_link *l = at->links; l != NULL;
			     l = l->next) {
				if (l->other->incident == i &&
				    l->other->part == 0 &&
				    (l->by_hand ||
				     correlate_link_ties(at, l))) {
					l->other->part = part;
					todo[n++] = l->other;
				}
			}
		}
	}
	free(todo);
	return part;
}

/* A part of an incident that is taken apart. */
struct piece {
	uint64_t first; /* its lowest run */
	unsigned was; /* the part that it was of before; 0: is not looked at */
	bool stands; /* a rule would have begun it */
	struct incident *to;
};

static int
piece_cmp(const void *x, const void *y)
{
	const struct piece *const *a = x, *const *b = y;

	return (*a)->first < (*b)->first ? -1 : (*a)->first > (*b)->first;
}

/* What stands alone gets an incident of its own; of each former part the oldest
 * that stands stays where it was. */
static enum err
place(struct correlate *c, struct incident *i, struct piece *p, unsigned n,
      const bool *broken)
{
	struct piece **order = malloc(n * sizeof(struct piece *));
	bool *kept = calloc(n + 1, sizeof(*kept));
	enum err e = order != NULL && kept != NULL ? ERR_OK : ERR_NOMEM;

	for (unsigned k = 0; k < n && e == ERR_OK; k++) {
		order[k] = &p[k];
	}
	if (e == ERR_OK) {
		qsort(order, n, sizeof(struct piece *), piece_cmp);
	}
	for (unsigned k = 0; k < n && e == ERR_OK; k++) {
		struct run *r = i->members;

		if (!order[k]->stands || !broken[order[k]->was]) {
			continue;
		}
		if (!kept[order[k]->was]) {
			kept[order[k]->was] = true;
			continue;
		}
		while (r->id != order[k]->first) {
			r = r->next_member;
		}
		correlate_leave(c, r);
		order[k]->to = correlate_incident_new(c, r);
		if (order[k]->to == NULL) {
			e = ERR_NOMEM;
			break;
		}
		order[k]->to->split_from = i->id;
		for (unsigned m = 0; m < i->n_apart && e == ERR_OK; m++) {
			e = correlate_hold_apart(order[k]->to, i->apart[m]);
		}
	}
	free(kept);
	free(order);
	return e;
}

enum err
correlate_loosen(struct correlate *c, struct incident *i)
{
	unsigned *was = malloc(i->n_members * sizeof(*was)), n, k = 0, most = 0;
	struct piece *p = NULL;
	bool *broken = NULL;
	enum err e = ERR_NOMEM;

	for (struct run *r = i->members; was != NULL && r != NULL;
	     r = r->next_member) {
		was[k++] = r->part;
		most = MAX(most, r->part);
	}
	n = was != NULL ? correlate_connect(i) : 0;
	if (n > 0) {
		/* More former parts than pieces there cannot be. */
		p = calloc(n + 1, sizeof(*p));
		broken = calloc(MAX(n, most) + 1, sizeof(*broken));
	}
	k = 0;
	for (struct run *r = i->members; broken != NULL && p != NULL && r;
	     r = r->next_member) {
		struct piece *q = &p[r->part];

		q->first = q->was == 0 ? r->id : MIN(q->first, r->id);
		q->was = was[k++];
		q->stands = q->stands || r->qualified;
		broken[q->was] = broken[q->was] || r->muted || r->doubted;
	}
	if (broken != NULL && p != NULL) {
		e = place(c, i, p + 1, n, broken);
	}
	for (struct run *r = i->members, *next; e == ERR_OK && r != NULL;
	     r = next) {
		next = r->next_member;
		if (p[r->part].to != NULL) {
			correlate_move(c, r, p[r->part].to);
		}
	}
	i->dirty = i->lessened = true;
	free(was);
	free(p);
	free(broken);
	return e;
}
