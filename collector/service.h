/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - what whoever runs the collector is told: service manager,
 *             Prometheus
 *
 * Place    above metrics; below main.
 * Threads  the pipeline's.
 * Memory   one snapshot.
 * Cost     a clock and two atomics a turn.
 */
#ifndef COLLECTOR_SERVICE_H
#define COLLECTOR_SERVICE_H

#include "collector/arm.h"
#include "collector/lease.h"
#include "collector/metrics.h"
#include "common/conf.h"
#include "common/metrics_http.h"
#include "common/notify.h"

struct service {
	struct notify notify;
	struct metrics_http *metrics; /* NULL: metrics.listen is not set */
	const struct pipeline *pipeline;
	struct outputs *outputs; /* NULL: there are none */
	struct indicator_polls *polls; /* NULL: no server is asked */
	struct arm *arm; /* NULL: no indicators are published */
	struct lease *lease;
	struct metrics_http_config listen; /* where metrics are asked for */
	struct confine_state confined; /* what came of confined_apply() */
	uint64_t started_us, told_us;
	struct json json;
	struct metrics_store store;
};

/* 's' is zero but for 'confined'.  ERR_USAGE, ERR_NOMEM with diag; a port of
 * metrics.listen that is taken is tried again by service_running(). */
enum err service_start(struct service *s, const struct conf *c,
		       struct diag *d) MUST_CHECK;
/* 'lease' must live until service_stop(). */
void service_standby(struct service *s, struct lease *lease);
/* Another has the store still; 'arg' is the service. */
void service_standby_turn(void *arg);
/* 'p' must live until service_stop().  ERR_IO with diag for a metrics.listen
 * that cannot be had. */
enum err service_running(struct service *s, const struct pipeline *p,
			 struct diag *d) MUST_CHECK;
/* The pipeline came round; 'arg' is the service. */
void service_turn(void *arg);
void service_stopping(struct service *s);
void service_stop(struct service *s);

#endif
