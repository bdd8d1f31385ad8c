#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An exercise at two sites beside a real attack on the same networks: what the
# injects cause is marked from the packet to the store, the attack is raised as
# real, also for thresholds; who hides behind the exercise's name is found; the
# mark outlives a restart, and ends.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli jq sqlite3
ctl=$bin/picketctl
[ -x "$ctl" ] || skip "picketctl is not built"

redis_start
"$ctl" keys make "$tmp/key" >/dev/null || fail "keys make: status $?"
cat >"$tmp/plan.yaml" <<-EOF
	name: KEEN-2026
	from: 2026-11-22T19:00:00Z
	until: 2026-11-22T20:00:00Z
	ranges: [192.0.2.0/24]
	injects:
	  - id: implant
	    title: the implant is fetched & run
	    at: 2026-11-22T19:40:40Z
	    sources: [198.51.100.23]
	  - id: beacon
	    title: "it asks for <orders>"
	    at: 2026-11-22T19:40:42Z
	    names: [cdn.updates-sync.example]
	  - id: never
	    sources: [198.51.100.99]
	  - id: program
	    title: what is fetched is told by rules, of whoever plays
	    at: 2026-11-22T19:40:40Z
	    until: 2026-11-22T19:50:00Z
	    sids: [9100009, 1:9100010]
	  - id: elsewhere
	    targets: [192.0.2.250]
	    sids: [9100009, 1:9100010]
EOF
sed 's/198.51.100.23/198.51.100.300/' "$tmp/plan.yaml" >"$tmp/bad.yaml"
"$ctl" exercise check "$tmp/bad.yaml" 2>"$tmp/err" && fail "a bad plan passes"
grep -q 'bad.yaml:9: .*198.51.100.300' "$tmp/err" ||
	fail "bad plan: $(cat "$tmp/err")"
# bad SED MESSAGE
bad() {
	sed "$1" "$tmp/plan.yaml" >"$tmp/bad.yaml"
	"$ctl" exercise check "$tmp/bad.yaml" 2>"$tmp/err" && fail "$1 passes"
	grep -q "$2" "$tmp/err" || fail "$1: $(cat "$tmp/err")"
}
bad 's/^ranges/rangez/' 'bad.yaml:[0-9]*: rangez: an exercise has'
bad 's/^    title/    titel/' 'bad.yaml:[0-9]*: titel: an inject has'
bad 's/^until: 20../until: 1999/' 'until is not after from'
"$ctl" exercise check "$tmp/plan.yaml" >"$tmp/out" ||
	fail "the plan: status $?"

collect() {
	"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--missions "$top/pcaps/missions.yaml" \
		--set "control.sign-key=$tmp/key" 2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
	eventually 20 sql 'SELECT name FROM posture_levels' ||
		fail "the collector does not start"
}

# watch SITE [OPTION...] : a sensor that reads a pipe.
watch() {
	watched=$1
	shift
	exec=exec sensor_home --read "$tmp/$watched.fifo" --site "$watched" \
		--sensor tap1 --owner "$(owner_of "$watched")" \
		--eve "$tmp/$watched.json" --eve-types alert,dns \
		--redis "unix://$sock" --spool "$tmp/$watched" \
		--set "evidence.dir=$tmp/kept-$watched" \
		--set evidence.mode=flows \
		--set "control.public-key=$tmp/key.pub" "$@" \
		2>>"$tmp/$watched.log" &
	watch_pid=$!
	pids="$pids $watch_pid"
}

marks() {
	[ "$(redis-cli -s "$sock" HGET "picket:sensor:{$1/tap1}" exercises)" = \
		"$2" ]
}

