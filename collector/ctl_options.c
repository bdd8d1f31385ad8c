/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "collector/ctl_options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "collector/finding.h"
#include "common/clock.h"
#include "common/hide_args.h"

static const char help_text[] =
	"Usage: picketctl --store FILE.db COMMAND [OPTION]...\n"
	"Asks a collector's store what was seen, and steers its incidents.\n"
	"\n"
	"Commands:\n"
	"  status               sensors, incidents, alerts, and what is "
	"missing\n"
	"  top                  all that, drawn anew each second; q ends it\n"
	"  sensors              every sensor: state, when last seen, losses\n"
	"  ledger [SITE/SENSOR] where every packet and event went, and "
	"whether\n"
	"                       it adds up\n"
	"  blind                when was nobody looking, where and why\n"
	"  missions             missions of the map: are their assets watched\n"
	"  skew                 whose clock is off, and by how much\n"
	"  collectors           which collector writes the store, and who "
	"stands by\n"
	"  parts                the collectors that share the sensors, and "
	"how far\n"
	"                       their head is\n"
	"  alerts               the alerts that came last, the last first\n"
	"  alerts show N...     these, by their numbers\n"
	"  alerts QUERY         those that a query finds, as 'sid:2001219 "
	"-site:alpha'\n"
	"  inbox [QUERY]        groups of alerts that nobody archived, the "
	"latest first\n"
	"  inbox archive N...|QUERY\n"
	"                       they are seen to; also escalate, unarchive, "
	"deescalate\n"
	"  inbox undo TOKEN     takes one of these back\n"
	"  incidents            open incidents, worst first\n"
	"  warnings             what all sites were armed with because one saw "
	"it,\n"
	"                       and how soon\n"
	"  findings             what contacts gave away: scans, beacons and "
	"such\n"
	"  correlators          which rules of correlation hold, by what "
	"numbers, "
	"and what\n"
	"                       they found\n"
	"  incidents show ID    one incident in plain words\n"
	"  incidents show       all that are open; with --all, really all\n"
	"  incidents ack ID     somebody is on it\n"
	"  incidents close ID   it is over; new evidence opens it again\n"
	"  incidents keys ID    what it is made of, by numbers\n"
	"  incidents split ID --keys KEY...\n"
	"                       parts what does not belong to it, for good; "
	"or\n"
	"                       --run N...\n"
	"  incidents merge ID ID  both are one\n"
	"  mute [list]          keys that begin no incident; with --all, ended "
	"too\n"
	"  mute add KIND KEY --why TEXT\n"
	"                       a key, as address 192.0.2.7; --for or --until\n"
	"  mute remove KIND KEY it counts again\n"
	"  consult list         consultations that are open\n"
	"  consult show ID      how one stands, and all that was said\n"
	"  consult log ID       all that was said\n"
	"  consult ack ID --as OWNER\n"
	"                       this owner is at the table\n"
	"  consult handover ID --to OWNER --why TEXT\n"
	"                       another owner leads\n"
	"  consult close ID     it is over, says who leads\n"
	"  posture              the level of readiness, and which sensors obey "
	"it\n"
	"  posture LEVEL        orders one, of all sites or of --site, with "
	"--note\n"
	"  exercise             exercises, and which sensors mark them\n"
	"  exercise check FILE  whether a plan can be taken\n"
	"  exercise start FILE  marks what its injects cause, at all sites\n"
	"  exercise stop NAME   it is over\n"
	"  exercise report NAME what of it was seen, where and how soon: "
	"Markdown,\n"
	"                       or --html\n"
	"  share export --to PARTNER\n"
	"                       what the policy lets a partner see, as STIX "
	"2.1\n"
	"  share status         how far each partner is: sent, waiting, "
	"acknowledged\n"
	"  share held --to PARTNER\n"
	"                       what is held back from it, and why\n"
	"  partners             what came from each partner, and what was "
	"refused"
	"\n"
	"  partners show NAME   its incidents, as it released them\n"
	"  audit list           what was released, held and read, the last "
	"first\n"
	"  audit verify         is the log whole; with --checkpoint FILE and\n"
	"                       --key FILE: also to that point\n"
	"  audit export         every record, one a line\n"
	"  audit checkpoint     its head, signed by --key FILE\n"
	"  evidence get ALERT   the packets that its sensor keeps of its flow, "
	"as\n"
	"                       pcapng; with --redis and --key\n"
	"  evidence bundle ALERT  the same with the alert, in one signed "
	"file\n"
	"  evidence verify FILE is it as it was signed; with --key, the "
	"public one\n"
	"  keys make FILE       a key pair for orders to sensors, or for the\n"
	"                       collector's committed points: FILE, and "
	"FILE.pub\n"
	"                       for the sensors\n"
	"  keys make --sensor SITE/SENSOR [FILE]\n"
	"                       a key pair that signs this sensor's batches;\n"
	"                       with --hmac one secret for both sides\n"
	"  indicators [list]    the common set: armed and held; with --all, "
	"off too\n"
	"  indicators held      those that wait for an analyst, and why\n"
	"  indicators armed     which version of the set each sensor runs\n"
	"  indicators show ID|VALUE\n"
	"                       one: its sources, marking, where it was seen\n"
	"  indicators add KIND VALUE\n"
	"                       one of your own, as ip 192.0.2.7\n"
	"  indicators import FILE...\n"
	"                       STIX 2.1, MISP, CSV or plain lists\n"
	"  indicators report [IMPORT]\n"
	"                       what became of the last imports\n"
	"  indicators release ID|VALUE\n"
	"                       arm it; hold: do not; remove: for good\n"
	"  rules noisy          which rules raised most\n"
	"  rules reload         sensors read rules and indicators again\n"
	"\n"
	"Options:\n"
	"  -s, --store FILE.db  the store that picket-collector writes\n"
	"  -j, --json           one JSON object instead of text\n"
	"  -n, --limit N        at most N rows [50; blind 10000]\n"
	"  -a, --all            closed incidents and exercises too; ledger: "
	"former\n"
	"                       spools of which nothing is open\n"
	"      --exercise NAME  of this exercise only\n"
	"      --site NAME      alerts of one site; rules, posture: only its "
	"sensors\n"
	"      --sensor NAME    alerts of one sensor; rules: only those; "
	"keys:\n"
	"                       SITE/SENSOR\n"
	"      --html           exercise report: a page\n"
	"      --lang LANG      en or ja: text and reports, never JSON "
	"[your locale's]\n"
	"      --hmac           keys: one secret rather than a pair\n"
	"      --order WORD     alerts: arrival (the last first), or time: "
	"the\n"
	"                       same ones, the latest event first [arrival]\n"
	"      --sid N          alerts of one rule\n"
	"      --address ADDR   alerts with this address at either end\n"
	"      --severity N     alerts of severity N and worse; 1 is worst\n"
	"      --text TEXT      alerts whose signature has TEXT in it\n"
	"      --since TIME     blind: what lasted beyond then: ISO 8601, or "
	"12h, 7d\n"
	"                       before now; share: what changed since\n"
	"      --asset NAME     blind: for this asset of the mission map\n"
	"      --source NAME    indicators import: whose they are [the file's "
	"name]\n"
	"      --snapshot       indicators import: what the source no longer "
	"has is\n"
	"                       withdrawn\n"
	"      --mark MARK      indicators add: TLP and names, as "
	"amber//JP,US\n"
	"                       [amber+strict]; import: of what bears none in "
	"its\n"
	"                       list [red, to nobody]\n"
	"      --until TIME     indicators add: valid until then; mute: holds "
	"until\n"
	"                       then\n"
	"      --for TIME       mute: holds for so long, as 12h or 7d\n"
	"      --keys KEY...    incidents split: what it was seen as, or "
	"KIND:KEY\n"
	"      --run N...       incidents split: the same by their numbers\n"
	"      --note TEXT      why an incident is acknowledged or closed, a "
	"posture\n"
	"                       ordered, an indicator added, released, held "
	"or\n"
	"                       removed\n"
	"      --why TEXT       the same, for consult, mute, split and merge\n"
	"      --as OWNER       consult: who speaks [the lead; not of ack]\n"
	"      --to NAME        share: a partner of the policy; consult "
	"handover:\n"
	"                       the owner who is to lead\n"
	"      --who NAME       who does so [you, by your login]\n"
	"      --redis URL      rules, evidence: the Redis that the sensors "
	"are at\n"
	"      --key FILE       rules, evidence: private key that signs the "
	"order; audit:\n"
	"                       signs or checks a checkpoint\n"
	"      --out FILE       share: write there, rather than to standard "
	"output;\n"
	"                       evidence: [alert-N.pcapng, "
	".picket-evidence.tar]\n"
	"      --kind KIND      findings: of scan, slow-scan, spread, beacon, "
	"lateral,\n"
	"                       first-seen, volume [all]\n"
	"      --kinds LIST     share: of indicator,sighting,incident,\n"
	"                       consultation [all]\n"
	"      --dry-run        share: say what would go, release nothing\n"
	"      --checkpoint FILE\n"
	"                       audit verify: the log has to have this\n"
	"  -c, --config FILE    take the store's name from the collector's "
	"settings\n"
	"      --set KEY=VALUE  one setting: store; for rules redis.tls.ca "
	"and such;\n"
	"                       for share partners.policy, missions,\n"
	"                       release.default-mark\n"
	"  -h, --help           this text\n"
	"  -V, --version        the version\n"
	"\n"
	"Events of exercises never mix with real ones: they are left out "
	"unless\n"
	"--exercise or --all asks for them, and are marked EXERCISE.\n"
	"\n"
	"Exit status: 0 done, 1 failed, not found, an order for nobody, a "
	"ledger\n"
	"that does not add up or an audit log that is not whole, 2 wrong usage "
	"or settings.\n"
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
	OPT_HTML,
	OPT_SINCE,
	OPT_ASSET,
	OPT_ORDER,
	OPT_SOURCE,
	OPT_SNAPSHOT,
	OPT_MARK,
	OPT_UNTIL,
	OPT_AS,
	OPT_TO,
	OPT_WHY,
	OPT_OUT,
	OPT_KINDS,
	OPT_KIND,
	OPT_DRY_RUN,
	OPT_CHECKPOINT,
	OPT_FOR,
	OPT_KEYS,
	OPT_RUN,
	OPT_LANG,
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
	{ "order", required_argument, NULL, OPT_ORDER },
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "snapshot", no_argument, NULL, OPT_SNAPSHOT },
	{ "mark", required_argument, NULL, OPT_MARK },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "for", required_argument, NULL, OPT_FOR },
	{ "keys", required_argument, NULL, OPT_KEYS },
	{ "run", required_argument, NULL, OPT_RUN },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "kinds", required_argument, NULL, OPT_KINDS },
	{ "kind", required_argument, NULL, OPT_KIND },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "checkpoint", required_argument, NULL, OPT_CHECKPOINT },
	{ "note", required_argument, NULL, OPT_NOTE },
	{ "who", required_argument, NULL, OPT_WHO },
	{ "why", required_argument, NULL, OPT_WHY },
	{ "as", required_argument, NULL, OPT_AS },
	{ "to", required_argument, NULL, OPT_TO },
	{ "config", required_argument, NULL, 'c' },
	{ "set", required_argument, NULL, OPT_SET },
	{ "redis", required_argument, NULL, OPT_REDIS },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "hmac", no_argument, NULL, OPT_HMAC },
	{ "lang", required_argument, NULL, OPT_LANG },
	{ "html", no_argument, NULL, OPT_HTML },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const struct conf_key keys[] = {
	{ "store", "string", "", "SQLite file" },
	{ "redis", "string", "", "URL of the broker" },
	REDIS_OPTION_ROWS,
	{ "evidence.wait", "number", "60", "seconds for a sensor's answer" },
	{ "missions", "string", "", "mission map (YAML)" },
	{ "partners.policy", "string", "", "what each partner may see" },
	{ "release.default-mark", "string", "amber", "of what bears none" },
};

