#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two parts and their head make of the exercise what one collector makes of it:
# the same incidents, with the same alerts, events, owners and level; also when
# a part and the head are killed in between.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 awk redis-cli openssl
[ -x "$collector" ] || skip "picket-collector is not built"

redis_start
for k in parts head; do
	openssl genpkey -algorithm ed25519 -out "$tmp/$k.key" 2>/dev/null
	openssl pkey -in "$tmp/$k.key" -pubout -out "$tmp/$k.pub" 2>/dev/null
done

# replay_all SUFFIX OPTION... : all sensors at once; replayed: they have ended,
# with all committed.
replay_all() {
	_suffix=$1
	shift
	sensor_pids=
	for s in $sites; do
		exec=exec replay "$s" --spool "$tmp/spool-$s-$_suffix" \
			--set forward.drain-ms=60000 \
			--set spool.resend-seconds=1 "$@" \
			2>"$tmp/sensor-$s-$_suffix.log" &
		sensor_pids="$sensor_pids $!"
		pids="$pids $!"
	done
}
replayed() {
	for p in $sensor_pids; do
		wait "$p" || fail "a sensor ended with status $?"
	done
}

# one_part NAME OPTION... : a collector of several, by its store's name; its
# process number in $started.
one_part() {
	_name=$1
	shift
	exec=exec collect --store "$tmp/$_name.db" --set parts.of=2 "$@" \
		2>>"$tmp/$_name.log" &
	started=$!
	pids="$pids $started"
}
part() {
	one_part "part$1" --set "parts.number=$1" \
		--set "parts.sign-key=$tmp/parts.key" \
		--set "parts.keys.0=$tmp/head.pub"
}
head_of_two() {
	one_part head --set parts.head=yes --set "parts.sign-key=$tmp/head.key" \
		--set "parts.keys.0=$tmp/parts.pub"
}

# joined STORE : what a commander sees: each incident with who leads, and by
# each key, site and owner, how many alerts and events of whom joined it.
joined() {
	sql "SELECT i.title, i.level, i.score, i.lead, i.support, i.state,
		i.exercise, i.mark, i.first_us, i.last_us,
		(SELECT group_concat(x, char(10)) FROM (
			SELECT r.kind || ' ' || r.key || ' ' || s.site || ' ' ||
				s.owner || ' ' || s.count || ' ' || s.events ||
				' ' || s.first_us || ' ' || s.last_us x
			FROM incident_runs ir JOIN runs r ON r.id = ir.run
			JOIN sightings s ON s.run = r.id
			WHERE ir.incident = i.id ORDER BY 1))
		FROM incidents i WHERE i.merged_into = 0
		ORDER BY i.title, i.first_us" "$tmp/$1.db"
	sql "SELECT kind, exercise, host, peer, port FROM findings
		ORDER BY 1, 2, 3, 4, 5" "$tmp/$1.db"
}
# in_head COUNT : so many alerts of parts are joined.
in_head() {
	[ "$(sql 'SELECT coalesce(sum(alerts), 0) FROM part_marks' \
		"$tmp/head.db")" = "$1" ]
}
ends() {
	for p in "$@"; do
		kill -TERM "$p"
		wait "$p" || fail "a collector ended with status $?"
	done
}

# What one collector makes of it.
exec=exec collect 2>"$tmp/one.log" &
one=$!
pids="$pids $one"
replay_all one
replayed
ends $one
same "incidents of one collector" 1 "$(sql "SELECT count(*) FROM incidents
	WHERE merged_into = 0")"
joined picket >"$tmp/one.joined"
all=$(sql 'SELECT sum(alerts) FROM frames')

# as_one WHAT : the head joined what one collector did.
as_one() {
	eventually 30 in_head "$all" || fail "$1: waited 30 s for all alerts"
	eventually 5 alike || fail "$1: the head joins otherwise: $(
		diff "$tmp/one.joined" "$tmp/head.joined")"
}
alike() {
	joined head >"$tmp/head.joined"
	cmp "$tmp/one.joined" "$tmp/head.joined"
}
starts() {
	part 1
	part1=$started
	part 2
	part2=$started
	head_of_two
	head=$started
}
# above COUNT QUERY STORE
above() {
	n=$(sql "$2" "$tmp/$3.db" 2>/dev/null)
	[ "${n:-0}" -gt "$1" ]
}

