/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store.h"

#include "collector/store_schema.h"
#include "collector/store_sql.h"
#include "common/eve.h"
#include "tests/store_dir.h"

static struct store_reader *
reader(void)
{
	struct store_reader *r = NULL;
	struct diag d = { "" };

	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	return r;
}

static void
opens_what_it_made_and_nothing_else(void **state)
{
	struct store *s = store_dir_open();
	struct store_reader *r = NULL;
	struct diag d = { "" };
	sqlite3 *db;

	(void)state;
	store_close(s);
	s = store_dir_open();
	store_close(s);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sql_exec(db, "PRAGMA user_version=99"), ERR_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(&s, path, &d), ERR_FORMAT);
	assert_non_null(strstr(d.msg, "newer"));
	assert_int_equal(store_reader_open(&r, path, &d), ERR_FORMAT);
	unlink(path);
	assert_int_equal(store_reader_open(&r, path, &d), ERR_NOTFOUND);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sql_exec(db, "CREATE TABLE songs(x)"), ERR_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(&s, path, &d), ERR_FORMAT);
	assert_non_null(strstr(d.msg, "not a Picket store"));
}

struct rows {
	unsigned n;
	int64_t first;
	char raw[512], src[64];
	struct store_bucket bucket;
};

static void
on_alert(void *arg, const struct store_alert *a)
{
	struct rows *r = arg;

	if (r->n++ == 0) {
		r->first = a->id;
		snprintf(r->raw, sizeof(r->raw), "%s", a->raw);
		snprintf(r->src, sizeof(r->src), "%s", a->src_info);
		assert_string_equal(a->site, "alpha");
		assert_string_equal(a->sensor, "s1");
		assert_string_equal(a->signature, "rule one");
	}
}

static void
on_group(void *arg, const struct store_group *g)
{
	struct rows *r = arg;

	r->n++;
	assert_int_equal(g->count, 3);
	assert_true(g->last_us >= g->first_us);
}

static void
on_bucket(void *arg, const struct store_bucket *b)
{
	struct rows *r = arg;

	r->n++;
	assert_string_equal(b->site, "alpha");
	assert_int_equal(b->count, 3);
	assert_int_equal(b->from_us % (60 * UINT64_C(1000000)), 0);
}

/* Three alerts in one frame of one sensor. */
static void
fill(struct store *s, bool commit)
{
	static const char line[] =
		"{\"timestamp\":\"2026-11-20T10:00:0%c+0000\",\"event_type\":"
		"\"alert\",\"src_ip\":\"192.0.2.1\",\"dest_ip\":\"10.0.0.1\","
		"\"alert\":{\"signature_id\":7,\"signature\":\"rule one\","
		"\"severity\":2},\"picket\":{\"site\":\"alpha\",\"sensor\":"
		"\"s1\"}}\n";
	struct frame_header h = { .epoch = 1, .seq = 1, .n = 3, .sev = 2 };
	struct frame_codec *c = frame_codec_new(6);
	struct eve *e = eve_new();
	struct view data;
	char raw[2048];
	int64_t sensor, id;
	size_t len = 0, one = 0;

	for (int i = 0; i < 3; i++) {
		one = (size_t)snprintf(raw + len, sizeof(raw) - len, line,
				       '1' + i);
		len += one;
	}
	assert_int_equal(frame_pack(c, view_of(raw, len), &h, &data), ERR_OK);
	assert_int_equal(store_begin(s), ERR_OK);
	assert_int_equal(store_sensor(s, "alpha", "s1", &sensor), ERR_OK);
	assert_int_equal(store_frame_begin(s, sensor, "alpha", &h), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		struct alert a;
		const char *why;
		bool undescribed;

		assert_int_equal(
			eve_parse(e, view_of(raw + i * one, one - 1), &a, &why),
			EVE_ALERT);
		assert_int_equal(store_frame_alert(s, &a, &id, &undescribed),
				 ERR_OK);
		assert_int_equal(undescribed, i == 0);
		if (undescribed) {
			assert_int_equal(
				store_frame_info(s, VIEW_LIT("{\"asn\":1}"),
						 VIEW_LIT("{}")),
				ERR_OK);
		}
	}
	assert_int_equal(store_frame_end(s, data, 1), ERR_OK);
	/* The same frame again is refused, not an error of the store. */
	assert_int_equal(store_frame_begin(s, sensor, "alpha", &h), ERR_LIMIT);
	if (commit) {
		assert_int_equal(store_commit(s), ERR_OK);
	} else {
		store_rollback(s);
	}
	eve_free(e);
	frame_codec_free(c);
}

