/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "sensor/option_keys.h"

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
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

void
options_print_help(void)
{
	fputs("picket-sensor: read packets, match rules and indicators, write "
	      "EVE JSON alerts\n"
	      "\n"
	      "usage: picket-sensor --read PATH... [--rules FILE...] [--eve "
	      "FILE]\n"
	      "       picket-sensor --check --rules FILE...\n"
	      "\n"
	      "Input\n"
	      "  -r, --read PATH...      pcap or pcapng, plain or gzip or "
	      "zstd; "
	      "a directory\n"
	      "                          (in name order); - for standard "
	      "input\n"
	      "      --pace X            1 as recorded, 10 ten times as fast, "
	      "max (default)\n"
	      "      --workers N         threads that inspect (default 1; the "
	      "alerts are\n"
	      "                          the same with any number)\n"
	      "\n"
	      "Detection\n"
	      "  -S, --rules FILE...     Suricata rule files; globs are "
	      "expanded\n"
	      "      --indicators FILE...  STIX 2.1, MISP, CSV or a plain "
	      "list\n"
	      "      --strict            any rule refused is an error (exit "
	      "status 2)\n"
	      "  -T, --check             load rules and settings, say what did "
	      "not load\n"
	      "                          and what can never match, exit\n"
	      "      --check-json        the same as one JSON object\n"
	      "  -k none|all             none: accept wrong TCP and UDP "
	      "checksums\n"
	      "\n"
	      "Output\n"
	      "      --eve FILE|-        EVE JSON, one object a line "
	      "(appended)\n"
	      "      --eve-types LIST    alert,anomaly,dns,fileinfo,http,tls,\n"
	      "                          ssh,flow,packet,stats (default: all)\n"
	      "  -l DIR                  the same as --eve DIR/eve.json\n"
	      "      --stats FILE|-      final counters as one JSON object\n"
	      "      --data-dir DIR      where rules save datasets (default: "
	      "beside the EVE\n"
	      "                          file, else the working directory)\n"
	      "      --redis URL         forward to a collector: "
	      "redis://[user:pass@]host:port,\n"
	      "                          unix:///path (absent: stand-alone)\n"
	      "      --forward-types LIST  what is forwarded (default: "
	      "alert,stats)\n"
	      "      --spool DIR         where batches wait until the "
	      "collector "
	      "has them\n"
	      "\n"
	      "Identity\n"
	      "      --site NAME --sensor NAME --owner NAME   who this is\n"
	      "      --exercise NAME     mark everything as part of exercise "
	      "NAME\n"
	      "\n"
	      "General\n"
	      "  -c, --config FILE       settings in YAML; Suricata's names "
	      "where they mean\n"
	      "                          the same\n"
	      "      --set KEY=VALUE     override one setting, e.g.\n"
	      "                          --set "
	      "vars.address-groups.HOME_NET=[10.0.0.0/8]\n"
	      "      --log-json          log JSON lines to standard error\n"
	      "  -q, --quiet             no progress, only warnings and "
	      "errors\n"
	      "  -v, --verbose           say more\n"
	      "  -h, --help  -V, --version\n"
	      "\n"
	      "Try it:  picket-sensor --read pcaps/ --rules "
	      "'rules/dist/*.rules' --eve -\n"
	      "Exit status: 0 done, 1 failed while running (for example a "
	      "damaged capture,\n"
	      "whose readable part was processed), 2 wrong usage or "
	      "settings.\n",
	      stdout);
}

static enum err
push(struct path_list *l, const char *v, struct diag *d)
{
	if (l->n == OPTIONS_MAX_LIST) {
		return diag_set(d, ERR_USAGE,
				"more than %d paths; name a directory instead",
				OPTIONS_MAX_LIST);
	}
	l->v[l->n++] = v;
	return ERR_OK;
}

