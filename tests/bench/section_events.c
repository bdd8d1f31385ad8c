/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to say what was seen: a replay of the mix by one worker, with
 * lines in a file.  The packet path's time is its thread's; the rest of the
 * process's is the writer's.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "rules/shared_state.h"
#include "sensor/replay.h"
#include "tests/bench/bench.h"
#include "tests/bench/product.h"

#define EVE_FILE "tests/bench/data/events.json"
#define ALERTS (1u << EVENT_TYPE_ALERT)
#define ALL ((1u << EVENT_TYPE_COUNT) - 1)

struct run {
	const char *figure, *label;
	const struct ruleset *rules;
	uint32_t types;
	/* of the best round */
	double path_s, writer_s, wall_s;
	uint64_t packets, lines, bytes;
};

static double
thread_cpu_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct worker *
worker_of(const struct conf *conf, const struct run *r,
	  struct shared_state *shared)
{
	struct worker_settings s = {
		.conf = conf,
		.rules = r->rules,
		.origin = { "", "", "", "", "" },
		.event_types = r->types,
		.memory_limit = PRODUCT_POOL,
		.memory_ready = PRODUCT_READY,
		.late_events = true, /* as the program has it with one */
		.shared = ruleset_undivided(r->rules) != NULL ? shared : NULL,
	};
	struct worker *w = worker_new(&s);

	if (w == NULL) {
		bench_die("worker", "out of memory");
	}
	return w;
}

/* All lines are in the file when this ends. */
static void
replay(struct run *r, const struct replay_settings *set, bool first)
{
	double path = thread_cpu_s(), all = measure_cpu_s();
	double wall = measure_wall_s();
	const struct sink_counters *n;
	struct replay_result result;
	struct diag d;

	if (replay_run(set, &result, &d) != ERR_OK) {
		bench_die("replay", d.msg);
	}
	path = thread_cpu_s() - path;
	n = sink_counters(set->sink);
	wall = measure_wall_s() - wall;
	all = measure_cpu_s() - all;
	if (first || path < r->path_s) {
		r->path_s = path;
		r->writer_s = MAX(all - path, 0);
		r->wall_s = wall;
	}
	r->packets = worker_counters(set->workers[0])->frames;
	r->bytes = n->bytes;
	r->lines = 0;
	for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
		r->lines += n->events[i];
	}
}

static void
run(struct run *r, const struct conf *conf, const char *path, bool first)
{
	struct sink_settings to = { .eve_path = EVE_FILE,
				    .eve_types = r->types,
				    .threshold_entries = 1 << 16 };
	struct replay_settings set = { .n_workers = 1 };
	struct worker *w;
	struct diag d = { "" };

	unlink(EVE_FILE);
	if (capture_open_files(&set.capture, &path, 1, NULL, &d) != ERR_OK ||
	    shared_state_new(&to.shared, r->rules, conf, &d) != ERR_OK ||
	    sink_open(&set.sink, &to, &d) != ERR_OK) {
		bench_die(path, d.msg);
	}
	w = worker_of(conf, r, to.shared);
	set.workers = &w;
	replay(r, &set, first);
	if (sink_close(set.sink) != ERR_OK) {
		bench_die(EVE_FILE, "cannot be written");
	}
	worker_free(w);
	shared_state_free(to.shared);
	capture_close(set.capture);
	unlink(EVE_FILE);
}

static void
print_run(const struct run *r, double hz)
{
	double packets = (double)r->packets;
	double path = r->path_s * hz / packets;
	double writer = r->writer_s * hz / packets;
	double rate = (double)r->lines / r->wall_s;

	printf("%-28s %10.0f %10.0f %9llu %9.1f %10.0f\n", r->label, path,
	       writer, (unsigned long long)r->lines, (double)r->bytes / 1e6,
	       rate);
	figure_put(path, "events.%s.cycles", r->figure);
	figure_put(writer, "events.%s.writer", r->figure);
	figure_put((double)r->lines, "events.%s.lines", r->figure);
	figure_put(rate, "events.%s.lines_s", r->figure);
}

void
section_events(void *arg)
{
	const struct bench *b = arg;
	struct conf *conf = product_conf(0);
	struct ruleset *none = product_rules(conf, NULL, NULL, 0);
	struct ruleset *rules = product_rules(conf, b->rules, NULL, 0);
	struct run v[] = {
		{ "nothing", "no rules, no events", none, 0, 0, 0, 0, 0, 0, 0 },
		{ "flows", "no rules, every event", none, ALL, 0, 0, 0, 0, 0,
		  0 },
		{ "alerts", "with rules, alerts only", rules, ALERTS, 0, 0, 0,
		  0, 0, 0 },
		{ "all", "with rules, every event", rules, ALL, 0, 0, 0, 0, 0,
		  0 },
	};

	for (unsigned i = 0; i < b->rounds; i++) {
		for (size_t k = 0; k < ARRAY_LEN(v); k++) {
			run(&v[k], conf, b->mix, i == 0);
		}
	}
	printf("%-28s %10s %10s %9s %9s %10s\n", "", "cycles/pkt", "writer's",
	       "lines", "MB", "lines/s");
	for (size_t k = 0; k < ARRAY_LEN(v); k++) {
		print_run(&v[k], b->hz);
	}
	ruleset_free(rules);
	ruleset_free(none);
	conf_free(conf);
}
