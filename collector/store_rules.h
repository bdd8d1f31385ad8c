/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_rules.h - what rules raised, and which sets of them sensors run
 *
 * Place    above store_query and store_read; below console_ops and ctl_rules.
 * Threads  as the reader.
 * Memory   one row; its texts live until the call returns.
 * Cost     a walk over the groups of alerts.
 */
#ifndef COLLECTOR_STORE_RULES_H
#define COLLECTOR_STORE_RULES_H

#include "collector/store_read.h"
#include "common/json.h"

/* All revisions of a rule, by the alerts that are kept. */
struct store_rule {
	uint32_t gid, sid, rev; /* the highest */
	uint8_t severity; /* the worst */
	const char *signature, *category;
	uint64_t alerts, groups; /* groups differ in more than time */
	uint64_t sites;
	uint64_t first_us, last_us; /* packet time */
};
/* Those that raised most come first; of the filter all but addresses' names,
 * sensor, before and after is looked at.  ERR_IO. */
enum err store_read_rules(struct store_reader *r,
			  const struct store_alert_filter *f, unsigned limit,
			  unsigned offset,
			  void (*fn)(void *arg, const struct store_rule *rule),
			  void *arg) MUST_CHECK;

/* A list 'key' of them. */
enum err store_rules_json(struct store_reader *r,
			  const struct store_alert_filter *f, unsigned limit,
			  unsigned offset, struct json *j, const char *key,
			  unsigned *n) MUST_CHECK;
/* A list "sensors": which set each runs, how many of its rules could not be
 * loaded, and why the last reload failed. */
enum err store_rules_json_sensors(struct store_reader *r,
				  struct json *j) MUST_CHECK;

#endif
