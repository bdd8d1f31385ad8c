/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are: what Sentinels and the nodes of a cluster say. */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/redis_pool_state.h"

#define SENTINEL_BACKOFF_MS 1000
#define SENTINEL_SILENCE_MS 1000
/* Between two rounds, so that a broken set of Sentinels is not stormed. */
#define FIND_PAUSE_US UINT64_C(250000)
#define LEARN_US UINT64_C(1000000)

/* --- Sentinel --- */

void
pool_forget_master(struct redis_pool *p)
{
	uint64_t now = clock_mono_us();

	if (p->found) {
		p->found = false;
		p->find_us = now + FIND_PAUSE_US / 2 +
			     now % 1009 * FIND_PAUSE_US / 2 / 1009;
	}
}

static enum err
open_sentinel(struct redis_pool *p, struct diag *d)
{
	struct redis_dial dial = {
		.at = p->url.at[p->sentinel_at],
		.user = p->o.sentinel_user,
		.pass = p->o.sentinel_pass,
		.tls = p->dial.tls,
		.backoff_max_ms = SENTINEL_BACKOFF_MS,
		.connect_ms = p->o.connect_ms,
		.troubles = p->troubles,
	};

	return p->sentinel != NULL ? ERR_OK
				   : redis_link_new_to(&p->sentinel, &dial, d);
}

/* This one is of no use: the next.  After a round, a pause. */
static void
next_sentinel(struct redis_pool *p)
{
	redis_link_free(p->sentinel);
	p->sentinel = NULL;
	p->sentinel_asked = false;
	p->sentinel_at = (p->sentinel_at + 1) % p->url.n_at;
	if (++p->sentinel_failures % p->url.n_at == 0) {
		p->find_us = clock_mono_us() + FIND_PAUSE_US;
	}
}

/* [host, port], or nil. */
static enum err
hear_sentinel(struct redis_pool *p, const redisReply *r, struct diag *d)
{
	struct redis_endpoint at = { .is_unix = false };
	const char *name = redis_link_name(p->sentinel);

	if (r->type == REDIS_REPLY_ERROR) {
		return diag_set(d, ERR_CLOSED, "Sentinel %s: %.200s", name,
				r->str);
	}
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 ||
	    r->element[0]->type != REDIS_REPLY_STRING ||
	    r->element[1]->type != REDIS_REPLY_STRING ||
	    r->element[0]->len >= sizeof(at.host) ||
	    r->element[1]->len >= sizeof(at.port)) {
		return diag_set(d, ERR_CLOSED,
				"Sentinel %s knows no master '%.100s'", name,
				p->url.master);
	}
	snprintf(at.host, sizeof(at.host), "%s", r->element[0]->str);
	snprintf(at.port, sizeof(at.port), "%s", r->element[1]->str);
	p->nodes[0]->at = at;
	redis_link_retarget(p->nodes[0]->link, &at);
	return ERR_OK;
}

