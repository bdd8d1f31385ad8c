/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forwarder against a real Redis that dies, hangs, fills up and forgets,
 * with a small collector that commits what it has seen without a hole.
 */
#include "sensor/forward.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/redis_fixture.h"
#include "tests/wait_for.h"

#define STREAM "picket:alerts:{hq/tap1}"
#define COMMITTED "picket:committed:{hq/tap1}"
#define MAX_SEQ 20000
/* Long enough for any machine: what is not reached in it never is. */
#define FINISH_MS 240000

static struct redis_fixture redis;
static bool have_redis;
static char spool_dir[96];
static unsigned n_spools;

/* What a collector keeps; it survives all that happens to Redis. */
struct collector {
	pthread_t thread;
	atomic_bool stop, paused;
	uint64_t epoch, committed;
	uint8_t seen[MAX_SEQ + 1]; /* by sequence number: 1 batch, 2 gap */
	uint64_t twice; /* entries that were there already */
	_Atomic uint64_t events; /* lines, each batch once */
	uint64_t gap_numbers;
	uint8_t *lines; /* how often line i arrived */
	size_t n_lines;
	uint64_t bad;
};

static void
count_lines(struct collector *c, struct view raw, uint32_t n)
{
	uint32_t have = 0;

	for (size_t i = 0; i < raw.len; i++) {
		if (raw.p[i] == '\n') {
			have++;
		}
		/* {"i":N} */
		if (raw.p[i] == ':' && i > 3 && raw.p[i - 2] == 'i') {
			size_t k =
				strtoul((const char *)raw.p + i + 1, NULL, 10);

			if (k < c->n_lines) {
				c->lines[k]++;
			}
		}
	}
	c->bad += have != n;
	c->events += n;
}

static void
take_entry(struct collector *c, struct frame_codec *codec,
	   const redisReply *entry)
{
	const redisReply *kv = entry->element[1];
	struct view v[64], raw;
	struct frame_entry f;
	struct diag d;
	size_t n = MIN(kv->elements, ARRAY_LEN(v));

	for (size_t i = 0; i < n; i++) {
		v[i] = view_of(kv->element[i]->str, kv->element[i]->len);
	}
	if (frame_read_fields(v, n, &f, &d) != ERR_OK ||
	    frame_unpack(codec, f.data, f.hdr.crc, &raw, &d) != ERR_OK ||
	    f.hdr.seq > MAX_SEQ) {
		c->bad++;
		return;
	}
	if (c->epoch == 0) {
		c->epoch = f.hdr.epoch;
	}
	if (c->epoch != f.hdr.epoch) {
		c->bad++;
		return;
	}
	if (f.gap_from != 0) {
		for (uint64_t q = f.gap_from; q <= f.gap_to; q++) {
			if (c->seen[q] == 0) {
				c->seen[q] = 2;
				c->gap_numbers++;
			}
		}
		return;
	}
	if (c->seen[f.hdr.seq] != 0) {
		c->twice++;
		return;
	}
	c->seen[f.hdr.seq] = 1;
	count_lines(c, raw, f.hdr.n);
}

/* One look at the stream: take, commit, publish, trim. */
static void
collect(struct collector *c, struct redis_link *l, struct frame_codec *codec)
{
	redisReply *r = NULL;
	char last[64] = "";

	if (redis_link_call(l, 1000, &r, NULL,
			    "XRANGE " STREAM " - + COUNT 50") != ERR_OK) {
		return;
	}
	for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements;
	     i++) {
		take_entry(c, codec, r->element[i]);
		snprintf(last, sizeof(last), "%s",
			 r->element[i]->element[0]->str);
	}
	freeReplyObject(r);
	while (c->committed < MAX_SEQ && c->seen[c->committed + 1] != 0) {
		c->committed++;
	}
	if (c->epoch != 0) {
		char value[64];

		snprintf(value, sizeof(value), "%" PRIu64 " %" PRIu64, c->epoch,
			 c->committed);
		if (redis_link_up(l) &&
		    redis_link_call(l, 1000, &r, NULL, "SET " COMMITTED " %s",
				    value) == ERR_OK) {
			freeReplyObject(r);
		}
	}
	if (last[0] != '\0' && redis_link_up(l) &&
	    redis_link_call(l, 1000, &r, NULL, "XDEL " STREAM " %s", last) ==
		    ERR_OK) {
		freeReplyObject(r);
	}
	if (last[0] != '\0' && redis_link_up(l) &&
	    redis_link_call(l, 1000, &r, NULL, "XTRIM " STREAM " MINID %s",
			    last) == ERR_OK) {
		freeReplyObject(r);
	}
}