static enum err
read_types(const char *list, uint32_t *out, const char *option, struct diag *d)
{
	const char *p = list;

	*out = 0;
	while (*p != '\0') {
		size_t n = strcspn(p, ",");
		enum event_type t = event_type_by_name(view_of(p, n));

		if (n > 0 && t == EVENT_TYPE_COUNT) {
			return diag_set(
				d, ERR_USAGE,
				"%s: no event type '%.*s'; there are "
				"alert, anomaly, dns, fileinfo, http, tls, "
				"ssh, flow, packet and stats",
				option, (int)n, p);
		}
		if (n > 0) {
			*out |= UINT32_C(1) << t;
		}
		p += n + (p[n] == ',');
	}
	return ERR_OK;
}

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
	return push(l, v, d);
}

static enum err
on_option(struct parse_state *ps, int c, struct diag *d)
{
	struct options *o = ps->o;

	for (size_t i = 0; i < ARRAY_LEN(text_options); i++) {
		if (text_options[i].letter == c) {
			ps->text[i] = optarg;
			ps->list = NULL;
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
	case 1: /* a bare argument continues the list before it */
		if (ps->list == NULL) {
			return diag_set(d, ERR_USAGE,
					"'%s' does not belong to an option; "
					"captures go behind --read",
					optarg);
		}
		return push(ps->list, optarg, d);
	case OPT_SET:
		ps->list = NULL;
		return push(&ps->sets, optarg, d);
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
	case OPT_STRICT:
		o->strict = true;
		return ERR_OK;
	case OPT_LOG_JSON:
		ps->log_json = true;
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
				ps->arg);
	default:
		return diag_set(d, ERR_USAGE,
				"%s: no such option; see picket-sensor --help",
				ps->arg);
	}
}

/* Settings of Picket's own; the others are Suricata's. */
static const struct conf_key keys[] = {
	{ "site", "string", "", "name of this site" },
	{ "sensor", "string", "host name", "name of this sensor" },
	{ "owner", "string", "", "who is responsible for this site" },
	{ "tlp", "string", "", "TLP 2.0 mark of everything sent" },
	{ "exercise", "string", "",
	  "name of the exercise this run is part of" },
	{ "workers", "number", "1", "threads that inspect" },
	{ "pace", "string", "max", "replay speed: max, 1, 10 ..." },
	{ "redis", "string", "", "where to forward to" },
	{ "spool.dir", "string", "", "where batches wait" },
	{ "spool.max-size", "size", "1gb", "bound of the spool" },
	{ "spool.resend-seconds", "number", "10",
	  "without progress, send again after" },
	{ "forward.types", "list", "alert,stats", "event types forwarded" },
	{ "forward.drain-ms", "number", "10000",
	  "at the end of a replay, wait for Redis this long" },
	{ "eve.file", "string", "", "EVE JSON output" },
	{ "eve.types", "list", "all", "event types written" },
	{ "eve.alert.*", "map", "", "what alerts show" },
	{ "eve.community-id", "bool", "yes", "add the Community ID" },
	{ "eve.community-id-seed", "number", "0", "its seed" },
	{ "eve.packet", "string", "rebuilt",
	  "packets in alerts: no, rebuilt (by defragmentation), yes" },
	{ "stats.file", "string", "", "final counters" },
	{ "memory.worker", "size", "1gb", "bound of each worker's pool" },
	{ "indicators.*", "list", "", "indicator files" },
	{ "vars.*", "map", "", "address and port groups" },
	{ "datasets.*", "map", "", "named sets of values, and their limits" },
	{ "default-data-dir", "string", "",
	  "where lists and saved datasets lie" },
	{ "host.memcap", "size", "32mb", "bound of bits of hosts" },
	{ "ippair.memcap", "size", "32mb", "bound of bits of pairs" },
	{ "control.public-key", "string", "",
	  "key of who may tell this sensor to reload" },
	{ "rule-files.*", "list", "", "rule files" },
	{ "default-rule-path", "string", "", "where rule files lie" },
	{ "classification-file", "string", "", "classes and priorities" },
	{ "reference-config-file", "string", "", "reference prefixes" },
	{ "reputation-categories-file", "string", "", "categories of iprep" },
	{ "default-reputation-path", "string", "", "where their files lie" },
	{ "reputation-files.*", "list", "", "scores of addresses" },
	{ "geoip-database", "string", "", "countries, for geoip" },
	{ "action-order.*", "list", "", "which actions' rules come first" },
	{ "packet-alert-max", "number", "", "alerts of one packet" },
	{ "threshold-file", "string", "", "suppress and event_filter" },
	{ "stream.*", "map", "", "TCP reassembly" },
	{ "flow.*", "map", "", "flow table" },
	{ "flow-timeouts.*", "map", "", "flow time-outs" },
	{ "defrag.*", "map", "", "IP defragmentation" },
	{ "decoder.*", "map", "", "link and tunnel decoding" },
	{ "vlan.*", "map", "", "VLAN tracking" },
	{ "host-os-policy.*", "map", "", "overlap policy by address" },
	{ "app-layer.*", "map", "", "application protocols" },
	{ "detect.guess-applayer-tx", "bool", "no",
	  "alerts of raw bytes name the one open transaction" },
	{ "file-store.*", "map", "", "files from the wire kept on disk" },
	{ "eve.files.*", "map", "", "digests and types in file events" },
	{ "pcre.*", "map", "", "limits of regular expressions" },
	{ "rules.min-load-percent", "number", "0",
	  "refuse a set of which fewer rules load" },
	{ "detect.*", "map", "", "detection engine" },
	{ "checksum-validation", "bool", "yes", "verify TCP/UDP checksums" },
	{ "outputs.*", "list", "", "Suricata's, as far as known" },
	{ "bpf-filter", "string", "", "capture filter" },
};

