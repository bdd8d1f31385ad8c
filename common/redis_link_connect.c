/* SPDX-License-Identifier: Apache-2.0 */
/* From nothing to a server that has answered our first questions. */
#include <stdio.h>

#include "common/clock.h"
#include "common/redis_link_state.h"

/*
 * The reader would allocate whatever count a reply announces; 16 GB for
 * "*2147483647".  NULL makes it an out-of-memory error of this link.
 */
static void *
make_bounded_array(const redisReadTask *task, int n)
{
	const struct redis_link *l = task->privdata;

	return n > REDIS_MAX_ELEMENTS ? NULL : l->make_array(task, n);
}

static enum err
open_reader(struct redis_link *l)
{
	l->reader = redisReaderCreate();
	if (l->reader == NULL) {
		return ERR_NOMEM;
	}
	l->fn = *l->reader->fn;
	l->make_array = l->fn.createArray;
	l->fn.createArray = make_bounded_array;
	l->reader->privdata = l;
	l->reader->fn = &l->fn;
	l->fed = 0;
	return ERR_OK;
}

/* Queues what is asked first.  Whatever answers the last one is Redis, awake
 * and ready to serve us. */
static enum err
greet(struct redis_link *l, struct diag *d)
{
	const struct redis_dial *to = &l->dial;
	enum err e = open_reader(l);
	char db[16];

	l->questions = ASK_PING;
	if (e == ERR_OK && to->pass != NULL) {
		bool named = to->user != NULL && to->user[0] != '\0';
		const char *argv[3] = { "AUTH", named ? to->user : to->pass,
					to->pass };

		e = link_queue_secret(l, named ? 3 : 2, argv);
		l->questions |= ASK_AUTH;
	}
	if (e == ERR_OK && to->db != 0) {
		const char *argv[2] = { "SELECT", db };

		snprintf(db, sizeof(db), "%u", to->db);
		e = link_queue(l, 2, argv, NULL);
		l->questions |= ASK_DB;
	}
	if (e == ERR_OK && to->master) {
		const char *argv[1] = { "ROLE" };

		e = link_queue(l, 1, argv, NULL);
		l->questions |= ASK_ROLE;
	}
	if (e == ERR_OK) {
		const char *argv[1] = { "PING" };

		e = link_queue(l, 1, argv, NULL);
	}
	l->state = GREETING;
	return e == ERR_OK ? ERR_OK : diag_set(d, e, "out of memory");
}

static enum err
begin(struct redis_link *l, struct diag *d)
{
	enum err e;

	l->attempt_us = clock_mono_us();
	l->trouble = REDIS_NO_TROUBLE;
	l->state = CONNECTING;
	e = redis_sock_open(&l->sock, &l->dial.at, d);
	return e == ERR_OK ? ERR_OK : link_sock_trouble(l, e, d);
}

static int
ms_until(uint64_t deadline_us)
{
	uint64_t now = clock_mono_us();

	return now < deadline_us ? (int)((deadline_us - now + 999) / 1000) : 0;
}

/* Waits for the connection to stand. */
static enum err
finish_connect(struct redis_link *l, uint64_t deadline_us, struct diag *d)
{
	enum err e = redis_sock_connected(&l->sock, ms_until(deadline_us), d);

	if (e != ERR_OK) {
		return link_sock_trouble(l, e, d);
	}
	if (l->dial.tls == NULL) {
		return greet(l, d);
	}
	l->state = SECURING;
	return ERR_OK;
}

static enum err
secure(struct redis_link *l, uint64_t deadline_us, struct diag *d)
{
	enum err e;

	do {
		e = redis_sock_secure(&l->sock, l->dial.tls, l->dial.at.host,
				      ms_until(deadline_us), d);
	} while (e == ERR_AGAIN && ms_until(deadline_us) > 0);
	if (e == ERR_USAGE) {
		/* A file of ours: it may be mended while we go on trying. */
		l->sock.tls_failed = true;
	}
	return e == ERR_OK ? greet(l, d) : link_sock_trouble(l, e, d);
}

static bool
is_master(const redisReply *r)
{
	return r->type == REDIS_REPLY_ARRAY && r->elements > 0 &&
	       r->element[0]->type == REDIS_REPLY_STRING &&
	       strcmp(r->element[0]->str, "master") == 0;
}

