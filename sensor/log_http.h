/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_http.h - EVE's "http" object
 *
 * Place    above http_tx.h and json.h; below event_log.
 * Threads  as the json writer.
 */
#ifndef SENSOR_LOG_HTTP_H
#define SENSOR_LOG_HTTP_H

#include "common/json.h"
#include "sensor/http_range.h"
#include "sensor/http_tx.h"

/* The members alone, for who adds to them. */
void log_http_members(struct json *j, const struct http_tx *tx);
/* Writes "http": {...} with Suricata 7's member names. */
void log_http(struct json *j, const struct http_tx *tx);
/*
 * The client that the request's field 'header' (lower case; X-Forwarded-For
 * and its kin) names in its first or last entry, without quotes, brackets and
 * port (RFC 7239 6); false when that is no address.
 */
bool log_http_xff(const struct http_tx *tx, const char *header, bool last,
		  struct addr *out);

#endif
