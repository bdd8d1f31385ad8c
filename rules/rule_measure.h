/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_measure.h - tests that look at the bytes as a whole: entropy, asn1
 *
 * Place    above rule_prog.h; below rule_verify.
 * Threads  any.
 * Memory   none.
 * Cost     entropy: one pass.  asn1: MEASURE_BER_FRAMES headers.
 */
#ifndef RULES_RULE_MEASURE_H
#define RULES_RULE_MEASURE_H

#include "rules/rule_prog.h"

#define MEASURE_BER_FRAMES 256
#define MEASURE_BER_DEPTH 30

/*
 * Shannon's entropy of the part that 'op' names, in bits a byte; false when
 * the buffer ends before the part begins.
 */
bool measure_entropy(const struct op *op, struct view data, double *out);
/* Whether 'x' compares with what 'op' asks. */
bool measure_entropy_ok(const struct op *op, double x);

/*
 * Whether an object of BER (X.690 8.1) at the place that 'op' names, or one
 * inside it, has a fault that 'op' looks for.
 */
bool measure_asn1(const struct op *op, struct view data, size_t pos);

#endif