/* What one answer of the greeting means. */
static enum err
judge(struct redis_link *l, enum question asked, const redisReply *r,
      struct diag *d)
{
	enum err e = redis_reply_err(r);

	if (asked == ASK_PING && redis_reply_trouble(r) == REDIS_NOPERM) {
		return ERR_OK; /* an account without PING is an account */
	}
	if (e != ERR_OK && asked == ASK_AUTH) {
		/* Its text may repeat what we sent, and that is a password. */
		link_trouble(l, REDIS_NO_TROUBLE, d,
			     "Redis refused user and password");
		return ERR_AUTH;
	}
	if (e != ERR_OK) {
		link_trouble(l, REDIS_NO_TROUBLE, d, r->str);
		return e == ERR_AUTH ? ERR_AUTH : ERR_CLOSED;
	}
	if (asked == ASK_ROLE && !is_master(r)) {
		return link_trouble(l, REDIS_NOT_MASTER, d,
				    "is not the master");
	}
	return ERR_OK;
}

/* Reads one answer of the greeting. */
static enum err
hear_greeting(struct redis_link *l, uint64_t deadline_us, struct diag *d)
{
	/* The lowest bit is what was asked first. */
	enum question asked = (enum question)(l->questions & -l->questions);
	redisReply *r = NULL;
	enum err e = link_exchange(l, deadline_us, &r, d);

	if (e != ERR_OK) {
		return e;
	}
	e = judge(l, asked, r, d);
	freeReplyObject(r);
	l->questions &= ~(unsigned)asked;
	if (e == ERR_OK && l->questions == 0) {
		l->state = UP;
		l->last.msg[0] = '\0';
	}
	return e;
}

/* One step of an attempt; ERR_AGAIN when the deadline passed in it. */
static enum err
advance(struct redis_link *l, uint64_t deadline_us, struct diag *d)
{
	switch (l->state) {
	case DOWN:
		return begin(l, d);
	case CONNECTING:
		return finish_connect(l, deadline_us, d);
	case SECURING:
		return secure(l, deadline_us, d);
	case GREETING:
		return hear_greeting(l, deadline_us, d);
	case UP:
		break;
	}
	return ERR_OK;
}

enum err
redis_link_connect_step(struct redis_link *l, int wait_ms, bool *waiting,
			struct diag *d)
{
	uint64_t deadline_us = link_deadline_in(wait_ms);
	uint64_t limit_ms =
		l->dial.connect_ms != 0 ? l->dial.connect_ms : REDIS_CONNECT_MS;
	struct diag unread;
	enum err e;

	d = d != NULL ? d : &unread;
	*waiting = false;
	if (l->state == DOWN && clock_mono_us() < l->retry_us) {
		*waiting = true;
		/* Who asks now learns what went wrong before. */
		return l->last.msg[0] != '\0'
			       ? diag_set(d, ERR_AGAIN, "%s", l->last.msg)
			       : diag_set(d, ERR_AGAIN,
					  "%s: waiting to try again", l->name);
	}
	while (l->state != UP) {
		e = advance(l, deadline_us, d);
		if (e == ERR_AGAIN) {
			if (clock_mono_us() - l->attempt_us < limit_ms * 1000) {
				*waiting = true;
				return diag_set(d, e, "%s: connecting",
						l->name);
			}
			(void)link_trouble(l, REDIS_SILENT, d,
					   l->state == SECURING
						   ? "no answer; does it speak "
						     "TLS there?"
						   : "no answer");
		}
		if (e != ERR_OK) {
			redis_link_fail(l, l->trouble);
			l->last = *d;
			return e == ERR_CLOSED ? ERR_AGAIN : e;
		}
	}
	return ERR_OK;
}

enum err
redis_link_connect(struct redis_link *l, int timeout_ms, struct diag *d)
{
	bool waiting;
	enum err e = redis_link_connect_step(l, timeout_ms, &waiting, d);

	if (e == ERR_AGAIN && waiting && l->state != DOWN) {
		redis_link_fail(l, REDIS_SILENT);
		(void)diag_set(&l->last, e, "%s: no answer within %d ms",
			       l->name, timeout_ms);
		return diag_set(d, e, "%s", l->last.msg);
	}
	return e;
}
