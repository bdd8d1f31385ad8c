/* SPDX-License-Identifier: Apache-2.0 */
/* When was nobody looking: each cause, by a clock of the test's own. */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "collector/blind.h"
#include "common/clock.h"

#define S US_PER_S
#define LOOK_S 5

/* One sensor, looked at every five seconds. */
struct scene {
	struct blind b;
	struct blind_config c;
	struct ledger l;
	struct blind_facts f;
	struct blind_span span[BLIND_MAX_CHANGES];
	unsigned n;
	uint64_t now, down;
};

static void
begin(struct scene *s, bool live)
{
	*s = (struct scene){ .c = blind_defaults, .now = 1000000 * S };
	s->l.epoch = 7;
	s->l.live = live;
	s->l.started_us = s->now;
	s->l.n_links = live ? 2 : 0;
	strcpy(s->l.link[0].name, "tap0");
	strcpy(s->l.link[1].name, "tap1");
	s->l.link[0].up = s->l.link[1].up = 1;
	s->f.there = true;
	s->f.ledger = &s->l;
}

/* Five seconds later: so many packets came in, and so many were dropped. */
static unsigned
look(struct scene *s, uint64_t packets, uint64_t dropped)
{
	s->now += LOOK_S * S;
	s->f.now_us = s->now;
	if (s->f.there) {
		s->l.at_us = s->now - S;
	}
	for (unsigned i = 0; i < s->l.n_links; i++) {
		s->l.link[i].kernel_seen += packets;
		s->l.link[i].kernel_dropped += dropped;
		s->l.link[i].delivered += packets - dropped;
	}
	s->n = blind_look(&s->b, &s->c, &s->f, s->down, s->span);
	s->down = 0;
	assert_true(s->n <= BLIND_MAX_CHANGES);
	return s->n;
}

/* The one change there is. */
static const struct blind_span *
only(const struct scene *s, enum blind_cause cause, bool opened)
{
	if (s->n != 1) {
		for (unsigned i = 0; i < s->n; i++) {
			print_message("%s\n",
				      blind_cause_name(s->span[i].cause));
		}
	}
	assert_int_equal(s->n, 1);
	assert_string_equal(blind_cause_name(s->span[0].cause),
			    blind_cause_name(cause));
	assert_int_equal(s->span[0].to_us == 0, opened);
	return &s->span[0];
}

/* Looks until something changes; how many seconds that took. */
static unsigned
until_change(struct scene *s, uint64_t packets, uint64_t dropped)
{
	unsigned t = 0;

	do {
		t += LOOK_S;
		assert_true(t < 600);
	} while (look(s, packets, dropped) == 0);
	return t;
}

static void
test_quiet(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true);
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(look(&s, 100 + (uint64_t)i % 7, 0), 0);
	}
	/* A replay that comes and goes is nobody's eye. */
	begin(&s, false);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(look(&s, 0, 0), 0);
	}
	s.f.ended = true;
	assert_int_equal(look(&s, 0, 0), 0);
	s.f.there = false;
	assert_int_equal(look(&s, 0, 0), 0);
}

static void
test_silent(void **state)
{
	const struct blind_span *p;
	struct scene s;
	uint64_t seen;

	(void)state;
	begin(&s, true);
	look(&s, 100, 0);
	seen = s.l.at_us;
	/* Killed: what it wrote last is there for seconds, and no proof. */
	for (int i = 0; i < 3; i++) {
		s.now += LOOK_S * S;
		s.f.now_us = s.now;
		s.n = blind_look(&s.b, &s.c, &s.f, 0, s.span);
		assert_int_equal(s.n, 0);
	}
	s.f.there = false;
	look(&s, 0, 0);
	p = only(&s, BLIND_silent, true);
	assert_int_equal(p->from_us, seen);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(look(&s, 0, 0), 0);
	}
	s.f.there = true;
	look(&s, 100, 0);
	p = only(&s, BLIND_silent, false);
	assert_int_equal(p->from_us, seen);
	assert_int_equal(p->to_us, s.now);
	/* A clock that is a minute wrong tells nothing: ours does. */
	begin(&s, true);
	s.now += LOOK_S * S;
	s.f.now_us = s.now;
	s.l.at_us = s.now - 60 * S;
	blind_look(&s.b, &s.c, &s.f, 0, s.span);
	seen = s.now;
	s.f.there = false;
	s.now += LOOK_S * S;
	s.f.now_us = s.now;
	s.n = blind_look(&s.b, &s.c, &s.f, 0, s.span);
	for (unsigned i = 0; i < s.n; i++) {
		if (s.span[i].cause == BLIND_silent) {
			assert_int_equal(s.span[i].from_us, seen);
			seen = 0;
		}
	}
	assert_int_equal(seen, 0);
	/* One that was never seen cannot fall silent. */
	begin(&s, true);
	s.f.there = false;
	assert_int_equal(look(&s, 0, 0), 0);
}

