/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Once warm, a worker asks nobody for memory: every capture of pcaps/ (HTTP,
 * TLS and what the shipped rules alert on among them) goes through one worker
 * with all kinds of events, then again a day later; the second time, calls of
 * the heap, those of libraries too, slabs of the pool and page faults are
 * counted.  The allocator is replaced by one that counts, so that the test is
 * skipped where a sanitizer has replaced it already.
 */
#include "tests/test.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "sensor/capture.h"
#include "sensor/evidence_tap.h"
#include "sensor/worker.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS 0
#elif defined(__GLIBC__)
#define COUNTS 1
#else
#define COUNTS 0
#endif

static bool counting;
static unsigned long n_calls;
static long n_faults;

#if COUNTS
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static void
note(const char *what, size_t n, void *from)
{
	if (counting && n_calls++ < 5) {
		counting = false;
		fprintf(stderr, "%s of %zu bytes from %p\n", what, n, from);
		counting = true;
	}
}

void *
malloc(size_t n)
{
	note("malloc", n, __builtin_return_address(0));
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	note("calloc", n * size, __builtin_return_address(0));
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	note("realloc", n, __builtin_return_address(0));
	return __libc_realloc(p, n);
}

int
posix_memalign(void **out, size_t align, size_t n)
{
	note("posix_memalign", n, __builtin_return_address(0));
	*out = __libc_memalign(align, n);
	return *out == NULL;
}

void *
aligned_alloc(size_t align, size_t n)
{
	note("aligned_alloc", n, __builtin_return_address(0));
	return __libc_memalign(align, n);
}
#endif

static long
faults_so_far(void)
{
	struct rusage u;

	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return u.ru_minflt;
}

/* What the worker does from here to stop() must not ask for memory. */
static void
start(uint64_t later_us)
{
	counting = later_us > 0;
	n_faults -= faults_so_far();
}

static void
stop(void)
{
	n_faults += faults_so_far();
	counting = false;
}

/* Packets of alerts and their flows are kept, too. */
static struct evidence_tap evidence;
static uint64_t n_kept;

static void
keep_evidence(void)
{
	static const struct evidence_limits limit = { .file_size = 1 << 20,
						      .flow_bytes = 1 << 20,
						      .flow_packets = 1000,
						      .snaplen = 2048 };
	static uint8_t room[1 << 20];

	memset(room, 1, sizeof(room));
	memset(&evidence, 0, sizeof(evidence));
	for (unsigned i = 0; i < EVIDENCE_SHARES; i++) {
		evidence.share[i].flow = UINT64_MAX; /* the pages are there */
	}
	evidence_tap_init(&evidence, room, 20, &limit, false);
	evidence.mode = EVIDENCE_FLOWS;
}

static void
take_evidence(void)
{
	static uint8_t data[2048];
	struct evidence_head h;

	while (evidence_take(&evidence, &h, data)) {
		n_kept++;
	}
}

/* The capture's own pages are the reader's business, not the worker's. */
static void
touch(const struct frame *f)
{
	volatile uint8_t sum = 0;

	for (uint32_t i = 0; i < f->caplen; i++) {
		sum = (uint8_t)(sum + f->data[i]);
	}
}

/* Every path through a worker; 'later_us' is added to the packets' times. */
static uint64_t
replay(struct worker *w, const char *path, uint64_t later_us,
       struct outbox *out)
{
	struct batch_frames *b = batch_frames_new();
	struct frame *v[BATCH_FRAMES];
	struct capture *c = NULL;
	uint64_t last_us = 0;
	struct diag d;
	size_t lines = 0;

	assert_non_null(b);
	assert_int_equal(capture_open_files(&c, &path, 1, NULL, &d), ERR_OK);
	while (capture_next(c, b, &d) == ERR_OK) {
		for (uint32_t i = 0; i < b->n; i++) {
			b->frame[i].ts_us += later_us;
			last_us = b->frame[i].ts_us;
			v[i] = &b->frame[i];
			touch(v[i]);
		}
		start(later_us);
		worker_frames(w, v, b->n, out);
		worker_expire(w, last_us, b->frame[b->n - 1].number, out);
		stop();
		lines += out->n;
		outbox_reset(out);
		take_evidence();
	}
	start(later_us);
	worker_finish(w, last_us, 0, out);
	stop();
	lines += out->n;
	outbox_reset(out);
	capture_close(c);
	batch_frames_free(b);
	return lines;
}

static void
run_all(struct worker *w, const glob_t *found, struct outbox *out)
{
	for (size_t i = 0; i < found->gl_pathc; i++) {
		const char *path = found->gl_pathv[i];
		uint64_t first = replay(w, path, 0, out);
		uint64_t again, slabs = worker_pool_misses(w);

		n_calls = 0;
		n_faults = 0;
		again = replay(w, path, UINT64_C(86400) * 1000000, out);
		assert_true(first > 0);
		assert_int_equal(again, first);
		if (n_calls > 0) {
			fail_msg("%s: %lu calls of the heap", path, n_calls);
		}
		assert_int_equal(worker_pool_misses(w), slabs);
		if (n_faults > 0) {
			fail_msg("%s: %ld page faults", path, n_faults);
		}
	}
}

static void
test_second_time_allocates_nothing(void **state)
{
	const char *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	struct conf *conf = conf_new();
	struct outbox *out = outbox_new();
	static const struct contacts_conf contacts = {
		.enabled = true,
		.interval_us = UINT64_C(1000000),
		.max_hosts = 64,
	};
	struct worker_settings set = {
		.conf = conf,
		.origin = { "", "", "", "", "", NULL },
		.event_types = UINT32_MAX,
		.memory_limit = (size_t)1 << 30,
		.contacts = &contacts,
		.evidence = &evidence,
	};
	char rules[PATH_MAX], captures[PATH_MAX];
	const char *patterns[] = { rules };
	struct ruleset *rs;
	struct worker *w;
	glob_t found;
	struct diag d;

	(void)state;
	snprintf(rules, sizeof(rules), "%s/rules/dist/*.rules", top);
	snprintf(captures, sizeof(captures), "%s/pcaps/*.pcap", top);
	assert_int_equal(glob(captures, 0, NULL, &found), 0);
	assert_int_equal(conf_set(conf, "vars.address-groups.HOME_NET", "any"),
			 ERR_OK);
	assert_int_equal(
		conf_set(conf, "vars.address-groups.EXTERNAL_NET", "any"),
		ERR_OK);
	rs = ruleset_load(conf, patterns, 1, NULL, 0, &d);
	assert_non_null(rs);
	assert_true(ruleset_count(rs) > 0);
	set.rules = rs;
	keep_evidence();
	w = worker_new(&set);
	assert_non_null(w);
	run_all(w, &found, out);
	assert_true(worker_counters(w)->alerts > 0);
	assert_true(n_kept > worker_counters(w)->alerts / 2);
	worker_free(w);
	ruleset_free(rs);
	outbox_free(out);
	conf_free(conf);
	globfree(&found);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_time_allocates_nothing),
	};

	if (!COUNTS) {
		puts("the heap is a sanitizer's, or another library's");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
