/* SPDX-License-Identifier: Apache-2.0 */
#include "common/control.h"

#include <stdio.h>

#include "common/json_read.h"

#define PURPOSE "picket-control-1"

bool
control_write(struct json *j, const struct control_doc *doc)
{
	json_reset(j);
	json_obj(j, NULL);
	json_u64(j, "v", 1);
	if (doc->action == CONTROL_POSTURE) {
		json_cstr(j, "kind", "posture");
		posture_write(j, &doc->posture, POSTURE_SENSOR);
	} else if (doc->action == CONTROL_EXERCISE) {
		json_cstr(j, "kind", "exercise");
		json_cstr(j, "action", "start");
		json_obj(j, "token");
		exercise_write(j, doc->token);
		json_obj_end(j);
	} else if (doc->action == CONTROL_EXERCISE_END) {
		json_cstr(j, "kind", "exercise");
		json_cstr(j, "action", "end");
		json_cstr(j, "name", doc->exercise);
	} else if (doc->action == CONTROL_EVIDENCE) {
		json_cstr(j, "kind", "evidence");
		evidence_ask_write(j, &doc->evidence);
	} else {
		json_cstr(j, "kind", "rules");
		json_cstr(j, "action", "reload");
	}
	json_u64(j, "version", doc->version);
	if (doc->site[0] != '\0') {
		json_cstr(j, "site", doc->site);
	}
	if (doc->sensor[0] != '\0') {
		json_cstr(j, "sensor", doc->sensor);
	}
	json_obj_end(j);
	return !j->failed;
}

enum err
control_sign(struct sign_key *k, struct view text, uint8_t sig[SIGN_BYTES])
{
	return sign_make(k, PURPOSE, text, sig);
}

/* An optional name; false when it is there and none that a sensor can have. */
static bool
read_name(const struct json_reader *r, const struct json_value *obj,
	  const char *key, char out[CONTROL_NAME_CAP])
{
	const struct json_value *v = json_member(r, obj, view_cstr(key));

	out[0] = '\0';
	if (v == NULL) {
		return true;
	}
	if (v->type != JSON_STRING || v->text.len == 0 ||
	    v->text.len >= CONTROL_NAME_CAP) {
		return false;
	}
	memcpy(out, v->text.p, v->text.len);
	out[v->text.len] = '\0';
	return true;
}

static bool
member_is(const struct json_reader *r, const struct json_value *obj,
	  const char *key, const char *word)
{
	const struct json_value *v = json_member(r, obj, view_cstr(key));

	return v != NULL && v->type == JSON_STRING &&
	       view_eq(v->text, view_cstr(word));
}

static bool
read_number(const struct json_reader *r, const struct json_value *obj,
	    const char *key, uint64_t max, uint64_t *out)
{
	const struct json_value *v = json_member(r, obj, view_cstr(key));

	return v != NULL && json_uint(v, max, out);
}

static bool
read_exercise(const struct json_reader *r, const struct json_value *root,
	      struct control_doc *doc)
{
	struct exercise *e;
	struct diag why;

	if (member_is(r, root, "action", "end")) {
		doc->action = CONTROL_EXERCISE_END;
		return read_name(r, root, "name", doc->exercise) &&
		       exercise_name_ok(view_cstr(doc->exercise));
	}
	doc->action = CONTROL_EXERCISE;
	if (!member_is(r, root, "action", "start") ||
	    exercise_read(&e, r, json_member(r, root, VIEW_LIT("token")),
			  &why) != ERR_OK) {
		return false;
	}
	snprintf(doc->exercise, sizeof(doc->exercise), "%s", e->name);
	exercise_free(e);
	return true;
}

static bool
read_doc(struct json_reader *r, struct view text, struct control_doc *doc)
{
	const struct json_value *root;
	uint64_t v = 0;

	if (!json_read(r, text)) {
		return false;
	}
	root = json_root(r);
	if (!read_number(r, root, "v", 1, &v) || v != 1 ||
	    !read_number(r, root, "version", INT64_MAX, &doc->version) ||
	    doc->version == 0 || !read_name(r, root, "site", doc->site) ||
	    !read_name(r, root, "sensor", doc->sensor)) {
		return false;
	}
	if (member_is(r, root, "kind", "posture")) {
		struct diag why;

		doc->action = CONTROL_POSTURE;
		return posture_read(r, root, &doc->posture, &why);
	}
	if (member_is(r, root, "kind", "exercise")) {
		return read_exercise(r, root, doc);
	}
	if (member_is(r, root, "kind", "evidence")) {
		/* Whoever has them is one sensor. */
		doc->action = CONTROL_EVIDENCE;
		return doc->site[0] != '\0' && doc->sensor[0] != '\0' &&
		       evidence_ask_read(r, root, &doc->evidence);
	}
	doc->action = CONTROL_RULES_RELOAD;
	return member_is(r, root, "kind", "rules") &&
	       member_is(r, root, "action", "reload");
}

enum err
control_exercise(struct view text, struct exercise **out, struct diag *d)
{
	struct json_reader r;
	enum err e = ERR_FORMAT;

	*out = NULL;
	json_reader_init(&r);
	if (json_read(&r, text)) {
		e = exercise_read(
			out, &r,
			json_member(&r, json_root(&r), VIEW_LIT("token")), d);
	} else {
		diag_set(d, e, "no JSON");
	}
	json_reader_fini(&r);
	return e;
}

bool
control_parse(struct view text, struct control_doc *doc)
{
	struct json_reader r;
	bool good;

	memset(doc, 0, sizeof(*doc));
	if (text.len > CONTROL_MAX_DOC) {
		return false;
	}
	json_reader_init(&r);
	good = read_doc(&r, text, doc);
	json_reader_fini(&r);
	return good;
}

enum err
control_read(struct sign_key *k, struct view text, struct view sig,
	     struct control_doc *doc)
{
	memset(doc, 0, sizeof(*doc));
	if (text.len > CONTROL_MAX_DOC || !sign_check(k, PURPOSE, text, sig)) {
		return ERR_AUTH;
	}
	return control_parse(text, doc) ? ERR_OK : ERR_FORMAT;
}

bool
control_is_for(const struct control_doc *doc, const char *site,
	       const char *sensor)
{
	return (doc->site[0] == '\0' || strcmp(doc->site, site) == 0) &&
	       (doc->sensor[0] == '\0' || strcmp(doc->sensor, sensor) == 0);
}
