/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asset_priority.h - how much the mission needs an address
 *
 * A table from networks to priorities: 1 is given up last, 5 first.  It is
 * made of the setting overload.priorities, and of the mission map that the
 * collector reads (docs/missions.md): what is critical there has priority 1,
 * high 2, medium 3, low 4, and none 5.  The longest prefix that holds an
 * address wins; of two that are the same, the more important.
 *
 * Place    above common/conf.h; below overload_conf.
 * Threads  built by one, read by any.
 * Memory   heap, freed whole.
 * Cost     a look-up is a binary search for each prefix length in use.
 */
#ifndef SENSOR_ASSET_PRIORITY_H
#define SENSOR_ASSET_PRIORITY_H

#include "common/addr.h"
#include "common/conf.h"

#define PRIORITY_FIRST 1 /* the most important */
#define PRIORITY_LAST 5
#define PRIORITY_MAX_NETWORKS 65536

struct asset_priorities;

/* NULL when out of memory. */
struct asset_priorities *asset_priorities_new(void);
void asset_priorities_free(struct asset_priorities *t);

/* Adds one network.  ERR_USAGE: there are too many; ERR_NOMEM. */
enum err asset_priorities_add(struct asset_priorities *t,
			      const struct cidr *net, unsigned priority,
			      struct diag *d) MUST_CHECK;
/* Adds the setting overload.priorities.  ERR_USAGE, ERR_NOMEM with diag. */
enum err asset_priorities_add_conf(struct asset_priorities *t,
				   const struct conf *conf,
				   struct diag *d) MUST_CHECK;
/*
 * Adds the assets of a mission map that are at 'site' or at no site in
 * particular.  ERR_FORMAT names file and key; ERR_NOMEM.
 */
enum err asset_priorities_add_missions(struct asset_priorities *t,
				       const char *path, const char *site,
				       struct diag *d) MUST_CHECK;
/* Makes it ready to be asked; nothing may be added behind it. */
void asset_priorities_seal(struct asset_priorities *t);

/* PRIORITY_FIRST to PRIORITY_LAST; 0: the table does not say. */
unsigned asset_priority_of(const struct asset_priorities *t,
			   const struct addr *a);
struct asset_network {
	struct cidr net;
	unsigned priority;
};

/* Of the setting overload.priorities, the most important first, up to 'cap';
 * returns how many there are in all. */
size_t asset_priorities_list(const struct asset_priorities *t,
			     struct asset_network *out, size_t cap);
/* A bit for each priority in the table: 1 << priority. */
unsigned asset_priorities_used(const struct asset_priorities *t);

#endif
