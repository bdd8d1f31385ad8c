/* SPDX-License-Identifier: Apache-2.0 */
/* What a whole set shows of the state that its rules share. */
#include <stdlib.h>

#include "rules/ruleset_db.h"

static void
mark_list(const struct rule_list *l, uint32_t *n_changing)
{
	for (uint8_t k = 0; k < l->n_datasets; k++) {
		const struct dataset_op *op = &l->datasets[k];

		if ((op->cmd == DATASET_SET || op->cmd == DATASET_UNSET) &&
		    !op->set->changes) {
			op->set->changes = true;
			op->set->number = (*n_changing)++;
		}
	}
}

/* Numbers the sets that rules of 'rs' change, and those that did before. */
static void
mark_sets(const struct ruleset *rs)
{
	uint32_t n_changing = 0;

	for (struct dataset *s = rs->datasets.first; s != NULL; s = s->next) {
		s->changes = false;
	}
	for (uint32_t i = 0; i < rs->n_entries; i++) {
		const struct rule_entry *e = &rs->entries[i];

		for (unsigned k = 0; k < 2 && !e->replaced; k++) {
			const struct rule_prog *p = e->progs[k];

			for (uint16_t j = 0; p != NULL && j < p->n_lists; j++) {
				mark_list(&p->lists[j], &n_changing);
			}
		}
	}
	for (struct dataset *s = rs->datasets.first; s != NULL; s = s->next) {
		if (s->inherited && !s->changes) {
			s->changes = true;
			s->number = n_changing++;
		}
	}
}

/* May the rule fail where hits meet? */
static bool
tests_shared(const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_shared; i++) {
		if (p->shared[i].cmd == BIT_ISSET ||
		    p->shared[i].cmd == BIT_ISNOTSET) {
			return true;
		}
	}
	for (uint16_t i = 0; i < p->n_lists; i++) {
		if (rule_list_changes(&p->lists[i])) {
			return true;
		}
	}
	return false;
}

/* Does it keep what an expression captured? */
static bool
captures(const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_lists; i++) {
		for (uint16_t k = 0; k < p->lists[i].n_ops; k++) {
			const struct op *op = &p->lists[i].ops[k];

			if (op->type == OP_PCRE && op->pcre.n_captures > 0) {
				return true;
			}
		}
	}
	return false;
}

/* Does it do anything to its flow, which cannot wait until hits meet? */
static bool
changes_flow(const struct rule_prog *p)
{
	const struct rule *r = p->rule;

	return captures(p) || p->store != STORE_NONE ||
	       r->action != ACTION_ALERT || r->bypass || r->no_tx_log ||
	       r->n_tags > 0 || p->n_bits_set > 0 || p->n_ints > 0 ||
	       p->n_tx_bits > 0;
}

/* The first half of a "=>" rule leaves no claim for the second, and one file
 * none for the next. */
static bool
in_two_calls(const struct rule_entry *e)
{
	for (unsigned k = 0; k < 2; k++) {
		const struct rule_prog *p = e->progs[k];

		for (uint16_t j = 0;
		     p != NULL && (p->two_halves || p->of_files) &&
		     j < p->n_lists;
		     j++) {
			if (rule_list_changes(&p->lists[j])) {
				return true;
			}
		}
	}
	return false;
}

/* Would 'p' be refused if 'set' changed? */
static bool
asks_twice(const struct rule_prog *p, const struct dataset *set)
{
	if (p == NULL || !(p->two_halves || p->of_files)) {
		return false;
	}
	for (uint16_t i = 0; i < p->n_lists; i++) {
		for (uint8_t k = 0; k < p->lists[i].n_datasets; k++) {
			if (p->lists[i].datasets[k].set == set) {
				return true;
			}
		}
	}
	return false;
}

static bool
is_asked_twice(const struct ruleset *rs, const struct dataset *set)
{
	for (uint32_t i = 0; i < rs->n_entries; i++) {
		const struct rule_entry *e = &rs->entries[i];

		if (!e->replaced && (asks_twice(e->progs[0], set) ||
				     asks_twice(e->progs[1], set))) {
			return true;
		}
	}
	return false;
}

