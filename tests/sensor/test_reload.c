/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New rules under way: the same rules again change nothing, whenever they
 * come; what flows remember is known to other rules by name; what does not
 * load leaves what was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/sensor/reload_scene.h"

#define TIMES 30 /* enough for two reloads behind all rounds in flight */

static void
the_same_rules_before_every_frame(void **state)
{
	struct ruleset *first = load(NULL, scene.patterns);
	struct ruleset *second = load(first, scene.patterns);
	size_t alerts = 0;

	(void)state;
	assert_string_equal(ruleset_digest(first), ruleset_digest(second));
	for (size_t i = 0; i < scene.n_pcaps; i++) {
		struct outbox *plain = outbox_new(), *changed = outbox_new();
		struct worker *v = make_worker(first), *w = make_worker(first);

		run_capture(scene.pcaps[i], v, NULL, plain);
		run_capture(scene.pcaps[i], w, rule_matcher_new(second),
			    changed);
		same_lines(scene.pcaps[i], plain, changed);
		worker_free(v);
		worker_free(w);
		for (size_t k = 0; k < plain->n; k++) {
			alerts += plain->rec[k].rule != NULL;
		}
		outbox_free(plain);
		outbox_free(changed);
	}
	assert_true(alerts > 100);
	ruleset_free(first);
	ruleset_free(second);
}

/* --- other rules --- */

/* Alerts of a capture whose rules change from 'a' to 'b' before frame 'at'. */
static size_t
alerts_when_changed(const char *path, const struct ruleset *a,
		    const struct ruleset *b, uint64_t at, uint64_t *frames)
{
	const char *paths[] = { path };
	struct batch_frames *batch = batch_frames_new();
	struct rule_matcher *next = rule_matcher_new(b);
	struct outbox *out = outbox_new();
	struct worker *w = make_worker(a);
	struct capture *c;
	size_t alerts = 0;
	struct diag d;

	assert_non_null(batch);
	assert_int_equal(capture_open_files(&c, paths, 1, NULL, &d), ERR_OK);
	*frames = 0;
	while (capture_next(c, batch, &d) == ERR_OK) {
		for (uint32_t i = 0; i < batch->n; i++) {
			if (++*frames == at) {
				next = worker_change_rules(w, next);
			}
			worker_frame(w, &batch->frame[i], out);
		}
	}
	worker_finish(w, UINT64_C(4000000000) * 1000000, *frames, out);
	for (size_t k = 0; k < out->n; k++) {
		alerts += out->rec[k].rule != NULL;
	}
	worker_free(w);
	rule_matcher_free(next);
	outbox_free(out);
	capture_close(c);
	batch_frames_free(batch);
	return alerts;
}

static const char *
capture_named(const char *name)
{
	for (size_t i = 0; i < scene.n_pcaps; i++) {
		const char *slash = strrchr(scene.pcaps[i], '/');

		if (strcmp(slash + 1, name) == 0) {
			return scene.pcaps[i];
		}
	}
	fail_msg("%s is missing", name);
	return NULL;
}

static void
flowbits_keep_their_names(void **state)
{
	const char *a[] = { rule_file(
		"a.rules",
		"alert tcp any any -> any any (msg:\"a\"; flow:to_server; "
		"content:\"GET\"; flowbits:set,seen; noalert; sid:1;)\n") };
	const char *b[] = { rule_file(
		"b.rules",
		"alert tcp any any -> any any (msg:\"o\"; content:\"zzzz\"; "
		"flowbits:set,other; flowint:n,+,1; noalert; sid:5;)\n"
		"alert tcp any any -> any any (msg:\"b\"; flow:to_client; "
		"flowbits:isset,seen; sid:6;)\n"
		"alert tcp any any -> any any (msg:\"c\"; "
		"flowbits:isset,other; sid:7;)\n") };
	const char *path = capture_named("http.pcap");
	struct ruleset *first = load(NULL, a), *second = load(first, b);
	uint64_t frames;
	size_t sum = 0;

	(void)state;
	assert_int_equal(alerts_when_changed(path, first, second, 0, &frames),
			 0);
	assert_int_equal(alerts_when_changed(path, first, second, 1, &frames),
			 0);
	for (uint64_t at = 2; at <= MIN(frames, 200); at++) {
		uint64_t n;

		sum += alerts_when_changed(path, first, second, at, &n);
	}
	assert_true(sum > 0);
	ruleset_free(first);
	ruleset_free(second);
}

