#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh SRCDIR : what "make bench" runs, from the build directory.
#
# BENCH_PCAP   the capture to use; else one of BENCH_MB (default 130) megabytes
#              is merged from PICKET_CORPUS, or from pcaps/ without it
# BENCH_RULES  the rule set; else PICKET_CORPUS's et-modern.rules, else ours
set -eu
src=$1
pcap=${BENCH_PCAP:-}
if [ -z "$pcap" ]; then
	pcap=tests/bench/bench-${BENCH_MB:-130}.pcap
	if [ ! -s "$pcap" ]; then
		if [ -n "${PICKET_CORPUS:-}" ]; then
			find "$PICKET_CORPUS" -name '*.pcap' -type f
		else
			find "$src/pcaps" -name '*.pcap' -type f
		fi | LC_ALL=C sort |
			xargs ./tests/bench/merge_captures "$pcap.new" "${BENCH_MB:-130}"
		mv "$pcap.new" "$pcap"
	fi
fi
if [ -n "${BENCH_RULES:-}" ]; then
	set -- "$BENCH_RULES"
elif [ -n "${PICKET_CORPUS:-}" ]; then
	set -- "$PICKET_CORPUS/rules/et-modern.rules"
else
	set -- "$src/rules/dist/*.rules"
fi
echo "rules: $1"
./tests/bench/bench_stages "$pcap" "$1"
