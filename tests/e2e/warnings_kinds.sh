#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Indicators of one site's own list arm the other site when they are seen: each
# kind, byte by byte as the list has it, so that the other site sees it too.
# Who sees what was warned of warns nobody; exercises warn nobody either.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli jq sqlite3 python3 ip tcpreplay
ctl=$bin/picketctl
[ -x "$ctl" ] || skip "picketctl is not built"
ns=pk$$k
leave() {
	ip netns del "$ns" 2>/dev/null
	cleanup
}
trap leave EXIT
trap 'leave; exit 99' INT TERM
ip netns add "$ns" 2>"$tmp/why" || skip "no namespace: $(head -n 1 "$tmp/why")"
ip netns exec "$ns" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null
for s in hq branch; do
	ip -n "$ns" link add "$s" type veth peer name "t$s" &&
		ip -n "$ns" link set "$s" up && ip -n "$ns" link set "t$s" up ||
		skip "no link"
done

# What is in the captures.
request() {
	python3 "$top/tests/e2e/warnings_kinds.py" "$@" || fail "no capture"
}
request c2.kinds.example '/Docs/ReadMe.TXT?Q=Ab' 'Agent Smith/1.0 (X11)' \
	"$tmp/request.pcap"
request drill.example / 'Agent Drill/2.0' "$tmp/drill.pcap"
"$sensor" --quiet --read "$top/pcaps/tls.pcap" --eve - --eve-types tls |
	jq -r '.tls | select(.fingerprint) | [.fingerprint, .ja3.hash, .ja4] |
		@tsv' | head -n 1 | tr -d : >"$tmp/tls"
read -r sha1 ja3 ja4 <"$tmp/tls"
sha256=$(request "$top/pcaps/tls.pcap" "$sha1")
"$sensor" --quiet --read "$top/pcaps/http.pcap" --eve - --eve-types fileinfo \
	--set eve.files.force-hash.0=md5 --set eve.files.force-hash.1=sha1 \
	--set eve.files.force-hash.2=sha256 |
	jq -r '.fileinfo | select(.size > 100 and .state == "CLOSED") |
		[.md5, .sha1, .sha256] | @tsv' | head -n 1 >"$tmp/files"
read -r file_md5 file_sha1 file_sha256 <"$tmp/files"

# kind, value in the list and as it is armed, its mark there and then: the site
# bears none, so that amber, the default, is joined to it
agent="network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'"
url=c2.kinds.example/Docs/ReadMe.TXT?Q=Ab
cat >"$tmp/kinds" <<EOT
ip|203.0.113.77|203.0.113.77|green|amber
domain|Kinds.example|kinds.example|amber|amber
url|http://C2.kinds.example/Docs/ReadMe.TXT?Q=Ab|$url|green|amber
user-agent|Agent Smith/1.0 (X11)|Agent Smith/1.0 (X11)|red|red
pattern|[$agent LIKE 'Agent Sm%']|[$agent LIKE 'Agent Sm%']|green|amber
ja3|$ja3|$ja3|green|amber
ja4|$ja4|$ja4|green|amber
cert-sha1|$sha1|$sha1|green|amber
cert-sha256|$sha256|$sha256|green|amber
file-md5|$file_md5|$file_md5|green|amber
file-sha1|$file_sha1|$file_sha1|green|amber
file-sha256|$file_sha256|$file_sha256||amber
EOT
kinds=$(wc -l <"$tmp/kinds")
{
	echo type,value,tlp
	awk -F'|' '{ printf "%s,\"%s\",%s\n", $1, $2, $4 }' "$tmp/kinds"
} >"$tmp/own.csv"
printf 'type,value\nuser-agent,Agent Drill/2.0\n' >"$tmp/drill.csv"

redis_start
"$ctl" keys make "$tmp/key" >/dev/null || fail "keys make: status $?"
ctl() { "$bin/picketctl" --store "$tmp/picket.db" "$@"; }
"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
	--set "control.sign-key=$tmp/key" --feed "$tmp/feed.json" \
	2>>"$tmp/collector.log" &
pids="$pids $!"
eventually 60 ctl status || fail "no collector: $(cat "$tmp/collector.log")"
watch() {
	site=$1
	shift
	ip netns exec "$ns" "$sensor" --interface "$site" --site "$site" \
		--sensor tap1 --eve "$tmp/$site.json" --eve-types alert \
		--redis "unix://$sock" --spool "$tmp/$site" \
		--set forward.batch-ms=20 \
		--set "control.public-key=$tmp/key.pub" "$@" 2>>"$tmp/$site.log" &
	pids="$pids $!"
}
send() {
	for f in "$tmp/request.pcap" "$top/pcaps/tls.pcap" "$top/pcaps/http.pcap"; do
		ip netns exec "$ns" tcpreplay -q -t -i "t$1" "$f" \
			>"$tmp/replay.log" 2>&1 || fail "tcpreplay: $(cat "$tmp/replay.log")"
	done
}
watch hq --indicators "$tmp/own.csv"
watch branch
all_run() {
	[ "$(ctl --json indicators armed | jq '[.sensors[] |
		select(.state == "live" and .version != "" and .version != null)] | length')" = 2 ]
}
eventually 60 all_run || fail "no sensors: $(ctl indicators armed)"
for s in hq branch; do
	eventually 60 grep -q 'capturing on' "$tmp/$s.log" ||
		fail "$s: $(cat "$tmp/$s.log")"
