/* SPDX-License-Identifier: Apache-2.0 */
/* From what a worker notes, by way of the thread, to an alert. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "sensor/flow.h"
#include "sensor/retro.h"
#include "tests/wait_for.h"

#define AT_US (UINT64_C(1700000000) * US_PER_S)

static char dir[64];
static unsigned n_answers;
static char last[4096];

static int
make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/picket-retro.XXXXXX");
	n_answers = 0;
	last[0] = '\0';
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
remove_dir(void **state)
{
	char cmd[96];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct retro *
begin_at(uint32_t types, const struct range_set *home)
{
	struct retro_settings s = {
		.index = { .dir = dir, .max_size = RETRO_MIN_SIZE },
		.origin = { .site = "jp",
			    .sensor = "tap",
			    .owner = "JP",
			    .exercise = "",
			    .tlp = "amber" },
		.n_workers = 2,
		.types = types,
		.home = home,
	};
	struct retro *r;
	struct diag d;

	assert_int_equal(retro_open(&r, &s, &d), ERR_OK);
	assert_int_equal(retro_run(r, &d), ERR_OK);
	return r;
}

static struct retro *
begin(uint32_t types)
{
	return begin_at(types, NULL);
}

static struct flow
flow_of(uint32_t client, uint64_t first_us)
{
	uint8_t a[4] = { 10, (uint8_t)(client >> 16), (uint8_t)(client >> 8),
			 (uint8_t)client };
	uint8_t b[4] = { 203, 0, 113, 9 };

	return (struct flow){ .addr = { addr_from_v4(a), addr_from_v4(b) },
			      .port = { 4000, 443 },
			      .proto = IPP_TCP,
			      .ip_version = 4,
			      .pkts = { 1, 0 },
			      .first_us = first_us,
			      .last_us = first_us };
}

static struct indicator
indicator(enum indicator_kind kind, const char *value)
{
	return (struct indicator){ .kind = kind,
				   .severity = 2,
				   .confidence = 70,
				   .mark = { .tlp = TLP_GREEN },
				   .value = value,
				   .id = "",
				   .source = "list",
				   .created_by = "",
				   .description = "say \"it\"",
				   .labels = "",
				   .tactic = "",
				   .kill_chain = "" };
}

static void
take(void *arg, uint8_t severity, struct view line)
{
	(void)arg;
	assert_int_equal(severity, 2);
	assert_true(line.len < sizeof(last));
	memcpy(last, line.p, line.len);
	last[line.len] = '\0';
	n_answers++;
}

static bool
all_asked(struct retro *r)
{
	struct retro_counters c;

	retro_get_counters(r, &c);
	return c.index.added > 0 && c.asked == 3;
}

/* What was noted a moment ago is found by a question, and told as an alert. */
static void
test_note_ask_answer(void **state)
{
	struct retro *r = begin(RETRO_ALL_TYPES);
	struct flow f = flow_of(1, AT_US);
	struct indicator seen = indicator(INDICATOR_IP, "203.0.113.9");
	struct indicator net = indicator(INDICATOR_IP, "203.0.113.0/28");
	struct indicator never = indicator(INDICATOR_DOMAIN, "a.example");

	(void)state;
	retro_note_flow(retro_notes(r, 0), &f, AT_US);
	f.pkts[1] = 1;
	retro_note_flow(retro_notes(r, 1), &f, AT_US + 90 * US_PER_S);
	assert_int_equal(retro_ask(r, &never), ERR_OK);
	assert_int_equal(retro_ask(r, &net), ERR_OK);
	assert_int_equal(retro_ask(r, &seen), ERR_OK);
	wait_for(10, all_asked(r));
	retro_end(r);
	retro_take_answers(r, take, NULL);
	assert_int_equal(n_answers, 2);
	assert_non_null(
		strstr(last, "\"past\":{\"first\":\"2023-11-14T22:13:20"));
	assert_non_null(strstr(last, "\"last\":\"2023-11-14T22:14:50"));
	assert_non_null(strstr(last, "\"count\":1}"));
	assert_non_null(strstr(last, "\"signature_id\":9000000,"));
	assert_non_null(strstr(last, "\"src_ip\":\"10.0.0.1\""));
	assert_non_null(strstr(last, "\"dest_port\":443"));
	assert_non_null(strstr(last, "\"tlp\":\"amber\""));
	assert_non_null(strstr(last, "\"confidence\":70"));
	assert_non_null(strstr(last, "say \\\"it\\\""));
	retro_close(r);
}

