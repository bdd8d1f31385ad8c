/* SPDX-License-Identifier: Apache-2.0 */
/* The lists in memory: what goes in, and what is asked of them. */
#include "collector/allow_list_state.h"

#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct allow_lists *
allow_lists_new(void)
{
	struct allow_lists *a = calloc(1, sizeof(*a));

	if (a != NULL) {
		a->slots = 1024;
		a->texts = calloc(a->slots, sizeof(*a->texts));
	}
	if (a != NULL && a->texts == NULL) {
		free(a);
		a = NULL;
	}
	return a;
}

void
allow_lists_free(struct allow_lists *a)
{
	if (a == NULL) {
		return;
	}
	for (size_t i = 0; i < a->slots; i++) {
		free(a->texts[i].key);
	}
	free(a->texts);
	free(a->nets);
	free(a);
}

void
allow_lists_until(struct allow_lists *a, const atomic_bool *ending)
{
	a->ending = ending;
}

bool
allow_is_ending(const struct allow_lists *a)
{
	return a->ending != NULL &&
	       atomic_load_explicit(a->ending, memory_order_relaxed);
}

uint64_t
allow_lists_entries(const struct allow_lists *a)
{
	return a->entries;
}

/* ------------------------------------------------------------------- texts */

static uint64_t
hash_of(const char *key, size_t len)
{
	return XXH3_64bits(key, len) | 1;
}

static struct allow_text *
place_of(struct allow_text *texts, size_t slots, uint64_t hash, const char *key)
{
	size_t i = hash & (slots - 1);

	while (texts[i].hash != 0 &&
	       (texts[i].hash != hash || strcmp(texts[i].key, key) != 0)) {
		i = (i + 1) & (slots - 1);
	}
	return &texts[i];
}

static bool
grow(struct allow_lists *a)
{
	size_t slots = a->slots * 2;
	struct allow_text *texts = calloc(slots, sizeof(*texts));

	if (texts == NULL) {
		return false;
	}
	for (size_t i = 0; i < a->slots; i++) {
		const struct allow_text *t = &a->texts[i];

		if (t->hash != 0) {
			*place_of(texts, slots, t->hash, t->key) = *t;
		}
	}
	free(a->texts);
	a->texts = texts;
	a->slots = slots;
	return true;
}

/* The key of 'of' and 'v' in lower case; false: too long or not one line. */
static bool
make_key(char of, struct view v, char out[ALLOW_TEXT_CAP + 2])
{
	if (v.len == 0 || v.len > ALLOW_TEXT_CAP || memchr(v.p, '\0', v.len)) {
		return false;
	}
	out[0] = of;
	for (size_t i = 0; i < v.len; i++) {
		out[1 + i] = (char)ascii_lower(v.p[i]);
	}
	out[1 + v.len] = '\0';
	return true;
}

enum err
allow_put_text(struct allow_lists *a, char of, struct view v)
{
	char key[ALLOW_TEXT_CAP + 2];
	struct allow_text *t;
	uint64_t hash;

	if (!make_key(of, v, key)) {
		return ERR_FORMAT;
	}
	if (a->n_texts >= (size_t)ALLOW_MAX_ENTRIES * 2) {
		return ERR_LIMIT;
	}
	if (a->n_texts * 4 >= a->slots * 3 && !grow(a)) {
		return ERR_NOMEM;
	}
	hash = hash_of(key, v.len + 1);
	t = place_of(a->texts, a->slots, hash, key);
	if (t->hash != 0) {
		return ERR_OK;
	}
	t->key = strdup(key);
	if (t->key == NULL) {
		return ERR_NOMEM;
	}
	t->hash = hash;
	t->list = (uint16_t)(a->n_lists - 1);
	a->n_texts++;
	return ERR_OK;
}

static const char *
find_text(const struct allow_lists *a, char of, struct view v)
{
	char key[ALLOW_TEXT_CAP + 2];
	const struct allow_text *t;

	if (!make_key(of, v, key)) {
		return NULL;
	}
	t = place_of(a->texts, a->slots, hash_of(key, v.len + 1), key);
	return t->hash != 0 ? a->names[t->list] : NULL;
}

