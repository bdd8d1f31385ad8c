/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/options_settings.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/confine.h"
#include "common/log.h"
#include "common/metrics_http.h"
#include "common/redis_options.h"
#include "sensor/option_keys.h"
#include "sensor/retro.h"

/* Settings of Picket's own; the others are Suricata's. */
static const struct conf_key keys[] = {
	{ "site", "string", "", "name of this site" },
	{ "sensor", "string", "host name", "name of this sensor" },
	{ "owner", "string", "", "who is responsible for this site" },
	{ "tlp", "string", "", "TLP 2.0 mark of everything sent" },
	{ "exercise", "string", "",
	  "name of the exercise this run is part of" },
	{ "workers", "number", "1",
	  "threads that inspect; live: one a processor" },
	{ "pace", "string", "max", "replay speed: max, 1, 10 ..." },
	{ "redis", "string", "", "where to forward to" },
	REDIS_OPTION_ROWS,
	{ "spool.dir", "string", "", "where batches wait" },
	{ "spool.max-size", "size", "1gb", "bound of the spool" },
	{ "watches.*", "list", "", "networks that this sensor watches" },
	{ "indicator-max-age", "number", "0",
	  "seconds; older indicator files are stale" },
	{ "ledger.interval", "number", "60",
	  "seconds between events with the ledger" },
	{ "spool.sync", "string", "batch",
	  "when batches are made durable: batch, interval, none" },
	{ "spool.resend-seconds", "number", "10",
	  "without progress, send again after" },
	{ "forward.types", "list", "alert,stats,anchor,contacts",
	  "event types forwarded" },
	{ "forward.sign.key", "string", "",
	  "key that signs batches and presence: FILE, or hmac:FILE" },
	{ "forward.sign.collector-key", "string", "",
	  "key that must have signed the committed point" },
	{ "forward.drain-ms", "number", "10000",
	  "at the end, wait for Redis this long" },
	{ "forward.linger-ms", "number", "5000",
	  "at the end, wait for the collector's word this long" },
	{ "forward.batch-ms", "number", "250",
	  "events wait for others this long at most" },
	{ "forward.presence-ms", "number", "2000",
	  "so often the sensor says that it is there" },
	{ "eve.file", "string", "", "EVE JSON output" },
	{ "eve.types", "list", "all", "event types written" },
	{ "eve.drain-ms", "number", "10000",
	  "at the end, wait for a pipe's reader this long" },
	{ "eve.alert.*", "map", "", "what alerts show" },
	{ "eve.community-id", "bool", "yes", "add the Community ID" },
	{ "eve.community-id-seed", "number", "0", "its seed" },
	{ "eve.packet", "string", "rebuilt",
	  "packets in alerts: no, rebuilt (by defragmentation), yes" },
	{ "stats.file", "string", "", "final counters" },
	{ "memory.worker", "size", "1gb", "bound of each worker's pool" },
	{ "memory.prealloc", "size", "64mb", "of it, there at the start" },
	{ "indicators.*", "list", "", "indicator files" },
	{ "vars.*", "map", "", "address and port groups" },
	{ "datasets.*", "map", "", "named sets of values, and their limits" },
	{ "default-data-dir", "string", "",
	  "where lists and saved datasets lie" },
	{ "host.memcap", "size", "32mb", "bound of bits of hosts" },
	{ "ippair.memcap", "size", "32mb", "bound of bits of pairs" },
	{ "retro.dir", "string", "",
	  "where what was seen is kept for later questions" },
	{ "retro.max-size", "size", "1gb", "bound of that" },
	{ "retro.keep-days", "number", "90",
	  "what was last seen longer ago goes; 0: stays" },
	{ "retro.types", "list", "all", "kinds of what is kept" },
	{ "evidence.dir", "string", "", "where packets of alerts are kept" },
	{ "evidence.mode", "string", "none",
	  "which: none, alerts, flows (theirs, from the alert on)" },
	{ "evidence.total-size", "size", "1gb",
	  "bound of all files: the oldest goes" },
	{ "evidence.file-size", "size", "64mb", "bound of a file" },
	{ "evidence.flow-packets", "number", "10000",
	  "kept of a flow, at most" },
	{ "evidence.flow-bytes", "size", "10mb", "kept of a flow, at most" },
	{ "evidence.snaplen", "size", "262144", "bytes kept of a packet" },
	{ "evidence.before", "size", "4mb",
	  "for packets of flows that may yet alert, each worker; 0: none" },
	{ "evidence.buffer", "size", "4mb",
	  "for packets that wait for the disk, each worker" },
	{ "control.public-key", "string", "",
	  "key of who may tell this sensor to reload" },
	{ "arming.enabled", "bool", "yes",
	  "look for the common indicators that the same key signed" },
	{ "arming.files", "bool", "yes",
	  "those of them that are digests of files too" },
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
	{ "contacts.enabled", "bool", "yes", "sum up what each host contacts" },
	{ "contacts.interval", "number", "60", "seconds that a sum is of" },
	{ "contacts.max-hosts", "number", "8192",
	  "hosts of a worker in a table at once" },
	{ "overload.enabled", "bool", "yes",
	  "live: shed load by priority when behind" },
	{ "overload.start", "number", "25",
	  "percent of a capture buffer: shed more from here on" },
	{ "overload.urgent", "number", "60",
	  "and even while it empties, from here on" },
	{ "overload.stop", "number", "5", "and less below this" },
	{ "overload.step-ms", "number", "20", "between two levels up" },
	{ "overload.calm-ms", "number", "1000", "and down, of calm" },
	{ "overload.elephant-bytes", "size", "10mb",
	  "flows above are very large" },
	{ "overload.elephant-keep", "size", "64kb",
	  "of a direction, always inspected" },
	{ "overload.default-priority", "number", "5",
	  "of addresses not named" },
	{ "overload.missions", "string", "",
	  "mission map: critical assets are shed last" },
	{ "overload.priorities.*", "list", "",
	  "networks and their priority: 1 is shed last, 5 first" },
	{ "bpf-filter", "string", "", "capture filter" },
	{ "metrics.listen", "string", "",
	  "ADDRESS:PORT for Prometheus; absent: none" },
	{ "metrics.allow-remote", "bool", "no",
	  "let it listen beyond loopback, without a log-in" },
	{ "capture.interfaces.*", "list", "", "interfaces, with what differs" },
	{ "capture.snaplen", "size", "262144", "bytes kept of a packet" },
	{ "capture.promiscuous", "bool", "yes",
	  "see what is not for this machine" },
	{ "capture.ring-size", "size", "64mb",
	  "for packets that wait, each worker and interface" },
	{ "capture.timeout-ms", "number", "10",
	  "the longest that packets wait for others" },
	{ "capture.immediate", "bool", "no", "packets do not wait for others" },
	{ "capture.timestamp", "string", "host", "whose clock: host, adapter" },
	{ "capture.fanout", "string", "pair",
	  "how workers share an interface: pair, hash" },
	{ "capture.cpu-affinity.*", "list", "", "processors of the workers" },
	CONFINE_ROWS,
	{ "stats.interval", "number", "8",
	  "live: seconds between two stats events" },
};