/* A rule of which nothing changed but its place does not speak again. */
static void
what_alerted_does_not_alert_again(void **state)
{
	static const char one[] =
		"alert http any any -> any any (msg:\"a\"; http.method; "
		"content:\"GET\"; sid:1; rev:2;)\n";
	char text[800];
	const char *a[] = { rule_file("a.rules", one) };
	const char *path = capture_named("http.pcap");
	struct ruleset *first = load(NULL, a), *second;
	uint64_t frames, n;
	size_t plain;

	(void)state;
	snprintf(text, sizeof(text),
		 "alert http any any -> any any (msg:\"b\"; http.method; "
		 "content:\"NONE\"; priority:1; sid:9;)\n"
		 "alert http any any -> any any (msg:\"c\"; http.uri; "
		 "content:\"no-such-uri\"; priority:1; sid:8;)\n%s",
		 one);
	a[0] = rule_file("b.rules", text);
	second = load(first, a);
	plain = alerts_when_changed(path, first, second, 0, &frames);
	assert_true(plain > 0);
	for (uint64_t at = 1; at <= MIN(frames, 200); at++) {
		assert_int_equal(
			alerts_when_changed(path, first, second, at, &n),
			plain);
	}
	ruleset_free(first);
	ruleset_free(second);
}

/* --- the whole replay, its rules reloaded by the thread --- */

struct run {
	struct reload *reload;
	unsigned every, ticks, asked;
};

/* Asks at every 'every'-th round and waits until the change is ready. */
static void
on_tick(void *arg, bool idle)
{
	struct run *r = arg;
	struct reload_status st;

	(void)idle;
	if (r->every == 0 || ++r->ticks % r->every != 0) {
		return;
	}
	r->asked++;
	reload_get_status(r->reload, &st);
	if (!st.ready) {
		reload_request(r->reload, "test", 0);
		do {
			usleep(1000);
			reload_get_status(r->reload, &st);
		} while (!st.ready);
	}
}

/* What a replay of all captures, TIMES times, writes. */
static char *
replay(unsigned n_workers, unsigned every, size_t *len, uint64_t *reloads)
{
	const char *paths[MAX_PATHS * TIMES];
	char eve[600];
	struct sink_settings ss = { .eve_path = eve,
				    .eve_types = 1 << EVENT_TYPE_ALERT |
						 1 << EVENT_TYPE_HTTP |
						 1 << EVENT_TYPE_FLOW,
				    .threshold_entries = 1024 };
	struct reload_settings rs = { .conf = scene.conf,
				      .rules = scene.patterns,
				      .n_rules = 1,
				      .n_workers = n_workers };
	struct worker *workers[4];
	struct run run = { .every = every };
	struct replay_settings set = { .workers = workers,
				       .n_workers = n_workers,
				       .tick = on_tick,
				       .tick_arg = &run };
	struct ruleset *first = load(NULL, scene.patterns);
	struct replay_result result;
	struct reload_status st;
	size_t n = 0;
	struct diag d;

	snprintf(eve, sizeof(eve), "%s/eve-%u-%u", scene.dir, n_workers, every);
	for (unsigned k = 0; k < TIMES; k++) {
		for (size_t i = 0; i < scene.n_pcaps; i++) {
			paths[n++] = scene.pcaps[i];
		}
	}
	for (unsigned i = 0; i < n_workers; i++) {
		workers[i] = make_worker(first);
	}
	assert_int_equal(capture_open_files(&set.capture, paths, n, NULL, &d),
			 ERR_OK);
	assert_int_equal(sink_open(&set.sink, &ss, &d), ERR_OK);
	assert_int_equal(reload_start(&run.reload, &rs, first, &d), ERR_OK);
	set.reload = run.reload;
	assert_int_equal(replay_run(&set, &result, &d), ERR_OK);
	reload_get_status(run.reload, &st);
	*reloads = st.done;
	assert_int_equal(st.failed, 0);
	assert_int_equal(sink_close(set.sink), ERR_OK);
	for (unsigned i = 0; i < n_workers; i++) {
		worker_free(workers[i]);
	}
	reload_free(run.reload);
	capture_close(set.capture);
	return read_all(eve, len);
}

