# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += librules.a
librules_a_SOURCES = rules/inspect.h rules/rule.h

# language and matching
librules_a_SOURCES += \
	rules/range_set.h rules/range_set.c \
	rules/range_classes.h rules/range_classes.c \
	rules/digest_list.h rules/digest_list.c \
	rules/rule_op.h rules/rule_test.h rules/rule_prog.h \
	rules/rule_text.h rules/rule_text.c \
	rules/name_table.h rules/name_table.c \
	rules/dataset.h rules/dataset.c rules/dataset_catalog.c \
	rules/dataset_json.h rules/dataset_json.c rules/dataset_load.c \
	rules/rule_vars.h rules/rule_vars.c \
	rules/threshold_words.h rules/threshold_words.c \
	rules/rule_lex.h rules/rule_lex.c \
	rules/rule_class.h rules/rule_class.c \
	rules/rule_refs.h rules/rule_refs.c \
	rules/reputation.h rules/reputation.c \
	rules/geo.h rules/geo.c \
	rules/keyword.h rules/keyword.c \
	rules/rule_draft.h rules/rule_draft.c rules/rule_draft_bytes.c \
	rules/rule_parse_meta.c \
	rules/rule_parse_requires.c \
	rules/rule_parse_header.c \
	rules/rule_parse_content.c \
	rules/rule_parse_buffer.c \
	rules/rule_parse_pcre.c \
	rules/rule_parse_byte.c \
	rules/rule_parse_state.c \
	rules/rule_parse_xform.c \
	rules/rule_parse_measure.c \
	rules/rule_parse_shared.c \
	rules/rule_parse_fact.c \
	rules/rule_parse_app.c \
	rules/rule_parse_tls.c \
	rules/rule_parse_addr.c \
	rules/rule_parse_effect.c \
	rules/rule_parse_file.c \
	rules/rule_parse.h rules/rule_parse.c \
	rules/rule_check.h rules/rule_check.c \
	rules/rule_shape.h rules/rule_shape.c \
	rules/rule_kind.h rules/rule_kind.c \
	rules/fast_pattern.h rules/fast_pattern.c \
	rules/rule_compile.h rules/rule_compile.c \
	rules/rule_search.h rules/rule_search.c rules/rule_search_path.h \
	rules/rule_search_x86.c rules/rule_search_arm.c \
	rules/rule_bytes.h rules/rule_bytes.c \
	rules/rule_measure.h rules/rule_measure.c \
	rules/rule_notes.h rules/rule_notes.c \
	rules/xform_domain.h rules/xform_domain.c \
	rules/xform_inflate.h rules/xform_inflate.c \
	rules/rule_xform.h rules/rule_xform.c \
	rules/pcre_shape.h rules/pcre_shape.c \
	rules/rule_verify.h rules/rule_verify_run.h rules/rule_verify.c \
	rules/rule_verify_need.c rules/rule_need.h rules/rule_need.c \
	rules/rule_state.h rules/rule_state.c \
	rules/rule_facts.h rules/rule_facts.c \
	rules/header_index.h rules/header_index.c \
	rules/rule_scan.h rules/rule_scan.c rules/rule_ports.c \
	rules/rule_group.h rules/rule_group.c \
	rules/rule_place.h rules/rule_place.c rules/rule_bare.c \
	rules/rule_file.h rules/rule_file.c \
	rules/ruleset_db.h rules/ruleset_order.c rules/ruleset_shared.c rules/ruleset_asks.c \
	rules/ruleset_heir.c rules/ruleset_part.c \
	rules/threshold_file.h rules/threshold_file.c \
	rules/addr_front.h rules/addr_front.c \
	rules/addr_index.h rules/addr_index.c \
	rules/order_set.h rules/order_set.c \
	rules/literal_table.h rules/literal_table.c \
	rules/ruleset.h rules/ruleset.c rules/ruleset_read.h \
	rules/ruleset_read.c rules/ruleset_finish.c \
	rules/admission.h rules/admission_survey.h rules/admission.c \
	rules/admission_cost.c rules/admission_print.c \
	rules/admission_state.c \
	rules/rule_matcher.h rules/rule_gather.c rules/rule_try.c \
	rules/shared_bits.h rules/shared_bits.c \
	rules/shared_claim.h rules/shared_claim.c \
	rules/shared_state.h rules/shared_state.c \
	rules/rule_matcher.h rules/rule_gather.c rules/rule_shared.c \
	rules/rule_try.c rules/rule_try_lists.c rules/rule_try_tx.c \
	rules/rule_hit.c \
	rules/rule_profile.h rules/rule_profile_db.h rules/rule_profile.c \
	rules/rule_plan.h rules/rule_plan.c \
	rules/rule_match.h rules/rule_match.c

