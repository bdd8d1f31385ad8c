/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/service.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

#define STATUS_EVERY_US (10 * US_PER_S)
/* /healthz: as patient as the watchdog of the unit that ships. */
#define ALIVE_S 30

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

	*s = (struct service){ .metrics = NULL };
	if (notify_open(&s->notify, d) != ERR_OK) {
		log_warn("%s", d->msg);
	}
	notify_status(&s->notify, "starting");
	return cfg.listen != NULL ? metrics_http_start(&s->metrics, &cfg, d)
				  : ERR_OK;
}

/* "12 packets, 1200 a second; 34 rules" */
static void
write_status(struct service *s, uint64_t packets, uint64_t now_us, char *out,
	     size_t cap)
{
	uint64_t us = now_us - s->told_us, n = packets - s->told_packets;
	struct reload_status r;

	reload_get_status(s->stats->reload, &r);
	snprintf(out, cap, "%llu packets, %llu a second; %u rules%s%.200s",
		 (unsigned long long)packets,
		 (unsigned long long)(us > 0 ? n * US_PER_S / us : 0), r.loaded,
		 r.error[0] != '\0' ? "; the latest reload failed: " : "",
		 r.error);
	s->told_us = now_us;
	s->told_packets = packets;
}

void
service_running(struct service *s, const struct stats_source *stats,
		struct forward *forward)
{
	s->stats = stats;
	s->forward = forward;
	s->running = true;
	s->told_us = clock_mono_us();
	notify_ready(&s->notify, "running");
}

static void
end_reload(struct service *s, uint64_t packets, uint64_t now_us)
{
	struct reload_status r;
	char text[320];

	reload_get_status(s->stats->reload, &r);
	if (r.done + r.failed != s->reloads) {
		s->reloading = false;
		write_status(s, packets, now_us, text, sizeof(text));
		notify_ready(&s->notify, text);
	}
}

static void
tell_status(struct service *s, uint64_t packets, uint64_t now_us)
{
	char text[320];

	write_status(s, packets, now_us, text, sizeof(text));
	notify_status(&s->notify, text);
}

bool
service_tick(struct service *s, bool idle, uint64_t packets)
{
	uint64_t now = clock_mono_us();
	bool asked;

	if (!s->running) {
		return false;
	}
	notify_alive(&s->notify, now);
	if (s->reloading) {
		end_reload(s, packets, now);
	} else if (s->notify.open && now - s->told_us >= STATUS_EVERY_US) {
		tell_status(s, packets, now);
	}
	asked = metrics_http_turn(s->metrics, now);
	if (asked && idle) {
		metrics_write(&s->json, s->stats, s->forward);
		if (!s->json.failed) {
			metrics_http_publish(s->metrics, json_view(&s->json));
		}
		asked = false;
	}
	return asked;
}

void
service_reloading(struct service *s)
{
	struct reload_status r;

	if (s->running && !s->reloading) {
		reload_get_status(s->stats->reload, &r);
		s->reloads = r.done + r.failed;
		s->reloading = true;
		notify_reloading(&s->notify, "loading rules and indicators");
	}
}

void
service_stopping(struct service *s)
{
	if (s->running) {
		notify_stopping(&s->notify, "sending what waits");
		s->running = false;
	}
}

void
service_stop(struct service *s)
{
	metrics_http_stop(s->metrics);
	s->metrics = NULL;
	notify_close(&s->notify);
	json_fini(&s->json);
}
