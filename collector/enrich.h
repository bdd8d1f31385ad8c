/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrich.h - what is known of an address: country, network, asset, mission
 *
 * Place    above mission; below sighting and store.
 * Threads  one enricher, one thread (it caches).
 * Memory   databases are mapped files; the cache is ENRICH_CACHE records.
 * Cost     a cached address costs one hash; another about 2 us a database.
 */
#ifndef COLLECTOR_ENRICH_H
#define COLLECTOR_ENRICH_H

#include "collector/mission.h"

#define ENRICH_CACHE 4096
#define ENRICH_JSON_CAP 768

struct enrich;

/* 'm' must outlive the enricher. */
struct enrich *enrich_new(const struct mission_map *m);
void enrich_free(struct enrich *e);
/* Adds a MaxMind DB; the first database that knows a fact wins. */
enum err enrich_add_db(struct enrich *e, const char *path,
		       struct diag *d) MUST_CHECK;

/*
 * One JSON object about 'a' as seen at 'site': country_iso, country, city,
 * asn, org, latitude, longitude, ours, asset, criticality, services, missions; "{}" when
 * nothing is known.  Valid until the next call.
 */
struct view enrich_addr(struct enrich *e, const char *site,
			const struct addr *a);

#endif
