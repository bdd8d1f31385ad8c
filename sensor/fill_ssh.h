/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill_ssh.h - an SSH connection as rules look at it
 *
 * Place    above app_ssh.h and rules/inspect.h; below fill.h.
 * Threads  pure.
 * Memory   views into the transaction.
 * Cost     only what 'needed' names.
 */
#ifndef SENSOR_FILL_SSH_H
#define SENSOR_FILL_SSH_H

#include "rules/inspect.h"
#include "sensor/app_ssh.h"

/* Sets the buffers of in->dir that 'needed' (bit per inspect_buf) asks for. */
void fill_ssh(struct inspect *in, const struct ssh_tx *tx,
	      const uint64_t needed[2]);

#endif
