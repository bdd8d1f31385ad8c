/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/shared_state.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "rules/dataset.h"
#include "rules/ioc_pattern_state.h"
#include "rules/ruleset_db.h"
#include "rules/shared_bits.h"
#include "rules/shared_claim.h"

#define BITS_MEMCAP ((uint64_t)32 << 20)

struct shared_state {
	const struct ruleset *rs;
	struct shared_bits *host, *pair; /* NULL: no rule asks */
	struct dataset_table *tables; /* by dataset->number */
	uint32_t n_tables;
	uint64_t values_refused;
	struct ioc_pattern_state *patterns;
	uint64_t patterns_evicted, patterns_limited; /* of sets before */
};

/* What is added when another set follows; 'tables' lacks the values that rules
 * of the former set change. */
struct shared_next {
	const struct ruleset *rs;
	struct shared_bits *host, *pair; /* NULL: are there, or nobody asks */
	struct dataset_table *tables;
	uint32_t n_tables;
	struct ioc_pattern_state *patterns;
	/* For each stateful pattern of the set before: what it is in this. */
	uint32_t *patterns_to;
};

static const struct ioc_pattern_set *
patterns_of(const struct ruleset *rs)
{
	return rs->iocs != NULL ? ioc_set_patterns(rs->iocs) : NULL;
}

static const struct ioc_prog *
same_pattern(const struct ruleset *old, const struct ioc_prog *p,
	     const struct ruleset *rs)
{
	const struct ioc *was = ioc_set_at(old->iocs, p->ioc);
	uint32_t i = ioc_set_pattern(rs->iocs, view_cstr(was->value));
	const struct ioc_prog *now;

	if (i == UINT32_MAX) {
		return NULL;
	}
	now = patterns_of(rs)->v[i];
	return strcmp(ioc_set_at(rs->iocs, now->ioc)->note->id,
		      was->note->id) == 0
		       ? now
		       : NULL;
}

/* What is kept of a pattern goes on when it stays, by id and text. */
static bool
make_patterns(struct shared_next *n, const struct ruleset *old)
{
	const struct ioc_pattern_set *now = patterns_of(n->rs);
	const struct ioc_pattern_set *was =
		old != NULL ? patterns_of(old) : NULL;

	n->patterns = ioc_pattern_state_new(now != NULL ? now->n_stateful : 0);
	n->patterns_to = calloc(was != NULL ? (size_t)was->n_stateful + 1 : 1,
				sizeof(*n->patterns_to));
	if (n->patterns == NULL || n->patterns_to == NULL) {
		return false;
	}
	for (uint32_t i = 0; was != NULL && i < was->n; i++) {
		const struct ioc_prog *p = was->v[i], *next = NULL;

		if (!p->stateful) {
			continue;
		}
		if (now != NULL) {
			next = same_pattern(old, p, n->rs);
		}
		n->patterns_to[p->state] =
			next != NULL ? next->state : UINT32_MAX;
	}
	return true;
}

static void
hand_over_patterns(struct shared_state *s, struct shared_next *n)
{
	struct ioc_state_counters c = ioc_pattern_state_counters(s->patterns);
	const struct ioc_pattern_set *was = patterns_of(s->rs);

	for (uint32_t i = 0; was != NULL && i < was->n_stateful; i++) {
		if (n->patterns_to[i] != UINT32_MAX) {
			ioc_pattern_state_move(n->patterns, n->patterns_to[i],
					       s->patterns, i);
		}
	}
	s->patterns_evicted += c.evicted;
	s->patterns_limited += c.limited;
	ioc_pattern_state_free(s->patterns);
	s->patterns = n->patterns;
	free(n->patterns_to);
}

static void
uses(const struct ruleset *rs, bool *host, bool *pair)
{
	for (uint32_t i = 0; i < rs->n_progs; i++) {
		const struct rule_prog *p = rs->progs[i];

		for (uint16_t k = 0; k < p->n_shared; k++) {
			bool is_pair = p->shared[k].track == SHARED_PAIR;

			*pair = *pair || is_pair;
			*host = *host || !is_pair;
		}
	}
}

