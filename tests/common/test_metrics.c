/* SPDX-License-Identifier: Apache-2.0 */
#include "common/metrics_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "tests/test.h"
#include "tests/wait_for.h"

static const struct metric_row rows[] = {
	{ "info", "info", METRIC_INFO, NULL, "Who." },
	{ "frames.in", "frames_total", METRIC_COUNTER, NULL, "All." },
	{ "frames.*", "frames_by_total", METRIC_COUNTER, "fate", "By fate." },
	{ "depth", "depth", METRIC_GAUGE, NULL, "Deep." },
	{ "taps.*.*", "tap_%_total", METRIC_COUNTER, "interface", "A %." },
	{ "noise.**", NULL, METRIC_NONE, NULL, NULL },
};

/* What becomes of 'doc'; "!" and the error when nothing does. */
static char *
text(const char *doc)
{
	char *out = NULL;
	size_t len = 0;
	enum err e = metrics_text(view_cstr(doc), "p_", rows, ARRAY_LEN(rows),
				  &out, &len);

	if (e != ERR_OK) {
		assert_null(out);
		assert_true(asprintf(&out, "!%s", err_name(e)) > 0);
	} else {
		assert_int_equal(len, strlen(out));
	}
	return out;
}

static void
is(const char *doc, const char *want)
{
	char *got = text(doc);

	assert_string_equal(want, got);
	free(got);
}

static void
test_rows(void **state)
{
	(void)state;
	is("{\"depth\":1.5}", "# HELP p_depth Deep.\n# TYPE p_depth gauge\n"
			      "p_depth 1.5\n");
	is("{\"frames\":{\"in\":7,\"bad\":2,\"odd\":0}}",
	   "# HELP p_frames_total All.\n# TYPE p_frames_total counter\n"
	   "p_frames_total 7\n"
	   "# HELP p_frames_by_total By fate.\n"
	   "# TYPE p_frames_by_total counter\n"
	   "p_frames_by_total{fate=\"bad\"} 2\n"
	   "p_frames_by_total{fate=\"odd\"} 0\n");
	is("{\"info\":{\"site\":\"a\",\"n\":1,\"v\":\"2\"},\"noise\":{\"x\":{"
	   "\"y\":1},\"z\":[1,2]}}",
	   "# HELP p_info Who.\n# TYPE p_info gauge\n"
	   "p_info{site=\"a\",v=\"2\"} 1\n"
	   "# HELP p_info_n See the statistics of the same name.\n"
	   "# TYPE p_info_n untyped\np_info_n 1\n");
}

/* A family is in one piece, whatever the order of what it is made of. */
static void
test_families_are_whole(void **state)
{
	(void)state;
	is("{\"taps\":[{\"interface\":\"eth0\",\"seen\":1,\"lost\":2},"
	   "{\"interface\":\"eth1\",\"seen\":3,\"lost\":4}]}",
	   "# HELP p_tap_seen_total A seen.\n"
	   "# TYPE p_tap_seen_total counter\n"
	   "p_tap_seen_total{interface=\"eth0\"} 1\n"
	   "p_tap_seen_total{interface=\"eth1\"} 3\n"
	   "# HELP p_tap_lost_total A lost.\n"
	   "# TYPE p_tap_lost_total counter\n"
	   "p_tap_lost_total{interface=\"eth0\"} 2\n"
	   "p_tap_lost_total{interface=\"eth1\"} 4\n");
}

/* What no row names is there all the same, once. */
static void
test_the_rest(void **state)
{
	(void)state;
	is("{\"x\":{\"a-b\":1,\"a_b\":2,\"ok\":true,\"s\":\"text\"},"
	   "\"l\":[{\"v\":1},{\"v\":2,\"name\":\"n\"}]}",
	   "# HELP p_l_v See the statistics of the same name.\n"
	   "# TYPE p_l_v untyped\n"
	   "p_l_v{item=\"0\"} 1\np_l_v{item=\"n\"} 2\n"
	   "# HELP p_x_a_b See the statistics of the same name.\n"
	   "# TYPE p_x_a_b untyped\np_x_a_b 1\n"
	   "# HELP p_x_ok See the statistics of the same name.\n"
	   "# TYPE p_x_ok untyped\np_x_ok 1\n");
}

static void
test_labels_are_escaped(void **state)
{
	(void)state;
	is("{\"frames\":{\"a\\\"b\\\\c\\nd\":1}}",
	   "# HELP p_frames_by_total By fate.\n"
	   "# TYPE p_frames_by_total counter\n"
	   "p_frames_by_total{fate=\"a\\\"b\\\\c\\nd\"} 1\n");
}

