/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_line.h - the members that several kinds of event share
 *
 * Internal: included by event_log.c, event_*.c and event_scene.h only.
 *
 * Place    with event_log.
 * Threads  as event_log.h.
 * Memory   as event_log.h.
 * Cost     as event_log.h.
 */
#ifndef SENSOR_EVENT_LINE_H
#define SENSOR_EVENT_LINE_H

#include "common/trace.h"
#include "sensor/alert_conf.h"
#include "sensor/event_lane.h"
#include "sensor/event_log.h"
#include "sensor/evidence_tap.h"
#include "sensor/log_packet.h"
#include "sensor/tx_copy.h"

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

/* What never changes once it is used: another thread may read it. */
struct event_settings {
	struct event_origin origin;
	struct alert_conf alert;
	const struct event_lanes *lanes; /* exercises that are on, or NULL */
	enum packet_dump packet;
	const char *evidence_dir; /* the settings'; NULL: none */
	bool community_id;
	uint16_t community_seed;
	struct event_settings *before; /* of the same log: scenes may name it */
};

struct event_log {
	struct json json;
	struct event_settings own;
	struct event_settings *others; /* newest first; freed with the log */
	const struct event_settings *set; /* what lines are written by */
	const struct addr *client; /* shown for the flow's, or NULL */
	struct outbox *const *into; /* where lines are put together, or NULL:
				     * in a buffer of the log's own */
	const struct evidence_at *evidence; /* of the line in hand, or NULL */
	const struct trace *trace; /* of the event, for a collector; or NULL */
	size_t start; /* of the line in hand */
	unsigned lane; /* of the line in hand */
	const char *exercise; /* of it, where its lane does not say; or NULL */
	uint32_t picket_at; /* of the latest line; see record.h */
	/* The writer's: what lines are about, set up again of what was kept.
	 * What is not kept of them stays zero. */
	struct tx_room *room; /* NULL: a worker's log */
	struct flow flow;
	struct packet pkt;
	struct community_slot community[COMMUNITY_SLOTS];
};

/* A flow's protocol, enum app_proto: its first one, of each direction, before
 * it changed (EVE's app_proto, _ts, _tc, _orig). */
struct line_apps {
	uint8_t proto, dir[2], before;
};

/* Of a moment that is over: what the subject cannot be asked any more. */
struct event_past {
	struct line_apps apps;
	struct view metadata; /* as text */
	struct view packet; /* an event of a packet: its bytes */
	const char *tcp_state; /* of a TCP flow */
	uint16_t linktype; /* of the packet */
	unsigned lane;
};

/* What an anomaly tells of the transaction or flow that it was found in. */
struct line_anomaly {
	enum event_id id;
	enum app_proto app;
	bool has_tx;
	uint64_t tx_id;
};

/* An empty line. */
void line_begin(struct event_log *l);
/* What was put in it; empty when memory ran out. */
struct view line_done(struct event_log *l);
/* The head that every event shares; it begins. 's->dir' picks the source. */
void line_head(struct event_log *l, const struct event_subject *s,
	       const char *type);
void line_flow_endpoints(struct json *j, const struct flow *f, unsigned from);
struct line_apps line_apps_of(const struct flow *f);
void line_apps(struct json *j, const struct line_apps *a);
void line_app(struct json *j, const struct event_subject *s);
/* The object of the transaction's protocol. */
void line_tx(struct json *j, const struct app_tx *tx);
void line_flow_counts(struct json *j, const struct flow *f);
/* "traffic" and "metadata": what rules remember of the flow. */
void line_metadata(struct json *j, const struct event_subject *s);
/* Members that are text already; none is fine. */
static inline void
line_members(struct json *j, struct view text)
{
	if (text.len > 0) {
		json_open(j, text);
	}
}
/* Closes the line; 'ioc' may be NULL. */
struct view line_end(struct event_log *l, const struct ioc *ioc);

/* The lines of events, of the present or of the past; event_line() and
 * event_later() pick. */
struct view line_of_tx(struct event_log *l, const struct event_subject *s);
struct view line_of_file(struct event_log *l, const struct event_subject *s,
			 const struct file *f);
struct view line_of_flow(struct event_log *l, const struct event_subject *s);
/* A host's contacts; the exercise is theirs. */
struct view line_of_contacts(struct event_log *l, const struct event_subject *s,
			     const struct contacts_told *t);
/* A handshake, by its trace alone: no address, no port. */
struct view line_of_anchor(struct event_log *l, const struct event_subject *s);
struct view line_of_packet(struct event_log *l, const struct event_subject *s);
struct line_anomaly line_anomaly(const struct event_subject *s,
				 enum event_id id);
struct view line_of_anomaly(struct event_log *l, const struct event_subject *s,
			    const struct line_anomaly *a);

#endif
