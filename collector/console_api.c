/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_api.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/console_alert.h"
#include "collector/console_case_do.h"
#include "collector/console_cases.h"
#include "collector/console_inbox.h"
#include "collector/console_lists.h"
#include "collector/console_ops.h"
#include "common/clock.h"

/* How many steps of SQLite's machine go between looks at the clock. */
#define PROGRESS_STEPS 10000

struct console_api {
	pthread_mutex_t lock; /* over 'store' and 'deadline_us' */
	struct store_reader *store;
	uint64_t deadline_us;
	const struct mission_map *missions;
};

static int
out_of_time(void *arg)
{
	const struct console_api *a = arg;

	return clock_mono_us() > a->deadline_us;
}

enum err
console_api_new(struct console_api **out, const char *store,
		const struct mission_map *missions, struct diag *d)
{
	struct console_api *a = calloc(1, sizeof(*a));
	enum err e;

	*out = NULL;
	if (a == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = store_reader_open(&a->store, store, d);
	if (e != ERR_OK) {
		free(a);
		return e;
	}
	pthread_mutex_init(&a->lock, NULL);
	a->missions = missions;
	sqlite3_progress_handler(a->store->db, PROGRESS_STEPS, out_of_time, a);
	*out = a;
	return ERR_OK;
}

void
console_api_free(struct console_api *a)
{
	if (a != NULL) {
		store_reader_close(a->store);
		pthread_mutex_destroy(&a->lock);
		free(a);
	}
}

/* "PREFIX" then a number, then "" or "/VERB"; false when it is not that. */
static bool
read_id(const char *path, const char *prefix, int64_t *id, const char **verb)
{
	size_t n = strlen(prefix), digits;

	if (strncmp(path, prefix, n) != 0) {
		return false;
	}
	path += n;
	digits = strspn(path, "0123456789");
	if (digits == 0 || digits > 18 ||
	    (path[digits] != '\0' && path[digits] != '/')) {
		return false;
	}
	*id = strtoll(path, NULL, 10);
	*verb = path[digits] == '/' ? path + digits + 1 : NULL;
	return *id > 0;
}

static enum err
route(struct question *q)
{
	const char *path = q->r->path, *verb = NULL;
	int64_t id = 0;

	if (strcmp(path, "/api/incidents") == 0) {
		return console_cases(q);
	}
	if (strcmp(path, "/api/consultations") == 0) {
		return console_consults(q);
	}
	if (read_id(path, "/api/incidents/", &id, &verb) && verb == NULL) {
		return console_case(q, id);
	}
	if (read_id(path, "/api/incidents/", &id, &verb) &&
	    strcmp(verb, "export") == 0) {
		return console_case_export(q, id);
	}
	if (read_id(path, "/api/alerts/", &id, &verb) && verb == NULL) {
		return console_alert(q, id);
	}
	if (read_id(path, "/api/alerts/", &id, &verb) &&
	    strcmp(verb, "taps") == 0) {
		return console_list_taps(q, id);
	}
	if (console_ops_knows(path)) {
		return console_ops(q);
	}
	return console_list(q);
}

static unsigned
refuse_value(struct question *q)
{
	char why[128];

	snprintf(why, sizeof(why), "%s: this value makes no sense", q->wrong);
	return question_refuse(q->j, 400, why);
}

unsigned
console_api_answer(struct console_api *a, const struct api_request *r,
		   struct json *j)
{
	struct question q = {
		.r = r, .store = a->store, .missions = a->missions, .j = j
	};
	const char *verb = NULL;
	int64_t id = 0;
	unsigned status;
	enum err e;

	json_reset(j);
	if (r->post && console_ops_knows(r->path)) {
		return console_ops_change(&q);
	}
	if (r->post) {
		static const char consults[] = "/api/consultations/";

		status = console_inbox_change(&q);
		if (status != 0) {
			return status;
		}
		if (strncmp(r->path, consults, strlen(consults)) == 0) {
			return console_consult_do(&q,
						  r->path + strlen(consults));
		}
		if (!read_id(r->path, "/api/incidents/", &id, &verb) ||
		    verb == NULL) {
			return question_failure(j, ERR_NOTFOUND);
		}
		return console_case_do(&q, id, verb);
	}
	question_read(&q);
	if (q.wrong != NULL) {
		return refuse_value(&q);
	}
	pthread_mutex_lock(&a->lock);
	a->deadline_us = clock_mono_us() + API_PATIENCE_US;
	status = read_id(r->path, "/api/groups/", &id, &verb) && verb == NULL
			 ? console_inbox_group(&q, id)
			 : console_inbox(&q);
	e = status == 0 ? route(&q) : ERR_OK;
	pthread_mutex_unlock(&a->lock);
	if (j->failed) {
		e = ERR_NOMEM;
	} else if (status != 0) {
		return status;
	}
	if (e == ERR_OK) {
		return 200;
	}
	return q.wrong != NULL ? refuse_value(&q) : question_failure(j, e);
}

bool
console_api_healthy(struct console_api *a)
{
	struct store_status s;
	bool ok;

	pthread_mutex_lock(&a->lock);
	a->deadline_us = clock_mono_us() + API_PATIENCE_US;
	ok = store_read_status(a->store, &s) == ERR_OK;
	pthread_mutex_unlock(&a->lock);
	return ok;
}
