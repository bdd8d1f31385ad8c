/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter_target.h - functions for instructions that not all processors have
 *
 * Internal: included by the paths only.  Between TARGET_BEGIN("avx2") and
 * TARGET_END functions are compiled for these; who calls them has looked first
 * whether they are there.  The intrinsics' header comes before.
 *
 * Place    beside prefilter_path.h.
 * Threads  none.
 * Memory   none.
 * Cost     none.
 */
#ifndef RULES_PREFILTER_TARGET_H
#define RULES_PREFILTER_TARGET_H

#define TARGET_PRAGMA(x) _Pragma(#x)

/* clang-format off */
#if defined(__clang__)
#define TARGET_BEGIN(names) \
	TARGET_PRAGMA(clang attribute push(__attribute__((target(names))), \
					   apply_to = function))
#define TARGET_END TARGET_PRAGMA(clang attribute pop)
#else
#define TARGET_BEGIN(names) \
	TARGET_PRAGMA(GCC push_options) TARGET_PRAGMA(GCC target(names))
#define TARGET_END TARGET_PRAGMA(GCC pop_options)
#endif
/* clang-format on */

#endif
