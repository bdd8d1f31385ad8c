/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_options.h - the settings below "redis" that all three programs share
 *
 * Place    above conf.h and redis_tls.h, below redis_pool.h.
 * Threads  pure.
 * Memory   strings are the settings tree's or the caller's.
 */
#ifndef COMMON_REDIS_OPTIONS_H
#define COMMON_REDIS_OPTIONS_H

#include "common/conf.h"
#include "common/redis_tls.h"

struct redis_options {
	const char *url; /* NULL: none */
	struct redis_tls_files tls;
	const char *sentinel_user, *sentinel_pass; /* NULL: none */
	unsigned connect_ms; /* of one attempt; 0: REDIS_CONNECT_MS */
};

/* Rows for a program's table of settings; docs/ describe them once each. */
#define REDIS_OPTION_ROWS \
	{ "redis.url", "string", "", "the same as redis" }, \
		{ "redis.tls.ca", "string", "the system's", \
		  "file or directory of authorities" }, \
		{ "redis.tls.cert", "string", "", "our certificate" }, \
		{ "redis.tls.key", "string", "", "its private key" }, \
		{ "redis.tls.server-name", "string", "the host", \
		  "name in the server's certificate" }, \
		{ "redis.tls.min-version", "string", "1.3", \
		  "1.2 allows older servers" }, \
		{ "redis.connect-timeout", "number", "5", \
		  "seconds for one attempt to connect" }, \
		{ "redis.sentinel.user", "string", "", \
		  "who we are at the Sentinels" }, \
	{ \
		"redis.sentinel.password", "string", "", "its password" \
	}

/* 'url' is that of the command line, or NULL.  ERR_USAGE with diag. */
enum err redis_options_read(struct redis_options *o, const struct conf *c,
			    const char *url, struct diag *d) MUST_CHECK;

#endif
