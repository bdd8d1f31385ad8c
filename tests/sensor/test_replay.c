/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same capture by one worker and by several: the same lines, every frame
 * counted once, also when flows are seen through several tunnels, tunnels come
 * in fragments, the file is cut short, the replay is paced or stopped.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/replay.h"
#include "tests/test.h"

#include "tests/sensor/frame_build.h"

#define FRAMES 30000 /* more rounds than are in flight */
#define RECORDS (FRAMES / 6 * 7) /* a sixth comes in two fragments */
#define LINKTYPE_ETHERNET 1
#define WORKERS_MAX 5

static char dir[200];
static struct conf *conf;
static struct ruleset *rules;
static struct build f;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define CAN_REFUSE 1
static int threads_left = -1; /* so many are started yet; -1: any number */

int
pthread_create(pthread_t *thread, const pthread_attr_t *attr,
	       void *(*start)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
		    void *);
	void *found = dlsym(RTLD_NEXT, "pthread_create");

	memcpy(&real, &found, sizeof(real));
	if (threads_left == 0) {
		return EAGAIN;
	}
	threads_left -= threads_left > 0;
	return real(thread, attr, start, arg);
}
#endif

static char *
path_of(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* One record a millisecond. */
static void
put_frame(FILE *out)
{
	static uint32_t n;
	uint32_t h[4] = { 1700000000 + n / 1000, n % 1000 * 1000,
			  (uint32_t)f.len, (uint32_t)f.len };

	n++;
	assert_int_equal(fwrite(h, sizeof(h), 1, out), 1);
	assert_int_equal(fwrite(f.b, f.len, 1, out), 1);
	f.len = 0;
}

/* The datagram that all ways carry: of few pairs, back and forth. */
static void
add_inner(unsigned i)
{
	uint8_t a = (uint8_t)(1 + i % 7), b = (uint8_t)(20 + i % 11);
	bool back = (i & 1) != 0;
	size_t ip = add_ipv4(&f, IPP_UDP, back ? b : a, back ? a : b);
	size_t udp = add_udp(&f, back ? 2000 : 1000, back ? 1000 : 2000);

	add(&f, i % 50 == 0 ? "suspicious" : "usual stuff", 10);
	finish_udp(&f, udp);
	finish_ipv4(&f, ip);
}

static void
put_vxlan(FILE *out, unsigned i, uint8_t from, uint8_t to)
{
	static const uint8_t vxlan[8] = { 8, 0, 0, 0, 0, 1, 2, 0 };
	size_t ip, udp;

	add_ether(&f, 0x0800);
	ip = add_ipv4(&f, IPP_UDP, from, to);
	udp = add_udp(&f, 5555, 4789);
	add(&f, vxlan, sizeof(vxlan));
	add_ether(&f, 0x0800);
	add_inner(i);
	finish_udp(&f, udp);
	finish_ipv4(&f, ip);
	put_frame(out);
}

static void
put_gre(FILE *out, unsigned i, uint8_t from, uint8_t to)
{
	size_t ip;

	add_ether(&f, 0x0800);
	ip = add_ipv4(&f, IPP_GRE, from, to);
	add_be16(&f, 0);
	add_be16(&f, 0x0800);
	add_inner(i);
	finish_ipv4(&f, ip);
	put_frame(out);
}

/* IP in IP in two fragments, the first with the inner header cut in two. */
static void
put_fragments(FILE *out, unsigned i, uint8_t from, uint8_t to)
{
	uint8_t inner[100];
	size_t len, ip;

	add_inner(i);
	len = f.len;
	memcpy(inner, f.b, len);
	for (unsigned part = 0; part < 2; part++) {
		f.len = 0;
		add_ether(&f, 0x0800);
		ip = add_ipv4(&f, 4, from, to);
		store_be16(f.b + ip + 4, (uint16_t)i);
		store_be16(f.b + ip + 6, part == 0 ? 0x2000 : 2);
		add(&f, inner + part * 16, part == 0 ? 16 : len - 16);
		finish_ipv4(&f, ip);
		put_frame(out);
	}
}

static void
put_some(FILE *out, unsigned i)
{
	switch (i % 6) {
	case 0:
		put_vxlan(out, i, 100, 101);
		break;
	case 1:
		put_vxlan(out, i, 102, 103);
		break;
	case 2:
		put_fragments(out, i, 104, 105);
		break;
	case 3:
		put_gre(out, i, (uint8_t)(106 + i % 5), 120);
		break;
	case 4:
		add_ether(&f, 0x0806); /* ARP, and too short for it */
		add_zero(&f, 46);
		put_frame(out);
		break;
	default:
		add_ether(&f, 0x0800);
		add_inner(i);
		put_frame(out);
	}
}

static void
write_capture(const char *name, unsigned frames)
{
	static const uint8_t head[24] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0,
					  0,    0,    0,    0,    0, 0, 0, 0,
					  0,    0,    4,    0,    1, 0, 0, 0 };
	FILE *out = fopen(path_of(name), "w");

	assert_non_null(out);
	assert_int_equal(fwrite(head, sizeof(head), 1, out), 1);
	for (unsigned i = 0; i < frames; i++) {
		put_some(out, i);
	}
	assert_int_equal(fclose(out), 0);
}