enum err
ctl_number(const char *name, const char *s, uint64_t min, uint64_t max,
	   uint64_t *out, struct diag *d)
{
	char *end;

	errno = 0;
	*out = strtoull(s, &end, 10);
	if (s[0] < '0' || s[0] > '9' || *end != '\0' || errno != 0 ||
	    *out < min || *out > max) {
		return diag_set(d, ERR_USAGE,
				"%s: '%.64s' is no number from %" PRIu64
				" to %" PRIu64 CTL_TRY_HELP,
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
		e = ctl_number("--limit", value, 1, STORE_MAX_ROWS, &n, d);
		c->limit = (unsigned)n;
		c->limited = e == ERR_OK;
		return e;
	case OPT_SID:
		e = ctl_number("--sid", value, 1, UINT32_MAX, &n, d);
		f->sid = (uint32_t)n;
		return e;
	case OPT_SEVERITY:
		e = ctl_number("--severity", value, 1, 255, &n, d);
		f->max_severity = (uint8_t)n;
		return e;
	case OPT_ADDRESS:
		f->has_addr = addr_parse(view_cstr(value), &f->addr);
		return f->has_addr
			       ? ERR_OK
			       : diag_set(d, ERR_USAGE,
					  "--address: '%.64s' is no IPv4 or "
					  "IPv6 address" CTL_TRY_HELP,
					  value);
	case OPT_EXERCISE:
		f->exercise = value;
		return ERR_OK;
	case OPT_LANG:
		return lang_of(value, &c->text.lang)
			       ? ERR_OK
			       : diag_set(d, ERR_USAGE,
					  "--lang: '%.64s' is neither en nor "
					  "ja" CTL_TRY_HELP,
					  value);
	case OPT_SITE:
		f->site = value;
		return ERR_OK;
	case OPT_SENSOR:
		f->sensor = value;
		return ERR_OK;
	case OPT_TEXT:
		f->text = value;
		return ERR_OK;
	case OPT_ORDER:
		c->by_time = strcmp(value, "time") == 0;
		return c->by_time || strcmp(value, "arrival") == 0
			       ? ERR_OK
			       : diag_set(d, ERR_USAGE,
					  "--order: '%.64s' is neither "
					  "'arrival' nor 'time'" CTL_TRY_HELP,
					  value);
	default:
		return ERR_NOTFOUND;
	}
}

/* A length of time: 90s, 30m, 12h, 7d. */
static bool
length(const char *s, uint64_t *us)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	uint64_t n = strtoull(s, &end, 10);

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (s[0] >= '0' && s[0] <= '9' && end[0] == units[i].unit &&
		    end[1] == '\0' && n <= 36500) {
			*us = n * units[i].seconds * US_PER_S;
			return true;
		}
	}
	return false;
}

