/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/part_json.h"

#include <stdio.h>

static void
put_part(struct json *j, const struct part_out *out)
{
	struct part_out_stats s;

	part_out_stats(out, &s);
	json_obj(j, "own");
	json_u64(j, "waiting", s.waiting);
	json_u64(j, "waiting_bytes", s.waiting_bytes);
	json_bool(j, "full", s.full);
	json_u64(j, "records", s.records);
	json_u64(j, "alerts", s.alerts);
	json_u64(j, "bytes", s.bytes);
	json_u64(j, "resent", s.resent);
	json_u64(j, "points_refused", s.points_refused);
	json_obj_end(j);
}

static void
put_head(struct json *j, const struct part_in *in)
{
	struct part_in_stats s;

	part_in_stats(in, &s);
	json_obj(j, "head");
	json_u64(j, "records", s.records);
	json_u64(j, "alerts", s.alerts);
	json_u64(j, "contacts", s.contacts);
	json_u64(j, "repeated", s.repeated);
	json_u64(j, "early", s.early);
	json_u64(j, "refused_signature", s.refused_signature);
	json_u64(j, "refused_format", s.refused_format);
	json_u64(j, "refused_sensors", s.refused_sensors);
	json_obj_end(j);
	json_obj(j, "each");
	for (unsigned k = 1; k <= part_in_of(in); k++) {
		struct part_in_view v;
		char name[12];

		part_in_view(in, k, &v);
		snprintf(name, sizeof(name), "%u", k);
		json_obj(j, name);
		json_bool(j, "up", !v.silent);
		json_u64(j, "behind", v.behind);
		json_u64(j, "lost", v.lost);
		json_u64(j, "alerts", v.alerts);
		json_obj_end(j);
	}
	json_obj_end(j);
}

void
part_json(struct json *j, const struct part_out *out, const struct part_in *in)
{
	if (out == NULL && in == NULL) {
		return;
	}
	json_obj(j, "parts");
	if (out != NULL) {
		put_part(j, out);
	}
	if (in != NULL) {
		put_head(j, in);
	}
	json_obj_end(j);
}
