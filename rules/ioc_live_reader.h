/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_live_reader.h - one reader of a live set, for ioc_live*.c only
 *
 * Place    beside ioc_live_db.h.
 * Threads  the reader's own.
 * Memory   room for all it may find in one packet or transaction.
 * Cost     none.
 */
#ifndef RULES_IOC_LIVE_READER_H
#define RULES_IOC_LIVE_READER_H

#include "rules/ioc_live_db.h"

/* A copy of what was found, which outlives the record. */
struct live_found {
	const uint8_t *rec; /* only compared */
	struct ioc ioc;
	struct ioc_note note;
	struct marking mark;
	char text[INDICATOR_VALUE_CAP + INDICATOR_ID_CAP +
		  5 * INDICATOR_TEXT_CAP];
};

struct ioc_live_reader {
	struct ioc_live *set;
	struct live_place *place;
	unsigned n;
	uint64_t lost;
	struct live_found found[IOC_LIVE_FOUND];
};

#endif