static void
reloads_while_packets_flow(void **state)
{
	static const unsigned every[] = { 1, 2 };

	(void)state;
	for (unsigned n = 1; n <= 3; n += 2) {
		size_t len, more;
		uint64_t reloads;
		char *plain = replay(n, 0, &len, &reloads), *again;

		assert_int_equal(reloads, 0);
		for (size_t i = 0; i < ARRAY_LEN(every); i++) {
			again = replay(n, every[i], &more, &reloads);
			assert_true(reloads > 0);
			assert_int_equal(more, len);
			assert_memory_equal(plain, again, len);
			free(again);
		}
		free(plain);
	}
}

/* --- what does not load --- */

static void
wait_for(struct reload *r, uint64_t done, uint64_t failed,
	 struct reload_status *st)
{
	for (unsigned i = 0; i < 60000; i++) {
		struct reload_change *c = reload_take(r);

		if (c != NULL) {
			reload_done(r, c);
		}
		reload_get_status(r, st);
		if (st->done == done && st->failed == failed) {
			return;
		}
		usleep(1000);
	}
	fail_msg("%u done, %u failed", (unsigned)st->done,
		 (unsigned)st->failed);
}

static void
what_does_not_load_changes_nothing(void **state)
{
	static const char good[] =
		"alert tcp any any -> any any (msg:\"a\"; content:\"a\"; "
		"sid:1; rev:1;)\n";
	const char *patterns[] = { rule_file("live.rules", good) };
	struct ruleset *first = load(NULL, patterns);
	struct reload_settings set = { .conf = scene.conf,
				       .rules = patterns,
				       .n_rules = 1,
				       .n_workers = 2 };
	struct reload_status st;
	struct reload *r;
	char digest[72], both[400];
	struct diag d;

	(void)state;
	assert_int_equal(reload_start(&r, &set, first, &d), ERR_OK);
	reload_get_status(r, &st);
	snprintf(digest, sizeof(digest), "%s", st.digest);

	log_init("test_reload", (enum log_level) - 1, false);
	/* nothing left */
	rule_file("live.rules", "alert nonsense\n");
	reload_request(r, "test", 7);
	wait_for(r, 0, 1, &st);
	assert_true(st.error[0] != '\0');
	assert_string_equal(st.digest, digest);
	assert_int_equal(st.loaded, 1);
	assert_int_equal(st.version, 0);
	/* no file */
	assert_int_equal(unlink(patterns[0]), 0);
	reload_request(r, "test", 0);
	wait_for(r, 0, 2, &st);
	assert_ptr_equal(reload_rules(r), first);
	/* too few of them */
	snprintf(both, sizeof(both), "%salert nonsense\n", good);
	rule_file("live.rules", both);
	assert_int_equal(
		conf_set_arg(scene.conf, "rules.min-load-percent=60", &d),
		ERR_OK);
	reload_request(r, "test", 0);
	wait_for(r, 0, 3, &st);
	assert_non_null(strstr(st.error, "min-load-percent"));
	assert_int_equal(
		conf_set_arg(scene.conf, "rules.min-load-percent=50", &d),
		ERR_OK);
	/* and enough */
	reload_request(r, "test", 8);
	wait_for(r, 1, 3, &st);
	assert_string_equal(st.error, "");
	assert_int_equal(st.refused, 1);
	assert_int_equal(st.version, 8);
	reload_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_rules_before_every_frame),
		cmocka_unit_test(flowbits_keep_their_names),
		cmocka_unit_test(what_alerted_does_not_alert_again),
		cmocka_unit_test(reloads_while_packets_flow),
		cmocka_unit_test(what_does_not_load_changes_nothing),
	};

	return cmocka_run_group_tests(tests, scene_set_up, scene_tear_down);
}
