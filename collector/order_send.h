/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order_send.h - what was ordered, to the sensors, a little at each look
 *
 * Postures and exercises are told in the same way: signed with the collector's
 * key, for so long at a look that ingest does not wait, and what stands in the
 * way is logged once.
 *
 * Place    above common/control_send; below the pipeline's orders.
 * Threads  the pipeline's.
 * Memory   some bytes.
 * Cost     two round trips a document; one that Redis does not answer takes
 *          five seconds at most.
 */
#ifndef COLLECTOR_ORDER_SEND_H
#define COLLECTOR_ORDER_SEND_H

#include "common/control_send.h"

struct order_send {
	const char *what; /* "posture": begins each line of the log */
	uint64_t until_us; /* in this look; 0: none was told yet */
	bool no_key_told, refusal_told;
};

/* A look begins. */
void order_send_look(struct order_send *t);
/*
 * Tells 'site' and 'sensor' ("": all).  False: not now, as there is no key, this
 * look has told enough, or Redis refuses; true: '*version' is the document's.
 */
bool order_send(struct order_send *t, struct redis_pool *redis,
		struct sign_key *key, struct control_doc *doc, const char *site,
		const char *sensor, uint64_t *version) MUST_CHECK;

#endif
