/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sender.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/clock.h"
#include "sensor/sender_entry.h"
#include "tests/redis_fixture.h"

#define NAME "site/sensor"
#define STREAM "picket:alerts:{" NAME "}"
#define WAIT_US (60 * US_PER_S)

static struct redis_fixture redis;
static bool have_redis;
static unsigned n_spools;

static void
need_redis(void)
{
	if (!have_redis) {
		skip();
	}
}

static struct spool *
new_spool(void)
{
	char dir[128];
	struct spool_options o = { .dir = dir, .name = NAME };
	struct spool *s = NULL;
	struct diag d;

	snprintf(dir, sizeof(dir), "%s/spool%u", redis.dir, n_spools++);
	assert_int_equal(spool_open(&s, &o, &d), ERR_OK);
	return s;
}

static struct sender *
new_sender(struct spool *s, unsigned depth)
{
	struct sender_options o = { .redis = { .url = redis.url },
				    .name = NAME,
				    .depth = depth,
				    .resend_us = 60 * US_PER_S };
	struct sender *out = NULL;
	struct diag d;

	assert_int_equal(sender_new(&out, &o, s, &d), ERR_OK);
	return out;
}

static void
put(struct spool *s, uint8_t sev)
{
	static const uint8_t body[700];
	struct frame_header h = { .n = 1, .sev = sev };
	struct diag d;

	assert_int_equal(spool_append(s, &h, view_of(body, sizeof(body)), &d),
			 ERR_OK);
	assert_int_equal(spool_sync(s, &d), ERR_OK);
}

/* One turn of the sender's thread. */
static void
turn(struct sender *s)
{
	struct pollfd fds[4];
	unsigned n;
	int ms;

	sender_step(s);
	n = sender_wait(s, fds, ARRAY_LEN(fds), &ms);
	(void)poll(fds, n, MIN(ms, 20));
}

static void
send_all(struct sender *s)
{
	uint64_t until = clock_mono_us() + WAIT_US;

	while (!sender_all_sent(s)) {
		if (clock_mono_us() > until) {
			fail_msg("waited 60 s for everything to be sent");
		}
		turn(s);
	}
}

static redisReply *
call(const char *fmt, const char *arg)
{
	static struct redis_link *l;
	redisReply *r = NULL;
	struct diag d;

	redis_link_free(l);
	l = NULL;
	assert_int_equal(redis_link_new(&l, redis.url, &d), ERR_OK);
	assert_int_equal(redis_link_connect(l, 5000, &d), ERR_OK);
	assert_int_equal(redis_link_call(l, 5000, &r, &d, fmt, arg), ERR_OK);
	return r;
}

struct entry {
	uint64_t seq, gap_from;
	unsigned sev;
};

/* The stream as it stands, at most 'cap' entries. */
static size_t
read_stream(struct entry *out, size_t cap)
{
	redisReply *r = call("XRANGE %s - +", STREAM);
	size_t n = 0;

	for (; n < r->elements; n++) {
		const redisReply *kv = r->element[n]->element[1];

		assert_true(n < cap);
		out[n] = (struct entry){ .seq = 0 };
		for (size_t i = 0; i + 1 < kv->elements; i += 2) {
			const char *k = kv->element[i]->str;
			uint64_t v =
				strtoull(kv->element[i + 1]->str, NULL, 10);

			if (strcmp(k, "seq") == 0) {
				out[n].seq = v;
			} else if (strcmp(k, "sev") == 0) {
				out[n].sev = (unsigned)v;
			} else if (strcmp(k, "gap_from") == 0) {
				out[n].gap_from = v;
			}
		}
	}
	freeReplyObject(r);
	return n;
}

static void
commit(struct spool *s, uint64_t seq)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64, spool_epoch(s),
		 seq);
	freeReplyObject(call("SET picket:committed:{" NAME "} %s", text));
}

/* A backlog goes out worst first, each class in its order, and nothing of it
 * twice. */