/* An answer goes to nobody whom the indicator may not go to. */
static void
test_answer_is_marked(void **state)
{
	struct retro *r = begin(RETRO_ALL_TYPES);
	struct flow f = flow_of(1, AT_US);
	struct indicator some = indicator(INDICATOR_IP, "203.0.113.9");
	struct indicator nobody = some, clear = some;
	struct retro_counters c;

	(void)state;
	retro_note_flow(retro_notes(r, 0), &f, AT_US);
	assert_int_equal(
		marking_read(&some.mark, VIEW_LIT("clear//JP,US"), NULL),
		ERR_OK);
	assert_int_equal(retro_ask(r, &some), ERR_OK);
	wait_for(10, (retro_get_counters(r, &c), c.asked == 1));
	retro_take_answers(r, take, NULL);
	assert_non_null(strstr(last, "\"tlp\":\"amber\","
				     "\"releasable_to\":[\"JP\",\"US\"]"));
	nobody.mark = (struct marking){ .tlp = TLP_RED, .limited = true };
	assert_int_equal(retro_ask(r, &nobody), ERR_OK);
	wait_for(10, (retro_get_counters(r, &c), c.asked == 2));
	retro_take_answers(r, take, NULL);
	assert_non_null(strstr(last, "\"tlp\":\"red\",\"releasable_to\":[]"));
	clear.mark = MARKING_CLEAR;
	assert_int_equal(retro_ask(r, &clear), ERR_OK);
	retro_end(r);
	retro_take_answers(r, take, NULL);
	assert_int_equal(n_answers, 3);
	assert_non_null(strstr(last, "\"tlp\":\"amber\""));
	assert_null(strstr(last, "releasable_to"));
	retro_close(r);
}

/* What an inject left is the exercise's, unless it was there before as well. */
static void
test_answer_of_an_exercise(void **state)
{
	struct event_lanes lanes = { .n = 1, .exercise = { exercise_new() } };
	struct exercise *x = lanes.exercise[0];
	struct retro *r = begin(RETRO_ALL_TYPES);
	struct flow f = flow_of(1, AT_US);
	struct indicator i = indicator(INDICATOR_IP, "203.0.113.9");
	struct retro_counters c;
	struct diag d;

	(void)state;
	assert_non_null(x);
	strcpy(x->name, "KEEN");
	x->from_us = AT_US;
	x->until_us = AT_US + 3600 * US_PER_S;
	assert_int_equal(exercise_add_range(x, VIEW_LIT("10.0.0.0/8"), &d),
			 ERR_OK);
	assert_int_equal(
		exercise_add_inject(x, VIEW_LIT("one"), VIEW_LIT("one"), 0, &d),
		ERR_OK);
	assert_int_equal(exercise_add_source(x, VIEW_LIT("203.0.113.9"), &d),
			 ERR_OK);
	retro_set_lanes(r, &lanes);
	retro_note_flow(retro_notes(r, 0), &f, AT_US);
	assert_int_equal(retro_ask(r, &i), ERR_OK);
	wait_for(10, (retro_get_counters(r, &c), c.asked == 1));
	retro_take_answers(r, take, NULL);
	assert_non_null(strstr(last, "\"exercise\":\"KEEN\""));
	f = flow_of(2, AT_US - 60 * US_PER_S);
	retro_note_flow(retro_notes(r, 1), &f, AT_US - 60 * US_PER_S);
	assert_int_equal(retro_ask(r, &i), ERR_OK);
	retro_end(r);
	retro_take_answers(r, take, NULL);
	assert_int_equal(n_answers, 2);
	assert_null(strstr(last, "exercise"));
	retro_close(r);
	exercise_free(x);
}

/* How many of ours had to do with it, not how many strangers. */
static void
test_hosts(void **state)
{
	const struct range home = { addr_value(&flow_of(0, 0).addr[0]),
				    addr_value(&flow_of(0xffff, 0).addr[0]) };
	struct range_set ours = { .v = &home, .n = 1 };
	struct retro *r = begin_at(RETRO_ALL_TYPES, &ours);
	struct file seen = { .sums = { .has = DIGEST_MD5, .md5 = { 7 } } };
	struct file apart = { .sums = { .has = DIGEST_MD5, .md5 = { 8 } } };
	struct indicator common = indicator(INDICATOR_FILE_MD5,
					    "07000000000000000000000000000000");
	struct indicator foreign = indicator(
		INDICATOR_FILE_MD5, "08000000000000000000000000000000");
	struct retro_counters c;
	unsigned hosts = 0;
	const char *at;

	(void)state;
	for (uint32_t i = 1; i <= 80; i++) {
		struct flow f = flow_of(i % 20, AT_US);

		retro_note_file(retro_notes(r, i % 2), &f, &seen, AT_US);
		f = flow_of(0x10000 + i, AT_US);
		retro_note_file(retro_notes(r, 0), &f, &apart, AT_US);
	}
	retro_ring_sweep(&retro_notes(r, 0)->ring, 0, true);
	retro_ring_sweep(&retro_notes(r, 1)->ring, 0, true);
	assert_int_equal(retro_ask(r, &common), ERR_OK);
	wait_for(10, (retro_get_counters(r, &c), c.asked == 1));
	retro_take_answers(r, take, NULL);
	at = strstr(last, "\"count\":80,\"hosts\":");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"count\":80,\"hosts\":%u,", &hosts), 1);
	assert_in_range(hosts, 15, 25);
	assert_non_null(strstr(last, ",\"host_bits\":"));
	assert_int_equal(retro_ask(r, &foreign), ERR_OK);
	retro_end(r);
	retro_take_answers(r, take, NULL);
	assert_int_equal(n_answers, 2);
	assert_non_null(strstr(last, "\"count\":80}"));
	retro_close(r);
}

