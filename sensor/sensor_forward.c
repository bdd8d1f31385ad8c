/* SPDX-License-Identifier: Apache-2.0 */
/* What is told to Redis, and what is heard from there. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/sensor.h"
#include "sensor/watch.h"

/* Called by the forwarder's thread: only what sensor_tick() published. */
static void
read_presence(void *arg, struct presence_facts *out)
{
	struct sensor *s = arg;
	struct armed_status a = { .indicators = 0 };
	struct reload_status rules;

	/* First: what waits is said of this version or a later one. */
	if (s->armed != NULL) {
		armed_read(s->armed, &a);
	}
	reload_get_status(s->reload, &rules);
	snprintf(out->version, sizeof(out->version), "%s", PACKAGE_VERSION);
	snprintf(out->ruleset, sizeof(out->ruleset), "%s", rules.digest);
	snprintf(out->reload_error, sizeof(out->reload_error), "%s",
		 rules.error);
	out->rules_version = rules.version;
	sensor_posture_facts(s, out);
	sensor_exercise_facts(s, out);
	out->rules_loaded = rules.loaded;
	out->rules_failed = rules.refused;
	out->reloads = rules.done;
	out->reloads_failed = rules.failed;
	snprintf(out->exercise, sizeof(out->exercise), "%s", s->opt.exercise);
	snprintf(out->owner, sizeof(out->owner), "%s", s->opt.owner);
	out->indicators = rules.indicators;
	confine_text(&s->confined, out->confined, sizeof(out->confined));
	watch_fill(s->opt.conf, s->opt.indicators.v, s->opt.indicators.n, out);
	if (s->armed != NULL) {
		delta_version_text(a.n.epoch, a.n.version,
				   out->indicator_version);
		out->indicators_armed = a.indicators + rules.patterns;
		out->indicators_refused = a.n.refused + a.patterns_refused;
		out->patterns = a.patterns;
		out->patterns_wait = rules.patterns_wait;
		out->patterns_lag_us = rules.patterns_us;
		pattern_list_refused(armed_patterns(s->armed),
				     out->patterns_refused,
				     sizeof(out->patterns_refused));
		out->indicators_forged = a.n.forged;
		out->indicators_lag_us = a.lag_us;
		out->indicators_taken_us = a.taken_us;
	}
	out->packets = atomic_load_explicit(&s->packets, memory_order_relaxed);
	out->started_ms = s->started_ms;
}

static void
ask_evidence(struct sensor *s, const struct evidence_ask *a)
{
	if (s->evidence == NULL) {
		log_warn("evidence %s: this sensor has no evidence.dir", a->id);
	} else if (!evidence_desk_ask(evidence_desk(s->evidence), a)) {
		log_warn("evidence %s: too many questions wait", a->id);
	}
}

/* Called by the forwarder's thread. */
static bool
next_evidence(void *arg, struct evidence_chunk *out)
{
	return evidence_desk_next(arg, out);
}

static void
sent_evidence(void *arg)
{
	evidence_desk_sent(arg);
}

/* Called by the forwarder's thread. */
static void
on_control(void *arg, const struct control_doc *doc, struct view text)
{
	struct sensor *s = arg;

	switch (doc->action) {
	case CONTROL_RULES_RELOAD:
		reload_request(s->reload, "control document", doc->version);
		break;
	case CONTROL_POSTURE:
		sensor_posture_told(s, doc);
		break;
	case CONTROL_EXERCISE:
	case CONTROL_EXERCISE_END:
		sensor_exercise_told(s, doc, text);
		break;
	case CONTROL_EVIDENCE:
		ask_evidence(s, &doc->evidence);
		break;
	}
}

/* Called by the thread of indicators; the index is opened before it starts. */
static enum err
ask_past(void *arg, const struct indicator *i, bool once)
{
	struct sensor *s = arg;

	if (s->retro == NULL) {
		return ERR_OK;
	}
	return once ? retro_ask_once(s->retro, i) : retro_ask(s->retro, i);
}

