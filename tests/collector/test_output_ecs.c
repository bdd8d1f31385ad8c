/* SPDX-License-Identifier: Apache-2.0 */
/* Events by the names of Elastic Common Schema. */
#include "collector/output_ecs.h"

#include <jansson.h>

#include "tests/test.h"

static const char alert[] =
	"{\"timestamp\":\"2026-01-02T03:04:05.678901+0000\",\"event_type\":"
	"\"alert\",\"src_ip\":\"192.0.2.1\",\"src_port\":1234,\"dest_ip\":"
	"\"198.51.100.2\",\"dest_port\":80,\"proto\":\"TCP\",\"app_proto\":"
	"\"http\",\"alert\":{\"gid\":1,\"signature_id\":2000001,\"rev\":3,"
	"\"signature\":\"PICKET a\",\"category\":\"c\",\"severity\":2},"
	"\"picket\":{\"site\":\"jp-east\",\"sensor\":\"tap1\",\"id\":7,"
	"\"dest\":{\"country_iso\":\"JP\",\"asn\":64500}}}";

static void
test_alert(void **state)
{
	struct json out = { 0 };
	char id[OUTPUT_ECS_ID_CAP];
	const char *ip, *cc, *transport, *rule, *original;
	int port = 0, as = 0;
	json_t *o;

	(void)state;
	assert_int_equal(
		output_ecs(&out, alert, sizeof(alert) - 1, "alert-7", id),
		ERR_OK);
	assert_string_equal(id, "alert-7-2026-01-02T03:04:05.678901+0000");
	o = json_loadb(out.p, out.len, 0, NULL);
	assert_non_null(o);
	assert_int_equal(
		json_unpack(o,
			    "{s:{s:s,s:i},s:{s:{s:s},s:{s:i}},s:{s:s},s:{s:s},"
			    "s:{s:s}}",
			    "source", "ip", &ip, "port", &port, "destination",
			    "geo", "country_iso_code", &cc, "as", "number", &as,
			    "network", "transport", &transport, "rule", "id",
			    &rule, "event", "original", &original),
		0);
	assert_string_equal(ip, "192.0.2.1");
	assert_int_equal(port, 1234);
	assert_string_equal(cc, "JP");
	assert_int_equal(as, 64500);
	assert_string_equal(transport, "tcp");
	assert_string_equal(rule, "2000001");
	assert_string_equal(original, alert);
	json_decref(o);
	json_fini(&out);
}

static void
test_not_events(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{\"a\":1}",
		"{\"event_type\":\"alert\"}",
		"{\"event_type\":1,\"timestamp\":2}"
	};
	struct json out = { 0 };
	char id[OUTPUT_ECS_ID_CAP];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(
			output_ecs(&out, bad[i], strlen(bad[i]), "x", id),
			ERR_FORMAT);
	}
	assert_int_equal(out.len, 0);
	json_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_not_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
