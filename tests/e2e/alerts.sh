#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What surrounds a match, with the whole sensor: thresholds, suppression, the
# bound of a packet's alerts, reputation and tags give the same lines with any
# number of workers, and nothing is held back without being counted.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need awk cmp

cat >"$tmp/rules" <<'END'
alert tcp any any -> any any (msg:"each"; flags:S; sid:1;)
alert tcp any any -> any any (msg:"limit"; flags:S; threshold:type limit, track by_src, count 2, seconds 5; sid:2;)
alert tcp any any -> any any (msg:"backoff"; flags:S; threshold:type backoff, track by_rule, count 1, multiplier 10; sid:3;)
alert tcp any any -> any any (msg:"silenced"; flags:S; sid:4;)
alert tcp any any -> any any (msg:"quiet after three"; flags:S; sid:5;)
alert ip any any -> any any (msg:"listed"; iprep:any,bad,>,50; sid:6;)
alert http any any -> any any (msg:"followed"; http.method; content:"GET"; tag:session,3,packets; reference:url,a.example; sid:7;)
END
cat >"$tmp/thresholds" <<'END'
suppress gen_id 1, sig_id 4, track by_either, ip 203.0.113.0/24
rate_filter gen_id 1, sig_id 5, track by_rule, count 3, seconds 600, new_action pass, timeout 0
END
echo '1,bad,Known bad' >"$tmp/categories"
echo '203.0.113.66,1,90' >"$tmp/scores"

# run WORKERS [OPTION...]
run() {
	workers=$1
	shift
	rm -f "$tmp/stats"
	"$sensor" --strict --rules "$tmp/rules" --workers "$workers" \
		--read "$top/pcaps/exercise-jp-east.pcap" --eve - \
		--eve-types alert,packet --stats "$tmp/stats" \
		--set threshold-file="$tmp/thresholds" \
		--set reputation-categories-file="$tmp/categories" \
		--set reputation-files.0="$tmp/scores" "$@" 2>"$tmp/log" ||
		fail "$workers workers: exit status $?"
	no_sanitizer "$tmp/log"
}

# alerts_of SID : lines of one rule
alerts_of() {
	grep -c "\"signature_id\":$1," "$tmp/one"
}

# held CAUSE : matches held back, from the counters' totals
held() {
	sed 's/.*"suppressed":{//' "$tmp/stats" | tr ',' '\n' |
		sed -n "s/^\"$1\":\([0-9]*\).*/\1/p" | head -n 1
}

run 1 >"$tmp/one"
all=$(alerts_of 1)
[ "$all" -gt 100 ] || fail "only $all connections in the capture"
same "matches held back by thresholds" \
	$((2 * all - $(alerts_of 2) - $(alerts_of 3))) "$(held threshold)"
same "matches suppressed by the list" $((all - $(alerts_of 4))) \
	"$(held suppress)"
same "alerts before the rate filter" 3 "$(alerts_of 5)"
same "matches held back by the rate filter" $((all - 3)) "$(held rate_filter)"
[ "$(alerts_of 6)" -gt 0 ] || fail "no address was on the list"
[ "$(alerts_of 3)" -gt 1 ] && [ "$(alerts_of 3)" -lt 6 ] ||
	fail "backing off let $(alerts_of 3) of $all through"
grep -q '"suppressed":{"threshold":' "$tmp/one" ||
	fail "no alert tells what was held back before it"
grep -q '"references":\["https://a.example"\]' "$tmp/one" ||
	fail "no alert has its rule's references"
grep -q '"event_type":"packet"' "$tmp/one" || fail "no tagged packet"
for n in 2 4; do
	run $n >"$tmp/many"
	cmp -s "$tmp/one" "$tmp/many" ||
		fail "$n workers write other lines than one"
done

run 1 --set packet-alert-max=1 --set threshold-file= >"$tmp/one"
same "of one packet one alert: first rule" "$all" "$(alerts_of 1)"
same "of one packet one alert: second rule" 0 "$(alerts_of 4)"
[ "$(held packet_alert_max)" -ge $((all * 4)) ] ||
	fail "not all that went beyond the bound is counted"

# After bypass a flow is not looked at; config keeps a transaction unlogged.
cat >"$tmp/rules" <<'END'
alert http any any -> any any (http.method; content:"GET"; bypass; sid:1;)
alert http any any -> any any (http.stat_code; content:"200"; sid:2;)
END
run 1 --set threshold-file= >"$tmp/one"
[ "$(alerts_of 1)" -gt 0 ] || fail "no request in the capture"
same "alerts on responses of bypassed flows" 0 "$(alerts_of 2)"
grep -q '"bypassed_packets":[1-9]' "$tmp/stats" ||
	fail "bypassed packets are not counted"
sed -i 's/ bypass;//' "$tmp/rules"
run 1 --set threshold-file= >"$tmp/one"
[ "$(alerts_of 2)" -gt 0 ] || fail "no response in the capture"
run 1 --set threshold-file= --eve-types http >"$tmp/logged"
[ -s "$tmp/logged" ] || fail "no http event"
echo 'config http any any -> any any (http.method; content:"GET"; config:logging disable, type tx, scope tx; sid:1;)' \
	>"$tmp/rules"
run 1 --set threshold-file= --eve-types http >"$tmp/many"
if grep -q '"http_method":"GET"' "$tmp/many"; then
	fail "a transaction is logged although a rule forbids it"
fi
grep -q '"http_method":"GET"' "$tmp/logged" ||
	fail "no GET was logged without the rule"

# A host's packets go through several workers: one does it all, and says so.
echo 'alert tcp any any -> any any (flags:S; tag:host,5,packets,src; sid:1;)' \
	>"$tmp/rules"
run 1 >"$tmp/one"
run 3 >"$tmp/many"
grep -q 'running with one worker' "$tmp/log" ||
	fail "three workers tag hosts without a word"
cmp -s "$tmp/one" "$tmp/many" || fail "tagged hosts depend on the workers"
finish
