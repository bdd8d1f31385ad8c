/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_api.h - the questions a console may ask, answered as JSON
 *
 * docs/console.md has the table.  Answers are objects; a refusal is
 * {"error": "..."} and a status of 400, 404, 409 or 503.  Events of exercises
 * are left out unless ?exercise=NAME (or * for both kinds) asks for them.
 *
 * Place    above store_json and mission; below console_http, which it does
 *          not know.
 * Threads  any number: one question at a time is put to the store.
 * Memory   the caller's writer, bounded by the limits on rows.
 * Cost     a question is given up after API_PATIENCE_US.
 */
#ifndef COLLECTOR_CONSOLE_API_H
#define COLLECTOR_CONSOLE_API_H

#include "collector/mission.h"
#include "collector/store_reader.h"
#include "common/json.h"

#define API_PATIENCE_US (UINT64_C(5) * 1000000)
#define API_MAX_ROWS 500
#define API_MAX_NOTE 2000

struct console_api;

struct api_request {
	const char *path; /* "/api/alerts" */
	bool post;
	struct view body; /* of a POST */
	/* The value of a parameter of the query, NULL when there is none. */
	const char *(*param)(void *arg, const char *name);
	void *arg;
	/* Alerts that arrived in the last minute, for /api/status. */
	uint64_t alerts_per_minute;
};

enum err console_api_new(struct console_api **out, const char *store,
			 const struct mission_map *missions,
			 struct diag *d) MUST_CHECK;
void console_api_free(struct console_api *a);

/* Writes the answer into 'j' and returns its HTTP status. */
unsigned console_api_answer(struct console_api *a, const struct api_request *r,
			    struct json *j);
/* Whether the store answers at all. */
bool console_api_healthy(struct console_api *a);
/* The object of /api/status, for whoever holds a reader of its own. */
enum err console_api_status(struct store_reader *r, uint64_t alerts_per_minute,
			    struct json *j) MUST_CHECK;

#endif
