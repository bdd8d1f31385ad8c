/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_field.h - the fields of an HTTP head
 *
 * Folded lines are joined, repeated fields merged, broken ones kept.
 *
 * Place    above app_http_line.h; below app_http.
 * Threads  one worker.
 * Memory   the transaction's arena; at most HTTP_FIELDS_MAX fields.
 * Cost     linear, but for the search for repeated names.
 */
#ifndef SENSOR_APP_HTTP_FIELD_H
#define SENSOR_APP_HTTP_FIELD_H

#include "sensor/http_tx.h"

/* Fields of msg[dir] from its raw_fields. */
void http_parse_fields(struct http_tx *tx, enum flow_dir dir);

#endif
