/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mission_map.h - the mission map as it lies in memory
 *
 * Place    mission's own: included by mission*.c only.
 * Threads  written while it is read from its file, immutable afterwards.
 * Memory   every text and array is its own, on the heap; mission_free() ends
 *          all.
 */
#ifndef COLLECTOR_MISSION_MAP_H
#define COLLECTOR_MISSION_MAP_H

#include "collector/mission.h"

struct owner {
	char *name, *title;
};

struct site {
	char *name, *owner, *location;
	double latitude, longitude;
	struct marking *mark; /* NULL: unmarked; so below */
};

struct net {
	struct cidr cidr;
	char *site; /* NULL: at any site */
	int asset; /* -1: ours, but no asset */
	struct marking *mark;
};

/* What a thing needs, by number. */
struct need_ref {
	unsigned need; /* the entry of 'needs' that names it */
	unsigned index;
	bool service; /* or an asset */
};

struct thing { /* a service or a mission */
	char *name, *owner;
	unsigned criticality;
	char **needs;
	unsigned n_needs;
	bool any; /* one of them will do; else it needs all */
	struct need_ref *refs; /* grouped by need */
	unsigned n_refs;
	int line;
	bool visited; /* while dependencies are walked */
	struct marking *mark;
};

struct asset {
	char *name, *site;
	struct mission_asset view;
	struct marking *mark;
	bool unmarked_dependent; /* bears the default, whatever that is */
};

/* The networks [first, end) with prefixes of one length. */
struct net_length {
	uint8_t bits;
	unsigned first, end;
};

struct mission_map {
	struct owner *owners;
	struct site *sites;
	struct net *nets;
	struct asset *assets;
	struct thing *services, *missions;
	unsigned n_owners, n_sites, n_nets, n_assets, n_services, n_missions;
	unsigned *order; /* of services: what is needed comes first */
	struct net_length lengths[129]; /* longest first */
	unsigned n_lengths;
	struct marking unmarked;
};

/* Once all networks are there: puts them in the order in which they are
 * looked for. */
void mission_sort_nets(struct mission_map *m);
/* Calls 'fn' for each network that holds 'a', the most specific first, until
 * it says false; 'site' NULL: whatever the site. */
void mission_each_net_of(const struct mission_map *m, const char *site,
			 const struct addr *a,
			 bool (*fn)(void *arg, const struct net *n), void *arg);
/* That 'from', a service or a mission, depends on 'a'. */
void mission_depend(struct asset *a, const struct thing *from);
/* NULL: no site of that name. */
const struct site *mission_find_site(const struct mission_map *m,
				     const char *name);

#endif
