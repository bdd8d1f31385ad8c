/* SPDX-License-Identifier: Apache-2.0 */
#include "common/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "sensor/anchor.h"

#define S UINT64_C(1000000)

static void
same(const struct trace *t, const char *want)
{
	char text[TRACE_TEXT_CAP];
	struct trace back;
	size_t n = trace_format(t, text);

	assert_int_equal(n, strlen(text));
	assert_string_equal(text, want);
	assert_true(trace_parse(view_cstr(text), &back));
	assert_memory_equal(back.isn, t->isn, sizeof(back.isn));
	assert_memory_equal(back.has_isn, t->has_isn, sizeof(back.has_isn));
	assert_true(back.content == t->content);
	assert_int_equal(back.ip_id, t->ip_id);
}

static void
as_text(void **state)
{
	struct trace t = { 0 };

	(void)state;
	same(&t, "---");
	t.has_isn[0] = true;
	same(&t, "0---");
	t.isn[0] = 0xdeadbeef;
	t.has_isn[1] = true;
	t.isn[1] = 16;
	same(&t, "deadbeef-10--");
	t.content = UINT64_MAX;
	t.ip_id = 0xffff;
	same(&t, "deadbeef-10-ffffffffffffffff-ffff");
	t.has_isn[0] = false;
	t.isn[0] = 0;
	t.content = 1;
	same(&t, "-10-1-ffff");
}

static void
refused(void **state)
{
	static const char *const bad[] = {
		"",
		"-",
		"--",
		"----",
		"1-2-3",
		"1-2-3-4-5",
		"g---",
		"A---",
		"123456789---",
		"-123456789--",
		"--12345678901234567-",
		"---12345",
		" ---",
		"--- ",
		"0x1---",
		"---\n",
		"+1---",
	};
	struct trace t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (trace_parse(view_cstr(bad[i]), &t)) {
			fail_msg("'%s' is no trace", bad[i]);
		}
	}
	assert_false(trace_parse(view_of("--\0-", 4), &t));
}

/* However many handshakes there are: few are told of, and what a busy sensor
 * tells of a quiet one tells of too. */
static void
paced(void **state)
{
	static bool told[200000];
	struct anchor_pace busy = { 0 }, quiet = { 0 };
	unsigned n = 0, shared = 0, late = 0;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(told); i++) {
		told[i] = anchor_take(&busy, i * 2654435761u, i * 40503u,
				      S + i * S / 2000);
		n += told[i];
	}
	/* 100 s: four a second, and the room of a few levels. */
	assert_in_range(n, 300, 400 + 2 * ANCHOR_ROOM + ANCHOR_LEVELS * 128);
	for (uint32_t i = ARRAY_LEN(told) / 2; i < ARRAY_LEN(told); i += 40) {
		bool it = anchor_take(&quiet, i * 2654435761u, i * 40503u,
				      S + i * S / 2000);

		late += told[i];
		shared += told[i] && it;
	}
	assert_true(late > 0);
	assert_int_equal(shared, late);
	/* When it is quiet again each is told of again. */
	n = 0;
	for (uint32_t i = 0; i < 4000; i++) {
		bool it = anchor_take(&busy, i * 7u, i * 11u,
				      1000 * S + i * 10 * S);

		n += i >= 3000 && it;
	}
	assert_int_equal(n, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_text),
		cmocka_unit_test(refused),
		cmocka_unit_test(paced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
