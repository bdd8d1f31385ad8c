/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of what was seen, at size: how fast it takes entries in, what it
 * needs of memory and disk, and how long questions take.
 *
 *   bench_retro DIR ENTRIES [QUESTIONS]
 *
 * One in four is an address, three are digests.  Questions are drawn from what
 * came in, and one in two was never seen; the page cache is as it is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "common/clock.h"
#include "sensor/retro_index.h"

static uint64_t
mix(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

static struct retro_entry
entry(const struct retro_index *x, uint64_t n, uint32_t at)
{
	struct retro_entry e = { .first_s = at, .last_s = at, .count = 1 };
	uint64_t v = mix(n);

	if (n % 4 == 0) {
		e.kind = INDICATOR_IP;
		memset(e.key, 0x20, 8);
		memcpy(e.key + 8, &v, 8);
	} else {
		e.kind = INDICATOR_DOMAIN;
		retro_key(retro_index_secret(x), view_of(&v, sizeof(v)), e.key);
	}
	return e;
}

static double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
fill(struct retro_index *x, uint64_t n)
{
	uint64_t began = clock_mono_us();
	double cpu = cpu_s();
	struct retro_index_counters c;

	for (uint64_t i = 0; i < n; i++) {
		struct retro_entry e =
			entry(x, i, 1700000000 + (uint32_t)(i >> 17));

		retro_index_add(x, &e);
		if (i % 4096 == 0) {
			(void)retro_index_work(x, clock_mono_us());
		}
	}
	while (retro_index_flush(x) != ERR_OK ||
	       retro_index_work(x, clock_mono_us())) {
		continue;
	}
	cpu = cpu_s() - cpu;
	retro_index_counters(x, &c);
	printf("entries %" PRIu64 "\nseconds %.1f\ncpu_seconds %.1f\n"
	       "entries_per_second %.0f\nentries_per_cpu_second %.0f\n"
	       "lost %" PRIu64 "\ndropped %" PRIu64 "\nsegments %" PRIu64 "\n"
	       "on_disk %" PRIu64 "\nbytes %" PRIu64 "\n",
	       n, (double)(clock_mono_us() - began) / 1e6, cpu,
	       (double)n * 1e6 / (double)(clock_mono_us() - began),
	       (double)n / cpu, c.lost, c.dropped, c.segments, c.entries,
	       c.bytes);
}

static int
by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
ask(struct retro_index *x, uint64_t n, unsigned questions)
{
	uint64_t *took = calloc(questions, sizeof(*took));
	unsigned right = 0;

	if (took == NULL) {
		return false;
	}
	for (unsigned q = 0; q < questions; q++) {
		uint64_t i = mix(q + UINT64_C(77777777)) % n;
		struct retro_past p = { 0 };
		struct retro_entry e;
		uint64_t began;

		e = entry(x, q % 2 == 0 ? i : i + n, 1);
		began = clock_mono_us();
		retro_index_find(x, e.kind, e.key, &p);
		took[q] = clock_mono_us() - began;
		right += p.found == (q % 2 == 0);
	}
	qsort(took, questions, sizeof(*took), by_time);
	printf("questions %u\nright %u\np50_us %" PRIu64 "\np95_us %" PRIu64
	       "\nmax_us %" PRIu64 "\n",
	       questions, right, took[questions / 2],
	       took[questions * 95 / 100], took[questions - 1]);
	free(took);
	return right == questions;
}

int
main(int argc, char **argv)
{
	struct retro_index_conf c = { .dir = argc > 2 ? argv[1] : "",
				      .max_size = UINT64_C(10) << 30 };
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	unsigned questions =
		argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 10000;
	struct retro_index *x;
	struct rusage used;
	struct diag d;
	bool ok;

	if (n == 0 || questions == 0) {
		fprintf(stderr, "usage: bench_retro DIR ENTRIES [QUESTIONS]\n");
		return 2;
	}
	if (retro_index_open(&x, &c, &d) != ERR_OK) {
		fprintf(stderr, "%s\n", d.msg);
		return 2;
	}
	fill(x, n);
	ok = ask(x, n, questions);
	getrusage(RUSAGE_SELF, &used);
	printf("memory_kib %ld\n", used.ru_maxrss);
	retro_index_close(x);
	return ok ? 0 : 1;
}
