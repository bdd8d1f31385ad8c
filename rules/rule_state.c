/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_state.h"

#include "rules/rule_match.h"

#define PENDING_SIZE (STATE_PENDING * sizeof(struct state_pending))

static size_t
words(uint32_t n)
{
	return (n + 63) / 64 * sizeof(uint64_t);
}

void
rule_flow_free(struct rule_flow *f, struct pool *pool)
{
	if (f != NULL) {
		pool_put(pool, f->bits, f->n_bit_words * sizeof(uint64_t));
		pool_put(pool, f->ints, f->n_ints * sizeof(uint32_t));
		pool_put(pool, f->ints_set, words(f->n_ints));
		pool_put(pool, f->notes, sizeof(*f->notes));
		pool_put(pool, f->dries, sizeof(*f->dries));
		pool_put(pool, f->pending[0], PENDING_SIZE);
		pool_put(pool, f->pending[1], PENDING_SIZE);
		pool_put(pool, f, sizeof(*f));
	}
}

void
rule_tx_free(struct rule_tx *t, struct pool *pool)
{
	if (t != NULL) {
		pool_put(pool, t->bits, words(RULE_MAX_TX_BITS));
		pool_put(pool, t->alerted.v, t->alerted.cap * sizeof(uint32_t));
		pool_put(pool, t->pending.v, t->pending.cap * sizeof(uint32_t));
		pool_put(pool, t->dries, sizeof(*t->dries));
		pool_put(pool, t->met.v, t->met.cap * sizeof(uint32_t));
		pool_put(pool, t, sizeof(*t));
	}
}

struct rule_flow *
state_flow(const struct inspect *in, bool make)
{
	struct rule_flow *f;

	if (in->flow == NULL || in->flow_state == NULL) {
		return NULL;
	}
	f = *in->flow_state;
	if (f == NULL && make && in->pool != NULL) {
		f = pool_get(in->pool, sizeof(*f));
		if (f != NULL) {
			memset(f, 0, sizeof(*f));
			*in->flow_state = f;
		}
	}
	return f;
}

static struct rule_tx *
state_in(const struct inspect *in, struct rule_tx **slot, bool make)
{
	struct rule_tx *t;

	if (slot == NULL) {
		return NULL;
	}
	t = *slot;
	if (t == NULL && make && in->pool != NULL) {
		t = pool_get(in->pool, sizeof(*t));
		if (t != NULL) {
			memset(t, 0, sizeof(*t));
			*slot = t;
		}
	}
	return t;
}

struct rule_tx *
state_tx(const struct inspect *in, bool make)
{
	return state_in(in, in->tx_state, make);
}

struct rule_tx *
state_file(const struct inspect *in, const struct inspect_file *f, bool make)
{
	return state_in(in, f->state, make);
}

bool
state_bit(const struct rule_flow *f, uint32_t id)
{
	return f != NULL && id / 64 < f->n_bit_words &&
	       (f->bits[id / 64] >> (id % 64) & 1) != 0;
}

/* Room for 'n' bits; a later set may have more than the one that made them. */
static bool
grow_bits(struct rule_flow *f, uint32_t n, struct pool *pool)
{
	uint64_t *bits = pool_get(pool, words(n));

	if (bits == NULL) {
		return false;
	}
	memset(bits, 0, words(n));
	if (f->bits != NULL) {
		memcpy(bits, f->bits, f->n_bit_words * sizeof(*bits));
	}
	pool_put(pool, f->bits, f->n_bit_words * sizeof(*bits));
	f->bits = bits;
	f->n_bit_words = (n + 63) / 64;
	return true;
}

bool
state_bit_change(struct rule_flow *f, enum bit_cmd cmd, uint32_t id, uint32_t n,
		 struct pool *pool)
{
	uint64_t bit = UINT64_C(1) << (id % 64);

	if (id / 64 >= f->n_bit_words) {
		if (cmd == BIT_UNSET) {
			return true;
		}
		if (!grow_bits(f, n, pool)) {
			return false;
		}
	}
	if (cmd == BIT_SET) {
		f->bits[id / 64] |= bit;
	} else if (cmd == BIT_UNSET) {
		f->bits[id / 64] &= ~bit;
	} else {
		f->bits[id / 64] ^= bit;
	}
	return true;
}