static void *
collector_run(void *arg)
{
	struct collector *c = arg;
	struct frame_codec *codec = frame_codec_new(6);
	struct redis_link *l = NULL;
	struct diag d;

	if (redis_link_new(&l, redis.url, &d) != ERR_OK) {
		abort();
	}
	while (!c->stop) {
		if (!c->paused && redis_link_connect(l, 500, &d) == ERR_OK) {
			collect(c, l, codec);
		}
		usleep(5000);
	}
	redis_link_free(l);
	frame_codec_free(codec);
	return NULL;
}

static struct collector *
collector_start(size_t n_lines)
{
	struct collector *c = calloc(1, sizeof(*c));

	c->lines = calloc(n_lines + 1, 1);
	c->n_lines = n_lines;
	pthread_create(&c->thread, NULL, collector_run, c);
	return c;
}

/* Stops it and checks the two promises: nothing lost, nothing twice. */
static void
collector_check(struct collector *c, bool all)
{
	c->stop = true;
	pthread_join(c->thread, NULL);
	assert_true(c->bad == 0);
	for (size_t i = 0; i < c->n_lines; i++) {
		if (c->lines[i] > 1 || (all && c->lines[i] != 1)) {
			fail_msg("line %zu arrived %u times", i, c->lines[i]);
		}
	}
	free(c->lines);
	free(c);
}

static void
options(struct forward_options *o, bool new_spool)
{
	const char *slash = strrchr(redis.sock, '/');

	if (new_spool) {
		n_spools++;
	}
	snprintf(spool_dir, sizeof(spool_dir), "%.*s/spool%u",
		 (int)(slash - redis.sock), redis.sock, n_spools);
	*o = (struct forward_options){ .redis_url = redis.url,
				       .site = "hq",
				       .sensor = "tap1",
				       .spool_dir = spool_dir,
				       .resend_s = 1,
				       .block = true };
}