static int
set_up(void **state)
{
	static const char rule[] =
		"alert udp any any -> any any (msg:\"in a tunnel or not\"; "
		"content:\"suspicious\"; sid:1; rev:1;)\n";
	const char *path;
	struct diag d;
	FILE *out;

	(void)state;
	log_init("test_replay", LOG_ERR, false);
	snprintf(dir, sizeof(dir), "%s/picket-replay.XXXXXX",
		 getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	path = path_of("my.rules");
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs(rule, out) >= 0);
	assert_int_equal(fclose(out), 0);
	conf = conf_new();
	assert_non_null(conf);
	rules = ruleset_load(conf, &path, 1, NULL, 0, &d);
	assert_non_null(rules);
	assert_int_equal(ruleset_count(rules), 1);
	write_capture("long.pcap", FRAMES);
	write_capture("short.pcap", 300);
	return 0;
}

static int
tear_down(void **state)
{
	char command[300];

	(void)state;
	ruleset_free(rules);
	conf_free(conf);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	return system(command);
}

/* What a run gave. */
struct outcome {
	char *text; /* EVE lines */
	size_t len;
	uint64_t read; /* frames */
	uint64_t frames, bytes, packets, inspected; /* of all workers */
	uint64_t decoded, reassembled;
	unsigned busy; /* workers that had any packet */
	struct replay_result result;
	struct capture_stats capture;
};

struct stopping {
	volatile sig_atomic_t stop;
	unsigned ticks_left;
};

static void
stop_in_time(void *arg, bool idle)
{
	struct stopping *s = arg;

	(void)idle;
	if (s->ticks_left > 0 && --s->ticks_left == 0) {
		s->stop = 1;
	}
}

static void
read_lines(struct outcome *o, const char *path)
{
	FILE *in = fopen(path, "r");
	size_t cap = (size_t)64 << 20;

	assert_non_null(in);
	o->text = malloc(cap);
	assert_non_null(o->text);
	o->len = fread(o->text, 1, cap, in);
	assert_true(o->len < cap);
	o->text[o->len] = '\0';
	fclose(in);
	unlink(path);
}

static void
sum_up(struct outcome *o, struct worker **w, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct worker_counters *c = worker_counters(w[i]);
		struct decode_counters d;

		worker_decode(w[i], &d);
		o->frames += c->frames;
		o->bytes += c->bytes;
		o->packets += c->packets;
		o->inspected += c->inspected;
		o->decoded += d.pkts;
		o->reassembled += d.frag_ipv4_reassembled;
		o->busy += c->packets > 0;
	}
}

static struct outcome
run(const char *capture, unsigned n, double pace, unsigned stop_at_tick)
{
	const char *path = path_of(capture);
	struct stopping stopping = { 0, stop_at_tick };
	struct worker *w[WORKERS_MAX];
	struct worker_settings set = {
		.conf = conf,
		.rules = rules,
		.origin = { "", "", "", "", "", NULL },
		.event_types = UINT32_MAX,
		.memory_limit = (size_t)1 << 28,
	};
	struct sink_settings sink = { .eve_types = UINT32_MAX,
				      .threshold_entries = 100 };
	struct replay_settings s = {
		.workers = w,
		.n_workers = n,
		.pace = pace,
		.stop = &stopping.stop,
		.tick = stop_in_time,
		.tick_arg = &stopping,
	};
	struct outcome o = { 0 };
	struct diag d;

	assert_int_equal(capture_open_files(&s.capture, &path, 1, NULL, &d),
			 ERR_OK);
	sink.eve_path = path_of("eve.json");
	assert_int_equal(sink_open(&s.sink, &sink, &d), ERR_OK);
	for (unsigned i = 0; i < n; i++) {
		w[i] = worker_new(&set);
		assert_non_null(w[i]);
	}
	assert_int_equal(replay_run(&s, &o.result, &d), ERR_OK);
	assert_int_equal(sink_close(s.sink), ERR_OK);
	sum_up(&o, w, n);
	o.capture = *capture_stats(s.capture);
	for (unsigned i = 0; i < n; i++) {
		worker_free(w[i]);
	}
	capture_close(s.capture);
	read_lines(&o, path_of("eve.json"));
	return o;
}

static void
expect_same(const struct outcome *a, const struct outcome *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->text, b->text, a->len);
	assert_int_equal(a->capture.frames, b->capture.frames);
	assert_int_equal(a->frames, b->frames);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->packets, b->packets);
	assert_int_equal(a->inspected, b->inspected);
	assert_int_equal(a->decoded, b->decoded);
	assert_int_equal(a->reassembled, b->reassembled);
}

