/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_ssh.h - EVE's "ssh" object
 *
 * Place    above app_ssh.h and json.h; below event_log.h.
 * Threads  pure.
 * Memory   none of its own.
 */
#ifndef SENSOR_LOG_SSH_H
#define SENSOR_LOG_SSH_H

#include "common/json.h"
#include "sensor/app_ssh.h"

void log_ssh(struct json *j, const struct ssh_tx *tx);

#endif
