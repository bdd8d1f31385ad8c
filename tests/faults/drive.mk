# SPDX-License-Identifier: Apache-2.0
# Random faults against the three programs: a short form in "make check",
# "make faults RUNS=100 SEED=1 ONLY=kill-sensor,redis-empty" for all of it, and
# "make faults-mistakes" to see that planted mistakes are found.
RUNS = 100

check_PROGRAMS += tests/faults/fault_proxy
tests_faults_fault_proxy_SOURCES = tests/faults/fault_proxy.c
tests_faults_fault_proxy_LDADD =

FAULT_TESTS = tests/faults/short.sh
dist_check_SCRIPTS += $(FAULT_TESTS)
TESTS += $(FAULT_TESTS)
EXTRA_DIST += tests/faults/drive.py tests/faults/faults.py \
	tests/faults/oracle.py tests/faults/scene.py tests/faults/spool.py \
	tests/faults/world.py tests/faults/load.rules

.PHONY: faults
faults: picket-sensor picket-collector picketctl tests/faults/fault_proxy
	python3 $(srcdir)/tests/faults/drive.py --bin . \
		--proxy tests/faults/fault_proxy --runs $(RUNS) \
		$(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))
