#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Few packets a second fill a capture buffer's blocks long before its bytes: a
# sensor that cannot keep up with them has to notice, and one that lost some too.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq tcpreplay python3
from=pk$$i
to=pk$$j

leave() {
	for p in $pids; do
		kill -CONT "$p" 2>/dev/null
	done
	ip netns del "$from" 2>/dev/null
	ip netns del "$to" 2>/dev/null
	cleanup
}
trap leave EXIT
trap 'leave; exit 99' INT TERM
for ns in "$from" "$to"; do
	ip netns add "$ns" 2>"$tmp/why" ||
		skip "no network namespaces: $(head -n 1 "$tmp/why")"
	for all in all default; do
		ip netns exec "$ns" sh -c "echo 1 \
			>/proc/sys/net/ipv6/conf/$all/disable_ipv6" 2>/dev/null
	done
done
ip -n "$from" link add teth7 type veth peer name eth7 netns "$to" \
	2>"$tmp/why" && ip -n "$from" link set teth7 up &&
	ip -n "$to" link set eth7 up || skip "no link: $(head -n 1 "$tmp/why")"

python3 - "$tmp/few.pcap" <<'PY'
import struct, sys
out = open(sys.argv[1], "wb")
out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
data = bytes(100)
for i in range(600):
    udp = struct.pack(">HHHH", 5000, 7001, 8 + len(data), 0) + data
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0,
                       bytes((10, 0, 0, 1)), bytes((192, 0, 2, 7)))
    frame = bytes(6) + b"\2" + bytes(5) + b"\x08\x00" + head + udp
    out.write(struct.pack("<IIII", 1000000000, 0, len(frame), len(frame)) +
              frame)
PY

# stall NAME SETTING... : a sensor stands still while 600 packets come in 3 s.
stall() {
	name=$1
	shift
	ip netns exec "$to" "$sensor" --interface eth7 --workers 1 \
		--stats "$tmp/$name.json" --set capture.ring-size=16mb "$@" \
		--set overload.calm-ms=3600000 2>"$tmp/$name.log" &
	pid=$!
	pids="$pids $pid"
	eventually 60 grep -q 'capturing on' "$tmp/$name.log" ||
		fail "$name: no capture begins"
	# one that is read tells when the others came
	ip netns exec "$from" tcpreplay -q -i teth7 -L 1 "$tmp/few.pcap" \
		>"$tmp/replay.log" 2>&1 || fail "tcpreplay: $(cat "$tmp/replay.log")"
	eventually 60 read_one || fail "$name: the first packet is not read"
	kill -STOP "$pid"
	ip netns exec "$from" tcpreplay -q -i teth7 -p 200 "$tmp/few.pcap" \
		>"$tmp/replay.log" 2>&1 || fail "tcpreplay: $(cat "$tmp/replay.log")"
	kill -CONT "$pid"
	eventually 60 raised || fail "$name: the level does not go up"
	kill -TERM "$pid"
	wait "$pid" || fail "$name: exit status $?"
	no_sanitizer "$tmp/$name.log"
}
# What the log says when asked.
asked() {
	kill -USR1 "$pid"
	sed -n 's/^[^{]*\({.*\)/\1/p' "$tmp/$name.log" | tail -n 1 | jq -e "$1"
}
read_one() {
	asked '.picket.capture[0].delivered == 1'
}
raised() {
	asked '.picket.overload.raised > 0'
}

# 64 blocks of 100 ms: nearly half of them, a fiftieth of the bytes.
stall blocks --set capture.timeout-ms=100
same "blocks: dropped" 0 "$(jq .picket.capture[0].kernel_dropped \
	"$tmp/blocks.json")"
# 64 blocks of 10 ms: it loses some, and that is enough to know.
stall lost --set capture.timeout-ms=10 --set overload.start=99 \
	--set overload.urgent=99
[ "$(jq .picket.capture[0].kernel_dropped "$tmp/lost.json")" -gt 0 ] ||
	fail "lost: the buffer held all, and nothing was tried"
finish
