/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_case_do.h - what analysts do about incidents and consultations
 *
 * A change of state and a note are written here; what changes the picture
 * (split, merge, mute) is an order that the collector carries out
 * (case_order.h), and is answered with status 202 when it has not done so
 * within CASE_DO_PATIENCE_MS.
 *
 * Place    above console_question, case_order, store_consult_speak; below
 *          console_api.
 * Threads  any; each change takes a connection of its own.
 * Memory   the body's values; CASE_DO_RUNS numbers of runs.
 * Cost     waits for the store's writer, for seconds at most.
 */
#ifndef COLLECTOR_CONSOLE_CASE_DO_H
#define COLLECTOR_CONSOLE_CASE_DO_H

#include "collector/console_question.h"

#define CASE_DO_PATIENCE_MS 2000
#define CASE_DO_RUNS 1000

/* 'verb' is "ack", "close", "reopen", "note", "split", "merge" or "mute";
 * answers and returns the status. */
unsigned console_case_do(struct question *q, int64_t incident,
			 const char *verb);
/* 'what' is "SIDE-NUMBER/ack", "/handover" or "/close". */
unsigned console_consult_do(struct question *q, const char *what);

#endif
