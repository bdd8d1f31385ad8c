/* SPDX-License-Identifier: Apache-2.0 */
/* Options and commands of picketctl; nothing else. */
#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/ctl_blind.h"
#include "collector/ctl_control.h"
#include "collector/ctl_incident.h"
#include "collector/ctl_keys.h"
#include "collector/ctl_ledger.h"
#include "collector/ctl_show.h"
#include "common/clock.h"
#include "common/conf.h"

#define TRY_HELP "; see picketctl --help"
#define DEFAULT_LIMIT 50

static const char help_text[] =
	"Usage: picketctl --store FILE.db COMMAND [OPTION]...\n"
	"Asks a collector's store what was seen, and steers its incidents.\n"
	"\n"
	"Commands:\n"
	"  status               sensors, incidents, alerts, and what is "
	"missing\n"
	"  sensors              every sensor: state, when last seen, losses\n"
	"  ledger [SITE/SENSOR] where every packet and event went, and "
	"whether\n"
	"                       it adds up\n"
	"  blind                when was nobody looking, where and why\n"
	"  alerts               the newest alerts\n"
	"  incidents            open incidents, worst first\n"
	"  incidents show ID    one incident in plain words\n"
	"  incidents show       all that are open; with --all, really all\n"
	"  incidents ack ID     somebody is on it\n"
	"  incidents close ID   it is over; new evidence opens it again\n"
	"  keys make FILE       a key pair for orders to sensors: FILE, and\n"
	"                       FILE.pub for them\n"
	"  keys make --sensor SITE/SENSOR [FILE]\n"
	"                       a key pair that signs this sensor's batches;\n"
	"                       with --hmac one secret for both sides\n"
	"  rules reload         sensors read rules and indicators again\n"
	"\n"
	"Options:\n"
	"  -s, --store FILE.db  the store that picket-collector writes\n"
	"  -j, --json           one JSON object instead of text\n"
	"  -n, --limit N        at most N rows [50]\n"
	"  -a, --all            closed incidents and exercises too\n"
	"      --exercise NAME  of this exercise only\n"
	"      --site NAME      alerts of one site; rules: only its sensors\n"
	"      --sensor NAME    alerts of one sensor; rules: only those; "
	"keys:\n"
	"                       SITE/SENSOR\n"
	"      --hmac           keys: one secret rather than a pair\n"
	"      --sid N          alerts of one rule\n"
	"      --address ADDR   alerts with this address at either end\n"
	"      --severity N     alerts of severity N and worse; 1 is worst\n"
	"      --text TEXT      alerts whose signature has TEXT in it\n"
	"      --since TIME     blind: what lasted beyond then: ISO 8601, or "
	"12h, 7d\n"
	"                       before now\n"
	"      --asset NAME     blind: for this asset of the mission map\n"
	"      --note TEXT      why an incident is acknowledged or closed\n"
	"      --who NAME       who does so [you, by your login]\n"
	"      --redis URL      rules: the Redis that the sensors are at\n"
	"      --key FILE       rules: private key that signs the order\n"
	"  -c, --config FILE    take the store's name from the collector's "
	"settings\n"
	"      --set KEY=VALUE  one setting: store; for rules redis.tls.ca "
	"and such\n"
	"  -h, --help           this text\n"
	"  -V, --version        the version\n"
	"\n"
	"Events of exercises never mix with real ones: they are left out "
	"unless\n"
	"--exercise or --all asks for them, and are marked EXERCISE.\n"
	"\n"
	"Exit status: 0 done, 1 failed or not found, 2 wrong usage or "
	"settings.\n"
	"\n"
	"Examples:\n"
	"  picketctl -s picket.db status\n"
	"  picketctl -s picket.db incidents show 3\n"
	"  picketctl -s picket.db incidents ack 3 --note 'calling the site'\n"
	"  picketctl -s picket.db alerts --site base-a --severity 1 --json\n"
	"  picketctl rules reload --redis redis://host --key control.key\n";

