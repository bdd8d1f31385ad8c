/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_control.h - signed documents that sensors obey
 *
 * Place    above ctl_show.h, common/control.h and redis_pool.h; below ctl.
 * Threads  one.
 * Memory   caller's.
 */
#ifndef COLLECTOR_CTL_CONTROL_H
#define COLLECTOR_CTL_CONTROL_H

#include "collector/ctl_show.h"
#include "common/redis_options.h"

struct ctl_order {
	struct redis_options redis;
	const char *key; /* file of the private key */
	const char *site, *sensor; /* NULL: all */
};

/*
 * Adds a signed document to the stream: read rules and indicators again.  Says
 * how many sensors it is for; ERR_NOTFOUND with diag, and the order given all
 * the same, when Redis knows none.
 */
enum err ctl_rules_reload(struct ctl *c, const struct ctl_order *o,
			  struct diag *d) MUST_CHECK;

#endif
