/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_scene.h - the moment of an event, as it is kept until the line is made
 *
 * Flow, packet and transaction go on, or are gone, by then: the numbers are
 * copied, and what is of any length follows them.  Of an alert that is JSON
 * text already (or, of the payload, the bytes that are shown), since alerts of
 * one moment share it; of another event it is the bytes that its own line is
 * made of.
 *
 * Internal: included by event_scene.c, event_alert.c and event_kept.c only.
 *
 * Place    with event_log.
 * Threads  made by the worker, read by another thread; borrows only what does
 *          not change.
 * Memory   bytes in the outbox.
 * Cost     a copy of half a kilobyte; of an alert also the transaction's JSON,
 *          once for all alerts of the moment.
 */
#ifndef SENSOR_EVENT_SCENE_H
#define SENSOR_EVENT_SCENE_H

#include "sensor/event_line.h"

/* What follows: members of an alert, with their keys, as text, unless it says
 * otherwise. */
enum scene_part {
	SCENE_FACTS, /* what events show of the packet */
	SCENE_METADATA,
	SCENE_TUNNEL,
	SCENE_TX, /* and its files */
	SCENE_PACKET,
	SCENE_PAYLOAD, /* bytes */
	SCENE_OWN, /* of an event that is no alert: see event_kept.c */
	SCENE_PARTS
};

/* What events show of a flow. */
struct scene_flow {
	struct addr addr[2];
	uint64_t pkts[2], bytes[2];
	uint64_t id, first_us, last_us, n_alerts;
	uint16_t port[2], vlan[PKT_MAX_VLANS], flags;
	uint8_t n_vlans, proto, ip_version, state, end;
	uint8_t icmp_type, icmp_code, tcp_flags[2];
	struct line_apps apps;
	const char *tcp_state;
};

struct scene {
	struct scene_flow flow;
	const struct event_settings *set;
	uint64_t ts_us, number;
	struct addr client; /* behind a proxy */
	struct evidence_at evidence; /* of an alert's packet */
	struct trace trace; /* of an alert or an anchor */
	size_t payload_all;
	uint64_t payload_gap;
	size_t ended; /* while it is made: the part before */
	uint32_t part_len[SCENE_PARTS];
	uint16_t linktype, iface;
	uint8_t dir; /* enum flow_dir */
	uint8_t lane;
	bool has_flow, has_client, payload_is_stream;
};

/* Begins one in the log's buffer; parts follow in their order, those that are
 * left out are empty. */
void scene_begin(struct scene *is, struct event_log *l,
		 const struct event_subject *s);
/* Ends a part; the next one begins without a comma. */
void scene_end_part(struct scene *is, struct json *j, enum scene_part part);
struct view scene_end(struct scene *is, struct event_log *l);

/* A scene as the functions of events want it. */
struct scene_reader {
	struct scene is;
	struct event_subject subject; /* no transaction */
	struct event_past past;
	struct payload payload;
	const uint8_t *text;
};

/* 'bytes' are those that scene_end() gave, at any address; they stay.  The
 * subject's flow and packet are 'l''s, whose lines follow the scene's settings
 * from now on. */
void scene_read(struct scene_reader *r, struct event_log *l,
		const uint8_t *bytes);
struct view scene_part(const struct scene_reader *r, enum scene_part part);
/* The line of an alert; event_later() picks. */
struct view event_alert(struct event_log *l, const struct outbox *o,
			const struct record *r);

#endif
