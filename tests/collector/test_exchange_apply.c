/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a partner's bundle changes, and what a hostile one does not: it speaks
 * for itself only, within its quota, and nothing that it says frees what others
 * restricted.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/exchange_apply.h"
#include "collector/indicator_list.h"
#include "collector/partner_json.h"
#include "collector/store_consult.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "tests/cpu_time.h"
#include "tests/stix_bundle.h"
#include "tests/store_dir.h"

#define NOW UINT64_C(1795300000000000)
#define SIDE_EVENT \
	"\"event\":{\"id\":\"%s-1\",\"what\":\"opened\",\"side\":\"%s\"," \
	"\"number\":%u,\"clock\":1,\"at\":\"2026-11-20T01:00:00Z\"," \
	"\"who\":\"sato\",\"level\":3,\"step\":0,\"incident\":1," \
	"\"exercise\":\"\",\"sides\":[\"JP\",\"US\"],\"text\":\"why\"}"

static struct store *store;
static sqlite3 *db;
static struct mission_map *map;
static struct common_set *set;
static struct store_partner *partners;
static struct correlate *correlate;
static uint64_t room, quota;

static int
setup(void **state)
{
	struct common_set_config cfg = { .gate = gate_defaults,
					 .limits = indicator_limits_default };
	struct diag d = { "" };

	store_dir_make(state);
	store = store_dir_open();
	db = store_db(store);
	map = mission_empty();
	cfg.gate.on = false;
	room = EXCHANGE_NEW_SIGHTINGS;
	quota = 1000000;
	assert_int_equal(common_set_new(&set, db, &cfg, NULL, map, &d), ERR_OK);
	assert_int_equal(store_partner_open(&partners, db, &d), ERR_OK);
	correlate = correlate_new(&correlate_defaults);
	assert_non_null(correlate);
	return 0;
}

static int
teardown(void **state)
{
	correlate_free(correlate);
	store_partner_close(partners);
	common_set_free(set);
	mission_free(map);
	store_close(store);
	return store_dir_remove(state);
}

