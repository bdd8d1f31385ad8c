/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles on their way in, through a Redis and an inbox of the test's own and
 * the whole pipeline: each is applied once and in order, whatever is repeated,
 * left out, changed on the way, too large, or simply too much.
 */
#include "tests/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

#include "collector/exchange_in.h"
#include "collector/pipeline.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/redis_link.h"
#include "tests/redis_fixture.h"
#include "tests/rnd.h"
#include "tests/stix_bundle.h"
#include "tests/store_dir.h"

#define STREAM "picket:exchange:{JP}"

static struct redis_fixture redis;
static bool have_redis;
static uint64_t idle_us = 300000;
static struct redis_link *conn;
static struct sign_key *jp, *us, *jp_public, *us_public, *other;
static char keys[64], inbox[80];
static struct exchange_party parties[2];
static struct exchange_conf conf = {
	.parties = parties, .n = 2, .us = "US", .interval_us = 1000000
};

static struct sign_key *
a_key(const char *name, struct sign_key **public)
{
	struct sign_key *k = NULL;
	struct diag d = { "" };
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", keys, name);
	assert_int_equal(sign_key_make(file, &d), ERR_OK);
	assert_int_equal(sign_key_load(&k, file, true, &d), ERR_OK);
	unlink(file);
	strcat(file, ".pub");
	assert_int_equal(sign_key_load(public, file, false, &d), ERR_OK);
	unlink(file);
	return k;
}

static int
open_all(void **state)
{
	struct diag d = { "" };
	struct sign_key *unused = NULL;

	(void)state;
	snprintf(keys, sizeof(keys), "/tmp/picket-keys-XXXXXX");
	assert_non_null(mkdtemp(keys));
	jp = a_key("jp", &jp_public);
	us = a_key("us", &us_public);
	other = a_key("other", &unused);
	sign_key_free(unused);
	snprintf(parties[0].name, sizeof(parties[0].name), "AU");
	snprintf(parties[1].name, sizeof(parties[1].name), "JP");
	parties[1].keys[0] = jp_public;
	parties[1].n_keys = 1;
	parties[0].quota = parties[1].quota = 1000;
	conf.own = us;
	have_redis = redis_fixture_open(&redis);
	if (have_redis) {
		assert_true(redis_fixture_start(&redis, NULL, NULL));
		assert_int_equal(redis_link_new(&conn, redis.url, &d), ERR_OK);
		assert_int_equal(redis_link_connect(conn, 5000, &d), ERR_OK);
	}
	return 0;
}

static int
close_all(void **state)
{
	(void)state;
	sign_key_free(jp);
	sign_key_free(us);
	sign_key_free(jp_public);
	sign_key_free(us_public);
	sign_key_free(other);
	rmdir(keys);
	redis_link_free(conn);
	if (have_redis) {
		redis_fixture_close(&redis);
	}
	return 0;
}

static redisReply *
call(const char *cmd)
{
	redisReply *r = NULL;
	struct diag d;

	assert_int_equal(redis_link_call(conn, 30000, &r, &d, cmd), ERR_OK);
	return r;
}

static int
setup(void **state)
{
	if (!have_redis) {
		return 0;
	}
	freeReplyObject(call("FLUSHALL"));
	return store_dir_make(state);
}

/* ------------------------------------------------------------- what is sent */

struct sent {
	struct exchange_frame f;
	uint8_t mac[FRAME_MAC_MAX];
	char *data;
};

/* Bundle 'seq' of a story: it says something of its own, revokes something of
 * those before, and tells that more was seen. */
static void
story(struct bundle *b, unsigned seq)
{
	bundle_begin(b, "JP");
	for (unsigned i = 0; i < 5; i++) {
		bundle_indicator(b, seq * 5 + i, seq, false);
	}
	if (seq > 1) {
		bundle_indicator(b, (seq - 1) * 5, seq, true);
		bundle_indicator(b, (seq - 1) * 5 + 1, seq, false);
	}
	bundle_sighting(b, 1, 7, seq * 3, "");
	bundle_sighting(b, seq, seq * 5, 1, "");
	bundle_object(b, "incident", 1 + seq % 2,
		      MARKED ",\"modified\":\"2026-11-20T01:%02u:00Z\","
			     "\"name\":\"title %u\"",
		      seq, seq);
	bundle_end(b);
}

