# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libcollector.a
libcollector_a_SOURCES = \
	collector/evidence_fetch.h collector/evidence_fetch.c \
	collector/evidence_bundle.h collector/evidence_bundle.c \
	collector/ingest.h collector/ingest_state.h collector/ingest.c \
	collector/ingest_streams.c collector/ingest_entry.c collector/ingest_full.c \
	collector/ingest_answer.c \
	collector/arm.h collector/arm_state.h collector/arm.c \
	collector/arm_chain.c collector/arm_base.c \
	collector/arming.h collector/arming.c \
	collector/inflate.h collector/inflate.c \
	collector/keyring.h collector/keyring.c \
	collector/prepare.h collector/prepare.c \
	collector/options.h collector/options.c \
	collector/options_settings.c \
	collector/dedupe.h collector/dedupe.c \
	collector/mission.h collector/mission_map.h collector/mission.c \
	collector/mission_yaml.h collector/mission_yaml.c \
	collector/yaml_file.h collector/yaml_file.c \
	collector/mission_needs.c collector/mission_read.c \
	collector/mission_graph.c \
	collector/mission_impact.h collector/mission_impact.c \
	collector/assess_impact.c \
	collector/mission_marks.c collector/mark_set.h collector/mark_set.c \
	collector/enrich.h collector/enrich.c \
	collector/stage.h collector/stage.c \
	collector/sighting.h collector/sighting.c \
	collector/correlate.h collector/correlate_state.h \
	collector/correlate_case.h collector/correlate_split.c \
	collector/correlate_mute.c collector/correlate_refute.c \
	collector/correlate.c collector/correlate_flood.c collector/correlate_run.c \
	collector/correlate_incident.c collector/correlate_load.c \
	collector/severity.h collector/severity.c \
	collector/silence.h collector/silence.c \
	collector/silence_store.h collector/silence_store.c \
	collector/assess.h collector/assess_facts.h collector/assess.c \
	collector/assess_gather.c collector/assess_words.c \
	collector/store_sql.h collector/store_sql.c \
	collector/store_line.h collector/store_line.c \
	collector/store_convert.h collector/store_convert.c \
	collector/store_schema.h collector/store_schema.c \
	collector/store_tables.h collector/store_tables.c \
	collector/twin.h collector/twin.c \
	collector/twin.h collector/twin_state.h collector/twin.c \
	collector/twin_same.c collector/twin_join.c \
	collector/skew.h collector/skew_state.h collector/skew.c \
	collector/skew_solve.c \
	collector/taps.h collector/taps_state.h collector/taps.c \
	collector/taps_load.c collector/taps_join.c collector/taps_read.c \
	collector/taps_json.h collector/taps_json.c \
	collector/lease_file.h collector/lease_file.c \
	collector/lease.h collector/lease_state.h collector/lease.c \
	collector/lease_take.c \
	collector/store_reader.h collector/store_reader.c \
	collector/store_bound.h collector/store_bound.c \
	collector/store_read.h collector/store_read.c \
	collector/store_query.h collector/store_query.c \
	collector/query.h collector/query.c \
	collector/query_sql.h collector/query_sql.c \
	collector/store_search.h collector/store_alerts.c \
	collector/store_alert_frame.c \
	collector/store_inbox.h collector/store_inbox_state.h \
	collector/store_inbox.c collector/store_inbox_act.c \
	collector/store_cases.h collector/store_cases.c \
	collector/store_json.h collector/store_json.c \
	collector/console_asset.h collector/console_asset.c \
	collector/console_viewer.h \
	collector/console_right.h collector/console_right.c \
	collector/console_user.h collector/console_user.c \
	collector/console_user_hash.c \
	collector/console_session.h collector/console_session.c \
	collector/console_pace.h collector/console_pace.c \
	collector/console_people.h collector/console_people.c \
	collector/console_question.h collector/console_question.c \
	collector/console_lists.h collector/console_lists.c \
	collector/rule_words.h collector/rule_words.c \
	collector/console_alert.h collector/console_alert.c \
	collector/case_graph.h collector/case_graph.c \
	collector/case_story.c \
	collector/console_case_do.h collector/console_case_do.c \
	collector/case_export.h collector/case_export.c \
	collector/console_cases.h collector/console_cases.c \
	collector/inbox_json.h collector/inbox_json.c \
	collector/console_suggest.h collector/console_suggest.c \
	collector/console_inbox.h collector/console_inbox.c \
	collector/console_inbox_do.c \
	collector/console_api.h collector/console_api.c \
	collector/console_events.h collector/console_events.c \
	collector/console_check.h collector/console_check.c \
	collector/console_http.h collector/console_http.c \
	collector/console.h collector/console.c \
	collector/store.h collector/store.c \
	collector/store_runs.h collector/store_runs.c \
	collector/store_ledger.h collector/store_ledger.c \
	collector/store_ledger_read.c \
	collector/store_epoch.h collector/store_epoch.c \
	collector/blind_overload.h collector/blind_overload.c \
	collector/blind.h collector/blind.c \
	collector/store_blind.h collector/store_blind.c \
	collector/store_cover.h collector/store_cover.c \
	collector/blind_json.h collector/blind_json.c \
	collector/store_signed.h collector/store_signed.c \
	collector/contacts_in.h collector/contacts_in.c \
	collector/baseline.h collector/baseline.c \
	collector/finding.h collector/finding.c \
	collector/finding_state.h collector/finding_state.c \
	collector/finding_state_parts.h collector/finding_state_store.c \
	collector/finding_run.h collector/finding_run.c \
	collector/finding_parts.h collector/finding_sweep.c \
	collector/finding_spread.c collector/finding_beacon.c \
	collector/finding_lateral.c collector/finding_usual.c \
	collector/finding_store.h collector/finding_store.c \
	collector/pipeline_finding.c \
	collector/correlator_file.h collector/correlator_file.c \
	collector/correlator_store.h collector/correlator_store.c \
	collector/posture_file.h collector/posture_file.c \
	collector/store_posture.h collector/store_posture.c \
	collector/straggler.h collector/straggler.c \
	collector/order_send.h collector/order_send.c \
	collector/exercise_file.h collector/exercise_file.c \
	collector/store_exercise.h collector/store_exercise.c \
	collector/spelling.h collector/spelling.c \
	collector/store_warning.h collector/store_warning.c \
	collector/store_warning_state.h collector/store_warning_follow.c \
	collector/mute_store.h collector/mute_store.c \
	collector/case_order.h collector/case_order.c \
	collector/pipeline_case.h collector/pipeline_case.c \
	collector/pipeline_refute.c \
	collector/pipeline_silence.c \
	collector/pipeline_taps.c \
	collector/store.h collector/store.c collector/store_state.h \
	collector/store_checkpoint.h collector/store_checkpoint.c \
	collector/store_name.c collector/store_sums.c collector/store_group.c \
	collector/store_sweep.c \
	collector/store_name.c collector/store_group.c \
	collector/store_frame.c collector/store_expire.c \
	collector/store_mark.c collector/store_incident.c \
	collector/health.h collector/health.c \
	collector/feed.h collector/feed.c \
	collector/pipeline.h collector/pipeline.c \
	collector/pipeline_state.h collector/pipeline_epoch.c \
	collector/pipeline_frame.c collector/pipeline_incident.c \
	collector/pipeline_indicators.c \
	collector/pipeline_posture.h collector/pipeline_posture.c \
	collector/pipeline_exercise.h collector/pipeline_exercise.c \
	collector/pipeline_warn.h collector/pipeline_warn.c \
	collector/pipeline_trust.c collector/pipeline_commit.c

