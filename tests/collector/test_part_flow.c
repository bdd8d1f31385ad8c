/* SPDX-License-Identifier: Apache-2.0 */
/* From a part's store to the head's by way of a Redis of the test's own: each
 * alert once and in order, whatever is lost, repeated, forged or put back. */
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/part_in.h"
#include "collector/part_out.h"
#include "common/clock.h"
#include "common/point_sign.h"
#include "tests/redis_fixture.h"

#define STREAM "picket:sightings:{1}"

static struct redis_fixture redis;
static struct redis_options where;
static struct sign_key *part_key, *part_public, *head_key, *head_public,
	*other_key, *other_public;

/* Both ends, each with its store and its connection. */
struct scene {
	struct part_config part_cfg, head_cfg;
	char part_db[128], head_db[128];
	struct store *part_store, *head_store;
	struct redis_pool *part_pool, *head_pool;
	struct part_out *out;
	struct part_in *in;
	int64_t next; /* number of the next alert */
	int64_t last; /* that came, in this life of the head */
	unsigned came, out_of_order;
};

static struct sign_key *
a_key(const char *name, struct sign_key **public)
{
	struct sign_key *k = NULL;
	struct diag d = { "" };
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", redis.dir, name);
	assert_int_equal(sign_key_make(file, &d), ERR_OK);
	assert_int_equal(sign_key_load(&k, file, true, &d), ERR_OK);
	unlink(file);
	strcat(file, ".pub");
	assert_int_equal(sign_key_load(public, file, false, &d), ERR_OK);
	unlink(file);
	return k;
}

static int
open_all(void **state)
{
	(void)state;
	if (!redis_fixture_open(&redis)) {
		return 0; /* tests skip */
	}
	where.url = redis.url;
	part_key = a_key("part", &part_public);
	head_key = a_key("head", &head_public);
	other_key = a_key("other", &other_public);
	return 0;
}

static int
close_all(void **state)
{
	struct sign_key *all[] = { part_key,    head_key,    other_key,
				   part_public, head_public, other_public };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		sign_key_free(all[i]);
	}
	redis_fixture_close(&redis);
	return 0;
}

static void
must(enum err e, const struct diag *d)
{
	if (e != ERR_OK) {
		fail_msg("%s: %s", err_name(e), d->msg);
	}
}

static void
open_part(struct scene *s)
{
	struct diag d = { "" };

	must(store_open(&s->part_store, s->part_db, &d), &d);
	must(part_out_new(&s->out, &s->part_cfg, s->part_store, &d), &d);
	must(part_out_reload(s->out), &d);
}

static void
close_part(struct scene *s)
{
	part_out_free(s->out);
	store_close(s->part_store);
}

static void
open_head(struct scene *s)
{
	struct diag d = { "" };

	must(store_open(&s->head_store, s->head_db, &d), &d);
	must(part_in_new(&s->in, &s->head_cfg, s->head_store, &d), &d);
	must(part_in_reload(s->in), &d);
	s->last = 0;
}

static void
close_head(struct scene *s)
{
	part_in_free(s->in);
	store_close(s->head_store);
}

static struct scene *
begin(void)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct diag d = { "" };

	if (redis.pid == 0 && !redis_fixture_start(&redis, NULL, NULL)) {
		skip();
	}
	assert_non_null(s);
	snprintf(s->part_db, sizeof(s->part_db), "%s/part.db", redis.dir);
	snprintf(s->head_db, sizeof(s->head_db), "%s/head.db", redis.dir);
	s->part_cfg = (struct part_config){ .of = 1,
					    .number = 1,
					    .max_waiting = 1 << 20,
					    .own = part_key,
					    .keys = { head_public },
					    .n_keys = 1 };
	s->head_cfg = (struct part_config){ .of = 1,
					    .head = true,
					    .own = head_key,
					    .keys = { part_public },
					    .n_keys = 1 };
	must(redis_pool_new(&s->part_pool, &where, &d), &d);
	must(redis_pool_new(&s->head_pool, &where, &d), &d);
	open_part(s);
	open_head(s);
	s->next = 1;
	return s;
}

