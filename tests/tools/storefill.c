/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storefill - makes the store of tests/store_fixture.h
 *
 *	storefill FILE.db          fills it and ends
 *	storefill FILE.db --alerts N
 *	                           fills it with N alerts of many rules and
 *	                           addresses at 16 sites over a week, to measure
 *	                           how long questions take
 *	storefill FILE.db --serve  then serves the console on a free port, prints
 *	                           its number, and ends with standard input
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/console.h"
#include "common/clock.h"
#include "common/eve.h"
#include "common/json.h"
#include "common/log.h"
#include "tests/store_fixture.h"

static int
serve(const char *path, struct diag *d)
{
	struct console_config cfg = { .listen = "127.0.0.1:0", .store = path };
	struct mission_map *map = mission_empty();
	struct console *c;
	char byte;

	cfg.missions = map;
	if (map == NULL || console_start(&c, &cfg, d) != ERR_OK) {
		mission_free(map);
		return 1;
	}
	printf("%u\n", console_port(c));
	fflush(stdout);
	while (read(0, &byte, 1) == 1) {
	}
	console_stop(c);
	mission_free(map);
	return 0;
}

#define PER_FRAME 100
#define PER_COMMIT 500 /* frames */
#define WEEK_US (UINT64_C(7) * 86400 * US_PER_S)
#define BEGIN_US UINT64_C(1795300000000000)

/* What a site sees: so many pairs of a rule and two ends, some far more often
 * than others. */
#define PAIRS 20000

static void
put_line(struct json *j, uint64_t us, unsigned site)
{
	double x = drand48();
	uint32_t pair = (uint32_t)(x * x * x * PAIRS) * 2654435761u;
	unsigned sid = pair % 3000, src = (pair >> 8) % 60000;
	unsigned dst = (pair >> 20) % 300;
	char text[64];

	json_obj(j, NULL);
	json_time(j, "timestamp", us);
	json_cstr(j, "event_type", "alert");
	snprintf(text, sizeof(text), "198.%u.%u.%u", 18 + (src >> 16),
		 src >> 8 & 255, src & 255);
	json_cstr(j, "src_ip", text);
	json_u64(j, "src_port", 1024 + src % 60000);
	snprintf(text, sizeof(text), "10.%u.%u.%u", site, dst >> 8, dst & 255);
	json_cstr(j, "dest_ip", text);
	json_u64(j, "dest_port", 443);
	json_cstr(j, "proto", "TCP");
	json_obj(j, "alert");
	json_u64(j, "gid", 1);
	json_u64(j, "signature_id", 2000000 + sid);
	snprintf(text, sizeof(text), "ET EXAMPLE Rule with number %u", sid);
	json_cstr(j, "signature", text);
	json_cstr(j, "category", "Misc activity");
	json_u64(j, "severity", 1 + sid % 3);
	json_obj_end(j);
	json_obj(j, "picket");
	snprintf(text, sizeof(text), "site%u", site);
	json_cstr(j, "site", text);
	json_cstr(j, "sensor", "tap");
	if (site == 15) {
		json_cstr(j, "exercise", "DRILL");
	}
	json_obj_end(j);
	json_obj_end(j);
}

/* A frame of PER_FRAME alerts about 'us'. */
static bool
many_frame(struct store *s, struct frame_codec *c, struct eve *eve,
	   struct json *j, uint64_t us, uint64_t seq)
{
	unsigned site = (unsigned)(lrand48() % 16);
	struct frame_header h = { .epoch = 1, .seq = seq, .n = PER_FRAME };
	size_t ends[PER_FRAME + 1] = { 0 };
	struct store_tally tally = { .seen_us = us,
				     .last_us = us,
				     .first_us = us,
				     .alerts = PER_FRAME,
				     .frames = 1 };
	struct json one = { 0 };
	char name[16];
	struct view data;
	int64_t sensor;
	bool ok;

	json_reset(j);
	for (unsigned i = 0; i < PER_FRAME; i++) {
		json_reset(&one);
		put_line(&one, us + i * 1000, site);
		json_append(j, json_view(&one));
		json_append(j, VIEW_LIT("\n"));
		ends[i + 1] = j->len;
	}
	snprintf(name, sizeof(name), "site%u", site);
	ok = !j->failed && frame_pack(c, json_view(j), &h, &data) == ERR_OK &&
	     store_sensor(s, name, "tap", &sensor) == ERR_OK &&
	     store_sensor_add(s, sensor, &tally) == ERR_OK &&
	     store_frame_begin(s, sensor, name, &h) == ERR_OK;
	for (unsigned i = 0; i < PER_FRAME && ok; i++) {
		struct view line = view_sub(json_view(j), ends[i],
					    ends[i + 1] - ends[i] - 1);
		struct alert a;
		const char *why;
		bool undescribed = false;
		int64_t id;

		ok = eve_parse(eve, line, &a, &why) == EVE_ALERT &&
		     store_frame_alert(s, &a, &id, &undescribed) == ERR_OK &&
		     (!undescribed ||
		      store_frame_info(s, VIEW_LIT("{}"), VIEW_LIT("{}")) ==
			      ERR_OK);
	}
	json_fini(&one);
	return ok && store_frame_end(s, data, us) == ERR_OK;
}

static bool
fill_many(struct store *s, uint64_t n)
{
	struct frame_codec *c = frame_codec_new(6);
	struct eve *eve = eve_new();
	struct json j = { 0 };
	uint64_t n_frames = n / PER_FRAME;
	bool ok = c != NULL && eve != NULL;

	srand48(1);
	for (uint64_t f = 0; f < n_frames && ok; f++) {
		if (f % PER_COMMIT == 0) {
			ok = (f == 0 || store_commit(s) == ERR_OK) &&
			     store_begin(s) == ERR_OK;
		}
		ok = ok && many_frame(s, c, eve, &j,
				      BEGIN_US + WEEK_US / n_frames * f, f + 1);
	}
	ok = ok && store_commit(s) == ERR_OK;
	frame_codec_free(c);
	eve_free(eve);
	json_fini(&j);
	return ok;
}

static int
many(const char *path, const char *count, struct diag *d)
{
	struct store *s = NULL;
	bool ok = store_open(&s, path, d) == ERR_OK &&
		  fill_many(s, strtoull(count, NULL, 10));

	store_close(s);
	return ok ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct diag d = { "the store refused the fixture" };
	struct store *s = NULL;
	int status = 1;

	if (argc < 2) {
		fputs("usage: storefill FILE.db [--serve | --alerts N]\n",
		      stderr);
		return 2;
	}
	log_init("storefill", LOG_ERR, false);
	if (argc == 4 && strcmp(argv[2], "--alerts") == 0) {
		status = many(argv[1], argv[3], &d);
		if (status != 0) {
			fprintf(stderr, "storefill: %s\n", d.msg);
		}
		return status;
	}
	if (store_open(&s, argv[1], &d) == ERR_OK && store_fixture_fill(s)) {
		status = argc > 2 ? serve(argv[1], &d) : 0;
	}
	if (status != 0) {
		fprintf(stderr, "storefill: %s\n", d.msg);
	}
	store_close(s);
	return status;
}
