/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partner_json.h - what came of each partner's bundles, as JSON
 *
 * Place    above store_partner and exchange_apply (names of what is counted);
 *          below metrics_store, console_ops and ctl_partner.
 * Threads  as the connection.
 * Memory   the counts of one party.
 * Cost     two short queries a party.
 */
#ifndef COLLECTOR_PARTNER_JSON_H
#define COLLECTOR_PARTNER_JSON_H

#include <sqlite3.h>

#include "common/err.h"
#include "common/json.h"

/*
 * A list "received" with an object a partner: its point, what is kept of it,
 * "taken" and "refused" by name (formats.md, "What the receiver takes"); all
 * names of "refused" are there, since an alarm is to see the first.
 */
enum err partner_json_metrics(sqlite3 *db, struct json *j) MUST_CHECK;

/* A list 'key': what came of each partner, with its counts by name. */
enum err partner_json(sqlite3 *db, struct json *j, const char *key) MUST_CHECK;
/* A list "incidents" that 'party' told of (NULL: any), the last told first. */
enum err partner_json_incidents(sqlite3 *db, const char *party, unsigned max,
				struct json *j) MUST_CHECK;

#endif