static const char *const own_sections[] = {
	"spool",  "forward",  "eve",      "memory",   "picket",
	"rules",  "control",  "arming",   "metrics",  "redis",
	"ledger", "watches",  "run-as",   "security", "overload",
	"retro",  "contacts", "evidence", NULL
};

enum err
path_list_push(struct path_list *l, const char *v, struct diag *d)
{
	if (l->n == OPTIONS_MAX_LIST) {
		return diag_set(d, ERR_USAGE,
				"more than %d paths; name a directory instead",
				OPTIONS_MAX_LIST);
	}
	l->v[l->n++] = v;
	return ERR_OK;
}

enum err
options_read_types(const char *list, uint32_t *out, const char *option,
		   struct diag *d)
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
				"ssh, flow, packet, stats, anchor and "
				"contacts",
				option, (int)n, p);
		}
		if (n > 0) {
			*out |= UINT32_C(1) << t;
		}
		p += n + (p[n] == ',');
	}
	return ERR_OK;
}

static unsigned
one_a_processor(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set)
							     : 1;

	return (unsigned)MAX(1, MIN(n, LIVE_MAX_WORKERS));
}

static enum err
read_numbers(struct options *o, struct diag *d)
{
	const char *pace = conf_str(o->conf, "pace", "max");
	const char *workers = conf_get(o->conf, "workers");
	char *end, own[8];
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
	if (workers == NULL) {
		snprintf(own, sizeof(own), "%u",
			 o->live.n > 0 ? one_a_processor() : 1);
		workers = own;
	}
	n = strtoul(workers, &end, 10);
	if (*end != '\0' || n < 1 || n > 64) {
		return diag_set(d, ERR_USAGE, "--workers %s: expected 1 to 64",
				workers);
	}
	o->workers = (unsigned)n;
	o->stats_s = (unsigned)conf_u64(o->conf, "stats.interval", 8, 0, 86400);
	return ERR_OK;
}

/* Of packets from files only what was asked for on the command line is kept:
 * they are often others'. */
