/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_lines(void **state)
{
	struct frame_codec *c = frame_codec_new(6), *c2 = frame_codec_new(6);
	struct frame_header h;
	struct view data, raw;
	struct batch b;

	(void)state;
	assert_int_equal(batch_init(&b), ERR_OK);
	assert_false(batch_due(&b, 1000000, BATCH_US));
	assert_int_equal(batch_add(&b, VIEW_LIT("{\"a\":1}"), 0, 1000), ERR_OK);
	assert_int_equal(batch_add(&b, VIEW_LIT("{\"b\":2}\n"), 3, 2000),
			 ERR_OK);
	assert_int_equal(batch_add(&b, VIEW_LIT("\n"), 1, 2000), ERR_OK);
	assert_int_equal(batch_add(&b, VIEW_LIT("{}"), 200, 2000), ERR_OK);
	assert_int_equal(b.n, 3);
	assert_int_equal(b.sev, 3);
	assert_false(batch_due(&b, 1000 + BATCH_US - 1, BATCH_US));
	assert_true(batch_due(&b, 1000 + BATCH_US, BATCH_US));
	assert_int_equal(batch_pack(&b, c, &h, &data), ERR_OK);
	assert_int_equal(h.n, 3);
	assert_int_equal(h.sev, 3);
	assert_int_equal(b.n, 0);
	assert_int_equal(b.sev, 0);
	assert_int_equal(frame_unpack(c2, data, h.crc, &raw, NULL), ERR_OK);
	assert_true(view_eq(raw, VIEW_LIT("{\"a\":1}\n{\"b\":2}\n{}\n")));
	batch_fini(&b);
	frame_codec_free(c);
	frame_codec_free(c2);
}

static void
test_sizes(void **state)
{
	static uint8_t line[FRAME_MAX_RAW];
	struct batch b;

	(void)state;
	memset(line, 'x', sizeof(line));
	assert_int_equal(batch_init(&b), ERR_OK);
	for (int i = 0; i < 60; i++) {
		assert_false(batch_due(&b, 5, BATCH_US));
		assert_int_equal(batch_add(&b, view_of(line, 1023), 1, 5),
				 ERR_OK);
	}
	assert_true(batch_due(&b, 5, BATCH_US));
	assert_int_equal(batch_add(&b, view_of(line, 1), 1, 5), ERR_AGAIN);
	b.len = b.n = 0;
	/* The longest line there may be fits an empty batch, and no other. */
	assert_int_equal(batch_add(&b, view_of(line, sizeof(line)), 1, 5),
			 ERR_LIMIT);
	assert_int_equal(batch_add(&b, view_of(line, 1), 1, 5), ERR_OK);
	assert_int_equal(batch_add(&b, view_of(line, sizeof(line) - 1), 1, 5),
			 ERR_AGAIN);
	b.len = b.n = 0;
	assert_int_equal(batch_add(&b, view_of(line, sizeof(line) - 1), 1, 5),
			 ERR_OK);
	assert_int_equal(b.len, FRAME_MAX_RAW);
	batch_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
