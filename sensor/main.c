/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - picket-sensor: options, start and stop order, nothing else
 */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/thread.h"
#include "rules/admission.h"
#include "sensor/confined.h"
#include "sensor/forward.h"
#include "sensor/iface.h"
#include "sensor/live.h"
#include "sensor/options.h"
#include "sensor/packet_ledger.h"
#include "sensor/profile.h"
#include "sensor/progress.h"
#include "sensor/reload.h"
#include "sensor/replay.h"
#include "sensor/service.h"
#include "sensor/spool_check.h"
#include "sensor/stats.h"
#include "sensor/watch.h"

/* So many keep the writer less than busy when it makes the events of flows as
 * well: about a quarter of what a packet costs a worker. */
#define WORKERS_LATE_EVENTS 2
#define LEDGER_EVERY_US (2 * US_PER_S)

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static volatile sig_atomic_t stop_requested;
static volatile sig_atomic_t reopen_requested;
static volatile sig_atomic_t stats_requested;
static volatile sig_atomic_t reload_requested;
/* Somebody wants to read the workers' counters: see tick(). */
static volatile sig_atomic_t idle_wanted;

static void
on_signal(int sig)
{
	switch (sig) {
	case SIGHUP:
		reopen_requested = 1;
		break;
	case SIGUSR1:
		stats_requested = 1;
		idle_wanted = 1;
		break;
	case SIGUSR2:
		reload_requested = 1;
		break;
	default:
		stop_requested = 1;
	}
}

