/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_settings.h - from settings to what the program is told to do
 *
 * Internal: included by options.c and options_settings.c only.
 *
 * Place    with options.
 * Threads  as options.h.
 * Memory   as options.h.
 */
#ifndef SENSOR_OPTIONS_SETTINGS_H
#define SENSOR_OPTIONS_SETTINGS_H

#include "sensor/options.h"

/* ERR_USAGE when the list is full. */
enum err path_list_push(struct path_list *l, const char *v,
			struct diag *d) MUST_CHECK;

/*
 * Checks o->conf, which holds the file's settings and the command line's, and
 * fills in 'o' from it; lists that the command line gave stay.  'log_dir' is
 * where EVE goes when no setting says so, or NULL.
 */
enum err options_settle(struct options *o, const char *log_dir,
			struct diag *d) MUST_CHECK;

#endif
