/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_inbox.h - picketctl inbox, and alerts that a query finds
 *
 * Place    above inbox_json and ctl_options; below ctl.
 * Threads  one.
 * Memory   one answer's JSON.
 */
#ifndef COLLECTOR_CTL_INBOX_H
#define COLLECTOR_CTL_INBOX_H

#include "collector/ctl_options.h"

/* "inbox [QUERY...]": what is to be worked through; with --all, archived
 * groups and exercises too.  ERR_FORMAT with diag: the query is wrong. */
enum err ctl_inbox(struct ctl *c, const struct ctl_arguments *args,
		   struct diag *d) MUST_CHECK;
/* Whether words[1] is a verb, such as archive. */
bool ctl_inbox_is_act(const struct ctl_arguments *args);
/* "inbox archive|unarchive|escalate|deescalate QUERY... or ID...", "inbox undo
 * TOKEN". */
enum err ctl_inbox_act(struct ctl *c, const struct ctl_arguments *args,
		       const char *who, struct diag *d) MUST_CHECK;
/* "alerts QUERY..." */
enum err ctl_alerts_query(struct ctl *c, const struct ctl_arguments *args,
			  struct diag *d) MUST_CHECK;

#endif
