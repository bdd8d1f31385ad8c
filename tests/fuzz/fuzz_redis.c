/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server may say, from the greeting on, and what may stand in a URL.
 * A link must end each conversation up, waiting or closed, and everything that
 * reads replies must take any that the link lets through.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/redis_cluster.h"
#include "common/redis_link.h"
#include "sensor/sender_entry.h"

#define COMMANDS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int listener = -1;
static struct redis_link *link_to;

static void
clean_up(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/fuzz-redis.%d", (int)getpid());
	unlink(path);
}

static void
set_up(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct diag d;
	char url[160];

	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/tmp/fuzz-redis.%d",
		 (int)getpid());
	snprintf(url, sizeof(url), "unix://%s", sun.sun_path);
	unlink(sun.sun_path);
	if (bind(listener, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
	    listen(listener, 4) != 0 ||
	    redis_link_new(&link_to, url, &d) != ERR_OK) {
		abort();
	}
	atexit(clean_up);
}

static void
on_range(void *arg, unsigned from, unsigned to, const struct redis_endpoint *at)
{
	(void)arg;
	if (from >= REDIS_SLOTS || to >= REDIS_SLOTS ||
	    strlen(at->host) >= sizeof(at->host) || at->port[0] == '\0') {
		abort();
	}
}

/* Everything that reads replies. */
static void
read_reply(const redisReply *r)
{
	struct redis_redirect to;
	struct sender_pos pos;
	struct point point;

	if (redis_redirect_parse(r, &to) && to.slot >= REDIS_SLOTS) {
		abort();
	}
	redis_cluster_ranges(r, on_range, NULL);
	(void)sender_read_committed(r, &point);
	(void)sender_read_last(r, 1, &pos);
	(void)redis_reply_err(r);
}

static void
converse(const uint8_t *data, size_t size)
{
	const char *argv[] = { "GET", "key" };
	struct redis_endpoint at = { .is_unix = true };
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);
	bool waiting;
	struct diag d;
	int c;

	if (getsockname(listener, (struct sockaddr *)&sun, &len) != 0) {
		abort();
	}
	snprintf(at.host, sizeof(at.host), "%s", sun.sun_path);
	redis_link_retarget(link_to, &at);
	if (redis_link_connect_step(link_to, 0, &waiting, &d) != ERR_AGAIN ||
	    !waiting) {
		abort(); /* nobody has answered yet */
	}
	c = accept(listener, NULL, NULL);
	(void)!send(c, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(c, SHUT_WR);
	(void)!redis_link_connect_step(link_to, 0, &waiting, &d);
	for (int i = 0; i < COMMANDS && redis_link_up(link_to); i++) {
		(void)!redis_link_queue(link_to, 2, argv, NULL);
	}
	while (redis_link_up(link_to)) {
		redisReply *r = NULL;

		if (redis_link_poll(link_to, 0, &r, &d) != ERR_OK) {
			break;
		}
		read_reply(r);
		freeReplyObject(r);
	}
	close(c);
	redis_link_close(link_to);
}

static void
read_url(const uint8_t *data, size_t size)
{
	struct redis_url u;
	struct diag d;
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (redis_url_parse(&u, text, &d) == ERR_OK) {
		if (u.n_at == 0 || u.n_at > REDIS_URL_HOSTS ||
		    u.shown[0] == '\0' ||
		    (u.has_pass && strlen(u.pass) > 12 &&
		     strstr(u.shown, u.pass) != NULL &&
		     strstr(u.at[0].host, u.pass) == NULL &&
		     strstr(u.master, u.pass) == NULL)) {
			abort();
		}
	} else if (d.msg[0] == '\0') {
		abort();
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (listener < 0) {
		set_up();
	}
	if (size > 0 && data[0] == 'u') {
		read_url(data + 1, size - 1);
	} else if (size > 0) {
		converse(data + 1, size - 1);
	}
	return 0;
}
