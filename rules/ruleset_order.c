/* SPDX-License-Identifier: Apache-2.0 */
/* In which order rules are tried, so that state is set before it is asked. */
#include <stdlib.h>

#include "rules/ruleset_db.h"

#define MAX_LEVEL 16 /* longest chain of flowbits that is followed */

struct keyed {
	const struct rule_prog *prog;
	uint8_t action, level;
};

#define N_ACTIONS (ACTION_REJECT + 1)

/* Which actions' rules are tried first; the lowest rank is. */
struct ranks {
	uint8_t of[N_ACTIONS];
	uint8_t n; /* as read so far */
	bool bad;
};

static void
rank_next(struct ranks *r, enum rule_action a)
{
	if (r->of[a] == UINT8_MAX) {
		r->of[a] = r->n++;
	}
}

static void
on_action(void *arg, const char *key, const char *value)
{
	static const char *const words[N_ACTIONS] = {
		[ACTION_ALERT] = "alert",
		[ACTION_PASS] = "pass",
		[ACTION_DROP] = "drop",
		[ACTION_REJECT] = "reject",
	};
	struct ranks *r = arg;

	(void)key;
	for (unsigned i = 0; i < N_ACTIONS; i++) {
		if (strcmp(value, words[i]) == 0) {
			rank_next(r, (enum rule_action)i);
			return;
		}
	}
	r->bad = true;
}

/* As "action-order" says; then pass before drop before reject before alert. */
static enum err
read_ranks(const struct conf *conf, struct ranks *r, struct diag *d)
{
	memset(r, 0, sizeof(*r));
	memset(r->of, UINT8_MAX, sizeof(r->of));
	if (conf != NULL) {
		conf_each(conf, "action-order.", on_action, r);
	}
	if (r->bad) {
		return diag_set(d, ERR_FORMAT,
				"action-order: a list of pass, drop, reject "
				"and alert");
	}
	rank_next(r, ACTION_PASS);
	rank_next(r, ACTION_DROP);
	rank_next(r, ACTION_REJECT);
	rank_next(r, ACTION_ALERT);
	return ERR_OK;
}

/* The bits of hosts, pairs and transactions, by one numbering for each. */
struct shared_levels {
	uint8_t *shared, *tx;
};

/* How early a rule must come that sets the bit, number or captured value. */
struct levels {
	uint8_t *bits, *ints, *notes;
	struct shared_levels shared;
};

static bool
sets(const struct rule_prog *p, uint32_t id)
{
	for (uint16_t i = 0; i < p->n_bits_set; i++) {
		if (p->bits_set[i].ids[0] == id) {
			return true;
		}
	}
	return false;
}

static bool
asks(const struct rule_prog *p, enum bit_cmd cmd, uint32_t id)
{
	for (uint16_t i = 0; i < p->n_bits; i++) {
		for (uint16_t k = 0; k < p->bits[i].n; k++) {
			if (p->bits[i].cmd == cmd && p->bits[i].ids[k] == id) {
				return true;
			}
		}
	}
	return false;
}

static bool
changes_shared(const struct rule_prog *p, uint32_t id)
{
	for (uint16_t i = 0; i < p->n_shared; i++) {
		if (p->shared[i].id == id && p->shared[i].cmd != BIT_ISSET &&
		    p->shared[i].cmd != BIT_ISNOTSET) {
			return true;
		}
	}
	return false;
}

static bool
asks_shared(const struct rule_prog *p, uint32_t id)
{
	for (uint16_t i = 0; i < p->n_shared; i++) {
		if (p->shared[i].id == id && p->shared[i].cmd == BIT_ISSET) {
			return true;
		}
	}
	return false;
}

static uint8_t
shared_level_of(const struct rule_prog *p, const struct shared_levels *l)
{
	uint8_t level = 0;

	for (uint16_t i = 0; i < p->n_shared; i++) {
		const struct shared_bit_op *op = &p->shared[i];

		if (op->cmd == BIT_ISSET ||
		    (op->cmd == BIT_ISNOTSET && !changes_shared(p, op->id))) {
			level = MAX(level, l->shared[op->id]);
		}
	}
	for (uint16_t i = 0; i < p->n_tx_bits; i++) {
		if (p->tx_bits[i].cmd == BIT_ISSET) {
			level = MAX(level, l->tx[p->tx_bits[i].ids[0]]);
		}
	}
	return level;
}

static bool
raise(uint8_t *level, uint8_t next)
{
	bool changed = *level < next;

	*level = MAX(*level, next);
	return changed;
}

static bool
raise_shared(const struct rule_prog *p, uint8_t next,
	     const struct shared_levels *l)
{
	bool changed = false;

	for (uint16_t i = 0; i < p->n_shared; i++) {
		const struct shared_bit_op *op = &p->shared[i];

		if (op->cmd != BIT_ISSET && op->cmd != BIT_ISNOTSET &&
		    !asks_shared(p, op->id)) {
			changed |= raise(&l->shared[op->id], next);
		}
	}
	for (uint16_t i = 0; i < p->n_tx_bits; i++) {
		if (p->tx_bits[i].cmd == BIT_SET) {
			changed |= raise(&l->tx[p->tx_bits[i].ids[0]], next);
		}
	}
	return changed;
}

/*
 * The highest level of the bits it asks for.  "isnotset,x; set,x" comes
 * among those who set x, "isset,x; unset,x" among those who ask for it;
 * neither waits for itself.
 */
