#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# When nobody was looking: a live sensor on a virtual link meets each cause, and
# the collector says so, when it begins and when it is over; a replay never
# does.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq sqlite3 tcpreplay
from=pk$$c
to=pk$$d

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
ip netns add "$from" 2>"$tmp/why" && ip netns add "$to" 2>"$tmp/why" &&
	ip -n "$from" link add tap7 type veth peer name eth7 netns "$to" \
		2>"$tmp/why" &&
	ip -n "$from" link set tap7 up && ip -n "$to" link set eth7 up ||
	skip "no network namespaces: $(head -n 1 "$tmp/why")"
redis_start
echo "192.0.2.99,ip" >"$tmp/bad.csv"
cp "$top"/rules/dist/*.rules "$tmp"

cat >"$tmp/map.yaml" <<'END'
owners: [{name: JP}]
sites: [{name: hq, owner: JP}, {name: annex, owner: JP}]
assets:
  - {name: mail, site: hq, networks: [192.0.2.0/25]}
  - {name: files, site: hq, networks: [198.51.100.0/24]}
  - {name: gate, site: annex, networks: [203.0.113.0/24]}
services:
  - {name: letters, depends_on: [mail, store]}
  - {name: store, depends_on: [files]}
  - {name: fence, depends_on: [gate]}
missions:
  - {name: post, owner: JP, services: [letters], criticality: high}
  - {name: border, owner: JP, services: [fence]}
END

start_collector() {
	exec=exec "$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--missions "$tmp/map.yaml" --feed "$tmp/feed.json" \
		--set blind.tap-silent=4 --set blind.window=6 \
		2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
}

start_sensor() {
	: >"$tmp/sensor.log"
	ip netns exec "$to" "$sensor" --interface eth7 --workers 1 \
		--rules "$tmp/*.rules" --indicators "$tmp/bad.csv" \
		--set indicator-max-age=3600 --site hq --sensor tap1 \
		--set 'watches=[192.0.2.0/24]' \
		--redis "unix://$sock" --spool "$tmp/spool" \
		2>>"$tmp/sensor.log" &
	sensor_pid=$!
	pids="$pids $sensor_pid"
	eventually 60 grep -q 'capturing on' "$tmp/sensor.log" || {
		fail "no capture begins"
		cat "$tmp/sensor.log"
	}
}

# send [OPTION...] : a capture over the link.
send() {
	ip netns exec "$from" tcpreplay -q -t -i tap7 "$@" \
		"$top/pcaps/exercise-jp-east.pcap" >"$tmp/replay.log" 2>&1 ||
		fail "tcpreplay: $(cat "$tmp/replay.log")"
}

blind() {
	"$bin/picketctl" --store "$tmp/picket.db" blind --json "$@" \
		2>/dev/null
}

# is_open CAUSE, is_over CAUSE : of hq/tap1.
is_open() {
	blind | jq -e --arg c "$1" '[.blind[] | select(.sensor == "tap1" and
		.cause == $c and .to == null)] | length == 1'
}
is_over() {
	blind | jq -e --arg c "$1" '[.blind[] | select(.sensor == "tap1" and
		.cause == $c)] | length >= 1 and all(.to != null)'
}

# opens CAUSE : within 60 seconds, told in the feed too.
opens() {
	eventually 60 is_open "$1" || fail "$1 is not noticed in 60 s"
}
ends() {
	eventually 60 is_over "$1" || fail "$1 does not end in 60 s"
}

# A replay, with all it ends with, is nobody's blindness.
start_collector
eventually 30 test -s "$tmp/picket.db" || fail "no store"
sensor_home --read "$top/pcaps/tls.pcap" --site hq --sensor again \
	--redis "unix://$sock" --spool "$tmp/spool-again" 2>>"$tmp/again.log"

start_sensor
# Nothing yet: no traffic is no loss of traffic.
seen() {
	blind | jq -e '.sensors[] | select(.sensor == "tap1" and .live)'
}
eventually 60 seen || fail "the sensor is not seen"
same "at first" 0 "$(blind | jq '[.blind[] | select(.sensor == "tap1")] |
	length')"

# The tap falls silent, and speaks again.
send
opens tap_silent
# It would be silent again before a slow machine has looked.
speaks() {
	send
	is_over tap_silent
}
eventually 60 speaks || fail "tap_silent does not end"

# The interface goes down and up.
ip -n "$to" link set eth7 down
opens interface_down
ip -n "$to" link set eth7 up
ends interface_down

# Rules that cannot be read again.
echo 'alert tcp any any -> (' >"$tmp/wrong.rules"
sensor_set() {
	kill -USR2 "$sensor_pid"
}
mv "$tmp/bad.csv" "$tmp/away.csv"
sensor_set
opens rules_failed
# And the indicators: the file is gone, which is as stale as can be.
opens feed_stale
mv "$tmp/away.csv" "$tmp/bad.csv"
rm "$tmp/wrong.rules"
sensor_set
ends rules_failed
ends feed_stale

# Killed: silent at first; and what the next start says of it.
kill -9 "$sensor_pid"
wait "$sensor_pid" 2>/dev/null
opens silent
start_sensor
# One row for what is one event: killed, and that it was noticed as silence.
one_row() {
	blind | jq -e '[.blind[] | select(.sensor == "tap1" and
		(.cause == "killed" or .cause == "silent"))] | length == 1 and
		all(.cause == "killed" and .to != null and .silent_from != null)'
}
eventually 60 one_row || fail "killed and silent are not one: $(blind)"

# The collector is away; the sensor was there all the time.
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null
looked=$(sql 'SELECT max(at_us) FROM blind_beat')
looks() { [ "$(sql 'SELECT max(at_us) FROM blind_beat')" -gt "$looked" ]; }
start_collector
eventually 60 looks || fail "waited 60 s for the collector to look again"
eventually 60 seen || fail "the sensor is not seen by the next collector"
same "no blindness by the collector" 0 \
	"$(blind | jq '[.blind[] | select(.cause == "collector_down")] |
	length')"

# Ended in order: nobody watches the tap.
kill -TERM "$sensor_pid"
wait "$sensor_pid" || fail "sensor: exit status $?"
opens ended

# Assets: of the one that it watches, of one that is elsewhere in its site, and
# of one at a site without a sensor.
state_of() {
	blind --asset "$1" | jq -r '[.assets[] | select(.from == null)][0].state'
}
same "the asset that it watches" blind "$(state_of mail)"
same "one that it does not" unwatched "$(state_of files)"
same "one without a sensor" unwatched "$(state_of gate)"
why_of() {
	blind --asset "$1" | jq -r '[.assets[] | select(.from == null)][0].why'
}
same "why it is blind" "tap1: ended" "$(why_of mail)"
same "why one is unwatched" \
	"no live sensor of its site watches its networks" "$(why_of files)"
same "why the other is" "its site has no live sensor" "$(why_of gate)"
# From when to when, without a hole, and what part of the time that was.
blind --asset mail | jq -e '[.assets[] | select(.from != null)] as $p |
	all(range(1; $p | length); $p[.].from == $p[. - 1].to) and
	($p[-1].to == null) and any($p[]; .state == "watched") and
	all($p[]; .state == "watched" or .why != "")' >/dev/null ||
	fail "the pieces of the asset's time: $(blind --asset mail)"
blind --asset mail | jq -e '[.assets[] | select(.from == null)][0].percent |
	.blind > 0 and .watched > 0 and .unwatched == 0 and
	([.[]] | add) > 99' >/dev/null || fail "percents: $(blind --asset mail)"
blind --asset mail --since 1s | jq -e '[.assets[] | select(.from == null)][0]
	.percent.blind == 100' >/dev/null || fail "percents of now"
same "intervals name the assets" mail "$(blind | jq -r '[.blind[].assets] |
	unique | join("|")')"

# Missions: none is well, and each says why.
missions() {
	"$bin/picketctl" --store "$tmp/picket.db" missions "$@"
}
same "missions" 'border unwatched unwatched: gate
post blind blind: mail; unwatched: files' "$(missions --json |
	jq -r '.missions[] | "\(.mission) \(.state) \(.why)"')"
missions | grep -q '^blind *post *JP .*blind: mail; unwatched: files' ||
	fail "missions for eyes: $(missions)"
blind --asset nothing >/dev/null && fail "an asset that is not there"
[ "$(blind --asset mail | jq '[.assets[] | select(.from != null)] | length')" \
	-gt 2 ] || fail "its blind intervals are not told"

# For eyes, and in the feed: each beginning and each end.
"$bin/picketctl" --store "$tmp/picket.db" blind >"$tmp/text" ||
	fail "for eyes: exit status $?"
grep -q 'tap_silent *eth7' "$tmp/text" || fail "the interface is not named"
for cause in tap_silent interface_down rules_failed feed_stale silent; do
	for type in 'null' 'string'; do
		jq -s -e --arg c $cause --arg t $type 'any(.event_type == "blind"
			and .blind.cause == $c and (.blind.to | type) == $t)' \
			"$tmp/feed.json" >/dev/null ||
			fail "$cause, to $type: not in the feed"
	done
done
same "blindness of the replay" 0 \
	"$(blind | jq '[.blind[] | select(.sensor == "again")] | length')"
"$bin/picketctl" --store "$tmp/picket.db" ledger hq/tap1 >"$tmp/ledger" || {
	fail "the ledger does not hold"
	cat "$tmp/ledger"
}
no_sanitizer "$tmp/sensor.log" "$tmp/collector.log"
[ $failures -eq 0 ] || cat "$tmp/text" "$tmp/collector.log"
finish
