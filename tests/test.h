/* SPDX-License-Identifier: Apache-2.0 */
/* test.h - cmocka with the headers it needs first */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
