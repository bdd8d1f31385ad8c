/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_pool_state.h - the inside of a pool, for redis_pool*.c and nobody else
 *
 * Place    above redis_link.h and redis_cluster.h, below redis_pool*.c.
 * Threads  one.
 * Memory   the pool's.
 */
#ifndef COMMON_REDIS_POOL_STATE_H
#define COMMON_REDIS_POOL_STATE_H

#include "common/redis_cluster.h"
#include "common/redis_pool.h"

#define NO_NODE UINT16_MAX
#define NO_SLOT (-1)

struct pool_command {
	struct pool_command *next;
	char *cmd; /* as redisFormatCommand() made it */
	size_t len;
	uint64_t tag;
	int slot;
	unsigned hops;
	bool own; /* the pool's, not the caller's */
	bool learns; /* its reply is that of CLUSTER SLOTS */
};

/* First those lost with their connection, then those on the wire, then those
 * that wait for a connection. */
struct pool_node {
	struct redis_endpoint at;
	struct redis_link *link;
	struct pool_command *head, *tail;
	unsigned n, n_lost, n_wired;
	bool leave; /* said READONLY: close it once it is silent */
	bool start; /* named by the URL */
};

struct redis_pool {
	struct redis_url url;
	struct redis_options o;
	struct redis_dial dial;
	bool cluster;

	struct pool_node *nodes[REDIS_POOL_NODES];
	unsigned n_nodes, turn;
	uint16_t slots[REDIS_SLOTS]; /* in a cluster; NO_NODE: not known */
	uint64_t learned_us;

	/* The Sentinel being asked for the master's address. */
	struct redis_link *sentinel;
	unsigned sentinel_at, sentinel_failures;
	bool sentinel_asked;
	bool found; /* the master's address is that of node 0 */
	uint64_t find_us; /* not before */
	struct diag find_why; /* what the last one asked said */

	bool sent_on; /* a command went on to another node */
	unsigned unanswered; /* the caller's */
	size_t queued; /* bytes */
	uint64_t connects;
	uint64_t troubles[REDIS_TROUBLES];
	struct diag why;
};

/* --- nodes: redis_pool_node.c --- */

/* Finds or adds; NULL when there are too many, or no memory. */
struct pool_node *pool_node_at(struct redis_pool *p,
			       const struct redis_endpoint *at);
void pool_node_free(struct redis_pool *p, struct pool_node *n);
/* Whether node number 'node' of a cluster holds slots. */
bool pool_node_serves(const struct redis_pool *p, unsigned node);
/* Who serves 'slot', or is best asked; NO_SLOT: anyone. */
struct pool_node *pool_route(struct redis_pool *p, int slot);
/* Owns 'c' from now on. */
void pool_node_push(struct redis_pool *p, struct pool_node *n,
		    struct pool_command *c);
struct pool_command *pool_node_pop(struct redis_pool *p, struct pool_node *n);
void pool_command_free(struct pool_command *c);
/* Its connection is gone: all it held is lost. */
void pool_node_lost(struct redis_pool *p, struct pool_node *n,
		    const struct diag *why);
/* Connects for at most 'wait_ms'; as redis_link_connect_step(). */
enum err pool_node_connect(struct redis_pool *p, struct pool_node *n,
			   int wait_ms, bool *waiting,
			   struct diag *d) MUST_CHECK;
/* Sees to the connection when commands wait for it. */
void pool_node_tend(struct redis_pool *p, struct pool_node *n);

/* --- who is where: redis_pool_find.c --- */

/* Asks Sentinels until the master's address is known. */
enum err pool_find_master(struct redis_pool *p, int wait_ms, bool *waiting,
			  struct diag *d) MUST_CHECK;
/* The master is not there any more. */
void pool_forget_master(struct redis_pool *p);
/* Sends 'c', which 'from' refused with 'r', on; false: it stays the
 * caller's. */
bool pool_redirect(struct redis_pool *p, struct pool_node *from,
		   struct pool_command *c, const redisReply *r) MUST_CHECK;
/* A node that has all slots in question never says MOVED: that keys of several
 * slots cannot be in one command tells that it is a cluster's as well. */
void pool_hear_crossslot(struct redis_pool *p, const redisReply *r);
/* Asks a node for the table of slots, if that was not done just now. */
void pool_ask_slots(struct redis_pool *p, struct pool_node *n);
void pool_learn_slots(struct redis_pool *p, const struct pool_node *from,
		      const redisReply *r);

#endif
