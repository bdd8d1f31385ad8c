/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_keys.h - what is read below the settings that Suricata has too
 *
 * The table of settings names whole subtrees ("stream.*"), for a suricata.yaml
 * must be taken as it is.  A misspelt key in one of them is told here.
 *
 * Place    above common/conf.h; below options.
 * Threads  main's.
 * Memory   none.
 * Cost     cold.
 */
#ifndef SENSOR_OPTION_KEYS_H
#define SENSOR_OPTION_KEYS_H

#include "common/conf.h"

/* How a key that no module reads compares with those that one does. */
struct option_key_report {
	unsigned unread; /* keys without an effect */
	char key[128], near[128]; /* the first misspelt one, and what it may
				   * mean; else the first one, and "" */
};

/* Looks at every key of 'c' below a subtree that the table here knows. */
void option_keys_check(const struct conf *c, struct option_key_report *out);
/*
 * The same, told as one warning when there are any.  Below "eve", which is
 * Picket's own, such a key is ERR_USAGE with diag.
 */
enum err option_keys_warn(const struct conf *c, struct diag *d) MUST_CHECK;

#endif
