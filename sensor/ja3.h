/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ja3.h - JA3 and JA3S fingerprints of hellos
 *
 * "version,ciphers,extensions,curves,point formats" in decimal and in order
 * of appearance, GREASE left out, and the MD5 of that text.
 *
 * Place    above app_tls.h.
 * Threads  pure.
 * Memory   text and hash from the transaction's arena.
 * Cost     once a handshake.
 */
#ifndef SENSOR_JA3_H
#define SENSOR_JA3_H

#include "sensor/app_tls.h"

/* Set ja3 and ja3_hash, ja3s and ja3s_hash of 'tx' from its hellos. */
void ja3_client(struct tls_tx *tx);
void ja3_server(struct tls_tx *tx);

#endif
