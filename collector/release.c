/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/release.h"

enum release_verdict
release_judge(const struct share_partner *to, enum share_kind kind,
	      const char *exercise, const struct marking *mark)
{
	if ((to->kinds >> kind & 1) == 0) {
		return HELD_KIND;
	}
	if (exercise[0] != '\0' && !share_plays(to, exercise)) {
		return HELD_EXERCISE;
	}
	if (mark->tlp >= TLP_RED) {
		return HELD_RED;
	}
	if (mark->tlp == TLP_AMBER_STRICT && !to->same_organisation) {
		return HELD_STRICT;
	}
	if (mark->tlp > to->highest) {
		return HELD_TLP;
	}
	return marking_names(mark, to->owner) ? RELEASE_GOES : HELD_NAMES;
}

const char *
release_verdict_name(enum release_verdict v)
{
	static const char *const names[RELEASE_VERDICTS] = {
		[RELEASE_GOES] = "released",  [HELD_KIND] = "kind",
		[HELD_EXERCISE] = "exercise", [HELD_RED] = "red",
		[HELD_STRICT] = "strict",     [HELD_TLP] = "tlp",
		[HELD_NAMES] = "releasable",  [HELD_OURS] = "ours",
		[HELD_FORM] = "form",         [HELD_THEIRS] = "partner",
		[HELD_FULL] = "full",
	};

	return (size_t)v < RELEASE_VERDICTS ? names[v] : "unknown";
}
