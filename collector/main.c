/* SPDX-License-Identifier: Apache-2.0 */
/* Options, start and stop order of picket-collector; nothing else. */
#include <config.h>

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/check.h"
#include "collector/confined.h"
#include "collector/console.h"
#include "collector/pipeline.h"
#include "collector/prepare.h"
#include "collector/service.h"
#include "common/clock.h"
#include "common/conf.h"
#include "common/hide_args.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/thread.h"

#define MAX_GEOIP 16
#define TRY_HELP "; see picket-collector --help"

static volatile sig_atomic_t stop, report, rotate;

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

static const char help_text[] =
	"Usage: picket-collector --redis URL --store FILE.db [OPTION]...\n"
	"Reads the sensors' alerts from Redis, keeps them, and correlates "
	"them\n"
	"across sites into incidents.\n"
	"\n"
	"  -R, --redis URL        redis://[user:password@]host[:port][/db],\n"
	"                         rediss:// for TLS, redis+sentinel:// and\n"
	"                         redis+cluster:// with several hosts, or\n"
	"                         unix:///path\n"
	"  -s, --store FILE.db    SQLite file; created when it is not there\n"
	"  -g, --geoip FILE.mmdb  MaxMind DB with countries, cities or "
	"networks;\n"
	"                         may be given several times\n"
	"  -m, --missions FILE    mission map: owners, sites, assets, "
	"services,\n"
	"                         missions (YAML)\n"
	"  -f, --feed FILE|-      append enriched alerts and incidents, EVE "
	"JSON\n"
	"  -l, --listen ADDR:PORT serve the console there (loopback; port 0 "
	"picks one)\n"
	"  -T, --check            read settings, mission map and GeoIP files, "
	"say "
	"what\n"
	"                         is wrong with them, exit\n"
	"      --until-idle S     stop when the streams were empty for S "
	"seconds\n"
	"      --consumer NAME    name within the consumer group [collector]\n"
	"  -c, --config FILE      settings from a YAML file\n"
	"      --set KEY=VALUE    one setting, over the file's\n"
	"      --user USER[:GROUP]  whom to become when started as root\n"
	"      --log-json         log as JSON lines\n"
	"  -v, --verbose          log more\n"
	"  -h, --help             this text\n"
	"  -V, --version          the version\n"
	"\n"
	"SIGTERM ends cleanly: what was read is committed and acknowledged, "
	"the\n"
	"rest waits in Redis or in the sensors' spools.  SIGUSR1 logs "
	"counters,\n"
	"SIGHUP opens the feed file anew and reads the sensors' keys again.\n"
	"\n"
	"Exit status: 0 done, 1 failed while running, 2 wrong usage or "
	"settings.\n"
	"\n"
	"Examples:\n"
	"  # run until stopped\n"
	"  picket-collector -R redis://127.0.0.1 -s picket.db -m "
	"missions.yaml\n"
	"  # take in what is waiting, print incidents, end\n"
	"  picket-collector -R redis://127.0.0.1 -s picket.db --until-idle 3 "
	"-f -\n";

enum { OPT_UNTIL_IDLE = 256, OPT_CONSUMER, OPT_SET, OPT_LOG_JSON, OPT_USER };

