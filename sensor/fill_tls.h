/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill_tls.h - a TLS handshake as rules look at it
 *
 * Place    above app_tls.h and rules/inspect.h, below the worker.
 * Threads  the worker that owns the transaction.
 * Memory   views into the transaction.
 * Cost     none but pointers.
 */
#ifndef SENSOR_FILL_TLS_H
#define SENSOR_FILL_TLS_H

#include "rules/inspect.h"
#include "sensor/app_tls.h"

/*
 * Sets the buffers in 'needed' whose final value is known, and the numbers.
 * Certificate, random and ALPN are those of the sender of in->dir.
 */
void fill_tls(struct inspect *in, struct tls_tx *tx, const uint64_t needed[2]);

#endif
