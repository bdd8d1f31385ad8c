/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox through the console's API, on a store of a few groups. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "collector/console_api.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "tests/store_dir.h"
#include "tests/store_lines.h"

#define BASE_US UINT64_C(1795300000000000)

static struct store *store;
static struct console_api *api;
static struct mission_map *map;
static uint64_t seq;

/* Twelve groups of rules 100 to 111, group i with i + 1 alerts; the last one
 * of an exercise.  Severities 1, 2, 3 in turn. */
static void
put_groups(void)
{
	assert_int_equal(store_begin(store), ERR_OK);
	for (unsigned i = 0; i < 12; i++) {
		struct brief b[12];

		for (unsigned k = 0; k <= i; k++) {
			b[k] = (struct brief){
				.us = BASE_US + (i * 60 + k) * US_PER_S,
				.src = i,
				.dst = 200,
				.sid = 100 + i,
				.severity = i % 3 + 1,
				.exercise = i == 11 ? "DRILL" : "",
			};
		}
		brief_frame(store, i < 6 ? "alpha" : "beta", "s1", ++seq, b,
			    i + 1, BASE_US);
	}
	assert_int_equal(store_commit(store), ERR_OK);
}

static int
setup(void **state)
{
	struct diag d = { "" };

	store_dir_make(state);
	store = store_dir_open();
	seq = 0;
	put_groups();
	map = mission_empty();
	assert_int_equal(console_api_new(&api, path, map, &d), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	console_api_free(api);
	mission_free(map);
	store_close(store);
	return store_dir_remove(state);
}

/* Parameters in pairs, ended by NULL. */
static const char *
param(void *arg, const char *name)
{
	for (const char *const *p = arg; *p != NULL; p += 2) {
		if (strcmp(p[0], name) == 0) {
			return p[1];
		}
	}
	return NULL;
}

static json_t *
ask(unsigned status, const char *where, const char *body, const char **params)
{
	static const char *none[] = { NULL };
	struct api_request r = {
		.path = where,
		.post = body != NULL,
		.body = body != NULL ? view_cstr(body) : VIEW_NONE,
		.param = param,
		.arg = (void *)(params != NULL ? params : none),
	};
	struct json j;
	unsigned got;
	json_t *doc;

	json_init(&j);
	got = console_api_answer(api, &r, &j);
	doc = json_loadb(j.p, j.len, JSON_REJECT_DUPLICATES, NULL);
	if (got != status || doc == NULL) {
		fail_msg("%s: %u: %.*s", where, got, (int)j.len, j.p);
	}
	json_fini(&j);
	return doc;
}

#define ASK(where, ...) \
	ask(200, where, NULL, (const char *[]){ __VA_ARGS__, NULL })
#define INBOX(query) ASK("/api/inbox", "q", query)

static size_t
n_groups(json_t *doc)
{
	size_t n = json_array_size(json_object_get(doc, "groups"));

	json_decref(doc);
	return n;
}

static json_int_t
number(const json_t *doc, const char *key)
{
	assert_true(json_is_integer(json_object_get(doc, key)));
	return json_integer_value(json_object_get(doc, key));
}

static void
queries_find_groups(void **state)
{
	static const struct {
		const char *query;
		size_t n;
	} known[] = {
		{ "", 11 },
		{ "sid:103", 1 },
		{ "sid:103-105", 3 },
		{ "-sid:103-105", 8 },
		{ "sev:1", 4 },
		{ "sev:1-2 site:alpha", 4 },
		{ "SITE:AL*", 6 },
		{ "ip:10.0.0.0/30", 4 },
		{ "src:10.0.0.7", 1 },
		{ "dst:10.0.0.7", 0 },
		{ "-ip:10.0.0.0/30 site:alpha", 2 },
		{ "\"rule 10\"", 10 },
		{ "sig:\"rule 10?\"", 0 },
		{ "sig:rule*3", 1 },
		{ "exercise:drill", 1 },
		{ "is:new", 11 },
		{ "is:archived", 0 },
		{ "beta \"rule 110\"", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		size_t n = n_groups(INBOX(known[i].query));

		if (n != known[i].n) {
			fail_msg("%s: %zu", known[i].query, n);
		}
	}
}

static void
pages_hold_each_group_once(void **state)
{
	static const char *const sorts[] = { "last", "first", "count",
					     "severity" };

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(sorts); s++) {
		char cursor[64] = "";
		uint64_t seen = 0;
		unsigned n = 0;

		do {
			json_t *doc = ASK("/api/inbox", "sort", sorts[s],
					  "limit", "3", "cursor", cursor);
			json_t *rows = json_object_get(doc, "groups");
			const char *next =
				json_string_value(json_object_get(doc, "next"));

			if (cursor[0] == '\0') {
				assert_int_equal(number(doc, "total"), 11);
			}
			for (size_t i = 0; i < json_array_size(rows); i++) {
				json_int_t id =
					number(json_array_get(rows, i), "id");

				assert_int_equal(seen >> id & 1, 0);
				seen |= UINT64_C(1) << id;
				n++;
			}
			snprintf(cursor, sizeof(cursor), "%s",
				 next != NULL ? next : "");
			json_decref(doc);
		} while (cursor[0] != '\0');
		assert_int_equal(n, 11);
	}
}

static json_t *
act(const char *body)
{
	return ask(200, "/api/inbox/act", body, NULL);
}

static void
undo(const json_t *done, json_int_t expected)
{
	char body[128];
	json_t *doc;

	snprintf(body, sizeof(body), "{\"token\":\"%s\"}",
		 json_string_value(json_object_get(done, "undo")));
	doc = ask(200, "/api/undo", body, NULL);
	assert_int_equal(number(doc, "done"), expected);
	json_decref(doc);
	/* Once only. */
	json_decref(ask(404, "/api/undo", body, NULL));
}

static void
acts_change_groups_and_are_taken_back(void **state)
{
	json_t *one, *all, *up;

	(void)state;
	one = act("{\"act\":\"archive\",\"ids\":[1,2,99],\"note\":\"noise\"}");
	assert_int_equal(number(one, "done"), 2);
	assert_int_equal(n_groups(INBOX("")), 9);
	assert_int_equal(n_groups(ASK("/api/inbox", "state", "archived")), 2);
	up = act("{\"act\":\"escalate\",\"q\":\"sev:1\"}");
	assert_int_equal(number(up, "done"), 3);
	assert_int_equal(n_groups(ASK("/api/inbox", "state", "escalated")), 3);
	assert_int_equal(n_groups(INBOX("is:escalated -sid:103")), 2);
	all = act("{\"act\":\"archive\",\"q\":\"site:beta\"}");
	assert_int_equal(number(all, "done"), 5);
	assert_int_equal(n_groups(INBOX("")), 4);
	/* Two of the three escalated ones were archived since. */
	undo(up, 1);
	undo(all, 5);
	undo(one, 2);
	assert_int_equal(n_groups(INBOX("")), 11);
	json_decref(one);
	json_decref(all);
	json_decref(up);
}

static void
a_new_alert_shows_an_archived_group_again(void **state)
{
	struct brief b = { .us = BASE_US + 9999 * US_PER_S,
			   .src = 3,
			   .dst = 200,
			   .sid = 103,
			   .severity = 1,
			   .exercise = "" };

	(void)state;
	json_decref(act("{\"act\":\"archive\",\"q\":\"sid:103-104\"}"));
	assert_int_equal(n_groups(INBOX("sid:103-104")), 0);
	assert_int_equal(store_begin(store), ERR_OK);
	brief_frame(store, "alpha", "s1", ++seq, &b, 1, BASE_US);
	assert_int_equal(store_commit(store), ERR_OK);
	assert_int_equal(n_groups(INBOX("sid:103-104")), 1);
	assert_int_equal(n_groups(INBOX("sid:103")), 1);
}

static void
a_rule_archives_until_it_ends(void **state)
{
	struct store_reader *r;
	struct diag d = { "" };
	sqlite3 *db;

	(void)state;
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	assert_int_equal(store_change_begin(r, &db, &d), ERR_OK);
	assert_int_equal(
		sql_exec(db,
			 "INSERT INTO archive_rules(query,why,who,at_us,"
			 "until_us) VALUES('site:alpha -sid:100','','',0,0),"
			 "('site:beta','','',0,5);COMMIT"),
		ERR_OK);
	sqlite3_close(db);
	store_reader_close(r);
	assert_int_equal(n_groups(INBOX("")), 6);
	assert_int_equal(n_groups(INBOX("site:alpha")), 1);
	assert_int_equal(n_groups(ASK("/api/inbox", "state", "archived")), 5);
}

static size_t
n_alerts(json_t *doc)
{
	size_t n = json_array_size(json_object_get(doc, "alerts"));

	json_decref(doc);
	return n;
}

static void
alerts_are_found_by_queries(void **state)
{
	json_t *doc;

	(void)state;
	assert_int_equal(n_alerts(ASK("/api/alerts", "q", "sid:104")), 5);
	assert_int_equal(n_alerts(ASK("/api/alerts", "q", "sev:1 site:beta")),
			 17);
	assert_int_equal(n_alerts(ASK("/api/alerts", "q", "sensor:s2")), 0);
	assert_int_equal(
		n_alerts(ASK("/api/alerts", "q", "-sensor:s2 sid:105")), 6);
	assert_int_equal(n_alerts(ASK("/api/alerts", "q", "exercise:drill")),
			 12);
	json_decref(act("{\"act\":\"archive\",\"q\":\"sid:104\"}"));
	assert_int_equal(
		n_alerts(ASK("/api/alerts", "q", "sid:104-105 is:open")), 6);
	doc = ASK("/api/groups/5", NULL);
	assert_int_equal(number(doc, "sid"), 104);
	assert_string_equal(json_string_value(json_object_get(doc, "state")),
			    "archived");
	assert_int_equal(json_array_size(json_object_get(doc, "history")), 1);
	assert_int_equal(json_array_size(json_object_get(doc, "alerts")), 5);
	json_decref(doc);
	json_decref(ask(404, "/api/groups/77", NULL, NULL));
}

static void
what_is_wrong_is_said_with_its_place(void **state)
{
	static const char *const bodies[] = {
		"",
		"[]",
		"{}",
		"{\"act\":\"archive\"}",
		"{\"act\":\"burn\",\"ids\":[1]}",
		"{\"act\":\"archive\",\"ids\":[]}",
		"{\"act\":\"archive\",\"ids\":[\"1\"]}",
		"{\"act\":\"archive\",\"ids\":[-1]}",
		"{\"act\":\"archive\",\"q\":\"sid:x\"}",
		"{\"act\":\"archive\",\"ids\":[1],\"note\":7}",
	};
	json_t *doc = ask(400, "/api/inbox", NULL,
			  (const char *[]){ "q", "a sid:x", NULL });

	(void)state;
	assert_int_equal(number(doc, "column"), 7);
	assert_string_equal(json_string_value(json_object_get(doc, "field")),
			    "q");
	json_decref(doc);
	json_decref(ask(400, "/api/inbox", NULL,
			(const char *[]){ "q", "dport:80", NULL }));
	json_decref(ask(400, "/api/inbox", NULL,
			(const char *[]){ "cursor", "1.x", NULL }));
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		json_decref(ask(400, "/api/inbox/act", bodies[i], NULL));
	}
	assert_int_equal(n_groups(INBOX("is:new")), 11);
}

