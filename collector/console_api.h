/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_api.h - the questions a console may ask, answered as JSON
 *
 * docs/console.md has the table.  Answers are objects; a refusal is
 * {"error": "..."} and a status of 400, 404, 409 or 503.  Events of exercises
 * are left out unless ?exercise=NAME (or * for both kinds) asks for them.
 *
 * Place    above console_lists and console_cases; below console_http, which
 *          it does not know.
 * Threads  any number: one question at a time is put to the store.
 * Memory   the caller's writer, bounded by the limits on rows.
 * Cost     a question is given up after API_PATIENCE_US.
 */
#ifndef COLLECTOR_CONSOLE_API_H
#define COLLECTOR_CONSOLE_API_H

#include "collector/console_question.h"

#define API_PATIENCE_US (UINT64_C(5) * 1000000)

struct console_api;

enum err console_api_new(struct console_api **out, const char *store,
			 const struct mission_map *missions,
			 struct diag *d) MUST_CHECK;
void console_api_free(struct console_api *a);

/* Writes the answer into 'j' and returns its HTTP status. */
unsigned console_api_answer(struct console_api *a, const struct api_request *r,
			    struct json *j);
/* Whether the store answers at all. */
bool console_api_healthy(struct console_api *a);

#endif
