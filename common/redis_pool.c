/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_pool.h"

#include <stdarg.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/redis_pool_state.h"

#define WATCHED_BACKOFF_MS 1000 /* others take over; look often */
/* Steps of waiting, for whatever has no socket to poll. */
#define STEP_MS 50

static enum err
set_up(struct redis_pool *p, const struct redis_options *o, struct diag *d)
{
	enum err e = redis_url_parse(&p->url, o->url, d);

	if (e == ERR_OK && p->url.tls) {
		e = redis_tls_check(&o->tls, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	p->o = *o;
	p->cluster = p->url.layout == REDIS_CLUSTER;
	p->dial = (struct redis_dial){
		.name = p->url.layout == REDIS_SINGLE ? p->url.shown : NULL,
		.user = p->url.user,
		.pass = p->url.has_pass ? p->url.pass : NULL,
		.db = p->url.db,
		.tls = p->url.tls ? &p->o.tls : NULL,
		.master = p->url.layout == REDIS_SENTINEL,
		.backoff_max_ms =
			p->url.layout == REDIS_SINGLE ? 0 : WATCHED_BACKOFF_MS,
		.connect_ms = p->o.connect_ms,
		.troubles = p->troubles,
	};
	for (unsigned s = 0; s < REDIS_SLOTS; s++) {
		p->slots[s] = NO_NODE;
	}
	/* With Sentinels, node 0 is the master, wherever it is. */
	for (unsigned i = 0; i < (p->cluster ? p->url.n_at : 1); i++) {
		struct pool_node *n = pool_node_at(p, &p->url.at[i]);

		if (n == NULL) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
		n->start = true;
	}
	p->dial.name = NULL; /* those found later are called by address */
	return ERR_OK;
}

enum err
redis_pool_new(struct redis_pool **out, const struct redis_options *o,
	       struct diag *d)
{
	struct redis_pool *p = calloc(1, sizeof(*p));
	enum err e;

	*out = NULL;
	if (p == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = set_up(p, o, d);
	if (e != ERR_OK) {
		redis_pool_free(p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

void
redis_pool_free(struct redis_pool *p)
{
	if (p == NULL) {
		return;
	}
	for (unsigned i = 0; i < p->n_nodes; i++) {
		pool_node_free(p, p->nodes[i]);
	}
	redis_link_free(p->sentinel);
	redis_url_wipe(&p->url);
	free(p);
}

const char *
redis_pool_name(const struct redis_pool *p)
{
	return p->url.shown;
}

bool
redis_pool_is_cluster(const struct redis_pool *p)
{
	return p->cluster;
}

const char *
redis_pool_why(const struct redis_pool *p)
{
	return p->why.msg;
}

const uint64_t *
redis_pool_troubles(const struct redis_pool *p)
{
	return p->troubles;
}

uint64_t
redis_pool_connects(const struct redis_pool *p)
{
	return p->connects;
}

unsigned
redis_pool_unanswered(const struct redis_pool *p)
{
	return p->unanswered;
}

static int
slot_of(const struct redis_pool *p, const char *key)
{
	return p->cluster && key != NULL
		       ? (int)redis_cluster_slot(view_cstr(key))
		       : NO_SLOT;
}

/* --- connections --- */

enum err
redis_pool_connect_step(struct redis_pool *p, const char *key, int wait_ms,
			bool *waiting, struct diag *d)
{
	struct pool_node *n = pool_route(p, slot_of(p, key));
	enum err e = pool_node_connect(p, n, wait_ms, waiting, d);

	return e == ERR_CLOSED || e == ERR_USAGE ? ERR_AGAIN : e;
}

enum err
redis_pool_connect(struct redis_pool *p, const char *key, int timeout_ms,
		   struct diag *d)
{
	uint64_t deadline = clock_mono_us() + (uint64_t)timeout_ms * 1000;
	unsigned tries = p->n_nodes;
	enum err e;

	for (;;) {
		uint64_t now = clock_mono_us();
		int left = now < deadline ? (int)((deadline - now) / 1000) : 0;
		bool waiting;

		e = redis_pool_connect_step(p, key, left, &waiting, d);
		if (e == ERR_OK || left == 0) {
			return e;
		}
		/* In a cluster any other node may know. */
		if (waiting || !p->cluster || tries-- <= 1) {
			return e;
		}
	}
}

bool
redis_pool_up(const struct redis_pool *p, const char *key)
{
	int slot = slot_of(p, key);

	if (!p->cluster) {
		return redis_link_up(p->nodes[0]->link);
	}
	if (slot != NO_SLOT && p->slots[slot] != NO_NODE) {
		return redis_link_up(p->nodes[p->slots[slot]]->link);
	}
	for (unsigned i = 0; i < p->n_nodes; i++) {
		if (redis_link_up(p->nodes[i]->link)) {
			return true;
		}
	}
	return false;
}

void
redis_pool_close(struct redis_pool *p)
{
	for (unsigned i = 0; i < p->n_nodes; i++) {
		struct pool_node *n = p->nodes[i];

		while (n->head != NULL) {
			pool_command_free(pool_node_pop(p, n));
		}
		n->leave = false;
		redis_link_close(n->link);
	}
	p->unanswered = 0;
	pool_forget_master(p);
}

/* --- commands and replies --- */

/* Takes 'cmd' over. */
static enum err
take(struct redis_pool *p, struct pool_node *n, int slot, char *cmd, size_t len,
     uint64_t tag)
{
	struct pool_command *c;

	if (p->queued + len > REDIS_MAX_QUEUED) {
		redisFreeCommand(cmd);
		return ERR_LIMIT;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		redisFreeCommand(cmd);
		return ERR_NOMEM;
	}
	*c = (struct pool_command){
		.cmd = cmd, .len = len, .tag = tag, .slot = slot
	};
	p->unanswered++;
	pool_node_push(p, n, c);
	return ERR_OK;
}

enum err
redis_pool_queue(struct redis_pool *p, const char *key, int argc,
		 const char **argv, const size_t *len, uint64_t tag)
{
	int slot = slot_of(p, key);
	char *cmd = NULL;
	int n = redisFormatCommandArgv(&cmd, argc, argv, len);

	return n < 0 ? ERR_NOMEM
		     : take(p, pool_route(p, slot), slot, cmd, (size_t)n, tag);
}

/* A reply to 'c': true when it is for the caller. */
static bool
deliver(struct redis_pool *p, struct pool_node *n, struct pool_command *c,
	redisReply *r, struct redis_answer *out)
{
	enum redis_trouble t = redis_reply_trouble(r);

	if (c->own) {
		if (c->learns) {
			pool_learn_slots(p, n, r);
		}
	} else if ((t != REDIS_MOVED && t != REDIS_ASK) ||
		   !pool_redirect(p, n, c, r)) {
		n->leave |= t == REDIS_READONLY;
		pool_hear_crossslot(p, r);
		*out = (struct redis_answer){ c->tag, r };
		p->unanswered--;
		pool_command_free(c);
		return true;
	} else {
		c = NULL; /* on its way elsewhere */
	}
	pool_command_free(c);
	freeReplyObject(r);
	return false;
}

/* What one node has to say: true when it is for the caller. */
static bool
hear_node(struct redis_pool *p, struct pool_node *n, struct redis_answer *out)
{
	redisReply *r;
	struct diag d;
	enum err e;

	for (;;) {
		if (n->n_lost > 0) {
			struct pool_command *c = pool_node_pop(p, n);
			bool theirs = !c->own;

			*out = (struct redis_answer){ c->tag, NULL };
			p->unanswered -= theirs;
			pool_command_free(c);
			if (theirs) {
				return true;
			}
			continue;
		}
		if (!redis_link_up(n->link)) {
			return false;
		}
		e = redis_link_poll(n->link, 0, &r, &d);
		if (e == ERR_AGAIN) {
			return false;
		}
		if (e != ERR_OK) {
			pool_node_lost(p, n, &d);
		} else if (deliver(p, n, pool_node_pop(p, n), r, out)) {
			return true;
		}
	}
}

unsigned
redis_pool_fds(const struct redis_pool *p, struct pollfd *fds, unsigned cap)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= p->n_nodes && n < cap; i++) {
		const struct redis_link *l =
			i < p->n_nodes ? p->nodes[i]->link : p->sentinel;

		if (l == NULL) {
			continue;
		}
		fds[n].revents = 0;
		fds[n].fd = redis_link_fd(l, &fds[n].events);
		n += fds[n].fd >= 0;
	}
	return n;
}

enum err
redis_pool_poll(struct redis_pool *p, int wait_ms, struct redis_answer *out)
{
	uint64_t deadline = clock_mono_us() + (uint64_t)MAX(wait_ms, 0) * 1000;
	struct pollfd fds[REDIS_POOL_NODES + 1];

	for (;;) {
		unsigned n_nodes = p->n_nodes, n;

		uint64_t now;

		p->sent_on = false;

		for (unsigned i = 0; i < n_nodes; i++) {
			unsigned k = (p->turn + i) % n_nodes;

			pool_node_tend(p, p->nodes[k]);
			if (hear_node(p, p->nodes[k], out)) {
				return ERR_OK;
			}
		}
		if (p->sent_on) {
			continue; /* to a node that may have been seen to */
		}
		now = clock_mono_us();
		if (now >= deadline) {
			return ERR_AGAIN;
		}
		n = redis_pool_fds(p, fds, ARRAY_LEN(fds));
		(void)poll(fds, n,
			   (int)MIN((deadline - now + 999) / 1000,
				    (uint64_t)STEP_MS));
	}
}

/* --- one command, one reply --- */

static enum err
call_node(struct redis_pool *p, struct pool_node *n, int slot, int timeout_ms,
	  redisReply **out, struct diag *d, char *cmd, size_t len)
{
	struct redis_answer a;
	enum err e = take(p, n, slot, cmd, len, 0);

	if (e != ERR_OK) {
		return diag_set(d, e, "%s: %s", p->url.shown, err_name(e));
	}
	e = redis_pool_poll(p, timeout_ms, &a);
	if (e != ERR_OK) {
		/* A reply that came later would be taken for another's. */
		redis_pool_close(p);
		p->troubles[REDIS_SILENT]++;
		return diag_set(d, ERR_AGAIN, "%s: no reply within %d ms",
				p->url.shown, timeout_ms);
	}
	*out = a.reply;
	return a.reply != NULL ? ERR_OK
			       : diag_set(d, ERR_CLOSED, "%s", p->why.msg);
}

static enum err
format(struct redis_pool *p, char **cmd, int *len, struct diag *d,
       const char *fmt, va_list ap)
{
	if (p->unanswered > 0) {
		return diag_set(d, ERR_USAGE, "commands are unanswered");
	}
	*len = redisvFormatCommand(cmd, fmt, ap);
	return *len >= 0 ? ERR_OK
			 : diag_set(d, *len == -1 ? ERR_NOMEM : ERR_USAGE,
				    "cannot format a Redis command");
}

enum err
redis_pool_call(struct redis_pool *p, const char *key, int timeout_ms,
		redisReply **out, struct diag *d, const char *fmt, ...)
{
	int slot = slot_of(p, key), len = 0;
	char *cmd = NULL;
	va_list ap;
	enum err e;

	*out = NULL;
	va_start(ap, fmt);
	e = format(p, &cmd, &len, d, fmt, ap);
	va_end(ap);
	return e != ERR_OK ? e
			   : call_node(p, pool_route(p, slot), slot, timeout_ms,
				       out, d, cmd, (size_t)len);
}

enum err
redis_pool_call_at(struct redis_pool *p, unsigned part, int timeout_ms,
		   redisReply **out, struct diag *d, const char *fmt, ...)
{
	unsigned at = 0;
	char *cmd = NULL;
	va_list ap;
	enum err e;
	int len = 0;

	*out = NULL;
	for (; p->cluster && at < p->n_nodes; at++) {
		if (pool_node_serves(p, at) && part-- == 0) {
			break;
		}
	}
	if (p->cluster ? at == p->n_nodes : part > 0) {
		return ERR_NOTFOUND;
	}
	va_start(ap, fmt);
	e = format(p, &cmd, &len, d, fmt, ap);
	va_end(ap);
	return e != ERR_OK ? e
			   : call_node(p, p->nodes[at], NO_SLOT, timeout_ms,
				       out, d, cmd, (size_t)len);
}

enum err
redis_pool_settle(struct redis_pool *p, int timeout_ms, struct diag *d)
{
	enum err e = ERR_OK;

	while (redis_pool_unanswered(p) > 0) {
		struct redis_answer a;

		if (redis_pool_poll(p, timeout_ms, &a) != ERR_OK) {
			redis_pool_close(p);
			return diag_set(d, ERR_AGAIN, "%s: no reply",
					redis_pool_name(p));
		}
		if (a.reply == NULL) {
			e = diag_set(d, ERR_AGAIN, "%s", redis_pool_why(p));
		} else if (a.reply->type == REDIS_REPLY_ERROR && e == ERR_OK) {
			e = diag_set(d, ERR_FORMAT, "Redis: %.200s",
				     a.reply->str);
		}
		freeReplyObject(a.reply);
	}
	return e;
}
