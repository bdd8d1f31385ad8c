# SPDX-License-Identifier: Apache-2.0

UNIT_TESTS += tests/sensor/test_app_http
tests_sensor_test_app_http_SOURCES = tests/sensor/test_app_http.c \
	tests/sensor/http_rig.h
tests_sensor_test_app_http_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_fill_http
tests_sensor_test_fill_http_SOURCES = tests/sensor/test_fill_http.c \
	tests/sensor/http_rig.h
tests_sensor_test_fill_http_LDADD = $(LIBS_SENSOR)
# flow and stream
UNIT_TESTS += tests/sensor/test_flow
tests_sensor_test_flow_SOURCES = tests/sensor/test_flow.c tests/sensor/packet_maker.h
tests_sensor_test_flow_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_community_id
tests_sensor_test_community_id_SOURCES = tests/sensor/test_community_id.c
tests_sensor_test_community_id_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_stream
tests_sensor_test_stream_SOURCES = tests/sensor/test_stream.c tests/sensor/stream_bench.h
tests_sensor_test_stream_LDADD = $(LIBS_SENSOR)
