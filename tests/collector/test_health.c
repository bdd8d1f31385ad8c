/* SPDX-License-Identifier: Apache-2.0 */
/* Who is there and who is not, with a Redis that does not always say. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/health.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/redis_link.h"
#include "tests/redis_fixture.h"
#include "tests/wait_for.h"

static struct redis_fixture redis;
static struct redis_link *conn;
static struct ingest *in;
static struct health *health;
static struct store *store;
static char path[128];

static void
say(const char *command)
{
	redisReply *r = NULL;
	struct diag d;

	assert_int_equal(redis_link_call(conn, 5000, &r, &d, command), ERR_OK);
	assert_int_not_equal(r->type, REDIS_REPLY_ERROR);
	freeReplyObject(r);
}

/* Reads until so many streams are known: the set is read every two seconds. */
static void
until_streams(unsigned n)
{
	uint64_t end = clock_mono_us() + 240 * US_PER_S;

	print_message("waiting for %u streams\n", n);
	while (ingest_n_streams(in) < n) {
		const struct ingest_entry *entries;
		struct diag d = { "" };
		bool renewed;
		size_t got;

		assert_true(clock_mono_us() < end);
		(void)!ingest_read(in, 50, &entries, &got, &renewed, &d);
	}
}

static void
know(void *arg, const char *site, const char *sensor)
{
	ingest_know(arg, site, sensor);
}

static void
none(void *arg, const char *site, const char *sensor)
{
	(void)arg;
	fail_msg("%s/%s", site, sensor);
}

struct states {
	char b[16], c[16];
};

static void
take_state(void *arg, const struct store_sensor *s)
{
	struct states *t = arg;

	if (strcmp(s->site, "a") != 0) {
		return;
	}
	snprintf(strcmp(s->sensor, "b") == 0 ? t->b : t->c, sizeof(t->b), "%s",
		 s->state);
}

static struct states
states(void)
{
	struct states t = { "", "" };
	struct store_reader *r = NULL;
	struct diag d;

	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	assert_int_equal(store_read_sensors(r, take_state, &t), ERR_OK);
	store_reader_close(r);
	return t;
}

static enum err
look(struct diag *d)
{
	d->msg[0] = '\0';
	return health_check(health, in, store, true, d);
}

static void
a_refusal_is_no_silence(void **state)
{
	struct diag d;

	(void)state;
	if (in == NULL) {
		skip();
	}
	say("SADD picket:sensors a/b");
	say("HSET picket:sensor:{a/b} state live");
	until_streams(1);
	say("SADD picket:sensors a/c");
	say("HSET picket:sensor:{a/c} state live");
	until_streams(2);
	assert_int_equal(look(&d), ERR_OK);
	assert_string_equal(states().b, "live");

	say("ACL SETUSER default -hgetall");
	assert_int_equal(look(&d), ERR_AGAIN);
	assert_non_null(strstr(d.msg, "NOPERM"));
	assert_int_equal(health_silent(health), 0);
	assert_string_equal(states().b, "live");
	say("ACL SETUSER default +hgetall");

	/* The first has gone, but of the second nothing can be said: the look
	 * failed, and what it saw is told by the next that does not. */
	say("DEL picket:sensor:{a/b}");
	say("ACL SETUSER default resetkeys ~picket:sensor:{a/b}");
	assert_int_equal(look(&d), ERR_AGAIN);
	assert_int_equal(health_silent(health), 0);
	assert_string_equal(states().b, "live");
	say("ACL SETUSER default allkeys");
	assert_int_equal(look(&d), ERR_OK);
	assert_int_equal(health_silent(health), 1);
	assert_string_equal(states().b, "silent");
	assert_string_equal(states().c, "live");

	/* Another type is no presence, for good. */
	say("DEL picket:sensor:{a/c}");
	say("SET picket:sensor:{a/c} x");
	assert_int_equal(look(&d), ERR_OK);
	assert_string_equal(states().c, "silent");
}

/* One sensor's presence costs the connection; all others are looked at. */
static void
what_is_too_large_hides_nobody(void **state)
{
	struct diag d;

	(void)state;
	if (in == NULL) {
		skip();
	}
	say("DEL picket:sensor:{a/c}");
	say("HSET picket:sensor:{a/c} state live");
	say("EVAL redis.call('HSET','picket:sensor:{a/b}','state',"
	    "string.rep('x',17*1048576))return(1) 0");
	until_streams(2);
	assert_int_not_equal(look(&d), ERR_OK);
	wait_for(20, look(&d) == ERR_OK);
	assert_string_equal(states().b, "silent");
	assert_string_equal(states().c, "live");
	/* And it is not asked for each time. */
	assert_int_equal(look(&d), ERR_OK);
	assert_int_equal(ingest_troubles(in)[REDIS_GARBAGE], 2);
	say("DEL picket:sensor:{a/b}");
	say("DEL picket:sensor:{a/c}");
	assert_int_equal(look(&d), ERR_OK);
	assert_string_equal(states().c, "silent");
}