/*
 * What rules of the former set put into a dataset must be found when the rules
 * that did so are gone: it stays one that changes.
 */
static void
inherit_sets(struct ruleset *rs, const struct ruleset *prev)
{
	for (struct dataset *s = rs->datasets.first; s != NULL && prev != NULL;
	     s = s->next) {
		const struct dataset *was = ruleset_changing_set(prev, s);

		s->inherited = was != NULL && s->format == DATASET_CSV &&
			       !is_asked_twice(rs, s);
	}
}

const struct dataset *
ruleset_changing_set(const struct ruleset *rs, const struct dataset *set)
{
	const struct dataset *s = rs->datasets.first;

	while (s != NULL && (!s->changes || s->type != set->type ||
			     strcmp(s->name, set->name) != 0)) {
		s = s->next;
	}
	return s;
}

enum err
ruleset_refuse_shared(struct ruleset *rs, const struct ruleset *prev,
		      struct diag *d)
{
	mark_sets(rs);
	inherit_sets(rs, prev);
	mark_sets(rs);
	for (uint32_t i = 0; i < rs->n_entries; i++) {
		struct rule_entry *e = &rs->entries[i];

		if (e->replaced || !in_two_calls(e)) {
			continue;
		}
		e->replaced = true;
		if (!ruleset_problem(rs, PROBLEM_RULE, e->rule->file,
				     e->rule->line, e->rule->sid, false,
				     "dataset: a rule with => or about files "
				     "may only ask for sets that no rule "
				     "changes")) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	return ERR_OK;
}

/* Bits of hosts and of pairs are apart: one number for each. */
static uint32_t
bit_number(const struct shared_bit_op *op)
{
	return op->id * 2 + (op->track == SHARED_PAIR);
}

static void
note_setters(const struct ruleset *rs, uint8_t *set)
{
	for (uint32_t i = 0; i < rs->n_progs; i++) {
		const struct rule_prog *p = rs->progs[i];

		for (uint16_t k = 0; k < p->n_shared; k++) {
			if (p->shared[k].cmd == BIT_SET ||
			    p->shared[k].cmd == BIT_TOGGLE) {
				set[bit_number(&p->shared[k])] = 1;
			}
		}
	}
}

static bool
asks_unset(const struct rule_prog *p, const uint8_t *set)
{
	for (uint16_t k = 0; k < p->n_shared; k++) {
		if (p->shared[k].cmd == BIT_ISSET &&
		    set[bit_number(&p->shared[k])] == 0) {
			return true;
		}
	}
	return false;
}

enum err
ruleset_rest_shared(struct ruleset *rs, struct diag *d)
{
	uint8_t *set = calloc(rs->env.sharedbits.n * 2 + 1, 1);

	if (set == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	note_setters(rs, set);
	for (uint32_t i = 0; i < rs->n_progs; i++) {
		/* the set is still ours alone */
		struct rule_prog *p = (struct rule_prog *)rs->progs[i];

		p->never = asks_unset(p, set);
	}
	free(set);
	return ERR_OK;
}

void
ruleset_settle_shared(struct ruleset *rs)
{
	mark_sets(rs);
	for (uint32_t i = 0; i < rs->n_progs; i++) {
		/* the set is still ours alone */
		struct rule_prog *p = (struct rule_prog *)rs->progs[i];

		p->asks_shared = p->n_shared > 0;
		for (uint16_t k = 0; k < p->n_lists; k++) {
			p->asks_shared = p->asks_shared ||
					 rule_list_changes(&p->lists[k]);
		}
		if (tests_shared(p) && changes_flow(p) &&
		    (rs->undivided == NULL ||
		     p->rule->index < rs->undivided->index)) {
			rs->undivided = p->rule;
		}
	}
}

const struct rule *
ruleset_undivided(const struct ruleset *rs)
{
	return rs->undivided;
}

void
ruleset_dataset_files(const struct ruleset *rs,
		      void (*fn)(void *arg, const char *load, const char *save),
		      void *arg)
{
	for (const struct dataset *set = rs->datasets.first; set != NULL;
	     set = set->next) {
		fn(arg, set->load, set->save);
	}
}
