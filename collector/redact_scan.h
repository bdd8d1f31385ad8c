/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact_scan.h - where in a text an address or a host name stands
 *
 * Internal header: included by redact*.c only.
 *
 * Place    redact's own, above addr.h.
 * Threads  pure.
 * Cost     a step is bounded by the longest spelling, 72 characters.
 */
#ifndef COLLECTOR_REDACT_SCAN_H
#define COLLECTOR_REDACT_SCAN_H

#include "common/addr.h"

/*
 * The length of the address that begins at text[at], 0 when none does.
 * 'judge' says of each reading whether it is one to be found, the longest
 * reading first; the one found is in '*out'.
 */
size_t redact_scan_addr(struct view text, size_t at,
			bool (*judge)(void *arg, const struct addr *a),
			void *arg, struct addr *out);
/* The length of the host name that begins at text[at]. */
size_t redact_scan_host(struct view text, size_t at);
/* The end of the word that begins at text[at]: letters and digits, or one
 * character that is not ASCII; 'at' when no word begins there. */
size_t redact_scan_word(struct view text, size_t at);

#endif
