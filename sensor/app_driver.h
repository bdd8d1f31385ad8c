/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_driver.h - the inside of the driver: its parsers, and what it decided
 *
 * Internal: included by app.c, app_setup.c and app_verdict.c only.
 *
 * Place    with app.
 * Threads  as app.h.
 * Memory   as app.h.
 * Cost     as app.h.
 */
#ifndef SENSOR_APP_DRIVER_H
#define SENSOR_APP_DRIVER_H

#include "sensor/app.h"

#define APP_N_PARSERS 6
#define MAX_PORT_RANGES 32

struct port_range {
	uint16_t lo, hi;
};

/* A parser as the configuration wants it. */
struct app_entry {
	const struct app_parser *parser;
	bool detect, parse;
	struct port_range ports[MAX_PORT_RANGES];
	unsigned n_ports;
};

/* What a worker knows of application protocols; starts with the public part. */
struct app_driver {
	struct app_ctx ctx;
	struct app_entry entries[APP_N_PARSERS];
	bool allowed_tcp[APP_PROTO_COUNT], allowed_udp[APP_PROTO_COUNT];
	struct app_counters n;
};

static inline struct app_driver *
app_driver_of(struct app_ctx *ctx)
{
	return (struct app_driver *)ctx;
}

/* The protocol found in one direction; parser is NULL when it has none. */
struct app_verdict {
	enum app_proto proto; /* APP_UNKNOWN: needs more, APP_FAILED: none */
	const struct app_parser *parser;
};

static inline bool
app_known(enum app_proto p)
{
	return p != APP_UNKNOWN && p != APP_FAILED;
}

/* app_verdict.c: which protocol is this. */
/* Fixed texts, then the parsers on their ports, elsewhere, then mere form. */
struct app_verdict app_detect(struct app_driver *d, const struct flow *f,
			      enum flow_dir dir, struct view data);
/* Marks the direction as decided; the other may have been decided before. */
void app_decide(struct app_driver *d, struct app_flow *af, enum flow_dir dir,
		struct app_verdict v);

#endif
