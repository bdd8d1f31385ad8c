# SPDX-License-Identifier: Apache-2.0

# transport
UNIT_TESTS += tests/common/test_frame
tests_common_test_frame_SOURCES = tests/common/test_frame.c
tests_common_test_frame_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_redis_link
tests_common_test_redis_link_SOURCES = tests/common/test_redis_link.c \
	tests/redis_fixture.h tests/redis_fixture.c
tests_common_test_redis_link_LDADD = $(LIBS_COMMON)

# the alert record
UNIT_TESTS += tests/common/test_eve
tests_common_test_eve_SOURCES = tests/common/test_eve.c
tests_common_test_eve_LDADD = $(LIBS_COMMON)
