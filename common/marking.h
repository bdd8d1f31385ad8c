/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marking.h - who may see a thing: TLP 2.0 and the owners it is releasable to
 *
 * Markings form a lattice.  Of two, the join is the stricter TLP and the names
 * that both release to; a marking without names restricts to nobody in
 * particular.  What is made of several things bears the join of them all, so
 * that it is never below any of them.
 *
 * Place    above err.h; both programs use it.
 * Threads  pure functions on caller's memory.
 * Memory   fixed size, no heap.
 * Cost     a join compares at most MARKING_MAX_NAMES names twice.
 */
#ifndef COMMON_MARKING_H
#define COMMON_MARKING_H

#include "common/err.h"

#define MARKING_MAX_NAMES 16
#define MARKING_NAME_CAP 32
/* "amber+strict//JP,US": the longest text, with its NUL. */
#define MARKING_TEXT_CAP (16 + MARKING_MAX_NAMES * MARKING_NAME_CAP)

/* Traffic Light Protocol 2.0 (FIRST), least restrictive first. */
enum tlp { TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED };

struct marking {
	enum tlp tlp;
	bool limited; /* to the names; false: no list was given */
	unsigned n_names; /* limited and none: nobody but who made it */
	/* Sorted, distinct: letters, digits, '.', '_', '-'. */
	char names[MARKING_MAX_NAMES][MARKING_NAME_CAP];
};

/* TLP_CLEAR for everybody: the join's neutral element. */
#define MARKING_CLEAR ((struct marking){ .tlp = TLP_CLEAR })

/* "clear", "green", "amber", "amber+strict", "red". */
const char *tlp_name(enum tlp t);
/* In any case, "TLP:" may lead, "white" is clear; false: no such marking. */
bool tlp_read(struct view word, enum tlp *out) MUST_CHECK;
/* Of two words the stricter, as it stands; "" says nothing, and what is no
 * marking counts as red. */
const char *tlp_stricter(const char *a, const char *b);

/*
 * Releases 'm' to 'name' as well, and from then on to those named only.
 * ERR_FORMAT: no name; ERR_LIMIT: one too many, which stays left out (stricter,
 * never wider).
 */
enum err marking_release_to(struct marking *m, struct view name) MUST_CHECK;
/* 'm' becomes the join of itself and 'other'. */
void marking_join(struct marking *m, const struct marking *other);
/* Whether 'a' is at least as strict as 'b' in every respect. */
bool marking_covers(const struct marking *a, const struct marking *b);
/* Whether the list of names lets 'name' see it; says nothing of the TLP. */
bool marking_names(const struct marking *m, const char *name);

/*
 * "amber", "amber//JP,US", "amber//" (to nobody): how a marking stands in
 * settings, stores and messages.  Returns 'out'.
 */
const char *marking_text(const struct marking *m, char out[MARKING_TEXT_CAP]);
/* Reads what marking_text() writes; ERR_FORMAT or ERR_LIMIT with diag. */
enum err marking_read(struct marking *m, struct view text,
		      struct diag *d) MUST_CHECK;

#endif
