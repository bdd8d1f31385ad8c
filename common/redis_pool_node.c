/* SPDX-License-Identifier: Apache-2.0 */
/* The servers of a pool: their commands, their connections. */
#include <stdlib.h>

#include "common/clock.h"
#include "common/redis_pool_state.h"

bool
pool_node_serves(const struct redis_pool *p, unsigned node)
{
	for (unsigned s = 0; s < REDIS_SLOTS; s++) {
		if (p->slots[s] == node) {
			return true;
		}
	}
	return false;
}

/* The table is full: a node that has left the cluster makes room. */
static struct pool_node *
reuse(struct redis_pool *p, const struct redis_endpoint *at)
{
	for (unsigned i = 0; i < p->n_nodes; i++) {
		struct pool_node *n = p->nodes[i];

		if (!n->start && n->n == 0 && !pool_node_serves(p, i) &&
		    !redis_link_up(n->link)) {
			n->at = *at;
			redis_link_retarget(n->link, at);
			return n;
		}
	}
	return NULL;
}

struct pool_node *
pool_node_at(struct redis_pool *p, const struct redis_endpoint *at)
{
	struct redis_dial dial = p->dial;
	struct pool_node *n;
	struct diag d;

	for (unsigned i = 0; i < p->n_nodes; i++) {
		if (redis_endpoint_same(&p->nodes[i]->at, at)) {
			return p->nodes[i];
		}
	}
	if (p->n_nodes == REDIS_POOL_NODES) {
		return reuse(p, at);
	}
	n = calloc(1, sizeof(*n));
	if (n == NULL) {
		return NULL;
	}
	n->at = dial.at = *at;
	if (redis_link_new_to(&n->link, &dial, &d) != ERR_OK) {
		free(n);
		return NULL;
	}
	p->nodes[p->n_nodes++] = n;
	return n;
}

void
pool_command_free(struct pool_command *c)
{
	if (c != NULL) {
		redisFreeCommand(c->cmd);
		free(c);
	}
}

struct pool_command *
pool_node_pop(struct redis_pool *p, struct pool_node *n)
{
	struct pool_command *c = n->head;

	if (c == NULL) {
		return NULL;
	}
	n->head = c->next;
	if (c->next == NULL) {
		n->tail = NULL;
	}
	c->next = NULL;
	n->n--;
	if (n->n_lost > 0) {
		n->n_lost--;
	} else if (n->n_wired > 0) {
		n->n_wired--;
	}
	p->queued -= c->len;
	return c;
}

void
pool_node_free(struct redis_pool *p, struct pool_node *n)
{
	if (n != NULL) {
		while (n->head != NULL) {
			pool_command_free(pool_node_pop(p, n));
		}
		redis_link_free(n->link);
		free(n);
	}
}

static uint16_t
index_of(const struct redis_pool *p, const struct pool_node *n)
{
	uint16_t i = 0;

	while (p->nodes[i] != n) {
		i++;
	}
	return i;
}

/* A node that is connected, else the one that may be tried soonest. */
static struct pool_node *
anyone(struct redis_pool *p)
{
	struct pool_node *best = NULL;
	uint64_t soonest = UINT64_MAX;

	for (unsigned i = 0; i < p->n_nodes; i++) {
		struct pool_node *n = p->nodes[(p->turn + i) % p->n_nodes];
		uint64_t ms = redis_link_backoff_ms(n->link);

		if (redis_link_up(n->link)) {
			return n;
		}
		if (ms < soonest) {
			soonest = ms;
			best = n;
		}
	}
	return best;
}

struct pool_node *
pool_route(struct redis_pool *p, int slot)
{
	if (!p->cluster) {
		return p->nodes[0];
	}
	if (slot != NO_SLOT && p->slots[slot] != NO_NODE) {
		return p->nodes[p->slots[slot]];
	}
	return anyone(p);
}

