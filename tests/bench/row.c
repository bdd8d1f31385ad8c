/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/row.h"

#include <stdio.h>

#include "tests/bench/measure.h"

static void
run_floor(struct row *r, const char *path)
{
	const struct floor_counts *n = floor_counts(r->floor);
	double s;

	floor_reset(r->floor);
	s = measure_cpu_s();
	floor_file(r->floor, r->level, path);
	s = measure_cpu_s() - s;
	r->best_s = r->packets == 0 ? s : MIN(r->best_s, s);
	r->packets = n->packets;
	r->bytes = n->bytes;
	r->found = n->found;
}

static void
run_product(struct row *r, const char *path)
{
	struct product *p = product_new(r->stage, r->conf, r->rules,
					PRODUCT_READY, r->profile);
	const struct product_counts *n = product_counts(p);
	double s = measure_cpu_s();

	product_file(p, path);
	s = measure_cpu_s() - s;
	r->best_s = r->packets == 0 ? s : MIN(r->best_s, s);
	r->packets = n->packets;
	r->bytes = n->bytes;
	r->alerts = n->alerts;
	product_free(p);
}

void
rows_run(struct row *v, unsigned n, unsigned rounds, const char *path)
{
	for (unsigned i = 0; i < n; i++) {
		v[i].packets = 0;
	}
	for (unsigned r = 0; r < rounds; r++) {
		for (unsigned i = 0; i < n; i++) {
			if (v[i].floor != NULL) {
				run_floor(&v[i], path);
			} else {
				run_product(&v[i], path);
			}
		}
	}
}

void
rows_print(const struct row *v, unsigned n, double hz, const char *prefix)
{
	printf("%-36s %8s %10s %9s %8s %8s\n", "", "CPU s", "cycles/pkt",
	       "Mpkt/s", "Gbit/s", "alerts");
	for (unsigned i = 0; i < n; i++) {
		const struct row *r = &v[i];
		double packets = (double)r->packets;
		double gbits = (double)r->bytes * 8 / r->best_s / 1e9;

		printf("%-36s %8.3f %10.0f %9.2f %8.2f", r->label, r->best_s,
		       r->best_s * hz / packets, packets / r->best_s / 1e6,
		       gbits);
		if (r->floor == NULL) {
			printf(" %8llu", (unsigned long long)r->alerts);
		}
		putchar('\n');
		figure_put(r->best_s, "%s.%s.s", prefix, r->figure);
		figure_put(r->best_s * hz / packets, "%s.%s.cycles", prefix,
			   r->figure);
		figure_put(gbits, "%s.%s.gbits", prefix, r->figure);
		if (r->floor == NULL && r->stage == PRODUCT_WHOLE) {
			figure_put((double)r->alerts, "%s.%s.alerts", prefix,
				   r->figure);
		}
	}
	fflush(stdout);
}
