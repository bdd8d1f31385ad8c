/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stats_overload.h"

void
stats_put_retro(struct json *j, struct retro *r)
{
	struct retro_counters n;

	if (r == NULL) {
		return;
	}
	retro_get_counters(r, &n);
	json_obj(j, "retro");
#define C(name) json_u64(j, #name, n.note.name);
	json_obj(j, "notes");
	RETRO_NOTE_LIST(C)
	json_obj_end(j);
#undef C
#define C(name) json_u64(j, #name, n.index.name);
	json_obj(j, "index");
	RETRO_INDEX_LIST(C)
	json_obj_end(j);
#undef C
#define C(name) json_u64(j, #name, n.name);
	json_obj(j, "questions");
	RETRO_COUNTER_LIST(C)
	json_obj_end(j);
#undef C
	json_u64(j, "segments", n.index.segments);
	json_u64(j, "entries", n.index.entries);
	json_u64(j, "bytes", n.index.bytes);
	json_obj_end(j);
}
