/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - what this processor can do beyond what every one of its kind can
 *
 * The one place that asks.  Loops that are written more than once are chosen
 * by these, so that one build runs everywhere and no two modules mean
 * different processors by one name.
 *
 * Place    above base.h.
 * Threads  any.
 * Memory   none.
 * Cost     a load and a test: the question was asked before main().
 */
#ifndef COMMON_CPU_H
#define COMMON_CPU_H

#include "common/base.h"

#if defined(__x86_64__)

static inline bool
cpu_has_ssse3(void)
{
	return __builtin_cpu_supports("ssse3");
}

/* With BMI2: the same processors, but a virtual machine may hide one. */
static inline bool
cpu_has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

/* Operations on bytes under masks. */
static inline bool
cpu_has_avx512bw(void)
{
	return __builtin_cpu_supports("avx512bw");
}

/* Tables of 128 bytes, compression of bytes, and bits moved within bytes. */
static inline bool
cpu_has_avx512vbmi2(void)
{
	return cpu_has_avx512bw() && __builtin_cpu_supports("avx512vbmi") &&
	       __builtin_cpu_supports("avx512vbmi2") &&
	       __builtin_cpu_supports("avx512cd") &&
	       __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("gfni") && __builtin_cpu_supports("bmi2");
}

#endif

#endif
