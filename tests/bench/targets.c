/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "tests/bench/bench.h"

struct target {
	const char *name, *what;
	const char *over, *under; /* figure, or one divided by the other */
	enum { AT_MOST, AT_LEAST } sense;
	double bound;
	const char *unit;
	double scale; /* the figure is divided by it */
};

/* clang-format off */
static const struct target targets[] = {
	{ "rules_floor", "mix with rules, times the floor with one scan",
	  "mix.rules.cycles", "mix.floor.scan.cycles", AT_MOST, 2.0, "x", 1 },
	{ "none_floor", "mix without rules, times the floor to TCP's order",
	  "mix.none.cycles", "mix.floor.tcp.cycles", AT_MOST, 1.6, "x", 1 },
	{ "mix_rules", "mix with rules",
	  "mix.rules.gbits", NULL, AT_LEAST, 7, "Gbit/s", 1 },
	{ "mix_none", "mix without rules",
	  "mix.none.gbits", NULL, AT_LEAST, 20, "Gbit/s", 1 },
	{ "tls_rules", "mostly TLS, with rules",
	  "tls.rules.gbits", NULL, AT_LEAST, 15, "Gbit/s", 1 },
	{ "profile", "counting per rule against not counting, mix",
	  "mix.profile.cycles", "mix.rules.cycles", AT_MOST, 1.02, "x", 1 },
	{ "prefilter_groups", "prefilter against Hyperscan, worst group, AVX-512",
	  "prefilter.groups.avx512", NULL, AT_LEAST, 2, "x", 1 },
	{ "prefilter_all", "prefilter against Hyperscan, all literals, AVX-512",
	  "prefilter.all.avx512", NULL, AT_LEAST, 2, "x", 1 },
	{ "prefilter_avx2", "prefilter against Hyperscan, all literals, AVX2",
	  "prefilter.all.avx2", NULL, AT_LEAST, 1, "x", 1 },
	{ "sets_25k", "25,000 rules against 1,000",
	  "sets.25000.cycles", "sets.1000.cycles", AT_MOST, 1.4, "x", 1 },
	{ "sets_100k", "100,000 rules against 25,000",
	  "sets.100000.cycles", "sets.25000.cycles", AT_MOST, 1.4, "x", 1 },
	{ "indicators", "10 million indicators against none, with rules",
	  "indicators.rules.10000000.cycles", "indicators.rules.0.cycles",
	  AT_MOST, 1.1, "x", 1 },
	{ "flows", "4 million flows against 1,000",
	  "flows.4000000.cycles", "flows.1000.cycles", AT_MOST, 1.4, "x", 1 },
	{ "hostile", "hostile bytes against ordinary ones",
	  "hostile.worst.cycles", "hostile.ordinary.cycles",
	  AT_MOST, 3, "x", 1 },
	{ "load", "loading the rules",
	  "load.s", NULL, AT_MOST, 2, "s", 1 },
	{ "idle_flow", "an idle TCP flow",
	  "flows.idle.bytes", NULL, AT_MOST, 400, "bytes", 1 },
	{ "flows_memory", "4 million flows, memory in all",
	  "flows.4000000.peak", NULL, AT_MOST, 3, "GiB", 1 << 30 },
};
/* clang-format on */

static double
value_of(const struct target *t)
{
	double v = figure_get("%s", t->over) / t->scale;

	return t->under != NULL ? v / figure_get("%s", t->under) : v;
}

static bool
is_met(const struct target *t, double v)
{
	return t->sense == AT_MOST ? v <= t->bound : v >= t->bound;
}

unsigned
targets_print(void)
{
	unsigned missed = 0;

	printf("\n== targets\n%-52s %14s %12s\n", "", "target", "figure");
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		const struct target *t = &targets[i];
		double v = value_of(t);
		char bound[32];

		snprintf(bound, sizeof(bound), "%s %g %s",
			 t->sense == AT_MOST ? "<=" : ">=", t->bound, t->unit);
		if (isnan(v)) {
			printf("%-52s %14s %12s  not measured\n", t->what,
			       bound, "-");
			continue;
		}
		printf("%-52s %14s %12.3g  %s\n", t->what, bound, v,
		       is_met(t, v) ? "met" : "NOT MET");
		missed += !is_met(t, v);
	}
	return missed;
}

void
targets_json(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		const struct target *t = &targets[i];
		double v = value_of(t);

		fprintf(out,
			"%s{\"name\":\"%s\",\"what\":\"%s\",\"sense\":\"%s\","
			"\"bound\":%g,\"unit\":\"%s\",",
			i > 0 ? "," : "", t->name, t->what,
			t->sense == AT_MOST ? "<=" : ">=", t->bound, t->unit);
		if (isnan(v)) {
			fputs("\"figure\":null,\"met\":null}", out);
		} else {
			fprintf(out, "\"figure\":%.4g,\"met\":%s}", v,
				is_met(t, v) ? "true" : "false");
		}
	}
}
