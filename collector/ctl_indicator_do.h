/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_indicator_do.h - the verbs of picketctl indicators that change the set
 *
 * Place    within ctl_indicator.
 * Threads  one; each opens a connection that writes, for as long as it needs.
 * Memory   an import's row of records.
 */
#ifndef COLLECTOR_CTL_INDICATOR_DO_H
#define COLLECTOR_CTL_INDICATOR_DO_H

#include "collector/ctl_options.h"

/* The files of args->words, into the inbox, each an import of its own. */
enum err ctl_indicator_import(struct ctl *c, const struct ctl_arguments *args,
			      const char *who, bool *broken,
			      struct diag *d) MUST_CHECK;
/* One, of the analyst's own. */
enum err ctl_indicator_add(struct ctl *c, const struct ctl_arguments *args,
			   const char *who, struct diag *d) MUST_CHECK;
/* release, hold, remove */
enum err ctl_indicator_judge(struct ctl *c, const struct ctl_arguments *args,
			     const char *who, struct diag *d) MUST_CHECK;

#endif
