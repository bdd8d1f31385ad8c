#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# live.sh SRCDIR : what "make bench-live" runs, from the build directory, as root.
#
# Sends a capture over a virtual link between two network namespaces for
# BENCH_SECONDS (20, at most 60) at BENCH_MBPS (1000), to a sensor with
# BENCH_WORKERS (2), and prints what was sent, what the kernel dropped, and what
# sender and sensor took of the processors.  Exit status 1 when a packet was
# dropped.  BENCH_MB, BENCH_PCAP and BENCH_RULES as in reload.sh.
set -eu
src=$1
. "$src/tests/bench/mix.sh"
seconds=${BENCH_SECONDS:-20}
[ "$seconds" -le 60 ] || seconds=60
mbps=${BENCH_MBPS:-1000}

dir=$(mktemp -d "${TMPDIR:-/tmp}/picket-bench.XXXXXX")
: >"$dir/log"
a=pk$$a
b=pk$$b
pid=
leave() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	ip netns del $a 2>/dev/null || true
	ip netns del $b 2>/dev/null || true
	rm -rf "$dir"
}
trap leave EXIT
trap 'exit 99' INT TERM
for ns in $a $b; do
	ip netns add $ns
	for all in all default; do
		ip netns exec $ns sh -c \
			"echo 1 >/proc/sys/net/ipv6/conf/$all/disable_ipv6"
	done
done
ip -n $a link add out mtu 65535 type veth peer name eth7 mtu 65535 netns $b
ip -n $a link set out up
ip -n $b link set eth7 up

ip netns exec $b ./picket-sensor --interface eth7 \
	--workers "${BENCH_WORKERS:-2}" --rules "$rules" \
	--set "classification-file=$src/rules/dist/classification.config" \
	--eve "$dir/eve.json" --eve-types alert --stats "$dir/stats.json" \
	2>"$dir/log" &
pid=$!
tries=1200
until grep -q 'capturing on' "$dir/log"; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] && kill -0 $pid || {
		cat "$dir/log"
		exit 99
	}
	sleep 0.1
done
# processor time of the sensor so far, in hundredths of a second
spent() {
	awk '{ print $14 + $15 }' "/proc/$pid/stat"
}
before=$(spent)
ip netns exec $a ./tests/tools/framesend out "$mbps" "$seconds" "$pcap" \
	>"$dir/sent"
used=$(($(spent) - before))
kill -TERM $pid
wait $pid
pid=
awk '{ printf "sent: %d packets, %.0f Mbit/s, %.0f packets/s\n",
	$1, $3 * 8 / $5, $1 * 1e6 / $5 }' "$dir/sent"
echo "sensor: $((used / seconds)) % of a processor"
jq -r '.picket.capture[0] | "seen: \(.kernel_seen)\ndropped: " +
	"\(.kernel_dropped)\ndelivered: \(.delivered)\nwaiting: \(.waiting)"' \
	"$dir/stats.json"
jq -r '"alerts: \(.picket.alerts.raised) raised, \(.picket.alerts.written) " +
	"written"' "$dir/stats.json"
[ "$(jq .picket.capture[0].kernel_dropped "$dir/stats.json")" = 0 ]
