# SPDX-License-Identifier: Apache-2.0

# batch, spool, forward
UNIT_TESTS += tests/sensor/test_batch
tests_sensor_test_batch_SOURCES = tests/sensor/test_batch.c
tests_sensor_test_batch_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_spool
tests_sensor_test_spool_SOURCES = tests/sensor/test_spool.c
tests_sensor_test_spool_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_forward
tests_sensor_test_forward_SOURCES = tests/sensor/test_forward.c \
	tests/redis_fixture.h tests/redis_fixture.c
tests_sensor_test_forward_LDADD = $(LIBS_SENSOR)
