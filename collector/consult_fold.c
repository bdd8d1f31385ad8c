/* SPDX-License-Identifier: Apache-2.0 */
/* From events to the state that they add up to. */
#include "collector/consult.h"

#include <stdio.h>
#include <stdlib.h>

int
consult_event_cmp(const struct consult_event *a, const struct consult_event *b)
{
	int c;

	if (a->clock != b->clock) {
		return a->clock < b->clock ? -1 : 1;
	}
	c = strcmp(a->side, b->side);
	if (c == 0 && a->number != b->number) {
		c = a->number < b->number ? -1 : 1;
	}
	return c;
}

/* Two that differ under one name are refused by the store; here they have an
 * order, so that even they cannot make two states of one set. */
static int
event_cmp(const void *x, const void *y)
{
	int c = consult_event_cmp(x, y);

	return c != 0 ? c : memcmp(x, y, sizeof(struct consult_event));
}

static struct consult_side *
side_of(struct consult *c, const char *owner)
{
	return (struct consult_side *)consult_side(c, owner);
}

/* Further owners at the table; those beyond the last place have none. */
static void
join(struct consult *c, const struct consult_event *e)
{
	for (unsigned i = 0; i < e->n_sides; i++) {
		struct consult_side *s;

		if (side_of(c, e->sides[i]) != NULL ||
		    c->n_sides == CONSULT_SIDES) {
			continue;
		}
		s = &c->sides[c->n_sides++];
		memcpy(s->owner, e->sides[i], sizeof(s->owner));
		s->deadline_us = e->deadline_us;
	}
	c->level = MAX(c->level, e->level);
}

static void
open_it(struct consult *c, const struct consult_event *e)
{
	if (c->opened_us == 0 && c->n_sides == 0) {
		c->id = e->id;
		c->opened_us = e->at_us;
		c->incident = e->incident;
		memcpy(c->exercise, e->exercise, sizeof(c->exercise));
		memcpy(c->text, e->text, sizeof(c->text));
		/* Who opens it says who leads: the first of the sides. */
		memcpy(c->lead, e->sides[0], sizeof(c->lead));
	}
	join(c, e);
}

/* What is more serious leaves less time, never more. */
static void
raise_it(struct consult *c, const struct consult_event *e)
{
	for (unsigned i = 0; i < c->n_sides; i++) {
		struct consult_side *s = &c->sides[i];

		if (!s->acked && s->deadline_us != 0 && e->deadline_us != 0) {
			s->deadline_us = MIN(s->deadline_us, e->deadline_us);
		}
	}
	join(c, e);
}

static void
acknowledge(struct consult_side *s, const struct consult_event *e)
{
	if (!s->acked) {
		s->acked = true;
		s->acked_us = e->at_us;
		s->deadline_us = 0;
		memcpy(s->who, e->who, sizeof(s->who));
	}
}

static void
escalate(struct consult_side *s, const struct consult_event *e)
{
	/* Two collectors may both find it late: a step counts once. */
	if (s != NULL && !s->acked && e->step > s->step) {
		s->step = e->step;
		s->deadline_us = e->step < CONSULT_STEPS ? e->deadline_us : 0;
	}
}

/* A new lead, where there is a way for the speaker to say so. */
static void
lead_on(struct consult *c, const struct consult_event *e)
{
	bool by_hand = e->kind == CONSULT_HANDOVER;
	bool is_lead = strcmp(e->side, c->lead) == 0;

	if (side_of(c, e->about) == NULL || c->closed ||
	    (by_hand ? !is_lead
		     : c->by_hand || (!is_lead &&
				      strcmp(e->side, c->id.side) != 0))) {
		return;
	}
	memcpy(c->lead, e->about, sizeof(c->lead));
	c->by_hand |= by_hand;
}

static void
close_it(struct consult *c, const struct consult_event *e)
{
	if (c->closed || strcmp(e->side, c->lead) != 0) {
		return;
	}
	c->closed = true;
	c->closed_us = e->at_us;
	memcpy(c->text, e->text, sizeof(c->text));
}

