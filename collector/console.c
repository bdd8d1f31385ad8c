/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "collector/console_http.h"
#include "common/log.h"

#define MAX_PEM ((size_t)256 << 10)

struct console {
	struct console_api *api;
	struct console_events *events;
	struct console_people *people;
	struct console_http *http;
};

static enum err
read_pem(const char *path, char **out, struct diag *d)
{
	FILE *f = fopen(path, "re");
	char *p = f != NULL ? calloc(1, MAX_PEM + 1) : NULL;
	size_t n = p != NULL ? fread(p, 1, MAX_PEM, f) : 0;

	if (f != NULL) {
		fclose(f);
	}
	if (n == 0 || strstr(p, "-----BEGIN ") == NULL) {
		free(p);
		return diag_set(d, ERR_USAGE,
				"%s: cannot be read as PEM: name a readable "
				"file",
				path);
	}
	*out = p;
	return ERR_OK;
}

/* Threads inherit the mask; signals are for the thread that runs the
 * pipeline. */
static enum err
start_threads(struct console *c, const struct listen_address *at,
	      const struct console_tls *tls, struct diag *d)
{
	const struct console_parts parts = { c->api, c->events, c->people,
					     *tls };
	sigset_t all, old;
	enum err e;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = console_http_start(&c->http, at, &parts, d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return e;
}

/* The library has copies of the key's text once it listens. */
static enum err
start_secure(struct console *c, const struct listen_address *at,
	     const struct console_config *cfg, struct diag *d)
{
	char *cert = NULL, *key = NULL;
	enum err e = ERR_OK;

	if (cfg->certificate != NULL) {
		e = read_pem(cfg->certificate, &cert, d);
	}
	if (e == ERR_OK && cfg->key != NULL) {
		e = read_pem(cfg->key, &key, d);
	}
	if (e == ERR_OK) {
		e = start_threads(c, at, &(struct console_tls){ cert, key }, d);
	}
	if (key != NULL) {
		OPENSSL_cleanse(key, strlen(key));
	}
	free(cert);
	free(key);
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
	if (!at.loopback && !cfg->allow_remote && cfg->certificate == NULL) {
		return diag_set(d, ERR_USAGE,
				"--listen %.64s: passwords would go over the "
				"network in clear; set console.certificate and "
				"console.key, listen at 127.0.0.1 and reach it "
				"through a tunnel, or allow it with --set "
				"console.allow-remote=yes if a proxy in front "
				"has TLS",
				cfg->listen);
	}
	if ((cfg->certificate == NULL) != (cfg->key == NULL)) {
		return diag_set(d, ERR_USAGE,
				"console.certificate and console.key: set both "
				"or none");
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
		e = console_people_new(
			&c->people,
			&(struct console_people_config){
				cfg->store, cfg->policy, at.loopback },
			d);
	}
	if (e == ERR_OK) {
		e = start_secure(c, &at, cfg, d);
	}
	if (e != ERR_OK) {
		console_stop(c);
		return e;
	}
	log_info(strchr(at.host, ':') != NULL ? "console: %s://[%s]:%u/"
					      : "console: %s://%s:%u/",
		 cfg->certificate != NULL ? "https" : "http", at.host,
		 console_port(c));
	*out = c;
	return ERR_OK;
}

void
console_stop(struct console *c)
{
	if (c != NULL) {
		console_http_stop(c->http);
		console_people_free(c->people);
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
