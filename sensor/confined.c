/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/confined.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "sensor/file_store.h"

/* Captures of a directory may be links to others elsewhere. */
static void
add_linked(struct confine *c, const char *dir)
{
	DIR *d = opendir(dir);
	char path[PATH_MAX];

	if (d == NULL) {
		return; /* a file, or what capture says is wrong with it */
	}
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		int n = snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);

		if (e->d_type == DT_LNK && n > 0 && (size_t)n < sizeof(path)) {
			confine_path(c, path, CONFINE_READ);
		}
	}
	closedir(d);
}

static void
add_input(struct confine *c, const struct options *o)
{
	for (size_t i = 0; o->live.n == 0 && i < o->read.n; i++) {
		confine_path(c, o->read.v[i], CONFINE_READ);
		add_linked(c, o->read.v[i]);
	}
	for (unsigned i = 0; i < o->live.n; i++) {
		c->needs |= CONFINE_CAPTURE;
		/* interfaces may have to be opened again */
		c->caps |= CONFINE_CAP_NET_RAW;
		if (strcmp(o->live.iface[i].open.timestamp, "host") != 0) {
			c->caps |= CONFINE_CAP_NET_ADMIN;
		}
	}
}

static void
add_beside(void *arg, const char *key, const char *value)
{
	(void)key;
	if (value[0] == '/') {
		confine_path(arg, value, CONFINE_READ_BESIDE);
	}
}

/* What a reload reads. */
static void
add_rules(struct confine *c, const struct options *o)
{
	static const char *const files[] = {
		"classification-file", "reference-config-file",
		"threshold-file", "reputation-categories-file", "geoip-database"
	};
	static const char *const dirs[] = { "default-rule-path",
					    "default-reputation-path" };

	for (size_t i = 0; i < o->rules.n; i++) {
		confine_path(c, o->rules.v[i], CONFINE_READ_BESIDE);
	}
	for (size_t i = 0; i < o->indicators.n; i++) {
		confine_path(c, o->indicators.v[i], CONFINE_READ_BESIDE);
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		confine_path(c, conf_get(o->conf, files[i]),
			     CONFINE_READ_BESIDE);
	}
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		confine_path(c, conf_get(o->conf, dirs[i]), CONFINE_READ);
	}
	conf_each(o->conf, "reputation-files.", add_beside, c);
	/* their regular expressions become machine code */
	c->needs |= o->rules.n > 0 ? CONFINE_JIT : 0;
}

static void
add_dataset(void *arg, const char *load, const char *save)
{
	confine_path(arg, load, CONFINE_READ_BESIDE);
	confine_path(arg, save, CONFINE_WRITE_BESIDE);
}

static void
add_output(struct confine *c, const struct options *o)
{
	confine_path(c, o->eve, CONFINE_WRITE_BESIDE);
	confine_path(c, o->stats, CONFINE_WRITE_BESIDE);
	confine_path(c, o->profile, CONFINE_WRITE_BESIDE);
	confine_path(c, conf_get(o->conf, "default-data-dir"), CONFINE_WRITE);
	confine_path(c, file_store_dir(o->conf), CONFINE_OWN_SHOWN);
	confine_path(c, o->retro, CONFINE_OWN);
	confine_path(c, o->evidence.dir, CONFINE_OWN_SHOWN);
	if (o->redis != NULL) {
		confine_path(c, o->spool, CONFINE_OWN);
	}
}

static void
add_network(struct confine *c, const struct options *o)
{
	const struct redis_tls_files *tls = &o->redis_set.tls;
	const char *metrics = conf_named(o->conf, "metrics.listen");
	static const char *const keys[] = { "forward.sign.key",
					    "forward.sign.collector-key",
					    "control.public-key" };

	/* the service manager is told by way of a socket, too */
	if (o->redis != NULL || metrics != NULL ||
	    getenv("NOTIFY_SOCKET") != NULL) {
		c->needs |= CONFINE_NETWORK;
	}
	confine_listen(c, metrics);
	confine_path(c, tls->ca, CONFINE_READ_BESIDE);
	confine_path(c, tls->cert, CONFINE_READ_BESIDE);
	confine_path(c, tls->key, CONFINE_READ_BESIDE);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *key = conf_get(o->conf, keys[i]);

		confine_path(c,
			     key != NULL && strncmp(key, "hmac:", 5) == 0
				     ? key + 5
				     : key,
			     CONFINE_READ_BESIDE);
	}
}

/* Packets are looked into by workers alone, which need least. */
static void
add_threads(struct confine *c, const struct options *o)
{
	unsigned keeps = file_store_dir(o->conf) != NULL ? CONFINE_MAY_KEEP : 0;

	c->may[THREAD_MAIN] = CONFINE_MAY_READ | CONFINE_MAY_WRITE |
			      CONFINE_MAY_START | CONFINE_MAY_NOTIFY |
			      CONFINE_MAY_SERVE | /* to end that */
			      (o->live.n > 0 ? CONFINE_MAY_CAPTURE : 0);
	c->may[THREAD_WORKER] = CONFINE_MAY_TAP | keeps;
	c->may[THREAD_REPLAY] = CONFINE_MAY_READ | CONFINE_MAY_NOTIFY | keeps;
	c->may[THREAD_WRITER] = CONFINE_MAY_OPEN;
	c->may[THREAD_CONTACTS] = CONFINE_MAY_RUN;
	c->may[THREAD_RELOAD] =
		CONFINE_MAY_READ | (o->rules.n > 0 ? CONFINE_MAY_CODE : 0);
	c->may[THREAD_FORWARD] =
		CONFINE_MAY_READ | CONFINE_MAY_WRITE | CONFINE_MAY_TALK;
	c->may[THREAD_ARMING] =
		CONFINE_MAY_READ | CONFINE_MAY_WRITE | CONFINE_MAY_TALK;
	c->may[THREAD_RETRO] = CONFINE_MAY_READ | CONFINE_MAY_WRITE;
	c->may[THREAD_EVIDENCE] = CONFINE_MAY_WRITE;
	/* it tells of the process's memory, which is a file */
	c->may[THREAD_METRICS] = CONFINE_MAY_SERVE | CONFINE_MAY_OPEN;
}

enum err
confined_apply(const struct options *o, const struct ruleset *rs,
	       struct confine_state *out, struct diag *d)
{
	struct confine c;
	char text[256];
	enum err e = confine_read(&c, o->conf, d);

	if (e == ERR_OK) {
		add_input(&c, o);
		add_rules(&c, o);
		ruleset_dataset_files(rs, add_dataset, &c);
		add_output(&c, o);
		add_network(&c, o);
		add_threads(&c, o);
		e = (o->check ? confine_check : confine_apply)(&c, out, d);
	}
	if (e == ERR_OK) {
		confine_text(out, text, sizeof(text));
		log_info("confined%s: %s", o->check ? " when it runs" : "",
			 text);
	}
	confine_fini(&c);
	return e;
}
