# SPDX-License-Identifier: Apache-2.0

# capture, decode
EXTRA_DIST += tests/fuzz/capture.in tests/fuzz/decode.in
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_capture tests/fuzz/fuzz_decode
tests_fuzz_fuzz_capture_SOURCES = tests/fuzz/fuzz_capture.c
tests_fuzz_fuzz_capture_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_capture_LDADD = libsensor.a libcommon.a $(SENSOR_LIBS) $(COMMON_LIBS)
tests_fuzz_fuzz_decode_SOURCES = tests/fuzz/fuzz_decode.c
tests_fuzz_fuzz_decode_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_decode_LDADD = libsensor.a libcommon.a $(SENSOR_LIBS) $(COMMON_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_http
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c tests/sensor/http_rig.h
tests_fuzz_fuzz_http_LDADD = $(LIBS_SENSOR)
tests_fuzz_fuzz_http_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/http.in/chunked \
	tests/fuzz/http.in/connect \
	tests/fuzz/http.in/deflate \
	tests/fuzz/http.in/empty-tx \
	tests/fuzz/http.in/folded \
	tests/fuzz/http.in/gap \
	tests/fuzz/http.in/gzip \
	tests/fuzz/http.in/gzip-name \
	tests/fuzz/http.in/gzip-twice \
	tests/fuzz/http.in/interim \
	tests/fuzz/http.in/junk \
	tests/fuzz/http.in/lone-cr \
	tests/fuzz/http.in/no-protocol \
	tests/fuzz/http.in/not-chunked \
	tests/fuzz/http.in/old \
	tests/fuzz/http.in/pipelined \
	tests/fuzz/http.in/simple \
	tests/fuzz/http.in/upgrade \
	tests/fuzz/http.in/zlib
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_dns tests/fuzz/fuzz_tls
tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz_dns.c tests/fuzz/fuzz_app.h
tests_fuzz_fuzz_dns_LDADD = $(LIBS_SENSOR)
tests_fuzz_fuzz_dns_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_tls_SOURCES = tests/fuzz/fuzz_tls.c tests/fuzz/fuzz_app.h
tests_fuzz_fuzz_tls_LDADD = $(LIBS_SENSOR)
tests_fuzz_fuzz_tls_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/dns.in tests/fuzz/tls.in

EXTRA_DIST += tests/fuzz/stream.in
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_stream
tests_fuzz_fuzz_stream_SOURCES = tests/fuzz/fuzz_stream.c
tests_fuzz_fuzz_stream_LDADD = $(LIBS_SENSOR)
tests_fuzz_fuzz_stream_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
endif
# transport
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_frame tests/fuzz/fuzz_spool
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c
tests_fuzz_fuzz_frame_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_frame_LDADD = libcommon.a $(COMMON_LIBS)
tests_fuzz_fuzz_spool_SOURCES = tests/fuzz/fuzz_spool.c
tests_fuzz_fuzz_spool_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_spool_LDADD = libsensor.a libcommon.a $(COMMON_LIBS)
endif
EXTRA_DIST += tests/fuzz/frame.in tests/fuzz/spool.in
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_eve
tests_fuzz_fuzz_eve_SOURCES = tests/fuzz/fuzz_eve.c
tests_fuzz_fuzz_eve_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_eve_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
endif
EXTRA_DIST += tests/fuzz/eve.in
