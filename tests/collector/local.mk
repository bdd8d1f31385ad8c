# SPDX-License-Identifier: Apache-2.0
UNIT_TESTS += tests/collector/test_correlate
tests_collector_test_correlate_SOURCES = tests/collector/test_correlate.c
tests_collector_test_correlate_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_dedupe
tests_collector_test_dedupe_SOURCES = tests/collector/test_dedupe.c
tests_collector_test_dedupe_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_severity
tests_collector_test_severity_SOURCES = tests/collector/test_severity.c
tests_collector_test_severity_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_pipeline
tests_collector_test_pipeline_SOURCES = tests/collector/test_pipeline.c \
	tests/redis_fixture.h tests/redis_fixture.c
tests_collector_test_pipeline_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_mission
tests_collector_test_mission_SOURCES = tests/collector/test_mission.c
tests_collector_test_mission_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_store
tests_collector_test_store_SOURCES = tests/collector/test_store.c tests/store_dir.h
tests_collector_test_store_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_console
tests_collector_test_console_SOURCES = tests/collector/test_console.c \
	tests/store_fixture.h tests/store_fixture.c
tests_collector_test_console_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_store_ledger
tests_collector_test_store_ledger_SOURCES = \
	tests/test.h tests/collector/test_store_ledger.c
tests_collector_test_store_ledger_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_store_bound
tests_collector_test_store_bound_SOURCES = tests/test.h \
	tests/collector/test_store_bound.c
tests_collector_test_store_bound_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_store_search
tests_collector_test_store_search_SOURCES = tests/store_dir.h \
	tests/collector/test_store_search.c \
	tests/store_lines.h tests/store_lines.c
tests_collector_test_store_search_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_store_convert
tests_collector_test_store_convert_SOURCES = tests/store_dir.h \
	tests/collector/test_store_convert.c \
	tests/store_lines.h tests/store_lines.c
tests_collector_test_store_convert_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_sighting
tests_collector_test_sighting_SOURCES = tests/collector/test_sighting.c
tests_collector_test_sighting_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_blind
tests_collector_test_blind_SOURCES = tests/test.h tests/collector/test_blind.c
tests_collector_test_blind_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_keyring
tests_collector_test_keyring_SOURCES = tests/collector/test_keyring.c
tests_collector_test_keyring_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_store_blind
tests_collector_test_store_blind_SOURCES = tests/test.h tests/store_dir.h \
	tests/collector/test_store_blind.c
tests_collector_test_store_blind_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_health
tests_collector_test_health_SOURCES = tests/test.h tests/collector/test_health.c \
	tests/redis_fixture.h tests/redis_fixture.c
tests_collector_test_health_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_prepare
tests_collector_test_prepare_SOURCES = tests/collector/test_prepare.c \
	tests/test.h tests/rnd.h
tests_collector_test_prepare_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_twin
tests_collector_test_twin_SOURCES = tests/collector/test_twin.c
tests_collector_test_twin_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_skew
tests_collector_test_skew_SOURCES = tests/collector/test_skew.c
tests_collector_test_skew_LDADD = $(LIBS_COLLECTOR)
