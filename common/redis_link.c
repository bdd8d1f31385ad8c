/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/redis_url.h"

#define READ_STEP ((size_t)64 << 10)
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

enum state { DOWN, CONNECTING, GREETING, UP };

struct redis_link {
	struct redis_url url;
	enum state state;
	int fd;
	struct addrinfo *addrs, *addr; /* those found, the one being tried */
	uint64_t attempt_us; /* when this attempt began */

	unsigned failures; /* in a row */
	uint64_t retry_us; /* not before */
	uint64_t rng;

	redisReader *reader;
	redisReplyObjectFunctions fn; /* hiredis' own, but for arrays */
	void *(*make_array)(const redisReadTask *, int);
	uint64_t fed; /* bytes given to the reader since the last reply */
	char *out; /* formatted commands */
	size_t out_len, out_pos, out_cap;
	unsigned unanswered;
	uint64_t heard_us; /* last byte in, or first command out */
	unsigned greeting; /* replies of the greeting still to come */
	bool auth_sent; /* and its reply is the next to come */
	uint8_t *in;
};

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

enum err
redis_link_new(struct redis_link **out, const char *url, struct diag *d)
{
	struct redis_link *l = calloc(1, sizeof(*l));
	enum err e;

	if (l == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	l->fd = -1;
	e = redis_url_parse(&l->url, url, d);
	if (e != ERR_OK) {
		redis_link_free(l);
		return e;
	}
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

void
redis_link_free(struct redis_link *l)
{
	if (l == NULL) {
		return;
	}
	redis_link_close(l);
	redis_url_wipe(&l->url);
	free(l->out);
	free(l->in);
	free(l);
}

const char *
redis_link_name(const struct redis_link *l)
{
	return l->url.shown;
}

bool
redis_link_up(const struct redis_link *l)
{
	return l->state == UP;
}

void
redis_link_close(struct redis_link *l)
{
	if (l->fd >= 0) {
		close(l->fd);
		l->fd = -1;
	}
	if (l->addrs != NULL) {
		freeaddrinfo(l->addrs);
		l->addrs = l->addr = NULL;
	}
	if (l->reader != NULL) {
		redisReaderFree(l->reader);
		l->reader = NULL;
	}
	/* What was queued may hold the password of AUTH. */
	if (l->out != NULL) {
		explicit_bzero(l->out, MIN(l->out_cap, (size_t)4096));
	}
	l->out_len = l->out_pos = 0;
	l->unanswered = 0;
	l->state = DOWN;
}

/* Closes and puts the next attempt off, longer each time, never in step with
 * the other sensors that lost the same broker. */
static void
fail(struct redis_link *l)
{
	uint64_t ms = BACKOFF_MIN_MS;

	redis_link_close(l);
	ms = MIN(ms << MIN(l->failures, 8U), (uint64_t)BACKOFF_MAX_MS);
	l->failures++;
	l->rng ^= l->rng << 13;
	l->rng ^= l->rng >> 7;
	l->rng ^= l->rng << 17;
	ms = ms / 2 + l->rng % (ms / 2 + 1);
	l->retry_us = clock_mono_us() + ms * 1000;
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
		size_t cap = MAX(l->out_cap * 2, l->out_len + len);
		char *p = realloc(l->out, cap);

		if (p == NULL) {
			return ERR_NOMEM;
		}
		l->out = p;
		l->out_cap = cap;
	}
	memcpy(l->out + l->out_len, cmd, len);
	l->out_len += len;
	if (l->unanswered++ == 0) {
		l->heard_us = clock_mono_us();
	}
	return ERR_OK;
}

static enum err
queue_argv(struct redis_link *l, int argc, const char **argv, const size_t *len)
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
redis_link_queue(struct redis_link *l, int argc, const char **argv,
		 const size_t *len)
{
	return l->state == UP ? queue_argv(l, argc, argv, len) : ERR_CLOSED;
}

/* Writes what the socket takes. */
static enum err
push_out(struct redis_link *l, struct diag *d)
{
	while (l->out_pos < l->out_len) {
		ssize_t n = send(l->fd, l->out + l->out_pos,
				 l->out_len - l->out_pos,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			l->out_pos += (size_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return ERR_OK;
		} else {
			return diag_set(d, ERR_CLOSED, "%s: %s", l->url.shown,
					strerror(errno));
		}
	}
	return ERR_OK;
}

/* Reads once.  ERR_AGAIN when there is nothing now. */
static enum err
pull_in(struct redis_link *l, struct diag *d)
{
	ssize_t n = recv(l->fd, l->in, READ_STEP, MSG_DONTWAIT);

	if (n == 0) {
		return diag_set(d, ERR_CLOSED, "%s: closed by Redis",
				l->url.shown);
	}
	if (n < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
			return ERR_AGAIN;
		}
		return diag_set(d, ERR_CLOSED, "%s: %s", l->url.shown,
				strerror(errno));
	}
	l->heard_us = clock_mono_us();
	l->fed += (uint64_t)n;
	if (l->fed > REDIS_MAX_REPLY ||
	    l->reader->len - l->reader->pos > REDIS_MAX_PENDING) {
		return diag_set(d, ERR_CLOSED,
				"%s: a reply above the limit; is this Redis?",
				l->url.shown);
	}
	if (redisReaderFeed(l->reader, (char *)l->in, (size_t)n) != REDIS_OK) {
		return diag_set(d, ERR_CLOSED, "%s: %s", l->url.shown,
				l->reader->errstr);
	}
	return ERR_OK;
}

/* Takes a reply out of what was read; ERR_AGAIN when none is whole. */
static enum err
take_reply(struct redis_link *l, redisReply **out, struct diag *d)
{
	void *r = NULL;

	if (redisReaderGetReply(l->reader, &r) != REDIS_OK) {
		return diag_set(d, ERR_CLOSED, "%s: not a Redis reply (%s)",
				l->url.shown, l->reader->errstr);
	}
	if (r == NULL) {
		return ERR_AGAIN;
	}
	l->fed = l->reader->len - l->reader->pos;
	if (l->unanswered == 0) {
		freeReplyObject(r);
		return diag_set(d, ERR_CLOSED,
				"%s: a reply that nobody asked for",
				l->url.shown);
	}
	l->unanswered--;
	*out = r;
	return ERR_OK;
}

/*
 * Moves bytes both ways until a reply is whole, the deadline has passed
 * (ERR_AGAIN) or the connection is gone (ERR_CLOSED; not yet closed here).
 */
static enum err
exchange(struct redis_link *l, uint64_t deadline_us, redisReply **out,
	 struct diag *d)
{
	enum err e;

	for (;;) {
		uint64_t now;
		struct pollfd p = { .fd = l->fd, .events = POLLIN };

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
		if (l->out_pos < l->out_len) {
			p.events |= POLLOUT;
		}
		/* Whatever poll says, the calls above will tell. */
		if (poll(&p, 1, (int)((deadline_us - now + 999) / 1000)) < 0 &&
		    errno != EINTR) {
			return diag_set(d, ERR_CLOSED, "%s: poll: %s",
					l->url.shown, strerror(errno));
		}
	}
}

static uint64_t
deadline_in(int ms)
{
	return clock_mono_us() + (uint64_t)MAX(ms, 0) * 1000;
}

enum err
redis_link_poll(struct redis_link *l, int wait_ms, redisReply **out,
		struct diag *d)
{
	enum err e;

	*out = NULL;
	if (l->state != UP) {
		return diag_set(d, ERR_CLOSED, "%s: not connected",
				l->url.shown);
	}
	e = exchange(l, deadline_in(wait_ms), out, d);
	if (e == ERR_OK) {
		l->failures = 0;
	} else if (e != ERR_AGAIN) {
		fail(l);
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
		fail(l);
		diag_set(d, e, "%s: no reply within %d ms", l->url.shown,
			 timeout_ms);
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
	*events = POLLIN;
	if (l->out_pos < l->out_len || l->state == CONNECTING) {
		*events |= POLLOUT;
	}
	return l->fd;
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
		return diag_set(d, ERR_CLOSED, "%s: not connected",
				l->url.shown);
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
		return diag_set(d, e, "%s: %s", l->url.shown, err_name(e));
	}
	return redis_link_reply(l, timeout_ms, out, d);
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

/* Queues AUTH, SELECT and PING: whatever answers the last one is Redis, awake
 * and ready to serve us. */
static enum err
greet(struct redis_link *l, struct diag *d)
{
	const struct redis_url *u = &l->url;
	enum err e = open_reader(l);
	char db[16];

	l->greeting = 0;
	l->auth_sent = false;
	if (e == ERR_OK && u->has_pass) {
		const char *argv[3] = { "AUTH", u->user, u->pass };

		if (u->user[0] == '\0') {
			argv[1] = u->pass;
		}
		e = queue_argv(l, u->user[0] == '\0' ? 2 : 3, argv, NULL);
		l->greeting++;
		l->auth_sent = true;
	}
	if (e == ERR_OK && u->db != 0) {
		const char *argv[2] = { "SELECT", db };

		snprintf(db, sizeof(db), "%u", u->db);
		e = queue_argv(l, 2, argv, NULL);
		l->greeting++;
	}
	if (e == ERR_OK) {
		const char *argv[1] = { "PING" };

		e = queue_argv(l, 1, argv, NULL);
		l->greeting++;
	}
	l->state = GREETING;
	return e == ERR_OK ? ERR_OK : diag_set(d, e, "out of memory");
}

static int
open_socket(int family, const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, err;

	if (fd < 0) {
		return -1;
	}
	if (family != AF_UNIX) {
		/* Batches are whole; waiting for more only delays them. */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one,
				 sizeof(one));
	}
	if (connect(fd, sa, len) < 0 && errno != EINPROGRESS) {
		err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* Begins with the next address that takes a connect(). */
static enum err
try_addresses(struct redis_link *l, struct diag *d)
{
	for (; l->addr != NULL; l->addr = l->addr->ai_next) {
		l->fd = open_socket(l->addr->ai_family, l->addr->ai_addr,
				    l->addr->ai_addrlen);
		if (l->fd >= 0) {
			l->state = CONNECTING;
			return ERR_OK;
		}
	}
	return diag_set(d, ERR_CLOSED, "%s: %s", l->url.shown, strerror(errno));
}

static enum err
begin(struct redis_link *l, struct diag *d)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM };
	int rc;

	l->attempt_us = clock_mono_us();
	if (l->url.is_unix) {
		struct sockaddr_un sun = { .sun_family = AF_UNIX };

		/* The URL's parser has checked the length. */
		memcpy(sun.sun_path, l->url.host,
		       MIN(strlen(l->url.host), sizeof(sun.sun_path) - 1));
		l->fd = open_socket(AF_UNIX, (struct sockaddr *)&sun,
				    sizeof(sun));
		if (l->fd < 0) {
			return diag_set(d, ERR_CLOSED, "%s: %s", l->url.shown,
					strerror(errno));
		}
		return greet(l, d);
	}
	rc = getaddrinfo(l->url.host, l->url.port, &hints, &l->addrs);
	if (rc != 0) {
		l->addrs = NULL;
		return diag_set(d, ERR_CLOSED, "%s: %s", l->url.shown,
				gai_strerror(rc));
	}
	l->addr = l->addrs;
	return try_addresses(l, d);
}

/* Waits for a TCP connection to stand. */
static enum err
finish_connect(struct redis_link *l, uint64_t deadline_us, struct diag *d)
{
	uint64_t now = clock_mono_us();
	struct pollfd p = { .fd = l->fd, .events = POLLOUT };
	int ms =
		now < deadline_us ? (int)((deadline_us - now + 999) / 1000) : 0;
	int err = 0;
	socklen_t len = sizeof(err);

	if (poll(&p, 1, ms) <= 0) {
		return ERR_AGAIN;
	}
	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0) {
		err = errno;
	}
	if (err == 0) {
		return greet(l, d);
	}
	close(l->fd);
	l->fd = -1;
	l->addr = l->addr->ai_next;
	errno = err;
	return try_addresses(l, d);
}