static void
test_ended(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true);
	look(&s, 100, 0);
	s.f.ended = true;
	look(&s, 0, 0);
	only(&s, BLIND_ended, true);
	/* Presence of one that ended may run out: no more is known. */
	s.f.there = false;
	assert_int_equal(look(&s, 0, 0), 0);
	s.f.there = true;
	s.f.ended = false;
	s.l.started_us = s.now;
	look(&s, 100, 0);
	only(&s, BLIND_ended, false);
}

/* The span of that cause among the changes of the last look. */
static const struct blind_span *
of_cause(const struct scene *s, enum blind_cause cause)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->span[i].cause == cause) {
			return &s->span[i];
		}
	}
	fail_msg("no %s", blind_cause_name(cause));
	return NULL;
}

/* What a running program is blind to is over when it is. */
static void
test_no_overlap(void **state)
{
	const struct blind_span *a, *b;
	struct scene s;

	(void)state;
	begin(&s, true);
	look(&s, 100, 0);
	until_change(&s, 0, 0);
	only(&s, BLIND_tap_silent, true);
	s.f.ended = true;
	look(&s, 0, 0);
	a = of_cause(&s, BLIND_tap_silent);
	b = of_cause(&s, BLIND_ended);
	assert_true(a->to_us > a->from_us);
	assert_int_equal(a->to_us, b->from_us);

	begin(&s, true);
	look(&s, 100, 0);
	until_change(&s, 0, 0);
	s.f.there = false;
	look(&s, 0, 0);
	a = of_cause(&s, BLIND_tap_silent);
	b = of_cause(&s, BLIND_silent);
	assert_true(a->to_us > a->from_us);
	assert_int_equal(a->to_us, b->from_us);

	begin(&s, true);
	look(&s, 100, 0);
	until_change(&s, 0, 0);
	s.l.blind_from_us = s.now + S;
	s.l.blind_to_us = s.now + 3 * S;
	s.l.started_us = s.l.blind_to_us;
	look(&s, 100, 0);
	a = of_cause(&s, BLIND_tap_silent);
	b = of_cause(&s, BLIND_killed);
	assert_int_equal(a->to_us, b->from_us);
}

static void
test_killed(void **state)
{
	const struct blind_span *p;
	struct scene s;

	(void)state;
	begin(&s, true);
	look(&s, 100, 0);
	s.l.blind_from_us = s.now + S;
	s.l.blind_to_us = s.now + 3 * S;
	s.l.lost[LEDGER_LOST_killed][0] = 4;
	look(&s, 100, 0);
	p = only(&s, BLIND_killed, false);
	assert_int_equal(p->to_us - p->from_us, 2 * S);
	assert_string_equal(p->detail, "4 events were in memory");
	assert_int_equal(look(&s, 100, 0), 0);
	/* Nobody can have been blind until before that began. */
	s.l.blind_to_us = s.l.blind_from_us - S;
	assert_int_equal(look(&s, 100, 0), 0);
	s.l.blind_from_us = 0;
	assert_int_equal(look(&s, 100, 0), 0);
}

