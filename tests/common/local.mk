# SPDX-License-Identifier: Apache-2.0
UNIT_TESTS += tests/common/test_addr
tests_common_test_addr_SOURCES = tests/test.h tests/common/test_addr.c
tests_common_test_addr_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_csum
tests_common_test_csum_SOURCES = tests/test.h tests/common/test_csum.c
tests_common_test_csum_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_host_bits
tests_common_test_host_bits_SOURCES = tests/test.h \
	tests/common/test_host_bits.c
tests_common_test_host_bits_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_words
tests_common_test_words_SOURCES = tests/test.h tests/common/test_words.c
tests_common_test_words_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_hll
tests_common_test_hll_SOURCES = tests/test.h tests/common/test_hll.c
tests_common_test_hll_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_clock
tests_common_test_clock_SOURCES = tests/test.h tests/common/test_clock.c
tests_common_test_clock_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_pool
tests_common_test_pool_SOURCES = tests/test.h tests/common/test_pool.c
tests_common_test_pool_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_json
tests_common_test_json_SOURCES = tests/test.h tests/common/test_json.c
tests_common_test_json_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_conf
tests_common_test_conf_SOURCES = tests/test.h tests/common/test_conf.c
tests_common_test_conf_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_log
tests_common_test_log_SOURCES = tests/test.h tests/common/test_log.c
tests_common_test_log_LDADD = $(LIBS_COMMON)

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
UNIT_TESTS += tests/common/test_json_read
tests_common_test_json_read_SOURCES = tests/common/test_json_read.c
tests_common_test_json_read_LDADD = $(LIBS_COMMON)

# signed documents
UNIT_TESTS += tests/common/test_control
tests_common_test_control_SOURCES = tests/common/test_control.c
tests_common_test_control_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_ledger
tests_common_test_ledger_SOURCES = tests/test.h tests/common/test_ledger.c
tests_common_test_ledger_LDADD = $(LIBS_COMMON)

# what whoever runs the programs is told
UNIT_TESTS += tests/common/test_notify
tests_common_test_notify_SOURCES = tests/common/test_notify.c
tests_common_test_notify_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_metrics
tests_common_test_metrics_SOURCES = tests/wait_for.h tests/common/test_metrics.c
tests_common_test_metrics_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_redis_pool
tests_common_test_redis_pool_SOURCES = tests/common/test_redis_pool.c
tests_common_test_redis_pool_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_redis_tls
tests_common_test_redis_tls_SOURCES = tests/test.h tests/common/test_redis_tls.c
tests_common_test_redis_tls_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_confine
tests_common_test_confine_SOURCES = tests/common/test_confine.c
tests_common_test_confine_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_redis_sock
tests_common_test_redis_sock_SOURCES = tests/test.h tests/common/test_redis_sock.c
tests_common_test_redis_sock_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_hide_args
tests_common_test_hide_args_SOURCES = tests/test.h tests/common/test_hide_args.c
tests_common_test_hide_args_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_redis_reply
tests_common_test_redis_reply_SOURCES = tests/test.h tests/common/test_redis_reply.c
tests_common_test_redis_reply_LDADD = $(LIBS_COMMON)

# what is shared, and with whom
UNIT_TESTS += tests/common/test_marking
tests_common_test_marking_SOURCES = tests/test.h tests/rnd.h \
	tests/common/test_marking.c
tests_common_test_marking_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_delta
tests_common_test_delta_SOURCES = tests/test.h tests/common/test_delta.c
tests_common_test_delta_LDADD = $(LIBS_COMMON)

# STIX patterns
UNIT_TESTS += tests/common/test_pattern
tests_common_test_pattern_SOURCES = tests/test.h tests/common/test_pattern.c
tests_common_test_pattern_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_indicator_read
tests_common_test_indicator_read_SOURCES = tests/common/test_indicator_read.c
tests_common_test_indicator_read_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_posture
tests_common_test_posture_SOURCES = tests/test.h tests/common/test_posture.c
tests_common_test_posture_LDADD = $(LIBS_COMMON)
UNIT_TESTS += tests/common/test_exercise
tests_common_test_exercise_SOURCES = tests/test.h tests/common/test_exercise.c
tests_common_test_exercise_LDADD = $(LIBS_COMMON)
