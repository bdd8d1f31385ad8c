# SPDX-License-Identifier: Apache-2.0
dist_check_SCRIPTS += tests/golden/golden.sh tests/golden/digests tests/golden/shared.sh
TESTS += tests/golden/golden.sh tests/golden/digests tests/golden/shared.sh
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
