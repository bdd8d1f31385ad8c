/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - picket-sensor: options, start and stop order, nothing else
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/hide_args.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/thread.h"
#include "sensor/iface.h"
#include "sensor/retro_ask.h"
#include "sensor/sensor.h"
#include "sensor/spool_check.h"

/* So many keep the writer less than busy when it makes the events of flows as
 * well: about a quarter of what a packet costs a worker. */
#define WORKERS_LATE_EVENTS 2

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

static enum err
start_workers(struct sensor *s, struct diag *d)
{
	struct worker_settings set = {
		.conf = s->opt.conf,
		.rules = s->rules,
		.origin = origin_of(&s->opt),
		.event_types =
			s->opt.eve_types |
			(s->opt.redis != NULL ? s->opt.forward_types : 0),
		.memory_limit =
			conf_u64(s->opt.conf, "memory.worker",
				 UINT64_C(1) << 30, 1 << 20, UINT64_C(1) << 40),
		.contacts = s->opt.contacts.enabled ? &s->opt.contacts : NULL,
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
		set.retro = retro_notes(s->retro, i);
		set.evidence = evidence_tap(s->evidence, i);
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
	enum err e;

	if (o->live.n > 0) {
		return live_open(&s->live, &o->live, s->n_workers, d);
	}
	e = capture_open_files(&s->capture, o->read.v, o->read.n, o->bpf, d);
	if (e == ERR_OK) {
		capture_stop(s->capture, &sensor_stop_requested);
	}
	return e;
}

static struct sink_settings
sink_settings_of(const struct sensor *s)
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
		.threshold_percent = (unsigned)conf_u64(
			s->opt.conf, "detect.thresholds.percent", 100, 1,
			10000),
		.live = s->opt.live.n > 0,
		.stop = &sensor_stop_requested,
		.drain_us = conf_u64(s->opt.conf, "eve.drain-ms", 10000, 0,
				     3600000) *
			    1000,
	};
	struct alert_conf alert;

	alert_conf_read(&alert, s->opt.conf);
	sink.verdict = alert.verdict;
	sink.shared = s->shared;
	return sink;
}

/* What may be read of all that runs by now. */
static void
open_stats(struct sensor *s)
{
	s->stats = (struct stats_source){
		.workers = s->worker,
		.n_workers = s->n_workers,
		.capture = s->capture,
		.live = s->live,
		.shared = s->shared,
		.armed = s->armed,
		.forward = s->opt.redis != NULL ? &s->forwarded : NULL,
		.origin = origin_of(&s->opt),
		.started_mono_us = clock_mono_us(),
		.confined = &s->confined,
		.retro = s->retro,
		.evidence = s->evidence,
	};
}

static enum err
start_contacts(struct sensor *s, struct diag *d)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < s->n_workers; i++) {
		e = worker_start_contacts(s->worker[i], s->live == NULL, d);
	}
	return e;
}

static enum err
start_reload(struct sensor *s, struct diag *d)
{
	struct ruleset *first = s->rules;
	enum err e;

	s->rules = NULL;
	s->loading.n_workers = s->n_workers;
	s->loading.shared = s->shared;
	s->loading.retro = s->retro;
	e = reload_start(&s->reload, &s->loading, first, d);
	s->stats.reload = s->reload;
	return e;
}

static enum err
start_sink(struct sensor *s, struct diag *d)
{
	struct sink_settings set = sink_settings_of(s);
	enum err e = sink_open(&s->sink, &set, d);

	s->stats.sink = s->sink;
	return e;
}

static enum err
open_retro(struct sensor *s, struct diag *d)
{
	const struct options *o = &s->opt;
	struct retro_settings set = {
		.index = { .dir = o->retro,
			   .max_size = o->retro_size,
			   .keep_s = o->retro_days * 86400 },
		.origin = origin_of(o),
		.n_workers = o->workers,
		.types = o->retro_types,
		.home = o->contacts.home,
		.patient = o->live.n == 0,
	};

	return o->retro != NULL ? retro_open(&s->retro, &set, d) : ERR_OK;
}

