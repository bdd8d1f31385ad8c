/* SPDX-License-Identifier: Apache-2.0 */
#include "common/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

static struct frame_codec *codec;

static int
setup(void **state)
{
	(void)state;
	codec = frame_codec_new(6);
	return codec != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	frame_codec_free(codec);
	return 0;
}

/* Packs 'n' bytes made by 'next' and checks that they come back. */
static size_t
round_trip(size_t n, unsigned seed)
{
	uint8_t *raw = malloc(n + 1), *copy;
	struct frame_header h = { 0 };
	struct view data, back;
	struct diag d;
	size_t packed;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + (seed != 0 ? 12345 : 0);
		raw[i] = (uint8_t)(seed >> 16);
	}
	assert_int_equal(frame_pack(codec, view_of(raw, n), &h, &data), ERR_OK);
	packed = data.len;
	assert_int_equal(h.raw_len, n);
	copy = malloc(data.len);
	memcpy(copy, data.p, data.len);
	assert_int_equal(
		frame_unpack(codec, view_of(copy, packed), h.crc, &back, &d),
		ERR_OK);
	assert_true(view_eq(back, view_of(raw, n)));
	assert_int_equal(frame_unpack(codec, view_of(copy, packed), h.crc ^ 1,
				      &back, &d),
			 ERR_FORMAT);
	/* In a hurry other bytes, but the same stream to any reader. */
	frame_codec_hurry(codec, true);
	assert_int_equal(frame_pack(codec, view_of(raw, n), &h, &data), ERR_OK);
	frame_codec_hurry(codec, false);
	copy = realloc(copy, data.len);
	memcpy(copy, data.p, data.len);
	{
		uint8_t *out = malloc(n + 1);
		uLongf len = n + 1;

		assert_int_equal(uncompress(out, &len, copy, data.len), Z_OK);
		assert_int_equal(len, n);
		assert_int_equal(memcmp(out, raw, n), 0);
		free(out);
	}
	assert_int_equal(
		frame_unpack(codec, view_of(copy, data.len), h.crc, &back, &d),
		ERR_OK);
	assert_true(view_eq(back, view_of(raw, n)));
	free(copy);
	free(raw);
	return packed;
}

static void
test_round_trip(void **state)
{
	(void)state;
	round_trip(0, 0);
	round_trip(1, 7);
	round_trip(60 << 10, 0);
	round_trip(60 << 10, 7);
	round_trip(FRAME_MAX_RAW, 0);
	assert_true(round_trip(1000, 0) < 64);
}

static void
test_too_much(void **state)
{
	uint8_t *raw = calloc(1, FRAME_MAX_RAW + 1);
	struct frame_header h;
	struct view data;

	(void)state;
	assert_int_equal(
		frame_pack(codec, view_of(raw, FRAME_MAX_RAW + 1), &h, &data),
		ERR_LIMIT);
	free(raw);
}

static void
test_hostile_bodies(void **state)
{
	static uint8_t zeros[FRAME_MAX_RAW + 1];
	uint8_t packed[4096];
	uLongf len = sizeof(packed);
	struct view raw;
	struct diag d;

	(void)state;
	/* One byte above what may come out. */
	assert_int_equal(compress2(packed, &len, zeros, sizeof(zeros), 9),
			 Z_OK);
	assert_int_equal(frame_unpack(codec, view_of(packed, len), 0, &raw, &d),
			 ERR_FORMAT);
	len = sizeof(packed);
	assert_int_equal(
		compress2(packed, &len, (const Bytef *)"hello\n", 6, 9), Z_OK);
	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(frame_unpack(codec, view_of(packed, cut),
					      0x363a3020, &raw, &d),
				 ERR_FORMAT);
	}
	assert_int_equal(
		frame_unpack(codec, view_of(packed, len), 0x363a3020, &raw, &d),
		ERR_OK);
	packed[len] = 0;
	assert_int_equal(frame_unpack(codec, view_of(packed, len + 1),
				      0x363a3020, &raw, &d),
			 ERR_FORMAT);
	assert_int_equal(frame_unpack(codec, VIEW_LIT("not zlib"), 0, &raw, &d),
			 ERR_FORMAT);
	/* A stream that wants a preset dictionary. */
	assert_int_equal(frame_unpack(codec,
				      VIEW_LIT("\x78\xbb\0\0\0\1\1\0\0\xff"), 0,
				      &raw, &d),
			 ERR_FORMAT);
}