static void
catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1,
				       SIGUSR2 };
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART };

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		sigaction(signals[i], &sa, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

/* Everything that runs, in the order it was started. */
struct sensor {
	struct options opt;
	struct reload_settings loading;
	struct ruleset *rules; /* the first; the reload's once that runs */
	struct reload *reload;
	struct capture *capture; /* of files, or */
	struct live *live;
	uint64_t stats_due_us; /* live: a stats event; 0: none */
	struct forward *forward;
	struct forward_stats forwarded; /* as last asked for */
	struct sink *sink;
	struct shared_state *shared;
	struct worker *worker[64];
	unsigned n_workers;
	struct stats_source stats;
	struct profile_start profile;
	struct progress *progress;
	struct service service;
	struct confine_state confined;
	struct json json;
	uint64_t started_ms;
	struct packet_ledger *packets_told;
	uint64_t next_ledger_us;
	_Atomic uint64_t packets; /* published for the forwarder's thread */
};

static struct event_origin
origin_of(const struct options *o)
{
	return (struct event_origin){
		.site = o->site,
		.sensor = o->sensor,
		.owner = o->owner,
		.exercise = o->exercise,
		.tlp = o->tlp,
		.ifaces = o->live.n > 0 ? o->live.name : NULL,
	};
}

/* --check: everything that can be told before the first packet. */
static int
print_check(struct sensor *s)
{
	struct admission *a = admission_new(s->rules, s->opt.conf);

	if (a == NULL) {
		log_err("out of memory");
		return EXIT_FAILED;
	}
	if (s->opt.check_json) {
		json_reset(&s->json);
		admission_json(a, s->rules, &s->json);
		printf("%.*s\n", (int)s->json.len, s->json.p);
	} else {
		admission_print(a, s->rules, stdout);
		if (ruleset_indicator_count(s->rules) > 0) {
			fprintf(stderr, "indicators: %u loaded\n",
				ruleset_indicator_count(s->rules));
		}
	}
	admission_free(a);
	return EXIT_DONE;
}

/* --check-json prints JSON also when there is nothing else to tell. */
static void
print_failure(struct sensor *s, const char *why)
{
	json_reset(&s->json);
	json_obj(&s->json, NULL);
	json_cstr(&s->json, "error", why);
	json_obj_end(&s->json);
	if (!s->json.failed) {
		printf("%.*s\n", (int)s->json.len, s->json.p);
	}
}

static int
load_rules(struct sensor *s)
{
	const struct ruleset_report *r;
	struct diag d;
	enum err e;

	s->loading = (struct reload_settings){
		.conf = s->opt.conf,
		.rules = s->opt.rules.v,
		.n_rules = s->opt.rules.n,
		.indicators = s->opt.indicators.v,
		.n_indicators = s->opt.indicators.n,
		.n_workers = s->opt.workers,
		.strict = s->opt.strict,
		.profile = s->opt.profile != NULL,
	};
	s->rules = (s->opt.check ? ruleset_examine : ruleset_load)(
		s->opt.conf, s->opt.rules.v, s->opt.rules.n,
		s->opt.indicators.v, s->opt.indicators.n, &d);
	if (s->rules == NULL) {
		if (s->opt.check && s->opt.check_json) {
			print_failure(s, d.msg);
		}
		log_err("%s", d.msg);
		return EXIT_USAGE;
	}
	r = ruleset_report(s->rules);
	if (s->opt.check &&
	    confined_apply(&s->opt, s->rules, &s->confined, &d) != ERR_OK) {
		log_err("%s", d.msg);
		return EXIT_USAGE;
	}
	if (s->opt.check && print_check(s) != EXIT_DONE) {
		return EXIT_FAILED;
	}
	e = ruleset_admit(s->rules, s->opt.conf, s->opt.strict, &d);
	if (e != ERR_OK) {
		if (!s->opt.check && e == ERR_FORMAT) {
			admission_print_problems(s->rules, stderr);
		}
		log_err("%s", d.msg);
		return EXIT_USAGE;
	}
	/* Parsers and compilers leave much behind that is free. */
	malloc_trim(0);
	if (!s->opt.check) {
		reload_say_refused(s->rules, "");
	}
	if (s->opt.rules.n > 0 && r->loaded == 0 &&
	    ruleset_indicator_count(s->rules) == 0) {
		log_warn("no rule is loaded: only protocol events are written");
	}
	return EXIT_DONE;
}

/* Called by the forwarder's thread: only what tick() published. */
static void
read_presence(void *arg, struct presence_facts *out)
{
	struct sensor *s = arg;
	struct reload_status rules;

	reload_get_status(s->reload, &rules);
	snprintf(out->version, sizeof(out->version), "%s", PACKAGE_VERSION);
	snprintf(out->ruleset, sizeof(out->ruleset), "%s", rules.digest);
	snprintf(out->reload_error, sizeof(out->reload_error), "%s",
		 rules.error);
	out->rules_version = rules.version;
	out->rules_loaded = rules.loaded;
	out->rules_failed = rules.refused;
	out->reloads = rules.done;
	out->reloads_failed = rules.failed;
	snprintf(out->exercise, sizeof(out->exercise), "%s", s->opt.exercise);
	snprintf(out->owner, sizeof(out->owner), "%s", s->opt.owner);
	out->indicators = rules.indicators;
	confine_text(&s->confined, out->confined, sizeof(out->confined));
	watch_fill(s->opt.conf, s->opt.indicators.v, s->opt.indicators.n, out);
	out->packets = atomic_load_explicit(&s->packets, memory_order_relaxed);
	out->started_ms = s->started_ms;
}

/* Called by the forwarder's thread. */
static void
on_control(void *arg, const struct control_doc *doc)
{
	struct sensor *s = arg;

	switch (doc->action) {
	case CONTROL_RULES_RELOAD:
		reload_request(s->reload, "control document", doc->version);
		break;
	}
}

static enum err
start_forward(struct sensor *s, struct diag *d)
{
	const struct conf *c = s->opt.conf;
	struct forward_options set = {
		.redis_url = s->opt.redis,
		.redis = &s->opt.redis_set,
		.site = s->opt.site,
		.sensor = s->opt.sensor,
		.spool_dir = s->opt.spool,
		.spool_max_bytes =
			conf_u64(c, "spool.max-size", 0, 0, UINT64_MAX),
		.resend_s = (unsigned)conf_u64(c, "spool.resend-seconds", 0, 0,
					       86400),
		.spool_sync = s->opt.spool_sync,
		.block = s->opt.live.n == 0,
		.facts = read_presence,
		.facts_arg = s,
		.ledger_s =
			(unsigned)conf_u64(c, "ledger.interval", 60, 1, 3600),
		.packets = packet_ledger_read,
		.control_key = conf_get(c, "control.public-key"),
		.control = on_control,
		.control_arg = s,
		.sign_key = conf_get(c, "forward.sign.key"),
	};

	if (s->opt.redis == NULL) {
		return ERR_OK;
	}
	if (set.control_key == NULL) {
		log_info("control documents are not taken: "
			 "control.public-key is not set");
	}
	if (watch_check(c, d) != ERR_OK) {
		return ERR_USAGE;
	}
	s->packets_told = packet_ledger_new();
	if (s->packets_told == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	set.packets_arg = s->packets_told;
	s->started_ms = clock_wall_us() / 1000;
	return forward_start(&s->forward, &set, d);
}

static enum err
start_workers(struct sensor *s, struct diag *d)
{
	struct worker_settings set = {
		.conf = s->opt.conf,
		.rules = s->rules,
		.origin = origin_of(&s->opt),
		.event_types = s->opt.eve_types |
			       (s->forward != NULL ? s->opt.forward_types : 0),
		.memory_limit =
			conf_u64(s->opt.conf, "memory.worker",
				 UINT64_C(1) << 30, 1 << 20, UINT64_C(1) << 40),
		.overload = s->opt.live.n > 0 ? &s->opt.overload : NULL,
		.memory_ready =
			conf_u64(s->opt.conf, "memory.prealloc",
				 UINT64_C(64) << 20, 0, UINT64_C(1) << 40),
		.profile = s->opt.profile != NULL,
		.late_events = s->opt.workers <= WORKERS_LATE_EVENTS,
		.shared =
			ruleset_undivided(s->rules) != NULL ? s->shared : NULL,
	};

	if (s->opt.workers > 1 && ruleset_host_tag(s->rules) != NULL) {
		log_warn("rule %u tags hosts, whose packets no one of several "
			 "workers sees all: running with one worker",
			 ruleset_host_tag(s->rules)->sid);
		s->opt.workers = 1;
	}
	for (unsigned i = 0; i < s->opt.workers; i++) {
		s->worker[i] = worker_new(&set);
		if (s->worker[i] == NULL) {
			return diag_set(d, ERR_NOMEM,
					"out of memory for worker %u; use "
					"fewer --workers",
					i + 1);
		}
		s->n_workers++;
	}
	return ERR_OK;
}

/* A rule that cannot be decided in two places leaves one worker. */
static void
settle_workers(struct sensor *s)
{
	const struct rule *r = ruleset_undivided(s->rules);

	if (r != NULL && s->opt.workers > 1) {
		log_warn("%s:%u: sid %u tests what flows share and changes its "
			 "own flow: one worker instead of %u",
			 r->file, r->line, r->sid, s->opt.workers);
		s->opt.workers = 1;
	}
}

static enum err
open_capture(struct sensor *s, struct diag *d)
{
	const struct options *o = &s->opt;

	if (o->live.n > 0) {
		return live_open(&s->live, &o->live, s->n_workers, d);
	}
	return capture_open_files(&s->capture, o->read.v, o->read.n, o->bpf, d);
}

/* Where root has its spool is known while we are root. */
static enum err
place_spool(struct sensor *s, struct diag *d)
{
	static char dir[4096];
	char name[256];

	if (s->opt.redis == NULL || s->opt.spool != NULL) {
		return ERR_OK;
	}
	snprintf(name, sizeof(name), "%s/%s", s->opt.site, s->opt.sensor);
	s->opt.spool = dir;
	return spool_default_dir(name, dir, sizeof(dir), d);
}

static enum err
start(struct sensor *s, struct diag *d)
{
	struct sink_settings sink = {
		.eve_path = s->opt.eve,
		.eve_types = s->opt.eve_types,
		.forward_types = s->opt.forward_types,
		.threshold_entries =
			conf_u64(s->opt.conf, "detect.thresholds.memcap",
				 UINT64_C(32) << 20, 1 << 16,
				 UINT64_C(16) << 30) /
			THRESHOLD_ENTRY_BYTES,
		.live = s->opt.live.n > 0,
	};
	struct alert_conf alert;
	enum err e;

	alert_conf_read(&alert, s->opt.conf);
	sink.verdict = alert.verdict;
	e = shared_state_new(&s->shared, s->rules, s->opt.conf, d);
	if (e == ERR_OK) {
		settle_workers(s);
		e = start_workers(s, d);
	}
	if (e == ERR_OK) {
		e = open_capture(s, d);
	}
	if (e == ERR_OK) {
		e = place_spool(s, d);
	}
	/* The interfaces are open and there is no other thread yet.  What comes
	 * now does so with the rights that are left, and fails now, not when a
	 * file is opened anew, if they do not do. */
	if (e == ERR_OK) {
		e = confined_apply(&s->opt, s->rules, &s->confined, d);
	}
	if (e == ERR_OK) {
		e = service_start(&s->service, s->opt.conf, d);
	}
	sink.shared = s->shared;
	s->stats = (struct stats_source){
		.workers = s->worker,
		.n_workers = s->n_workers,
		.capture = s->capture,
		.live = s->live,
		.shared = s->shared,
		.forward = s->opt.redis != NULL ? &s->forwarded : NULL,
		.origin = origin_of(&s->opt),
		.started_mono_us = clock_mono_us(),
		.confined = &s->confined,
	};
	if (e == ERR_OK) {
		struct ruleset *first = s->rules;

		s->rules = NULL;
		s->loading.n_workers = s->n_workers;
		s->loading.shared = s->shared;
		e = reload_start(&s->reload, &s->loading, first, d);
		s->stats.reload = s->reload;
	}
	if (e == ERR_OK) {
		e = sink_open(&s->sink, &sink, d);
	}
	s->stats.sink = s->sink;
	if (e == ERR_OK) {
		e = start_forward(s, d);
		sink_set_forward(s->sink, s->forward);
	}
	return e;
}

static void
log_stats(struct sensor *s)
{
	json_reset(&s->json);
	stats_write(&s->json, NULL, &s->stats);
	if (!s->json.failed) {
		log_document("stats", s->json.p, s->json.len);
	}
}

/* Takes the packets' counters down for the ledger, every other second. */
static void
tell_packets(struct sensor *s, bool idle)
{
	uint64_t now = clock_mono_us();

	if (s->packets_told == NULL || now < s->next_ledger_us) {
		return;
	}
	if (idle) {
		packet_ledger_take(s->packets_told, &s->stats);
		s->next_ledger_us = now + LEDGER_EVERY_US;
	}
	idle_wanted |= !idle;
}

/* What the statistics say of Redis: as of now. */
static void
look_at_forward(struct sensor *s)
{
	if (s->forward != NULL) {
		forward_get_stats(s->forward, &s->forwarded);
	}
}

static void
write_stats_event(struct sensor *s, uint64_t ts_us)
{
	look_at_forward(s);
	stats_event(&s->json, &s->stats, ts_us);
	if (!s->json.failed) {
		sink_line(s->sink, EVENT_TYPE_STATS, json_view(&s->json));
	}
}

/* Live, every so often; files have one at their end. */
static void
tick_stats(struct sensor *s, bool idle)
{
	uint64_t now = clock_mono_us();

	if (s->live == NULL || s->opt.stats_s == 0 || now < s->stats_due_us) {
		return;
	}
	if (!idle) {
		idle_wanted = 1;
		return;
	}
	if (s->stats_due_us > 0) {
		write_stats_event(s, clock_wall_us());
	}
	s->stats_due_us = now + s->opt.stats_s * US_PER_S;
}

/* Between rounds: what signals asked for, and progress. */
static void
tick(void *arg, bool idle)
{
	struct sensor *s = arg;
	struct capture_stats captured;

	if (reopen_requested) {
		reopen_requested = 0;
		sink_reopen(s->sink);
	}
	/* The counters are the workers' own while they run. */
	if (idle) {
		idle_wanted = 0;
	}
	tick_stats(s, idle);
	if (stats_requested && idle) {
		stats_requested = 0;
		log_stats(s);
	}
	tell_packets(s, idle);
	if (reload_requested) {
		reload_requested = 0;
		service_reloading(&s->service);
		reload_request(s->reload, "SIGUSR2", 0);
	}
	stats_captured(&s->stats, &captured);
	atomic_store_explicit(&s->packets, captured.frames,
			      memory_order_relaxed);
	progress_update(s->progress, &captured);
	if (service_tick(&s->service, idle, captured.frames)) {
		idle_wanted = 1;
	}
}

static int
write_stats_file(struct sensor *s)
{
	const char *path = s->opt.stats;
	bool standard = path != NULL && strcmp(path, "-") == 0;
	FILE *f;

	if (path == NULL) {
		return EXIT_DONE;
	}
	json_reset(&s->json);
	look_at_forward(s);
	stats_write(&s->json, NULL, &s->stats);
	f = standard ? stdout : fopen(path, "w");
	if (f == NULL || s->json.failed ||
	    fprintf(f, "%.*s\n", (int)s->json.len, s->json.p) < 0 ||
	    (standard ? fflush(f) : fclose(f)) != 0) {
		log_err("--stats %s: %s", path, strerror(errno));
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

static enum err
run_live(struct sensor *s, struct diag *d)
{
	struct live_settings set = {
		.workers = s->worker,
		.sink = s->sink,
		.reload = s->reload,
		.stop = &stop_requested,
		.tick = tick,
		.want_idle = &idle_wanted,
		.tick_arg = s,
	};

	return live_run(s->live, &set, d);
}

static int
run(struct sensor *s)
{
	struct replay_settings set = {
		.capture = s->capture,
		.workers = s->worker,
		.n_workers = s->n_workers,
		.sink = s->sink,
		.reload = s->reload,
		.pace = s->opt.pace,
		.stop = &stop_requested,
		.tick = tick,
		.want_idle = &idle_wanted,
		.tick_arg = s,
	};
	struct replay_result result = { 0 };
	struct diag d;
	int status = EXIT_DONE;

	int rc = thread_become(THREAD_MAIN);

	if (rc != 0) {
		log_err("seccomp: the main thread: %s", strerror(rc));
		return EXIT_FAILED;
	}
	profile_begin(&s->profile);
	service_running(&s->service, &s->stats, s->forward);
	s->progress = progress_new(!s->opt.quiet && s->live == NULL &&
				   isatty(STDERR_FILENO));
	if ((s->live != NULL ? run_live(s, &d)
			     : replay_run(&set, &result, &d)) != ERR_OK) {
		log_err("%s", d.msg);
		status = EXIT_FAILED;
	}
	progress_end(s->progress);
	if (result.damaged_files > 0) {
		status = EXIT_FAILED;
	}
	s->next_ledger_us = 0;
	tell_packets(s, true);
	write_stats_event(s, result.last_us > 0 ? result.last_us
						: clock_wall_us());
	return status;
}

static void
say_result(const struct sensor *s)
{
	struct worker_counters w;
	const struct sink_counters *k = sink_counters(s->sink);

	stats_sum_workers(&s->stats, &w);
	log_info("%llu packets inspected, %llu not IP and %llu invalid "
		 "skipped; %llu alerts; thresholds held %llu matches back",
		 (unsigned long long)w.inspected,
		 (unsigned long long)w.skipped_not_ip,
		 (unsigned long long)w.skipped_invalid,
		 (unsigned long long)k->alerts,
		 (unsigned long long)k->suppressed);
}

/* What is not yet in the collector's store waits in the spool. */
static void
stop_forward(struct sensor *s)
{
	unsigned wait_ms = (unsigned)conf_u64(s->opt.conf, "forward.drain-ms",
					      10000, 0, 3600000);
	const struct forward_stats *st = &s->forwarded;
	struct forward_result r;

	if (s->forward == NULL) {
		return;
	}
	/* The writer is through with what it had for the forwarder. */
	sink_set_forward(s->sink, NULL);
	forward_finish(s->forward, FORWARD_SENT, wait_ms, &r);
	look_at_forward(s);
	forward_free(s->forward);
	s->forward = NULL;
	log_info("forwarded %llu event%s in %llu batch%s",
		 (unsigned long long)st->events, st->events == 1 ? "" : "s",
		 (unsigned long long)st->batches, st->batches == 1 ? "" : "es");
	if (loss_total(&st->lost) > 0) {
		char text[200];

		loss_counts_text(&st->lost, text, sizeof(text));
		log_warn("%llu events were lost before they were sent (%s), "
			 "told by %llu alerts",
			 (unsigned long long)loss_total(&st->lost), text,
			 (unsigned long long)st->loss_alerts);
	}
	if (r.left_batches > 0) {
		bool one = r.left_batches == 1;

		log_info("%llu batch%s in the spool until the collector has "
			 "committed %s",
			 (unsigned long long)r.left_batches,
			 one ? " waits" : "es wait", one ? "it" : "them");
	}
	if (!r.reached) {
		log_warn("Redis did not take everything within %u ms (%s); the "
			 "next start with this spool sends the rest",
			 wait_ms, st->last_error);
	}
}

/* The mirror image of start(). */
static int
stop(struct sensor *s, int status)
{
	int st;

	service_stopping(&s->service);
	if (s->sink != NULL && status != EXIT_USAGE) {
		say_result(s);
		st = write_stats_file(s);
		status = MAX(status, st);
		if (s->opt.profile != NULL &&
		    !profile_write(&s->profile, s->worker, s->n_workers,
				   s->opt.profile, s->opt.profile_json)) {
			status = MAX(status, EXIT_FAILED);
		}
	}
	stop_forward(s);
	if (sink_close(s->sink) != ERR_OK && status == EXIT_DONE) {
		status = EXIT_FAILED;
	}
	if (s->shared != NULL && status != EXIT_USAGE &&
	    shared_state_save(s->shared) != ERR_OK && status == EXIT_DONE) {
		status = EXIT_FAILED;
	}
	for (unsigned i = 0; i < s->n_workers; i++) {
		worker_free(s->worker[i]);
	}
	service_stop(&s->service);
	packet_ledger_free(s->packets_told);
	capture_close(s->capture);
	live_close(s->live);
	reload_free(s->reload);
	shared_state_free(s->shared); /* the reload's thread looks at it */
	ruleset_free(s->rules);
	json_fini(&s->json);
	options_fini(&s->opt);
	return status;
}

/* --spool-check: the verdict is the exit status. */
static int
check_spool(const struct options *o)
{
	struct spool_check c;
	int status;

	spool_check(&c, o->spool_check);
	status = (int)c.verdict;
	if (!(o->json ? spool_check_json : spool_check_print)(&c, stdout)) {
		log_err("cannot write what was found: %s", strerror(errno));
		status = EXIT_USAGE;
	}
	spool_check_fini(&c);
	return status;
}

int
main(int argc, char **argv)
{
	static struct sensor s;
	struct diag d;
	int status;

	log_init("picket-sensor", LOG_INFO, false);
	if (options_read(&s.opt, argc, argv, &d) != ERR_OK) {
		if (s.opt.check_json) {
			print_failure(&s, d.msg);
			json_fini(&s.json);
		}
		log_err("%s", d.msg);
		options_fini(&s.opt);
		return EXIT_USAGE;
	}
	if (s.opt.help) {
		options_print_help();
		options_fini(&s.opt);
		return EXIT_DONE;
	}
	if (s.opt.version) {
		printf("picket-sensor %s\n", PACKAGE_VERSION);
		options_fini(&s.opt);
		return EXIT_DONE;
	}
	if (s.opt.spool_check != NULL) {
		status = check_spool(&s.opt);
		options_fini(&s.opt);
		return status;
	}
	if (s.opt.list_interfaces) {
		status = EXIT_DONE;
		if (iface_print_all(stdout, &d) != ERR_OK) {
			log_err("%s", d.msg);
			status = EXIT_FAILED;
		}
		options_fini(&s.opt);
		return status;
	}
	if (!sign_ready()) {
		log_err("out of memory");
		options_fini(&s.opt);
		return EXIT_FAILED;
	}
	catch_signals();
	status = load_rules(&s);
	if (status != EXIT_DONE || s.opt.check) {
		return stop(&s, status);
	}
	if (start(&s, &d) != ERR_OK) {
		log_err("%s", d.msg);
		return stop(&s, EXIT_USAGE);
	}
	return stop(&s, run(&s));
}