static void
reopen(struct consult *c, const struct consult_event *e)
{
	if (!c->closed) {
		raise_it(c, e);
		return;
	}
	c->closed = false;
	c->closed_us = 0;
	memcpy(c->text, e->text, sizeof(c->text));
	for (unsigned i = 0; i < c->n_sides; i++) {
		struct consult_side *s = &c->sides[i];

		s->acked = false;
		s->acked_us = 0;
		s->step = 0;
		s->deadline_us = e->deadline_us;
		memset(s->who, 0, sizeof(s->who));
	}
	join(c, e);
}

static void
step(struct consult *c, const struct consult_event *e)
{
	struct consult_side *speaker = side_of(c, e->side);

	c->clock = MAX(c->clock, e->clock);
	c->changed_us = MAX(c->changed_us, e->at_us);
	c->events++;
	if (e->kind == CONSULT_OPEN) {
		open_it(c, e);
		return;
	}
	/* Whoever is not at the table is not heard. */
	if (speaker == NULL) {
		return;
	}
	switch (e->kind) {
	case CONSULT_RAISE:
		raise_it(c, e);
		break;
	case CONSULT_ACK:
		acknowledge(speaker, e);
		break;
	case CONSULT_ESCALATE:
		escalate(side_of(c, e->about), e);
		break;
	case CONSULT_HANDOVER:
	case CONSULT_RELEAD:
		lead_on(c, e);
		break;
	case CONSULT_CLOSE:
		close_it(c, e);
		break;
	case CONSULT_REOPEN:
		reopen(c, e);
		break;
	case CONSULT_MERGE:
	case CONSULT_MOVE:
		/* Only its opener's numbers are those of the incident. */
		if (e->incident != 0 && strcmp(e->side, c->id.side) == 0) {
			c->incident = e->incident;
		}
		break;
	case CONSULT_OPEN:
	case CONSULT_KINDS:
		break;
	}
}

bool
consult_fold(struct consult_event *e, size_t n, struct consult *out)
{
	struct consult c;
	bool opened = false;

	memset(&c, 0, sizeof(c));
	if (n > 1) {
		qsort(e, n, sizeof(*e), event_cmp);
	}
	for (size_t i = 0; i < n; i++) {
		opened |= e[i].kind == CONSULT_OPEN;
		/* What stands before its opening waits for nothing. */
		if (opened && (i == 0 || event_cmp(&e[i - 1], &e[i]) != 0)) {
			step(&c, &e[i]);
		}
	}
	for (unsigned i = 0; i < c.n_sides && !c.closed; i++) {
		uint64_t d = c.sides[i].deadline_us;

		if (d != 0 && (c.deadline_us == 0 || d < c.deadline_us)) {
			c.deadline_us = d;
		}
	}
	*out = c;
	return opened;
}

/* ------------------------------------------------------------ many of them */

/* One consultation of the log while its merges are looked for. */
struct node {
	struct consult_id id;
	size_t root;
	const struct consult_event *open; /* NULL: not known */
};

static int
id_cmp(const struct consult_id *a, const struct consult_id *b)
{
	int c = strcmp(a->side, b->side);

	return c != 0 ? c : a->number < b->number ? -1 : a->number > b->number;
}

static int
by_id(const void *x, const void *y)
{
	const struct consult_event *a = x, *b = y;
	int c = id_cmp(&a->id, &b->id);

	return c != 0 ? c : event_cmp(a, b);
}

static struct node *
find(struct node *nodes, size_t n, const struct consult_id *id)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (id_cmp(&nodes[mid].id, id) < 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo < n && id_cmp(&nodes[lo].id, id) == 0 ? &nodes[lo] : NULL;
}

static size_t
root_of(struct node *nodes, size_t i)
{
	while (nodes[i].root != i) {
		nodes[i].root = nodes[nodes[i].root].root;
		i = nodes[i].root;
	}
	return i;
}

/* Events sorted by consultation; how many there are of these. */
static size_t
list_nodes(const struct consult_event *e, size_t n, struct node *nodes)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || id_cmp(&e[i - 1].id, &e[i].id) != 0) {
			nodes[out] =
				(struct node){ .id = e[i].id, .root = out };
			out++;
		}
		if (e[i].kind == CONSULT_OPEN) {
			nodes[out - 1].open = &e[i];
		}
	}
	return out;
}

