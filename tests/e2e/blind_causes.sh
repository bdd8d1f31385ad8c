#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Causes of blindness that take more than a word to bring about, each for real:
# a ring that overflows, a tap that sees one direction, a clock that is stepped,
# a collector that is away while the sensor is started anew.  Each is noticed
# within a minute, and is over when it is.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq sqlite3 tcpreplay python3
clock_off=$bin/tests/faults/clock_off.so
[ -f "$clock_off" ] || skip "clock_off.so is not built (make check builds it)"
from=pk$$g
to=pk$$h

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
ip -n "$from" link add tap7 type veth peer name eth7 netns "$to" \
	2>"$tmp/why" && ip -n "$from" link set tap7 up &&
	ip -n "$to" link set eth7 up || skip "no link: $(head -n 1 "$tmp/why")"
redis_start

# Forty connections, of each of which only what the client sends is there.
python3 - "$tmp/oneway.pcap" <<'PY'
import socket, struct, sys
out = open(sys.argv[1], "wb")
out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
src, dst = socket.inet_aton("10.9.0.1"), socket.inet_aton("192.0.2.7")
def checksum(b):
    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
for k in range(16):
    for flow in range(40):
        data = b"" if k == 0 else bytes(100)
        seq = 1000 if k == 0 else 1001 + 100 * (k - 1)
        tcp = struct.pack(">HHIIBBHHH", 20000 + flow, 8080, seq,
                          0 if k == 0 else 5001, 0x50,
                          0x02 if k == 0 else 0x18, 65535, 0, 0) + data
        c = checksum(src + dst + struct.pack(">BBH", 0, 6, len(tcp)) + tcp)
        tcp = tcp[:16] + struct.pack(">H", c) + tcp[18:]
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp),
                           k * 40 + flow, 0, 64, 6, 0, src, dst)
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        frame = bytes(6) + b"\2" + bytes(5) + b"\x08\x00" + head + tcp
        out.write(struct.pack("<IIII", 1000000000, 1000 * k, len(frame),
                              len(frame)) + frame)
PY
echo 'alert tcp any any -> any 1 (msg:"never"; flags:SFRU; sid:1;)' \
	>"$tmp/one.rules"
cat >"$tmp/map.yaml" <<'END'
sites: [{name: hq}]
assets: [{name: mail, site: hq, networks: [192.0.2.0/24]}]
END

start_collector() {
	exec=exec "$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--missions "$tmp/map.yaml" --set blind.window=6 \
		--set blind.tap-silent=3600 \
		2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
}

# set_clock SECONDS : the sensor's wall clock is off by so many.
set_clock() {
	printf '%-16s' "$1" | dd of="$tmp/clock" conv=notrunc 2>/dev/null
}

start_sensor() {
	: >"$tmp/sensor.log"
	ip netns exec "$to" env LD_PRELOAD="$clock_off" CLOCK_OFF="$tmp/clock" \
		ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" \
		"$sensor" --interface eth7 --workers 1 \
		--rules "$tmp/one.rules" --site hq --sensor tap1 \
		--set capture.ring-size=1mb \
		--redis "unix://$sock" --spool "$tmp/spool" \
		2>>"$tmp/sensor.log" &
	sensor_pid=$!
	pids="$pids $sensor_pid"
	eventually 60 grep -q 'capturing on' "$tmp/sensor.log" || {
		fail "no capture begins"
		cat "$tmp/sensor.log"
	}
}

blind() {
	"$bin/picketctl" --store "$tmp/picket.db" blind --json "$@" \
		2>>"$tmp/ctl.log"
}
# is_open CAUSE, is_over CAUSE
is_open() {
	blind | jq -e --arg c "$1" '[.blind[] | select(.cause == $c and
		.to == null)] | length == 1'
}
is_over() {
	blind | jq -e --arg c "$1" '[.blind[] | select(.cause == $c)] |
		length >= 1 and all(.to != null)'
}
opens() {
	eventually 60 is_open "$1" || fail "$1 is not noticed in 60 s: $(blind)"
}
ends() {
	eventually 60 is_over "$1" || fail "$1 does not end in 60 s: $(blind)"
}
detail_of() {
	blind | jq -r --arg c "$1" '[.blind[] | select(.cause == $c)][-1].detail'
}
seen() {
	blind | jq -e '.sensors[] | select(.sensor == "tap1" and .live)'
}
came() {
	ip netns exec "$to" \
		sed -n 's/^ *eth7: *[0-9]* *\([0-9]*\) .*/\1/p' /proc/net/dev
}
arrived() {
	[ "$(came)" -ge "$1" ]
}
# send FILE [OPTION...]
send() {
	file=$1
	shift
	ip netns exec "$from" tcpreplay -q -t -i tap7 "$@" "$file" \
		>"$tmp/replay.log" 2>&1 || fail "tcpreplay: $(cat "$tmp/replay.log")"
}

