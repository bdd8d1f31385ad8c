/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/measure.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct figure {
	char name[FIGURE_NAME_CAP];
	double value;
};

static struct figure figures[FIGURES_MAX];
static unsigned n_figures;
static FILE *to_parent; /* in a section's process */

static double
seconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double
measure_cpu_s(void)
{
	return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double
measure_wall_s(void)
{
	return seconds(CLOCK_MONOTONIC);
}

/*
 * Many short looks at the clock on the wall, of which the best counts: one
 * that was interrupted says too little, and none can say too much.  (The CPU
 * time of so short a look can: on a virtual machine the kernel takes off what
 * it believes was stolen.)
 */
double
measure_hz(void)
{
	double best = 0;

	for (unsigned r = 0; r < 300; r++) {
		uint64_t x = r, y = r + 1, n = 100000;
		double t = measure_wall_s();

		for (uint64_t i = 0; i < n; i++) {
			/* eight that wait for each other, whatever the
			 * compiler thinks of them; of two registers, because
			 * constants are added while registers are renamed */
#pragma GCC unroll 8
			for (unsigned k = 0; k < 8; k++) {
				x += y;
				__asm__ volatile("" : "+r"(x), "+r"(y));
			}
		}
		t = measure_wall_s() - t;
		best = MAX(best, (double)n * 8 / t);
	}
	return best;
}

size_t
measure_resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size = 0, resident = 0;

	if (f != NULL) {
		if (fscanf(f, "%lu %lu", &size, &resident) != 2) {
			resident = 0;
		}
		fclose(f);
	}
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

size_t
measure_resident_peak(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (size_t)u.ru_maxrss * 1024;
}

void
bench_die(const char *what, const char *why)
{
	fflush(stdout);
	fprintf(stderr, "bench: %s%s%s\n", what, why != NULL ? ": " : "",
		why != NULL ? why : "");
	exit(1);
}

static void
keep(const char *name, double value)
{
	for (unsigned i = 0; i < n_figures; i++) {
		if (strcmp(figures[i].name, name) == 0) {
			figures[i].value = value;
			return;
		}
	}
	if (n_figures == FIGURES_MAX) {
		bench_die(name, "too many figures");
	}
	snprintf(figures[n_figures].name, FIGURE_NAME_CAP, "%s", name);
	figures[n_figures++].value = value;
}

void
figure_put(double value, const char *name, ...)
{
	char text[FIGURE_NAME_CAP];
	va_list ap;

	va_start(ap, name);
	vsnprintf(text, sizeof(text), name, ap);
	va_end(ap);
	keep(text, value);
	if (to_parent != NULL) {
		fprintf(to_parent, "%s %.17g\n", text, value);
	}
}

double
figure_get(const char *name, ...)
{
	char text[FIGURE_NAME_CAP];
	va_list ap;

	va_start(ap, name);
	vsnprintf(text, sizeof(text), name, ap);
	va_end(ap);
	for (unsigned i = 0; i < n_figures; i++) {
		if (strcmp(figures[i].name, text) == 0) {
			return figures[i].value;
		}
	}
	return NAN;
}

void
figures_json(FILE *out)
{
	bool any = false;

	for (unsigned i = 0; i < n_figures; i++) {
		if (isfinite(figures[i].value)) {
			fprintf(out, "%s\"%s\":%.6g", any ? "," : "",
				figures[i].name, figures[i].value);
			any = true;
		}
	}
}

bool
section_run(const char *title, void (*fn)(void *arg), void *arg)
{
	char name[FIGURE_NAME_CAP];
	int ends[2], status = 1;
	double value;
	pid_t pid;
	FILE *in;

	if (title != NULL) {
		printf("\n== %s\n", title);
	}
	fflush(stdout);
	if (to_parent != NULL) {
		fflush(to_parent); /* sections may have sections */
	}
	if (pipe(ends) != 0 || (pid = fork()) < 0) {
		bench_die("a part", "no process to be had");
	}
	if (pid == 0) {
		close(ends[0]);
		to_parent = fdopen(ends[1], "w");
		fn(arg);
		fclose(to_parent);
		exit(0);
	}
	close(ends[1]);
	in = fdopen(ends[0], "r");
	while (fscanf(in, "%63s %lf", name, &value) == 2) {
		figure_put(value, "%s", name);
	}
	fclose(in);
	waitpid(pid, &status, 0);
	if (status != 0) {
		printf("this part failed (%s %d)\n",
		       WIFSIGNALED(status) ? "signal" : "status",
		       WIFSIGNALED(status) ? WTERMSIG(status)
					   : WEXITSTATUS(status));
	}
	return status == 0;
}
