/* SPDX-License-Identifier: Apache-2.0 */
/* rnd.h - numbers for tests that draw: the same ones in each run */
#ifndef TESTS_RND_H
#define TESTS_RND_H

#include <stdint.h>

/* Where the row begins: a test may begin elsewhere. */
static uint32_t rnd_state = 11;

/* The next one, below 'n'. */
static inline uint32_t
rnd(uint32_t n)
{
	rnd_state = rnd_state * 1664525u + 1013904223u;
	return (rnd_state >> 8) % n;
}

#endif