static void
test_tap(void **state)
{
	const struct blind_span *p;
	struct scene s;
	uint64_t last;

	(void)state;
	begin(&s, true);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(look(&s, 100, 0), 0);
	}
	last = s.l.at_us;
	assert_true(until_change(&s, 0, 0) < 60);
	p = only(&s, BLIND_tap_silent, true);
	assert_int_equal(p->from_us, last);
	look(&s, 1, 0);
	only(&s, BLIND_tap_silent, false);
	/* A trickle is no tap, and one that never had packets neither. */
	begin(&s, true);
	look(&s, 2, 0);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(look(&s, i < 20, 0), 0);
	}
	begin(&s, true);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(look(&s, 0, 0), 0);
	}
	s.l.link[1].up = 0;
	look(&s, 0, 0);
	p = only(&s, BLIND_interface_down, true);
	assert_string_equal(p->detail, "tap1");
	s.l.link[1].up = 1;
	look(&s, 0, 0);
	only(&s, BLIND_interface_down, false);
}

static void
test_drops(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(look(&s, 1000, 9), 0);
	}
	assert_true(until_change(&s, 1000, 50) < 60);
	only(&s, BLIND_kernel_drops, true);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(look(&s, 1000, 50), 0);
	}
	/* Over when a whole window was good. */
	assert_in_range(until_change(&s, 1000, 0), 30, 90);
	only(&s, BLIND_kernel_drops, false);
}

static void
test_one_way(void **state)
{
	struct scene s;
	unsigned t = 0;

	(void)state;
	begin(&s, true);
	for (int i = 0; i < 20; i++) {
		s.l.tcp_flows += 10;
		s.l.tcp_one_way += 2;
		assert_int_equal(look(&s, 100, 0), 0);
	}
	do {
		s.l.tcp_flows += 10;
		s.l.tcp_one_way += 10;
		t += LOOK_S;
	} while (look(&s, 100, 0) == 0);
	assert_true(t < 60);
	only(&s, BLIND_one_way, true);
	assert_true(until_change(&s, 100, 0) < 120);
	only(&s, BLIND_one_way, false);
	/* A few flows tell nothing. */
	s.l.tcp_flows += 10;
	s.l.tcp_one_way += 10;
	assert_int_equal(look(&s, 100, 0), 0);
}

static void
test_said(void **state)
{
	const struct blind_span *p;
	struct scene s;

	(void)state;
	begin(&s, true);
	look(&s, 100, 0);
	s.f.rules_failed = true;
	s.f.rules_error = "x.rules:3: no such keyword";
	look(&s, 100, 0);
	p = only(&s, BLIND_rules_failed, true);
	assert_string_equal(p->detail, "x.rules:3: no such keyword");
	s.f.rules_failed = false;
	look(&s, 100, 0);
	only(&s, BLIND_rules_failed, false);
	s.f.feed_stale = true;
	look(&s, 100, 0);
	only(&s, BLIND_feed_stale, true);
	s.f.feed_stale = false;
	look(&s, 100, 0);
	only(&s, BLIND_feed_stale, false);
	s.l.lost[LEDGER_LOST_queue_full][2] = 9;
	look(&s, 100, 0);
	only(&s, BLIND_events_lost, true);
	until_change(&s, 100, 0);
	only(&s, BLIND_events_lost, false);
	s.l.frames.skipped[LEDGER_SKIPPED_shed_elephant] = 9;
	look(&s, 100, 0);
	assert_string_equal(only(&s, BLIND_overload, true)->detail,
			    "9 packets, payload of large and encrypted flows");
	until_change(&s, 100, 0);
	only(&s, BLIND_overload, false);
	s.l.frames.skipped[LEDGER_SKIPPED_shed_priority_5] = 7;
	s.l.frames.skipped[LEDGER_SKIPPED_shed_priority_4] = 2;
	look(&s, 100, 0);
	assert_string_equal(only(&s, BLIND_overload, true)->detail,
			    "9 packets, all traffic of priority 4 and less "
			    "important");
	until_change(&s, 100, 0);
	only(&s, BLIND_overload, false);
}

/* The change of this number: an overload of whom, from when to when. */
static void
says(const struct scene *s, unsigned i, uint64_t from_us, uint64_t to_us,
     unsigned all_from, unsigned payload_from)
{
	const struct blind_span *p = &s->span[i];

	assert_true(i < s->n);
	assert_int_equal(p->cause, BLIND_overload);
	assert_true(p->from_us == from_us && p->to_us == to_us);
	assert_int_equal(p->all_from, all_from);
	assert_int_equal(p->payload_from, payload_from);
}

