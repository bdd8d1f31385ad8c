/* SPDX-License-Identifier: Apache-2.0 */
/* What surrounds a match: tags, settings of alerts, what is held back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "sensor/alert_conf.h"
#include "sensor/log_payload.h"
#include "sensor/sink.h"
#include "sensor/tag.h"

static struct addr
host(uint8_t last)
{
	uint8_t b[4] = { 192, 0, 2, last };

	return addr_from_v4(b);
}

/* Ten packets of 100 bytes, one a second, the first alerts: '1' if tagged. */
static void
expect_tagged(struct rule_tag tag, uint64_t again_at, const char *want)
{
	struct pool *pool = pool_new((size_t)1 << 22);
	struct tag_table *t = tag_table_new(pool);
	struct rule r = { .gid = 1, .sid = 1, .tags = &tag, .n_tags = 1 };
	struct flow f = { .id = 7 };
	struct addr a = host(1), b = host(2);
	char got[11] = "";

	assert_non_null(t);
	for (uint64_t i = 0; i < 10; i++) {
		uint64_t now = (1000 + i) * US_PER_S;

		if (i == 0 || i == again_at) {
			tag_set(t, &r, &f, &a, &b, now);
		}
		got[i] = tag_packet(t, &f, &a, &b, 100, now) ? '1' : '0';
	}
	assert_string_equal(got, want);
	tag_forget(t, &f);
	tag_table_free(t);
	assert_int_equal(pool_in_use(pool), 0);
	pool_free(pool);
}

static void
test_tag_counts(void **state)
{
	struct rule_tag t = { .metric = TAG_PACKETS, .count = 4 };

	(void)state;
	/* The alert's own packet is the first counted, and not shown. */
	expect_tagged(t, 0, "0111000000");
	expect_tagged(t, 2, "0111110000");
	expect_tagged(t, 6, "0111000111");
	t.count = 0;
	expect_tagged(t, 0, "0000000000");
	t = (struct rule_tag){ .metric = TAG_BYTES, .count = 399 };
	expect_tagged(t, 0, "0110000000");
	t.count = 400;
	expect_tagged(t, 0, "0111000000");
	t = (struct rule_tag){ .metric = TAG_SECONDS, .count = 3 };
	expect_tagged(t, 0, "0111000000");
	t.host = true;
	expect_tagged(t, 0, "0111000000");
}

static void
test_tag_hosts(void **state)
{
	struct pool *pool = pool_new((size_t)1 << 22);
	struct tag_table *t = tag_table_new(pool);
	struct rule_tag src = { .host = true, .at_src = true, .count = 9 };
	struct rule r = { .gid = 1, .sid = 1, .tags = &src, .n_tags = 1 };
	struct addr a = host(1), b = host(2), c = host(3);

	(void)state;
	tag_set(t, &r, NULL, &a, &b, US_PER_S);
	assert_false(tag_packet(t, NULL, &a, &b, 1, US_PER_S));
	assert_true(tag_packet(t, NULL, &c, &a, 1, US_PER_S));
	assert_false(tag_packet(t, NULL, &c, &b, 1, US_PER_S));
	/* Never more than the table has; what is refused is counted. */
	for (uint32_t i = 0; i < TAG_MAX + 10; i++) {
		uint8_t v4[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };
		struct addr x = addr_from_v4(v4);

		tag_set(t, &r, NULL, &x, &b, US_PER_S);
	}
	assert_int_equal(tag_counters(t)->set, TAG_MAX);
	assert_int_equal(tag_counters(t)->full, 11);
	tag_table_free(t);
	pool_free(pool);
}

static struct alert_conf
conf_of(const char *const *settings)
{
	struct conf *conf = conf_new();
	struct alert_conf c;
	struct diag d;

	for (; *settings != NULL; settings++) {
		assert_int_equal(conf_set_arg(conf, *settings, &d), ERR_OK);
	}
	alert_conf_read(&c, conf);
	conf_free(conf);
	return c;
}

static void
test_xff_settings(void **state)
{
	static const char *const all[] = { "outputs.0.eve-log.xff.enabled=yes",
					   "outputs.0.eve-log.types.0=alert",
					   NULL };
	static const char *const full[] = {
		"outputs.0.eve-log.xff.enabled=no",
		"outputs.0.eve-log.types.0.alert.xff.enabled=yes",
		"outputs.0.eve-log.types.0.alert.xff.mode=overwrite",
		"outputs.0.eve-log.types.0.alert.xff.deployment=forward",
		"eve.alert.xff.header=X-Real-IP",
		NULL
	};
	struct alert_conf c = conf_of(all);

	(void)state;
	assert_true(c.xff.enabled && c.xff.last && !c.xff.overwrite);
	assert_string_equal(c.xff.header, "x-forwarded-for");
	c = conf_of(full);
	assert_true(c.xff.enabled && !c.xff.last && c.xff.overwrite);
	assert_string_equal(c.xff.header, "x-real-ip");
}

