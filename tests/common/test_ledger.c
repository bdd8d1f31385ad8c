/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "common/ledger.h"

/* A ledger and a store that agree. */
static void
make(struct ledger *l, struct ledger_store *s)
{
	*l = (struct ledger){
		.epoch = 5,
		.at_us = 1000,
		.last_seq = 9,
		.committed = 6,
		.files = { 100, 90, 7, 3 },
		.frames = { .delivered = 90,
			    .inspected = 70,
			    .skipped = { 10, 5, 3 },
			    .pending = 2 },
		.raised = { 20, 0, 30, 40 },
		.memory = { 1, 0, 2, 3 },
		.spooled = { 18, 0, 20, 37 },
		.held = { 4, 0, 6, 0 },
	};
	l->lost[LEDGER_LOST_queue_full][0] = 1;
	l->lost[LEDGER_LOST_killed][2] = 8;
	l->gone[LEDGER_GONE_shed][2] = 5;
	*s = (struct ledger_store){
		.known = true,
		.upto = 8,
		.committed = 6,
		.stored = { 14, 0, 11, 37 },
		.ahead = { 3, 0, 1, 0 },
		.returned = { 0, 0, 2, 0 },
		.numbers = 8,
		.frames = 7,
		.gap_frames = 1,
	};
	/* shed: 5 less 2 that came; 11 + 1 stored, 5 waiting, 3 shed: 20 */
}

static const struct ledger_equation *
find(const struct ledger_equation *e, unsigned n, const char *name,
     const char *of)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(e[i].name, name) == 0 && strcmp(e[i].of, of) == 0) {
			return &e[i];
		}
	}
	fail_msg("no equation %s %s", name, of);
	return NULL;
}

static unsigned
broken(const struct ledger *l, const struct ledger_store *s)
{
	struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	unsigned n = ledger_check(l, s, e), k = 0;

	assert_true(n <= LEDGER_MAX_EQUATIONS);
	for (unsigned i = 0; i < n; i++) {
		k += e[i].verdict == LEDGER_BROKEN;
	}
	return k;
}

static void
test_holds(void **state)
{
	struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	struct ledger_store s;
	struct ledger l;
	unsigned n;

	(void)state;
	make(&l, &s);
	n = ledger_check(&l, &s, e);
	for (unsigned i = 0; i < n; i++) {
		if (e[i].verdict != LEDGER_HOLDS) {
			fail_msg("%s %s", e[i].name, e[i].of);
		}
	}
	assert_int_equal(find(e, n, "spooled", "3")->term[1].value, 5);
	/* All is there: what the sensor still holds cannot be waiting. */
	s.upto = 9;
	assert_int_equal(broken(&l, &s), 2);
	/* Without the store its equations are not asked. */
	assert_int_equal(ledger_check(&l, NULL, e), 3 + LEDGER_CLASSES);
}

/* Every number counts: one more or less and an equation says by how much. */
static void
test_broken(void **state)
{
	struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	struct ledger_store s;
	struct ledger l;
	unsigned n;

	(void)state;
	make(&l, &s);
	l.files.records++;
	assert_int_equal(broken(&l, &s), 1);
	make(&l, &s);
	l.files.delivered++; /* of two equations */
	assert_int_equal(broken(&l, &s), 2);
	make(&l, &s);
	l.frames.skipped[LEDGER_SKIPPED_invalid]--;
	n = ledger_check(&l, &s, e);
	assert_int_equal(find(e, n, "frames", "")->difference, 1);
	make(&l, &s);
	l.lost[LEDGER_LOST_overload][3] += 4;
	n = ledger_check(&l, &s, e);
	assert_int_equal(find(e, n, "raised", "other")->difference, -4);
	make(&l, &s);
	s.stored[0]--;
	n = ledger_check(&l, &s, e);
	assert_int_equal(find(e, n, "spooled", "1")->difference, 1);
	make(&l, &s);
	s.ahead[3]++; /* more than the sensor holds: counted twice */
	n = ledger_check(&l, &s, e);
	assert_int_equal(find(e, n, "spooled", "other")->difference, -1);
	make(&l, &s);
	s.gap_frames++;
	assert_int_equal(broken(&l, &s), 1);
}

static void
test_unknown(void **state)
{
	struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	struct ledger_store s;
	struct ledger l;
	unsigned n;

	(void)state;
	make(&l, &s);
	l.base_seq = 3;
	s.stored[0] += 100;
	assert_int_equal(broken(&l, &s), 0);
	n = ledger_check(&l, &s, e);
	assert_int_equal(find(e, n, "spooled", "1")->verdict, LEDGER_UNKNOWN);
	/* The collector has folded away what this older ledger asks for. */
	make(&l, &s);
	s.committed = 7;
	n = ledger_check(&l, &s, e);
	assert_int_equal(find(e, n, "spooled", "1")->verdict, LEDGER_UNKNOWN);
}

