# SPDX-License-Identifier: Apache-2.0
UNIT_TESTS += tests/sensor/test_corpus_counts
tests_sensor_test_corpus_counts_SOURCES = tests/sensor/test_corpus_counts.c tests/sensor/pairs_right.h
tests_sensor_test_corpus_counts_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_capture
tests_sensor_test_capture_SOURCES = tests/sensor/test_capture.c tests/sensor/capture_bench.h
tests_sensor_test_capture_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_capture_map
tests_sensor_test_capture_map_SOURCES = tests/sensor/test_capture_map.c tests/sensor/capture_bench.h
tests_sensor_test_capture_map_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_decode
tests_sensor_test_decode_SOURCES = tests/sensor/test_decode.c tests/sensor/decode_bench.h \
	tests/sensor/frame_build.h tests/sensor/pairs_right.h
tests_sensor_test_decode_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_decode_tunnel
tests_sensor_test_decode_tunnel_SOURCES = tests/sensor/test_decode_tunnel.c tests/sensor/decode_bench.h \
	tests/sensor/frame_build.h tests/sensor/pairs_right.h
tests_sensor_test_decode_tunnel_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_decode_plain
tests_sensor_test_decode_plain_SOURCES = tests/test.h tests/sensor/test_decode_plain.c tests/sensor/pairs_right.h
tests_sensor_test_decode_plain_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_events
tests_sensor_test_events_SOURCES = tests/sensor/test_events.c tests/sensor/frame_build.h
tests_sensor_test_events_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_defrag
tests_sensor_test_defrag_SOURCES = tests/sensor/test_defrag.c tests/sensor/frame_build.h
tests_sensor_test_defrag_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_app_http
tests_sensor_test_app_http_SOURCES = tests/sensor/test_app_http.c tests/sensor/http_say.h tests/sensor/http_rig.h
tests_sensor_test_app_http_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_app_http_body
tests_sensor_test_app_http_body_SOURCES = tests/sensor/test_app_http_body.c tests/sensor/http_say.h tests/sensor/http_rig.h
tests_sensor_test_app_http_body_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_http_plain
tests_sensor_test_http_plain_SOURCES = tests/rnd.h tests/sensor/test_http_plain.c
tests_sensor_test_http_plain_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_http_name
tests_sensor_test_http_name_SOURCES = tests/sensor/test_http_name.c
tests_sensor_test_http_name_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_fill_http
tests_sensor_test_fill_http_SOURCES = tests/sensor/test_fill_http.c \
	tests/sensor/http_rig.h
tests_sensor_test_fill_http_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_app_dns
tests_sensor_test_app_dns_SOURCES = tests/sensor/app_case.h tests/sensor/test_app_dns.c
tests_sensor_test_app_dns_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_app_tls
tests_sensor_test_app_tls_SOURCES = tests/sensor/app_case.h tests/sensor/test_app_tls.c tests/sensor/tls_bytes.h
tests_sensor_test_app_tls_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_app_ssh
tests_sensor_test_app_ssh_SOURCES = tests/sensor/app_case.h tests/sensor/test_app_ssh.c
tests_sensor_test_app_ssh_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_app
tests_sensor_test_app_SOURCES = tests/sensor/app_case.h tests/sensor/test_app.c tests/sensor/tls_bytes.h
tests_sensor_test_app_LDADD = $(LIBS_SENSOR)
# flow and stream
UNIT_TESTS += tests/sensor/test_flow
tests_sensor_test_flow_SOURCES = tests/sensor/test_flow.c tests/sensor/packet_maker.h
tests_sensor_test_flow_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_flow_table
tests_sensor_test_flow_table_SOURCES = tests/sensor/test_flow_table.c tests/sensor/packet_maker.h
tests_sensor_test_flow_table_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_community_id
tests_sensor_test_community_id_SOURCES = tests/sensor/test_community_id.c
tests_sensor_test_community_id_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_stream_events
tests_sensor_test_stream_events_SOURCES = tests/sensor/test_stream_events.c tests/sensor/stream_bench.h
tests_sensor_test_stream_events_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_stream
tests_sensor_test_stream_SOURCES = tests/sensor/test_stream.c tests/sensor/stream_bench.h
tests_sensor_test_stream_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_stream_tcp
tests_sensor_test_stream_tcp_SOURCES = tests/sensor/test_stream_tcp.c tests/sensor/stream_bench.h
tests_sensor_test_stream_tcp_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_stream_plain
tests_sensor_test_stream_plain_SOURCES = tests/test.h tests/sensor/test_stream_plain.c
tests_sensor_test_stream_plain_LDADD = $(LIBS_SENSOR)

# batch, spool, forward
UNIT_TESTS += tests/sensor/test_batch
tests_sensor_test_batch_SOURCES = tests/sensor/test_batch.c
tests_sensor_test_batch_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_spool
tests_sensor_test_spool_SOURCES = tests/sensor/test_spool.c
tests_sensor_test_spool_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_sender
tests_sensor_test_sender_SOURCES = tests/sensor/test_sender.c \
	tests/redis_fixture.h tests/redis_fixture.c
