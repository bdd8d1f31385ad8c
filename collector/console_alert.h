/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_alert.h - one alert with all that is known of it
 *
 * To the row of the list come its EVE line, the payload as rows of bytes with
 * the matched ones marked, the rule's text explained, other alerts of its flow,
 * and where its packets are.  The store keeps alerts, no other events of
 * protocols: of those an alert has what its own line says (http, dns, ...).
 *
 * Place    above console_question, rule_words, taps_json; below console_api.
 * Threads  the question's.
 * Memory   the line's values, and ALERT_MAX_PAYLOAD bytes of payload.
 * Cost     the alerts of one address within ALERT_NEAR_US of it are read, at
 *          most API_MAX_ROWS.
 */
#ifndef COLLECTOR_CONSOLE_ALERT_H
#define COLLECTOR_CONSOLE_ALERT_H

#include "collector/console_question.h"

#define ALERT_MAX_PAYLOAD 65536
#define ALERT_MAX_MARKS 16
#define ALERT_NEAR_US (UINT64_C(3600) * 1000000)

/* ERR_NOTFOUND: there is none of that number. */
enum err console_alert(struct question *q, int64_t id) MUST_CHECK;

#endif
