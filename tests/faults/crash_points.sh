#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Killed at a named point of its work (SIGKILL from within, by failing_io.so),
# a sensor or a collector starts again and each alert that was durable arrives,
# once.
#
#   crash_points.sh          the points with a +, once
#   crash_points.sh full     every point at several calls
#   crash_points.sh NAME     one
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
! grep -q -a __asan_init "$bin/picket-sensor" ||
	skip "a sanitizer does not let its allocator be wrapped"
need sqlite3 awk redis-server redis-cli
[ -x "$collector" ] || skip "picket-collector is not built"
faults=$bin/tests/faults/failing_io.so
[ -f "$faults" ] || skip "failing_io.so is not built (make check builds it)"

# Who, at which call, on which file, the how manieth; one line a point.  In the
# full form also at the calls named behind.
points='
sensor lock-taken           after flock */spool/lock 1
sensor meta-new-created     after open */spool/meta.new 1 2
sensor meta-new-written     after write */spool/meta.new 1 2
sensor meta-new-synced      after fsync */spool/meta.new 1 2
sensor +meta-renamed         after rename */spool/meta 1 2
sensor dir-synced           after fsync */spool 2 1 3 5
sensor segment-created      after open */spool/*.seg 2 1 3
sensor segment-head-written after write */spool/*.seg 1
sensor +batch-half-written   short write */spool/*.seg 4 9 17
sensor batch-written        after write */spool/*.seg 5 2 11 20
sensor +batch-unsynced       before fsync */spool/*.seg 2 1 4
sensor +batch-synced         after fsync */spool/*.seg 2 1 4
later segment-committed     before unlink */spool/*.seg 1 2
later +segment-unlinked      after unlink */spool/*.seg 1 2
later +tail-cut              after truncate */spool/*.seg 1
sensor batch-sent           after send socket:* 6 4 9
collector store-created     after open */picket.db 1
collector schema-written    after write */picket.db* 3 1 10
collector +wal-written       after write */picket.db-wal 20 2 33 60
collector wal-unsynced      before fsync */picket.db-wal 3 2 5
collector +wal-synced        after fsync */picket.db-wal 3 2 5
collector committed-set     after send socket:* 8 6 12
collector +committed-unset   before send socket:* 8 6 12
'

copies=30
mode=${1:-short}
n_points=0
n_recovered=0

# Thirty times the same capture: some thousand alerts in tens of batches, and
# a spool small enough that segments come and go.
capture=$top/pcaps/exercise-jp-east.pcap
many=
i=0
while [ $i -lt $copies ]; do
	many="$many $capture"
	i=$((i + 1))
done

# What kills makes calls of its own, which confinement would refuse.

# sensor_run OPTION... : what forwards alerts to the Redis by that spool.
sensor_run() {
	exec=exec sensor_home --set security.sandbox=off --site jp-east --sensor tap1 --owner JP \
		--redis "unix://$sock" --spool "$dir/spool" \
		--set spool.max-size=2mb --forward-types alert \
		--set forward.drain-ms=60000 "$@"
}

collector_run() {
	exec "$collector" --redis "unix://$sock" --store "$dir/picket.db" \
		--missions "$top/pcaps/missions.yaml" \
		--set security.sandbox=off "$@"
}

# A sensor with nothing new to read sends what the spool holds.
sensor_again() {
	(exec "$sensor" --quiet --read "$top/pcaps/tls.pcap" --site jp-east \
		--sensor tap1 --redis "unix://$sock" --spool "$dir/spool" \
		--forward-types alert --set spool.resend-seconds=1 \
		--set security.sandbox=off \
		--set forward.drain-ms=60000) 2>>"$dir/sensor.log"
}

start_collector() {
	(collector_run) 2>>"$dir/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
}

# field NAME : a number of the spool as it was found.
field() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$dir/spool.json"
}

stored() {
	sql "$1" "$dir/picket.db" 2>/dev/null
}

stored_up_to() {
	frames=$(stored 'SELECT count(DISTINCT seq) FROM frames')
	[ "${frames:-0}" -ge "$1" ]
}

# rule ACTION KIND PATTERN N : a short write is followed by death.
rule() {
	if [ "$1" = short ]; then
		printf 'short %s %s %s; before %s %s %s' \
			"$2" "$3" "$4" "$2" "$3" "$(($4 + 1))"
	else
		printf '%s %s %s %s' "$@"
	fi
}

# with RULE COMMAND... : the command, with its calls watched.
with() {
	FAILING_IO=$1
	shift
	export FAILING_IO
	LD_PRELOAD=$faults ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
	export LD_PRELOAD ASAN_OPTIONS
	"$@"
}

