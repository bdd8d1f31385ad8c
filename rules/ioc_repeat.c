/* SPDX-License-Identifier: Apache-2.0 */
/* One value that several lists give, or a list and the common set. */
#include "rules/ioc_set_db.h"

static const char *
text(const char *t)
{
	return t != NULL ? t : "";
}

static bool
reaches_further(const struct ioc_note *n, const struct ioc_note *old)
{
	return (old->exact && !n->exact) ||
	       (old->valid_until_us != 0 &&
		(n->valid_until_us == 0 ||
		 n->valid_until_us > old->valid_until_us));
}

/* What a note says of who may see it; false: nothing. */
static bool
marking_of(const struct ioc_note *n, struct marking *m)
{
	*m = MARKING_CLEAR;
	if (n->mark != NULL) {
		*m = *n->mark;
		return true;
	}
	if (text(n->tlp)[0] == '\0') {
		return false;
	}
	if (!tlp_read(view_cstr(n->tlp), &m->tlp)) {
		m->tlp = TLP_RED;
	}
	return true;
}

bool
ioc_note_join(const struct ioc_note *old, const struct ioc_note *n,
	      struct marking *mark, struct ioc_note *out)
{
	bool further = reaches_further(n, old), marked;
	struct marking other;

	*out = further ? *n : *old;
	out->exact = old->exact && n->exact;
	out->valid_from_us = MIN(old->valid_from_us, n->valid_from_us);
	out->valid_until_us =
		old->valid_until_us == 0 || n->valid_until_us == 0
			? 0
			: MAX(old->valid_until_us, n->valid_until_us);
	marked = marking_of(old, mark);
	if (marking_of(n, &other)) {
		marking_join(mark, &other);
		marked = true;
	}
	out->tlp = marked ? tlp_name(mark->tlp) : "";
	out->mark = old->mark != NULL || n->mark != NULL ? mark : NULL;
	return further || n->mark != NULL ||
	       out->valid_from_us != old->valid_from_us ||
	       strcmp(out->tlp, text(old->tlp)) != 0;
}