# the common set and its gate
libcollector_a_SOURCES += \
	collector/indicator_pack.h collector/indicator_pack.c \
	collector/indicator_inbox.h collector/indicator_inbox.c \
	collector/indicator_store.h collector/indicator_store.c \
	collector/indicator_store_state.h collector/indicator_store_settle.c \
	collector/indicator_files.h collector/indicator_files.c \
	collector/indicator_list.h collector/indicator_list.c \
	collector/allow_list.h collector/allow_list.c \
	collector/allow_list_state.h collector/allow_list_read.c \
	collector/allow_reader.h collector/allow_reader.c \
	collector/gate_history.h collector/gate_history.c \
	collector/gate.h collector/gate.c \
	collector/indicator_word.h collector/indicator_word.c \
	collector/common_set.h collector/common_set_state.h collector/common_set.c \
	collector/common_set_put.c
# indicators of others
libcollector_a_SOURCES += \
	collector/taxii_http.h collector/taxii_http.c \
	collector/taxii.h collector/taxii.c \
	collector/indicator_polls.h collector/indicator_polls.c \
	collector/indicator_polls_conf.c \
	collector/indicator_poll_store.h collector/indicator_poll_store.c
# other consoles
libcollector_a_SOURCES += \
	collector/output_conf.h collector/output_conf.c \
	collector/output_read.h collector/output_read.c \
	collector/output_cursor.h collector/output_cursor.c \
	collector/output_ecs.h collector/output_ecs.c \
	collector/output_send.h collector/output_http.c collector/output_sock.c \
	collector/output.h collector/output.c
