/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_file.h - EVE's words for a file that a transaction carried
 *
 * Place    above file.h and json.h; below event_log.
 * Threads  as the json writer.
 */
#ifndef SENSOR_LOG_FILE_H
#define SENSOR_LOG_FILE_H

#include "common/json.h"
#include "sensor/file.h"

/* Writes the members of "fileinfo", or of one of an alert's "files", with
 * Suricata's names. */
void log_file(struct json *j, const struct file *f, uint64_t flow_id,
	      uint64_t tx_id, unsigned dir);
/*
 * A number for a file: the same in every run, whatever worker saw it, and
 * hardly ever the same for two.
 */
uint32_t log_file_id(const struct file *f, uint64_t flow_id, uint64_t tx_id,
		     unsigned dir);

#endif