static void
alerts_come_back_whole(void **state)
{
	struct store_alert_filter f = { .scope = STORE_BOTH, .raw = true };
	struct store *s = store_dir_open();
	struct store_reader *r = reader();
	struct rows rows = { 0 };

	(void)state;
	fill(s, false);
	assert_int_equal(store_read_alerts(r, &f, 10, on_alert, &rows), ERR_OK);
	assert_int_equal(rows.n, 0);
	fill(s, true);
	assert_int_equal(store_read_alerts(r, &f, 10, on_alert, &rows), ERR_OK);
	assert_int_equal(rows.n, 3);
	assert_memory_equal(rows.raw, "{\"timestamp\":\"2026-11-20T10:00:03",
			    33);
	assert_int_equal(rows.raw[strlen(rows.raw) - 1], '}');
	assert_string_equal(rows.src, "{\"asn\":1}");
	f.before_id = rows.first;
	f.scope = STORE_REAL;
	f.site = "alpha";
	f.text = "RULE";
	f.sid = 7;
	f.max_severity = 2;
	f.has_addr = addr_parse(VIEW_LIT("10.0.0.1"), &f.addr);
	rows.n = 0;
	assert_int_equal(store_read_alerts(r, &f, 10, on_alert, &rows), ERR_OK);
	assert_int_equal(rows.n, 2);
	f.site = "alpha' OR 1=1 --";
	rows.n = 0;
	assert_int_equal(store_read_alerts(r, &f, 10, on_alert, &rows), ERR_OK);
	assert_int_equal(rows.n, 0);
	f = (struct store_alert_filter){ .scope = STORE_REAL };
	assert_int_equal(store_read_groups(r, &f, 0, 10, on_group, &rows),
			 ERR_OK);
	assert_int_equal(rows.n, 1);
	rows.n = 0;
	f.from_us = 1;
	assert_int_equal(store_read_timeline(r, &f, 3600, on_bucket, &rows),
			 ERR_OK);
	assert_int_equal(rows.n, 1);
	f.scope = STORE_EXERCISE;
	rows.n = 0;
	assert_int_equal(store_read_groups(r, &f, 0, 10, on_group, &rows),
			 ERR_OK);
	assert_int_equal(rows.n, 0);
	assert_int_equal(store_read_alert(r, 999, on_alert, &rows),
			 ERR_NOTFOUND);
	store_reader_close(r);
	store_close(s);
	/* A store that nobody writes can still be read. */
	r = reader();
	rows.n = 0;
	assert_int_equal(store_read_alert(r, 1, on_alert, &rows), ERR_OK);
	assert_int_equal(rows.n, 1);
	store_reader_close(r);
}

static void
on_incident(void *arg, const struct store_incident *i)
{
	*(char *)arg = i->state[0];
}

static void
on_log(void *arg, const struct store_log *l)
{
	unsigned *n = arg;

	(*n)++;
	assert_true(l->who[0] != '\0');
}

static void
incidents_have_states_and_a_log(void **state)
{
	struct store_incident_change c = { .exercise = "",
					   .title = "t",
					   .lead = "JP",
					   .support = "US",
					   .score = 40,
					   .level = 2,
					   .summary = VIEW_LIT("{}") };
	struct store_incident_kept kept;
	struct store *s = store_dir_open();
	struct store_reader *r = reader();
	struct diag d = { "" };
	int64_t a, b;
	unsigned n = 0;
	char st = 0;

	(void)state;
	assert_int_equal(store_begin(s), ERR_OK);
	assert_int_equal(store_incident_put(s, &c, &a), ERR_OK);
	assert_int_equal(store_incident_put(s, &c, &b), ERR_OK);
	assert_int_equal(store_incident_log(s, a, 1, "correlate", "opened", ""),
			 ERR_OK);
	assert_int_equal(store_commit(s), ERR_OK);
	assert_int_equal(
		store_incident_set_state(r, a, "ack", "sato", "mine", &d),
		ERR_OK);
	assert_int_equal(store_incident_set_state(r, a, "ack", "sato", "", &d),
			 ERR_USAGE);
	assert_int_equal(store_incident_set_state(r, a, "lost", "x", "", &d),
			 ERR_USAGE);
	assert_int_equal(store_incident_set_state(r, 77, "ack", "x", "", &d),
			 ERR_NOTFOUND);
	assert_int_equal(store_read_incident(r, a, on_incident, &st), ERR_OK);
	assert_int_equal(st, 'a');
	assert_int_equal(store_read_incident_log(r, a, on_log, &n), ERR_OK);
	assert_int_equal(n, 2);
	/* What the correlator writes does not undo an analyst's state. */
	c.id = a;
	c.score = 50;
	assert_int_equal(store_begin(s), ERR_OK);
	assert_int_equal(store_incident_put(s, &c, &a), ERR_OK);
	assert_int_equal(store_incident_merge(s, b, a), ERR_OK);
	assert_int_equal(store_commit(s), ERR_OK);
	assert_int_equal(store_incident_get(s, a, &kept), ERR_OK);
	assert_true(kept.found && kept.n_owners == 2 && !kept.closed);
	assert_int_equal(kept.score, 50);
	assert_int_equal(store_read_incident(r, a, on_incident, &st), ERR_OK);
	assert_int_equal(st, 'a');
	assert_int_equal(store_incident_set_state(r, b, "ack", "x", "", &d),
			 ERR_USAGE);
	assert_non_null(strstr(d.msg, "part of incident"));
	store_reader_close(r);
	store_close(s);
}

/* What one was is not lost when memory has let go of it. */
static void
merged_incidents_keep_all_owners(void **state)
{
	struct store_incident_change c = { .exercise = "",
					   .title = "t",
					   .lead = "JP",
					   .support = "USA",
					   .score = 40,
					   .level = 2,
					   .summary = VIEW_LIT("{}") };
	struct assess_before before;
	struct store *s = store_dir_open();
	int64_t a, b;

	(void)state;
	assert_int_equal(store_begin(s), ERR_OK);
	assert_int_equal(store_incident_put(s, &c, &a), ERR_OK);
	c.lead = "US";
	c.support = "JP,FR,USA";
	assert_int_equal(store_incident_put(s, &c, &b), ERR_OK);
	assert_int_equal(store_incident_merge(s, b, a), ERR_OK);
	assert_int_equal(store_incident_before(s, a, &before), ERR_OK);
	assert_string_equal(before.lead, "JP");
	assert_string_equal(before.support, "USA,US,FR");
	assert_int_equal(store_commit(s), ERR_OK);
	store_close(s);
}

#define CASE(f) \
	cmocka_unit_test_setup_teardown(f, store_dir_make, store_dir_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(opens_what_it_made_and_nothing_else),
		CASE(alerts_come_back_whole),
		CASE(incidents_have_states_and_a_log),
		CASE(merged_incidents_keep_all_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