static struct exchange_report
apply(const char *party, struct view bundle)
{
	const struct exchange_apply a = { db,    partners, set, correlate,
					  party, quota,    NOW, &room };
	struct exchange_report r = { .why = "" };
	uint64_t epoch, seq;
	bool ready = false;

	while (!ready) {
		assert_int_equal(common_set_ready(set, NOW, &ready), ERR_OK);
	}
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(store_partner_point(partners, party, &epoch, &seq),
			 ERR_OK);
	assert_int_equal(exchange_apply(&a, bundle, &r), ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	common_set_settled(set, true);
	return r;
}

static struct exchange_report
apply_end(const char *party, struct bundle *b)
{
	struct exchange_report r = apply(party, bundle_end(b));

	bundle_free(b);
	return r;
}

static int64_t
ask(const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static char *
text(const char *sql)
{
	static char out[4096];
	sqlite3_stmt *st = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	snprintf(out, sizeof(out), "%s", sql_text(st, 0));
	sqlite3_finalize(st);
	return out;
}

#define ARMED "SELECT count(*) FROM indicators WHERE state=2"

static void
put_one_of_each(struct bundle *b)
{
	bundle_begin(b, "JP");
	/* Who refers stands before what it refers to. */
	bundle_sighting(b, 1, 7, 3,
			",\"where_sighted_refs\":[\"identity--"
			"00000000-0000-4000-8000-000000000009\"]");
	bundle_object(b, "incident", 1,
		      "\"created_by_ref\":\"%s\"," MARKED
		      ",\"modified\":\"2026-11-20T01:00:00Z\",\"name\":"
		      "\"A title\"",
		      b->by);
	bundle_object(b, "x-picket-consultation-event", 1,
		      "\"created_by_ref\":\"%s\"," MARKED "," SIDE_EVENT, b->by,
		      "JP", "JP", 1);
	bundle_object(b, "malware", 1, "\"name\":\"passed over\"");
	bundle_indicator(b, 7, 0, false);
	bundle_object(b, "identity", 9, MARKED ",\"name\":\"TOKYO\"");
}

static void
each_kind_is_taken_once(void **state)
{
	struct bundle b;
	struct exchange_report r;

	(void)state;
	put_one_of_each(&b);
	r = apply_end("JP", &b);
	assert_string_equal(r.why, "");
	assert_int_equal(exchange_report_refused(&r), 0);
	assert_int_equal(r.n[EXCHANGE_OBJECTS], 4);
	assert_int_equal(r.n[EXCHANGE_OTHERS], 1);
	assert_int_equal(r.n[EXCHANGE_INDICATORS_NEW], 1);
	assert_int_equal(r.n[EXCHANGE_SIGHTINGS], 1);
	assert_int_equal(r.n[EXCHANGE_INCIDENTS], 1);
	assert_int_equal(r.n[EXCHANGE_EVENTS], 1);
	assert_int_equal(ask(ARMED), 1);
	assert_string_equal(text("SELECT o.name FROM indicator_origins o JOIN"
				 " indicator_sources s ON s.origin=o.id"),
			    "partner:JP");
	assert_string_equal(text("SELECT mark FROM indicators"), "green");
	assert_string_equal(text("SELECT place FROM partner_sightings"),
			    "JP:TOKYO");
	assert_string_equal(text("SELECT title FROM partner_incidents"),
			    "A title");
	assert_int_equal(ask("SELECT local FROM consult_events"), 0);
	put_one_of_each(&b);
	r = apply_end("JP", &b);
	assert_int_equal(r.n[EXCHANGE_INDICATORS_SAME], 1);
	assert_int_equal(r.n[EXCHANGE_SIGHTINGS_SAME], 1);
	assert_int_equal(r.n[EXCHANGE_INCIDENTS_SAME], 1);
	assert_int_equal(r.n[EXCHANGE_EVENTS_SAME], 1);
	assert_int_equal(ask("SELECT sum(count) FROM partner_sightings"), 3);
}

static void
what_is_anothers_is_refused(void **state)
{
	struct bundle b;
	struct exchange_report r;

	(void)state;
	bundle_begin(&b, "US"); /* made by US, sent by JP */
	bundle_indicator(&b, 1, 0, false);
	bundle_sighting(&b, 1, 1, 3, "");
	bundle_creator("JP", b.by);
	bundle_indicator(&b, 2, 0, false);
	bundle_object(&b, "x-picket-consultation-event", 1,
		      MARKED "," SIDE_EVENT, "US", "US", 1);
	bundle_sighting(&b, 2, 2, 3,
			",\"where_sighted_refs\":[\"identity--"
			"00000000-0000-4000-8000-000000000009\"]");
	bundle_object(&b, "identity", 9, MARKED ",\"name\":\"US:BASE\"");
	r = apply_end("JP", &b);
	assert_int_equal(r.n[EXCHANGE_OBJECT_IMPERSONATED], 2);
	assert_int_equal(r.n[EXCHANGE_OBJECT_FOREIGN_SIDE], 1);
	assert_int_equal(r.n[EXCHANGE_OBJECT_FOREIGN_SITE], 1);
	assert_int_equal(r.n[EXCHANGE_INDICATORS_NEW], 1);
	assert_int_equal(ask("SELECT count(*) FROM consult_events"), 0);
	assert_int_equal(ask("SELECT count(*) FROM partner_sightings"), 0);
	assert_int_equal(ask(ARMED), 1);
}

static void
put_marked(struct bundle *b, unsigned n, const char *marks)
{
	bundle_object(b, "indicator", n,
		      "%s\"modified\":\"2026-11-20T01:00:00Z\","
		      "\"pattern_type\":\"stix\",\"pattern\":"
		      "\"[ipv4-addr:value = '198.51.100.%u']\"",
		      marks, n);
	bundle_object(b, "incident", n,
		      "%s\"modified\":\"2026-11-20T01:00:00Z\",\"name\":\"x\"",
		      marks);
}

static void
a_mark_that_is_none_is_for_nobody(void **state)
{
	static const char *const marks[][2] = {
		{ "", "red//" },
		{ "\"object_marking_refs\":[\"marking-definition--"
		  "00000000-0000-4000-8000-0000000000ff\"],",
		  "red//" },
		{ "\"object_marking_refs\":[7],", "red//" },
		{ MARKED ",\"x_picket_releasable_to\":\"US\",", "red//" },
		{ MARKED ",\"x_picket_releasable_to\":[\"US\",\"\\u0001\"],",
		  "red//" },
		{ "\"x_picket_releasable_to\":[\"US\"],", "red//US" },
		{ "\"object_marking_refs\":[\"" RED "\",\"" GREEN "\"],",
		  "red" },
		{ MARKED ",\"x_picket_releasable_to\":[\"US\",\"JP\"],",
		  "green//JP,US" },
	};
	struct bundle b;
	struct exchange_report r;
	char sql[160];

	(void)state;
	bundle_begin(&b, "JP");
	for (unsigned i = 0; i < ARRAY_LEN(marks); i++) {
		put_marked(&b, i + 1, marks[i][0]);
	}
	r = apply_end("JP", &b);
	assert_int_equal(exchange_report_refused(&r), 0);
	for (unsigned i = 0; i < ARRAY_LEN(marks); i++) {
		snprintf(sql, sizeof(sql),
			 "SELECT mark FROM indicators WHERE value="
			 "'198.51.100.%u'",
			 i + 1);
		/* Of what is broken the colour may be any, the names none. */
		if (strcmp(marks[i][1], "red//") == 0) {
			assert_non_null(strstr(text(sql), "//"));
			assert_string_equal(strstr(text(sql), "//"), "//");
		} else {
			assert_string_equal(text(sql), marks[i][1]);
		}
		snprintf(sql, sizeof(sql),
			 "SELECT mark FROM partner_incidents WHERE id="
			 "'incident--00000000-0000-4000-8000-%012u'",
			 i + 1);
		assert_string_equal(text(sql), marks[i][1]);
	}
}

static void
the_quota_takes_its_own_oldest(void **state)
{
	struct bundle b;
	struct exchange_report r;

	(void)state;
	bundle_begin(&b, "US");
	for (unsigned i = 0; i < 5; i++) {
		bundle_indicator(&b, i, 0, false);
	}
	apply_end("US", &b);
	quota = 10;
	bundle_begin(&b, "JP");
	for (unsigned i = 0; i < 30; i++) {
		bundle_indicator(&b, i, 0, false);
	}
	r = apply_end("JP", &b);
	assert_int_equal(r.n[EXCHANGE_INDICATORS_EVICTED], 20);
	assert_int_equal(r.n[EXCHANGE_OBJECT_NO_ROOM], 0);
	/* The last ten, and what US gives. */
	assert_int_equal(ask(ARMED), 15);
	assert_int_equal(ask("SELECT n FROM indicator_origins WHERE name="
			     "'partner:JP'"),
			 10);
	assert_int_equal(ask("SELECT n FROM indicator_origins WHERE name="
			     "'partner:US'"),
			 5);
	assert_int_equal(ask("SELECT count(*) FROM indicator_sources"), 15);
}

static void
what_is_revoked_is_disarmed_and_stays_so(void **state)
{
	struct bundle b;
	struct exchange_report r;

	(void)state;
	bundle_begin(&b, "JP");
	bundle_indicator(&b, 1, 0, false);
	apply_end("JP", &b);
	assert_int_equal(ask(ARMED), 1);
	bundle_begin(&b, "US"); /* nobody else can */
	bundle_indicator(&b, 1, 9, true);
	apply_end("US", &b);
	assert_int_equal(ask(ARMED), 1);
	bundle_begin(&b, "JP");
	bundle_indicator(&b, 1, 5, true);
	r = apply_end("JP", &b);
	assert_int_equal(r.n[EXCHANGE_INDICATORS_REVOKED], 1);
	assert_int_equal(ask(ARMED), 0);
	bundle_begin(&b, "JP"); /* an older version again */
	bundle_indicator(&b, 1, 0, false);
	apply_end("JP", &b);
	assert_int_equal(ask(ARMED), 0);
}

struct seen {
	unsigned incidents;
	unsigned sites;
	uint64_t count;
};

static enum err
on_incident(void *arg, struct incident *i)
{
	struct seen *s = arg;

	s->incidents++;
	i->id = 1;
	for (const struct run *r = i->members; r != NULL; r = r->next_member) {
		for (const struct run_site *p = r->sites; p != NULL;
		     p = p->next) {
			s->sites++;
			s->count += p->count;
		}
	}
	return ERR_OK;
}

static enum err
on_merged(void *arg, int64_t from, int64_t into)
{
	(void)arg, (void)from, (void)into;
	return ERR_OK;
}

static enum err
on_run(void *arg, const struct run *r)
{
	(void)arg, (void)r;
	return ERR_OK;
}

static enum err
on_gone(void *arg, uint64_t run)
{
	(void)arg, (void)run;
	return ERR_OK;
}

static struct seen
flush(void)
{
	struct seen s = { 0 };
	const struct correlate_sink sink = { &s, on_merged, on_incident, on_run,
					     on_gone };

	assert_int_equal(correlate_flush(correlate, &sink), ERR_OK);
	return s;
}

static void
sightings_of_both_are_one_incident(void **state)
{
	struct sighting_set own = { .site = "BASE",
				    .owner = "US",
				    .first_us = NOW - 1000000,
				    .last_us = NOW,
				    .count = 2,
				    .events = 2,
				    .severity = 2,
				    .strong = true,
				    .what = INDICATOR_IP };
	struct seen s;
	struct bundle b;

	(void)state;
	/* The correlator's window is a day: ours is near theirs in time. */
	own.first_us = own.last_us = UINT64_C(1795140000000000);
	assert_true(clock_parse_iso(VIEW_LIT("2026-11-20T02:00:00Z"),
				    &own.first_us));
	own.last_us = own.first_us;
	sighting_of_indicator(&own, VIEW_LIT("192.0.2.8"));
	assert_int_equal(correlate_add(correlate, &own), ERR_OK);
	s = flush();
	assert_int_equal(s.incidents, 0);
	bundle_begin(&b, "JP");
	bundle_indicator(&b, 7, 0, false);
	bundle_sighting(&b, 1, 7, 3, "");
	apply_end("JP", &b);
	s = flush();
	assert_int_equal(s.incidents, 1);
	assert_int_equal(s.sites, 2);
	assert_int_equal(s.count, 5);
	/* Again with a greater count, of an indicator that came before. */
	bundle_begin(&b, "JP");
	bundle_sighting(&b, 1, 7, 10, "");
	apply_end("JP", &b);
	s = flush();
	assert_int_equal(s.count, 12);
	bundle_begin(&b,
		     "JP"); /* of what was never told, but says what it is */
	bundle_sighting(&b, 2, 999, 6,
			",\"x_picket_pattern\":\"[ipv4-addr:value = "
			"'192.0.2.8']\"");
	bundle_sighting(&b, 3, 998, 6, "");
	assert_int_equal(apply_end("JP", &b).n[EXCHANGE_OBJECT_UNKNOWN], 1);
	assert_int_equal(flush().count, 18);
	bundle_begin(&b, "JP"); /* and smaller: nothing new */
	bundle_sighting(&b, 1, 7, 4, "");
	apply_end("JP", &b);
	assert_int_equal(flush().incidents, 0);
	assert_int_equal(ask("SELECT sum(count) FROM partner_sightings"), 16);
}

static void
an_exercise_has_its_lane_or_none(void **state)
{
	struct bundle b;
	struct exchange_report r;

	(void)state;
	assert_int_equal(
		sqlite3_exec(db,
			     "INSERT INTO exercises(name,state,token,who,"
			     "from_us,until_us,at_us,version)"
			     " VALUES('KEEN','on','{}','x',1,2,1,0)",
			     NULL, NULL, NULL),
		SQLITE_OK);
	bundle_begin(&b, "JP");
	bundle_indicator(&b, 1, 0, false);
	bundle_sighting(&b, 1, 1, 3, ",\"x_picket_exercise\":\"KEEN\"");
	bundle_sighting(&b, 2, 1, 3, ",\"x_picket_exercise\":\"OTHER\"");
	bundle_sighting(&b, 3, 1, 3, ",\"x_picket_exercise\":7");
	bundle_object(&b, "indicator", 2,
		      MARKED ",\"modified\":\"2026-11-20T01:00:00Z\","
			     "\"pattern_type\":\"stix\",\"pattern\":"
			     "\"[ipv4-addr:value = '198.51.100.1']\","
			     "\"x_picket_exercise\":\"KEEN\"");
	r = apply_end("JP", &b);
	assert_int_equal(r.n[EXCHANGE_OBJECT_EXERCISE], 1);
	assert_int_equal(r.n[EXCHANGE_OTHERS], 1);
	assert_int_equal(r.n[EXCHANGE_OBJECT_MALFORMED], 1);
	assert_int_equal(ask(ARMED), 1);
	assert_string_equal(text("SELECT group_concat(exercise) FROM"
				 " partner_sightings"),
			    "KEEN");
}

static void
a_bundle_has_its_bounds(void **state)
{
	struct bundle b;
	struct exchange_report r;

	(void)state;
	bundle_begin(&b, "JP");
	for (unsigned i = 0; i < 2003; i++) {
		bundle_indicator(&b, i, 0, false);
	}
	bundle_sighting(&b, 1, 1, 1, "");
	r = apply_end("JP", &b);
	assert_int_equal(r.n[EXCHANGE_INDICATORS_NEW], 2000);
	assert_int_equal(r.n[EXCHANGE_OBJECT_TOO_MANY], 4);
	room = 2;
	bundle_begin(&b, "JP");
	for (unsigned i = 0; i < 5; i++) {
		bundle_sighting(&b, i, i, 1, "");
	}
	r = apply_end("JP", &b);
	assert_int_equal(r.n[EXCHANGE_SIGHTINGS], 2);
	assert_int_equal(r.n[EXCHANGE_OBJECT_NO_ROOM], 3);
	store_partner_bound(partners, 3, 3);
	room = 100;
	bundle_begin(&b, "JP");
	for (unsigned i = 0; i < 9; i++) {
		bundle_sighting(&b, 100 + i, i, 1, "");
		bundle_object(&b, "incident", i,
			      MARKED ",\"modified\":\"2026-11-20T01:00:00Z\"");
	}
	apply_end("JP", &b);
	assert_int_equal(ask("SELECT count(*) FROM partner_sightings"), 3);
	assert_int_equal(ask("SELECT count(*) FROM partner_incidents"), 3);
	assert_int_equal(ask("SELECT sightings FROM partners"), 3);
	assert_int_equal(ask("SELECT n FROM partner_counts WHERE name="
			     "'sightings-forgotten'"),
			 8);
}

#define PATTERN(v) ",\"x_picket_pattern\":\"[ipv4-addr:value = '" v "']\""

static struct exchange_report
one_sighting(unsigned id, unsigned count, const char *more)
{
	struct bundle b;

	bundle_begin(&b, "JP");
	bundle_sighting(&b, id, 999, count, more);
	return apply_end("JP", &b);
}

static void
what_goes_on_needs_no_room(void **state)
{
	struct exchange_report r;

	(void)state;
	room = 1;
	r = one_sighting(1, 3, PATTERN("192.0.2.8"));
	assert_int_equal(r.n[EXCHANGE_SIGHTINGS], 1);
	assert_int_equal(room, 0);
	r = one_sighting(2, 3, PATTERN("192.0.2.9"));
	assert_int_equal(r.n[EXCHANGE_OBJECT_NO_ROOM], 1);
	r = one_sighting(1, 8, PATTERN("192.0.2.8"));
	assert_int_equal(r.n[EXCHANGE_OBJECT_NO_ROOM], 0);
	assert_int_equal(r.n[EXCHANGE_SIGHTINGS], 1);
	assert_int_equal(ask("SELECT sum(count) FROM partner_sightings"), 8);
}

static void
keep_past(void *arg, const char *site, uint64_t first_us, uint64_t last_us,
	  uint64_t count, uint64_t past)
{
	uint64_t *out = arg;

	(void)first_us;
	(void)last_us;
	assert_string_equal(site, "JP:-");
	out[0] = count;
	out[1] = past;
}

/* What the partner found in what it had seen before is shown as that, until it
 * sees it live. */
static void
the_past_is_told(void **state)
{
	struct store_reader *reader;
	struct exchange_report r;
	struct bundle b;
	struct diag d = { "" };
	uint64_t seen[2] = { 0, 0 };

	(void)state;
	bundle_begin(&b, "JP");
	bundle_indicator(&b, 7, 0, false);
	bundle_sighting(&b, 1, 7, 3, ",\"x_picket_past\":true");
	r = apply_end("JP", &b);
	assert_int_equal(r.n[EXCHANGE_SIGHTINGS], 1);
	assert_int_equal(store_reader_open(&reader, path, &d), ERR_OK);
	assert_int_equal(indicator_list_seen(reader,
					     ask("SELECT id FROM"
						 " indicators"),
					     keep_past, seen),
			 ERR_OK);
	assert_int_equal(seen[0], 3);
	assert_int_equal(seen[1], 3);
	bundle_begin(&b, "JP");
	bundle_indicator(&b, 7, 0, false);
	bundle_sighting(&b, 1, 7, 4, "");
	/* Whoever says neither yes nor no says nothing. */
	bundle_sighting(&b, 2, 7, 4, ",\"x_picket_past\":\"yes\"");
	r = apply_end("JP", &b);
	assert_int_equal(r.n[EXCHANGE_SIGHTINGS], 1);
	assert_int_equal(r.n[EXCHANGE_OBJECT_MALFORMED], 1);
	assert_int_equal(indicator_list_seen(reader,
					     ask("SELECT id FROM"
						 " indicators"),
					     keep_past, seen),
			 ERR_OK);
	assert_int_equal(seen[0], 4);
	assert_int_equal(seen[1], 0);
	store_reader_close(reader);
}

/* A count that grows is no way to as many runs as one likes. */
static void
one_id_is_one_sighting(void **state)
{
	struct exchange_report r;
	struct correlate_stats stats;
	struct bundle b;

	(void)state;
	room = 1;
	r = one_sighting(1, 1, PATTERN("192.0.2.8"));
	assert_int_equal(r.n[EXCHANGE_SIGHTINGS], 1);
	r = one_sighting(1, 2, PATTERN("192.0.2.9"));
	assert_int_equal(r.n[EXCHANGE_OBJECT_NO_ROOM], 1);
	correlate_stats(correlate, &stats);
	assert_int_equal(stats.runs, 1);
	/* At another time it is a run of its own, and has its price. */
	room = 1;
	for (unsigned i = 0; i < 3; i++) {
		bundle_begin(&b, "JP");
		bundle_object(&b, "sighting", 1,
			      MARKED
			      ",\"first_seen\":\"2026-1%u-05T01:00:00Z\","
			      "\"last_seen\":\"2026-1%u-05T01:00:00Z\","
			      "\"count\":%u,\"sighting_of_ref\":\"x\"" PATTERN(
				      "192.0.2.8"),
			      i % 2, i % 2, 3 + i);
		r = apply_end("JP", &b);
		assert_int_equal(r.n[i == 0 ? EXCHANGE_SIGHTINGS
					    : EXCHANGE_OBJECT_NO_ROOM],
				 i < 2);
	}
	correlate_stats(correlate, &stats);
	assert_int_equal(stats.runs, 2);
	/* A store that was made anew gives ids of before to other things. */
	room = 1;
	r = one_sighting(1, 2, PATTERN("192.0.2.9"));
	assert_int_equal(r.n[EXCHANGE_SIGHTINGS], 1);
	assert_string_equal(text("SELECT value||' '||count FROM"
				 " partner_sightings"),
			    "192.0.2.9 2");
	assert_int_equal(room, 0);
}

static void
counts_stay_numbers(void **state)
{
	uint64_t epoch, seq;

	(void)state;
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(store_partner_point(partners, "JP", &epoch, &seq),
			 ERR_OK);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(store_partner_count(partners, "JP", "x",
						     UINT64_MAX - i, NOW),
				 ERR_OK);
	}
	assert_int_equal(store_commit(store), ERR_OK);
	assert_string_equal(text("SELECT typeof(n)||' '||n FROM"
				 " partner_counts"),
			    "integer 9223372036854775807");
}

/* What metrics say of it: all causes, those too that never came. */
static void
metrics_tell_by_cause(void **state)
{
	struct bundle b;
	struct exchange_report r;
	struct json j;

	(void)state;
	bundle_begin(&b, "US"); /* made by US, sent by JP */
	bundle_indicator(&b, 1, 0, false);
	bundle_creator("JP", b.by);
	bundle_indicator(&b, 2, 0, false);
	r = apply_end("JP", &b);
	assert_int_equal(store_begin(store), ERR_OK);
	for (int c = 0; c < EXCHANGE_COUNTS; c++) {
		assert_int_equal(
			store_partner_count(
				partners, "JP",
				exchange_count_name((enum exchange_count)c),
				r.n[c], NOW),
			ERR_OK);
	}
	assert_int_equal(
		store_partner_move(partners, "JP", 5, 9, NOW - 2500000, NOW),
		ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	json_init(&j);
	json_obj(&j, NULL);
	assert_int_equal(partner_json_metrics(db, &j), ERR_OK);
	json_obj_end(&j);
	assert_false(j.failed);
	for (size_t i = 0; i < 7; i++) {
		static const char *const want[] = {
			"\"name\":\"JP\"",
			"\"epoch\":5,\"seq\":9",
			"\"lag\":2.500",
			"\"kept\":{\"indicators\":1,",
			"\"indicators-new\":1,",
			"\"refused\":{\"unsigned\":0,",
			"\"object-impersonated\":1,",
		};

		if (memmem(j.p, j.len, want[i], strlen(want[i])) == NULL) {
			fail_msg("%s is not in %.*s", want[i], (int)j.len, j.p);
		}
	}
	json_fini(&j);
}

/* A bundle full of values is no more work than one of 2,000 objects; each of
 * them had a look at all others of its object. */
static void
one_pattern_is_few_values(void **state)
{
	struct bundle b;
	struct exchange_report r;
	uint64_t began = cpu_us();

	(void)state;
	bundle_begin(&b, "JP");
	for (unsigned i = 0; i < 250; i++) {
		bundle_put(
			&b,
			"%s{\"type\":\"indicator\",\"spec_version\":\"2.1\","
			"\"id\":\"indicator--00000000-0000-4000-8000-%012u\","
			"\"created\":\"2026-11-20T00:00:00Z\"," MARKED
			",\"modified\":\"2026-11-20T01:00:00Z\","
			"\"pattern_type\":\"stix\",\"pattern\":"
			"\"[ipv4-addr:value IN (",
			i > 0 ? "," : "", i);
		for (unsigned k = 0; k < 1000; k++) {
			bundle_put(&b, "%s'10.%u.%u.%u'", k > 0 ? "," : "", i,
				   k / 250, k % 250);
		}
		bundle_put(&b, ")]\"}");
	}
	r = apply_end("JP", &b);
	assert_int_equal(r.n[EXCHANGE_INDICATORS_NEW], STIX_IN_MAX_VALUES);
	assert_int_equal(r.n[EXCHANGE_OBJECT_TOO_MANY], 250);
	assert_int_equal(r.n[EXCHANGE_OBJECT_MALFORMED], 0);
	assert_true(cpu_us() - began < 20 * US_PER_S);
}

/* Whether the plan of a statement goes by the index of ids. */
static void
by_id(const char *sql)
{
	char plan[512] = "";
	sqlite3_stmt *st = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		strncat(plan, sql_text(st, 3), sizeof(plan) - strlen(plan) - 1);
	}
	sqlite3_finalize(st);
	if (strstr(plan, "indicator_sources_id (id_key=?") == NULL) {
		fail_msg("%s: %s", sql, plan);
	}
}

/* One id that everything has, and sightings of what nobody told: neither is
 * looked for among all that a party gave. */
static void
ids_are_found_by_an_index(void **state)
{
	sqlite3_stmt *st = NULL;
	char sql[1024];
	unsigned n = 0;

	(void)state;
	while ((st = sqlite3_next_stmt(db, st)) != NULL) {
		if (strstr(sqlite3_sql(st), "id_key=?1") != NULL) {
			snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
				 sqlite3_sql(st));
			by_id(sql);
			n++;
		}
	}
	assert_int_equal(n, 2);
}

