/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "collector/console_http.h"
#include "common/log.h"

struct console {
	struct console_api *api;
	struct console_events *events;
	struct console_http *http;
};

/* Threads inherit the mask; signals are for the thread that runs the
 * pipeline. */
static enum err
start_threads(struct console *c, const struct listen_address *at,
	      struct diag *d)
{
	sigset_t all, old;
	enum err e;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = console_http_start(&c->http, at, c->api, c->events, d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return e;
}

enum err
console_start(struct console **out, const struct console_config *cfg,
	      struct diag *d)
{
	struct listen_address at;
	struct console *c;
	enum err e =
		listen_parse(cfg->listen, "--listen", "127.0.0.1:8080", &at, d);

	*out = NULL;
	if (e != ERR_OK) {
		return e;
	}
	if (!at.loopback && !cfg->allow_remote) {
		return diag_set(d, ERR_USAGE,
				"--listen %.64s: the console has no log-in, "
				"and this address is not loopback; listen at "
				"127.0.0.1 and reach it through a tunnel or a "
				"proxy with a log-in, or allow it with --set "
				"console.allow-remote=yes",
				cfg->listen);
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = console_api_new(&c->api, cfg->store, cfg->missions, d);
	if (e == ERR_OK) {
		e = console_events_new(&c->events, cfg->store, d);
	}
	if (e == ERR_OK) {
		e = start_threads(c, &at, d);
	}
	if (e != ERR_OK) {
		console_stop(c);
		return e;
	}
	log_info(strchr(at.host, ':') != NULL ? "console: http://[%s]:%u/"
					      : "console: http://%s:%u/",
		 at.host, console_port(c));
	*out = c;
	return ERR_OK;
}

void
console_stop(struct console *c)
{
	if (c != NULL) {
		console_http_stop(c->http);
		console_events_free(c->events);
		console_api_free(c->api);
		free(c);
	}
}

uint16_t
console_port(const struct console *c)
{
	return console_http_port(c->http);
}
