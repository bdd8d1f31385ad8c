/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_packet.h - EVE's "tunnel", "packet" and "packet_info" of an alert
 *
 * Place    above packet.h, json.h and conf.h; below event_log.
 * Threads  as the json writer.
 * Cost     a packet's bytes in base64 only when asked for.
 */
#ifndef SENSOR_LOG_PACKET_H
#define SENSOR_LOG_PACKET_H

#include "common/conf.h"
#include "common/json.h"
#include "sensor/packet.h"

enum packet_dump {
	DUMP_NONE,
	DUMP_REBUILT, /* what defragmentation made: no capture holds it */
	DUMP_ALL,
};

/* Keys: eve.packet (no, rebuilt, yes), or Suricata's "packet" below an
 * eve-log's "alert" in outputs. */
enum packet_dump packet_dump_of(const struct conf *conf);

/* "tunnel": {...} of the outermost packet when 'p' was inside one. */
void log_tunnel(struct json *j, const struct packet *p);

/* The bytes that are shown of 'p': '*head' and '*body' behind it. */
void log_packet_bytes(const struct packet *p, struct view *head,
		      struct view *body);
/* "packet" as 'dump' says. */
void log_packet(struct json *j, const struct packet *p, enum packet_dump dump);
/* "packet_info": of what "packet" begins with. */
uint16_t log_packet_linktype(const struct packet *p);
void log_packet_info(struct json *j, uint16_t linktype);

#endif