collect
mkfifo "$tmp/jp-east.fifo" "$tmp/us-pacific.fifo"
exec 4<>"$tmp/jp-east.fifo" 5<>"$tmp/us-pacific.fifo"
# a sensor begins once it knows the kind of file
head -c 24 "$top/pcaps/exercise-jp-east.pcap" >&4
head -c 24 "$top/pcaps/exercise-us-pacific.pcap" >&5
watch jp-east
east=$watch_pid
watch us-pacific
"$ctl" --store "$tmp/picket.db" exercise start "$tmp/plan.yaml" \
	>"$tmp/out" 2>&1 || fail "start: $(cat "$tmp/out")"
"$ctl" --store "$tmp/picket.db" exercise start "$tmp/plan.yaml" \
	>"$tmp/out" 2>&1 && fail "the same name twice"
for s in jp-east us-pacific; do
	eventually 30 marks $s KEEN-2026 || fail "$s does not mark"
done
# killed and begun again before a packet: it is kept
kill -9 "$east"
wait "$east" 2>/dev/null
redis-cli -s "$sock" DEL 'picket:sensor:{jp-east/tap1}' picket:control >/dev/null
head -c 24 "$top/pcaps/exercise-jp-east.pcap" >&4
watch jp-east
eventually 30 marks jp-east KEEN-2026 || fail "forgotten by a restart"

tail -c +25 "$top/pcaps/exercise-jp-east.pcap" >&4
tail -c +25 "$top/pcaps/exercise-us-pacific.pcap" >&5
all_in() {
	[ "$(sql "SELECT count(DISTINCT site) FROM exercise_hits WHERE
		inject=1")" = 2 ]
}
eventually 30 all_in || fail "the injects are not seen"
# until all of both captures has come: the last packets are the beacon's
settled() { # before, and those of the sensors' own files
	n=$(sql 'SELECT sum(count) FROM alert_groups')
	sleep 1
	[ "$n" = "$(sql 'SELECT sum(count) FROM alert_groups')" ] &&
		[ "$n" = "$(cat "$tmp"/*.json | jq -s '[.[] |
			select(.event_type == "alert")] | length')" ]
}
eventually 30 settled || fail "alerts do not end"

# The truth: 203.0.113.66 is a real attacker, everything else the exercise's.
same "alerts without a mark that are the exercise's" 0 "$(cat "$tmp"/*.json |
	jq -s '[.[] | select(.event_type == "alert" and
		.picket.exercise == null and
		([.src_ip, .dest_ip] | index("203.0.113.66") | not))] | length')"
same "real alerts with a mark" 0 "$(cat "$tmp"/*.json |
	jq -s '[.[] | select(.picket.exercise != null and
		([.src_ip, .dest_ip] | index("203.0.113.66")))] | length')"
