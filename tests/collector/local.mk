# SPDX-License-Identifier: Apache-2.0
UNIT_TESTS += tests/collector/test_correlate
tests_collector_test_correlate_SOURCES = tests/collector/test_correlate.c
tests_collector_test_correlate_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_correlator_file
tests_collector_test_correlator_file_SOURCES = tests/test.h \
	tests/collector/test_correlator_file.c
tests_collector_test_correlator_file_CPPFLAGS = $(AM_CPPFLAGS) \
	-DMAN_PAGE='"$(abs_top_srcdir)/docs/picket-collector.8"'
tests_collector_test_correlator_file_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_dedupe
tests_collector_test_dedupe_SOURCES = tests/collector/test_dedupe.c
tests_collector_test_dedupe_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_spelling
tests_collector_test_spelling_SOURCES = tests/collector/test_spelling.c
tests_collector_test_spelling_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_warning
tests_collector_test_warning_SOURCES = tests/store_dir.h \
	tests/collector/test_warning.c
tests_collector_test_warning_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_posture
tests_collector_test_posture_SOURCES = tests/store_dir.h \
	tests/collector/test_posture.c
tests_collector_test_posture_LDADD = $(LIBS_COLLECTOR)
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
UNIT_TESTS += tests/collector/test_console_ops
tests_collector_test_console_ops_SOURCES = \
	tests/collector/test_console_ops.c tests/store_dir.h
tests_collector_test_console_ops_CPPFLAGS = $(AM_CPPFLAGS) \
	-DALLOW_DIR='"$(abs_top_srcdir)/rules/dist/allow"'
tests_collector_test_console_ops_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_console_people
tests_collector_test_console_people_SOURCES = \
	tests/collector/test_console_people.c \
	tests/store_fixture.h tests/store_fixture.c
tests_collector_test_console_people_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_store_ledger
tests_collector_test_store_ledger_SOURCES = \
	tests/test.h tests/collector/test_store_ledger.c
tests_collector_test_store_ledger_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_store_checkpoint
tests_collector_test_store_checkpoint_SOURCES = tests/store_dir.h \
	tests/wait_for.h tests/collector/test_store_checkpoint.c
tests_collector_test_store_checkpoint_LDADD = $(LIBS_COLLECTOR)
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

# both programs' parts: what is published arms
UNIT_TESTS += tests/collector/test_arming
tests_collector_test_arming_SOURCES = tests/test.h tests/wait_for.h \
	tests/arm_rows.h tests/arm_rows.c tests/collector/test_arming.c \
	tests/redis_fixture.h tests/redis_fixture.c
tests_collector_test_arming_LDADD = libcollector.a libsensor.a librules.a \
	libcommon.a $(CMOCKA_LIBS) $(COLLECTOR_LIBS) $(SENSOR_LIBS) \
	$(RULES_LIBS) $(COMMON_LIBS) -lm
UNIT_TESTS += tests/collector/test_common_set
tests_collector_test_common_set_SOURCES = tests/test.h tests/store_dir.h \
	tests/collector/test_common_set.c
tests_collector_test_common_set_CPPFLAGS = $(AM_CPPFLAGS) \
	-DALLOW_DIR='"$(abs_top_srcdir)/rules/dist/allow"'
tests_collector_test_common_set_LDADD = $(LIBS_COLLECTOR)

# polls a TAXII server for tests/e2e/taxii.sh
check_PROGRAMS += tests/collector/taxii_fetch
tests_collector_taxii_fetch_SOURCES = tests/collector/taxii_fetch.c
tests_collector_taxii_fetch_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
UNIT_TESTS += tests/collector/test_consult
tests_collector_test_consult_SOURCES = tests/rnd.h tests/collector/test_consult.c
tests_collector_test_consult_LDADD = $(LIBS_COLLECTOR)
check_PROGRAMS += tests/collector/share_drive
tests_collector_share_drive_SOURCES = tests/collector/share_drive.c
tests_collector_share_drive_LDADD = $(LIBS_COLLECTOR)
dist_check_SCRIPTS += tests/collector/share_worlds.sh tests/collector/test_share.sh
TESTS += tests/collector/share_worlds.sh tests/collector/test_share.sh
EXTRA_DIST += tests/collector/share_world.py tests/collector/share_oracle.py \
	tests/collector/stix_check.py
UNIT_TESTS += tests/collector/test_redact
tests_collector_test_redact_SOURCES = tests/test.h tests/rnd.h \
	tests/collector/test_redact.c
tests_collector_test_redact_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_audit
tests_collector_test_audit_SOURCES = tests/test.h tests/store_dir.h \
	tests/collector/test_audit.c
tests_collector_test_audit_LDADD = $(LIBS_COLLECTOR)
check_PROGRAMS += tests/collector/exchange_peer
tests_collector_exchange_peer_SOURCES = tests/collector/exchange_peer.c
tests_collector_exchange_peer_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_exchange_fill
tests_collector_test_exchange_fill_SOURCES = tests/test.h tests/store_dir.h \
	tests/collector/test_exchange_fill.c
tests_collector_test_exchange_fill_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_exchange_frame
tests_collector_test_exchange_frame_SOURCES = tests/test.h \
	tests/collector/test_exchange_frame.c
tests_collector_test_exchange_frame_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_share_bundle
tests_collector_test_share_bundle_SOURCES = tests/test.h tests/store_dir.h \
	tests/collector/test_share_bundle.c
tests_collector_test_share_bundle_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_share_policy
tests_collector_test_share_policy_SOURCES = tests/test.h \
	tests/collector/test_share_policy.c
