/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inbox_json.h - rows of the inbox as JSON, for the console and picketctl
 *
 * Place    above store_inbox; below console_inbox and ctl_inbox.
 * Threads  pure, on the caller's writer.
 * Memory   the writer's.
 */
#ifndef COLLECTOR_INBOX_JSON_H
#define COLLECTOR_INBOX_JSON_H

#include "collector/store_inbox.h"
#include "common/json.h"

/* An object left open, for the caller to add to and to end. */
void inbox_json_row(struct json *j, const struct inbox_row *row);
void inbox_json_done(struct json *j, const struct inbox_done *x);

#endif
