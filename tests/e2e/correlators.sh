#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Many alerts of one sender: by a correlator as declared they are one incident,
# and as many as needed for that may come before and after a restart.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 sqlite3 redis-server redis-cli jq
[ -x "$collector" ] || skip "picket-collector is not built"

# 500 datagrams of one sender, to many hosts of ours; NUMBER makes two differ.
capture() {
	python3 - "$tmp/$1.pcap" "$1" <<'PY' || fail "no capture was made"
import struct, sys
path, number = sys.argv[1], int(sys.argv[2])
with open(path, "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
    for i in range(500):
        body = b"flood %d %d" % (number, i)
        udp = struct.pack(">HHHH", 10000 * number + i, 9, 8 + len(body), 0) + body
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0,
                         bytes([198, 51, 100, 9]), bytes([10, 0, 0, i % 200 + 1]))
        s = sum(struct.unpack(">10H", ip))
        s = (s & 0xFFFF) + (s >> 16)
        s = (s & 0xFFFF) + (s >> 16)
        ip = ip[:10] + struct.pack(">H", s ^ 0xFFFF) + ip[12:]
        f.write(struct.pack("<IIII", 1700000000, i * 1000 + number, len(ip + udp), len(ip + udp)))
        f.write(ip + udp)
PY
}
echo 'alert udp any any -> any any (msg:"datagram"; priority:1; sid:9; rev:1;)' \
	>"$tmp/flood.rules"
redis_start

# sends NUMBER : the alerts of that capture, as a sensor of its own.
sends() {
	"$sensor" --quiet --read "$tmp/$1.pcap" --rules "$tmp/flood.rules" \
		--site a --sensor "tap$1" --redis "unix://$sock" \
		--spool "$tmp/spool-$1" --forward-types alert \
		2>"$tmp/sensor.out" || fail "$1: $(cat "$tmp/sensor.out")"
}

# What is there into the store.
collects() {
	"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--set "correlators=$tmp/correlators.yaml" --until-idle 0.2 \
		2>"$tmp/collector.out" ||
		fail "collector: $(cat "$tmp/collector.out")"
}

# has INCIDENTS ALERTS
has() {
	same "alerts" "$2" "$(sql 'SELECT sum(alerts) FROM frames')"
	same "incidents" "$1" "$(sql 'SELECT count(*) FROM incidents')"
}

cat >"$tmp/correlators.yaml" <<-EOF
	correlators:
	  - kind: flood
	    alerts: 900
	    rule-alerts: 900
EOF
capture 1
capture 2

sends 1
collects
has 0 500
sends 2
collects
has 1 1000
title=$(sql 'SELECT title FROM incidents')
case $title in
*"address 198.51.100.9 at 1 site (a)"*) ;;
*) fail "the incident is of something else: $title" ;;
esac

# What holds, by which numbers, where it is said, and what it found.
"$bin/picketctl" --store "$tmp/picket.db" correlators --json >"$tmp/out" ||
	fail "correlators: $?"
same "correlators" 11 "$(jq '.correlators | length' "$tmp/out")"
same "flood" "true $tmp/correlators.yaml:2 900 900 3600 1 1" "$(jq -r '
	.correlators[] | select(.kind == "flood") |
	"\(.enabled) \(.declared) \(.thresholds.alerts)" +
	" \(.thresholds["rule-alerts"]) \(.thresholds.seconds)" +
	" \(.found_24h) \(.found)"' "$tmp/out")"
same "beacon" "true - TA0011 0 null" "$(jq -r '.correlators[] |
	select(.kind == "beacon") | "\(.enabled) \(if .declared == "" then "-"
	else .declared end) \(.tactics) \(.found) \(.last)"' "$tmp/out")"
"$bin/picketctl" --store "$tmp/picket.db" correlators >"$tmp/out" ||
	fail "correlators as text: $?"
grep -q 'alerts=900 rule-alerts=900 seconds=3600' "$tmp/out" ||
	fail "the text: $(cat "$tmp/out")"
finish