real=$(cat "$tmp"/*.json | jq -s '[.[] | select(.event_type == "alert" and
	.picket.exercise == null)] | length')
[ "$real" -ge 12 ] || fail "only $real real alerts"
[ "$(cat "$tmp"/*.json | jq -s '[.[] | select(.event_type == "dns" and
	.picket.exercise == "KEEN-2026")] | length')" -gt 0 ] ||
	fail "no DNS event is marked"
# Packets are kept beside each other, never in one file.
for kind in exercise evidence; do
	[ "$(cat "$tmp"/*.json | jq -s --arg kind "$kind" '[.[] |
		select(.capture_file != null and
			(.picket.exercise != null) == ($kind == "exercise")) |
		.capture_file | split("/")[-1] | split("-")[0]] | unique |
		join(" ")')" = "\"$kind\"" ] ||
		fail "files of $kind: $(cat "$tmp"/*.json |
			jq -r .capture_file | sort | uniq -c)"
done
exercise_is() {
	sql "SELECT coalesce(sum(g.count),0) FROM alert_groups g
		JOIN names e ON e.id=g.exercise WHERE e.text='$1'"
}
same "real alerts in the store" "$real" "$(exercise_is '')"

# Incidents are of the one or of the other, never of both.
real_incident() {
	"$ctl" --store "$tmp/picket.db" --json incidents |
		jq -e '.incidents | length > 0 and
			all(.exercise == "" or .exercise == null)'
}
eventually 20 real_incident || fail "the real attack is no incident"
"$ctl" --store "$tmp/picket.db" --json incidents show >"$tmp/real.json"
grep -q '198.51.100.23' "$tmp/real.json" &&
	fail "the exercise is in a real incident"

"$ctl" --store "$tmp/picket.db" --json exercise report KEEN-2026 \
	>"$tmp/report.json" || fail "report: status $?"
same "injects" "implant:2 beacon:2 never:0 program:2 elsewhere:0" "$(jq -r \
	'[.injects[] | "\(.id):\(.seen | length)"] | join(" ")' \
	"$tmp/report.json")"
jq -e '.injects[0].seen[0].after_seconds | . > 2 and . < 4' \
	"$tmp/report.json" >/dev/null ||
	fail "detection: $(jq -c '.injects[0].seen' "$tmp/report.json")"
"$ctl" --store "$tmp/picket.db" exercise report KEEN-2026 >"$tmp/report.md"
grep -q '^\*\*3 of 5 injects were seen\*\*' "$tmp/report.md" ||
	fail "report: $(head -20 "$tmp/report.md")"
"$ctl" --store "$tmp/picket.db" --html exercise report KEEN-2026 \
	>"$tmp/report.html"
grep -q 'it asks for &lt;orders&gt;' "$tmp/report.html" ||
	fail "the page does not escape"
grep -q '<svg' "$tmp/report.html" || fail "the page has no plot"
# In Japanese, whatever the locale; names and JSON stay as they are.
in_ja() {
	"$ctl" --store "$tmp/picket.db" --lang ja "$@" || fail "$*: status $?"
}
in_ja exercise report KEEN-2026 >"$tmp/report.ja.md"
grep -q '^\*\*状況付与 5 件中 3 件を検知しました\*\*' "$tmp/report.ja.md" ||
	fail "report: $(head -20 "$tmp/report.ja.md")"
in_ja exercise report KEEN-2026 --html >"$tmp/report.ja.html"
grep -q '<html lang="ja">' "$tmp/report.ja.html" || fail "its language"
grep -q '<h2>検知までの時間</h2>' "$tmp/report.ja.html" || fail "its headings"
in_ja incidents show >"$tmp/ja"
grep -q '^インシデント [0-9]*: ' "$tmp/ja" || fail "incident: $(cat "$tmp/ja")"
same "JSON in another language" "$(cat "$tmp/report.json")" \
	"$(in_ja exercise report KEEN-2026 --json)"
in_ja top >"$tmp/ja"
grep -q '^センサー  *稼働中 [0-9]' "$tmp/ja" || fail "top: $(cat "$tmp/ja")"
"$ctl" --store "$tmp/picket.db" --lang klingon status 2>"$tmp/err" &&
	fail "a language that there is none"
grep -q "neither en nor ja" "$tmp/err" || fail "lang: $(cat "$tmp/err")"
"$ctl" --store "$tmp/picket.db" exercise report OTHER 2>"$tmp/err" &&
	fail "a report of nothing"

# Who marks what is not of an inject hides nothing.
sensor_home --read "$top/pcaps/exercise-jp-west.pcap" \
	--site jp-west --sensor tap1 --owner JP --exercise KEEN-2026 \
	--redis "unix://$sock" --spool "$tmp/jp-west" 2>>"$tmp/jp-west.log" ||
	fail "jp-west: status $?"
found_out() {
	[ "$(sql 'SELECT misplaced FROM exercises')" -gt 0 ]
}
eventually 30 found_out || fail "a false mark was believed"
more_real() {
	[ "$(exercise_is '')" -gt "$real" ]
}
eventually 20 more_real || fail "what was falsely marked is not real"

"$ctl" --store "$tmp/picket.db" exercise stop KEEN-2026 >"$tmp/out" ||
	fail "stop: status $?"
for s in jp-east us-pacific; do
	eventually 30 marks $s '' || fail "$s still marks"
done
no_sanitizer "$tmp"/*.log
finish