bool
state_tx_bits_ok(const struct rule_tx *t, const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_tx_bits; i++) {
		uint32_t id = p->tx_bits[i].ids[0];

		if (p->tx_bits[i].cmd == BIT_ISSET &&
		    (t == NULL || t->bits == NULL ||
		     (t->bits[id / 64] >> (id % 64) & 1) == 0)) {
			return false;
		}
	}
	return true;
}

bool
state_tx_bits_change(struct rule_tx *t, const struct rule_prog *p,
		     struct pool *pool)
{
	for (uint16_t i = 0; i < p->n_tx_bits; i++) {
		uint32_t id = p->tx_bits[i].ids[0];

		if (p->tx_bits[i].cmd != BIT_SET) {
			continue;
		}
		if (t->bits == NULL) {
			t->bits = pool_get(pool, words(RULE_MAX_TX_BITS));
			if (t->bits == NULL) {
				return false;
			}
			memset(t->bits, 0, words(RULE_MAX_TX_BITS));
		}
		t->bits[id / 64] |= UINT64_C(1) << (id % 64);
	}
	return true;
}

bool
state_int(const struct rule_flow *f, uint32_t var, uint32_t *out)
{
	if (f == NULL || var >= f->n_ints ||
	    (f->ints_set[var / 64] >> (var % 64) & 1) == 0) {
		return false;
	}
	*out = f->ints[var];
	return true;
}

static bool
grow_ints(struct rule_flow *f, uint32_t n, struct pool *pool)
{
	uint32_t *ints = pool_get(pool, n * sizeof(*ints));
	uint64_t *set = pool_get(pool, words(n));

	if (ints == NULL || set == NULL) {
		pool_put(pool, ints, n * sizeof(*ints));
		pool_put(pool, set, words(n));
		return false;
	}
	memset(set, 0, words(n));
	if (f->ints != NULL) {
		memcpy(ints, f->ints, f->n_ints * sizeof(*ints));
		memcpy(set, f->ints_set, words(f->n_ints));
	}
	pool_put(pool, f->ints, f->n_ints * sizeof(*ints));
	pool_put(pool, f->ints_set, words(f->n_ints));
	f->ints = ints;
	f->ints_set = set;
	f->n_ints = n;
	return true;
}

bool
state_int_change(struct rule_flow *f, const struct int_op *op, uint32_t n,
		 struct pool *pool)
{
	uint32_t value = op->value, old = 0;

	if (op->var >= f->n_ints && !grow_ints(f, n, pool)) {
		return false;
	}
	if (op->from_var && !state_int(f, op->value, &value)) {
		return true; /* nothing to add: no such variable yet */
	}
	(void)state_int(f, op->var, &old);
	if (op->cmd == INT_ADD) {
		value = old > UINT32_MAX - value ? UINT32_MAX : old + value;
	} else if (op->cmd == INT_SUB) {
		value = old < value ? 0 : old - value;
	}
	f->ints[op->var] = value;
	f->ints_set[op->var / 64] |= UINT64_C(1) << (op->var % 64);
	return true;
}

struct notes *
state_notes(struct rule_flow *f, struct pool *pool)
{
	if (f->notes == NULL) {
		f->notes = pool_get(pool, sizeof(*f->notes));
		if (f->notes != NULL) {
			f->notes->n = 0;
		}
	}
	return f->notes;
}

bool
state_has(const uint32_t *v, uint32_t n, uint32_t uid)
{
	for (uint32_t i = 0; i < n; i++) {
		if (v[i] == uid) {
			return true;
		}
	}
	return false;
}

