/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_http.h - GET /metrics for Prometheus, GET /healthz for whoever asks
 *
 * Who asks for the metrics wakes no worker: the request is noted, the
 * program's main loop sees that at its next turn, hands over a snapshot of
 * its counters when it may read them, and the answer is made of that.  A loop
 * that does not come round in METRICS_PATIENCE_MS leaves the answer with the
 * snapshot before, whose age the answer gives.  /healthz says 200 while the
 * loop turns and 503 when it has not for 'alive_s'.
 *
 * Place    above metrics_text.h and listen.h; below the programs' service.
 * Threads  one of libmicrohttpd's, which takes no signals; metrics_http_turn()
 *          and metrics_http_publish() by one thread at a time.
 * Memory   a snapshot; METRICS_MAX_CONNECTIONS of 16 KiB, and their answers.
 * Cost     metrics_http_turn(): two atomics.  publish(): a copy.
 */
#ifndef COMMON_METRICS_HTTP_H
#define COMMON_METRICS_HTTP_H

#include "common/metrics_text.h"

#define METRICS_MAX_CONNECTIONS 32
#define METRICS_PATIENCE_MS 2000
/* Snapshots are not made more often, however many ask. */
#define METRICS_PAUSE_MS 500

struct metrics_http;

struct metrics_http_config {
	const char *listen; /* "127.0.0.1:9108"; port 0 takes a free one */
	bool allow_remote; /* beyond loopback: anybody there may read */
	const char *prefix; /* "picket_sensor_" */
	const struct metric_row *rows; /* live as long as the server */
	size_t n_rows;
	unsigned alive_s;
};

/* Whether one may listen there; ERR_USAGE with diag. */
enum err metrics_http_check(const char *listen, bool allow_remote,
			    struct diag *d) MUST_CHECK;
/*
 * Starts to serve and logs where ("metrics: http://127.0.0.1:9108/metrics").
 * ERR_USAGE for an address that is none or not allowed, ERR_IO when the port
 * cannot be had.
 */
enum err metrics_http_start(struct metrics_http **out,
			    const struct metrics_http_config *cfg,
			    struct diag *d) MUST_CHECK;
void metrics_http_stop(struct metrics_http *m); /* NULL is fine */
uint16_t metrics_http_port(const struct metrics_http *m);

/* The main loop came round at 'now_us' (monotonic); true when a snapshot is
 * asked for.  False for NULL. */
bool metrics_http_turn(struct metrics_http *m, uint64_t now_us);
/* What /healthz answers while the loop turns, a line; lives as long as the
 * server.  "ok\n" until then. */
void metrics_http_say(struct metrics_http *m, const char *text);
/* Takes a copy of a JSON object; without memory the former one stays. */
void metrics_http_publish(struct metrics_http *m, struct view doc);

#endif
