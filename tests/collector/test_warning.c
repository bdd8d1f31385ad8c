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
				   .exact = true,
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

/* What the common set has of it then; 'gate' NULL: it passes. */
static int64_t
put(struct store *s, const char *value, const char *source, bool revoked,
    const struct indicator_gate *gate)
{
	struct indicator i = { .kind = INDICATOR_IP,
			       .revoked = revoked,
			       .value = value,
			       .id = "",
			       .source = source,
			       .created_by = "",
			       .description = "",
			       .labels = "",
			       .tactic = "",
			       .kill_chain = "" };
	struct indicator_put p = { .now_us = T0, .gate = gate };
	struct indicator_store *is;
	struct diag d;

	assert_int_equal(indicator_store_open(&is, store_db(s),
					      &indicator_limits_default, &d),
			 ERR_OK);
	assert_int_equal(indicator_store_begin(is), ERR_OK);
	assert_int_equal(indicator_store_origin(is, source, &p.origin), ERR_OK);
	assert_int_equal(indicator_store_put(is, &i, &p), ERR_OK);
	assert_int_equal(indicator_store_commit(is), ERR_OK);
	indicator_store_close(is);
	return p.id;
}

static void
judge(struct store *s, int64_t id, enum indicator_verdict v)
{
	struct indicator_store *is;
	struct diag d;

	assert_int_equal(indicator_store_open(&is, store_db(s),
					      &indicator_limits_default, &d),
			 ERR_OK);
	assert_int_equal(indicator_store_begin(is), ERR_OK);
	assert_int_equal(
		indicator_store_judge(is, id, v, "ann", "", T0 + 50, &d),
		ERR_OK);
	assert_int_equal(indicator_store_commit(is), ERR_OK);
	indicator_store_close(is);
}

struct rows {
	struct store *s;
	unsigned n;
	const struct indicator_gate *gate;
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
	if (r->s != NULL) {
		struct store_warning is = *w;
		enum err e = store_warning_offered(
			store_db(r->s), &is,
			put(r->s, w->value, "warning", false, r->gate), T0 + 9);

		r->last = is;
		return e;
	}
	return ERR_OK;
}

static void
test_way(void **state)
{
	struct store *s = store_dir_open();
	struct rows r = { .s = s };
	struct warning_fleet f = {
		.n = 3, .taken_us = T0 + 20, .site = "c", .sensor = "tap1"
	};
	bool open = false;

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
	assert_int_equal(r.last.state, WARNING_GIVEN);
	assert_true(r.last.change > 0);
	/* one sensor lacks the second */
	f.change = r.last.change - 1;
	assert_int_equal(
		store_warning_armed(store_db(s), &f, T0 + 21, 100, T0, &open),
		ERR_OK);
	assert_true(open);
	r = (struct rows){ .n = 0 };
	assert_int_equal(
		store_warning_each(store_db(s), WARNING_GIVEN, 0, 10, take, &r),
		ERR_OK);
	assert_int_equal(r.n, 1);
	r = (struct rows){ .n = 0 };
	assert_int_equal(store_warning_list(store_db(s), 10, take, &r), ERR_OK);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.last.state, WARNING_ARMED);
	assert_int_equal(r.last.armed_us, T0 + 20);
	assert_int_equal(r.last.sensors, 3);
	/* after an hour nobody waits, but when it comes it counts */
	assert_int_equal(store_warning_armed(store_db(s), &f, T0 + 21, 100,
					     T0 + 10, &open),
			 ERR_OK);
	assert_false(open);
	f.change++;
	assert_int_equal(store_warning_armed(store_db(s), &f, T0 + 900, 5,
					     T0 + 10, &open),
			 ERR_OK);
	r = (struct rows){ .n = 0 };
	assert_int_equal(
		store_warning_each(store_db(s), WARNING_GIVEN, 0, 10, take, &r),
		ERR_OK);
	assert_int_equal(r.n, 0);
	/* it ran out, in the set too: anew, and to be offered again */
	assert_false(
		note(s, "192.0.2.2", 3, "b", T0 + 30, T0 + 3, false).added);
	put(s, "192.0.2.2", "warning", true, NULL);
	assert_true(note(s, "192.0.2.2", 3, "b", T0 + 30, T0 + 3, false).added);
	store_close(s);
}

