/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A choice of observations by backtracking.  Each part of a pattern is solved
 * and then goes on with what is left to solve, so that a later failure comes
 * back for the next choice.  What a choice must keep to stands in scopes:
 * a qualifier opens one, and so does each side of FOLLOWEDBY.  The newest
 * observation has to be part of the match, which is what keeps this short: it
 * is pinned to one leaf after the other.
 */
#include "common/pattern_tree.h"
#include "rules/ioc_pattern_state.h"

#define CHANGES_MAX 4096

struct scope {
	struct scope *outer;
	uint64_t from_us, to_us; /* both included */
	uint64_t within_us;
	uint64_t first_us, last_us; /* of what was chosen; first > last: none */
};

struct change {
	struct scope *scope;
	uint64_t first_us, last_us;
};

struct search {
	const struct ioc_prog *p;
	const struct ioc_partial *q;
	unsigned pinned; /* the leaf that takes the newest */
	bool pin_used;
	bool limited;
	uint32_t steps;
	uint64_t taken[IOC_STATE_KEPT / 64];
	struct change changes[CHANGES_MAX]; /* of scopes, to be undone */
	unsigned n_changes;
};

/* What is left to do once a part is solved. */
struct rest {
	bool (*go_on)(struct search *s, const struct rest *r);
	const struct rest *next;
	unsigned node;
	uint32_t left; /* of REPEATS */
	struct scope *scope, *later;
};

static bool solve(struct search *s, unsigned node, struct scope *scope,
		  const struct rest *next);

static bool
finished(struct search *s, const struct rest *r)
{
	(void)r;
	return s->pin_used;
}

static struct scope
open_scope(struct scope *outer)
{
	return (struct scope){ .outer = outer,
			       .to_us = UINT64_MAX,
			       .within_us = UINT64_MAX,
			       .first_us = UINT64_MAX };
}

static void
undo(struct search *s, unsigned to)
{
	while (s->n_changes > to) {
		const struct change *c = &s->changes[--s->n_changes];

		c->scope->first_us = c->first_us;
		c->scope->last_us = c->last_us;
	}
}

/* Enters 'ts_us' in all scopes around; false, and nothing changed, when one
 * does not admit it. */
static bool
admit(struct search *s, struct scope *scope, uint64_t ts_us)
{
	unsigned had = s->n_changes;

	for (; scope != NULL; scope = scope->outer) {
		uint64_t first = MIN(scope->first_us, ts_us);
		uint64_t last = MAX(scope->last_us, ts_us);

		if (ts_us < scope->from_us || ts_us > scope->to_us ||
		    last - first > scope->within_us ||
		    s->n_changes == CHANGES_MAX) {
			s->limited |= s->n_changes == CHANGES_MAX;
			undo(s, had);
			return false;
		}
		s->changes[s->n_changes++] =
			(struct change){ scope, scope->first_us,
					 scope->last_us };
		scope->first_us = first;
		scope->last_us = last;
	}
	return true;
}

static bool pick(struct search *s, const struct ioc_obs_node *leaf,
		 uint32_t below, uint32_t count, struct scope *scope,
		 const struct rest *next);

/* Takes observation 'i' for the leaf and goes on; gives it back on failure. */
static bool
take(struct search *s, const struct ioc_obs_node *leaf, uint32_t i,
     uint32_t count, struct scope *scope, const struct rest *next)
{
	unsigned had = s->n_changes;
	bool pin = i == s->q->n - 1, solved;

	if (!admit(s, scope, s->q->v[i].ts_us)) {
		return false;
	}
	s->taken[i / 64] |= UINT64_C(1) << (i % 64);
	s->pin_used = s->pin_used || pin;
	/* Of equals only their number counts: the next one is older. */
	solved = pick(s, leaf, i, count - 1, scope, next);
	if (pin) {
		s->pin_used = false;
	}
	s->taken[i / 64] &= ~(UINT64_C(1) << (i % 64));
	undo(s, had);
	return solved;
}

/* 'count' different observations for a leaf, out of those before 'below'. */
static bool
pick(struct search *s, const struct ioc_obs_node *leaf, uint32_t below,
     uint32_t count, struct scope *scope, const struct rest *next)
{
	if (count == 0) {
		return next->go_on(s, next);
	}
	if (leaf->leaf == s->pinned && !s->pin_used) {
		return take(s, leaf, s->q->n - 1, count, scope, next);
	}
	for (uint32_t i = MIN(below, s->q->n - 1); i >= count && !s->limited;
	     i--) {
		uint32_t k = i - 1;

		if (++s->steps > IOC_STATE_STEPS) {
			s->limited = true;
			break;
		}
		if ((s->q->v[k].leaves >> leaf->leaf & 1) != 0 &&
		    (s->taken[k / 64] >> (k % 64) & 1) == 0 &&
		    take(s, leaf, k, count, scope, next)) {
			return true;
		}
	}
	return false;
}

