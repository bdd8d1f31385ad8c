/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/taps_json.h"

#include <stdio.h>

#include "collector/taps.h"
#include "common/clock.h"

static void
put_clock(void *arg, const struct taps_clock *c)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "site", c->site);
	json_cstr(j, "sensor", c->sensor);
	json_cstr(j, "state", c->state);
	json_f64(j, "ahead_s", (double)c->offset_us / US_PER_S);
	json_f64(j, "drift_ppm", c->drift * 1e6);
	if (c->error_us <= INT64_MAX / 2) {
		json_f64(j, "error_s", (double)c->error_us / US_PER_S);
	}
	json_u64(j, "shared", c->shared);
	json_u64(j, "others", c->others);
	json_time_known(j, "at", c->at_us);
	json_obj_end(j);
}

enum err
taps_json_clocks(struct store_reader *r, struct json *j, const char *key)
{
	enum err e;

	json_arr(j, key);
	e = taps_read_clocks(r, put_clock, j);
	json_arr_end(j);
	return e;
}

static void
put_observation(void *arg, const struct taps_observation *o)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_i64(j, "alert", o->alert);
	json_cstr(j, "site", o->site);
	json_cstr(j, "sensor", o->sensor);
	json_obj_end(j);
}

enum err
taps_json_event(struct store_reader *r, int64_t id, struct json *j,
		const char *key)
{
	enum err e;

	json_arr(j, key);
	e = taps_read_event(r, id, put_observation, j);
	json_arr_end(j);
	return e;
}

static void
put_witness(void *arg, const struct taps_witness *w)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "site", w->site);
	json_cstr(j, "sensor", w->sensor);
	json_u64(j, "events", w->events);
	json_obj_end(j);
}

enum err
taps_json_incident(struct store_reader *r, int64_t incident, struct json *j,
		   const char *key)
{
	enum err e;

	json_arr(j, key);
	e = taps_read_incident(r, incident, put_witness, j);
	json_arr_end(j);
	return e;
}

struct gauges {
	struct json *j;
	unsigned left;
	char site[256]; /* that is open; "": none */
};

static void
put_gauges(void *arg, const struct taps_clock *c)
{
	struct gauges *g = arg;
	struct json *j = g->j;

	if (g->left == 0) {
		return;
	}
	g->left--;
	/* They come in order of their sites. */
	if (strcmp(g->site, c->site) != 0) {
		if (g->site[0] != '\0') {
			json_obj_end(j);
		}
		snprintf(g->site, sizeof(g->site), "%s", c->site);
		json_obj(j, g->site);
	}
	json_obj(j, c->sensor);
	json_f64(j, "ahead", (double)c->offset_us / US_PER_S);
	json_u64(j, "shared", c->shared);
	json_u64(j, "off", strcmp(c->state, "off") == 0);
	json_obj_end(j);
}

enum err
taps_json_metrics(struct store_reader *r, unsigned max, struct json *j)
{
	struct gauges g = { .j = j, .left = max };
	enum err e;

	json_obj(j, "clocks");
	e = taps_read_clocks(r, put_gauges, &g);
	if (g.site[0] != '\0') {
		json_obj_end(j);
	}
	json_obj_end(j);
	return e;
}