static const struct option options[] = {
	{ "redis", required_argument, NULL, 'R' },
	{ "store", required_argument, NULL, 's' },
	{ "geoip", required_argument, NULL, 'g' },
	{ "missions", required_argument, NULL, 'm' },
	{ "feed", required_argument, NULL, 'f' },
	{ "listen", required_argument, NULL, 'l' },
	{ "check", no_argument, NULL, 'T' },
	{ "until-idle", required_argument, NULL, OPT_UNTIL_IDLE },
	{ "consumer", required_argument, NULL, OPT_CONSUMER },
	{ "config", required_argument, NULL, 'c' },
	{ "set", required_argument, NULL, OPT_SET },
	{ "user", required_argument, NULL, OPT_USER },
	{ "log-json", no_argument, NULL, OPT_LOG_JSON },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* What the command line said, apart from settings. */
struct arguments {
	const char *geoip[MAX_GEOIP];
	unsigned n_geoip;
	const char *settings[PIPELINE_MAX_SETTINGS];
	unsigned n_settings;
	bool check;
	bool log_json, verbose, done; /* 'done': --help or --version */
};

static void
on_signal(int sig)
{
	if (sig == SIGUSR1) {
		report = 1;
	} else if (sig == SIGHUP) {
		rotate = 1;
	} else {
		stop = 1;
	}
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	/* The sensors' order to reload; sent to us it must not end us. */
	sigaction(SIGUSR2, &sa, NULL);
}

/* Those beyond the last place cannot be read again once rights are given up. */
static void
add_settings(struct arguments *args, const char *path)
{
	if (args->n_settings < PIPELINE_MAX_SETTINGS) {
		args->settings[args->n_settings++] = path;
	}
}

/*
 * Options are settings too, and win over the file whatever their order: the
 * file is read in a first pass.
 */
static enum err
parse_options(int argc, char **argv, bool first, struct conf *conf,
	      struct arguments *args, struct diag *d)
{
	enum err e = ERR_OK;
	int c;

	optind = 1;
	opterr = 0;
	while (e == ERR_OK &&
	       (c = getopt_long(argc, argv, ":R:s:g:m:f:l:c:TvhV", options,
				NULL)) != -1) {
		const char *key = c == 'R'              ? "redis"
				  : c == 's'            ? "store"
				  : c == 'm'            ? "missions"
				  : c == 'f'            ? "feed"
				  : c == 'l'            ? "listen"
				  : c == OPT_UNTIL_IDLE ? "until-idle"
				  : c == OPT_CONSUMER   ? "consumer"
				  : c == OPT_USER       ? "run-as.user"
							: NULL;

		if (c == ':') {
			return diag_set(d, ERR_USAGE,
					"%s needs a value" TRY_HELP,
					argv[optind - 1]);
		}
		if (c == '?') {
			return diag_set(d, ERR_USAGE,
					"%s: no such option" TRY_HELP,
					argv[optind - 1]);
		}
		if (first) {
			if (c == 'h') {
				fputs(help_text, stdout);
				args->done = true;
				return ERR_OK;
			}
			if (c == 'V') {
				puts("picket-collector " PACKAGE_VERSION);
				args->done = true;
				return ERR_OK;
			}
			args->log_json |= c == OPT_LOG_JSON;
			args->verbose |= c == 'v';
			args->check |= c == 'T';
			if (c == 'c') {
				e = conf_load(conf, optarg, d);
				add_settings(args, optarg);
			}
		} else if (key != NULL) {
			e = conf_set(conf, key, optarg);
		} else if (c == OPT_SET) {
			e = conf_set_arg(conf, optarg, d);
		} else if (c == 'g') {
			if (args->n_geoip == MAX_GEOIP) {
				return diag_set(d, ERR_LIMIT,
						"--geoip: more than %d files: "
						"leave some out",
						MAX_GEOIP);
			}
			args->geoip[args->n_geoip++] = optarg;
		}
	}
	if (e == ERR_OK && optind < argc) {
		e = diag_set(d, ERR_USAGE, "'%s' belongs to no option" TRY_HELP,
			     argv[optind]);
	}
	return e;
}

static void
add_geoip(void *arg, const char *key, const char *value)
{
	struct arguments *args = arg;

	(void)key;
	if (args->n_geoip < MAX_GEOIP) {
		args->geoip[args->n_geoip++] = value;
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
		return diag_set(d, ERR_USAGE,
				"%s: '%s' is no number of seconds" TRY_HELP,
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
				  "100" TRY_HELP,
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

static enum err
configure(const struct conf *conf, struct arguments *args,
	  struct pipeline_config *cfg, struct diag *d)
{
	static const char *const own[] = {
		"redis",  "store",      "geoip",    "missions",
		"feed",   "until-idle", "consumer", "correlate",
		"listen", "console",    "metrics",  "blind",
		"ingest", "run-as",     "security", NULL
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
	conf_each(conf, "geoip.", add_geoip, args);
	cfg->geoip = args->geoip;
	memcpy(cfg->settings, args->settings, sizeof(cfg->settings));
	cfg->n_geoip = args->n_geoip;
	cfg->correlate = correlate_defaults;
	cfg->correlate.window_us =
		conf_u64(conf, "correlate.window", 86400, 3600, 31536000) *
		US_PER_S;
	cfg->correlate.slack_us =
		conf_u64(conf, "correlate.clock-slack", 2, 0, 3600) * US_PER_S;
	cfg->correlate.min_sites =
		(unsigned)conf_u64(conf, "correlate.min-sites", 2, 2, 1000);
	cfg->correlate.min_owners =
		(unsigned)conf_u64(conf, "correlate.min-owners", 2, 2, 1000);
	cfg->correlate.min_stages = (unsigned)conf_u64(
		conf, "correlate.min-stages", 3, 2, STAGE_COUNT);
	cfg->correlate.max_runs =
		conf_u64(conf, "correlate.max-keys", 200000, 1000, 100000000);
	cfg->correlate.max_links =
		conf_u64(conf, "correlate.max-links", 400000, 1000, 100000000);
	e = configure_blind(conf, &cfg->blind, d);
	if (e != ERR_OK) {
		return e;
	}
	if (cfg->redis.url == NULL) {
		return diag_set(d, ERR_USAGE,
				"no broker: give --redis URL, as in --redis "
				"redis://127.0.0.1" TRY_HELP);
	}
	if (cfg->store == NULL) {
		return diag_set(d, ERR_USAGE,
				"no store: give --store FILE.db" TRY_HELP);
	}
	return seconds(conf, "until-idle", &cfg->until_idle_us, d);
}

static void
summary(const struct pipeline *p)
{
	struct pipeline_stats s;

	pipeline_stats(p, &s);
	fprintf(stderr,
		"picket-collector: %" PRIu64 " alerts in %" PRIu64
		" frames stored, %" PRIu64 " repeated, %" PRIu64
		" refused, %" PRIu64 " lines refused, %" PRIu64
		" frames lost at sensors, %" PRIu64
		" incidents opened, %" PRIu64 " merged",
		s.alerts, s.frames, s.frames_repeated, s.frames_refused,
		s.lines_refused, s.frames_lost, s.incidents_opened,
		s.incidents_merged);
	if (s.busy_us > 0) {
		fprintf(stderr, " (%.0f alerts/s while busy)",
			(double)s.alerts * 1e6 / (double)s.busy_us);
	}
	fputc('\n', stderr);
}

static int
fail(int status, const struct diag *d)
{
	log_err("%s", d->msg);
	return status;
}

/* The mission map, without which nothing is anybody's. */
static enum err
load_missions(struct pipeline_config *cfg, struct mission_map **map,
	      const struct conf *conf, struct diag *d)
{
	const char *path = conf_get(conf, "missions");
	enum err e = ERR_OK;

	if (path != NULL) {
		e = mission_load(map, path, d);
	} else {
		*map = mission_empty();
		if (*map == NULL) {
			e = diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	cfg->missions = *map;
	return e;
}

/* The command line, to read the settings once more. */
struct command_line {
	int argc;
	char **argv;
};

/* Keys may have come and gone, in their files and in the settings; of these
 * nothing else takes effect before the next start. */
static enum err
read_keys(void *arg, struct keyring **out, struct diag *d)
{
	const struct command_line *line = arg;
	struct arguments args = { .n_geoip = 0 };
	struct pipeline_config cfg = { 0 };
	struct conf *conf = conf_new();
	enum err e =
		conf != NULL ? ERR_OK : diag_set(d, ERR_NOMEM, "out of memory");

	if (e == ERR_OK) {
		e = parse_options(line->argc, line->argv, true, conf, &args, d);
	}
	if (e == ERR_OK) {
		e = parse_options(line->argc, line->argv, false, conf, &args,
				  d);
	}
	if (e == ERR_OK) {
		e = configure(conf, &args, &cfg, d);
	}
	if (e == ERR_OK) {
		e = keyring_load(out, conf, d);
	}
	conf_free(conf);
	return e;
}

static int
check(struct pipeline_config *cfg, const struct conf *conf)
{
	struct mission_map *map = NULL;
	struct confine_state state;
	struct diag d = { "" };
	enum err e = load_missions(cfg, &map, conf, &d);

	if (e == ERR_OK) {
		e = keyring_load(&cfg->keys, conf, &d);
	}
	if (e == ERR_OK) {
		e = check_settings(cfg, conf, &d);
	}
	if (e == ERR_OK) {
		e = confined_apply(cfg, conf, true, &state, &d);
	}
	mission_free(map);
	keyring_free(cfg->keys);
	if (e != ERR_OK) {
		return fail(e == ERR_NOMEM ? 1 : 2, &d);
	}
	puts("settings: ok");
	return 0;
}

/* Everything after the settings are known. */
static int
run(struct pipeline_config *cfg, const struct conf *conf)
{
	struct console_config at = {
		.listen = conf_get(conf, "listen"),
		.store = cfg->store,
		.allow_remote = conf_bool(conf, "console.allow-remote", false),
	};
	struct mission_map *map = NULL;
	struct pipeline *p = NULL;
	struct console *console = NULL;
	struct service service = { .pipeline = NULL };
	struct diag d = { "" };
	int status = 0;
	enum err e;

	e = load_missions(cfg, &map, conf, &d);
	if (e != ERR_OK) {
		mission_free(map);
		return fail(2, &d);
	}
	at.missions = map;
	cfg->turn = service_turn;
	cfg->turn_arg = &service;
	/* there is no other thread yet */
	e = confined_apply(cfg, conf, false, &service.confined, &d);
	/* With the rights that are left, as they will be read again. */
	if (e == ERR_OK) {
		e = keyring_load(&cfg->keys, conf, &d);
	}
	if (e == ERR_OK) {
		e = service_start(&service, conf, &d);
		if (e != ERR_OK) {
			keyring_free(cfg->keys);
		}
	}
	if (e == ERR_OK) {
		e = pipeline_open(&p, cfg, &d);
	}
	if (e == ERR_OK && at.listen != NULL) {
		e = console_start(&console, &at, &d);
	}
	if (e != ERR_OK) {
		service_stop(&service);
		pipeline_close(p);
		mission_free(map);
		/* What the system refused may work the next time: who starts us
		 * again must not take it for a wrong setting. */
		return fail(e == ERR_NOMEM || e == ERR_IO ? 1 : 2, &d);
	}
	service_running(&service, p);
	status = thread_become(THREAD_MAIN);
	e = status == 0 ? pipeline_run(p, &stop, &report, &rotate, &d)
			: diag_set(&d, ERR_IO, "seccomp: the main thread: %s",
				   strerror(status));
	if (e != ERR_OK) {
		status = fail(1, &d);
	}
	service_stopping(&service);
	console_stop(console);
	service_stop(&service);
	summary(p);
	pipeline_close(p);
	mission_free(map);
	return status;
}

int
main(int argc, char **argv)
{
	struct arguments args = { .n_geoip = 0 };
	struct pipeline_config cfg = { 0 };
	struct conf *conf = conf_new();
	struct diag d = { "out of memory" };
	int status;
	struct command_line line = { argc, argv = hide_args(argc, argv) };
	enum err e = ERR_NOMEM;

	log_init("picket-collector", LOG_INFO, false);
	if (conf != NULL) {
		e = parse_options(argc, argv, true, conf, &args, &d);
	}
	if (e == ERR_OK && args.done) {
		conf_free(conf);
		return 0;
	}
	log_init("picket-collector", args.verbose ? LOG_DEBUG : LOG_INFO,
		 args.log_json);
	if (e == ERR_OK) {
		e = parse_options(argc, argv, false, conf, &args, &d);
	}
	if (e == ERR_OK) {
		e = configure(conf, &args, &cfg, &d);
	}
	if (e != ERR_OK) {
		status = fail(2, &d);
	} else if (!sign_ready()) {
		diag_set(&d, ERR_NOMEM, "out of memory");
		status = fail(1, &d);
	} else if (args.check) {
		status = check(&cfg, conf);
	} else {
		catch_signals();
		cfg.read_keys = read_keys;
		cfg.read_keys_arg = &line;
		status = run(&cfg, conf);
	}
	conf_free(conf);
	return status;
}
