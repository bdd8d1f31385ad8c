#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# instructions.sh BUILD [--update]
#
# Does a packet take more instructions than it did?  Counts those of each
# stage over our captures and rules, which no busy machine disturbs, and
# compares with instructions.expected.  What is compared is the ratio to the
# floor (floor.h), which the same compiler built: compilers differ by more
# than the 3 % (BENCH_TOLERANCE) that are allowed.  Valgrind shows programs a
# processor with AVX2; figures of others say nothing here.
#
# --update writes what is counted as what is expected from now on.
set -u
LC_ALL=C
export LC_ALL
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$here/../..
expected=$here/instructions.expected
build=${1:?usage: instructions.sh BUILD [--update]}

skip() {
	echo "skipped: $*"
	exit 77
}
command -v valgrind >/dev/null 2>&1 || skip "valgrind is not installed"
grep -qw avx2 /proc/cpuinfo 2>/dev/null || skip "this processor has no AVX2"
! grep -q 'fsanitize' "$build/config.status" || skip "built with sanitizers"

make -C "$build" -s tests/bench/bench_count >/dev/null || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
valgrind --tool=callgrind --callgrind-out-file="$work/out" \
	--toggle-collect=counted --dump-after=counted \
	"$build/tests/bench/bench_count" "$top/rules/dist/base-*.rules" \
	"$top"/pcaps/*.pcap >"$work/stages" 2>"$work/log" || {
	cat "$work/log"
	exit 1
}
packets=$(head -n 1 "$work/stages")
i=0
for stage in $(tail -n +2 "$work/stages"); do
	i=$((i + 1))
	sum=$(awk '$1 == "totals:" || $1 == "summary:" { n = $2 } END { print n + 0 }' \
		"$work/out.$i")
	echo "$stage $sum"
done >"$work/sums"

awk -v packets="$packets" '
	NR == 1 { floor = $2 }
	floor > 0 && packets > 0 { printf "%s %.0f %.4f\n", $1, $2 / packets, $2 / floor }
' "$work/sums" >"$work/now"
[ -s "$work/now" ] || {
	echo "nothing was counted"
	exit 1
}

if [ "${2:-}" = --update ]; then
	{
		echo "# stage, times the floor's instructions; see instructions.sh"
		awk 'NR > 1 { print $1, $3 }' "$work/now"
	} >"$expected"
	cat "$expected"
	exit 0
fi

awk -v tolerance="${BENCH_TOLERANCE:-3}" '
	NR == FNR { if ($1 != "#") { want[$1] = $2; n++ } next }
	FNR == 1 {
		printf "%-14s %14s %10s %10s %8s\n", "stage", "instr/packet",
			"x floor", "expected", ""
		printf "%-14s %14d\n", $1, $2
		next
	}
	!($1 in want) { printf "%-14s is not in instructions.expected\n", $1; bad = 1; next }
	{
		seen++
		change = ($3 / want[$1] - 1) * 100
		worse = change > tolerance
		printf "%-14s %14d %10.3f %10.3f %+7.1f%%%s\n", $1, $2, $3,
			want[$1], change, worse ? "  TOO MANY" : ""
		bad += worse
		better += change < -tolerance
	}
	END {
		if (seen < n) { print "a stage was not counted"; bad = 1 }
		if (bad) {
			print "A packet takes more instructions than it did.  If that is the price"
			print "of something better:  sh tests/bench/instructions.sh build --update"
		} else if (better) {
			print "Fewer than expected: keep it so with"
			print "  sh tests/bench/instructions.sh build --update"
		}
		exit bad != 0
	}
' "$expected" "$work/now"
