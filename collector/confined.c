/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/confined.h"

#include <stdio.h>

#include "common/log.h"

/* SQLite's log and index of it lie beside the store. */
static void
add_store(struct confine *c, const char *store)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", store, ends[i]);
		confine_path(c, path, CONFINE_WRITE_BESIDE);
	}
}

static void
add_threads(struct confine *c)
{
	unsigned store = CONFINE_MAY_STORE | CONFINE_MAY_READ;

	c->may[THREAD_MAIN] = store | CONFINE_MAY_TALK;
	c->may[THREAD_CONSOLE] = store | CONFINE_MAY_SERVE;
	c->may[THREAD_TICKER] = store;
	/* it tells of the process's memory, which is a file */
	c->may[THREAD_METRICS] = CONFINE_MAY_SERVE | CONFINE_MAY_OPEN;
}

enum err
confined_apply(const struct pipeline_config *cfg, const struct conf *conf,
	       bool check, struct confine_state *out, struct diag *d)
{
	const struct redis_tls_files *tls = &cfg->redis.tls;
	struct confine c;
	char text[256];
	enum err e = confine_read(&c, conf, d);

	if (e == ERR_OK) {
		c.needs = CONFINE_NETWORK;
		add_store(&c, cfg->store);
		confine_path(&c, cfg->feed, CONFINE_WRITE_BESIDE);
		confine_path(&c, conf_get(conf, "missions"),
			     CONFINE_READ_BESIDE);
		for (unsigned i = 0; i < cfg->n_geoip; i++) {
			confine_path(&c, cfg->geoip[i], CONFINE_READ_BESIDE);
		}
		confine_path(&c, tls->ca, CONFINE_READ_BESIDE);
		confine_path(&c, tls->cert, CONFINE_READ_BESIDE);
		confine_path(&c, tls->key, CONFINE_READ_BESIDE);
		confine_listen(&c, conf_get(conf, "listen"));
		confine_listen(&c, conf_get(conf, "metrics.listen"));
		add_threads(&c);
		e = (check ? confine_check : confine_apply)(&c, out, d);
	}
	if (e == ERR_OK) {
		confine_text(out, text, sizeof(text));
		log_info("confined%s: %s", check ? " when it runs" : "", text);
	}
	confine_fini(&c);
	return e;
}
