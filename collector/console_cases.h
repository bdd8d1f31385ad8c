/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_cases.h - incidents, as the API shows and steers them
 *
 * Place    above console_question and store_json; below console_api.
 * Threads  the question's.
 * Memory   the answer, bounded by the limit on rows.
 */
#ifndef COLLECTOR_CONSOLE_CASES_H
#define COLLECTOR_CONSOLE_CASES_H

#include "collector/console_question.h"

enum err console_cases(struct question *q) MUST_CHECK;
/* Consultations, the open ones; with state=all closed ones too. */
enum err console_consults(struct question *q) MUST_CHECK;
/* One, with its log, sightings and evidence. */
enum err console_case(struct question *q, int64_t id) MUST_CHECK;
/* The same to hand on: "format" is json or html, else q->wrong. */
enum err console_case_export(struct question *q, int64_t id) MUST_CHECK;

#endif