static void
rates_and_suggestions(void **state)
{
	json_t *doc = ASK("/api/rate", "step", "3600"), *v;
	json_int_t n = 0;
	size_t i, k;

	(void)state;
	v = json_object_get(doc, "buckets");
	for (i = 0; i < json_array_size(v); i++) {
		json_t *c = json_object_get(json_array_get(v, i), "counts");

		for (k = 0; k < json_array_size(c); k++) {
			n += json_integer_value(json_array_get(c, k));
		}
	}
	assert_int_equal(n, 66);
	json_decref(doc);
	doc = ASK("/api/suggest", "q", "sev:1 -site:A");
	v = json_array_get(json_object_get(doc, "items"), 0);
	assert_string_equal(json_string_value(json_object_get(v, "text")),
			    "-site:alpha");
	assert_int_equal(number(doc, "from"), 6);
	assert_int_equal(number(doc, "to"), 13);
	json_decref(doc);
	doc = ASK("/api/suggest", "q", "sig:\"rule 105", "at", "13");
	v = json_array_get(json_object_get(doc, "items"), 0);
	assert_string_equal(json_string_value(json_object_get(v, "text")),
			    "sig:\"Rule 105\"");
	json_decref(doc);
	doc = ASK("/api/suggest", "q", "");
	assert_true(json_array_size(json_object_get(doc, "items")) > 10);
	json_decref(doc);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(queries_find_groups),
		TEST(pages_hold_each_group_once),
		TEST(acts_change_groups_and_are_taken_back),
		TEST(a_new_alert_shows_an_archived_group_again),
		TEST(a_rule_archives_until_it_ends),
		TEST(alerts_are_found_by_queries),
		TEST(what_is_wrong_is_said_with_its_place),
		TEST(rates_and_suggestions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