static enum err
read_retro(struct options *o, struct diag *d)
{
	const char *p = conf_str(o->conf, "retro.types", "all");

	if (o->live.n > 0 || o->retro_given || o->retro_ask.n > 0) {
		o->retro = conf_named(o->conf, "retro.dir");
	}
	o->retro_size = conf_u64(o->conf, "retro.max-size", UINT64_C(1) << 30,
				 RETRO_MIN_SIZE, UINT64_C(1) << 50);
	o->retro_days =
		(uint32_t)conf_u64(o->conf, "retro.keep-days", 90, 0, 36500);
	for (; *p != '\0'; p += *p == ',') {
		size_t n = strcspn(p, ",");

		if (!retro_type_read(view_of(p, n), &o->retro_types)) {
			return diag_set(
				d, ERR_USAGE,
				"retro.types: no type '%.*s'; there are all, "
				"ip, domain, url, ja3, ja4, cert-sha1, "
				"cert-sha256, file-md5, file-sha1, "
				"file-sha256 and user-agent",
				(int)n, p);
		}
		p += n;
	}
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
	if (path_list_push(&o->rules, path, &d) != ERR_OK) {
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
	if (path_list_push(&o->indicators, value, &d) != ERR_OK) {
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
check_sense(struct options *o, struct diag *d)
{
	enum err e;

	e = options_read_types(
		conf_str(o->conf, "eve.types",
			 "alert,anomaly,dns,fileinfo,http,tls,ssh,flow,"
			 "packet,stats,contacts"),
		&o->eve_types, "--eve-types", d);
	if (e == ERR_OK) {
		e = options_read_types(conf_str(o->conf, "forward.types",
						"alert,stats,anchor,contacts"),
				       &o->forward_types, "--forward-types", d);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!spool_sync_policy_read(conf_str(o->conf, "spool.sync", "batch"),
				    &o->spool_sync)) {
		return diag_set(d, ERR_USAGE,
				"spool.sync: '%s' is none of batch, interval "
				"and none",
				conf_str(o->conf, "spool.sync", ""));
	}
	if (o->interfaces.n > 0 && o->read.n > 0) {
		return diag_set(d, ERR_USAGE,
				"--interface and --read: one or the other");
	}
	if (o->live.n > 0 && o->pace > 0) {
		return diag_set(d, ERR_USAGE,
				"--pace is for --read; interfaces have their "
				"own");
	}
	if (o->retro_ask.n > 0 && o->retro == NULL) {
		return diag_set(d, ERR_USAGE,
				"--retro-ask needs --retro DIR, or a setting "
				"retro.dir");
	}
	if (!o->check && o->read.n == 0 && o->live.n == 0 &&
	    o->retro_ask.n == 0) {
		return diag_set(d, ERR_USAGE,
				"nothing to read; give --interface NAME or "
				"--read PATH, or --check to only load rules "
				"(see --help)");
	}
	if (conf_named(o->conf, "metrics.listen") != NULL) {
		e = metrics_http_check(
			conf_named(o->conf, "metrics.listen"),
			conf_bool(o->conf, "metrics.allow-remote", false), d);
		if (e != ERR_OK) {
			return e;
		}
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
options_settle(struct options *o, const char *log_dir, struct diag *d)
{
	static char host[65], eve[4096];
	enum err e = conf_check(o->conf, keys, ARRAY_LEN(keys), own_sections,
				"picket-sensor.yaml(5)", d);

	if (e == ERR_OK) {
		e = option_keys_warn(o->conf, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (log_dir != NULL && conf_named(o->conf, "eve.file") == NULL) {
		snprintf(eve, sizeof(eve), "%s/eve.json", log_dir);
		o->eve = eve;
	} else {
		o->eve = conf_named(o->conf, "eve.file");
	}
	e = choose_data_dir(o);
	if (e != ERR_OK) {
		return diag_set(d, e, "out of memory");
	}
	if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') {
		strcpy(host, "sensor");
	}
	o->stats = conf_named(o->conf, "stats.file");
	e = redis_options_read(&o->redis_set, o->conf, NULL, d);
	if (e != ERR_OK) {
		return e;
	}
	o->redis = o->redis_set.url;
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
	e = overload_conf_read(&o->overload, o->conf, o->site, d);
	if (e == ERR_OK) {
		e = contacts_conf_read(&o->contacts, o->conf, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	/* files named on the command line stand for the interfaces that the
	 * settings name */
	e = o->read.n > 0 && o->interfaces.n == 0
		    ? ERR_OK
		    : live_conf_read(&o->live, o->conf, o->interfaces.v,
				     o->interfaces.n, d);
	if (e == ERR_OK) {
		e = read_numbers(o, d);
	}
	if (e == ERR_OK) {
		e = read_retro(o, d);
	}
	if (e == ERR_OK) {
		e = evidence_conf_read(&o->evidence, o->conf, d);
	}
	/* a replay keeps nothing unless it, or a posture, says so */
	if (o->live.n == 0 && o->redis == NULL &&
	    o->evidence.mode == EVIDENCE_NONE) {
		o->evidence.dir = NULL;
	}
	return e == ERR_OK ? check_sense(o, d) : e;
}
