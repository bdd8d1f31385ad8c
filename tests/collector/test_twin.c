/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/twin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "tests/rnd.h"

#define T0 (UINT64_C(1700000000) * 1000000)
#define S UINT64_C(1000000)

static int64_t next_alert;

/* An alert of TCP: client and server number 0 are not known. */
static struct alert
tcp(const char *src, uint16_t sport, const char *dst, uint32_t client,
    uint32_t server)
{
	struct alert a = { .src_port = sport,
			   .dst_port = 80,
			   .has_addrs = true,
			   .proto = VIEW_LIT("TCP"),
			   .gid = 1,
			   .sid = 7 };

	assert_true(addr_parse(view_cstr(src), &a.src));
	assert_true(addr_parse(view_cstr(dst), &a.dst));
	a.trace.isn[0] = client;
	a.trace.isn[1] = server;
	a.trace.has_isn[0] = client != 0;
	a.trace.has_isn[1] = server != 0;
	return a;
}

static struct alert
udp(const char *src, uint16_t sport, const char *dst, uint64_t content)
{
	struct alert a = tcp(src, sport, dst, 0, 0);

	a.proto = VIEW_LIT("UDP");
	a.trace.content = content;
	return a;
}

/* 'seen' at a time; the first alert of its event. */
static int64_t
at(struct twins *t, int64_t sensor, uint64_t us, struct alert a)
{
	struct twin_seen s = { ++next_alert, sensor, us, us, false };

	return twins_add(t, &s, &a);
}

static int64_t
exact(struct twins *t, int64_t sensor, uint64_t us, struct alert a)
{
	struct twin_seen s = { ++next_alert, sensor, us, us, true };

	return twins_add(t, &s, &a);
}

static struct twins *
begin(size_t max)
{
	struct twins *t = twins_new(max);

	assert_non_null(t);
	next_alert = 0;
	return t;
}

static void
one_connection(void **state)
{
	struct twins *t = begin(1000);
	struct alert a = tcp("10.1.2.3", 4000, "198.51.100.1", 11, 22);
	struct alert nat = tcp("192.0.2.9", 61000, "198.51.100.1", 11, 22);
	struct alert both = tcp("192.0.2.9", 61000, "10.9.9.9", 11, 22);

	(void)state;
	assert_int_equal(at(t, 1, T0, a), 1);
	assert_int_equal(at(t, 2, T0 + 300 * S, nat), 1);
	assert_int_equal(at(t, 3, T0 - 300 * S, both), 1);
	/* An asymmetric tap. */
	a.trace.has_isn[1] = false;
	assert_int_equal(at(t, 4, T0, a), 1);
	/* The second of a sensor is a second event, at each of them. */
	a.trace.has_isn[1] = true;
	assert_int_equal(at(t, 1, T0 + S, a), 5);
	assert_int_equal(at(t, 2, T0 + 301 * S, nat), 5);
	twins_free(t);
}

static void
look_alikes(void **state)
{
	struct twins *t = begin(1000);
	struct alert other;

	(void)state;
	/* Another port, other numbers; the same port again; another rule. */
	assert_int_equal(
		at(t, 1, T0, tcp("10.1.2.3", 4000, "198.51.100.1", 11, 22)), 1);
	assert_int_equal(
		at(t, 2, T0, tcp("10.1.2.3", 4001, "198.51.100.1", 33, 44)), 2);
	assert_int_equal(
		at(t, 3, T0, tcp("10.1.2.3", 4000, "198.51.100.1", 11, 23)), 3);
	other = tcp("10.1.2.3", 4000, "198.51.100.1", 11, 22);
	other.sid = 8;
	assert_int_equal(at(t, 4, T0, other), 4);
	/* One datagram from two public sources, and from two ports of one. */
	assert_int_equal(
		at(t, 1, T0, udp("203.0.113.1", 53, "198.51.100.1", 5)), 5);
	assert_int_equal(
		at(t, 2, T0, udp("203.0.113.2", 53, "198.51.100.1", 5)), 6);
	assert_int_equal(
		at(t, 3, T0, udp("203.0.113.1", 54, "198.51.100.1", 5)), 7);
	assert_int_equal(
		at(t, 4, T0, udp("203.0.113.1", 53, "198.51.100.1", 6)), 8);
	/* The same again an hour later. */
	assert_int_equal(at(t, 5, T0 + 3600 * S,
			    udp("203.0.113.1", 53, "198.51.100.1", 5)),
			 9);
	/* By clocks that were compared, a minute later. */
	assert_int_equal(exact(t, 6, T0 + 10000 * S,
			       udp("203.0.113.9", 53, "198.51.100.1", 5)),
			 10);
	assert_int_equal(exact(t, 7, T0 + 10060 * S,
			       udp("203.0.113.9", 53, "198.51.100.1", 5)),
			 11);
	/* Another packet by its identification. */
	other = udp("203.0.113.7", 53, "198.51.100.1", 5);
	other.trace.ip_id = 100;
	assert_int_equal(at(t, 1, T0, other), 12);
	other.trace.ip_id = 101;
	assert_int_equal(at(t, 2, T0, other), 13);
	twins_free(t);
}

