/* SPDX-License-Identifier: Apache-2.0 */
/* The settings: their names, and what the pipeline is told by them. */
#include <stdlib.h>

#include "collector/confined.h"
#include "collector/options.h"
#include "collector/prepare.h"
#include "collector/stage.h"
#include "common/clock.h"

static const struct conf_key keys[] = {
	{ "redis", "string", "", "URL of the broker" },
	REDIS_OPTION_ROWS,
	{ "store", "string", "", "SQLite file" },
	{ "store.max-size", "size", "0",
	  "of the store; the oldest batches go, counted; 0: no limit" },
	{ "store.keep-days", "number", "0",
	  "days that batches are kept; 0: for ever" },
	{ "geoip.*", "list", "", "MaxMind DB files" },
	{ "missions", "string", "", "mission map (YAML)" },
	{ "release.default-mark", "string", "amber",
	  "marking of what is ours and bears none" },
	{ "partners.policy", "string", "",
	  "what each partner may see (YAML), for picketctl share" },
	{ "feed", "string", "", "file for EVE JSON lines, - for stdout" },
	{ "listen", "string", "", "ADDRESS:PORT of the console" },
	{ "console.allow-remote", "bool", "no",
	  "let the console listen beyond loopback, without a log-in" },
	{ "until-idle", "number", "0", "seconds; 0 runs for ever" },
	{ "consumer", "string", "collector", "name within the group" },
	{ "correlate.window", "number", "86400",
	  "seconds of silence that end a run of sightings" },
	{ "correlate.clock-slack", "number", "2",
	  "seconds by which sensors' clocks may differ" },
	{ "correlate.min-sites", "number", "2",
	  "sites at which one key makes an incident" },
	{ "correlate.min-owners", "number", "2",
	  "owners at which one key makes an incident" },
	{ "correlate.min-stages", "number", "3",
	  "ATT&CK tactics in order that make an incident" },
	{ "correlate.max-keys", "number", "200000", "keys kept in memory" },
	{ "correlate.max-links", "number", "400000", "links kept in memory" },
	{ "blind.tap-silent", "number", "30",
	  "seconds without a packet that make a tap silent" },
	{ "blind.tap-floor", "number", "1",
	  "packets a second that a tap must have had for that" },
	{ "blind.drop-percent", "number", "1",
	  "packets that the kernel may drop" },
	{ "blind.one-way-percent", "number", "50",
	  "TCP flows of which one side may be missing" },
	{ "blind.clock", "number", "15",
	  "seconds by which a sensor's clock may be off" },
	{ "blind.window", "number", "30",
	  "seconds over which percents are taken" },
	KEYRING_ROWS,
	{ "ingest.threads", "number", "1",
	  "threads that check, inflate and read batches ahead" },
	CONFINE_ROWS,
	{ "metrics.listen", "string", "",
	  "ADDRESS:PORT for Prometheus; absent: none" },
	{ "metrics.allow-remote", "bool", "no",
	  "let it listen beyond loopback, without a log-in" },
};

static void
add_geoip(void *arg, const char *key, const char *value)
{
	struct options *o = arg;

	(void)key;
	if (o->n_geoip < OPTIONS_MAX_GEOIP) {
		o->geoip[o->n_geoip++] = value;
	}
}

/* Seconds, with a fraction if need be. */
static enum err
seconds(const struct conf *conf, const char *key, uint64_t *us, struct diag *d)
{
	const char *s = conf_str(conf, key, "0");
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end != '\0' || !(v >= 0 && v <= 1e9)) {
		return diag_set(
			d, ERR_USAGE,
			"%s: '%s' is no number of seconds" OPTIONS_TRY_HELP,
			key, s);
	}
	*us = (uint64_t)(v * (double)US_PER_S);
	return ERR_OK;
}

/* A share of a hundred, with a fraction if need be. */
static enum err
percent(const struct conf *conf, const char *key, const char *usual,
	double *out, struct diag *d)
{
	const char *s = conf_str(conf, key, usual);
	char *end;

	*out = strtod(s, &end);
	return end != s && *end == '\0' && *out >= 0 && *out <= 100
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE,
				  "%s: '%s' is no number from 0 to "
				  "100" OPTIONS_TRY_HELP,
				  key, s);
}

