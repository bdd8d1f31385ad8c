/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/blind_json.h"

struct answer {
	struct json *j;
	unsigned n;
};

static void
put_times(struct json *j, uint64_t from_us, uint64_t to_us)
{
	json_time(j, "from", from_us);
	json_time_known(j, "to", to_us);
}

static void
put_watch(void *arg, const struct store_watch_row *r)
{
	struct json *j = ((struct answer *)arg)->j;

	json_obj(j, NULL);
	json_cstr(j, "site", r->site);
	json_cstr(j, "sensor", r->sensor);
	json_bool(j, "live", r->live);
	json_time(j, "watched_since", r->since_us);
	json_time(j, "last_seen", r->last_us);
	json_u64(j, "blind_now", r->open);
	json_obj_end(j);
}

/* Of which priority on it was not seen; null: none. */
static void
put_from(struct json *j, const char *key, unsigned priority)
{
	if (priority == BLIND_NOBODY) {
		json_nil(j, key);
	} else {
		json_u64(j, key, MAX(priority, (unsigned)BLIND_EVERYBODY));
	}
}

static void
put_blind(void *arg, const struct store_blind_row *r)
{
	struct json *j = ((struct answer *)arg)->j;

	json_obj(j, NULL);
	json_cstr(j, "site", r->site);
	json_cstr(j, "sensor", r->sensor);
	json_cstr(j, "cause", r->cause);
	put_times(j, r->from_us, r->to_us);
	json_cstr(j, "detail", r->detail);
	if (strcmp(r->cause, blind_cause_name(BLIND_overload)) == 0) {
		put_from(j, "all_from_priority", r->all_from);
		put_from(j, "payload_from_priority", r->payload_from);
	}
	if (r->silent_from_us != 0) {
		json_time(j, "silent_from", r->silent_from_us);
		json_time(j, "silent_to", r->silent_to_us);
	}
	json_u64(j, "n_assets", r->n_assets);
	json_cstr(j, "assets", r->assets);
	json_obj_end(j);
}

static void
put_head(struct json *j, const struct store_cover_row *r)
{
	json_cstr(j, "asset", r->asset);
	json_cstr(j, "site", r->site);
	json_u64(j, "sensors", r->sensors);
}

double
blind_percent(const struct store_cover_row *r, enum store_cover state)
{
	uint64_t all = r->to_us - r->from_us;

	/* Down, so that a hundred means all of it. */
	return all == 0 ? 0
			: (double)(r->us[state] * UINT64_C(1000) / all) / 10.0;
}

/* Of the time in which a sensor was there at all, as picketctl counts without
 * --since: a sensor that is minutes old did not miss the day before. */
static void
put_known(struct json *j, const struct store_cover_row *r)
{
	uint64_t from = MIN(MAX(r->from_us, r->first_us), r->to_us);
	struct store_cover_row known = *r;

	known.from_us = from;
	json_obj(j, "since_known");
	json_time(j, "from", from);
	json_bool(j, "whole", from == r->from_us);
	json_f64(j, "watched", blind_percent(&known, STORE_WATCHED));
	json_obj_end(j);
}

static void
put_cover(void *arg, const struct store_cover_row *r)
{
	struct answer *a = arg;
	struct json *j = a->j;

	a->n++;
	json_obj(j, NULL);
	put_head(j, r);
	json_u64(j, "blind_sensors", r->blind);
	json_cstr(j, "state", store_cover_name(r->state));
	json_cstr(j, "why", r->why);
	json_time(j, "period_from", r->from_us);
	json_time(j, "period_to", r->to_us);
	json_obj(j, "percent");
	for (unsigned s = 0; s < STORE_COVERS; s++) {
		json_f64(j, store_cover_name((enum store_cover)s),
			 blind_percent(r, (enum store_cover)s));
	}
	json_obj_end(j);
	put_known(j, r);
	if (r->known_us != 0) {
		json_time(j, "complete_since", r->known_us);
	}
	json_u64(j, "left_out", r->left_out);
	json_obj_end(j);
	for (unsigned i = 0; i < r->n_pieces; i++) {
		const struct store_cover_piece *p = &r->piece[i];

		json_obj(j, NULL);
		put_head(j, r);
		json_u64(j, "blind_sensors", p->blind);
		json_cstr(j, "state", store_cover_name(p->state));
		put_times(j, p->from_us, p->to_us);
		json_cstr(j, "why", p->why);
		json_obj_end(j);
	}
}

enum err
blind_json(struct store_reader *r, uint64_t since_us, const char *site,
	   const char *asset, unsigned limit, struct json *j,
	   unsigned *n_assets)
{
	struct answer a = { j, 0 };
	uint64_t left_out = 0;
	enum err e;

	json_obj(j, NULL);
	json_arr(j, "sensors");
	e = store_read_watch(r, put_watch, &a);
	json_arr_end(j);
	json_arr(j, "blind");
	if (e == ERR_OK) {
		e = store_read_blind(r, since_us, site, asset, limit, put_blind,
				     &a, &left_out);
	}
	json_arr_end(j);
	json_u64(j, "blind_left_out", left_out);
	json_arr(j, "assets");
	if (e == ERR_OK) {
		e = store_read_cover(r, since_us, asset, limit, put_cover, &a);
	}
	json_arr_end(j);
	json_obj_end(j);
	*n_assets = a.n;
	return e;
}

static void
put_mission(void *arg, const struct store_mission_row *r)
{
	struct answer *a = arg;
	struct json *j = a->j;

	a->n++;
	json_obj(j, NULL);
	json_cstr(j, "mission", r->mission);
	json_cstr(j, "owner", r->owner);
	json_u64(j, "criticality", r->criticality);
	json_cstr(j, "state", store_cover_name(r->state));
	json_cstr(j, "why", r->why);
	json_u64(j, "incidents", r->incidents);
	json_obj(j, "assets");
	for (unsigned s = 0; s < STORE_COVERS; s++) {
		json_u64(j, store_cover_name((enum store_cover)s), r->n[s]);
	}
	json_obj_end(j);
	json_obj_end(j);
}

enum err
blind_json_missions(struct store_reader *r, struct json *j, const char *key)
{
	struct answer a = { j, 0 };
	enum err e;

	json_arr(j, key);
	e = store_read_missions(r, put_mission, &a);
	json_arr_end(j);
	return e;
}