static void
datagram_behind_nat(void **state)
{
	struct twins *t = begin(1000);

	(void)state;
	assert_int_equal(
		at(t, 1, T0, udp("10.1.2.3", 5353, "198.51.100.1", 99)), 1);
	assert_int_equal(at(t, 2, T0 + 200 * S,
			    udp("192.0.2.1", 61000, "198.51.100.1", 99)),
			 1);
	/* Its answer, to the translated end. */
	assert_int_equal(at(t, 1, T0, udp("198.51.100.1", 53, "10.1.2.3", 98)),
			 3);
	assert_int_equal(
		at(t, 2, T0 + S, udp("198.51.100.1", 53, "192.0.2.1", 98)), 3);
	twins_free(t);
}

/* Thousands alike on one connection, one tap after the other, with losses. */
static void
many_alike(void **state)
{
	struct twins *t = begin(60000);
	struct alert a = tcp("10.1.2.3", 4000, "198.51.100.1", 11, 22);
	struct twins_stats s;
	unsigned wrong = 0, again = 0;

	(void)state;
	for (uint64_t i = 1; i <= 20000; i++) {
		(void)exact(t, 1, T0 + i * S, a);
	}
	for (uint64_t i = 1; i <= 20000; i++) {
		if (i % 50 != 0) {
			int64_t e = exact(t, 2, T0 + i * S + 1000, a);

			wrong += e != (int64_t)i;
			again += e <= 20000;
		}
	}
	twins_stats(t, &s);
	assert_int_equal(wrong, 0);
	assert_int_equal(again, 19600);
	assert_int_equal(s.events, 20000);
	twins_free(t);
}

/* Who floods makes room himself; the others' are still found. */
static void
flood(void **state)
{
	struct twins *t = begin(4096);
	struct twins_stats s;

	(void)state;
	for (uint32_t i = 1; i <= 1000; i++) {
		(void)at(t, 1, T0, tcp("10.1.2.3", 4000, "192.0.2.1", i, i));
	}
	for (uint32_t i = 1; i <= 100000; i++) {
		(void)at(t, 2, T0,
			 udp("10.1.2.4", (uint16_t)i, "192.0.2.1", 1));
	}
	for (uint32_t i = 1; i <= 1000; i++) {
		assert_int_equal(at(t, 3, T0 + S,
				    tcp("10.1.2.3", 4000, "192.0.2.1", i, i)),
				 i);
	}
	twins_stats(t, &s);
	assert_int_equal(s.kept, 4096);
	assert_int_equal(s.kept + s.evicted, 102000);
	twins_free(t);
}

static void
put_back(void **state)
{
	struct twins *t = begin(100), *u = begin(100);
	struct alert a = tcp("10.1.2.3", 4000, "192.0.2.1", 1, 2);
	struct twin_seen one = { 1, 1, T0, T0, false },
			 two = { 2, 2, T0, T0, false };

	(void)state;
	assert_int_equal(twins_add(t, &one, &a), 1);
	assert_int_equal(twins_add(t, &two, &a), 1);
	twins_load(u, &one, &a, 1);
	twins_load(u, &two, &a, 1);
	next_alert = 2;
	assert_int_equal(at(u, 3, T0, a), 1);
	/* Both are known to have told of it. */
	assert_int_equal(at(u, 2, T0, a), 4);
	twins_reset(u);
	assert_int_equal(at(u, 2, T0, a), 5);
	twins_free(t);
	twins_free(u);
}

/* Clocks of sensors 1 to 4 as they are known: ahead by so many seconds. */
struct clocks {
	int64_t ahead[5];
	bool known;
};

static uint64_t
right(void *arg, int64_t sensor, uint64_t told_us, bool *known)
{
	const struct clocks *c = arg;

	*known = c->known;
	return c->known ? told_us - (uint64_t)(c->ahead[sensor] * (int64_t)S)
			: told_us;
}

