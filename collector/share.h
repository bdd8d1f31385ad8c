/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share.h - what a partner gets: a bundle of STIX 2.1
 *
 * Walks what the store has seen and judged, asks release.h of each thing,
 * passes each text through redact.h, and notes what went and what was held, for
 * the audit log and for the owner.  The bundle is not signed here.
 *
 * Place    above release, redact, stix_out, audit, store_reader; below ctl_share.
 * Threads  one.
 * Memory   the bundle, at most SHARE_MAX_BYTES and SHARE_MAX_OBJECTS, and a
 *          note for each thing.
 * Cost     some 20 us a thing.
 */
#ifndef COLLECTOR_SHARE_H
#define COLLECTOR_SHARE_H

#include "collector/mission.h"
#include "collector/redact.h"
#include "collector/release.h"
#include "collector/stix_out.h"
#include "collector/store_reader.h"

#define SHARE_MAX_OBJECTS 50000
#define SHARE_MAX_BYTES ((size_t)64 << 20)

struct share_request {
	const struct share_policy *policy;
	const struct share_partner *to;
	const struct mission_map *map;
	uint64_t since_us; /* what changed since then; 0: all */
	unsigned kinds; /* bits of enum share_kind; 0: all */
};

/* One thing that went or was held. */
struct share_note {
	enum share_kind kind;
	enum release_verdict verdict;
	int64_t local; /* number of the run or incident, for the owner */
	char id[STIX_ID_CAP]; /* "" for what was held */
	char *mark;
};

struct share_bundle {
	struct stix_out stix; /* stix.j is the text */
	uint64_t counts[SHARE_KINDS][RELEASE_VERDICTS];
	/* All that went, and SHARE_MAX_OBJECTS of what was held. */
	struct share_note *notes;
	size_t n_notes, n_held;
};

/*
 * Makes the bundle of 'r->to'.  ERR_USAGE with diag: its key cannot be read;
 * ERR_IO, ERR_NOMEM.  share_bundle_fini() also after an error.
 */
enum err share_bundle_write(struct store_reader *store,
			    const struct share_request *r,
			    struct share_bundle *out,
			    struct diag *d) MUST_CHECK;
void share_bundle_fini(struct share_bundle *b);
/* How many things went, or were held. */
uint64_t share_released(const struct share_bundle *b);
uint64_t share_held(const struct share_bundle *b);

/*
 * Writes into the audit log, within the transaction of 'db', that this bundle
 * was released, and what was held.  Nothing may leave before that is committed.
 */
enum err share_audit(sqlite3 *db, const struct share_request *r,
		     const struct share_bundle *b, const char *who,
		     uint64_t at_us, struct diag *d) MUST_CHECK;
/* The same of a step that released nothing: only what was held. */
enum err share_audit_held(sqlite3 *db, const struct share_request *r,
			  const struct share_bundle *b, const char *who,
			  uint64_t at_us, struct diag *d) MUST_CHECK;
/* SHA-256 of the whole policy as the audit log has it, in hexadecimal. */
enum err share_policy_digest(const struct share_policy *p,
			     char out[65]) MUST_CHECK;
/* That a policy is in force from now on, if it is another than last time. */
enum err share_audit_policy(sqlite3 *db, const struct share_policy *p,
			    const char *who, uint64_t at_us,
			    struct diag *d) MUST_CHECK;

#endif
