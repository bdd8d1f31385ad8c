/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets from before an alert: those of its flow that are still there come out
 * of the worker's ring before the packet of the alert, and none that is not.
 */
#include "tests/test.h"

#include <stdlib.h>

#include "sensor/evidence_tap.h"

#define START_US (UINT64_C(1700000000) * 1000000)
#define ROOM_BITS 18

static struct evidence_tap *tap;
static uint8_t *before_room;
static uint8_t bytes[2048];

/* The i-th frame; its bytes and its length differ from those of others. */
static struct frame
frame_of(unsigned i)
{
	struct frame f = { .data = bytes,
			   .caplen = 60 + i % 1000,
			   .wirelen = 70 + i % 1000,
			   .ts_us = START_US + i,
			   .ts_ns = (uint16_t)(i % 1000),
			   .linktype = 1 };

	for (unsigned k = 0; k < sizeof(bytes); k++) {
		bytes[k] = (uint8_t)(i + k * 7);
	}
	return f;
}

static void
begin(uint64_t before, uint32_t flow_packets)
{
	static const struct evidence_limits usual = { .file_size = 1 << 20,
						      .flow_bytes = 1 << 20,
						      .snaplen = 2000 };
	struct evidence_limits limit = usual;

	limit.flow_packets = flow_packets;
	tap = aligned_alloc(64, sizeof(*tap));
	assert_non_null(tap);
	memset(tap, 0, sizeof(*tap));
	evidence_tap_init(tap, calloc(1, (size_t)1 << ROOM_BITS), ROOM_BITS,
			  &limit, false);
	before_room = calloc(1, before + 1);
	assert_non_null(tap->room);
	assert_non_null(before_room);
	tap->before.room = before_room;
	tap->before.size = before;
	tap->mode = EVIDENCE_FLOWS;
}

static void
end(void)
{
	free(tap->room);
	free(before_room);
	free(tap);
}

/* Frame 'i' of a flow that has not alerted. */
static void
note_one(uint64_t flow, unsigned i)
{
	struct frame f = frame_of(i);

	evidence_next_frame(tap);
	evidence_note(tap, flow, &f);
}

/* Frame 'i' is the first alert of its flow, and of two rules. */
static struct evidence_at
alert_one(uint64_t flow, unsigned i)
{
	struct frame f = frame_of(i);
	uint8_t state = EVIDENCE_UNSEEN;
	struct evidence_at at;

	evidence_next_frame(tap);
	evidence_catch_up(tap, flow, false, state);
	at = *evidence_keep(tap, &f, false);
	evidence_follow(tap, flow, f.ts_us, false, &state);
	evidence_catch_up(tap, flow, false, state);
	(void)evidence_keep(tap, &f, false);
	return at;
}

/* The next that goes to disk is frame 'i'; where it is going to be. */
static struct evidence_at
next_is(unsigned i)
{
	static uint8_t data[2048];
	struct frame f = frame_of(i);
	struct evidence_head h;

	assert_true(evidence_take(tap, &h, data));
	assert_int_equal(h.ts_us, f.ts_us);
	assert_int_equal(h.ts_ns, f.ts_ns);
	assert_int_equal(h.caplen, f.caplen);
	assert_int_equal(h.wirelen, f.wirelen);
	assert_int_equal(h.linktype, f.linktype);
	assert_memory_equal(data, f.data, f.caplen);
	return h.at;
}

static void
no_more(void)
{
	struct evidence_head h;

	assert_false(evidence_take(tap, &h, bytes));
}

/* The oldest first, and as many as are kept of a flow. */
static void
test_the_latest_of_the_flow(void **state)
{
	struct evidence_at alert, at;

	(void)state;
	begin(1 << 16, 8);
	for (unsigned i = 0; i < 20; i++) {
		note_one(5 + i % 2, i);
	}
	alert = alert_one(5, 50);
	for (unsigned i = 0; i < 8; i++) {
		at = next_is(4 + 2 * i);
		assert_true(at.offset < alert.offset);
	}
	/* The alert still says where its own packet is. */
	at = next_is(50);
	assert_int_equal(at.file, alert.file);
	assert_int_equal(at.offset, alert.offset);
	no_more();
	(void)alert_one(7, 51); /* nothing was before */
	(void)next_is(51);
	no_more();
	assert_int_equal(tap->count.before, 8);
	end();
}

/* No more than so many, however many there were. */
static void
test_packets_have_a_bound(void **state)
{
	(void)state;
	begin(1 << 17, 10000);
	for (unsigned i = 0; i < 200; i++) {
		note_one(5, i);
	}
	(void)alert_one(5, 300);
	for (unsigned i = 200 - BEFORE_PACKETS; i < 200; i++) {
		(void)next_is(i);
	}
	(void)next_is(300);
	no_more();
	end();
}

/* What was written over, or is larger than the room, is not made up. */
static void
test_bytes_have_a_bound(void **state)
{
	unsigned n;

	(void)state;
	begin(1024, 100);
	for (unsigned i = 0; i < 1000; i++) {
		note_one(5, i % 60);
	}
	note_one(5, 990); /* 1050 bytes: larger than the room */
	(void)alert_one(5, 61);
	n = (unsigned)tap->count.before;
	assert_in_range(n, 5, 9); /* of 100 to 160 bytes, in 1 KiB */
	for (unsigned i = 1000 - n; i < 1000; i++) {
		(void)next_is(i % 60);
	}
	(void)next_is(61);
	no_more();
	end();
}

/* Not where alerts alone are kept, nor without room. */
static void
test_only_where_it_is_wanted(void **state)
{
	(void)state;
	begin(1 << 16, 8);
	note_one(5, 1);
	tap->mode = EVIDENCE_ALERTS;
	(void)alert_one(5, 2);
	(void)next_is(2);
	no_more();
	end();
	begin(0, 8);
	note_one(5, 1);
	(void)alert_one(5, 2);
	(void)next_is(2);
	no_more();
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_latest_of_the_flow),
		cmocka_unit_test(test_packets_have_a_bound),
		cmocka_unit_test(test_bytes_have_a_bound),
		cmocka_unit_test(test_only_where_it_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
