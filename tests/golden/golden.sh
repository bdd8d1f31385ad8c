#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each capture of pcaps/ must give the alerts of tests/golden/NAME.alerts, and
# the very same EVE lines with any number of workers.  The same frames in
# another container must give the same lines too.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need awk diff

# eve CAPTURE WORKERS : alert lines to standard output.
eve() {
	sensor_home --read "$1" --workers "$2" --eve - --eve-types alert \
		2>"$tmp/log" || fail "${1##*/}: exit status $?"
	if [ -s "$tmp/log" ]; then
		fail "${1##*/}: $(head -n 1 "$tmp/log")"
	fi
}

for capture in "$top"/pcaps/*.pcap*; do
	name=${capture##*/}
	expected=$top/tests/golden/${name%%.pcap*}.alerts
	eve "$capture" 1 >"$tmp/one"
	for n in 2 4; do
		eve "$capture" $n >"$tmp/many"
		cmp -s "$tmp/one" "$tmp/many" ||
			fail "$name: $n workers write other lines than one"
	done
	if [ ! -f "$expected" ]; then
		fail "$name: no $expected; run tests/golden/update"
		continue
	fi
	awk -f "$top/tests/golden/alerts.awk" "$tmp/one" >"$tmp/alerts"
	diff -u "$expected" "$tmp/alerts" >"$tmp/diff" || {
		fail "$name: other alerts than expected"
		head -n 40 "$tmp/diff"
	}
	# Written in order: packet, then rule.
	awk '{ print $1, $2 }' "$tmp/alerts" | tr ':' ' ' >"$tmp/order"
	sort -s -n -k 1,1 "$tmp/order" | cmp -s - "$tmp/order" ||
		fail "$name: alerts are not in the order of packets"
done

eve "$top/pcaps/http.pcap" 1 >"$tmp/one"
for other in http.pcap.gz http.pcapng.zst; do
	eve "$top/pcaps/$other" 1 >"$tmp/many"
	cmp -s "$tmp/one" "$tmp/many" ||
		fail "$other: other lines than http.pcap gives"
done
finish