# exchange with other parties
libcollector_a_SOURCES += \
	collector/exchange_frame.h collector/exchange_frame.c \
	collector/exchange_conf.h collector/exchange_conf.c
# what partners tell
libcollector_a_SOURCES += \
	collector/stix_in.h collector/stix_in_state.h \
	collector/stix_in.c collector/stix_in_object.c collector/stix_in_words.c \
	collector/store_partner.h collector/store_partner.c \
	collector/exchange_apply.h collector/exchange_apply.c \
	collector/partner_json.h collector/partner_json.c \
	collector/exchange_pace.h collector/exchange_pace.c \
	collector/exchange_in.h collector/exchange_in.c \
	collector/exchange_in_files.c \
	collector/pipeline_exchange.h collector/pipeline_exchange.c
libcollector_a_SOURCES += \
	collector/exchange_out_store.h collector/exchange_out_store.c \
	collector/exchange_recall.h collector/exchange_recall.c \
	collector/exchange_fill.h collector/exchange_fill.c \
	collector/exchange_send.h collector/exchange_send.c \
	collector/exchange_files.h collector/exchange_files.c \
	collector/exchange_json.h collector/exchange_json.c \
	collector/exchange_out.h collector/exchange_out.c
# what the owners have to say to each other
libcollector_a_SOURCES += \
	collector/consult.h collector/consult.c collector/consult_fold.c \
	collector/consult_read.c \
	collector/consult_rule.h collector/consult_rule.c \
	collector/store_consult.h collector/store_consult.c \
	collector/store_consult_group.c collector/store_consult_read.c \
	collector/counterpart.h collector/counterpart.c \
	collector/situation.h collector/situation.c \
	collector/store_consult_speak.h collector/store_consult_speak.c \
	collector/pipeline_consult.c

# what whoever runs it is told
libcollector_a_SOURCES += \
	collector/pseudonym.h collector/pseudonym.c \
	collector/share_policy.h collector/share_policy.c \
	collector/redact.h collector/redact_scan.h collector/redact.c \
	collector/redact_scan.c \
	collector/redact_fold.h collector/redact_fold.c \
	collector/redact_names.h collector/redact_names.c \
	collector/release.h collector/release.c \
	collector/audit.h collector/audit.c \
	collector/stix_out.h collector/stix_out.c \
	collector/share.h collector/share_state.h collector/share.c \
	collector/share_sightings.c collector/share_incidents.c \
	collector/share_step.h collector/share_step.c \
	collector/share_words.h collector/share_words.c \
	collector/share_indicators.c collector/share_consults.c \
	collector/share_audit.c \
	collector/share_held.h collector/share_held.c \
	collector/metrics_store.h collector/metrics_store.c \
	collector/metrics.h collector/metrics.c \
	collector/service.h collector/service.c \
	collector/confined.h collector/confined.c \
	collector/part.h collector/part.c \
	collector/part_pack.h collector/part_pack_state.h \
	collector/part_pack.c collector/part_unpack.c \
	collector/part_out.h collector/part_out_state.h collector/part_out.c \
	collector/part_out_send.c \
	collector/part_in.h collector/part_in_state.h collector/part_in.c \
	collector/part_json.h collector/part_json.c \
	collector/part_in_store.c collector/part_in_redis.c \
	collector/pipeline_part.h collector/pipeline_part.c \
	collector/check.h collector/check.c

# what analysts do, from the console and from a shell
libcollector_a_SOURCES += \
	collector/indicator_json.h collector/indicator_json.c \
	collector/indicator_change.h collector/indicator_change.c \
	collector/posture_view.h collector/posture_view.c \
	collector/exercise_json.h collector/exercise_json.c \
	collector/exercise_report.h collector/exercise_report_state.h \
	collector/exercise_report.c collector/exercise_report_md.c \
	collector/exercise_report_html.c \
	collector/exercise_report_read.c \
	collector/console_indicators.h collector/console_indicators.c \
	collector/store_rules.h collector/store_rules.c \
	collector/console_ops.h collector/console_ops.c

