/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console.h - the analysts' web console
 *
 * Place    beside pipeline, started by main; reads the store, never writes to
 *          what the pipeline holds.
 * Threads  its own; start and stop belong to main's thread.
 * Memory   its own connections and buffers.
 */
#ifndef COLLECTOR_CONSOLE_H
#define COLLECTOR_CONSOLE_H

#include "collector/mission.h"

struct console;

/*
 * Serves 'store' (which exists already) on 'listen', "ADDR:PORT".  'missions'
 * must outlive the console.  ERR_USAGE for a bad address, ERR_IO when it is
 * taken; the diag names it and the mend.
 */
enum err console_start(struct console **out, const char *listen,
		       const char *store, const struct mission_map *missions,
		       struct diag *d) MUST_CHECK;
void console_stop(struct console *c);

#endif
