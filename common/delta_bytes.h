/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_bytes.h - where what lies in a document, for delta*.c only
 *
 * Place    between delta.c, which reads, and delta_write.c.
 * Threads  constants.
 * Memory   none.
 * Cost     none.
 */
#ifndef COMMON_DELTA_BYTES_H
#define COMMON_DELTA_BYTES_H

#include "common/delta.h"

#define DELTA_PURPOSE "picket-indicators"
#define DELTA_MAGIC "PKTI"
#define DELTA_FORMAT 1

/* Offsets in the head. */
enum {
	AT_MAGIC = 0,
	AT_FORMAT = 4,
	AT_KIND = 5, /* and two bytes of zero */
	AT_EPOCH = 8,
	AT_BASE = 16,
	AT_FROM = 24,
	AT_TO = 32,
	AT_MADE = 40,
	AT_PART = 48, /* DELTA_WHOLE: how many there are */
	AT_COUNT = 52,
	AT_RAW = 56 /* and four bytes of zero */
};

/* A record begins with so many bytes: flags, kind, severity, confidence, and
 * of armed ones three times. */
#define RECORD_OFF 4
#define RECORD_ARMED (RECORD_OFF + 24)
enum { FLAG_ARMED = 1, FLAG_EXACT = 2, FLAG_ALL = 3 };

/* The texts in their order: a length of two bytes, bytes, a zero. */
enum {
	TEXT_VALUE, /* a record that is off ends here */
	TEXT_MARK,
	TEXT_ID,
	TEXT_SOURCE,
	TEXT_CREATED_BY,
	TEXT_DESCRIPTION,
	TEXT_LABELS,
	TEXT_TACTIC,
	TEXT_KILL_CHAIN,
	TEXT_COUNT
};

/* Bytes that a text may have, without its zero. */
static inline size_t
delta_text_max(unsigned text, enum indicator_kind kind)
{
	switch (text) {
	case TEXT_VALUE:
		return kind == INDICATOR_PATTERN ? INDICATOR_PATTERN_CAP
						 : INDICATOR_VALUE_CAP - 1;
	case TEXT_MARK:
		return MARKING_TEXT_CAP - 1;
	case TEXT_ID:
		return INDICATOR_ID_CAP - 1;
	default:
		return INDICATOR_TEXT_CAP - 1;
	}
}

#endif