static void
test_known(void **state)
{
	struct store *s = store_dir_open();
	struct noted n;

	(void)state;
	put(s, "192.0.2.9", "x", false, NULL);
	/* what all have is no news of an incident; that it is seen is */
	assert_false(note(s, "192.0.2.9", 1, "a", T0, 0, false).added);
	n = note(s, "192.0.2.9", 0, "a", T0, 0, true);
	assert_true(n.added);
	assert_int_equal(n.state, WARNING_KNOWN);
	assert_int_equal(note(s, "192.0.2.8", 0, "a", T0, 0, true).state,
			 WARNING_NOTED);
	store_close(s);
}

static bool
hold(void *arg, const struct indicator *i, char reason[INDICATOR_REASON_CAP])
{
	(void)arg;
	(void)i;
	snprintf(reason, INDICATOR_REASON_CAP, "too common");
	return false;
}

struct told {
	unsigned n;
	enum warning_state was, is;
	char value[64];
};

static enum err
hear(void *arg, enum warning_state was, const struct store_warning *w)
{
	struct told *t = arg;

	t->n++;
	t->was = was;
	t->is = w->state;
	snprintf(t->value, sizeof(t->value), "%s", w->value);
	return ERR_OK;
}

static struct told
agree(struct store *s, struct warning_cursor *at)
{
	struct told t = { .n = 0 };
	bool more = true;

	while (more) {
		assert_int_equal(store_warning_agree(store_db(s), at, T0 + 60,
						     2, &more, hear, &t),
				 ERR_OK);
	}
	return t;
}

/* What the gate holds, an analyst lets go or takes away, and sources revoke. */
static void
test_follows_the_set(void **state)
{
	const struct indicator_gate gate = { .pass = hold };
	struct store *s = store_dir_open();
	struct warning_cursor at = { .row = 0 }, anew = { .row = 0 };
	struct rows r = { .s = s, .gate = &gate };
	struct told t;
	int64_t id;

	(void)state;
	assert_int_equal(agree(s, &at).n, 0);
	assert_true(note(s, "192.0.2.1", 0, "a", T0, 0, true).added);
	assert_int_equal(
		store_warning_each(store_db(s), WARNING_NOTED, 0, 9, take, &r),
		ERR_OK);
	assert_int_equal(r.last.state, WARNING_HELD);
	id = r.last.indicator;
	assert_int_equal(agree(s, &at).n, 0);
	judge(s, id, VERDICT_RELEASED);
	t = agree(s, &at);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.was, WARNING_HELD);
	assert_int_equal(t.is, WARNING_GIVEN);
	assert_string_equal(t.value, "192.0.2.1");
	judge(s, id, VERDICT_REMOVED);
	/* one that was not there meanwhile sees it as well */
	t = agree(s, &anew);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.is, WARNING_OFF);
	assert_int_equal(agree(s, &at).n, 0);
	/* what an analyst removed is not offered again; and if, it is off */
	assert_false(note(s, "192.0.2.1", 0, "b", T0 + 70, 0, true).added);
	assert_true(note(s, "192.0.2.1", 0, "b", T0 + 70, T0 + 9, true).added);
	assert_int_equal(
		store_warning_each(store_db(s), WARNING_NOTED, 0, 9, take, &r),
		ERR_OK);
	assert_int_equal(r.last.state, WARNING_OFF);
	/* known by a source that takes it back: now it is news */
	put(s, "192.0.2.2", "x", false, NULL);
	assert_int_equal(note(s, "192.0.2.2", 0, "a", T0, 0, true).state,
			 WARNING_KNOWN);
	put(s, "192.0.2.2", "x", true, NULL);
	assert_int_equal(agree(s, &at).n, 1);
	assert_int_equal(note(s, "192.0.2.2", 0, "a", T0, 0, true).state,
			 WARNING_NOTED);
	/* held in the set already: that is not "given" */
	put(s, "192.0.2.3", "x", false, &gate);
	assert_true(note(s, "192.0.2.3", 0, "a", T0, 0, true).added);
	assert_int_equal(
		store_warning_each(store_db(s), WARNING_NOTED, 0, 9, take, &r),
		ERR_OK);
	assert_int_equal(r.last.state, WARNING_HELD);
	store_close(s);
}

static enum err
count(void *arg, const struct store_warning *w)
{
	assert_int_equal(w->state, WARNING_OFF);
	++*(unsigned *)arg;
	return ERR_OK;
}

