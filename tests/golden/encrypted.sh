#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What becomes of a connection once both ends encrypt: rules on the payload see
# its bytes only where the settings say so, rules on packets' facts and on the
# handshake match as ever, and a flow that is bypassed is counted alone.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need grep sort uniq

cat >"$tmp/dark.rules" <<'RULES'
alert tcp any any -> any any (msg:"a record of data"; content:"|17 03 03|"; sid:1;)
alert tcp any any -> any any (msg:"a payload"; dsize:>0; sid:2;)
alert tls any any -> any any (msg:"a hello"; tls.sni; content:"."; sid:3;)
alert ssh any any -> any any (msg:"bytes of SSH"; content:"|00|"; sid:4;)
RULES

# expect CAPTURE HANDLING ALERTS COUNTERS
expect() {
	"$sensor" --quiet --strict --rules "$tmp/dark.rules" \
		--read "$top/pcaps/$1.pcap" --eve-types alert --eve "$tmp/eve" \
		--set "app-layer.protocols.$1.encryption-handling=$2" \
		--stats "$tmp/stats" || fail "$1 $2: exit status $?"
	got=$(grep -o '"signature_id":[0-9]*' "$tmp/eve" | sort | uniq -c |
		tr -s ' ' | tr '\n' ';')
	[ "$got" = "$3" ] || fail "$1 $2: alerts are $got"
	got=$(grep -o '"flow_bypassed":{[^}]*}' "$tmp/stats")
	[ "$got" = "$4" ] || fail "$1 $2: counters are $got"
	rm -f "$tmp/eve"
}

none='"flow_bypassed":{"local_pkts":0,"local_bytes":0,"by_rule":0,"encrypted":0,"depth":0'
unseen=',"payload_not_inspected":'
expect tls full \
	' 10 "signature_id":1; 33 "signature_id":2; 3 "signature_id":3;' \
	"$none$unseen"'{"flows":0,"pkts":0,"bytes":0}'
expect tls default \
	' 4 "signature_id":1; 33 "signature_id":2; 3 "signature_id":3;' \
	"$none$unseen"'{"flows":4,"pkts":34,"bytes":8628}'
expect tls bypass \
	' 4 "signature_id":1; 14 "signature_id":2; 3 "signature_id":3;' \
	'"flow_bypassed":{"local_pkts":34,"local_bytes":10848,"by_rule":0,"encrypted":4,"depth":0'"$unseen"'{"flows":0,"pkts":0,"bytes":0}'
expect ssh full ' 23 "signature_id":2; 5 "signature_id":4;' \
	"$none$unseen"'{"flows":0,"pkts":0,"bytes":0}'
expect ssh track-only ' 23 "signature_id":2; 3 "signature_id":4;' \
	"$none$unseen"'{"flows":1,"pkts":20,"bytes":1580}'
expect ssh bypass ' 9 "signature_id":2; 3 "signature_id":4;' \
	'"flow_bypassed":{"local_pkts":20,"local_bytes":2900,"by_rule":0,"encrypted":1,"depth":0'"$unseen"'{"flows":0,"pkts":0,"bytes":0}'

# stream.bypass: past the depth in both directions.  Only packets' rules tell.
past_depth() {
	"$sensor" --quiet --strict --rules "$tmp/dark.rules" \
		--read "$top/pcaps/tls.pcap" --eve-types alert --eve "$tmp/eve" \
		--set app-layer.protocols.tls.encryption-handling=full \
		--set stream.reassembly.depth=100 --set "stream.bypass=$1" \
		--stats "$tmp/stats" || fail "depth, $1: exit status $?"
	grep -c '"signature_id":2' "$tmp/eve"
	rm -f "$tmp/eve"
}
all=$(past_depth no)
some=$(past_depth yes)
[ "$some" -gt 0 ] && [ "$some" -lt "$all" ] ||
	fail "stream.bypass: $some of $all alerts on packets"
bypassed=$(sed -n 's/.*"flow_bypassed":{"local_pkts":\([0-9]*\).*"depth":\([0-9]*\).*/\1 \2/p' \
	"$tmp/stats")
[ "${bypassed#* }" -gt 0 ] && [ "${bypassed% *}" -ge $((all - some)) ] ||
	fail "stream.bypass: $bypassed packets and flows passed over"
finish
