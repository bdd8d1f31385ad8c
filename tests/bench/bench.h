/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - what the sections of "make bench" share
 *
 * Place    above row.h and the other parts; below bench.c.
 * Threads  one.
 * Memory   strings are the command line's.
 * Cost     plain data.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "tests/bench/measure.h"

#define BENCH_LIST_MAX 8 /* sizes of a sweep */
#define BENCH_FILES_MAX 64 /* of indicators */

/* A file, or several of one size, of a sweep. */
struct bench_size {
	uint64_t n;
	const char *path[BENCH_FILES_MAX];
	unsigned n_paths;
};

struct bench {
	const char *mix, *http, *tls, *small; /* captures; NULL: left out */
	const char *rules; /* a glob */
	struct bench_size sets[BENCH_LIST_MAX]; /* rule files */
	unsigned n_sets;
	struct bench_size indicators[BENCH_LIST_MAX];
	unsigned n_indicators;
	uint32_t flows[BENCH_LIST_MAX];
	unsigned n_flows;
	unsigned rounds;
	double hz;
};

/* Each prints its tables and keeps its figures; 'arg' is a struct bench. */
void section_stages(void *arg);
void section_events(void *arg);
void section_load(void *arg);
void section_sets(void *arg);
void section_indicators(void *arg);
void section_flows(void *arg);
void section_hostile(void *arg);
void section_workers(void *arg);

/* The table of targets, from the figures; returns how many are not met. */
unsigned targets_print(void);
/* The same as members of a JSON array. */
void targets_json(FILE *out);

#endif