/* An overload that gets worse and better: one interval for each degree. */
static void
test_overload_degrees(void **state)
{
	struct ledger_given_up *payload, *third, *fifth;
	uint64_t t0, t1, t2;
	struct scene s;

	(void)state;
	begin(&s, true);
	payload = &s.l.overload.of[2].payload;
	third = &s.l.overload.of[2].all;
	fifth = &s.l.overload.of[4].all;
	s.l.overload.levels = 4;
	s.l.overload.default_priority = 5;
	look(&s, 100, 0);
	t0 = s.l.at_us;
	s.l.frames.skipped[LEDGER_SKIPPED_shed_encrypted] = 40;
	payload->frames = 40;
	assert_int_equal(look(&s, 100, 0), 1);
	says(&s, 0, t0, 0, BLIND_NOBODY, 3);
	assert_string_equal(s.span[0].detail,
			    "40 packets, payload of large and encrypted flows, "
			    "priority 3 and less important");
	/* More of the same says nothing new. */
	payload->frames += 5;
	assert_int_equal(look(&s, 100, 0), 0);
	t1 = s.l.at_us;
	fifth->frames += 7;
	assert_int_equal(look(&s, 100, 0), 2);
	says(&s, 0, t0, t1, BLIND_NOBODY, 3);
	says(&s, 1, t1, 0, 5, 3);
	assert_string_equal(s.span[1].detail, "7 packets, all traffic of "
					      "priority 5 and less important");
	/* Priority 5 for a window no more, payload all the time. */
	do {
		payload->frames++;
		assert_true(s.now < t1 + 600 * S);
	} while (look(&s, 100, 0) == 0);
	t2 = s.l.at_us;
	assert_true(t2 >= t1 + s.c.window_us);
	says(&s, 0, t1, t2, 5, 3);
	says(&s, 1, t2, 0, BLIND_NOBODY, 3);
	/* Worse at once: where it got better is where it gets worse. */
	/* In a tunnel's frame that counts as the fifth's. */
	s.l.frames.skipped[LEDGER_SKIPPED_shed_priority_5]++;
	third->frames++;
	assert_int_equal(look(&s, 100, 0), 1);
	says(&s, 0, t2, 0, 3, 3);
	/* Events have no priority: they may be anybody's. */
	t1 = s.l.at_us;
	s.l.lost[LEDGER_LOST_writer][0] = 1;
	assert_int_equal(look(&s, 100, 0), 2);
	says(&s, 0, t2, t1, 3, 3);
	says(&s, 1, t1, 0, BLIND_EVERYBODY, 3);
	assert_string_equal(s.span[1].detail, "1 packets and events");
	until_change(&s, 100, 0);
	while (s.b.open_us[BLIND_overload] != 0) {
		until_change(&s, 100, 0);
	}
	assert_int_equal(s.span[s.n - 1].to_us, s.now);
}

static struct cidr
net(const char *text)
{
	struct cidr c;

	assert_true(cidr_parse(view_cstr(text), &c));
	return c;
}

