/* SPDX-License-Identifier: Apache-2.0 */
/* An exercise as JSON: what sensors are told, and the store keeps. */
#include <inttypes.h>
#include <stdio.h>

#include "common/exercise.h"

static void
write_told(struct json *j, const struct exercise *e, unsigned k)
{
	char text[ADDR_TEXT_CAP + 4];

	if (e->inject[k].until_us != 0) {
		json_u64(j, "until", e->inject[k].until_us);
	}
	json_arr(j, "targets");
	for (unsigned n = 0; n < e->n_targets; n++) {
		if (e->target[n].inject == k) {
			cidr_format(&e->target[n].net, text);
			json_cstr(j, NULL, text);
		}
	}
	json_arr_end(j);
	json_arr(j, "sids");
	for (unsigned n = 0; n < e->n_sids; n++) {
		if (e->sid[n].inject == k) {
			snprintf(text, sizeof(text), "%" PRIu32 ":%" PRIu32,
				 e->sid[n].gid, e->sid[n].sid);
			json_cstr(j, NULL, text);
		}
	}
	json_arr_end(j);
	json_arr(j, "indicators");
	for (unsigned n = 0; n < e->n_values; n++) {
		if (e->value[n].inject == k) {
			json_cstr(j, NULL, e->value[n].text);
		}
	}
	json_arr_end(j);
}

static void
write_inject(struct json *j, const struct exercise *e, unsigned k)
{
	const struct exercise_inject *i = &e->inject[k];
	char net[ADDR_TEXT_CAP + 4];

	json_obj(j, NULL);
	json_cstr(j, "id", i->id);
	json_cstr(j, "title", i->title);
	if (i->at_us != 0) {
		json_u64(j, "at", i->at_us);
	}
	json_arr(j, "sources");
	for (unsigned n = 0; n < e->n_sources; n++) {
		if (e->source[n].inject == k) {
			cidr_format(&e->source[n].net, net);
			json_cstr(j, NULL, net);
		}
	}
	json_arr_end(j);
	json_arr(j, "names");
	for (unsigned n = 0; n < e->n_hosts; n++) {
		if (e->host[n].inject == k) {
			json_cstr(j, NULL, e->host[n].name);
		}
	}
	json_arr_end(j);
	write_told(j, e, k);
	json_obj_end(j);
}

void
exercise_write(struct json *j, const struct exercise *e)
{
	char net[ADDR_TEXT_CAP + 4];

	json_cstr(j, "name", e->name);
	json_u64(j, "from", e->from_us);
	json_u64(j, "until", e->until_us);
	json_arr(j, "ranges");
	for (unsigned i = 0; i < e->n_ranges; i++) {
		cidr_format(&e->range[i], net);
		json_cstr(j, NULL, net);
	}
	json_arr_end(j);
	json_arr(j, "players");
	for (unsigned i = 0; i < e->n_players; i++) {
		cidr_format(&e->player[i], net);
		json_cstr(j, NULL, net);
	}
	json_arr_end(j);
	json_arr(j, "injects");
	for (unsigned i = 0; i < e->n_injects; i++) {
		write_inject(j, e, i);
	}
	json_arr_end(j);
}

static struct view
text_of(const struct json_reader *r, const struct json_value *obj,
	const char *key)
{
	const struct json_value *v = json_member(r, obj, view_cstr(key));

	return v != NULL && v->type == JSON_STRING ? v->text : VIEW_NONE;
}

static bool
time_of(const struct json_reader *r, const struct json_value *obj,
	const char *key, uint64_t *out)
{
	const struct json_value *v = json_member(r, obj, view_cstr(key));

	return v != NULL && json_uint(v, INT64_MAX, out);
}

/* Each text of a list; tokens of before had not all of them. */
static enum err
read_texts(struct exercise *e, const struct json_reader *r,
	   const struct json_value *obj, const char *key, bool may_lack,
	   enum err (*add)(struct exercise *e, struct view v, struct diag *d),
	   struct diag *d)
{
	const struct json_value *list = json_member(r, obj, view_cstr(key));
	enum err err = ERR_OK;

