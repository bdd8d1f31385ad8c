#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# reload.sh SRCDIR : what "make bench-reload" runs, from the build directory.
#
# Replays a capture of BENCH_MB megabytes (100) BENCH_TIMES times (10), alone
# and with a reload of the rules all the while, by one worker and by three:
# no packet may be lost, and every alert must be the same.  Prints how long the
# reloads took and what memory they needed, then how long sets of 25,000,
# 50,000 and 100,000 rules take to load.  BENCH_PCAP and BENCH_RULES as in
# bench.sh.
set -eu
src=$1
. "$src/tests/bench/mix.sh"
dir=$(mktemp -d "${TMPDIR:-/tmp}/picket-bench.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 99' INT TERM

set --
i=0
while [ $i -lt "${BENCH_TIMES:-10}" ]; do
	set -- "$@" "$pcap"
	i=$((i + 1))
done

# replay NAME WORKERS CAPTURE... : in the background; $pid.
replay() {
	name=$1
	workers=$2
	shift 2
	./picket-sensor --rules "$rules" --workers "$workers" \
		--set "classification-file=$src/rules/dist/classification.config" \
		--eve "$dir/$name.json" --eve-types alert \
		--stats "$dir/$name.stats" --read "$@" 2>"$dir/$name.log" &
	pid=$!
}

# Kilobytes of memory, "VmRSS" or "VmHWM", of the sensor; 0 when it has ended.
memory() {
	awk -v k="$1:" '$1 == k { v = $2 } END { print v + 0 }' \
		"/proc/$pid/status" 2>/dev/null || echo 0
}

counter() {
	grep -o "\"$1\":[0-9]*" "$dir/$2.stats" | head -n 1 | grep -o '[0-9]*$'
}

status=0
echo "rules: $rules"
for n in 1 3; do
	replay "plain-$n" $n "$@"
	wait "$pid"
	replay "busy-$n" $n "$@"
	while [ ! -s "$dir/busy-$n.json" ] && kill -0 "$pid" 2>/dev/null; do
		sleep 0.05
	done
	before=$(memory VmRSS)
	peak=0
	while kill -USR2 "$pid" 2>/dev/null; do
		sleep 0.2
		now=$(memory VmHWM)
		[ "$now" -le "$peak" ] || peak=$now
	done
	wait "$pid"
	pid=
	reloads=$(counter reloads "busy-$n")
	echo "$n workers: $(counter in "busy-$n") packets," \
		"$(grep -c . "$dir/busy-$n.json") alerts, $reloads reloads;" \
		"$before kB resident at first, $peak kB at most"
	grep 'rules loaded' "$dir/busy-$n.log" | sed 's/.*: /  /' | tail -n 3
	if [ "${reloads:-0}" -lt 2 ]; then
		echo "FAILED: hardly a reload; raise BENCH_TIMES"
		status=1
	fi
	cmp "$dir/plain-$n.json" "$dir/busy-$n.json" || status=1
	for c in in inspected stopped; do
		[ "$(counter $c "plain-$n")" = "$(counter $c "busy-$n")" ] || {
			echo "FAILED: other counts of frames: $c"
			status=1
		}
	done
	[ "$(counter stopped "busy-$n")" = 0 ] || status=1
done
cmp "$dir/plain-1.json" "$dir/plain-3.json" || status=1
[ $status -ne 0 ] || echo "no packet lost, the same alerts"

# shellcheck disable=SC2086 # a pattern
for n in 25000 50000 100000; do
	./tests/bench/make_rules $n $rules >"$dir/many.rules"
	./picket-sensor --check --rules "$dir/many.rules" 2>/dev/null >"$dir/said" &
	pid=$!
	begin=$(date +%s%N)
	peak=0
	while kill -0 "$pid" 2>/dev/null; do
		now=$(memory VmHWM)
		[ "$now" -le "$peak" ] || peak=$now
		sleep 0.02
	done
	wait "$pid" || status=1
	pid=
	echo "$(tail -n 1 "$dir/said"); $((($(date +%s%N) - begin) / 1000000)) ms," \
		"$peak kB at most"
done
exit $status
