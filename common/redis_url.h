/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_url.h - where Redis is and who we are there, read from one string
 *
 * Place    above err.h.
 * Threads  pure.
 * Memory   caller's; the password is in 'pass' alone and redis_url_wipe()
 *          removes it.  'shown' never holds it and is what logs print.
 * Cost     cold.
 */
#ifndef COMMON_REDIS_URL_H
#define COMMON_REDIS_URL_H

#include "common/err.h"

#define REDIS_URL_TEXT 256
#define REDIS_URL_HOSTS 16
#define REDIS_HOST_CAP 256 /* the longest name of RFC 1035 and a NUL */

/* Where one server listens. */
struct redis_endpoint {
	bool is_unix;
	char host[REDIS_HOST_CAP]; /* or the path of the socket */
	char port[8];
};

enum redis_layout {
	REDIS_SINGLE,
	REDIS_SENTINEL, /* the hosts are Sentinels that know the master */
	REDIS_CLUSTER, /* the hosts are some nodes of it */
};

struct redis_url {
	enum redis_layout layout;
	bool tls;
	struct redis_endpoint at[REDIS_URL_HOSTS];
	unsigned n_at; /* at least 1 */
	char master[REDIS_URL_TEXT]; /* the name that Sentinels know */
	char user[REDIS_URL_TEXT]; /* "" when none */
	char pass[REDIS_URL_TEXT];
	bool has_pass;
	unsigned db;
	char shown[REDIS_URL_TEXT + 64];
};

/*
 * redis://[[user]:password@]host[:port][/db]
 * redis+cluster://[[user]:password@]host[:port],host[:port]...
 * redis+sentinel://[[user]:password@]host[:port],.../MASTERNAME[/db]
 * the same with rediss for TLS, and
 * unix://[[user]:password@]/path with an optional ?db=N; user, password and
 * the master's name may hold %XX escapes.  ERR_USAGE with a diag that never
 * repeats the string.
 */
enum err redis_url_parse(struct redis_url *u, const char *url,
			 struct diag *d) MUST_CHECK;
void redis_url_wipe(struct redis_url *u);

/* "host[:port]" or "[v6][:port]"; false when it is neither. */
bool redis_endpoint_parse(struct redis_endpoint *e, struct view text,
			  unsigned default_port) MUST_CHECK;
bool redis_endpoint_same(const struct redis_endpoint *a,
			 const struct redis_endpoint *b);
/* For messages: "host:port", "[v6]:port" or a path. */
void redis_endpoint_show(const struct redis_endpoint *e, char *out, size_t cap);

#endif
