/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - time as 64-bit microseconds, and its ISO 8601 text
 *
 * Place    above base.h.
 * Threads  pure.
 * Memory   caller's.
 * Cost     clock_iso() is cheap enough for every event line.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include "common/base.h"

#define US_PER_S UINT64_C(1000000)
#define CLOCK_US_PER_DAY (86400 * US_PER_S)
#define CLOCK_ISO_CAP 40

uint64_t clock_wall_us(void); /* since 1970-01-01 UTC; may step */
uint64_t clock_mono_us(void); /* since boot; never steps; for timers */

/*
 * Writes "2026-11-22T18:26:39.000001+0000" (Suricata's form) into 'out' of at
 * least CLOCK_ISO_CAP bytes and returns the length without the NUL.
 */
size_t clock_iso(uint64_t wall_us, char *out);

/* Its two halves: "2026-11-22T" of days since 1970, and the rest of a day's
 * microseconds. */
#define CLOCK_DATE_LEN 11
#define CLOCK_TIME_LEN 20
void clock_iso_date(uint64_t days, char out[CLOCK_DATE_LEN]);
void clock_iso_time(uint64_t us, char out[CLOCK_TIME_LEN]);

/*
 * Reads the form above, RFC 3339 ("Z", "+09:00"), with or without a fraction,
 * or a plain date.  Returns false when 's' is none of these.
 */
bool clock_parse_iso(struct view s, uint64_t *wall_us) MUST_CHECK;

/*
 * Names this boot of the machine: another one, when what was only in memory is
 * lost.  Zeroed behind the text; "" when the system does not say.
 */
#define CLOCK_BOOT_CAP 40
void clock_boot_id(char out[CLOCK_BOOT_CAP]);

#endif