static enum err
open_evidence(struct sensor *s, struct diag *d)
{
	const struct options *o = &s->opt;

	return o->evidence.dir != NULL
		       ? evidence_open(&s->evidence, &o->evidence, o->workers,
				       o->live.n == 0, d)
		       : ERR_OK;
}

/* A replay that is to keep nothing goes on where it could not. */
static enum err
run_evidence(struct sensor *s, struct diag *d)
{
	enum err e =
		s->evidence != NULL ? evidence_run(s->evidence, d) : ERR_OK;

	if (e != ERR_OK && s->opt.live.n == 0 &&
	    s->opt.evidence.mode == EVIDENCE_NONE) {
		log_warn("%s: no packets are kept, whatever the posture",
			 d->msg);
		return ERR_OK;
	}
	return e;
}

static enum err
start(struct sensor *s, struct diag *d)
{
	enum err e = shared_state_new(&s->shared, s->rules, s->opt.conf, d);

	if (e == ERR_OK) {
		settle_workers(s);
		e = open_retro(s, d);
	}
	if (e == ERR_OK) {
		e = open_evidence(s, d);
	}
	if (e == ERR_OK) {
		e = start_workers(s, d);
	}
	if (e == ERR_OK) {
		e = open_capture(s, d);
	}
	if (e == ERR_OK) {
		e = sensor_place_spool(s, d);
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
	open_stats(s);
	if (e == ERR_OK && s->retro != NULL) {
		e = retro_run(s->retro, d);
	}
	if (e == ERR_OK) {
		e = run_evidence(s, d);
	}
	if (e == ERR_OK) {
		e = start_reload(s, d);
	}
	if (e == ERR_OK) {
		e = start_contacts(s, d);
	}
	if (e == ERR_OK) {
		e = start_sink(s, d);
	}
	if (e == ERR_OK) {
		e = sensor_start_forward(s, d);
		sink_set_forward(s->sink, s->forward);
	}
	if (e == ERR_OK) {
		e = sensor_start_armed(s, d);
	}
	return e;
}

static enum err
run_live(struct sensor *s, struct diag *d)
{
	struct live_settings set = {
		.workers = s->worker,
		.sink = s->sink,
		.reload = s->reload,
		.stop = &sensor_stop_requested,
		.tick = sensor_tick,
		.want_idle = &sensor_idle_wanted,
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
		.stop = &sensor_stop_requested,
		.tick = sensor_tick,
		.want_idle = &sensor_idle_wanted,
		.tick_arg = s,
	};
	struct replay_result result = { 0 };
	struct diag d;
	int status = SENSOR_DONE;
	int rc = thread_become(THREAD_MAIN);

	if (rc != 0) {
		log_err("seccomp: the main thread: %s", strerror(rc));
		return SENSOR_FAILED;
	}
	sensor_posture_turn(s, true); /* of an earlier run */
	sensor_exercise_turn(s, true);
	profile_begin(&s->profile);
	service_running(&s->service, &s->stats, s->forward);
	s->progress = progress_new(!s->opt.quiet && s->live == NULL &&
				   isatty(STDERR_FILENO));
	if ((s->live != NULL ? run_live(s, &d)
			     : replay_run(&set, &result, &d)) != ERR_OK) {
		log_err("%s", d.msg);
		status = SENSOR_FAILED;
	}
	progress_end(s->progress);
	if (result.damaged_files > 0) {
		status = SENSOR_FAILED;
	}
	sensor_end_retro(s);
	evidence_end(s->evidence);
	s->next_ledger_us = 0;
	sensor_tell_packets(s, true);
	sensor_write_stats_event(s, result.last_us > 0 ? result.last_us
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

/* The mirror image of start(). */
static int
stop(struct sensor *s, int status)
{
	int st;

	service_stopping(&s->service);
	if (s->sink != NULL && status != SENSOR_USAGE) {
		say_result(s);
		st = sensor_write_stats_file(s);
		status = MAX(status, st);
		if (s->opt.profile != NULL &&
		    !profile_write(&s->profile, s->worker, s->n_workers,
				   s->opt.profile, s->opt.profile_json)) {
			status = MAX(status, SENSOR_FAILED);
		}
	}
	if (s->armed != NULL) {
		armed_stop(s->armed);
	}
	sensor_stop_forward(s);
	if (sink_close(s->sink) != ERR_OK && status == SENSOR_DONE) {
		status = SENSOR_FAILED;
	}
	if (s->shared != NULL && status != SENSOR_USAGE &&
	    shared_state_save(s->shared) != ERR_OK && status == SENSOR_DONE) {
		status = SENSOR_FAILED;
	}
	for (unsigned i = 0; i < s->n_workers; i++) {
		worker_free(s->worker[i]);
	}
	service_stop(&s->service);
	packet_ledger_free(s->packets_told);
	capture_close(s->capture);
	live_close(s->live);
	reload_free(s->reload);
	retro_close(s->retro);
	evidence_close(s->evidence);
	sensor_exercise_free(s); /* the index's thread looks at them */
	shared_state_free(s->shared); /* the reload's thread looks at it */
	ruleset_free(s->rules);
	armed_free(s->armed); /* matchers look at it */
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
		status = SENSOR_USAGE;
	}
	spool_check_fini(&c);
	return status;
}

/* --retro-ask: whether anything was seen is the exit status. */
static int
ask_retro(const struct options *o)
{
	struct diag d;
	bool seen;

	if (retro_ask_values(o->retro, o->retro_ask.v, o->retro_ask.n, o->json,
			     stdout, &seen, &d) != ERR_OK) {
		log_err("%s", d.msg);
		return SENSOR_USAGE;
	}
	if (!seen) { /* silence could be anything */
		log_info("nothing of this is in the index %s", o->retro);
	}
	return seen ? SENSOR_DONE : SENSOR_FAILED;
}

int
main(int argc, char **argv)
{
	static struct sensor s = {
		.posture = { .lock = PTHREAD_MUTEX_INITIALIZER },
		.exercises = { .lock = PTHREAD_MUTEX_INITIALIZER },
	};
	struct diag d;
	int status;

	log_init("picket-sensor", LOG_INFO, false);
	argv = hide_args(argc, argv);
	if (options_read(&s.opt, argc, argv, &d) != ERR_OK) {
		if (s.opt.check_json) {
			sensor_print_failure(&s, d.msg);
			json_fini(&s.json);
		}
		log_err("%s", d.msg);
		options_fini(&s.opt);
		return SENSOR_USAGE;
	}
	if (s.opt.help) {
		options_print_help();
		options_fini(&s.opt);
		return SENSOR_DONE;
	}
	if (s.opt.version) {
		printf("picket-sensor %s\n", PACKAGE_VERSION);
		options_fini(&s.opt);
		return SENSOR_DONE;
	}
	if (s.opt.spool_check != NULL) {
		status = check_spool(&s.opt);
		options_fini(&s.opt);
		return status;
	}
	if (s.opt.retro_ask.n > 0) {
		status = ask_retro(&s.opt);
		options_fini(&s.opt);
		return status;
	}
	if (s.opt.list_interfaces) {
		status = SENSOR_DONE;
		if (iface_print_all(stdout, &d) != ERR_OK) {
			log_err("%s", d.msg);
			status = SENSOR_FAILED;
		}
		options_fini(&s.opt);
		return status;
	}
	if (!sign_ready()) {
		log_err("out of memory");
		options_fini(&s.opt);
		return SENSOR_FAILED;
	}
	sensor_catch_signals();
	status = sensor_load_rules(&s);
	if (status != SENSOR_DONE || s.opt.check) {
		return stop(&s, status);
	}
	if (start(&s, &d) != ERR_OK) {
		log_err("%s", d.msg);
		return stop(&s, SENSOR_USAGE);
	}
	return stop(&s, run(&s));
}