static struct shared_bits *
bits_of(const struct conf *conf, const char *key)
{
	return shared_bits_new((size_t)conf_u64(conf, key, BITS_MEMCAP, 4096,
						UINT64_C(1) << 40));
}

/* Its own copy of a set that rules change. */
static enum err
copy_values(struct dataset_table *t, const struct dataset *set)
{
	enum err e = dataset_table_init(
		t, (size_t)MAX(set->memcap, (uint64_t)set->table.bytes));

	for (uint32_t i = 0; e == ERR_OK && i < set->table.n; i++) {
		const struct dataset_value *v = &set->table.v[i];
		struct dataset_value *mine = NULL;

		e = dataset_table_add(t, dataset_value_bytes(v), &mine);
		if (e == ERR_OK) {
			mine->rep = v->rep;
		}
	}
	return e;
}

/* Tables for the sets of 'rs' that change, but for those of 'old'. */
static enum err
copy_sets(const struct ruleset *rs, const struct ruleset *old,
	  struct dataset_table **tables, uint32_t *n)
{
	enum err e = ERR_OK;

	*n = 0;
	for (struct dataset *d = rs->datasets.first; d != NULL; d = d->next) {
		*n += d->changes;
	}
	*tables = calloc(*n + 1, sizeof(**tables));
	if (*tables == NULL) {
		return ERR_NOMEM;
	}
	for (struct dataset *d = rs->datasets.first; d != NULL && e == ERR_OK;
	     d = d->next) {
		if (d->changes &&
		    (old == NULL || ruleset_changing_set(old, d) == NULL)) {
			e = copy_values(&(*tables)[d->number], d);
		}
	}
	return e;
}

static void
free_tables(struct dataset_table *tables, uint32_t n)
{
	for (uint32_t i = 0; tables != NULL && i < n; i++) {
		dataset_table_fini(&tables[i]);
	}
	free(tables);
}

static enum err
no_memory(struct diag *d)
{
	return diag_set(d, ERR_NOMEM,
			"out of memory for the state that rules share; see "
			"host.memcap, ippair.memcap and "
			"datasets.defaults.memcap");
}

/* What the rules of 'rs' ask for and is not there yet ('s': or nothing is). */
static bool
reserve_bits(struct shared_next *n, const struct shared_state *s,
	     const struct conf *conf)
{
	bool host = false, pair = false;

	uses(n->rs, &host, &pair);
	host = host && (s == NULL || s->host == NULL);
	pair = pair && (s == NULL || s->pair == NULL);
	if (host) {
		n->host = bits_of(conf, "host.memcap");
	}
	if (pair) {
		n->pair = bits_of(conf, "ippair.memcap");
	}
	return (!host || n->host != NULL) && (!pair || n->pair != NULL);
}

enum err
shared_next_new(struct shared_next **out, const struct shared_state *s,
		const struct ruleset *rs, const struct conf *conf,
		struct diag *d)
{
	struct shared_next *n = calloc(1, sizeof(*n));

	*out = NULL;
	if (n != NULL) {
		n->rs = rs;
	}
	if (n == NULL || !reserve_bits(n, s, conf) ||
	    !make_patterns(n, s != NULL ? s->rs : NULL) ||
	    copy_sets(rs, s != NULL ? s->rs : NULL, &n->tables, &n->n_tables) !=
		    ERR_OK) {
		shared_next_free(n);
		return no_memory(d);
	}
	*out = n;
	return ERR_OK;
}

void
shared_next_free(struct shared_next *n)
{
	if (n != NULL) {
		shared_bits_free(n->host);
		shared_bits_free(n->pair);
		free_tables(n->tables, n->n_tables);
		ioc_pattern_state_free(n->patterns);
		free(n->patterns_to);
		free(n);
	}
}

