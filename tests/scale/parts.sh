#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What it brings to share the sensors among collectors: parts.sh [1 2 4], from
# Redis to what is committed, for one collector alone (1) and for so many parts
# with their head.  ALERTS and SENSORS may be set.  All of them and Redis share
# the processors of one machine: the processor time of each alert is what a part
# on a machine of its own is worth.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 redis-cli python3 awk
framepush=$bin/framepush
[ -x "$framepush" ] || skip "framepush is not built"
sensors=${SENSORS:-16}
each=$((${ALERTS:-320000} / sensors))
all=$((each * sensors))
tick=$(getconf CLK_TCK)
[ $# -gt 0 ] || set -- 1 2 4

redis_start
sensor_home --read "$top/pcaps/exercise-jp-east.pcap" --site base --sensor tap1 \
	--owner JP --eve "$tmp/eve.json" 2>"$tmp/sensor.log" ||
	fail "the sensor ended with $?"
[ "$(sed -n 1p "$tmp/eve.json" | wc -c)" -gt 1 ] || exit 99

# Everything waits in Redis before anybody begins.
fill() {
	redis-cli -s "$sock" FLUSHALL >/dev/null
	i=0
	while [ $i -lt "$sensors" ]; do
		i=$((i + 1))
		python3 "$top/tests/scale/parts.py" "$tmp/eve.json" "site$i" \
			tap1 "$each" $i |
			"$framepush" "unix://$sock" "site$i/tap1" 7 1 100 ||
			fail "framepush ended with $?"
		redis-cli -s "$sock" SADD picket:sensors "site$i/tap1" >/dev/null
	done
}

# cpu PID : seconds of processor time so far.
cpu() {
	awk -v t="$tick" '{ sub(/^.*\) /, ""); print ($12 + $13) / t }' \
		"/proc/$1/stat"
}
now() {
	date +%s.%N
}
# one NAME OPTION...
one() {
	_name=$1
	shift
	exec=exec collect --store "$tmp/$_name.db" "$@" \
		2>>"$tmp/$_name.log" &
	started=$!
	pids="$pids $started"
}
taken() {
	sum=0
	for _p in "$@"; do
		_n=$(sql 'SELECT coalesce(sum(alerts), 0) FROM sensors' \
			"$tmp/$_p.db" 2>/dev/null)
		sum=$((sum + ${_n:-0}))
	done
	[ $sum = $all ]
}
joined() {
	[ "$(sql 'SELECT coalesce(sum(alerts), 0) FROM part_marks' \
		"$tmp/head.db" 2>/dev/null)" = $all ]
}
await() {
	_tries=0
	until "$@"; do
		sleep 0.05
		_tries=$((_tries + 1))
		[ $_tries -lt 4000 ] || {
			fail "waited in vain for: $*"
			exit 1
		}
	done
}
figure() {
	awk "BEGIN { printf \"%.$2f\", $1 }"
}

for n in "$@"; do
	fill
	rm -f "$tmp"/part*.db* "$tmp"/head.db* "$tmp"/picket.db*
	begun=$(now)
	if [ "$n" = 1 ]; then
		one picket
		of=$started names=picket
	else
		of= names= head=
		for k in $(seq "$n"); do
			one "part$k" --set "parts.of=$n" --set "parts.number=$k"
			of="$of $started" names="$names part$k"
		done
		one head --set "parts.of=$n" --set parts.head=yes
		head=$started
	fi
	# shellcheck disable=SC2086
	await taken $names
	stored=$(now)
	[ "$n" = 1 ] || await joined
	ended=$(now)
	spent=0
	for p in $of; do
		spent=$(figure "$spent + $(cpu "$p")" 3)
	done
	echo "-- $n: $all alerts of $sensors sensors"
	echo "stored      $(figure "$all / ($stored - $begun)" 0) alerts/s in all"
	echo "a part      $(figure "$spent * 1e6 / $all" 2) us of processor an alert"
	if [ "$n" != 1 ]; then
		theirs=$(cpu "$head")
		said=$(sql 'SELECT sum(records) FROM part_marks' "$tmp/head.db")
		bytes=$(sql 'SELECT avg(length(data)), sum(n) FROM part_records' \
			"$tmp/head.db" | awk -F '|' -v r="$said" -v a="$all" \
			'{ printf "%.1f", $1 * r / a }')
		echo "joined      $(figure "$all / ($ended - $begun)" 0) alerts/s"
		echo "the head    $(figure "$theirs * 1e6 / $all" 2) us an alert," \
			"$(figure "$theirs * 1e6 / $said" 0) us a record"
		echo "records     $said, $(figure "$all / $said" 0) alerts and" \
			"$(figure "$bytes * $all / $said / 1000" 1) KB each," \
			"$bytes bytes an alert"
		kill -TERM "$head"
		wait "$head" || fail "the head ended with $?"
	fi
	# shellcheck disable=SC2086
	kill -TERM $of
	for p in $of; do
		wait "$p" || fail "a collector ended with $?"
	done
done
finish