/* What stands behind the lost and the wired goes out as far as it may. */
static void
wire(struct redis_pool *p, struct pool_node *n)
{
	struct pool_command *c = n->head;
	struct diag d;

	for (unsigned i = 0; i < n->n_lost + n->n_wired; i++) {
		c = c->next;
	}
	for (; c != NULL; c = c->next) {
		enum err e = redis_link_queue_raw(n->link, c->cmd, c->len);

		if (e == ERR_LIMIT) {
			return; /* later */
		}
		if (e != ERR_OK) {
			redis_link_fail(n->link, REDIS_NO_TROUBLE);
			(void)diag_set(&d, e, "%s: %s",
				       redis_link_name(n->link), err_name(e));
			pool_node_lost(p, n, &d);
			return;
		}
		n->n_wired++;
	}
}

void
pool_node_push(struct redis_pool *p, struct pool_node *n,
	       struct pool_command *c)
{
	bool waits = n->n > n->n_lost + n->n_wired;

	c->next = NULL;
	if (n->tail != NULL) {
		n->tail->next = c;
	} else {
		n->head = c;
	}
	n->tail = c;
	n->n++;
	p->queued += c->len;
	if (!waits && !n->leave && redis_link_up(n->link) &&
	    redis_link_queue_raw(n->link, c->cmd, c->len) == ERR_OK) {
		n->n_wired++;
	}
}

void
pool_node_lost(struct redis_pool *p, struct pool_node *n,
	       const struct diag *why)
{
	n->n_lost = n->n;
	n->n_wired = 0;
	n->leave = false;
	p->why = *why;
	if (p->url.layout == REDIS_SENTINEL) {
		pool_forget_master(p);
	}
	if (p->cluster) {
		/* Another will say who has its slots now. */
		uint16_t self = index_of(p, n);

		for (unsigned s = 0; s < REDIS_SLOTS; s++) {
			p->slots[s] =
				p->slots[s] == self ? NO_NODE : p->slots[s];
		}
		p->turn = (self + 1) % p->n_nodes;
	}
}

enum err
pool_node_connect(struct redis_pool *p, struct pool_node *n, int wait_ms,
		  bool *waiting, struct diag *d)
{
	enum err e;

	*waiting = false;
	if (redis_link_up(n->link)) {
		return ERR_OK;
	}
	if (p->url.layout == REDIS_SENTINEL) {
		e = pool_find_master(p, wait_ms, waiting, d);
		if (e != ERR_OK) {
			if (!*waiting) {
				pool_node_lost(p, n, d);
			}
			return e;
		}
	}
	e = redis_link_connect_step(n->link, wait_ms, waiting, d);
	if (e == ERR_OK) {
		p->connects++;
		pool_ask_slots(p, n);
		wire(p, n);
	} else if (!*waiting) {
		pool_node_lost(p, n, d);
	}
	return e;
}

void
pool_node_tend(struct redis_pool *p, struct pool_node *n)
{
	bool waits = n->n > n->n_lost + n->n_wired, waiting;
	struct diag d;

	if (redis_link_silent_ms(n->link) > REDIS_SILENCE_MS) {
		redis_link_fail(n->link, REDIS_SILENT);
		(void)diag_set(&d, ERR_AGAIN, "%s: silent for %d ms",
			       redis_link_name(n->link), REDIS_SILENCE_MS);
		pool_node_lost(p, n, &d);
	} else if (n->leave && n->n_wired == 0) {
		redis_link_fail(n->link, REDIS_NO_TROUBLE);
		(void)diag_set(&d, ERR_AGAIN, "%s: is a replica now",
			       redis_link_name(n->link));
		pool_node_lost(p, n, &d);
	} else if (waits && redis_link_up(n->link) && !n->leave) {
		wire(p, n);
	} else if (waits && redis_link_backoff_ms(n->link) > 0) {
		(void)diag_set(&d, ERR_AGAIN, "%s: not there",
			       redis_link_name(n->link));
		pool_node_lost(p, n, p->why.msg[0] != '\0' ? &p->why : &d);
	} else if (waits) {
		(void)!pool_node_connect(p, n, 0, &waiting, &d);
	}
}
