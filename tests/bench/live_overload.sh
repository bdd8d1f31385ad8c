#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# live_overload.sh SRCDIR : what "make bench-overload" runs, from the build
# directory, as root.
#
# A worker with costly rules is sent, for BENCH_SECONDS (60), twice (BENCH_TIMES)
# what it can do, over a virtual link: a tenth to addresses of priority 1, three
# tenths of priority 3, the rest of no priority (5).  Each packet raises an
# alert.  Nothing of priority 1 may be missing while anything else is inspected,
# and of each priority exactly what was declared.  Exit status 1 when not.
set -eu
LC_ALL=C
export LC_ALL
src=$1
seconds=${BENCH_SECONDS:-60}
times=${BENCH_TIMES:-2}
len=314 # of a frame

dir=$(mktemp -d "${TMPDIR:-/tmp}/picket-bench.XXXXXX")
a=pk$$a
b=pk$$b
pid=
leave() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	ip netns del $a 2>/dev/null || true
	ip netns del $b 2>/dev/null || true
	[ -n "${BENCH_KEEP:-}" ] || rm -rf "$dir"
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
ip -n $a link add out type veth peer name eth7 netns $b
ip -n $a link set out up
ip -n $b link set eth7 up

# Of ten packets the first is of priority 1, three are of 3.
python3 - "$dir/load.pcap" <<'PY'
import socket, struct, sys
nets = ["192.0.2."] + ["198.51.100."] * 3 + ["203.0.113."] * 6
data = b"needle" + b"abcdefgh" * 33
out = open(sys.argv[1], "wb")
out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
for i in range(1000):
    src = socket.inet_aton("10.9.%d.%d" % (i % 10, 1 + i // 10))
    udp = struct.pack(">HHHH", 5000, 7001, 8 + len(data), 0) + data
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0,
                       src, socket.inet_aton(nets[i % 10] + "7"))
    s = sum(struct.unpack(">10H", head))
    s = (s & 0xffff) + (s >> 16)
    s = (s & 0xffff) + (s >> 16)
    head = head[:10] + struct.pack(">H", ~s & 0xffff) + head[12:]
    frame = bytes(6) + b"\2" + bytes(5) + b"\x08\x00" + head + udp
    out.write(struct.pack("<IIII", 1000000000, 0, len(frame), len(frame)) +
              frame)
PY
{
	echo 'alert udp any any -> any 7001 (msg:"each"; content:"needle"; sid:1;)'
	for i in $(seq 2 "${BENCH_RULES:-31}"); do
		echo "alert udp any any -> any 7001 (msg:\"costly\"; \
content:\"needle\"; pcre:\"/(?:[a-h]+[a-g]+)+[0-9]{$i}/\"; sid:$i;)"
	done
} >"$dir/costly.rules"

# sense NAME SETTING... : starts the sensor, $pid.
sense() {
	name=$1
	shift
	ip netns exec $b ./picket-sensor --interface eth7 --workers 1 \
		--rules "$dir/costly.rules" --eve "$dir/$name.json" \
		--eve-types alert --stats "$dir/$name.stats" \
		--set eve.alert.payload=no "$@" \
		2>"$dir/$name.log" &
	pid=$!
	tries=1200
	until grep -q 'capturing on' "$dir/$name.log"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && kill -0 $pid || {
			cat "$dir/$name.log"
			exit 99
		}
		sleep 0.1
	done
}
# send NAME MBPS SECONDS : prints how many packets went out.
send() {
	ip netns exec $a ./tests/tools/framesend out "$2" "$3" \
		"$dir/load.pcap" >"$dir/$1.sent"
}
finish() {
	kill -TERM $pid
	wait $pid || true
	pid=
}
of() {
	jq -r "$2" "$dir/$1.stats"
}

# What it can do: as much as it reads while there is always more.
sense most --set overload.enabled=no --set capture.ring-size=4mb
send most 40 8
finish
rate=$(($(of most .picket.capture[0].delivered) / 9))
mbps=$((rate * times * len * 8 / 1000000))
[ $mbps -gt 0 ] || mbps=1

sense load --set 'overload.priorities.0.networks=[192.0.2.0/24]' \
	--set overload.priorities.0.priority=1 \
	--set 'overload.priorities.1.networks=[198.51.100.0/24]' \
	--set overload.priorities.1.priority=3
send load $mbps "$seconds"
finish
sent=$(awk '{ print $1 }' "$dir/load.sent")
awk -v rate=$rate '{ printf "a worker does %d packets/s; sent for %d s: " \
	"%d packets, %.1f times that\n", rate, $5 / 1e6, $1,
	$1 * 1e6 / $5 / rate }' "$dir/load.sent"
of load '"kernel: seen \(.picket.capture[0].kernel_seen), dropped " +
	"\(.picket.capture[0].kernel_dropped); writer behind: " +
	"\(.picket.alerts.lost_writer_behind) alerts"'
of load '"level: highest \(.picket.overload.highest_level) of " +
	"\(.picket.overload.levels), raised \(.picket.overload.raised) times, " +
	"above 0 for \(.picket.overload.ms) ms"'
bad=0
[ "$(of load .picket.capture[0].kernel_dropped)" = 0 ] || bad=1
for k in 1:192.0.2.:1:1 3:198.51.100.:2:4 5:203.0.113.:5:10; do
	IFS=: read -r p net first last <<-END
		$k
	END
	n=$(awk -v sent="$sent" -v first="$first" -v last="$last" 'BEGIN {
		rest = sent % 10
		n = int(sent / 10) * (last - first + 1)
		print n + (rest < first ? 0 : rest > last ? last - first + 1 : \
			rest - first + 1) }')
	seen=$(grep -c "\"dest_ip\":\"$net.*\"signature_id\":1," \
		"$dir/load.json") || true
	declared=$(of load ".picket.frames.skipped.shed_priority_$p")
	echo "priority $p: sent $n, inspected $seen, declared given up $declared"
	[ $((n - seen)) -eq "$declared" ] || bad=1
	[ "$p" != 1 ] || [ "$seen" -eq "$n" ] || bad=1
done
exit $bad