# The console's page is part of the program.
CONSOLE_ASSETS = collector/assets/index.html collector/assets/style.css \
	collector/assets/print.css \
	collector/assets/icon.svg \
	collector/assets/app.js collector/assets/views.js \
	collector/assets/ui.js collector/assets/store.js \
	collector/assets/words.js collector/assets/time.js \
	collector/assets/api.js collector/assets/live.js \
	collector/assets/router.js collector/assets/keys.js \
	collector/assets/toast.js collector/assets/theme.js \
	collector/assets/table.js collector/assets/query.js \
	collector/assets/chart.js collector/assets/scope.js \
	collector/assets/map.js \
	collector/assets/view_picture.js \
	collector/assets/view_sensors.js \
	collector/assets/view_login.js \
	collector/assets/view_account.js \
	collector/assets/view_users.js \
	collector/assets/vendor/world.js \
	collector/assets/vendor/htm-preact.js \
	collector/assets/vendor/uPlot.js collector/assets/vendor/uPlot.css
# The former page, until every view of it has a successor.
CONSOLE_ASSETS += collector/assets/old.html collector/assets/old.css \
	collector/assets/old_app.js collector/assets/old_dom.js \
	collector/assets/old_incident.js collector/assets/old_alert.js \
	collector/assets/old_coverage.js collector/assets/old_chart.js
EXTRA_DIST += collector/assets/vendor/README \
	collector/assets/vendor/LICENSE.htm \
	collector/assets/vendor/LICENSE.preact \
	collector/assets/vendor/LICENSE.uPlot \
	collector/assets/vendor/LICENSE.world-atlas
nodist_libcollector_a_SOURCES = collector/assets/embedded.c
EXTRA_DIST += collector/assets/embed.sh $(CONSOLE_ASSETS)
CLEANFILES += collector/assets/embedded.c
collector/assets/embedded.c: collector/assets/embed.sh $(CONSOLE_ASSETS) \
		collector/assets/words.ja.js
	$(AM_V_GEN)$(MKDIR_P) collector/assets && cd $(srcdir) && \
	$(SHELL) collector/assets/embed.sh $(CONSOLE_ASSETS) \
	$(abs_builddir)/collector/assets/words.ja.js >$(abs_builddir)/$@.tmp && \
	cd $(abs_builddir) && mv -f $@.tmp $@

bin_PROGRAMS += picket-collector
picket_collector_SOURCES = collector/main.c
picket_collector_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm

bin_PROGRAMS += picketctl
picketctl_SOURCES = collector/ctl.c \
	collector/ctl_options.h collector/ctl_options.c \
	collector/ctl_command.h collector/ctl_command.c \
	collector/ctl_text.h collector/ctl_text.c \
	collector/ctl_show.h collector/ctl_show.c collector/ctl_refused.c \
	collector/ctl_alerts.c \
	collector/ctl_inbox.h collector/ctl_inbox.c \
	collector/ctl_top.h collector/ctl_top.c \
	collector/ctl_keys.h collector/ctl_keys.c \
	collector/ctl_incident.h collector/ctl_incident.c \
	collector/ctl_armed.h collector/ctl_armed.c \
	collector/ctl_indicator.h collector/ctl_indicator.c \
	collector/ctl_indicator_do.h collector/ctl_indicator_do.c \
	collector/ctl_consult.h collector/ctl_consult.c \
	collector/ctl_ledger.h collector/ctl_ledger.c \
	collector/ctl_blind.h collector/ctl_blind.c \
	collector/ctl_posture.h collector/ctl_posture.c \
	collector/ctl_exercise.h collector/ctl_exercise.c \
	collector/ctl_warning.h collector/ctl_warning.c \
	collector/ctl_partner.h collector/ctl_partner.c \
	collector/ctl_part.h collector/ctl_part.c \
	collector/ctl_finding.h collector/ctl_finding.c \
	collector/ctl_rules.h collector/ctl_rules.c \
	collector/ctl_correlator.h collector/ctl_correlator.c \
	collector/ctl_case.h collector/ctl_case.c \
	collector/ctl_share.h collector/ctl_share.c \
	collector/ctl_exchange.h collector/ctl_exchange.c \
	collector/ctl_audit.h collector/ctl_audit.c \
	collector/ctl_evidence.h collector/ctl_evidence.c \
	collector/ctl_taps.h collector/ctl_taps.c \
	collector/ctl_collectors.h collector/ctl_collectors.c \
	collector/ctl_control.h collector/ctl_control.c
picketctl_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
