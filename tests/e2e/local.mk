# SPDX-License-Identifier: Apache-2.0
# The programs together, with a real Redis; each skips (77) without what it
# needs.
E2E_TESTS = tests/e2e/pipeline.sh \
	tests/e2e/parts.sh \
	tests/e2e/parts_cluster.sh \
	tests/e2e/taps.sh \
	tests/e2e/alerts.sh \
	tests/e2e/patterns.sh \
	tests/e2e/redis_away.sh \
	tests/e2e/common_set.sh \
	tests/e2e/bad_input.sh \
	tests/e2e/eve_reader.sh tests/e2e/pipe.sh \
	tests/e2e/ledger.sh \
	tests/e2e/ledger_chain.sh tests/e2e/ledger_killed.sh \
	tests/e2e/blind.sh \
	tests/e2e/blind_causes.sh \
	tests/e2e/correlators.sh \
	tests/e2e/findings.sh \
	tests/e2e/cases.sh tests/e2e/silence.sh \
	tests/e2e/reload.sh tests/e2e/posture.sh tests/e2e/exercise.sh \
	tests/e2e/posture_store.sh \
	tests/e2e/reload.sh \
	tests/e2e/retro.sh \
	tests/e2e/live.sh tests/e2e/live_cycles.sh \
	tests/e2e/confined.sh \
	tests/e2e/confined_threads.sh \
	tests/e2e/confined_modes.sh \
	tests/e2e/overload.sh tests/e2e/overload_slow.sh \
	tests/e2e/corpus.sh \
	tests/e2e/suite.sh \
	tests/e2e/eve_tx.sh \
	tests/e2e/profile.sh \
	tests/e2e/metrics.sh \
	tests/e2e/watchdog.sh \
	tests/e2e/settings.sh \
	tests/e2e/collector_killed.sh \
	tests/e2e/redis_start.sh \
	tests/e2e/worst_first.sh \
	tests/e2e/redis_tls.sh \
	tests/e2e/arming.sh \
	tests/e2e/arming_orders.sh \
	tests/e2e/arming_patterns.sh \
	tests/e2e/redis_acl.sh \
	tests/e2e/redis_sentinel.sh \
	tests/e2e/redis_cluster.sh tests/e2e/redis_slots.sh \
	tests/e2e/signed.sh \
	tests/e2e/trust.sh \
	tests/e2e/store_back.sh \
	tests/e2e/queue_full.sh \
	tests/e2e/redis_answers.sh \
	tests/e2e/indicators.sh \
	tests/e2e/taxii_set.sh \
	tests/e2e/exchange_out.sh \
	tests/e2e/taxii.sh
	tests/e2e/redis_answers.sh
E2E_TESTS += tests/e2e/consult.sh
E2E_TESTS += tests/e2e/contacts.sh
E2E_TESTS += tests/e2e/exchange.sh
EXTRA_DIST += tests/e2e/exchange.py
E2E_TESTS += tests/e2e/warnings.sh
dist_check_SCRIPTS += $(E2E_TESTS)
TESTS += $(E2E_TESTS)
EXTRA_DIST += tests/lib.sh tests/redis_lib.sh tests/e2e/suite.py \
	tests/e2e/taxii_server.py \
	tests/e2e/warnings.py \
	tests/e2e/prometheus.py tests/e2e/watchdog.py \
	tests/tools/taps.py \
	tests/e2e/settings.py tests/e2e/signed.py tests/e2e/tryagain.py
E2E_TESTS_LEASE = tests/e2e/failover.sh
dist_check_SCRIPTS += $(E2E_TESTS_LEASE)
TESTS += $(E2E_TESTS_LEASE)
