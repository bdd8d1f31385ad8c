/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter.h - which of many literals occur in these bytes?
 *
 * Place    above common/ only; below rule_compile.
 * Threads  the prefilter is immutable and shared; a scratch is one worker's.
 * Memory   heap at build time; none at scan time.
 * Cost     prefilter_scan() is the per-byte loop of the whole sensor.
 */
#ifndef RULES_PREFILTER_H
#define RULES_PREFILTER_H

#include "common/err.h"

/* Longer literals are refused; cut them and verify the rest at the match. */
#define PREFILTER_LITERAL_MAX 1024

struct prefilter;
struct prefilter_scratch;

struct prefilter_literal {
	struct view bytes; /* 1 to PREFILTER_LITERAL_MAX bytes */
	bool nocase; /* ASCII case folded on both sides */
	uint32_t id; /* several literals may share one */
};

/*
 * NULL with diag on failure.  'lits' may go after the call.  'n' may be 0:
 * such a prefilter never reports anything.
 */
struct prefilter *prefilter_build(const struct prefilter_literal *lits,
				  size_t n, struct diag *d) MUST_CHECK;
/*
 * The same beside 'like', a prefilter that is in use (or NULL): for the same
 * literals under the same ids it is given once more, to be freed as often.
 */
struct prefilter *prefilter_build_like(const struct prefilter *like,
				       const struct prefilter_literal *lits,
				       size_t n, struct diag *d) MUST_CHECK;
void prefilter_free(struct prefilter *p);
size_t prefilter_memory(const struct prefilter *p); /* bytes */
/* Longest literal: how far back a scan must begin to see one end anew. */
size_t prefilter_longest(const struct prefilter *p);

/* A scratch fits every prefilter that was grown into it. */
struct prefilter_scratch *prefilter_scratch_new(void);
enum err prefilter_scratch_grow(struct prefilter_scratch *s,
				const struct prefilter *p) MUST_CHECK;
void prefilter_scratch_free(struct prefilter_scratch *s);

/*
 * Sets bit (id) in 'bits' for every literal that occurs in 'data'; 'bits' has
 * room for the highest id.  Each newly set id is also appended to 'ids', of
 * which there is room for as many as there are distinct ids; returns how many
 * were appended.  An id whose bit is set already is not reported again.
 */
size_t prefilter_scan(const struct prefilter *p, struct prefilter_scratch *s,
		      struct view data, uint64_t *bits, uint32_t *ids);

#endif