static enum err
configure_blind(const struct conf *conf, struct blind_config *b, struct diag *d)
{
	enum err e;

	*b = blind_defaults;
	b->tap_silent_us =
		conf_u64(conf, "blind.tap-silent", 30, 1, 86400) * US_PER_S;
	b->tap_floor =
		(double)conf_u64(conf, "blind.tap-floor", 1, 0, 1000000000);
	b->clock_us = conf_u64(conf, "blind.clock", 15, 1, 86400) * US_PER_S;
	b->window_us = conf_u64(conf, "blind.window", 30, 2, 3600) * US_PER_S;
	e = percent(conf, "blind.drop-percent", "1", &b->drop_percent, d);
	return e == ERR_OK ? percent(conf, "blind.one-way-percent", "50",
				     &b->one_way_percent, d)
			   : e;
}

static void
configure_correlate(const struct conf *conf, struct correlate_config *c)
{
	*c = correlate_defaults;
	c->window_us =
		conf_u64(conf, "correlate.window", 86400, 3600, 31536000) *
		US_PER_S;
	c->slack_us =
		conf_u64(conf, "correlate.clock-slack", 2, 0, 3600) * US_PER_S;
	c->min_sites =
		(unsigned)conf_u64(conf, "correlate.min-sites", 2, 2, 1000);
	c->min_owners =
		(unsigned)conf_u64(conf, "correlate.min-owners", 2, 2, 1000);
	c->min_stages = (unsigned)conf_u64(conf, "correlate.min-stages", 3, 2,
					   STAGE_COUNT);
	c->max_runs =
		conf_u64(conf, "correlate.max-keys", 200000, 1000, 100000000);
	c->max_links =
		conf_u64(conf, "correlate.max-links", 400000, 1000, 100000000);
}

enum err
options_configure(struct options *o, const struct conf *conf,
		  struct pipeline_config *cfg, struct diag *d)
{
	static const char *const own[] = {
		"redis",      "store",    "geoip",     "missions", "feed",
		"until-idle", "consumer", "correlate", "listen",   "console",
		"metrics",    "blind",    "ingest",    "run-as",   "security",
		"release",    "partners", NULL
	};
	enum err e = conf_check(conf, keys, ARRAY_LEN(keys), own,
				"picket-collector(8)", d);

	if (e != ERR_OK) {
		return e;
	}
	e = redis_options_read(&cfg->redis, conf, NULL, d);
	if (e != ERR_OK) {
		return e;
	}
	cfg->store = conf_get(conf, "store");
	cfg->limits.max_bytes =
		conf_u64(conf, "store.max-size", 0, 0, UINT64_C(1) << 50);
	cfg->limits.keep_us = conf_u64(conf, "store.keep-days", 0, 0, 36500) *
			      86400 * US_PER_S;
	cfg->feed = conf_get(conf, "feed");
	cfg->threads = (unsigned)conf_u64(conf, "ingest.threads", 1, 0,
					  PREPARE_MAX_THREADS);
	cfg->consumer = conf_str(conf, "consumer", "collector");
	conf_each(conf, "geoip.", add_geoip, o);
	cfg->geoip = o->geoip;
	memcpy(cfg->settings, o->settings, sizeof(cfg->settings));
	cfg->n_geoip = o->n_geoip;
	configure_correlate(conf, &cfg->correlate);
	e = configure_blind(conf, &cfg->blind, d);
	if (e != ERR_OK) {
		return e;
	}
	if (cfg->redis.url == NULL) {
		return diag_set(d, ERR_USAGE,
				"no broker: give --redis URL, as in --redis "
				"redis://127.0.0.1" OPTIONS_TRY_HELP);
	}
	if (cfg->store == NULL) {
		return diag_set(
			d, ERR_USAGE,
			"no store: give --store FILE.db" OPTIONS_TRY_HELP);
	}
	return seconds(conf, "until-idle", &cfg->until_idle_us, d);
}
