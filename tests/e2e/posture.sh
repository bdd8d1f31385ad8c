#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A posture ordered once: three sensors obey while they run, keep it over a
# restart, are told again when they were away, refuse what is forged or beyond
# them, and show it.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli jq sqlite3
ctl=$bin/picketctl
[ -x "$ctl" ] || skip "picketctl is not built"

redis_start
"$ctl" keys make "$tmp/key" >/dev/null || fail "keys make: status $?"
"$ctl" keys make "$tmp/other" >/dev/null || fail "keys make: status $?"

cat >"$tmp/levels.yaml" <<-EOF
	levels:
	  - name: calm
	  - name: alarm
	    settings:
	      eve.types: alert,http
	      eve.alert.payload: yes
	      ledger.interval: 1
	      forward.batch-ms: 20
	      correlate.min-stages: 2
	  - name: beyond
	    settings: {eve.types: "alert,teleport"}
EOF

# watch SITE : a sensor that reads a pipe, which this shell keeps open.
watch() {
	exec=exec sensor_home --read "$tmp/$1.fifo" --site "$1" --sensor tap1 \
		--eve "$tmp/$1.json" --eve-types alert \
		--redis "unix://$sock" --spool "$tmp/$1" \
		--set "control.public-key=$tmp/key.pub" \
		--set eve.alert.payload=no \
		--set forward.presence-ms=200 2>>"$tmp/$1.log" &
	watch_pid=$!
	pids="$pids $watch_pid"
}

collect() {
	"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--set "posture.file=$tmp/levels.yaml" \
		--set "control.sign-key=${1:-$tmp/key}" \
		2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
	eventually 20 sql 'SELECT name FROM posture_levels' ||
		fail "the collector does not start"
}

# obeys SITE LEVEL
obeys() {
	[ "$(redis-cli -s "$sock" HGET "picket:sensor:{$1/tap1}" posture)" = \
		"$2" ]
}

# all_obey LEVEL SITE...
all_obey() {
	level=$1
	shift
	for s in "$@"; do
		eventually 30 obeys "$s" "$level" ||
			fail "$s does not obey $level: $(redis-cli -s "$sock" \
				HMGET "picket:sensor:{$s/tap1}" posture \
				posture_error | tr '\n' ' ')"
	done
}

order() {
	"$ctl" --store "$tmp/picket.db" posture "$@" >"$tmp/order.out" \
		2>"$tmp/order.err"
}

cat >"$tmp/bad.yaml" <<-EOF
	levels:
	  - name: calm
	    settings:
	      spool.dir: /
EOF
"$collector" --check --redis "unix://$sock" --store "$tmp/x.db" \
	--set "posture.file=$tmp/bad.yaml" 2>"$tmp/bad.err" &&
	fail "a setting that no posture may change was taken"
grep -q 'bad.yaml:4: .*spool.dir' "$tmp/bad.err" ||
	fail "bad levels: $(cat "$tmp/bad.err")"

collect
for s in $sites; do
	mkfifo "$tmp/$s.fifo"
done
exec 4<>"$tmp/jp-east.fifo" 5<>"$tmp/jp-west.fifo" 6<>"$tmp/us-pacific.fifo"
for s in $sites; do
	watch "$s"
	eval "pid_$(echo "$s" | tr - _)=$watch_pid"
done
cat "$top/pcaps/exercise-jp-east.pcap" >&4
cat "$top/pcaps/exercise-jp-west.pcap" >&5
cat "$top/pcaps/exercise-us-pacific.pcap" >&6
some_alerts() {
	[ -s "$tmp/jp-east.json" ] && [ -s "$tmp/us-pacific.json" ]
}
eventually 30 some_alerts || fail "no alerts"
all_live() {
	[ "$(sql "SELECT count(*) FROM sensors WHERE state='live'")" = 3 ]
}
eventually 30 all_live || fail "the collector does not see all sensors"

order panic && fail "a level that there is not was ordered"
grep -q 'calm, alarm, beyond' "$tmp/order.err" ||
	fail "unknown level: $(cat "$tmp/order.err")"