static unsigned
count(const struct outcome *o, const char *word)
{
	unsigned n = 0;

	for (const char *p = o->text; (p = strstr(p, word)) != NULL; p++) {
		n++;
	}
	return n;
}

static void
tunnels_and_fragments(void **state)
{
	struct outcome one = run("long.pcap", 1, 0, 0);

	(void)state;
	assert_int_equal(one.frames, RECORDS);
	assert_int_equal(one.capture.frames, RECORDS);
	assert_int_equal(one.reassembled, FRAMES / 6);
	/* Of three that are suspicious one is in VXLAN, where the outer packet
	 * alerts too, one in fragments, and in place of one there is ARP. */
	assert_int_equal(count(&one, "\"event_type\":\"alert\""),
			 FRAMES / 150 * 3);
	/* 77 pairs of inner hosts, each with one flow, whatever the way; then
	 * two flows of VXLAN, one of IP in IP and five of GRE */
	assert_int_equal(count(&one, "\"event_type\":\"flow\""),
			 77 + 2 + 1 + 5);
	for (unsigned n = 2; n <= WORKERS_MAX; n++) {
		struct outcome o = run("long.pcap", n, 0, 0);

		expect_same(&one, &o);
		assert_int_equal(o.busy, n);
		free(o.text);
	}
	free(one.text);
}

static void
cut_short(void **state)
{
	struct outcome whole, one, three;
	FILE *file;

	(void)state;
	whole = run("long.pcap", 3, 0, 0);
	write_capture("cut.pcap", FRAMES);
	file = fopen(path_of("cut.pcap"), "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, -7, SEEK_END), 0);
	assert_int_equal(ftruncate(fileno(file), ftell(file)), 0);
	fclose(file);
	one = run("cut.pcap", 1, 0, 0);
	three = run("cut.pcap", 3, 0, 0);
	expect_same(&one, &three);
	assert_int_equal(three.frames, whole.frames - 1);
	assert_int_equal(three.capture.cut_short, 1);
	assert_int_equal(three.result.damaged_files, 0);
	free(whole.text);
	free(one.text);
	free(three.text);
}

static void
paced(void **state)
{
	struct outcome fast = run("short.pcap", 1, 0, 0);
	uint64_t began = clock_mono_us();
	struct outcome one = run("short.pcap", 1, 10, 0);
	struct outcome three = run("short.pcap", 3, 10, 0);

	(void)state;
	/* two times more than 300 ms of capture at ten times the speed */
	assert_true(clock_mono_us() - began > 60000);
	expect_same(&fast, &one);
	expect_same(&fast, &three);
	free(fast.text);
	free(one.text);
	free(three.text);
}

/* What was read is worked through and written, and flows end. */
static void
stopped(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		struct outcome o = run("long.pcap", n, 0, 1);

		assert_true(o.capture.frames > 0);
		assert_true(o.capture.frames < RECORDS);
		assert_int_equal(o.frames, o.capture.frames);
		assert_true(count(&o, "\"event_type\":\"flow\"") >= 77);
		free(o.text);
	}
	for (unsigned n = 1; n <= 3; n++) {
		struct outcome o = run("short.pcap", n, 0.001, 1);

		assert_true(o.capture.frames < 300);
		assert_int_equal(o.frames, o.capture.frames);
		free(o.text);
	}
}

/* Not all workers get a thread: the others end, nothing is read, and the
 * caller is told. */
static void
too_few_threads(void **state)
{
#ifdef CAN_REFUSE
	(void)state;
	for (int left = 0; left < 3; left++) {
		const char *path = path_of("short.pcap");
		struct worker_settings set = {
			.conf = conf,
			.rules = rules,
			.origin = { "", "", "", "", "", NULL },
			.memory_limit = (size_t)1 << 28,
		};
		struct sink_settings sink = { .threshold_entries = 100 };
		struct worker *w[4];
		struct replay_settings s = { .workers = w, .n_workers = 4 };
		struct replay_result result;
		struct diag d;

		assert_int_equal(
			capture_open_files(&s.capture, &path, 1, NULL, &d),
			ERR_OK);
		assert_int_equal(sink_open(&s.sink, &sink, &d), ERR_OK);
		for (unsigned i = 0; i < 4; i++) {
			w[i] = worker_new(&set);
			assert_non_null(w[i]);
		}
		threads_left = left;
		assert_int_equal(replay_run(&s, &result, &d), ERR_IO);
		threads_left = -1;
		assert_int_equal(capture_stats(s.capture)->frames, 0);
		assert_int_equal(sink_close(s.sink), ERR_OK);
		for (unsigned i = 0; i < 4; i++) {
			worker_free(w[i]);
		}
		capture_close(s.capture);
	}
#else
	(void)state;
	skip();
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tunnels_and_fragments),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(paced),
		cmocka_unit_test(stopped),
		cmocka_unit_test(too_few_threads),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
