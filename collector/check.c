/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/check.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "collector/allow_reader.h"
#include "collector/enrich.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/metrics_http.h"
#include "common/redis_url.h"

static enum err
check_listen(const struct conf *conf, struct diag *d)
{
	const char *console = conf_named(conf, "listen");
	const char *metrics = conf_named(conf, "metrics.listen");
	struct listen_address at;
	enum err e = ERR_OK;

	if (console != NULL) {
		e = listen_parse(console, "--listen", "127.0.0.1:8080", &at, d);
	}
	if (e == ERR_OK && metrics != NULL) {
		e = metrics_http_check(
			metrics, conf_bool(conf, "metrics.allow-remote", false),
			d);
	}
	return e;
}

static enum err
check_geoip(const struct pipeline_config *cfg, struct diag *d)
{
	struct enrich *en = enrich_new(cfg->missions);
	enum err e =
		en != NULL ? ERR_OK : diag_set(d, ERR_NOMEM, "out of memory");

	for (unsigned i = 0; i < cfg->n_geoip && e == ERR_OK; i++) {
		e = enrich_add_db(en, cfg->geoip[i], d);
	}
	enrich_free(en);
	return e;
}

static enum err
check_allow(const struct pipeline_config *cfg, struct diag *d)
{
	struct allow_lists *lists;
	enum err e =
		allow_reader_read(cfg->allow, cfg->n_allow, NULL, &lists, d);

	allow_lists_free(lists);
	return e;
}

enum err
check_settings(const struct pipeline_config *cfg, const struct conf *conf,
	       struct diag *d)
{
	struct redis_url url;
	enum err e = redis_url_parse(&url, cfg->redis.url, d);

	redis_url_wipe(&url);
	if (e == ERR_OK) {
		e = redis_tls_check(&cfg->redis.tls, d);
	}
	if (e == ERR_OK) {
		e = check_listen(conf, d);
	}
	if (e == ERR_OK) {
		e = check_allow(cfg, d);
	}
	return e == ERR_OK ? check_geoip(cfg, d) : e;
}

/* A directory of files that are carried is one that we may write in: what was
 * read goes from the inbox. */
static void
check_box(const char *party, const char *setting, const char *dir)
{
	if (dir != NULL && access(dir, R_OK | W_OK | X_OK) != 0) {
		log_warn("exchange.partners.%s.%s: %s: %s; make it, owned by "
			 "the user that the collector runs as",
			 party, setting, dir, strerror(errno));
	}
}

void
check_exchange(const struct exchange_conf *x)
{
	for (unsigned i = 0; i < x->n; i++) {
		const struct exchange_party *p = &x->parties[i];

		if (exchange_conf_policy(x, p) == NULL) {
			log_warn("exchange.partners.%s: partners.policy has no "
				 "partner of this name: it is sent nothing",
				 p->name);
		}
		check_box(p->name, "outbox", p->outbox);
		check_box(p->name, "inbox", p->inbox);
	}
}