/* Called by the thread of indicators, which ends before the reload does. */
static void
patterns_changed(void *arg)
{
	struct sensor *s = arg;

	reload_patterns(s->reload);
}

enum err
sensor_open_armed(struct sensor *s, struct diag *d)
{
	const struct armed_options o = {
		.key = conf_get(s->opt.conf, "control.public-key"),
		.redis = &s->opt.redis_set,
		.ask = s->opt.retro != NULL ? ask_past : NULL,
		.ask_arg = s,
		.patterns_changed = patterns_changed,
		.patterns_arg = s,
	};

	if (s->opt.redis == NULL || o.key == NULL ||
	    !conf_bool(s->opt.conf, "arming.enabled", true)) {
		return ERR_OK;
	}
	return armed_new(&s->armed, &o, d);
}

/* Whether packets come as somebody writes them, now and for as long as that is. */
static bool
reads_pipe(const struct path_list *read)
{
	struct stat st;

	return read->n == 1 &&
	       (strcmp(read->v[0], "-") == 0 ? fstat(STDIN_FILENO, &st)
					     : stat(read->v[0], &st)) == 0 &&
	       (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* Packets of files are judged by what was armed at the start, those of a pipe by
 * what is armed when they come. */
enum err
sensor_start_armed(struct sensor *s, struct diag *d)
{
	if (s->armed == NULL) {
		return ERR_OK;
	}
	armed_load(s->armed, s->opt.spool);
	sensor_load_patterns(s);
	if (s->opt.live.n > 0 || reads_pipe(&s->opt.read)) {
		return armed_start(s->armed, d);
	}
	sensor_ask_armed(s);
	return ERR_OK;
}

enum err
sensor_start_forward(struct sensor *s, struct diag *d)
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
		/* 0 would be the forwarder's own choice */
		.linger_ms = MAX((unsigned)conf_u64(c, "forward.linger-ms",
						    5000, 0, 3600000),
				 1U),
		.resend_s = (unsigned)conf_u64(c, "spool.resend-seconds", 0, 0,
					       86400),
		.spool_sync = s->opt.spool_sync,
		.block = s->opt.live.n == 0,
		.facts = read_presence,
		.facts_arg = s,
		.pace = sensor_pace(s, NULL),
		.packets = packet_ledger_read,
		.control_key = conf_get(c, "control.public-key"),
		.control = on_control,
		.control_arg = s,
		.sign_key = conf_get(c, "forward.sign.key"),
		.collector_key = conf_get(c, "forward.sign.collector-key"),
	};

	if (s->opt.redis == NULL) {
		return ERR_OK;
	}
	if (s->evidence != NULL) {
		set.evidence = next_evidence;
		set.evidence_sent = sent_evidence;
		set.evidence_arg = evidence_desk(s->evidence);
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

/* Where root has its spool is known while we are root. */
enum err
sensor_place_spool(struct sensor *s, struct diag *d)
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

/* What the statistics say of Redis: as of now. */
void
sensor_look_at_forward(struct sensor *s)
{
	if (s->forward != NULL) {
		forward_get_stats(s->forward, &s->forwarded);
	}
}

/* What is not yet in the collector's store waits in the spool. */
void
sensor_stop_forward(struct sensor *s)
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
	sensor_look_at_forward(s);
	forward_free(s->forward);
	s->forward = NULL;
	log_info("%llu event%s in %llu batch%s for the collector",
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

		log_info("%llu batch%s with %llu event%s in the spool until "
			 "the collector has committed %s: it did not say so "
			 "before the end (forward.linger-ms); the next start "
			 "with this spool asks again",
			 (unsigned long long)r.left_batches, one ? "" : "es",
			 (unsigned long long)r.left_events,
			 r.left_events == 1 ? " waits" : "s wait",
			 one ? "it" : "them");
	}
	if (!r.reached) {
		log_warn("Redis did not take everything within %u ms (%s); the "
			 "next start with this spool sends the rest",
			 wait_ms,
			 st->last_error[0] != '\0' ? st->last_error
						   : "it did not answer yet");
	}
}
