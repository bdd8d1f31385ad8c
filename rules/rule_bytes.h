/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_bytes.h - byte_test, byte_jump, byte_extract, byte_math
 *
 * Place    above rule_prog.h; below rule_verify.
 * Threads  pure, but for the caller's variables.
 * Memory   none; never reads outside 'data'.
 * Cost     a few instructions.
 */
#ifndef RULES_RULE_BYTES_H
#define RULES_RULE_BYTES_H

#include "rules/rule_prog.h"

/* Each returns false when the bytes are not there or the test fails.  A number
 * that is kept, too, leaves '*pos' behind its bytes. */
bool bytes_test(const struct op *op, struct view data, size_t pos,
		const uint64_t *vars);
bool bytes_jump(const struct op *op, struct view data, size_t *pos,
		const uint64_t *vars);
bool bytes_extract(const struct op *op, struct view data, size_t *pos,
		   uint64_t *vars);
bool bytes_math(const struct op *op, struct view data, size_t *pos,
		uint64_t *vars);

#endif