/* What an incident armed goes with it, also after it became part of another. */
static void
test_withdraw(void **state)
{
	struct store *s = store_dir_open();
	unsigned n = 0;

	(void)state;
	assert_int_equal(store_begin(s), ERR_OK);
	assert_true(note(s, "192.0.2.1", 1, "a", T0, 0, false).added);
	assert_true(note(s, "192.0.2.2", 2, "a", T0, 0, false).added);
	assert_true(note(s, "192.0.2.3", 3, "a", T0, 0, false).added);
	assert_int_equal(store_warning_merged(store_db(s), 1, 2), ERR_OK);
	assert_int_equal(
		store_warning_withdraw(store_db(s), 1, T0 + 5, count, &n),
		ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(
		store_warning_withdraw(store_db(s), 2, T0 + 5, count, &n),
		ERR_OK);
	assert_int_equal(n, 2);
	assert_int_equal(
		store_warning_withdraw(store_db(s), 2, T0 + 5, count, &n),
		ERR_OK);
	assert_int_equal(n, 2);
	/* if it comes to be believed again, it warns again */
	assert_true(note(s, "192.0.2.1", 2, "a", T0 + 6, 0, false).added);
	assert_false(note(s, "192.0.2.3", 2, "a", T0 + 6, 0, false).added);
	assert_int_equal(store_commit(s), ERR_OK);
	store_close(s);
}

/* Who hears later that fewer may see it says so, never the other way. */
static void
test_marks(void **state)
{
	static const struct {
		const char *mark, *is;
		bool added;
	} rows[] = {
		{ "amber", "amber", true },
		{ "green", "amber", false },
		{ "amber//JP,US", "amber//JP,US", true },
		{ "green//JP", "amber//JP", true },
		{ "amber//JP,US", "amber//JP", false },
		{ "red", "red//JP", true },
	};
	struct store *s = store_dir_open();
	struct store_warning w = { .kind = INDICATOR_URL,
				   .exact = true,
				   .value = "h.example/A",
				   .site = "a" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool added, refused;
		uint64_t forgotten;
		int64_t n;
		sqlite3_stmt *st;

		w.mark = rows[i].mark;
		w.stored_us = T0 + i;
		assert_int_equal(store_warning_note(store_db(s), &w, 0, true,
						    &added, &refused,
						    &forgotten),
				 ERR_OK);
		assert_int_equal(added, rows[i].added);
		assert_int_equal(
			sqlite3_prepare_v2(store_db(s),
					   "SELECT mark,count(*) FROM warnings",
					   -1, &st, NULL),
			SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		assert_string_equal((const char *)sqlite3_column_text(st, 0),
				    rows[i].is);
		n = sqlite3_column_int64(st, 1);
		assert_int_equal(n, 1);
		sqlite3_finalize(st);
	}
	store_close(s);
}

/* Bytes, kinds and widths are told apart. */
static void
test_kinds(void **state)
{
	struct store *s = store_dir_open();
	struct store_warning w = { .kind = INDICATOR_URL,
				   .exact = true,
				   .value = "h.example/A",
				   .mark = "amber",
				   .site = "a",
				   .stored_us = T0 };
	static const struct {
		enum indicator_kind kind;
		bool exact;
		const char *value;
		bool added;
	} rows[] = {
		{ INDICATOR_URL, true, "h.example/A", true },
		{ INDICATOR_URL, true, "h.example/a", true },
		{ INDICATOR_URL, true, "h.example/A", false },
		{ INDICATOR_USER_AGENT, true, "h.example/A", true },
		{ INDICATOR_DOMAIN, true, "h.example", true },
		{ INDICATOR_DOMAIN, true, "h.example", false },
		{ INDICATOR_DOMAIN, false, "h.example", true },
		{ INDICATOR_DOMAIN, true, "h.example", false },
		{ INDICATOR_DOMAIN, false, "h.example", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool added, refused;
		uint64_t forgotten;

		w.kind = rows[i].kind;
		w.exact = rows[i].exact;
		w.value = rows[i].value;
		assert_int_equal(store_warning_note(store_db(s), &w, 0, true,
						    &added, &refused,
						    &forgotten),
				 ERR_OK);
		assert_int_equal(added, rows[i].added);
	}
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
		cmocka_unit_test_setup_teardown(
			test_follows_the_set, store_dir_make, store_dir_remove),
		cmocka_unit_test_setup_teardown(test_withdraw, store_dir_make,
						store_dir_remove),
		cmocka_unit_test_setup_teardown(test_marks, store_dir_make,
						store_dir_remove),
		cmocka_unit_test_setup_teardown(test_kinds, store_dir_make,
						store_dir_remove),
		cmocka_unit_test_setup_teardown(test_share, store_dir_make,
						store_dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