static void
test_worst_first(void **state)
{
	static struct entry e[1000];
	uint64_t last[SPOOL_CLASSES] = { 0 };
	unsigned worst = 0;
	struct sender_stats st;
	struct spool *sp;
	struct sender *s;

	(void)state;
	need_redis();
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	sp = new_spool();
	for (unsigned i = 0; i < 400; i++) {
		put(sp, (uint8_t)(i * i % 7 % 5));
	}
	s = new_sender(sp, 0);
	send_all(s);
	assert_int_equal(read_stream(e, ARRAY_LEN(e)), 400);
	for (unsigned i = 0; i < 400; i++) {
		unsigned c = spool_class((uint8_t)e[i].sev);

		assert_true(c >= worst);
		assert_true(e[i].seq > last[c]);
		worst = c;
		last[c] = e[i].seq;
	}
	sender_get_stats(s, &st);
	assert_int_equal(st.sent, 400);
	assert_int_equal(st.resent, 0);
	sender_free(s);
	spool_close(sp);
	redis_fixture_stop(&redis);
}

/* What comes in while a backlog is under way overtakes it. */
static void
test_overtakes(void **state)
{
	static struct entry e[1000];
	uint64_t until = clock_mono_us() + WAIT_US;
	struct sender_stats st = { .sent = 0 };
	struct spool *sp;
	struct sender *s;
	size_t n, at = 0;

	(void)state;
	need_redis();
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	sp = new_spool();
	for (unsigned i = 0; i < 300; i++) {
		put(sp, 3);
	}
	s = new_sender(sp, 2);
	while (st.sent < 10) {
		assert_true(clock_mono_us() < until);
		turn(s);
		sender_get_stats(s, &st);
	}
	put(sp, 1);
	send_all(s);
	n = read_stream(e, ARRAY_LEN(e));
	assert_int_equal(n, 301);
	while (e[at].sev != 1) {
		at++;
	}
	/* Behind what was on its way already, and not more. */
	assert_true(at < 200);
	assert_int_equal(e[at].seq, 301);
	sender_free(s);
	spool_close(sp);
	redis_fixture_stop(&redis);
}

/* What Redis lost is sent again, once: how many it has is asked anew before it
 * counts for what was put meanwhile. */
static void
test_lost_is_sent_once(void **state)
{
	uint64_t until = clock_mono_us() + WAIT_US;
	struct sender_stats st;
	struct spool *sp;
	struct sender *s;

	(void)state;
	need_redis();
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	sp = new_spool();
	for (unsigned i = 0; i < 10; i++) {
		put(sp, 1);
	}
	s = new_sender(sp, 0);
	send_all(s);
	freeReplyObject(call("DEL picket:alerts:{" NAME "}%s", ""));
	while (!sender_send_again(s)) {
		assert_true(clock_mono_us() < until);
		turn(s);
	}
	do {
		assert_true(clock_mono_us() < until);
		turn(s);
		sender_get_stats(s, &st);
	} while (st.resent < 10);
	/* Through the next question and its answer. */
	until = clock_mono_us() + 2 * US_PER_S;
	while (clock_mono_us() < until) {
		assert_false(sender_send_again(s));
		turn(s);
	}
	sender_get_stats(s, &st);
	assert_int_equal(st.resent, 10);
	sender_free(s);
	spool_close(sp);
	redis_fixture_stop(&redis);
}

/* A link that breaks, and a sensor that starts anew: each goes on where the
 * last entry says, though nothing can be committed yet. */
