/* SPDX-License-Identifier: Apache-2.0 */
/* From outboxes to bytes: the sink's order, and the thread that writes. */
#include "tests/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sensor/event_log.h"
#include "sensor/forward.h"
#include "sensor/sink.h"

#define ROUNDS 60
#define LINES 50
#define LINE_LEN 4000 /* 200 kB a round: five fill the write buffer */

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define CAN_RUN_OUT 1
/* This thread is given no more memory. */
static _Thread_local bool run_out;

void *__libc_realloc(void *p, size_t n);

void *
realloc(void *p, size_t n)
{
	return run_out ? NULL : __libc_realloc(p, n);
}
#endif

static void
nap_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
			       .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static struct sink *
sink_to(const char *path)
{
	struct sink_settings set = { .eve_path = path,
				     .eve_types = UINT32_MAX,
				     .threshold_entries = 16 };
	struct sink *s;
	struct diag d;

	assert_int_equal(sink_open(&s, &set, &d), ERR_OK);
	return s;
}

static void
put_line(struct outbox *o, uint64_t order, uint64_t sub, const char *line)
{
	struct record r = { .order = order,
			    .sub = sub,
			    .type = EVENT_TYPE_FLOW };

	outbox_put(o, &r, view_cstr(line));
}

/* What stands in the file, as text. */
static const char *
text_of(int fd)
{
	static char text[8192];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

/* Boxes of several workers, and flows of one that ended in any order. */
static void
lines_come_in_order(void **state)
{
	char path[] = "/tmp/picket-eve-XXXXXX";
	int fd = mkstemp(path);
	struct outbox *box[2] = { outbox_new(), outbox_new() };
	struct sink *s = sink_to(path);

	(void)state;
	put_line(box[0], 1, 0, "a1");
	put_line(box[0], 4, 0, "a4");
	put_line(box[0], 4, 0, "a4+");
	put_line(box[0], 9, 7, "a9-7");
	put_line(box[0], 9, 3, "a9-3");
	put_line(box[1], 2, 0, "b2");
	put_line(box[1], 9, 5, "b9-5");
	put_line(box[1], 9, 1, "b9-1");
	sink_round(s, box, 2);
	outbox_reset(box[0]);
	put_line(box[0], 10, 0, "c10");
	put_line(box[0], 12, 2, "c12-2");
	put_line(box[0], 12, 1, "c12-1");
	put_line(box[0], 12, 0, "c12");
	sink_round(s, box, 1);
	assert_int_equal(sink_close(s), ERR_OK);
	assert_string_equal(text_of(fd), "a1\nb2\na4\na4+\nb9-1\na9-3\nb9-5\n"
					 "a9-7\nc10\nc12\nc12-1\nc12-2\n");
	outbox_free(box[0]);
	outbox_free(box[1]);
	close(fd);
	unlink(path);
}

/* No memory to sort a round by: its lines come out of order, but come, and a
 * claim that does not hold is no alert. */
static void
unsorted_rather_than_lost(void **state)
{
#ifdef CAN_RUN_OUT
	char path[] = "/tmp/picket-eve-XXXXXX";
	int fd = mkstemp(path);
	struct outbox *box[2] = { outbox_new(), outbox_new() };
	struct sink *s = sink_to(path);
	struct record claim = { .order = 2,
				.type = EVENT_TYPE_FLOW,
				/* only that there is one counts */
				.claim = { .prog = (const void *)path } };

	(void)state;
	put_line(box[0], 1, 0, "before");
	sink_round(s, box, 1);
	outbox_reset(box[0]);
	for (unsigned i = 0; i < 5; i++) {
		put_line(box[0], 5 + i, 0, "a");
		put_line(box[1], 4, i, "b");
	}
	outbox_put(box[1], &claim, VIEW_LIT("not met"));
	run_out = true;
	sink_round(s, box, 2);
	run_out = false;
	outbox_reset(box[0]);
	outbox_reset(box[1]);
	put_line(box[0], 20, 0, "behind");
	sink_round(s, box, 2);
	assert_int_equal(sink_counters(s)->lost, 0);
	assert_int_equal(sink_counters(s)->events[EVENT_TYPE_FLOW], 12);
	assert_int_equal(sink_close(s), ERR_OK);
	assert_string_equal(text_of(fd), "before\na\na\na\na\na\n"
					 "b\nb\nb\nb\nb\nbehind\n");
	outbox_free(box[0]);
	outbox_free(box[1]);
	close(fd);
	unlink(path);
#else
	(void)state;
	skip();
#endif
}

struct producer {
	struct sink *sink;
	pthread_mutex_t lock;
	unsigned rounds; /* done */
};

static unsigned
rounds_of(struct producer *p)
{
	unsigned n;

	pthread_mutex_lock(&p->lock);
	n = p->rounds;
	pthread_mutex_unlock(&p->lock);
	return n;
}

static void *
produce(void *arg)
{
	struct producer *p = arg;
	struct outbox *o = outbox_new();
	char line[LINE_LEN + 1];

	for (unsigned i = 0; i < ROUNDS * LINES; i++) {
		memset(line, '.', LINE_LEN);
		line[LINE_LEN] = '\0';
		snprintf(line, sizeof(line), "%08u", i);
		line[8] = ' ';
		put_line(o, i, 0, line);
		if ((i + 1) % LINES == 0) {
			sink_round(p->sink, &o, 1);
			outbox_reset(o);
			pthread_mutex_lock(&p->lock);
			p->rounds++;
			pthread_mutex_unlock(&p->lock);
		}
	}
	outbox_free(o);
	return NULL;
}

/* A pipe that nobody reads holds the packet path up; nothing is lost. */
static void
slow_reader_is_waited_for(void **state)
{
	struct producer p = { .lock = PTHREAD_MUTEX_INITIALIZER };
	static char got[LINE_LEN + 1];
	pthread_t thread;
	char path[64];
	unsigned stalled;
	int ends[2];
	FILE *in;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	p.sink = sink_to(path);
	close(ends[1]);
	assert_int_equal(pthread_create(&thread, NULL, produce, &p), 0);
	do {
		stalled = rounds_of(&p);
		nap_ms(300);
	} while (rounds_of(&p) != stalled);
	/* the write buffer, the pipe, and some rounds under way */
	assert_in_range(stalled, 4, 12);
	in = fdopen(ends[0], "r");
	for (unsigned i = 0; i < ROUNDS * LINES - 200; i++) {
		assert_int_equal(fread(got, 1, sizeof(got), in), sizeof(got));
		assert_int_equal(got[LINE_LEN], '\n');
		assert_int_equal(strtoul(got, NULL, 10), i);
	}
	pthread_join(thread, NULL);
	sink_flush(p.sink); /* what is left fits, or is being read */
	for (unsigned i = ROUNDS * LINES - 200; i < ROUNDS * LINES; i++) {
		assert_int_equal(fread(got, 1, sizeof(got), in), sizeof(got));
		assert_int_equal(strtoul(got, NULL, 10), i);
	}
	assert_int_equal(sink_counters(p.sink)->lost, 0);
	assert_int_equal(sink_counters(p.sink)->bytes,
			 (uint64_t)ROUNDS * LINES * (LINE_LEN + 1));
	assert_int_equal(sink_close(p.sink), ERR_OK);
	fclose(in);
}

static void
flush_does_not_wait_for_more(void **state)
{
	char path[] = "/tmp/picket-eve-XXXXXX";
	int fd = mkstemp(path);
	struct outbox *o = outbox_new();
	struct sink *s = sink_to(path);

	(void)state;
	put_line(o, 1, 0, "one");
	sink_round(s, &o, 1);
	outbox_reset(o);
	sink_flush(s);
	for (unsigned i = 0; i < 500 && *text_of(fd) == '\0'; i++) {
		nap_ms(10);
	}
	assert_string_equal(text_of(fd), "one\n");
	put_line(o, 2, 0, "two");
	sink_round(s, &o, 1);
	sink_wait(s);
	assert_string_equal(text_of(fd), "one\ntwo\n");
	sink_line(s, EVENT_TYPE_STATS, VIEW_LIT("three"));
	assert_string_equal(text_of(fd), "one\ntwo\nthree\n");
	assert_int_equal(sink_close(s), ERR_OK);
	outbox_free(o);
	close(fd);
	unlink(path);
}

static void
full_disk_is_told(void **state)
{
	struct outbox *o = outbox_new();
	struct sink *s = sink_to("/dev/full");

	(void)state;
	put_line(o, 1, 0, "one");
	sink_round(s, &o, 1);
	assert_int_equal(sink_counters(s)->write_errors, 1);
	assert_int_equal(sink_close(s), ERR_IO);
	outbox_free(o);
}

/* A line that a full disk cut short does not spoil the one that comes when
 * there is room again. */
static void
torn_line_is_ended(void **state)
{
	char path[] = "/tmp/picket-eve-XXXXXX";
	int fd = mkstemp(path);
	struct outbox *o = outbox_new();
	struct rlimit was, now;
	struct sink *s = sink_to(path);

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	now = was;
	now.rlim_cur = 6;
	put_line(o, 1, 0, "one");
	put_line(o, 2, 0, "two");
	put_line(o, 3, 0, "three");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	sink_round(s, &o, 1);
	sink_wait(s);
	outbox_reset(o);
	put_line(o, 4, 0, "four");
	sink_round(s, &o, 1);
	sink_wait(s);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	outbox_reset(o);
	put_line(o, 5, 0, "five");
	sink_round(s, &o, 1);
	sink_wait(s);
	assert_string_equal(text_of(fd), "one\ntw\nfive\n");
	assert_int_equal(sink_counters(s)->unwritten, 3);
	assert_int_equal(sink_close(s), ERR_IO);
	outbox_free(o);
	close(fd);
	unlink(path);
}

/* So many rounds of 'LINES' long lines, more than a pipe holds. */
static void
put_rounds(struct sink *s, struct outbox *o, unsigned n)
{
	char line[LINE_LEN];

	memset(line, '.', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (unsigned i = 0; i < n; i++) {
		outbox_reset(o);
		for (unsigned k = 0; k < LINES; k++) {
			put_line(o, (uint64_t)i * LINES + k, 0, line);
		}
		sink_round(s, &o, 1);
	}
}

/* A reader that reads nothing is waited for as long as the settings say, once
 * the sensor was told to stop; what it did not get is counted to the line. */
static void
unread_pipe_is_given_up(void **state)
{
	static volatile sig_atomic_t stop;
	struct sink_settings set = { .eve_types = UINT32_MAX,
				     .threshold_entries = 16,
				     .stop = &stop,
				     .drain_us = 200000 };
	const struct sink_counters *n;
	char dir[] = "/tmp/picket-eve-XXXXXX", path[64];
	struct outbox *o = outbox_new();
	struct sink *s;
	struct diag d;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	set.eve_path = path;
	stop = 1;
	assert_int_equal(sink_open(&s, &set, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "nobody reads it"));
	stop = 0;
	fd = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(sink_open(&s, &set, &d), ERR_OK);
	put_rounds(s, o, 3);
	stop = 1;
	put_rounds(s, o, 6); /* more than may be under way: waits for them */
	n = sink_counters(s);
	assert_int_equal(n->events[EVENT_TYPE_FLOW], 9 * LINES);
	/* a line that is not there whole counts */
	assert_int_equal(n->bytes / LINE_LEN + n->unwritten, 9 * LINES);
	assert_in_range(n->unwritten, 8 * LINES, 9 * LINES);
	assert_false(sink_reader_gone(s));
	assert_int_equal(sink_close(s), ERR_IO);
	close(fd);
	outbox_free(o);
	unlink(path);
	rmdir(dir);
}

/* Takes 4 KiB a moment, of much more, until nobody writes any more. */
static void *
sip(void *arg)
{
	static char page[4096];
	int fd = *(int *)arg;

	while (read(fd, page, sizeof(page)) > 0) {
		nap_ms(20);
	}
	return NULL;
}

/* Who reads a little now and then holds the end up no longer. */
static void
slow_pipe_is_given_up(void **state)
{
	static volatile sig_atomic_t stop;
	struct sink_settings set = { .eve_types = UINT32_MAX,
				     .threshold_entries = 16,
				     .stop = &stop,
				     .drain_us = 200000 };
	char dir[] = "/tmp/picket-eve-XXXXXX", path[64];
	struct outbox *o = outbox_new();
	pthread_t reader;
	struct sink *s;
	struct diag d;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	set.eve_path = path;
	stop = 0;
	fd = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(sink_open(&s, &set, &d), ERR_OK);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(pthread_create(&reader, NULL, sip, &fd), 0);
	stop = 1;
	put_rounds(s, o, 9);
	assert_true(sink_counters(s)->unwritten > 0);
	assert_int_equal(sink_close(s), ERR_IO);
	pthread_join(reader, NULL);
	close(fd);
	outbox_free(o);
	unlink(path);
	rmdir(dir);
}

/* Of standard output nobody will ever read again what nobody reads now. */
static void
reader_that_has_gone_is_told(void **state)
{
	struct outbox *o = outbox_new();
	int ends[2], kept = dup(STDOUT_FILENO);
	uint64_t unwritten, lines;
	struct sink *s;
	bool gone;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	fflush(stdout);
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	s = sink_to("-");
	gone = sink_reader_gone(s);
	close(ends[0]);
	put_rounds(s, o, 3);
	lines = sink_counters(s)->events[EVENT_TYPE_FLOW];
	unwritten = sink_counters(s)->unwritten;
	/* cmocka's own words go there */
	dup2(kept, STDOUT_FILENO);
	close(kept);
	assert_false(gone);
	assert_true(sink_reader_gone(s));
	assert_int_equal(lines, 3 * LINES);
	assert_int_equal(unwritten, lines);
	assert_int_equal(sink_counters(s)->write_errors, 1);
	assert_int_equal(sink_close(s), ERR_IO);
	outbox_free(o);
}

/* An alert as a worker leaves it; 'scene' is where its moment is kept. */
static void
put_alert(struct outbox *o, struct event_log *l, const struct event_subject *s,
	  const struct rule *rule, size_t scene)
{
	struct rule_hit hit = { .rule = rule, .has_tx = true, .tx_id = 3 };
	struct record r = { .order = 1,
			    .ts_us = s->ts_us,
			    .rule = rule,
			    .type = EVENT_TYPE_ALERT,
			    .held = HELD_NOT,
			    .late = true,
			    .scene = scene };

	outbox_put(o, &r, event_hit(l, s, &hit));
}

/* What the line tells is of the moment, though it is made when all is gone. */
static void
alerts_tell_of_their_moment(void **state)
{
	static const uint8_t client[4] = { 192, 0, 2, 1 };
	static const uint8_t server[4] = { 192, 0, 2, 2 };
	static const struct event_origin origin = {
		"s", "x", "", "", "", NULL
	};
	struct rule a = { .gid = 1, .sid = 7, .rev = 2, .msg = "first" };
	struct rule b = { .gid = 1, .sid = 8, .rev = 1, .msg = "second" };
	struct flow f = { .id = 5,
			  .addr = { addr_from_v4(client),
				    addr_from_v4(server) },
			  .port = { 1000, 80 },
			  .proto = IPP_TCP,
			  .ip_version = 4,
			  .pkts = { 3, 2 } };
	struct rule_metadata meta = { .n_bits = 1, .bits = { "seen" } };
	struct event_subject s = { .f = &f, .ts_us = 1, .meta = &meta };
	struct payload payload = { .v = VIEW_LIT("bytes\"") };
	char path[] = "/tmp/picket-eve-XXXXXX";
	int fd = mkstemp(path);
	struct outbox *o = outbox_new();
	struct sink *sink = sink_to(path);
	struct conf *conf = conf_new();
	struct event_log *l;
	size_t scene;

	(void)state;
	assert_int_equal(conf_set(conf, "eve.alert.payload-printable", "yes"),
			 ERR_OK);
	l = event_log_new(&origin, conf);
	assert_true(outbox_share(o, event_scene(l, &s, payload), &scene));
	put_alert(o, l, &s, &a, scene);
	put_alert(o, l, &s, &b, scene);
	memset(&f, 0xff, sizeof(f));
	memset(&meta, 0, sizeof(meta));
	sink_round(sink, &o, 1);
	outbox_reset(o);
	assert_int_equal(sink_close(sink), ERR_OK);
#define HEAD \
	"{\"timestamp\":\"1970-01-01T00:00:00.000001+0000\",\"flow_id\":5," \
	"\"event_type\":\"alert\",\"src_ip\":\"192.0.2.1\",\"src_port\":1000," \
	"\"dest_ip\":\"192.0.2.2\",\"dest_port\":80,\"proto\":\"TCP\"," \
	"\"ip_v\":4,\"pkt_src\":\"stream (flow timeout)\"," \
	"\"community_id\":\"1:zmad2/0QCKfhO8J8Pgw2si2qnnE=\",\"tx_id\":3," \
	"\"metadata\":{\"flowbits\":[\"seen\"]},\"alert\":{\"action\":" \
	"\"allowed\",\"gid\":1,\"signature_id\":"
#define TAIL \
	",\"category\":\"\",\"severity\":0},\"direction\":\"to_server\"," \
	"\"flow\":{\"pkts_toserver\":3,\"pkts_toclient\":2," \
	"\"bytes_toserver\":0,\"bytes_toclient\":0,\"start\":" \
	"\"1970-01-01T00:00:00.000000+0000\",\"src_ip\":\"192.0.2.1\"," \
	"\"src_port\":1000,\"dest_ip\":\"192.0.2.2\",\"dest_port\":80}," \
	"\"payload\":\"Ynl0ZXMi\",\"payload_printable\":\"bytes\\\"\"," \
	"\"stream\":0," \
	"\"picket\":{\"site\":\"s\",\"sensor\":\"x\"}}\n"
	assert_string_equal(text_of(fd),
			    HEAD "7,\"rev\":2,\"signature\":\"first\"" TAIL HEAD
				 "8,\"rev\":1,\"signature\":\"second\"" TAIL);
	event_log_free(l);
	conf_free(conf);
	outbox_free(o);
	close(fd);
	unlink(path);
}

/* A line that there is no memory to make is lost, and not told as written. */
static void
line_not_made_is_lost(void **state)
{
#ifdef CAN_RUN_OUT
	static const struct event_origin origin = { "", "", "", "", "", NULL };
	struct flow f = { .id = 5, .proto = IPP_UDP, .ip_version = 4 };
	struct event_subject s = { .f = &f, .ts_us = 1 };
	struct record r = { .order = 1, .type = EVENT_TYPE_FLOW, .late = true };
	struct event_what what = { .type = EVENT_TYPE_FLOW };
	char path[] = "/tmp/picket-eve-XXXXXX";
	int fd = mkstemp(path);
	struct outbox *o = outbox_new();
	struct sink *sink = sink_to(path);
	struct conf *conf = conf_new();
	struct event_log *l = event_log_new(&origin, conf);

	(void)state;
	outbox_put(o, &r, event_kept(l, &s, &what));
	put_line(o, 2, 0, "made before");
	run_out = true;
	sink_round(sink, &o, 1);
	run_out = false;
	assert_int_equal(sink_counters(sink)->lost, 1);
	assert_int_equal(sink_counters(sink)->events[EVENT_TYPE_FLOW], 1);
	assert_int_equal(sink_close(sink), ERR_OK);
	assert_string_equal(text_of(fd), "made before\n");
	event_log_free(l);
	conf_free(conf);
	outbox_free(o);
	close(fd);
	unlink(path);
#else
	(void)state;
	skip();
#endif
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void *
swallow(void *arg)
{
	int fd = *(const int *)arg;
	char buf[65536];

	while (read(fd, buf, sizeof(buf)) > 0) {
	}
	close(fd);
	return NULL;
}

/*
 * Live, nobody is held up by a pipe that is not read: what is no alert is lost
 * first, the worst alerts last, and each is counted.
 */
static void
live_sheds_the_least_severe_first(void **state)
{
	static const struct rule rule;
	struct sink_settings set = { .eve_types = UINT32_MAX,
				     .threshold_entries = 16,
				     .live = true };
	struct outbox *o = outbox_new();
	const struct sink_counters *n;
	char path[64], line[LINE_LEN + 1];
	uint64_t alerts = 0, behind[100], of_events = 0;
	pthread_t thread;
	struct sink *s;
	struct diag d;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	set.eve_path = path;
	assert_int_equal(sink_open(&s, &set, &d), ERR_OK);
	close(ends[1]);
	memset(line, '.', LINE_LEN);
	line[LINE_LEN] = '\0';
	for (unsigned i = 0; i < 100; i++) {
		struct record r = { .type = EVENT_TYPE_ALERT,
				    .held = HELD_NOT,
				    .rule = &rule };
		uint64_t began = now_ms();

		/* a megabyte each: the writer stops at the first */
		for (unsigned k = 0; k < 250; k++) {
			put_line(o, k, 0, line);
		}
		for (unsigned sev = 1; sev <= 3; sev++) {
			r.order = 1000 + sev;
			r.severity = (uint8_t)sev;
			outbox_put(o, &r, view_cstr("alert"));
		}
		sink_round(s, &o, 1);
		sink_line(s, EVENT_TYPE_STATS, view_cstr("stats"));
		assert_true(now_ms() - began < 10000);
		outbox_reset(o);
		n = sink_counters(s);
		behind[i] = n->behind_alerts;
		if (i == 0) {
			assert_int_equal(n->behind_events, 0);
		}
		if (behind[i] > 0 && of_events == 0) {
			of_events = n->behind_events;
			/* others were lost before the first alert */
			assert_true(of_events > 250);
			assert_int_equal(behind[i], 1); /* the least severe */
		}
		alerts = n->alerts;
	}
	assert_int_equal(behind[99] - behind[98], 3); /* at last all */
	assert_int_equal(alerts + behind[99], 300);
	assert_in_range(alerts, 30, 200);
	assert_false(sink_passed(s, sink_mark(s)));
	/* somebody reads again: what was taken comes, and the end waits */
	sink_end_live(s);
	assert_int_equal(pthread_create(&thread, NULL, swallow, &ends[0]), 0);
	assert_int_equal(sink_close(s), ERR_OK);
	pthread_join(thread, NULL);
	outbox_free(o);
}

/* An outbox of live capture is bounded: first for what is no alert. */
static void
live_outbox_is_bounded(void **state)
{
	static const struct rule rule;
	struct record alert = { .type = EVENT_TYPE_ALERT,
				.held = HELD_NOT,
				.rule = &rule };
	const size_t each = 999 + sizeof(struct record);
	struct outbox *o = outbox_new();
	size_t at, half;

	(void)state;
	o->bytes_max = 100000;
	half = o->bytes_max / 2 / each / 2; /* of each kind, up to there */
	for (unsigned i = 0; i < 200; i++) {
		char line[1000];

		memset(line, '.', sizeof(line) - 1);
		line[sizeof(line) - 1] = '\0';
		put_line(o, i, 0, line);
		outbox_put(o, &alert, view_cstr(line));
	}
	assert_int_equal(o->n + o->full_alerts + o->full_events, 400);
	/* half of it by both, the rest by alerts */
	assert_in_range(o->full_events, 200 - half - 1, 200 - half);
	assert_in_range(o->full_alerts, 200 - 3 * half - 3, 200 - 3 * half);
	assert_false(outbox_share(o, view_cstr("scene"), &at));
	outbox_reset(o);
	assert_int_equal(o->full_alerts + o->full_events, 0);
	assert_true(outbox_share(o, view_cstr("scene"), &at));
	outbox_free(o);
}

/*
 * Records without text take room as well: matches that are only counted go on
 * being counted, and claims have as much room again.
 */
static void
live_records_are_bounded(void **state)
{
	static const struct rule rule;
	static const char prog; /* only its being there counts */
	const size_t n = 5000, room = 100;
	struct sink_settings set = { .threshold_entries = 16, .live = true };
	struct record held = { .type = EVENT_TYPE_ALERT,
			       .held = HELD_SUPPRESS,
			       .rule = &rule };
	struct record claim = { .type = EVENT_TYPE_ALERT,
				.held = HELD_NOT,
				.claim.prog = (const void *)&prog };
	struct outbox *o = outbox_new();
	struct sink *s;
	struct diag d;

	(void)state;
	assert_int_equal(sink_open(&s, &set, &d), ERR_OK);
	o->bytes_max = room * sizeof(struct record);
	for (size_t i = 0; i < n; i++) {
		outbox_put(o, &held, VIEW_NONE);
	}
	assert_int_equal(o->n, room);
	assert_int_equal(o->full_suppressed, n - room);
	for (size_t i = 0; i < n; i++) {
		outbox_put(o, &claim, VIEW_NONE);
	}
	assert_int_equal(o->n, 2 * room);
	assert_int_equal(o->full_claims, n - room);
	assert_int_equal(o->full_alerts + o->full_events + o->lost, 0);
	o->n = room; /* the claims were this test's own */
	sink_round(s, &o, 1);
	assert_int_equal(held_total(sink_held(s), HELD_SUPPRESS), n);
	assert_int_equal(sink_counters(s)->behind_claims, n - room);
	assert_int_equal(sink_counters(s)->behind_alerts, 0);
	outbox_free(o);
	assert_int_equal(sink_close(s), ERR_OK);
}

/* One round that workers had no room for: all but the first of each kind. */
static void
crowded_round(struct sink *s, struct outbox *o)
{
	static const struct rule rule;

	outbox_reset(o);
	o->bytes_max = 4;
	for (unsigned i = 0; i < 10; i++) {
		struct record r = { .type = EVENT_TYPE_ALERT,
				    .severity = (uint8_t)(i % 4 + 1),
				    .held = HELD_NOT,
				    .rule = &rule };

		outbox_put(o, &r, view_cstr("alert"));
		r = (struct record){ .type = EVENT_TYPE_DNS };
		outbox_put(o, &r, view_cstr("dns"));
		r = (struct record){ .type = EVENT_TYPE_FLOW };
		outbox_put(o, &r, view_cstr("flow, not forwarded"));
	}
	sink_round(s, &o, 1);
	sink_flush(s);
}

/*
 * What workers had no room for was raised, and lost by the writer: the
 * forwarder's ledger says so, of what would have been forwarded, and also of
 * the rounds at the end.
 */
static void
crowded_rounds_are_in_the_ledger(void **state)
{
	char dir[] = "/tmp/eve-writer-XXXXXX", url[96], command[96];
	struct sink_settings set = {
		.forward_types = 1U << EVENT_TYPE_ALERT | 1U << EVENT_TYPE_DNS,
		.threshold_entries = 16,
		.live = true,
	};
	struct forward_options fo = { .redis_url = url,
				      .site = "hq",
				      .sensor = "tap1",
				      .spool_dir = dir };
	struct outbox *o = outbox_new();
	struct forward *f;
	struct ledger l;
	struct sink *s;
	struct diag d;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(url, sizeof(url), "unix://%s/nobody", dir);
	assert_int_equal(sink_open(&s, &set, &d), ERR_OK);
	assert_int_equal(forward_start(&f, &fo, &d), ERR_OK);
	sink_set_forward(s, f);
	crowded_round(s, o);
	sink_end_live(s);
	crowded_round(s, o);
	sink_set_forward(s, NULL);
	forward_finish(f, FORWARD_SPOOLED, 0, NULL);
	forward_get_ledger(f, &l);
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		/* of 10 alerts the first found room; of the events none */
		uint64_t lost = 2 * (c == 0 ? 2 : c == 1 ? 3 : c == 2 ? 2 : 12);

		assert_int_equal(l.lost[LEDGER_LOST_writer][c], lost);
		assert_int_equal(l.spooled[c], c == 0 ? 2 : 0);
		assert_int_equal(l.raised[c], lost + l.spooled[c]);
	}
	forward_free(f);
	assert_int_equal(sink_close(s), ERR_OK);
	outbox_free(o);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

#ifdef CAN_RUN_OUT
/* Records that find no memory in a round; the others were put before. */
static void
round_without_memory(struct sink *s, struct outbox *o)
{
	static const struct rule rule;

	for (unsigned i = 0; i < 4; i++) {
		struct record r = { .type = EVENT_TYPE_ALERT,
				    .severity = (uint8_t)(i + 1),
				    .held = HELD_NOT,
				    .rule = &rule };

		outbox_put(o, &r, VIEW_LIT("alert"));
		r = (struct record){ .type = EVENT_TYPE_DNS };
		outbox_put(o, &r, VIEW_LIT("dns"));
		r = (struct record){ .type = EVENT_TYPE_FLOW };
		outbox_put(o, &r, VIEW_LIT("flow, not forwarded"));
	}
	sink_round(s, &o, 1);
}
#endif

/* What was lost for want of memory, in the workers' boxes or at the sink, is
 * in the forwarder's ledger under that name. */
static void
no_memory_is_in_the_ledger(void **state)
{
#ifdef CAN_RUN_OUT
	char dir[] = "/tmp/eve-writer-XXXXXX", url[96], command[96];
	struct sink_settings set = {
		.forward_types = 1U << EVENT_TYPE_ALERT | 1U << EVENT_TYPE_DNS,
		.threshold_entries = 16,
		.live = true,
	};
	struct forward_options fo = { .redis_url = url,
				      .site = "hq",
				      .sensor = "tap1",
				      .spool_dir = dir };
	static const struct rule rule;
	struct record unsaid = { .type = EVENT_TYPE_ALERT,
				 .severity = 2,
				 .held = HELD_NO_MEMORY,
				 .rule = &rule };
	struct outbox *o = outbox_new(), *full = outbox_new();
	struct forward *f;
	struct ledger l;
	struct sink *s;
	struct diag d;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(url, sizeof(url), "unix://%s/nobody", dir);
	assert_int_equal(sink_open(&s, &set, &d), ERR_OK);
	assert_int_equal(forward_start(&f, &fo, &d), ERR_OK);
	sink_set_forward(s, f);
	run_out = true;
	round_without_memory(s, o); /* the box takes none of them */
	run_out = false;
	put_line(full, 1, 0, "flow, not forwarded");
	outbox_put(full, &(struct record){ .type = EVENT_TYPE_DNS },
		   VIEW_LIT("dns"));
	run_out = true;
	sink_round(s, &full, 1); /* the sink cannot sort them */
	run_out = false;
	assert_int_equal(sink_counters(s)->lost, 14);
	outbox_reset(full);
	outbox_put(full, &unsaid, VIEW_NONE); /* its worker had none */
	sink_round(s, &full, 1);
	assert_int_equal(held_total(sink_held(s), HELD_NO_MEMORY), 1);
	sink_set_forward(s, NULL);
	forward_finish(f, FORWARD_SPOOLED, 0, NULL);
	forward_get_ledger(f, &l);
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		uint64_t lost = c == 3 ? 1 + 4 + 1 : c == 1 ? 1 + 1 : 1;

		assert_int_equal(l.lost[LEDGER_LOST_no_memory][c], lost);
		assert_int_equal(l.raised[c], lost);
	}
	forward_free(f);
	assert_int_equal(sink_close(s), ERR_OK);
	outbox_free(o);
	outbox_free(full);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
#else
	(void)state;
	skip();
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_in_order),
		cmocka_unit_test(unsorted_rather_than_lost),
		cmocka_unit_test(line_not_made_is_lost),
		cmocka_unit_test(slow_reader_is_waited_for),
		cmocka_unit_test(flush_does_not_wait_for_more),
		cmocka_unit_test(full_disk_is_told),
		cmocka_unit_test(torn_line_is_ended),
		cmocka_unit_test(unread_pipe_is_given_up),
		cmocka_unit_test(slow_pipe_is_given_up),
		cmocka_unit_test(reader_that_has_gone_is_told),
		cmocka_unit_test(alerts_tell_of_their_moment),
		cmocka_unit_test(live_sheds_the_least_severe_first),
		cmocka_unit_test(live_outbox_is_bounded),
		cmocka_unit_test(live_records_are_bounded),
		cmocka_unit_test(crowded_rounds_are_in_the_ledger),
		cmocka_unit_test(no_memory_is_in_the_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
