#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An analyst parts an incident, puts it together again and mutes a key, while
# the collector runs and across its restart; a sensor that falls silent near the
# alerts makes an incident worse; an indicator is revoked.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli jq sqlite3
ctl="$bin/picketctl --store $tmp/picket.db"
[ -x "$bin/picketctl" ] || skip "picketctl is not built"

redis_start
collector_start() {
	"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--missions "$top/pcaps/missions.yaml" \
		--feed "$tmp/feed.json" "$@" 2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
	eventually 20 test -s "$tmp/picket.db" || fail "no store"
}
collector_kill() {
	kill -9 "$collector_pid"
	wait "$collector_pid" 2>/dev/null
}
# keys INCIDENT : what it is made of.
keys() {
	$ctl incidents keys "$1" --json | jq -r '.keys[] | .kind + ":" + .key' |
		sort | paste -sd ' '
}

# sends TAP : the exercise's captures, at all sites at once.
sends() {
	for s in $sites; do
		exec=exec sensor_home --read "$top/pcaps/exercise-$s.pcap" \
			--site "$s" --sensor "$1" --owner "$(owner_of "$s")" \
			--redis "unix://$sock" --spool "$tmp/$s-$1" \
			2>>"$tmp/$s.log" &
		sent="${sent-} $!"
	done
	for p in $sent; do
		wait "$p" || fail "a sensor: $(tail -n 3 "$tmp"/*.log)"
	done
	sent=
}
# all_here SENSORS : alerts of so many are stored.
all_here() {
	[ "$(sql 'SELECT count(*) FROM sensors WHERE alerts>0')" = "$1" ]
}
# of KIND KEY : the incident that it is in.
of() {
	sql "SELECT DISTINCT m.incident FROM incident_runs m JOIN runs r
		ON r.id=m.run WHERE r.key='$1'" | paste -sd ' '
}
# log INCIDENT WHAT : who said so, and what.
log_of() {
	$ctl incidents show "$1" --json |
		jq -r ".log[] | select(.what == \"$2\") | .who + \": \" + .text"
}
# alive : open incidents.
alive() {
	sql "SELECT group_concat(id,' ') FROM (SELECT id FROM incidents
		WHERE state<>'merged' ORDER BY id)"
}

collector_start
sends tap1
eventually 30 all_here 3 || fail "not all alerts came"
same "incidents" 1 "$(alive)"
before=$(keys 1)

# What is wrong is said, and changes nothing.
$ctl incidents split 1 >"$tmp/out" 2>&1
same "split of nothing" 2 $?
$ctl incidents split 1 --keys nowhere.example >"$tmp/out" 2>&1
same "split of what is not there" 1 $?
grep -q "nowhere.example" "$tmp/out" || fail "said: $(cat "$tmp/out")"
$ctl mute add address 203.0.113.66 >"$tmp/out" 2>&1
same "a mute without a reason" 2 $?
$ctl mute add ja3 e7d705a3286e19ea42f587b344ee6865 --why x >"$tmp/out" 2>&1
same "a mute of what ties nothing" 2 $?
$ctl incidents merge 1 99 >"$tmp/out" 2>&1
same "merged with nothing" 1 $?
grep -q "refused: there is no incident 99 that" "$tmp/out" || fail "said: $(cat "$tmp/out")"
same "still" "$before" "$(keys 1)"

# Parted: by an address, which is an indicator too.
$ctl incidents split 1 --keys 203.0.113.66 --why 'a shared host' --who ann \
	>"$tmp/out" 2>&1 || fail "split: $(cat "$tmp/out")"
same "answer" "incident 2 was parted from incident 1" "$(cat "$tmp/out")"
same "the parted" "address:203.0.113.66 indicator:203.0.113.66" "$(keys 2)"
same "its log" "ann: was parted from incident 1: a shared host" \
	"$(log_of 2 split)"
same "the other's log" \
	"ann: incident 2 was parted from this one: a shared host" \
	"$(log_of 1 split)"
same "the feed" "2 split" "$(jq -r 'select(.event_type == "incident") |
	.incident | select(.what == "split") | "\(.id) \(.what)"' \
	"$tmp/feed.json")"
after=$(keys 1)

