#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# STIX patterns of the common set: compiled into the sensor's set of rules while
# packets flow; what was seen of one goes on over the reload that another asks
# for; many changes cost few reloads; what the sensor cannot see is refused by
# its id; and from the disk they are in force before the first packet.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq tcpreplay python3
ns=pq$$
store=$tmp/picket.db
leave() {
	ip netns del "$ns" 2>/dev/null
	cleanup
}
trap leave EXIT
trap 'leave; exit 99' INT TERM
ip netns add "$ns" 2>"$tmp/why" || skip "no namespace: $(head -n 1 "$tmp/why")"
ip netns exec "$ns" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null
ip -n "$ns" link add eth7 type veth peer name teth7 &&
	ip -n "$ns" link set eth7 up && ip -n "$ns" link set teth7 up ||
	skip "no link"
redis_start
ctl() { "$bin/picketctl" --store "$store" "$@"; }
ctl keys make "$tmp/key" >/dev/null || fail "no key"
"$collector" --redis "unix://$sock" --store "$store" \
	--set "control.sign-key=$tmp/key" --set gate.enabled=no \
	2>"$tmp/collector.log" &
collector_pid=$!
pids="$pids $!"
eventually 30 ctl status || fail "no collector: $(cat "$tmp/collector.log")"

echo 'alert dns any any -> any any (msg:"any name"; dns.query; content:"nothing"; sid:1;)' \
	>"$tmp/r.rules"
sensor_up() {
	: >"$tmp/sensor.log"
	ip netns exec "$ns" "$sensor" --interface eth7 --site hq \
		--sensor tap1 --spool "$tmp/spool" --eve "$tmp/eve.json" \
		--eve-types alert --redis "unix://$sock" --workers 2 \
		--rules "$tmp/r.rules" --stats "$tmp/stats" --set tlp=green \
		--set "control.public-key=$tmp/key.pub" --set forward.drain-ms=1 \
		--set forward.linger-ms=1 2>"$tmp/sensor.log" &
	sensor_pid=$!
	pids="$pids $!"
	eventually 30 grep -q 'capturing on' "$tmp/sensor.log" ||
		fail "no sensor: $(cat "$tmp/sensor.log")"
}

