/* SPDX-License-Identifier: Apache-2.0 */
#include "common/pattern_tree.h"
#include "rules/ioc_pattern_set.h"

static void
note_hit(struct ioc_pattern_hits *out, const struct ioc_prog *p, uint64_t leaf)
{
	unsigned at = out->n;

	/* Few, and mostly in order: insertion. */
	while (at > 0 && out->v[at - 1].prog->number > p->number) {
		at--;
	}
	if (at > 0 && out->v[at - 1].prog == p) {
		out->v[at - 1].leaves |= leaf;
		return;
	}
	if (out->n == IOC_PATTERN_HITS) {
		out->overflowed++;
		return;
	}
	memmove(&out->v[at + 1], &out->v[at],
		(out->n - at) * sizeof(out->v[0]));
	out->v[at] = (struct ioc_pattern_hit){ p, leaf };
	out->n++;
}

static bool
is_noted(const struct ioc_pattern_hits *out, const struct ioc_prog *p,
	 uint64_t leaf)
{
	for (unsigned i = 0; i < out->n; i++) {
		if (out->v[i].prog == p) {
			return (out->v[i].leaves & leaf) != 0;
		}
	}
	return false;
}

static void
try_atoms(const struct ioc_pattern_set *s, uint64_t hash, struct ioc_run *r,
	  struct ioc_pattern_hits *out)
{
	uint32_t pos = ioc_table_first(&s->index, hash), i;

	while ((i = ioc_table_next(&s->index, hash, &pos)) != IOC_TABLE_NONE) {
		const struct ioc_atom *a = &s->atoms[i];
		const struct ioc_prog *p;
		uint64_t bit = UINT64_C(1) << a->leaf;

		if (a->hash != hash || a->prog >= s->n) {
			continue;
		}
		p = s->v[a->prog];
		if ((p->leaves[a->leaf].at & r->obs->at) == 0 ||
		    is_noted(out, p, bit)) {
			continue;
		}
		out->tried++;
		if (ioc_run_leaf(r, p, &p->leaves[a->leaf])) {
			note_hit(out, p, bit);
		}
	}
}

static uint64_t
atom_of_fact(const struct ioc_pattern_set *s, const struct observed_fact *f)
{
	enum pattern_property p = (enum pattern_property)f->property;
	enum pattern_type type = pattern_property_row(p)->type;
	struct view bytes = f->text;

	if (type == PATTERN_T_ADDR) {
		bytes = view_of(f->addr.b, sizeof(f->addr.b));
	} else if (type >= PATTERN_T_INTEGER) {
		bytes = view_of(&f->number, sizeof(f->number));
	}
	return keyhash_join((uint64_t)p + 1, keyhash(&s->key, bytes));
}

void
ioc_pattern_find(const struct ioc_pattern_set *s, struct ioc_run *r,
		 struct ioc_pattern_hits *out)
{
	const struct observation *o = r->obs;
	uint64_t left = o->known & s->by_presence;

	out->n = 0;
	ioc_run_begin(r);
	if (s->n_atoms == 0) {
		return;
	}
	for (unsigned i = 0; i < o->n_facts; i++) {
		if ((s->by_value >> o->v[i].property & 1) != 0) {
			try_atoms(s, atom_of_fact(s, &o->v[i]), r, out);
		}
	}
	while (left != 0) {
		unsigned p = (unsigned)__builtin_ctzll(left);

		left &= left - 1;
		try_atoms(s, ioc_atom_present(p), r, out);
	}
}

static bool
node_holds(const struct ioc_prog *p, unsigned node, uint64_t leaves,
	   uint64_t ts_us)
{
	const struct ioc_obs_node *n = &p->nodes[node];

	switch ((enum pattern_obs_kind)n->kind) {
	case PATTERN_OBSERVATION:
		return (leaves >> n->leaf & 1) != 0;
	case PATTERN_OR:
		return node_holds(p, n->left, leaves, ts_us) ||
		       node_holds(p, n->right, leaves, ts_us);
	case PATTERN_STARTSTOP:
		return ts_us >= n->start_us && ts_us < n->stop_us &&
		       node_holds(p, n->left, leaves, ts_us);
	case PATTERN_WITHIN:
	case PATTERN_REPEATS: /* once */
		return node_holds(p, n->left, leaves, ts_us);
	case PATTERN_AND:
	case PATTERN_FOLLOWEDBY:
		break;
	}
	return false;
}

bool
ioc_pattern_holds(const struct ioc_prog *p, uint64_t leaves, uint64_t ts_us)
{
	return node_holds(p, (unsigned)(p->n_nodes - 1), leaves, ts_us);
}
