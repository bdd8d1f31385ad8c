/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled rules against a slow interpreter of the same rules: the input is
 * the random stream that rules and buffers are drawn from (rule_model.h).
 */
#include <stdint.h>
#include <stdlib.h>

#include "tests/rules/rule_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!model_agrees(data, size)) {
		abort();
	}
	return 0;
}
