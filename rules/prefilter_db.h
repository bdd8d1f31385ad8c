/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter_db.h - the insides of a prefilter, for its two halves only
 *
 * Place    between prefilter_build.c, which fills it, and prefilter.c, which
 *          scans with it; nobody else includes it.
 * Threads  as prefilter.h.
 * Memory   the database is Hyperscan's, in one block.
 * Cost     none.
 */
#ifndef RULES_PREFILTER_DB_H
#define RULES_PREFILTER_DB_H

#include <hs.h>
#include <stdatomic.h>

#include "rules/prefilter.h"

/* Id of an expression that is there for Hyperscan's sake only. */
#define PREFILTER_NOBODY UINT32_MAX

struct prefilter {
	hs_database_t *db; /* NULL: no literals, nothing ever matches */
	size_t longest;
	size_t memory;
	uint8_t key[16]; /* digest of the literals */
	atomic_uint refs;
};

struct prefilter_scratch {
	hs_scratch_t *hs; /* NULL until a prefilter with literals is grown in */
};

#endif
