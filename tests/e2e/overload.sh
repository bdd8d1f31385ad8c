#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# More than a sensor takes: it stands still while packets come, over and over,
# and has to catch up.  Nothing of important addresses is passed over, of others
# exactly as much as it says; an alert for each packet is the measure.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq tcpreplay python3 sqlite3
from=pk$$e
to=pk$$f

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

# So many packets of each of three networks in turn, 300 bytes each.
each=2000
python3 - "$tmp/burst.pcap" $each <<'PY'
import socket, struct, sys
out = open(sys.argv[1], "wb")
out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
data = b"needle" + bytes(252)
for i in range(int(sys.argv[2])):
    for k, net in enumerate(("192.0.2.", "198.51.100.", "203.0.113.")):
        src = socket.inet_aton("10.9.%d.%d" % (k, 1 + i % 50))
        dst = socket.inet_aton(net + "7")
        udp = struct.pack(">HHHH", 5000 + i % 7, 7001, 8 + len(data), 0) + data
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i & 0xffff,
                           0, 64, 17, 0, src, dst)
        s = sum(struct.unpack(">10H", head))
        s = (s & 0xffff) + (s >> 16)
        s = (s & 0xffff) + (s >> 16)
        head = head[:10] + struct.pack(">H", ~s & 0xffff) + head[12:]
        frame = bytes(6) + b"\2" + bytes(5) + b"\x08\x00" + head + udp
        out.write(struct.pack("<IIII", 1000000000 + i, 0, len(frame),
                              len(frame)) + frame)
PY
echo 'alert udp any any -> any 7001 (msg:"needle"; content:"needle"; sid:1;)' \
	>"$tmp/one.rules"
redis_start
# One asset in each network: what is missing of which is told by priority.
cat >"$tmp/map.yaml" <<'MAP'
owners: [{name: JP}]
sites: [{name: hq, owner: JP}]
assets:
  - {name: gate, site: hq, addresses: [192.0.2.7]}
  - {name: mail, site: hq, addresses: [198.51.100.7]}
  - {name: copier, site: hq, addresses: [203.0.113.7]}
services:
  - {name: entry, depends_on: [gate]}
  - {name: paper, depends_on: [copier]}
missions:
  - {name: guard, services: [entry], criticality: critical, owner: JP}
  - {name: print, services: [paper], criticality: low, owner: JP}
MAP
exec=exec "$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
	--missions "$tmp/map.yaml" --set blind.window=6 2>>"$tmp/collector.log" &
pids="$pids $!"

# The level, once it is up, stays up; the buffer holds a burst with ease.
ip netns exec "$to" "$sensor" --interface eth7 --workers 1 \
	--rules "$tmp/one.rules" --eve "$tmp/eve.json" --eve-types alert \
	--stats "$tmp/stats.json" --site hq --sensor tap1 \
	--redis "unix://$sock" --spool "$tmp/spool" \
	--set forward.types=stats \
	--set capture.ring-size=16mb --set capture.timeout-ms=1000 \
	--set overload.start=4 --set overload.urgent=4 --set overload.stop=1 \
	--set overload.step-ms=1 --set overload.calm-ms=3600000 \
	--set 'overload.priorities.0.networks=[192.0.2.0/24]' \
	--set overload.priorities.0.priority=1 \
	--set 'overload.priorities.1.networks=[198.51.100.0/24]' \
	--set overload.priorities.1.priority=3 2>"$tmp/sensor.log" &
sensor_pid=$!
pids="$pids $sensor_pid"
eventually 60 grep -q 'capturing on' "$tmp/sensor.log" || {
	fail "no capture begins"
	cat "$tmp/sensor.log"
}

came() {
	ip netns exec "$to" \
		sed -n 's/^ *eth7: *[0-9]* *\([0-9]*\) .*/\1/p' /proc/net/dev
}
arrived() {
	[ "$(came)" -ge "$1" ]
}
# What the sensor has shown so far of the important ones.
alerts_to() {
	grep -c "\"dest_ip\":\"$1" "$tmp/eve.json"
}
seen_all() {
	[ "$(alerts_to 192.0.2.)" -ge "$1" ]
}

# A difference needs two accounts; one was read when it says "live".
known() {
	"$bin/picketctl" --store "$tmp/picket.db" blind --json 2>/dev/null |
		jq -e '.sensors[] | select(.sensor == "tap1" and .live)'
}
eventually 120 known || fail "the collector does not know the sensor"

