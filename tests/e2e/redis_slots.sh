#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Slots that move.  In a cluster of two nodes, of which one has all slots at
# first, keys go over one by one while they are used: sensors and a collector
# that know one address follow.  Each of their commands names one key, so that
# TRYAGAIN, which only several keys in a command get, never comes; and should
# it come, whatever the command, it is asked again and nothing is lost.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"
need jq
moving="jp-east us-pacific"

# shellcheck disable=SC2046
set -- $(free_ports 2)
a=$1 b=$2
for p in "$a" "$b"; do
	server "node$p" --port "$p" --cluster-enabled yes \
		--cluster-config-file nodes.conf
	up "$p"
done
redis-cli -p "$a" cluster addslotsrange 0 16383 >/dev/null
redis-cli -p "$a" cluster meet 127.0.0.1 "$b" >/dev/null
agree() {
	for p in "$a" "$b"; do
		redis-cli -p "$p" cluster info | grep -q cluster_state:ok &&
			redis-cli -p "$p" cluster info |
			grep -q cluster_known_nodes:2 || return 1
	done
}
eventually 60 agree || fail "waited 60 s for two nodes to agree"
id_a=$(redis-cli -p "$a" cluster myid)
id_b=$(redis-cli -p "$b" cluster myid)

# watch SITE URL [OPTION...] : a sensor that reads what stands in a pipe.
watch() {
	_site=$1
	_url=$2
	shift 2
	mkfifo "$tmp/pipe-$_site"
	: >"$tmp/eve-$_site.json"
	sensor_home --read - --site "$_site" --sensor tap1 --redis "$_url" \
		--spool "$tmp/spool-$_site" --eve "$tmp/eve-$_site.json" \
		--stats "$tmp/stats-$_site.json" --set forward.drain-ms=120000 \
		--set spool.resend-seconds=1 "$@" \
		<"$tmp/pipe-$_site" 2>"$tmp/sensor-$_site.out" &
	pids="$pids $!"
}
# begin URL : the collector and both sensors there, with empty captures so far.
begin() {
	exec=exec take "$1" 2>"$tmp/collector.out" &
	collector_pid=$!
	pids="$pids $collector_pid"
	sensor_pids=
	for s in $moving; do
		exec=exec watch "$s" "$1"
		sensor_pids="$sensor_pids $!"
	done
	exec 7>"$tmp/pipe-jp-east" 8>"$tmp/pipe-us-pacific"
	head -c 24 "$top/pcaps/exercise-jp-east.pcap" >&7
	head -c 24 "$top/pcaps/exercise-us-pacific.pcap" >&8
}
# more SITE : its capture, once more, in the pipe.
more() {
	if [ "$1" = jp-east ]; then
		tail -c +25 "$top/pcaps/exercise-jp-east.pcap" >&7
	else
		tail -c +25 "$top/pcaps/exercise-us-pacific.pcap" >&8
	fi
}
# caught_up SITE LEAST : more than LEAST alerts, and all of them are stored.
caught_up() {
	n=$(alerts_written "$1")
	[ "$n" -gt "$2" ] && [ "$n" = "$(alerts_stored "$1")" ]
}
# goes_on WHEN : new alerts of both arrive.
goes_on() {
	for s in $moving; do
		had=$(alerts_written "$s")
		more "$s"
		eventually 90 caught_up "$s" "$had" ||
			fail "$1: $s: waited 90 s for $(alerts_written "$s") alerts (had $had), $(alerts_stored "$s") are stored"
	done
}

begin "redis://127.0.0.1:$a"
goes_on "all slots on one node"

# move SITE KEY : that key goes over; its slot's others stay.
move() {
	_k="picket:$2:{$1/tap1}"
	gone() {
		redis-cli -p "$a" migrate 127.0.0.1 "$b" "$_k" 0 5000 |
			grep -q -e OK
	}
	eventually 60 gone || fail "waited 60 s for $_k to move"
}
for s in $moving; do
	slot=$(redis-cli -p "$a" cluster keyslot "{$s/tap1}")
	redis-cli -p "$b" cluster setslot "$slot" importing "$id_a" >/dev/null
	redis-cli -p "$a" cluster setslot "$slot" migrating "$id_b" >/dev/null
done
goes_on "slots that are to move"
move jp-east alerts
move us-pacific committed
for s in $moving; do
	redis-cli -p "$a" exists "picket:alerts:{$s/tap1}" \
		"picket:committed:{$s/tap1}" | grep -q TRYAGAIN ||
		fail "$s: its slot is not torn"
done
goes_on "slots of which one key has moved"
move jp-east committed
move us-pacific alerts
for s in $moving; do
	move "$s" sensor
	slot=$(redis-cli -p "$a" cluster keyslot "{$s/tap1}")
	redis-cli -p "$b" cluster setslot "$slot" node "$id_b" >/dev/null
	redis-cli -p "$a" cluster setslot "$slot" node "$id_b" >/dev/null
done
goes_on "slots that have moved"

exec 7>&- 8>&-
for p in $sensor_pids; do
	wait "$p" || fail "a sensor ended with status $?"
done
all_stored() {
	for s in $moving; do
		caught_up "$s" 0 || return 1
	done
}
eventually 90 all_stored || fail "waited 90 s for all alerts to be stored"
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
for s in $moving; do
	same "$s: TRYAGAIN of one key" 0 \
		"$(jq .picket.redis.errors.tryagain "$tmp/stats-$s.json")"
	[ "$(jq .picket.redis.errors.ask "$tmp/stats-$s.json")" -ge 1 ] ||
		fail "$s: no ASK came: nothing was tried"
done
counted_once
same "gaps" 0 "$(sql 'SELECT count(*) FROM gaps')"
no_sanitizer "$tmp"/*.out

# One command in four is to be tried again, on either side.
rm -r "$tmp"/picket.db* "$tmp"/pipe-* "$tmp"/spool-* "$tmp"/eve-*
redis_start
python3 "$top/tests/e2e/tryagain.py" "$tmp/again.sock" "$sock" 0.25 \
	>"$tmp/refused.json" 2>"$tmp/again.out" &
again_pid=$!
pids="$pids $again_pid"
eventually 30 redis-cli -s "$tmp/again.sock" ping ||
	fail "waited 30 s for the one who refuses: $(cat "$tmp/again.out")"
begin "unix://$tmp/again.sock"
for i in 1 2 3; do
	goes_on "TRYAGAIN, $i"
done
exec 7>&- 8>&-
for p in $sensor_pids; do
	wait "$p" || fail "TRYAGAIN: a sensor ended with status $?"
done
eventually 90 all_stored ||
	fail "TRYAGAIN: waited 90 s for all alerts to be stored"
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "TRYAGAIN: the collector ended with status $?"
kill -TERM "$again_pid"
wait "$again_pid"
for command in XADD XREADGROUP XACK SET GET SMEMBERS; do
	[ "$(jq ".$command // 0" "$tmp/refused.json")" -ge 1 ] ||
		fail "no $command was refused: $(cat "$tmp/refused.json")"
done
for s in $moving; do
	[ "$(jq .picket.redis.errors.tryagain "$tmp/stats-$s.json")" -ge 1 ] ||
		fail "$s: no TRYAGAIN was counted"
done
counted_once
same "TRYAGAIN: gaps" 0 "$(sql 'SELECT count(*) FROM gaps')"
no_sanitizer "$tmp"/*.out
[ $failures -eq 0 ] || tail -n 8 "$tmp"/*.out
finish