done

send hq
# in STATE NUMBER : so many warnings of that state.
in_state() {
	[ "$(ctl --json warnings | jq --arg s "$1" \
		'[.warnings[] | select(.state == $s)] | length')" = "$2" ]
}
eventually 60 in_state armed $((kinds - 1)) || fail "not armed: $(ctl warnings)"
eventually 60 in_state held 1 || fail "not held: $(ctl warnings)"
[ -s "$tmp/branch.json" ] && fail "branch alerts before the warning"

# The gate cannot try a pattern; an analyst lets it go.
pattern=$(ctl --json warnings | jq -r '.warnings[] | select(.kind == "pattern") |
	.indicator')
ctl indicators release "$pattern" >/dev/null || fail "not released"
eventually 60 in_state armed "$kinds" || fail "not armed: $(ctl warnings)"
ctl --json warnings >"$tmp/warnings.json"
in_use() {
	ctl --json indicators armed | jq -e 'all(.sensors[]; .behind == 0 and
		(.patterns_wait // 0) == 0)' >/dev/null
}
eventually 60 in_use || fail "a pattern waits: $(ctl --json indicators armed)"

send branch
hit() {
	jq -s -e --arg k "$1" --arg v "$2" 'any(.[].picket.indicator; .type == $k and
		.value == $v and .source == "warning")' "$tmp/branch.json" >/dev/null
}
while IFS='|' read -r kind _ value _ mark; do
	jq -e --arg k "$kind" --arg v "$value" --arg m "$mark" \
		'[.warnings[] | select(.kind == $k)] | length == 1 and
		(.[0] | .value == $v and .mark == $m and .site == "hq" and
		(.subdomains // false) == ($k == "domain"))' \
		"$tmp/warnings.json" >/dev/null || fail "$kind: $(jq -c --arg k "$kind" \
			'.warnings[] | select(.kind == $k)' "$tmp/warnings.json")"
	eventually 60 hit "$kind" "$value" ||
		fail "$kind: branch does not see $value"
done <"$tmp/kinds"
seen() {
	ctl --json indicators show "$url" | jq -e '[.indicators[0].seen[] |
		.site] | index("hq") != null and index("branch") != null' >/dev/null
}
eventually 60 seen || fail "not seen: $(ctl --json indicators show "$url")"

# What is played with stays where it is.
"$sensor" --quiet --read "$tmp/drill.pcap" --indicators "$tmp/drill.csv" \
	--site hq --sensor tap2 --exercise DRILL --redis "unix://$sock" \
	--spool "$tmp/drill" 2>>"$tmp/hq.log" || fail "exercise: status $?"
played() {
	[ "$(sql "SELECT count(*) FROM runs WHERE exercise='DRILL'")" != 0 ]
}
eventually 60 played || fail "nothing was played"
ctl --json warnings | jq -c '[.warnings[] | [.kind, .value]] | sort' \
	>"$tmp/after"
same "an exercise or a warning warned" \
	"$(jq -c '[.warnings[] | [.kind, .value]] | sort' "$tmp/warnings.json")" \
	"$(cat "$tmp/after")"

# What an analyst takes out is off, and does not come back.
ctl indicators remove "$(jq '.warnings[] | select(.kind == "url") | .indicator' \
	"$tmp/warnings.json")" >/dev/null || fail "not removed"
eventually 60 in_state off 1 || fail "not off: $(ctl warnings)"

# A site that floods has its share, and silences nobody who sees the same.
request loud.example / 'Agent Loud' "$tmp/many.pcap" 300
request loud.example / 'Agent Quiet/1.0' "$tmp/quiet.pcap"
{
	echo type,value
	awk 'BEGIN { for (n = 0; n < 300; n++) print "user-agent,Agent Loud " n }'
} >"$tmp/loud.csv"
printf 'type,value\nuser-agent,Agent Quiet/1.0\n' >"$tmp/quiet.csv"
see() { # see SITE SENSOR CAPTURE LIST
	"$sensor" --quiet --read "$tmp/$3.pcap" --indicators "$tmp/$4.csv" \
		--site "$1" --sensor "$2" --redis "unix://$sock" \
		--spool "$tmp/$1-$2" 2>>"$tmp/$1.log" || fail "$1: status $?"
}
see loud tap1 many loud
see loud tap2 quiet quiet
loud() { [ "$(sql "SELECT count(*) FROM runs WHERE key='agent quiet/1.0'")" = 1 ]; }
eventually 60 loud || fail "what is loud is not seen"
same "of it" 256 "$(sql "SELECT count(*) FROM warnings WHERE site='loud'")"
same "beyond its share" 0 \
	"$(sql "SELECT count(*) FROM warnings WHERE value='Agent Quiet/1.0'")"
see quiet tap1 quiet quiet
quiet() {
	[ "$(sql "SELECT site FROM warnings WHERE value='Agent Quiet/1.0'")" = quiet ]
}
eventually 60 quiet || fail "a flood silences another: $(ctl warnings | head -5)"
no_sanitizer "$tmp"/*.log
finish
