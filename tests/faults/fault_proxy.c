/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_proxy - links that break in the ways links do
 *
 *	fault_proxy
 *
 * Stands between sensors, collector and Redis.  Takes commands on standard
 * input, a line each, answers each with a line, and ends with its input.  A
 * route is a TCP port of 127.0.0.1 that leads to a target: the path of a unix
 * socket, or another port of 127.0.0.1.
 *
 *	listen ROUTE TARGET	answers with the port
 *	target ROUTE TARGET	leads elsewhere from now on; resets what is open
 *	pass ROUTE		mends everything
 *	reset ROUTE		resets what is open
 *	refuse ROUTE		resets what is open and all that is opened
 *	freeze ROUTE		carries nothing, and says nothing; goes on later
 *	halfopen ROUTE		the target's side is closed, the client's is not
 *				told and its bytes vanish
 *	slow ROUTE BYTES	a second, in each direction
 *	delay ROUTE MS		in each direction
 *	cut ROUTE BYTES		a reset after so many more bytes to the target
 *	cutreply ROUTE BYTES	the same, of bytes to the client
 *	garbage ROUTE		the clients are answered with what is no reply
 *
 * Place    tests only.
 * Threads  one.
 * Memory   two buffers of 128 KiB a connection, at most 64 connections.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUTES 16
#define MAX_CONNS 64
#define BUF ((size_t)128 << 10)
#define MARKS 512

struct route {
	char name[32];
	char target[108];
	int fd;
	bool refuse, freeze, halfopen;
	unsigned slow;
	uint64_t delay_us;
	long cut, cutreply; /* bytes left; -1: none */
};

/* What was read up to 'end' may be written from 'due_us' on. */
struct mark {
	uint64_t end, due_us;
};

struct way {
	uint8_t buf[BUF]; /* a ring; positions below only grow */
	uint64_t in, out, due;
	struct mark marks[MARKS];
	unsigned first, n;
	uint64_t spent, since_us; /* with 'slow' */
	bool ended; /* nothing more comes in */
};

struct conn {
	struct route *r;
	int fd[2]; /* client, target; -1 when a half is gone */
	struct way to[2]; /* to[i] goes to fd[i] */
};

static struct route routes[MAX_ROUTES];
static unsigned n_routes;
static struct conn *conns[MAX_CONNS];

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A reset rather than an orderly end, where the kind of socket knows one. */
static void
slam(int fd)
{
	struct linger l = { 1, 0 };

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		close(fd);
	}
}

static void
drop(unsigned i)
{
	slam(conns[i]->fd[0]);
	slam(conns[i]->fd[1]);
	free(conns[i]);
	conns[i] = NULL;
}

static void
drop_all(const struct route *r)
{
	for (unsigned i = 0; i < MAX_CONNS; i++) {
		if (conns[i] != NULL && conns[i]->r == r) {
			drop(i);
		}
	}
}

