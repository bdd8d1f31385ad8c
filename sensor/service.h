/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - what whoever runs the sensor is told: service manager, Prometheus
 *
 * The driver's tick comes round only when every worker is through with what it
 * was given, so that one that hangs stops the signs of life, and the watchdog
 * of the service manager does what it is there for.
 *
 *   service_start()      early: the listener is open before rights are dropped
 *   service_running()    the first packet may come
 *   service_tick()       between rounds
 *   service_stopping()   what waits is sent
 *   service_stop()
 *
 * Place    above metrics and reload; below main.
 * Threads  one at a time; the tick's.
 * Memory   one snapshot.
 * Cost     a clock and two atomics a tick.
 */
#ifndef SENSOR_SERVICE_H
#define SENSOR_SERVICE_H

#include "common/metrics_http.h"
#include "common/notify.h"
#include "sensor/metrics.h"

struct service {
	struct notify notify;
	struct metrics_http *metrics; /* NULL: metrics.listen is not set */
	const struct stats_source *stats;
	struct forward *forward; /* or NULL */
	bool running, reloading;
	uint64_t reloads; /* attempts before the one under way */
	uint64_t told_us, told_packets;
	struct json json;
};

/* ERR_USAGE, ERR_IO with diag for a metrics.listen that cannot be had. */
enum err service_start(struct service *s, const struct conf *c,
		       struct diag *d) MUST_CHECK;
/* 'stats' and 'forward' must live until service_stop(). */
void service_running(struct service *s, const struct stats_source *stats,
		     struct forward *forward);
/*
 * 'idle': no worker runs.  'packets' so far, for the status.  True when the
 * next tick is wanted idle, for a snapshot.
 */
bool service_tick(struct service *s, bool idle, uint64_t packets) MUST_CHECK;
/* A reload was asked for just now. */
void service_reloading(struct service *s);
void service_stopping(struct service *s);
void service_stop(struct service *s);

#endif
