# SPDX-License-Identifier: Apache-2.0
dist_check_SCRIPTS += tests/golden/golden.sh tests/golden/digests tests/golden/shared.sh tests/golden/encrypted.sh
TESTS += tests/golden/golden.sh tests/golden/digests tests/golden/shared.sh tests/golden/encrypted.sh
EXTRA_DIST += \
	tests/golden/update \
	tests/golden/alerts.awk \
	tests/golden/dns.alerts \
	tests/golden/exercise-jp-east.alerts \
	tests/golden/exercise-jp-west.alerts \
	tests/golden/exercise-us-pacific.alerts \
	tests/golden/http.alerts \
	tests/golden/icmp-fragments.alerts \
	tests/golden/scan.alerts \
	tests/golden/smtp.alerts \
	tests/golden/ssh.alerts \
	tests/golden/tls.alerts \
	tests/golden/vxlan.alerts
# Alerts on the captures of others stay as they are, byte for byte.
check_PROGRAMS += tests/golden/alert_digests
tests_golden_alert_digests_SOURCES = tests/golden/alert_digests.c
tests_golden_alert_digests_LDADD = libsensor.a librules.a libcommon.a \
	$(SENSOR_LIBS) $(RULES_LIBS) $(COMMON_LIBS) -lm
dist_check_SCRIPTS += tests/golden/corpus_alerts.sh
TESTS += tests/golden/corpus_alerts.sh
EXTRA_DIST += tests/golden/corpus_alerts
