# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += librules.a
librules_a_SOURCES = rules/inspect.h rules/rule.h

# language and matching
librules_a_SOURCES += \
	rules/ruleset.h \
	rules/rule_match.h

# prefilter, indicators, thresholds
librules_a_SOURCES += \
	rules/prefilter.h rules/prefilter.c \
	rules/prefilter_db.h rules/prefilter_build.c \
	rules/ioc_set.h \
	rules/keyhash.h rules/keyhash.c \
	rules/threshold.h rules/threshold.c