/* As the sensor has it: the longest network that holds the address. */
static void
test_priority(void **state)
{
	static const struct {
		const char *net;
		unsigned criticality, without, with; /* a map there */
	} cases[] = {
		{ "192.0.2.7/32", 0, 1, 5 },
		{ "192.0.2.7/32", 60, 1, 3 },
		{ "192.0.2.64/26", 25, 4, 4 },
		{ "192.0.2.64/26", 100, 4, 1 },
		{ "192.0.2.96/27", 75, 4, 2 },
		{ "198.51.100.1/32", 0, 3, 5 },
		{ "198.51.100.1/32", 100, 3, 1 },
		{ "2001:db8::/32", 0, 2, 2 },
		{ "2001:db8:1::/48", 0, 2, 5 },
		/* part of these is less important than the rest */
		{ "192.0.2.0/24", 100, 4, 4 },
		{ "192.0.2.0/23", 100, 4, 4 },
	};
	struct ledger_overload o = { .levels = 0 };

	(void)state;
	assert_int_equal(blind_priority(&o, &(struct cidr){ .bits = 128 }, 100),
			 BLIND_PRIORITY_UNTOLD);
	o.levels = 4;
	o.default_priority = 3;
	o.net[0].net = net("192.0.2.0/24");
	o.net[0].priority = 1;
	o.net[1].net = net("2001:db8::/32");
	o.net[1].priority = 2;
	o.net[2].net = net("192.0.2.64/26");
	o.net[2].priority = 4;
	o.n_nets = 3;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cidr c = net(cases[i].net);

		for (int map = 0; map < 2; map++) {
			unsigned p;

			o.missions = map;
			p = blind_priority(&o, &c, cases[i].criticality);
			if (p != (map ? cases[i].with : cases[i].without)) {
				fail_msg("%s of %u, map %d: %u", cases[i].net,
					 cases[i].criticality, map, p);
			}
		}
	}
	o.more_nets = 1;
	assert_int_equal(blind_priority(&o, &o.net[0].net, 100),
			 BLIND_PRIORITY_CUT);
}

/* Each thing that gives an asset another priority is noticed. */
static void
test_priorities_change(void **state)
{
	struct ledger_overload a = { .levels = 4, .default_priority = 5 }, b;

	(void)state;
	a.n_nets = 1;
	a.net[0].net = net("192.0.2.0/24");
	a.net[0].priority = 1;
	b = a;
	b.level = 3; /* and what it gave up */
	b.of[3].all.frames = 9;
	assert_true(blind_priorities_same(&a, &b));
	b.net[0].priority = 2;
	assert_false(blind_priorities_same(&a, &b));
	b = a;
	b.net[0].net = net("192.0.2.0/25");
	assert_false(blind_priorities_same(&a, &b));
	b = a;
	b.n_nets = 0;
	assert_false(blind_priorities_same(&a, &b));
	b = a;
	b.missions = true;
	assert_false(blind_priorities_same(&a, &b));
	b = a;
	b.default_priority = 4;
	assert_false(blind_priorities_same(&a, &b));
	b = a;
	b.more_nets = 1;
	assert_false(blind_priorities_same(&a, &b));
	b = a;
	b.levels = 0;
	assert_false(blind_priorities_same(&a, &b));
}

/* What was given up before the first ledger came is told with it; what events
 * were lost in former runs is not told again. */
static void
test_first_ledger(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true);
	s.l.frames.skipped[LEDGER_SKIPPED_shed_elephant] = 9;
	s.l.lost[LEDGER_LOST_queue_full][2] = 5;
	s.l.lost[LEDGER_LOST_overload][2] = 4;
	look(&s, 100, 0);
	assert_string_equal(only(&s, BLIND_overload, true)->detail,
			    "9 packets, payload of large and encrypted flows");
	begin(&s, true);
	look(&s, 100, 50);
	only(&s, BLIND_kernel_drops, true);
}

/* What was given up long ago, and told to the collector before this, is not
 * told of all the time since the sensor's start; what came since then is. */
static void
test_recalled(void **state)
{
	for (int more = 0; more < 2; more++) {
		struct scene s;
		uint64_t heard;

		(void)state;
		begin(&s, true);
		look(&s, 100, 50);
		s.l.frames.skipped[LEDGER_SKIPPED_shed_elephant] = 9;
		s.l.lost[LEDGER_LOST_overload][2] = 4;
		look(&s, 100000, 0);
		heard = s.now;
		memset(&s.b, 0, sizeof(s.b));
		blind_resume(&s.b, true, heard);
		blind_recall(&s.b, &s.l);
		s.now += 3600 * S;
		s.l.frames.skipped[LEDGER_SKIPPED_shed_elephant] += more * 5U;
		assert_int_equal(look(&s, 100, 0), more);
		if (more) {
			assert_true(only(&s, BLIND_overload, true)->from_us ==
				    heard);
			assert_string_equal(s.span[0].detail,
					    "5 packets, payload of large and "
					    "encrypted flows");
		}
	}
}

/* A sensor that was started while it was cut off, and had to shed: its first
 * ledger tells more than the last one of the run before. */
