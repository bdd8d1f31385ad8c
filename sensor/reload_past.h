/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload_past.h - indicators that come into force are asked for
 *
 * Place    between retro.h and reload.c, which alone includes it.
 * Threads  the reload's.
 * Memory   8 bytes an indicator of the former set, for the call.
 * Cost     some 50 us an indicator, most of it the index's thread's.
 */
#ifndef SENSOR_RELOAD_PAST_H
#define SENSOR_RELOAD_PAST_H

#include "rules/ruleset.h"
#include "sensor/retro.h"

/*
 * Asks 'r' (NULL: nobody) for each indicator of 'now' that 'former' has not;
 * former NULL is the start: for each that no former run asked for.  Waits while
 * too many questions wait, until '*ending'.
 */
void reload_ask_past(struct retro *r, const struct ruleset *now,
		     const struct ruleset *former, const _Atomic bool *ending);

#endif
