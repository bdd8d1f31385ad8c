# SPDX-License-Identifier: Apache-2.0
# One target a parser; configure with CC=clang --enable-fuzzers
# --enable-sanitizers=address,undefined, then "make fuzz".
EXTRA_DIST += tests/fuzz/allow.in \
	tests/fuzz/capture.in \
	tests/fuzz/change.in \
	tests/fuzz/dataset.in \
	tests/fuzz/control.in \
	tests/fuzz/decode.in \
	tests/fuzz/delta.in \
	tests/fuzz/dns.in \
	tests/fuzz/eve.in \
	tests/fuzz/frame.in \
	tests/fuzz/http.in \
	tests/fuzz/indicators.in \
	tests/fuzz/ioc.in \
	tests/fuzz/ledger.in \
	tests/fuzz/policy.in \
	tests/fuzz/correlators.in \
	tests/fuzz/contacts.in \
	tests/fuzz/mac.in \
	tests/fuzz/pattern.in \
	tests/fuzz/prefilter.in \
	tests/fuzz/redis.in \
	tests/fuzz/retro.in \
	tests/fuzz/rule.in \
	tests/fuzz/rule_files.in \
	tests/fuzz/rule_model.in \
	tests/fuzz/signed.in \
	tests/fuzz/spool.in \
	tests/fuzz/ssh.in \
	tests/fuzz/stream.in \
	tests/fuzz/tls.in
FUZZ_TARGETS = tests/fuzz/fuzz_allow \
	tests/fuzz/fuzz_capture \
	tests/fuzz/fuzz_change \
	tests/fuzz/fuzz_dataset \
	tests/fuzz/fuzz_control \
	tests/fuzz/fuzz_decode \
	tests/fuzz/fuzz_delta \
	tests/fuzz/fuzz_dns \
	tests/fuzz/fuzz_eve \
	tests/fuzz/fuzz_frame \
	tests/fuzz/fuzz_http \
	tests/fuzz/fuzz_indicators \
	tests/fuzz/fuzz_ioc \
	tests/fuzz/fuzz_ledger \
	tests/fuzz/fuzz_policy \
	tests/fuzz/fuzz_correlators \
	tests/fuzz/fuzz_contacts \
	tests/fuzz/fuzz_mac \
	tests/fuzz/fuzz_pattern \
	tests/fuzz/fuzz_prefilter \
	tests/fuzz/fuzz_redis \
	tests/fuzz/fuzz_retro \
	tests/fuzz/fuzz_rule \
	tests/fuzz/fuzz_rule_files \
	tests/fuzz/fuzz_rule_model \
	tests/fuzz/fuzz_signed \
	tests/fuzz/fuzz_spool \
	tests/fuzz/fuzz_ssh \
	tests/fuzz/fuzz_stream \
	tests/fuzz/fuzz_tls
EXTRA_DIST += tests/fuzz/consult.in
EXTRA_DIST += tests/fuzz/rule_words.in
FUZZ_TARGETS += tests/fuzz/fuzz_consult
FUZZ_TARGETS += tests/fuzz/fuzz_rule_words
EXTRA_DIST += tests/fuzz/exchange.in
FUZZ_TARGETS += tests/fuzz/fuzz_exchange
EXTRA_DIST += tests/fuzz/part.in
FUZZ_TARGETS += tests/fuzz/fuzz_part
EXTRA_DIST += tests/fuzz/query.in
FUZZ_TARGETS += tests/fuzz/fuzz_query
EXTRA_DIST += tests/fuzz/stix_in.in
FUZZ_TARGETS += tests/fuzz/fuzz_stix_in
LIBS_FUZZ = libsensor.a librules.a libcommon.a $(SENSOR_LIBS) $(RULES_LIBS) \
	$(COMMON_LIBS) -lm