static const char *const own_sections[] = { "spool",   "forward", "eve",
					    "memory",  "picket",  "rules",
					    "control", NULL };

static enum err
read_numbers(struct options *o, struct diag *d)
{
	const char *pace = conf_str(o->conf, "pace", "max");
	const char *workers = conf_str(o->conf, "workers", "1");
	char *end;
	unsigned long n;

	if (strcmp(pace, "max") == 0) {
		o->pace = 0;
	} else {
		o->pace = strtod(pace, &end);
		if (*end != '\0' || !(o->pace > 0) || o->pace > 1e6) {
			return diag_set(d, ERR_USAGE,
					"--pace %s: expected max or a number "
					"above 0 (1 is as recorded)",
					pace);
		}
	}
	n = strtoul(workers, &end, 10);
	if (*end != '\0' || n < 1 || n > 64) {
		return diag_set(d, ERR_USAGE, "--workers %s: expected 1 to 64",
				workers);
	}
	o->workers = (unsigned)n;
	return ERR_OK;
}

static void
add_rule_file(void *arg, const char *key, const char *value)
{
	struct options *o = arg;
	const char *dir = conf_get(o->conf, "default-rule-path");
	struct diag d;
	char *path;

	(void)key;
	if (dir == NULL || value[0] == '/') {
		dir = NULL;
	}
	if (asprintf(&path, "%s%s%s", dir != NULL ? dir : "",
		     dir != NULL ? "/" : "", value) < 0) {
		log_warn("out of memory: %s not loaded", value);
		return;
	}
	if (push(&o->rules, path, &d) != ERR_OK) {
		log_warn("%s", d.msg);
		free(path);
		return;
	}
	o->rules_owned = true;
}

static void
add_indicator_file(void *arg, const char *key, const char *value)
{
	struct options *o = arg;
	struct diag d;

	(void)key;
	if (push(&o->indicators, value, &d) != ERR_OK) {
		log_warn("%s", d.msg);
	}
}

/* Whether '/' separated parts of redis key names stay unambiguous. */
static bool
plain_name(const char *s)
{
	for (; *s != '\0'; s++) {
		bool ok = (*s >= 'a' && *s <= 'z') ||
			  (*s >= 'A' && *s <= 'Z') ||
			  (*s >= '0' && *s <= '9') || *s == '-' || *s == '_' ||
			  *s == '.';

		if (!ok) {
			return false;
		}
	}
	return true;
}

