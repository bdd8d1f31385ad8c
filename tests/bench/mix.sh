# SPDX-License-Identifier: Apache-2.0
# mix.sh : sourced, with $src set, by what replays a mix of captures.
#
# $pcap is BENCH_PCAP, or a mix of BENCH_MB megabytes (100) of the captures at
# hand, made once and kept; $rules is BENCH_RULES, or those that go with them.
LC_ALL=C
export LC_ALL
mb=${BENCH_MB:-100}
pcap=${BENCH_PCAP:-tests/bench/bench-$mb.pcap}
from=$(cd "${PICKET_CORPUS:-$src/pcaps}" && pwd)
if [ -z "${BENCH_PCAP:-}" ] && { [ ! -s "$pcap" ] ||
	[ "$(cat "$pcap.from" 2>/dev/null)" != "$from" ]; }; then
	rm -f "$pcap" "$pcap.from"
	find "$from" -name '*.pcap' -type f | sort |
		./tests/bench/merge_captures mix "$pcap.new" "$mb"
	mv "$pcap.new" "$pcap"
	echo "$from" >"$pcap.from"
fi
rules=${BENCH_RULES:-}
if [ -z "$rules" ] && [ -n "${PICKET_CORPUS:-}" ]; then
	rules=$PICKET_CORPUS/rules/et-modern.rules
fi
rules=${rules:-$src/rules/dist/*.rules}
