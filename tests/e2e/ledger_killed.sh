#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A live sensor that is killed: the ledger goes on with the next run's, and of
# the one that was killed it keeps the last account, with its numbers.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq sqlite3 tcpreplay
[ -x "$collector" ] || skip "picket-collector is not built"
ns=pk$$k
leave() {
	ip netns del "$ns" 2>/dev/null
	cleanup
}
trap leave EXIT
trap 'leave; exit 99' INT TERM
link() {
	ip netns add "$ns" &&
		ip netns exec "$ns" sh -c 'for all in all default; do
		echo 1 >/proc/sys/net/ipv6/conf/$all/disable_ipv6; done' &&
		ip -n "$ns" link add feed type veth peer name tap &&
		ip -n "$ns" link set feed up && ip -n "$ns" link set tap up
}
link 2>"$tmp/why" || skip "no network namespaces: $(head -n 1 "$tmp/why")"
redis_start
exec=exec collect 2>"$tmp/collector.log" &
collector_pid=$!
pids="$pids $collector_pid"

# watch LOG : a live sensor, once it captures.
watch() {
	ip netns exec "$ns" "$sensor" --interface tap --workers 2 \
		--rules "$top/rules/dist/*.rules" --site hq --sensor tap1 \
		--redis "unix://$sock" --spool "$tmp/spool" 2>"$tmp/$1" &
	watch_pid=$!
	pids="$pids $watch_pid"
	eventually 60 grep -q 'capturing on' "$tmp/$1" ||
		fail "waited 60 s for a capture: $(cat "$tmp/$1")"
}

send() {
	ip netns exec "$ns" tcpreplay -q -t -i feed \
		"$top/pcaps/exercise-jp-east.pcap" >"$tmp/replay.log" 2>&1 ||
		fail "tcpreplay: $(cat "$tmp/replay.log")"
	sent=$(sed -n 's/^Actual: \([0-9]*\) packets.*/\1/p' "$tmp/replay.log")
}

ledger() {
	"$bin/picketctl" --store "$tmp/picket.db" ledger hq/tap1 --json \
		>"$tmp/answer" 2>"$tmp/ctl.log"
}
# tells FILTER : whether the ledger says so now.
tells() {
	ledger && jq -e --argjson sent "$sent" "$1" "$tmp/answer"
}

watch first.log
send
# Its last account is whole: all that was sent is inspected or skipped.
all='.sensors[0].ledger.frames | .pending == 0 and .delivered == $sent'
eventually 60 tells "$all" || fail "waited 60 s for $sent packets in the ledger:
$(cat "$tmp/answer" "$tmp/ctl.log")"
same "runs killed before one was" 0 "$(jq '.killed | length' "$tmp/answer")"
started=$(jq .sensors[0].ledger.started_us "$tmp/answer")
inspected=$(jq .sensors[0].ledger.frames.inspected "$tmp/answer")
kill -9 $watch_pid
wait $watch_pid 2>/dev/null

watch second.log
anew=".sensors[0].ledger.started_us > $started and (.killed | length) == 1"
eventually 60 tells "$anew" ||
	fail "waited 60 s for the next run, and the one that was killed:
$(cat "$tmp/answer" "$tmp/ctl.log")"
same "the run that was killed" \
	"hq tap1 killed live $sent $sent $inspected 0 0" \
	"$(jq -r '.killed[0] | "\(.site) \(.sensor) \(.state) \(.mode) " +
		"\(.captured) \(.delivered) \(.inspected) \(.pending) " +
		"\(.kernel_dropped)"' "$tmp/answer")"
same "it was alive when it last said something" true "$(jq \
	'.killed[0] | .started != null and .at >= .started' "$tmp/answer")"
[ "$inspected" -gt 0 ] || fail "nothing was inspected before it was killed"
same "the account of the next run begins with none" 0 \
	"$(jq .sensors[0].ledger.frames.delivered "$tmp/answer")"
same "time without a sensor" true "$(jq \
	'.sensors[0] | .blind_from != null and .blind_to >= .blind_from' "$tmp/answer")"

# For eyes.
"$bin/picketctl" --store "$tmp/picket.db" ledger >"$tmp/text" ||
	fail "for eyes: exit status $?"
grep -q '^hq/tap1  killed, a run since ' "$tmp/text" ||
	fail "it is not said: $(cat "$tmp/text")"
grep -q "kernel_seen $sent, delivered $sent = inspected $inspected + skipped $((sent - inspected)) + pending 0" \
	"$tmp/text" || fail "the numbers are not said: $(cat "$tmp/text")"

# A run that ends well is none of them.
kill -TERM $watch_pid
wait $watch_pid || fail "the sensor ended with status $?"
eventually 60 tells .sensors[0].ledger.ended ||
	fail "waited 60 s for the end of the second run"
same "runs killed in the end" 1 "$(jq '.killed | length' "$tmp/answer")"
kill -TERM $collector_pid
wait $collector_pid || fail "the collector ended with status $?"
no_sanitizer "$tmp"/*.log
finish
