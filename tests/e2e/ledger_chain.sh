#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The chain from packets to the collector's store adds up, whatever ends the
# sensor, empties its spool or keeps the collector away.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 jq
redis_start
rules=$tmp/any.rules
cat >"$rules" <<'END'
alert ip any any -> any any (msg:"any packet"; sid:1; rev:1; priority:3;)
alert tcp any any -> any any (msg:"any segment"; sid:2; rev:1; priority:1;)
alert udp any any -> any any (msg:"any datagram"; sid:3; rev:1; priority:2;)
END

# run SENSOR [OPTION...] : all captures, with many alerts.
run() {
	name=$1
	shift
	${exec-} "$sensor" --quiet --rules "$rules" --site hq --sensor "$name" \
		--redis "unix://$sock" --spool "$tmp/spool-$name" \
		--set forward.drain-ms=5000 "$@" 2>>"$tmp/$name.log"
}

# settle : what is in Redis is stored.
settle() {
	"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--until-idle 1 2>>"$tmp/collector.log" ||
		fail "collector: exit status $?"
}

# drain SENSOR : a run with next to nothing, while the collector commits.
drain() {
	exec=exec "$collector" --redis "unix://$sock" \
		--store "$tmp/picket.db" 2>>"$tmp/collector.log" &
	drainer=$!
	pids="$pids $drainer"
	eventually 60 empty_spool "$1" || fail "$1: the spool is not emptied"
	kill -TERM $drainer
	wait $drainer
}

# empty_spool SENSOR : after a run, only its own last words may wait.
empty_spool() {
	run "$1" --read "$top/pcaps/tls.pcap" --set forward.types=stats
	[ -z "$(find "$tmp/spool-$1" -name '[012]-*.seg')" ]
}

# holds SENSOR WHAT : every equation does; the answer is in $tmp/answer.
holds() {
	"$bin/picketctl" --store "$tmp/picket.db" ledger "hq/$1" --json \
		>"$tmp/answer" || {
		fail "$2: exit status $?"
		"$bin/picketctl" --store "$tmp/picket.db" ledger "hq/$1"
	}
	same "$2: holds" true "$(jq .holds "$tmp/answer")"
	jq -r '.sensors[].equations[] | select(.holds != true) |
		"\(.name) \(.of // "") \(.difference)"' "$tmp/answer" \
		>"$tmp/wrong"
	while read -r line; do
		fail "$2: $line"
	done <"$tmp/wrong"
}

# of FILTER : from the answer's newest epoch.
of() {
	jq -r "[.sensors[] | select(.newest)][0] | $1" "$tmp/answer"
}

stored() {
	sql "SELECT coalesce(sum(alerts),0) FROM sensors WHERE sensor = '$1'"
}

# In order: all that is raised is stored.
run tap1 --read "$top/pcaps" --eve "$tmp/eve.json"
settle
holds tap1 "in order"
same "alerts stored" "$(grep -c '"event_type":"alert"' "$tmp/eve.json")" \
	"$(stored tap1)"
same "nothing lost" 0 "$(of '[.lost[]] | add')"
same "nothing waits" 0 "$(of .waiting)"
"$bin/picketctl" --store "$tmp/picket.db" ledger >"$tmp/text" ||
	fail "for eyes: exit status $?"
grep -q '^hq/tap1' "$tmp/text" || fail "the sensor is not named"
grep -q 'raised .* = spooled' "$tmp/text" || fail "no equation for eyes"

# Its log says where it works.
grep -q "store $tmp/picket.db is open: schema [0-9]*, " "$tmp/collector.log" ||
	fail "the log does not tell of the store"
grep -q "Redis answers: unix://$sock; streams of 1 sensor" \
	"$tmp/collector.log" || fail "the log does not tell of Redis"

# Killed at any moment, many times, all but once when it had raised something:
# what was in memory is declared lost.
for i in 1 2 3 4 5 6; do
	exec=exec run tap2 --read "$top/pcaps" --pace 200 \
		--eve "$tmp/eve-$i.json" &
	victim=$!
	pids="$pids $victim"
	[ $i = 1 ] || eventually 20 test -s "$tmp/eve-$i.json" ||
		fail "nothing is raised in run $i"
	sleep 0.$i
	kill -9 $victim
	wait $victim 2>/dev/null
done
drain tap2
settle
holds tap2 "killed six times"
same "killed: nothing waits" 0 "$(of .waiting)"
# The events that are stored and those that are lost are all that were raised;
# alerts are all of them but ledgers and statistics.
raised=$(of '.ledger.events.raised[0:3] | add')
killed=$(of '.ledger.events.lost.killed[0:3] | add')
same "raised = stored + killed" "$raised" "$(($(stored tap2) + killed))"
[ "$(of .blind_from)" != null ] || fail "no blind time of the last kill"

# A spool that is too small, and nobody to empty it: the least severe are shed.
redis_kill
run tap3 --read "$top/pcaps" --set spool.max-size=100000 \
	--set forward.drain-ms=100
run tap3 --read "$top/pcaps" --set spool.max-size=100000 \
	--set forward.drain-ms=100
redis_start
drain tap3
settle
holds tap3 "shed"
gone=$(of '[.ledger.events.gone[][0:3] | add] | add')
full=$(of '.ledger.events.lost.spool_full[0:3] | add')
[ "$((gone + full))" -gt 0 ] || fail "nothing was shed"
# The same fact is the same number wherever it is asked for.
ctl() { "$bin/picketctl" --store "$tmp/picket.db" "$@" --json; }
same "sensors: lost" "$(of '([.lost[]] | add) +
	([.equations[] | select(.name == "spooled") | .right |
		.shed + .damaged] | add)')" \
	"$(ctl sensors | jq '.sensors[] | select(.sensor == "tap3") |
		.lost_events')"
same "status: lost" "$(ctl sensors | jq '[.sensors[].lost_events] | add')" \
	"$(ctl status | jq .store.lost_events)"
same "raised = stored + shed" "$(of '.ledger.events.raised[0:3] | add')" \
	"$(($(stored tap3) + gone + full))"

# Counters that are gone are not made up.
rm "$tmp/spool-tap1/ledger"
run tap1 --read "$top/pcaps/tls.pcap"
settle
"$bin/picketctl" --store "$tmp/picket.db" ledger hq/tap1 --json \
	>"$tmp/answer" || fail "counters gone: exit status $?"
[ "$(of .unknown_since)" != null ] || fail "it is not said since when"
same "cannot be said" null "$(of .holds)"

# What is not there is found missing: a batch taken out of the store's sums.
sqlite3 "$tmp/picket.db" "UPDATE ledger_sums SET events = events - 1
	WHERE class = 0;
	UPDATE ledger_batches SET events = events - 1 WHERE class = 0"
"$bin/picketctl" --store "$tmp/picket.db" ledger hq/tap3 >"$tmp/text"
same "exit status when something is missing" 1 $?
grep -q BROKEN "$tmp/text" || fail "what is missing is not said"
no_sanitizer "$tmp"/tap*.log "$tmp/collector.log"
finish
