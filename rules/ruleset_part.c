/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules as they were read, in parts that sets share.
 *
 * Most rules of a new set are those of the set before.  What was made of
 * their text never changes again, so that the new set takes it over instead
 * of reading it once more: it refers to the parts in which those rules lie.
 * What a set does change about a rule (number, order, thresholds) it does to
 * a copy of its own.  Of a part that holds mostly rules of the past, rules
 * are read anew, so that what nobody needs is at most half.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdatomic.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rules/ruleset_db.h"

#define PART_BYTES ((size_t)1536 << 10) /* fits one slab of the pool */
#define PART_MAX ((size_t)1 << 30)

struct rule_part {
	atomic_uint refs; /* sets that use it */
	uint32_t n_rules; /* read into it */
	struct pool *pool;
	struct arena arena;
	void **codes; /* pcre2_code of its rules */
	size_t n_codes;
};

static void
part_put(struct rule_part *p)
{
	if (atomic_fetch_sub(&p->refs, 1) > 1) {
		return;
	}
	for (size_t i = 0; i < p->n_codes; i++) {
		pcre2_code_free(p->codes[i]);
	}
	free(p->codes);
	arena_reset(&p->arena);
	pool_free(p->pool);
	free(p);
}

static struct rule_part *
part_new(void)
{
	struct rule_part *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return NULL;
	}
	atomic_init(&p->refs, 1);
	p->pool = pool_new(PART_MAX);
	if (p->pool == NULL) {
		free(p);
		return NULL;
	}
	arena_init(&p->arena, p->pool, PART_MAX);
	arena_allow_heap(&p->arena);
	return p;
}

/* Takes over the reference to 'p'. */
static bool
add_part(struct ruleset *rs, struct rule_part *p, uint32_t *at)
{
	if (rs->n_parts == rs->cap_parts) {
		uint32_t cap = rs->cap_parts == 0 ? 32 : rs->cap_parts * 2;
		struct part_use *v = realloc(rs->parts, cap * sizeof(*v));

		if (v == NULL) {
			part_put(p);
			return false;
		}
		rs->parts = v;
		rs->cap_parts = cap;
	}
	*at = rs->n_parts++;
	rs->parts[*at] = (struct part_use){ .part = p };
	return true;
}

void
ruleset_part_close(struct ruleset *rs)
{
	struct rule_env *env = &rs->env;

	if (rs->open_part != NULL) {
		rs->open_part->codes = env->codes;
		rs->open_part->n_codes = env->n_codes;
	}
	env->codes = NULL;
	env->n_codes = env->cap_codes = 0;
	rule_vars_free(env->vars);
	name_table_fini(&env->strings);
	env->vars = NULL;
	env->arena = &rs->arena;
	rs->open_part = NULL;
}

bool
ruleset_part_room(struct ruleset *rs, const struct conf *conf)
{
	struct rule_env *env = &rs->env;
	struct rule_part *p = rs->open_part;

	if (p != NULL && p->arena.used < PART_BYTES) {
		return true;
	}
	ruleset_part_close(rs);
	p = part_new();
	if (p == NULL || !add_part(rs, p, &rs->open_at)) {
		return false;
	}
	rs->open_part = p;
	env->arena = &p->arena;
	name_table_init(&env->strings, &p->arena);
	env->vars = rule_vars_new(conf, &p->arena);
	return env->vars != NULL;
}

void
ruleset_parts_fini(struct ruleset *rs)
{
	ruleset_part_close(rs);
	for (uint32_t i = 0; i < rs->n_parts; i++) {
		part_put(rs->parts[i].part);
	}
	free(rs->parts);
}

/* The set's own copy of what was read. */
static bool
own_copy(struct ruleset *rs, const struct rule *read, struct rule_entry *e)
{
	const struct rule_prog *from = read->prog;

	e->read = read;
	e->rule = arena_alloc(&rs->arena, sizeof(*e->rule));
	if (e->rule == NULL) {
		return false;
	}
	*e->rule = *read;
	for (unsigned i = 0; i < 2 && from != NULL; i++) {
		e->progs[i] = arena_alloc(&rs->arena, sizeof(*e->progs[i]));
		if (e->progs[i] == NULL) {
			return false;
		}
		*e->progs[i] = *from;
		e->progs[i]->rule = e->rule;
		from = i == 0 ? from->other : NULL;
	}
	if (e->progs[1] != NULL) {
		e->progs[0]->other = e->progs[1];
		e->progs[1]->other = e->progs[0];
	}
	e->rule->prog = e->progs[0];
	return true;
}

