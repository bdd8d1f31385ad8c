#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The exercise from packets to one incident: three sensors of two owners replay
# what they saw, at the same time, and a collector joins it.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 awk redis-cli
[ -x "$collector" ] || skip "picket-collector is not built"

redis_start
# Idle counts from the start, and sensors need a moment to load rules.
exec=exec collect --until-idle 4 --feed "$tmp/feed.json" 2>"$tmp/collector.log" &
collector_pid=$!
pids="$pids $collector_pid"

sensor_pids=
for s in $sites; do
	exec=exec replay "$s" 2>"$tmp/sensor-$s.log" &
	sensor_pids="$sensor_pids $!"
	pids="$pids $!"
done
for p in $sensor_pids; do
	wait "$p" || fail "a sensor ended with status $?"
done
wait "$collector_pid" || fail "the collector ended with status $?"
no_sanitizer "$tmp"/*.log

# Nothing lost, nothing twice, and it is committed and told to the sensor.
for s in $sites; do
	written=$(alerts_written "$s")
	same "$s: alerts stored" "$written" "$(alerts_stored "$s")"
	[ "${written:-0}" -gt 20 ] || fail "$s: only $written alerts"
	last=$(sql "SELECT f.epoch || ' ' || max(f.seq) FROM frames f
		JOIN sensors s ON s.id = f.sensor WHERE s.site = '$s'")
	same "$s: committed point" "$last" \
		"$(redis-cli -s "$sock" GET "picket:committed:{$s/tap1}")"
	same "$s: owner" "$(owner_of "$s")" \
		"$(sql "SELECT owner FROM sensors WHERE site = '$s'")"
	same "$s: exercise entries left in Redis" 1 \
		"$(redis-cli -s "$sock" XLEN "picket:alerts:{$s/tap1}")"
done
same "presences that are not JSON" 0 \
	"$(sql "SELECT count(*) FROM sensors
		WHERE presence <> '' AND NOT json_valid(presence)")"
same "refused" 0 "$(sql "SELECT sum(lines_refused + frames_refused)
	FROM sensors")"
same "alerts marked as exercise" "$(sql 'SELECT sum(alerts) FROM frames')" \
	"$(sql "SELECT sum(g.count) FROM alert_groups g
		JOIN names n ON n.id = g.exercise WHERE n.text = 'KEEN-LANTERN'")"
same "alerts in the feed" "$(sql 'SELECT sum(alerts) FROM frames')" \
	"$(grep -c '"event_type":"alert"' "$tmp/feed.json")"

# A spool that is opened again learns what was committed, and has nothing left
# but the ledgers that these runs add.
emptied() {
	sensor_home --read "$top/pcaps/tls.pcap" --site "$1" --sensor tap1 \
		--redis "unix://$sock" --spool "$tmp/spool-$1" \
		--forward-types alert 2>>"$tmp/again-$1.log" &&
		[ -z "$(find "$tmp/spool-$1" -name '[012]-*.seg')" ]
}
for s in $sites; do
	eventually 5 emptied "$s" || {
		fail "$s: the spool keeps what was committed"
		ls -l "$tmp/spool-$s"
	}
done

# One incident over all sites and both owners, with what joins them.
same "incidents open" 1 \
	"$(sql "SELECT count(*) FROM incidents WHERE state = 'open'")"
id=$(sql "SELECT id FROM incidents WHERE state = 'open' LIMIT 1")
of_incident="FROM sightings s JOIN incident_runs r ON r.run = s.run
	WHERE r.incident = $id"
same "sites of the incident" "jp-east jp-west us-pacific" \
	"$(sql "SELECT DISTINCT s.site $of_incident ORDER BY 1" |
		tr '\n' ' ' | sed 's/ $//')"
same "owners of the incident" "JP US" \
	"$(sql "SELECT DISTINCT s.owner $of_incident ORDER BY 1" |
		tr '\n' ' ' | sed 's/ $//')"
keys=$(sql "SELECT key FROM runs JOIN incident_runs r ON r.run = runs.id
	WHERE r.incident = $id")
for key in cdn.updates-sync.example 198.51.100.23; do
	case $keys in
	*"$key"*) ;;
	*) fail "the incident does not name $key" ;;
	esac
done
summary=$(sql "SELECT summary FROM incidents WHERE id = $id")
for mission in "Shared air picture" "Sea lift support" "Combined liaison"; do
	case $summary in
	*"$mission"*) ;;
	*) fail "the incident does not name the mission $mission" ;;
	esac
done
if [ -x "$bin/picketctl" ]; then
	"$bin/picketctl" --store "$tmp/picket.db" incidents show --all \
		>"$tmp/shown" 2>&1 || fail "picketctl ended with status $?"
	for word in $sites cdn.updates-sync.example; do
		grep -q -F "$word" "$tmp/shown" ||
			fail "picketctl does not show $word"
	done
fi
finish