static void
test_goes_on(void **state)
{
	static struct entry e[1000];
	uint64_t until = clock_mono_us() + WAIT_US;
	bool seen[202] = { false };
	struct sender_stats st = { .sent = 0 };
	struct spool *sp;
	struct sender *s;
	size_t n;

	(void)state;
	need_redis();
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	sp = new_spool();
	for (unsigned i = 0; i < 200; i++) {
		put(sp, i % 4 == 0 ? 3 : 1);
	}
	s = new_sender(sp, 1);
	for (unsigned part = 0; part < 4; part++) {
		uint64_t had;

		sender_get_stats(s, &st);
		had = st.sent + st.resent;
		while (st.sent + st.resent < had + 30) {
			assert_true(clock_mono_us() < until);
			turn(s);
			sender_get_stats(s, &st);
		}
		if (part % 2 == 0) {
			freeReplyObject(call("CLIENT KILL TYPE %s", "normal"));
		} else {
			sender_free(s);
			s = new_sender(sp, 1);
		}
	}
	send_all(s);
	n = read_stream(e, ARRAY_LEN(e));
	for (size_t i = 0; i < n; i++) {
		seen[e[i].seq] = true;
	}
	for (unsigned i = 1; i <= 200; i++) {
		assert_true(seen[i]);
	}
	/* At most what was in flight goes twice. */
	assert_in_range(n, 200, 204);
	sender_free(s);
	spool_close(sp);
	redis_fixture_stop(&redis);
}

/* A gap is told once all before it is sent, and commits are obeyed. */
static void
test_gap_and_commit(void **state)
{
	static struct entry e[100];
	uint64_t until = clock_mono_us() + WAIT_US;
	struct spool *sp;
	struct sender *s;
	struct diag d;
	size_t n;

	(void)state;
	need_redis();
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	sp = new_spool();
	put(sp, 3); /* 1 */
	put(sp, 1); /* 2 */
	/* What the collector has and this disk forgot: numbers go on behind. */
	assert_int_equal(spool_commit(sp, 5, &d), ERR_FORMAT);
	put(sp, 3); /* 6 */
	put(sp, 1); /* 7 */
	s = new_sender(sp, 0);
	send_all(s);
	n = read_stream(e, ARRAY_LEN(e));
	assert_int_equal(n, 2);
	assert_int_equal(e[0].seq, 7);
	assert_int_equal(e[1].seq, 6);
	commit(sp, 7);
	while (spool_committed(sp) != 7) {
		if (clock_mono_us() > until) {
			fail_msg("waited 60 s for the committed point");
		}
		turn(s);
	}
	sender_free(s);
	spool_close(sp);
	redis_fixture_stop(&redis);
}

static struct sign_key *
make_key(const char *name, struct sign_key **public)
{
	char path[128], pub[136];
	struct sign_key *k = NULL;
	struct diag d;

	snprintf(path, sizeof(path), "%s/%s", redis.dir, name);
	snprintf(pub, sizeof(pub), "%s.pub", path);
	assert_int_equal(sign_key_make(path, &d), ERR_OK);
	assert_int_equal(sign_key_load(&k, path, true, &d), ERR_OK);
	assert_int_equal(sign_key_load(public, pub, false, &d), ERR_OK);
	return k;
}

/* Puts a point there and waits until so many were refused and are committed. */
static void
point_is(struct sender *s, struct spool *sp, const char *text, uint64_t forged,
	 uint64_t old, uint64_t committed)
{
	uint64_t until = clock_mono_us() + WAIT_US;
	struct sender_stats st;

	freeReplyObject(call("SET picket:committed:{" NAME "} %s", text));
	do {
		if (clock_mono_us() > until) {
			fail_msg("waited 60 s for '%s': %u forged, %u old, "
				 "committed %u",
				 text, (unsigned)st.points_forged,
				 (unsigned)st.points_old,
				 (unsigned)spool_committed(sp));
		}
		turn(s);
		sender_get_stats(s, &st);
	} while (st.points_forged < forged || st.points_old < old ||
		 spool_committed(sp) < committed);
	assert_int_equal(st.points_forged, forged);
	assert_int_equal(st.points_old, old);
	assert_int_equal(spool_committed(sp), committed);
}

static void
point_by(struct sender *s, struct spool *sp, struct sign_key *k,
	 const char *name, uint64_t seq, uint64_t forged, uint64_t old,
	 uint64_t committed)
{
	char text[POINT_TEXT_CAP];

	assert_int_equal(point_write(k, name, spool_epoch(sp), seq, text),
			 ERR_OK);
	point_is(s, sp, text, forged, old, committed);
}

