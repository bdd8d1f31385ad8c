/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter_path.h - the loops over single bytes, once for each instruction set
 *
 * All paths find the same literals.  The filter may let through more or fewer
 * positions, but never misses one where a key stands.
 *
 * Place    between prefilter_db.h and prefilter.c.
 * Threads  pure functions.
 * Memory   none but the caller's.
 * Cost     the hottest loops of all.
 */
#ifndef RULES_PREFILTER_PATH_H
#define RULES_PREFILTER_PATH_H

#include "rules/prefilter_db.h"

/* How a path looks up the classes of a byte. */
enum class_form { CLASS_SIX, CLASS_FOUR, CLASS_BYTE };

struct short_search {
	const struct shorts *shorts;
	struct view data;
	size_t fresh, from, to; /* literals begin at [from, to) */
	unsigned wanted, found; /* a bit for each */
	uint32_t at[SHORTS]; /* where it was found */
};

struct prefilter_path {
	const char *name;
	enum class_form form;
	/*
	 * Appends to 'queue' those of data[from..to) at which a key may begin,
	 * less 'from' and ascending; at most BLOCK positions are asked for.
	 * to + f->width - 1 <= data.len.
	 */
	size_t (*filter)(const struct filter *f, struct view data, size_t from,
			 size_t to, uint16_t *queue);
	/*
	 * Keeps of the queue what the lane's bitmap knows, with the hash of
	 * each; says how many.  Both arrays may be written 64 entries further.
	 */
	size_t (*sift)(const struct lane *l, struct view data, size_t from,
		       uint16_t *queue, size_t n, uint32_t *hash);
	/*
	 * The first position of [from, to) at which RUN_MIN equal bytes begin
	 * that 'f' lets pass, 'to' when there is none.
	 * to + RUN_MIN - 1 <= data.len.
	 */
	size_t (*run)(const struct filter *f, struct view data, size_t from,
		      size_t to);
	/* Finds where each of the shorts that are wanted stands first. */
	void (*find)(struct short_search *x);
};

extern const struct prefilter_path prefilter_portable;
#if defined(__x86_64__)
extern const struct prefilter_path prefilter_avx512, prefilter_avx2,
	prefilter_ssse3;
#elif defined(__aarch64__)
extern const struct prefilter_path prefilter_neon;
#endif

/* What prefilter_build() is to use. */
const struct prefilter_path *prefilter_path(void);

#endif
