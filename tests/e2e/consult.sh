#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A consultation from packets to its end: the exercise's incident opens one, an
# owner is late and called again, both acknowledge, the lead is handed over and
# closes it.  The collector is killed in between, and nothing is said twice.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 redis-cli python3
[ -x "$collector" ] || skip "picket-collector is not built"
ctl() { "$bin/picketctl" --store "$tmp/picket.db" "$@"; }
field() { # field COMMAND... KEY-EXPRESSION : of the JSON answer
	expr=$1
	shift
	ctl "$@" --json | python3 -c "
import json, sys
d = json.load(sys.stdin)
print($expr)"
}
events() { sql "SELECT count(*) FROM consult_events WHERE kind = $1"; }
run_collector() {
	exec=exec collect --feed "$tmp/feed.json" \
		--set consult.ack-minutes=0.02 \
		--set consult.ack-minutes-severe=0.02 \
		--set consult.ack-minutes-emergency=0.02 \
		2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
}
kill_collector() {
	kill -9 "$collector_pid"
	wait "$collector_pid" 2>/dev/null
}

for bad in consult.ack-minutes=0 consult.ack-minutes-severe=soon \
	consult.levle=4; do
	collect --check --set "$bad" >"$tmp/out" 2>&1
	same "$bad: status" 2 $?
	grep -q "${bad%=*}" "$tmp/out" || fail "$bad: $(cat "$tmp/out")"
done

redis_start
run_collector
for s in $sites; do
	replay "$s" 2>"$tmp/sensor-$s.log" || fail "sensor $s"
done
merged() { [ "$(sql "SELECT count(DISTINCT s.site) FROM sightings s
	JOIN incident_runs USING(run)")" = 3 ]; }
eventually 20 merged || fail "no incident over three sites"
opened() { [ "$(sql "SELECT count(*) FROM consults
	WHERE state = 'open'")" = 1 ]; }
eventually 10 opened || fail "no consultation was opened"
id=$(sql "SELECT side || '-' || number FROM consults WHERE state = 'open'")
incident=$(sql "SELECT id FROM incidents WHERE state = 'open'")
same "incident of the consultation" "$incident" \
	"$(field 'd["incident"]' consult show "$id")"
same "sides" "JP US" \
	"$(field '" ".join(sorted(s["owner"] for s in d["sides"]))' \
		consult show "$id")"
same "hidden among real ones" "no consultations" "$(ctl consult list | head -n 1)"

# Nobody answers: both are called again, as often as is said and no more.
late() { [ "$(events 4)" -ge 2 ]; }
eventually 10 late || fail "nobody was called again"
kill_collector
before=$(events 4)
run_collector
all_called() { [ "$(events 4)" = 6 ]; }
eventually 15 all_called || fail "calls: $(events 4), before $before"
same "a call twice" 0 "$(sql "SELECT count(*) FROM (SELECT about, step,
	count(*) n FROM consult_events WHERE kind = 4
	GROUP BY about, step) WHERE n > 1")"

lead=$(field 'd["lead"]' consult show "$id")
other=$([ "$lead" = JP ] && echo US || echo JP)
ctl consult ack "$id" 2>"$tmp/err" && fail "ack without --as"
grep -q 'give --as' "$tmp/err" || grep -q 'Give --as' "$tmp/err" ||
	fail "ack: $(cat "$tmp/err")"
ctl consult ack "$id" --as AU --who x 2>"$tmp/err" && fail "a stranger acks"
grep -q 'no seat' "$tmp/err" || fail "stranger: $(cat "$tmp/err")"
ctl consult ack "$id" --as JP --who sato >"$tmp/out" || fail "ack JP"
kill_collector
ctl consult ack "$id" --as US --who miller >"$tmp/out" || fail "ack US"
ctl consult ack "$id" --as US --who miller 2>"$tmp/err" && fail "acks twice"
run_collector
same "who" "miller sato" \
	"$(field '" ".join(sorted(s["who"] for s in d["sides"]))' \
		consult show "$id")"
ctl consult close "$id" --as "$other" 2>"$tmp/err" &&
	fail "who does not lead closes"
ctl consult handover "$id" --to "$other" 2>"$tmp/err" &&
	fail "a handover without a reason"
ctl consult handover "$id" --to "$other" --why 'their network, their call' \
	--who sato >"$tmp/out" || fail "handover"
same "lead" "$other" "$(field 'd["lead"]' consult show "$id")"
ctl incidents show "$incident" | grep -q "^  Consultation *$id, open, lead $other" ||
	fail "incidents show: $(ctl incidents show "$incident")"
ctl consult close "$id" --why 'contained' --who miller >"$tmp/out" ||
	fail "close"
same "state" closed "$(field 'd["state"]' consult show "$id")"

# Who was late is an alert, for consoles that know nothing else.
python3 - "$tmp/feed.json" <<'P' || fail "the alerts of who was late"
import json, sys
late = set()
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e["event_type"] == "alert" and e["alert"]["gid"] == 9001:
        a = e["alert"]
        assert (a["signature_id"], a["severity"]) == (1, 1), a
        assert "not acknowledged by " + e["picket"]["owner"] in a["signature"]
        assert e["picket"]["exercise"] == "KEEN-LANTERN"
        late.add(a["signature"])
assert len(late) == 6, late
P

# The feed heard of all of it, each event at least once.
told() {
	[ "$(sql "SELECT event FROM consult_told")" = \
		"$(sql "SELECT max(id) FROM consult_events")" ]
}
eventually 10 told || fail "the feed was not told all"
same "events in the feed" "$(sql "SELECT count(*) FROM consult_events")" \
	"$(python3 - "$tmp/feed.json" <<'P'
import json, sys
seen = set()
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e["event_type"] == "consultation":
        assert e["picket"]["exercise"] == "KEEN-LANTERN"
        e = e["consultation"]["event"]
        seen.add((e["side"], e["number"]))
print(len(seen))
P
)"
kill "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
same "the log of the incident" "$(sql "SELECT count(*) FROM consult_events")" \
	"$(sql "SELECT count(*) FROM incident_log WHERE what = 'consult'")"
no_sanitizer "$tmp"/*.log
finish
