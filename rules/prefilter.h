/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter.h - which of many literals occur in these bytes, and where first?
 *
 * Place    above common/ only; below rule_group.
 * Threads  the prefilter is immutable and shared; a scratch is one worker's.
 * Memory   heap at build time; none at scan time.
 * Cost     prefilter_scan() is the per-byte loop of the whole sensor.
 */
#ifndef RULES_PREFILTER_H
#define RULES_PREFILTER_H

#include "common/err.h"

/* Longer literals are refused; cut them and verify the rest at the match. */
#define PREFILTER_LITERAL_MAX 1024
#define PREFILTER_ANYWHERE UINT32_MAX /* as 'to' of a literal */

struct prefilter;
struct prefilter_scratch;

struct prefilter_literal {
	struct view bytes; /* 1 to PREFILTER_LITERAL_MAX bytes */
	bool nocase; /* ASCII case folded on both sides */
	uint32_t id; /* several literals may share one */
	/* It counts only where it begins at from..to of the buffer. */
	uint32_t from, to;
};

/* A piece of a buffer that is given in pieces, or all of one. */
struct prefilter_input {
	struct view data;
	/*
	 * Only what ends behind data.p + fresh is wanted: the bytes before
	 * were scanned with an earlier piece and serve literals that cross.
	 * The scan goes back as far as it must by itself.
	 */
	size_t fresh;
	uint64_t base; /* where in the buffer 'data' begins */
};

struct prefilter_hit {
	uint32_t id;
	uint32_t at; /* where in 'data' its first occurrence begins */
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
/*
 * Longest literal: so many bytes less one before what is fresh must be given
 * for a literal across the seam to be seen.
 */
size_t prefilter_longest(const struct prefilter *p);

/* A scratch fits every prefilter that was grown into it. */
struct prefilter_scratch *prefilter_scratch_new(void);
enum err prefilter_scratch_grow(struct prefilter_scratch *s,
				const struct prefilter *p) MUST_CHECK;
void prefilter_scratch_free(struct prefilter_scratch *s);

/* What a scratch's scans had to do beyond looking at each byte. */
struct prefilter_work {
	uint64_t keys; /* places where a literal's key stands */
	uint64_t compares; /* literals of these keys */
	/* blocks of bytes that asked for so much of it that they were gone
	 * through in the way that costs the same for all bytes */
	uint64_t linear_blocks;
	uint64_t linear_bytes; /* in all of these */
	uint64_t linear_ends; /* literals that such a search came upon */
};

const struct prefilter_work *prefilter_work(const struct prefilter_scratch *s);

/*
 * Sets bit (id) in 'bits' for every literal that occurs as asked for; 'bits'
 * has room for the highest id.  Each newly set id is also appended to 'hits',
 * of which there is room for as many as there are distinct ids; returns how
 * many were appended, in no order.  An id whose bit is set already is not
 * reported again.  Reads nothing outside 'data', which must be shorter than
 * 4 GiB.
 */
size_t prefilter_scan(const struct prefilter *p, struct prefilter_scratch *s,
		      const struct prefilter_input *in, uint64_t *bits,
		      struct prefilter_hit *hits);

/*
 * For tests and measurements: what is built from now on uses the instructions
 * of this name ("avx512", "avx2", "ssse3", "neon", "portable"; NULL: the best
 * there are).  False: this processor has none of that name.
 */
bool prefilter_force_path(const char *name);
/*
 * For tests: what is scanned with 's' asks for this much, in compares for each
 * block, before its rest is gone through in linear time; 0 at once.
 */
void prefilter_force_linear(struct prefilter_scratch *s, uint32_t limit);
/* The i-th name that this processor can be forced to; NULL behind the last. */
const char *prefilter_path_name(unsigned i);

#endif
