/* SPDX-License-Identifier: Apache-2.0 */
/* The settings: their names, and what the pipeline is told by them. */
#include <stdlib.h>

#include "collector/arming.h"
#include "collector/confined.h"
#include "collector/exchange_conf.h"
#include "collector/lease.h"
#include "collector/options.h"
#include "collector/prepare.h"
#include "collector/stage.h"
#include "collector/twin.h"
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
	  "let the console listen beyond loopback without TLS" },
	{ "console.certificate", "string", "", "TLS: certificate and chain" },
	{ "console.key", "string", "", "TLS: its key" },
	{ "until-idle", "number", "0", "seconds; 0 runs for ever" },
	{ "consumer", "string", "collector", "name within the group" },
	{ "correlators", "string", "",
	  "which correlators there are, and their thresholds (YAML)" },
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
	{ "correlate.max-observations", "number", "65536",
	  "alerts kept in memory, for other taps' of the same event" },
	{ "posture.file", "string", "",
	  "the levels of readiness that may be ordered" },
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
	{ "indicators.max", "number", "4000000",
	  "records of indicators that are kept, of all sources" },
	{ "indicators.max-per-source", "number", "2000000",
	  "of these, of one source" },
	{ "indicators.keep-removed", "number", "200000",
	  "indicators kept that are no longer in force" },
	{ "indicators.files.*", "list", "",
	  "lists of indicators, read when they change" },
	{ "indicators.taxii.*", "list", "",
	  "TAXII collections, asked for indicators" },
	{ "gate.enabled", "bool", "yes",
	  "hold new indicators that look harmful until an analyst says so" },
	{ "gate.allow.*", "list", "",
	  "allow lists: files, or directories of .txt, .csv and .json" },
	{ "gate.days", "number", "7",
	  "days of history on which a new indicator is tried; 0: none" },
	{ "gate.max-alerts", "number", "1000",
	  "alerts that it may have raised in these" },
	{ "gate.max-hosts", "number", "10",
	  "hosts of ours at which it may have" },
	{ "gate.max-sites", "number", "5", "sites at which it may have" },
	{ "gate.min-name", "number", "6",
	  "characters that a domain must have" },
	{ "gate.patterns", "bool", "no",
	  "let STIX patterns through that cannot be tried" },
	{ "warn.enabled", "bool", "yes",
	  "arm all sites with what one of them learnt" },
	{ "warn.min-level", "number", "3",
	  "level of an incident whose addresses and names are told" },
	{ "warn.days", "number", "30", "days that they stay armed" },
	{ "consult.level", "number", "4",
	  "level of an incident from which on its owners are to consult" },
	{ "consult.ack-minutes", "number", "60",
	  "minutes in which an owner is to acknowledge, below level 4" },
	{ "consult.ack-minutes-severe", "number", "30", "the same at level 4" },
	{ "consult.ack-minutes-emergency", "number", "15",
	  "the same at level 5" },
	{ "consult.side", "string", "",
	  "owner as whose automation it speaks; absent: with partners the "
	  "policy's producer, else whoever leads" },
	KEYRING_ROWS,
	PART_ROWS,
	ARMING_ROWS,
	EXCHANGE_ROWS,
	LEASE_ROWS,
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

static void
add_allow(void *arg, const char *key, const char *value)
{
	struct options *o = arg;

	(void)key;
	if (o->n_allow < OPTIONS_MAX_ALLOW) {
		o->allow[o->n_allow] = value;
	}
	o->n_allow++;
}

static void
add_list(void *arg, const char *key, const char *value)
{
	struct options *o = arg;

	(void)key;
	if (o->n_files < INDICATOR_FILES_MAX) {
		o->files[o->n_files] = value;
	}
	o->n_files++;
}

/* The lists that are named; too many are an error, not left out. */
static enum err
configure_lists(struct options *o, const struct conf *conf,
		struct pipeline_config *cfg, struct diag *d)
{
	o->n_allow = o->n_files = 0;
	conf_each(conf, "gate.allow", add_allow, o);
	conf_each(conf, "indicators.files", add_list, o);
	if (o->n_allow > OPTIONS_MAX_ALLOW) {
		return diag_set(d, ERR_USAGE,
				"gate.allow: more than %d: put some into one "
				"directory and name that" OPTIONS_TRY_HELP,
				OPTIONS_MAX_ALLOW);
	}
	if (o->n_files > INDICATOR_FILES_MAX) {
		return diag_set(d, ERR_USAGE,
				"indicators.files: more than "
				"%d" OPTIONS_TRY_HELP,
				INDICATOR_FILES_MAX);
	}
	cfg->allow = o->allow;
	cfg->n_allow = o->n_allow;
	cfg->files = o->files;
	cfg->n_files = o->n_files;
	return ERR_OK;
}

