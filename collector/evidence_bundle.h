/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_bundle.h - an alert and its packets in one signed file
 *
 * A ustar archive (POSIX.1-1988) of just these members, in this order:
 * manifest.json, manifest.sig, alert.json, packets.pcapng.  The manifest has the
 * size and SHA-256 of the members behind its signature, which is Ed25519 over its
 * bytes; docs/formats.md.  All else in the archive follows from the members, so
 * that a reader finds any byte that was changed.
 *
 * Place    above sign.h and json.h; below ctl.
 * Threads  pure.
 * Memory   the caller's; a bundle that is written takes its size.
 * Cost     a digest of all, and one signature.
 */
#ifndef COLLECTOR_EVIDENCE_BUNDLE_H
#define COLLECTOR_EVIDENCE_BUNDLE_H

#include "common/err.h"
#include "common/sign.h"

#define BUNDLE_MAX ((size_t)64 << 20) /* bytes of a file that is read */
#define BUNDLE_SHA256_CAP 65

enum bundle_member {
	BUNDLE_MANIFEST,
	BUNDLE_SIGNATURE,
	BUNDLE_ALERT, /* the EVE line */
	BUNDLE_PACKETS,
	BUNDLE_MEMBERS
};

struct bundle {
	int64_t alert; /* its number in the store it came from */
	const char *site, *sensor, *who;
	uint64_t created_us;
	bool cut; /* not all packets are in it */
	struct view part[BUNDLE_MEMBERS]; /* written: the latter two are read */
};

/* SHA-256 as hexadecimal text; false: the library refuses. */
bool bundle_digest(struct view v, char out[BUNDLE_SHA256_CAP]) MUST_CHECK;
/* The archive, which the caller frees.  ERR_NOMEM. */
enum err bundle_write(const struct bundle *b, struct sign_key *k, uint8_t **out,
		      size_t *len) MUST_CHECK;
/*
 * Whether an archive of whoever's is whole and signed by the key; 'part' becomes
 * its members, views of 'file'.  ERR_FORMAT, ERR_AUTH with diag, which names the
 * member that is not as it was.
 */
enum err bundle_check(struct view file, struct sign_key *k,
		      struct view part[BUNDLE_MEMBERS],
		      struct diag *d) MUST_CHECK;

#endif
