#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An interface under load is set down and up, loses its carrier, and is taken
# away and made again, over and over, with two workers: no handle is left over,
# memory does not grow, and every packet that was seen is accounted for.
# LIVE_CYCLES: how often (20).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq python3
from=pk$$g
to=pk$$h
cycles=${LIVE_CYCLES:-20}

leave() {
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
make_link() {
	ip -n "$from" link add teth7 type veth peer name eth7 netns "$to" &&
		ip -n "$from" link set teth7 up && ip -n "$to" link set eth7 up
}
make_link 2>"$tmp/why" || skip "no link: $(head -n 1 "$tmp/why")"

# Packets of many pairs of hosts for as long as there is somewhere to send to,
# and again when there is.
ip netns exec "$from" python3 - <<'PY' &
import socket, struct, time
data = b"needle" + bytes(94)
def frame(i):
    udp = struct.pack(">HHHH", 5000, 7001, 8 + len(data), 0) + data
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0,
                       bytes((10, 9, 0, i)), bytes((192, 0, 2, 7)))
    s = sum(struct.unpack(">10H", head))
    s = (s & 0xffff) + (s >> 16)
    s = (s & 0xffff) + (s >> 16)
    head = head[:10] + struct.pack(">H", ~s & 0xffff) + head[12:]
    return bytes(6) + b"\2" + bytes(5) + b"\x08\x00" + head + udp
frames = [frame(i) for i in range(1, 200)]
out = None
while True:
    try:
        if out is None:
            out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            out.bind(("teth7", 0))
        for f in frames[:100]:
            out.send(f)
        for f in frames[100:]:
            out.send(f)
    except OSError:
        if out is not None:
            out.close()
        out = None
    time.sleep(0.02)
PY
pids="$pids $!"

echo 'alert udp any any -> any 7001 (msg:"needle"; content:"needle"; sid:1;)' \
	>"$tmp/one.rules"
ip netns exec "$to" "$sensor" --interface eth7 --workers 2 \
	--rules "$tmp/one.rules" --eve "$tmp/eve.json" --eve-types alert \
	--stats "$tmp/stats.json" --set memory.prealloc=1mb \
	--set capture.ring-size=8mb 2>"$tmp/sensor.log" &
sensor_pid=$!
pids="$pids $sensor_pid"
eventually 60 grep -q 'capturing on' "$tmp/sensor.log" || {
	fail "no capture begins"
	cat "$tmp/sensor.log"
}

# logged TEXT : how often the log has it.
logged() {
	grep -c "$1" "$tmp/sensor.log"
}
told() {
	[ "$(logged "$1")" -ge "$2" ]
}
alerts() {
	wc -l <"$tmp/eve.json"
}
more_than() {
	[ "$(alerts)" -gt "$1" ]
}
sockets() {
	ip netns exec "$to" sed 1d /proc/net/packet | wc -l
}
one_each() {
	[ "$(sockets)" = 2 ]
}
handles() {
	find /proc/"$sensor_pid"/fd -mindepth 1 | wc -l
}
memory() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$sensor_pid/status"
}
# Until packets come in again by it.
flows_again() {
	eventually 60 more_than "$(alerts)" || fail "cycle $n: $1: nothing comes"
}

n=0
ups=0
opens=0
while [ $n -lt "$cycles" ] && [ $failures = 0 ]; do
	n=$((n + 1))
	case $((n % 3)) in
	0)
		ip -n "$to" link set eth7 down
		eventually 60 told 'eth7 is down' $((ups + 1)) ||
			fail "cycle $n: its being down is not seen"
		ip -n "$to" link set eth7 up
		ups=$((ups + 1))
		eventually 60 told 'is up again' $ups || fail "cycle $n: not up"
		flows_again "down and up"
		;;
	1)
		ip -n "$from" link set teth7 down
		eventually 60 told 'eth7 is down' $((ups + 1)) ||
			fail "cycle $n: the tap's being pulled is not seen"
		ip -n "$from" link set teth7 up
		ups=$((ups + 1))
		eventually 60 told 'is up again' $ups || fail "cycle $n: not up"
		flows_again "tap pulled"
		;;
	2)
		ip -n "$to" link del eth7
		make_link 2>"$tmp/why" || fail "no link: $(cat "$tmp/why")"
		opens=$((opens + 1))
		eventually 60 told 'is open again' $opens ||
			fail "cycle $n: not opened again"
		flows_again "taken away"
		;;
	esac
	if [ $n = 6 ]; then
		handles_then=$(handles)
		memory_then=$(memory)
	fi
done
eventually 60 one_each || fail "sockets: $(sockets) instead of one a worker"
if [ $n -ge 6 ]; then
	same "file descriptors after $n cycles" "$handles_then" "$(handles)"
	grown=$(($(memory) - memory_then))
	[ $grown -lt 16384 ] || grep -q __asan_init "$sensor" ||
		fail "memory grew by $grown KiB in $((n - 6)) cycles"
fi
kill -TERM "$sensor_pid"
wait "$sensor_pid" || fail "exit status $?"
no_sanitizer "$tmp/sensor.log"

of() {
	jq -r "$1" "$tmp/stats.json"
}
same "seen = delivered + dropped + unread" \
	"$(of '.picket.capture[0].kernel_seen')" \
	"$(of '.picket.capture[0] | .delivered + .kernel_dropped + .unread')"
same "waiting" 0 "$(of '.picket.capture[0].waiting')"
same "delivered = inspected + skipped" "$(of '.picket.capture[0].delivered')" \
	"$(of '.picket.frames | .inspected + ([.skipped[]] | add)')"
same "an alert for each packet inspected" "$(of .picket.frames.inspected)" \
	"$(alerts)"
same "opened" $((opens + 1)) "$(of '.picket.capture[0].opens')"
same "down or away" $((opens + ups)) "$(of '.picket.capture[0].downs')"
[ $failures = 0 ] || tail -n 20 "$tmp/sensor.log"
finish
