/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector as a process, against a Redis of its own: what is pushed is
 * counted once, whatever is repeated, broken, missing or killed on the way.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "collector/store.h"
#include "common/redis_link.h"
#include "tests/redis_fixture.h"

#define EPOCH UINT64_C(1700000000000)

static struct redis_fixture redis;
static struct redis_link *conn;
static struct frame_codec *codec;
static char store[128];
static bool have_redis;
static uint64_t epoch = EPOCH; /* of what is pushed */

static redisReply *
call(const char *fmt, const char *a, const char *b)
{
	redisReply *r = NULL;
	struct diag d;

	assert_int_equal(redis_link_call(conn, 5000, &r, &d, fmt, a, b),
			 ERR_OK);
	return r;
}

static size_t
alert_line(char *out, size_t cap, const char *site, const char *sensor,
	   unsigned i, const char *extra)
{
	return (size_t)snprintf(
		out, cap,
		"{\"timestamp\":\"2026-11-20T10:%02u:%02u.000000+0000\","
		"\"event_type\":\"alert\",\"src_ip\":\"203.0.113.7\","
		"\"src_port\":%u,\"dest_ip\":\"10.1.0.%u\",\"dest_port\":80,"
		"\"proto\":\"TCP\",\"alert\":{\"gid\":1,\"signature_id\":%u,"
		"\"rev\":1,\"signature\":\"rule %u\",\"category\":\"c\","
		"\"severity\":1},\"picket\":{\"site\":\"%s\",\"sensor\":\"%s\","
		"\"owner\":\"JP\",\"seq\":%u%s}}\n",
		i / 60 % 60, i % 60, 1024 + i % 60000, i % 200 + 1,
		9000000 + i % 3, i % 3, site, sensor, i, extra);
}

static void
xadd(const char *name, const struct frame_header *h, struct view data,
     bool as_gap, uint64_t gap_from)
{
	char key[128], t[6][24];
	const char *argv[24] = { "XADD",  key,  "*",    "v",   "1",
				 "epoch", t[0], "seq",  t[1],  "enc",
				 "zlib",  "n",  t[2],   "sev", "1",
				 "crc",   t[3], "data", NULL };
	int argc = 19;
	size_t len[24];
	redisReply *r;
	struct diag d;

	snprintf(key, sizeof(key), "picket:alerts:{%s}", name);
	snprintf(t[0], sizeof(t[0]), "%" PRIu64, h->epoch);
	snprintf(t[1], sizeof(t[1]), "%" PRIu64, h->seq);
	snprintf(t[2], sizeof(t[2]), "%" PRIu32, h->n);
	snprintf(t[3], sizeof(t[3]), "%" PRIu32, h->crc);
	argv[18] = (const char *)data.p;
	if (as_gap) {
		snprintf(t[4], sizeof(t[4]), "%" PRIu64, gap_from);
		argv[argc++] = "gap_from";
		argv[argc++] = t[4];
		argv[argc++] = "gap_to";
		argv[argc++] = t[1];
	}
	for (int i = 0; i < argc; i++) {
		len[i] = i == 18 ? data.len : strlen(argv[i]);
	}
	assert_int_equal(redis_link_queue(conn, argc, argv, len), ERR_OK);
	assert_int_equal(redis_link_reply(conn, 5000, &r, &d), ERR_OK);
	assert_int_not_equal(r->type, REDIS_REPLY_ERROR);
	freeReplyObject(r);
}

static void
split(const char *name, char site[64], const char **sensor)
{
	const char *slash = strchr(name, '/');

	snprintf(site, 64, "%.*s", (int)(slash - name), name);
	*sensor = slash + 1;
}

