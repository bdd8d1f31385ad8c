/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts that say the same are counted without reading their keys: what comes
 * out is what comes out of reading each. */
#include "collector/sighting.h"

#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/rnd.h"

#define BASE_US UINT64_C(1795300000000000)

static const char *const words[] = { "",
				     "a",
				     "b.example",
				     "ab",
				     "evil.example",
				     "EVIL.example",
				     "x.y",
				     "198.51.100.77" };

static struct view
word(void)
{
	return view_cstr(words[rnd(ARRAY_LEN(words))]);
}

static struct addr
an_address(void)
{
	static const char *const texts[] = { "10.0.0.1", "10.0.0.2",
					     "2001:db8::1" };
	struct addr a;

	assert_true(addr_parse(view_cstr(texts[rnd(ARRAY_LEN(texts))]), &a));
	return a;
}

/* Over how many seconds alerts are spread. */
static unsigned span_s;

/* Most of it is as it was: alerts come in runs. */
static void
change(struct alert *a)
{
	a->timestamp_us = BASE_US + rnd(span_s) * UINT64_C(1000000);
	switch (rnd(14)) {
	case 0:
		a->src = an_address();
		break;
	case 1:
		a->dst = an_address();
		break;
	case 2:
		a->sid = rnd(3);
		break;
	case 3:
		a->severity = (uint8_t)rnd(5);
		break;
	case 4:
		a->http_host = word();
		break;
	case 5:
		a->dns_rrname = word();
		break;
	case 6:
		a->tls_sni = word();
		break;
	case 7:
		a->indicator.value = word();
		a->has_indicator = rnd(2) != 0;
		a->indicator.confidence = (uint8_t)rnd(3);
		break;
	case 8:
		a->exercise = word();
		break;
	case 9:
		a->n_tactics = rnd(3);
		a->tactics[0] = view_cstr(rnd(2) == 0 ? "TA0001" : "TA0011");
		a->tactics[1] = view_cstr("TA0040");
		break;
	case 10:
		a->has_addrs = rnd(4) != 0;
		break;
	case 11:
		a->owner = word();
		break;
	default:
		break;
	}
}

static uint64_t
total(const struct sighting_batch *b)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < sighting_batch_len(b); i++) {
		n += sighting_batch_get(b, i)->count;
		assert_true(sighting_batch_get(b, i)->last_us -
				    sighting_batch_get(b, i)->first_us <=
			    SIGHTING_SPAN_US);
	}
	return n;
}

/* Puts alerts into both, one reading each, one counting; how many were. */
static unsigned
add_both(struct sighting_batch *read, struct sighting_batch *counted,
	 const struct mission_map *map, struct alert *a)
{
	struct sighting_set set;
	unsigned known = 0;

	for (unsigned i = 0; i < 6000; i++) {
		change(a);
		memset(&set, 0, sizeof(set));
		sighting_from_alert(a, map, &set);
		assert_true(sighting_batch_add(read, &set));
		if (sighting_batch_count(counted, a, a->timestamp_us, 1)) {
			known++;
		} else {
			assert_true(sighting_batch_add(counted, &set));
		}
	}
	return known;
}

static void
counting_is_reading(void **state)
{
	struct sighting_batch *read = sighting_batch_new();
	struct sighting_batch *counted = sighting_batch_new();
	struct mission_map *map = mission_empty();
	struct alert a = { .site = VIEW_LIT("site"), .has_addrs = true };

	(void)state;
	assert_non_null(read);
	assert_non_null(counted);
	a.src = an_address();
	a.dst = an_address();
	for (int round = 0; round < 3; round++) {
		/* Within one span there is one set for the same keys. */
		span_s = 500;
		assert_true(add_both(read, counted, map, &a) > 500);
		assert_int_equal(sighting_batch_len(read),
				 sighting_batch_len(counted));
		for (unsigned i = 0; i < sighting_batch_len(read); i++) {
			assert_memory_equal(sighting_batch_get(read, i),
					    sighting_batch_get(counted, i),
					    sizeof(struct sighting_set));
		}
		sighting_batch_reset(read);
		sighting_batch_reset(counted);
		/* Beyond, none is too long and nothing is lost. */
		span_s = 3000;
		assert_true(add_both(read, counted, map, &a) > 100);
		assert_int_equal(total(read), 6000);
		assert_int_equal(total(counted), 6000);
		sighting_batch_reset(read);
		sighting_batch_reset(counted);
	}
	sighting_batch_free(read);
	sighting_batch_free(counted);
	mission_free(map);
}