static void
pack(struct sent *s, uint64_t epoch, uint64_t seq, const struct bundle *b)
{
	uLongf len = compressBound(b->len);

	memset(s, 0, sizeof(*s));
	s->data = malloc(len);
	assert_non_null(s->data);
	assert_int_equal(compress2((Bytef *)s->data, &len,
				   (const Bytef *)b->text, b->len, 1),
			 Z_OK);
	snprintf(s->f.from, sizeof(s->f.from), "JP");
	snprintf(s->f.to, sizeof(s->f.to), "US");
	s->f.epoch = epoch;
	s->f.seq = seq;
	s->f.n = b->n;
	s->f.len = b->len;
	s->f.deflated = true;
	s->f.data = view_of(s->data, len);
}

static void
sign(struct sent *s, struct sign_key *k)
{
	size_t len = 0;

	assert_int_equal(exchange_frame_sign(k, &s->f, s->mac, &len), ERR_OK);
	s->f.mac = view_of(s->mac, len);
}

static void
xadd(const struct sent *s)
{
	char t[5][24], mac[2 * FRAME_MAC_MAX + 1];
	const char *argv[] = { "XADD",
			       STREAM,
			       "*",
			       "v",
			       "1",
			       "from",
			       s->f.from,
			       "to",
			       s->f.to,
			       "epoch",
			       t[0],
			       "seq",
			       t[1],
			       "n",
			       t[2],
			       "enc",
			       "zlib",
			       "len",
			       t[3],
			       "mac",
			       mac,
			       "data",
			       s->f.data.len > 0 ? (const char *)s->f.data.p
						 : "" };
	size_t len[ARRAY_LEN(argv)];
	redisReply *r = NULL;
	struct diag d;

	snprintf(t[0], sizeof(t[0]), "%" PRIu64, s->f.epoch);
	snprintf(t[1], sizeof(t[1]), "%" PRIu64, s->f.seq);
	snprintf(t[2], sizeof(t[2]), "%" PRIu32, s->f.n);
	snprintf(t[3], sizeof(t[3]), "%" PRIu64, s->f.len);
	frame_mac_hex(s->f.mac, mac);
	for (size_t i = 0; i < ARRAY_LEN(argv); i++) {
		len[i] = strlen(argv[i]);
	}
	len[ARRAY_LEN(argv) - 1] = s->f.data.len;
	assert_int_equal(redis_link_queue(conn, ARRAY_LEN(argv), argv, len),
			 ERR_OK);
	assert_int_equal(redis_link_reply(conn, 30000, &r, &d), ERR_OK);
	assert_int_not_equal(r->type, REDIS_REPLY_ERROR);
	freeReplyObject(r);
}

static void
send_story(uint64_t epoch, unsigned seq)
{
	struct bundle b;
	struct sent s;

	story(&b, seq);
	pack(&s, epoch, seq, &b);
	sign(&s, jp);
	xadd(&s);
	free(s.data);
	bundle_free(&b);
}

/* ------------------------------------------------------------ what comes of it */

