/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_trie.h"

#include <assert.h>
#include <stdlib.h>

void
ioc_trie_init(struct ioc_trie *t)
{
	*t = (struct ioc_trie){ .root = IOC_TRIE_NONE };
}

void
ioc_trie_fini(struct ioc_trie *t)
{
	free(t->nodes);
	ioc_trie_init(t);
}

static unsigned
bit_at(const struct addr *a, unsigned i)
{
	return a->b[i / 8] >> (7 - i % 8) & 1;
}

/* How many leading bits 'a' and 'b' share, at most 'max'. */
static unsigned
shared_bits(const struct addr *a, const struct addr *b, unsigned max)
{
	unsigned n = 0;

	while (n + 8 <= max && a->b[n / 8] == b->b[n / 8]) {
		n += 8;
	}
	while (n < max && bit_at(a, n) == bit_at(b, n)) {
		n++;
	}
	return n;
}

static struct addr
masked(const struct addr *a, unsigned bits)
{
	struct addr out = *a;

	for (unsigned i = 0; i < sizeof(out.b); i++) {
		if (i * 8 >= bits) {
			out.b[i] = 0;
		} else if (i * 8 + 8 > bits) {
			out.b[i] &= (uint8_t)(0xff << (8 - bits % 8));
		}
	}
	return out;
}

/* Room for the fork and the leaf that one addition may need. */
static enum err
reserve(struct ioc_trie *t)
{
	uint64_t cap = MAX(64, (uint64_t)t->cap + t->cap / 2);
	struct ioc_trie_node *nodes;

	if (t->n + 2 <= t->cap) {
		return ERR_OK;
	}
	if (cap >= IOC_TRIE_NONE) {
		return ERR_LIMIT;
	}
	nodes = realloc(t->nodes, cap * sizeof(*nodes));
	if (nodes == NULL) {
		return ERR_NOMEM;
	}
	t->nodes = nodes;
	t->cap = (uint32_t)cap;
	return ERR_OK;
}

static uint32_t
new_node(struct ioc_trie *t, const struct addr *a, unsigned bits,
	 uint32_t record)
{
	t->nodes[t->n] = (struct ioc_trie_node){
		.prefix = masked(a, bits),
		.child = { IOC_TRIE_NONE, IOC_TRIE_NONE },
		.record = record,
		.bits = (uint8_t)bits,
	};
	return t->n++;
}

/* Puts 'net' where node '*link' is, which does not hold all of 'net'. */
static void
split(struct ioc_trie *t, uint32_t *link, const struct cidr *net,
      unsigned shared, uint32_t record)
{
	uint32_t below = *link, up;
	const struct addr *old = &t->nodes[below].prefix;

	if (shared == net->bits) {
		up = new_node(t, &net->addr, shared, record);
	} else {
		uint32_t leaf = new_node(t, &net->addr, net->bits, record);

		up = new_node(t, &net->addr, shared, IOC_TRIE_NONE);
		t->nodes[up].child[bit_at(&net->addr, shared)] = leaf;
	}
	t->nodes[up].child[bit_at(old, shared)] = below;
	*link = up;
}

uint32_t
ioc_trie_get(const struct ioc_trie *t, const struct cidr *net)
{
	uint32_t at = t->root;

	while (at != IOC_TRIE_NONE && t->nodes[at].bits < net->bits) {
		at = t->nodes[at].child[bit_at(&net->addr, t->nodes[at].bits)];
	}
	if (at == IOC_TRIE_NONE || t->nodes[at].bits != net->bits ||
	    !addr_eq(&t->nodes[at].prefix, &net->addr)) {
		return IOC_TRIE_NONE;
	}
	return t->nodes[at].record;
}

enum err
ioc_trie_add(struct ioc_trie *t, const struct cidr *net, uint32_t record)
{
	uint32_t *link = &t->root;
	enum err e = reserve(t);

	assert(net->bits < 128);
	if (e != ERR_OK) {
		return e;
	}
	while (*link != IOC_TRIE_NONE) {
		struct ioc_trie_node *n = &t->nodes[*link];
		unsigned shared = shared_bits(&n->prefix, &net->addr,
					      MIN(n->bits, net->bits));

		if (shared < n->bits) {
			split(t, link, net, shared, record);
			return ERR_OK;
		}
		if (n->bits == net->bits) {
			n->record = record;
			return ERR_OK;
		}
		link = &n->child[bit_at(&net->addr, n->bits)];
	}
	*link = new_node(t, &net->addr, net->bits, record);
	return ERR_OK;
}

enum err
ioc_trie_settle(struct ioc_trie *t)
{
	struct ioc_trie_node *nodes;

	if (t->n == t->cap) {
		return ERR_OK;
	}
	nodes = realloc(t->nodes, MAX(t->n, 1) * sizeof(*nodes));
	if (nodes == NULL) {
		return ERR_NOMEM;
	}
	t->nodes = nodes;
	t->cap = MAX(t->n, 1);
	return ERR_OK;
}

size_t
ioc_trie_memory(const struct ioc_trie *t)
{
	return t->cap * sizeof(*t->nodes);
}
