/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contacts_conf.h - the settings of contacts.h
 *
 * Keys read: contacts.{enabled, interval, max-hosts} and HOME_NET, as rules
 * have it.
 *
 * Place    above rules/rule_vars.h; below contacts.h.
 * Threads  made by one, read by all workers.
 * Memory   the ranges of HOME_NET, heap.
 */
#ifndef SENSOR_CONTACTS_CONF_H
#define SENSOR_CONTACTS_CONF_H

#include "rules/rule_vars.h"

struct contacts_conf {
	bool enabled;
	uint64_t interval_us;
	uint32_t max_hosts; /* of a worker, at once */
	const struct range_set *home; /* NULL: every address */
	struct pool *pool;
	struct arena arena; /* of the pool; holds 'home' */
};

/* ERR_FORMAT: HOME_NET is no list of addresses; ERR_NOMEM; then 'out' holds
 * nothing. */
enum err contacts_conf_read(struct contacts_conf *out, const struct conf *c,
			    struct diag *d) MUST_CHECK;
void contacts_conf_fini(struct contacts_conf *c);

static inline bool
contacts_home(const struct contacts_conf *c, const struct addr *a)
{
	return c->home == NULL || range_set_has(c->home, addr_value(a));
}

#endif
