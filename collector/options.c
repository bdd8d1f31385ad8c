/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "collector/options.h"

#include <getopt.h>
#include <stdio.h>

#include "common/hide_args.h"

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
	"      --partner NAME=URL the Redis of a party with which to exchange\n"
	"      --standby          let another collector of this store go "
	"first; "
	"two\n"
	"                         of one store never run, whoever comes later "
	"waits\n"
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
	"SIGHUP opens the feed file anew and reads the keys of sensors and "
	"partners\n"
	"and the policy again, and the allow lists; SIGUSR2 the lists of\n"
	"indicators.files.\n"
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

enum {
	OPT_UNTIL_IDLE = 256,
	OPT_CONSUMER,
	OPT_PARTNER,
	OPT_SET,
	OPT_LOG_JSON,
	OPT_USER,
	OPT_STANDBY
};

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
	{ "partner", required_argument, NULL, OPT_PARTNER },
	{ "config", required_argument, NULL, 'c' },
	{ "set", required_argument, NULL, OPT_SET },
	{ "user", required_argument, NULL, OPT_USER },
	{ "standby", no_argument, NULL, OPT_STANDBY },
	{ "log-json", no_argument, NULL, OPT_LOG_JSON },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* Those beyond the last place cannot be read again once rights are given up. */
static void
add_settings(struct options *o, const char *path)
{
	if (o->n_settings < PIPELINE_MAX_SETTINGS) {
		o->settings[o->n_settings++] = path;
	}
}

/* What is no setting, and the files that are. */
static enum err
first_pass(struct options *o, int c, struct conf *conf, struct diag *d)
{
	switch (c) {
	case 'h':
		fputs(help_text, stdout);
		o->done = true;
		return ERR_OK;
	case 'V':
		puts("picket-collector " PACKAGE_VERSION);
		o->done = true;
		return ERR_OK;
	case 'c':
		add_settings(o, optarg);
		return conf_load(conf, optarg, d);
	default:
		o->log_json |= c == OPT_LOG_JSON;
		o->verbose |= c == 'v';
		o->standby |= c == OPT_STANDBY;
		o->check |= c == 'T';
		return ERR_OK;
	}
}

static const char *
key_of(int c)
{
	switch (c) {
	case 'R':
		return "redis";
	case 's':
		return "store";
	case 'm':
		return "missions";
	case 'f':
		return "feed";
	case 'l':
		return "listen";
	case OPT_UNTIL_IDLE:
		return "until-idle";
	case OPT_CONSUMER:
		return "consumer";
	case OPT_USER:
		return "run-as.user";
	default:
		return NULL;
	}
}

/* NAME=URL; the URL may hold a password, which no message repeats. */
static enum err
set_partner(struct conf *conf, const char *arg, struct diag *d)
{
	const char *eq = strchr(arg, '=');
	char key[128];

	if (eq == NULL || eq == arg || eq - arg > 63 || eq[1] == '\0') {
		return diag_set(d, ERR_USAGE,
				"--partner: write NAME=URL" OPTIONS_TRY_HELP);
	}
	snprintf(key, sizeof(key), "exchange.partners.%.*s.url",
		 (int)(eq - arg), arg);
	return conf_set(conf, key, eq + 1);
}

/* What goes over the files. */
static enum err
second_pass(struct options *o, int c, struct conf *conf, struct diag *d)
{
	if (key_of(c) != NULL) {
		return conf_set(conf, key_of(c), optarg);
	}
	if (c == OPT_PARTNER) {
		return set_partner(conf, optarg, d);
	}
	if (c == OPT_SET) {
		return conf_set_arg(conf, optarg, d);
	}
	if (c == 'g') {
		if (o->n_geoip == OPTIONS_MAX_GEOIP) {
			return diag_set(d, ERR_LIMIT,
					"--geoip: more than %d files: leave "
					"some out",
					OPTIONS_MAX_GEOIP);
		}
		o->geoip[o->n_geoip++] = optarg;
	}
	return ERR_OK;
}

enum err
options_read(struct options *o, int argc, char **argv, bool first,
	     struct conf *conf, struct diag *d)
{
	char shown[HIDE_ARG_CAP];
	enum err e = ERR_OK;
	int c;

	optind = 1;
	opterr = 0;
	while (e == ERR_OK &&
	       (c = getopt_long(argc, argv, ":R:s:g:m:f:l:c:TvhV", options,
				NULL)) != -1) {
		if (c == ':') {
			return diag_set(d, ERR_USAGE,
					"%s needs a value" OPTIONS_TRY_HELP,
					hide_arg(argv[optind - 1], shown));
		}
		if (c == '?') {
			return diag_set(d, ERR_USAGE,
					"%s: no such option" OPTIONS_TRY_HELP,
					hide_arg(argv[optind - 1], shown));
		}
		e = first ? first_pass(o, c, conf, d)
			  : second_pass(o, c, conf, d);
		if (o->done) {
			return e;
		}
	}
	if (e == ERR_OK && optind < argc) {
		e = diag_set(d, ERR_USAGE,
			     "'%s' belongs to no option" OPTIONS_TRY_HELP,
			     hide_arg(argv[optind], shown));
	}
	return e;
}
