/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_payload.h - bytes in events: payloads and bodies
 *
 * Place    above common/json and http_tx; below event_log.
 * Threads  pure.
 * Memory   none beyond the JSON buffer.
 * Cost     an alert's; bounded by 'max'.
 */
#ifndef SENSOR_LOG_PAYLOAD_H
#define SENSOR_LOG_PAYLOAD_H

#include "common/json.h"
#include "sensor/alert_conf.h"
#include "sensor/http_tx.h"

/* The bytes that an alert is about. */
struct payload {
	struct view v;
	bool stream; /* of the stream, not of one packet */
	uint64_t gap; /* bytes of the stream lost right before them */
	size_t all; /* their number, when 'v' has only those to show */
};

/* Leaves in 'p' the bytes that log_payload() is going to show. */
void payload_cut(struct payload *p, const struct alert_conf *c);

/*
 * "payload" (Base64), "payload_printable" (other bytes as dots) and
 * "payload_length" as the settings ask, then "stream".  Of a stream longer
 * than the bound its end is shown, where the match was; of a packet its front.
 * Bytes lost before a stream's are told as "[N bytes missing]".
 */
void log_payload(struct json *j, const struct payload *p,
		 const struct alert_conf *c);
/* Members of "http": the bodies of both directions as the settings ask. */
void log_http_bodies(struct json *j, const struct http_tx *tx,
		     const struct alert_conf *c);

#endif
