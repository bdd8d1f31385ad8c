#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Was it here before?  What a sensor saw is kept; an indicator that comes into
# force while it runs, or was added since its last run, is found in it, and the
# collector has the alert of when that was.  A sensor that is killed leaves an
# index that goes on.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli sqlite3 jq
ctl=$bin/picketctl
[ -x "$ctl" ] || skip "picketctl is not built"
list=$top/rules/dist/exercise-indicators.csv
east=$top/pcaps/exercise-jp-east.pcap
echo never.example >"$tmp/none"

# values FILE : the indicators that alerts name, each once.
values() {
	jq -r 'select(.event_type == "alert") | .picket.indicator.value' "$1" |
		sort -u
}

# --- all that matches live is found later, by a sensor that knew nothing
"$sensor" --quiet --read "$top"/pcaps/exercise-*.pcap --indicators "$list" \
	--eve "$tmp/live.json" || fail "live: status $?"
values "$tmp/live.json" >"$tmp/want"
[ "$(wc -l <"$tmp/want")" -ge 4 ] || fail "too little to look for"
"$sensor" --quiet --read "$top"/pcaps/exercise-*.pcap --workers 3 \
	--retro "$tmp/index" --stats "$tmp/stats" || fail "index: status $?"
same "entries lost" 0 "$(jq '[.. | .retro? // empty | .notes.lost, .index.lost] | add' "$tmp/stats")"
for n in 1 2; do
	"$sensor" --quiet --read "$top/pcaps/scan.pcap" --retro "$tmp/index" \
		--indicators "$list" --eve "$tmp/later$n.json" ||
		fail "later: status $?"
done
jq -c 'select(.picket.past)' "$tmp/later1.json" >"$tmp/past.json"
values "$tmp/past.json" >"$tmp/got"
cmp -s "$tmp/want" "$tmp/got" || {
	fail "other indicators than live"
	diff "$tmp/want" "$tmp/got"
}
same "asked once" 0 "$(grep -c '"past"' "$tmp/later2.json")"
# first and last are those of the matches, to the second
for v in $(cat "$tmp/want"); do
	jq -r --arg v "$v" 'select(.picket.indicator.value == $v) |
		.timestamp[:19]' "$tmp/live.json" | sort >"$tmp/times"
	same "first of $v" "$(head -n 1 "$tmp/times")" "$(jq -r --arg v "$v" \
		'select(.picket.indicator.value == $v) |
		.picket.past.first[:19]' "$tmp/past.json")"
done

# --- by hand
"$sensor" --retro "$tmp/index" --retro-ask updates-sync.example \
	>"$tmp/asked" || fail "asked for a parent: status $?"
grep -q '^domain updates-sync.example: first 2026-' "$tmp/asked" ||
	fail "a parent was not seen: $(cat "$tmp/asked")"
"$sensor" --retro "$tmp/index" --retro-ask never.example 198.18.0.0/16 2>"$tmp/never"
same "never seen" 1 $?
grep -q "nothing of this is in the index $tmp/index" "$tmp/never" ||
	fail "what was not seen: $(cat "$tmp/never")"
"$sensor" --retro "$tmp/index" --retro-ask 'no value' 2>/dev/null
same "no value" 2 $?
"$sensor" --retro "$tmp/nowhere" --retro-ask never.example 2>/dev/null
same "no index" 2 $?

# --- while it runs: by reload, to the collector
redis_start
exec=exec collect >"$tmp/collector.log" 2>&1 &
pids="$pids $!"
cp "$tmp/none" "$tmp/list"
"$sensor" --read "$east" --pace 2 --site jp-east --sensor tap1 \
	--redis "unix://$sock" --spool "$tmp/spool" --indicators "$tmp/list" \
	--retro "$tmp/index2" --eve "$tmp/eve.json" 2>"$tmp/sensor.log" &
run_pid=$!
pids="$pids $run_pid"

# seen VALUE : another process sees it in the index.
seen() {
	"$sensor" --quiet --retro "$tmp/index2" --retro-ask "$1"
}
eventually 20 seen cdn.updates-sync.example || fail "nothing is kept"
echo cdn.updates-sync.example >>"$tmp/list"
kill -USR2 "$run_pid"

# stored : the collector has the sighting of the past.
stored() {
	"$ctl" --store "$tmp/picket.db" --json --all alerts |
		jq -e '.. | objects | select(.past? and
		.indicator == "domain:cdn.updates-sync.example")' \
			>"$tmp/stored"
}
eventually 20 stored || {
	fail "the collector was not told"
	cat "$tmp/sensor.log"
}
grep -q '"first": "2026-' "$tmp/stored" || fail "it does not say when"
"$ctl" --store "$tmp/picket.db" --all alerts >"$tmp/shown"
grep -q 'seen before it was known.*seen 2026' "$tmp/shown" ||
	fail "picketctl does not show when"

counted() {
	[ "$(sql "SELECT sum(s.past) > 0 FROM sightings s JOIN runs r ON
		r.id = s.run WHERE r.key = 'cdn.updates-sync.example'")" = 1 ]
}
eventually 20 counted || fail "the sighting is not counted as past"

# --- killed: the index goes on
kill -9 "$run_pid"
wait "$run_pid" 2>/dev/null
"$sensor" --quiet --read "$top/pcaps/dns.pcap" --retro "$tmp/index2" \
	2>"$tmp/again.log" || fail "after a kill: status $?"
[ ! -s "$tmp/again.log" ] || fail "after a kill: $(cat "$tmp/again.log")"
seen cdn.updates-sync.example >/dev/null || fail "a kill took what was kept"
no_sanitizer "$tmp/sensor.log" "$tmp/again.log" "$tmp/collector.log"
finish
