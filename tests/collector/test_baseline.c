/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/baseline.h"

#include <string.h>

#include "collector/contacts_in.h"
#include "tests/test.h"

#define HOUR_US (3600 * US_PER_S)
#define T0 (UINT64_C(1700006400) * US_PER_S)

static struct addr
number(unsigned n)
{
	uint8_t b[4] = { 192, 0, (uint8_t)(n >> 8), (uint8_t)n };

	return addr_from_v4(b);
}

static void
window_forgets_and_takes_what_is_late(void **state)
{
	struct piece w[2] = { { .start_us = 0 } }, sum;
	struct addr a = number(1), b = number(2);
	uint64_t len = 300 * US_PER_S;

	(void)state;
	hll_add_addr(&piece_at(w, 2, len, T0)->a, &a);
	piece_at(w, 2, len, T0)->flows = 1;
	hll_add_addr(&piece_at(w, 2, len, T0 + len)->a, &b);
	piece_at(w, 2, len, T0 + len)->flows = 1;
	assert_int_equal(piece_sum(w, 2, len, T0 + len, &sum), 2);
	assert_int_equal(hll_count(&sum.a), 2);
	assert_int_equal(sum.start_us, T0);
	/* The piece before is still open, the one before that is not. */
	assert_non_null(piece_at(w, 2, len, T0 + 1));
	assert_null(piece_at(w, 2, len, T0 - len));
	assert_non_null(piece_at(w, 2, len, T0 + 2 * len));
	assert_int_equal(piece_sum(w, 2, len, T0 + 2 * len, &sum), 1);
	/* A clock a year ahead, and then right again. */
	assert_non_null(piece_at(w, 2, len, T0 + 365 * 24 * HOUR_US));
	assert_non_null(piece_at(w, 2, len, T0 + 365 * 24 * HOUR_US + len));
	assert_non_null(piece_at(w, 2, len, T0 + 3 * len));
	assert_non_null(piece_at(w, 2, len, T0 + 4 * len));
}

static void
rhythm_is_that_of_the_starts_in_any_order(void **state)
{
	struct rhythm r = { .n = 0 }, back = { .n = 0 };
	struct rhythm_verdict v, u;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		uint64_t at = T0 + i * 60 * US_PER_S + i % 3 * US_PER_S;
		uint64_t last =
			T0 + (19 - i) * 60 * US_PER_S + (19 - i) % 3 * US_PER_S;

		assert_true(rhythm_add(&r, at));
		/* From another tap, and beside it. */
		assert_false(rhythm_add(&r, at + 3000));
		assert_false(rhythm_add(&r, at + 4 * US_PER_S));
		assert_true(rhythm_add(&back, last));
	}
	assert_true(rhythm_judge(&r, &v));
	assert_true(rhythm_judge(&back, &u));
	assert_memory_equal(r.start_us, back.start_us, sizeof(r.start_us));
	assert_true(v.period_s == u.period_s && v.score == u.score);
	assert_true(v.period_s > 59 && v.period_s < 62);
	assert_true(v.jitter < 0.03 && v.share == 1);
	/* Beyond its size it keeps the newest. */
	for (unsigned i = 20; i < 60; i++) {
		(void)rhythm_add(&r, T0 + i * 60 * US_PER_S);
	}
	assert_int_equal(r.n, BASELINE_STARTS);
	assert_int_equal(r.start_us[31], T0 + 59 * 60 * US_PER_S);
	assert_int_equal(r.start_us[0], T0 + 28 * 60 * US_PER_S);
	assert_false(rhythm_add(&r, T0));
}

static void
what_has_no_rhythm_has_none(void **state)
{
	struct rhythm r = { .n = 0 };
	struct rhythm_verdict v;
	uint64_t at = T0, x = 7;

	(void)state;
	assert_false(rhythm_judge(&r, &v));
	for (unsigned i = 0; i < 32; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		/* From seconds to half an hour, by its order of magnitude. */
		at += (UINT64_C(6) << (x >> 60) % 9) * US_PER_S;
		assert_true(rhythm_add(&r, at));
	}
	assert_true(rhythm_judge(&r, &v));
	assert_true(v.share < 0.6);
}

static void
volume_learns_hours_and_is_not_led_astray(void **state)
{
	struct volume v = { .hour = 0 };
	uint64_t got = 0, mb = 1000000;
	double before;

	(void)state;
	for (unsigned h = 0; h < 96; h++) {
		/* Some by day, a backup at two in the night. */
		uint64_t n = h % 24 == 2 ? 900 * mb : h % 24 > 8 ? 20 * mb : 0;

		assert_true(volume_add(&v, T0 + h * HOUR_US, n, 6, &got));
		assert_int_equal(got, n);
	}
	assert_true(volume_limit(&v, T0 + 98 * HOUR_US, 6) > 900e6);
	before = volume_limit(&v, T0 + 107 * HOUR_US, 6);
	assert_true(before < 900e6 * 2);
	/* What is late by an hour counts there, what is later not at all. */
	assert_true(volume_add(&v, T0 + 94 * HOUR_US, mb, 6, &got));
	assert_int_equal(got, 21 * mb);
	assert_false(volume_add(&v, T0 + 93 * HOUR_US, mb, 6, &got));
	/* One huge hour does not become what is usual. */
	assert_true(
		volume_add(&v, T0 + 96 * HOUR_US, UINT64_C(1) << 50, 6, &got));
	assert_true(volume_add(&v, T0 + 99 * HOUR_US, 0, 6, &got));
	assert_true(volume_limit(&v, T0 + 107 * HOUR_US, 6) < before * 4);
	/* A clock that was a year ahead is not for ever. */
	assert_true(volume_add(&v, T0 + 9000 * HOUR_US, 0, 6, &got));
	assert_true(volume_add(&v, T0 + 100 * HOUR_US, 5, 6, &got));
	assert_int_equal(got, 5);
}