bool
state_add(struct state_list *l, uint32_t uid, struct pool *pool)
{
	if (state_has(l->v, l->n, uid)) {
		return true;
	}
	if (l->n == l->cap) {
		uint32_t cap = l->cap == 0 ? 16 : l->cap * 2;
		uint32_t *v;

		if (cap > STATE_TX) {
			return false;
		}
		v = pool_get(pool, cap * sizeof(*v));
		if (v == NULL) {
			return false;
		}
		if (l->n > 0) {
			memcpy(v, l->v, l->n * sizeof(*v));
		}
		pool_put(pool, l->v, l->cap * sizeof(*v));
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = uid;
	return true;
}

uint64_t
state_spoken_end(const struct rule_flow *f, enum inspect_dir dir, uint32_t uid)
{
	for (uint8_t i = 0; f != NULL && i < f->n_spoken; i++) {
		if (f->spoken[i].uid == uid && f->spoken[i].dir == dir) {
			return f->spoken[i].end;
		}
	}
	return 0;
}

void
state_speak(struct rule_flow *f, enum inspect_dir dir, uint32_t uid,
	    uint64_t end)
{
	uint8_t at = f->n_spoken;

	for (uint8_t i = 0; i < f->n_spoken; i++) {
		if (f->spoken[i].uid == uid && f->spoken[i].dir == dir) {
			f->spoken[i].end = end;
			return;
		}
	}
	if (f->n_spoken < STATE_SPOKEN) {
		f->n_spoken++;
	} else {
		at = f->next_spoken++ % STATE_SPOKEN;
	}
	f->spoken[at] = (struct state_spoken){ end, uid, (uint8_t)dir };
}

static uint32_t
dry_key(enum inspect_dir dir, uint32_t uid)
{
	return (uid << 1 | (uint32_t)dir) + 1;
}

static struct state_dry *
dry_of(struct state_dries *d, uint32_t key)
{
	for (unsigned i = 0; i < STATE_DRY; i++) {
		if (d->v[i].key == key) {
			return &d->v[i];
		}
	}
	return NULL;
}

const struct state_dry *
state_dry_find(const struct state_dries *d, uint32_t set, enum inspect_dir dir,
	       uint32_t uid)
{
	return d != NULL && d->set == set
		       ? dry_of((struct state_dries *)d, dry_key(dir, uid))
		       : NULL;
}

struct state_dries *
state_dries_of(struct state_dries **d, uint32_t set, struct pool *pool)
{
	if (*d == NULL) {
		*d = pool_get(pool, sizeof(**d));
		if (*d == NULL) {
			return NULL;
		}
		memset(*d, 0, sizeof(**d));
	} else if ((*d)->set != set) {
		memset(*d, 0, sizeof(**d));
	}
	(*d)->set = set;
	return *d;
}

void
state_dry_note(struct state_dries *d, enum inspect_dir dir, uint32_t uid,
	       uint64_t begin, uint64_t end)
{
	uint32_t key = dry_key(dir, uid);
	struct state_dry *at = dry_of(d, key);

	if (at == NULL) {
		at = &d->v[d->next++ % STATE_DRY];
	}
	*at = (struct state_dry){
		.begin = begin,
		.len = (uint32_t)MIN(end - begin, (uint64_t)UINT32_MAX),
		.key = key,
	};
}

bool
state_pend(struct rule_flow *f, enum inspect_dir dir, uint32_t uid,
	   uint64_t end, struct pool *pool)
{
	if (f->pending[dir] == NULL) {
		f->pending[dir] = pool_get(pool, PENDING_SIZE);
		if (f->pending[dir] == NULL) {
			return false;
		}
		f->n_pending[dir] = 0;
	}
	for (uint8_t i = 0; i < f->n_pending[dir]; i++) {
		if (f->pending[dir][i].uid == uid) {
			return true; /* waits already */
		}
	}
	if (f->n_pending[dir] == STATE_PENDING) {
		return false;
	}
	f->pending[dir][f->n_pending[dir]++] = (struct state_pending){
		.end = end,
		.tried = end,
		.uid = uid,
		.tries = 1,
	};
	return true;
}

void
state_unpend(struct rule_flow *f, enum inspect_dir dir, uint32_t uid)
{
	for (uint8_t i = 0; i < f->n_pending[dir]; i++) {
		if (f->pending[dir][i].uid == uid) {
			f->pending[dir][i] =
				f->pending[dir][--f->n_pending[dir]];
			return;
		}
	}
}

bool
state_due(struct rule_flow *f, enum inspect_dir dir, uint32_t uid)
{
	for (uint8_t i = 0; f != NULL && i < f->n_pending[dir]; i++) {
		struct state_pending *p = &f->pending[dir][i];

		if (p->uid != uid) {
			continue;
		}
		if (!p->due) {
			return false;
		}
		p->due = false;
		if (!p->again) {
			*p = f->pending[dir][--f->n_pending[dir]];
		}
		return true;
	}
	return false;
}