echo 0 >"$tmp/clock"
truncate -s 16 "$tmp/clock"
set_clock 0
start_collector
start_sensor
eventually 60 seen || fail "the sensor is not seen"
none_blind() {
	[ "$(blind | jq '.blind | length')" = 0 ]
}
eventually 10 none_blind || {
	fail "blind at first: $(blind)"
	cat "$tmp/ctl.log"
}

# The sensor stands still while more comes than its ring holds.
before=$(came)
kill -STOP "$sensor_pid"
send "$top/pcaps/exercise-jp-east.pcap" --loop=60
sent=$(sed -n 's/^Actual: \([0-9]*\) packets.*/\1/p' "$tmp/replay.log")
eventually 60 arrived $((before + sent)) || fail "not all arrived"
kill -CONT "$sensor_pid"
opens kernel_drops
detail_of kernel_drops | grep -q '^[1-9][0-9]* of [1-9][0-9]* packets$' ||
	fail "kernel_drops: $(detail_of kernel_drops)"
ends kernel_drops

# One side only.
send "$tmp/oneway.pcap"
opens one_way
detail_of one_way | grep -q '^one side only of 4[0-9] of [4-9][0-9] TCP' ||
	fail "one_way: $(detail_of one_way)"
ends one_way

# The sensor's clock is stepped, and put right.
set_clock +90
opens clock
detail_of clock | grep -q '^[89][0-9]\.[0-9] s ahead$' ||
	fail "clock: $(detail_of clock)"
set_clock 0
ends clock
set_clock -90
opens clock
detail_of clock | grep -q '^9[0-9]\.[0-9] s behind$' ||
	fail "clock: $(detail_of clock)"
set_clock 0
ends clock

# None of this brought back what was over: each began once, but the clock.
same "intervals" 'clock 2, kernel_drops 1, one_way 1' "$(blind | jq -r '[.blind |
	group_by(.cause)[] | select(.[0].cause != "overload") |
	"\(.[0].cause) \(length)"] | join(", ")')"

# The collector is killed; the sensor ends in order and is started again while
# nobody looks, for longer than what is not worth a word.
beat() {
	sql "SELECT at_us / 1000000 FROM blind_beat"
}
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null
kill -TERM "$sensor_pid"
wait "$sensor_pid" || fail "sensor: exit status $?"
start_sensor
last=$(beat)
away() {
	[ $(($(date +%s) - last)) -gt 32 ]
}
eventually 120 away || fail "the clock stands still"
start_collector
eventually 60 is_over collector_down ||
	fail "collector_down is not told in 60 s: $(blind)"
# From when it looked last to the sensor's start, and no further.
started=$(jq -n --arg s "$(redis-cli -s "$sock" HGET \
	'picket:sensor:{hq/tap1}' started)" '$s | tonumber / 1000 | floor')
same "collector_down: from, to" "$last $started" "$(sql "SELECT
	from_us / 1000000, to_us / 1000000 FROM blind
	WHERE cause = 'collector_down'" | tr '|' ' ')"
same "the asset was blind, and sees" "collector_down watched" "$(blind \
	--asset mail | jq -r '[.assets[] | select(.from != null)] |
	"\(.[-2].why | ltrimstr("tap1: ")) \(.[-1].state)"')"
kill -TERM "$sensor_pid"
wait "$sensor_pid" || fail "sensor: exit status $?"
no_sanitizer "$tmp/sensor.log" "$tmp/collector.log"
[ $failures -eq 0 ] || cat "$tmp/collector.log" "$tmp/sensor.log"
finish
