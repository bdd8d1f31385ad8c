# SPDX-License-Identifier: Apache-2.0
# Recorded captures and how to record them anew; never installed.
EXTRA_DIST += \
	pcaps/INDEX.md \
	pcaps/SHA256SUMS \
	pcaps/missions.yaml \
	pcaps/geo-overrides.csv \
	pcaps/dns.pcap \
	pcaps/exercise-jp-east.pcap \
	pcaps/exercise-jp-west.pcap \
	pcaps/exercise-us-pacific.pcap \
	pcaps/http.pcap \
	pcaps/http.pcap.gz \
	pcaps/http.pcapng.zst \
	pcaps/icmp-fragments.pcap \
	pcaps/scan.pcap \
	pcaps/smtp.pcap \
	pcaps/ssh.pcap \
	pcaps/tls.pcap \
	pcaps/vxlan.pcap \
	pcaps/record/exercise.sh \
	pcaps/record/lib.sh \
	pcaps/record/ordinary.sh