# shellcheck disable=SC2086
{
	begin=$(date +%s%3N)
	order alarm --note 'a drill' || fail "order: $(cat "$tmp/order.err")"
	all_obey alarm $sites
}
printf 'all sensors obey after %s ms (looked at every 100)\n' \
	$(($(date +%s%3N) - begin))

# What comes from now on is shown by the other level, in the same run.
same "events before" alert \
	"$(jq -r .event_type "$tmp/jp-east.json" | sort -u | paste -sd ' ')"
same "payload before" 0 \
	"$(jq -r 'select(.payload != null)' "$tmp/jp-east.json" | wc -l)"
n=$(wc -l <"$tmp/jp-east.json")
tail -c +25 "$top/pcaps/exercise-us-pacific.pcap" >&4
both_kinds() {
	[ "$(tail -n "+$((n + 1))" "$tmp/jp-east.json" | jq -r .event_type |
		sort -u | paste -sd ' ')" = "alert http" ]
}
eventually 30 both_kinds || fail "no other events than alerts"
with_payload() {
	tail -n "+$((n + 1))" "$tmp/jp-east.json" | jq -e -s \
		'[.[] | select(.event_type == "alert" and .payload != null)] |
		length > 0'
}
eventually 30 with_payload || fail "no payload"

# Of one site; and it is kept by a sensor that is killed, without a collector.
order calm --site us-pacifc --note 'misspelt' ||
	fail "an order for a site that may come later"
grep -q "no sensor of a site 'us-pacifc'.*jp-east, jp-west, us-pacific" "$tmp/order.err" ||
	fail "a site of no sensor is not told: $(cat "$tmp/order.err")"
order calm --site us-pacific --note 'theirs' || fail "order for a site"
same "of a site that is there" "" "$(cat "$tmp/order.err")"
all_obey calm us-pacific
all_obey alarm jp-east jp-west
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null
kill -9 "$pid_jp_east"
wait "$pid_jp_east" 2>/dev/null
exec 4>&-
exec 4<>"$tmp/jp-east.fifo"
redis-cli -s "$sock" DEL 'picket:sensor:{jp-east/tap1}' picket:control >/dev/null
watch jp-east
cat "$top/pcaps/exercise-jp-east.pcap" >&4
all_obey alarm jp-east

# What is not signed with the key of the sensors, they refuse; the collector
# tells who does not obey.
collect "$tmp/other"
order calm --note 'forged' || fail "order: $(cat "$tmp/order.err")"
refused() {
	[ "$(redis-cli -s "$sock" HGET 'picket:sensor:{jp-west/tap1}' \
		control_refused)" -gt 0 ]
}
eventually 30 refused || fail "a forged posture was not counted"
all_obey alarm jp-east jp-west
told_apart() {
	"$ctl" --store "$tmp/picket.db" --json posture |
		jq -e '[.sensors[] | select(.site == "jp-west")][0] |
			.posture == "alarm" and .ordered == "calm" and
			(.obeys | not)'
}
eventually 30 told_apart || fail "picketctl posture does not show who lags"
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null

# With the right key again those who lag are told again; what they cannot keep
# in full they do not keep in part.
collect
all_obey calm jp-east jp-west us-pacific
order beyond --note 'too much' || fail "order: $(cat "$tmp/order.err")"
says_why() {
	redis-cli -s "$sock" HGET 'picket:sensor:{jp-west/tap1}' posture_error |
		grep -q teleport
}
eventually 30 says_why || fail "no word why"
all_obey calm jp-west
shows_why() {
	"$ctl" --store "$tmp/picket.db" posture >"$tmp/text" &&
		grep -q 'teleport' "$tmp/text"
}
eventually 30 shows_why || fail "text: $(cat "$tmp/text")"
grep -q 'a drill' "$tmp/text" || fail "no history: $(cat "$tmp/text")"

no_sanitizer "$tmp"/*.log
finish
