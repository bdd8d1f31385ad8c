#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What rules share beyond one flow is settled in packet order: the same alerts
# and the same saved sets with any number of workers, and the alerts that the
# order of packets asks for.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need cmp grep sort

cat >"$tmp/shared.rules" <<'RULES'
alert http any any -> any any (msg:"new agent"; http.user_agent; dataset:set,agents,type string,state agents.lst; sid:1;)
alert http any any -> any any (msg:"agent of 1 again"; http.user_agent; dataset:isset,agents; sid:2;)
alert dns any any -> any any (msg:"new name"; dns.query; to_md5; dataset:isnotset,names,type md5,save names.lst; dataset:set,names; sid:3;)
alert dns any any -> any any (dns.query; content:"."; xbits:set,asked,track ip_src,expire 3600; noalert; sid:4;)
alert tcp any any -> any any (msg:"TCP of one who asked"; flags:S; xbits:isset,asked,track ip_src; sid:5;)
alert tcp any any -> any any (msg:"first TCP of a pair"; flags:S; xbits:isnotset,met,track ip_pair; xbits:set,met,track ip_pair; sid:6;)
alert tcp any any -> any any (flags:S; hostbits:toggle,odd,dst; noalert; sid:7;)
alert tcp any any -> any any (msg:"every second"; flags:S; hostbits:isset,odd,dst; sid:8;)
alert ip any any -> any any (msg:"new host"; ip.src; dataset:set,hosts,type ip,save hosts.lst; sid:9;)
alert tcp any any -> any any (msg:"taken out"; flags:F+; ip.src; dataset:unset,hosts; sid:10;)
RULES

# run NAME WORKERS RULES CAPTURE : its alerts, their log and the saved sets.
run() {
	mkdir -p "$tmp/$1"
	"$sensor" --quiet --strict --rules "$3" --read "$4" --workers "$2" \
		--set default-data-dir="$tmp/$1" --eve-types alert,flow \
		--eve - >"$tmp/$1/eve" 2>"$tmp/$1.log" ||
		fail "$1: exit status $?: $(head -n 1 "$tmp/$1.log")"
}

# sids FILE : how often each rule alerted.
sids() {
	grep -o '"signature_id":[0-9]*' "$1" | sort | uniq -c |
		tr -s ' ' | tr '\n' ';'
}

for capture in "$top"/pcaps/*.pcap; do
	name=${capture##*/}
	run "$name.1" 1 "$tmp/shared.rules" "$capture"
	for n in 2 4; do
		run "$name.$n" $n "$tmp/shared.rules" "$capture"
		for f in eve agents.lst names.lst hosts.lst; do
			cmp -s "$tmp/$name.1/$f" "$tmp/$name.$n/$f" ||
				fail "$name: $f differs with $n workers"
		done
	done
	# what is new is new once, and is what was saved
	for pair in 1:agents 3:names; do
		got=$(grep -c "\"signature_id\":${pair%%:*}," \
			"$tmp/$name.1/eve")
		want=$(grep -c . "$tmp/$name.1/${pair##*:}.lst")
		same "$name: alerts of sid ${pair%%:*}" "$want" "$got"
	done
done
all=$(cat "$tmp"/*.pcap.1/eve >"$tmp/all" && sids "$tmp/all")
for sid in 1 2 3 5 6 8 9 10; do
	case $all in
	*":$sid;"*) ;;
	*) fail "sid $sid never alerts: $all" ;;
	esac
done
for sid in 4 7; do
	case $all in
	*":$sid;"*) fail "sid $sid has noalert and alerts" ;;
	esac
done

# State goes on where the last run ended.
cp "$tmp/http.pcap.1/agents.lst" "$tmp/before"
run http.pcap.1 1 "$tmp/shared.rules" "$top/pcaps/http.pcap"
grep -q '"signature_id":1,' "$tmp/http.pcap.1/eve" &&
	fail "an agent of the last run is new again"
cmp -s "$tmp/before" "$tmp/http.pcap.1/agents.lst" ||
	fail "the state of agents changed"

# A rule that cannot be decided in two places: one worker, and it says so.
cat >"$tmp/undivided.rules" <<'RULES'
alert tcp any any -> any any (flags:S; xbits:set,met,track ip_dst; noalert; sid:21;)
alert tcp any any -> any any (flags:SA; xbits:isset,met,track ip_src; flowbits:set,answered; noalert; sid:22;)
alert tcp any any -> any any (msg:"answered"; flags:A; flowbits:isset,answered; sid:23;)
RULES
run one 1 "$tmp/undivided.rules" "$top/pcaps/http.pcap"
[ -s "$tmp/one.log" ] && fail "one worker: $(head -n 1 "$tmp/one.log")"
run four 4 "$tmp/undivided.rules" "$top/pcaps/http.pcap"
cmp -s "$tmp/one/eve" "$tmp/four/eve" || fail "undivided: other alerts"
same "lines that say why" 1 "$(grep -c 'sid 22' "$tmp/four.log")"
grep -q '"signature_id":23,' "$tmp/one/eve" || fail "undivided: no alert"

finish
