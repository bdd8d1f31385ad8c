/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/inbox_json.h"

#include "collector/store_json.h"

void
inbox_json_row(struct json *j, const struct inbox_row *row)
{
	const struct store_group *g = &row->g;

	json_obj(j, NULL);
	json_i64(j, "id", g->id);
	json_u64(j, "sid", g->sid);
	json_u64(j, "gid", g->gid);
	json_cstr(j, "signature", g->signature);
	json_cstr(j, "category", g->category);
	json_u64(j, "severity", g->severity);
	json_cstr(j, "site", g->site);
	json_addr(j, "src", &g->src);
	json_addr(j, "dst", &g->dst);
	store_json_kept(j, "src_info", row->src_info);
	store_json_kept(j, "dst_info", row->dst_info);
	json_u64(j, "count", g->count);
	json_time_known(j, "first", g->first_us);
	json_time_known(j, "last", g->last_us);
	json_i64(j, "last_alert", g->last_alert);
	json_cstr(j, "state", row->archived ? "archived" : "inbox");
	json_time_known(j, "escalated", row->escalated_us);
	json_bool(j, "new", row->is_new);
	json_cstr(j, "who", row->who);
	json_cstr(j, "note", row->note);
	json_cstr(j, "exercise", g->exercise);
}

void
inbox_json_done(struct json *j, const struct inbox_done *x)
{
	json_obj(j, NULL);
	json_time(j, "at", x->at_us);
	json_cstr(j, "who", x->who);
	json_cstr(j, "act", x->act);
	json_cstr(j, "note", x->note);
	json_time_known(j, "undone", x->undone_us);
	json_obj_end(j);
}