#define DAY_US (UINT64_C(86400) * 1000000)

/* What is told of the past was seen then, not when it was told; nobody's word
 * reaches further back than a month, or into the future. */
static void
past_is_then(void **state)
{
	struct mission_map *map = mission_empty();
	struct sighting_batch *b = sighting_batch_new();
	struct alert a = { .site = VIEW_LIT("site"),
			   .timestamp_us = BASE_US,
			   .has_indicator = true,
			   .indicator = { .value = VIEW_LIT("evil.example") },
			   .has_past = true,
			   .past_first_us = BASE_US - 9 * DAY_US,
			   .past_last_us = BASE_US - 7 * DAY_US,
			   .past_count = 40 };
	struct sighting_set s = { 0 };

	(void)state;
	assert_non_null(b);
	for (unsigned i = 0; i < 2; i++) {
		assert_false(sighting_batch_count(b, &a, BASE_US, 1));
		sighting_from_alert(&a, map, &s);
		assert_true(sighting_batch_add(b, &s));
	}
	assert_true(s.past && s.strong);
	assert_true(s.first_us == a.past_first_us);
	assert_true(s.last_us == a.past_last_us);
	assert_int_equal(s.count, 40);
	assert_int_equal(sighting_batch_len(b), 2);
	/* the same now is another set */
	a.has_past = false;
	assert_false(sighting_batch_count(b, &a, BASE_US, 1));
	sighting_from_alert(&a, map, &s);
	assert_false(s.past);
	assert_true(s.first_us == BASE_US);
	assert_true(sighting_batch_add(b, &s));
	assert_int_equal(sighting_batch_len(b), 3);
	a.has_past = true;
	a.past_first_us = 0;
	a.past_last_us = BASE_US + DAY_US;
	sighting_from_alert(&a, map, &s);
	assert_true(s.last_us == BASE_US);
	assert_true(s.first_us == BASE_US - SIGHTING_PAST_US);
	sighting_batch_free(b);
	mission_free(map);
}

/* What stands in between is no alert: those behind it are not counted as it. */
static void
not_as_what_stands_between(void **state)
{
	struct mission_map *map = mission_empty();
	struct sighting_batch *b = sighting_batch_new();
	struct alert a = { .gid = 1,
			   .sid = 7,
			   .severity = 1,
			   .site = VIEW_LIT("a"),
			   .timestamp_us = BASE_US };
	struct sighting_set of_alert = { 0 }, finding;

	(void)state;
	assert_non_null(b);
	assert_false(sighting_batch_count(b, &a, BASE_US, 1));
	sighting_from_alert(&a, map, &of_alert);
	assert_true(sighting_batch_add(b, &of_alert));
	assert_true(sighting_batch_count(b, &a, BASE_US, 1));
	finding = of_alert;
	finding.strong = false;
	snprintf(finding.keys[0].text, sizeof(finding.keys[0].text), "other");
	assert_true(sighting_batch_add(b, &finding));
	assert_true(sighting_batch_count(b, &a, BASE_US, 1));
	assert_int_equal(sighting_batch_len(b), 2);
	assert_int_equal(sighting_batch_get(b, 0)->count, 3);
	assert_int_equal(sighting_batch_get(b, 1)->count, 1);
	sighting_batch_free(b);
	mission_free(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counting_is_reading),
		cmocka_unit_test(past_is_then),
		cmocka_unit_test(not_as_what_stands_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