if FUZZERS
noinst_PROGRAMS += $(FUZZ_TARGETS)
tests_fuzz_fuzz_allow_SOURCES = tests/fuzz/fuzz_allow.c
tests_fuzz_fuzz_allow_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_allow_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
tests_fuzz_fuzz_capture_SOURCES = tests/fuzz/fuzz_capture.c
tests_fuzz_fuzz_capture_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_capture_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_change_SOURCES = tests/fuzz/fuzz_change.c tests/fuzz/fuzz_app.h
tests_fuzz_fuzz_change_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_change_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_exchange_SOURCES = tests/fuzz/fuzz_exchange.c
tests_fuzz_fuzz_exchange_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_exchange_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
tests_fuzz_fuzz_query_SOURCES = tests/fuzz/fuzz_query.c
tests_fuzz_fuzz_query_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_query_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
tests_fuzz_fuzz_stix_in_SOURCES = tests/fuzz/fuzz_stix_in.c
tests_fuzz_fuzz_stix_in_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_stix_in_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
tests_fuzz_fuzz_part_SOURCES = tests/fuzz/fuzz_part.c
tests_fuzz_fuzz_part_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_part_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
tests_fuzz_fuzz_rule_words_SOURCES = tests/fuzz/fuzz_rule_words.c
tests_fuzz_fuzz_rule_words_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_rule_words_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
tests_fuzz_fuzz_consult_SOURCES = tests/fuzz/fuzz_consult.c
tests_fuzz_fuzz_consult_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_consult_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
tests_fuzz_fuzz_dataset_SOURCES = tests/fuzz/fuzz_dataset.c
tests_fuzz_fuzz_dataset_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_dataset_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_ledger_SOURCES = tests/fuzz/fuzz_ledger.c
tests_fuzz_fuzz_ledger_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_ledger_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_correlators_SOURCES = tests/fuzz/fuzz_correlators.c
tests_fuzz_fuzz_correlators_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_correlators_LDADD = libcollector.a libcommon.a \
	$(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
tests_fuzz_fuzz_contacts_SOURCES = tests/fuzz/fuzz_contacts.c
tests_fuzz_fuzz_contacts_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_contacts_LDADD = libcollector.a libcommon.a \
	$(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
tests_fuzz_fuzz_policy_SOURCES = tests/fuzz/fuzz_policy.c
tests_fuzz_fuzz_policy_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_policy_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) \
	$(COMMON_LIBS) -lm
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c
tests_fuzz_fuzz_control_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_control_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_decode_SOURCES = tests/fuzz/fuzz_decode.c tests/sensor/pairs_right.h
tests_fuzz_fuzz_decode_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_decode_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_delta_SOURCES = tests/fuzz/fuzz_delta.c
tests_fuzz_fuzz_delta_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_delta_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz_dns.c tests/fuzz/fuzz_app.h tests/sensor/copy_same.h
tests_fuzz_fuzz_dns_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_dns_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_eve_SOURCES = tests/fuzz/fuzz_eve.c
tests_fuzz_fuzz_eve_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_eve_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c
tests_fuzz_fuzz_frame_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_frame_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c tests/sensor/http_rig.h tests/sensor/copy_same.h
tests_fuzz_fuzz_http_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_http_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_indicators_SOURCES = tests/fuzz/fuzz_indicators.c
tests_fuzz_fuzz_indicators_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_indicators_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_ioc_SOURCES = tests/fuzz/fuzz_ioc.c
tests_fuzz_fuzz_ioc_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_ioc_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_pattern_SOURCES = tests/fuzz/fuzz_pattern.c
tests_fuzz_fuzz_pattern_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_pattern_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_mac_SOURCES = tests/fuzz/fuzz_mac.c tests/fuzz/fuzz_key.h
tests_fuzz_fuzz_mac_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_mac_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_prefilter_SOURCES = tests/fuzz/fuzz_prefilter.c
tests_fuzz_fuzz_prefilter_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_prefilter_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_redis_SOURCES = tests/fuzz/fuzz_redis.c
tests_fuzz_fuzz_redis_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_redis_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_rule_files_SOURCES = tests/fuzz/fuzz_rule_files.c
tests_fuzz_fuzz_rule_files_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_rule_files_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_retro_SOURCES = tests/fuzz/fuzz_retro.c
tests_fuzz_fuzz_retro_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_retro_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_rule_SOURCES = tests/fuzz/fuzz_rule.c
tests_fuzz_fuzz_rule_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_rule_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_rule_model_SOURCES = tests/fuzz/fuzz_rule_model.c tests/rules/rule_model.c tests/rules/rule_model.h tests/rules/rule_case.h
tests_fuzz_fuzz_rule_model_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_rule_model_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_signed_SOURCES = tests/fuzz/fuzz_signed.c tests/fuzz/fuzz_key.h
tests_fuzz_fuzz_signed_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_signed_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_spool_SOURCES = tests/fuzz/fuzz_spool.c
tests_fuzz_fuzz_spool_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_spool_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_ssh_SOURCES = tests/fuzz/fuzz_ssh.c tests/fuzz/fuzz_app.h tests/sensor/copy_same.h
tests_fuzz_fuzz_ssh_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_ssh_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_stream_SOURCES = tests/fuzz/fuzz_stream.c
tests_fuzz_fuzz_stream_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_stream_LDADD = $(LIBS_FUZZ)
tests_fuzz_fuzz_tls_SOURCES = tests/fuzz/fuzz_tls.c tests/fuzz/fuzz_app.h tests/sensor/copy_same.h
tests_fuzz_fuzz_tls_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_tls_LDADD = $(LIBS_FUZZ)
endif

# Each target for FUZZ_SECONDS (default 60), from its seeds; what is found new
# stays in tests/fuzz/<target>.found below the build directory.
dist_check_SCRIPTS += tests/fuzz/fuzz.sh
fuzz: $(FUZZ_TARGETS)
	$(SHELL) $(srcdir)/tests/fuzz/fuzz.sh $(srcdir) $(FUZZ_TARGETS)
.PHONY: fuzz