/* A set that no rule asks for any more is written as it would be at the end. */
static void
save_last(const struct shared_state *s, const struct ruleset *next)
{
	struct diag d;

	for (const struct dataset *set = s->rs->datasets.first; set != NULL;
	     set = set->next) {
		if (set->changes && set->save != NULL &&
		    ruleset_changing_set(next, set) == NULL &&
		    dataset_write(set, &s->tables[set->number], &d) != ERR_OK) {
			log_err("%s", d.msg);
		}
	}
}

/* The values that rules changed so far go to the sets of 'n'. */
static void
hand_over(struct shared_state *s, struct shared_next *n)
{
	for (const struct dataset *set = n->rs->datasets.first; set != NULL;
	     set = set->next) {
		const struct dataset *old = ruleset_changing_set(s->rs, set);

		if (set->changes && old != NULL) {
			n->tables[set->number] = s->tables[old->number];
			memset(&s->tables[old->number], 0,
			       sizeof(s->tables[old->number]));
		}
	}
}

void
shared_state_follow(struct shared_state *s, struct shared_next *n)
{
	save_last(s, n->rs);
	hand_over(s, n);
	hand_over_patterns(s, n);
	free_tables(s->tables, s->n_tables);
	s->tables = n->tables;
	s->n_tables = n->n_tables;
	s->rs = n->rs;
	if (n->host != NULL) {
		s->host = n->host;
	}
	if (n->pair != NULL) {
		s->pair = n->pair;
	}
	free(n);
}

enum err
shared_state_new(struct shared_state **out, const struct ruleset *rs,
		 const struct conf *conf, struct diag *d)
{
	struct shared_state *s = calloc(1, sizeof(*s));
	struct shared_next *n;
	enum err e;

	*out = NULL;
	if (s == NULL) {
		return no_memory(d);
	}
	e = shared_next_new(&n, NULL, rs, conf, d);
	if (e != ERR_OK) {
		free(s);
		return e;
	}
	s->rs = rs;
	s->tables = n->tables;
	s->n_tables = n->n_tables;
	s->host = n->host;
	s->pair = n->pair;
	s->patterns = n->patterns;
	free(n->patterns_to);
	free(n);
	*out = s;
	return ERR_OK;
}

void
shared_state_free(struct shared_state *s)
{
	if (s != NULL) {
		shared_bits_free(s->host);
		shared_bits_free(s->pair);
		free_tables(s->tables, s->n_tables);
		ioc_pattern_state_free(s->patterns);
		free(s);
	}
}

/* The bit that 'op' means for the packet of 'c', and its table. */
static struct shared_bits *
bit_of(const struct shared_state *s, const struct shared_bit_op *op,
       const struct shared_claim *c, struct shared_bit *bit)
{
	memset(bit, 0, sizeof(*bit));
	bit->id = op->id;
	bit->ip_version = c->ip_version;
	switch (op->track) {
	case SHARED_SRC:
		bit->a = c->src;
		return s->host;
	case SHARED_DST:
		bit->a = c->dst;
		return s->host;
	default:
		/* a pair is the same pair in both directions */
		bit->a = c->src;
		bit->b = c->dst;
		if (addr_cmp(&c->src, &c->dst) > 0) {
			bit->a = c->dst;
			bit->b = c->src;
		}
		return s->pair;
	}
}

static bool
asks(const struct shared_bit_op *op)
{
	return op->cmd == BIT_ISSET || op->cmd == BIT_ISNOTSET;
}

static bool
bits_hold(const struct shared_state *s, const struct shared_claim *c)
{
	const struct rule_prog *p = c->prog;

	for (uint16_t i = 0; i < p->n_shared; i++) {
		const struct shared_bit_op *op = &p->shared[i];
		struct shared_bit bit;
		struct shared_bits *t = bit_of(s, op, c, &bit);

		if (asks(op) && shared_bits_has(t, &bit, c->ts_us / US_PER_S) !=
					(op->cmd == BIT_ISSET)) {
			return false;
		}
	}
	return true;
}

