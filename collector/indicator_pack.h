/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_pack.h - indicators as bytes, many in a row
 *
 * How an import lies in the store until the collector takes it: one blob holds
 * some hundred records, so that staging a million costs a few thousand rows.
 *
 * Place    above common/indicator.h; below indicator_inbox and common_set.
 * Threads  pure functions on caller's memory.
 * Memory   what is read borrows its texts from the bytes.
 * Cost     a copy of the texts.
 */
#ifndef COLLECTOR_INDICATOR_PACK_H
#define COLLECTOR_INDICATOR_PACK_H

#include "common/indicator.h"

/* The longest record there is. */
#define INDICATOR_PACK_CAP \
	(64 + INDICATOR_PATTERN_CAP + 1 + INDICATOR_ID_CAP + \
	 8 * INDICATOR_TEXT_CAP + MARKING_TEXT_CAP)

/*
 * Writes 'i' without its source, which the import has; returns the bytes
 * written, 0 when it does not fit into 'cap'.  Texts longer than their bounds
 * (indicator.h) are cut, a value that is too long does not fit.
 */
size_t indicator_pack(const struct indicator *i, uint8_t *out,
		      size_t cap) MUST_CHECK;

/*
 * Reads the record at the beginning of 'bytes' and moves them behind it;
 * ERR_EOF when there is none, ERR_FORMAT for bytes that are no record.  The
 * source is "".
 */
enum err indicator_unpack(struct view *bytes, struct indicator *out) MUST_CHECK;

#endif