static enum err
configure_indicators(struct options *o, const struct conf *conf,
		     struct pipeline_config *cfg, struct diag *d)
{
	struct gate_config *g = &cfg->common.gate;
	struct indicator_limits *l = &cfg->common.limits;

	*l = indicator_limits_default;
	l->max_total =
		conf_u64(conf, "indicators.max", l->max_total, 1, 100000000);
	l->max_source = conf_u64(conf, "indicators.max-per-source",
				 l->max_source, 1, 100000000);
	l->keep_off = conf_u64(conf, "indicators.keep-removed", l->keep_off,
			       1000, 100000000);
	*g = gate_defaults;
	g->on = conf_bool(conf, "gate.enabled", true);
	g->days = (unsigned)conf_u64(conf, "gate.days", g->days, 0, 3650);
	g->max_alerts =
		conf_u64(conf, "gate.max-alerts", g->max_alerts, 0, UINT32_MAX);
	g->max_hosts =
		conf_u64(conf, "gate.max-hosts", g->max_hosts, 0, UINT32_MAX);
	g->max_sites =
		conf_u64(conf, "gate.max-sites", g->max_sites, 0, UINT32_MAX);
	g->min_name =
		(unsigned)conf_u64(conf, "gate.min-name", g->min_name, 0, 253);
	g->patterns = conf_bool(conf, "gate.patterns", false);
	return configure_lists(o, conf, cfg, d);
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

/* Minutes, with a fraction if need be; at least a second. */
static enum err
minutes(const struct conf *conf, const char *key, const char *usual,
	uint64_t *us, struct diag *d)
{
	const char *s = conf_str(conf, key, usual);
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end != '\0' || !(v >= 1.0 / 60 && v <= 525600)) {
		return diag_set(d, ERR_USAGE,
				"%s: '%s' is no number of minutes from 1/60 "
				"to 525600" OPTIONS_TRY_HELP,
				key, s);
	}
	*us = (uint64_t)(v * 60 * (double)US_PER_S);
	return ERR_OK;
}

static enum err
configure_consult(const struct conf *conf, struct consult_config *c,
		  struct diag *d)
{
	const char *side = conf_str(conf, "consult.side", "");
	enum err e;

	*c = consult_defaults;
	c->level = (unsigned)conf_u64(conf, "consult.level", 4, 1, 5);
	if (strlen(side) >= sizeof(c->side)) {
		return diag_set(d, ERR_USAGE,
				"consult.side: longer than %zu "
				"bytes" OPTIONS_TRY_HELP,
				sizeof(c->side) - 1);
	}
	memcpy(c->side, side, strlen(side) + 1);
	e = minutes(conf, "consult.ack-minutes", "60", &c->ack_us[0], d);
	if (e == ERR_OK) {
		e = minutes(conf, "consult.ack-minutes-severe", "30",
			    &c->ack_us[1], d);
	}
	return e == ERR_OK ? minutes(conf, "consult.ack-minutes-emergency",
				     "15", &c->ack_us[2], d)
			   : e;
}

enum err
options_configure(struct options *o, const struct conf *conf,
		  struct pipeline_config *cfg, struct diag *d)
{
	static const char *const own[] = {
		"redis",      "store",    "geoip",       "missions", "feed",
		"until-idle", "consumer", "correlate",   "listen",   "console",
		"metrics",    "blind",    "ingest",      "run-as",   "security",
		"indicators", "gate",     "consult",     "posture",  "control",
		"release",    "partners", "correlators", "warn",     "exchange",
		"lease",      "parts",    NULL
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
	cfg->max_observations = conf_u64(conf, "correlate.max-observations",
					 TWIN_MAX, 1024, 16777216);
	cfg->warn.on = conf_bool(conf, "warn.enabled", true);
	cfg->warn.level = (unsigned)conf_u64(conf, "warn.min-level", 3, 1, 5);
	cfg->warn.valid_us =
		conf_u64(conf, "warn.days", 30, 1, 3650) * 86400 * US_PER_S;
	e = configure_blind(conf, &cfg->blind, d);
	if (e == ERR_OK) {
		e = configure_indicators(o, conf, cfg, d);
	}
	if (e == ERR_OK) {
		e = configure_consult(conf, &cfg->consult, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	e = part_config_read(&cfg->parts, conf, d);
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
