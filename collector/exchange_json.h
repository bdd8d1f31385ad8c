/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_json.h - how far the exchange with each partner is, as JSON
 *
 * Place    above exchange_out_store; below metrics_store and ctl_exchange.
 * Threads  as the reader.
 * Memory   one row.
 * Cost     a row a party.
 */
#ifndef COLLECTOR_EXCHANGE_JSON_H
#define COLLECTOR_EXCHANGE_JSON_H

#include "collector/store_reader.h"
#include "common/json.h"

/* A list "exchange" with an object a partner, for metrics. */
enum err exchange_json_metrics(struct store_reader *r,
			       struct json *j) MUST_CHECK;
/* A list "partners" with all that is known of each. */
enum err exchange_json(struct store_reader *r, struct json *j) MUST_CHECK;

#endif