enum {
	OPT_EXERCISE = 256,
	OPT_SITE,
	OPT_SENSOR,
	OPT_SID,
	OPT_ADDRESS,
	OPT_SEVERITY,
	OPT_TEXT,
	OPT_NOTE,
	OPT_WHO,
	OPT_SET,
	OPT_REDIS,
	OPT_KEY,
	OPT_HMAC,
	OPT_SINCE,
	OPT_ASSET,
};

static const struct option options[] = {
	{ "store", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "limit", required_argument, NULL, 'n' },
	{ "all", no_argument, NULL, 'a' },
	{ "exercise", required_argument, NULL, OPT_EXERCISE },
	{ "site", required_argument, NULL, OPT_SITE },
	{ "sensor", required_argument, NULL, OPT_SENSOR },
	{ "sid", required_argument, NULL, OPT_SID },
	{ "address", required_argument, NULL, OPT_ADDRESS },
	{ "severity", required_argument, NULL, OPT_SEVERITY },
	{ "text", required_argument, NULL, OPT_TEXT },
	{ "since", required_argument, NULL, OPT_SINCE },
	{ "asset", required_argument, NULL, OPT_ASSET },
	{ "note", required_argument, NULL, OPT_NOTE },
	{ "who", required_argument, NULL, OPT_WHO },
	{ "config", required_argument, NULL, 'c' },
	{ "set", required_argument, NULL, OPT_SET },
	{ "redis", required_argument, NULL, OPT_REDIS },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "hmac", no_argument, NULL, OPT_HMAC },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	const char *config, *note, *who, *redis;
	struct ctl_order order;
	bool hmac;
	bool done; /* --help or --version */
	int n_words;
	char **words; /* the command and what follows */
	const char *asset; /* --asset, or NULL */
	uint64_t since_us; /* --since */
};

static const struct conf_key keys[] = {
	{ "store", "string", "", "SQLite file" },
	{ "redis", "string", "", "URL of the broker" },
	REDIS_OPTION_ROWS,
};

static enum err
number(const char *name, const char *s, uint64_t min, uint64_t max,
       uint64_t *out, struct diag *d)
{
	char *end;

	errno = 0;
	*out = strtoull(s, &end, 10);
	if (s[0] < '0' || s[0] > '9' || *end != '\0' || errno != 0 ||
	    *out < min || *out > max) {
		return diag_set(d, ERR_USAGE,
				"%s: '%.64s' is no number from %" PRIu64
				" to %" PRIu64 TRY_HELP,
				name, s, min, max);
	}
	return ERR_OK;
}

/* The options that narrow what is shown; ERR_NOTFOUND: none of these. */
static enum err
filter_option(struct ctl *c, int opt, const char *value, struct diag *d)
{
	struct store_alert_filter *f = &c->filter;
	uint64_t n = 0;
	enum err e = ERR_OK;

	switch (opt) {
	case 'n':
		e = number("--limit", value, 1, STORE_MAX_ROWS, &n, d);
		c->limit = (unsigned)n;
		return e;
	case OPT_SID:
		e = number("--sid", value, 1, UINT32_MAX, &n, d);
		f->sid = (uint32_t)n;
		return e;
	case OPT_SEVERITY:
		e = number("--severity", value, 1, 255, &n, d);
		f->max_severity = (uint8_t)n;
		return e;
	case OPT_ADDRESS:
		f->has_addr = addr_parse(view_cstr(value), &f->addr);
		return f->has_addr
			       ? ERR_OK
			       : diag_set(d, ERR_USAGE,
					  "--address: '%.64s' is no IPv4 or "
					  "IPv6 address" TRY_HELP,
					  value);
	case OPT_EXERCISE:
		f->exercise = value;
		return ERR_OK;
	case OPT_SITE:
		f->site = value;
		return ERR_OK;
	case OPT_SENSOR:
		f->sensor = value;
		return ERR_OK;
	case OPT_TEXT:
		f->text = value;
		return ERR_OK;
	default:
		return ERR_NOTFOUND;
	}
}

