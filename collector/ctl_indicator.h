/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_indicator.h - picketctl indicators: the common set, shown and steered
 *
 * Place    above indicator_list and indicator_inbox; below ctl.
 * Threads  one.
 * Memory   one answer.
 */
#ifndef COLLECTOR_CTL_INDICATOR_H
#define COLLECTOR_CTL_INDICATOR_H

#include "collector/ctl_options.h"

/*
 * args->words[1] is the verb: list, held, show, report, import, add, release,
 * hold or remove.  ERR_USAGE before anything is done for words that make no
 * sense; '*broken' when what was to be imported was not read to its end, or
 * only in part.
 */
enum err ctl_indicators_check(const struct ctl_arguments *args,
			      struct diag *d) MUST_CHECK;
enum err ctl_indicators(struct ctl *c, const struct ctl_arguments *args,
			const char *who, bool *broken,
			struct diag *d) MUST_CHECK;

#endif
