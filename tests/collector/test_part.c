/* SPDX-License-Identifier: Apache-2.0 */
/* Who takes which sensor in, and what parts say, packed and read again. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/part.h"
#include "collector/part_pack.h"
#include "tests/rnd.h"

#define LIT(s) VIEW_LIT(s)

static void
test_each_sensor_has_one_part_and_few_move(void **state)
{
	unsigned n[9] = { 0 }, moved = 0, between = 0;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		char site[16], sensor[16];
		unsigned was, is;

		snprintf(site, sizeof(site), "site-%u", i / 7);
		snprintf(sensor, sizeof(sensor), "tap%u", i % 7);
		assert_int_equal(part_of(site, sensor, 1), 1);
		was = part_of(site, sensor, 7);
		is = part_of(site, sensor, 8);
		assert_in_range(is, 1, 8);
		n[is]++;
		moved += was != is;
		between += was != is && is != 8;
	}
	/* A part more takes its share, and nobody else anything. */
	assert_int_equal(between, 0);
	assert_in_range(moved, 1050, 1450);
	for (unsigned k = 1; k <= 8; k++) {
		assert_in_range(n[k], 1100, 1400);
	}
	/* What is a site and what a sensor makes a difference. */
	for (unsigned i = 0; i < 64; i++) {
		moved += part_of("a", "bc", 2 + i) != part_of("ab", "c", 2 + i);
	}
	assert_true(moved > 1050);
}

static void
test_numbers_of_alerts(void **state)
{
	unsigned part;
	int64_t alert;

	(void)state;
	for (unsigned k = 1; k <= PART_MAX; k++) {
		int64_t id = part_alert_join(k, 1234567890123);

		assert_true(part_alert_split(id, &part, &alert));
		assert_int_equal(part, k);
		assert_int_equal(alert, 1234567890123);
		assert_true(id < (INT64_C(1) << 53));
	}
	assert_false(part_alert_split(42, &part, &alert));
	assert_false(part_alert_split(-1, &part, &alert));
}