/* 'seen' at 'true_us' by a sensor whose clock is as 'c' says. */
static int64_t
told(struct twins *t, struct clocks *c, int64_t sensor, uint64_t true_us,
     struct alert a)
{
	struct twin_seen s = { .alert = ++next_alert, .sensor = sensor };

	s.told_us = true_us + (uint64_t)(c->ahead[sensor] * (int64_t)S);
	s.us = right(c, sensor, s.told_us, &s.clock_known);
	return twins_add(t, &s, &a);
}

static unsigned
rejoin(struct twins *t, struct twins_joined *out, unsigned cap)
{
	unsigned n = 0;

	for (unsigned turns = 0; twins_looking(t); turns++) {
		assert_true(turns < 100);
		n += twins_rejoin(t, out + n, cap - n);
	}
	return n;
}

/* An hour apart: told apart, until the clocks are known. */
static void
joined_late(void **state)
{
	struct twins *t = begin(1000);
	struct clocks c = { .ahead = { 0, 0, 3600, -3600, 0 } };
	const struct twins_clock clock = { right, &c };
	struct alert one = udp("203.0.113.1", 53, "198.51.100.1", 5);
	struct alert two = udp("203.0.113.2", 53, "198.51.100.1", 5);
	struct alert nat = udp("10.0.0.1", 99, "198.51.100.1", 5);
	struct twins_joined j[8];
	struct twins_stats st;

	(void)state;
	one.trace.ip_id = nat.trace.ip_id = 77;
	two.trace.ip_id = 78;
	assert_int_equal(told(t, &c, 1, T0, one), 1);
	assert_int_equal(told(t, &c, 2, T0, one), 2);
	assert_int_equal(told(t, &c, 3, T0, nat), 3);
	/* Joined at once: both clocks are right by chance. */
	assert_int_equal(told(t, &c, 4, T0, one), 1);
	/* Another attack, and the same one again a minute later. */
	assert_int_equal(told(t, &c, 1, T0, two), 5);
	assert_int_equal(told(t, &c, 2, T0 + 60 * S, one), 6);
	twins_look_again(t);
	assert_int_equal(rejoin(t, j, 8), 0);
	c.known = true;
	twins_retime(t, &clock);
	assert_true(twins_looking(t));
	assert_int_equal(rejoin(t, j, 8), 2);
	assert_int_equal(j[0].event + j[1].event, 2);
	assert_int_equal(j[0].was + j[1].was, 2 + 3);
	twins_stats(t, &st);
	assert_int_equal(st.rejoined, 2);
	/* Known since: nothing moves, and whoever comes finds it. */
	twins_retime(t, &clock);
	assert_false(twins_looking(t));
	assert_int_equal(told(t, &c, 1, T0 + 60 * S, one), 6);
	twins_free(t);
}

static int64_t
itself(void *arg, int64_t alert)
{
	(void)arg;
	return alert;
}

/* Numbers that are given anew, of any place among the sensors' own; what is
 * left is found as before. */
static void
forgotten(void **state)
{
	struct twins *t = begin(512);
	struct twins_stats st;
	int64_t first;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 40; i++) {
			uint32_t which = rnd(300) + 1;
			struct alert a = tcp("10.1.2.3", (uint16_t)which,
					     "198.51.100.1", which, which + 1);

			(void)at(t, rnd(5) + 1, T0, a);
		}
		first = rnd((uint32_t)next_alert) + 1;
		twins_forget(t, first, first + rnd(200), itself, NULL);
	}
	twins_forget(t, 1, next_alert, itself, NULL);
	twins_stats(t, &st);
	assert_int_equal(st.kept, 0);
	first = at(t, 1, T0, udp("203.0.113.1", 53, "198.51.100.1", 5));
	assert_int_equal(first, next_alert);
	assert_int_equal(
		at(t, 2, T0, udp("203.0.113.1", 53, "198.51.100.1", 5)), first);
	/* The first goes: who is left has the number that is said. */
	twins_forget(t, first, first, itself, NULL);
	assert_int_equal(
		at(t, 3, T0, udp("203.0.113.1", 53, "198.51.100.1", 5)),
		first + 1);
	twins_free(t);
}

