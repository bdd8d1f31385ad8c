#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# transport.sh SRCDIR : what "make bench-transport" runs, from the build
# directory.
#
# Real alerts of ours (picket-sensor over captures) go (a) through a sensor's
# forwarder and (b) from Redis into a collector's store, once as they are and
# once from many more sources; under a minute.
#
# PICKET_CORPUS  a directory with rules/et-modern.rules; without it our rules
# BENCH_PCAP     the capture; else the one of "make bench", else our own
# BENCH_EVE      a file of alerts, in place of both
# BENCH_ALERTS   how many (300000)
# BENCH_SIGN     the key that signs them; the collector then requires its .pub
set -eu
LC_ALL=C
export LC_ALL
src=$1
count=${BENCH_ALERTS:-300000}
dir=$(mktemp -d "${TMPDIR:-/tmp}/picket-transport.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 99' INT TERM
sock=$dir/redis

eve=${BENCH_EVE:-}
if [ -z "$eve" ]; then
	eve=$dir/eve.json
	rules="$src/rules/dist/*.rules"
	[ -z "${PICKET_CORPUS:-}" ] ||
		rules=$PICKET_CORPUS/rules/et-modern.rules
	pcap=${BENCH_PCAP:-tests/bench/data/mix-250.pcap}
	set -- "$pcap"
	[ -s "$pcap" ] || set -- "$src"/pcaps/*.pcap
	./picket-sensor --quiet --rules "$rules" --site bench --sensor tap \
		--set "classification-file=$src/rules/dist/classification.config" \
		--eve "$eve" --eve-types alert --read "$@" 2>"$dir/sensor.log" ||
		{
			tail -n 3 "$dir/sensor.log" >&2
			exit 1
		}
fi
printf 'alerts: %s different, %s bytes each on average\n' \
	"$(wc -l <"$eve")" "$(($(wc -c <"$eve") / $(wc -l <"$eve")))"

redis() {
	[ -z "$pid" ] || {
		kill "$pid"
		wait "$pid" 2>/dev/null || true
	}
	redis-server --port 0 --unixsocket "$sock" --save '' --appendonly no \
		--dir "$dir" --loglevel warning >>"$dir/redis.log" 2>&1 &
	pid=$!
	tries=0
	until redis-cli -s "$sock" ping >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || exit 1
		sleep 0.1
	done
}

redis
./tests/bench/bench_transport forward "unix://$sock" "$dir/spool" "$count" \
	<"$eve"
for variants in 1 16; do
	redis
	n=$(./tests/bench/bench_transport push "unix://$sock" bench/tap \
		"$count" $variants <"$eve")
	printf '%s times as many sources: ' $variants
	./tests/bench/bench_transport run "$n" ./picket-collector \
		--redis "unix://$sock" --store "$dir/$variants.db" \
		${BENCH_SIGN:+--set ingest.signatures=require
		--set "ingest.keys.0.sensor=bench/tap"
		--set "ingest.keys.0.key=$BENCH_SIGN.pub"} \
		--until-idle 0.1 2>"$dir/collector.log"
	sed -n 's/.*(\(.*while busy\))/\1/p' "$dir/collector.log"
	sqlite3 "$dir/$variants.db" "SELECT 'groups: ' || count(*) ||
		', alerts: ' || sum(count) FROM alert_groups"
	ls -l "$dir/$variants.db" | awk '{ print "store: " $5 " bytes" }'
done
