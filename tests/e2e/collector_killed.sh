#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The collector is killed again and again while alerts come: what it has
# committed stays whole, and in the end each alert is there once, in its frame,
# its group and its minute.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 awk redis-server redis-cli
[ -x "$collector" ] || skip "picket-collector is not built"
framepush=$bin/framepush
[ -x "$framepush" ] || skip "framepush is not built"

# lines SENSOR COUNT : alerts of many addresses and a few rules.
lines() {
	awk -v sensor="$1" -v n="$2" 'BEGIN { for (i = 0; i < n; i++)
		printf "{\"timestamp\":\"2026-11-20T10:%02d:%02d.000000+0000\"," \
			"\"event_type\":\"alert\",\"src_ip\":\"10.%d.%d.%d\"," \
			"\"dest_ip\":\"192.0.2.%d\",\"alert\":{\"signature_id\":%d," \
			"\"signature\":\"rule %d\",\"severity\":%d}," \
			"\"picket\":{\"site\":\"s\",\"sensor\":\"%s\"}}\n",
			i / 60 % 60, i % 60, i % 7, i % 31, i % 101, i % 13,
			100 + i % 11, i % 11, 1 + i % 3, sensor }'
}

collector_start() {
	exec=exec collect --until-idle "$1" --set correlate.max-keys=5000 \
		2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
}

committed() {
	n=$(sql 'SELECT count(*) FROM frames' 2>/dev/null)
	[ "${n:-0}" -gt "$1" ]
}

count=40000
redis_start
for sensor in a b; do
	lines $sensor $count | "$framepush" "unix://$sock" s/$sensor 7 1 40 ||
		fail "framepush ended with status $?"
done
kills=0
have=0
while [ $kills -lt 12 ]; do
	collector_start 60
	# It got on, and is in the midst of something.
	eventually 60 committed "$have" || {
		fail "nothing more is committed after $have frames"
		break
	}
	kill -9 "$collector_pid"
	wait "$collector_pid" 2>/dev/null
	kills=$((kills + 1))
	same "the store after kill $kills" ok "$(sql 'PRAGMA integrity_check')"
	same "alerts of frames and of groups after kill $kills" 0 "$(sql "SELECT
		(SELECT sum(alerts) FROM frames) -
		(SELECT sum(count) FROM alert_groups)")"
	have=$(sql 'SELECT count(*) FROM frames')
	[ "$have" -lt $((2 * count / 40)) ] || break
done
collector_start 1
wait "$collector_pid" || fail "the collector ended with status $?"
no_sanitizer "$tmp/collector.log"

same "alerts in frames" $((2 * count)) "$(sql 'SELECT sum(alerts) FROM frames')"
same "alerts in groups" $((2 * count)) \
	"$(sql 'SELECT sum(count) FROM alert_groups')"
same "alerts in minutes" $((2 * count)) "$(sql 'SELECT sum(count) FROM timeline')"
same "alerts of sensors" $((2 * count)) "$(sql 'SELECT sum(alerts) FROM sensors')"
same "alerts counted" $((2 * count)) \
	"$(sql "SELECT value FROM counters WHERE name = 'alerts_stored'")"
same "frames" $((2 * count / 40)) \
	"$(sql "SELECT count(DISTINCT sensor || ':' || seq) FROM frames")"
same "numbers of alerts, without a hole or a repeat" $((2 * count)) "$(sql "
	SELECT max(first_alert + alerts) - min(first_alert) FROM frames")"
same "marks" "$((count / 40)) $((count / 40))" \
	"$(sql "SELECT group_concat(upto, ' ') FROM marks")"
same "sightings of a rule" $((2 * count)) "$(sql "SELECT sum(s.count) FROM
	sightings s JOIN runs r ON r.id = s.run WHERE r.kind = 6")"
same "the store" ok "$(sql 'PRAGMA integrity_check')"
echo "killed $kills times"
[ $failures -eq 0 ] || tail -n 5 "$tmp/collector.log"
finish
