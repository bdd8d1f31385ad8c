/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact_fold.h - a text as it is looked through
 *
 * What is ours may be written in ways that a reader sees through: letters,
 * digits and signs of full width, points of Japanese texts, hyphens and blanks
 * of other kinds, characters that are not seen at all, "%2E" in a URL, and the
 * brackets that keep an address from being followed ("10[.]1[.]2[.]3",
 * "evil(dot)example").  A fold writes them plainly and knows where each byte
 * stood.
 *
 * Internal header: included by redact*.c only.
 *
 * Place    redact's own, above err.h.
 * Threads  pure.
 * Memory   five bytes for each of the text, if there is anything to fold.
 * Cost     linear.
 */
#ifndef COLLECTOR_REDACT_FOLD_H
#define COLLECTOR_REDACT_FOLD_H

#include "common/err.h"

struct redact_fold {
	struct view text;
	uint32_t *from; /* offset of each byte, and of the end; NULL: its own */
	uint8_t *heap;
};

/* 'in' is borrowed.  False: no memory.  redact_fold_fini() in any case. */
bool redact_fold(struct redact_fold *f, struct view in) MUST_CHECK;
void redact_fold_fini(struct redact_fold *f);

/* Where byte 'at' of f->text (or its end) stands in the text as it was. */
static inline size_t
redact_fold_from(const struct redact_fold *f, size_t at)
{
	return f->from != NULL ? f->from[at] : at;
}

#endif
