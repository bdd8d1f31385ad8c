/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_line.h - the members that several kinds of event share
 *
 * Internal: included by event_log.c and event_alert.c only.
 *
 * Place    with event_log.
 * Threads  as event_log.h.
 * Memory   as event_log.h.
 * Cost     as event_log.h.
 */
#ifndef SENSOR_EVENT_LINE_H
#define SENSOR_EVENT_LINE_H

#include "sensor/alert_conf.h"
#include "sensor/event_log.h"
#include "sensor/log_packet.h"

#define COMMUNITY_SLOTS 64 /* a power of two */

/* The community id of a flow told of lately: a digest, worked out once. */
struct community_slot {
	uint64_t flow_id;
	struct addr addr[2];
	uint16_t port[2];
	uint8_t proto, icmp_type, icmp_code;
	uint8_t len; /* 0: the slot is free */
	char text[COMMUNITY_ID_CAP];
};

struct event_log {
	struct json json;
	struct event_origin origin;
	struct alert_conf alert;
	const struct addr *client; /* shown for the flow's, or NULL */
	enum packet_dump packet;
	uint32_t picket_at; /* of the latest line; see record.h */
	bool community_id;
	uint16_t community_seed;
	struct community_slot community[COMMUNITY_SLOTS];
};

/* The head that every event shares. 's->dir' picks the source. */
void line_head(struct event_log *l, const struct event_subject *s,
	       const char *type);
void line_flow_endpoints(struct json *j, const struct flow *f, unsigned from);
void line_app(struct json *j, const struct flow *f);
/* The object of the transaction's protocol. */
void line_tx(struct json *j, const struct app_tx *tx);
void line_flow_counts(struct json *j, const struct flow *f);
/* "traffic" and "metadata": what rules remember of the flow. */
void line_metadata(struct json *j, const struct event_subject *s);
/* Closes the line; 'ioc' may be NULL. */
struct view line_end(struct event_log *l, const struct ioc *ioc);

#endif