#define KV(k, v) VIEW_LIT(k), VIEW_LIT(v)

static void
test_fields(void **state)
{
	struct view kv[] = { KV("epoch", "1700000000000"),
			     KV("v", "1"),
			     KV("seq", "18446744073709551615"),
			     KV("enc", "zlib"),
			     KV("n", "3"),
			     KV("sev", "255"),
			     KV("crc", "4294967295"),
			     KV("colour", "blue"),
			     KV("data", "x\0y"),
			     KV("mac", "m") };
	struct frame_entry f;
	struct diag d;
	size_t n = ARRAY_LEN(kv);

	(void)state;
	assert_int_equal(frame_read_fields(kv, n, &f, &d), ERR_OK);
	assert_true(f.hdr.seq == UINT64_MAX);
	assert_true(f.hdr.epoch == 1700000000000);
	assert_int_equal(f.hdr.n, 3);
	assert_int_equal(f.hdr.sev, 255);
	assert_int_equal(f.data.len, 3);
	assert_true(f.gap_from == 0);
	/* Each needed field missing in turn; mac and colour are not needed. */
	for (size_t i = 0; i < n; i += 2) {
		struct view was = kv[i];
		bool needed = i != 14 && i != 18;

		kv[i] = VIEW_LIT("other");
		assert_int_equal(frame_read_fields(kv, n, &f, &d),
				 needed ? ERR_FORMAT : ERR_OK);
		kv[i] = was;
	}
	kv[14] = VIEW_LIT("seq");
	assert_int_equal(frame_read_fields(kv, n, &f, &d), ERR_FORMAT);
	kv[14] = VIEW_LIT("colour");
	kv[5] = VIEW_LIT("18446744073709551616");
	assert_int_equal(frame_read_fields(kv, n, &f, &d), ERR_FORMAT);
	kv[5] = VIEW_LIT("-1");
	assert_int_equal(frame_read_fields(kv, n, &f, &d), ERR_FORMAT);
	kv[5] = VIEW_LIT("0");
	assert_int_equal(frame_read_fields(kv, n, &f, &d), ERR_FORMAT);
	kv[5] = VIEW_NONE;
	assert_int_equal(frame_read_fields(kv, n, &f, &d), ERR_FORMAT);
}

static void
test_gap_fields(void **state)
{
	struct view kv[] = { KV("v", "1"),        KV("epoch", "5"),
			     KV("seq", "9"),      KV("enc", "zlib"),
			     KV("n", "0"),        KV("sev", "0"),
			     KV("crc", "0"),      KV("data", "x"),
			     KV("gap_from", "4"), KV("gap_to", "9") };
	struct frame_entry f;
	struct diag d;

	(void)state;
	assert_int_equal(frame_read_fields(kv, 20, &f, &d), ERR_OK);
	assert_true(f.gap_from == 4 && f.gap_to == 9);
	assert_int_equal(frame_read_fields(kv, 18, &f, &d), ERR_FORMAT);
	kv[17] = VIEW_LIT("10");
	assert_int_equal(frame_read_fields(kv, 20, &f, &d), ERR_FORMAT);
	kv[17] = VIEW_LIT("0");
	assert_int_equal(frame_read_fields(kv, 20, &f, &d), ERR_FORMAT);
	kv[17] = VIEW_LIT("4");
	kv[9] = VIEW_LIT("1");
	assert_int_equal(frame_read_fields(kv, 20, &f, &d), ERR_FORMAT);
	kv[9] = VIEW_LIT("0");
	kv[5] = VIEW_LIT("8");
	assert_int_equal(frame_read_fields(kv, 20, &f, &d), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_hostile_bodies),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_gap_fields),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
