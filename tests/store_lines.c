/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/store_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/eve.h"
#include "common/json.h"

size_t
brief_line(char *out, size_t cap, const struct brief *b, const char *site,
	   const char *sensor)
{
	struct json when = { 0 };
	int n;

	json_time(&when, NULL, b->us);
	n = snprintf(out, cap,
		     "{\"timestamp\":%.*s,\"event_type\":\"%s\","
		     "\"src_ip\":\"10.0.%u.%u\",\"dest_ip\":\"10.0.%u.%u\","
		     "\"alert\":{\"signature_id\":%u,\"signature\":\"Rule %u\","
		     "\"severity\":%u},\"picket\":{\"site\":\"%s\","
		     "\"sensor\":\"%s\",\"exercise\":\"%s\"}}\n",
		     (int)when.len, when.p, b->other ? "flow" : "alert",
		     b->src >> 8, b->src & 255, b->dst >> 8, b->dst & 255,
		     b->sid, b->sid, b->severity, site, sensor, b->exercise);
	json_fini(&when);
	assert_true(n > 0 && (size_t)n < cap);
	return (size_t)n;
}

void
brief_frame(struct store *s, const char *site, const char *sensor, uint64_t seq,
	    const struct brief *b, size_t n, uint64_t at_us)
{
	struct frame_header h = { .epoch = 1, .seq = seq, .n = (uint32_t)n };
	struct frame_codec *c = frame_codec_new(6);
	struct eve *eve = eve_new();
	char *raw = malloc(n * 400 + 1);
	struct view data;
	int64_t id;
	size_t len = 0;

	assert_non_null(raw);
	for (size_t i = 0; i < n; i++) {
		len += brief_line(raw + len, 400, &b[i], site, sensor);
	}
	assert_int_equal(frame_pack(c, view_of(raw, len), &h, &data), ERR_OK);
	assert_int_equal(store_sensor(s, site, sensor, &id), ERR_OK);
	assert_int_equal(store_frame_begin(s, id, site, &h), ERR_OK);
	for (size_t i = 0, at = 0; i < n; i++) {
		char *end = strchr(raw + at, '\n');
		struct alert a;
		const char *why;
		bool undescribed;
		int64_t alert;

		if (b[i].other) {
			assert_int_equal(store_frame_other(s), ERR_OK);
		} else {
			assert_int_equal(
				eve_parse(eve,
					  view_of(raw + at,
						  (size_t)(end - raw) - at),
					  &a, &why),
				EVE_ALERT);
			assert_int_equal(
				store_frame_alert(s, &a, &alert, &undescribed),
				ERR_OK);
			assert_int_equal(store_frame_info(s, VIEW_LIT("{}"),
							  VIEW_LIT("{}")),
					 ERR_OK);
		}
		at = (size_t)(end - raw) + 1;
	}
	assert_int_equal(store_frame_end(s, data, at_us), ERR_OK);
	free(raw);
	eve_free(eve);
	frame_codec_free(c);
}