static void
test_settings(void **state)
{
	static const struct {
		const char *of, *number, *head;
		bool good;
	} cases[] = {
		{ NULL, NULL, NULL, true },   { "2", "1", NULL, true },
		{ "2", NULL, "yes", true },   { NULL, "1", NULL, false },
		{ NULL, NULL, "yes", false }, { "2", NULL, NULL, false },
		{ "2", "1", "yes", false },   { "2", "3", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf *c = conf_new();
		struct part_config p;
		struct diag d = { "" };
		enum err e = ERR_OK;

		assert_non_null(c);
		if (cases[i].of != NULL) {
			e = conf_set(c, "parts.of", cases[i].of);
		}
		if (e == ERR_OK && cases[i].number != NULL) {
			e = conf_set(c, "parts.number", cases[i].number);
		}
		if (e == ERR_OK && cases[i].head != NULL) {
			e = conf_set(c, "parts.head", cases[i].head);
		}
		assert_int_equal(e, ERR_OK);
		e = part_config_read(&p, c, &d);
		assert_int_equal(e, cases[i].good ? ERR_OK : ERR_USAGE);
		if (!cases[i].good) {
			assert_non_null(strstr(d.msg, "parts."));
		}
		conf_free(c);
	}
}

/* An alert with all that is looked at, told apart by 'i'. */
static struct alert
an_alert(unsigned i)
{
	struct alert a = {
		.timestamp_us = UINT64_C(1795376442000000) + i * 977,
		.has_addrs = true,
		.src_port = (uint16_t)(1024 + i),
		.dst_port = 443,
		.gid = 1,
		.sid = 2000000 + i % 3,
		.severity = 2,
		.proto = LIT("TCP"),
		.owner = LIT("JP"),
		.exercise = i % 2 == 0 ? LIT("KEEN") : VIEW_NONE,
		.signature = LIT("a signature"),
		.tactics = { LIT("TA0001"), LIT("TA0011") },
		.n_tactics = 2,
		.http_host = LIT("www.example"),
		.dns_rrname = LIT("cdn.example"),
		.tls_sni = LIT("sni.example"),
		.tls_ja3 = LIT("ja3"),
		.tls_fingerprint = LIT("aa:bb"),
		.tlp = LIT("amber"),
		.rule_tlp = LIT("green"),
		.releasable_to = LIT("[\"US\"]"),
		.trace = { .content = UINT64_C(0x1234567890abcdef) + i,
			   .isn = { 7 + i, 0xffffffff },
			   .has_isn = { i % 2 == 0, i % 3 == 0 },
			   .ip_id = (uint16_t)i },
		.has_indicator = i % 3 == 1,
		.indicator = { .id = LIT("ind"),
			       .type = LIT("domain"),
			       .value = LIT("cdn.example"),
			       .confidence = 80 },
		.has_past = i % 5 == 0,
		.past_first_us = 1,
		.past_last_us = UINT64_C(1) << 60,
		.past_count = 99,
		.past_hosts = i % 2 == 0 ? UINT32_C(0x80000001) : 0,
	};

	memset(a.src.b, (int)(i % 4), sizeof(a.src.b));
	memset(a.dst.b, 9, sizeof(a.dst.b));
	return a;
}

static void
assert_view(struct view a, struct view b)
{
	assert_true(view_eq(a, b));
}

static void
assert_same(const struct alert *a, const struct alert *b)
{
	assert_int_equal(a->timestamp_us, b->timestamp_us);
	assert_int_equal(a->has_addrs, b->has_addrs);
	assert_memory_equal(&a->src, &b->src, sizeof(a->src));
	assert_memory_equal(&a->dst, &b->dst, sizeof(a->dst));
	assert_int_equal(a->src_port, b->src_port);
	assert_int_equal(a->dst_port, b->dst_port);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->sid, b->sid);
	assert_int_equal(a->severity, b->severity);
	assert_int_equal(a->n_tactics, b->n_tactics);
	for (unsigned i = 0; i < a->n_tactics; i++) {
		assert_view(a->tactics[i], b->tactics[i]);
	}
	assert_view(a->proto, b->proto);
	assert_view(a->owner, b->owner);
	assert_view(a->exercise, b->exercise);
	/* Of an exercise's alone it is looked at. */
	assert_view(a->exercise.len > 0 ? a->signature : VIEW_NONE,
		    b->signature);
	assert_view(a->http_host, b->http_host);
	assert_view(a->dns_rrname, b->dns_rrname);
	assert_view(a->tls_sni, b->tls_sni);
	assert_view(a->tls_ja3, b->tls_ja3);
	assert_view(a->tls_fingerprint, b->tls_fingerprint);
	assert_view(a->tlp, b->tlp);
	assert_view(a->rule_tlp, b->rule_tlp);
	assert_view(a->releasable_to, b->releasable_to);
	assert_int_equal(a->has_indicator, b->has_indicator);
	if (a->has_indicator) {
		assert_view(a->indicator.id, b->indicator.id);
		assert_view(a->indicator.type, b->indicator.type);
		assert_view(a->indicator.value, b->indicator.value);
		assert_int_equal(a->indicator.confidence,
				 b->indicator.confidence);
	}
	assert_int_equal(a->trace.content, b->trace.content);
	assert_int_equal(a->trace.ip_id, b->trace.ip_id);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(a->trace.has_isn[i], b->trace.has_isn[i]);
		if (a->trace.has_isn[i]) {
			assert_int_equal(a->trace.isn[i], b->trace.isn[i]);
		}
	}
	assert_int_equal(a->has_past, b->has_past);
	if (a->has_past) {
		assert_int_equal(a->past_first_us, b->past_first_us);
		assert_int_equal(a->past_last_us, b->past_last_us);
		assert_int_equal(a->past_count, b->past_count);
		assert_int_equal(a->past_hosts, b->past_hosts);
	}
}

static struct alert
an_anchor(unsigned i)
{
	return (struct alert){ .timestamp_us = 5000 + i,
			       .wait_us = 1234,
			       .trace = { .isn = { i, i + 1 },
					  .has_isn = { true, true } } };
}

/* Fills 'p' with alerts, anchors and lines, a third of each. */
static void
fill(struct part_pack *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const char *sensor = i % 2 == 0 ? "tap1" : "tap2";
		struct alert a = i % 3 == 1 ? an_anchor(i) : an_alert(i);
		char line[64];

		snprintf(line, sizeof(line), "{\"n\":%u}", i);
		assert_true(
			i % 3 == 0   ? part_pack_alert(p, "base", sensor,
						       100 - (int64_t)i % 7, &a)
			: i % 3 == 1 ? part_pack_anchor(p, "base", sensor, &a)
				     : part_pack_contacts(p, "base", sensor,
							  view_cstr(line)));
	}
}

