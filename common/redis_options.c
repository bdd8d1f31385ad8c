/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_options.h"

enum err
redis_options_read(struct redis_options *o, const struct conf *c,
		   const char *url, struct diag *d)
{
	const char *version = conf_str(c, "redis.tls.min-version", "1.3");

	*o = (struct redis_options){
		.url = url != NULL ? url : conf_named(c, "redis"),
		.tls = {
			.ca = conf_get(c, "redis.tls.ca"),
			.cert = conf_get(c, "redis.tls.cert"),
			.key = conf_get(c, "redis.tls.key"),
			.server_name = conf_get(c, "redis.tls.server-name"),
			.allow_tls12 = strcmp(version, "1.2") == 0,
		},
		.sentinel_user = conf_get(c, "redis.sentinel.user"),
		.sentinel_pass = conf_get(c, "redis.sentinel.password"),
		.connect_ms = 1000 * (unsigned)conf_u64(
					     c, "redis.connect-timeout", 5, 1,
					     3600),
	};
	if (o->url == NULL) {
		o->url = conf_named(c, "redis.url");
	}
	if (!o->tls.allow_tls12 && strcmp(version, "1.3") != 0) {
		return diag_set(d, ERR_USAGE,
				"redis.tls.min-version: '%.32s' is neither "
				"1.2 nor 1.3",
				version);
	}
	if (o->sentinel_user != NULL && o->sentinel_pass == NULL) {
		return diag_set(d, ERR_USAGE,
				"redis.sentinel.user needs "
				"redis.sentinel.password");
	}
	return ERR_OK;
}
