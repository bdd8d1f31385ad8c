# SPDX-License-Identifier: Apache-2.0
UNIT_TESTS += tests/sensor/test_corpus_counts
tests_sensor_test_corpus_counts_SOURCES = tests/sensor/test_corpus_counts.c
tests_sensor_test_corpus_counts_LDADD = $(LIBS_SENSOR)