static uint8_t
level_of(const struct rule_prog *p, const struct levels *l)
{
	uint8_t level = shared_level_of(p, &l->shared);

	for (uint16_t i = 0; i < p->n_bits; i++) {
		for (uint16_t k = 0; k < p->bits[i].n; k++) {
			uint32_t id = p->bits[i].ids[k];

			if (p->bits[i].cmd == BIT_ISSET || !sets(p, id)) {
				level = MAX(level, l->bits[id]);
			}
		}
	}
	for (uint16_t i = 0; i < p->n_tests; i++) {
		switch ((enum fact)p->tests[i].fact) {
		case FACT_FLOWINT_ISSET:
		case FACT_FLOWINT_NOTSET:
		case FACT_FLOWINT:
			level = MAX(level, l->ints[p->tests[i].arg]);
			break;
		case FACT_NOTE:
			level = MAX(level, l->notes[p->tests[i].a]);
			break;
		default:
			break;
		}
	}
	return level;
}

/* The values that the rule's expressions capture. */
static bool
raise_notes(const struct rule_prog *p, uint8_t *notes, uint8_t next)
{
	bool changed = false;

	for (uint16_t i = 0; i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];

		for (uint16_t k = 0; k < l->n_ops; k++) {
			const struct op *op = &l->ops[k];

			for (uint8_t c = 0;
			     op->type == OP_PCRE && c < op->pcre.n_captures;
			     c++) {
				const struct capture *v = &op->pcre.captures[c];

				if (v->key_group == 0 &&
				    v->kind != NOTE_ALERT) {
					changed =
						raise(&notes[v->name], next) ||
						changed;
				}
			}
		}
	}
	return changed;
}

static bool
raise_levels(const struct keyed *v, uint32_t n, const struct levels *l)
{
	bool changed = false;

	for (uint32_t i = 0; i < n; i++) {
		const struct rule_prog *p = v[i].prog;
		uint8_t next = (uint8_t)(v[i].level + 1);

		if (next > MAX_LEVEL) {
			continue;
		}
		for (uint16_t k = 0; k < p->n_bits_set; k++) {
			uint32_t id = p->bits_set[k].ids[0];

			if (!asks(p, BIT_ISSET, id)) {
				changed = raise(&l->bits[id], next) || changed;
			}
		}
		changed |= raise_shared(p, next, &l->shared);
		for (uint16_t k = 0; k < p->n_ints; k++) {
			changed = raise(&l->ints[p->ints[k].var], next) ||
				  changed;
		}
		changed = raise_notes(p, l->notes, next) || changed;
	}
	return changed;
}

static int
by_order(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	const struct rule *r = x->prog->rule, *s = y->prog->rule;

	if (x->action != y->action) {
		return x->action - y->action;
	}
	if (x->level != y->level) {
		return x->level - y->level;
	}
	/* who only sets, before who asks as well */
	if ((x->prog->n_bits > 0) != (y->prog->n_bits > 0)) {
		return x->prog->n_bits > 0 ? 1 : -1;
	}
	if (r->priority != s->priority) {
		return r->priority - s->priority;
	}
	if (r->index != s->index) {
		return r->index < s->index ? -1 : 1;
	}
	return x->prog->dirs - y->prog->dirs;
}

static uint32_t
collect(struct ruleset *rs, const struct ranks *r, struct keyed *v)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rs->n_entries; i++) {
		const struct rule_entry *e = &rs->entries[i];

		for (unsigned k = 0; k < 2 && !e->replaced; k++) {
			if (e->progs[k] != NULL) {
				v[n++] = (struct keyed){ e->progs[k],
							 r->of[e->rule->action],
							 0 };
			}
		}
	}
	return n;
}

enum err
ruleset_order(struct ruleset *rs, const struct conf *conf, struct diag *d)
{
	uint32_t most = rs->n_entries * 2;
	struct keyed *v = calloc(most + 1, sizeof(*v));
	struct levels l = {
		.bits = calloc(rs->env.flowbits.n + 1, 1),
		.ints = calloc(rs->env.flowints.n + 1, 1),
		.notes = calloc(rs->env.notes.n + 1, 1),
		.shared = { calloc(rs->env.sharedbits.n + 1, 1),
			    calloc(rs->env.txbits.n + 1, 1) },
	};
	struct ranks ranks;
	enum err e = read_ranks(conf, &ranks, d);

	if (e != ERR_OK) {
		goto out;
	}
	rs->progs = calloc(most + 1, sizeof(*rs->progs));
	if (v == NULL || l.bits == NULL || l.ints == NULL || l.notes == NULL ||
	    l.shared.shared == NULL || l.shared.tx == NULL ||
	    rs->progs == NULL) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
		goto out;
	}
	rs->n_progs = collect(rs, &ranks, v);
	for (unsigned round = 0; round < MAX_LEVEL; round++) {
		for (uint32_t i = 0; i < rs->n_progs; i++) {
			v[i].level = level_of(v[i].prog, &l);
		}
		if (!raise_levels(v, rs->n_progs, &l)) {
			break;
		}
	}
	qsort(v, rs->n_progs, sizeof(*v), by_order);
	for (uint32_t i = 0; i < rs->n_progs; i++) {
		rs->progs[i] = v[i].prog;
		/* the set is still ours alone */
		((struct rule_prog *)v[i].prog)->order = i;
	}
out:
	free(v);
	free(l.bits);
	free(l.ints);
	free(l.notes);
	free(l.shared.shared);
	free(l.shared.tx);
	return e;
}
