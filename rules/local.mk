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
	rules/ioc_set.h rules/ioc_set.c \
	rules/ioc_set_db.h \
	rules/ioc_table.h rules/ioc_table.c \
	rules/ioc_trie.h rules/ioc_trie.c \
	rules/ioc_value.h rules/ioc_value.c \
	rules/ioc_find.c \
	rules/ioc_match.c \
	rules/ioc_rule.c \
	rules/ioc_load.h rules/ioc_load.c \
	rules/ioc_reading.h rules/ioc_words.c \
	rules/ioc_text.c \
	rules/ioc_pattern.h rules/ioc_pattern.c \
	rules/ioc_stix.c \
	rules/ioc_misp.c \
	rules/keyhash.h rules/keyhash.c \
	rules/threshold.h rules/threshold.c