# goes_on PART COUNT : it has more frames than that, or there are no more: on a
# slow machine all may have come before the head died.
goes_on() {
	above "$2" 'SELECT count(*) FROM frames' "part$1" || [ "$all" = "$((
		$(sql 'SELECT coalesce(sum(alerts), 0) FROM frames' \
			"$tmp/part1.db") +
		$(sql 'SELECT coalesce(sum(alerts), 0) FROM frames' \
			"$tmp/part2.db")))" ]
}

# Two parts and their head.
redis-cli -s "$sock" FLUSHALL >/dev/null
starts
replay_all parts
replayed
as_one "two parts"
above 0 'SELECT count(*) FROM frames' part1 || fail "part 1 has no sensor"
above 0 'SELECT count(*) FROM frames' part2 || fail "part 2 has no sensor"
all_here() {
	"$bin/picketctl" -s "$tmp/head.db" parts >"$tmp/parts.txt" &&
		[ "$(grep -c '^here ' "$tmp/parts.txt")" = 2 ]
}
eventually 20 all_here || fail "picketctl parts: $(cat "$tmp/parts.txt")"
"$bin/picketctl" -s "$tmp/part2.db" parts | grep -q '^part 2: ' ||
	fail "picketctl parts does not know whose store it is"

# What an incident names as evidence is found in the part's store.
"$bin/picketctl" -s "$tmp/head.db" incidents show 1 >"$tmp/show.txt"
for k in 1 2; do
	numbers=$(sed -n "s/^in the store of part $k: //p" "$tmp/show.txt" |
		sed 's/ and .* more//')
	[ -n "$numbers" ] || fail "no evidence in part $k: $(cat "$tmp/show.txt")"
	# shellcheck disable=SC2086
	"$bin/picketctl" -s "$tmp/part$k.db" alerts show $numbers \
		>"$tmp/alerts.txt" || fail "alerts show ended with $?"
	same "alerts of the evidence in part $k" "$(echo "$numbers" | wc -w)" \
		"$(wc -l <"$tmp/alerts.txt" | tr -d ' ')"
done
ends $part1 $part2 $head

# Again, anew; the head and both parts are killed while alerts come.
redis-cli -s "$sock" FLUSHALL >/dev/null
rm -f "$tmp"/part?.db* "$tmp"/head.db*
starts
replay_all killed --pace 5
eventually 20 above 5 'SELECT sum(alerts) FROM part_marks' head ||
	fail "waited 20 s for the first alerts at the head"
kill -9 $head
wait $head 2>/dev/null
for k in 1 2; do
	was=$(sql 'SELECT count(*) FROM frames' "$tmp/part$k.db")
	eventually 20 goes_on $k "$was" ||
		fail "part $k takes nothing more in without the head"
	eval "kill -9 \$part$k; wait \$part$k" 2>/dev/null
	part $k
	eval "part$k=\$started"
done
head_of_two
head=$started
replayed
as_one "after kills"
for k in 1 2; do
	same "part $k: alerts stored twice, or not" 0 "$(sql "SELECT
		(SELECT sum(count) FROM alert_groups) -
		(SELECT sum(alerts) FROM frames)" "$tmp/part$k.db")"
done
same "stored by both" "$all" "$((
	$(sql 'SELECT sum(alerts) FROM frames' "$tmp/part1.db") +
	$(sql 'SELECT sum(alerts) FROM frames' "$tmp/part2.db")))"
ends $part1 $part2 $head

# All sensors move to a part that is new: what another took in, and Redis
# delivers once more, is not taken in again.
for s in $sites; do
	redis-cli -s "$sock" XGROUP SETID "picket:alerts:{$s/tap1}" picket 0 \
		>/dev/null || fail "no group at $s"
done
one_part moved --set parts.of=1 --set parts.number=1 \
	--set "parts.sign-key=$tmp/parts.key"
repeated() {
	[ "$(sql "SELECT sum(value) FROM counters WHERE name = 'frames_repeated'" \
		"$tmp/moved.db")" -ge 3 ]
}
eventually 10 repeated || fail "waited 10 s for batches of before"
same "batches taken in twice" 0 "$(sql 'SELECT count(*) FROM frames' \
	"$tmp/moved.db")"
ends $started

no_sanitizer "$tmp"/*.log
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.log
finish
