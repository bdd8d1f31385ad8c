/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_tls.h - a TLS handshake as EVE writes it
 *
 * Place    above app_tls.h and json.h, below the worker.
 * Threads  the one that owns the transaction, or its copy (tx_copy.h).
 * Cost     once a handshake that is logged or alerted on.
 */
#ifndef SENSOR_LOG_TLS_H
#define SENSOR_LOG_TLS_H

#include "common/json.h"
#include "sensor/app_tls.h"

/* Fields that are large and written only when asked for. */
enum log_tls_extra {
	LOG_TLS_CERTIFICATE = 1 << 0, /* the leaf, base64 */
	LOG_TLS_CHAIN = 1 << 1, /* all, base64 */
	LOG_TLS_CLIENT_HANDSHAKE = 1 << 2,
	LOG_TLS_SERVER_HANDSHAKE = 1 << 3,
};

/* Writes "tls":{...}, in EVE's extended form. */
void log_tls(struct json *j, const struct tls_tx *tx);
/* The same and the fields of 'extra'. */
void log_tls_extra(struct json *j, const struct tls_tx *tx, unsigned extra);

#endif