# prefilter, indicators, thresholds
librules_a_SOURCES += \
	rules/byte_gram.h rules/byte_gram.c \
	rules/byte_gram_data.h rules/byte_gram_data.c \
	rules/prefilter.h rules/prefilter.c \
	rules/prefilter_linear.h rules/prefilter_linear.c \
	rules/prefilter_db.h rules/prefilter_path.h rules/prefilter_path.c \
	rules/prefilter_portable.c rules/prefilter_four.h \
	rules/prefilter_short.h rules/prefilter_sift.h \
	rules/prefilter_target.h \
	rules/prefilter_ssse3.c rules/prefilter_avx2.c \
	rules/prefilter_avx512.c rules/prefilter_neon.c \
	rules/prefilter_lane.h rules/prefilter_keys.c \
	rules/prefilter_automaton.c rules/prefilter_apart.c \
	rules/prefilter_table.c rules/prefilter_build.c \
	rules/ioc_set.h rules/ioc_set.c \
	rules/ioc_repeat.c \
	rules/ioc_set_db.h \
	rules/ioc_table.h rules/ioc_table.c \
	rules/ioc_trie.h rules/ioc_trie.c \
	rules/ioc_find.c \
	rules/observation.h \
	rules/ioc_pattern_prog.h rules/ioc_pattern_prog.c \
	rules/ioc_pattern_run.h rules/ioc_pattern_run.c \
	rules/ioc_pattern_set.h rules/ioc_pattern_set.c \
	rules/ioc_pattern_find.c \
	rules/ioc_pattern_match.h rules/ioc_pattern_match.c \
	rules/ioc_pattern_observe.c rules/ioc_matching.c \
	rules/ioc_pattern_state.h rules/ioc_pattern_state.c \
	rules/ioc_pattern_search.c \
	rules/pattern_list.h rules/pattern_list.c \
	rules/ioc_live.h rules/ioc_live_db.h rules/ioc_live_reader.h \
	rules/ioc_live.c rules/ioc_live_table.c rules/ioc_live_note.c \
	rules/ioc_live_find.c \
	rules/ioc_live_walk.c \
	rules/ioc_match.c \
	rules/ioc_rule.c \
	rules/ioc_load.h rules/ioc_load.c \
	rules/keyhash.h rules/keyhash.c \
	rules/aged_table.h rules/aged_table.c \
	rules/threshold.h rules/threshold.c \
	rules/held.h rules/held.c

# Rules and indicators that ship.
rulesdir = $(pkgdatadir)/rules
dist_rules_DATA = \
	rules/dist/base-dns.rules \
	rules/dist/base-policy.rules \
	rules/dist/base-scan.rules \
	rules/dist/base-tls.rules \
	rules/dist/base-web.rules \
	rules/dist/classification.config \
	rules/dist/exercise-indicators.csv \
	rules/dist/exercise-indicators.stix.json \
	rules/dist/exercise.rules \
	rules/dist/reference.config

# Lists of what is shared by many, for the collector's gate.
allowdir = $(pkgdatadir)/allow
dist_allow_DATA = \
	rules/dist/allow/documentation.txt \
	rules/dist/allow/empty.txt \
	rules/dist/allow/reserved.txt \
	rules/dist/allow/resolvers.txt \
	rules/dist/allow/shared.txt \
	rules/dist/allow/shorteners.txt \
	rules/dist/allow/top.txt