/* A moment, or so long before now. */
static enum err
since(const char *s, uint64_t *us, struct diag *d)
{
	uint64_t n, now = clock_wall_us();

	if (clock_parse_iso(view_cstr(s), us)) {
		return ERR_OK;
	}
	if (length(s, &n)) {
		*us = now - MIN(n, now);
		return ERR_OK;
	}
	return diag_set(
		d, ERR_USAGE,
		"--since: '%.64s' is no time; write 2026-11-22, "
		"2026-11-22T18:00:00Z, 90s, 30m, 12h or 7d" CTL_TRY_HELP,
		s);
}

/* Those of indicators; ERR_NOTFOUND: none of these. */
static enum err
indicator_option(struct ctl_arguments *args, int opt, struct diag *d)
{
	switch (opt) {
	case OPT_SOURCE:
		args->source = optarg;
		return ERR_OK;
	case OPT_SNAPSHOT:
		args->snapshot = true;
		return ERR_OK;
	case OPT_MARK:
		args->mark = optarg;
		return ERR_OK;
	case OPT_UNTIL:
		return clock_parse_iso(view_cstr(optarg), &args->until_us)
			       ? ERR_OK
			       : diag_set(d, ERR_USAGE,
					  "--until: '%.64s' is no time; write "
					  "2026-12-31 or "
					  "2026-12-31T18:00:00Z" CTL_TRY_HELP,
					  optarg);
	default:
		return ERR_NOTFOUND;
	}
}