/* So may names that any sensor can write: streams are read all the same. */
static void
names_too_large_keep_nobody_waiting(void **state)
{
	static const char *const spoils[] = {
		"EVAL redis.call('SADD','picket:sensors',"
		"string.rep('x',17*1048576))return(1) 0",
		"EVAL redis.call('SET','picket:alerts:{'.."
		"string.rep('x',17*1048576),'')return(1) 0",
	};
	const struct ingest_entry *entries;
	struct diag d = { "" };
	bool renewed;
	size_t got = 0;

	(void)state;
	if (in == NULL) {
		skip();
	}
	say(spoils[0]);
	say(spoils[1]);
	say("XADD picket:alerts:{a/b} * v 0");
	/* Another collector would look for all names at once. */
	ingest_free(in);
	assert_int_equal(ingest_new(&in,
				    &(struct redis_options){ .url = redis.url },
				    "test", &d),
			 ERR_OK);
	ingest_know(in, "a", "b");
	ingest_know(in, "a", "c");
	wait_for(20, ((void)!ingest_read(in, 50, &entries, &got, &renewed, &d),
		      got > 0));
	assert_int_equal(ingest_troubles(in)[REDIS_GARBAGE], 4);
	say("FLUSHALL");
}

/* Redis lost all it had, the collector ended, and the sensor never came back:
 * nobody watches there, and that shows. */
static void
what_redis_forgot_is_missed(void **state)
{
	struct mission_map *map = mission_empty();
	struct store_ledger *ledger = NULL;
	struct health_parts parts = { .missions = map,
				      .blind = &blind_defaults };
	uint64_t gone = clock_wall_us() - 3600 * US_PER_S;
	struct diag d = { "" };
	struct blind b;
	int64_t id;

	(void)state;
	if (in == NULL) {
		skip();
	}
	assert_int_equal(store_ledger_new(&ledger, store, &d), ERR_OK);
	parts.ledger = ledger;
	health_set_parts(health, &parts);
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(store_sensor(store, "z", "c", &id), ERR_OK);
	assert_int_equal(store_blind_seen(store, id, true, gone), ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	for (int life = 0; life < 2; life++) {
		unsigned n = ingest_n_streams(in), silent;

		assert_int_equal(store_blind_each_live(store, know, in),
				 ERR_OK);
		assert_int_equal(ingest_n_streams(in), n + (life == 0));
		silent = health_silent(health);
		assert_int_equal(look(&d), ERR_OK);
		assert_int_equal(health_silent(health), silent + 1);
		assert_int_equal(store_blind_load(store, id, &b), ERR_OK);
		assert_int_equal(b.open_us[BLIND_silent], gone);
		/* The next collector knows it too. */
		health_free(health);
		health = health_new();
		assert_non_null(health);
		health_set_parts(health, &parts);
	}
	/* One that said goodbye is not missed. */
	assert_int_equal(
		sql_exec(store_db(store), "UPDATE blind SET cause='ended'"),
		ERR_OK);
	assert_int_equal(store_blind_each_live(store, none, NULL), ERR_OK);
	assert_int_equal(look(&d), ERR_OK);
	assert_int_equal(health_silent(health), 0);
	health_free(health);
	health = NULL;
	store_ledger_free(ledger);
	mission_free(map);
}

static bool
start(void)
{
	struct redis_options o = { .url = redis.url };
	struct diag d = { "" };

	snprintf(path, sizeof(path), "%s/s.db", redis.dir);
	health = health_new();
	return health != NULL &&
	       redis_link_new(&conn, redis.url, &d) == ERR_OK &&
	       redis_link_connect(conn, 60000, &d) == ERR_OK &&
	       store_open(&store, path, &d) == ERR_OK &&
	       ingest_new(&in, &o, "test", &d) == ERR_OK;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_is_no_silence),
		cmocka_unit_test(what_is_too_large_hides_nobody),
		cmocka_unit_test(names_too_large_keep_nobody_waiting),
		cmocka_unit_test(what_redis_forgot_is_missed),
	};
	int rc;

	if (redis_fixture_open(&redis) &&
	    redis_fixture_start(&redis, NULL, NULL) && !start()) {
		print_message("cannot begin\n");
		return 1;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	ingest_free(in);
	health_free(health);
	store_close(store);
	unlink(path);
	redis_link_free(conn);
	redis_fixture_close(&redis);
	return rc;
}
