/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_indicators.h - the common set in the console's API
 *
 * Place    above console_question, indicator_json and indicator_change; below
 *          console_ops.
 * Threads  as the question; a change is made on a connection of its own.
 * Memory   the answer, a row of an import.
 * Cost     a page of at most API_MAX_ROWS rows; an import its length.
 */
#ifndef COLLECTOR_CONSOLE_INDICATORS_H
#define COLLECTOR_CONSOLE_INDICATORS_H

#include "collector/console_question.h"

/* 'rest' is what stands behind "/api/indicators": "" or "/...". */
enum err console_indicators(struct question *q, const char *rest) MUST_CHECK;
/* A POST; its HTTP status. */
unsigned console_indicators_change(struct question *q, const char *rest);

/* The body of a POST: an object of short texts.  NULL when it is none.  (Not
 * by jansson.h, which shares names with json_read.h.) */
struct json_t;
struct json_t *question_body(struct question *q);
void question_body_free(struct json_t *body);
/* A text of it; 'fallback' when it has none of that name. */
const char *question_word(const struct json_t *body, const char *name,
			  const char *fallback);
/* Who does it: the person who is logged in; where nobody needs to, who is said
 * to do it. */
const char *question_who(const struct question *q, const char *said);
/* What an error of a change comes to: a refusal with the diag's words. */
unsigned question_refuse_change(struct json *j, enum err e,
				const struct diag *d);

#endif
