/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case_export.h - an incident as a document to print or to hand on
 *
 * One page of HTML without script, made of the incident's answer: whatever the
 * network sent is text in it, control and bidirectional characters are shown as
 * \u{..}.
 *
 * Place    above json.h; below console_cases.
 * Threads  pure.
 * Memory   the page, in the caller's buffer.
 * Cost     linear in the answer.
 */
#ifndef COLLECTOR_CASE_EXPORT_H
#define COLLECTOR_CASE_EXPORT_H

#include "common/err.h"
#include "common/json.h"

/* 'answer' is that of GET /api/incidents/ID; 'out' is reset.  ERR_FORMAT when
 * it is none, ERR_NOMEM. */
enum err case_export_html(struct view answer, struct json *out) MUST_CHECK;

#endif
