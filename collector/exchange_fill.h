/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_fill.h - the bundles that wait for a partner, made from what changed
 *
 * What people wait for goes first: consultations, then incidents, sightings and
 * indicators, each in bundles of its own.  Of indicators few bundles wait at a
 * time, so that nothing urgent stands behind a million of them.  When the
 * outbox is full nothing is made: what is to be told is the cursors', so that
 * nothing is lost by waiting.
 *
 * Place    above share_step and exchange_recall; below exchange_out.
 * Threads  one a filler.
 * Memory   a bundle of at most EXCHANGE_MAX_LEN, and its deflated form; half a
 *          megabyte of what is known as held.
 * Cost     five lookups when nothing changed; else that of share_step.h, one
 *          transaction a bundle.
 */
#ifndef COLLECTOR_EXCHANGE_FILL_H
#define COLLECTOR_EXCHANGE_FILL_H

#include <stdatomic.h>

#include "collector/exchange_conf.h"
#include "collector/exchange_out_store.h"
#include "collector/share_held.h"

/* Bundles of indicators that wait for a partner who acknowledges at once. */
#define EXCHANGE_BULK 16
/* Bundles that one call makes. */
#define EXCHANGE_FILL_BUNDLES 16

struct exchange_fill {
	const struct exchange_conf *conf;
	const struct exchange_party *party;
	const struct share_partner *to;
	const struct mission_map *map;
	struct store_reader *store; /* reads */
	sqlite3 *db; /* writes */
	char policy[EXCHANGE_DIGEST_CAP];
	struct share_held_known held;
	const atomic_bool *stop; /* breaks long work off; NULL: nothing does */
};

/*
 * Makes what there is room for and keeps it; 's' is the party's row, kept up to
 * date.  Under another policy than the row's, what waits is taken back first.
 *  '*more': there is more to be made.  ERR_IO, ERR_NOMEM, ERR_AGAIN
 * (somebody else makes bundles of this store), with diag.
 */
enum err exchange_fill(struct exchange_fill *f, struct exchange_state *s,
		       bool *more, struct diag *d) MUST_CHECK;

#endif
