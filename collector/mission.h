/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mission.h - what is ours, whose it is, and which missions depend on it
 *
 * Read from one YAML file: owners, sites, networks, assets, services and
 * missions (docs/missions.md).  Services depend on assets and on services;
 * missions on services.  Criticality is 0 to 100 and flows down: an asset is
 * as critical as the most critical mission that needs it.
 *
 * Place    above addr.h; below enrich.
 * Threads  immutable once loaded; any thread may read.
 * Memory   heap, freed whole.
 * Cost     a lookup by address is one binary search per prefix length in use.
 */
#ifndef COLLECTOR_MISSION_H
#define COLLECTOR_MISSION_H

#include "common/addr.h"
#include "common/marking.h"

#define MISSION_MAX_ITEMS 65536
#define MISSION_FILE_MAX ((size_t)64 << 20)
/* More missions on one asset are not listed by name. */
#define MISSION_MAX_NAMES 16

struct mission_map;

struct mission_asset {
	const char *name, *site; /* "" when it has none */
	unsigned criticality; /* its own and its missions' highest */
	/* Names of services and missions that depend on it. */
	const char *services[MISSION_MAX_NAMES], *missions[MISSION_MAX_NAMES];
	const char *owners[MISSION_MAX_NAMES]; /* of those missions */
	unsigned n_services, n_missions, n_owners;
	/* Join of the marks of all services and missions that depend on it,
	 * those that are not listed by name too. */
	struct marking dependents;
};

/* ERR_FORMAT with file, line, key and mend in 'd'. */
enum err mission_load(struct mission_map **out, const char *path,
		      struct diag *d) MUST_CHECK;
/* A map that knows nothing: private addresses (RFC 1918, 4193) are ours. */
struct mission_map *mission_empty(void);
void mission_free(struct mission_map *m);

/* The most specific asset at 'site' (or at no site) that holds 'a'. */
const struct mission_asset *mission_asset(const struct mission_map *m,
					  const char *site,
					  const struct addr *a);
/* Whether 'a', seen at 'site', is an end of ours. */
bool mission_is_ours(const struct mission_map *m, const char *site,
		     const struct addr *a);
/* "" when the map does not say. */
const char *mission_site_owner(const struct mission_map *m, const char *site);
const char *mission_site_location(const struct mission_map *m,
				  const char *site);
/* The owner whose 'title' is a nation or service; the name when none. */
const char *mission_owner_title(const struct mission_map *m, const char *owner);

/*
 * What an unmarked site, asset, service or mission bears (TLP:AMBER until it
 * is said); before the map is shared.
 */
void mission_default_mark(struct mission_map *m, const struct marking *mark);
/* The same of a setting's text; ERR_USAGE with diag. */
enum err mission_default_read(struct mission_map *m, const char *text,
			      struct diag *d) MUST_CHECK;
const struct marking *mission_unmarked(const struct mission_map *m);
/* Join 'mark' with that of a site, and of all that 'a' is at 'site': the
 * networks that hold it and their asset. */
void mission_join_site(const struct mission_map *m, const char *site,
		       struct marking *mark);
void mission_join_addr(const struct mission_map *m, const char *site,
		       const struct addr *a, struct marking *mark);
/* With all that depends on an asset, the default for what is unmarked. */
void mission_join_dependents(const struct mission_map *m,
			     const struct mission_asset *a,
			     struct marking *mark);
/* The mark of the service of that name; false: there is none. */
bool mission_service_mark(const struct mission_map *m, const char *name,
			  struct marking *mark) MUST_CHECK;
/* The most specific asset that holds 'a', whatever the site; NULL: none. */
const struct mission_asset *mission_asset_anywhere(const struct mission_map *m,
						   const struct addr *a);
/* Whether 'a' is ours at any site. */
bool mission_is_ours_anywhere(const struct mission_map *m,
			      const struct addr *a);
/* Calls 'fn' for the name of every site, asset, service and mission, with its
 * own marking (the default's, unmarked), which lives as long as the map. */
enum mission_name {
	MISSION_SITE,
	MISSION_ASSET,
	MISSION_SERVICE,
	MISSION_MISSION
};
void mission_each_name(const struct mission_map *m,
		       void (*fn)(void *arg, enum mission_name what,
				  const char *name, const struct marking *mark),
		       void *arg);

/* Calls 'fn' for every site; latitude and longitude are NAN when not given. */
void mission_each_site(const struct mission_map *m,
		       void (*fn)(void *arg, const char *site,
				  const char *owner, const char *location,
				  double latitude, double longitude),
		       void *arg);
/* Calls 'fn' for every network of every asset; 'site' is "" when it has none. */
void mission_each_asset(const struct mission_map *m,
			void (*fn)(void *arg, const char *asset,
				   const char *site, unsigned criticality,
				   const struct cidr *net),
			void *arg);
/* Calls 'fn' for every network of ours, with its asset ("": none). */
void mission_each_net(const struct mission_map *m,
		      void (*fn)(void *arg, const struct cidr *net,
				 const char *asset),
		      void *arg);
/* Calls 'fn' for every mission with the services it needs, comma-separated. */
void mission_each_mission(const struct mission_map *m,
			  void (*fn)(void *arg, const char *mission,
				     const char *owner, unsigned criticality,
				     const char *services),
			  void *arg);
/*
 * Calls 'fn' for every mission and each asset that it stands on, directly or
 * through services, an asset once; with asset "" for one that stands on none.
 * False when out of memory.
 */
bool mission_each_need(const struct mission_map *m,
		       void (*fn)(void *arg, const char *mission,
				  const char *owner, unsigned criticality,
				  const char *asset),
		       void *arg) MUST_CHECK;

#endif
