/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/store_query.h"
#include "collector/store_sql.h"
#include "common/json_read.h"

enum err
store_read_rules(struct store_reader *r, const struct store_alert_filter *f,
		 unsigned limit, unsigned offset,
		 void (*fn)(void *arg, const struct store_rule *rule),
		 void *arg)
{
	struct store_query q = { .len = 0 };
	sqlite3_stmt *st;
	int rc = SQLITE_ERROR;

	store_query_add(&q, "SELECT g.gid,g.sid,max(g.rev),min(h.severity),"
			    "max(g.text),max(g.category),sum(h.count),count(*),"
			    "count(DISTINCT h.site),min(h.first_us),"
			    "max(h.last_us) FROM alert_groups h"
			    " JOIN signatures g ON g.id=h.signature"
			    " JOIN names n ON n.id=h.site"
			    " JOIN names e ON e.id=h.exercise WHERE 1");
	store_query_groups(&q, f);
	store_query_add(&q, " GROUP BY g.gid,g.sid"
			    " ORDER BY sum(h.count) DESC,g.gid,g.sid"
			    " LIMIT ?12 OFFSET ?13");
	st = store_reader_prepare(r, q.sql);
	if (st != NULL && store_query_bind(st, f, limit, offset) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		const struct store_rule rule = {
			.gid = (uint32_t)sqlite3_column_int64(st, 0),
			.sid = (uint32_t)sqlite3_column_int64(st, 1),
			.rev = (uint32_t)sqlite3_column_int64(st, 2),
			.severity = (uint8_t)sqlite3_column_int(st, 3),
			.signature = sql_text(st, 4),
			.category = sql_text(st, 5),
			.alerts = sql_u64(st, 6),
			.groups = sql_u64(st, 7),
			.sites = sql_u64(st, 8),
			.first_us = sql_u64(st, 9),
			.last_us = sql_u64(st, 10),
		};

		fn(arg, &rule);
	}
	return store_reader_finish(st, rc);
}

/* ---------------------------------------------------------------------- JSON */

struct listing {
	struct json *j;
	unsigned n;
};

static void
put_rule(void *arg, const struct store_rule *rule)
{
	struct listing *l = arg;
	struct json *j = l->j;

	l->n++;
	json_obj(j, NULL);
	json_u64(j, "gid", rule->gid);
	json_u64(j, "sid", rule->sid);
	json_u64(j, "rev", rule->rev);
	json_cstr(j, "signature", rule->signature);
	json_cstr(j, "category", rule->category);
	json_u64(j, "severity", rule->severity);
	json_u64(j, "alerts", rule->alerts);
	json_u64(j, "groups", rule->groups);
	json_u64(j, "sites", rule->sites);
	json_time(j, "first", rule->first_us);
	json_time(j, "last", rule->last_us);
	json_obj_end(j);
}

enum err
store_rules_json(struct store_reader *r, const struct store_alert_filter *f,
		 unsigned limit, unsigned offset, struct json *j,
		 const char *key, unsigned *n)
{
	struct listing l = { .j = j };
	enum err e;

	json_arr(j, key);
	e = store_read_rules(r, f, limit, offset, put_rule, &l);
	json_arr_end(j);
	*n = l.n;
	return e;
}

struct sets {
	struct json *j;
	struct json_reader reader;
};

static struct view
member(struct sets *s, const char *name)
{
	const struct json_value *v =
		json_member(&s->reader, json_root(&s->reader), view_cstr(name));

	return v != NULL && v->type == JSON_STRING ? v->text : view_cstr("");
}

/* Presence has numbers as texts. */
static void
put_number(struct sets *s, const char *key, const char *name)
{
	char text[24];
	struct view v = member(s, name);

	snprintf(text, sizeof(text), "%.*s", (int)MIN(v.len, sizeof(text) - 1),
		 (const char *)v.p);
	json_u64(s->j, key, strtoull(text, NULL, 10));
}

static void
put_set(void *arg, const struct store_sensor *is)
{
	struct sets *s = arg;
	struct json *j = s->j;

	/* Who never reported has no set that could be told of. */
	if (!json_read(&s->reader, view_cstr(is->presence))) {
		return;
	}
	json_obj(j, NULL);
	json_cstr(j, "site", is->site);
	json_cstr(j, "sensor", is->sensor);
	json_cstr(j, "state", is->state);
	json_str(j, "digest", member(s, "rules_digest"));
	put_number(s, "version", "rules_version");
	put_number(s, "loaded", "rules_loaded");
	put_number(s, "refused", "rules_failed");
	put_number(s, "reloads", "reloads");
	put_number(s, "reloads_failed", "reloads_failed");
	json_str(j, "reload_error", member(s, "reload_error"));
	json_obj_end(j);
}

enum err
store_rules_json_sensors(struct store_reader *r, struct json *j)
{
	struct sets s = { .j = j };
	enum err e;

	json_reader_init(&s.reader);
	json_arr(j, "sensors");
	e = store_read_sensors(r, put_set, &s);
	json_arr_end(j);
	json_reader_fini(&s.reader);
	return e;
}