/* A kind that is not kept is not noted. */
static void
test_types(void **state)
{
	uint32_t types = 0;
	struct retro *r;
	struct flow f = flow_of(1, AT_US);
	struct retro_counters c;

	(void)state;
	assert_true(retro_type_read(VIEW_LIT("domain"), &types));
	assert_true(retro_type_read(VIEW_LIT("ja3"), &types));
	assert_false(retro_type_read(VIEW_LIT("pattern"), &types));
	assert_false(retro_type_read(VIEW_LIT(""), &types));
	r = begin(types);
	retro_note_flow(retro_notes(r, 0), &f, AT_US);
	retro_get_counters(r, &c);
	assert_int_equal(c.note.noted, 0);
	retro_close(r);
}

/* Strangers whom nobody answers do not fill it; who is answered always is in. */
static void
test_flood(void **state)
{
	static struct retro_notes n;
	static struct retro_entry room[1 << 18], got[1 << 18];
	size_t first, later = 0;
	struct flow f;

	(void)state;
	retro_ring_init(&n.ring, room, 18, false);
	retro_notes_init(&n, &(struct retro_secret){ { 1 } });
	n.types = RETRO_ALL_TYPES;
	for (uint32_t i = 0; i < 100000; i++) {
		f = flow_of(i, AT_US);
		retro_note_flow(&n, &f, AT_US);
	}
	first = retro_ring_take(&n.ring, got, ARRAY_LEN(got));
	assert_int_equal(n.ring.count.unanswered_left,
			 100000 - RETRO_UNANSWERED_BURST);
	assert_true(first >= RETRO_UNANSWERED_BURST);
	f.pkts[1] = 1; /* the last one, which was left out, is answered */
	retro_note_flow(&n, &f, AT_US);
	assert_true(retro_ring_take(&n.ring, got, ARRAY_LEN(got)) >= 1);
	for (uint32_t i = 0; i < 100000; i++) {
		f = flow_of(200000 + i, AT_US + 10 * US_PER_S);
		retro_note_flow(&n, &f, AT_US + 10 * US_PER_S);
	}
	retro_ring_take(&n.ring, got, ARRAY_LEN(got));
	later = n.ring.count.unanswered_left;
	assert_in_range(later,
			200000 - RETRO_UNANSWERED_BURST -
				10 * RETRO_UNANSWERED_RATE - 2,
			200000 - RETRO_UNANSWERED_BURST -
				10 * RETRO_UNANSWERED_RATE + 2);
}

/* Repeats are folded, and none is forgotten; a full ring loses and counts. */
static void
test_ring(void **state)
{
	static struct retro_ring r;
	static struct retro_entry room[1 << 10], got[1 << 10];
	struct retro_entry e = { .kind = INDICATOR_DOMAIN, .count = 1 };
	uint64_t sum = 0;
	uint32_t latest = 0, hosts = 0;
	size_t n;

	(void)state;
	retro_ring_init(&r, room, 10, false);
	for (uint32_t i = 0; i < 1000; i++) {
		e.first_s = e.last_s = 100 + i / 100;
		e.hosts = UINT32_C(1) << i % 32;
		retro_ring_note(&r, &e);
	}
	retro_ring_sweep(&r, 0, true);
	n = retro_ring_take(&r, got, ARRAY_LEN(got));
	assert_in_range(n, 2, 10);
	for (size_t i = 0; i < n; i++) {
		sum += got[i].count;
		latest = MAX(latest, got[i].last_s);
		hosts |= got[i].hosts;
		assert_true(got[i].first_s <= got[i].last_s);
	}
	assert_int_equal(sum, 1000);
	assert_int_equal(latest, 109);
	assert_true(hosts == UINT32_MAX);
	for (uint32_t i = 0; i < 3000; i++) {
		memcpy(e.key, &i, sizeof(i));
		e.first_s = e.last_s = 200;
		retro_ring_note(&r, &e);
	}
	n = retro_ring_take(&r, got, ARRAY_LEN(got));
	assert_int_equal(n, 1024);
	assert_int_equal(r.count.lost, 3000 - 1024);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		T(test_note_ask_answer),
		T(test_answer_is_marked),
		T(test_answer_of_an_exercise),
		T(test_hosts),
		T(test_types),
		T(test_flood),
		T(test_ring),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
