/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release.h - whether a partner may see a thing
 *
 * The one place where that is decided.  A thing goes when all of this holds,
 * and is held for the first that does not:
 *
 *   1. its kind is in the partner's policy;
 *   2. it is no event of an exercise, unless the partner's policy lists that
 *      one: a bundle has no word for it that every receiver heeds, so that it
 *      would be taken for real by who does not take part;
 *   3. its marking is not TLP:RED;
 *   4. its marking is not AMBER+STRICT, or the partner is of our organisation;
 *   5. its label is not above the partner's highest;
 *   6. its marking names no owners, or the partner's among them.
 *
 * The marking is the computed one: the join of the markings of all that went
 * in (sighting.h, assess.h), kept with the thing and never lowered.
 *
 * Place    above share_policy; below share.
 * Threads  pure.
 */
#ifndef COLLECTOR_RELEASE_H
#define COLLECTOR_RELEASE_H

#include "collector/share_policy.h"

enum release_verdict {
	RELEASE_GOES,
	HELD_KIND,
	HELD_EXERCISE,
	HELD_RED,
	HELD_STRICT,
	HELD_TLP,
	HELD_NAMES,
	HELD_OURS, /* it says something of ours that cannot be taken out */
	HELD_FORM, /* no STIX pattern says it: a key that was cut, a kind unknown */
	HELD_THEIRS, /* only a partner gave it: not ours to send on */
	HELD_FULL, /* the bundle has no room for it */
	RELEASE_VERDICTS
};

/* 'exercise': its name, "" for what is real. */
enum release_verdict release_judge(const struct share_partner *to,
				   enum share_kind kind, const char *exercise,
				   const struct marking *mark);
/* "kind", "exercise", "red", "strict", "tlp", "releasable", "ours", "form",
 * "partner", "full"; "released". */
const char *release_verdict_name(enum release_verdict v);

#endif