static bool
solve_next(struct search *s, const struct rest *r)
{
	return solve(s, r->node, r->scope, r->next);
}

/* The right side of FOLLOWEDBY is solved: all of the left is not later. */
static bool
solve_before(struct search *s, const struct rest *r)
{
	struct scope left = open_scope(r->scope);

	left.to_us = r->later->first_us;
	return solve(s, r->node, &left, r->next);
}

static bool
solve_again(struct search *s, const struct rest *r)
{
	struct rest again = *r;

	if (r->left == 0) {
		return r->next->go_on(s, r->next);
	}
	again.left--;
	return solve(s, r->node, r->scope, &again);
}

static bool
solve_either(struct search *s, const struct ioc_obs_node *n,
	     struct scope *scope, const struct rest *next)
{
	uint64_t pin = UINT64_C(1) << s->pinned;

	if (!s->pin_used && (n->leaves & pin) != 0) {
		bool left = (s->p->nodes[n->left].leaves & pin) != 0;

		return solve(s, left ? n->left : n->right, scope, next);
	}
	return solve(s, n->left, scope, next) ||
	       solve(s, n->right, scope, next);
}

static bool
solve_qualified(struct search *s, const struct ioc_obs_node *n,
		struct scope *scope, const struct rest *next)
{
	struct scope own = open_scope(scope);

	if (n->kind == PATTERN_WITHIN) {
		own.within_us = n->within_us;
	} else {
		own.from_us = n->start_us;
		own.to_us = n->stop_us - 1;
	}
	return solve(s, n->left, &own, next);
}

static bool
solve_repeats(struct search *s, const struct ioc_obs_node *n,
	      struct scope *scope, const struct rest *next)
{
	const struct ioc_obs_node *what = &s->p->nodes[n->left];
	struct rest again = { .go_on = solve_again,
			      .next = next,
			      .node = n->left,
			      .left = n->repeats - 1,
			      .scope = scope };

	if (what->kind == PATTERN_OBSERVATION) {
		return pick(s, what, s->q->n, n->repeats, scope, next);
	}
	return solve(s, n->left, scope, &again);
}

static bool
solve(struct search *s, unsigned node, struct scope *scope,
      const struct rest *next)
{
	const struct ioc_obs_node *n = &s->p->nodes[node];
	struct rest right = { .go_on = solve_next,
			      .next = next,
			      .node = n->right,
			      .scope = scope };
	struct scope later;

	if (s->limited || ++s->steps > IOC_STATE_STEPS) {
		s->limited = true;
		return false;
	}
	switch ((enum pattern_obs_kind)n->kind) {
	case PATTERN_OBSERVATION:
		return pick(s, n, s->q->n, 1, scope, next);
	case PATTERN_OR:
		return solve_either(s, n, scope, next);
	case PATTERN_AND:
		return solve(s, n->left, scope, &right);
	case PATTERN_FOLLOWEDBY:
		later = open_scope(scope);
		right.go_on = solve_before;
		right.node = n->left;
		right.later = &later;
		return solve(s, n->right, &later, &right);
	case PATTERN_REPEATS:
		return solve_repeats(s, n, scope, next);
	case PATTERN_WITHIN:
	case PATTERN_STARTSTOP:
		break;
	}
	return solve_qualified(s, n, scope, next);
}

/* Whether leaves enough were seen at all, whatever the order and time. */
static bool
is_possible(const struct ioc_prog *p, unsigned node, uint64_t seen)
{
	const struct ioc_obs_node *n = &p->nodes[node];

	switch ((enum pattern_obs_kind)n->kind) {
	case PATTERN_OBSERVATION:
		return (seen >> n->leaf & 1) != 0;
	case PATTERN_OR:
		return is_possible(p, n->left, seen) ||
		       is_possible(p, n->right, seen);
	case PATTERN_AND:
	case PATTERN_FOLLOWEDBY:
		return is_possible(p, n->left, seen) &&
		       is_possible(p, n->right, seen);
	default:
		return is_possible(p, n->left, seen);
	}
}

bool
ioc_pattern_search(const struct ioc_prog *p, const struct ioc_partial *q,
		   bool *limited)
{
	static const struct rest end = { .go_on = finished };
	unsigned root = (unsigned)(p->n_nodes - 1);
	uint64_t seen = 0, pins = q->v[q->n - 1].leaves;
	struct search s;

	*limited = false;
	for (uint32_t i = 0; i < q->n; i++) {
		seen |= q->v[i].leaves;
	}
	if (q->n < p->least || !is_possible(p, root, seen)) {
		return false;
	}
	s.p = p;
	s.q = q;
	s.steps = 0;
	s.limited = false;
	while (pins != 0) {
		s.pinned = (unsigned)__builtin_ctzll(pins);
		s.pin_used = false;
		s.n_changes = 0;
		memset(s.taken, 0, sizeof(s.taken));
		pins &= pins - 1;
		if (solve(&s, root, NULL, &end)) {
			return true;
		}
	}
	*limited = s.limited;
	return false;
}
