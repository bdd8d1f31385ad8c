/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_trie.h - networks by longest prefix
 *
 * A binary trie over the 128-bit form of addresses with runs of single
 * branches folded into one node, so that IPv4's common 96 bits cost one step.
 *
 * Place    above addr.h; below ioc_set.
 * Threads  built by one thread, then read only.
 * Memory   32 bytes a node, fewer than two nodes a network.
 * Cost     a walk visits at most one node per prefix bit.
 */
#ifndef RULES_IOC_TRIE_H
#define RULES_IOC_TRIE_H

#include "common/addr.h"
#include "common/err.h"

#define IOC_TRIE_NONE UINT32_MAX

struct ioc_trie_node {
	struct addr prefix; /* bits beyond 'bits' are zero */
	uint32_t child[2];
	uint32_t record; /* IOC_TRIE_NONE in mere forks */
	uint8_t bits;
};

struct ioc_trie {
	struct ioc_trie_node *nodes;
	uint32_t n, cap;
	uint32_t root;
};

void ioc_trie_init(struct ioc_trie *t);
void ioc_trie_fini(struct ioc_trie *t);

/* The record of this very network, or IOC_TRIE_NONE. */
uint32_t ioc_trie_get(const struct ioc_trie *t, const struct cidr *net);
/* Files 'record' under 'net' (not a host), in place of what was there. */
enum err ioc_trie_add(struct ioc_trie *t, const struct cidr *net,
		      uint32_t record) MUST_CHECK;
enum err ioc_trie_settle(struct ioc_trie *t) MUST_CHECK;
size_t ioc_trie_memory(const struct ioc_trie *t);

/*
 * One step of a walk from the widest network that holds 'a' to the narrowest:
 * begin with '*at' = t->root; returns the next such network's record, or
 * IOC_TRIE_NONE at the end.
 */
static inline uint32_t
ioc_trie_step(const struct ioc_trie *t, const struct addr *a, uint32_t *at)
{
	while (*at != IOC_TRIE_NONE) {
		const struct ioc_trie_node *n = &t->nodes[*at];
		const struct cidr net = { n->prefix, n->bits };

		if (!cidr_contains(&net, a)) {
			*at = IOC_TRIE_NONE;
			break;
		}
		/* Hosts are not kept here: there is always a next bit. */
		*at = n->child[a->b[n->bits / 8] >> (7 - n->bits % 8) & 1];
		if (n->record != IOC_TRIE_NONE) {
			return n->record;
		}
	}
	return IOC_TRIE_NONE;
}

#endif
