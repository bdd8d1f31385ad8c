# SPDX-License-Identifier: Apache-2.0
# Programs that tests and scripts use; never installed.
noinst_PROGRAMS += framepush
framepush_SOURCES = tests/tools/framepush.c
framepush_LDADD = libcommon.a $(COMMON_LIBS)
noinst_PROGRAMS += geoip2mmdb
geoip2mmdb_SOURCES = tests/tools/geoip2mmdb.c
geoip2mmdb_LDADD = libcommon.a
noinst_PROGRAMS += storefill
storefill_SOURCES = tests/tools/storefill.c tests/store_fixture.h tests/store_fixture.c
storefill_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
EXTRA_PROGRAMS += tests/tools/byte_gram_train
tests_tools_byte_gram_train_SOURCES = tests/tools/byte_gram_train.c
tests_tools_byte_gram_train_LDADD = $(BENCH_LIBS)
EXTRA_PROGRAMS += tests/tools/framesend
tests_tools_framesend_SOURCES = tests/tools/framesend.c
tests_tools_framesend_LDADD = libsensor.a librules.a libcommon.a \
	$(SENSOR_LIBS) $(RULES_LIBS) $(COMMON_LIBS) -lm
noinst_PROGRAMS += threadcall
threadcall_SOURCES = tests/tools/threadcall.c
noinst_PROGRAMS += without
without_SOURCES = tests/tools/without.c
without_LDADD = $(COMMON_LIBS)
noinst_PROGRAMS += patterncases
patterncases_SOURCES = tests/tools/patterncases.c
patterncases_LDADD = librules.a libcommon.a $(RULES_LIBS) $(COMMON_LIBS)
EXTRA_DIST += tests/tools/stix_pattern_oracle.py
EXTRA_DIST += tests/tools/contacts.py
noinst_PROGRAMS += leasewatch
leasewatch_SOURCES = tests/tools/leasewatch.c
leasewatch_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