static void
run(void)
{
	static const struct posture_levels levels;
	struct mission_map *map = mission_empty();
	struct pipeline_config cfg = { .store = path,
				       .consumer = "test",
				       .missions = map,
				       .correlate = correlate_defaults,
				       .blind = blind_defaults,
				       .postures = &levels,
				       .exchange = &conf,
				       .until_idle_us = idle_us };
	volatile sig_atomic_t stop = 0, report = 0, rotate = 0;
	struct pipeline *p = NULL;
	struct diag d = { "" };

	cfg.redis.url = redis.url;
	cfg.common.limits = indicator_limits_default;
	cfg.common.gate = gate_defaults;
	cfg.common.gate.on = false;
	if (pipeline_open(&p, &cfg, &d) != ERR_OK ||
	    pipeline_run(p, &stop, &report, &rotate, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	pipeline_close(p);
	mission_free(map);
}

static void
dump(const char *sql, char *out, size_t cap)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	size_t n = 0;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	out[0] = '\0';
	while (sqlite3_step(st) == SQLITE_ROW && n < cap) {
		for (int i = 0; i < sqlite3_column_count(st) && n < cap; i++) {
			n += (size_t)snprintf(out + n, cap - n, "%s|",
					      sql_text(st, i));
		}
	}
	assert_true(n < cap);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static uint64_t
counted(const char *name)
{
	char sql[160], out[64];

	snprintf(sql, sizeof(sql),
		 "SELECT n FROM partner_counts WHERE party='JP' AND name='%s'",
		 name);
	dump(sql, out, sizeof(out));
	return strtoull(out, NULL, 10);
}

static void
assert_point(const char *want)
{
	char out[64];
	redisReply *r = call("GET picket:exchanged:{JP}");
	struct exchange_party as_us = { .name = "US", .n_keys = 1 };
	uint64_t epoch = 0, seq = 0;

	dump("SELECT epoch||' '||seq FROM partners WHERE party='JP'", out,
	     sizeof(out));
	out[strcspn(out, "|")] = '\0';
	assert_string_equal(out, want);
	/* What JP reads says the same, under our signature. */
	assert_int_equal(r->type, REDIS_REPLY_STRING);
	as_us.keys[0] = us_public;
	assert_int_equal(exchange_point_read(&as_us, "JP",
					     view_of(r->str, r->len), &epoch,
					     &seq),
			 EXCHANGE_OK);
	snprintf(out, sizeof(out), "%" PRIu64 " %" PRIu64, epoch, seq);
	assert_string_equal(out, want);
	freeReplyObject(r);
	r = call("XLEN " STREAM);
	assert_int_equal(r->integer, 0);
	freeReplyObject(r);
}

/* All that the bundles say, and nothing of when. */
static void
dump_all(char *out, size_t cap)
{
	static const char *const sql[] = {
		"SELECT value,state,mark,modified_us FROM indicators"
		" ORDER BY value",
		"SELECT id,count,place FROM partner_sightings ORDER BY id",
		"SELECT id,title,modified_us FROM partner_incidents"
		" ORDER BY id",
		"SELECT r.key,s.site,s.owner,s.count FROM runs r JOIN"
		" sightings s ON s.run=r.id ORDER BY 1,2",
		"SELECT name,n FROM partner_counts WHERE name NOT LIKE"
		" 'refused:%' AND name<>'repeated' ORDER BY name",
		"SELECT count(*) FROM audit",
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		dump(sql[i], out + n, cap - n);
		n += strlen(out + n);
	}
}

#define STORY 6

static void
any_order_with_repeats_gives_the_same_store(void **state)
{
	static char want[65536], got[65536];

	(void)state;
	if (!have_redis) {
		skip();
	}
	for (unsigned i = 1; i <= STORY; i++) {
		send_story(1, i);
	}
	run();
	dump_all(want, sizeof(want));
	assert_int_equal(counted("bundles"), STORY);
	assert_point("1 6");
	for (uint64_t seed = 1; seed <= 1; seed++) {
		rnd_state = (uint32_t)seed;
		store_dir_remove(NULL);
		setup(NULL);
		for (unsigned i = 0; i < 30; i++) {
			send_story(1, 1 + rnd(STORY));
			if (i == 15) {
				run(); /* a restart within */
			}
		}
		/* The sender sends from our point on, once more. */
		for (unsigned i = 1; i <= STORY; i++) {
			send_story(1, i);
		}
		run();
		dump_all(got, sizeof(got));
		assert_string_equal(got, want);
		assert_point("1 6");
	}
}

static void
what_is_not_the_partys_is_refused_by_cause(void **state)
{
	struct bundle b;
	struct sent s;
	uint8_t byte;

	(void)state;
	if (!have_redis) {
		skip();
	}
	story(&b, 1);
	pack(&s, 1, 1, &b);
	xadd(&s); /* no mac */
	sign(&s, other);
	xadd(&s);
	sign(&s, jp);
	s.f.n++; /* changed behind the signature */
	xadd(&s);
	s.f.n--;
	byte = (uint8_t)s.data[s.f.data.len / 2];
	s.data[s.f.data.len / 2] ^= 1;
	xadd(&s);
	s.data[s.f.data.len / 2] = (char)byte;
	s.f.seq = 2; /* moved to another place */
	xadd(&s);
	snprintf(s.f.to, sizeof(s.f.to), "AU"); /* made for another */
	sign(&s, jp);
	xadd(&s);
	snprintf(s.f.to, sizeof(s.f.to), "US");
	snprintf(s.f.from, sizeof(s.f.from), "AU"); /* of another's name */
	sign(&s, jp);
	xadd(&s);
	free(s.data);
	bundle_free(&b);
	run();
	assert_int_equal(counted("refused:unsigned"), 1);
	assert_int_equal(counted("refused:unknown-key"), 1);
	assert_int_equal(counted("refused:forged"), 3);
	assert_int_equal(counted("refused:misaddressed"), 2);
	assert_int_equal(counted("bundles"), 0);
	send_story(1, 1);
	run();
	assert_int_equal(counted("bundles"), 1);
	assert_point("1 1");
}

static void
what_is_out_of_order_is_not_applied(void **state)
{
	(void)state;
	if (!have_redis) {
		skip();
	}
	send_story(5, 1);
	send_story(5, 3); /* a gap */
	send_story(5, 1); /* a repeat */
	send_story(4, 1); /* an epoch of before */
	send_story(4, 2);
	send_story(6, 2); /* one that did not begin */
	run();
	assert_int_equal(counted("bundles"), 1);
	assert_int_equal(counted("refused:gap"), 2);
	assert_int_equal(counted("repeated"), 1);
	assert_int_equal(counted("refused:old-epoch"), 2);
	assert_point("5 1");
	send_story(5, 2);
	send_story(5, 3);
	send_story(6, 1); /* the sender's store was made anew */
	send_story(5, 4); /* what it said before that is played back */
	run();
	assert_int_equal(counted("bundles"), 4);
	assert_int_equal(counted("refused:old-epoch"), 3);
	assert_point("6 1");
}

/* Whoever had the party's key once has not the last word for ever. */
static void
no_epoch_is_the_last(void **state)
{
	(void)state;
	if (!have_redis) {
		skip();
	}
	send_story(INT64_MAX, 1);
	send_story(clock_wall_us(), 1);
	run();
	assert_int_equal(counted("refused:malformed"), 1);
	assert_int_equal(counted("refused:old-epoch"), 0);
	assert_int_equal(counted("bundles"), 1);
}

/* What is wrong with AU's stream costs JP no word of ours. */
static void
one_stream_is_not_the_others(void **state)
{
	(void)state;
	if (!have_redis) {
		skip();
	}
	freeReplyObject(call("SET picket:exchange:{AU} nonsense"));
	send_story(1, 1);
	run();
	assert_int_equal(counted("bundles"), 1);
	assert_point("1 1");
}

static void
what_is_too_large_is_not_inflated(void **state)
{
	static char zeros[6 << 20];
	struct bundle b = { zeros, sizeof(zeros), 0, 1, "" };
	struct sent s;

	(void)state;
	if (!have_redis) {
		skip();
	}
	b.len = EXCHANGE_MAX_LEN + 1;
	pack(&s, 1, 1, &b);
	sign(&s, jp);
	xadd(&s);
	/* A bomb: it claims little, and is signed; nobody would send it right,
	 * so it counts, and what follows is not held up. */
	b.len = sizeof(zeros);
	free(s.data);
	pack(&s, 1, 1, &b);
	s.f.len = 1000;
	s.f.n = 3;
	sign(&s, jp);
	xadd(&s);
	free(s.data);
	send_story(1, 2);
	run();
	assert_int_equal(counted("refused:malformed"), 1);
	assert_int_equal(counted("object:malformed"), 3);
	assert_int_equal(counted("bundles"), 2);
	assert_point("1 2");
}

/* What no reply may be: 17 MiB in one entry. */
static void
what_cannot_be_read_goes_unread(void **state)
{
	struct sent s = { .data = calloc(1, 17 << 20) };

	(void)state;
	if (!have_redis) {
		free(s.data);
		skip();
	}
	snprintf(s.f.from, sizeof(s.f.from), "JP");
	snprintf(s.f.to, sizeof(s.f.to), "US");
	s.f.data = view_of(s.data, 17 << 20);
	xadd(&s);
	free(s.data);
	send_story(1, 1);
	store_close(store_dir_open());
	/* The connection is lost over it, and comes back in its own time. */
	for (idle_us = 1500000; counted("bundles") == 0; idle_us *= 2) {
		assert_true(idle_us < 60000000);
		run();
	}
	idle_us = 300000;
	assert_int_equal(counted("refused:oversize"), 1);
	assert_int_equal(counted("bundles"), 1);
	assert_point("1 1");
}

static void
a_flood_is_trimmed(void **state)
{
	struct sent s = { .f = { .from = "JP", .to = "US" } };

	(void)state;
	if (!have_redis) {
		skip();
	}
	for (unsigned i = 0; i < EXCHANGE_IN_ENTRIES + 100; i++) {
		xadd(&s);
	}
	send_story(1, 1);
	run();
	assert_int_equal(counted("refused:flood"),
			 EXCHANGE_IN_ENTRIES + 101 -
				 (EXCHANGE_IN_ENTRIES + 101) / 2);
	assert_int_equal(counted("refused:flood") + counted("refused:unsigned"),
			 EXCHANGE_IN_ENTRIES + 100);
	assert_point("1 1");
}

/* ------------------------------------------------------------------- files */

/* As if it lay there for long: what was written just now may not be whole. */
static void
age(const char *file)
{
	const struct timespec t[2] = { { .tv_sec = 1000000 },
				       { .tv_sec = 1000000 } };

	assert_int_equal(utimensat(AT_FDCWD, file, t, 0), 0);
}

static void
put_file(const struct sent *s, const struct bundle *b)
{
	char name[EXCHANGE_FILE_CAP], file[512];
	struct json j;
	FILE *f;

	exchange_file_name(&s->f, ".json", name);
	snprintf(file, sizeof(file), "%s/%s", inbox, name);
	f = fopen(file, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(b->text, 1, b->len, f), b->len);
	fclose(f);
	age(file);
	json_init(&j);
	exchange_sig_write(&j, &s->f);
	exchange_file_name(&s->f, ".sig", name);
	snprintf(file, sizeof(file), "%s/%s", inbox, name);
	f = fopen(file, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(j.p, 1, j.len, f), j.len);
	fclose(f);
	age(file);
	json_fini(&j);
}

static void
carry(uint64_t epoch, unsigned seq, bool spoilt)
{
	struct bundle b;
	struct sent s;

	story(&b, seq);
	pack(&s, epoch, seq, &b);
	s.f.deflated = false;
	s.f.data = view_of(b.text, b.len);
	sign(&s, jp);
	if (spoilt) {
		b.text[10] ^= 1;
	}
	put_file(&s, &b);
	free(s.data);
	bundle_free(&b);
}

static unsigned
files_like(const char *pattern)
{
	char cmd[160], out[16] = "";
	FILE *p;

	snprintf(cmd, sizeof(cmd), "ls %s | grep -c '%s'", inbox, pattern);
	p = popen(cmd, "r");
	assert_non_null(p);
	assert_non_null(fgets(out, sizeof(out), p));
	pclose(p);
	return (unsigned)atoi(out);
}

static void
files_are_taken_in_order_and_refused_once(void **state)
{
	char cmd[128];

	(void)state;
	if (!have_redis) {
		skip();
	}
	snprintf(inbox, sizeof(inbox), "%s/in", dir);
	snprintf(cmd, sizeof(cmd), "mkdir %s", inbox);
	assert_int_equal(system(cmd), 0);
	parties[1].inbox = parties[1].outbox = inbox;
	carry(7, 2, false);
	carry(7, 1, false);
	carry(7, 3, true);
	run();
	assert_int_equal(counted("bundles"), 2);
	assert_int_equal(counted("refused:forged"), 1);
	assert_point("7 2");
	assert_int_equal(files_like("^JP-US-7-3.*refused$"), 2);
	assert_int_equal(files_like("^JP-US-7-[12]"), 0);
	assert_int_equal(files_like("^US-JP-point$"), 1);
	carry(7, 3, false);
	carry(7, 1, false);
	carry(3, 1, false);
	run();
	assert_int_equal(counted("bundles"), 3);
	assert_int_equal(counted("refused:forged"), 1);
	assert_int_equal(counted("refused:old-epoch"), 1);
	assert_int_equal(counted("repeated"), 1);
	assert_int_equal(files_like("^JP-US-3-1.*refused$"), 2);
	assert_int_equal(files_like("sig$"), 0);
	parties[1].inbox = parties[1].outbox = NULL;
	snprintf(cmd, sizeof(cmd), "rm -r %s", inbox);
	assert_int_equal(system(cmd), 0);
}

static int
teardown(void **state)
{
	return have_redis ? store_dir_remove(state) : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(any_order_with_repeats_gives_the_same_store),
		CASE(what_is_not_the_partys_is_refused_by_cause),
		CASE(what_is_out_of_order_is_not_applied),
		CASE(no_epoch_is_the_last),
		CASE(one_stream_is_not_the_others),
		CASE(what_is_too_large_is_not_inflated),
		CASE(what_cannot_be_read_goes_unread),
		CASE(a_flood_is_trimmed),
		CASE(files_are_taken_in_order_and_refused_once),
#undef CASE
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