static void
test_lost_before_first_ledger(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true);
	s.l.gone[LEDGER_GONE_shed][0] = 5;
	look(&s, 100, 0);
	s.l.started_us = s.now;
	s.l.gone[LEDGER_GONE_shed][0] = 12;
	look(&s, 100, 0);
	assert_string_equal(only(&s, BLIND_events_lost, true)->detail,
			    "7 events");
	/* A run that lost nothing begins without a word. */
	begin(&s, true);
	s.l.gone[LEDGER_GONE_shed][0] = 5;
	look(&s, 100, 0);
	s.l.started_us = s.now;
	assert_int_equal(look(&s, 100, 0), 0);
	/* A new spool counts anew. */
	s.l.started_us = s.now;
	s.l.gone[LEDGER_GONE_shed][0] = 3;
	assert_int_equal(look(&s, 100, 0), 0);
}

/* A sensor that said nothing for longer than the window tells of that time
 * with its next ledger. */
static void
test_after_pause(void **state)
{
	struct scene s;

	(void)state;
	for (int drops = 0; drops < 2; drops++) {
		begin(&s, true);
		look(&s, 100, 0);
		look(&s, 100, 0);
		s.now += s.c.window_us + 10 * S;
		s.l.frames.skipped[LEDGER_SKIPPED_shed_priority_5] =
			drops ? 0 : 7;
		look(&s, 100, drops ? 50 : 0);
		only(&s, drops ? BLIND_kernel_drops : BLIND_overload, true);
	}
}

/* A clock that is off, either way; a ledger that is merely old is not. */
static void
test_clock(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true);
	look(&s, 100, 0);
	for (int ahead = 0; ahead < 2; ahead++) {
		s.now += LOOK_S * S;
		s.f.now_us = s.now;
		s.l.at_us = ahead ? s.now + 20 * S : s.now - 20 * S;
		s.n = blind_look(&s.b, &s.c, &s.f, 0, s.span);
		only(&s, BLIND_clock, true);
		look(&s, 100, 0);
		only(&s, BLIND_clock, false);
	}
	s.now += 40 * S;
	s.f.now_us = s.now;
	assert_int_equal(blind_look(&s.b, &s.c, &s.f, 0, s.span), 0);
}

/* While the collector is away, the sensor may have been there or not. */
static void
test_collector_down(void **state)
{
	const struct blind_span *p;
	struct scene s;
	uint64_t beat;

	(void)state;
	for (int stayed = 0; stayed < 2; stayed++) {
		begin(&s, true);
		look(&s, 100, 0);
		beat = s.now;
		s.b = (struct blind){ 0 };
		blind_resume(&s.b, true, s.now);
		s.down = s.now;
		s.now += 100 * S;
		if (!stayed) {
			s.l.started_us = s.now - 20 * S;
		}
		look(&s, 100, 0);
		if (stayed) {
			assert_int_equal(s.n, 0);
		} else {
			p = only(&s, BLIND_collector_down, false);
			assert_int_equal(p->from_us, beat);
			assert_int_equal(p->to_us, s.l.started_us);
		}
		assert_int_equal(look(&s, 100, 0), 0);
	}
	/* Away for a moment: not worth a word. */
	begin(&s, true);
	blind_resume(&s.b, true, s.now);
	s.down = s.now;
	s.l.started_us = s.now + 2 * S;
	assert_int_equal(look(&s, 100, 0), 0);
	/* Gone meanwhile: silent since it was last seen. */
	begin(&s, true);
	blind_resume(&s.b, true, s.now);
	s.down = s.now;
	s.now += 100 * S;
	s.f.there = false;
	look(&s, 0, 0);
	p = only(&s, BLIND_silent, true);
	assert_int_equal(p->from_us, s.now - 105 * S);
}

/* Whatever a sensor says, intervals begin before they end and causes take
 * turns. */
