/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_fetch.h - packets that a sensor keeps, asked for and brought here
 *
 * A signed control document asks, and the sensor's stream of evidence answers in
 * pieces (common/evidence_ask.h).  What comes is put together and compared with
 * its digest; pieces of other answers are passed over.
 *
 * Place    above common/control_send and redis_pool; below ctl.
 * Threads  one.
 * Memory   the answer, at most EVIDENCE_ASK_MAX.
 * Cost     a round trip a look, EVIDENCE_LOOK_MS apart.
 */
#ifndef COLLECTOR_EVIDENCE_FETCH_H
#define COLLECTOR_EVIDENCE_FETCH_H

#include "common/control_send.h"

#define EVIDENCE_LOOK_MS 100
#define EVIDENCE_SHA256_CAP 65

struct evidence_got {
	uint8_t *file; /* pcapng; the caller frees it */
	size_t len;
	uint64_t packets;
	bool cut; /* there may be more than was asked for at most */
	char sha256[EVIDENCE_SHA256_CAP];
};

/* An answer so far. */
struct evidence_gather {
	const char *id;
	uint32_t n, of; /* pieces that are here; 'of' 0: none came yet */
	size_t cap;
	struct evidence_got got;
};

/*
 * One more entry of the stream.  ERR_OK: all is there, and as its digest says;
 * ERR_AGAIN: more is to come, or it was another's; ERR_FORMAT with diag: it is
 * damaged; ERR_NOMEM.  g->got.file is the caller's whatever is returned.
 */
enum err evidence_gather_add(struct evidence_gather *g, const redisReply *entry,
			     struct diag *d) MUST_CHECK;

/*
 * Asks 'doc' (of CONTROL_EVIDENCE, its id is given here) of one sensor and waits
 * for the answer.  ERR_AGAIN with diag: none came within 'wait_ms'; ERR_IO,
 * ERR_FORMAT, ERR_NOMEM with diag.
 */
enum err evidence_fetch(struct redis_pool *p, struct sign_key *k,
			struct control_doc *doc, unsigned wait_ms,
			struct evidence_got *out, struct diag *d) MUST_CHECK;

#endif
