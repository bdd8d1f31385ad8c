#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Packets of alerts are kept when the posture says so, while sensors run; what
# alerts point to is what they show.  And a higher posture warns sooner.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli jq sqlite3 base64 od curl
ctl=$bin/picketctl
[ -x "$ctl" ] || skip "picketctl is not built"

# --- a replay, by settings alone ---

# bytes_at FILE OFFSET : the packet whose head stands there, as base64.
bytes_at() {
	len=$(od -An -tu4 -j "$(($2 + 8))" -N 4 "$1" | tr -d ' ')
	tail -c "+$(($2 + 17))" "$1" | head -c "$len" | base64 -w 0
}

# points_right EVE N : the first N alerts show the packet that they point to.
points_right() {
	jq -r 'select(.event_type == "alert" and .capture_file != null) |
		[.capture_file, .picket.evidence.offset, .packet] | @tsv' "$1" |
		head -n "$2" >"$tmp/points"
	same "alerts that point to a file" "$2" "$(wc -l <"$tmp/points")"
	while read -r file offset packet; do
		same "packet at $offset" "$packet" "$(bytes_at "$file" "$offset")"
	done <"$tmp/points"
}

for mode in alerts flows; do
	sensor_home --read "$top/pcaps/exercise-jp-east.pcap" --workers 2 \
		--set "evidence.dir=$tmp/$mode" --set "evidence.mode=$mode" \
		--set eve.packet=yes --eve "$tmp/$mode.json" \
		--stats "$tmp/$mode.stats" 2>"$tmp/$mode.log" ||
		fail "$mode: status $?: $(cat "$tmp/$mode.log")"
	points_right "$tmp/$mode.json" 5
	same "mode of $mode" 750 "$(stat -c %a "$tmp/$mode")"
	# They are captures like others.
	sensor_home --read "$tmp/$mode" --stats "$tmp/again.stats" \
		2>"$tmp/again.log" || fail "again: $(cat "$tmp/again.log")"
	kept=$(jq '.. | .evidence? // empty | .packets' "$tmp/$mode.stats")
	[ "$kept" -gt 0 ] || fail "$mode: $kept packets kept"
	same "packets read again" "$kept" \
		"$(jq '[.. | .frames? // empty] | first | .in' "$tmp/again.stats")"
	eval "kept_$mode=$kept"
done
# shellcheck disable=SC2154
[ "$kept_flows" -gt "$kept_alerts" ] ||
	fail "flows: $kept_flows packets, alerts: $kept_alerts"
# A batch of few alerts is not full before its time.
cat >"$tmp/few.rules" <<-EOL
	alert tcp any any -> any any (msg:"a drill"; flow:established,to_server; \
	  content:"GET"; startswith; sid:1; rev:1;)
EOL

# From before an alert there is its handshake, and no flow has less for it.
for before in 0 1mb; do
	"$sensor" --quiet --rules "$tmp/few.rules" --workers 2 \
		--read "$top/pcaps/exercise-jp-east.pcap" \
		--set "evidence.dir=$tmp/before-$before" \
		--set evidence.mode=flows --set "evidence.before=$before" \
		--eve "$tmp/before.json" --stats "$tmp/before.stats" \
		2>"$tmp/before.log" || fail "before $before: status $?"
	jq -r '.. | .evidence? // empty | "\(.flows) \(.packets) \(.before)"' \
		"$tmp/before.stats" >"$tmp/kept-$before"
done
read -r flows packets none <"$tmp/kept-0"
same "packets from before, of 0 bytes" 0 "$none"
read -r _ all before <"$tmp/kept-1mb"
[ "$flows" -gt 0 ] && [ "$before" -ge $((3 * flows)) ] ||
	fail "$before packets from before the alerts of $flows flows"
same "packets" $((packets + before)) "$all"
sensor_home --read "$top/pcaps/exercise-jp-east.pcap" \
	--set evidence.mode=alerts 2>"$tmp/nowhere.log" &&
	fail "a mode without a directory was taken"
grep -q 'evidence.dir' "$tmp/nowhere.log" || fail "$(cat "$tmp/nowhere.log")"

# An exercise's are in files of their own.
sensor_home --read "$top/pcaps/exercise-jp-east.pcap" --exercise DRILL \
	--set "evidence.dir=$tmp/drill" --set evidence.mode=alerts \
	--eve "$tmp/drill.json" 2>"$tmp/drill.log" || fail "a drill: status $?"
same "files of an exercise" exercise \
	"$(find "$tmp/drill" -name '*.pcap' -printf '%f\n' | cut -d- -f1 |
		sort -u | paste -sd ' ')"

# --- by posture ---

redis_start
"$ctl" keys make "$tmp/key" >/dev/null || fail "keys make: status $?"
cat >"$tmp/levels.yaml" <<-EOL
	levels:
	  - name: peacetime
	    settings: {forward.batch-ms: 60000}
	  - name: contingency
	    settings:
	      evidence.mode: alerts
	      forward.batch-ms: 20
