/* SPDX-License-Identifier: Apache-2.0 */
/* Between rounds: signals, statistics, the ledger of packets, progress. */
#include "sensor/sensor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/outputs.h"

#define LEDGER_EVERY_US (2 * US_PER_S)
#define DROPS_EVERY_US US_PER_S
#define PATTERNS_WAIT_US (5 * US_PER_S)

volatile sig_atomic_t sensor_stop_requested;
volatile sig_atomic_t sensor_idle_wanted;
static volatile sig_atomic_t reopen_requested;
static volatile sig_atomic_t stats_requested;
static volatile sig_atomic_t reload_requested;

/* Whichever thread ticks looks at them, of which volatile says nothing. */
static void
set(volatile sig_atomic_t *flag, sig_atomic_t v)
{
	__atomic_store_n(flag, v, __ATOMIC_RELAXED);
}

/* Whether it was asked for; once. */
static bool
take(volatile sig_atomic_t *flag)
{
	return __atomic_load_n(flag, __ATOMIC_RELAXED) != 0 &&
	       __atomic_exchange_n(flag, 0, __ATOMIC_RELAXED) != 0;
}

static void
on_signal(int sig)
{
	switch (sig) {
	case SIGHUP:
		set(&reopen_requested, 1);
		break;
	case SIGUSR1:
		set(&stats_requested, 1);
		set(&sensor_idle_wanted, 1);
		break;
	case SIGUSR2:
		set(&reload_requested, 1);
		break;
	default:
		set(&sensor_stop_requested, 1);
	}
}

void
sensor_catch_signals(void)
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
void
sensor_tell_packets(struct sensor *s, bool idle)
{
	uint64_t now = clock_mono_us();

	if (s->packets_told == NULL || now < s->next_ledger_us) {
		return;
	}
	if (idle) {
		packet_ledger_take(s->packets_told, &s->stats);
		s->next_ledger_us = now + LEDGER_EVERY_US;
	} else {
		set(&sensor_idle_wanted, 1);
	}
}

void
sensor_write_stats_event(struct sensor *s, uint64_t ts_us)
{
	sensor_look_at_forward(s);
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
		set(&sensor_idle_wanted, 1);
		return;
	}
	if (s->stats_due_us > 0) {
		sensor_write_stats_event(s, clock_wall_us());
	}
	s->stats_due_us = now + s->opt.stats_s * US_PER_S;
}

/* Live: whether the kernel drops packets, every second. */
static void
look_at_drops(struct sensor *s)
{
	uint64_t now = clock_mono_us(), seen = 0, dropped = 0;

	if (s->live == NULL || now < s->next_drops_us) {
		return;
	}
	for (unsigned i = 0; i < live_interfaces(s->live); i++) {
		struct live_counters n;

		live_get_counters(s->live, i, &n);
		seen += n.kernel_seen;
		dropped += n.kernel_dropped;
	}
	drop_report(&s->drops, seen, dropped, now);
	s->next_drops_us = now + DROPS_EVERY_US;
}

static void
say_answer(void *arg, uint8_t severity, struct view line)
{
	struct sensor *s = arg;

	sink_alert(s->sink, severity, line);
}

void
sensor_ask_armed(struct sensor *s)
{
	/* answers are taken meanwhile, or there would be no room for more */
	while (sensor_stop_requested == 0 && !armed_ask(s->armed)) {
		retro_take_answers(s->retro, say_answer, s);
		(void)poll(NULL, 0, 2);
	}
}

/* What the disk had is in the set that the first packet is held against; a
 * link does not wait for a set that takes long. */
void
sensor_load_patterns(struct sensor *s)
{
	uint64_t until = clock_mono_us() + PATTERNS_WAIT_US;
	struct reload_status r;
	struct armed_status a;

	armed_read(s->armed, &a);
	if (a.patterns == 0) {
		return;
	}
	reload_patterns(s->reload);
	do {
		if (s->retro != NULL) {
			retro_take_answers(s->retro, say_answer, s);
		}
		(void)poll(NULL, 0, 2);
		reload_get_status(s->reload, &r);
	} while (!r.ready && r.failed == 0 && sensor_stop_requested == 0 &&
		 (s->opt.live.n == 0 || clock_mono_us() < until));
}

void
sensor_end_retro(struct sensor *s)
{
	if (s->retro != NULL) {
		/* a capture may be read sooner than all is asked; answers are
		 * taken meanwhile, or there would be no room for more */
		while (s->live == NULL && sensor_stop_requested == 0 &&
		       !(reload_has_asked(s->reload) &&
			 retro_all_answered(s->retro))) {
			retro_take_answers(s->retro, say_answer, s);
			(void)poll(NULL, 0, 2);
		}
		retro_end(s->retro);
		retro_take_answers(s->retro, say_answer, s);
	}
}

static void
look_for_reader(struct sensor *s)
{
	if (!s->reader_gone && sink_reader_gone(s->sink)) {
		s->reader_gone = true;
		if (!outputs_reader_gone(&s->opt, s->shared)) {
			set(&sensor_stop_requested, 1);
		}
	}
}

/* Between rounds: what signals asked for, and progress. */
static void
reload_keys(struct sensor *s)
{
	forward_reload_keys(s->forward);
	if (s->armed != NULL) {
		armed_reload_key(s->armed);
	}
}

void
sensor_tick(void *arg, bool idle)
{
	struct sensor *s = arg;
	struct capture_stats captured;

	if (take(&reopen_requested)) {
		sink_reopen(s->sink);
		reload_keys(s);
	}
	look_for_reader(s);
	if (s->retro != NULL) {
		retro_take_answers(s->retro, say_answer, s);
	}
	look_at_drops(s);
	/* The counters are the workers' own while they run. */
	if (idle) {
		set(&sensor_idle_wanted, 0);
	}
	sensor_posture_turn(s, idle);
	sensor_exercise_turn(s, idle);
	tick_stats(s, idle);
	if (idle && take(&stats_requested)) {
		log_stats(s);
	}
	sensor_tell_packets(s, idle);
	if (take(&reload_requested)) {
		service_reloading(&s->service);
		reload_request(s->reload, "SIGUSR2", 0);
		reload_keys(s);
	}
	stats_captured(&s->stats, &captured);
	atomic_store_explicit(&s->packets, captured.frames,
			      memory_order_relaxed);
	progress_update(s->progress, &captured);
	if (service_tick(&s->service, idle, captured.frames)) {
		set(&sensor_idle_wanted, 1);
	}
}

int
sensor_write_stats_file(struct sensor *s)
{
	const char *path = s->opt.stats;
	bool standard = path != NULL && strcmp(path, "-") == 0;
	FILE *f;

	if (path == NULL) {
		return SENSOR_DONE;
	}
	json_reset(&s->json);
	sensor_look_at_forward(s);
	stats_write(&s->json, NULL, &s->stats);
	f = standard ? stdout : fopen(path, "w");
	if (f == NULL || s->json.failed ||
	    fprintf(f, "%.*s\n", (int)s->json.len, s->json.p) < 0 ||
	    (standard ? fflush(f) : fclose(f)) != 0) {
		log_err("--stats %s: %s", path, strerror(errno));
		return SENSOR_FAILED;
	}
	return SENSOR_DONE;
}
