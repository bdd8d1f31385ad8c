/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_apply.h - what a partner's bundle changes here
 *
 * Indicators go into the common set as source "partner:NAME", through the gate
 * and within the party's quota.  Sightings join those of our own sensors in the
 * correlator, at a site "NAME:PLACE" of owner NAME, so that one incident has
 * both owners; of one that comes again only what is new of its count is added.
 * Incidents are kept to be shown, and events of consultations are folded in as
 * the partner's word.  What bears an exercise goes into that exercise's lane,
 * and nowhere when it is not known here; the common set has no such lanes.
 *
 * Place    above stix_in, store_partner, common_set, correlate, store_consult
 *          and store_exercise; below exchange_in and the pipeline.
 * Threads  the writer's.
 * Memory   that of stix_in.
 * Cost     about 30 us an object.
 */
#ifndef COLLECTOR_EXCHANGE_APPLY_H
#define COLLECTOR_EXCHANGE_APPLY_H

#include "collector/common_set.h"
#include "collector/correlate.h"
#include "collector/store_partner.h"

/* Sightings that are new, of one party in an hour: each takes room in the
 * correlator, which is everybody's.  Those that go on take none. */
#define EXCHANGE_NEW_SIGHTINGS 20000

/* What is counted of a party; names are stored. */
enum exchange_count {
	EXCHANGE_BUNDLES, /* applied */
	EXCHANGE_OBJECTS,
	EXCHANGE_OTHERS, /* objects of types that we do not take */
	EXCHANGE_INDICATORS_NEW,
	EXCHANGE_INDICATORS_CHANGED,
	EXCHANGE_INDICATORS_SAME, /* and those that are older than ours */
	EXCHANGE_INDICATORS_REVOKED,
	EXCHANGE_INDICATORS_HELD, /* by the gate; of those new or changed */
	EXCHANGE_INDICATORS_EVICTED, /* its own oldest, by the quota */
	EXCHANGE_SIGHTINGS, /* new, or grown */
	EXCHANGE_SIGHTINGS_SAME,
	EXCHANGE_INCIDENTS,
	EXCHANGE_INCIDENTS_SAME,
	EXCHANGE_EVENTS, /* of consultations */
	EXCHANGE_EVENTS_SAME,
	EXCHANGE_REPEATED, /* bundles that were applied before */
	/* bundles that are refused */
	EXCHANGE_REFUSED,
	EXCHANGE_REFUSED_UNSIGNED = EXCHANGE_REFUSED,
	EXCHANGE_REFUSED_MALFORMED,
	EXCHANGE_REFUSED_UNKNOWN_KEY,
	EXCHANGE_REFUSED_FORGED,
	EXCHANGE_REFUSED_MISADDRESSED,
	EXCHANGE_REFUSED_OLD_EPOCH, /* replayed */
	EXCHANGE_REFUSED_GAP, /* one before it has not come */
	EXCHANGE_REFUSED_FLOOD, /* trimmed unread: too much waited */
	EXCHANGE_REFUSED_OVERSIZE, /* of the broker's entries: unread */
	/* objects of a bundle that was applied */
	EXCHANGE_OBJECT_MALFORMED,
	EXCHANGE_OBJECT_IMPERSONATED,
	EXCHANGE_OBJECT_TOO_MANY,
	EXCHANGE_OBJECT_FOREIGN_SIDE, /* speaks for another in a consultation */
	EXCHANGE_OBJECT_FOREIGN_SITE, /* a site that is another party's */
	EXCHANGE_OBJECT_UNKNOWN, /* a sighting of what nobody told us of */
	EXCHANGE_OBJECT_EXERCISE, /* no such exercise here */
	EXCHANGE_OBJECT_NO_ROOM, /* a bound of everybody's, or of an hour */
	EXCHANGE_COUNTS
};
/* "bundles", "refused:forged", "object:impersonated" ... */
const char *exchange_count_name(enum exchange_count c);

/* What came of a bundle, and why its last refused object was. */
struct exchange_report {
	uint64_t n[EXCHANGE_COUNTS];
	char why[256];
};
uint64_t exchange_report_refused(const struct exchange_report *r);

struct exchange_apply {
	sqlite3 *db;
	struct store_partner *partners;
	struct common_set *common;
	struct correlate *correlate;
	const char *party;
	uint64_t quota;
	uint64_t now_us; /* wall clock */
	/* New sightings that the party may still bring in this hour. */
	uint64_t *room;
};

/*
 * Within the store's transaction, while the gate is ready (common_set_ready).
 * A bundle that is none counts as malformed and changes nothing else.  Errors
 * are the store's: the transaction and the correlator are to be given up.
 */
enum err exchange_apply(const struct exchange_apply *a, struct view bundle,
			struct exchange_report *r) MUST_CHECK;

#endif