static void
remove_store(const char *path)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	char file[160];

	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		snprintf(file, sizeof(file), "%s%s", path, tails[i]);
		unlink(file);
	}
}

static void
end(struct scene *s)
{
	close_part(s);
	close_head(s);
	redis_pool_free(s->part_pool);
	redis_pool_free(s->head_pool);
	remove_store(s->part_db);
	remove_store(s->head_db);
	free(s);
	redis_fixture_stop(&redis);
	redis.pid = 0;
}

/* 'n' alerts into one record of the part's store. */
static void
say(struct scene *s, unsigned n)
{
	struct diag d = { "" };

	must(store_begin(s->part_store), &d);
	for (unsigned i = 0; i < n; i++) {
		struct alert a = { .timestamp_us = 1000 + i,
				   .severity = 1,
				   .sid = 7,
				   .gid = 1,
				   .has_addrs = true };

		must(part_out_alert(s->out, "base", "tap1", s->next++, &a), &d);
	}
	must(part_out_keep(s->out), &d);
	must(store_commit(s->part_store), &d);
	part_out_committed(s->out);
}

static void
part_turn(struct scene *s)
{
	struct diag d = { "" };

	must(part_out_turn(s->out, s->part_pool, &d), &d);
}

static enum err
came(void *arg, unsigned part, const struct part_sight *sight)
{
	struct scene *s = arg;

	assert_int_equal(part, 1);
	assert_string_equal(sight->sensor, "tap1");
	s->out_of_order += sight->alert != s->last + 1;
	s->last = sight->alert;
	s->came++;
	return ERR_OK;
}

/* One turn of the head; 'commit' says whether its transaction succeeds. */
static void
head_turn(struct scene *s, bool commit)
{
	struct diag d = { "" };
	size_t n;

	must(part_in_read(s->in, s->head_pool, &n, &d), &d);
	must(store_begin(s->head_store), &d);
	must(part_in_apply(s->in, clock_wall_us(), came, s), &d);
	if (!commit) {
		store_rollback(s->head_store);
		must(part_in_reload(s->in), &d);
		return;
	}
	must(store_commit(s->head_store), &d);
	must(part_in_acknowledge(s->in, s->head_pool, &d), &d);
}

static struct part_in_stats
head_stats(const struct scene *s)
{
	struct part_in_stats st;

	part_in_stats(s->in, &st);
	return st;
}

static struct part_out_stats
part_stats(const struct scene *s)
{
	struct part_out_stats st;

	part_out_stats(s->out, &st);
	return st;
}

static redisReply *
ask(struct scene *s, const char *fmt, const char *arg)
{
	redisReply *r = NULL;
	struct diag d = { "" };

	must(redis_pool_call(s->head_pool, STREAM, 10000, &r, &d, fmt, arg),
	     &d);
	assert_int_not_equal(r->type, REDIS_REPLY_ERROR);
	return r;
}

static void
test_each_alert_comes_once(void **state)
{
	struct scene *s = begin();

	(void)state;
	assert_true(part_out_full(s->out)); /* the head was not asked yet */
	part_turn(s);
	assert_false(part_out_full(s->out));
	say(s, 10);
	say(s, 5);
	assert_true(part_out_waiting(s->out));
	part_turn(s);
	head_turn(s, true);
	part_turn(s);
	assert_false(part_out_waiting(s->out));
	assert_int_equal(s->came, 15);
	assert_int_equal(s->out_of_order, 0);
	/* What the head has goes along with what comes next. */
	say(s, 1);
	assert_true(part_stats(s).waiting_bytes < 200);
	part_turn(s);
	head_turn(s, true);
	head_turn(s, true);
	assert_int_equal(s->came, 16);
	assert_int_equal(head_stats(s).alerts, 16);
	end(s);
}

static void
test_a_failed_commit_comes_again(void **state)
{
	struct scene *s = begin();

	(void)state;
	part_turn(s);
	say(s, 10);
	part_turn(s);
	head_turn(s, false);
	assert_int_equal(head_stats(s).alerts, 0);
	s->last = 0;
	head_turn(s, true);
	assert_int_equal(s->came, 20);
	assert_int_equal(s->out_of_order, 0);
	assert_int_equal(head_stats(s).alerts, 10);
	/* The head ends after its commit and before its word on it. */
	say(s, 3);
	part_turn(s);
	close_head(s);
	open_head(s);
	s->last = 10;
	head_turn(s, true);
	assert_int_equal(s->came, 23);
	assert_int_equal(s->out_of_order, 0);
	end(s);
}