/* Each alone is refused, and what stands beside it is taken. */
static void
what_is_broken_costs_itself_only(void **state)
{
	static const char *const broken[] = {
		"{\"type\":\"sighting\"}",
		"{\"type\":\"sighting\",\"id\":\"\"}",
		"{\"type\":\"sighting\",\"id\":\"sighting--1\"}",
		"{\"type\":\"sighting\",\"id\":\"s\",\"sighting_of_ref\":"
		"\"x\",\"count\":-1}",
		"{\"type\":\"sighting\",\"id\":\"s\",\"sighting_of_ref\":"
		"\"x\",\"first_seen\":\"soon\"}",
		"{\"type\":\"incident\",\"id\":\"i\",\"modified\":7}",
		"{\"type\":\"x-picket-consultation-event\",\"id\":\"e\"}",
		"{\"type\":\"x-picket-consultation-event\",\"id\":\"e\","
		"\"event\":[]}",
		"{\"type\":\"indicator\",\"id\":\"i\",\"pattern\":\"[\","
		"\"pattern_type\":\"stix\"}",
		"{\"type\":\"indicator\"}",
		"{\"type\":\"incident\",\"type\":\"incident\",\"id\":\"i\"}",
		"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]"
		"]]]]]]]]]]]]]]]]]]}",
	};
	struct bundle b;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(broken); i++) {
		struct exchange_report r;

		bundle_begin(&b, "JP");
		bundle_put(&b, "%s,", broken[i]);
		bundle_indicator(&b, i, 0, false);
		r = apply_end("JP", &b);
		assert_int_equal(r.n[EXCHANGE_OBJECT_MALFORMED], 1);
		assert_string_not_equal(r.why, "");
		assert_int_equal(r.n[EXCHANGE_INDICATORS_NEW], 1);
	}
}

