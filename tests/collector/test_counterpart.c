/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partner that claims to see what we see: it comes to no table that it was
 * not called to, nor fills one, nor hides what others tell.
 */
#include "tests/test.h"

#include <stdio.h>

#include "collector/counterpart.h"
#include "collector/store_consult.h"
#include "collector/store_partner.h"
#include "tests/store_dir.h"

#define NOW UINT64_C(1795300000000000)
#define KEY "kaddress 203.0.113.9"

static struct store *store;
static sqlite3 *db;
static struct store_partner *partners;

static int
setup(void **state)
{
	struct diag d = { "" };

	store_dir_make(state);
	store = store_dir_open();
	db = store_db(store);
	assert_int_equal(store_partner_open(&partners, db, &d), ERR_OK);
	assert_int_equal(
		sqlite3_exec(db,
			     "INSERT INTO incidents(id,state,exercise,title,"
			     "score,level,lead,support,first_us,last_us,"
			     "created_us,updated_us,summary) VALUES(1,'open',"
			     "'','t',50,4,'US','JP',1795300000000000,"
			     "1795300000000000,1,1,'{}');"
			     "INSERT INTO incident_keys VALUES('" KEY "',1)",
			     NULL, NULL, NULL),
		SQLITE_OK);
	return 0;
}

static int
teardown(void **state)
{
	store_partner_close(partners);
	store_close(store);
	return store_dir_remove(state);
}

/* That of a side, with 'other' at the table, of its incident 'incident'. */
static void
opens(const char *side, const char *other, uint64_t number, int64_t incident,
      bool ours)
{
	struct consult_event e;
	struct diag d = { "" };
	bool fresh;

	memset(&e, 0, sizeof(e));
	e.kind = CONSULT_OPEN;
	e.number = e.id.number = number;
	e.clock = 1;
	e.at_us = NOW;
	e.incident = incident;
	snprintf(e.side, sizeof(e.side), "%s", side);
	snprintf(e.id.side, sizeof(e.id.side), "%s", side);
	snprintf(e.who, sizeof(e.who), "x");
	snprintf(e.sides[0], sizeof(e.sides[0]), "%s", side);
	snprintf(e.sides[1], sizeof(e.sides[1]), "%s", other);
	e.n_sides = 2;
	assert_int_equal(
		store_consult_apply(db, &e, ours ? NULL : side, &fresh, &d),
		ERR_OK);
}

/* An incident that a partner tells of, with what it claims to have seen. */
static void
tells(const char *party, unsigned number, unsigned score)
{
	struct store_partner_incident is = {
		.party = party,
		.lead = "",
		.support = "",
		.missions = "",
		.sites = "",
		.stages = "",
		.exercise = "",
		.mark = "green",
		.title = party,
		.score = score,
		.first_us = NOW,
		.last_us = NOW,
		.modified_us = NOW,
	};
	uint64_t epoch, seq;
	char id[64];
	bool fresh;

	snprintf(id, sizeof(id), "incident--%s-%u", party, number);
	is.id = id;
	assert_int_equal(store_partner_point(partners, party, &epoch, &seq),
			 ERR_OK);
	assert_int_equal(store_partner_incident(partners, &is, NOW, &fresh),
			 ERR_OK);
	assert_int_equal(counterpart_keep(db, party, id, number,
					  view_of(KEY, sizeof(KEY))),
			 ERR_OK);
}

static unsigned
pairs(struct counterpart_pair out[64])
{
	unsigned n = 0;

	assert_int_equal(counterpart_consults(db, out, 64, &n), ERR_OK);
	return n;
}

static void
nobody_talks_himself_to_a_table(void **state)
{
	struct counterpart_pair p[64];

	(void)state;
	opens("US", "JP", 1, 1, true);
	tells("XX", 5, 99);
	opens("XX", "US", 1, 5, false);
	assert_int_equal(pairs(p), 0);
	tells("JP", 7, 50);
	opens("JP", "US", 1, 7, false);
	assert_int_equal(pairs(p), 1);
	assert_string_equal(p[0].theirs.side, "JP");
	assert_string_equal(p[0].ours.side, "US");
}