static int
dial(const char *target)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	bool is_unix = target[0] == '/';
	int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
			0);
	int rc;

	if (is_unix) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", target);
		rc = connect(fd, (struct sockaddr *)&un, sizeof(un));
	} else {
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		in.sin_port = htons((uint16_t)atoi(target));
		rc = connect(fd, (struct sockaddr *)&in, sizeof(in));
	}
	if (rc < 0) {
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void
take(struct route *r)
{
	int fd = accept4(r->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	unsigned i = 0;
	int target = -1;

	if (fd < 0) {
		return;
	}
	while (i < MAX_CONNS && conns[i] != NULL) {
		i++;
	}
	if (!r->refuse && i < MAX_CONNS) {
		target = dial(r->target);
		conns[i] = target >= 0 ? calloc(1, sizeof(*conns[i])) : NULL;
	}
	if (i == MAX_CONNS || conns[i] == NULL) {
		slam(fd);
		slam(target);
		return;
	}
	conns[i]->r = r;
	conns[i]->fd[0] = fd;
	conns[i]->fd[1] = target;
	conns[i]->to[0].since_us = conns[i]->to[1].since_us = now_us();
}

/* --- bytes --- */

static void
ripen(struct way *w, uint64_t now)
{
	while (w->n > 0 && w->marks[w->first].due_us <= now) {
		w->due = w->marks[w->first].end;
		w->first = (w->first + 1) % MARKS;
		w->n--;
	}
}

/* How many bytes may go to fd[side] now.  What a slow link was not asked for
 * in time it cannot catch up with, but for a tenth of a second. */
static size_t
allowed(struct conn *c, unsigned side, uint64_t now)
{
	struct way *w = &c->to[side];
	uint64_t n = w->due - w->out;

	if (c->r->freeze || (c->r->halfopen && side == 1)) {
		return 0;
	}
	if (c->r->slow > 0) {
		uint64_t may = (now - w->since_us) * c->r->slow / 1000000;

		if (may > w->spent + c->r->slow / 10) {
			w->spent = may - c->r->slow / 10;
		}
		may -= w->spent < may ? w->spent : may;
		n = n < may ? n : may;
	}
	return (size_t)n;
}

/* False: the connection is over. */
static bool
fill(struct conn *c, unsigned side, uint64_t now)
{
	struct way *w = &c->to[side];
	size_t at = w->in % BUF, room = BUF - (size_t)(w->in - w->out);
	ssize_t n;

	if (room > BUF - at) {
		room = BUF - at;
	}
	n = read(c->fd[1 - side], w->buf + at, room);
	if (n <= 0) {
		w->ended = n == 0 || (errno != EAGAIN && errno != EINTR);
		return n == 0 || !w->ended;
	}
	w->in += (uint64_t)n;
	w->marks[(w->first + w->n) % MARKS] =
		(struct mark){ w->in, now + c->r->delay_us };
	w->n++;
	return true;
}

static bool
drain(struct conn *c, unsigned side, size_t may)
{
	struct way *w = &c->to[side];
	long *cut = side == 1 ? &c->r->cut : &c->r->cutreply;
	size_t at = w->out % BUF;
	ssize_t n;

	may = may < BUF - at ? may : BUF - at;
	if (*cut >= 0 && may > (size_t)*cut) {
		may = (size_t)*cut;
	}
	n = may > 0 ? write(c->fd[side], w->buf + at, may) : 0;
	if (n < 0) {
		return errno == EAGAIN || errno == EINTR;
	}
	w->out += (uint64_t)n;
	w->spent += (uint64_t)n;
	if (*cut >= 0) {
		*cut -= n;
		if (*cut == 0) {
			*cut = -1;
			return false;
		}
	}
	return true;
}

static short
wants(struct conn *c, unsigned side, uint64_t now)
{
	const struct way *from = &c->to[1 - side], *to = &c->to[side];
	short e = 0;

	ripen(&c->to[side], now);
	if (allowed(c, side, now) > 0) {
		e |= POLLOUT;
	}
	if (!c->r->freeze && !from->ended && from->n < MARKS &&
	    from->in - from->out < BUF) {
		e |= POLLIN;
	}
	/* A direction that has ended and is empty ends the connection. */
	return to->ended && to->in == to->out ? -1 : e;
}

static bool
serve(struct conn *c, unsigned side, short revents, uint64_t now)
{
	if ((revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !c->r->freeze &&
	    !c->to[1 - side].ended && c->to[1 - side].n < MARKS &&
	    !fill(c, 1 - side, now)) {
		return false;
	}
	if ((revents & POLLOUT) != 0 &&
	    !drain(c, side, allowed(c, side, now))) {
		return false;
	}
	if (c->r->halfopen && side == 0) { /* swallowed */
		c->to[1].out = c->to[1].due = c->to[1].in;
		c->to[1].n = 0;
		c->to[1].ended = false;
	}
	return true;
}

/* --- commands --- */

static struct route *
find(const char *name)
{
	for (unsigned i = 0; i < n_routes; i++) {
		if (strcmp(routes[i].name, name) == 0) {
			return &routes[i];
		}
	}
	return NULL;
}

static void
mend(struct route *r)
{
	if (r->halfopen) {
		drop_all(r); /* as a keep-alive would, in the end */
	}
	r->refuse = r->freeze = r->halfopen = false;
	r->slow = 0;
	r->delay_us = 0;
	r->cut = r->cutreply = -1;
}

static void
open_route(const char *name, const char *target)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	struct route *r = &routes[n_routes];

	if (n_routes == MAX_ROUTES) {
		puts("error: too many routes");
		return;
	}
	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(r->target, sizeof(r->target), "%s", target);
	mend(r);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->fd < 0 || bind(r->fd, (struct sockaddr *)&in, len) < 0 ||
	    listen(r->fd, 32) < 0 ||
	    getsockname(r->fd, (struct sockaddr *)&in, &len) < 0) {
		printf("error: %s\n", strerror(errno));
		return;
	}
	n_routes++;
	printf("%u\n", ntohs(in.sin_port));
}

static void
close_targets(const struct route *r)
{
	for (unsigned i = 0; i < MAX_CONNS; i++) {
		if (conns[i] != NULL && conns[i]->r == r) {
			slam(conns[i]->fd[1]);
			conns[i]->fd[1] = -1;
		}
	}
}

static void
spoil(const struct route *r)
{
	static const char noise[] = "HTTP/1.1 400 Bad Request\r\n\r\n$-7\r\n";

	for (unsigned i = 0; i < MAX_CONNS; i++) {
		if (conns[i] != NULL && conns[i]->r == r) {
			(void)!write(conns[i]->fd[0], noise, sizeof(noise) - 1);
		}
	}
}

static bool
apply(struct route *r, const char *verb, const char *arg)
{
	if (strcmp(verb, "pass") == 0) {
		mend(r);
	} else if (strcmp(verb, "reset") == 0) {
		drop_all(r);
	} else if (strcmp(verb, "refuse") == 0) {
		drop_all(r);
		r->refuse = true;
	} else if (strcmp(verb, "freeze") == 0) {
		r->freeze = true;
	} else if (strcmp(verb, "halfopen") == 0) {
		r->halfopen = true;
		close_targets(r);
	} else if (strcmp(verb, "slow") == 0) {
		r->slow = (unsigned)atoi(arg);
		for (unsigned i = 0; i < MAX_CONNS; i++) {
			for (unsigned s = 0; conns[i] != NULL && s < 2; s++) {
				conns[i]->to[s].since_us = now_us();
				conns[i]->to[s].spent = 0;
			}
		}
	} else if (strcmp(verb, "delay") == 0) {
		r->delay_us = strtoull(arg, NULL, 10) * 1000;
	} else if (strcmp(verb, "cut") == 0) {
		r->cut = atol(arg);
	} else if (strcmp(verb, "cutreply") == 0) {
		r->cutreply = atol(arg);
	} else if (strcmp(verb, "garbage") == 0) {
		spoil(r);
	} else if (strcmp(verb, "target") == 0 && arg[0] != '\0') {
		snprintf(r->target, sizeof(r->target), "%s", arg);
		drop_all(r);
	} else {
		return false;
	}
	return true;
}

static void
command(char *line)
{
	char verb[16] = "", name[32] = "", arg[108] = "";
	struct route *r;

	if (sscanf(line, "%15s %31s %107s", verb, name, arg) < 2) {
		puts("error: a command and a route, please");
	} else if (strcmp(verb, "listen") == 0) {
		open_route(name, arg);
	} else if ((r = find(name)) == NULL) {
		printf("error: no route %s\n", name);
	} else {
		puts(apply(r, verb, arg) ? "ok" : "error: unknown command");
	}
	fflush(stdout);
}

/* Whole lines of what came; false at the end of input. */
static bool
hear(void)
{
	static char buf[4096];
	static size_t len;
	ssize_t n = read(STDIN_FILENO, buf + len, sizeof(buf) - 1 - len);
	char *nl;

	if (n <= 0) {
		return n < 0 && errno == EINTR;
	}
	len += (size_t)n;
	buf[len] = '\0';
	while ((nl = strchr(buf, '\n')) != NULL) {
		*nl = '\0';
		command(buf);
		len -= (size_t)(nl + 1 - buf);
		memmove(buf, nl + 1, len + 1);
	}
	return len < sizeof(buf) - 1;
}

/* --- the loop --- */

struct slot {
	struct conn *c;
	unsigned i, side;
};

static unsigned
gather(struct pollfd *p, struct slot *slots, uint64_t now)
{
	unsigned n = 0;

	p[n++] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	for (unsigned i = 0; i < n_routes; i++) {
		p[n++] = (struct pollfd){ .fd = routes[i].freeze ? -1
								 : routes[i].fd,
					  .events = POLLIN };
	}
	for (unsigned i = 0; i < MAX_CONNS; i++) {
		for (unsigned s = 0; conns[i] != NULL && s < 2; s++) {
			short e = wants(conns[i], s, now);

			if (e < 0 && !conns[i]->r->halfopen) {
				drop(i);
				n -= s; /* the other half's row */
				break;
			}
			slots[n] = (struct slot){ conns[i], i, s };
			/* A frozen link does not see an end either. */
			p[n++] = (struct pollfd){ .fd = e > 0 ? conns[i]->fd[s]
							      : -1,
						  .events = e };
		}
	}
	return n;
}

int
main(void)
{
	static struct pollfd p[1 + MAX_ROUTES + 2 * MAX_CONNS];
	static struct slot slots[1 + MAX_ROUTES + 2 * MAX_CONNS];

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		uint64_t now = now_us();
		unsigned routes_then = n_routes, n = gather(p, slots, now);

		/* Throttled and delayed bytes come due by themselves. */
		if (poll(p, n, 5) < 0 && errno != EINTR) {
			return 1;
		}
		now = now_us();
		for (unsigned k = 1 + routes_then; k < n; k++) {
			struct slot *s = &slots[k];

			if (p[k].revents != 0 && conns[s->i] == s->c &&
			    !serve(s->c, s->side, p[k].revents, now)) {
				drop(s->i);
			}
		}
		for (unsigned k = 0; k < routes_then; k++) {
			if (p[1 + k].revents != 0) {
				take(&routes[k]);
			}
		}
		if (p[0].revents != 0 && !hear()) {
			return 0;
		}
	}
}
