/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_inbox.h - the inbox over HTTP: groups of alerts, and what is done
 *
 * Place    above store_inbox and console_question; below console_api.
 * Threads  the question's; a change takes a connection of its own.
 * Memory   the answer, bounded by the limit on rows.
 */
#ifndef COLLECTOR_CONSOLE_INBOX_H
#define COLLECTOR_CONSOLE_INBOX_H

#include "collector/console_question.h"

/* GET of /api/inbox, /api/rate and /api/suggest, and of /api/alerts with q=:
 * the HTTP status; 0: the path is none of these. */
unsigned console_inbox(struct question *q);
/* GET of /api/groups/ID: the HTTP status. */
unsigned console_inbox_group(struct question *q, int64_t id);
/* POST of /api/inbox/act and /api/undo: the HTTP status; 0: neither. */
unsigned console_inbox_change(struct question *q);

#endif
