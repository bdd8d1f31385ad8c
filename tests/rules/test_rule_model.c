/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled rules against the slow interpreter, on a fixed random stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/rules/rule_model.h"

#define ROUNDS 1500

static void
test_model(void **state)
{
	uint64_t x = 88172645463325252u;
	uint8_t bytes[4096];

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[i] = (uint8_t)(x >> 32);
		}
		if (!model_agrees(bytes, sizeof(bytes))) {
			fail_msg("round %u", round);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
