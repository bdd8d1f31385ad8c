#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Live capture with the one capability that the unit leaves the sensor, as a
# user who is nobody else.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need setpriv ip python3
[ "$(id -u)" -eq 0 ] || skip "needs root, to give it up"
net=picket-rights-$$
ip netns add $net 2>"$tmp/x" || skip "network namespaces cannot be made here"
trap 'ip netns del $net 2>/dev/null; cleanup' EXIT
trap 'ip netns del $net 2>/dev/null; cleanup; exit 99' INT TERM
ip netns exec $net ip link set lo up

caps=$(sed -n 's/^CapabilityBoundingSet=//p' \
	"$top/common/service/picket-sensor.service.in")
same "the unit's capabilities" CAP_NET_RAW "$caps"
# who is to run it can reach neither the tree nor this directory as it is
chmod 755 "$tmp"
install -m 755 "$sensor" "$tmp/picket-sensor"
install -d -o 65534 -g 65534 "$tmp/state"
cat >"$tmp/any.rules" <<'END'
alert udp any any -> any 9 (msg:"one"; content:"picket"; sid:1;)
END
chmod 644 "$tmp/any.rules"
ip netns exec $net setpriv --reuid=65534 --regid=65534 --clear-groups \
	--inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw \
	--bounding-set=-all,+net_raw --no-new-privs \
	"$tmp/picket-sensor" --interface lo --workers 2 \
	--rules "$tmp/any.rules" --eve "$tmp/state/eve.json" \
	--eve-types alert >"$tmp/log" 2>&1 &
pid=$!
pids="$pids $pid"
runs() { grep -q 'capturing on' "$tmp/log" || ! kill -0 "$pid" 2>/dev/null; }
eventually 60 runs || fail "not capturing in 60 s: $(cat "$tmp/log")"
grep -q 'saved captures only' "$tmp/log" && skip "this build has no live capture"
send() {
	ip netns exec $net python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"picket", ("127.0.0.1", 9))'
}
alerted() {
	send
	[ -s "$tmp/state/eve.json" ]
}
eventually 60 alerted || fail "no alert in 60 s: $(cat "$tmp/log")"
grep -E '^Cap(Eff|Prm|Bnd):' "/proc/$pid/status" | sort -u | awk '{ print $2 }' |
	sort -u >"$tmp/caps"
same "its capabilities" 0000000000002000 "$(xargs <"$tmp/caps")"
# given up by the sensor itself, which hands nothing on
grep -E '^Cap(Amb|Inh):' "/proc/$pid/status" | sort -u | awk '{ print $2 }' |
	sort -u >"$tmp/caps"
same "what it hands on" 0000000000000000 "$(xargs <"$tmp/caps")"
kill -TERM "$pid"
wait "$pid" || fail "exit status $?: $(cat "$tmp/log")"
no_sanitizer "$tmp/log"
finish
