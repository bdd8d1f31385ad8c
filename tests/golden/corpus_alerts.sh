#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Captures of others, below $PICKET_CORPUS, with a large rule set: the alerts
# and the events of each are those that tests/golden/corpus_alerts has digests
# of.  With --update writes that list.  See tests/golden/alert_digests.c.
# PICKET_SAMPLE=N takes every Nth capture only.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
[ -d "${PICKET_CORPUS:-}" ] || skip "PICKET_CORPUS is not set"
need awk find sort split diff
corpus=$(cd "$PICKET_CORPUS" && pwd)
rules=$corpus/rules/et-modern.rules
expected=$top/tests/golden/corpus_alerts
[ -f "$rules" ] || skip "$rules is not there"

for set in zeek-traces ndpi-pcaps tcpdump-pcaps suricata-verify; do
	find "$corpus/$set" -type f \( -name '*.pcap' -o -name '*.pcapng' \
		-o -name '*.cap' -o -name '*.trace' -o -name '*.pcap.gz' \)
done | sort | awk -v n="${PICKET_SAMPLE:-1}" 'NR % n == 0' >"$tmp/all"
split -n r/2 "$tmp/all" "$tmp/part."
for part in "$tmp"/part.a?; do
	"$bin/tests/golden/alert_digests" "$rules" "$corpus/" <"$part" \
		>"$part.out" 2>"$part.log" &
	pids="$pids $!"
done
for p in $pids; do
	wait "$p" || fail "a run ended with status $?"
done
no_sanitizer "$tmp"/part.*.log
cat "$tmp"/part.*.out | sort -k 5 >"$tmp/digests"
if [ "${1:-}" = --update ]; then
	cp "$tmp/digests" "$expected"
	exit
fi
awk 'NR == FNR { run[$5]; next } $5 in run' "$tmp/digests" "$expected" |
	diff - "$tmp/digests" >"$tmp/diff" || {
	fail "captures with other lines than before: $(grep -c '^[<>]' "$tmp/diff")"
	head -n 20 "$tmp/diff"
}
finish
