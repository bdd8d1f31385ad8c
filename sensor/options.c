/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/options_settings.h"

#include <getopt.h>
#include <stdlib.h>

#include "common/hide_args.h"
#include "common/log.h"

enum {
	OPT_INDICATORS = 256,
	OPT_EVE,
	OPT_EVE_TYPES,
	OPT_FORWARD_TYPES,
	OPT_REDIS,
	OPT_SPOOL,
	OPT_SITE,
	OPT_SENSOR,
	OPT_OWNER,
	OPT_WORKERS,
	OPT_PACE,
	OPT_EXERCISE,
	OPT_STATS,
	OPT_DATA_DIR,
	OPT_STRICT,
	OPT_CHECK_JSON,
	OPT_SET,
	OPT_LOG_JSON,
	OPT_PROFILE_RULES,
	OPT_PROFILE_RULES_JSON,
	OPT_SPOOL_CHECK,
	OPT_JSON,
	OPT_RETRO,
	OPT_RETRO_ASK,
	OPT_LIST_INTERFACES,
	OPT_USER,
};

static const struct option long_options[] = {
	{ "read", required_argument, NULL, 'r' },
	{ "interface", required_argument, NULL, 'i' },
	{ "rules", required_argument, NULL, 'S' },
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 'T' },
	{ "check-json", no_argument, NULL, OPT_CHECK_JSON },
	{ "indicators", required_argument, NULL, OPT_INDICATORS },
	{ "eve", required_argument, NULL, OPT_EVE },
	{ "eve-types", required_argument, NULL, OPT_EVE_TYPES },
	{ "forward-types", required_argument, NULL, OPT_FORWARD_TYPES },
	{ "redis", required_argument, NULL, OPT_REDIS },
	{ "spool", required_argument, NULL, OPT_SPOOL },
	{ "site", required_argument, NULL, OPT_SITE },
	{ "sensor", required_argument, NULL, OPT_SENSOR },
	{ "owner", required_argument, NULL, OPT_OWNER },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "pace", required_argument, NULL, OPT_PACE },
	{ "exercise", required_argument, NULL, OPT_EXERCISE },
	{ "stats", required_argument, NULL, OPT_STATS },
	{ "data-dir", required_argument, NULL, OPT_DATA_DIR },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "set", required_argument, NULL, OPT_SET },
	{ "log-json", no_argument, NULL, OPT_LOG_JSON },
	{ "profile-rules", optional_argument, NULL, OPT_PROFILE_RULES },
	{ "profile-rules-json", optional_argument, NULL,
	  OPT_PROFILE_RULES_JSON },
	{ "spool-check", required_argument, NULL, OPT_SPOOL_CHECK },
	{ "retro", required_argument, NULL, OPT_RETRO },
	{ "retro-ask", required_argument, NULL, OPT_RETRO_ASK },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "list-interfaces", no_argument, NULL, OPT_LIST_INTERFACES },
	{ "user", required_argument, NULL, OPT_USER },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* Text settings: the option wins over the setting of the same name. */
struct text_option {
	int letter;
	const char *key; /* where it goes in the settings */
};

static const struct text_option text_options[] = {
	{ OPT_EVE, "eve.file" },
	{ OPT_EVE_TYPES, "eve.types" },
	{ OPT_FORWARD_TYPES, "forward.types" },
	{ OPT_REDIS, "redis" },
	{ OPT_SPOOL, "spool.dir" },
	{ OPT_SITE, "site" },
	{ OPT_SENSOR, "sensor" },
	{ OPT_OWNER, "owner" },
	{ OPT_WORKERS, "workers" },
	{ OPT_PACE, "pace" },
	{ OPT_EXERCISE, "exercise" },
	{ OPT_STATS, "stats.file" },
	{ OPT_DATA_DIR, "default-data-dir" },
	{ OPT_USER, "run-as.user" },
	{ OPT_RETRO, "retro.dir" },
};

struct parse_state {
	struct options *o;
	struct path_list *list; /* what a bare argument adds to */
	const char *config;
	const char *log_dir;
	struct path_list sets;
	const char *text[ARRAY_LEN(text_options)];
	bool no_checksums, all_checksums, log_json;
	enum log_level level;
	const char *arg; /* the argument at hand, for messages */
};

static enum err
on_list(struct parse_state *ps, struct path_list *l, const char *v,
	struct diag *d)
{
	ps->list = l;
	return path_list_push(l, v, d);
}

