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

# replay_all SUFFIX : all sensors at once, until all is committed.
replay_all() {
	sensor_pids=
	for s in $sites; do
		exec=exec replay "$s" --spool "$tmp/spool-$s-$1" \
			--set forward.drain-ms=60000 \
			--set spool.resend-seconds=1 2>"$tmp/sensor-$s-$1.log" &
		sensor_pids="$sensor_pids $!"
		pids="$pids $!"
	done
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
}
# in_head COUNT : so many alerts of parts are joined.
in_head() {
	[ "$(sql 'SELECT coalesce(sum(alerts), 0) FROM part_marks' \
		"$tmp/head.db")" = "$1" ]
}
# all_sent : the head has all that the parts say.
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
ends $one
same "incidents of one collector" 1 "$(sql "SELECT count(*) FROM incidents
	WHERE merged_into = 0")"
joined picket >"$tmp/one.joined"
all=$(sql 'SELECT sum(alerts) FROM frames')

# Two parts and their head.
redis-cli -s "$sock" FLUSHALL >/dev/null
part 1
part1=$started
part 2
part2=$started
head_of_two
head=$started
replay_all parts
eventually 30 in_head "$all" || fail "waited 30 s for the head to have all"
joined head >"$tmp/head.joined"
cmp "$tmp/one.joined" "$tmp/head.joined" ||
	fail "the head joins otherwise: $(diff "$tmp/one.joined" "$tmp/head.joined")"
ends $part1 $part2 $head

no_sanitizer "$tmp"/*.log
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.log
finish