/* A frame of 'n' alerts, seq 'seq'; 'spoil' flips a byte of its body. */
static void
push(const char *name, uint64_t seq, unsigned n, bool spoil)
{
	static char raw[256 * 1024], copy[256 * 1024];
	struct frame_header h = {
		.epoch = epoch, .seq = seq, .n = n, .sev = 1
	};
	struct view data;
	char site[64];
	const char *sensor;
	size_t len = 0;

	split(name, site, &sensor);
	for (unsigned i = 0; i < n; i++) {
		len += alert_line(raw + len, sizeof(raw) - len, site, sensor,
				  (unsigned)seq * n + i, "");
	}
	assert_int_equal(frame_pack(codec, view_of(raw, len), &h, &data),
			 ERR_OK);
	memcpy(copy, data.p, data.len);
	if (spoil) {
		copy[data.len / 2] = (char)(copy[data.len / 2] ^ 0x40);
	}
	xadd(name, &h, view_of(copy, data.len), false, 0);
}

static void
join_sensors(const char *name)
{
	freeReplyObject(call("SADD picket:sensors %s%s", name, ""));
}

static pid_t
start(const char *until_idle)
{
	const char *program = getenv("PICKET_COLLECTOR");
	pid_t pid = fork();

	if (pid == 0) {
		program = program != NULL ? program : "./picket-collector";
		if (until_idle != NULL) {
			execl(program, "picket-collector", "--redis", redis.url,
			      "--store", store, "--until-idle", until_idle,
			      (char *)NULL);
		} else {
			execl(program, "picket-collector", "--redis", redis.url,
			      "--store", store, (char *)NULL);
		}
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

static void
run(void)
{
	pid_t pid = start("1");
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
committed(const char *name, uint64_t seq)
{
	redisReply *r = call("GET picket:committed:{%s}%s", name, "");
	char want[64];

	snprintf(want, sizeof(want), "%" PRIu64 " %" PRIu64, EPOCH, seq);
	assert_int_equal(r->type, REDIS_REPLY_STRING);
	assert_string_equal(r->str, want);
	freeReplyObject(r);
}

static void
nap(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* Waits until it says so. */
static void
wait_committed(const char *name, uint64_t seq)
{
	char want[64], got[64] = "nothing";

	snprintf(want, sizeof(want), "%" PRIu64 " %" PRIu64, EPOCH, seq);
	for (int i = 0; i < 3000 && strcmp(got, want) != 0; i++) {
		redisReply *r = call("GET picket:committed:{%s}%s", name, "");

		if (r->type == REDIS_REPLY_STRING) {
			snprintf(got, sizeof(got), "%s", r->str);
		}
		freeReplyObject(r);
		nap(100);
	}
	if (strcmp(got, want) != 0) {
		fail_msg("waited 300 s for the committed point %s: %s", want,
			 got);
	}
}

static void
status_of(struct store_status *s)
{
	struct store_reader *r;
	struct diag d;

	assert_int_equal(store_reader_open(&r, store, &d), ERR_OK);
	assert_int_equal(store_read_status(r, s), ERR_OK);
	store_reader_close(r);
}

static int
setup(void **state)
{
	struct diag d;

	(void)state;
	if (!have_redis) {
		return 0;
	}
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	snprintf(store, sizeof(store), "%s/store.db", redis.dir);
	assert_int_equal(redis_link_new(&conn, redis.url, &d), ERR_OK);
	assert_int_equal(redis_link_connect(conn, 5000, &d), ERR_OK);
	codec = frame_codec_new(6);
	assert_non_null(codec);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	char path[160];

	(void)state;
	if (!have_redis) {
		return 0;
	}
	redis_link_free(conn);
	frame_codec_free(codec);
	redis_fixture_stop(&redis);
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		snprintf(path, sizeof(path), "%s%s", store, tails[i]);
		unlink(path);
	}
	return 0;
}

static void
need_redis(void)
{
	if (!have_redis) {
		skip();
	}
}

static void
each_alert_once(void **state)
{
	struct store_status s;

	(void)state;
	need_redis();
	join_sensors("alpha/s1");
	for (uint64_t seq = 1; seq <= 20; seq++) {
		push("alpha/s1", seq, 10, false);
		push("alpha/s1", seq, 10, false);
	}
	/* Not in the set of sensors: found by looking for its key. */
	push("bravo/s2", 2, 10, false);
	push("bravo/s2", 1, 10, false);
	run();
	committed("alpha/s1", 20);
	committed("bravo/s2", 2);
	status_of(&s);
	assert_int_equal(s.alerts, 220);
	assert_int_equal(s.frames, 22);
	assert_int_equal(s.duplicates, 20);
	assert_int_equal(s.missing_frames, 0);
	assert_int_equal(s.incidents, 1);
	/* All again, to a new collector. */
	for (uint64_t seq = 1; seq <= 20; seq++) {
		push("alpha/s1", seq, 10, false);
	}
	run();
	status_of(&s);
	assert_int_equal(s.alerts, 220);
	assert_int_equal(s.duplicates, 40);
}

/* All that waits takes seven reads of 16 to 1,024 batches, and less commits. */
static void
reads_share_a_transaction(void **state)
{
	enum { BATCHES = 1500 };
	sqlite3 *db;
	sqlite3_stmt *st;

	(void)state;
	need_redis();
	join_sensors("alpha/s1");
	for (uint64_t seq = 1; seq <= BATCHES; seq++) {
		push("alpha/s1", seq, 1, false);
	}
	run();
	committed("alpha/s1", BATCHES);
	/* A frame's time is its transaction's. */
	assert_int_equal(sqlite3_open(store, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(
				 db, "SELECT count(DISTINCT at_us) FROM frames",
				 -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_in_range(sqlite3_column_int(st, 0), 1, 6);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void
the_broken_and_the_missing_are_counted(void **state)
{
	struct frame_header h = { .epoch = EPOCH, .seq = 5, .n = 0 };
	struct store_status s;
	redisReply *r;

	(void)state;
	need_redis();
	join_sensors("alpha/s1");
	push("alpha/s1", 1, 10, false);
	push("alpha/s1", 2, 10, true);
	push("alpha/s1", 6, 10, false);
	h.seq = 0;
	xadd("alpha/s1", &h, VIEW_LIT("x"), false, 0);
	run();
	committed("alpha/s1", 1);
	status_of(&s);
	assert_int_equal(s.alerts, 20);
	assert_int_equal(s.frames_refused, 2);
	assert_int_equal(s.missing_frames, 4);
	r = call("XLEN picket:deadletter:{%s}%s", "alpha/s1", "");
	assert_int_equal(r->integer, 2);
	freeReplyObject(r);
	/* The stream is not held up, and what was read is gone from it, but
	 * for the last. */
	r = call("XLEN picket:alerts:{%s}%s", "alpha/s1", "");
	assert_int_equal(r->integer, 1);
	freeReplyObject(r);
	/* The good copy, and a gap over the rest. */
	push("alpha/s1", 2, 10, false);
	h.seq = 5;
	xadd("alpha/s1", &h, VIEW_LIT("x"), true, 3);
	run();
	committed("alpha/s1", 6);
	status_of(&s);
	assert_int_equal(s.alerts, 30);
	assert_int_equal(s.lost_frames, 3);
	assert_int_equal(s.missing_frames, 0);
	/* One that stays broken is given up in the end. */
	push("alpha/s1", 7, 10, true);
	push("alpha/s1", 7, 10, true);
	push("alpha/s1", 7, 10, true);
	run();
	committed("alpha/s1", 7);
	status_of(&s);
	assert_int_equal(s.lost_frames, 4);
}

/* The number of an answer from the store. */
static uint64_t
asked(const char *sql)
{
	struct store_reader *r;
	struct diag d;
	sqlite3_stmt *st;
	uint64_t n;

	assert_int_equal(store_reader_open(&r, store, &d), ERR_OK);
	st = store_reader_prepare(r, sql);
	assert_non_null(st);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	store_reader_close(r);
	return n;
}

/*
 * More epochs than memory holds, and than the store does; what was stored is
 * dropped meanwhile, so that only marks know of it.  Those that are kept are
 * known again, of those that went no batch is counted twice or passed over.
 */
static void
epochs_are_not_counted_twice(void **state)
{
	const uint64_t extra = 20, n = 256 + extra;
	struct store_status s;
	sqlite3 *db;

	(void)state;
	need_redis();
	join_sensors("alpha/s1");
	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < n; i++) {
			epoch = EPOCH + i;
			push("alpha/s1", 1, 2, false);
			push("alpha/s1", 3, 2, false);
		}
		run();
		status_of(&s);
		assert_int_equal(s.alerts, 4 * n);
		assert_int_equal(asked("SELECT count(*) FROM marks"), 256);
		assert_int_equal(asked("SELECT count(*) FROM mark_ranges"),
				 256);
		assert_int_equal(asked("SELECT n FROM dropped WHERE"
				       " what='epochs'"),
				 extra);
		/* The store's limits took the batches. */
		assert_int_equal(sqlite3_open(store, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db,
					      "DELETE FROM frames WHERE id<"
					      "(SELECT max(id) FROM frames)",
					      NULL, NULL, NULL),
				 SQLITE_OK);
		sqlite3_close(db);
	}
	assert_int_equal(s.duplicates, 2 * 256);
	assert_int_equal(s.frames_refused, 2 * extra);
	assert_int_equal(asked("SELECT n FROM refused WHERE"
			       " cause='forgotten-epoch'"),
			 2 * extra);
	/* What was missing of one that memory forgot comes in. */
	epoch = EPOCH + n - 200;
	push("alpha/s1", 2, 2, false);
	run();
	epoch = EPOCH;
	status_of(&s);
	assert_int_equal(s.alerts, 4 * n + 2);
	assert_int_equal(asked("SELECT upto FROM marks ORDER BY epoch LIMIT 1"
			       " OFFSET 56"),
			 3);
}

/* Whoever may write to Redis enters names without end: no more sensors are
 * kept than there are streams, and the collector goes on. */
static void
names_without_end(void **state)
{
	(void)state;
	need_redis();
	freeReplyObject(call("EVAL %s 0%s",
			     "for i=1,6000 do redis.call('SADD',"
			     "'picket:sensors','x/s'..i) end return 1",
			     ""));
	run();
	assert_int_equal(asked("SELECT count(*) FROM sensors"), 4096);
}

static void
lines_speak_for_their_own_sensor(void **state)
{
	static const char *const lines[] = {
		"{\"event_type\":\"alert\"",
		"[]",
		"\xff\xfe",
		("{\"timestamp\":\"2026-11-20T10:00:00+0000\",\"event_type\":"
		 "\"stats\",\"picket\":{\"site\":\"alpha\",\"sensor\":\"s1\"}"
		 "}"),
	};
	struct frame_header h = { .epoch = EPOCH, .seq = 1 };
	char raw[8192];
	struct view data;
	struct store_status s;
	size_t len = 0;

	(void)state;
	need_redis();
	join_sensors("alpha/s1");
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		len += (size_t)snprintf(raw + len, sizeof(raw) - len, "%s\n",
					lines[i]);
		h.n++;
	}
	len += alert_line(raw + len, sizeof(raw) - len, "bravo", "s1", 1, "");
	len += alert_line(raw + len, sizeof(raw) - len, "alpha", "s1", 1, "");
	h.n += 2;
	assert_int_equal(frame_pack(codec, view_of(raw, len), &h, &data),
			 ERR_OK);
	xadd("alpha/s1", &h, data, false, 0);
	run();
	committed("alpha/s1", 1);
	status_of(&s);
	assert_int_equal(s.alerts, 1);
	assert_int_equal(s.lines_refused, 4);
}

static void
kill_it_at_any_time(void **state)
{
	const unsigned rounds = 12, per_round = 40;
	struct store_status s;
	uint64_t seq = 0;
	uint32_t seed = 5;
	int status;

	(void)state;
	need_redis();
	join_sensors("alpha/s1");
	join_sensors("bravo/s1");
	for (unsigned i = 0; i < rounds; i++) {
		pid_t pid = start(NULL);

		for (unsigned k = 0; k < per_round; k++) {
			push("alpha/s1", ++seq, 50, false);
			push("bravo/s1", seq, 50, false);
		}
		seed = seed * 1664525u + 1013904223u;
		nap((seed >> 8) % 400);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	run();
	committed("alpha/s1", seq);
	committed("bravo/s1", seq);
	status_of(&s);
	assert_int_equal(s.frames, 2 * seq);
	assert_int_equal(s.alerts, 2 * seq * 50);
	assert_int_equal(s.missing_frames, 0);
	assert_int_equal(s.incidents, 1);
}

static void
one_huge_entry_holds_up_nobody(void **state)
{
	struct frame_header h = { .epoch = EPOCH, .seq = 1, .n = 1 };
	size_t n = (size_t)24 << 20;
	char *huge = calloc(1, n);
	struct store_status s;

	(void)state;
	need_redis();
	assert_non_null(huge);
	join_sensors("alpha/s1");
	join_sensors("bravo/s1");
	xadd("alpha/s1", &h, view_of(huge, n), false, 0);
	push("alpha/s1", 1, 10, false);
	push("bravo/s1", 1, 10, false);
	free(huge);
	run();
	committed("alpha/s1", 1);
	committed("bravo/s1", 1);
	status_of(&s);
	assert_int_equal(s.alerts, 20);
}

static void
a_wiped_broker_is_told_again(void **state)
{
	struct store_status s;
	struct diag d;
	pid_t pid;
	int status;

	(void)state;
	need_redis();
	join_sensors("alpha/s1");
	push("alpha/s1", 1, 10, false);
	push("alpha/s1", 2, 10, false);
	pid = start(NULL);
	wait_committed("alpha/s1", 2);
	redis_link_close(conn);
	redis_fixture_stop(&redis);
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	while (redis_link_connect(conn, 5000, &d) != ERR_OK) {
		nap(50);
	}
	join_sensors("alpha/s1");
	wait_committed("alpha/s1", 2);
	/* Emptied while the connection stands. */
	freeReplyObject(call("FLUSHALL%s%s", "", ""));
	join_sensors("alpha/s1");
	push("alpha/s1", 2, 10, false);
	push("alpha/s1", 3, 10, false);
	wait_committed("alpha/s1", 3);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	status_of(&s);
	assert_int_equal(s.alerts, 30);
}

static void
wait_stored(const char *name, uint64_t alerts)
{
	struct store_status s = { .alerts = 0 };

	for (int i = 0; i < 3000; i++) {
		struct store_reader *r = NULL;
		struct diag d;
		bool there = false;

		/* it is made by whoever was just started */
		if (store_reader_open(&r, store, &d) == ERR_OK) {
			there = store_read_status(r, &s) == ERR_OK &&
				s.alerts == alerts;
		}
		store_reader_close(r);
		if (there) {
			return;
		}
		nap(100);
	}
	fail_msg("%s: %" PRIu64 " alerts of %" PRIu64 " stored within 300 s",
		 name, s.alerts, alerts);
}

/*
 * A server without memory for a group: streams are read and trimmed without
 * one, each in its turn, though the last entry of each stays in it.
 */
static void
a_full_broker_starves_nobody(void **state)
{
	static const char *const names[] = { "alpha/s1", "bravo/s1",
					     "delta/s1" };
	pid_t pid;
	int status;

	(void)state;
	need_redis();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		join_sensors(names[i]);
		push(names[i], 1, 10, false);
		push(names[i], 2, 10, false);
	}
	freeReplyObject(call("CONFIG SET maxmemory %s%s", "1", ""));
	pid = start(NULL);
	wait_stored("without memory", 60);
	/* Committed points could not be told; with room they are. */
	freeReplyObject(call("CONFIG SET maxmemory %s%s", "0", ""));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		wait_committed(names[i], 2);
		push(names[i], 3, 10, false);
	}
	wait_stored("with memory again", 90);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define E2E(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(each_alert_once),
		E2E(reads_share_a_transaction),
		E2E(the_broken_and_the_missing_are_counted),
		E2E(epochs_are_not_counted_twice),
		E2E(names_without_end),
		E2E(lines_speak_for_their_own_sensor),
		E2E(kill_it_at_any_time),
		E2E(one_huge_entry_holds_up_nobody),
		E2E(a_wiped_broker_is_told_again),
		E2E(a_full_broker_starves_nobody),
	};
	int failed;

	have_redis = redis_fixture_open(&redis);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (have_redis) {
		redis_fixture_close(&redis);
	}
	return failed;
}
