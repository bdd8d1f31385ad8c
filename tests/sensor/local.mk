# SPDX-License-Identifier: Apache-2.0

UNIT_TESTS += tests/sensor/test_app_http
tests_sensor_test_app_http_SOURCES = tests/sensor/test_app_http.c \
	tests/sensor/http_rig.h
tests_sensor_test_app_http_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_fill_http
tests_sensor_test_fill_http_SOURCES = tests/sensor/test_fill_http.c \
	tests/sensor/http_rig.h
tests_sensor_test_fill_http_LDADD = $(LIBS_SENSOR)
