/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file's replay by one and more workers, by the clock on the wall: from the
 * first frame read to the last flow ended.  Rules are loaded and workers made
 * before the clock starts.  The same number of workers comes again only after
 * all others; of each the best round counts.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensor/replay.h"
#include "tests/bench/bench.h"
#include "tests/bench/product.h"

#define WORKERS_MAX 4
#define STEPS 3 /* 1, 2, 4 */
#define PASSES_MAX 16

struct work {
	const char *name; /* of the figures */
	const char *title;
	const char *capture[PASSES_MAX]; /* the same one, again and again */
	unsigned n_passes;
	double megabytes;
	struct conf *conf;
	struct ruleset *rules;
};

struct spent {
	double wall_s, cpu_s;
};

static struct spent
replay(const struct work *k, unsigned n)
{
	struct worker *w[WORKERS_MAX];
	struct sink_settings sink = { .threshold_entries = 1 << 16 };
	struct replay_settings s = { .workers = w, .n_workers = n };
	struct replay_result result;
	struct spent t;
	struct diag d;

	for (unsigned i = 0; i < n; i++) {
		w[i] = product_worker(k->conf, k->rules, PRODUCT_READY, false);
		if (w[i] == NULL) {
			bench_die("workers", "out of memory");
		}
	}
	if (capture_open_files(&s.capture, k->capture, k->n_passes, NULL, &d) !=
		    ERR_OK ||
	    sink_open(&s.sink, &sink, &d) != ERR_OK) {
		bench_die("workers", d.msg);
	}
	t = (struct spent){ measure_wall_s(), measure_cpu_s() };
	if (replay_run(&s, &result, &d) != ERR_OK) {
		bench_die("workers", d.msg);
	}
	t.wall_s = measure_wall_s() - t.wall_s;
	t.cpu_s = measure_cpu_s() - t.cpu_s;
	if (sink_close(s.sink) != ERR_OK) {
		bench_die("workers", "the sink lost lines");
	}
	capture_close(s.capture);
	for (unsigned i = 0; i < n; i++) {
		worker_free(w[i]);
	}
	return t;
}

static void
print_step(const struct work *k, unsigned n, const struct spent *t,
	   const struct spent *one)
{
	double speedup = one->wall_s / t->wall_s;

	printf("%-8u %10.3f %10.2f %10.2f %10.3f %12.3f\n", n, t->wall_s,
	       k->megabytes * 8 / 1000 / t->wall_s, speedup, t->cpu_s,
	       t->cpu_s / n);
	figure_put(t->wall_s, "workers.%s.%u.s", k->name, n);
	figure_put(speedup, "workers.%s.%u.speedup", k->name, n);
	figure_put(t->cpu_s, "workers.%s.%u.cpu", k->name, n);
}

static void
compare(const struct bench *b, const struct work *k)
{
	struct spent best[STEPS];

	for (unsigned i = 0; i < STEPS; i++) {
		best[i] = (struct spent){ 1e9, 1e9 };
	}
	for (unsigned r = 0; r < b->rounds; r++) {
		for (unsigned i = 0; i < STEPS; i++) {
			struct spent t = replay(k, 1u << i);

			best[i].wall_s = MIN(best[i].wall_s, t.wall_s);
			best[i].cpu_s = MIN(best[i].cpu_s, t.cpu_s);
		}
	}
	printf("%s, %.0f MB\n", k->title, k->megabytes);
	printf("%-8s %10s %10s %10s %10s %12s\n", "workers", "wall s", "Gbit/s",
	       "speed-up", "CPU s", "CPU s each");
	for (unsigned i = 0; i < STEPS; i++) {
		print_step(k, 1u << i, &best[i], &best[0]);
	}
}

void
section_workers(void *arg)
{
	const struct bench *b = arg;
	struct work k[2] = {
		{ .name = "rules", .title = "with rules", .n_passes = 4 },
		{ .name = "plain",
		  .title = "without rules",
		  .n_passes = PASSES_MAX },
	};
	struct stat st;

	if (b->mix == NULL || stat(b->mix, &st) != 0) {
		return;
	}
	printf("cores: %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
	for (unsigned i = 0; i < ARRAY_LEN(k); i++) {
		for (unsigned p = 0; p < k[i].n_passes; p++) {
			k[i].capture[p] = b->mix;
		}
		k[i].megabytes = (double)st.st_size / 1e6 * k[i].n_passes;
		k[i].conf = product_conf(0);
		k[i].rules = product_rules(k[i].conf, i == 0 ? b->rules : NULL,
					   NULL, 0);
		compare(b, &k[i]);
		ruleset_free(k[i].rules);
		conf_free(k[i].conf);
	}
}