	if (list == NULL && may_lack) {
		return ERR_OK;
	}
	if (list == NULL || list->type != JSON_ARRAY) {
		return diag_set(d, ERR_FORMAT, "%s: no list", key);
	}
	for (const struct json_value *v = json_first(r, list);
	     v != NULL && err == ERR_OK; v = json_next(r, list, v)) {
		err = v->type == JSON_STRING
			      ? add(e, v->text, d)
			      : diag_set(d, ERR_FORMAT, "%s: no text", key);
	}
	return err;
}

/* What tells the inject that was added last. */
static enum err
read_told(struct exercise *e, const struct json_reader *r,
	  const struct json_value *obj, struct diag *d)
{
	enum err err =
		read_texts(e, r, obj, "sources", false, exercise_add_source, d);

	if (err == ERR_OK) {
		err = read_texts(e, r, obj, "names", false, exercise_add_host,
				 d);
	}
	if (err == ERR_OK) {
		err = read_texts(e, r, obj, "targets", true,
				 exercise_add_target, d);
	}
	if (err == ERR_OK) {
		err = read_texts(e, r, obj, "sids", true, exercise_add_sid, d);
	}
	return err == ERR_OK ? read_texts(e, r, obj, "indicators", true,
					  exercise_add_value, d)
			     : err;
}

static enum err
read_inject(struct exercise *e, const struct json_reader *r,
	    const struct json_value *obj, struct diag *d)
{
	uint64_t at_us = 0, until_us = 0;
	enum err err;

	if ((json_member(r, obj, VIEW_LIT("at")) != NULL &&
	     !time_of(r, obj, "at", &at_us)) ||
	    (json_member(r, obj, VIEW_LIT("until")) != NULL &&
	     !time_of(r, obj, "until", &until_us))) {
		return diag_set(d, ERR_FORMAT, "at, until: no time");
	}
	err = exercise_add_inject(e, text_of(r, obj, "id"),
				  text_of(r, obj, "title"), at_us, d);
	if (err != ERR_OK) {
		return err;
	}
	e->inject[e->n_injects - 1].until_us = until_us;
	return read_told(e, r, obj, d);
}

static enum err
read_all(struct exercise *e, const struct json_reader *r,
	 const struct json_value *obj, struct diag *d)
{
	struct view name = text_of(r, obj, "name");
	const struct json_value *list =
		json_member(r, obj, VIEW_LIT("injects"));
	enum err err;

	if (!exercise_name_ok(name) || !time_of(r, obj, "from", &e->from_us) ||
	    !time_of(r, obj, "until", &e->until_us)) {
		return diag_set(d, ERR_FORMAT, "no name, from or until");
	}
	memcpy(e->name, name.p, name.len);
	e->name[name.len] = '\0';
	err = read_texts(e, r, obj, "ranges", false, exercise_add_range, d);
	if (err == ERR_OK) {
		err = read_texts(e, r, obj, "players", true,
				 exercise_add_player, d);
	}
	if (err == ERR_OK && (list == NULL || list->type != JSON_ARRAY)) {
		err = diag_set(d, ERR_FORMAT, "injects: no list");
	}
	for (const struct json_value *v = err == ERR_OK ? json_first(r, list)
							: NULL;
	     v != NULL && err == ERR_OK; v = json_next(r, list, v)) {
		err = read_inject(e, r, v, d);
	}
	return err == ERR_OK ? exercise_check(e, d) : err;
}

enum err
exercise_read(struct exercise **out, const struct json_reader *r,
	      const struct json_value *obj, struct diag *d)
{
	struct exercise *e = exercise_new();
	enum err err;

	*out = NULL;
	if (e == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	err = read_all(e, r, obj, d);
	if (err != ERR_OK) {
		exercise_free(e);
		return err;
	}
	*out = e;
	return ERR_OK;
}
