/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench - Picket against the floor, and what rules, indicators, flows and
 * hostile bytes cost it; at the end what was aimed at and what is met
 *
 *	bench NAME=VALUE...
 *
 *	mix= http= tls= small=	captures (plain pcap, Ethernet)
 *	rules=			rule files, a glob
 *	set.N=			a rule file of about N rules
 *	indicators.N=		a file of indicators; given again, one more of N
 *	flows=N			how many flows at once; may be given again
 *	prefilter=		figures of bench_prefilter, NAME VALUE a line
 *	rounds=			runs of each row; the best counts (5)
 *	json=			a file to which one line is added
 *	only=			one section
 *
 * All is CPU time of the packet path; loading rules is told apart.
 */
#include <stdlib.h>

#include "tests/bench/bench.h"
#include "tests/bench/product.h"

static const struct section {
	const char *name, *title;
	void (*run)(void *arg);
} sections[] = {
	{ "stages", "the floor and Picket, stage by stage", section_stages },
	{ "events", "saying what was seen", section_events },
	{ "load", "loading the rules", section_load },
	{ "sets", "more rules", section_sets },
	{ "indicators", "more indicators", section_indicators },
	{ "flows", "many flows at once", section_flows },
	{ "hostile", "hostile bytes", section_hostile },
	{ "workers", "more workers", section_workers },
};

static struct bench_size *
size_of(struct bench_size *v, unsigned *n, const char *count)
{
	uint64_t want = strtoull(count, NULL, 10);

	for (unsigned i = 0; i < *n; i++) {
		if (v[i].n == want) {
			return &v[i];
		}
	}
	if (*n == BENCH_LIST_MAX) {
		bench_die(count, "one size too many");
	}
	v[*n].n = want;
	return &v[(*n)++];
}

static void
add_path(struct bench_size *v, unsigned *n, const char *count, const char *path)
{
	struct bench_size *s = size_of(v, n, count);

	if (s->n_paths == BENCH_FILES_MAX) {
		bench_die(path, "one file too many");
	}
	s->path[s->n_paths++] = path;
}

static void
take_prefilter(const char *path)
{
	FILE *f = fopen(path, "r");
	char name[FIGURE_NAME_CAP];
	double value;

	while (f != NULL && fscanf(f, "%63s %lf", name, &value) == 2) {
		figure_put(value, "%s", name);
	}
	if (f != NULL) {
		fclose(f);
	}
}

/* "NAME=" at the start of 'arg': what stands behind it, else NULL. */
static const char *
after(const char *arg, const char *name)
{
	size_t n = strlen(name);

	return strncmp(arg, name, n) == 0 ? arg + n : NULL;
}

static void
take(struct bench *b, const char *arg, const char **json, const char **only)
{
	const char *value = strchr(arg, '='), *v;

	if (value == NULL) {
		bench_die(arg, "not NAME=VALUE");
	}
	value++;
	if ((v = after(arg, "mix=")) != NULL) {
		b->mix = v;
	} else if ((v = after(arg, "http=")) != NULL) {
		b->http = v;
	} else if ((v = after(arg, "tls=")) != NULL) {
		b->tls = v;
	} else if ((v = after(arg, "small=")) != NULL) {
		b->small = v;
	} else if ((v = after(arg, "rules=")) != NULL) {
		b->rules = v;
	} else if ((v = after(arg, "prefilter=")) != NULL) {
		take_prefilter(v);
	} else if ((v = after(arg, "json=")) != NULL) {
		*json = v;
	} else if ((v = after(arg, "only=")) != NULL) {
		*only = v;
	} else if ((v = after(arg, "rounds=")) != NULL) {
		b->rounds = (unsigned)MAX(atoi(v), 1);
	} else if ((v = after(arg, "set.")) != NULL) {
		add_path(b->sets, &b->n_sets, v, value);
	} else if ((v = after(arg, "indicators.")) != NULL) {
		add_path(b->indicators, &b->n_indicators, v, value);
	} else if ((v = after(arg, "flows=")) != NULL &&
		   b->n_flows < BENCH_LIST_MAX) {
		b->flows[b->n_flows++] = (uint32_t)strtoul(v, NULL, 10);
	} else {
		bench_die(arg, "not understood");
	}
}

/* The processor's name as the system gives it; for the record. */
static void
processor(char *out, size_t cap)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(out, cap, "unknown");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
			line[strcspn(line, "\n\"\\")] = '\0';
			snprintf(out, cap, "%s", colon + 2);
			break;
		}
	}
	if (f != NULL) {
		fclose(f);
	}
}

static void
write_json(const char *path, const char *cpu)
{
	FILE *out = fopen(path, "a");

	if (out == NULL) {
		bench_die(path, "cannot be written");
	}
	fprintf(out, "{\"processor\":\"%s\",\"figures\":{", cpu);
	figures_json(out);
	fputs("},\"targets\":[", out);
	targets_json(out);
	fputs("]}\n", out);
	if (fclose(out) != 0) {
		bench_die(path, "cannot be written");
	}
}

int
main(int argc, char **argv)
{
	struct bench b = { .rounds = 5 };
	const char *json = NULL, *only = NULL;
	double began = measure_wall_s();
	char cpu[128];
	bool ok = true;

	for (int i = 1; i < argc; i++) {
		take(&b, argv[i], &json, &only);
	}
	if (b.mix == NULL || b.rules == NULL) {
		bench_die("mix= and rules= are needed", NULL);
	}
	b.hz = measure_hz();
	figure_put(b.hz, "hz");
	processor(cpu, sizeof(cpu));
	printf("%s, measured at %.2f GHz; best of %u rounds\n", cpu, b.hz / 1e9,
	       b.rounds);
	printf("memory there before the clock starts: %zu MB of the pool\n",
	       PRODUCT_READY >> 20);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		if (only == NULL || strcmp(only, sections[i].name) == 0) {
			ok &= section_run(sections[i].title, sections[i].run,
					  &b);
			b.hz = MAX(b.hz, measure_hz());
		}
	}
	figure_put(measure_wall_s() - began, "seconds");
	(void)targets_print();
	if (json != NULL) {
		write_json(json, cpu);
	}
	return ok ? 0 : 1;
}