/* Who may write to Redis and is not the collector has nothing freed, and what
 * the collector once said is not believed later. */
static void
test_forged_point(void **state)
{
	char text[POINT_TEXT_CAP], moved[POINT_TEXT_CAP + 8];
	struct sign_key *own, *own_public, *other, *other_public;
	uint64_t until = clock_mono_us() + WAIT_US;
	struct entry e[8];
	struct spool_stats st;
	struct spool *sp;
	struct sender *s;

	(void)state;
	need_redis();
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	own = make_key("own", &own_public);
	other = make_key("other", &other_public);
	sp = new_spool();
	for (unsigned i = 0; i < 6; i++) {
		put(sp, 1);
	}
	s = new_sender(sp, 0);
	sender_set_keys(s, NULL, own_public);
	send_all(s);
	point_by(s, sp, NULL, NAME, 3, 1, 0, 0); /* not signed */
	point_by(s, sp, other, NAME, 4, 2, 0, 0); /* another key */
	point_by(s, sp, own, "site/other", 5, 3, 0, 0); /* another sensor's */
	/* a good one with another number in front */
	assert_int_equal(point_write(own, NAME, spool_epoch(sp), 2, text),
			 ERR_OK);
	snprintf(moved, sizeof(moved), "%llu 6%s",
		 (unsigned long long)spool_epoch(sp), strrchr(text, ' '));
	point_is(s, sp, moved, 4, 0, 0);
	spool_get_stats(sp, &st);
	assert_int_equal(st.frames, 6);
	/* the collector's own, and then an older one of nobody's */
	point_by(s, sp, own, NAME, 4, 4, 0, 4);
	point_by(s, sp, NULL, NAME, 1, 4, 1, 4);
	assert_int_equal(read_stream(e, ARRAY_LEN(e)), 6);
	/* and one of its own again: whoever lost 3 and 4 must not wait */
	point_is(s, sp, text, 4, 2, 4);
	while (read_stream(e, ARRAY_LEN(e)) < 7) {
		if (clock_mono_us() > until) {
			fail_msg("waited 60 s for the gap");
		}
		turn(s);
	}
	assert_int_equal(e[6].gap_from, 3);
	assert_int_equal(e[6].seq, 4);
	/* another key from now on */
	sender_set_keys(s, NULL, other_public);
	point_by(s, sp, own, NAME, 6, 5, 2, 4);
	point_by(s, sp, other, NAME, 6, 5, 2, 6);
	sender_free(s);
	spool_close(sp);
	sign_key_free(own);
	sign_key_free(own_public);
	sign_key_free(other);
	sign_key_free(other_public);
	redis_fixture_stop(&redis);
}

static int
set_up(void **state)
{
	(void)state;
	have_redis = redis_fixture_open(&redis);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	if (have_redis) {
		redis_fixture_close(&redis);
	}
	return 0;
}

/* Whatever stands in Redis: a committed point, or nothing. */
static void
test_committed_point(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} points[] = {
		{ "1 2", true },
		{ "1700000000000 4611686018427387903", true },
		{ "1700000000000 4611686018427387904", false },
		{ "1700000000000 18446744073709551615", false },
		{ "1700000000000 99999999999999999999", false },
		{ "1 -2", false },
		{ "1", false },
		{ "", false },
		{ "1 2 3", false }, /* half a byte of a mac */
		{ "1 2 0102", true }, /* read, not believed */
		{ "1 2 01020", false },
		{ "1 2 0x", false },
		{ "1 2  01", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		char text[64];
		redisReply r = { .type = REDIS_REPLY_STRING, .str = text };
		struct point point;

		snprintf(text, sizeof(text), "%s", points[i].text);
		r.len = strlen(text);
		assert_int_equal(sender_read_committed(&r, &point),
				 points[i].good);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_committed_point),
		cmocka_unit_test(test_worst_first),
		cmocka_unit_test(test_overtakes),
		cmocka_unit_test(test_lost_is_sent_once),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_gap_and_commit),
		cmocka_unit_test(test_forged_point),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
