/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_indicators FIRST N : N made-up indicators, a plain list
 *
 * Three of four are domain names, one is an IPv4 address; the i-th is the
 * same in every run.  Names end in what is reserved for such use (RFC 2606);
 * addresses lie in 240/4, which nobody has.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base.h"

static uint64_t
mix(uint64_t x)
{
	x *= UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

/* One-to-one on 28 bits: no address comes twice. */
static uint32_t
address(uint32_t i)
{
	return 0xf0000000 | ((i * UINT32_C(0x9e3779b1)) & 0x0fffffff);
}

static void
put_name(uint64_t i)
{
	static const char letters[] = "aeioubcdfghklmnprstvwxyz01234567";
	uint64_t x = mix(i);
	char name[16];
	unsigned n = 6 + (unsigned)(x >> 60) % 7;

	for (unsigned k = 0; k < n; k++, x >>= 5) {
		name[k] = letters[x & 31];
	}
	name[n] = '\0';
	/* the number keeps them apart */
	printf("%s-%llx.example\n", name, (unsigned long long)i);
}

int
main(int argc, char **argv)
{
	uint64_t first, n;

	if (argc != 3) {
		fputs("usage: make_indicators FIRST N\n", stderr);
		return 2;
	}
	first = strtoull(argv[1], NULL, 10);
	n = strtoull(argv[2], NULL, 10);
	for (uint64_t i = first; i < first + n; i++) {
		if (i % 4 == 3) {
			uint32_t a = address((uint32_t)i);

			printf("%u.%u.%u.%u\n", a >> 24, a >> 16 & 255,
			       a >> 8 & 255, a & 255);
		} else {
			put_name(i);
		}
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
