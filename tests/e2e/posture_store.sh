#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A posture that makes incidents, ordered while the store refuses them: nothing
# is told of what was not stored, and once it takes them each is told once.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli jq sqlite3
ctl=$bin/picketctl
[ -x "$ctl" ] || skip "picketctl is not built"

redis_start
cat >"$tmp/levels.yaml" <<-EOF
	levels:
	  - name: calm
	  - name: alarm
	    settings:
	      correlate.min-sites: 2
	      correlate.min-owners: 2
	      correlate.min-stages: 2
EOF
"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
	--set "posture.file=$tmp/levels.yaml" --feed "$tmp/feed.json" \
	--set correlate.min-sites=64 --set correlate.min-owners=64 \
	--set correlate.min-stages=12 2>>"$tmp/collector.log" &
collector_pid=$!
pids="$pids $collector_pid"

for s in $sites; do
	sensor_home --read "$top/pcaps/exercise-$s.pcap" --site "$s" \
		--sensor tap1 --owner "$(owner_of "$s")" --redis "unix://$sock" \
		--spool "$tmp/$s" 2>>"$tmp/$s.log" || fail "$s: status $?"
done
all_here() {
	[ "$(sql 'SELECT count(*) FROM sensors WHERE alerts>0')" = 3 ] &&
		[ "$(sql 'SELECT count(*) FROM runs')" -gt 0 ]
}
eventually 30 all_here || fail "not all alerts came"
same "incidents before" 0 "$(sql 'SELECT count(*) FROM incidents')"

change() {
	sqlite3 -cmd '.timeout 5000' "$tmp/picket.db" "$1"
}
change "CREATE TRIGGER full BEFORE INSERT ON incident_log BEGIN
	SELECT RAISE(ABORT,'no room'); END" || fail "the trigger"
"$ctl" --store "$tmp/picket.db" posture alarm >/dev/null || fail "the order"
tried_twice() {
	[ "$(grep -c 'posture: .*trying on' "$tmp/collector.log")" -ge 2 ]
}
eventually 30 tried_twice || fail "the store did not refuse"
same "told of what is not" 0 \
	"$(jq -r 'select(.event_type == "incident") | .incident.id' \
		"$tmp/feed.json" | wc -l)"
same "stored" 0 "$(sql 'SELECT count(*) FROM incidents')"
change 'DROP TRIGGER full' || fail "the trigger's end"
opened() {
	[ "$(sql 'SELECT count(*) FROM incidents')" -gt 0 ] &&
		[ "$(jq -r 'select(.event_type == "incident" and
			.incident.what == "opened") | .incident.id' \
			"$tmp/feed.json" | sort -n | paste -sd ' ')" = \
			"$(sql 'SELECT id FROM incidents ORDER BY id' |
				paste -sd ' ')" ]
}
eventually 20 opened || fail "the feed: $(jq -c \
	'select(.event_type == "incident") | .incident.what' "$tmp/feed.json" |
	sort | uniq -c)"

# A posture in which owners talk from a lower level on: what is open by then and
# reaches it has its consultation, though nothing new is seen.
kill "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
rm -f "$tmp"/picket.db*
cat >"$tmp/levels.yaml" <<-EOF
	levels:
	  - name: calm
	  - name: talk
	    settings: {consult.level: 1}
EOF
: >"$tmp/collector.log"
"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
	--set "posture.file=$tmp/levels.yaml" --set consult.level=5 \
	2>>"$tmp/collector.log" &
collector_pid=$!
pids="$pids $collector_pid"
eventually 20 grep -q 'is open: schema' "$tmp/collector.log" || fail "no store"
for s in jp-east jp-west; do
	sensor_home --read "$top/pcaps/exercise-$s.pcap" --site "$s" \
		--sensor tap2 --owner JP --redis "unix://$sock" \
		--spool "$tmp/$s-2" 2>>"$tmp/$s.log" || fail "$s: status $?"
done
one_incident() { [ "$(sql "SELECT count(*) FROM incidents
	WHERE state = 'open' AND level BETWEEN 1 AND 4")" -ge 1 ]; }
eventually 30 one_incident || fail "no incident below level 5"
same "consultations of it" 0 "$(sql 'SELECT count(*) FROM consults')"
"$ctl" --store "$tmp/picket.db" posture talk >/dev/null || fail "the order"
talks() { [ "$(sql "SELECT count(*) FROM consults WHERE state='open'")" -ge 1 ]; }
eventually 20 talks || fail "nobody talks: $(tail -n 3 "$tmp/collector.log")"
"$ctl" --store "$tmp/picket.db" posture | grep -q '^  talk: consult.level=1$' ||
	fail "not shown: $("$ctl" --store "$tmp/picket.db" posture)"
same "shown to programs" 1 "$("$ctl" --store "$tmp/picket.db" posture --json |
	jq -r '.settings.talk["consult.level"]')"
no_sanitizer "$tmp"/*.log
finish
