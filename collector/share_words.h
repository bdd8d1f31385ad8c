/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share_words.h - what our own lists say about an indicator, on its way out
 *
 * Labels and phases of a kill chain, where the partner's policy lists these
 * fields; and how sure we are and since when, where a partner says so as well.
 * Of partners' lists nothing is told on, and a label that is a TLP stays here:
 * the object's marking says what counts by now.
 *
 * Place    share's own, between share_state and share_indicators.
 * Threads  the bundle's.
 * Memory   a struct of the caller.
 * Cost     linear in the texts.
 */
#ifndef COLLECTOR_SHARE_WORDS_H
#define COLLECTOR_SHARE_WORDS_H

#include "collector/share_state.h"
#include "common/indicator.h"

struct share_words {
	/* parted by commas, as struct indicator has them */
	char labels[INDICATOR_TEXT_CAP], kill_chain[INDICATOR_TEXT_CAP];
	char tactic[8]; /* counts where there is no kill chain */
	unsigned n; /* lists of ours */
	unsigned confidence; /* the best of them; above 100: none */
	uint64_t from_us, until_us; /* the widest; 0: open */
};

/* One list's record. */
struct share_said {
	unsigned confidence;
	uint64_t from_us, until_us;
	const char *labels, *tactic, *kill_chain;
};

/* One more list: of its texts those that no list before it had are kept. */
void share_words_take(struct share_words *w, const struct share_said *said);
/* As members of the object at hand. */
void share_words_put(struct sharing *s, const struct marking *mark,
		     const struct share_words *w);

#endif
