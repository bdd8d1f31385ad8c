/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill_http.h - an HTTP transaction as the rules want to see it
 *
 * Place    above http_tx.h and inspect.h; below fill.
 * Threads  one worker.
 * Memory   joined buffers are built once in the transaction's arena.
 * Cost     by need: a buffer that no rule names is not built.
 */
#ifndef SENSOR_FILL_HTTP_H
#define SENSOR_FILL_HTTP_H

#include "rules/inspect.h"
#include "sensor/http_tx.h"

/*
 * Sets the buffers of 'needed' (bit per enum inspect_buf) whose value is known
 * in the direction in->dir, and what goes with the body.  Bodies are offered
 * when they have grown by half or by body_step, whichever is more, and when
 * they are complete, so that inspecting them stays linear.
 */
void fill_http(struct inspect *in, struct http_tx *tx,
	       const uint64_t needed[2]);

#endif
