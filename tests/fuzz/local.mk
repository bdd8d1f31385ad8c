# SPDX-License-Identifier: Apache-2.0

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
