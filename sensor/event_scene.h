/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_scene.h - the moment of an alert, as it is kept until the line is made
 *
 * Flow, packet and transaction go on, or are gone, by then: the numbers are
 * copied, and what is of any length is JSON text already (or, of the payload,
 * the bytes that are shown).
 *
 * Internal: included by event_scene.c, event_alert.c and event_flow.c only.
 *
 * Place    with event_log.
 * Threads  made by the worker, read by another thread; borrows only what does
 *          not change.
 * Memory   bytes in the outbox.
 * Cost     a copy of half a kilobyte and the transaction's JSON, once for all
 *          alerts of the moment.
 */
#ifndef SENSOR_EVENT_SCENE_H
#define SENSOR_EVENT_SCENE_H

#include "sensor/event_line.h"

/* Members, with their keys, that the scene has as text; the first and the last
 * as bytes. */
enum scene_part {
	SCENE_FACTS, /* a struct packet with what events show of it */
	SCENE_METADATA,
	SCENE_TUNNEL,
	SCENE_TX, /* and its files */
	SCENE_PACKET,
	SCENE_PAYLOAD,
	SCENE_PARTS
};

struct scene {
	const struct event_settings *set;
	uint64_t ts_us, number;
	struct flow flow; /* nothing that hangs on it */
	struct line_apps apps;
	struct addr client; /* behind a proxy */
	size_t payload_all;
	uint64_t payload_gap;
	uint32_t part_len[SCENE_PARTS];
	uint16_t linktype;
	uint8_t dir; /* enum flow_dir */
	bool has_flow, has_client, payload_is_stream;
};

/* A scene as the functions of events want it. */
struct scene_reader {
	struct scene is;
	struct packet pkt; /* what SCENE_FACTS tells */
	struct event_subject subject; /* of 'is' and 'pkt'; no transaction */
	struct payload payload;
	const uint8_t *text;
};

/* 'bytes' are those that event_scene() gave, at any address; they stay. */
void scene_read(struct scene_reader *r, const uint8_t *bytes);
struct view scene_part(const struct scene_reader *r, enum scene_part part);
/* The lines made of scenes; event_later() picks. */
struct view event_alert(struct event_log *l, const struct outbox *o,
			const struct record *r);
struct view event_flow_later(struct event_log *l, const struct outbox *o,
			     const struct record *r);
/* Lines of 'l' follow 'set' from now on. */
void scene_settings(struct event_log *l, const struct event_settings *set);

/* Members that are text already; none is fine. */
static inline void
scene_members(struct json *j, struct view text)
{
	if (text.len > 0) {
		json_open(j, text);
	}
}

#endif