/* 'v' behind its first label; empty when it has one only. */
static struct view
parent(struct view v)
{
	const uint8_t *dot = v.len > 0 ? memchr(v.p, '.', v.len) : NULL;

	return dot != NULL ? view_sub(v, (size_t)(dot - v.p) + 1, SIZE_MAX)
			   : VIEW_NONE;
}

bool
allow_is_domain(struct view v)
{
	if (v.len == 0 || v.len > 253 || v.p[0] == '.' ||
	    v.p[v.len - 1] == '.') {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = ascii_lower(v.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && c != '.') {
			return false;
		}
	}
	return true;
}

enum err
allow_put_domain(struct allow_lists *a, struct view v)
{
	char of = OF_NAME;
	enum err e;

	if (v.len > 1 && v.p[0] == '.') {
		of = OF_BELOW;
		v = view_sub(v, 1, SIZE_MAX);
	}
	if (!allow_is_domain(v)) {
		return ERR_FORMAT;
	}
	e = allow_put_text(a, of, v);
	/* An indicator of a name above it would take it in. */
	for (v = parent(v); e == ERR_OK && v.len > 0; v = parent(v)) {
		e = allow_put_text(a, OF_ABOVE, v);
	}
	return e;
}

/* ---------------------------------------------------------------- networks */

enum err
allow_put_net(struct allow_lists *a, const struct cidr *net)
{
	if (a->n_nets == a->nets_cap) {
		size_t cap = MAX(a->nets_cap * 2, (size_t)64);
		struct allow_net *p = realloc(a->nets, cap * sizeof(*p));

		if (p == NULL) {
			return ERR_NOMEM;
		}
		a->nets = p;
		a->nets_cap = cap;
	}
	a->nets[a->n_nets++] =
		(struct allow_net){ *net, (uint16_t)(a->n_lists - 1) };
	a->ready = false;
	a->lengths[net->bits] = true;
	return ERR_OK;
}

static int
by_address(const void *x, const void *y)
{
	const struct allow_net *a = x, *b = y;
	int c = addr_cmp(&a->cidr.addr, &b->cidr.addr);

	return c != 0 ? c : (int)a->cidr.bits - (int)b->cidr.bits;
}

void
allow_lists_ready(struct allow_lists *a)
{
	if (a->n_nets > 0 && !a->ready) {
		qsort(a->nets, a->n_nets, sizeof(*a->nets), by_address);
	}
	a->ready = true;
}

/* The first network not before 'key' in the order of by_address(). */
static const struct allow_net *
first_from(const struct allow_lists *a, const struct cidr *key)
{
	const struct allow_net at = { .cidr = *key };
	size_t lo = 0, hi = a->n_nets;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_address(&a->nets[mid], &at) < 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo < a->n_nets ? &a->nets[lo] : NULL;
}

const char *
allow_lists_net(const struct allow_lists *a, const struct cidr *net)
{
	const struct allow_net *n;

	for (unsigned bits = 0; bits <= net->bits; bits++) {
		struct cidr key = { net->addr, (uint8_t)bits };

		if (!a->lengths[bits]) {
			continue;
		}
		for (unsigned b = bits; b < 128; b++) {
			key.addr.b[b / 8] &= (uint8_t) ~(0x80u >> b % 8);
		}
		n = first_from(a, &key);
		if (n != NULL && n->cidr.bits == bits &&
		    addr_eq(&n->cidr.addr, &key.addr)) {
			return a->names[n->list];
		}
	}
	n = first_from(a, net);
	return n != NULL && cidr_contains(net, &n->cidr.addr)
		       ? a->names[n->list]
		       : NULL;
}

const char *
allow_lists_domain(const struct allow_lists *a, struct view name, bool exact)
{
	const char *hit = find_text(a, OF_NAME, name);

	if (hit == NULL && name.len > 4 && memcmp(name.p, "www.", 4) == 0) {
		hit = find_text(a, OF_NAME, view_sub(name, 4, SIZE_MAX));
	}
	if (hit == NULL && !exact) {
		hit = find_text(a, OF_ABOVE, name);
	}
	for (; hit == NULL && name.len > 0; name = parent(name)) {
		hit = find_text(a, OF_BELOW, name);
	}
	return hit;
}

const char *
allow_lists_text(const struct allow_lists *a, struct view value)
{
	return find_text(a, OF_TEXT, value);
}
