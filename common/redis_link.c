/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_link_state.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "common/clock.h"

#define READ_STEP ((size_t)64 << 10)
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

static void
name_it(struct redis_link *l)
{
	if (l->dial.name != NULL) {
		snprintf(l->name, sizeof(l->name), "%s", l->dial.name);
	} else {
		redis_endpoint_show(&l->dial.at, l->name, sizeof(l->name));
	}
}

enum err
redis_link_new_to(struct redis_link **out, const struct redis_dial *dial,
		  struct diag *d)
{
	struct redis_link *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	redis_sock_init(&l->sock);
	l->dial = *dial;
	name_it(l);
	l->in = malloc(READ_STEP);
	if (l->in == NULL) {
		redis_link_free(l);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (getrandom(&l->rng, sizeof(l->rng), GRND_NONBLOCK) < 0) {
		l->rng = clock_mono_us() ^ (uint64_t)(uintptr_t)l;
	}
	l->rng |= 1;
	*out = l;
	return ERR_OK;
}

enum err
redis_link_new(struct redis_link **out, const char *url, struct diag *d)
{
	static const struct redis_tls_files defaults;
	struct redis_url *u = calloc(1, sizeof(*u));
	struct redis_dial dial;
	enum err e;

	if (u == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = redis_url_parse(u, url, d);
	if (e == ERR_OK && u->layout != REDIS_SINGLE) {
		e = diag_set(d, ERR_USAGE, "%s: one server only", u->shown);
	}
	dial = (struct redis_dial){
		.at = u->at[0],
		.name = u->shown,
		.user = u->user,
		.pass = u->has_pass ? u->pass : NULL,
		.db = u->db,
		.tls = u->tls ? &defaults : NULL,
	};
	if (e == ERR_OK) {
		e = redis_link_new_to(out, &dial, d);
	}
	if (e != ERR_OK) {
		redis_url_wipe(u);
		free(u);
		return e;
	}
	(*out)->url = u;
	return ERR_OK;
}

void
redis_link_free(struct redis_link *l)
{
	if (l == NULL) {
		return;
	}
	redis_link_close(l);
	if (l->url != NULL) {
		redis_url_wipe(l->url);
		free(l->url);
	}
	free(l->out);
	free(l->in);
	free(l);
}

const char *
redis_link_name(const struct redis_link *l)
{
	return l->name;
}

void
redis_link_retarget(struct redis_link *l, const struct redis_endpoint *at)
{
	redis_link_close(l);
	l->dial.at = *at;
	name_it(l);
	l->retry_us = 0;
	l->last.msg[0] = '\0';
}

bool
redis_link_up(const struct redis_link *l)
{
	return l->state == UP;
}

/* The password of AUTH stays no longer than it has to. */
static void
wipe_out(struct redis_link *l)
{
	if (l->out_secret) {
		explicit_bzero(l->out, l->out_cap);
		l->out_secret = false;
	}
}

void
redis_link_close(struct redis_link *l)
{
	redis_sock_close(&l->sock);
	if (l->reader != NULL) {
		redisReaderFree(l->reader);
		l->reader = NULL;
	}
	wipe_out(l);
	l->out_len = l->out_pos = 0;
	l->unanswered = 0;
	l->state = DOWN;
}

/* Longer each time, never in step with the other sensors that lost the same
 * broker. */
void
redis_link_fail(struct redis_link *l, enum redis_trouble why)
{
	uint64_t max = l->dial.backoff_max_ms != 0 ? l->dial.backoff_max_ms
						   : BACKOFF_MAX_MS;
	uint64_t ms =
		MIN((uint64_t)BACKOFF_MIN_MS << MIN(l->failures, 8U), max);

	redis_link_close(l);
	if (l->dial.troubles != NULL && why != REDIS_NO_TROUBLE) {
		l->dial.troubles[why]++;
	}
	l->failures++;
	l->rng ^= l->rng << 13;
	l->rng ^= l->rng >> 7;
	l->rng ^= l->rng << 17;
	ms = ms / 2 + l->rng % (ms / 2 + 1);
	l->retry_us = clock_mono_us() + ms * 1000;
	l->trouble = REDIS_NO_TROUBLE;
}

uint64_t
redis_link_backoff_ms(const struct redis_link *l)
{
	uint64_t now = clock_mono_us();

	return l->state == DOWN && l->retry_us > now
		       ? (l->retry_us - now + 999) / 1000
		       : 0;
}

/* Says what is wrong with this server, and notes of what kind it is. */
enum err
link_trouble(struct redis_link *l, enum redis_trouble t, struct diag *d,
	     const char *what)
{
	char text[sizeof(d->msg)];

	snprintf(text, sizeof(text), "%s", what);
	l->trouble = t;
	return diag_set(d, ERR_CLOSED, "%s: %.300s", l->name, text);
}

/* Not realloc(): what it leaves behind cannot be wiped. */
static enum err
grow_out(struct redis_link *l, size_t cap)
{
	char *p = malloc(cap);
	bool secret = l->out_secret;

	if (p == NULL) {
		return ERR_NOMEM;
	}
	if (l->out_len > 0) {
		memcpy(p, l->out, l->out_len);
	}
	wipe_out(l);
	free(l->out);
	l->out = p;
	l->out_cap = cap;
	l->out_secret = secret;
	return ERR_OK;
}

static enum err
append(struct redis_link *l, const char *cmd, size_t len)
{
	if (l->out_pos > 0 && l->out_pos == l->out_len) {
		l->out_pos = l->out_len = 0;
	}
	if (l->out_len - l->out_pos + len > REDIS_MAX_QUEUED) {
		return ERR_LIMIT;
	}
	if (l->out_cap - l->out_len < len && l->out_pos > 0) {
		memmove(l->out, l->out + l->out_pos, l->out_len - l->out_pos);
		l->out_len -= l->out_pos;
		l->out_pos = 0;
	}
	if (l->out_cap - l->out_len < len) {
		enum err e = grow_out(l, MAX(l->out_cap * 2, l->out_len + len));

		if (e != ERR_OK) {
			return e;
		}
	}
	memcpy(l->out + l->out_len, cmd, len);
	l->out_len += len;
	if (l->unanswered++ == 0) {
		l->heard_us = clock_mono_us();
	}
	return ERR_OK;
}

enum err
link_queue(struct redis_link *l, int argc, const char **argv, const size_t *len)
{
	char *cmd = NULL;
	int n = redisFormatCommandArgv(&cmd, argc, argv, len);
	enum err e;

	if (n < 0) {
		return ERR_NOMEM;
	}
	e = append(l, cmd, (size_t)n);
	redisFreeCommand(cmd);
	return e;
}

enum err
link_queue_secret(struct redis_link *l, int argc, const char **argv)
{
	char *cmd = NULL;
	int n = redisFormatCommandArgv(&cmd, argc, argv, NULL);
	enum err e;

	if (n < 0) {
		return ERR_NOMEM;
	}
	e = append(l, cmd, (size_t)n);
	l->out_secret |= e == ERR_OK;
	explicit_bzero(cmd, (size_t)n);
	redisFreeCommand(cmd);
	return e;
}

enum err
redis_link_queue(struct redis_link *l, int argc, const char **argv,
		 const size_t *len)
{
	return l->state == UP ? link_queue(l, argc, argv, len) : ERR_CLOSED;
}

enum err
redis_link_queue_raw(struct redis_link *l, const char *cmd, size_t len)
{
	return l->state == UP ? append(l, cmd, len) : ERR_CLOSED;
}

/* What the socket said, with the name in front. */
enum err
link_sock_trouble(struct redis_link *l, enum err e, struct diag *d)
{
	struct diag was;

	if (e == ERR_OK || e == ERR_AGAIN) {
		return e;
	}
	was = *d;
	link_trouble(l,
		     l->sock.tls_failed       ? REDIS_TLS
		     : l->state == CONNECTING ? REDIS_UNREACHABLE
					      : REDIS_CLOSED,
		     d, was.msg);
	return ERR_CLOSED;
}

/* Writes what the socket takes. */
static enum err
push_out(struct redis_link *l, struct diag *d)
{
	while (l->out_pos < l->out_len) {
		size_t n = 0;
		enum err e = redis_sock_send(&l->sock, l->out + l->out_pos,
					     l->out_len - l->out_pos, &n, d);

		if (e == ERR_AGAIN) {
			return ERR_OK;
		}
		if (e != ERR_OK) {
			/* What it said before it closed tells more. */
			struct diag why;

			if (redis_sock_recv(&l->sock, l->in, READ_STEP, &n,
					    &why) == ERR_CLOSED &&
			    l->sock.tls_failed) {
				*d = why;
			}
			return link_sock_trouble(l, e, d);
		}
		l->out_pos += n;
	}
	wipe_out(l);
	return ERR_OK;
}

/* Reads once.  ERR_AGAIN when there is nothing now. */
static enum err
pull_in(struct redis_link *l, struct diag *d)
{
	size_t n = 0;
	enum err e = redis_sock_recv(&l->sock, l->in, READ_STEP, &n, d);

	if (e != ERR_OK) {
		return link_sock_trouble(l, e, d);
	}
	if (l->state == GREETING && l->fed == 0 && l->in[0] == 0x15 &&
	    l->dial.tls == NULL) {
		/* An alert of TLS (RFC 8446 section 5.1). */
		return link_trouble(l, REDIS_TLS, d,
				    "speaks TLS: write rediss:// for redis://");
	}
	l->heard_us = clock_mono_us();
	l->fed += (uint64_t)n;
	if (l->fed > REDIS_MAX_REPLY ||
	    l->reader->len - l->reader->pos > REDIS_MAX_PENDING) {
		return link_trouble(l, REDIS_GARBAGE, d,
				    "a reply above the limit; is this Redis?");
	}
	if (redisReaderFeed(l->reader, (char *)l->in, n) != REDIS_OK) {
		return link_trouble(l, REDIS_GARBAGE, d, l->reader->errstr);
	}
	return ERR_OK;
}

/* Takes a reply out of what was read; ERR_AGAIN when none is whole. */
static enum err
take_reply(struct redis_link *l, redisReply **out, struct diag *d)
{
	void *r = NULL;

	if (redisReaderGetReply(l->reader, &r) != REDIS_OK) {
		char what[192];

		snprintf(what, sizeof(what), "not a Redis reply (%s)",
			 l->reader->errstr);
		return link_trouble(l, REDIS_GARBAGE, d, what);
	}
	if (r == NULL) {
		return ERR_AGAIN;
	}
	l->fed = l->reader->len - l->reader->pos;
	if (l->unanswered == 0) {
		freeReplyObject(r);
		return link_trouble(l, REDIS_GARBAGE, d,
				    "a reply that nobody asked for");
	}
	l->unanswered--;
	if (l->dial.troubles != NULL &&
	    redis_reply_trouble(r) != REDIS_NO_TROUBLE) {
		l->dial.troubles[redis_reply_trouble(r)]++;
	}
	*out = r;
	return ERR_OK;
}

/*
 * Moves bytes both ways until a reply is whole, the deadline has passed
 * (ERR_AGAIN) or the connection is gone (ERR_CLOSED; not yet closed here).
 */
enum err
link_exchange(struct redis_link *l, uint64_t deadline_us, redisReply **out,
	      struct diag *d)
{
	enum err e;

	for (;;) {
		uint64_t now;
		struct pollfd p = { .fd = l->sock.fd };

		e = take_reply(l, out, d);
		if (e != ERR_AGAIN) {
			return e;
		}
		e = push_out(l, d);
		if (e != ERR_OK) {
			return e;
		}
		e = pull_in(l, d);
		if (e == ERR_OK) {
			continue;
		}
		if (e != ERR_AGAIN) {
			return e;
		}
		now = clock_mono_us();
		if (now >= deadline_us) {
			return ERR_AGAIN;
		}
		p.events = redis_sock_events(&l->sock, l->out_pos < l->out_len);
		/* Whatever poll says, the calls above will tell. */
		if (poll(&p, 1, (int)((deadline_us - now + 999) / 1000)) < 0 &&
		    errno != EINTR) {
			return link_trouble(l, REDIS_CLOSED, d,
					    strerror(errno));
		}
	}
}

uint64_t
link_deadline_in(int ms)
{
	return clock_mono_us() + (uint64_t)MAX(ms, 0) * 1000;
}

enum err
redis_link_poll(struct redis_link *l, int wait_ms, redisReply **out,
		struct diag *d)
{
	struct diag unread;
	enum err e;

	d = d != NULL ? d : &unread;
	*out = NULL;
	if (l->state != UP) {
		return diag_set(d, ERR_CLOSED, "%s: not connected", l->name);
	}
	e = link_exchange(l, link_deadline_in(wait_ms), out, d);
	if (e == ERR_OK) {
		l->failures = 0;
	} else if (e != ERR_AGAIN) {
		redis_link_fail(l, l->trouble);
		l->last = *d;
	}
	return e;
}

enum err
redis_link_reply(struct redis_link *l, int timeout_ms, redisReply **out,
		 struct diag *d)
{
	enum err e;

	*out = NULL;
	if (l->state == UP && l->unanswered == 0) {
		return diag_set(d, ERR_USAGE, "no command is unanswered");
	}
	e = redis_link_poll(l, timeout_ms, out, d);
	if (e == ERR_AGAIN) {
		redis_link_fail(l, REDIS_SILENT);
		(void)diag_set(&l->last, e, "%s: no reply within %d ms",
			       l->name, timeout_ms);
		(void)diag_set(d, e, "%s", l->last.msg);
	}
	return e;
}

unsigned
redis_link_unanswered(const struct redis_link *l)
{
	return l->unanswered;
}

uint64_t
redis_link_silent_ms(const struct redis_link *l)
{
	return l->unanswered == 0 ? 0 : (clock_mono_us() - l->heard_us) / 1000;
}

int
redis_link_fd(const struct redis_link *l, short *events)
{
	*events = redis_sock_events(&l->sock, l->out_pos < l->out_len ||
						      l->state == CONNECTING);
	return l->sock.fd;
}

enum err
redis_link_call(struct redis_link *l, int timeout_ms, redisReply **out,
		struct diag *d, const char *fmt, ...)
{
	char *cmd = NULL;
	va_list ap;
	enum err e;
	int n;

	*out = NULL;
	if (l->state != UP) {
		return diag_set(d, ERR_CLOSED, "%s: not connected", l->name);
	}
	if (l->unanswered > 0) {
		return diag_set(d, ERR_USAGE, "commands are unanswered");
	}
	va_start(ap, fmt);
	n = redisvFormatCommand(&cmd, fmt, ap);
	va_end(ap);
	if (n < 0) {
		return diag_set(d, n == -1 ? ERR_NOMEM : ERR_USAGE,
				"cannot format a Redis command");
	}
	e = append(l, cmd, (size_t)n);
	redisFreeCommand(cmd);
	if (e != ERR_OK) {
		return diag_set(d, e, "%s: %s", l->name, err_name(e));
	}
	return redis_link_reply(l, timeout_ms, out, d);
}
