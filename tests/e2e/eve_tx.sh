#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which transaction an alert shows, and what the record of a connection holds:
# rules for raw bytes against the captures of real programs.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need grep

cat >"$tmp/rules" <<'EOF'
alert dns any any -> any any (msg:"datagram"; content:"|00 01 00 00|"; sid:1;)
alert udp any any -> any 53 (msg:"any datagram"; content:"|00 01 00 00|"; sid:2;)
alert tcp any any -> any any (msg:"raw"; flow:to_server; content:"GET /"; sid:3;)
alert http any any -> any any (msg:"asked"; http.method; content:"GET"; sid:4;)
EOF

# alerts CAPTURE SID ARG... : its lines of that rule.
alerts() {
	capture=$1 sid=$2
	shift 2
	"$sensor" --quiet --rules "$tmp/rules" --read "$top/pcaps/$capture" \
		--eve - --eve-types alert "$@" 2>"$tmp/err" |
		grep "\"signature_id\":$sid," >"$tmp/lines"
	[ -s "$tmp/lines" ] || fail "$capture: no alert of rule $sid"
}

# holds YES|NO TEXT : every line found last does, or none.
holds() {
	all=$(wc -l <"$tmp/lines")
	some=$(grep -c -F -e "$2" "$tmp/lines")
	case $1 in
	YES) [ "$some" -eq "$all" ] || fail "rule $sid: $some of $all have $2" ;;
	NO) [ "$some" -eq 0 ] || fail "rule $sid: $some of $all have $2" ;;
	esac
}

guess=detect.guess-applayer-tx=yes

# A datagram is its own transaction, for a rule of its protocol.
alerts dns.pcap 1
grep '"proto":"UDP"' "$tmp/lines" >"$tmp/udp"
mv "$tmp/udp" "$tmp/lines"
holds YES '"tx_id":'
holds YES '"dns":{'
holds NO '"tx_guessed"'
alerts dns.pcap 2
holds NO '"dns":{'
alerts dns.pcap 2 --set "$guess"
holds YES '"dns":{'
holds YES '"tx_guessed":true'

# A guess is made only when it was asked for.
alerts http.pcap 3
holds NO '"http":{'
alerts http.pcap 3 --set "$guess"
holds YES '"http":{'
holds YES '"tx_guessed":true'
alerts http.pcap 4 --set "$guess"
holds YES '"http":{'
holds NO '"tx_guessed"'

# SSH: both sides, each with its fingerprint.
"$sensor" --quiet --read "$top/pcaps/ssh.pcap" --eve - --eve-types ssh \
	>"$tmp/lines" 2>"$tmp/err"
[ -s "$tmp/lines" ] || fail "ssh.pcap: no record of SSH"
sid=ssh
holds YES '"client":{"proto_version":"2.0","software_version":"OpenSSH'
holds YES '"server":{"proto_version":"2.0","software_version":"OpenSSH'
[ "$(grep -o '"hassh":{"hash":"[0-9a-f]\{32\}"' "$tmp/lines" | wc -l)" -eq \
	$((2 * $(wc -l <"$tmp/lines"))) ] ||
	fail "ssh.pcap: HASSH is missing"
finish
