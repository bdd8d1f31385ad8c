#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --profile-rules: counts are exact and the same with any number of workers,
# as a table and as JSON; the alerts are those of a run without it.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need jq

cat >"$tmp/my.rules" <<'END'
alert http any any -> any any (msg:"get"; http.method; content:"GET"; sid:1; rev:3;)
alert http any any -> any any (msg:"not there"; http.method; content:"GET"; http.uri; content:"/nowhere-at-all"; sid:2;)
alert http any any -> any any (msg:"never tried"; http.uri; content:"/nowhere-at-all"; sid:3;)
alert tcp any any -> any any (msg:"gone"; content:"HTTP/1."; pcre:"/zz+y/"; sid:4;)
END
capture=$top/pcaps/http.pcap

# profile WORKERS : alerts to $tmp/eve.N, JSON to $tmp/json.N
profile() {
	rm -f "$tmp/eve.$1"
	sensor_home --read "$capture" --rules "$tmp/my.rules" --workers "$1" \
		--eve "$tmp/eve.$1" --eve-types alert \
		--profile-rules-json="$tmp/json.$1" 2>"$tmp/log" ||
		fail "$1 workers: exit status $?"
}

rm -f "$tmp/eve.0"
sensor_home --read "$capture" --rules "$tmp/my.rules" --eve "$tmp/eve.0" \
	--eve-types alert 2>"$tmp/log" || fail "exit status $?"
alerts=$(jq -r 'select(.alert.signature_id == 1) | .flow_id' "$tmp/eve.0" |
	wc -l)
[ "$alerts" -gt 0 ] || fail "no alert to count"

for n in 1 3; do
	profile $n
	cmp -s "$tmp/eve.0" "$tmp/eve.$n" ||
		fail "$n workers: alerts differ when profiled"
	same "matches, $n workers" "$alerts" \
		"$(jq '.rules[] | select(.signature_id == 1).matches' "$tmp/json.$n")"
	same "revision" 3 \
		"$(jq '.rules[] | select(.signature_id == 1).rev' "$tmp/json.$n")"
	same "untried, $n workers" 0 \
		"$(jq '[.rules[] | select(.signature_id == 3)] | length' "$tmp/json.$n")"
	same "matches of 4, $n workers" 0 \
		"$(jq '.rules[] | select(.signature_id == 4).matches' "$tmp/json.$n")"
	jq -e '.ticks_per_us > 0 and .candidates.packet.calls > 0 and
		([.rules[] | .checks >= .matches] | all) and
		([.rules[] | .checks] | add) ==
		([.candidates[] | .candidates] | add)' \
		"$tmp/json.$n" >"$tmp/out" || fail "$n workers: $(cat "$tmp/json.$n")"
done
count='[.rules[] | [.signature_id, .checks, .matches]] | sort'
same "one worker and three" "$(jq -c "$count" "$tmp/json.1")" \
	"$(jq -c "$count" "$tmp/json.3")"

sensor_home --read "$capture" --rules "$tmp/my.rules" --eve "$tmp/eve.t" \
	--profile-rules="$tmp/table" 2>"$tmp/log" || fail "exit status $?"
checks=$(jq '.rules[] | select(.signature_id == 1).checks' "$tmp/json.1")
same "the table's line" "$checks $alerts" \
	"$(awk '$2 == 1 && $3 == 1 && $4 == 3 { print $7, $8 }' "$tmp/table")"
sensor_home --read "$capture" --rules "$tmp/my.rules" --eve "$tmp/eve.t" \
	--profile-rules >"$tmp/table" 2>"$tmp/log" || fail "exit status $?"
grep -q '^Rules by cost' "$tmp/table" || fail "nothing on standard output"
sensor_home --read "$capture" --rules "$tmp/my.rules" --eve "$tmp/eve.t" \
	--profile-rules="$tmp/no/such" 2>"$tmp/log"
same "exit status without a place to write" 1 $?
no_sanitizer "$tmp/log"

# Rules that are always tried together: each is timed, not the same one always.
for i in $(seq 1 16); do
	echo "alert tcp any any -> any any (msg:\"$i\"; content:\"HTTP/1.\"; pcre:\"/zz+y$i/\"; sid:$i;)"
done >"$tmp/my.rules"
profile 1
same "rules tried together" 16 "$(jq '[.rules[] | select(.signature_id <= 16)] | length' "$tmp/json.1")"
jq -e '.interrupted > 0 or ([.rules[].timed > 0] | all)' "$tmp/json.1" \
	>"$tmp/out" || fail "tried and never timed: $(cat "$tmp/json.1")"
finish