/* As many as a side likes do not fill the table that is one with all. */
static void
few_of_one_side_become_one(void **state)
{
	struct counterpart_pair p[64];
	unsigned said = 0, n;

	(void)state;
	opens("AU", "JP", 1, 1, true);
	for (unsigned i = 1; i <= 40; i++) {
		tells("JP", i, 50);
		opens("JP", "AU", i, i, false);
	}
	while ((n = pairs(p)) > 0) {
		struct consult_event e;
		struct diag d = { "" };

		memset(&e, 0, sizeof(e));
		e.kind = CONSULT_MERGE;
		e.id = p[0].ours;
		e.other = p[0].theirs;
		snprintf(e.side, sizeof(e.side), "AU");
		snprintf(e.who, sizeof(e.who), "x");
		assert_int_equal(store_consult_say(db, &e, NOW, 0, &d), ERR_OK);
		assert_true(++said <= COUNTERPART_MERGES);
	}
	assert_int_equal(said, COUNTERPART_MERGES);
}

/* Who has more open than are looked at, which may not fit either, keeps no other
 * waiting. */
static void
one_that_opens_many_hides_nobody(void **state)
{
	struct counterpart_pair p[64];
	unsigned n = 0, of_us = 0;

	(void)state;
	opens("AU", "JP", 1, 1, true);
	opens("AU", "US", 2, 1, true);
	for (unsigned i = 1; i <= 40; i++) {
		tells("JP", i, 50);
		opens("JP", "AU", i, i, false);
	}
	tells("US", 3, 50);
	opens("US", "AU", 1, 3, false);
	assert_int_equal(counterpart_consults(db, p, 8, &n), ERR_OK);
	assert_int_equal(n, 8);
	for (unsigned i = 0; i < n; i++) {
		of_us += strcmp(p[i].theirs.side, "US") == 0;
	}
	assert_int_equal(of_us, 1);
}

struct shown {
	unsigned n, of_jp;
};

static void
count_one(void *arg, const struct counterpart *c)
{
	struct shown *s = arg;

	s->n++;
	s->of_jp += strcmp(c->party, "JP") == 0;
}

static void
one_that_cries_hides_nobody(void **state)
{
	struct shown s = { 0 };

	(void)state;
	for (unsigned i = 1; i <= 60; i++) {
		tells("XX", i, 100);
	}
	tells("JP", 1, 10);
	assert_int_equal(counterpart_each(db, 1, count_one, &s), ERR_OK);
	assert_int_equal(s.of_jp, 1);
	assert_int_equal(s.n, COUNTERPART_OF_ONE + 1);
}

static void
compare_leads(void *arg, const struct counterpart *c)
{
	struct shown *s = arg;

	s->n++;
	assert_string_equal(c->our_lead, "US");
	assert_string_not_equal(c->lead, c->our_lead);
}

/* Who leads here stands beside who leads there, in the order of the text too. */
static void
both_leads_are_shown(void **state)
{
	static const char lead[] = "\"our_lead\":\"US\"";
	struct shown s = { 0 };
	struct json j;

	(void)state;
	tells("JP", 1, 10);
	assert_int_equal(counterpart_each(db, 1, compare_leads, &s), ERR_OK);
	assert_int_equal(s.n, 1);
	json_init(&j);
	json_obj(&j, NULL);
	assert_int_equal(counterpart_json(db, 1, &j), ERR_OK);
	json_obj_end(&j);
	assert_non_null(memmem(j.p, j.len, lead, strlen(lead)));
	json_fini(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(nobody_talks_himself_to_a_table),
		CASE(few_of_one_side_become_one),
		CASE(one_that_opens_many_hides_nobody),
		CASE(one_that_cries_hides_nobody),
		CASE(both_leads_are_shown),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