/* Reads one answer of the greeting. */
static enum err
hear_greeting(struct redis_link *l, uint64_t deadline_us, struct diag *d)
{
	redisReply *r = NULL;
	enum err e = exchange(l, deadline_us, &r, d);

	if (e != ERR_OK) {
		return e;
	}
	e = redis_reply_err(r);
	l->greeting--;
	if (e == ERR_AUTH && l->greeting == 0 &&
	    strncmp(r->str, "NOPERM", 6) == 0) {
		e = ERR_OK; /* an account without PING is an account */
	}
	if (e != ERR_OK && l->auth_sent) {
		/* Its text may repeat what we sent, and that is a password. */
		e = diag_set(d, ERR_AUTH, "%s: Redis refused user and password",
			     l->url.shown);
	} else if (e != ERR_OK) {
		diag_set(d, e, "%s: %.200s", l->url.shown, r->str);
		e = e == ERR_AUTH ? ERR_AUTH : ERR_CLOSED;
	} else if (l->greeting == 0) {
		l->state = UP;
	}
	l->auth_sent = false;
	freeReplyObject(r);
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
	uint64_t deadline_us = deadline_in(wait_ms);
	enum err e;

	*waiting = false;
	if (l->state == DOWN && clock_mono_us() < l->retry_us) {
		*waiting = true;
		return diag_set(d, ERR_AGAIN, "%s: waiting to try again",
				l->url.shown);
	}
	while (l->state != UP) {
		e = advance(l, deadline_us, d);
		if (e == ERR_AGAIN) {
			if (clock_mono_us() - l->attempt_us <
			    REDIS_CONNECT_MS * UINT64_C(1000)) {
				*waiting = true;
				return diag_set(d, e, "%s: connecting",
						l->url.shown);
			}
			diag_set(d, e, "%s: no answer", l->url.shown);
		}
		if (e != ERR_OK) {
			fail(l);
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
		fail(l);
		return diag_set(d, e, "%s: no answer within %d ms",
				l->url.shown, timeout_ms);
	}
	return e;
}

enum err
redis_reply_err(const redisReply *r)
{
	static const struct {
		const char *word;
		enum err e;
	} words[] = {
		{ "OOM", ERR_AGAIN },         { "LOADING", ERR_AGAIN },
		{ "READONLY", ERR_AGAIN },    { "BUSY", ERR_AGAIN },
		{ "CLUSTERDOWN", ERR_AGAIN }, { "MASTERDOWN", ERR_AGAIN },
		{ "TRYAGAIN", ERR_AGAIN },    { "MISCONF", ERR_AGAIN },
		{ "NOREPLICAS", ERR_AGAIN },  { "NOPERM", ERR_AUTH },
		{ "NOAUTH", ERR_AUTH },       { "WRONGPASS", ERR_AUTH },
	};

	if (r->type != REDIS_REPLY_ERROR) {
		return ERR_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i].word);

		if (r->len >= n && memcmp(r->str, words[i].word, n) == 0 &&
		    (r->len == n || r->str[n] == ' ')) {
			return words[i].e;
		}
	}
	return ERR_FORMAT;
}
