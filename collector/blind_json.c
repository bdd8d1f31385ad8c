/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/blind_json.h"

struct answer {
	struct json *j;
	unsigned n;
};

const char *
blind_cover_state(const struct store_cover_row *r)
{
	return r->sensors == 0          ? "unwatched"
	       : r->blind == r->sensors ? "blind"
	       : r->blind > 0           ? "partly"
					: "watched";
}

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
	json_obj_end(j);
}

static void
put_cover(void *arg, const struct store_cover_row *r)
{
	struct answer *a = arg;
	struct json *j = a->j;

	a->n++;
	json_obj(j, NULL);
	json_cstr(j, "asset", r->asset);
	json_cstr(j, "site", r->site);
	json_u64(j, "sensors", r->sensors);
	json_u64(j, "blind_sensors", r->blind);
	json_cstr(j, "state", blind_cover_state(r));
	if (r->from_us != 0) {
		put_times(j, r->from_us, r->to_us);
	}
	json_obj_end(j);
}

enum err
blind_json(struct store_reader *r, uint64_t since_us, const char *site,
	   const char *asset, struct json *j, unsigned *n_assets)
{
	struct answer a = { j, 0 };
	enum err e;

	json_obj(j, NULL);
	json_arr(j, "sensors");
	e = store_read_watch(r, put_watch, &a);
	json_arr_end(j);
	json_arr(j, "blind");
	if (e == ERR_OK) {
		e = store_read_blind(r, since_us, site, asset, put_blind, &a);
	}
	json_arr_end(j);
	json_arr(j, "assets");
	if (e == ERR_OK) {
		e = store_read_cover(r, since_us, asset, put_cover, &a);
	}
	json_arr_end(j);
	json_obj_end(j);
	*n_assets = a.n;
	return e;
}