static void
test_what_is_no_object(void **state)
{
	char want[80];

	snprintf(want, sizeof(want), "!%s", err_name(ERR_FORMAT));
	is("", want);
	is("[1]", want);
	is("{\"a\":", want);
	is("{}", "");
	is("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}"
	   "}}}}}}}",
	   "");
	(void)state;
}

static void
test_too_many_numbers(void **state)
{
	size_t n = METRICS_MAX_SAMPLES + 1, at = 0;
	char *doc = malloc(2 * n + 20), want[80];

	assert_non_null(doc);
	at += (size_t)sprintf(doc, "{\"noise\":[");
	for (size_t i = 0; i < n; i++) {
		at += (size_t)sprintf(doc + at, i > 0 ? ",1" : "1");
	}
	strcpy(doc + at, "]}");
	snprintf(want, sizeof(want), "!%s", err_name(ERR_LIMIT));
	is(doc, want);
	free(doc);
	(void)state;
}

/* The whole answer to one request. */
static void
get(const struct metrics_http *m, const char *path, char *out, size_t cap)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(metrics_http_port(m)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char ask[200];
	size_t n = 0;
	ssize_t got;

	assert_int_equal(0, connect(fd, (struct sockaddr *)&sa, sizeof(sa)));
	snprintf(ask, sizeof(ask),
		 "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		 path);
	assert_int_equal(strlen(ask), write(fd, ask, strlen(ask)));
	while ((got = read(fd, out + n, cap - n - 1)) > 0) {
		n += (size_t)got;
	}
	out[n] = '\0';
	close(fd);
}

static struct metrics_http *
serve(unsigned alive_s)
{
	struct metrics_http_config cfg = { .listen = "127.0.0.1:0",
					   .prefix = "p_",
					   .rows = rows,
					   .n_rows = ARRAY_LEN(rows),
					   .alive_s = alive_s };
	struct metrics_http *m = NULL;
	struct diag d = { "" };

	if (metrics_http_start(&m, &cfg, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return m;
}

/* A main loop, as long as it is told to turn. */
struct loop {
	struct metrics_http *m;
	_Atomic bool stop;
	unsigned snapshots;
};

static void *
turn(void *arg)
{
	struct loop *l = arg;

	while (!atomic_load(&l->stop)) {
		if (metrics_http_turn(l->m, clock_mono_us())) {
			char doc[40];

			snprintf(doc, sizeof(doc), "{\"depth\":%u}",
				 ++l->snapshots);
			metrics_http_publish(l->m, view_cstr(doc));
		}
		usleep(1000);
	}
	return NULL;
}

static bool
says(const struct metrics_http *m, const char *what)
{
	static char out[8192];

	get(m, "/metrics", out, sizeof(out));
	return strstr(out, what) != NULL;
}

static void
test_answers_are_of_now(void **state)
{
	static char out[8192];
	struct loop l = { .m = serve(1000) };
	pthread_t thread;
	char last[40];

	assert_int_equal(0, pthread_create(&thread, NULL, turn, &l));
	get(l.m, "/metrics", out, sizeof(out));
	assert_non_null(strstr(out, "HTTP/1.1 200 "));
	assert_non_null(strstr(out, "\np_depth 1\n"));
	/* The pause over, the loop is asked anew. */
	wait_for(60, says(l.m, "\np_depth 2\n"));
	get(l.m, "/healthz", out, sizeof(out));
	assert_non_null(strstr(out, "HTTP/1.1 200 "));
	atomic_store(&l.stop, true);
	pthread_join(thread, NULL);
	/* what there was is told by its age */
	wait_for(60, !says(l.m, "\np_snapshot_age_seconds 0.0"));
	snprintf(last, sizeof(last), "\np_depth %u\n", l.snapshots);
	assert_true(says(l.m, last));
	metrics_http_stop(l.m);
	(void)state;
}

static void
test_a_loop_that_stands(void **state)
{
	static char out[8192];
	struct metrics_http *m = serve(0);

	assert_false(metrics_http_turn(m, clock_mono_us()));
	get(m, "/healthz", out, sizeof(out));
	assert_non_null(strstr(out, "HTTP/1.1 503 "));
	get(m, "/metrics", out, sizeof(out));
	assert_non_null(strstr(out, "HTTP/1.1 503 "));
	metrics_http_publish(m, view_cstr("[]"));
	get(m, "/metrics", out, sizeof(out));
	assert_non_null(strstr(out, "HTTP/1.1 500 "));
	metrics_http_stop(m);
	assert_false(metrics_http_turn(NULL, 0));
	metrics_http_stop(NULL);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_families_are_whole),
		cmocka_unit_test(test_the_rest),
		cmocka_unit_test(test_labels_are_escaped),
		cmocka_unit_test(test_what_is_no_object),
		cmocka_unit_test(test_too_many_numbers),
		cmocka_unit_test(test_answers_are_of_now),
		cmocka_unit_test(test_a_loop_that_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