static void
check(struct part_unpack *u, unsigned i)
{
	struct part_sight s;
	struct diag d = { "" };
	char line[64];

	if (part_unpack_next(u, &s, &d) != ERR_OK) {
		fail_msg("piece %u: %s", i, d.msg);
	}
	assert_string_equal(s.site, "base");
	assert_string_equal(s.sensor, i % 2 == 0 ? "tap1" : "tap2");
	if (i % 3 == 0) {
		struct alert a = an_alert(i);

		assert_int_equal(s.kind, PART_ALERT);
		assert_int_equal(s.alert, 100 - i % 7);
		assert_same(&a, &s.a);
		assert_view(s.a.site, LIT("base"));
	} else if (i % 3 == 1) {
		struct alert a = an_anchor(i);

		assert_int_equal(s.kind, PART_ANCHOR);
		assert_int_equal(s.a.timestamp_us, a.timestamp_us);
		assert_int_equal(s.a.wait_us, a.wait_us);
		assert_int_equal(s.a.trace.isn[0], a.trace.isn[0]);
		assert_int_equal(s.a.trace.isn[1], a.trace.isn[1]);
	} else {
		snprintf(line, sizeof(line), "{\"n\":%u}", i);
		assert_int_equal(s.kind, PART_CONTACTS);
		assert_view(s.line, view_cstr(line));
	}
}

static void
test_what_is_packed_is_read(void **state)
{
	struct part_pack *p = part_pack_new();
	struct part_unpack *u = part_unpack_new();
	struct part_sight s;
	struct diag d = { "" };

	(void)state;
	assert_non_null(p);
	assert_non_null(u);
	for (unsigned round = 0; round < 2; round++) {
		fill(p, 300);
		assert_int_equal(part_pack_len(p), 300);
		assert_int_equal(part_pack_alerts(p), 100);
		/* Alike but for time and connection: few. */
		assert_true(part_pack_subjects(p) <= 24);
		assert_true(part_pack_bytes(p).len < 300 * 40 + 24 * 300);
		assert_int_equal(part_unpack_open(u, part_pack_bytes(p), &d),
				 ERR_OK);
		for (unsigned i = 0; i < 300; i++) {
			check(u, i);
		}
		assert_int_equal(part_unpack_next(u, &s, &d), ERR_NOTFOUND);
		part_pack_reset(p);
	}
	part_unpack_free(u);
	part_pack_free(p);
}

/* Who is told of what a part saw is armed with all of it. */
static void
test_an_indicator_is_whole(void **state)
{
	static char value[PART_PACK_VALUE];
	struct part_pack *p = part_pack_new();
	struct part_unpack *u = part_unpack_new();
	struct part_sight s;
	struct diag d = { "" };

	(void)state;
	memset(value, 'V', sizeof(value));
	for (unsigned i = 0; i < 4; i++) {
		struct alert a = an_alert(1);

		a.indicator.value = view_of(value, sizeof(value) - i);
		a.indicator.subdomains = i % 2 != 0;
		a.indicator.source = i / 2 != 0 ? LIT("warning") : LIT("own");
		assert_true(a.has_indicator);
		assert_true(part_pack_alert(p, "s", "t", i + 1, &a));
	}
	assert_int_equal(part_unpack_open(u, part_pack_bytes(p), &d), ERR_OK);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(part_unpack_next(u, &s, &d), ERR_OK);
		assert_view(s.a.indicator.value,
			    view_of(value, sizeof(value) - i));
		assert_int_equal(s.a.indicator.subdomains, i % 2);
		assert_view(s.a.indicator.source,
			    i / 2 != 0 ? LIT("warning") : VIEW_NONE);
	}
	part_unpack_free(u);
	part_pack_free(p);
}