# A restart, and the same seen again by others, change nothing of it.
collector_kill
collector_start
sends tap2
eventually 30 all_here 6 || fail "not all alerts came again"
same "incidents after it was seen again" "1 2" "$(alive)"
same "the address after that" 2 "$(of 203.0.113.66)"
same "the rest after that" "$after" "$(keys 1)"

# An order waits for a collector, and holds from then on.
collector_kill
$ctl mute add address 203.0.113.66 --why 'our own test' --who bob \
	>"$tmp/out" 2>&1 &
order=$!
waits() {
	[ "$(sql 'SELECT count(*) FROM case_orders WHERE state=0')" = 1 ]
}
eventually 10 waits || fail "no order is there"
collector_start
wait "$order" || fail "the mute: $(cat "$tmp/out")"
$ctl mute add indicator 203.0.113.66 --why 'our own test' --for 7d >/dev/null ||
	fail "the second mute"
raised=$(sql "SELECT updated_us FROM incidents WHERE id=2")
sends tap3
eventually 30 all_here 9 || fail "not all alerts came a third time"
same "an incident of what is muted only" "$raised" \
	"$(sql 'SELECT updated_us FROM incidents WHERE id=2')"
alerts=$($ctl mute list --json | jq '[.mutes[].alerts] | min')
[ "$alerts" -gt 0 ] || fail "alerts of mutes: $($ctl mute list)"
$ctl mute remove address 203.0.113.66 >"$tmp/out" 2>&1 ||
	fail "unmuted: $(cat "$tmp/out")"
$ctl mute remove address 203.0.113.66 >"$tmp/out" 2>&1
same "unmuted twice" 1 $?
same "mutes" "indicator 203.0.113.66" "$($ctl mute list --json |
	jq -r '.mutes[] | .kind + " " + .key')"
# A slow machine may take it in when its time is over.
for life in 1 5 25 125; do
	$ctl mute add rule 99 --why 'for a moment' --for ${life}s \
		>"$tmp/out" 2>&1 && break
done
ran_out() {
	[ "$(sql "SELECT ended_by FROM mutes WHERE key='1:99'")" = time ]
}
eventually 30 ran_out || fail "a mute does not end: $($ctl mute list --all)"

# One again, by hand only.
$ctl incidents merge 2 1 --who ann --why 'one after all' >"$tmp/out" 2>&1 ||
	fail "merge: $(cat "$tmp/out")"
same "one again" 1 "$(alive)"
same "of the same keys" "$before" "$(keys 1)"
same "its log" "ann: incident 2 turned out to be part of this one: one after all" \
	"$(log_of 1 merged)"
same "apart" 0 "$(sql 'SELECT count(*) FROM incident_apart')"