# bundle FILE ID-PATTERN... : a bundle of them; "-ID" is one that is revoked.
bundle() {
	python3 - "$@" <<'END'
import json
import sys
import time

objects = []
for word in sys.argv[2:]:
    number, pattern = word.split(" ", 1)
    revoked = number.startswith("-")
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + \
        ".%06dZ" % (time.time_ns() // 1000 % 1000000)
    objects.append({
        "type": "indicator", "spec_version": "2.1",
        "id": "indicator--00000000-0000-4000-8000-%012d" %
              int(number.lstrip("-")),
        "created": "2026-01-01T00:00:00Z", "modified": now,
        "valid_from": "2020-01-01T00:00:00Z", "pattern_type": "stix",
        "pattern": pattern, "revoked": revoked,
        "object_marking_refs":
            ["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]})
json.dump({"type": "bundle",
           "id": "bundle--00000000-0000-4000-8000-000000000001",
           "objects": objects}, open(sys.argv[1], "w"))
END
}
give() {
	bundle "$tmp/bundle.json" "$@"
	ctl indicators import --source test "$tmp/bundle.json" >/dev/null ||
		fail "not imported: $*"
}
armed() { ctl indicators armed --json | jq -r ".sensors[0] | $1"; }
even() {
	[ "$(armed '"\(.behind) \(.patterns_wait) \(.armed) \(.refused)"')" = \
		"0 false $1 $2" ]
}
is_even() {
	eventually 30 even "$1" "$2" || {
		fail "$3: not even"
		ctl indicators armed --json
		cat "$tmp/sensor.log" "$tmp/collector.log"
	}
}
alerts() {
	jq -s "[.[] | select(.picket.indicator.id // \"\" |
		endswith(\"-00000000000$1\"))] | length" "$tmp/eve.json"
}
replay() {
	ip netns exec "$ns" tcpreplay -q -t -i teth7 "$top/pcaps/$1.pcap" \
		>"$tmp/replay.log" 2>&1 || fail "tcpreplay: $(cat "$tmp/replay.log")"
}
names() { [ "$(jq -s '[.[] | select(.alert.signature_id == 1)] | length' \
	"$tmp/eve.json")" -ge "$1" ]; }

sensor_up
one="[domain-name:value = 'nothing.example'] FOLLOWEDBY [url:value LIKE 'http://192.0.2.80/%']"
give "1 $one" "2 [domain-name:value MATCHES '(half']"
is_even 1 1 "two patterns"
armed .patterns_refused | grep -q \
	'indicator--00000000-0000-4000-8000-000000000002: .*MATCHES' ||
	fail "not refused by its id: $(armed .patterns_refused)"
ctl indicators armed | grep -q 'refused: indicator--.*MATCHES' ||
	fail "not shown: $(ctl indicators armed)"

# Half of the first is seen; then another pattern makes a reload.
replay dns
eventually 30 names 1 || fail "the first half is not seen"
give "3 [url:value LIKE 'http://192.0.2.80/docs/%']"
is_even 2 1 "a third pattern"
same "of half a pattern" 0 "$(alerts 1)"
replay http
third() { [ "$(alerts 3)" -gt 0 ]; }
eventually 30 third || fail "the third is not found: $(cat "$tmp/sensor.log")"
same "of both halves, over a reload" 1 "$(alerts 1)"
# They are clear, and the sensor's own marking is green.
same "its marking" '"green"' "$(jq -c 'select(.picket.indicator) | .picket.tlp' \
	"$tmp/eve.json" | sort -u)"

# A thousand changes, one import after another: few reloads, and no alert is
# lost meanwhile.
before=$(grep -c 'reload: begins' "$tmp/sensor.log")
many=0
while [ $many -lt 3 ]; do
	python3 - "$many" <<'END' >"$tmp/words"
import sys
k = int(sys.argv[1])
for i in range(333):
    print("%d [domain-name:value = 'n%d.example' AND domain-name:value != 'x']"
          % (100 + 333 * k + i, 333 * k + i))
END
	set --
	while IFS= read -r line; do
		set -- "$@" "$line"
	done <"$tmp/words"
	give "$@"
	many=$((many + 1))
done

# What is revoked is looked for no more.
give "-3 [url:value LIKE 'http://192.0.2.80/docs/%']" \
	"4 [domain-name:value LIKE 'nothing.%']" "5 [file:size = 1522]"
is_even 1002 1 "a storm"
reloads=$(($(grep -c 'reload: begins' "$tmp/sensor.log") - before))
[ $reloads -le 7 ] || fail "$reloads reloads for four imports"
lag=$(armed .patterns_lag_us)
[ "$lag" -lt 4000000 ] || fail "the last waited $lag us"
third=$(alerts 3)
replay dns
replay http
twice() { [ "$(alerts 1)" -eq 2 ]; }
eventually 30 twice || fail "the first is not found again"
same "of what was revoked" "$third" "$(alerts 3)"
kill "$sensor_pid"
wait "$sensor_pid" 2>/dev/null
no_sanitizer "$tmp/sensor.log"
same "dropped packets" 0 "$(jq '[.. | .kernel_drops? // empty] | add // 0' \
	"$tmp/stats")"

# All away: from the disk, before the first packet, with any workers.
kill "$collector_pid"
wait "$collector_pid" 2>/dev/null
redis_kill
for w in 1 4; do
	"$sensor" --quiet --read "$top/pcaps/dns.pcap" \
		--site hq --sensor tap1 --spool "$tmp/spool" \
		--eve "$tmp/eve.$w" --eve-types alert --workers $w \
		--redis "unix://$sock" --set forward.drain-ms=1 \
		--set forward.linger-ms=1 --set "control.public-key=$tmp/key.pub" \
		2>"$tmp/log.$w" || fail "$w workers: $(cat "$tmp/log.$w")"
	cmp -s "$tmp/eve.1" "$tmp/eve.$w" ||
		fail "$w workers raise other alerts than one"
done
same "from the disk" 1 "$(jq -s '[.[] | select(.picket.indicator.id | endswith(
	"-000000000004"))] | length' "$tmp/eve.1")"
no_sanitizer "$tmp/collector.log" "$tmp"/log.*
finish