/* One Sentinel: ERR_AGAIN with *waiting, or of no use with diag. */
static enum err
ask_sentinel(struct redis_pool *p, int wait_ms, bool *waiting, struct diag *d)
{
	const char *argv[] = { "SENTINEL", "get-master-addr-by-name",
			       p->url.master };
	redisReply *r = NULL;
	enum err e = open_sentinel(p, d);

	if (e == ERR_OK && !redis_link_up(p->sentinel)) {
		e = redis_link_connect_step(p->sentinel, wait_ms, waiting, d);
	}
	if (e == ERR_OK && !p->sentinel_asked) {
		e = redis_link_queue(p->sentinel, 3, argv, NULL);
		p->sentinel_asked = e == ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	e = redis_link_poll(p->sentinel, wait_ms, &r, d);
	if (e == ERR_AGAIN) {
		*waiting =
			redis_link_silent_ms(p->sentinel) < SENTINEL_SILENCE_MS;
		return diag_set(d, e, "Sentinel %s: no answer",
				redis_link_name(p->sentinel));
	}
	if (e == ERR_OK) {
		e = hear_sentinel(p, r, d);
		freeReplyObject(r);
	}
	return e;
}

enum err
pool_find_master(struct redis_pool *p, int wait_ms, bool *waiting,
		 struct diag *d)
{
	uint64_t deadline = clock_mono_us() + (uint64_t)MAX(wait_ms, 0) * 1000;
	enum err e;

	*waiting = false;
	if (p->found) {
		return ERR_OK;
	}
	do {
		if (clock_mono_us() < p->find_us) {
			*waiting = true;
			*d = p->find_why;
			return ERR_AGAIN;
		}
		e = ask_sentinel(p, wait_ms, waiting, d);
		if (e == ERR_OK) {
			p->found = true;
			p->sentinel_failures = 0;
			/* Another is asked next, should this one be wrong. */
			redis_link_free(p->sentinel);
			p->sentinel = NULL;
			p->sentinel_asked = false;
			p->sentinel_at = (p->sentinel_at + 1) % p->url.n_at;
			return ERR_OK;
		}
		if (*waiting) {
			return e;
		}
		p->find_why = *d;
		next_sentinel(p);
		/* One of several that is away is no trouble yet. */
		*waiting = p->sentinel_failures % p->url.n_at != 0;
	} while (clock_mono_us() < deadline);
	return e == ERR_AUTH || e == ERR_NOMEM ? e : ERR_AGAIN;
}

/* --- cluster --- */

/* Who says "" means himself. */
static void
complete(struct redis_endpoint *at, const struct pool_node *from)
{
	if (at->host[0] == '\0' && !from->at.is_unix) {
		memcpy(at->host, from->at.host, sizeof(at->host));
	}
}

static void
become_cluster(struct redis_pool *p)
{
	if (!p->cluster) {
		p->cluster = true;
		for (unsigned s = 0; s < REDIS_SLOTS; s++) {
			p->slots[s] = NO_NODE;
		}
	}
}

void
pool_hear_crossslot(struct redis_pool *p, const redisReply *r)
{
	static const char word[] = "CROSSSLOT ";

	if (r->type == REDIS_REPLY_ERROR &&
	    strncmp(r->str, word, sizeof(word) - 1) == 0 &&
	    p->url.layout != REDIS_SENTINEL && p->url.db == 0) {
		become_cluster(p);
	}
}

static uint16_t
number_of(const struct redis_pool *p, const struct pool_node *n)
{
	for (uint16_t i = 0; i < p->n_nodes; i++) {
		if (p->nodes[i] == n) {
			return i;
		}
	}
	return NO_NODE;
}

static bool
push_asking(struct redis_pool *p, struct pool_node *n)
{
	struct pool_command *c = calloc(1, sizeof(*c));
	int len = -1;

	if (c != NULL) {
		len = redisFormatCommand(&c->cmd, "ASKING");
	}
	if (len < 0) {
		free(c);
		return false;
	}
	c->len = (size_t)len;
	c->own = true;
	c->slot = NO_SLOT;
	pool_node_push(p, n, c);
	return true;
}

bool
pool_redirect(struct redis_pool *p, struct pool_node *from,
	      struct pool_command *c, const redisReply *r)
{
	struct redis_redirect to;
	struct pool_node *n;

	if (p->url.layout == REDIS_SENTINEL || p->url.db != 0 ||
	    !redis_redirect_parse(r, &to)) {
		return false;
	}
	complete(&to.at, from);
	n = to.at.host[0] != '\0' ? pool_node_at(p, &to.at) : NULL;
	if (n == NULL) {
		return false;
	}
	become_cluster(p);
	if (!to.ask) {
		p->slots[to.slot] = number_of(p, n);
	}
	if (c->hops >= REDIS_POOL_HOPS || (to.ask && !push_asking(p, n))) {
		return false;
	}
	c->hops++;
	c->slot = (int)to.slot;
	p->sent_on = true;
	pool_node_push(p, n, c);
	return true;
}

void
pool_ask_slots(struct redis_pool *p, struct pool_node *n)
{
	uint64_t now = clock_mono_us();
	struct pool_command *c;
	int len = -1;

	if (!p->cluster ||
	    (p->learned_us != 0 && now - p->learned_us < LEARN_US)) {
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c != NULL) {
		len = redisFormatCommand(&c->cmd, "CLUSTER SLOTS");
	}
	if (len < 0) {
		free(c);
		return;
	}
	c->len = (size_t)len;
	c->own = c->learns = true;
	c->slot = NO_SLOT;
	p->learned_us = now;
	pool_node_push(p, n, c);
}

struct lesson {
	struct redis_pool *p;
	const struct pool_node *from;
};

static void
learn_range(void *arg, unsigned from, unsigned to,
	    const struct redis_endpoint *at)
{
	const struct lesson *l = arg;
	struct redis_endpoint there = *at;
	struct pool_node *n;

	complete(&there, l->from);
	n = there.host[0] != '\0' ? pool_node_at(l->p, &there) : NULL;
	for (unsigned s = from; n != NULL && s <= to; s++) {
		l->p->slots[s] = number_of(l->p, n);
	}
}

void
pool_learn_slots(struct redis_pool *p, const struct pool_node *from,
		 const redisReply *r)
{
	struct lesson l = { p, from };

	/* Without permission for it, MOVED teaches the same, one by one. */
	redis_cluster_ranges(r, learn_range, &l);
}
