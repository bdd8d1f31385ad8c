/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_prefilter N: what N made-up literals cost to compile, keep and scan
 * for.  They and the data have the skewed bytes of text, not of noise.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "rules/prefilter.h"

#define MAX_LITERALS 100000
#define DATA_LEN ((size_t)64 << 20)
#define UNIT 1400

static uint8_t
letter(uint64_t *x)
{
	static const char skewed[] = "eeeettaaooiinnsshhrrdlcumwfgypbvkjxqz"
				     "0123456789/.-_=&?: ETAOIN%";

	*x = *x * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint8_t)skewed[(*x >> 33) % (sizeof(skewed) - 1)];
}

static void
scan_all(const struct prefilter *p, struct prefilter_scratch *s,
	 const uint8_t *data, uint32_t *ids)
{
	static uint64_t bits[MAX_LITERALS / 64 + 1];
	uint64_t found = 0, began = clock_mono_us(), us;

	for (size_t at = 0; at + UNIT <= DATA_LEN; at += UNIT) {
		size_t n = prefilter_scan(p, s, view_of(data + at, UNIT), bits,
					  ids);

		found += n;
		for (size_t i = 0; i < n; i++) {
			bits[ids[i] / 64] = 0;
		}
	}
	us = clock_mono_us() - began;
	printf("%.0f MB/s, %.2f literals found in a unit of %d bytes\n",
	       (double)DATA_LEN / (double)us,
	       (double)found / (double)(DATA_LEN / UNIT), UNIT);
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
	static struct prefilter_literal lits[MAX_LITERALS];
	static uint32_t ids[MAX_LITERALS];
	uint8_t *text = malloc(n * 16 + 1), *data = malloc(DATA_LEN);
	struct prefilter_scratch *s = prefilter_scratch_new();
	struct prefilter *p;
	struct diag d;
	uint64_t x = 7, began;

	if (n > MAX_LITERALS || text == NULL || data == NULL || s == NULL) {
		return 2;
	}
	for (size_t i = 0; i < n; i++) {
		size_t len = 4 + i % 13;

		for (size_t k = 0; k < len; k++) {
			text[i * 16 + k] = letter(&x);
		}
		lits[i] =
			(struct prefilter_literal){ view_of(text + i * 16, len),
						    i % 2 == 0, (uint32_t)i };
	}
	for (size_t i = 0; i < DATA_LEN; i++) {
		data[i] = letter(&x);
	}
	began = clock_mono_us();
	p = prefilter_build(lits, n, &d);
	if (p == NULL || prefilter_scratch_grow(s, p) != ERR_OK) {
		fprintf(stderr, "%s\n", d.msg);
		return 1;
	}
	printf("%zu literals compiled in %.2f s, %zu bytes\n", n,
	       (double)(clock_mono_us() - began) / 1e6, prefilter_memory(p));
	scan_all(p, s, data, ids);
	prefilter_free(p);
	prefilter_scratch_free(s);
	free(text);
	free(data);
	return 0;
}
