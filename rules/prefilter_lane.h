/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter_lane.h - the parts of prefilter_build.c that make tables
 *
 * Internal: included by the prefilter's build side only.
 *
 * Place    above prefilter_db.h, prefilter_path.h and byte_gram.h.
 * Threads  one thread, while rules load.
 * Memory   what is made belongs to the prefilter; the rest is freed.
 * Cost     cold, but every literal of a rule set comes by.
 */
#ifndef RULES_PREFILTER_LANE_H
#define RULES_PREFILTER_LANE_H

#include "rules/prefilter_path.h"

/* A literal on its way into a table. */
struct piece {
	const struct prefilter_literal *lit;
	uint16_t key; /* offset of its key in the literal */
	uint8_t bucket;
	uint8_t probe;
	uint64_t hash;
};

/* The literals by the way in which they will be looked for. */
struct sorted {
	struct piece *probes, *pieces;
	const struct prefilter_literal **shorts, **runs, **spots;
	size_t n_probes, n_pieces, n_shorts, n_runs, n_spots;
};

/* Zeroed, where registers are loaded from at once; or NULL. */
void *prefilter_alloc(size_t n);

/* The tables of these literals, which are sorted; add to p->memory.  False:
 * out of memory. */
bool shorts_build(struct prefilter *p, const struct sorted *s);
bool spots_build(struct prefilter *p, const struct sorted *s);
bool runs_build(struct prefilter *p, const struct sorted *s);

/*
 * Chooses key and bucket of each piece, so that the filter lets as little
 * through as it can, and fills 'f', whose width is that of the keys and may
 * become less.  False: out of memory.
 */
bool filter_build(struct filter *f, enum class_form form, struct piece *v,
		  size_t n);
/* 'at' lets 'c' pass for 'bucket'. */
void filter_admit(union classes *at, enum class_form form, unsigned bucket,
		  uint8_t c);

/* The table of 'v' by their hashes.  Adds to p->text and p->memory. */
bool table_build(struct prefilter *p, struct entry_table *t, struct piece *v,
		 size_t n);
/* The hash of the key of 'v', as it will be found in the data. */
uint64_t piece_hash(const struct piece *v, uint64_t key_mask, uint64_t seed);
/* The same of a lane's key. */
uint64_t piece_lane_hash(const struct piece *v, uint32_t key_mask);

/* The automaton of the literals in 't', whose text is p->text; adds to
 * p->memory.  NULL: out of memory. */
struct linear *linear_build(struct prefilter *p, const struct entry_table *t);
void linear_free(struct linear *l);

/* 0x5f.. style mask of a byte: which of its bits count. */
static inline uint8_t
byte_mask(uint8_t c, bool nocase)
{
	uint8_t l = ascii_lower(c);

	return nocase && l >= 'a' && l <= 'z' ? (uint8_t)~0x20 : 0xff;
}

#endif
