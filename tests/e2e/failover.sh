#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two collectors of one store while three sensors replay the exercise: the one
# that has the store is killed and stopped again and again, and so is the one
# that stands by.  Every alert is stored once, every ledger adds up, incidents
# and what correlates to them are those of a run that nobody disturbed, sensors
# are told of one epoch only, and how long the store had nobody is said.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 awk redis-server redis-cli jq
[ -x "$collector" ] || skip "picket-collector is not built"
watch=$bin/leasewatch
[ -x "$watch" ] || skip "leasewatch is not built"
# ROUNDS of three disturbances each, how fast sensors replay, after how many
# seconds who gives no sign of life is replaced (a busy machine may take one for
# dead that was not scheduled), and how many milliseconds nobody may serve.
rounds=${ROUNDS:-2}
pace=${PACE:-2}
stale=${STALE:-3}
most_ms=${MOST_MS:-}

ctl() { "$bin/picketctl" --store "$tmp/picket.db" "$@"; }
ctl keys make "$tmp/key" >/dev/null || fail "no key"

# what_is STORE : all that correlation made of it, in an order of its own.
what_is() {
	sql "SELECT 'run', n.text, r.kind, hex(r.key), r.first_us, r.last_us,
			r.severity, s.site, s.owner, s.count, s.strong
		FROM runs r JOIN sightings s ON s.run = r.id
		LEFT JOIN names n ON n.id = r.exercise ORDER BY 1,2,3,4,5,8,9" "$1"
	sql "SELECT 'incident', i.exercise, i.title, i.score, i.level, i.lead,
			i.support, i.first_us, i.last_us, i.mark,
			(SELECT group_concat(k) FROM (SELECT r.kind || hex(r.key) AS k
				FROM incident_runs m JOIN runs r ON r.id = m.run
				WHERE m.incident = i.id
				ORDER BY 1))
		FROM incidents i WHERE i.state <> 'merged' ORDER BY 2,3,8,9,11" "$1"
}

# ---- nobody disturbs
redis_start
# What is ordered here is ordered there: a posture has thresholds of its own.
collect --until-idle 0.1 2>"$tmp/made.log" || fail "no store"
ctl posture heightened --note first >/dev/null || fail "no posture"
exec=exec collect 2>"$tmp/undisturbed.log" &
alone=$!
pids="$pids $alone"
sensor_pids=
for s in $sites; do
	exec=exec replay "$s" 2>"$tmp/sensor-$s.log" &
	sensor_pids="$sensor_pids $!"
done
pids="$pids $sensor_pids"
for p in $sensor_pids; do
	wait "$p" || fail "a sensor ended with status $?"
done
kill "$alone"
wait "$alone" || fail "the collector ended with status $?"
what_is "$tmp/picket.db" >"$tmp/want"
same "incidents of the undisturbed run" 1 "$(grep -c '^incident' "$tmp/want")"
want_alerts=$(sql 'SELECT sum(alerts) FROM frames')
redis_kill
rm -rf "$tmp"/picket.db* "$tmp"/spool-* "$tmp"/eve-*

# ---- and now
n=0
# another : one more collector; its process is $last.
another() {
	n=$((n + 1))
	exec=exec collect --set "lease.name=c$n" --set lease.stale="$stale" --set "control.sign-key=$tmp/key" \
		--set metrics.listen=127.0.0.1:0 --listen 127.0.0.1:0 \
		--set gate.enabled=no 2>"$tmp/collector-$n.log" &
	last=$!
	pids="$pids $last"
}
# pid_of STATE : the process of one that is so.
pid_of() {
	ctl collectors 2>/dev/null | awk -v s="$1" '$1 == s { print $3; exit }'
}
# serves_other PID : somebody serves who is not that.
serves_other() {
	now=$(pid_of serving)
	[ -n "$now" ] && [ "$now" != "$1" ]
}
# One stands by, and the other knows: it would not outlive being stopped.
stands_by() {
	ctl --json collectors | jq -e '([.collectors[] | .state] | sort) ==
		["serving", "standby"] and any(.collectors[]; .guarded)'
}
both() {
	eventually 20 serves_other "$1" || fail "$2: nobody serves"
	eventually 20 stands_by || fail "$2: nobody stands by"
}