static void
known_ones_are_noted_until_it_is_full(void **state)
{
	struct baseline_known set[4];
	struct addr a;
	uint32_t n = 0;
	bool changed;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		a = number(i);
		assert_int_equal(known_note(set, &n, 4, known_hash(&a, 22, 6),
					    T0, &changed),
				 KNOWN_NEW);
		assert_true(changed);
	}
	a = number(0);
	assert_int_equal(
		known_note(set, &n, 4, known_hash(&a, 22, 6), T0, &changed),
		KNOWN_OLD);
	assert_false(changed);
	assert_int_equal(
		known_note(set, &n, 4, known_hash(&a, 23, 6), T0, &changed),
		KNOWN_FULL);
	assert_int_equal(known_note(set, &n, 4, known_hash(&a, 23, 6),
				    T0 + 31 * 24 * HOUR_US, &changed),
			 KNOWN_NEW);
	assert_int_equal(n, 4);
}

/* ------------------------------------------------------------------ lines */

#define SKETCH \
	"000000000000000000000000000000000000000000000000" \
	"000000000000000000000000000000000000000000000000"
#define HEAD(ip) \
	"{\"timestamp\":\"2023-11-15T00:01:00Z\",\"event_type\":" \
	"\"contacts\",\"contacts\":{\"ip\":\"" ip "\","
#define TIMES \
	"\"start\":\"2023-11-15T00:00:00Z\"," \
	"\"end\":\"2023-11-15T00:01:00Z\","
#define SUMS \
	"\"flows\":3,\"failed\":1,\"bytes_out\":7,\"bytes_in\":9," \
	"\"peers\":2,\"ports\":1,"
#define SKETCHES \
	"\"peers_sketch\":\"" SKETCH "\",\"ports_sketch\":\"" SKETCH "\","
#define TO(port, proto, starts) \
	"{\"ip\":\"2001:db8::1\",\"port\":" port ",\"proto\":\"" proto "\"," \
	"\"flows\":2,\"failed\":1,\"bytes_out\":7,\"bytes_in\":9," \
	"\"starts\":[" starts "]}"

static void
line_is_read_or_refused_as_a_whole(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "{", "JSON" },
		{ "{\"contacts\":3}", "contacts" },
		{ HEAD("10.0.0") TIMES SUMS SKETCHES "\"to\":[]}}",
		  "contacts.ip" },
		{ HEAD("10.0.0.5") SUMS SKETCHES "\"to\":[]}}",
		  "contacts.start or end" },
		{ HEAD("10.0.0.5") "\"start\":\"2023-11-15T00:01:00Z\","
				   "\"end\":\"2023-11-15T00:00:00Z\"," SUMS
					   SKETCHES "\"to\":[]}}",
		  "contacts.start or end" },
		{ HEAD("10.0.0.5") TIMES
		  "\"flows\":1,\"failed\":-2,\"bytes_out\":7,"
		  "\"bytes_in\":9," SKETCHES "\"to\":[]}}",
		  "contacts.flows, failed or bytes" },
		{ HEAD("10.0.0.5") TIMES SUMS
		  "\"peers_sketch\":\"ff\",\"ports_sketch\":\"" SKETCH
		  "\",\"to\":[]}}",
		  "contacts.peers_sketch or ports_sketch" },
		{ HEAD("10.0.0.5") TIMES SUMS SKETCHES "\"to\":[3]}}",
		  "contacts.to" },
		{ HEAD("10.0.0.5") TIMES SUMS SKETCHES
		  "\"to\":[" TO("65536", "TCP", "") "]}}",
		  "contacts.to" },
		{ HEAD("10.0.0.5") TIMES SUMS SKETCHES
		  "\"to\":[" TO("1", "TCP", "86400001") "]}}",
		  "contacts.to" },
		{ HEAD("10.0.0.5") TIMES SUMS SKETCHES "\"to\":[" TO(
			  "1", "TCP",
			  "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17") "]}}",
		  "contacts.to" },
	};
	struct json_reader r;
	struct contacts c;
	const char *why = NULL;

	(void)state;
	json_reader_init(&r);
	assert_true(contacts_read(
		&c, &r,
		view_cstr(HEAD("10.0.0.5") TIMES SUMS SKETCHES
			  "\"to\":[" TO("443", "TCP", "0,59999") "," TO(
				  "53", "UDP", "") "],\"more\":1}}"),
		&why));
	assert_int_equal(c.n_to, 2);
	assert_int_equal(c.to[0].starts_us[1], T0 + 59999000);
	assert_int_equal(c.to[1].proto, CONTACTS_UDP);
	assert_int_equal(c.end_us - c.start_us, 60 * US_PER_S);
	assert_true(contacts_complete(&c));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(
			contacts_read(&c, &r, view_cstr(bad[i].text), &why));
		assert_string_equal(why, bad[i].why);
	}
	json_reader_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_forgets_and_takes_what_is_late),
		cmocka_unit_test(rhythm_is_that_of_the_starts_in_any_order),
		cmocka_unit_test(what_has_no_rhythm_has_none),
		cmocka_unit_test(volume_learns_hours_and_is_not_led_astray),
		cmocka_unit_test(known_ones_are_noted_until_it_is_full),
		cmocka_unit_test(line_is_read_or_refused_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