tests_collector_test_share_policy_LDADD = $(LIBS_COLLECTOR)
EXTRA_DIST += tests/collector/mistakes.sh \
	tests/collector/mistakes/arpa-not-seen.patch \
	tests/collector/mistakes/cut-list-forgets.patch \
	tests/collector/mistakes/dashes-not-seen.patch \
	tests/collector/mistakes/incident-forgets-missions.patch \
	tests/collector/mistakes/join-forgets-asset.patch \
	tests/collector/mistakes/names-joined-as-union.patch \
	tests/collector/mistakes/one-label-above.patch \
	tests/collector/mistakes/owner-not-asked.patch \
	tests/collector/mistakes/restart-forgets-marks.patch
share-mistakes: picketctl tests/collector/share_drive
	srcdir=$(srcdir) builddir=. $(SHELL) $(srcdir)/tests/collector/mistakes.sh
UNIT_TESTS += tests/collector/test_marks
tests_collector_test_marks_SOURCES = tests/test.h tests/rnd.h \
	tests/store_dir.h tests/collector/test_marks.c
tests_collector_test_marks_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_twin
tests_collector_test_twin_SOURCES = tests/rnd.h \
	tests/collector/test_twin.c
tests_collector_test_twin_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_skew
tests_collector_test_skew_SOURCES = tests/collector/test_skew.c
tests_collector_test_skew_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_baseline
tests_collector_test_baseline_SOURCES = tests/test.h \
	tests/collector/test_baseline.c
tests_collector_test_baseline_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_finding
tests_collector_test_finding_SOURCES = tests/store_dir.h \
	tests/collector/test_finding.c \
	tests/finding_world.h tests/finding_world.c \
	tests/finding_world_state.h tests/finding_lines.c
tests_collector_test_finding_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_exchange_apply
tests_collector_test_exchange_apply_SOURCES = tests/test.h tests/store_dir.h \
	tests/stix_bundle.h tests/collector/test_exchange_apply.c
tests_collector_test_exchange_apply_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_exchange_in
tests_collector_test_exchange_in_SOURCES = tests/test.h tests/store_dir.h \
	tests/stix_bundle.h tests/rnd.h tests/redis_fixture.h \
	tests/redis_fixture.c tests/collector/test_exchange_in.c
tests_collector_test_exchange_in_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_cases
tests_collector_test_cases_SOURCES = tests/store_dir.h tests/rnd.h \
	tests/collector/test_cases.c
tests_collector_test_cases_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_yaml_file
tests_collector_test_yaml_file_SOURCES = tests/test.h \
	tests/collector/test_yaml_file.c
tests_collector_test_yaml_file_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_correlate_reload
tests_collector_test_correlate_reload_SOURCES = tests/store_dir.h tests/rnd.h \
	tests/collector/test_correlate_reload.c
tests_collector_test_correlate_reload_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_allow_reader
tests_collector_test_allow_reader_SOURCES = tests/test.h tests/wait_for.h \
	tests/collector/test_allow_reader.c
tests_collector_test_allow_reader_LDADD = $(LIBS_COLLECTOR)

UNIT_TESTS += tests/collector/test_lease
tests_collector_test_lease_SOURCES = tests/store_dir.h tests/wait_for.h \
	tests/collector/test_lease.c
tests_collector_test_lease_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_counterpart
tests_collector_test_counterpart_SOURCES = tests/test.h tests/store_dir.h \
	tests/collector/test_counterpart.c
tests_collector_test_counterpart_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_exchange_files
tests_collector_test_exchange_files_SOURCES = tests/test.h \
	tests/collector/test_exchange_files.c
tests_collector_test_exchange_files_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_exchange_pace
tests_collector_test_exchange_pace_SOURCES = tests/test.h \
	tests/collector/test_exchange_pace.c
tests_collector_test_exchange_pace_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_part
tests_collector_test_part_SOURCES = tests/test.h tests/rnd.h \
	tests/collector/test_part.c
tests_collector_test_part_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_part_flow
tests_collector_test_part_flow_SOURCES = tests/test.h \
	tests/collector/test_part_flow.c tests/part_scene.h tests/part_scene.c \
	tests/redis_fixture.h tests/redis_fixture.c
tests_collector_test_part_flow_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_part_back
tests_collector_test_part_back_SOURCES = tests/test.h \
	tests/collector/test_part_back.c tests/part_scene.h tests/part_scene.c \
	tests/redis_fixture.h tests/redis_fixture.c
tests_collector_test_part_back_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_taps
tests_collector_test_taps_SOURCES = tests/test.h tests/store_dir.h \
	tests/collector/test_taps.c
tests_collector_test_taps_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_part_foreign
tests_collector_test_part_foreign_SOURCES = tests/test.h \
	tests/collector/test_part_foreign.c tests/part_scene.h tests/part_scene.c \
	tests/redis_fixture.h tests/redis_fixture.c
tests_collector_test_part_foreign_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_query
tests_collector_test_query_SOURCES = tests/test.h tests/collector/test_query.c
tests_collector_test_query_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_inbox
tests_collector_test_inbox_SOURCES = tests/store_dir.h \
	tests/collector/test_inbox.c tests/store_lines.h tests/store_lines.c
tests_collector_test_inbox_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_evidence_fetch
tests_collector_test_evidence_fetch_SOURCES = tests/test.h \
	tests/collector/test_evidence_fetch.c
tests_collector_test_evidence_fetch_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_evidence_bundle
tests_collector_test_evidence_bundle_SOURCES = tests/test.h \
	tests/collector/test_evidence_bundle.c
tests_collector_test_evidence_bundle_LDADD = $(LIBS_COLLECTOR)
UNIT_TESTS += tests/collector/test_output_ecs
tests_collector_test_output_ecs_SOURCES = tests/test.h \
	tests/collector/test_output_ecs.c
tests_collector_test_output_ecs_LDADD = $(LIBS_COLLECTOR)
