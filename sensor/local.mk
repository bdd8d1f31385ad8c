# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libsensor.a
libsensor_a_SOURCES = sensor/ethertype.h sensor/ppp_proto.h sensor/packet.h

# capture and decode
libsensor_a_SOURCES += \
	sensor/capture_map.h sensor/capture_map.c \
	sensor/capture_source.h sensor/capture_source.c \
	sensor/capture_format.h sensor/capture_pcap.c sensor/capture_pcapng.c \
	sensor/capture_filter.h sensor/capture_filter.c \
	sensor/capture.h sensor/capture_file.c \
	sensor/fanout.h sensor/fanout.c \
	sensor/capture_live.h sensor/capture_live.c \
	sensor/tap_clock.h sensor/tap_clock.c \
	sensor/iface.h sensor/iface.c sensor/iface_list.c \
	sensor/live_conf.h sensor/live_conf.c \
	sensor/defrag_policy.h sensor/defrag_policy.c \
	sensor/defrag.h sensor/defrag.c \
	sensor/decode_count.h sensor/decode_ctx.h sensor/decode_ctx.c \
	sensor/decode_link.c sensor/decode_ppp.c sensor/decode_arp.c sensor/decode_wifi.c \
	sensor/decode_ip.c sensor/decode_ipv6.c sensor/decode_icmp.c \
	sensor/decode_l4.c sensor/decode_tunnel.c \
	sensor/decode_peek.h sensor/decode_plain.c \
	sensor/decode.h sensor/decode.c sensor/decode_pair.c

# flow and stream
libsensor_a_SOURCES += \
	sensor/flow.h sensor/flow.c sensor/community_id.c \
	sensor/flow_key.h sensor/flow_same.h sensor/flow_records.h \
	sensor/flow_index.h sensor/flow_index.c \
	sensor/contacts_conf.h sensor/contacts_conf.c \
	sensor/contacts.h sensor/contacts_state.h sensor/contacts.c \
	sensor/contacts_seen.c sensor/contacts_table.c \
	sensor/contacts_told.c sensor/contacts_note.c \
	sensor/contact_notes.h sensor/contact_notes.c \
	sensor/contacts_desk.h sensor/contacts_desk.c \
	sensor/flow_timer.h sensor/flow_timer.c \
	sensor/stream_rob.h sensor/stream_rob.c \
	sensor/stream.h sensor/stream.c \
	sensor/stream_session.h sensor/stream_state.c sensor/stream_take.c \
	sensor/stream_shake.c sensor/stream_next.c \
	sensor/stream_odd.c sensor/stream_urgent.c sensor/stream_raw.c

# files that protocols carry
libsensor_a_SOURCES += \
	sensor/hex_digest.h sensor/hex_digest.c \
	sensor/file_digest.h sensor/file_digest.c \
	sensor/file_magic.h sensor/file_magic.c \
	sensor/file_store.h sensor/file_store.c \
	sensor/file.h sensor/file.c \
	sensor/file_range.h sensor/file_range.c

# application protocols: driver, DNS, TLS
libsensor_a_SOURCES += \
	sensor/app_parser.h sensor/app_ctx.c \
	sensor/dns_name.h sensor/dns_name.c \
	sensor/app_dns.h sensor/app_dns.c \
	sensor/fill_dns.h sensor/fill_dns.c \
	sensor/log_dns.h sensor/log_dns.c \
	sensor/tls_cert.h sensor/tls_cert.c \
	sensor/app_tls.h sensor/app_tls_state.h sensor/app_tls_probe.c \
	sensor/app_tls_hello.c sensor/app_tls_handshake.c sensor/app_tls.c \
	sensor/ja3.h sensor/ja3.c \
	sensor/ja4.h sensor/ja4.c \
	sensor/app_ssh.h sensor/app_ssh.c \
	sensor/fill_ssh.h sensor/fill_ssh.c \
	sensor/log_ssh.h sensor/log_ssh.c \
	sensor/fill_tls.h sensor/fill_tls.c \
	sensor/log_tls.h sensor/log_tls.c \
	sensor/log_packet.h sensor/log_packet.c \
	sensor/app_detect.h sensor/app_detect.c sensor/app_detect_form.c \
	sensor/app.h sensor/app_driver.h sensor/app_setup.c \
	sensor/app_verdict.c sensor/app.c

