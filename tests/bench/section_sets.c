/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What more rules and more indicators cost: to load, to keep, and a packet.
 */
#include "tests/bench/bench.h"
#include "tests/bench/product.h"
#include "tests/bench/row.h"

struct load {
	const struct bench *b;
	const char *figure;
	const char *rules; /* NULL: none */
	const struct bench_size *size; /* of indicators; NULL: none */
	bool measure; /* also packets */
};

static void
one_load(void *arg)
{
	const struct load *l = arg;
	struct conf *conf = product_conf(0);
	size_t before = measure_resident();
	double s = measure_cpu_s();
	struct ruleset *rs = product_rules(
		conf, l->rules, l->size != NULL ? l->size->path : NULL,
		l->size != NULL ? l->size->n_paths : 0);
	struct row r = { .figure = l->figure,
			 .stage = PRODUCT_WHOLE,
			 .conf = conf,
			 .rules = rs };

	s = measure_cpu_s() - s;
	before = measure_resident() - before;
	printf("%-16s %10u %10u %10.2f %10.1f", l->figure,
	       ruleset_report(rs)->loaded, ruleset_indicator_count(rs), s,
	       (double)before / 1e6);
	figure_put(s, "%s.load_s", l->figure);
	figure_put((double)before, "%s.memory", l->figure);
	if (l->measure) {
		double packets;

		rows_run(&r, 1, l->b->rounds, l->b->mix);
		packets = (double)r.packets;
		printf(" %10.0f %10.2f %10llu", r.best_s * l->b->hz / packets,
		       (double)r.bytes * 8 / r.best_s / 1e9,
		       (unsigned long long)r.alerts);
		figure_put(r.best_s * l->b->hz / packets, "%s.cycles",
			   l->figure);
		figure_put((double)r.bytes * 8 / r.best_s / 1e9, "%s.gbits",
			   l->figure);
	}
	putchar('\n');
	ruleset_free(rs);
	conf_free(conf);
}

static void
head(void)
{
	printf("%-16s %10s %10s %10s %10s %10s %10s %10s\n", "", "rules",
	       "indicators", "load s", "MB", "cycles/pkt", "Gbit/s", "alerts");
}

void
section_load(void *arg)
{
	const struct bench *b = arg;
	double best = 1e9, s;

	head();
	for (unsigned i = 0; i < MAX(b->rounds, 2); i++) {
		struct load l = { b, "load", b->rules, NULL, false };

		(void)section_run(NULL, one_load, &l);
		s = figure_get("load.load_s");
		best = MIN(best, s);
	}
	figure_put(best, "load.s");
}

void
section_sets(void *arg)
{
	const struct bench *b = arg;

	head();
	for (unsigned i = 0; i < b->n_sets; i++) {
		char name[32];
		struct load l = { b, name, b->sets[i].path[0], NULL, true };

		snprintf(name, sizeof(name), "sets.%llu",
			 (unsigned long long)b->sets[i].n);
		(void)section_run(NULL, one_load, &l);
	}
}

void
section_indicators(void *arg)
{
	const struct bench *b = arg;
	char name[48];
	struct load l = { b, name, NULL, NULL, true };

	head();
	for (unsigned with = 0; with < 2; with++) {
		const char *how = with != 0 ? "rules" : "none";

		l.rules = with != 0 ? b->rules : NULL;
		l.size = NULL;
		snprintf(name, sizeof(name), "indicators.%s.0", how);
		(void)section_run(NULL, one_load, &l);
		for (unsigned i = 0; i < b->n_indicators; i++) {
			l.size = &b->indicators[i];
			snprintf(name, sizeof(name), "indicators.%s.%llu", how,
				 (unsigned long long)l.size->n);
			(void)section_run(NULL, one_load, &l);
		}
	}
}
