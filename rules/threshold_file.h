/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threshold_file.h - suppress, threshold and event_filter lines
 *
 * Reads what the setting threshold-file names and changes the rules it means;
 * a threshold that stands in the rule itself goes before.
 *
 * Place    above ruleset_db.h, rule_file; below ruleset.
 * Threads  one thread, while a set is loaded.
 * Memory   what lasts is the set's.
 * Cost     cold.
 */
#ifndef RULES_THRESHOLD_FILE_H
#define RULES_THRESHOLD_FILE_H

#include "rules/ruleset_db.h"

/* Lines that are not understood go to the set's report. */
enum err threshold_file_apply(struct ruleset *rs, const char *path,
			      struct diag *d) MUST_CHECK;

#endif
