#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# transport.sh SRCDIR : what "make bench-transport" runs, from the build
# directory; about four minutes.
#
# From the wire to the store, and its parts: (a) picket-sensor replays a capture
# with a rule that alerts on every packet, through spool and Redis into a
# collector's store, until all is committed; (b) alerts go through a sensor's
# forwarder alone; (c) they go from Redis into a collector's store, as they are,
# each from another source, and signed; (d) the store is asked.  Prints each
# figure with its target.
#
# PICKET_CORPUS  a directory with rules/et-modern.rules; without it our rules
# BENCH_PCAP     the capture; else the one of "make bench", else our own
# BENCH_EVE      a file of alerts, in place of both
# BENCH_ALERTS   how many of each part (1000000)
# BENCH_CHAIN    how many of the whole (4000000)
# BENCH_ONLY     parts: chain, forward, large, sources, signed, read
# BENCH_PAGE     a page whose <!-- bench transport --> is written anew
set -eu
LC_ALL=C
export LC_ALL
src=$1
count=${BENCH_ALERTS:-1000000}
chain=${BENCH_CHAIN:-4000000}
dir=$(mktemp -d "${TMPDIR:-/tmp}/picket-transport.XXXXXX")
pid=
collector=
trap 'for p in $pid $collector; do kill "$p" 2>/dev/null; done; rm -rf "$dir"' \
	EXIT
trap 'exit 99' INT TERM
sock=$dir/redis
bench=./tests/bench/bench_transport

wanted() {
	case " ${BENCH_ONLY:-$1} " in *" $1 "*) ;; *) return 1 ;; esac
	printf '== %s\n' "$1" >&2
}

# row WHAT FIGURE UNIT COMPARISON TARGET : a figure and whether it is reached
row() {
	awk -v what="$1" -v x="$2" -v unit="$3" -v op="$4" -v target="$5" '
	function big(n) {
		n = sprintf("%.0f", n)
		while (n ~ /[0-9][0-9][0-9][0-9]($|,)/) {
			sub(/[0-9][0-9][0-9]($|,)/, ",&", n)
		}
		return n
	}
	function show(n) { return n < 1000 ? sprintf("%.3g", n) : big(n) }
	BEGIN {
		met = target == "" ? "-" : \
			(op == "<" ? x < target : x >= target) ? "met" : "**not met**"
		goal = target == "" ? "-" : (op == "<" ? "below " : "") show(target)
		printf "| %s | %s %s | %s | %s |\n", what, show(x), unit, goal, met
	}' | tee -a "$dir/table"
}

# rate COUNT "WALL CPU" COLUMN : alerts a second of it
rate() {
	echo "$2" | awk -v n="$1" -v c="$3" '{ printf "%.0f\n", n / $c }'
}

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

# How many alerts a sensor's statistics say it raised.
raised() {
	sed 's/.*"alerts":{"raised":\([0-9]*\).*/\1/'
}

# An alert for each packet of our own captures, many times over, each copy with
# addresses of its own.
every_packet() {
	[ ! -s "$dir/every.pcap" ] || return 0
	find "$src/pcaps" -name '*.pcap' -type f | sort |
		./tests/bench/merge_captures mix "$dir/every.pcap" 150 >&2
	echo 'alert ip any any -> any any (msg:"every packet"; sid:9000001;)' \
		>"$dir/every.rules"
}

# sensor FILE-OF-ALERTS RULES CAPTURE... : what a sensor makes of captures
sensor() {
	out=$1 rules=$2
	shift 2
	./picket-sensor --quiet --rules "$rules" --site bench --sensor tap \
		--set "classification-file=$src/rules/dist/classification.config" \
		--eve "$out" --eve-types alert --read "$@" 2>"$dir/sensor.log" || {
		tail -n 3 "$dir/sensor.log" >&2
		exit 1
	}
}

