/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program itself with one and more workers, by the clock on the wall:
 * a run over the capture less one over nothing, which loads the rules too.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define WORKERS_MAX 4

/* Seconds of one run. */
static double
run(const struct bench *b, const char *capture, unsigned workers)
{
	char n[16];
	double s = measure_wall_s();
	int status = 1;
	pid_t pid;

	snprintf(n, sizeof(n), "%u", workers);
	pid = fork();
	if (pid == 0) {
		/* it says which rules did not load: known by now */
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		execl(b->program, b->program, "-q", "-k", "none", "--rules",
		      b->rules, "--workers", n, "--eve", "/dev/null",
		      "--eve-types", "alert", "--set",
		      "vars.address-groups.HOME_NET=any", "--set",
		      "vars.address-groups.EXTERNAL_NET=any", "--read", capture,
		      (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) > 1) {
		bench_die(b->program, "did not run");
	}
	return measure_wall_s() - s;
}

void
section_workers(void *arg)
{
	const struct bench *b = arg;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	double megabytes, first = 0;
	struct stat st;
	const char *nothing = "/dev/null";
	char empty[] = "tests/bench/data/empty-XXXXXX";
	static const uint8_t head[24] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0,
					  0,    0,    0,    0,    0, 0, 0, 0,
					  0,    0,    4,    0,    1, 0, 0, 0 };
	int fd = mkstemp(empty);

	if (b->program == NULL || stat(b->mix, &st) != 0) {
		return;
	}
	megabytes = (double)st.st_size / 1e6;
	if (fd >= 0 && write(fd, head, sizeof(head)) == sizeof(head)) {
		nothing = empty;
	}
	printf("%-16s %10s %10s %10s\n", "workers", "wall s", "Gbit/s",
	       "speed-up");
	for (unsigned w = 1; w <= WORKERS_MAX && w <= cores; w *= 2) {
		double best, full = 1e9, empty_s = 1e9;

		for (unsigned r = 0; r < b->rounds; r++) {
			double s = run(b, nothing, w);

			empty_s = MIN(empty_s, s);
			s = run(b, b->mix, w);
			full = MIN(full, s);
		}
		/* not the least difference: that is of the worst empty run */
		best = full - empty_s;
		first = w == 1 ? best : first;
		printf("%-16u %10.3f %10.2f %10.2f\n", w, best,
		       megabytes * 8 / 1000 / best, first / best);
		figure_put(best, "workers.%u.s", w);
		figure_put(first / best, "workers.%u.speedup", w);
	}
	if (fd >= 0) {
		close(fd);
		unlink(empty);
	}
}