/* Of incidents that are parted and keys that are muted; ERR_NOTFOUND: none of
 * these. */
static enum err
case_option(struct ctl_arguments *args, int opt, const char *value,
	    struct diag *d)
{
	switch (opt) {
	case OPT_FOR:
		return length(value, &args->for_us) && args->for_us != 0
			       ? ERR_OK
			       : diag_set(d, ERR_USAGE,
					  "--for: '%.64s' is no time; write "
					  "90s, 30m, 12h or 7d" CTL_TRY_HELP,
					  value);
	case OPT_KEYS:
		args->key = value;
		return ERR_OK;
	case OPT_RUN:
		args->run = value;
		return ERR_OK;
	default:
		return ERR_NOTFOUND;
	}
}

/* What is shared, and its log; ERR_NOTFOUND: none of these. */
static enum err
share_option(struct ctl_arguments *args, int opt, const char *value)
{
	switch (opt) {
	case OPT_TO:
		args->to = args->share.to = value;
		return ERR_OK;
	case OPT_OUT:
		args->share.out = value;
		return ERR_OK;
	case OPT_KINDS:
		args->share.kinds = value;
		return ERR_OK;
	case OPT_DRY_RUN:
		args->share.dry_run = true;
		return ERR_OK;
	case OPT_CHECKPOINT:
		args->audit.checkpoint = value;
		return ERR_OK;
	default:
		return ERR_NOTFOUND;
	}
}