tests_sensor_test_sender_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_forward
tests_sensor_test_forward_SOURCES = tests/wait_for.h tests/sensor/test_forward.c \
	tests/redis_fixture.h tests/redis_fixture.c
tests_sensor_test_forward_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_tx_copy
tests_sensor_test_tx_copy_SOURCES = tests/sensor/test_tx_copy.c tests/sensor/copy_same.h
tests_sensor_test_tx_copy_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_event_kept
tests_sensor_test_event_kept_SOURCES = tests/sensor/test_event_kept.c tests/sensor/reload_scene.h tests/sensor/reload_scene.c
tests_sensor_test_event_kept_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_eve_writer
tests_sensor_test_eve_writer_SOURCES = tests/sensor/test_eve_writer.c
tests_sensor_test_eve_writer_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_alerts
tests_sensor_test_alerts_SOURCES = tests/sensor/test_alerts.c
tests_sensor_test_alerts_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_file
tests_sensor_test_file_SOURCES = tests/sensor/test_file.c
tests_sensor_test_file_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_reload
tests_sensor_test_reload_SOURCES = tests/sensor/test_reload.c tests/sensor/reload_scene.h tests/sensor/reload_scene.c
tests_sensor_test_reload_LDADD = $(LIBS_SENSOR)

UNIT_TESTS += tests/sensor/test_reload_state
tests_sensor_test_reload_state_SOURCES = tests/sensor/test_reload_state.c tests/sensor/reload_scene.h tests/sensor/reload_scene.c
tests_sensor_test_reload_state_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_replay
tests_sensor_test_replay_SOURCES = tests/test.h tests/sensor/test_replay.c tests/sensor/frame_build.h
tests_sensor_test_replay_LDADD = $(LIBS_SENSOR)
# Once warm, the packet path asks the heap for nothing.
UNIT_TESTS += tests/sensor/test_no_alloc
tests_sensor_test_no_alloc_SOURCES = tests/sensor/test_no_alloc.c
tests_sensor_test_no_alloc_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_ledger_file
tests_sensor_test_ledger_file_SOURCES = tests/test.h tests/rnd.h tests/sensor/test_ledger_file.c
tests_sensor_test_ledger_file_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_forward_ledger
tests_sensor_test_forward_ledger_SOURCES = tests/test.h tests/sensor/test_forward_ledger.c
tests_sensor_test_forward_ledger_LDADD = $(LIBS_SENSOR)

# live capture
UNIT_TESTS += tests/sensor/test_fanout
tests_sensor_test_fanout_SOURCES = tests/rnd.h tests/sensor/test_fanout.c
tests_sensor_test_fanout_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_capture_live
tests_sensor_test_capture_live_SOURCES = tests/sensor/test_capture_live.c
tests_sensor_test_capture_live_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_live_conf
tests_sensor_test_live_conf_SOURCES = tests/sensor/test_live_conf.c
tests_sensor_test_live_conf_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_tap_clock
tests_sensor_test_tap_clock_SOURCES = tests/test.h tests/sensor/test_tap_clock.c
tests_sensor_test_tap_clock_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_live_load
tests_sensor_test_live_load_SOURCES = tests/test.h tests/sensor/test_live_load.c
tests_sensor_test_live_load_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_drop_report
tests_sensor_test_drop_report_SOURCES = tests/test.h \
	tests/sensor/test_drop_report.c
tests_sensor_test_drop_report_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_overload
tests_sensor_test_overload_SOURCES = tests/test.h tests/sensor/test_overload.c
tests_sensor_test_overload_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_spool_check
tests_sensor_test_spool_check_SOURCES = tests/sensor/test_spool_check.c
tests_sensor_test_spool_check_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_retro_index
tests_sensor_test_retro_index_SOURCES = tests/test.h tests/rnd.h \
	tests/sensor/test_retro_index.c
tests_sensor_test_retro_index_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_retro
tests_sensor_test_retro_SOURCES = tests/test.h tests/wait_for.h \
	tests/sensor/test_retro.c
tests_sensor_test_retro_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_armed_file
tests_sensor_test_armed_file_SOURCES = tests/test.h \
	tests/sensor/test_armed_file.c
tests_sensor_test_armed_file_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_contacts
tests_sensor_test_contacts_SOURCES = tests/sensor/test_contacts.c
tests_sensor_test_contacts_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_control_kept
tests_sensor_test_control_kept_SOURCES = tests/test.h \
	tests/sensor/test_control_kept.c
tests_sensor_test_control_kept_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_trace
tests_sensor_test_trace_SOURCES = tests/sensor/test_trace.c
tests_sensor_test_trace_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_evidence
tests_sensor_test_evidence_SOURCES = tests/test.h tests/sensor/test_evidence.c
tests_sensor_test_evidence_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_evidence_before
tests_sensor_test_evidence_before_SOURCES = tests/test.h \
	tests/sensor/test_evidence_before.c
tests_sensor_test_evidence_before_LDADD = $(LIBS_SENSOR)
UNIT_TESTS += tests/sensor/test_evidence_cut
tests_sensor_test_evidence_cut_SOURCES = tests/test.h \
	tests/sensor/test_evidence_cut.c
tests_sensor_test_evidence_cut_LDADD = $(LIBS_SENSOR)
