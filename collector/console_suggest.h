/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_suggest.h - what may stand where the cursor is in a query
 *
 * Place    above query and console_question; below console_inbox.
 * Threads  the question's.
 * Memory   the answer: SUGGEST_MAX items.
 * Cost     a look at the small tables of sensors and rules.
 */
#ifndef COLLECTOR_CONSOLE_SUGGEST_H
#define COLLECTOR_CONSOLE_SUGGEST_H

#include "collector/console_question.h"

#define SUGGEST_MAX 20

/* /api/suggest?q=TEXT&at=BYTES: the HTTP status. */
unsigned console_suggest(struct question *q);

#endif
