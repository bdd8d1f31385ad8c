/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_dns.h - a DNS message as EVE writes it
 *
 * Place    above app_dns.h and json.h, below the worker.
 * Threads  the one that owns the transaction, or its copy (tx_copy.h).
 * Cost     once a transaction that is logged or alerted on.
 */
#ifndef SENSOR_LOG_DNS_H
#define SENSOR_LOG_DNS_H

#include "common/json.h"
#include "sensor/app_dns.h"

/*
 * Writes "dns":{...} ("mdns" for multicast) in the form of version 3:
 * type request or response, queries, answers, authorities, additionals and
 * the answers' data grouped by type.
 */
void log_dns(struct json *j, const struct dns_tx *tx);

#endif
