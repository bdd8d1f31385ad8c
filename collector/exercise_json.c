/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exercise_json.h"

#include "common/clock.h"
#include "common/words.h"

const char *
exercise_state(const struct store_exercise *e)
{
	uint64_t now = clock_wall_us();

	if (e->end_us != 0) {
		return e->version != 0 && e->end_version == 0 ? WORD("ending")
							      : WORD("ended");
	}
	if (e->version == 0) {
		return WORD("not told yet");
	}
	return now < e->from_us    ? WORD("planned")
	       : now < e->until_us ? WORD("on")
				   : WORD("over");
}

static void
json_exercise(void *arg, const struct store_exercise *e)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "exercise", e->name);
	json_cstr(j, "state", exercise_state(e));
	json_time(j, "from", e->from_us);
	json_time(j, "until", e->until_us);
	json_time(j, "ordered", e->at_us);
	json_cstr(j, "who", e->who);
	if (e->end_us != 0) {
		json_time(j, "ended", e->end_us);
		json_cstr(j, "end_who", e->end_who);
	}
	json_u64(j, "misplaced", e->misplaced);
	json_obj_end(j);
}

static void
json_sensor(void *arg, int64_t id, const char *site, const char *sensor,
	    const char *exercises)
{
	struct json *j = arg;

	(void)id;
	json_obj(j, NULL);
	json_cstr(j, "site", site);
	json_cstr(j, "sensor", sensor);
	json_cstr(j, "exercises", exercises);
	json_obj_end(j);
}

enum err
exercise_json(struct store_reader *r, struct json *j)
{
	enum err e;

	json_arr(j, "exercises");
	e = store_exercise_each(r->db, NULL, json_exercise, j);
	json_arr_end(j);
	json_arr(j, "sensors");
	if (e == ERR_OK) {
		e = store_exercise_sensors(r->db, json_sensor, j);
	}
	json_arr_end(j);
	return e;
}
