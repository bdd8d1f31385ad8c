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

struct redis_url {
	bool is_unix;
	char host[REDIS_URL_TEXT]; /* or the path of the socket */
	char port[8];
	char user[REDIS_URL_TEXT]; /* "" when none */
	char pass[REDIS_URL_TEXT];
	bool has_pass;
	unsigned db;
	char shown[REDIS_URL_TEXT + 64];
};

/*
 * redis://[[user]:password@]host[:port][/db], unix://[[user]:password@]/path
 * with an optional ?db=N; user and password may hold %XX escapes.  ERR_USAGE
 * with a diag that never repeats the string.
 */
enum err redis_url_parse(struct redis_url *u, const char *url,
			 struct diag *d) MUST_CHECK;
void redis_url_wipe(struct redis_url *u);

#endif
