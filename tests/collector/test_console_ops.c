/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What analysts do by the console's API: indicators, exercises, posture.  The
 * collector that takes from the inbox is the real one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "collector/audit.h"
#include "collector/common_set.h"
#include "collector/console_api.h"
#include "collector/posture_file.h"
#include "collector/store_posture.h"
#include "common/clock.h"
#include "common/json_read.h"
#include "common/log.h"
#include "tests/store_dir.h"
#include "tests/test.h"

static struct store *store;
static struct mission_map *map;
static struct common_set *set;
static struct console_api *api;
static struct json answer;

static int
setup(void **state)
{
	struct common_set_config cfg = { .gate = gate_defaults,
					 .limits = indicator_limits_default };
	struct allow_lists *lists = allow_lists_new();
	struct posture_levels l;
	struct diag d = { "" };

	store_dir_make(state);
	store = store_dir_open();
	map = mission_empty();
	assert_non_null(lists);
	assert_int_equal(allow_lists_add(lists, ALLOW_DIR, &d), ERR_OK);
	assert_int_equal(
		common_set_new(&set, store_db(store), &cfg, lists, map, &d),
		ERR_OK);
	assert_int_equal(posture_levels_load(&l, NULL, &d), ERR_OK);
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(store_posture_levels(store_db(store), &l), ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	assert_int_equal(console_api_new(&api, path, map, &d), ERR_OK);
	json_init(&answer);
	return 0;
}

static int
teardown(void **state)
{
	json_fini(&answer);
	console_api_free(api);
	common_set_free(set);
	mission_free(map);
	store_close(store);
	return store_dir_remove(state);
}

/* Parameters are names and values in turn, up to NULL. */
static const char *
param(void *arg, const char *name)
{
	for (const char *const *p = arg; p != NULL && *p != NULL; p += 2) {
		if (strcmp(*p, name) == 0) {
			return p[1];
		}
	}
	return NULL;
}

static unsigned
ask(const char *to, const char *const *params, const char *body)
{
	const struct api_request r = {
		.path = to,
		.post = body != NULL,
		.body = body != NULL ? view_cstr(body) : view_of(NULL, 0),
		.param = param,
		.arg = (void *)(uintptr_t)params,
	};

	return console_api_answer(api, &r, &answer);
}

#define PARAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* What the answer has at a way of names, parted by '/'; "[0]" is the first of a
 * list.  Borrows from 'r'. */
static const struct json_value *
at(struct json_reader *r, const char *way)
{
	const struct json_value *v;
	char copy[128], *save = NULL;

	json_reader_init(r);
	if (!json_read(r, view_of(answer.p, answer.len))) {
		fail_msg("no JSON: %.*s", (int)answer.len, answer.p);
	}
	v = json_root(r);
	snprintf(copy, sizeof(copy), "%s", way);
	for (char *s = strtok_r(copy, "/", &save); s != NULL && v != NULL;
	     s = strtok_r(NULL, "/", &save)) {
		v = strcmp(s, "[0]") == 0 ? json_first(r, v)
					  : json_member(r, v, view_cstr(s));
	}
	if (v == NULL) {
		fail_msg("%s is not there: %.*s", way, (int)answer.len,
			 answer.p);
	}
	return v;
}

static void
expect(const char *way, const char *want)
{
	struct json_reader r;
	const struct json_value *v = at(&r, way);

	if (!view_eq(v->text, view_cstr(want))) {
		fail_msg("%s is %.*s, not %s", way, (int)v->text.len,
			 (const char *)v->text.p, want);
	}
	json_reader_fini(&r);
}

static size_t
length(const char *way)
{
	struct json_reader r;
	const struct json_value *all = at(&r, way);
	size_t n = 0;

	for (const struct json_value *v = json_first(&r, all); v != NULL;
	     v = json_next(&r, all, v)) {
		n++;
	}
	json_reader_fini(&r);
	return n;
}

/* What the collector does between two batches. */
static void
turn(void)
{
	struct diag d = { "" };

	do {
		assert_int_equal(
			common_set_turn(set, clock_wall_us(), NULL, NULL, &d),
			ERR_OK);
	} while (common_set_busy(set));
}

static void
a_list_is_imported_and_judged(void **state)
{
	static const char list[] = "type,value\n"
				   "domain,cdn.evil-one.xyz\n"
				   "domain,cdn.evil-two.xyz\n"
				   "ip,198.51.100.77\n"
				   "ip,not-an-address\n";

	(void)state;
	assert_int_equal(ask("/api/indicators/import",
			     PARAMS("name", "list.csv", "source", "cert",
				    "mark", "green", "who", "sato"),
			     list),
			 200);
	expect("total", "4");
	expect("supported", "3");
	expect("refused", "1");
	expect("source", "cert");
	turn();
	assert_int_equal(ask("/api/indicators/imports/1", NULL, NULL), 200);
	expect("imports/[0]/taken", "3");
	expect("imports/[0]/who", "sato");
	expect("imports/[0]/refusals/[0]/file", "list.csv");
	expect("imports/[0]/refusals/[0]/line", "5");
	assert_int_equal(ask("/api/indicators/imports/9", NULL, NULL), 404);
	assert_int_equal(ask("/api/indicators", PARAMS("q", "evil"), NULL),
			 200);
	assert_int_equal(length("rows"), 2);
	/* The gate holds addresses of documents. */
	expect("counts/armed", "2");
	expect("counts/held", "1");
	/* Page by page. */
	assert_int_equal(ask("/api/indicators", PARAMS("limit", "2"), NULL),
			 200);
	assert_int_equal(length("rows"), 2);
	expect("next", "2");
	assert_int_equal(ask("/api/indicators",
			     PARAMS("limit", "2", "before", "2"), NULL),
			 200);
	assert_int_equal(length("rows"), 1);
	assert_int_equal(ask("/api/indicators/1/hold", NULL,
			     "{\"note\":\"is it?\",\"who\":\"ann\"}"),
			 200);
	assert_int_equal(ask("/api/indicators/1/hold", NULL, ""), 409);
	assert_int_equal(ask("/api/indicators/1/melt", NULL, ""), 404);
	assert_int_equal(ask("/api/indicators/99/release", NULL, ""), 404);
	assert_int_equal(ask("/api/indicators", PARAMS("state", "held"), NULL),
			 200);
	assert_int_equal(length("rows"), 2);
	assert_int_equal(ask("/api/indicators/1", NULL, NULL), 200);
	expect("indicators/[0]/state", "held");
	expect("indicators/[0]/sources/[0]/source", "cert");
	assert_int_equal(ask("/api/indicators/armed", NULL, NULL), 200);
	assert_int_equal(length("sensors"), 0);
}

static void
an_analyst_gives_one(void **state)
{
	(void)state;
	assert_int_equal(ask("/api/indicators", NULL,
			     "{\"kind\":\"domain\",\"value\":"
			     "\"WWW.Bad-Name.xyz.\",\"who\":\"ann\"}"),
			 200);
	turn();
	assert_int_equal(ask("/api/indicators",
			     PARAMS("value", "www.bad-name.xyz"), NULL),
			 200);
	expect("indicators/[0]/state", "armed");
	assert_int_equal(
		ask("/api/indicators", PARAMS("value", "nowhere.xyz"), NULL),
		404);
	assert_int_equal(ask("/api/indicators", NULL,
			     "{\"kind\":\"shoe\",\"value\":\"a\"}"),
			 400);
	assert_int_equal(ask("/api/indicators", NULL,
			     "{\"kind\":\"ip\",\"value\":\"1.2.3\"}"),
			 400);
	assert_int_equal(ask("/api/indicators", NULL,
			     "{\"kind\":\"ip\",\"value\":\"192.0.2.1\","
			     "\"until\":\"soon\"}"),
			 400);
	assert_int_equal(ask("/api/indicators", NULL, "[1]"), 400);
	assert_int_equal(ask("/api/indicators", NULL, "{\"kind\":5}"), 400);
	assert_int_equal(ask("/api/indicators/import", PARAMS("mark", "purple"),
			     "a.evil.xyz\n"),
			 400);
	assert_int_equal(ask("/api/indicators/import", NULL, ""), 400);
}

static void
exercises_are_planned_and_stopped(void **state)
{
	static const char plan[] = "name: KEEN-LANTERN-27\n"
				   "from: 2026-11-23T00:00:00Z\n"
				   "until: 2026-11-25T00:00:00Z\n"
				   "ranges: [192.0.2.0/24]\n"
				   "injects:\n"
				   "  - id: phish-1\n"
				   "    title: the letter\n"
				   "    sources: [198.51.100.0/28]\n";

	(void)state;
	assert_int_equal(ask("/api/exercises", NULL, "name: [\n"), 400);
	assert_int_equal(ask("/api/exercises/check", NULL, plan), 200);
	expect("state", "good");
	assert_int_equal(ask("/api/exercises", NULL, NULL), 200);
	assert_int_equal(length("exercises"), 0);
	assert_int_equal(ask("/api/exercises", PARAMS("who", "ann"), plan),
			 200);
	assert_int_equal(ask("/api/exercises", NULL, plan), 409);
	assert_int_equal(ask("/api/exercises", NULL, NULL), 200);
	expect("exercises/[0]/exercise", "KEEN-LANTERN-27");
	expect("exercises/[0]/who", "ann");
	assert_int_equal(ask("/api/exercises/KEEN-LANTERN-27", NULL, NULL),
			 200);
	assert_int_equal(ask("/api/exercises/OTHER", NULL, NULL), 404);
	assert_int_equal(ask("/api/exercises/OTHER/stop", NULL, ""), 404);
	assert_int_equal(ask("/api/exercises/KEEN-LANTERN-27/stop", NULL, ""),
			 200);
	assert_int_equal(ask("/api/exercises/KEEN-LANTERN-27/stop", NULL, ""),
			 404);
}

static void
postures_are_ordered(void **state)
{
	(void)state;
	assert_int_equal(ask("/api/posture", NULL, "{\"level\":\"panic\"}"),
			 400);
	assert_int_equal(ask("/api/posture", NULL,
			     "{\"level\":\"heightened\",\"site\":\"hq\","
			     "\"who\":\"ann\",\"why\":\"a warning\"}"),
			 200);
	assert_int_equal(ask("/api/posture", NULL, NULL), 200);
	expect("orders/[0]/level", "heightened");
	expect("orders/[0]/why", "a warning");
	expect("posture", "");
	assert_int_equal(length("levels"), 3);
}

static void
the_audit_log_is_told(void **state)
{
	struct diag d = { "" };
	sqlite3 *db;
	int64_t id;

	(void)state;
	assert_int_equal(audit_begin(&db, path, &d), ERR_OK);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(
			audit_append(db, AUDIT_READ, "ann", clock_wall_us(),
				     VIEW_LIT("{\"command\":\"a test\"}"), &id),
			ERR_OK);
	}
	assert_int_equal(audit_end(db, true, &d), ERR_OK);
	assert_int_equal(ask("/api/audit", PARAMS("limit", "2"), NULL), 200);
	assert_int_equal(length("rows"), 2);
	expect("rows/[0]/id", "3");
	expect("rows/[0]/record/who", "ann");
	expect("rows/[0]/record/body/command", "a test");
	expect("next", "2");
	assert_int_equal(
		ask("/api/audit", PARAMS("limit", "2", "before", "2"), NULL),
		200);
	assert_int_equal(length("rows"), 1);
	assert_int_equal(ask("/api/audit/1", NULL, NULL), 404);
}

static void
the_exchange_is_told(void **state)
{
	(void)state;
	assert_int_equal(ask("/api/exchange", NULL, NULL), 200);
	assert_int_equal(length("partners"), 0);
	assert_int_equal(length("received"), 0);
	assert_int_equal(ask("/api/exchange", NULL, "{}"), 404);
	assert_int_equal(ask("/api/exchanges", NULL, NULL), 404);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_list_is_imported_and_judged),
		CASE(an_analyst_gives_one),
		CASE(exercises_are_planned_and_stopped),
		CASE(postures_are_ordered),
		CASE(the_exchange_is_told),
		CASE(the_audit_log_is_told),
	};

	log_init("test_console_ops", LOG_ERR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
