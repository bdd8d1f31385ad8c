# SPDX-License-Identifier: Apache-2.0

# prefilter, indicators, thresholds
UNIT_TESTS += tests/rules/test_prefilter
tests_rules_test_prefilter_SOURCES = tests/rules/test_prefilter.c
tests_rules_test_prefilter_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_prefilter_abuse
tests_rules_test_prefilter_abuse_SOURCES = tests/rules/test_prefilter_abuse.c
tests_rules_test_prefilter_abuse_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_threshold
tests_rules_test_threshold_SOURCES = tests/rules/test_threshold.c
tests_rules_test_threshold_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_ioc_set
tests_rules_test_ioc_set_SOURCES = tests/rules/test_ioc_set.c
tests_rules_test_ioc_set_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_ioc_load
tests_rules_test_ioc_load_SOURCES = tests/rules/test_ioc_load.c
tests_rules_test_ioc_load_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_ioc_pattern
tests_rules_test_ioc_pattern_SOURCES = tests/test.h tests/cpu_time.h \
	tests/rules/test_ioc_pattern.c
tests_rules_test_ioc_pattern_LDADD = $(LIBS_RULES)

# language and matching
UNIT_TESTS += tests/rules/test_ruleset_corpus
tests_rules_test_ruleset_corpus_SOURCES = tests/rules/test_ruleset_corpus.c
tests_rules_test_ruleset_corpus_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_rule_match
tests_rules_test_rule_match_SOURCES = tests/rules/test_rule_match.c \
	tests/rules/rule_bench.h tests/rules/rule_case.h
tests_rules_test_rule_match_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_rule_match_flow
tests_rules_test_rule_match_flow_SOURCES = tests/rules/test_rule_match_flow.c \
	tests/rules/rule_bench.h tests/rules/rule_case.h
tests_rules_test_rule_match_flow_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_rule_match_file
tests_rules_test_rule_match_file_SOURCES = tests/rules/test_rule_match_file.c \
	tests/rules/rule_bench.h tests/rules/rule_case.h
tests_rules_test_rule_match_file_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_rule_plan
tests_rules_test_rule_plan_SOURCES = tests/rnd.h tests/rules/test_rule_plan.c tests/rules/rule_case.h
tests_rules_test_rule_plan_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_rule_parse
tests_rules_test_rule_parse_SOURCES = tests/rules/test_rule_parse.c tests/rules/rule_case.h
tests_rules_test_rule_parse_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_literal_table
tests_rules_test_literal_table_SOURCES = tests/rnd.h tests/rules/test_literal_table.c tests/rules/rule_case.h
tests_rules_test_literal_table_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_admission
tests_rules_test_admission_SOURCES = tests/rules/test_admission.c tests/rules/rule_case.h
tests_rules_test_admission_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_rule_model
tests_rules_test_rule_model_SOURCES = tests/rules/test_rule_model.c tests/rules/rule_model.c tests/rules/rule_model.h tests/rules/rule_case.h
tests_rules_test_rule_model_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_rule_mutants
tests_rules_test_rule_mutants_SOURCES = tests/rules/test_rule_mutants.c \
	tests/rules/rule_case.h tests/cpu_time.h
tests_rules_test_rule_mutants_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_keywords
tests_rules_test_keywords_SOURCES = tests/rules/test_keywords.c tests/rules/keyword_case.c tests/rules/keyword_cases.c tests/rules/keyword_case.h tests/rules/rule_case.h tests/rules/address_lists.h
tests_rules_test_keywords_LDADD = $(LIBS_RULES)

# state that flows share
UNIT_TESTS += tests/rules/test_dataset
tests_rules_test_dataset_SOURCES = tests/rules/test_dataset.c
tests_rules_test_dataset_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_shared_state
tests_rules_test_shared_state_SOURCES = tests/rules/test_shared_state.c tests/rules/rule_case.h
tests_rules_test_shared_state_LDADD = $(LIBS_RULES)

# searching one content
UNIT_TESTS += tests/rules/test_rule_search
tests_rules_test_rule_search_SOURCES = tests/rules/test_rule_search.c
tests_rules_test_rule_search_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_pcre_shape
tests_rules_test_pcre_shape_SOURCES = tests/rules/test_pcre_shape.c
tests_rules_test_pcre_shape_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_rule_need
tests_rules_test_rule_need_SOURCES = tests/rules/test_rule_need.c tests/rules/rule_case.h
tests_rules_test_rule_need_LDADD = $(LIBS_RULES)
UNIT_TESTS += tests/rules/test_ioc_live
tests_rules_test_ioc_live_SOURCES = tests/test.h tests/rules/test_ioc_live.c
tests_rules_test_ioc_live_LDADD = $(LIBS_RULES) -lpthread
UNIT_TESTS += tests/rules/test_pattern_list
tests_rules_test_pattern_list_SOURCES = tests/test.h \
	tests/rules/test_pattern_list.c
tests_rules_test_pattern_list_LDADD = $(LIBS_RULES) -lpthread