static struct forward *
start(const struct forward_options *o)
{
	struct forward *f = NULL;
	struct diag d;

	if (forward_start(&f, o, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return f;
}

static struct forward_stats
stats_of(struct forward *f)
{
	struct forward_stats st;

	forward_get_stats(f, &st);
	return st;
}

static void
push_lines(struct forward *f, unsigned from, unsigned n)
{
	char line[128];

	for (unsigned i = from; i < from + n; i++) {
		int len = snprintf(line, sizeof(line),
				   "{\"event_type\":\"alert\",\"i\":%u,"
				   "\"noise\":\"%08x%08x\"}",
				   i, i * 2654435761U, i * 40503U);

		assert_true(forward_push(f, view_of(line, (size_t)len),
					 (uint8_t)(1 + i % 3)));
	}
}

static void
flush_redis(void)
{
	struct redis_link *l = NULL;
	redisReply *r;

	assert_int_equal(redis_link_new(&l, redis.url, NULL), ERR_OK);
	assert_int_equal(redis_link_connect(l, 5000, NULL), ERR_OK);
	assert_int_equal(redis_link_call(l, 5000, &r, NULL, "FLUSHALL"),
			 ERR_OK);
	freeReplyObject(r);
	redis_link_free(l);
}

static void
begin(void)
{
	if (!have_redis) {
		skip();
	}
	if (redis.pid == 0) {
		assert_true(redis_fixture_start(&redis, NULL, NULL));
	}
	flush_redis();
}

static void
facts(void *arg, struct presence_facts *out)
{
	(void)arg;
	snprintf(out->version, sizeof(out->version), "1.2.3");
	snprintf(out->exercise, sizeof(out->exercise), "keen edge");
	out->packets = 12345;
}

static void
test_commit(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct forward_stats st;
	struct collector *c;
	struct forward *f;

	(void)state;
	begin();
	options(&o, true);
	c = collector_start(20000);
	f = start(&o);
	push_lines(f, 0, 20000);
	forward_finish(f, FORWARD_COMMITTED, FINISH_MS, &res);
	assert_true(res.reached);
	assert_true(res.left_batches == 0);
	forward_get_stats(f, &st);
	assert_true(st.events == 20000);
	assert_true(st.batches == st.sent);
	assert_true(st.resent == 0);
	assert_true(st.committed == st.last_seq);
	assert_int_equal(st.redis, SENDER_UP);
	forward_free(f);
	collector_check(c, true);
}

/* So late begins a collector that is behind to commit. */
#define LATE_MS 2500

static void *
wake_late(void *arg)
{
	struct collector *c = arg;

	usleep(LATE_MS * 1000);
	c->paused = false;
	return NULL;
}

/* Redis has it all at once, and the collector takes its time: the sensor stays
 * for its word, and so knows at its end what is stored. */
static void
test_linger(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct forward_stats st;
	struct collector *c;
	struct forward *f;
	pthread_t late;

	(void)state;
	begin();
	options(&o, true);
	o.linger_ms = 120000;
	c = collector_start(100);
	c->paused = true;
	f = start(&o);
	push_lines(f, 0, 100);
	assert_int_equal(pthread_create(&late, NULL, wake_late, c), 0);
	forward_finish(f, FORWARD_SENT, FINISH_MS, &res);
	assert_true(res.reached);
	assert_int_equal(res.left_batches, 0);
	forward_get_stats(f, &st);
	assert_true(st.last_seq > 0);
	assert_int_equal(st.committed, st.last_seq);
	pthread_join(late, NULL);
	forward_free(f);
	collector_check(c, true);
}

/* Nobody commits: sent is enough to end, and the next start goes on. */
static void
test_sent_then_restart(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct forward_stats st;
	struct collector *c;
	struct forward *f;
	uint64_t epoch;

	(void)state;
	begin();
	options(&o, true);
	o.resend_s = 3600;
	f = start(&o);
	push_lines(f, 0, 3000);
	forward_finish(f, FORWARD_SENT, FINISH_MS, &res);
	assert_true(res.reached);
	assert_true(res.left_events == 3000);
	forward_get_stats(f, &st);
	epoch = st.epoch;
	forward_free(f);

	/* Redis still has all of it: nothing is sent again. */
	f = start(&o);
	forward_finish(f, FORWARD_SENT, FINISH_MS, &res);
	assert_true(res.reached);
	forward_get_stats(f, &st);
	assert_true(st.epoch == epoch);
	assert_true(st.sent + st.resent == 0);
	forward_free(f);

	c = collector_start(6000);
	f = start(&o);
	push_lines(f, 3000, 3000);
	forward_finish(f, FORWARD_COMMITTED, FINISH_MS, &res);
	assert_true(res.reached);
	forward_free(f);
	collector_check(c, true);
}

static void
test_redis_absent(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct forward_stats st;
	struct collector *c;
	struct forward *f;

	(void)state;
	begin();
	redis_fixture_stop(&redis);
	options(&o, true);
	f = start(&o);
	push_lines(f, 0, 1000);
	wait_for(60, stats_of(f).redis == SENDER_DOWN);
	forward_finish(f, FORWARD_SENT, 300, &res);
	assert_false(res.reached);
	assert_true(res.left_events == 1000);
	forward_get_stats(f, &st);
	assert_int_equal(st.redis, SENDER_DOWN);
	assert_true(st.last_error[0] != '\0');
	forward_free(f);

	f = start(&o);
	push_lines(f, 1000, 1000);
	wait_for(60, stats_of(f).last_error[0] != '\0');
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	c = collector_start(2000);
	forward_finish(f, FORWARD_COMMITTED, FINISH_MS, &res);
	assert_true(res.reached);
	forward_free(f);
	collector_check(c, true);
}

/* Killed and started empty again and again, in the middle of sending. */
static void
test_redis_forgets(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct collector *c;
	struct forward *f;

	(void)state;
	begin();
	options(&o, true);
	c = collector_start(24000);
	f = start(&o);
	for (unsigned i = 0; i < 8; i++) {
		push_lines(f, i * 3000, 3000);
		usleep(20000 + 15000 * i);
		/* Every other time with entries that nobody has read. */
		c->paused = i % 2 == 0;
		usleep(30000);
		redis_fixture_stop(&redis);
		assert_true(redis_fixture_start(&redis, NULL, NULL));
		c->paused = false;
	}
	forward_finish(f, FORWARD_COMMITTED, FINISH_MS, &res);
	assert_true(res.reached);
	forward_free(f);
	collector_check(c, true);
}

/* Entries vanish while the connection stands: the stall finds out. */
static void
test_entries_vanish(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct forward_stats st;
	struct collector *c;
	struct forward *f;

	(void)state;
	begin();
	options(&o, true);
	f = start(&o);
	push_lines(f, 0, 40000);
	do {
		usleep(20000);
		forward_get_stats(f, &st);
	} while (st.sent < st.batches || st.events < 40000);
	flush_redis();
	c = collector_start(40000);
	forward_finish(f, FORWARD_COMMITTED, FINISH_MS, &res);
	assert_true(res.reached);
	forward_get_stats(f, &st);
	assert_true(st.resent >= st.sent);
	assert_true(st.connects == 1);
	forward_free(f);
	collector_check(c, true);
}

/* Takes the third entry out of the stream. */
static void
lose_third(void)
{
	struct redis_link *l = NULL;
	redisReply *r, *done;

	assert_int_equal(redis_link_new(&l, redis.url, NULL), ERR_OK);
	assert_int_equal(redis_link_connect(l, 5000, NULL), ERR_OK);
	assert_int_equal(redis_link_call(l, 5000, &r, NULL,
					 "XRANGE " STREAM " - + COUNT 3"),
			 ERR_OK);
	assert_int_equal(r->elements, 3);
	assert_int_equal(redis_link_call(l, 5000, &done, NULL,
					 "XDEL " STREAM " %s",
					 r->element[2]->element[0]->str),
			 ERR_OK);
	assert_int_equal(done->integer, 1);
	freeReplyObject(done);
	freeReplyObject(r);
	redis_link_free(l);
}

/* One is lost from the middle, and the next sensor has nothing to say: it
 * sends what is missing all the same, with no stall to wait for. */
static void
test_hole_in_the_end(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct collector *c;
	struct forward *f;

	(void)state;
	begin();
	options(&o, true);
	o.resend_s = 3600;
	f = start(&o);
	push_lines(f, 0, 40000);
	forward_finish(f, FORWARD_SENT, FINISH_MS, &res);
	assert_true(res.reached && res.left_batches > 3);
	forward_free(f);
	lose_third();
	c = collector_start(40000);
	options(&o, false);
	o.linger_ms = 60000;
	o.resend_s = 3600;
	f = start(&o);
	forward_finish(f, FORWARD_SENT, FINISH_MS, &res);
	assert_true(res.reached);
	assert_true(res.left_batches == 0);
	forward_free(f);
	collector_check(c, true);
}

/* No collector: the stream does not fill up with repetitions.  Sixteen batches
 * are repeated after a second, then after two more, four more, and so on. */
static void
test_no_collector(void **state)
{
	struct forward_options o;
	uint64_t t0, resent, most = 0;
	struct forward *f;

	(void)state;
	begin();
	options(&o, true);
	t0 = clock_mono_us();
	f = start(&o);
	push_lines(f, 0, 40000);
	wait_for(60, stats_of(f).sent > 2 * 16);
	wait_for(60, (resent = stats_of(f).resent) >= 2 * 16);
	for (uint64_t t = 1, all = clock_mono_us() - t0; t * US_PER_S <= all;
	     t = 2 * t + 1) {
		most += 16;
	}
	assert_true(resent <= most);
	forward_free(f);
}

static void
test_frozen(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct collector *c;
	struct forward *f;

	(void)state;
	begin();
	options(&o, true);
	c = collector_start(30000);
	f = start(&o);
	push_lines(f, 0, 10000);
	redis_fixture_freeze(&redis, true);
	/* The producer does not feel it, and does not wait for what ends when
	 * it is thawed. */
	push_lines(f, 10000, 20000);
	wait_for(60, stats_of(f).redis == SENDER_DOWN);
	redis_fixture_freeze(&redis, false);
	forward_finish(f, FORWARD_COMMITTED, FINISH_MS, &res);
	assert_true(res.reached);
	forward_free(f);
	collector_check(c, true);
}

static void
test_out_of_memory(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct forward_stats st;
	struct collector *c;
	struct forward *f;

	(void)state;
	begin();
	redis_fixture_stop(&redis);
	assert_true(redis_fixture_start(&redis, "--maxmemory", "3mb"));
	options(&o, true);
	f = start(&o);
	push_lines(f, 0, 200000);
	wait_for(60, (st = stats_of(f)).redis == SENDER_BUSY);
	assert_non_null(strstr(st.last_error, "OOM"));
	c = collector_start(200000);
	forward_finish(f, FORWARD_COMMITTED, FINISH_MS, &res);
	assert_true(res.reached);
	forward_get_stats(f, &st);
	assert_true(st.refused > 0);
	forward_free(f);
	collector_check(c, true);
	redis_fixture_stop(&redis);
}

/* A spool far too small: what arrives and what is told as a gap add up. */
static void
test_spool_overflows(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct forward_stats st;
	struct collector *c;
	uint64_t shed_batches = 0, shed_events = 0;
	struct forward *f;

	(void)state;
	begin();
	redis_fixture_stop(&redis);
	options(&o, true);
	o.spool_max_bytes = 512 << 10;
	f = start(&o);
	push_lines(f, 0, 60000);
	/* All of it in the spool: what is shed later may be sent by then. */
	do {
		usleep(20000);
		forward_get_stats(f, &st);
		shed_events = st.depth_events;
		for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
			shed_events += st.shed_events[i];
		}
	} while (st.events < 60000 || shed_events < st.events);
	shed_events = 0;
	/* The least severe goes first. */
	assert_true(st.shed_batches[2] > 0);
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	c = collector_start(60000);
	/* A last line closes the last gap, should there be one: when there is
	 * room again, or it were shed itself. */
	do {
		usleep(20000);
		forward_get_stats(f, &st);
	} while (st.depth_bytes > 0);
	push_lines(f, 60000, 1);
	forward_finish(f, FORWARD_COMMITTED, FINISH_MS, &res);
	assert_true(res.reached);
	forward_get_stats(f, &st);
	assert_true(st.depth_bytes == 0);
	forward_free(f);
	assert_true(c->committed == st.last_seq);
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		shed_batches += st.shed_batches[i];
		shed_events += st.shed_events[i];
	}
	assert_int_equal(c->gap_numbers, shed_batches);
	/* Each loss was told by an alert too, which is an event. */
	assert_int_equal(c->events, st.events - shed_events);
	collector_check(c, false);
}

