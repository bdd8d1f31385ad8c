/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings in the store: noted once, within a site's and an incident's share,
 * offered, armed, and anew when they ran out. */
#include "tests/test.h"

#include <stdio.h>

#include "collector/indicator_store.h"
#include "collector/store.h"
#include "collector/store_warning.h"
#include "tests/store_dir.h"

#define HOUR_US (UINT64_C(3600) * 1000000)
#define T0 (UINT64_C(1700000000) * 1000000)

struct noted {
	bool added, refused;
	uint64_t forgotten;
	enum warning_state state;
};

static struct noted
note(struct store *s, const char *value, int64_t incident, const char *site,
     uint64_t at_us, uint64_t expired_us, bool known)
{
	struct store_warning w = { .kind = INDICATOR_IP,
				   .value = value,
				   .mark = "amber",
				   .severity = 2,
				   .incident = incident,
				   .level = 3,
				   .site = site,
				   .first_us = at_us - 5,
				   .cause_us = at_us - 3,
				   .stored_us = at_us };
	struct noted n;

	assert_int_equal(store_warning_note(store_db(s), &w, expired_us, known,
					    &n.added, &n.refused, &n.forgotten),
			 ERR_OK);
	n.state = w.state;
	return n;
}

struct rows {
	struct store *s;
	unsigned n;
	struct store_warning last;
};

static enum err
take(void *arg, const struct store_warning *w)
{
	struct rows *r = arg;

	r->n++;
	r->last = *w;
	assert_string_equal(w->mark, "amber");
	/* as the pipeline does, in the middle of the walk */
	return r->s != NULL ? store_warning_offered(store_db(r->s), w->id,
						    WARNING_GIVEN, 0, T0 + 9)
			    : ERR_OK;
}

static void
test_way(void **state)
{
	struct store *s = store_dir_open();
	struct rows r = { .s = s };
	struct store_warning w;

	(void)state;
	assert_true(note(s, "192.0.2.1", 1, "a", T0, 0, false).added);
	assert_false(note(s, "192.0.2.1", 2, "b", T0 + 1, 0, false).added);
	assert_true(note(s, "192.0.2.2", 1, "a", T0 + 2, 0, false).added);
	/* of one at a time, then of the rest; each once */
	assert_int_equal(
		store_warning_each(store_db(s), WARNING_NOTED, 0, 1, take, &r),
		ERR_OK);
	assert_int_equal(r.n, 1);
	assert_int_equal(
		store_warning_each(store_db(s), WARNING_NOTED, 0, 10, take, &r),
		ERR_OK);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.last.state, WARNING_NOTED);
	w = r.last;
	w.armed_us = T0 + 20;
	w.sensors = 3;
	w.last_site = "c";
	w.last_sensor = "tap1";
	assert_int_equal(store_warning_armed(store_db(s), &w), ERR_OK);
	r = (struct rows){ .n = 0 };
	assert_int_equal(
		store_warning_each(store_db(s), WARNING_GIVEN, 0, 10, take, &r),
		ERR_OK);
	assert_int_equal(r.n, 1);
	r = (struct rows){ .n = 0 };
	assert_int_equal(store_warning_list(store_db(s), 10, take, &r), ERR_OK);
	assert_int_equal(r.n, 2);
	/* it ran out: anew, and to be offered again */
	assert_true(note(s, "192.0.2.2", 3, "b", T0 + 30, T0 + 3, false).added);
	store_close(s);
}

static void
test_known(void **state)
{
	struct store *s = store_dir_open();
	struct indicator i = { .kind = INDICATOR_IP,
			       .value = "192.0.2.9",
			       .id = "",
			       .source = "x",
			       .created_by = "",
			       .description = "",
			       .labels = "",
			       .tactic = "",
			       .kill_chain = "" };
	struct indicator_put p = { .now_us = T0 };
	struct indicator_store *is;
	struct diag d;
	struct noted n;

	(void)state;
	assert_int_equal(indicator_store_open(&is, store_db(s),
					      &indicator_limits_default, &d),
			 ERR_OK);
	assert_int_equal(indicator_store_begin(is), ERR_OK);
	assert_int_equal(indicator_store_origin(is, "x", &p.origin), ERR_OK);
	assert_int_equal(indicator_store_put(is, &i, &p), ERR_OK);
	assert_int_equal(indicator_store_commit(is), ERR_OK);
	indicator_store_close(is);
	/* what all have is no news of an incident; that it is seen is */
	assert_false(note(s, "192.0.2.9", 1, "a", T0, 0, false).added);
	n = note(s, "192.0.2.9", 0, "a", T0, 0, true);
	assert_true(n.added);
	assert_int_equal(n.state, WARNING_KNOWN);
	assert_int_equal(note(s, "192.0.2.8", 0, "a", T0, 0, true).state,
			 WARNING_NOTED);
	store_close(s);
}

/* A site that floods is refused, others are not; its oldest go. */
static void
test_share(void **state)
{
	struct store *s = store_dir_open();
	char value[32];
	unsigned added = 0, refused = 0;
	uint64_t forgotten = 0;

	(void)state;
	assert_int_equal(store_begin(s), ERR_OK);
	for (unsigned i = 0; i < 40; i++) {
		struct noted n;

		snprintf(value, sizeof(value), "198.51.100.%u", i);
		n = note(s, value, 7, "a", T0 + i, 0, false);
		added += n.added;
		refused += n.refused;
	}
	assert_int_equal(added, STORE_WARNING_INCIDENT);
	assert_int_equal(refused, 40 - STORE_WARNING_INCIDENT);
	for (unsigned i = 0; i < 400; i++) {
		struct noted n;

		snprintf(value, sizeof(value), "10.0.%u.%u", i / 200, i % 200);
		n = note(s, value, 100 + i, "a", T0 + i, 0, false);
		added += n.added;
	}
	assert_int_equal(added, STORE_WARNING_HOUR);
	assert_true(note(s, "203.0.113.1", 9, "b", T0, 0, false).added);
	for (unsigned h = 1; h <= 10; h++) {
		for (unsigned i = 0; i < 200; i++) {
			struct noted n;

			snprintf(value, sizeof(value), "10.%u.0.%u", h, i);
			n = note(s, value, 1000 * h + i, "a",
				 T0 + 2 * h * HOUR_US + i, 0, false);
			assert_true(n.added);
			forgotten += n.forgotten;
		}
	}
	assert_int_equal(forgotten,
			 STORE_WARNING_HOUR + 2000 - STORE_WARNING_SITE);
	assert_false(note(s, "203.0.113.1", 9, "b", T0 + 5, 0, false).added);
	assert_int_equal(store_commit(s), ERR_OK);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_way, store_dir_make,
						store_dir_remove),
		cmocka_unit_test_setup_teardown(test_known, store_dir_make,
						store_dir_remove),
		cmocka_unit_test_setup_teardown(test_share, store_dir_make,
						store_dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