static void
test_redis_forgets(void **state)
{
	struct scene *s = begin();

	(void)state;
	part_turn(s);
	say(s, 10);
	part_turn(s);
	freeReplyObject(ask(s, "FLUSHALL", NULL));
	/* Looked for when nothing moved for two seconds. */
	for (unsigned i = 0; i < 600 && s->came < 10; i++) {
		part_turn(s);
		head_turn(s, true);
		usleep(10000);
	}
	assert_int_equal(s->came, 10);
	assert_int_equal(part_stats(s).resent, 1);
	/* And a Redis that is another one gets it at once. */
	say(s, 10);
	part_turn(s);
	redis_fixture_stop(&redis);
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	redis_pool_close(s->part_pool);
	redis_pool_close(s->head_pool);
	part_turn(s);
	head_turn(s, true);
	assert_int_equal(s->came, 20);
	assert_int_equal(s->out_of_order, 0);
	end(s);
}

static void
test_records_that_come_again_are_passed_over(void **state)
{
	struct scene *s = begin();

	(void)state;
	part_turn(s);
	say(s, 4);
	part_turn(s);
	head_turn(s, true);
	/* The part ends before it hears of it, and sends all once more. */
	close_part(s);
	open_part(s);
	say(s, 4);
	freeReplyObject(ask(s, "DEL picket:sighted:{1}", NULL));
	part_turn(s);
	head_turn(s, true);
	assert_int_equal(s->came, 8);
	assert_int_equal(s->out_of_order, 0);
	assert_int_equal(head_stats(s).repeated, 1);
	part_turn(s);
	assert_false(part_out_waiting(s->out));
	end(s);
}

static void
test_others_are_not_believed(void **state)
{
	struct scene *s = begin();
	char text[POINT_TEXT_CAP];

	(void)state;
	part_turn(s);
	s->part_cfg.own = other_key;
	say(s, 4);
	part_turn(s);
	head_turn(s, true);
	assert_int_equal(s->came, 0);
	assert_int_equal(head_stats(s).refused_signature, 1);
	/* A point that another signed, and one of nobody. */
	for (unsigned i = 0; i < 2; i++) {
		redisReply *r = ask(s, "GET %s", "picket:part:{1}");
		struct point p;

		assert_true(point_read(view_of(r->str, r->len), &p));
		freeReplyObject(r);
		assert_int_equal(point_write(i == 0 ? other_key : NULL,
					     "{part}/1", p.epoch, 1, text),
				 ERR_OK);
		freeReplyObject(ask(s, "SET picket:sighted:{1} %s", text));
		part_turn(s);
		assert_true(part_out_waiting(s->out));
	}
	assert_int_equal(part_stats(s).points_refused, 2);
	end(s);
}

static void
test_what_nobody_has_is_counted(void **state)
{
	struct scene *s = begin();
	struct part_in_view v;
	struct diag d = { "" };

	(void)state;
	part_turn(s);
	for (unsigned i = 0; i < 3; i++) {
		say(s, 2);
	}
	part_turn(s);
	head_turn(s, true);
	part_turn(s);
	/* The head's store is put back to nothing. */
	close_head(s);
	remove_store(s->head_db);
	open_head(s);
	say(s, 2);
	part_turn(s);
	head_turn(s, true);
	assert_int_equal(s->came, 8);
	assert_int_equal(head_stats(s).lost, 3);
	must(part_in_look(s->in, s->head_pool, clock_wall_us(), &d), &d);
	part_in_view(s->in, 1, &v);
	assert_int_equal(v.lost, 3);
	assert_int_equal(v.seq, 4);
	assert_false(v.silent);
	end(s);
}