/* More than fit into the time that test_live_drops() may take. */
#define N_REPORTS 20

static void
test_live_drops(void **state)
{
	static uint8_t big[FRAME_MAX_RAW];
	struct forward_options o;
	struct forward_stats st;
	struct forward *f;
	unsigned dropped = 0;

	(void)state;
	begin();
	options(&o, true);
	o.block = false;
	o.queue_bytes = 1;
	f = start(&o);
	memset(big, 'a', sizeof(big));
	for (int i = 0; i < 200; i++) {
		dropped += !forward_push(f, view_of(big, 500000), 2);
	}
	forward_push(f, view_of(big, FRAME_MAX_RAW), 1);
	forward_finish(f, FORWARD_SENT, FINISH_MS, NULL);
	forward_get_stats(f, &st);
	assert_true(dropped > 0);
	assert_true(st.dropped[1] == dropped);
	/* Each loss is told by an alert, one in ten seconds and one at last. */
	assert_true(st.events > 200 - dropped);
	assert_true(st.events <= 200 - dropped + 1 + N_REPORTS);
	assert_true(st.oversize + st.dropped[0] == 1);
	assert_false(forward_push(f, VIEW_LIT("{}"), 1));
	forward_free(f);
}

static redisReply *
ask(const char *what)
{
	struct redis_link *l = NULL;
	redisReply *r;

	assert_int_equal(redis_link_new(&l, redis.url, NULL), ERR_OK);
	assert_int_equal(redis_link_connect(l, 5000, NULL), ERR_OK);
	assert_int_equal(redis_link_call(l, 5000, &r, NULL, what), ERR_OK);
	redis_link_free(l);
	return r;
}

