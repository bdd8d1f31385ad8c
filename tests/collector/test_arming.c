/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends together: what the publisher publishes arms the sensor, whatever
 * Redis, the publisher and the sensor go through meanwhile. */
#include "tests/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/redis_pool.h"
#include "sensor/armed.h"
#include "tests/arm_rows.h"
#include "tests/redis_fixture.h"
#include "tests/wait_for.h"

static struct redis_fixture redis;
static struct redis_options where;
static char key[128], public[140], foreign[128], dir[128];

/* One run of both. */
struct scene {
	struct arm_rows *rows;
	struct arm *arm;
	struct armed *armed;
};

static void
publish(struct scene *s)
{
	struct arm_options o = { .redis = &where,
				 .key = key,
				 .heed_ms = 50,
				 .source = arm_rows_source(s->rows) };
	struct diag d = { "" };

	if (arm_new(&s->arm, &o, &d) != ERR_OK ||
	    arm_start(s->arm, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
}

static void
end_publisher(struct scene *s)
{
	arm_free(s->arm);
	s->arm = NULL;
}

static void
load(struct scene *s)
{
	struct armed_options o = { .key = public, .redis = &where };
	struct diag d = { "" };

	if (armed_new(&s->armed, &o, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	armed_load(s->armed, dir);
}

static void
follow(struct scene *s)
{
	struct diag d = { "" };

	load(s);
	if (armed_start(s->armed, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
}

static void
end_sensor(struct scene *s)
{
	armed_free(s->armed);
	s->armed = NULL;
}

static struct armed_status
status(struct scene *s)
{
	struct armed_status st;

	armed_read(s->armed, &st);
	return st;
}

static struct arm_status
published(struct scene *s)
{
	struct arm_status st;

	arm_read(s->arm, &st);
	return st;
}

/* The sensor runs what the source has. */
static bool
is_even(struct scene *s)
{
	struct armed_status st = status(s);

	return st.n.epoch > 0 && st.n.version == arm_rows_version(s->rows) &&
	       st.n.epoch == published(s).epoch;
}

static bool
has(struct scene *s, const char *name)
{
	struct ioc_live_reader *r = ioc_live_reader_new(armed_live(s->armed));
	bool found = false;

	assert_non_null(r);
	if (ioc_live_enter(r)) {
		found = ioc_live_domain(r, view_cstr(name), 0) != NULL;
		ioc_live_leave(r);
	}
	ioc_live_reader_free(r);
	return found;
}

static void
put(struct scene *s, const char *name, bool on)
{
	arm_rows_put(s->rows, INDICATOR_DOMAIN, name, "amber//JP", on);
}

static void
put_many(struct scene *s, unsigned n)
{
	char name[64];

	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		put(s, name, true);
	}
}

static void
command(const char *fmt, const char *k, const void *p, size_t len)
{
	struct redis_pool *pool;
	redisReply *r;
	struct diag d;

	assert_int_equal(redis_pool_new(&pool, &where, &d), ERR_OK);
	assert_int_equal(redis_pool_call(pool, k, 5000, &r, &d, fmt, k, p, len),
			 ERR_OK);
	assert_int_not_equal(r->type, REDIS_REPLY_ERROR);
	freeReplyObject(r);
	redis_pool_free(pool);
}

static int
begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	char text[400];

	assert_true(redis_fixture_start(&redis, NULL, NULL));
	snprintf(text, sizeof(text), "rm -rf '%s'; mkdir '%s'", dir, dir);
	assert_int_equal(system(text), 0);
	s->rows = arm_rows_new();
	*state = s;
	return 0;
}

static int
end(void **state)
{
	struct scene *s = *state;

	arm_free(s->arm);
	armed_free(s->armed);
	arm_rows_free(s->rows);
	free(s);
	redis_fixture_stop(&redis);
	return 0;
}

static void
sensors_follow_each_change(void **state)
{
	struct scene *s = *state;

	put(s, "a.example", true);
	put(s, "gone.example", true);
	put(s, "gone.example", false);
	publish(s);
	follow(s);
	wait_for(30, is_even(s));
	assert_true(has(s, "a.example") && !has(s, "gone.example"));
	put(s, "b.example", true);
	put(s, "a.example", false);
	arm_rows_put(s->rows, INDICATOR_PATTERN, "[x:y = 'z']", "red", true);
	arm_rows_put(s->rows, INDICATOR_PATTERN, "[file:size > 1]", "red",
		     true);
	wait_for(30, is_even(s));
	assert_true(!has(s, "a.example") && has(s, "b.example"));
	assert_int_equal(status(s).patterns_refused, 1);
	assert_int_equal(status(s).patterns, 1);
	assert_int_equal(status(s).indicators, 1);
	assert_int_equal(status(s).n.forged, 0);
}

static void
an_empty_set_is_armed_too(void **state)
{
	struct scene *s = *state;

	publish(s);
	follow(s);
	wait_for(30, is_even(s));
	put(s, "first.example", true);
	wait_for(30, is_even(s));
	assert_true(has(s, "first.example"));
}

static void
redis_may_lose_all(void **state)
{
	struct scene *s = *state;
	struct armed_counts before;
	char path[200];

	put_many(s, 3000);
	publish(s);
	follow(s);
	wait_for(30, is_even(s));
	before = status(s).n;
	redis_fixture_stop(&redis);
	put(s, "n7.example", false);
	assert_true(has(s, "n7.example"));
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	wait_for(30, is_even(s));
	assert_false(has(s, "n7.example"));
	assert_true(has(s, "n8.example"));
	/* Nothing was begun anew for it. */
	assert_int_equal(status(s).n.epoch, before.epoch);
	wait_for(30, published(s).bases >= 2);
	/* And who comes new finds all. */
	end_sensor(s);
	snprintf(path, sizeof(path), "%s/indicators", dir);
	assert_int_equal(unlink(path), 0);
	follow(s);
	wait_for(30, is_even(s));
	assert_int_equal(status(s).indicators, 2999);
}

static void
a_publisher_goes_on_where_it_was(void **state)
{
	struct scene *s = *state;
	uint64_t epoch;

	put_many(s, 100);
	publish(s);
	follow(s);
	wait_for(30, is_even(s));
	epoch = status(s).n.epoch;
	end_publisher(s);
	put(s, "n1.example", false);
	put(s, "late.example", true);
	publish(s);
	wait_for(30, is_even(s));
	assert_int_equal(status(s).n.epoch, epoch);
	assert_int_equal(status(s).n.bases, 1);
	assert_true(has(s, "late.example") && !has(s, "n1.example"));
}

/* Numbers are given a second time: another epoch tells them apart. */
static void
a_restored_store_begins_an_epoch(void **state)
{
	struct scene *s = *state;
	uint64_t epoch;

	put_many(s, 100);
	publish(s);
	follow(s);
	put(s, "mistake.example", true);
	wait_for(30, is_even(s));
	epoch = status(s).n.epoch;
	end_publisher(s);
	arm_rows_restore(s->rows, 90);
	publish(s);
	wait_for(30, is_even(s));
	assert_true(status(s).n.epoch > epoch);
	assert_false(has(s, "mistake.example"));
	assert_false(has(s, "n95.example"));
	assert_int_equal(status(s).indicators, 90);
}

/* The same when Redis knows nothing of it, and a sensor does. */
static void
a_sensor_that_is_ahead_is_heard(void **state)
{
	struct scene *s = *state;
	char version[DELTA_VERSION_CAP];
	struct armed_counts n;

	put_many(s, 50);
	publish(s);
	follow(s);
	wait_for(30, is_even(s));
	n = status(s).n;
	arm_seen(s->arm, "nonsense");
	arm_seen(s->arm, delta_version_text(n.epoch, n.version, version));
	put(s, "x.example", true);
	wait_for(30, is_even(s));
	assert_int_equal(status(s).n.epoch, n.epoch);
	arm_seen(s->arm, delta_version_text(n.epoch, n.version + 9, version));
	wait_for(30, is_even(s) && status(s).n.epoch > n.epoch);
	n = status(s).n;
	arm_seen(s->arm, delta_version_text(n.epoch + 77, 1, version));
	wait_for(30, is_even(s) && status(s).n.epoch > n.epoch + 77);
	n = status(s).n;
	/* Beyond all clocks: a liar. */
	arm_seen(s->arm, delta_version_text(UINT64_MAX, 1, version));
	put(s, "y.example", true);
	wait_for(30, is_even(s));
	assert_int_equal(status(s).n.epoch, n.epoch);
}

static void
a_sensor_is_armed_from_its_disk(void **state)
{
	struct scene *s = *state;
	char path[200];
	struct stat st;

	put_many(s, 5000);
	publish(s);
	follow(s);
	wait_for(30, is_even(s));
	put(s, "n0.example", false);
	wait_for(30, is_even(s));
	put(s, "late.example", true);
	wait_for(30, is_even(s));
	end_sensor(s);
	redis_fixture_stop(&redis);
	load(s);
	assert_int_equal(status(s).indicators, 5000);
	assert_true(has(s, "late.example") && !has(s, "n0.example"));
	assert_int_equal(status(s).n.version, arm_rows_version(s->rows));
	end_sensor(s);
	/* A kill while the last delta was written: the one before counts. */
	snprintf(path, sizeof(path), "%s/indicators", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 3), 0);
	load(s);
	assert_int_equal(status(s).indicators, 4999);
	assert_false(has(s, "late.example"));
	end_sensor(s);
	/* And from there it goes on. */
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	follow(s);
	wait_for(30, is_even(s));
	assert_true(has(s, "late.example"));
	end_sensor(s);
	/* In the middle of the base it is worth nothing. */
	assert_int_equal(truncate(path, 400), 0);
	load(s);
	assert_int_equal(status(s).indicators, 0);
	end_sensor(s);
	follow(s);
	wait_for(30, is_even(s));
	assert_int_equal(status(s).indicators, 5000);
}

static void
files_of_others_arm_nothing(void **state)
{
	struct scene *s = *state;
	struct armed_options o = { .key = foreign, .redis = &where };
	struct diag d;

	put_many(s, 50);
	publish(s);
	follow(s);
	wait_for(30, is_even(s));
	end_sensor(s);
	/* The same file, and another collector's key. */
	assert_int_equal(armed_new(&s->armed, &o, &d), ERR_OK);
	armed_load(s->armed, dir);
	assert_int_equal(status(s).indicators, 0);
	assert_int_equal(status(s).n.forged, 1);
}

static void
what_is_forged_or_played_back_is_refused(void **state)
{
	struct scene *s = *state;
	struct delta_writer *w = delta_writer_new();
	struct delta_head h = { .kind = DELTA_CHANGES };
	struct indicator i = { .kind = INDICATOR_DOMAIN,
			       .value = "forged.example",
			       .id = "",
			       .source = "",
			       .created_by = "",
			       .description = "",
			       .labels = "",
			       .tactic = "",
			       .kill_chain = "" };
	struct sign_key *ours, *theirs;
	struct view doc;
	struct armed_counts n;
	struct diag d;
	char other[140];

	put_many(s, 50);
	publish(s);
	follow(s);
	wait_for(30, is_even(s));
	n = status(s).n;
	snprintf(other, sizeof(other), "%.*s", (int)strlen(foreign) - 4,
		 foreign);
	assert_int_equal(sign_key_load(&theirs, other, true, &d), ERR_OK);
	assert_int_equal(sign_key_load(&ours, key, true, &d), ERR_OK);
	/* Another key's. */
	h.epoch = n.epoch;
	h.from = n.version;
	h.to = n.version + 5;
	delta_begin(w);
	assert_int_equal(delta_add(w, &i, true, &d), ERR_OK);
	assert_int_equal(delta_finish(w, &h, theirs, &doc, &d), ERR_OK);
	command("XADD %s * doc %b", DELTA_STREAM, doc.p, doc.len);
	wait_for(30, status(s).n.forged == 1);
	/* Ours, of before. */
	h.from = 1;
	h.to = n.version;
	assert_int_equal(delta_finish(w, &h, ours, &doc, &d), ERR_OK);
	command("XADD %s * doc %b", DELTA_STREAM, doc.p, doc.len);
	wait_for(30, status(s).n.old == 1);
	/* Ours, of a former epoch. */
	h.epoch = n.epoch - 1;
	h.to = n.version + 1000;
	assert_int_equal(delta_finish(w, &h, ours, &doc, &d), ERR_OK);
	command("XADD %s * doc %b", DELTA_STREAM, doc.p, doc.len);
	wait_for(30, status(s).n.old == 2);
	command("XADD %s * doc %b", DELTA_STREAM, "x", 1);
	wait_for(30, status(s).n.bad == 1);
	command("SET %s %b", DELTA_BASE, "junk", 4);
	put(s, "good.example", true);
	wait_for(30, is_even(s));
	assert_false(has(s, "forged.example"));
	assert_int_equal(status(s).n.epoch, n.epoch);
	sign_key_free(ours);
	sign_key_free(theirs);
	delta_writer_free(w);
}

/* Two deltas while no sensor looks, and what 'script' does to them. */
static void
two_deltas(struct scene *s, const char *script)
{
	put_many(s, 50);
	publish(s);
	follow(s);
	wait_for(30, is_even(s));
	end_sensor(s);
	put(s, "n1.example", false);
	wait_for(30, published(s).version == arm_rows_version(s->rows));
	put(s, "b.example", true);
	wait_for(30, published(s).version == arm_rows_version(s->rows));
	command("EVAL %s 1 " DELTA_STREAM " %b", script, "", 0);
	follow(s);
}

/* The collector hears where the sensor is, as it does of its presence. */
static bool
is_heard_and_even(struct scene *s)
{
	struct armed_status st = status(s);
	char version[DELTA_VERSION_CAP];

	arm_seen(s->arm, delta_version_text(st.n.epoch, st.n.version, version));
	return is_even(s);
}

/* Nothing is skipped over: what a lost delta said comes with a base. */
static void
a_lost_delta_is_no_loss(void **state)
{
	struct scene *s = *state;
	uint64_t bases;

	two_deltas(s,
		   "local r=redis.call('XREVRANGE',KEYS[1],'+','-','COUNT',2)"
		   " return redis.call('XDEL',KEYS[1],r[2][1])");
	wait_for(30, status(s).n.gaps >= 1);
	assert_true(!has(s, "b.example") && has(s, "n1.example"));
	wait_for(30, is_heard_and_even(s));
	assert_true(has(s, "b.example") && !has(s, "n1.example"));
	/* One is enough, and those that are even need none. */
	bases = published(s).bases;
	assert_in_range(bases, 2, 3);
	for (unsigned i = 0; i < 100; i++) {
		assert_true(is_heard_and_even(s));
		usleep(5000);
	}
	assert_int_equal(published(s).bases, bases);
}

/* The second before the first: none is in force before what it leads on from. */
static void
deltas_out_of_order_are_no_harm(void **state)
{
	struct scene *s = *state;

	two_deltas(s,
		   "local r=redis.call('XREVRANGE',KEYS[1],'+','-','COUNT',2)"
		   " redis.call('XDEL',KEYS[1],r[1][1],r[2][1])"
		   " redis.call('XADD',KEYS[1],'*',unpack(r[1][2]))"
		   " return redis.call('XADD',KEYS[1],'*',unpack(r[2][2]))");
	wait_for(30, is_even(s));
	assert_true(has(s, "b.example") && !has(s, "n1.example"));
	put(s, "c.example", true);
	wait_for(30, is_even(s));
	assert_true(has(s, "c.example"));
}

/* A base of which a part is missing disarms nothing. */
static void
half_a_base_changes_nothing(void **state)
{
	struct scene *s = *state;
	struct arm_status st;
	char part[DELTA_KEY_CAP];

	put_many(s, 60000); /* several parts */
	publish(s);
	wait_for(60, published(s).bases == 1);
	st = published(s);
	assert_in_range(st.base_parts, 2, 100);
	end_publisher(s);
	delta_part_key(st.epoch, 0, 0, part);
	load(s);
	assert_int_equal(armed_start(s->armed, &(struct diag){ "" }), ERR_OK);
	wait_for(60, status(s).n.bases == 1);
	assert_int_equal(status(s).indicators, 60000);
	end_sensor(s);
	/* A later base, half of it gone. */
	put(s, "n1.example", false);
	publish(s);
	wait_for(60, published(s).bases == 1);
	end_publisher(s);
	command("EVAL %s 0 %b",
		"for _,k in ipairs(redis.call('KEYS','*base:*:1')) do "
		"redis.call('DEL',k) end redis.call('DEL','" DELTA_STREAM "') "
		"return 1",
		"", 0);
	follow(s);
	wait_for(30, status(s).reachable);
	assert_int_equal(status(s).indicators, 60000);
	assert_true(has(s, "n1.example"));
	/* The publisher sees what is missing. */
	publish(s);
	wait_for(60, is_even(s));
	assert_false(has(s, "n1.example"));
	assert_int_equal(status(s).indicators, 59999);
}

/* --- how long it takes --- */

static uint64_t lags[20000];
static _Atomic unsigned n_lags;

static enum err
note_lag(void *arg, const struct indicator *i, bool once)
{
	uint64_t now = clock_wall_us();

	(void)arg;
	if (!once && i->modified_us > 0 && n_lags < ARRAY_LEN(lags)) {
		lags[n_lags++] = now - i->modified_us;
	}
	return ERR_OK;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
changes_are_in_force_soon(void **state)
{
	enum { CHANGES = 800 };
	struct scene *s = *state;
	struct armed_options o = { .key = public,
				   .redis = &where,
				   .ask = note_lag };
	uint64_t next;
	char name[64];
	struct diag d;
	unsigned from;

	put_many(s, 50000);
	publish(s);
	assert_int_equal(armed_new(&s->armed, &o, &d), ERR_OK);
	armed_load(s->armed, dir);
	assert_int_equal(armed_start(s->armed, &d), ERR_OK);
	wait_for(60, is_even(s));
	n_lags = from = 0;
	next = clock_mono_us();
	for (unsigned i = 0; i < CHANGES; i++) {
		snprintf(name, sizeof(name), "change%u.example", i);
		put(s, name, true);
		next += 1000;
		while (clock_mono_us() < next) {
			usleep(200);
		}
	}
	wait_for(60, is_even(s));
	assert_int_equal(n_lags, CHANGES);
	qsort(lags + from, CHANGES, sizeof(lags[0]), compare);
	print_message("50,000 armed, 1,000 changes/s: in force after "
		      "%" PRIu64 " us (median), %" PRIu64 " us (99 %%), "
		      "%" PRIu64 " us (all)\n",
		      lags[CHANGES / 2], lags[CHANGES * 99 / 100],
		      lags[CHANGES - 1]);
}

static void
make_key(char path[128], const char *name)
{
	struct diag d;

	snprintf(path, 128, "%.90s/%s", redis.dir, name);
	assert_int_equal(sign_key_make(path, &d), ERR_OK);
}

int
main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		SCENE(sensors_follow_each_change),
		SCENE(an_empty_set_is_armed_too),
		SCENE(redis_may_lose_all),
		SCENE(a_publisher_goes_on_where_it_was),
		SCENE(a_restored_store_begins_an_epoch),
		SCENE(a_sensor_that_is_ahead_is_heard),
		SCENE(a_sensor_is_armed_from_its_disk),
		SCENE(files_of_others_arm_nothing),
		SCENE(what_is_forged_or_played_back_is_refused),
		SCENE(a_lost_delta_is_no_loss),
		SCENE(deltas_out_of_order_are_no_harm),
		SCENE(half_a_base_changes_nothing),
		SCENE(changes_are_in_force_soon),
	};
	int failed;

	if (!redis_fixture_open(&redis)) {
		return 77;
	}
	where = (struct redis_options){ .url = redis.url };
	make_key(key, "key");
	snprintf(public, sizeof(public), "%s.pub", key);
	make_key(foreign, "foreign");
	strcat(foreign, ".pub");
	snprintf(dir, sizeof(dir), "%.90s/spool", redis.dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	redis_fixture_close(&redis);
	return failed;
}
