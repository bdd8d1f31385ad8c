#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh SRCDIR : what "make bench" runs, from the build directory.
#
# Makes what is measured (once; it stays in tests/bench/data), then measures.
#
# PICKET_CORPUS  a directory of captures and of rules/et-modern.rules; without
#                it our own captures and rules are used, which say little;
#                with another one than last time the captures are made anew
# BENCH=short    under three minutes: smaller, less often
# BENCH_MB       megabytes of each capture (250; short: 60)
# BENCH_PCAP     a capture for "mix" instead of one that is made
# BENCH_RULES    the rule set (a glob)
# BENCH_JSON     a file to which the figures are added as one line of JSON
# BENCH_ONLY     one section: prefilter, stages, events, load, sets, indicators, flows,
#                hostile, workers
set -eu
LC_ALL=C
export LC_ALL
src=$1
corpus=${PICKET_CORPUS:-$src/pcaps}
data=tests/bench/data
if [ "${BENCH:-full}" = short ]; then
	mb=${BENCH_MB:-60} rounds=2
	sets='1000 25000' indicators='1000000' flows='1000 100000'
else
	mb=${BENCH_MB:-250} rounds=4
	sets='1000 5000 25000 100000' indicators='1000000 10000000'
	flows='1000 100000 1000000 4000000'
fi
only=${BENCH_ONLY:-all}

say() {
	echo "$*" >&2
}
# wants SECTION : will it run?
wants() {
	[ "$only" = all ] || [ "$only" = "$1" ]
}

die() {
	say "bench: $*"
	exit 2
}

[ -d "$corpus" ] || die "PICKET_CORPUS=$corpus: no such directory"
case $only in
all | prefilter | stages | events | load | sets | indicators | flows) ;;
hostile | workers) ;;
*) die "BENCH_ONLY=$only: no such section; there are prefilter, stages," \
	"events, load, sets, indicators, flows, hostile and workers" ;;
esac

mkdir -p "$data"

# The captures: of a kind that the corpus does not have there is none.  Beside
# each stands whose it is: those of one corpus are not measured as another's.
from=$(cd "$corpus" && pwd)
mix=
set --
for kind in mix http tls small; do
	pcap=$data/$kind-$mb.pcap
	if [ $kind = mix ] && [ -n "${BENCH_PCAP:-}" ]; then
		pcap=$BENCH_PCAP
	elif [ $kind != mix ] && ! wants stages; then
		continue
	elif [ ! -s "$pcap" ] ||
		[ "$(cat "$pcap.from" 2>/dev/null)" != "$from" ]; then
		say "making $pcap of $from"
		rm -f "$pcap" "$pcap.from"
		find "$corpus" -name '*.pcap' -type f | sort |
			./tests/bench/merge_captures $kind "$pcap.new" "$mb" >&2 || {
			rm -f "$pcap.new"
			continue
		}
		mv "$pcap.new" "$pcap"
		echo "$from" >"$pcap.from"
	fi
	cat "$pcap" >/dev/null # from memory from now on
	[ $kind != mix ] || mix=$pcap
	set -- "$@" "$kind=$pcap"
done

[ -n "$mix" ] || die "$corpus: no captures (*.pcap) to measure with"

rules=${BENCH_RULES:-}
if [ -z "$rules" ] && [ -s "${PICKET_CORPUS:-}/rules/et-modern.rules" ]; then
	rules=$PICKET_CORPUS/rules/et-modern.rules
fi
rules=${rules:-$src/rules/dist/*.rules}
say "measuring with $mix and $rules"
set -- "$@" "rules=$rules"

if wants sets; then
	for n in $sets; do
		[ -s "$data/$n.rules" ] && [ "$(cat "$data/$n.from")" = "$rules" ] || {
			say "making $data/$n.rules"
			# shellcheck disable=SC2086 # a pattern
			./tests/bench/make_rules "$n" $rules >"$data/$n.rules"
			echo "$rules" >"$data/$n.from"
		}
		set -- "$@" "set.$n=$data/$n.rules"
	done
fi
if wants indicators; then
	for n in $indicators; do
		# files of at most two million: a file has a largest size
		i=0
		while [ $i -lt "$n" ]; do
			k=$((n - i < 2000000 ? n - i : 2000000))
			file=$data/indicators-$i-$k.txt
			[ -s "$file" ] || {
				say "making $file"
				./tests/bench/make_indicators $i $k >"$file.new"
				mv "$file.new" "$file"
			}
			set -- "$@" "indicators.$n=$file"
			i=$((i + k))
		done
	done
fi
# Of its rows, "PATH ... xRATIO ..." is that path against Hyperscan; the
# groups stand for themselves, "all" for the whole set.
prefilter_figures() {
	awk '
		/^[^ ].*: [0-9]+ literals$/ { group = $0; sub(/:.*/, "", group) }
		$1 ~ /^(avx512|avx2)$/ && group != "made up" {
			for (i = 2; i <= NF && ($i !~ /^x[0-9.]+$/ || $(i - 1) == "hostile"); i++) { }
			if (i > NF) next
			key = (group == "all" ? "all." : "groups.") $1
			x = substr($i, 2) + 0
			if (!(key in least) || x < least[key]) least[key] = x
		}
		END { for (k in least) print "prefilter." k, least[k] }
	' "$1" | sort
}
if wants prefilter; then
	if make -s tests/bench/bench_prefilter >/dev/null 2>&1; then
		say "== the literal matcher, against Hyperscan where it is there"
		# shellcheck disable=SC2086 # a pattern
		./tests/bench/bench_prefilter $rules "$mix" \
			>"$data/prefilter.out" 2>&1 || say "it failed"
		cat "$data/prefilter.out"
		prefilter_figures "$data/prefilter.out" >"$data/prefilter.figures"
		set -- "$@" "prefilter=$data/prefilter.figures"
	fi
fi
if wants flows; then
	for n in $flows; do
		set -- "$@" "flows=$n"
	done
fi
[ "$only" = all ] || set -- "$@" "only=$only"
[ -z "${BENCH_JSON:-}" ] || set -- "$@" "json=$BENCH_JSON"

exec ./tests/bench/bench "$@" rounds=$rounds
