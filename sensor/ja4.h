/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ja4.h - the JA4 fingerprint of a TLS client hello
 *
 * Only JA4 itself, the client's, whose licence is open; the other methods of
 * its family are not.
 *
 * Place    above app_tls.h.
 * Threads  pure.
 * Memory   the text from the transaction's arena; sorting on the stack.
 * Cost     once a handshake.
 */
#ifndef SENSOR_JA4_H
#define SENSOR_JA4_H

#include "sensor/app_tls.h"

/* Sets ja4 of 'tx' from its client hello, "t13d1516h2_<12 hex>_<12 hex>". */
void ja4_client(struct tls_tx *tx);

#endif