/* What rules save lies beside what else is written, unless told. */
static enum err
choose_data_dir(struct options *o)
{
	const char *slash = o->eve != NULL ? strrchr(o->eve, '/') : NULL;
	char dir[4096];

	if (slash == NULL || conf_get(o->conf, "default-data-dir") != NULL) {
		return ERR_OK;
	}
	snprintf(dir, sizeof(dir), "%.*s", (int)MAX(slash - o->eve, 1), o->eve);
	return conf_set(o->conf, "default-data-dir", dir);
}

static enum err
apply(struct options *o, struct parse_state *ps, struct diag *d)
{
	static char host[65], eve[4096];
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
	if (e == ERR_OK) {
		e = conf_check(o->conf, keys, ARRAY_LEN(keys), own_sections, d);
	}
	if (e == ERR_OK) {
		e = option_keys_warn(o->conf, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (ps->log_dir != NULL && conf_get(o->conf, "eve.file") == NULL) {
		snprintf(eve, sizeof(eve), "%s/eve.json", ps->log_dir);
		o->eve = eve;
	} else {
		o->eve = conf_get(o->conf, "eve.file");
	}
	e = choose_data_dir(o);
	if (e != ERR_OK) {
		return diag_set(d, e, "out of memory");
	}
	if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') {
		strcpy(host, "sensor");
	}
	o->stats = conf_get(o->conf, "stats.file");
	o->redis = conf_get(o->conf, "redis");
	o->spool = conf_get(o->conf, "spool.dir");
	o->site = conf_str(o->conf, "site", "");
	o->sensor = conf_str(o->conf, "sensor", host);
	o->owner = conf_str(o->conf, "owner", "");
	o->exercise = conf_str(o->conf, "exercise", "");
	o->tlp = conf_str(o->conf, "tlp", "");
	o->bpf = conf_get(o->conf, "bpf-filter");
	if (o->rules.n == 0) {
		conf_each(o->conf, "rule-files.", add_rule_file, o);
	}
	if (o->indicators.n == 0) {
		conf_each(o->conf, "indicators.", add_indicator_file, o);
	}
	return read_numbers(o, d);
}

static enum err
check_sense(struct options *o, struct diag *d)
{
	enum err e;

	e = read_types(conf_str(o->conf, "eve.types",
				"alert,anomaly,dns,fileinfo,http,tls,ssh,flow,"
				"packet,stats"),
		       &o->eve_types, "--eve-types", d);
	if (e == ERR_OK) {
		e = read_types(
			conf_str(o->conf, "forward.types", "alert,stats"),
			&o->forward_types, "--forward-types", d);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (o->interfaces.n > 0) {
		return diag_set(d, ERR_USAGE,
				"--interface %s: this version inspects saved "
				"captures only; record with tcpdump -w and "
				"use --read, or pipe: tcpdump -U -w - | "
				"picket-sensor --read -",
				o->interfaces.v[0]);
	}
	if (!o->check && o->read.n == 0) {
		return diag_set(d, ERR_USAGE,
				"nothing to read; give --read PATH, or --check "
				"to only load rules (see --help)");
	}
	if (o->redis != NULL && o->site[0] == '\0') {
		return diag_set(d, ERR_USAGE,
				"--redis needs --site NAME, by which the "
				"collector knows where alerts come from");
	}
	if (!plain_name(o->site) || !plain_name(o->sensor)) {
		return diag_set(d, ERR_USAGE,
				"--site and --sensor take letters, digits, "
				"'-', '_' and '.' only");
	}
	return ERR_OK;
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
		if (o->help || o->version) {
			free(ps);
			return ERR_OK;
		}
	}
	for (; e == ERR_OK && optind < argc; optind++) {
		optarg = argv[optind];
		e = on_option(ps, 1, d);
	}
	log_init("picket-sensor", ps->level, ps->log_json);
	if (e == ERR_OK) {
		e = apply(o, ps, d);
	}
	if (e == ERR_OK) {
		e = check_sense(o, d);
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
	conf_free(o->conf);
	o->conf = NULL;
}
