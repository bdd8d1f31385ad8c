/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_question.h - a request to the API, as it is understood
 *
 * Place    above store_read, mission and console_viewer; below console_lists, console_cases.
 * Threads  one question, one thread.
 * Memory   borrows from the request and from the store's reader.
 */
#ifndef COLLECTOR_CONSOLE_QUESTION_H
#define COLLECTOR_CONSOLE_QUESTION_H

#include "collector/console_viewer.h"
#include "collector/mission.h"
#include "collector/store_read.h"
#include "common/json.h"

#define API_MAX_ROWS 500
#define API_MAX_NOTE 2000

struct api_request {
	const char *path; /* "/api/alerts" */
	bool post;
	struct view body; /* of a POST */
	/* The value of a parameter of the query, NULL when there is none. */
	const char *(*param)(void *arg, const char *name);
	void *arg;
	/* Who asks: the rights are checked, what a partner sees is not. */
	const struct viewer *viewer;
	/* Alerts that arrived in the last minute, for /api/status. */
	uint64_t alerts_per_minute;
};

struct question {
	const struct api_request *r;
	struct store_reader *store;
	const struct mission_map *missions;
	struct json *j; /* where the answer goes */
	/* Set by question_read(). */
	struct store_alert_filter f;
	unsigned limit, offset;
	uint64_t step_s;
	const char *wrong; /* the parameter that made no sense, or NULL */
};

/* Reads the parameters of the query. */
void question_read(struct question *q);
/* One of them as text; NULL when it is absent or empty. */
const char *question_text(struct question *q, const char *name);

/* Puts {"error": why} in place of what 'j' holds; returns 'status'. */
unsigned question_refuse(struct json *j, unsigned status, const char *why);
/* The same for what the store said: 404 or 503. */
unsigned question_failure(struct json *j, enum err e);

#endif