redis_start
another
eventually 20 serves_other 0 || fail "no collector: $(cat "$tmp/collector-1.log")"
"$watch" "$tmp/picket.db" >"$tmp/watch" &
watch_pid=$!
pids="$pids $watch_pid"
another
both 0 "at first"
ctl indicators add ip 203.0.113.200 >/dev/null || fail "no indicator"
ctl posture heightened --note first >/dev/null || fail "no posture"
sensor_pids=
for s in $sites; do
	exec=exec replay "$s" --pace "$pace" 2>"$tmp/sensor-$s.log" &
	sensor_pids="$sensor_pids $!"
	pids="$pids $!"
done

disturbed=0
# kill_one STATE SIGNAL : that one, and there are two again.
kill_one() {
	victim=$(pid_of "$1")
	[ -n "$victim" ] || {
		fail "no collector is $1"
		return
	}
	kill "-$2" "$victim"
	[ "$1" = standby ] || eventually 20 serves_other "$victim" ||
		fail "nobody took over from $victim ($2)"
	# The one that was stopped did not live to see it.
	wait "$victim" 2>/dev/null
	same "status of $victim ($2)" 137 $?
	another
	both "$victim" "after $2 of the one that was $1"
	disturbed=$((disturbed + 1))
}
i=0
while [ $i -lt "$rounds" ]; do
	i=$((i + 1))
	kill_one serving KILL
	kill_one serving STOP
	kill_one standby KILL
	ctl indicators add ip "203.0.113.$i" >/dev/null ||
		fail "no indicator in round $i"
done
kill_one serving KILL
for p in $sensor_pids; do
	wait "$p" || fail "a sensor ended with status $?"
done
ctl posture peacetime --note last >/dev/null || fail "no posture at the end"
stored() { [ "$(sql 'SELECT sum(alerts) FROM frames')" = "$want_alerts" ]; }
eventually 30 stored ||
	fail "stored: $(sql 'SELECT sum(alerts) FROM frames') of $want_alerts"
holds() { ctl ledger >"$tmp/ledger" 2>&1; }
eventually 20 holds || {
	fail "a ledger does not add up"
	cat "$tmp/ledger"
}
kill "$watch_pid"
wait "$watch_pid" || fail "the watcher saw nobody"
read -r longest holders <"$tmp/watch"

for s in $sites; do
	same "$s: alerts stored" "$(alerts_written "$s")" "$(alerts_stored "$s")"
done
same "frames that are there twice" 0 "$(sql 'SELECT count(*) -
	count(DISTINCT sensor || "/" || epoch || "/" || seq) FROM frames')"
same "alerts of frames and of groups" 0 "$(sql 'SELECT
	(SELECT sum(alerts) FROM frames) - (SELECT sum(count) FROM alert_groups)')"
what_is "$tmp/picket.db" >"$tmp/got"
cmp -s "$tmp/want" "$tmp/got" || {
	fail "correlation is another one"
	diff "$tmp/want" "$tmp/got" | head -n 20
}
same "epochs of indicators" 1 \
	"$(cat "$tmp"/collector-*.log | grep -c 'indicators: epoch .* begins')"
same "armed indicators" $((rounds + 1)) \
	"$(sql 'SELECT count(*) FROM indicators WHERE state = 2')"
told() { [ "$(sql 'SELECT count(*) FROM posture_orders WHERE version > 0')" = 2 ]; }
eventually 20 told || fail "the postures were not told"
same "versions of postures" "heightened peacetime" \
	"$(sql 'SELECT group_concat(level, " ") FROM (SELECT level
		FROM posture_orders ORDER BY version)')"
same "leases" "$holders" "$(sql 'SELECT number FROM lease')"
same "takeovers" $((rounds * 2 + 1)) "$(sql 'SELECT takeovers FROM lease')"
[ "$longest" -lt "${most_ms:-$((longest + 1))}" ] ||
	fail "nobody served for $longest ms"

# Both end when they are told to, and the lease is given up.
two="$(pid_of serving) $(pid_of standby)"
# shellcheck disable=SC2086
kill $two
for p in $two; do
	wait "$p"
	same "status of $p" 0 $?
done
same "given up" 1 "$(sql 'SELECT released_us > 0 FROM lease')"
no_sanitizer "$tmp"/*.log
echo "disturbed $disturbed times; nobody served for $longest ms at most"
[ $failures -eq 0 ] || tail -n 6 "$tmp"/collector-*.log
finish