/* Every alert says something else, and long things: full before it is large. */
static void
test_a_record_is_bounded(void **state)
{
	struct part_pack *p = part_pack_new();
	static char text[2 * PART_PACK_TEXT], line[PART_PACK_LINE];
	struct alert a = an_alert(0);
	unsigned n = 0;

	(void)state;
	assert_non_null(p);
	memset(text, 'x', sizeof(text));
	memset(line, 'y', sizeof(line));
	for (bool more = true; more; n += more) {
		snprintf(text, sizeof(text), "%u", n);
		text[strlen(text)] = 'x';
		a.http_host = a.dns_rrname = a.tls_sni = a.owner =
			view_of(text, sizeof(text));
		more = part_pack_alert(p, "s", "t", n + 1, &a);
	}
	assert_in_range(n, 10, 30);
	assert_true(part_pack_bytes(p).len <= (size_t)1 << 20);
	part_pack_reset(p);
	for (n = 0;
	     part_pack_contacts(p, "s", "t", view_of(line, sizeof(line)));) {
		n++;
	}
	assert_int_equal(n, PART_PACK_BYTES / PART_PACK_LINE);
	part_pack_reset(p);
	a = an_alert(0);
	for (n = 0; n < PART_PACK_SUBJECTS; n++) {
		a.sid = n;
		a.http_host = a.dns_rrname = a.tls_sni = VIEW_NONE;
		if (!part_pack_alert(p, "s", "t", n + 1, &a)) {
			break;
		}
	}
	a.sid = n;
	assert_false(part_pack_alert(p, "s", "t", n + 1, &a));
	part_pack_free(p);
}

static unsigned
read_all(struct part_unpack *u, struct view raw)
{
	struct part_sight s;
	struct diag d = { "" };
	unsigned n = 0;
	enum err e = part_unpack_open(u, raw, &d);

	while (e == ERR_OK) {
		e = part_unpack_next(u, &s, &d);
		n += e == ERR_OK;
	}
	assert_true(e == ERR_NOTFOUND || e == ERR_FORMAT);
	if (e == ERR_FORMAT) {
		assert_memory_equal(d.msg, "byte ", 5);
	}
	return n;
}

static void
test_damage_is_refused(void **state)
{
	struct part_pack *p = part_pack_new();
	struct part_unpack *u = part_unpack_new();
	uint8_t *copy;
	struct view all;

	(void)state;
	fill(p, 30);
	all = part_pack_bytes(p);
	copy = malloc(all.len);
	assert_non_null(copy);
	for (size_t len = 0; len < all.len; len++) {
		uint8_t *part = malloc(len > 0 ? len : 1);

		assert_non_null(part);
		memcpy(part, all.p, len);
		assert_true(read_all(u, view_of(part, len)) < 30);
		free(part);
	}
	for (unsigned i = 0; i < 20000; i++) {
		memcpy(copy, all.p, all.len);
		copy[rnd((uint32_t)all.len)] = (uint8_t)rnd(256);
		copy[rnd((uint32_t)all.len)] ^= 0x80;
		(void)read_all(u, view_of(copy, all.len));
	}
	free(copy);
	part_unpack_free(u);
	part_pack_free(p);
}

/* Numbers that no line may have (common/eve.h) no record may have either. */
static void
test_ranges_are_those_of_lines(void **state)
{
	struct part_pack *p = part_pack_new();
	struct part_unpack *u = part_unpack_new();
	const struct alert good = { .timestamp_us = 1,
				    .has_past = true,
				    .past_first_us = 5,
				    .past_last_us = 6,
				    .past_count = UINT32_MAX };
	struct alert bad[2] = { good, good };
	struct alert anchor = { .timestamp_us = 1,
				.wait_us = ANCHOR_WAIT_MAX_US,
				.trace = { .has_isn = { true, true } } };

	(void)state;
	bad[0].past_count++;
	bad[1].past_first_us = 7;
	part_pack_reset(p);
	assert_true(part_pack_alert(p, "s", "t", 1, &good));
	assert_true(part_pack_anchor(p, "s", "t", &anchor));
	assert_int_equal(read_all(u, part_pack_bytes(p)), 2);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		part_pack_reset(p);
		assert_true(part_pack_alert(p, "s", "t", 1, &bad[i]));
		assert_int_equal(read_all(u, part_pack_bytes(p)), 0);
	}
	anchor.wait_us++;
	part_pack_reset(p);
	assert_true(part_pack_anchor(p, "s", "t", &anchor));
	assert_int_equal(read_all(u, part_pack_bytes(p)), 0);
	part_unpack_free(u);
	part_pack_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_sensor_has_one_part_and_few_move),
		cmocka_unit_test(test_numbers_of_alerts),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_what_is_packed_is_read),
		cmocka_unit_test(test_an_indicator_is_whole),
		cmocka_unit_test(test_a_record_is_bounded),
		cmocka_unit_test(test_damage_is_refused),
		cmocka_unit_test(test_ranges_are_those_of_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
