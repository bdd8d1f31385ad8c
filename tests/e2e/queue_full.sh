#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Redis is away and the disk stands still: the queue of a live sensor fills.
# What is lost then is declared exactly, by severity: what its own file shows is
# what the collector has in the end, and what the ledger says was lost.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq tcpreplay python3 sqlite3 redis-cli
[ -x "$collector" ] || skip "picket-collector is not built"
faults=$bin/tests/faults/failing_io.so
[ -f "$faults" ] || skip "tests/faults/failing_io.so is not built"
! grep -q -a __asan_init "$sensor" ||
	skip "a sanitizer does not let its allocator be wrapped"
from=pq$$e
to=pq$$f

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
ip -n "$from" link add teth7 type veth peer name eth7 netns "$to" \
	2>"$tmp/why" && ip -n "$from" link set teth7 up &&
	ip -n "$to" link set eth7 up || skip "no link: $(head -n 1 "$tmp/why")"

# So many packets of each of four rules in turn, the severe ones no less.
each=3000
python3 - "$tmp/burst.pcap" $each <<'PY'
import socket, struct, sys
out = open(sys.argv[1], "wb")
out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
data = b"needle" + bytes(252)
for i in range(int(sys.argv[2])):
    for port in (7001, 7002, 7003, 7004):
        src = socket.inet_aton("10.9.%d.%d" % (port % 10, 1 + i % 50))
        dst = socket.inet_aton("192.0.2.7")
        udp = struct.pack(">HHHH", 5000 + i % 7, port, 8 + len(data), 0) + data
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
for p in 1 2 3 4; do
	echo "alert udp any any -> any 700$p (msg:\"needle $p\";" \
		"content:\"needle\"; priority:$p; sid:$p;)"
done >"$tmp/rules"

# --- Redis is away, and from now on nothing is synced.  What holds the disk makes
# calls of its own, which confinement would refuse.
touch "$tmp/gate"
ip netns exec "$to" env LD_PRELOAD="$faults" FAILING_IO_GATE="$tmp/gate" \
	FAILING_IO="wait fsync $tmp/spool/* 1+" \
	"$sensor" --interface eth7 --workers 1 \
	--rules "$tmp/rules" --eve "$tmp/eve.json" --eve-types alert \
	--site hq --sensor tap1 --redis "unix://$sock" --spool "$tmp/spool" \
	--set forward.types=alert --set spool.resend-seconds=1 \
	--set security.sandbox=off \
	--set capture.ring-size=64mb --stats "$tmp/stats.json" \
	2>"$tmp/sensor.log" &
sensor_pid=$!
pids="$pids $sensor_pid"
eventually 60 grep -q 'capturing on' "$tmp/sensor.log" || {
	cat "$tmp/sensor.log"
	fail "no capture begins"
}
rm "$tmp/gate"
ip netns exec "$from" tcpreplay -q --pps=6000 -i teth7 "$tmp/burst.pcap" \
	>"$tmp/replay.log" 2>&1 || fail "tcpreplay: $(cat "$tmp/replay.log")"
shown() { grep -c "\"signature_id\":$1," "$tmp/eve.json"; }
inspected() {
	kill -USR1 "$sensor_pid"
	[ "$(grep '^{"uptime"' "$tmp/sensor.log" | tail -n 1 |
		jq .picket.frames.inspected)" -ge $((4 * each)) ]
}
eventually 120 inspected || fail "waited 120 s for all packets: $(
	grep '^{"uptime"' "$tmp/sensor.log" | tail -n 1)"

# --- the disk goes on, Redis and a collector come
touch "$tmp/gate"
redis_start
exec=exec collect 2>>"$tmp/collector.log" &
collector_pid=$!
pids="$pids $collector_pid"
at_rest() {
	[ "$(redis-cli -s "$sock" --raw HGET 'picket:sensor:{hq/tap1}' \
		spool_depth)" = 0 ]
}
eventually 120 at_rest || fail "waited 120 s for the spool to be committed"
kill -TERM "$sensor_pid"
wait "$sensor_pid" || fail "the sensor ended with status $?"
ctl() { "$bin/picketctl" --store "$tmp/picket.db" "$@"; }
settled() {
	ctl ledger hq/tap1 --json | jq -e '.sensors[0] | .holds and
		.waiting == 0 and .ledger.ended'
}
eventually 120 settled || fail "the ledger: $(ctl ledger hq/tap1)"
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
ctl ledger hq/tap1 --json >"$tmp/ledger.json"
# lost CAUSE CLASS
lost() {
	jq ".sensors[0].ledger.events.lost.$1[$2]" "$tmp/ledger.json"
}
for p in 1 2 3 4; do
	stored=$(sql "SELECT coalesce(sum(g.count), 0) FROM alert_groups g
		JOIN signatures s ON s.id = g.signature WHERE s.sid = $p")
	gone=$(lost queue_full $((p - 1)))
	# what writes both its file and the queue may fall behind as well
	late=$(lost writer $((p - 1)))
	[ "$gone" -gt 0 ] || fail "severity $p: the queue was never full"
	same "severity $p: raised = stored + declared lost" $each \
		$((stored + gone + late))
	same "severity $p: shown = stored + lost by the queue" "$(shown $p)" \
		$((stored + gone))
done
same "lost for another reason" 0 "$(jq '.sensors[0].ledger.events.lost |
	del(.queue_full, .writer) | [.[] | add] | add' "$tmp/ledger.json")"
same "gone from the spool" 0 "$(jq '.sensors[0].ledger.events.gone |
	[.[] | add] | add' "$tmp/ledger.json")"
told=$(sql "SELECT coalesce(sum(g.count), 0) FROM alert_groups g
	JOIN signatures s ON s.id = g.signature WHERE s.sid = 9009001")
[ "$told" -ge 1 ] || fail "no alert tells of the loss"
same "told at the end" "$(jq '.sensors[0].ledger.events.lost.queue_full |
	add' "$tmp/ledger.json")" \
	"$(jq .picket.forward.lost.queue_full "$tmp/stats.json")"
no_sanitizer "$tmp"/*.log
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.log
finish