static int
pair_cmp(const void *x, const void *y)
{
	const struct consult_event *a = *(const struct consult_event *const *)x;
	const struct consult_event *b = *(const struct consult_event *const *)y;
	bool sa = id_cmp(&a->id, &a->other) > 0;
	bool sb = id_cmp(&b->id, &b->other) > 0;
	int c = id_cmp(sa ? &a->other : &a->id, sb ? &b->other : &b->id);

	return c != 0 ? c
		      : id_cmp(sa ? &a->id : &a->other,
			       sb ? &b->id : &b->other);
}

/* The 'n' events at 'm' speak of one pair. */
static void
unite(struct node *nodes, size_t n_nodes, const struct consult_event **m,
      size_t n)
{
	struct node *a = find(nodes, n_nodes, &m[0]->id);
	struct node *b = find(nodes, n_nodes, &m[0]->other);
	bool agreed[2] = { false, false };

	if (a == NULL || b == NULL || a->open == NULL || b->open == NULL) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		agreed[0] |= consult_event_names(a->open, m[i]->side);
		agreed[1] |= consult_event_names(b->open, m[i]->side);
	}
	if (agreed[0] && agreed[1]) {
		size_t x = root_of(nodes, (size_t)(a - nodes));
		size_t y = root_of(nodes, (size_t)(b - nodes));

		nodes[MAX(x, y)].root = MIN(x, y);
	}
}

/* Pair by pair, whoever said it in whatever direction. */
static enum err
unite_all(const struct consult_event *e, size_t n, struct node *nodes,
	  size_t n_nodes)
{
	const struct consult_event **m = malloc(MAX(n, 1u) * sizeof(*m));
	size_t n_merges = 0, next;

	if (m == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		if (e[i].kind == CONSULT_MERGE) {
			m[n_merges++] = &e[i];
		}
	}
	if (n_merges > 1) {
		qsort(m, n_merges, sizeof(*m), pair_cmp);
	}
	for (size_t i = 0; i < n_merges; i = next) {
		for (next = i + 1;
		     next < n_merges && pair_cmp(&m[i], &m[next]) == 0;
		     next++) {
		}
		unite(nodes, n_nodes, m + i, next - i);
	}
	free(m);
	return ERR_OK;
}

struct slot {
	size_t root, event;
};

static int
slot_cmp(const void *x, const void *y)
{
	const struct slot *a = x, *b = y;

	if (a->root != b->root) {
		return a->root < b->root ? -1 : 1;
	}
	return a->event < b->event ? -1 : a->event > b->event;
}

/* Each group's events side by side, folded. */
static enum err
fold_groups(const struct consult_event *e, const struct slot *slots, size_t n,
	    void (*fn)(void *arg, const struct consult *c), void *arg)
{
	struct consult_event *group = malloc(MAX(n, 1u) * sizeof(*group));

	if (group == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < n;) {
		size_t k = 0;
		size_t root = slots[i].root;
		struct consult c;

		while (i < n && slots[i].root == root) {
			group[k++] = e[slots[i++].event];
		}
		if (consult_fold(group, k, &c)) {
			fn(arg, &c);
		}
	}
	free(group);
	return ERR_OK;
}

enum err
consult_replay(struct consult_event *e, size_t n,
	       void (*fn)(void *arg, const struct consult *c), void *arg)
{
	struct node *nodes = calloc(MAX(n, 1u), sizeof(*nodes));
	struct slot *slots = calloc(MAX(n, 1u), sizeof(*slots));
	enum err err = ERR_NOMEM;
	size_t n_nodes;

	if (nodes != NULL && slots != NULL) {
		if (n > 1) {
			qsort(e, n, sizeof(*e), by_id);
		}
		n_nodes = list_nodes(e, n, nodes);
		err = unite_all(e, n, nodes, n_nodes);
		for (size_t i = 0, k = 0; i < n; i++) {
			k += i > 0 && id_cmp(&e[i - 1].id, &e[i].id) != 0;
			slots[i] = (struct slot){ root_of(nodes, k), i };
		}
		if (n > 1) {
			qsort(slots, n, sizeof(*slots), slot_cmp);
		}
		if (err == ERR_OK) {
			err = fold_groups(e, slots, n, fn, arg);
		}
	}
	free(nodes);
	free(slots);
	return err;
}