static void
bits_change(const struct shared_state *s, const struct shared_claim *c)
{
	const struct rule_prog *p = c->prog;
	uint64_t now_s = c->ts_us / US_PER_S;

	for (uint16_t i = 0; i < p->n_shared; i++) {
		const struct shared_bit_op *op = &p->shared[i];
		struct shared_bit bit;
		struct shared_bits *t = bit_of(s, op, c, &bit);

		if (asks(op)) {
			continue;
		}
		if (op->cmd == BIT_UNSET || (op->cmd == BIT_TOGGLE &&
					     shared_bits_has(t, &bit, now_s))) {
			shared_bits_unset(t, &bit);
		} else {
			shared_bits_set(t, &bit, now_s, now_s + op->expire_s);
		}
	}
}

static bool
value_does(struct shared_state *s, const struct dataset_op *op,
	   struct view data)
{
	struct dataset_table *t = &s->tables[op->set->number];
	struct dataset_value *v = NULL;
	struct view key;
	uint8_t room[16];
	enum err e;

	if (op->cmd != DATASET_SET && op->cmd != DATASET_UNSET) {
		return dataset_holds(t, op, data, NULL);
	}
	if (!dataset_key(op->set->type, data, room, &key)) {
		return false;
	}
	if (op->cmd == DATASET_UNSET) {
		return dataset_table_remove(t, key);
	}
	e = dataset_table_add(t, key, &v);
	s->values_refused += e == ERR_LIMIT || e == ERR_NOMEM;
	return e == ERR_OK;
}

/* The first value for which all of the list's tests hold, in order. */
static bool
list_holds(struct shared_state *s, const struct rule_list *l, struct view *rest)
{
	uint32_t n = claim_next_list(rest);
	bool met = false;

	for (uint32_t i = 0; i < n && rest->len > 0; i++) {
		struct view v = claim_next_value(rest);
		bool all = !met;

		for (uint8_t k = 0; k < l->n_datasets && all; k++) {
			/* the others were asked where the rule matched */
			if (l->datasets[k].set->changes) {
				all = value_does(s, &l->datasets[k], v);
			}
		}
		met = met || all;
	}
	return met;
}

bool
shared_state_apply(struct shared_state *s, const struct shared_claim *c)
{
	struct view rest = c->values;

	if (c->pattern != NULL) {
		return ioc_pattern_state_apply(s->patterns, c->pattern,
					       c->leaves, c->ts_us);
	}
	if (!bits_hold(s, c)) {
		return false;
	}
	for (uint16_t i = 0; i < c->prog->n_lists; i++) {
		const struct rule_list *l = &c->prog->lists[i];

		if (rule_list_changes(l) && !list_holds(s, l, &rest)) {
			return false;
		}
	}
	bits_change(s, c);
	return true;
}

bool
shared_state_saves(const struct shared_state *s)
{
	for (const struct dataset *set = s->rs->datasets.first; set != NULL;
	     set = set->next) {
		if (set->save != NULL) {
			return true;
		}
	}
	return false;
}

enum err
shared_state_save(const struct shared_state *s)
{
	enum err result = ERR_OK;
	struct diag d;

	for (const struct dataset *set = s->rs->datasets.first; set != NULL;
	     set = set->next) {
		const struct dataset_table *t =
			set->changes ? &s->tables[set->number] : &set->table;

		if (set->save != NULL && dataset_write(set, t, &d) != ERR_OK) {
			log_err("%s", d.msg);
			result = ERR_IO;
		}
	}
	return result;
}

struct shared_counters
shared_state_counters(const struct shared_state *s)
{
	struct ioc_state_counters p = ioc_pattern_state_counters(s->patterns);

	return (struct shared_counters){
		.patterns_kept = p.kept,
		.patterns_evicted = s->patterns_evicted + p.evicted,
		.patterns_limited = s->patterns_limited + p.limited,
		.host_bits_evicted = shared_bits_evicted(s->host),
		.pair_bits_evicted = shared_bits_evicted(s->pair),
		.values_refused = s->values_refused,
	};
}