static void
test_any_order(void **state)
{
	struct scene s;
	bool open[BLIND_CAUSES] = { false };
	uint64_t x = 12345;

	(void)state;
	begin(&s, true);
	for (int i = 0; i < 50000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		s.f.there = x >> 60 != 0;
		s.f.ended = (x >> 56) % 16 == 1;
		s.f.rules_failed = (x >> 50 & 7) == 0;
		s.l.live = (x >> 47 & 31) != 0;
		s.l.n_links = (unsigned)(x >> 40 & 15);
		s.l.link[x >> 36 & 1].up = x >> 35 & 1;
		s.l.lost[x >> 33 & 7][0] += (x >> 30 & 7) == 0;
		s.l.tcp_flows = x >> 20 & 1023;
		s.l.tcp_one_way = x >> 10 & 1023;
		if ((x >> 8 & 63) == 0) {
			s.l.started_us = s.now;
			s.l.blind_from_us = s.now - 5;
			s.l.blind_to_us = s.now;
		}
		look(&s, x >> 16 & 255, 0);
		for (unsigned k = 0; k < s.n; k++) {
			const struct blind_span *p = &s.span[k];

			assert_true(p->from_us > 0);
			if (p->cause == BLIND_killed ||
			    p->cause == BLIND_collector_down) {
				assert_true(p->to_us >= p->from_us);
				continue;
			}
			assert_int_equal(open[p->cause], p->to_us != 0);
			open[p->cause] = p->to_us == 0;
			assert_true(p->to_us == 0 || p->to_us > p->from_us);
		}
	}
}

/* A clock that is stepped, and stepped back, is off; it does not bring back what
 * was long over, and is no silence of a tap. */
static void
test_stepped(void **state)
{
	static const int64_t steps[] = { -90, 0, 90, 0, 7200, -86400, 0 };
	struct scene s;

	(void)state;
	begin(&s, true);
	look(&s, 1000, 0);
	/* Both, once, and over long before. */
	s.l.tcp_flows += 40;
	s.l.tcp_one_way += 40;
	look(&s, 1000, 500);
	assert_int_equal(s.n, 2);
	for (int i = 0; i < 13; i++) {
		look(&s, 1000, 0);
	}
	assert_int_equal(s.b.open_us[BLIND_kernel_drops], 0);
	assert_int_equal(s.b.open_us[BLIND_one_way], 0);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		for (int k = 0; k < 5; k++) {
			s.now += LOOK_S * S;
			s.f.now_us = s.now;
			s.l.at_us = s.now + (uint64_t)(steps[i] * (int64_t)S);
			s.l.link[0].kernel_seen += 10;
			s.l.link[0].delivered += 10;
			s.l.link[1].kernel_seen += 10;
			s.l.link[1].delivered += 10;
			s.n = blind_look(&s.b, &s.c, &s.f, 0, s.span);
			for (unsigned n = 0; n < s.n; n++) {
				assert_string_equal(
					blind_cause_name(s.span[n].cause),
					"clock");
			}
		}
		assert_int_equal(s.b.open_us[BLIND_clock] != 0, steps[i] != 0);
	}
}

/* --- how long until it is noticed (picket-collector(8) has the figures) --- */

#define COUNT_S 2 /* counters are taken */
#define TELL_S 2 /* presence is written, with the counters of then */
#define ALIVE_S 15 /* and outlives its sensor */

struct notice {
	enum blind_cause cause;
	unsigned seconds; /* at most, as the man page says */
};

/* What is so from then on. */
static void
strike(struct scene *s, enum blind_cause cause, struct blind_facts *told)
{
	switch (cause) {
	case BLIND_interface_down:
		s->l.link[0].up = 0;
		break;
	case BLIND_kernel_drops:
		s->l.link[0].kernel_seen += 1000;
		s->l.link[0].kernel_dropped += 500;
		break;
	case BLIND_one_way:
		s->l.tcp_flows += 40;
		s->l.tcp_one_way += 40;
		break;
	case BLIND_events_lost:
		s->l.lost[LEDGER_LOST_queue_full][0] += 9;
		break;
	case BLIND_overload:
		s->l.frames.skipped[LEDGER_SKIPPED_shed_elephant] += 9;
		break;
	case BLIND_rules_failed:
		told->rules_failed = true;
		break;
	case BLIND_feed_stale:
		told->feed_stale = true;
		break;
	default:
		break;
	}
}

