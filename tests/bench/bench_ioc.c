/* SPDX-License-Identifier: Apache-2.0 */
/* bench_ioc FILE...: what indicator files cost to load, keep and look up. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "rules/ioc_load.h"

#define LOOKUPS 2000000

static size_t
heap_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static uint32_t
next(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 4;
}

static void
report(const char *what, uint64_t began_us, uint32_t found)
{
	double s = (double)(clock_mono_us() - began_us) / 1e6;

	printf("%-24s %8.2f M/s  %u of %u found\n", what, LOOKUPS / s / 1e6,
	       found, LOOKUPS);
}

static void
bench_domains(const struct ioc_set *s, const char *prefix, const char *what)
{
	uint32_t found = 0, x = 1, n = ioc_set_count(s);
	uint64_t began = clock_mono_us();
	char name[512];

	for (unsigned i = 0; i < LOOKUPS; i++) {
		const struct ioc *ioc = ioc_set_at(s, next(&x) % n);
		int len = snprintf(name, sizeof(name), "%s%s", prefix,
				   ioc->value);

		found +=
			ioc_find_domain(s, view_of(name, MIN((size_t)len, 253)),
					0) != NULL;
	}
	report(what, began, found);
}

static void
bench_misses(const struct ioc_set *s)
{
	uint32_t found = 0, x = 1;
	uint64_t began = clock_mono_us();
	char name[64] = "www.aaaaaaaa.service.example.net";

	for (unsigned i = 0; i < LOOKUPS; i++) {
		uint32_t r = next(&x);

		for (unsigned k = 0; k < 7; k++, r >>= 4) {
			name[4 + k] = (char)('a' + r % 16);
		}
		found += ioc_find_domain(s, view_cstr(name), 0) != NULL;
	}
	report("domains, absent", began, found);
}

static void
bench_addrs(const struct ioc_set *s)
{
	uint32_t found = 0, x = 1;
	uint64_t began = clock_mono_us();

	for (unsigned i = 0; i < LOOKUPS; i++) {
		uint8_t b[4];
		struct addr a;

		store_be32(b, next(&x) << 4 | 5);
		a = addr_from_v4(b);
		found += ioc_find_addr(s, &a, 0) != NULL;
	}
	report("addresses, random", began, found);
}

int
main(int argc, char **argv)
{
	size_t before = heap_bytes();
	struct ioc_set *s = ioc_set_new();
	struct ioc_load_report rep = { 0 };
	uint64_t began = clock_mono_us();
	struct diag d;

	if (argc < 2 || s == NULL) {
		fprintf(stderr, "usage: bench_ioc FILE...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		if (ioc_load_file(s, argv[i], &rep, &d) != ERR_OK) {
			fprintf(stderr, "%s\n", d.msg);
			return 1;
		}
	}
	if (ioc_set_seal(s) != ERR_OK) {
		return 1;
	}
	printf("%llu entries: %llu loaded, %llu repeated, %llu refused, %.2f "
	       "s\n",
	       (unsigned long long)rep.total, (unsigned long long)rep.loaded,
	       (unsigned long long)rep.repeated,
	       (unsigned long long)rep.refused,
	       (double)(clock_mono_us() - began) / 1e6);
	if (rep.n_refusals > 0) {
		printf("first refusal: %s:%u: %s\n", rep.refusals[0].file,
		       rep.refusals[0].line, rep.refusals[0].reason);
	}
	ioc_load_report_fini(&rep);
	printf("%zu bytes in the set, %zu of heap\n", ioc_set_memory(s),
	       heap_bytes() - before);
	if (ioc_set_count(s) > 0) {
		bench_domains(s, "", "values as domains");
		bench_domains(s, "www.x.", "their subdomains");
	}
	bench_misses(s);
	bench_addrs(s);
	ioc_set_free(s);
	return 0;
}