/* A whole heartbeat: after the first, which may come before the packets. */
static bool
has_presence(void)
{
	redisReply *r = ask("HGET picket:sensor:{hq/tap1} packets");
	bool yes =
		r->type == REDIS_REPLY_STRING && strcmp(r->str, "12345") == 0;

	freeReplyObject(r);
	return yes;
}

/* What no batch can take is not the queue's fault, and holds up nobody. */
static void
test_too_long(void **state)
{
	struct forward_options o;
	struct forward_stats st;
	uint8_t *line = malloc((8 << 20) + 1);
	struct forward *f;
	struct ledger l;

	(void)state;
	begin();
	options(&o, true);
	assert_non_null(line);
	memset(line, 'x', (8 << 20) + 1);
	f = start(&o);
	assert_true(forward_push(f, VIEW_LIT("{\"i\":1}"), 1));
	assert_false(forward_push(f, view_of(line, FRAME_MAX_RAW), 2));
	assert_false(forward_push(f, view_of(line, (8 << 20) + 1), 2));
	/* Its newline is not part of it. */
	line[FRAME_MAX_RAW - 1] = '\n';
	assert_true(forward_push(f, view_of(line, FRAME_MAX_RAW), 2));
	forward_finish(f, FORWARD_SPOOLED, 60000, NULL);
	forward_get_stats(f, &st);
	forward_get_ledger(f, &l);
	assert_int_equal(st.oversize, 2);
	assert_int_equal(st.dropped[1], 0);
	assert_int_equal(l.raised[1], 3);
	assert_int_equal(l.lost[LEDGER_LOST_oversize][1], 2);
	assert_int_equal(l.lost[LEDGER_LOST_queue_full][1], 0);
	assert_int_equal(l.spooled[1], 1);
	forward_free(f);
	free(line);
}

