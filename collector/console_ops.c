/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_ops.h"

#include <stdio.h>
#include <string.h>

#include "collector/console_indicators.h"
#include "collector/exchange_json.h"
#include "collector/exercise_file.h"
#include "collector/exercise_json.h"
#include "collector/exercise_report.h"
#include "collector/partner_json.h"
#include "collector/posture_view.h"
#include "collector/store_rules.h"
#include "collector/store_sql.h"

#define MAX_NAME 64

/* ------------------------------------------------------------------- posture */

static enum err
get_posture(struct question *q, const char *rest)
{
	struct posture_view *p;
	enum err e;

	if (rest[0] != '\0') {
		return ERR_NOTFOUND;
	}
	e = posture_view_new(&p, q->store);
	if (e != ERR_OK) {
		return e;
	}
	json_obj(q->j, NULL);
	e = posture_view_json(p, q->store, q->limit, q->j);
	json_obj_end(q->j);
	posture_view_free(p);
	return e;
}

static unsigned
order_posture(struct question *q, const struct json_t *body)
{
	const char *level = question_word(body, "level", "");
	const char *site = question_word(body, "site", "");
	struct diag d = { "" };
	int64_t id = 0;
	enum err e;

	if (strlen(site) >= MAX_NAME) {
		return question_refuse(q->j, 400,
				       "site: a name of up to 63 letters");
	}
	e = store_posture_order(
		q->store, level, site,
		question_who(q, question_word(body, "who", NULL)),
		question_word(body, "why", ""), &id, &d);
	if (e != ERR_OK) {
		return question_refuse_change(q->j, e, &d);
	}
	json_obj(q->j, NULL);
	json_i64(q->j, "order", id);
	json_cstr(q->j, "level", level);
	json_cstr(q->j, "site", site);
	json_obj_end(q->j);
	return 200;
}

static unsigned
post_posture(struct question *q, const char *rest)
{
	struct json_t *body = rest[0] == '\0' ? question_body(q) : NULL;
	unsigned status;

	if (rest[0] != '\0') {
		return question_failure(q->j, ERR_NOTFOUND);
	}
	if (body == NULL) {
		return question_refuse(q->j, 400,
				       "the body must be a JSON object of "
				       "short texts");
	}
	status = order_posture(q, body);
	question_body_free(body);
	return status;
}

/* ----------------------------------------------------------------- exercises */

static enum err
get_exercises(struct question *q, const char *rest)
{
	struct exercise_report *x;
	struct diag d;
	enum err e;

	if (rest[0] == '\0') {
		json_obj(q->j, NULL);
		e = exercise_json(q->store, q->j);
		json_obj_end(q->j);
		return e;
	}
	e = exercise_report_new(&x, q->store, rest + 1, LANG_EN, &d);
	if (e != ERR_OK) {
		return e;
	}
	exercise_report_json(x, q->j);
	exercise_report_free(x);
	return ERR_OK;
}

static unsigned
tell_exercise(struct question *q, const char *name, const char *state)
{
	json_obj(q->j, NULL);
	json_cstr(q->j, "exercise", name);
	json_cstr(q->j, "state", state);
	json_obj_end(q->j);
	return 200;
}

/* The body is the plan; "check": it is looked at and no more. */
static unsigned
plan_exercise(struct question *q, bool check)
{
	const char *name = question_text(q, "name");
	struct exercise *x = NULL;
	struct diag d = { "" };
	unsigned status;
	enum err e;

	e = exercise_read_yaml(&x, name != NULL ? name : "plan", q->r->body,
			       &d);
	if (e != ERR_OK) {
		return question_refuse_change(q->j, e, &d);
	}
	if (!check) {
		e = store_exercise_begin(
			q->store, x, question_who(q, question_text(q, "who")),
			&d);
	}
	if (e == ERR_OK) {
		status = tell_exercise(q, x->name, check ? "good" : "on");
	} else if (e == ERR_USAGE) { /* there is one of that name */
		status = question_refuse(q->j, 409, d.msg);
	} else {
		status = question_refuse_change(q->j, e, &d);
	}
	exercise_free(x);
	return status;
}

static unsigned
stop_exercise(struct question *q, const char *name)
{
	struct diag d = { "" };
	enum err e = store_exercise_end(
		q->store, name, question_who(q, question_text(q, "who")), &d);

	return e == ERR_OK ? tell_exercise(q, name, "ended")
			   : question_refuse_change(q->j, e, &d);
}

