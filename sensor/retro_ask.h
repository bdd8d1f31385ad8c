/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retro_ask.h - picket-sensor --retro-ask: questions to an index by hand
 *
 * Place    above retro_answer.h; below main.
 * Threads  main's; a sensor may write to the index meanwhile.
 * Memory   as retro_index.h.
 * Cost     a question is some reads.
 */
#ifndef SENSOR_RETRO_ASK_H
#define SENSOR_RETRO_ASK_H

#include <stdio.h>

#include "common/err.h"

/*
 * Asks the index in 'dir' for each value: "KIND:VALUE", or a value alone, which
 * is asked for as every kind that it has the form of.  What was seen goes to
 * 'out', a line or a JSON object each.  '*seen' says whether anything was.
 * ERR_USAGE with diag: a value has no form of its kind; ERR_IO: of 'out', or
 * else as retro_index_open_read().
 */
enum err retro_ask_values(const char *dir, const char *const *v, size_t n,
			  bool as_json, FILE *out, bool *seen,
			  struct diag *d) MUST_CHECK;

#endif