static void
what_is_no_bundle_changes_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"7",
		"{\"objects\":7}",
		"{\"type\":\"bundle\"}",
		"\xff\xfe",
	};
	struct exchange_report r;
	struct bundle b;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		r = apply("JP", view_cstr(texts[i]));
		assert_int_equal(r.n[EXCHANGE_OBJECT_MALFORMED], 1);
		assert_string_not_equal(r.why, "");
	}
	assert_int_equal(ask("SELECT count(*) FROM indicators"), 0);
	/* Cut off at any place: no more than stands before is taken. */
	put_one_of_each(&b);
	bundle_end(&b);
	for (size_t len = 0; len < b.len; len += 1 + len / 40) {
		r = apply("JP", view_of(b.text, len));
		assert_true(r.n[EXCHANGE_OBJECT_MALFORMED] > 0);
	}
	bundle_free(&b);
}

/* One of which all was taken back: it is a bundle, and nothing is refused. */
static void
a_bundle_of_nothing_is_one(void **state)
{
	struct exchange_report r = apply(
		"JP", VIEW_LIT("{\"id\":\"bundle--00000000-0000-4000-8000-"
			       "000000000001\",\"objects\":[],\"type\":"
			       "\"bundle\"}"));

	(void)state;
	for (int c = 0; c < EXCHANGE_COUNTS; c++) {
		assert_int_equal(r.n[c], 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(each_kind_is_taken_once),
		CASE(what_is_anothers_is_refused),
		CASE(a_mark_that_is_none_is_for_nobody),
		CASE(the_quota_takes_its_own_oldest),
		CASE(what_is_revoked_is_disarmed_and_stays_so),
		CASE(sightings_of_both_are_one_incident),
		CASE(an_exercise_has_its_lane_or_none),
		CASE(a_bundle_has_its_bounds),
		CASE(what_goes_on_needs_no_room),
		CASE(the_past_is_told),
		CASE(one_id_is_one_sighting),
		CASE(counts_stay_numbers),
		CASE(metrics_tell_by_cause),
		CASE(one_pattern_is_few_values),
		CASE(ids_are_found_by_an_index),
		CASE(what_is_broken_costs_itself_only),
		CASE(what_is_no_bundle_changes_nothing),
		CASE(a_bundle_of_nothing_is_one),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
