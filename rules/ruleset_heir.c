/* SPDX-License-Identifier: Apache-2.0 */
/* What one set hands to the next: numbers that the state of flows stands on. */
#include <stdlib.h>

#include "rules/ruleset_db.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* A program's name among all sets: its rule's revision, and its direction. */
struct prog_key {
	uint32_t gid, sid, rev, dirs;
};

/* The former set's programs by key; open addressing, 'mask' + 1 slots. */
struct former {
	const struct rule_prog **slots;
	uint32_t mask;
};

static struct prog_key
key_of(const struct rule_prog *p)
{
	return (struct prog_key){ p->rule->gid, p->rule->sid, p->rule->rev,
				  p->dirs };
}

static const struct rule_prog **
slot_of(const struct former *f, const struct rule_prog *p)
{
	struct prog_key key = key_of(p), other;
	uint32_t i = (uint32_t)XXH3_64bits(&key, sizeof(key)) & f->mask;

	for (; f->slots[i] != NULL; i = (i + 1) & f->mask) {
		other = key_of(f->slots[i]);
		if (memcmp(&key, &other, sizeof(key)) == 0) {
			break;
		}
	}
	return &f->slots[i];
}

static enum err
former_init(struct former *f, const struct ruleset *prev)
{
	uint32_t cap = 64;

	while (prev != NULL && cap < prev->n_progs * 2) {
		cap *= 2;
	}
	f->mask = cap - 1;
	f->slots = calloc(cap, sizeof(*f->slots));
	if (f->slots == NULL) {
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; prev != NULL && i < prev->n_progs; i++) {
		*slot_of(f, prev->progs[i]) = prev->progs[i];
	}
	return ERR_OK;
}

static int
by_uid(const void *a, const void *b)
{
	const struct prog_number *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

enum err
ruleset_inherit_uids(struct ruleset *rs, const struct ruleset *prev,
		     struct diag *d)
{
	struct former f;

	rs->next_uid = prev != NULL ? prev->next_uid : 0;
	rs->serial = prev != NULL ? prev->serial + 1 : 1;
	rs->by_uid = calloc(rs->n_progs + 1, sizeof(*rs->by_uid));
	if (rs->by_uid == NULL || former_init(&f, prev) != ERR_OK) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < rs->n_progs; i++) {
		/* the set is still ours alone */
		struct rule_prog *p = (struct rule_prog *)rs->progs[i];
		const struct rule_prog *was = *slot_of(&f, p);

		p->uid = was != NULL ? was->uid : rs->next_uid++;
		rs->by_uid[i] = (struct prog_number){ p->uid, i };
	}
	qsort(rs->by_uid, rs->n_progs, sizeof(*rs->by_uid), by_uid);
	free(f.slots);
	return ERR_OK;
}

enum err
ruleset_inherit_names(struct ruleset *rs, const struct ruleset *prev,
		      struct diag *d)
{
	const struct rule_env *from = prev != NULL ? &prev->env : NULL;
	struct rule_env *to = &rs->env;

	if (prev != NULL &&
	    (!name_table_copy(&to->flowbits, &from->flowbits) ||
	     !name_table_copy(&to->flowints, &from->flowints) ||
	     !name_table_copy(&to->notes, &from->notes) ||
	     !name_table_copy(&to->sharedbits, &from->sharedbits) ||
	     !name_table_copy(&to->txbits, &from->txbits))) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	return ERR_OK;
}

/* The rules of a set by gid and sid; open addressing, 'mask' + 1 slots. */
struct by_sid {
	const struct rule **slots;
	uint32_t mask;
};

static const struct rule **
rule_slot(const struct by_sid *t, const struct rule *r)
{
	uint64_t key = (uint64_t)r->gid << 32 | r->sid;
	uint32_t i = (uint32_t)XXH3_64bits(&key, sizeof(key)) & t->mask;

	while (t->slots[i] != NULL &&
	       (t->slots[i]->gid != r->gid || t->slots[i]->sid != r->sid)) {
		i = (i + 1) & t->mask;
	}
	return &t->slots[i];
}

enum err
ruleset_compare(const struct ruleset *prev, const struct ruleset *next,
		struct ruleset_diff *out)
{
	struct by_sid t = { .mask = 63 };
	uint32_t kept = 0;

	*out = (struct ruleset_diff){ 0 };
	while (t.mask < prev->n_rules * 2) {
		t.mask = t.mask * 2 + 1;
	}
	t.slots = calloc((size_t)t.mask + 1, sizeof(*t.slots));
	if (t.slots == NULL) {
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; i < prev->n_rules; i++) {
		*rule_slot(&t, prev->rules[i]) = prev->rules[i];
	}
	for (uint32_t i = 0; i < next->n_rules; i++) {
		const struct rule *r = next->rules[i], *was = *rule_slot(&t, r);

		if (was == NULL) {
			out->added++;
			continue;
		}
		kept++;
		out->changed += strcmp(was->text, r->text) != 0;
	}
	out->removed = prev->n_rules - kept;
	free(t.slots);
	return ERR_OK;
}