# collect NAME EVE COUNT VARIANTS [OPTION]... : from Redis into a store; leaves
# the number of alerts in $n and "WALL CPU" in $took
collect() {
	name=$1 eve=$2 n=$3 variants=$4
	shift 4
	redis
	n=$($bench push "unix://$sock" bench/tap "$n" "$variants" <"$eve")
	rm -f "$dir"/store.db*
	took=$($bench run ./picket-collector --redis "unix://$sock" \
		--store "$dir/store.db" --until-idle 0.1 "$@" \
		2>"$dir/$name.log") || {
		tail -n 3 "$dir/$name.log" >&2
		exit 1
	}
	stored=$(sqlite3 "$dir/store.db" \
		"SELECT sum(count) FROM alert_groups")
	[ "$stored" -eq "$n" ] || {
		echo "$name: $stored alerts of $n are in the store" >&2
		exit 1
	}
}

# The alerts of real rules, payloads and all.
real() {
	[ -z "${eve:-}" ] || return 0
	eve=${BENCH_EVE:-$dir/real.json}
	[ "$eve" = "$dir/real.json" ] || return 0
	rules="$src/rules/dist/*.rules"
	[ -z "${PICKET_CORPUS:-}" ] ||
		rules=$PICKET_CORPUS/rules/et-modern.rules
	pcap=${BENCH_PCAP:-tests/bench/data/mix-250.pcap}
	set -- "$pcap"
	[ -s "$pcap" ] || set -- "$src"/pcaps/*.pcap
	sensor "$eve" "$rules" "$@"
}

bytes_each() {
	awk '{ n += length($0) } END { printf "%.1f", n / NR / 1000 }' "$1"
}

cat >"$dir/table" <<'TABLE'
| alerts a second | figure | target | |
|---|---:|---:|---|
TABLE

if wanted chain; then
	every_packet
	redis
	each=$(./picket-sensor --quiet --rules "$dir/every.rules" --eve /dev/null \
		--eve-types alert --stats - --read "$dir/every.pcap" | raised)
	set --
	while [ $(($# * each)) -lt "$chain" ]; do
		set -- "$@" "$dir/every.pcap"
	done
	./picket-collector --redis "unix://$sock" --store "$dir/chain.db" \
		2>"$dir/chain.log" &
	collector=$!
	start=$(date +%s.%N)
	took=$($bench run ./picket-sensor --quiet --rules "$dir/every.rules" \
		--site bench --sensor tap --redis "unix://$sock" \
		--spool "$dir/spool" --set spool.max-size=16G \
		--set forward.drain-ms=600000 --stats "$dir/stats.json" \
		--read "$@" 2>"$dir/sensor.log") || {
		tail -n 3 "$dir/sensor.log" >&2
		exit 1
	}
	raised=$(raised <"$dir/stats.json")
	n=0
	tries=0
	while [ "$n" -lt "$raised" ]; do
		tries=$((tries + 1))
		if ! kill -0 $collector 2>/dev/null || [ $tries -gt 3000 ]; then
			echo "chain: $n alerts of $raised came into the store" >&2
			exit 1
		fi
		sleep 0.1
		n=$(sqlite3 -readonly "$dir/chain.db" "SELECT coalesce(sum(value),0)
			FROM counters WHERE name='alerts_stored'")
	done
	wall=$(date +%s.%N | awk -v s="$start" '{ printf "%.3f", $1 - s }')
	theirs=$(awk -v tick="$(getconf CLK_TCK)" \
		'{ print 1, ($14 + $15) / tick }' /proc/$collector/stat)
	kill $collector
	wait $collector || true
	collector=
	row "wire to store, an alert for every packet, $(echo "$wall" |
		awk '{ printf "%.0f", $1 }') s" \
		"$(rate "$n" "$wall" 1)" /s '>' 100000
	row "of it the sensor, per CPU second" "$(rate "$n" "$took" 2)" /s \
		'>' 100000
	row "and the collector" "$(rate "$n" "$theirs" 2)" /s '>' 100000
fi

if wanted forward; then
	real
	redis
	took=$($bench forward "unix://$sock" "$dir/spool2" "$count" <"$eve")
	row "sensor: queue to Redis, $(bytes_each "$eve") KB an alert" \
		"$(rate "$count" "$took" 1)" /s '>' 100000
	row "the same, per CPU second" "$(rate "$count" "$took" 2)" /s '' ''
	rm -rf "$dir/spool2"
fi

if wanted large; then
	real
	collect large "$eve" "$count" 1
	row "collector: Redis to store, $(bytes_each "$eve") KB an alert" \
		"$(rate "$n" "$took" 1)" /s '>' 100000
	row "the same, per CPU second" "$(rate "$n" "$took" 2)" /s '' ''
fi

if wanted sources; then
	real
	collect sources "$eve" "$count" 16
	row "the same, every alert from another source than the last" \
		"$(rate "$n" "$took" 1)" /s '>' 100000
	row "the same, per CPU second" "$(rate "$n" "$took" 2)" /s '' ''
	every_packet
	sensor "$dir/every.json" "$dir/every.rules" "$src"/pcaps/*.pcap
	collect sources "$dir/every.json" "$count" 700
	row "$(bytes_each "$dir/every.json") KB an alert, no two from one source" \
		"$(rate "$n" "$took" 1)" /s '>' 100000
	row "the same, per CPU second" "$(rate "$n" "$took" 2)" /s '' ''
fi

if wanted signed; then
	real
	./picketctl keys make "$dir/ed.key" >/dev/null
	./picketctl keys make --hmac --sensor bench/tap \
		"$dir/hmac.key" >/dev/null
	# In turns, and the best of three: a machine that is busy with other
	# things for a moment says nothing of signatures.
	for round in 1 2 3; do
		for kind in plain Ed25519 HMAC; do
			set --
			case $kind in
			Ed25519) BENCH_SIGN=$dir/ed.key; set -- "$dir/ed.key.pub" ;;
			HMAC) BENCH_SIGN=hmac:$dir/hmac.key; set -- "$BENCH_SIGN" ;;
			esac
			if [ $# -gt 0 ]; then
				export BENCH_SIGN
				set -- --set ingest.signatures=require \
					--set "ingest.keys.0.sensor=bench/tap" \
					--set "ingest.keys.0.key=$1"
			fi
			collect $kind "$eve" $((count / 2)) 1 "$@"
			unset BENCH_SIGN
			echo "$kind $(rate "$n" "$took" 1)" >>"$dir/signed"
		done
	done
	for kind in Ed25519 HMAC; do
		row "signed with $kind, percent of unsigned" "$(awk -v k=$kind '
			$2 > best[$1] { best[$1] = $2 }
			END { printf "%.1f", 100 * best[k] / best["plain"] }
			' "$dir/signed")" % '>' 85
	done
fi

if wanted read; then
	./storefill "$dir/read.db" --alerts 5000000 2>"$dir/fill.log"
	for q in "newest page|alerts" "one site|alerts --site site01" \
		"one rule|alerts --sid 9000001" \
		"one address|alerts --address 203.0.113.7" \
		"words that nothing has|alerts --text nothing-has-it"; do
		best=
		for i in 1 2 3 4 5; do
			# shellcheck disable=SC2086
			took=$($bench run ./picketctl ${q#*|} \
				--store "$dir/read.db" | tail -n 1)
			best=$(echo "$took $best" | awk '{ x = $1 * 1000
				print $3 == "" || x < $3 ? x : $3 }')
		done
		row "picketctl, 5 million alerts: ${q%|*}" "$best" ms '<' 100
	done
fi

if [ -n "${BENCH_PAGE:-}" ]; then
	awk -v table="$dir/table" '
	/^<!-- bench transport -->/ {
		print
		while ((getline line <table) > 0) { print line }
		skip = 1
	}
	skip && /^<!-- end -->/ { skip = 0 }
	!skip && !/^<!-- bench transport -->/
	' "$BENCH_PAGE" >"$dir/page"
	cat "$dir/page" >"$BENCH_PAGE"
fi
