# SPDX-License-Identifier: Apache-2.0

UNIT_TESTS += tests/sensor/test_app_dns
tests_sensor_test_app_dns_SOURCES = tests/sensor/test_app_dns.c
tests_sensor_test_app_dns_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_app_tls
tests_sensor_test_app_tls_SOURCES = tests/sensor/test_app_tls.c tests/sensor/tls_bytes.h
tests_sensor_test_app_tls_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_app
tests_sensor_test_app_SOURCES = tests/sensor/test_app.c
tests_sensor_test_app_LDADD = $(LIBS_SENSOR)
