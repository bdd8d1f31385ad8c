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
	struct metrics_http_config cfg = {
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
	return cfg.listen != NULL ? metrics_http_start(&s->metrics, &cfg, d)
				  : ERR_OK;
}

void
service_running(struct service *s, const struct pipeline *p)
{
	s->pipeline = p;
	notify_ready(&s->notify, "running");
	s->told_us = clock_mono_us();
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
	notify_alive(&s->notify, now);
	if (s->notify.open && now - s->told_us >= STATUS_EVERY_US) {
		tell_status(s, now);
	}
	if (metrics_http_turn(s->metrics, now)) {
		metrics_write(&s->json, s->pipeline, s->arm, s->polls,
			      &s->store, &s->confined, now - s->started_us);
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