/* Seconds from the moment that it is so until a look says it; second by second,
 * the sensor's and the collector's turns as far apart as these say. */
static unsigned
noticed(enum blind_cause cause, unsigned look_at, unsigned count_at,
	unsigned tell_at)
{
	struct ledger counted = { 0 }, told_ledger = { 0 };
	struct blind_facts told = { 0 }, now = { 0 };
	uint64_t told_at = 0, off = 0;
	struct scene s;
	bool gone = false;

	begin(&s, true);
	for (unsigned t = 0; t < 200; t++) {
		bool struck = t >= 60;

		s.now += S;
		if (t == 60) {
			strike(&s, cause, &now);
			gone = cause == BLIND_silent || cause == BLIND_ended ||
			       cause == BLIND_killed;
			off = cause == BLIND_clock ? 90 * S : 0;
		}
		if (!gone && !(struck && cause == BLIND_tap_silent)) {
			s.l.link[0].delivered += 50;
			s.l.link[0].kernel_seen += 50;
		}
		if (struck && cause == BLIND_killed && t == 62) {
			/* And started again: that is when it can be told. */
			s.l.blind_from_us = s.now - 2 * S;
			s.l.blind_to_us = s.now;
			s.l.started_us = s.now;
			gone = false;
		}
		if (t % COUNT_S == count_at) {
			counted = s.l;
			counted.at_us = s.now + off;
		}
		if ((!gone && t % TELL_S == tell_at) ||
		    (t == 60 && cause == BLIND_ended)) {
			told_ledger = counted;
			told = now;
			told.ended = cause == BLIND_ended && t == 60;
			told_at = s.now;
		}
		if (t % LOOK_S != look_at) {
			continue;
		}
		told.now_us = s.now;
		told.there = told_at != 0 &&
			     (told.ended || s.now - told_at < ALIVE_S * S);
		told.ledger = told_ledger.epoch != 0 ? &told_ledger : NULL;
		s.n = blind_look(&s.b, &s.c, &told, 0, s.span);
		for (unsigned i = 0; i < s.n; i++) {
			if (s.span[i].cause == cause) {
				assert_true(struck);
				return t - (cause == BLIND_killed ? 62 : 60);
			}
			fail_msg("%s instead of %s",
				 blind_cause_name(s.span[i].cause),
				 blind_cause_name(cause));
		}
	}
	fail_msg("%s is never noticed", blind_cause_name(cause));
	return 0;
}

static void
test_time_to_notice(void **state)
{
	/* But collector_down, which the next collector says at its first
	 * look. */
	static const struct notice all[] = {
		{ BLIND_silent, 20 },        { BLIND_ended, 5 },
		{ BLIND_killed, 9 },         { BLIND_tap_silent, 39 },
		{ BLIND_interface_down, 9 }, { BLIND_kernel_drops, 9 },
		{ BLIND_one_way, 9 },        { BLIND_rules_failed, 9 },
		{ BLIND_feed_stale, 9 },     { BLIND_clock, 9 },
		{ BLIND_events_lost, 9 },    { BLIND_overload, 9 },
	};

	(void)state;
	assert_int_equal(ARRAY_LEN(all) + 1, BLIND_CAUSES);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		unsigned worst = 0;

		for (unsigned k = 0; k < LOOK_S * COUNT_S * TELL_S; k++) {
			unsigned n = noticed(all[i].cause, k % LOOK_S,
					     k / LOOK_S % COUNT_S,
					     k / LOOK_S / COUNT_S);

			worst = MAX(worst, n);
		}
		print_message("%s: %u s\n", blind_cause_name(all[i].cause),
			      worst);
		assert_true(all[i].seconds <= 60);
		assert_in_range(worst, 1, all[i].seconds);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_ended),
		cmocka_unit_test(test_no_overlap),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_tap),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_overload_degrees),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_priorities_change),
		cmocka_unit_test(test_first_ledger),
		cmocka_unit_test(test_recalled),
		cmocka_unit_test(test_lost_before_first_ledger),
		cmocka_unit_test(test_after_pause),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_collector_down),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_stepped),
		cmocka_unit_test(test_time_to_notice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
