# SPDX-License-Identifier: Apache-2.0
# Programs that tests and scripts use; never installed.
noinst_PROGRAMS += framepush
framepush_SOURCES = tests/tools/framepush.c
framepush_LDADD = libcommon.a $(COMMON_LIBS)
