# SPDX-License-Identifier: Apache-2.0
# What is installed, and the Debian packages.
PACKAGE_TESTS = tests/package/install.sh tests/package/completion.sh \
	tests/package/syscalls.sh tests/package/rights.sh
dist_check_SCRIPTS += $(PACKAGE_TESTS) tests/package/deb.sh
TESTS += $(PACKAGE_TESTS)

# Minutes, and needs debhelper: builds the packages twice, compares and tries
# them.
.PHONY: deb-check
deb-check: all
	srcdir='$(srcdir)' builddir='$(builddir)' \
		$(SHELL) $(srcdir)/tests/package/deb.sh

EXTRA_DIST += tests/package/syscalls.py debian/changelog debian/control debian/copyright debian/rules \
	debian/source/format debian/picket-sensor.install \
	debian/picket-collector.install debian/picketctl.install \
	debian/picket-doc.install
