/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_file.h - EVE's "fileinfo" object for a file that HTTP carried
 *
 * Place    above http_tx.h and json.h; below event_log.
 * Threads  as the json writer.
 */
#ifndef SENSOR_LOG_FILE_H
#define SENSOR_LOG_FILE_H

#include "common/json.h"
#include "sensor/http_tx.h"

/*
 * Writes "fileinfo": {...} with Suricata 7's member names.  Call it once the
 * direction is done, if http_has_file().
 */
void log_file(struct json *j, struct http_tx *tx, enum flow_dir dir);

#endif