static enum err
on_option(struct parse_state *ps, int c, struct diag *d)
{
	struct options *o = ps->o;
	char shown[HIDE_ARG_CAP];

	for (size_t i = 0; i < ARRAY_LEN(text_options); i++) {
		if (text_options[i].letter == c) {
			ps->text[i] = optarg;
			ps->list = NULL;
			o->retro_given = o->retro_given || c == OPT_RETRO;
			return ERR_OK;
		}
	}
	switch (c) {
	case 'r':
		return on_list(ps, &o->read, optarg, d);
	case 'i':
		return on_list(ps, &o->interfaces, optarg, d);
	case 'S':
		return on_list(ps, &o->rules, optarg, d);
	case OPT_INDICATORS:
		return on_list(ps, &o->indicators, optarg, d);
	case OPT_RETRO_ASK:
		return on_list(ps, &o->retro_ask, optarg, d);
	case 1: /* a bare argument continues the list before it */
		/* No file is named so; and it must not be shown when it cannot
		 * be opened. */
		if (ps->list == NULL || hide_arg_has(optarg)) {
			return diag_set(d, ERR_USAGE,
					"'%s' does not belong to an option; "
					"captures go behind --read, a broker "
					"behind --redis, the file of "
					"--profile-rules behind a =",
					hide_arg(optarg, shown));
		}
		return path_list_push(ps->list, optarg, d);
	case OPT_SET:
		ps->list = NULL;
		return path_list_push(&ps->sets, optarg, d);
	default:
		break;
	}
	ps->list = NULL;
	switch (c) {
	case 'c':
		ps->config = optarg;
		return ERR_OK;
	case 'l':
		ps->log_dir = optarg;
		return ERR_OK;
	case 'k':
		ps->no_checksums = strcmp(optarg, "none") == 0;
		ps->all_checksums = strcmp(optarg, "all") == 0;
		if (!ps->no_checksums && !ps->all_checksums) {
			return diag_set(d, ERR_USAGE,
					"-k %s: expected none or all", optarg);
		}
		return ERR_OK;
	case 'T':
		o->check = true;
		return ERR_OK;
	case OPT_CHECK_JSON:
		o->check = o->check_json = true;
		return ERR_OK;
	case OPT_PROFILE_RULES:
	case OPT_PROFILE_RULES_JSON:
		o->profile = optarg != NULL ? optarg : "-";
		o->profile_json = c == OPT_PROFILE_RULES_JSON;
		return ERR_OK;
	case OPT_SPOOL_CHECK:
		o->spool_check = optarg;
		return ERR_OK;
	case OPT_JSON:
		o->json = true;
		return ERR_OK;
	case OPT_STRICT:
		o->strict = true;
		return ERR_OK;
	case OPT_LOG_JSON:
		ps->log_json = true;
		return ERR_OK;
	case OPT_LIST_INTERFACES:
		o->list_interfaces = true;
		return ERR_OK;
	case 'q':
		o->quiet = true;
		ps->level = LOG_WARN;
		return ERR_OK;
	case 'v':
		ps->level = LOG_DEBUG;
		return ERR_OK;
	case 'h':
		o->help = true;
		return ERR_OK;
	case 'V':
		o->version = true;
		return ERR_OK;
	case ':':
		return diag_set(d, ERR_USAGE,
				"%s needs a value; see picket-sensor --help",
				hide_arg(ps->arg, shown));
	default:
		return diag_set(d, ERR_USAGE,
				"%s: no such option; see picket-sensor --help",
				hide_arg(ps->arg, shown));
	}
}

/* Lays the words of the command line over the settings of the file. */
static enum err
lay_over(struct options *o, const struct parse_state *ps, struct diag *d)
{
	enum err e = ERR_OK;

	if (ps->config != NULL) {
		e = conf_load(o->conf, ps->config, d);
	}
	for (size_t i = 0; e == ERR_OK && i < ps->sets.n; i++) {
		e = conf_set_arg(o->conf, ps->sets.v[i], d);
	}
	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(text_options); i++) {
		if (ps->text[i] != NULL) {
			e = conf_set(o->conf, text_options[i].key, ps->text[i]);
		}
	}
	if (e == ERR_OK && (ps->no_checksums || ps->all_checksums)) {
		e = conf_set(o->conf, "checksum-validation",
			     ps->no_checksums ? "no" : "yes");
	}
	if (e == ERR_OK && conf_get(o->conf, "checksum-validation") != NULL) {
		e = conf_set(o->conf, "stream.checksum-validation",
			     conf_get(o->conf, "checksum-validation"));
	}
	return e;
}

enum err
options_read(struct options *o, int argc, char **argv, struct diag *d)
{
	struct parse_state *ps = calloc(1, sizeof(*ps));
	enum err e = ERR_OK;
	int c;

	memset(o, 0, sizeof(*o));
	o->conf = conf_new();
	if (ps == NULL || o->conf == NULL) {
		free(ps);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	ps->o = o;
	ps->level = LOG_INFO;
	/* The leading '-' keeps bare arguments in order (see on_option). */
	opterr = 0;
	while (e == ERR_OK &&
	       (c = getopt_long(argc, argv, "-:r:i:S:c:l:k:TqvhV", long_options,
				NULL)) != -1) {
		ps->arg = argv[optind - 1];
		e = on_option(ps, c, d);
		if (o->help || o->version || o->list_interfaces) {
			free(ps);
			return ERR_OK;
		}
	}
	for (; e == ERR_OK && optind < argc; optind++) {
		optarg = argv[optind];
		e = on_option(ps, 1, d);
	}
	log_init("picket-sensor", ps->level, ps->log_json);
	if (e == ERR_OK && o->json && o->spool_check == NULL &&
	    o->retro_ask.n == 0) {
		e = diag_set(d, ERR_USAGE,
			     "--json belongs to --spool-check DIR and "
			     "--retro-ask VALUE; rules are checked with "
			     "--check-json");
	}
	if (e != ERR_OK || o->spool_check != NULL) {
		free(ps);
		return e; /* needs no settings */
	}
	if (e == ERR_OK) {
		e = lay_over(o, ps, d);
	}
	if (e == ERR_OK) {
		e = options_settle(o, ps->log_dir, d);
	}
	free(ps);
	return e;
}

void
options_fini(struct options *o)
{
	for (size_t i = 0; o->rules_owned && i < o->rules.n; i++) {
		free((char *)(uintptr_t)o->rules.v[i]);
	}
	overload_conf_fini(&o->overload);
	contacts_conf_fini(&o->contacts);
	conf_free(o->conf);
	o->conf = NULL;
}
