#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two parts and their head on a Redis Cluster of three masters, one of which is
# stopped for a while: each alert is joined, once.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"

# shellcheck disable=SC2046
set -- $(free_ports 3)
p1=$1 p2=$2 p3=$3
nodes 15000 "$@"
cluster "$@"
url=redis+cluster://127.0.0.1:$p1,127.0.0.1:$p2,127.0.0.1:$p3

# one NAME OPTION... : a collector of several; its process number in $started.
one() {
	_name=$1
	shift
	exec=exec take "$url" --missions "$top/pcaps/missions.yaml" \
		--store "$tmp/$_name.db" --set parts.of=2 "$@" \
		2>>"$tmp/$_name.out" &
	started=$!
	pids="$pids $started"
}
one part1 --set parts.number=1
collectors=$started
one part2 --set parts.number=2
collectors="$collectors $started"
one head --set parts.head=yes
collectors="$collectors $started"

sensor_pids=
for s in $sites; do
	sensor_home --read "$top/pcaps/exercise-$s.pcap" --site "$s" \
		--sensor tap1 --owner "$(owner_of "$s")" --redis "$url" \
		--pace 8 --spool "$tmp/spool-$s" --eve "$tmp/eve-$s.json" \
		--set spool.resend-seconds=1 --set forward.drain-ms=60000 \
		2>"$tmp/sensor-$s.out" &
	sensor_pids="$sensor_pids $!"
	pids="$pids $!"
done
joined() {
	sql 'SELECT coalesce(sum(alerts), 0) FROM part_marks' "$tmp/head.db" \
		2>/dev/null || echo 0
}
joined_more() {
	[ "$(joined)" -gt "$1" ]
}
eventually 20 joined_more 3 || fail "waited 20 s for the first alerts"

# Who has the stream of part 1 hangs, and comes back.
for p in "$p1" "$p2" "$p3"; do
	redis-cli -p "$p" --raw xlen 'picket:sightings:{1}' 2>/dev/null |
		grep -q '^[0-9]' && victim=$p
done
kill -STOP "$(cat "$tmp/node$victim.pid")"
sleep 1
kill -CONT "$(cat "$tmp/node$victim.pid")"

for p in $sensor_pids; do
	wait "$p" || fail "a sensor ended with status $?"
done
all=$(cat "$tmp"/eve-*.json | grep -c '"event_type":"alert"')
all_joined() {
	[ "$(joined)" = "$all" ]
}
eventually 40 all_joined || fail "waited 40 s for $all alerts, $(joined) came"
same "stored by both parts" "$all" "$((
	$(sql 'SELECT sum(alerts) FROM frames' "$tmp/part1.db") +
	$(sql 'SELECT sum(alerts) FROM frames' "$tmp/part2.db")))"
both_heard() {
	"$bin/picketctl" -s "$tmp/head.db" parts >"$tmp/parts.txt" 2>&1
}
eventually 20 both_heard ||
	fail "picketctl parts: waited 20 s: $(cat "$tmp/parts.txt")"
for p in $collectors; do
	kill -TERM "$p"
	wait "$p" || fail "a collector ended with status $?"
done
same "alerts counted by the keys of rules" "$all" "$(sql "SELECT sum(s.count)
	FROM sightings s JOIN runs r ON r.id = s.run WHERE r.kind = 6 AND
	r.key NOT LIKE 'collector:%'" \
	"$tmp/head.db")"
same "owners of incidents" "JP US" "$(sql "SELECT group_concat(o, ' ') FROM (
	SELECT DISTINCT s.owner o FROM sightings s JOIN incident_runs r
	ON r.run = s.run ORDER BY 1)" "$tmp/head.db")"
no_sanitizer "$tmp"/*.out
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.out
finish
