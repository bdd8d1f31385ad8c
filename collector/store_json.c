/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_json.h"

#include <stdlib.h>

#include <jansson.h>

#include "common/host_bits.h"

void
store_json_kept(struct json *j, const char *key, const char *text)
{
	json_t *v = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	char *s = v != NULL ? json_dumps(v, JSON_COMPACT | JSON_ENSURE_ASCII)
			    : NULL;

	if (s != NULL) {
		json_raw(j, key, view_cstr(s));
	} else {
		json_nil(j, key);
	}
	free(s);
	json_decref(v);
}

void
store_json_status(struct json *j, const char *key, const struct store_status *s)
{
	json_obj(j, key);
	json_i64(j, "schema", s->schema);
	json_u64(j, "sensors", s->sensors);
	json_u64(j, "alerts", s->alerts);
	json_u64(j, "frames", s->frames);
	json_u64(j, "incidents", s->incidents);
	json_u64(j, "incidents_open", s->incidents_open);
	json_u64(j, "lines_refused", s->lines_refused);
	json_u64(j, "frames_refused", s->frames_refused);
	json_u64(j, "duplicates", s->duplicates);
	json_u64(j, "lost_frames", s->lost_frames);
	json_u64(j, "lost_events", s->lost_events);
	json_u64(j, "missing_frames", s->missing_frames);
	json_u64(j, "expired_frames", s->expired_frames);
	json_u64(j, "expired_alerts", s->expired_alerts);
	json_time_known(j, "first", s->first_us);
	json_time_known(j, "last", s->last_us);
	json_time_known(j, "committed", s->committed_us);
	json_u64(j, "bytes", s->bytes);
	json_obj_end(j);
}

void
store_json_sensor(struct json *j, const struct store_sensor *s)
{
	json_obj(j, NULL);
	json_i64(j, "id", s->id);
	json_cstr(j, "site", s->site);
	json_cstr(j, "sensor", s->sensor);
	json_cstr(j, "owner", s->owner);
	json_cstr(j, "state", s->state);
	json_time_known(j, "first", s->first_us);
	json_time_known(j, "last", s->last_us);
	json_time_known(j, "seen", s->seen_us);
	json_u64(j, "alerts", s->alerts);
	json_u64(j, "frames", s->frames);
	json_u64(j, "lines_refused", s->lines_refused);
	json_u64(j, "frames_refused", s->frames_refused);
	json_u64(j, "duplicates", s->duplicates);
	json_u64(j, "lost_frames", s->lost_frames);
	json_u64(j, "lost_events", s->lost_events);
	json_u64(j, "missing_frames", s->missing_frames);
	json_u64(j, "epoch", s->epoch);
	json_u64(j, "committed", s->committed);
	store_json_kept(j, "presence", s->presence);
	store_json_kept(j, "stats", s->stats);
	json_obj_end(j);
}

void
store_json_alert(struct json *j, const struct store_alert *a)
{
	json_obj(j, NULL);
	json_i64(j, "id", a->id);
	json_time_known(j, "timestamp", a->timestamp_us);
	json_cstr(j, "site", a->site);
	json_cstr(j, "sensor", a->sensor);
	json_cstr(j, "exercise", a->exercise);
	json_cstr(j, "tlp", a->tlp);
	json_u64(j, "severity", a->severity);
	json_u64(j, "gid", a->gid);
	json_u64(j, "sid", a->sid);
	json_u64(j, "rev", a->rev);
	json_cstr(j, "signature", a->signature);
	json_cstr(j, "category", a->category);
	json_cstr(j, "proto", a->proto);
	json_cstr(j, "app_proto", a->app_proto);
	json_addr(j, "src", &a->src);
	json_u64(j, "src_port", a->src_port);
	json_addr(j, "dest", &a->dst);
	json_u64(j, "dest_port", a->dst_port);
	json_cstr(j, "indicator", a->indicator);
	if (a->past_last_us > 0) {
		json_obj(j, "past");
		json_time(j, "first", a->past_first_us);
		json_time(j, "last", a->past_last_us);
		json_u64(j, "count", a->past_count);
		if (a->past_hosts != 0) {
			json_u64(j, "hosts", host_bits_count(a->past_hosts));
		}
		json_obj_end(j);
	}
	store_json_kept(j, "src_info", a->src_info);
	store_json_kept(j, "dest_info", a->dst_info);
	if (a->raw[0] != '\0') {
		store_json_kept(j, "event", a->raw);
	}
	json_obj_end(j);
}

void
store_json_group(struct json *j, const struct store_group *g)
{
	json_obj(j, NULL);
	json_i64(j, "id", g->id);
	json_i64(j, "last_alert", g->last_alert);
	json_cstr(j, "site", g->site);
	json_cstr(j, "exercise", g->exercise);
	json_u64(j, "severity", g->severity);
	json_u64(j, "gid", g->gid);
	json_u64(j, "sid", g->sid);
	json_cstr(j, "signature", g->signature);
	json_cstr(j, "category", g->category);
	json_addr(j, "src", &g->src);
	json_addr(j, "dest", &g->dst);
	json_u64(j, "count", g->count);
	json_time_known(j, "first", g->first_us);
	json_time_known(j, "last", g->last_us);
	json_obj_end(j);
}

void
store_json_incident(struct json *j, const char *key,
		    const struct store_incident *i)
{
	json_obj(j, key);
	json_i64(j, "id", i->id);
	json_cstr(j, "state", i->state);
	json_cstr(j, "exercise", i->exercise);
	json_cstr(j, "title", i->title);
	json_u64(j, "score", i->score);
	json_u64(j, "level", i->level);
	json_cstr(j, "level_name", i->level_name);
	json_cstr(j, "lead", i->lead);
	json_cstr(j, "support", i->support);
	json_time_known(j, "first", i->first_us);
	json_time_known(j, "last", i->last_us);
	json_time_known(j, "created", i->created_us);
	json_time_known(j, "updated", i->updated_us);
	json_i64(j, "merged_into", i->merged_into);
	json_cstr(j, "mark", i->mark);
	store_json_kept(j, "summary", i->summary);
}

void
store_json_log(struct json *j, const struct store_log *l)
{
	json_obj(j, NULL);
	json_time_known(j, "at", l->at_us);
	json_cstr(j, "who", l->who);
	json_cstr(j, "what", l->what);
	json_cstr(j, "text", l->text);
	json_obj_end(j);
}

void
store_json_sighting(struct json *j, const struct store_sighting *s)
{
	json_obj(j, NULL);
	json_cstr(j, "kind", s->kind);
	json_cstr(j, "key", s->key);
	json_cstr(j, "site", s->site);
	json_cstr(j, "exercise", s->exercise);
	json_time_known(j, "first", s->first_us);
	json_time_known(j, "last", s->last_us);
	json_u64(j, "count", s->count);
	json_i64(j, "incident", s->incident);
	json_obj_end(j);
}

void
store_json_bucket(struct json *j, const struct store_bucket *b)
{
	json_obj(j, NULL);
	json_time_known(j, "from", b->from_us);
	json_cstr(j, "site", b->site);
	json_u64(j, "severity", b->severity);
	json_u64(j, "count", b->count);
	json_obj_end(j);
}
