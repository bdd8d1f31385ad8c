# SPDX-License-Identifier: Apache-2.0
# Each directory of tests adds its own programs.
LIBS_COMMON = libcommon.a $(CMOCKA_LIBS) $(COMMON_LIBS)
LIBS_RULES = librules.a libcommon.a $(CMOCKA_LIBS) $(RULES_LIBS) $(COMMON_LIBS) -lm
LIBS_SENSOR = libsensor.a librules.a libcommon.a $(CMOCKA_LIBS) $(SENSOR_LIBS) $(RULES_LIBS) $(COMMON_LIBS) -lm
LIBS_COLLECTOR = libcollector.a libcommon.a $(CMOCKA_LIBS) $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm

UNIT_TESTS =
if HAVE_CMOCKA
include tests/common/local.mk
include tests/rules/local.mk
include tests/sensor/local.mk
include tests/collector/local.mk
endif
include tests/fuzz/local.mk
include tests/scale/local.mk
include tests/tools/local.mk
include tests/bench/local.mk
include tests/golden/local.mk
include tests/faults/drive.mk
include tests/faults/local.mk
include tests/e2e/local.mk
include tests/package/local.mk
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

# Tests that look at the tree and the programs rather than at one module.
dist_check_SCRIPTS += tests/check_layers.sh tests/check_docs.sh
dist_check_SCRIPTS += tests/check_words.sh
EXTRA_DIST += tests/layers.txt tests/browser/package.json \
	tests/browser/package-lock.json tests/browser/.npmrc \
	tests/browser/harness.mjs tests/browser/frame.mjs \
	tests/browser/users.mjs
TESTS += tests/check_layers.sh tests/check_docs.sh
TESTS += tests/check_words.sh
AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; builddir='$(builddir)'; export srcdir builddir;
SCRIPT_TESTS = tests/collector/test_ctl.sh tests/browser/console.sh tests/browser/views.sh
dist_check_SCRIPTS += $(SCRIPT_TESTS)
TESTS += $(SCRIPT_TESTS)

# Unit tests work and scripts wait: ./check gives each kind a lane of its own,
# once all that they need is built ("make check TESTS=").
.PHONY: check-units check-scripts
check-units:
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TEST_SUITE_LOG=test-units.log \
		TESTS='$(UNIT_TESTS)'
check-scripts:
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TEST_SUITE_LOG=test-scripts.log \
		TESTS='$(filter-out $(UNIT_TESTS),$(TESTS))'
CLEANFILES += test-units.log test-scripts.log