static void
test_settings(void **state)
{
	static const char *const none[] = { NULL };
	static const char *const plain[] = { "outputs.0.eve-log.enabled=yes",
					     "outputs.0.eve-log.types.0=alert",
					     NULL };
	static const char *const full[] = {
		"outputs.1.eve-log.types.2.alert.payload=yes",
		"outputs.1.eve-log.types.2.alert.payload-buffer-size=2kb",
		"outputs.1.eve-log.types.2.alert.metadata.rule.reference=yes",
		"outputs.1.eve-log.types.2.alert.verdict=yes",
		"eve.alert.verdict=no",
		"packet-alert-max=3",
		NULL
	};
	struct alert_conf c = conf_of(none);

	(void)state;
	assert_true(c.payload && c.payload_printable && c.verdict);
	assert_true(c.rule_reference && c.rule_metadata && !c.rule_raw);
	assert_int_equal(c.packet_alert_max, UINT32_MAX);
	assert_false(c.xff.enabled);
	/* Suricata's defaults as soon as its list is there. */
	c = conf_of(plain);
	assert_false(c.payload || c.payload_printable || c.verdict);
	assert_true(c.tagged_packets && c.rule_metadata && c.flow);
	c = conf_of(full);
	assert_true(c.payload && !c.payload_printable && c.rule_reference);
	assert_int_equal(c.payload_max, 2048);
	assert_false(c.verdict);
	assert_int_equal(c.packet_alert_max, 3);
}

static void
test_payload(void **state)
{
	struct alert_conf c = { .payload = true,
				.payload_printable = true,
				.payload_length = true,
				.payload_max = 8 };
	struct payload p = { .v = VIEW_LIT("ab\x01\n"), .gap = 4 };
	struct json j;

	(void)state;
	json_init(&j);
	log_payload(&j, &p, &c);
	assert_true(view_eq(
		json_view(&j),
		VIEW_LIT("\"payload\":\"WzQgYnl0ZXMgbWlzc2luZ11hYgEK\","
			 "\"payload_printable\":\"[4 bytes missing]ab.\\n\","
			 "\"payload_length\":4,\"stream\":0")));
	/* The end of a stream, the front of a packet. */
	c.payload = c.payload_length = false;
	p = (struct payload){ .v = VIEW_LIT("0123456789") };
	json_reset(&j);
	log_payload(&j, &p, &c);
	assert_true(view_eq(json_view(&j),
			    VIEW_LIT("\"payload_printable\":\"01234567\","
				     "\"stream\":0")));
	p.stream = true;
	json_reset(&j);
	log_payload(&j, &p, &c);
	assert_true(view_eq(json_view(&j),
			    VIEW_LIT("\"payload_printable\":\"23456789\","
				     "\"stream\":1")));
	json_fini(&j);
}

static void
put(struct outbox *o, const struct rule *r, enum held_cause held,
    uint32_t picket_at, const char *line)
{
	struct record rec = { .order = o->n + 1,
			      .rule = r,
			      .type = EVENT_TYPE_ALERT,
			      .held = held,
			      .picket_at = picket_at,
			      .rank = r->sid,
			      .proto = IPP_UDP };

	outbox_put(o, &rec, view_cstr(line));
}

/* What the sink writes of 'o'. */
static void
expect_lines(struct outbox *o, bool verdict, const char *want)
{
	char path[] = "/tmp/picket-eve-XXXXXX", got[1024] = "";
	struct sink_settings set = { .eve_path = path,
				     .eve_types = UINT32_MAX,
				     .threshold_entries = 16,
				     .verdict = verdict };
	int fd = mkstemp(path);
	struct sink *s;
	struct diag d;

	assert_true(fd >= 0);
	assert_int_equal(sink_open(&s, &set, &d), ERR_OK);
	sink_round(s, &o, 1);
	assert_int_equal(sink_close(s), ERR_OK);
	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	assert_string_equal(got, want);
	close(fd);
	unlink(path);
}

static void
test_held_is_told(void **state)
{
	struct outbox *o = outbox_new();
	struct rule a = { .gid = 1, .sid = 1 };
	struct rule b = { .gid = 1,
			  .sid = 2,
			  .action = ACTION_REJECT,
			  .reject = REJECT_BOTH };

	(void)state;
	put(o, &a, HELD_SUPPRESS, 0, "");
	put(o, &b, HELD_NOT, 0, "{\"b\":1}");
	put(o, &a, HELD_SUPPRESS, 0, "");
	put(o, &a, HELD_NOT, 6, "{\"a\":1,\"picket\":{\"site\":\"x\"}}");
	put(o, &a, HELD_NOT, 0, "{\"a\":2}");
	expect_lines(o, false,
		     "{\"b\":1}\n"
		     "{\"a\":1,\"picket\":{\"site\":\"x\",\"suppressed\":"
		     "{\"suppress\":2}}}\n"
		     "{\"a\":2}\n");
	outbox_reset(o);
	put(o, &b, HELD_NOT, 0, "{\"b\":1}");
	put(o, &a, HELD_NOT, 6, "{\"a\":1,\"picket\":{\"site\":\"x\"}}");
	put(o, &a, HELD_NOT, 0, "{\"a\":2}");
	/* of one packet one alert, and the rule that comes first */
	outbox_settle(o, 0, 2, true);
	put(o, &b, HELD_NOT, 0, "{\"b\":2}");
	expect_lines(o, true,
		     "{\"a\":1,\"verdict\":{\"action\":\"pass\"},"
		     "\"picket\":{\"site\":\"x\"}}\n"
		     "{\"a\":2,\"verdict\":{\"action\":\"pass\"}}\n"
		     "{\"b\":2,\"verdict\":{\"action\":\"alert\","
		     "\"reject-target\":\"both\",\"reject\":"
		     "[\"icmp-prohib\"]},\"picket\":{\"suppressed\":"
		     "{\"packet_alert_max\":1}}}\n");
	outbox_free(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tag_counts),
		cmocka_unit_test(test_tag_hosts),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_xff_settings),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_held_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