/* The reference changes when a third sensor comes: two that were at hand. */
static void
moved_reference(void **state)
{
	struct twins *t = begin(1000);
	struct clocks c = { .ahead = { 0, -137, 0, 298, 0 }, .known = true };
	const struct twins_clock clock = { right, &c };
	struct alert one = udp("203.0.113.1", 53, "198.51.100.1", 5);
	struct twins_joined j[8];

	(void)state;
	assert_int_equal(told(t, &c, 1, T0, one), 1);
	/* All are known to be 137 s further ahead than was thought. */
	for (unsigned i = 1; i < 5; i++) {
		c.ahead[i] += 137;
	}
	twins_retime(t, &clock);
	assert_int_equal(rejoin(t, j, 8), 0);
	assert_int_equal(told(t, &c, 2, T0 - 137 * S, one), 1);
	twins_free(t);
}

/* Whose turn it is may be displaced, and a sensor never has two of an event. */
static void
looked_at_and_displaced(void **state)
{
	struct twins *t = begin(64);
	struct clocks c = { .ahead = { 0, 0, 3600, 0, 0 } };
	const struct twins_clock clock = { right, &c };
	struct twins_joined j[64];
	unsigned n;

	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		struct alert a = udp("203.0.113.1", (uint16_t)(i / 2 + 1),
				     "198.51.100.1", 5);

		(void)told(t, &c, 1, T0 + i * S, a);
		(void)told(t, &c, 2, T0 + i * S, a);
	}
	c.known = true;
	twins_retime(t, &clock);
	n = twins_rejoin(t, j, 3);
	assert_int_equal(n, 3);
	for (unsigned i = 0; i < 20; i++) {
		(void)told(t, &c, 3, T0,
			   udp("203.0.113.9", (uint16_t)(i + 1), "198.51.100.2",
			       6));
	}
	n += rejoin(t, j + n, 64 - n);
	assert_in_range(n, 20, 32);
	twins_free(t);
}

/* Datagrams that differ in their identification alone, most of them seen at one
 * tap only. */
static void
datagrams_alike(void **state)
{
	struct twins *t = begin(8192);

	(void)state;
	for (unsigned i = 1; i <= 2000; i++) {
		struct alert a = udp("203.0.113.1", 53, "198.51.100.1", 5);

		a.trace.ip_id = (uint16_t)i;
		assert_int_equal(exact(t, 1, T0 + i * 1000, a), (int64_t)i);
	}
	for (unsigned i = 1; i <= 2000; i += 97) {
		struct alert a = udp("203.0.113.1", 53, "198.51.100.1", 5);

		a.trace.ip_id = (uint16_t)(2001 - i);
		assert_int_equal(exact(t, 2, T0 + (2001 - i) * 1000, a),
				 (int64_t)(2001 - i));
	}
	twins_free(t);
}

/* For those without twins; says what it takes, and fails when it is absurd. */
static void
cost(void **state)
{
	struct twins *t = begin(TWIN_MAX);
	clock_t start = clock(), took;
	const uint32_t n = 300000;

	(void)state;
	for (uint32_t i = 1; i <= n; i++) {
		struct alert a =
			tcp("10.1.2.3", (uint16_t)i, "192.0.2.1", i, i * 7);

		(void)at(t, i % 4 + 1, T0 + i, a);
	}
	took = clock() - start;
	print_message("%.0f ns an observation\n",
		      (double)took * 1e9 / CLOCKS_PER_SEC / n);
	/* A walk through all that is kept would take longer. */
	assert_true(took / CLOCKS_PER_SEC < 30);
	twins_free(t);
}

/* A summary of the past is not what another tap sees just now. */
static void
past(void **state)
{
	struct twins *t = twins_new(64);
	struct alert live = udp("10.0.0.1", 4000, "203.0.113.7", 0), told;
	int64_t a, b, c;

	(void)state;
	told = live;
	told.has_past = true;
	a = at(t, 1, T0, live);
	b = at(t, 2, T0 + S, told);
	c = at(t, 3, T0 + 2 * S, live);
	assert_int_equal(c, a);
	assert_int_not_equal(b, a);
	twins_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(past),
		cmocka_unit_test(one_connection),
		cmocka_unit_test(look_alikes),
		cmocka_unit_test(datagram_behind_nat),
		cmocka_unit_test(many_alike),
		cmocka_unit_test(flood),
		cmocka_unit_test(put_back),
		cmocka_unit_test(joined_late),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(moved_reference),
		cmocka_unit_test(looked_at_and_displaced),
		cmocka_unit_test(datagrams_alike),
		cmocka_unit_test(cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
