/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/service.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

#define STATUS_EVERY_US (10 * US_PER_S)
/* /healthz: as patient as the watchdog of the unit that ships. */
#define ALIVE_S 60

enum err
service_start(struct service *s, const struct conf *c, struct diag *d)
{
	enum err e = ERR_OK;

	s->listen = (struct metrics_http_config){
		.listen = conf_named(c, "metrics.listen"),
		.allow_remote = conf_bool(c, "metrics.allow-remote", false),
		.prefix = METRICS_PREFIX,
		.rows = metrics_rows,
		.n_rows = metrics_n_rows,
		.alive_s = ALIVE_S,
	};

	s->pipeline = NULL;
	s->started_us = clock_mono_us();
	if (notify_open(&s->notify, d) != ERR_OK) {
		log_warn("%s", d->msg);
	}
	notify_status(&s->notify, "starting");
	if (s->listen.listen != NULL) {
		e = metrics_http_start(&s->metrics, &s->listen, d);
	}
	if (e == ERR_IO) {
		/* It may be that of a collector which we stand by. */
		log_debug("%s", d->msg);
		e = ERR_OK;
	}
	return e;
}

void
service_standby(struct service *s, struct lease *lease)
{
	s->lease = lease;
}

void
service_standby_turn(void *arg)
{
	struct service *s = arg;
	uint64_t now = clock_mono_us();

	if (s->told_us == 0) {
		metrics_http_say(s->metrics, "standby\n");
		notify_ready(&s->notify, "standing by");
		s->told_us = now;
	}
	notify_alive(&s->notify, now);
	if (metrics_http_turn(s->metrics, now)) {
		metrics_standby(&s->json, s->lease, &s->confined,
				now - s->started_us);
		if (!s->json.failed) {
			metrics_http_publish(s->metrics, json_view(&s->json));
		}
	}
}

enum err
service_running(struct service *s, const struct pipeline *p, struct diag *d)
{
	enum err e = ERR_OK;

	if (s->metrics == NULL && s->listen.listen != NULL) {
		e = metrics_http_start(&s->metrics, &s->listen, d);
	}
	metrics_http_say(s->metrics, "ok\n");
	s->pipeline = p;
	notify_ready(&s->notify, "running");
	s->told_us = clock_mono_us();
	return e;
}

static void
tell_status(struct service *s, uint64_t now_us)
{
	struct pipeline_stats st;
	struct pipeline_facts f;
	char text[200];

	pipeline_stats(s->pipeline, &st);
	pipeline_facts(s->pipeline, &f);
	snprintf(text, sizeof(text),
		 "%" PRIu64 " alerts stored; %u sensors, %u silent%s",
		 st.alerts, f.sensors, f.sensors_silent,
		 f.broker_up ? "" : "; Redis is away");
	notify_status(&s->notify, text);
	s->told_us = now_us;
}

void
service_turn(void *arg)
{
	struct service *s = arg;
	uint64_t now = clock_mono_us();

	if (s->pipeline == NULL) {
		return;
	}
	lease_turn(s->lease);
	notify_alive(&s->notify, now);
	if (s->notify.open && now - s->told_us >= STATUS_EVERY_US) {
		tell_status(s, now);
	}
	if (metrics_http_turn(s->metrics, now)) {
		metrics_write(&s->json, s->pipeline, s->lease, s->arm, s->polls,
			      s->outputs, &s->store, &s->confined,
			      now - s->started_us);
		if (!s->json.failed) {
			metrics_http_publish(s->metrics, json_view(&s->json));
		}
	}
}

void
service_stopping(struct service *s)
{
	notify_stopping(&s->notify, "ending");
}

void
service_stop(struct service *s)
{
	metrics_http_stop(s->metrics);
	s->metrics = NULL;
	s->pipeline = NULL;
	notify_close(&s->notify);
	metrics_store_close(&s->store);
	json_fini(&s->json);
}