# killed PID WHAT : it ended by its own hand.
killed() {
	wait "$1" 2>/dev/null
	status=$?
	[ $status -eq 137 ] || {
		fail "$name: $2 was not killed but ended with status $status"
		tail -n 3 "$dir"/*.log
		return 1
	}
}

kill_sensor() {
	start_collector
	# shellcheck disable=SC2086
	(with "$1" sensor_run --read $many --eve "$dir/eve.json") \
		2>>"$dir/sensor.log" &
	killed $! "the sensor"
}

# Not the first sensor on this spool dies but the second, which learns that all
# is committed, and finds an unfinished write.
kill_later() {
	# shellcheck disable=SC2086
	(sensor_run --read $many --eve "$dir/eve.json") 2>>"$dir/sensor.log" ||
		fail "$name: the first sensor failed"
	start_collector
	"$sensor" --spool-check "$dir/spool" --json >"$dir/spool.json"
	last=$(field last)
	eventually 30 stored_up_to "$last" ||
		fail "$name: batch $last was never stored"
	for torn in "$dir"/spool/0-*.seg; do
		:
	done
	printf 'torn' >>"$torn"
	(with "$1" sensor_again) &
	killed $! "the second sensor"
}

# A collector that dies while the sensor sends, or at the end.
kill_collector() {
	(with "$1" collector_run) 2>>"$dir/collector.log" &
	dying=$!
	pids="$pids $dying"
	# shellcheck disable=SC2086
	(sensor_run --read $many --eve "$dir/eve.json" \
		--set spool.resend-seconds=1 --set forward.drain-ms=3000) \
		2>>"$dir/sensor.log" || fail "$name: the sensor failed"
	collector_pid=$dying
	killed $dying "the collector" || return 1
	start_collector
}

# Nothing missing up to what the spool knew, nothing twice.
check_store() {
	same "$name: batches missing" 0 "$(stored 'SELECT
		coalesce(max(seq), 0) - count(DISTINCT seq) FROM frames')"
	same "$name: batches twice" 0 "$(stored 'SELECT count(*) -
		count(DISTINCT epoch || "/" || seq) FROM frames')"
	same "$name: lines refused" 0 "$(stored 'SELECT
		coalesce(sum(lines_refused), 0) FROM sensors')"
	same "$name: gaps" 0 "$(stored 'SELECT count(*) FROM gaps')"
	raised=$(grep -c '"event_type":"alert"' "$dir/eve.json" 2>/dev/null)
	n=$(stored 'SELECT coalesce(sum(alerts), 0) FROM frames')
	[ "${n:-0}" -le "$expected" ] || fail "$name: $n alerts of $expected"
	[ "$1" != collector ] ||
		same "$name: alerts stored" "${raised:-0}" "${n:-0}"
}

# point WHO NAME ACTION KIND PATTERN N
point() {
	who=$1 name=$2/$6
	dir=$tmp/$2-$6
	mkdir "$dir"
	before=$failures
	n_points=$((n_points + 1))
	redis-cli -s "$sock" flushall >/dev/null
	kill_"$who" "$(rule "$3" "$4" "$5" "$6")" || {
		kill -9 "$collector_pid" && wait "$collector_pid" 2>/dev/null
		return
	}
	"$sensor" --spool-check "$dir/spool" --json >"$dir/spool.json"
	status=$?
	# Killed before there was a ledger, it is not yet a spool.
	[ $status -le 1 ] || [ ! -e "$dir/spool/meta" ] ||
		fail "$name: --spool-check says $(cat "$dir/spool.json")"
	sensor_again || fail "$name: the second start ended with status $?"
	last=$(field last)
	eventually 30 stored_up_to "${last:-0}" ||
		fail "$name: batch $last of the spool was never stored"
	kill -TERM "$collector_pid"
	wait "$collector_pid" || fail "$name: the collector ended with $?"
	check_store "$who"
	if [ $failures -eq $before ]; then
		n_recovered=$((n_recovered + 1))
		[ -n "${PICKET_KEEP:-}" ] || rm -rf "$dir"
	else
		tail -n 3 "$dir"/*.log
	fi
}

redis_start
# How many alerts an undisturbed run raises.
# shellcheck disable=SC2086
expected=$(sensor_home --read $many --eve - 2>/dev/null |
	grep -c '"event_type":"alert"')
[ "$expected" -gt 500 ] || fail "only $expected alerts to lose"
set -f
while read -r who at action kind pattern first rest; do
	case $mode/$at in
	*/) continue ;;
	short/+* | */"$mode" | */+"$mode") rest= ;;
	full/*) ;;
	*) continue ;;
	esac
	at=${at#+}
	for n in $first $rest; do
		set +f
		point "$who" "$at" "$action" "$kind" "$pattern" "$n"
		set -f
	done
done <<EOT
$points
EOT
no_sanitizer "$tmp"/*/*.log 2>/dev/null
printf '%s points, %s recovered\n' $n_points $n_recovered
finish