# An indicator that its source revokes takes back all that it told, and closes
# the incident of which nothing else is left; given again, it opens it.
theirs="[domain-name:value = 'cdn.updates-sync.example']"
feed() { # feed REVOKED MODIFIED [PATTERN NUMBER]
	cat >"$tmp/theirs.json" <<EOF
{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001",
"objects":[{"type":"indicator","spec_version":"2.1",
"id":"indicator--00000000-0000-4000-8000-00000000000${4-1}",
"created":"2026-01-01T00:00:00.000Z","modified":"$2","revoked":$1,
"pattern":"${3-$theirs}",
"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}]}
EOF
	$ctl indicators import --source theirs "$tmp/theirs.json" \
		>"$tmp/out" 2>&1 || fail "import: $(cat "$tmp/out")"
}
taken() {
	[ "$(sql 'SELECT count(*) FROM indicator_imports WHERE state=2')" = "$1" ]
}
state_of() { [ "$(sql 'SELECT state FROM incidents')" = "$1" ]; }
collector_kill
rm -f "$tmp"/picket.db*
: >"$tmp/feed.json"
: >"$tmp/collector.log"
collector_start
eventually 20 grep -q 'is open: schema' "$tmp/collector.log" || fail "no store"
feed false 2026-01-02T00:00:00.000Z
eventually 20 taken 1 || fail "the list is not taken"
{
	echo type,value,source,severity
	echo domain,cdn.updates-sync.example,ours,high
} >"$tmp/one.csv"
for s in $sites; do
	"$sensor" --quiet --read "$top/pcaps/exercise-$s.pcap" --site "$s" \
		--sensor only --owner "$(owner_of "$s")" \
		--indicators "$tmp/one.csv" --redis "unix://$sock" \
		--spool "$tmp/$s-only" 2>>"$tmp/$s.log" &
	sent="$sent $!"
done
for p in $sent; do
	wait "$p" || fail "a sensor: $(tail -n 3 "$tmp"/*.log)"
done
eventually 30 state_of open || fail "no incident of the indicator"
keys 1 | grep -q 'indicator:cdn.updates-sync.example' ||
	fail "not by the indicator: $(keys 1)"
before=$(keys 1)
feed true 2026-01-03T00:00:00.000Z
eventually 20 state_of closed || fail "it stays: $($ctl incidents show 1)"
same "why" "collector: indicator cdn.updates-sync.example ties nothing any more:\
 revoked by its source" "$(log_of 1 refuted)"
same "what came of it" "collector: closed: nothing that is left of it would be \
an incident: revoked by its source" "$(log_of 1 dissolved)"
same "the feed" "1 dissolved" "$(jq -r 'select(.event_type == "incident") |
	.incident | select(.what == "dissolved") | "\(.id) \(.what)"' \
	"$tmp/feed.json")"
same "what it was" "$before" "$(keys 1)"
# What the incident armed at all sites is taken back with it.
warnings() {
	$ctl warnings --json | jq -r '.warnings[] | select(.level > 0) |
		.kind + " " + .value + " " + .state'
}
warnings >"$tmp/warned"
grep -q . "$tmp/warned" || fail "the incident warned nobody: $($ctl warnings)"
grep -v ' off$' "$tmp/warned" && fail "a warning of no incident stands"
same "armed by warnings" 0 "$(sql "SELECT count(*) FROM indicators i JOIN
	warnings w ON w.indicator=i.id WHERE w.level>0 AND i.state<>0")"
collector_kill
collector_start
feed false 2026-01-04T00:00:00.000Z
eventually 20 state_of open || fail "not open again: $($ctl incidents show 1)"
same "incidents" 1 "$(alive)"
warned_again() { ! warnings | grep -q ' off$'; }
eventually 20 warned_again || fail "not warned again: $($ctl warnings)"

# So does one that is longer than a key has room for.
framepush=$bin/framepush
if [ -x "$framepush" ]; then
	url=long.updates-sync.example/$(printf '%0300d' 7)
	long() { # long REVOKED MODIFIED
		feed "$1" "$2" "[url:value = 'http://$url']" 2
	}
	word_of() { sql "SELECT state FROM incidents WHERE title LIKE '%long.upd%'"; }
	is_word() { [ "$(word_of)" = "$1" ]; }
	long false 2026-01-02T00:00:00.000Z
	eventually 20 taken 4 || fail "the long one is not taken"
	for s in east:JP west:US; do
		now=$(date -u +%Y-%m-%dT%H:%M:%S.000000+0000)
		redis-cli -s "$sock" sadd picket:sensors "${s%:*}/tap" >/dev/null
		echo '{"timestamp":"'"$now"'","event_type":"alert",
			"src_ip":"10.9.9.9","src_port":4000,
			"dest_ip":"203.0.113.200","dest_port":80,"proto":"TCP",
			"alert":{"gid":1,"signature_id":7,"rev":1,
			"signature":"i","category":"c","severity":1},
			"picket":{"site":"'"${s%:*}"'","sensor":"tap","seq":1,
			"owner":"'"${s#*:}"'","indicator":{"type":"url",
			"value":"'"$url"'"}}}' | tr -d '\n\t' |
			sed 's/$/\n/' | "$framepush" "unix://$sock" \
			"${s%:*}/tap" 7 1 1 || fail "framepush"
	done
	eventually 30 is_word open ||
		fail "no incident of the long one: $($ctl incidents)"
	long true 2026-01-03T00:00:00.000Z
	eventually 20 is_word closed || fail "the long one stays"
	long false 2026-01-04T00:00:00.000Z
	eventually 20 is_word open || fail "the long one is not open again"
fi
no_sanitizer "$tmp"/*.log
finish
