#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One truth at three taps whose sensors are two parts', by clocks that are an
# hour apart, before a head that is killed while another stands by: what was
# told apart until the clocks were compared is one event in the end, counted
# once, and no alert of a part is lost or joined twice.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 python3 redis-cli jq
[ -x "$collector" ] || skip "picket-collector is not built"

TAPS_APART=3600 python3 "$top/tests/tools/taps.py" make "$tmp" 3 11 \
	"$top/pcaps/exercise-jp-east.pcap" "$top/pcaps/dns.pcap" \
	"$top/pcaps/tls.pcap" "$top/pcaps/http.pcap" || fail "no captures"

redis_start
ctl() { "$bin/picketctl" --store "$tmp/head.db" "$@"; }

# one NAME STORE OPTION... : a collector; its process number is $last.
one() {
	_name=$1
	_store=$2
	shift 2
	exec=exec collect --store "$tmp/$_store.db" --set parts.of=2 "$@" \
		2>>"$tmp/$_name.log" &
	last=$!
	pids="$pids $last"
}
head_named() {
	one "$1" head --set parts.head=yes --set "lease.name=$1" \
		--set lease.stale=1 --feed "$tmp/feed.json" --set gate.enabled=no
}
# serves NAME
serves() {
	ctl --json collectors | jq -e --arg n "$1" \
		'any(.collectors[]; .state == "serving" and .name == $n)'
}
stands_by() {
	ctl --json collectors | jq -e 'any(.collectors[]; .state == "standby")'
}
# watch TAP OPTION... : what that sensor raises of its capture, until it is
# committed.
watch() {
	tap=$1
	shift
	sensor_home --set 'vars.address-groups.HOME_NET=[192.0.2.0/24,10.0.0.0/8]' \
		--read "$tmp/$tap.pcap" --site "$tap" --sensor tap --owner "$tap" \
		--redis "unix://$sock" --spool "$tmp/spool-$tap" \
		--eve "$tmp/eve-$tap.json" --eve-types alert "$@" \
		2>"$tmp/sensor-$tap.log" ||
		fail "the sensor of $tap ended with status $?"
}
joined() { sql 'SELECT coalesce(sum(alerts), 0) FROM part_marks' "$tmp/head.db"; }
enough() { [ "$(joined)" -ge "$all" ]; }
all_joined() {
	all=0
	for tap in "$@"; do
		all=$((all + $(alerts_written "$tap")))
	done
	eventually 30 enough ||
		fail "joined: $(joined) of $all alerts of $*"
}
# Alerts of the head less those that are part of another's event.
events() {
	sql 'SELECT (SELECT sum(alerts) FROM part_marks) -
		(SELECT count(*) FROM twins WHERE alert <> event)' "$tmp/head.db"
}
counted() {
	sql 'SELECT sum(s.events) FROM sightings s JOIN runs r ON r.id = s.run
		WHERE r.kind = 6' "$tmp/head.db"
}

for k in 1 2; do
	one part$k part$k --set parts.number=$k
	eval "part$k=\$last"
done
head_named first
first=$last
eventually 20 serves first || fail "no head: $(cat "$tmp/first.log")"
head_named second
second=$last
eventually 20 stands_by || fail "nobody stands by: $(cat "$tmp/second.log")"

watch inside
watch gre
all_joined inside gre
apart=$(sql 'SELECT count(*) FROM twins' "$tmp/head.db")

# It dies in the midst of the third tap's alerts.
watch vxlan --pace 3 &
third=$!
more() { [ "$(joined)" -gt "$all" ]; }
eventually 30 more || fail "nothing came of the third tap"
kill -9 "$first"
then=$(joined)
wait "$first" 2>/dev/null
eventually 20 serves second || fail "nobody took over: $(cat "$tmp/second.log")"
wait "$third" || fail "the sensor of vxlan failed"
all_joined inside gre vxlan
same "alerts joined" "$all" "$(joined)"
for k in 1 2; do
	[ "$(sql 'SELECT count(*) FROM frames' "$tmp/part$k.db")" -gt 0 ] ||
		fail "part $k has no sensor"
done
both_counted() { [ "$(events)" = "$(counted)" ]; }
eventually 20 both_counted ||
	fail "events: $(events) by what is joined, $(counted) as counted"
pairs=$(sql 'SELECT count(*) FROM twins' "$tmp/head.db")
[ "$pairs" -gt $((apart + 50)) ] || fail "pairs: $apart, then $pairs"
same "events whose first tap is not known" 0 "$(sql 'SELECT
	count(DISTINCT event) FROM twins WHERE event NOT IN
	(SELECT alert FROM twins)' "$tmp/head.db")"
late=$(grep -c '"event_type":"joined"' "$tmp/feed.json")
[ "$late" -gt 50 ] || fail "joined late: $late"
same "clocks" "good off off" "$(sql 'SELECT group_concat(state, " ") FROM
	(SELECT state FROM clocks ORDER BY state)' "$tmp/head.db")"
for p in $second $part1 $part2; do
	kill "$p"
	wait "$p" || fail "a collector ended with status $?"
done
no_sanitizer "$tmp"/*.log
echo "$all alerts, $((all - then)) after the kill, $(events) events, $late joined late"
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.log
finish