/* A moment, or so long before now: 90s, 30m, 12h, 7d. */
static enum err
since(const char *s, uint64_t *us, struct diag *d)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	uint64_t n, now = clock_wall_us();

	if (clock_parse_iso(view_cstr(s), us)) {
		return ERR_OK;
	}
	n = strtoull(s, &end, 10);
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (s[0] >= '0' && s[0] <= '9' && end[0] == units[i].unit &&
		    end[1] == '\0' && n <= 36500) {
			n *= units[i].seconds * US_PER_S;
			*us = now - MIN(n, now);
			return ERR_OK;
		}
	}
	return diag_set(d, ERR_USAGE,
			"--since: '%.64s' is no time; write 2026-11-22, "
			"2026-11-22T18:00:00Z, 90s, 30m, 12h or 7d" TRY_HELP,
			s);
}

static enum err
other_option(struct ctl *c, struct arguments *args, struct conf *conf, int opt,
	     struct diag *d)
{
	switch (opt) {
	case 's':
		return conf_set(conf, "store", optarg);
	case OPT_SET:
		return conf_set_arg(conf, optarg, d);
	case 'c':
		args->config = optarg;
		return ERR_OK;
	case 'j':
		c->json = true;
		return ERR_OK;
	case 'a':
		c->all = true;
		return ERR_OK;
	case OPT_REDIS:
		args->redis = optarg;
		return ERR_OK;
	case OPT_KEY:
		args->order.key = optarg;
		return ERR_OK;
	case OPT_HMAC:
		args->hmac = true;
		return ERR_OK;
	case OPT_SINCE:
		return since(optarg, &args->since_us, d);
	case OPT_ASSET:
		args->asset = optarg;
		return ERR_OK;
	case OPT_NOTE:
		args->note = optarg;
		return ERR_OK;
	case OPT_WHO:
		args->who = optarg;
		return ERR_OK;
	case 'h':
		fputs(help_text, stdout);
		args->done = true;
		return ERR_OK;
	case 'V':
		puts("picketctl " PACKAGE_VERSION);
		args->done = true;
		return ERR_OK;
	default:
		return ERR_USAGE;
	}
}

static enum err
parse(int argc, char **argv, struct ctl *c, struct arguments *args,
      struct conf *conf, struct diag *d)
{
	static const char *const own[] = { "store", "redis", NULL };
	enum err e = ERR_OK;
	int opt;

	opterr = 0;
	while (e == ERR_OK && !args->done &&
	       (opt = getopt_long(argc, argv, ":s:jn:ac:hV", options, NULL)) !=
		       -1) {
		if (opt == ':' || opt == '?') {
			return diag_set(
				d, ERR_USAGE,
				opt == ':' ? "%.64s needs a value" TRY_HELP
					   : "%.64s: no such option" TRY_HELP,
				argv[optind - 1]);
		}
		e = filter_option(c, opt, optarg, d);
		if (e == ERR_NOTFOUND) {
			e = other_option(c, args, conf, opt, d);
		}
	}
	args->words = argv + optind;
	args->n_words = argc - optind;
	c->filter.scope = c->filter.exercise != NULL ? STORE_EXERCISE
			  : c->all                   ? STORE_BOTH
						     : STORE_REAL;
	return e == ERR_OK && !args->done
		       ? conf_check(conf, keys, ARRAY_LEN(keys), own, d)
		       : e;
}

/* The store's name: --store, else that of the settings file. */
static enum err
store_name(const struct arguments *args, struct conf *conf, const char **out,
	   struct conf **file, struct diag *d)
{
	enum err e = ERR_OK;