# application protocols: HTTP and bodies
libsensor_a_SOURCES += \
	sensor/http_decoded.h \
	sensor/http_lzma.h sensor/http_lzma.c \
	sensor/http_brotli.h sensor/http_brotli.c \
	sensor/http_inflate.h sensor/http_inflate.c \
	sensor/app_http_body.h sensor/app_http_body.c \
	sensor/http_name.h sensor/http_name.c \
	sensor/http_tx.h sensor/http_tx.c \
	sensor/app_http_conf.h sensor/app_http_conf.c \
	sensor/app_http_uri.h sensor/app_http_uri.c \
	sensor/app_http_line.h sensor/app_http_line.c \
	sensor/app_http_plain.h sensor/app_http_plain.c \
	sensor/app_http_field.h sensor/app_http_field.c \
	sensor/app_http_head.h sensor/app_http_head.c \
	sensor/http_range.h sensor/http_range.c \
	sensor/multipart.h sensor/multipart.c \
	sensor/app_http_file.h sensor/app_http_file.c \
	sensor/app_http_probe.h sensor/app_http_probe.c \
	sensor/app_http_conn.h sensor/app_http_conn.c \
	sensor/app_http_start.h sensor/app_http_start.c \
	sensor/app_http.h sensor/app_http.c \
	sensor/fill_http.h sensor/fill_http.c \
	sensor/log_http.h sensor/log_http.c \
	sensor/log_meta.h sensor/log_meta.c \
	sensor/log_file.h sensor/log_file.c

# batch, spool, forward
libsensor_a_SOURCES += \
	sensor/spool_file.h sensor/spool_file.c \
	sensor/spool_check.h sensor/spool_check.c \
	sensor/spool_meta.h sensor/spool_meta.c \
	sensor/spool_seg.h sensor/spool_seg.c \
	sensor/spool.h sensor/spool_state.h \
	sensor/spool.c sensor/spool_read.c sensor/spool_lose.c sensor/spool_open.c \
	sensor/batch.h sensor/batch.c \
	sensor/presence.h sensor/presence.c \
	sensor/spool_order.h sensor/spool_order.c \
	sensor/sender_entry.h sensor/sender_entry.c \
	sensor/sender.h sensor/sender_state.h sensor/sender.c \
	sensor/sender_hear.c \
	sensor/ledger_file.h sensor/ledger_file.c \
	sensor/ledger_ranges.h sensor/ledger_ranges.c \
	sensor/forward_ledger.h sensor/forward_ledger.c \
	sensor/loss_report.h sensor/loss_report.c \
	sensor/forward.h sensor/forward.c sensor/forward_state.h \
	sensor/forward_open.c sensor/forward_keys.c sensor/forward_tell.c

