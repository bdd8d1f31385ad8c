#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A million STIX patterns cost what is met of them: the same capture with all of
# them loaded and with one, and 60,000 draws of the patterns' own evaluator.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3

patterns=${PATTERNS:-1000000}
last="([domain-name:value = 'cdn.updates-sync.example'] FOLLOWEDBY [network-traffic:dst_ref.value = '198.51.100.23']) WITHIN 5 SECONDS"

# list HOW_MANY : as many, and one that the capture meets
list() {
	echo '# type: stix'
	awk -v n="$1" -v q="'" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "[domain-name:value = %sh%d.example%s AND domain-name:value LIKE %s%%.example%s] FOLLOWEDBY [network-traffic:dst_ref.value = %s10.%d.%d.%d%s AND network-traffic:dst_port = 443] WITHIN 60 SECONDS\n",
				q, i, q, q, q, q, i / 65536, i / 256 % 256, i % 256, q
	}'
	echo "$last"
}

# replay LIST : seconds of processor for five hundred readings of the capture
replay() {
	list "$1" >"$tmp/list"
	set --
	for _ in $(seq 500); do
		set -- "$@" "$top/pcaps/exercise-jp-east.pcap"
	done
	rm -f "$tmp/eve"
	/usr/bin/time -f '%U %M' -o "$tmp/time" "$sensor" \
		--indicators "$tmp/list" --read "$@" --eve "$tmp/eve" \
		--eve-types alert 2>"$tmp/log" || fail "exit status $?"
	/usr/bin/time -f '%U %M' -o "$tmp/load" "$sensor" \
		--indicators "$tmp/list" --check >"$tmp/check" 2>&1
	grep '^indicators:' "$tmp/check"
	same "alerts" 2500 "$(wc -l <"$tmp/eve" | tr -d ' ')"
	awk 'NR == FNR { u = $1; m = $2; next }
		{ printf "loading %.1f s, %d MiB; with the capture %.1f s\n",
		  $1, m / 1024, u }' "$tmp/time" "$tmp/load"
}

[ -x /usr/bin/time ] || skip "time is missing"
replay 0
replay "$patterns"
python3 "$top/tests/tools/stix_pattern_oracle.py" "$bin/patterncases" 60000 \
	99 || fail "the oracle disagrees"
finish
