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
