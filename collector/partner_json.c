/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/partner_json.h"

#include <stdio.h>

#include "collector/exchange_apply.h"
#include "common/clock.h"

#define OBJECT "object:"

struct counts {
	uint64_t n[EXCHANGE_COUNTS];
};

static void
take_count(void *arg, const char *name, uint64_t n, uint64_t at_us)
{
	struct counts *c = arg;

	(void)at_us;
	for (int i = 0; i < EXCHANGE_COUNTS; i++) {
		if (strcmp(exchange_count_name((enum exchange_count)i), name) ==
		    0) {
			c->n[i] = n;
			return;
		}
	}
}

/* "refused:gap" is the cause "gap", "object:no-room" the cause
 * "object-no-room". */
static void
put_refused(struct json *j, const struct counts *c)
{
	json_obj(j, "refused");
	for (int i = EXCHANGE_REFUSED; i < EXCHANGE_COUNTS; i++) {
		const char *name = exchange_count_name((enum exchange_count)i);
		char cause[64];

		snprintf(cause, sizeof(cause), "%s%s",
			 strncmp(name, OBJECT, strlen(OBJECT)) == 0 ? "object-"
								    : "",
			 strchr(name, ':') + 1);
		json_u64(j, cause, c->n[i]);
	}
	json_obj_end(j);
}

struct list {
	sqlite3 *db;
	struct json *j;
	enum err e;
};

static void
put_party(void *arg, const struct store_partner_row *r)
{
	struct list *l = arg;
	struct counts c = { { 0 } };
	struct json *j = l->j;

	if (l->e == ERR_OK) {
		l->e = store_partner_each_count(l->db, r->party, take_count,
						&c);
	}
	json_obj(j, NULL);
	json_cstr(j, "name", r->party);
	json_u64(j, "epoch", r->epoch);
	json_u64(j, "seq", r->seq);
	json_f64(j, "at", (double)r->at_us / (double)US_PER_S);
	json_f64(j, "lag", (double)r->lag_us / (double)US_PER_S);
	json_obj(j, "kept");
	json_u64(j, "indicators", r->indicators);
	json_u64(j, "sightings", r->sightings);
	json_u64(j, "incidents", r->incidents);
	json_obj_end(j);
	json_obj(j, "taken");
	for (int i = 0; i < EXCHANGE_REFUSED; i++) {
		json_u64(j, exchange_count_name((enum exchange_count)i),
			 c.n[i]);
	}
	json_obj_end(j);
	put_refused(j, &c);
	json_obj_end(j);
}

enum err
partner_json_metrics(sqlite3 *db, struct json *j)
{
	struct list l = { db, j, ERR_OK };
	enum err e;

	json_arr(j, "received");
	e = store_partner_each(db, put_party, &l);
	json_arr_end(j);
	return e == ERR_OK ? l.e : e;
}

static void
put_count(void *arg, const char *name, uint64_t n, uint64_t at_us)
{
	(void)at_us;
	json_u64(arg, name, n);
}

static void
put_came(void *arg, const struct store_partner_row *r)
{
	struct list *l = arg;
	struct json *j = l->j;

	json_obj(j, NULL);
	json_cstr(j, "partner", r->party);
	json_u64(j, "indicators", r->indicators);
	json_u64(j, "sightings", r->sightings);
	json_u64(j, "incidents", r->incidents);
	json_u64(j, "epoch", r->epoch);
	json_u64(j, "seq", r->seq);
	json_time_known(j, "at", r->at_us);
	json_obj(j, "counts");
	if (l->e == ERR_OK) {
		l->e = store_partner_each_count(l->db, r->party, put_count, j);
	}
	json_obj_end(j);
	json_obj_end(j);
}

enum err
partner_json(sqlite3 *db, struct json *j, const char *key)
{
	struct list l = { db, j, ERR_OK };
	enum err e;

	json_arr(j, key);
	e = store_partner_each(db, put_came, &l);
	json_arr_end(j);
	return e == ERR_OK ? l.e : e;
}

static void
put_incident(void *arg, const struct store_partner_incident *i)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "partner", i->party);
	json_cstr(j, "id", i->id);
	json_cstr(j, "title", i->title);
	json_u64(j, "level", i->level);
	json_u64(j, "score", i->score);
	json_cstr(j, "lead", i->lead);
	json_cstr(j, "support", i->support);
	json_cstr(j, "missions", i->missions);
	json_cstr(j, "sites", i->sites);
	json_cstr(j, "stages", i->stages);
	json_cstr(j, "exercise", i->exercise);
	json_cstr(j, "mark", i->mark);
	json_u64(j, "alerts", i->alerts);
	json_time_known(j, "first", i->first_us);
	json_time_known(j, "last", i->last_us);
	json_time_known(j, "told", i->at_us);
	json_obj_end(j);
}

enum err
partner_json_incidents(sqlite3 *db, const char *party, unsigned max,
		       struct json *j)
{
	enum err e;

	json_arr(j, "incidents");
	e = store_partner_each_incident(db, party, max, put_incident, j);
	json_arr_end(j);
	return e;
}
