# SPDX-License-Identifier: Apache-2.0
# Random faults against the three programs: a short form in "make check",
# "make faults RUNS=100 SEED=1 ONLY=kill-sensor,redis-empty BROKER=tls" for all
# of it, and
# "make faults-mistakes" to see that planted mistakes are found.
RUNS = 100

check_PROGRAMS += tests/faults/fault_proxy
tests_faults_fault_proxy_SOURCES = tests/faults/fault_proxy.c
tests_faults_fault_proxy_LDADD =

DRIVER_TESTS = tests/faults/short.sh
dist_check_SCRIPTS += $(DRIVER_TESTS)
TESTS += $(DRIVER_TESTS)
EXTRA_DIST += tests/faults/brokers.py tests/faults/drive.py tests/faults/faults.py \
	tests/faults/oracle.py tests/faults/scene.py tests/faults/spool.py \
	tests/faults/world.py tests/faults/load.rules \
	tests/faults/mistakes.sh \
	tests/faults/mistakes/freed-on-reply.patch \
	tests/faults/mistakes/gap-for-what-is-late.patch \
	tests/faults/mistakes/highest-number-committed.patch \
	tests/faults/mistakes/marks-forgotten.patch \
	tests/faults/mistakes/never-again.patch \
	tests/faults/mistakes/no-unique-key.patch \
	tests/faults/mistakes/numbers-given-twice.patch \
	tests/faults/mistakes/told-before-commit.patch \
	tests/faults/mistakes/torn-tail-taken.patch

.PHONY: faults faults-mistakes
faults: picket-sensor picket-collector picketctl tests/faults/fault_proxy
	python3 $(srcdir)/tests/faults/drive.py --bin . \
		--proxy tests/faults/fault_proxy --runs $(RUNS) \
		$(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) \
		$(if $(BROKER),--broker $(BROKER))

faults-mistakes: picket-sensor picket-collector picketctl \
		tests/faults/fault_proxy
	srcdir=$(srcdir) builddir=. sh $(srcdir)/tests/faults/mistakes.sh