EOL
cat >"$tmp/bad.yaml" <<-EOL
	levels:
	  - name: peacetime
	    settings: {evidence.mode: everything}
EOL
"$collector" --check --redis "unix://$sock" --store "$tmp/x.db" \
	--set "posture.file=$tmp/bad.yaml" 2>"$tmp/bad.err" &&
	fail "a mode that there is not was taken"
grep -q 'everything.*alerts' "$tmp/bad.err" || fail "$(cat "$tmp/bad.err")"

# watch SITE [OPTION...] : a sensor that reads a pipe, kept open by this shell.
watch() {
	site=$1
	shift
	"$sensor" --rules "$tmp/few.rules" \
		--read "$tmp/$site.fifo" --site "$site" --sensor tap1 \
		--eve "$tmp/$site.json" --set eve.packet=yes \
		--redis "unix://$sock" --spool "$tmp/$site" \
		--set "control.public-key=$tmp/key.pub" \
		--set forward.presence-ms=200 "$@" 2>>"$tmp/$site.log" &
	pids="$pids $!"
}
"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
	--set "posture.file=$tmp/levels.yaml" \
	--set "control.sign-key=$tmp/key" 2>>"$tmp/collector.log" &
pids="$pids $!"
mkfifo "$tmp/jp-east.fifo" "$tmp/jp-west.fifo"
exec 4<>"$tmp/jp-east.fifo" 5<>"$tmp/jp-west.fifo"
watch jp-east --set "evidence.dir=$tmp/kept" \
	--set metrics.listen=127.0.0.1:0
watch jp-west
head -c 24 "$top/pcaps/exercise-jp-east.pcap" >&4
head -c 24 "$top/pcaps/exercise-jp-east.pcap" >&5

# order LEVEL [SITE] : until it obeys, or both do.
obeys() {
	[ "$(redis-cli -s "$sock" HGET "picket:sensor:{$1/tap1}" posture)" = \
		"$2" ]
}
order() {
	eventually 30 "$ctl" --store "$tmp/picket.db" posture "$1" \
		${2:+--site "$2"} --note 'a drill' ||
		fail "$1 cannot be ordered"
	for s in ${2:-jp-east jp-west}; do
		eventually 30 obeys "$s" "$1" || fail "$s does not obey $1"
	done
}

# stored SITE : whether an alert of it is.
stored() {
	[ "$(sql "SELECT count(*) FROM frames f JOIN sensors s
		ON s.id = f.sensor WHERE s.site = '$1' AND f.alerts > 0")" -gt 0 ]
}
# warn FD : packets that alert.
warn() {
	tail -c +25 "$top/pcaps/exercise-jp-east.pcap" >&"$1"
}

# In peacetime an alert waits a minute for others; at a site of a higher posture
# it is stored while the other, which was raised before, still waits.
order peacetime
warn 4
eventually 20 test -s "$tmp/jp-east.json" || fail "jp-east raises nothing"
order contingency jp-west
warn 5
eventually 20 stored jp-west || fail "alerts do not come"
stored jp-east && fail "a warning in peacetime is as soon as one in contingency"
same "packets kept in peacetime" "" \
	"$(find "$tmp/kept" -name '*.pcap' | head -n 1)"
# What waits goes with the order.
order contingency jp-east
eventually 20 stored jp-east || fail "what waited does not go"
warn 4

pointed() {
	jq -e -s 'any(.[]; .capture_file != null)' "$tmp/jp-east.json"
}
eventually 20 pointed || fail "no alert points to a packet"
one_kept() {
	[ -n "$(find "$tmp/kept" -name '*.pcap' -size +0)" ]
}
eventually 20 one_kept || fail "no packet was kept"
points_right "$tmp/jp-east.json" 3

# Metrics count them.
url=$(grep -o 'http://[^ ]*' "$tmp/jp-east.log" | head -n 1)
counted() {
	curl -s -f "$url" >"$tmp/prom" &&
		grep -q '^# TYPE picket_sensor_evidence_packets_total counter' \
			"$tmp/prom" &&
		grep -q '^picket_sensor_evidence_packets_total [1-9]' "$tmp/prom" &&
		grep -q '^picket_sensor_evidence_stored_bytes [1-9]' "$tmp/prom" &&
		grep -q '^picket_sensor_evidence_lost_total 0' "$tmp/prom"
}
eventually 20 counted || fail "metrics of '$url': $(grep evidence "$tmp/prom")"

# Who has no place for them obeys in all else, and says so.
says_why() {
	"$ctl" --store "$tmp/picket.db" posture | grep -q 'jp-west.*evidence.dir'
}
eventually 20 says_why ||
	fail "no word of it: $("$ctl" --store "$tmp/picket.db" posture)"

no_sanitizer "$tmp"/*.log
finish
