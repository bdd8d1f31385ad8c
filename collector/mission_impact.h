/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mission_impact.h - what it means for missions that assets are touched
 *
 * What is touched counts as lost: nobody knows yet what an intruder will do
 * there.  A loss is 0 to 100 and goes up through the dependencies: what needs
 * all of its parts loses what the worst of them loses; what needs any of them
 * (needs: any) loses the average, so that one of two gateways leaves it
 * degraded, and both leave it down.  Every further asset can only add.
 *
 *   loss    100 down, 1 to 99 degraded
 *   score   loss x criticality / 100, rounded up: 0 to 100
 *
 * Place    within mission; for assess.
 * Threads  any: the map is only read.
 * Memory   two numbers a service and asset for the call; the result is the
 *          caller's and bounded, the highest scores stay.
 * Cost     one walk over the services and missions of the map.
 */
#ifndef COLLECTOR_MISSION_IMPACT_H
#define COLLECTOR_MISSION_IMPACT_H

#include "collector/mission.h"

#define MISSION_MAX_HITS 64
#define MISSION_MAX_PATH 67 /* a mission, services, an asset */

/* A mission or service that loses something. */
struct mission_hit {
	const char *name, *owner; /* owner "" of a service */
	unsigned criticality, loss, score;
	/* From it down to the asset that costs it most: names. */
	const char *path[MISSION_MAX_PATH];
	unsigned n_path;
};

/* Of each kind those with the highest scores (of services: losses), then by
 * name; the n_ are how many there were in all. */
struct mission_impact {
	struct mission_hit missions[MISSION_MAX_HITS];
	struct mission_hit services[MISSION_MAX_HITS];
	unsigned n_missions, n_services;
};

/* 'touched' are assets of this map, in any order, repeats allowed. */
enum err mission_impact(const struct mission_map *m,
			const struct mission_asset *const *touched, size_t n,
			struct mission_impact *out) MUST_CHECK;

#endif