bursts=8
n=0
began=$(date +%s)
while [ $n -lt $bursts ]; do
	n=$((n + 1))
	kill -STOP "$sensor_pid"
	ip netns exec "$from" tcpreplay -q -t -i teth7 "$tmp/burst.pcap" \
		>"$tmp/replay.log" 2>&1 || fail "tcpreplay: $(cat "$tmp/replay.log")"
	eventually 60 arrived $((n * each * 3)) || fail "burst $n did not arrive"
	kill -CONT "$sensor_pid"
	eventually 120 seen_all $((n * each)) ||
		fail "burst $n: not all of 192.0.2.0/24 gave alerts: $(
			alerts_to 192.0.2.) of $((n * each))"
done
overload_told() {
	"$bin/picketctl" --store "$tmp/picket.db" blind --json 2>/dev/null |
		jq -e '[.blind[] | select(.sensor == "tap1" and
			.cause == "overload")] | length > 0'
}
eventually 60 overload_told || fail "the collector tells of no overload: $(
	"$bin/picketctl" --store "$tmp/picket.db" blind --json 2>&1)"
# Of the asset that is given up last nothing was missing; of the others it was.
of_asset() {
	"$bin/picketctl" --store "$tmp/picket.db" blind --asset "$1" --json
}
is_blind() {
	of_asset "$1" | jq -e '
		([.blind[] | select(.cause == "overload" and
			.all_from_priority <= 5)] | length > 0) and
		([.assets[] | select(has("from") and .state == "blind" and
			(.why | contains("overload")))] | length > 0)'
}
for asset in mail copier; do
	eventually 60 is_blind $asset ||
		fail "$asset does not count as unseen: $(of_asset $asset)"
done
same "gate: sensors" 1 "$(of_asset gate | jq '
	.assets[] | select(has("percent")) | .sensors')"
same "gate: what it missed" '[]' "$(of_asset gate | jq -c '
	[.blind[] | select(.cause == "overload")] +
	[.assets[] | select(.why | contains("overload"))]')"
same "intervals that are the gate's, or nobody's" '' "$(
	"$bin/picketctl" --store "$tmp/picket.db" blind --json |
		jq -r '.blind[] | select(.cause == "overload") | .assets' |
		grep -vx -e copier -e 'copier, mail')"
# By the ledger: of whom, and when; and whose priority is which.
account() {
	redis-cli -s "$sock" --raw HGET 'picket:sensor:{hq/tap1}' ledger
}
says_when() {
	account | jq -e --argjson from "$began" '.overload | .level == 4 and
		.default_priority == 5 and .networks == [
			{network: "192.0.2.0/24", priority: 1},
			{network: "198.51.100.0/24", priority: 3}] and
		([.given_up[2, 4].all | .frames > 0 and
			.since_us / 1e6 >= $from and .since_us <= .last_us and
			.last_us / 1e6 <= now] | all) and
		.given_up[0].all == null and .given_up[1] == {}'
}
eventually 60 says_when || fail "the ledger does not say of whom and when: $(
	account | jq -c .overload)"
kill -TERM "$sensor_pid"
wait "$sensor_pid" || fail "exit status $?"
no_sanitizer "$tmp/sensor.log" "$tmp/collector.log"

of() {
	jq -r "$1" "$tmp/stats.json"
}
sent=$((bursts * each))
same "seen by the kernel" $((3 * sent)) "$(of .capture.kernel_packets)"
same "dropped by the kernel" 0 "$(of .capture.kernel_drops)"
same "delivered = inspected + skipped" "$(of .picket.frames.in)" \
	"$(of '.picket.frames | .inspected + ([.skipped[]] | add)')"
same "priority 1: alerts" $sent "$(alerts_to 192.0.2.)"
same "priority 1: declared" 0 "$(of .picket.frames.skipped.shed_priority_1)"
for k in 3:198.51.100. 5:203.0.113.; do
	p=${k%%:*}
	declared=$(of ".picket.frames.skipped.shed_priority_$p")
	[ "$declared" -gt 0 ] || fail "priority $p: nothing is given up"
	same "priority $p: declared = not seen" "$declared" \
		$((sent - $(alerts_to "${k#*:}")))
done
[ "$(of .picket.frames.skipped.shed_priority_5)" -ge \
	"$(of .picket.frames.skipped.shed_priority_3)" ] ||
	fail "the least important are not the first"
same "highest level" 4 "$(of .picket.overload.highest_level)"
finish