bool
ruleset_own_read(struct ruleset *rs, const struct rule *read,
		 struct rule_entry *e)
{
	rs->open_part->n_rules++;
	rs->parts[rs->open_at].used++;
	e->part = rs->open_at;
	return own_copy(rs, read, e);
}

/* --- what the set before has read already --- */

static uint64_t
hash_text(struct view text)
{
	return XXH3_64bits(text.p, text.len);
}

bool
former_rules_init(struct former_rules *f, const struct ruleset *prev,
		  uint64_t settings)
{
	uint32_t cap = 64;

	*f = (struct former_rules){ .prev = prev };
	if (prev == NULL || prev->settings != settings) {
		f->prev = NULL;
		return true;
	}
	while (cap < prev->n_entries * 2) {
		cap *= 2;
	}
	f->mask = cap - 1;
	f->slots = calloc(cap, sizeof(*f->slots));
	f->part_at = malloc((prev->n_parts + 1) * sizeof(*f->part_at));
	if (f->slots == NULL || f->part_at == NULL) {
		former_rules_fini(f);
		return false;
	}
	memset(f->part_at, 0xff, prev->n_parts * sizeof(*f->part_at));
	for (uint32_t i = 0; i < prev->n_entries; i++) {
		const struct rule *r = prev->entries[i].read;
		uint32_t at = (uint32_t)hash_text(view_cstr(r->text)) & f->mask;

		if (!r->self_contained) {
			continue;
		}
		while (f->slots[at] != 0) {
			at = (at + 1) & f->mask;
		}
		f->slots[at] = i + 1;
	}
	return true;
}

void
former_rules_fini(struct former_rules *f)
{
	free(f->slots);
	free(f->part_at);
	*f = (struct former_rules){ .prev = NULL };
}

static const struct rule_entry *
find_former(const struct former_rules *f, struct view text)
{
	uint32_t at = (uint32_t)hash_text(text) & f->mask;

	for (; f->slots[at] != 0; at = (at + 1) & f->mask) {
		const struct rule_entry *e =
			&f->prev->entries[f->slots[at] - 1];

		if (view_eq(view_cstr(e->read->text), text)) {
			return e;
		}
	}
	return NULL;
}

bool
former_rules_take(struct former_rules *f, struct ruleset *rs, struct view text,
		  struct rule_entry *out, bool *found)
{
	const struct rule_entry *e =
		f->prev != NULL ? find_former(f, text) : NULL;
	const struct part_use *use;

	*found = false;
	if (e == NULL) {
		return true;
	}
	use = &f->prev->parts[e->part];
	if (use->used * 2 < use->part->n_rules) {
		return true; /* mostly of the past: read anew */
	}
	if (f->part_at[e->part] == UINT32_MAX) {
		atomic_fetch_add(&use->part->refs, 1);
		if (!add_part(rs, use->part, &f->part_at[e->part])) {
			return false;
		}
	}
	*found = true;
	out->part = f->part_at[e->part];
	rs->parts[out->part].used++;
	return own_copy(rs, e->read, out);
}

/* --- the settings that rules were read with --- */

static void
add_setting(void *arg, const char *key, const char *value)
{
	XXH3_state_t *x = arg;

	XXH3_64bits_update(x, key, strlen(key) + 1);
	XXH3_64bits_update(x, value, strlen(value) + 1);
}

static void
add_reference(void *arg, struct view kind, struct view prefix)
{
	XXH3_state_t *x = arg;

	XXH3_64bits_update(x, kind.p, kind.len);
	XXH3_64bits_update(x, prefix.p, prefix.len);
}

bool
ruleset_hash_settings(struct ruleset *rs, const struct conf *conf)
{
	XXH3_state_t *x = XXH3_createState();

	if (x == NULL) {
		return false;
	}
	XXH3_64bits_reset(x);
	if (conf != NULL) {
		conf_each(conf, "", add_setting, x);
	}
	rule_classes_each(rs->env.classes, add_setting, x);
	rule_refs_each(rs->env.refs, add_reference, x);
	rs->settings = XXH3_64bits_digest(x);
	XXH3_freeState(x);
	return true;
}
