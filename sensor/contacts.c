/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/contacts.h"

#include <stdlib.h>
#include <sys/random.h>

#include "common/clock.h"
#include "sensor/contacts_state.h"

static uint32_t
power_of_two(uint32_t n)
{
	uint32_t p = 64;

	while (p < n) {
		p *= 2;
	}
	return p;
}

/* All are free, the lowest first. */
static void
chain_free(struct contacts *c, uint32_t n_hosts)
{
	for (uint32_t i = n_hosts; i > 0; i--) {
		c->host[i].next = c->host_free;
		c->host_free = i;
	}
	for (uint32_t i = n_hosts * PAIRS_PER_HOST; i > 0; i--) {
		c->pair[i].next = c->pair_free;
		c->pair_free = i;
	}
}

static bool
get_memory(struct contacts *c, uint32_t n)
{
	uint32_t words = power_of_two(n * SEEN_WORDS_PER_HOST);

	c->host_mask = power_of_two(n) - 1;
	c->pair_mask = power_of_two(n * PAIRS_PER_HOST) - 1;
	c->seen.mask = words - 1;
	c->host = calloc((size_t)n + 1, sizeof(*c->host));
	c->pair = calloc((size_t)n * PAIRS_PER_HOST + 1, sizeof(*c->pair));
	c->host_bucket =
		calloc((size_t)c->host_mask + 1, sizeof(*c->host_bucket));
	c->pair_bucket =
		calloc((size_t)c->pair_mask + 1, sizeof(*c->pair_bucket));
	c->seen.word =
		calloc((size_t)words * SEEN_GENERATIONS, sizeof(*c->seen.word));
	return c->host != NULL && c->pair != NULL && c->host_bucket != NULL &&
	       c->pair_bucket != NULL && c->seen.word != NULL;
}

struct contacts *
contacts_new(const struct contacts_conf *conf,
	     const struct contact_lanes *lanes)
{
	struct contacts *c = calloc(1, sizeof(*c));
	uint32_t n = conf->max_hosts;

	if (c == NULL || !get_memory(c, n)) {
		contacts_free(c);
		return NULL;
	}
	c->conf = conf;
	c->lanes = lanes;
	if (getrandom(&c->seed, sizeof(c->seed), 0) != sizeof(c->seed)) {
		c->seed = clock_wall_us() ^ (uintptr_t)c;
	}
	chain_free(c, n);
	c->list_max[true] = n;
	c->list_max[false] = n / 2;
	c->outside_pairs_max = n * PAIRS_PER_HOST / 2;
	c->early_left = n;
	c->due_us = UINT64_MAX;
	return c;
}

void
contacts_free(struct contacts *c)
{
	if (c != NULL) {
		free(c->host);
		free(c->pair);
		free(c->host_bucket);
		free(c->pair_bucket);
		free(c->seen.word);
		free(c);
	}
}

uint32_t
contacts_size(const struct contacts *c)
{
	return c->list[false].n + c->list[true].n;
}

struct contacts_counters *
contacts_counters(struct contacts *c)
{
	return &c->count;
}