static void
test_presence(void **state)
{
	struct forward_options o;
	struct forward *f;
	redisReply *r;

	(void)state;
	begin();
	options(&o, true);
	o.facts = facts;
	f = start(&o);
	wait_for(60, has_presence());
	r = ask("HMGET picket:sensor:{hq/tap1} version packets state exercise");
	assert_string_equal(r->element[0]->str, "1.2.3");
	assert_string_equal(r->element[1]->str, "12345");
	assert_string_equal(r->element[2]->str, "running");
	assert_string_equal(r->element[3]->str, "keen edge");
	freeReplyObject(r);
	r = ask("PTTL picket:sensor:{hq/tap1}");
	assert_true(r->integer > 0 && r->integer <= 15000);
	freeReplyObject(r);
	r = ask("SISMEMBER picket:sensors hq/tap1");
	assert_true(r->integer == 1);
	freeReplyObject(r);
	forward_free(f);
	r = ask("HGET picket:sensor:{hq/tap1} state");
	assert_string_equal(r->str, "ended");
	freeReplyObject(r);
}

static void
test_no_permission(void **state)
{
	struct forward_options o;
	struct forward_result res;
	struct forward_stats st;
	struct forward *f;
	char url[200];

	(void)state;
	begin();
	freeReplyObject(ask("ACL SETUSER weak on >pw ~* -@all +get +ping"));
	options(&o, true);
	snprintf(url, sizeof(url), "unix://weak:pw@%s", redis.sock);
	o.redis_url = url;
	f = start(&o);
	push_lines(f, 0, 100);
	wait_for(60, stats_of(f).redis == SENDER_REFUSED);
	forward_finish(f, FORWARD_SENT, 1000, &res);
	assert_false(res.reached);
	forward_get_stats(f, &st);
	assert_int_equal(st.redis, SENDER_REFUSED);
	assert_non_null(strstr(st.last_error, "NOPERM"));
	assert_true(st.refused < 40);
	forward_free(f);
	/* With the permission it goes on. */
	freeReplyObject(
		ask("ACL SETUSER weak on >pw ~* -@all +get +ping +xadd"));
	f = start(&o);
	forward_finish(f, FORWARD_SENT, FINISH_MS, &res);
	assert_true(res.reached);
	forward_free(f);
}

static void
test_names(void **state)
{
	static const char *const bad[] = { "",         ".",    "a/b",
					   "a}b",      "a b",  "..",
					   "\xc3\xa9", "a\nb", NULL };
	struct forward_options o = { .redis_url = "unix:///nowhere",
				     .sensor = "x" };
	struct forward *f;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		o.site = bad[i];
		assert_int_equal(forward_start(&f, &o, &d), ERR_USAGE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_commit),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_sent_then_restart),
		cmocka_unit_test(test_redis_absent),
		cmocka_unit_test(test_redis_forgets),
		cmocka_unit_test(test_entries_vanish),
		cmocka_unit_test(test_hole_in_the_end),
		cmocka_unit_test(test_no_collector),
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_spool_overflows),
		cmocka_unit_test(test_live_drops),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_presence),
		cmocka_unit_test(test_no_permission),
	};
	char cmd[128];
	int rc;

	have_redis = redis_fixture_open(&redis);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	redis_fixture_stop(&redis);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'/spool*", redis.dir);
	if (have_redis && system(cmd) != 0) {
		rc = 1;
	}
	redis_fixture_close(&redis);
	return rc;
}