/* Copies a store that nobody has open. */
static void
copy(const char *from, const char *to)
{
	char cmd[320];

	snprintf(cmd, sizeof(cmd), "cp '%s' '%s'", from, to);
	assert_int_equal(system(cmd), 0);
}

static enum err
count(void *arg, unsigned part, const struct part_sight *sight)
{
	(void)part;
	*(unsigned *)arg += sight->kind == PART_ALERT;
	return ERR_OK;
}

static void
test_a_part_that_is_put_back_counts_anew(void **state)
{
	struct scene *s = begin();
	char saved[160];
	unsigned known = 0;
	struct diag d = { "" };

	(void)state;
	snprintf(saved, sizeof(saved), "%s.saved", s->part_db);
	part_turn(s);
	say(s, 2);
	close_part(s);
	copy(s->part_db, saved);
	open_part(s);
	say(s, 2);
	say(s, 2);
	part_turn(s);
	head_turn(s, true);
	assert_int_equal(s->came, 6);
	close_part(s);
	remove_store(s->part_db);
	copy(saved, s->part_db);
	unlink(saved);
	open_part(s);
	/* Nothing is taken in before it is known where the head is. */
	assert_true(part_out_full(s->out));
	part_turn(s);
	assert_false(part_out_full(s->out));
	assert_false(part_out_waiting(s->out));
	say(s, 3);
	part_turn(s);
	head_turn(s, true);
	assert_int_equal(s->came, 9);
	assert_int_equal(head_stats(s).lost, 0);
	/* Former alerts had numbers that are others' now. */
	close_head(s);
	open_head(s);
	must(part_in_recall(s->in, count, &known), &d);
	assert_int_equal(known, 3);
	end(s);
}

static void
test_a_full_outbox_says_so(void **state)
{
	struct scene *s = begin();
	struct part_out_stats st;

	(void)state;
	part_turn(s);
	s->part_cfg.max_waiting = 4096;
	while (!part_out_full(s->out)) {
		say(s, 50);
		assert_true(s->next < 100000);
	}
	part_turn(s);
	st = part_stats(s);
	assert_true(st.full);
	assert_true(st.waiting_bytes >= 4096);
	while (part_out_waiting(s->out)) {
		head_turn(s, true);
		part_turn(s);
	}
	say(s, 1);
	assert_false(part_out_full(s->out));
	assert_true(part_stats(s).waiting_bytes < 4096);
	part_turn(s);
	head_turn(s, true);
	assert_int_equal(s->came, s->next - 1);
	assert_int_equal(s->out_of_order, 0);
	end(s);
}

static void
test_the_latest_are_known_again(void **state)
{
	struct scene *s = begin();
	unsigned known = 0;
	struct diag d = { "" };

	(void)state;
	part_turn(s);
	for (unsigned i = 0; i < 5; i++) {
		say(s, 9000);
		for (unsigned k = 0; k < 100 && s->came < s->next - 1; k++) {
			part_turn(s);
			head_turn(s, true);
		}
	}
	assert_int_equal(s->came, 45000);
	close_head(s);
	open_head(s);
	must(part_in_recall(s->in, count, &known), &d);
	assert_in_range(known, PART_IN_KEPT / 2, PART_IN_KEPT);
	end(s);
}

static void
test_a_store_is_one_parts(void **state)
{
	struct scene *s = begin();
	struct part_out *o = NULL;
	struct part_config cfg = s->part_cfg;
	struct diag d = { "" };

	(void)state;
	cfg.of = cfg.number = 2;
	assert_int_equal(part_out_new(&o, &cfg, s->part_store, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "part 1"));
	end(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_alert_comes_once),
		cmocka_unit_test(test_a_failed_commit_comes_again),
		cmocka_unit_test(test_redis_forgets),
		cmocka_unit_test(test_records_that_come_again_are_passed_over),
		cmocka_unit_test(test_others_are_not_believed),
		cmocka_unit_test(test_what_nobody_has_is_counted),
		cmocka_unit_test(test_a_part_that_is_put_back_counts_anew),
		cmocka_unit_test(test_a_full_outbox_says_so),
		cmocka_unit_test(test_the_latest_are_known_again),
		cmocka_unit_test(test_a_store_is_one_parts),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