static unsigned
post_exercises(struct question *q, const char *rest)
{
	char name[MAX_NAME];
	const char *verb;

	if (rest[0] == '\0' || strcmp(rest, "/check") == 0) {
		return plan_exercise(q, rest[0] != '\0');
	}
	verb = strchr(rest + 1, '/');
	if (verb == NULL || strcmp(verb, "/stop") != 0 ||
	    (size_t)(verb - rest) > sizeof(name)) {
		return question_failure(q->j, ERR_NOTFOUND);
	}
	snprintf(name, sizeof(name), "%.*s", (int)(verb - rest - 1), rest + 1);
	return stop_exercise(q, name);
}

/* ------------------------------------------------------------------ exchange */

static enum err
get_exchange(struct question *q, const char *rest)
{
	const char *party = rest[0] == '/' ? rest + 1 : NULL;
	enum err e = ERR_OK;

	json_obj(q->j, NULL);
	if (party == NULL) {
		e = exchange_json(q->store, q->j);
	}
	if (e == ERR_OK && party == NULL) {
		e = partner_json(q->store->db, q->j, "received");
	}
	if (e == ERR_OK) {
		e = partner_json_incidents(q->store->db, party, q->limit, q->j);
	}
	json_obj_end(q->j);
	return e;
}

/* ----------------------------------------------------------------- audit log */

/* What somebody changed in the store's file is told as null: audit verify says
 * the rest. */
static enum err
get_audit(struct question *q, const char *rest)
{
	sqlite3_stmt *st;
	int64_t last = 0;
	unsigned n = 0;
	int rc = SQLITE_ERROR;

	if (rest[0] != '\0') {
		return ERR_NOTFOUND;
	}
	st = store_reader_prepare(q->store,
				  "SELECT id,CASE WHEN json_valid(record) THEN"
				  " record END FROM audit WHERE ?1=0 OR id<?1"
				  " ORDER BY id DESC LIMIT ?2");
	if (st != NULL && sql_bind(st, "ii", q->f.before_id,
				   (int64_t)q->limit) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	json_obj(q->j, NULL);
	json_arr(q->j, "rows");
	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		last = sqlite3_column_int64(st, 0);
		n++;
		json_obj(q->j, NULL);
		json_i64(q->j, "id", last);
		if (sqlite3_column_type(st, 1) == SQLITE_TEXT) {
			json_raw(q->j, "record", view_cstr(sql_text(st, 1)));
		} else {
			json_nil(q->j, "record");
		}
		json_obj_end(q->j);
	}
	json_arr_end(q->j);
	if (n == q->limit && last > 1) {
		json_i64(q->j, "next", last);
	} else {
		json_nil(q->j, "next");
	}
	json_obj_end(q->j);
	return store_reader_finish(st, rc);
}

/* --------------------------------------------------------------------- rules */

static enum err
get_rules(struct question *q, const char *rest)
{
	unsigned n = 0;
	enum err e;

	if (rest[0] != '\0') {
		return ERR_NOTFOUND;
	}
	json_obj(q->j, NULL);
	e = store_rules_json(q->store, &q->f, q->limit, q->offset, q->j, "rows",
			     &n);
	if (n == q->limit) {
		json_u64(q->j, "next", (uint64_t)q->offset + n);
	} else {
		json_nil(q->j, "next");
	}
	if (e == ERR_OK) {
		e = store_rules_json_sensors(q->store, q->j);
	}
	json_obj_end(q->j);
	return e;
}

/* ------------------------------------------------------------------- by name */

static const struct {
	const char *path;
	enum err (*get)(struct question *q, const char *rest);
	unsigned (*post)(struct question *q, const char *rest); /* or NULL */
} known[] = {
	{ "/api/indicators", console_indicators, console_indicators_change },
	{ "/api/posture", get_posture, post_posture },
	{ "/api/exercises", get_exercises, post_exercises },
	{ "/api/exchange", get_exchange, NULL },
	{ "/api/rules", get_rules, NULL },
	{ "/api/audit", get_audit, NULL },
};

/* Which of them 'path' is; '*rest' is what stands behind it. */
static int
find(const char *path, const char **rest)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		size_t n = strlen(known[i].path);

		if (strncmp(known[i].path, path, n) == 0 &&
		    (path[n] == '\0' || path[n] == '/')) {
			*rest = path + n;
			return (int)i;
		}
	}
	return -1;
}

bool
console_ops_knows(const char *path)
{
	const char *rest;

	return find(path, &rest) >= 0;
}

enum err
console_ops(struct question *q)
{
	const char *rest = "";
	int i = find(q->r->path, &rest);

	return i < 0 ? ERR_NOTFOUND : known[i].get(q, rest);
}

unsigned
console_ops_change(struct question *q)
{
	const char *rest = "";
	int i = find(q->r->path, &rest);

	return i < 0 || known[i].post == NULL
		       ? question_failure(q->j, ERR_NOTFOUND)
		       : known[i].post(q, rest);
}
