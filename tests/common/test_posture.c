/* SPDX-License-Identifier: Apache-2.0 */
/* A level's settings: what may be set, and the way through a document. */
#include "tests/test.h"

#include <stdio.h>

#include "common/control.h"

static void
test_settings(void **state)
{
	struct posture p = { .level = "heightened", .number = 1 };
	struct diag d;

	(void)state;
	assert_int_equal(posture_set(&p, "ledger.interval", "5", &d), ERR_OK);
	assert_int_equal(posture_set(&p, "ledger.interval", "6", &d), ERR_OK);
	assert_int_equal(p.n, 1);
	assert_int_equal(posture_number(&p, "ledger.interval", 60), 6);
	assert_int_equal(posture_number(&p, "stats.interval", 8), 8);
	assert_int_equal(posture_set(&p, "eve.alert.payload", "yes", &d),
			 ERR_OK);
	assert_true(posture_bool(&p, "eve.alert.payload", false));
	assert_int_equal(posture_set(&p, "ledger.interval", "0", &d),
			 ERR_USAGE);
	assert_int_equal(posture_set(&p, "ledger.interval", "5x", &d),
			 ERR_USAGE);
	assert_int_equal(
		posture_set(&p, "ledger.interval", "99999999999999999999", &d),
		ERR_USAGE);
	assert_int_equal(posture_set(&p, "redis.url", "evil", &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "redis.url"));
	assert_int_equal(posture_set(&p, "forward.types", "alert;rm", &d),
			 ERR_USAGE);
	assert_int_equal(posture_set(&p, "eve.alert.payload", "maybe", &d),
			 ERR_USAGE);
	assert_int_equal(p.n, 2);
}

/* The sensor's part goes through a signed document; the collector's does not. */
static void
test_document(void **state)
{
	struct control_doc doc = { .action = CONTROL_POSTURE,
				   .version = 7,
				   .site = "hq" },
			   back;
	struct json j;
	struct diag d;

	(void)state;
	snprintf(doc.posture.level, sizeof(doc.posture.level), "contingency");
	doc.posture.number = 2;
	assert_int_equal(
		posture_set(&doc.posture, "forward.types", "alert,http", &d),
		ERR_OK);
	assert_int_equal(
		posture_set(&doc.posture, "correlate.min-sites", "3", &d),
		ERR_OK);
	json_init(&j);
	assert_true(control_write(&j, &doc));
	assert_true(control_parse(json_view(&j), &back));
	assert_int_equal(back.action, CONTROL_POSTURE);
	assert_int_equal(back.version, 7);
	assert_string_equal(back.site, "hq");
	assert_string_equal(back.posture.level, "contingency");
	assert_int_equal(back.posture.n, 1);
	assert_string_equal(posture_get(&back.posture, "forward.types"),
			    "alert,http");
	json_fini(&j);
}

static void
test_bad_documents(void **state)
{
	static const char *const bad[] = {
		"{\"v\":1,\"kind\":\"posture\",\"version\":1}",
		"{\"v\":1,\"kind\":\"posture\",\"version\":1,\"level\":\"a b\","
		"\"number\":1,\"settings\":{}}",
		"{\"v\":1,\"kind\":\"posture\",\"version\":1,\"level\":\"a\","
		"\"number\":256,\"settings\":{}}",
		"{\"v\":1,\"kind\":\"posture\",\"version\":1,\"level\":\"a\","
		"\"number\":1,\"settings\":[]}",
		"{\"v\":1,\"kind\":\"posture\",\"version\":1,\"level\":\"a\","
		"\"number\":1,\"settings\":{\"spool.dir\":\"/\"}}",
		"{\"v\":1,\"kind\":\"posture\",\"version\":1,\"level\":\"a\","
		"\"number\":1,\"settings\":{\"stats.interval\":5}}",
		"{\"v\":1,\"kind\":\"posture\",\"version\":1,\"level\":"
		"\"a\\u0000"
		"b\",\"number\":1,\"settings\":{}}",
	};
	struct control_doc doc;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(control_parse(view_cstr(bad[i]), &doc));
	}
	assert_true(control_parse(
		VIEW_LIT("{\"v\":1,\"kind\":\"posture\",\"version\":1,\"level\""
			 ":\"a\",\"number\":255,\"settings\":{}}"),
		&doc));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_bad_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