static enum err
kind(const char *value, const char **out, struct diag *d)
{
	enum finding_kind k;

	*out = value;
	return finding_kind_read(view_cstr(value), &k)
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE,
				  "--kind: '%.64s' is none of scan, slow-scan, "
				  "spread, beacon, lateral, first-seen, "
				  "volume" CTL_TRY_HELP,
				  value);
}

static enum err
other_option(struct ctl *c, struct ctl_arguments *args, struct conf *conf,
	     int opt, struct diag *d)
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
	case OPT_HTML:
		args->html = true;
		return ERR_OK;
	case OPT_SINCE:
		return since(optarg, &args->since_us, d);
	case OPT_ASSET:
		args->asset = optarg;
		return ERR_OK;
	case OPT_KIND:
		return kind(optarg, &args->kind, d);
	case OPT_AS:
		args->as = optarg;
		return ERR_OK;
	case OPT_WHY:
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

enum err
ctl_options_read(int argc, char **argv, struct ctl *c,
		 struct ctl_arguments *args, struct conf *conf, struct diag *d)
{
	static const char *const own[] = { "store",    "redis",   "missions",
					   "partners", "release", "evidence",
					   NULL };
	enum err e = ERR_OK;
	char shown[HIDE_ARG_CAP];
	int opt;

	opterr = 0;
	while (e == ERR_OK && !args->done &&
	       (opt = getopt_long(argc, argv, ":s:jn:ac:hV", options, NULL)) !=
		       -1) {
		if (opt == ':' || opt == '?') {
			return diag_set(
				d, ERR_USAGE,
				opt == ':' ? "%s needs a value" CTL_TRY_HELP
					   : "%s: no such option" CTL_TRY_HELP,
				hide_arg(argv[optind - 1], shown));
		}
		e = filter_option(c, opt, optarg, d);
		if (e == ERR_NOTFOUND) {
			e = indicator_option(args, opt, d);
		}
		if (e == ERR_NOTFOUND) {
			e = share_option(args, opt, optarg);
		}
		if (e == ERR_NOTFOUND) {
			e = case_option(args, opt, optarg, d);
		}
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
		       ? conf_check(conf, keys, ARRAY_LEN(keys), own,
				    "picket-collector(8)", d)
		       : e;
}