# worker and program
libsensor_a_SOURCES += \
	sensor/record.h sensor/record.c \
	sensor/fill.h sensor/fill.c \
	sensor/tag.h sensor/tag.c \
	sensor/evidence_before.h sensor/evidence_before.c \
	sensor/evidence_tap.h sensor/evidence_tap.c \
	sensor/evidence_name.h sensor/evidence_name.c \
	sensor/evidence_conf.h sensor/evidence_conf.c \
	sensor/evidence_dir.h sensor/evidence_dir.c \
	sensor/evidence_cut.h sensor/evidence_cut.c \
	sensor/evidence_desk.h sensor/evidence_desk.c \
	sensor/evidence.h sensor/evidence.c \
	sensor/stats_evidence.c \
	sensor/alert_conf.h sensor/alert_conf.c \
	sensor/log_payload.h sensor/log_payload.c \
	sensor/event_log.h sensor/event_log.c \
	sensor/event_line.h sensor/event_alert.c \
	sensor/tx_copy.h sensor/tx_copy.c sensor/event_kept.c \
	sensor/event_lane.h sensor/event_lane.c \
	sensor/event_contacts.c sensor/worker_contacts.c \
	sensor/event_lane.h sensor/event_lane.c \
	sensor/event_scene.h sensor/event_scene.c sensor/event_flow.c \
	sensor/pair_owners.h \
	sensor/retro_entry.h sensor/retro_entry.c \
	sensor/retro_ring.h sensor/retro_ring.c \
	sensor/retro_note.h sensor/retro_note.c \
	sensor/retro_table.h sensor/retro_table.c \
	sensor/retro_seg.h sensor/retro_seg.c \
	sensor/retro_index.h sensor/retro_index.c \
	sensor/retro_index_state.h sensor/retro_manifest.c \
	sensor/retro_merge.c sensor/retro_find.c \
	sensor/retro_answer.h sensor/retro_answer.c \
	sensor/retro.h sensor/retro.c \
	sensor/retro_ask.h sensor/retro_ask.c \
	sensor/worker.h sensor/worker_state.h sensor/worker_asks.c sensor/worker_ahead.c sensor/worker_alert.c \
	sensor/event_trace.h sensor/event_trace.c \
	sensor/event_scene.h sensor/event_scene.c sensor/event_flow.c \
	sensor/pair_owners.h \
	sensor/anchor.h sensor/worker.h sensor/worker_state.h sensor/worker_asks.c sensor/worker_ahead.c sensor/worker_alert.c \
	sensor/worker_stream.c sensor/worker_tx.c sensor/worker_flow.c \
	sensor/asset_priority.h sensor/asset_priority.c sensor/asset_missions.c \
	sensor/overload.h sensor/overload.c sensor/worker_shed.c \
	sensor/overload_conf.h sensor/overload_conf.c \
	sensor/worker.c \
	sensor/worker_counters.c \
	sensor/eve_out.h sensor/eve_out.c \
	sensor/eve_writer.h sensor/eve_writer.c \
	sensor/sink_order.h sensor/sink_order.c \
	sensor/sink.h sensor/sink.c \
	sensor/control_kept.h sensor/control_kept.c \
	sensor/control_feed.h sensor/control_feed.c \
	sensor/armed_set.h sensor/armed_set.c \
	sensor/armed_file.h sensor/armed_file.c \
	sensor/armed.h sensor/armed_state.h sensor/armed.c sensor/armed_fetch.c \
	sensor/armed_ask.c \
	sensor/reload.h sensor/reload.c \
	sensor/reload.h sensor/reload.c sensor/reload_past.h sensor/reload_past.c \
	sensor/replay.h sensor/replay_state.h sensor/replay.c \
	sensor/replay_rounds.c \
	sensor/live.h sensor/live_state.h sensor/live.c sensor/live_worker.c \
	sensor/live_port.c sensor/live_load.c \
	sensor/stats.h sensor/stats_overload.h sensor/stats.c sensor/stats_overload.c sensor/stats_retro.c \
	sensor/watch.h sensor/watch.c \
	sensor/packet_ledger.h sensor/packet_ledger.c \
	sensor/profile.h sensor/profile.c \
	sensor/progress.h sensor/progress.c \
	sensor/drop_report.h sensor/drop_report.c \
	sensor/options.h sensor/options_settings.h sensor/options_help.c \
	sensor/options_settings.c sensor/options.c \
	sensor/option_keys.h sensor/option_keys.c

# what whoever runs it is told
libsensor_a_SOURCES += \
	sensor/metrics.h sensor/metrics.c \
	sensor/service.h sensor/service.c \
	sensor/outputs.h sensor/outputs.c \
	sensor/confined.h sensor/confined.c

bin_PROGRAMS += picket-sensor
picket_sensor_SOURCES = sensor/main.c sensor/sensor.h \
	sensor/sensor_rules.c sensor/sensor_forward.c sensor/sensor_tick.c \
	sensor/sensor_posture.c sensor/sensor_exercise.c
picket_sensor_LDADD = libsensor.a librules.a libcommon.a $(SENSOR_LIBS) \
	$(RULES_LIBS) $(COMMON_LIBS) -lm
