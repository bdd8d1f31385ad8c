/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/confined.h"

#include <stdio.h>

#include "collector/exchange_conf.h"
#include "collector/indicator_polls.h"
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

	/* that of the console and the metrics it ends */
	/* Partners' files: points are renamed. */
	c->may[THREAD_MAIN] =
		store | CONFINE_MAY_TALK | CONFINE_MAY_SERVE | CONFINE_MAY_KEEP;
	c->may[THREAD_CONSOLE] = store | CONFINE_MAY_SERVE;
	c->may[THREAD_TICKER] = store;
	c->may[THREAD_LISTS] = store;
	/* libcurl looks names up in a thread of its own */
	c->may[THREAD_POLLS] = store | CONFINE_MAY_TALK | CONFINE_MAY_START;
	/* files as well, for who is not on any network */
	c->may[THREAD_EXCHANGE] = store | CONFINE_MAY_TALK | CONFINE_MAY_WRITE;
	/* inflates and reads what sensors sent */
	c->may[THREAD_PREPARE] = CONFINE_MAY_RUN;
	/* looks whose the store is before it goes on */
	c->may[THREAD_LEASE] = store | CONFINE_MAY_TIME;
	c->may[THREAD_CHECKPOINT] = store;
	c->may[THREAD_ALLOW] = CONFINE_MAY_READ;
	/* publishes the common indicators */
	c->may[THREAD_ARMING] = store | CONFINE_MAY_TALK;
	/* it tells of the process's memory, which is a file */
	c->may[THREAD_METRICS] = CONFINE_MAY_SERVE | CONFINE_MAY_OPEN;
}

struct key_dirs {
	struct confine *c;
	char last[PATH_MAX];
};

/* Keys are read again, and one that is new comes to lie beside the others: a
 * directory of many is named once. */
static void
add_key(void *arg, const char *key, const char *value)
{
	const char *path = strncmp(value, "hmac:", 5) == 0 ? value + 5 : value;
	const char *slash = strrchr(path, '/');
	const char *leaf = strrchr(key, '.');
	struct key_dirs *k = arg;
	char dir[PATH_MAX];

	/* a key that is revoked may be named by its digits instead */
	if (strncmp(key, "ingest.keys.", 12) == 0 &&
	    (leaf == NULL || strcmp(leaf, ".key") != 0)) {
		return;
	}
	snprintf(dir, sizeof(dir), "%.*s",
		 slash != NULL ? (int)(slash - path) : 0, path);
	if (k->last[0] == '\0' || strcmp(dir, k->last) != 0) {
		confine_path(k->c, path, CONFINE_READ_BESIDE);
		memcpy(k->last, dir, sizeof(k->last));
	}
}

static void
add_keys(struct confine *c, const struct pipeline_config *cfg,
	 const struct conf *conf)
{
	struct key_dirs k = { .c = c };

	conf_each(conf, "ingest.keys.", add_key, &k);
	conf_each(conf, "ingest.revoked.", add_key, &k);
	conf_each(conf, "ingest.sign-key", add_key, &k);
	conf_each(conf, "control.sign-key", add_key, &k);
	conf_each(conf, "parts.sign-key", add_key, &k);
	conf_each(conf, "parts.keys", add_key, &k);
	for (size_t i = 0; i < ARRAY_LEN(cfg->settings); i++) {
		confine_path(c, cfg->settings[i], CONFINE_READ_BESIDE);
	}
}

static void
add_login(void *arg, const char *path)
{
	confine_path(arg, path, CONFINE_READ_BESIDE);
}

static enum err
add_polls(struct confine *c, const struct conf *conf, struct diag *d)
{
	struct indicator_poll_set polls;
	enum err e = indicator_polls_read(&polls, conf, d);

	if (e == ERR_OK) {
		indicator_polls_files(&polls, add_login, c);
	}
	return e;
}

static void
add_exchange_path(void *arg, const char *path, bool write)
{
	confine_path(arg, path, write ? CONFINE_WRITE : CONFINE_READ_BESIDE);
}

/* The policy names files as well: those that hide things from each partner. */
static enum err
add_exchange(struct confine *c, const struct conf *conf, struct diag *d)
{
	const char *path = conf_named(conf, "partners.policy");
	struct share_policy *policy;
	enum err e;

	if (!conf_has(conf, "exchange.partners") || path == NULL) {
		return ERR_OK;
	}
	exchange_conf_paths(conf, add_exchange_path, c);
	confine_path(c, path, CONFINE_READ_BESIDE);
	e = share_policy_load(&policy, path, d);
	if (e == ERR_OK) {
		for (unsigned i = 0; i < policy->n_partners; i++) {
			confine_path(c, policy->partners[i].key_file,
				     CONFINE_READ_BESIDE);
		}
		share_policy_free(policy);
	}
	return e;
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
		e = add_polls(&c, conf, d);
	}
	if (e == ERR_OK) {
		e = add_exchange(&c, conf, d);
	}
	if (e == ERR_OK) {
		c.needs = CONFINE_NETWORK;
		add_store(&c, cfg->store);
		confine_path(&c, cfg->feed, CONFINE_WRITE_BESIDE);
		confine_path(&c, conf_get(conf, "missions"),
			     CONFINE_READ_BESIDE);
		confine_path(&c, conf_get(conf, "posture.file"),
			     CONFINE_READ_BESIDE);
		confine_path(&c, conf_get(conf, "correlators"),
			     CONFINE_READ_BESIDE);
		for (unsigned i = 0; i < cfg->n_geoip; i++) {
			confine_path(&c, cfg->geoip[i], CONFINE_READ_BESIDE);
		}
		for (unsigned i = 0; i < cfg->n_files; i++) {
			confine_path(&c, cfg->files[i], CONFINE_READ_BESIDE);
		}
		for (unsigned i = 0; i < cfg->n_allow; i++) {
			confine_path(&c, cfg->allow[i], CONFINE_READ_BESIDE);
		}
		confine_path(&c, tls->ca, CONFINE_READ_BESIDE);
		confine_path(&c, tls->cert, CONFINE_READ_BESIDE);
		confine_path(&c, tls->key, CONFINE_READ_BESIDE);
		add_keys(&c, cfg, conf);
		confine_path(&c, conf_named(conf, "console.certificate"),
			     CONFINE_READ_BESIDE);
		confine_path(&c, conf_named(conf, "console.key"),
			     CONFINE_READ_BESIDE);
		confine_path(&c, conf_named(conf, "partners.policy"),
			     CONFINE_READ_BESIDE);
		confine_listen(&c, conf_named(conf, "listen"));
		confine_listen(&c, conf_named(conf, "metrics.listen"));
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
