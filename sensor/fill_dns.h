/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill_dns.h - a DNS message as rules look at it
 *
 * Place    above app_dns.h and rules/inspect.h, below the worker.
 * Threads  the worker that owns the transaction.
 * Memory   views into the transaction; their lists come from its arena.
 * Cost     the lists are made once a transaction.
 */
#ifndef SENSOR_FILL_DNS_H
#define SENSOR_FILL_DNS_H

#include "rules/inspect.h"
#include "sensor/app_dns.h"

/* Sets the buffers in 'needed' (bits as inspect.h's) and the numbers. */
void fill_dns(struct inspect *in, struct dns_tx *tx, const uint64_t needed[2]);

#endif
