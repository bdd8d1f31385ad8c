/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - CPU time, the clock rate, memory, and figures by name
 *
 * A figure is a number with a name ("mix.rules.cycles").  Sections of the
 * benchmark run in processes of their own, so that none inherits another's
 * heap; their figures come back through a pipe.
 *
 * Place    below the sections of bench.
 * Threads  one.
 * Memory   a table of FIGURES_MAX figures.
 * Cost     a system call for each reading of the CPU time.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdio.h>

#include "common/base.h"

#define FIGURES_MAX 1024
#define FIGURE_NAME_CAP 64

/* CPU seconds of this process, user and system. */
double measure_cpu_s(void);
double measure_wall_s(void);
/* Clock rate while this process runs: additions that wait for each other. */
double measure_hz(void);
/* Resident bytes now, and the most there ever were. */
size_t measure_resident(void);
size_t measure_resident_peak(void);

/* Ends the program with one line; 'why' may be NULL. */
__attribute__((noreturn)) void bench_die(const char *what, const char *why);

void figure_put(double value, const char *name, ...) PRINTF_LIKE(2, 3);
/* NAN when there is none of the name. */
double figure_get(const char *name, ...) PRINTF_LIKE(1, 2);
/* All of them as members of a JSON object, in the order they came. */
void figures_json(FILE *out);

/*
 * Runs 'fn' in a process of its own, under a title (or NULL), and takes over
 * its figures.  It may run others.  False when it failed; it has said why.
 */
bool section_run(const char *title, void (*fn)(void *arg), void *arg);

#endif
