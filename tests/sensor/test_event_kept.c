/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line that the writer makes, when all that it tells of is gone, is the one
 * that the worker would have made at once: of every kind of event.
 */
#include "tests/sensor/reload_scene.h"

#include "sensor/event_lane.h"

static struct worker *
worker_of(const struct ruleset *rs, bool late)
{
	static const char *const ifaces[] = { "tap0" };
	/* whatever stands in the captures is ours */
	static const struct contacts_conf contacts = {
		.enabled = true,
		.interval_us = UINT64_C(60000000),
		.max_hosts = 64,
	};
	struct worker_settings set = {
		.conf = scene.conf,
		.rules = rs,
		.origin = { "site", "sensor", "owner", "", "amber", ifaces },
		.event_types = UINT32_MAX,
		.memory_limit = (size_t)1 << 28,
		.late_events = late,
		.contacts = &contacts,
	};
	struct worker *w = worker_new(&set);

	assert_non_null(w);
	return w;
}

/* Packets that a rule tagged, and what it remembers, are told of, too. */
static struct ruleset *
rules_that_leave_traces(void)
{
	const char *path = rule_file(
		"traces.rules",
		"alert tcp any any -> any any (msg:\"a\"; content:\"HTTP\"; "
		"flowbits:set,traffic/label/web; flowbits:set,seen; "
		"flowint:n,+,1; tag:session,4,packets; sid:1;)\n"
		"alert udp any any -> any any (msg:\"b\"; "
		"flowbits:set,asked; tag:session,2,packets; sid:2;)\n");

	return load(NULL, &path);
}

static void
same_with(struct ruleset *rs, size_t seen[EVENT_TYPE_COUNT])
{
	for (size_t i = 0; i < scene.n_pcaps; i++) {
		struct worker *now = worker_of(rs, false);
		struct worker *later = worker_of(rs, true);
		struct outbox *a = outbox_new(), *b = outbox_new();

		run_capture(scene.pcaps[i], now, NULL, a);
		run_capture(scene.pcaps[i], later, NULL, b);
		same_lines(scene.pcaps[i], a, b);
		for (size_t k = 0; k < b->n; k++) {
			const struct record *r = &b->rec[k];

			assert_int_equal(r->type, a->rec[k].type);
			assert_true(r->late || r->len == 0);
			assert_int_equal(a->rec[k].late,
					 r->late &&
						 r->type == EVENT_TYPE_ALERT);
			seen[r->type]++;
		}
		assert_int_equal(worker_counters(later)->events_lost, 0);
		outbox_free(a);
		outbox_free(b);
		worker_free(now);
		worker_free(later);
	}
}

static void
later_is_as_at_once(void **state)
{
	struct ruleset *rs = rules_that_leave_traces();
	size_t seen[EVENT_TYPE_COUNT] = { 0 };

	(void)state;
	same_with(rs, seen);
	for (unsigned t = 0; t < EVENT_TYPE_COUNT; t++) {
		if (t != EVENT_TYPE_STATS && seen[t] == 0) {
			fail_msg("no capture has an event of type %s",
				 event_type_name((enum event_type)t));
		}
	}
	ruleset_free(rs);
}

/* An exercise of all that there is, at any time. */
static struct event_lanes
lanes_of_all(void)
{
	struct event_lanes l = { .n = 1, .exercise = { exercise_new() } };
	struct exercise *e = l.exercise[0];
	struct diag d;

	assert_non_null(e);
	strcpy(e->name, "KEEN");
	e->until_us = UINT64_MAX;
	assert_int_equal(exercise_add_range(e, VIEW_LIT("::/0"), &d), ERR_OK);
	assert_int_equal(
		exercise_add_inject(e, VIEW_LIT("all"), VIEW_LIT("all"), 0, &d),
		ERR_OK);
	assert_int_equal(exercise_add_source(e, VIEW_LIT("::/0"), &d), ERR_OK);
	return l;
}

static void
marked(struct event_log *l, const struct outbox *o,
       size_t seen[EVENT_TYPE_COUNT])
{
	for (size_t i = 0; i < o->n; i++) {
		const struct record *r = &o->rec[i];
		struct view v = r->late && r->len > 0 ? event_later(l, o, r)
						      : outbox_line(o, r);
		bool is =
			memmem(v.p, v.len, "\"exercise\":\"KEEN\"", 17) != NULL;

		/* Handshakes tell the time, and packets need not be IP. */
		if (is != (r->type != EVENT_TYPE_ANCHOR) &&
		    (is || memmem(v.p, v.len, "src_ip", 6) != NULL)) {
			fail_msg("%.*s", (int)v.len, v.p);
		}
		seen[r->type]++;
	}
}

/* All that an exercise leaves is marked, but for what tells the clock. */
static void
all_of_an_exercise_is_marked(void **state)
{
	struct ruleset *rs = rules_that_leave_traces();
	struct event_lanes lanes = lanes_of_all();
	struct alert_conf alert;

	(void)state;
	alert_conf_read(&alert, scene.conf);
	for (unsigned late = 0; late < 2; late++) {
		size_t seen[EVENT_TYPE_COUNT] = { 0 };

		for (size_t i = 0; i < scene.n_pcaps; i++) {
			struct event_log *l = event_log_for_later();
			struct worker *w = worker_of(rs, late);
			struct outbox *o = outbox_new();

			assert_true(worker_set_posture(w, UINT32_MAX, &alert,
						       &lanes));
			run_capture(scene.pcaps[i], w, NULL, o);
			marked(l, o, seen);
			outbox_free(o);
			event_log_free(l);
			worker_free(w);
		}
		assert_true(seen[EVENT_TYPE_ANCHOR] > 0);
		assert_true(seen[EVENT_TYPE_ALERT] > 0);
		assert_true(seen[EVENT_TYPE_FILEINFO] > 0);
		assert_true(seen[EVENT_TYPE_ANOMALY] > 0);
	}
	exercise_free(lanes.exercise[0]);
	ruleset_free(rs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_is_as_at_once),
		cmocka_unit_test(all_of_an_exercise_is_marked),
	};

	return cmocka_run_group_tests(tests, scene_set_up, scene_tear_down);
}
