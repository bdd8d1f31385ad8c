/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm_rows.h - a set of indicators in memory, as a source of the publisher
 *
 * Threads  any: one lock.
 * Memory   heap.
 */
#ifndef TESTS_ARM_ROWS_H
#define TESTS_ARM_ROWS_H

#include "collector/arm.h"

struct arm_rows;

struct arm_rows *arm_rows_new(void);
void arm_rows_free(struct arm_rows *r);
struct arm_source arm_rows_source(struct arm_rows *r);

/* Arms 'value' (or disarms it), which is change 'arm_rows_version()' then;
 * 'mark' is text of marking.h. */
void arm_rows_put(struct arm_rows *r, enum indicator_kind kind,
		  const char *value, const char *mark, bool armed);
uint64_t arm_rows_version(struct arm_rows *r);
/* As if the store had been restored from a copy of then: later changes are
 * gone, and their numbers are given again. */
void arm_rows_restore(struct arm_rows *r, uint64_t version);

#endif
