/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_consult_speak.h - what a person says in a consultation
 *
 * On a connection of its own, beside the collector's, as a change of an
 * incident's state is.
 *
 * Place    above store_consult and store_reader; below ctl.
 * Threads  any; each call opens and closes its own connection.
 * Memory   none kept.
 * Cost     one transaction.
 */
#ifndef COLLECTOR_STORE_CONSULT_SPEAK_H
#define COLLECTOR_STORE_CONSULT_SPEAK_H

#include "collector/store_consult.h"
#include "collector/store_reader.h"

struct consult_order {
	/* CONSULT_ACK, CONSULT_HANDOVER or CONSULT_CLOSE */
	enum consult_kind kind;
	struct consult_id id;
	const char *as; /* NULL: whoever leads; not with CONSULT_ACK */
	const char *who;
	const char *to; /* of a handover */
	const char *why; /* NULL: not said; a handover needs it */
};

/*
 * Says it; '*now' is how the consultation stands then.  ERR_NOTFOUND, ERR_USAGE
 * for what has no effect from here (diag names the way), ERR_AGAIN when the
 * writer held the store for longer than a few seconds.
 */
enum err store_consult_speak(struct store_reader *r,
			     const struct consult_order *o, struct consult *now,
			     struct diag *d) MUST_CHECK;

#endif