	*out = conf_get(conf, "store");
	if (*out == NULL && args->config != NULL) {
		*file = conf_new();
		e = *file == NULL ? diag_set(d, ERR_NOMEM, "out of memory")
				  : conf_load(*file, args->config, d);
		*out = e == ERR_OK ? conf_get(*file, "store") : NULL;
	}
	if (e == ERR_OK && *out == NULL) {
		e = diag_set(d, ERR_USAGE,
			     "no store: give --store FILE.db, the file that "
			     "picket-collector writes" TRY_HELP);
	}
	return e;
}

static enum err
no_more(const struct arguments *args, int n, struct diag *d)
{
	return args->n_words <= n
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE,
				  "'%.64s' is one word too many" TRY_HELP,
				  args->words[n]);
}

static const char *
login_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw != NULL && pw->pw_name[0] != '\0' ? pw->pw_name : "picketctl";
}

static enum err
change_state(struct ctl *c, const struct arguments *args, int64_t id,
	     const char *state, struct diag *d)
{
	enum err e = store_incident_set_state(
		c->store, id, state,
		args->who != NULL ? args->who : login_name(), args->note, d);

	if (e != ERR_OK) {
		return e;
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_i64(&c->j, "id", id);
		json_cstr(&c->j, "state", state);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	fprintf(c->text.out, "incident %" PRId64 " is now %s\n", id,
		strcmp(state, "ack") == 0 ? "acknowledged" : state);
	return ERR_OK;
}

/* What can be wrong with the command is said before the store is opened. */
struct command {
	enum {
		STATUS,
		SENSORS,
		LEDGER,
		BLIND,
		ALERTS,
		LIST,
		SHOW_ALL,
		SHOW,
		ACK,
		CLOSE,
		KEYS_MAKE,
		RULES_RELOAD
	} what;
	int64_t id;
	bool broken; /* what was asked for is here, and is not well */
};

static enum err
incident_command(const struct arguments *args, struct command *cmd,
		 struct diag *d)
{
	const char *verb = args->n_words > 1 ? args->words[1] : NULL;
	uint64_t id;
	enum err e;

	if (verb == NULL) {
		cmd->what = LIST;
		return ERR_OK;
	}
	if (strcmp(verb, "show") == 0) {
		cmd->what = args->n_words > 2 ? SHOW : SHOW_ALL;
	} else if (strcmp(verb, "ack") == 0) {
		cmd->what = ACK;
	} else if (strcmp(verb, "close") == 0) {
		cmd->what = CLOSE;
	} else {
		return diag_set(d, ERR_USAGE,
				"incidents: '%.64s' is not one of show, ack, "
				"close" TRY_HELP,
				verb);
	}
	if (cmd->what == SHOW_ALL) {
		return ERR_OK;
	}
	if (args->n_words < 3) {
		return diag_set(d, ERR_USAGE,
				"incidents %s: which one? Give its number, as "
				"in incidents %s 3" TRY_HELP,
				verb, verb);
	}
	e = number("incidents", args->words[2], 1, INT64_MAX, &id, d);
	cmd->id = (int64_t)id;
	return e == ERR_OK ? no_more(args, 3, d) : e;
}

/* "new" is what "make FILE" was called before sensors had keys. */
static enum err
keys_command(const struct ctl *c, const struct arguments *args,
	     struct command *cmd, struct diag *d)
{
	const char *verb = args->n_words > 1 ? args->words[1] : "";
	bool sensor = c->filter.sensor != NULL;

	cmd->what = KEYS_MAKE;
	if ((strcmp(verb, "make") != 0 && strcmp(verb, "new") != 0) ||
	    (args->n_words < 3 && !sensor)) {
		return diag_set(d, ERR_USAGE,
				"keys: write keys make FILE, or keys make "
				"--sensor SITE/SENSOR" TRY_HELP);
	}
	if (args->hmac && !sensor) {
		return diag_set(d, ERR_USAGE,
				"--hmac: for the key of a sensor: give "
				"--sensor SITE/SENSOR too" TRY_HELP);
	}
	return args->n_words > 2 ? no_more(args, 3, d) : ERR_OK;
}

static enum err
rules_command(const struct arguments *args, struct command *cmd, struct diag *d)
{
	cmd->what = RULES_RELOAD;
	if (args->n_words < 2 || strcmp(args->words[1], "reload") != 0) {
		return diag_set(d, ERR_USAGE,
				"rules: write rules reload" TRY_HELP);
	}
	if (args->order.key == NULL) {
		return diag_set(d, ERR_USAGE,
				"rules reload: give --redis URL and --key "
				"FILE" TRY_HELP);
	}
	return no_more(args, 2, d);
}

static enum err
ledger_command(const struct arguments *args, struct diag *d)
{
	const char *name = args->n_words > 1 ? args->words[1] : "a/b";
	const char *slash = strchr(name, '/');

	if (slash == NULL || slash == name || slash[1] == '\0') {
		return diag_set(d, ERR_USAGE,
				"ledger: '%.64s' is no SITE/SENSOR" TRY_HELP,
				name);
	}
	return no_more(args, 2, d);
}

static enum err
read_command(const struct ctl *c, const struct arguments *args,
	     struct command *cmd, struct diag *d)
{
	const char *word = args->n_words > 0 ? args->words[0] : NULL;

	if (word == NULL) {
		return diag_set(
			d, ERR_USAGE,
			"no command: one of status, sensors, ledger, "
			"blind, alerts, incidents, keys, rules" TRY_HELP);
	}
	if (strcmp(word, "keys") == 0) {
		return keys_command(c, args, cmd, d);
	}
	if (strcmp(word, "rules") == 0) {
		return rules_command(args, cmd, d);
	}
	if (strcmp(word, "incidents") == 0) {
		return incident_command(args, cmd, d);
	}
	if (strcmp(word, "ledger") == 0) {
		cmd->what = LEDGER;
		return ledger_command(args, d);
	}
	if (strcmp(word, "status") == 0) {
		cmd->what = STATUS;
	} else if (strcmp(word, "sensors") == 0) {
		cmd->what = SENSORS;
	} else if (strcmp(word, "blind") == 0) {
		cmd->what = BLIND;
	} else if (strcmp(word, "alerts") == 0) {
		cmd->what = ALERTS;
	} else {
		return diag_set(d, ERR_USAGE,
				"'%.64s' is no command: use status, sensors, "
				"ledger, blind, alerts, incidents, keys or "
				"rules" TRY_HELP,
				word);
	}
	return no_more(args, 1, d);
}

static enum err
execute(struct ctl *c, const struct arguments *args, struct command *cmd,
	struct diag *d)
{
	bool well = true;
	enum err e;

	switch (cmd->what) {
	case LEDGER:
		e = ctl_ledger(c, args->n_words > 1 ? args->words[1] : NULL,
			       &well, d);
		cmd->broken = !well;
		if (e == ERR_OK && !well) {
			diag_set(d, ERR_FORMAT, "a ledger does not add up");
		}
		return e;
	case BLIND:
		return ctl_blind(c, args->since_us, args->asset, d);
	case STATUS:
		return ctl_status(c);
	case SENSORS:
		return ctl_sensors(c);
	case ALERTS:
		return ctl_alerts(c);
	case LIST:
		return ctl_incidents(c);
	case SHOW_ALL:
		return ctl_incident_show_all(c);
	case ACK:
		return change_state(c, args, cmd->id, "ack", d);
	case CLOSE:
		return change_state(c, args, cmd->id, "closed", d);
	case SHOW:
	case KEYS_MAKE:
	case RULES_RELOAD:
		break;
	}
	return ctl_incident_show(c, cmd->id);
}

struct copy {
	struct conf *to;
	enum err err;
};

static void
copy_setting(void *arg, const char *key, const char *value)
{
	struct copy *c = arg;

	if (c->err == ERR_OK) {
		c->err = conf_set(c->to, key, value);
	}
}

/* Where Redis is: the command line's word, over the settings file's. */
static enum err
read_redis(struct arguments *args, struct conf *conf, struct conf *all,
	   struct diag *d)
{
	struct copy copy = { all, ERR_OK };
	enum err e = ERR_OK;

	if (args->config != NULL) {
		e = conf_load(all, args->config, d);
	}
	if (e == ERR_OK) {
		conf_each(conf, "", copy_setting, &copy);
		e = copy.err == ERR_OK ? redis_options_read(&args->order.redis,
							    all, args->redis, d)
				       : diag_set(d, copy.err, "out of memory");
	}
	if (e == ERR_OK && args->order.redis.url == NULL) {
		e = diag_set(d, ERR_USAGE,
			     "rules reload: give --redis URL and --key "
			     "FILE" TRY_HELP);
	}
	return e;
}

/* The commands that ask no store. */
static int
command_sensors(struct ctl *c, struct arguments *args,
		const struct command *cmd, struct conf *conf, struct diag *d)
{
	struct conf *all = conf_new();
	enum err e =
		all != NULL ? ERR_OK : diag_set(d, ERR_NOMEM, "out of memory");

	args->order.site = c->filter.site;
	args->order.sensor = c->filter.sensor;
	if (e == ERR_OK && cmd->what == KEYS_MAKE) {
		struct ctl_keys make = {
			.sensor = c->filter.sensor,
			.file = args->n_words > 2 ? args->words[2] : NULL,
			.hmac = args->hmac,
		};

		e = ctl_keys_make(c, &make, d);
	} else if (e == ERR_OK) {
		e = read_redis(args, conf, all, d);
		if (e == ERR_OK) {
			e = ctl_rules_reload(c, &args->order, d);
		}
	}
	conf_free(all);
	if (e == ERR_OK && (fflush(stdout) != 0 || c->text.failed)) {
		e = diag_set(d, ERR_IO, "not everything was written");
	}
	return e == ERR_OK ? 0 : e == ERR_USAGE ? 2 : 1;
}

static int
run(struct ctl *c, struct arguments *args, struct conf *conf, struct diag *d)
{
	struct conf *file = NULL;
	struct command cmd = { .id = 0 };
	const char *path = NULL;
	int status = 2;
	enum err e = read_command(c, args, &cmd, d);

	if (e == ERR_OK && cmd.what >= KEYS_MAKE) {
		return command_sensors(c, args, &cmd, conf, d);
	}
	if (e == ERR_OK) {
		e = store_name(args, conf, &path, &file, d);
	}
	if (e == ERR_OK) {
		e = store_reader_open(&c->store, path, d);
	}
	if (e == ERR_OK) {
		status = 1;
		d->msg[0] = '\0';
		e = execute(c, args, &cmd, d);
		if (e != ERR_OK && d->msg[0] == '\0') {
			diag_set(d, e,
				 e == ERR_NOTFOUND
					 ? "there is no incident %" PRId64
					 : "the store cannot be read",
				 cmd.id);
		}
		if (e == ERR_OK && (fflush(stdout) != 0 || c->text.failed)) {
			e = diag_set(d, ERR_IO, "not everything was written");
		}
	}
	store_reader_close(c->store);
	conf_free(file);
	return e == ERR_OK ? cmd.broken : status;
}

int
main(int argc, char **argv)
{
	struct ctl c = { .limit = DEFAULT_LIMIT };
	struct arguments args = { .n_words = 0 };
	struct conf *conf = conf_new();
	struct diag d = { "out of memory" };
	int status = 1;

	signal(SIGPIPE, SIG_DFL);
	ctl_text_init(&c.text, stdout);
	json_init(&c.j);
	if (conf != NULL) {
		status = 2;
		if (parse(argc, argv, &c, &args, conf, &d) == ERR_OK) {
			status = args.done ? 0 : run(&c, &args, conf, &d);
		}
	}
	if (status != 0) {
		fprintf(stderr, "picketctl: %s\n", ctl_clean(&c.text, d.msg));
	}
	json_fini(&c.j);
	ctl_text_fini(&c.text);
	conf_free(conf);
	return status;
}
