/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share_step.h - what changed for a partner since the last bundle
 *
 * A step walks what changed behind a cursor, of one kind, and makes a bundle of
 * the objects of which the partner has not this very version: the table
 * exchange_had knows what it has.  What it has and may no longer see, or what
 * is no more, goes once as revoked.  Only what is our own goes; nothing that a
 * partner gave is sent on.
 *
 * The numbers behind which a step walks: of indicators the set's own changes;
 * of sightings and incidents those of exchange_changes, which triggers keep; of
 * consultations the order in which events were stored.
 *
 * Place    above share; below exchange_out.
 * Threads  one; the store is read only.
 * Memory   a bundle, at most EXCHANGE_MAX_LEN, and a note of each object.
 * Cost     some 30 us a thing that changed; one lookup when nothing did.
 */
#ifndef COLLECTOR_SHARE_STEP_H
#define COLLECTOR_SHARE_STEP_H

#include "collector/share.h"

/* Of one bundle, with room for an end. */
#define SHARE_STEP_OBJECTS 950
#define SHARE_STEP_BYTES ((size_t)3 << 20)
/* A single object may have so many, else it is held. */
#define SHARE_STEP_MOST ((size_t)4000000)
/* What may change in one walk. */
#define SHARE_STEP_WALK 4000

/* What the partner has, once the bundle is there. */
struct share_had {
	uint8_t id[STIX_UUID_BYTES];
	enum share_kind kind;
	int64_t local; /* number of the indicator, run, incident or event */
	uint64_t version;
	bool gone; /* it was told that it is no more */
};

struct share_step {
	const char *name; /* the bundle's id is made of it */
	enum share_kind kind;
	uint64_t since; /* walked up to there */
	uint64_t now_us; /* of the versions; later than any before */
	/* The set forgot what was disarmed behind 'since': all that the partner
	 * has is looked at, from 'sweep' on. */
	bool sweeps;
	uint8_t sweep[STIX_UUID_BYTES];
	/* The policy has this kind no longer: what the partner has of it behind
	 * 'after' is taken back, and nothing else looked at. */
	bool withdraws;
	uint8_t after[STIX_UUID_BYTES];
	/* what came of it */
	uint64_t upto; /* walked up to there now */
	bool more; /* there is more behind it */
	struct share_had *had; /* on the heap */
	size_t n_had, had_cap;
};

/* The newest number of that kind, and that of indicators below which tombstones
 * were forgotten ('floor' may be NULL). */
enum err share_step_newest(struct store_reader *store, enum share_kind kind,
			   uint64_t *newest, uint64_t *floor) MUST_CHECK;

/*
 * Makes the bundle of what changed; r->since_us and r->kinds are not read.  An
 * empty bundle (out->stix.n is 0) is none to send.  Errors as of
 * share_bundle_write(); share_step_fini() and share_bundle_fini() in any case.
 */
enum err share_step_write(struct store_reader *store,
			  const struct share_request *r,
			  struct share_step *step, struct share_bundle *out,
			  struct diag *d) MUST_CHECK;
void share_step_fini(struct share_step *step);

#endif