static void
test_live(void **state)
{
	struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	struct ledger_store s;
	struct ledger l;
	unsigned n;

	(void)state;
	make(&l, &s);
	l.live = true;
	l.n_links = 2;
	l.link[0] = (struct ledger_link){ "tap0", 110, 10, 100, 20, 0,
					  70,     8,   2,  1,   9 };
	l.link[1] =
		(struct ledger_link){ "tap1", 20, 0, 20, 0, 0, 20, 0, 0, 1, 9 };
	assert_int_equal(broken(&l, &s), 0);
	l.link[0].kernel_dropped += 2;
	n = ledger_check(&l, &s, e);
	assert_int_equal(find(e, n, "kernel", "tap0")->difference, -2);
	assert_int_equal(find(e, n, "kernel", "tap1")->difference, 0);
}

/* Written, read, and written again: the same text. */
static void
test_json(void **state)
{
	struct json a, b;
	struct json_reader r;
	struct ledger_store s;
	struct ledger l, back;

	(void)state;
	make(&l, &s);
	l.live = l.ended = true;
	l.n_links = 1;
	l.link[0] =
		(struct ledger_link){ "eth\"0", 1, 2, 3, 4, 5, 6, 7, 8, 1, 10 };
	l.n_shed = 2;
	l.shed[1] = (struct ledger_shed){ 10, 20, 30, 3, 0 };
	l.blind_from_us = 77;
	l.unknown_since_us = 78;
	l.overload.level = 2;
	l.overload.levels = 4;
	l.overload.default_priority = 5;
	l.overload.missions = true;
	l.overload.of[0].payload = (struct ledger_given_up){ 1, 2, 3 };
	l.overload.of[4].all = (struct ledger_given_up){ 4, 5, 6 };
	assert_true(
		cidr_parse(VIEW_LIT("192.0.2.0/24"), &l.overload.net[0].net));
	l.overload.net[0].priority = 1;
	l.overload.n_nets = 1;
	l.overload.more_nets = 7;
	json_init(&a);
	json_init(&b);
	json_reader_init(&r);
	ledger_write(&a, NULL, &l);
	assert_true(json_read(&r, json_view(&a)));
	assert_true(ledger_read(&back, &r, json_root(&r)));
	ledger_write(&b, NULL, &back);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p, b.p, a.len);
	assert_string_equal(back.link[0].name, "eth\"0");
	assert_memory_equal(&back.overload.of, &l.overload.of,
			    sizeof(l.overload.of));
	assert_int_equal(back.overload.net[0].net.bits, 120);
	assert_int_equal(back.overload.more_nets, 7);
	assert_true(back.overload.missions);
	/* Whatever else comes is no ledger, or one of zeroes. */
	assert_true(json_read(&r, VIEW_LIT("{\"v\":2,\"epoch\":1}")));
	assert_false(ledger_read(&back, &r, json_root(&r)));
	assert_true(json_read(&r, VIEW_LIT("[1]")));
	assert_false(ledger_read(&back, &r, json_root(&r)));
	assert_true(json_read(&r, VIEW_LIT("{\"v\":1,\"epoch\":1,\"links\":"
					   "{},\"events\":{\"raised\":[-1,"
					   "\"x\",1e9,2,3,4],\"lost\":7}}")));
	assert_true(ledger_read(&back, &r, json_root(&r)));
	assert_int_equal(back.overload.levels, 0);
	assert_true(json_read(
		&r, VIEW_LIT("{\"v\":1,\"epoch\":1,\"overload\":{"
			     "\"levels\":-1,\"given_up\":[7,{\"all\":[]},{},{},"
			     "{},{\"all\":{\"frames\":9}}],\"networks\":["
			     "{\"network\":\"x\",\"priority\":1},3,"
			     "{\"network\":\"::/0\",\"priority\":6}]}}")));
	assert_true(ledger_read(&back, &r, json_root(&r)));
	assert_int_equal(back.overload.n_nets, 0);
	assert_int_equal(back.overload.of[4].all.frames, 0);
	assert_true(json_read(&r, VIEW_LIT("{\"v\":1,\"epoch\":1,\"links\":"
					   "{},\"events\":{\"raised\":[-1,"
					   "\"x\",1e9,2,3,4],\"lost\":7}}")));
	assert_true(ledger_read(&back, &r, json_root(&r)));
	assert_int_equal(back.raised[0], 0);
	assert_int_equal(back.raised[3], 2);
	json_reader_fini(&r);
	json_fini(&a);
	json_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds),   cmocka_unit_test(test_broken),
		cmocka_unit_test(test_unknown), cmocka_unit_test(test_live),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
