/* SPDX-License-Identifier: Apache-2.0 */
/* What analysts do with groups, over HTTP. */
#include "collector/console_inbox.h"

#include <stdlib.h>

#include <jansson.h>

#include "collector/store_inbox.h"

#define MAX_IDS 1000

/* A text of the body; "" when it is absent, NULL when it is none, or long. */
static const char *
text_of(const json_t *doc, const char *key, size_t cap)
{
	const json_t *v = json_object_get(doc, key);

	if (v == NULL) {
		return "";
	}
	return json_is_string(v) && json_string_length(v) <= cap
		       ? json_string_value(v)
		       : NULL;
}

static bool
are_ids(const json_t *ids)
{
	size_t n = json_array_size(ids);

	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(ids, i);

		if (!json_is_integer(v) || json_integer_value(v) <= 0) {
			return false;
		}
	}
	return json_is_array(ids) && n > 0 && n <= MAX_IDS;
}

static unsigned
refuse_field(struct question *q, const char *field, const char *why)
{
	json_reset(q->j);
	json_obj(q->j, NULL);
	json_cstr(q->j, "error", why);
	json_cstr(q->j, "field", field);
	json_obj_end(q->j);
	return 400;
}

static unsigned
refuse_change(struct question *q, enum err e, const struct diag *d)
{
	return e == ERR_FORMAT     ? refuse_field(q, "q", d->msg)
	       : e == ERR_NOTFOUND ? question_refuse(q->j, 404, d->msg)
	       : e == ERR_LIMIT    ? question_refuse(q->j, 400, d->msg)
				   : question_refuse(q->j, 503,
						     "the store is busy: try "
							"again");
}

/* What an act is about, of its body. */
struct order {
	enum inbox_verb verb;
	const char *note, *who, *query, *exercise;
	char *ids; /* a JSON array on the heap; NULL: 'query' says which */
};

/* The field that is wrong; NULL: none is. */
static const char *
read_order(const json_t *doc, struct order *o)
{
	const char *act = text_of(doc, "act", 32);
	const json_t *ids = json_object_get(doc, "ids");
	unsigned v = 0;

	*o = (struct order){ .note = text_of(doc, "note", INBOX_MAX_NOTE),
			     .who = text_of(doc, "who", INBOX_MAX_WHO),
			     .exercise = text_of(doc, "exercise", 255),
			     .query = text_of(doc, "q", QUERY_MAX_LEN) };
	while (act != NULL && v < INBOX_VERBS &&
	       strcmp(act, inbox_verb_name((enum inbox_verb)v)) != 0) {
		v++;
	}
	if (act == NULL || v == INBOX_VERBS) {
		return "act";
	}
	o->verb = (enum inbox_verb)v;
	if (o->note == NULL || o->who == NULL || o->exercise == NULL) {
		return o->note == NULL  ? "note"
		       : o->who == NULL ? "who"
					: "exercise";
	}
	o->who = o->who[0] != '\0' ? o->who : "console";
	/* All groups are never meant by leaving both out. */
	if (ids == NULL) {
		return o->query == NULL || json_object_get(doc, "q") == NULL
			       ? "q"
			       : NULL;
	}
	if (!are_ids(ids)) {
		return "ids";
	}
	o->ids = json_dumps(ids, JSON_COMPACT);
	return o->ids != NULL ? NULL : "ids";
}

static enum err
carry_out(struct question *q, const struct order *o, uint64_t *done,
	  char token[INBOX_TOKEN_CAP], struct diag *d)
{
	struct inbox_asked a = {
		.query = o->ids == NULL ? view_cstr(o->query) : VIEW_NONE,
		/* Archived ones can only be got back from where they are. */
		.view = o->verb == INBOX_UNARCHIVE ||
					o->verb == INBOX_DEESCALATE
				? INBOX_ALL
				: INBOX_OPEN,
		.scope = o->exercise[0] == '\0'          ? STORE_REAL
			 : strcmp(o->exercise, "*") == 0 ? STORE_BOTH
							 : STORE_EXERCISE,
		.exercise = o->exercise,
	};
	struct inbox *b;
	unsigned column;
	enum err e = inbox_new(&b, q->store, &a, &column, d);

	if (e == ERR_OK) {
		e = inbox_act(b, o->verb, o->ids, o->who, o->note, done, token,
			      d);
		inbox_free(b);
	}
	return e;
}

static unsigned
post_act(struct question *q, const json_t *doc)
{
	char token[INBOX_TOKEN_CAP] = "";
	struct diag d = { "" };
	struct order o;
	const char *wrong = read_order(doc, &o);
	uint64_t done = 0;
	enum err e;

	if (wrong != NULL) {
		free(o.ids);
		return refuse_field(q, wrong,
				    "the body must be {\"act\": archive, "
				    "unarchive, escalate or deescalate, "
				    "\"ids\": [1 to 1000 numbers] or \"q\": "
				    "TEXT, \"note\": TEXT}");
	}
	e = carry_out(q, &o, &done, token, &d);
	free(o.ids);
	if (e != ERR_OK) {
		return refuse_change(q, e, &d);
	}
	json_obj(q->j, NULL);
	json_u64(q->j, "done", done);
	json_cstr(q->j, "undo", token);
	json_obj_end(q->j);
	return 200;
}

static unsigned
post_undo(struct question *q, const json_t *doc)
{
	const char *token = text_of(doc, "token", INBOX_TOKEN_CAP - 1);
	const char *who = text_of(doc, "who", INBOX_MAX_WHO);
	struct diag d = { "" };
	uint64_t done;
	enum err e;

	if (token == NULL || token[0] == '\0' || who == NULL) {
		return refuse_field(q, "token",
				    "give the \"undo\" of an act as "
				    "\"token\"");
	}
	e = inbox_undo(q->store, token, who[0] != '\0' ? who : "console", &done,
		       &d);
	if (e != ERR_OK) {
		return refuse_change(q, e, &d);
	}
	json_obj(q->j, NULL);
	json_u64(q->j, "done", done);
	json_obj_end(q->j);
	return 200;
}

unsigned
console_inbox_change(struct question *q)
{
	bool act = strcmp(q->r->path, "/api/inbox/act") == 0;
	unsigned status;
	json_t *doc;

	if (!act && strcmp(q->r->path, "/api/undo") != 0) {
		return 0;
	}
	doc = json_loadb((const char *)q->r->body.p, q->r->body.len,
			 JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(doc)) {
		status = question_refuse(q->j, 400,
					 "the body must be a JSON object");
	} else {
		status = act ? post_act(q, doc) : post_undo(q, doc);
	}
	json_decref(doc);
	return status;
}
