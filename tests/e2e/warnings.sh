#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An attack at one site arms the others: a later packet to the same address
# raises an indicator's alert there; and who restarts the collector does not warn
# again.  PICKET_WARN_S: so many seconds may pass from the packet that made it an
# incident.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli jq sqlite3 python3 ip tcpreplay
ctl=$bin/picketctl
[ -x "$ctl" ] || skip "picketctl is not built"
ns=pk$$w
leave() {
	ip netns del "$ns" 2>/dev/null
	cleanup
}
trap leave EXIT
trap 'leave; exit 99' INT TERM
ip netns add "$ns" 2>"$tmp/why" || skip "no namespace: $(head -n 1 "$tmp/why")"
ip netns exec "$ns" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null
for s in $sites; do
	ip -n "$ns" link add "$s" type veth peer name "t$s" &&
		ip -n "$ns" link set "$s" up && ip -n "$ns" link set "t$s" up ||
		skip "no link"
done

redis_start
"$ctl" keys make "$tmp/key" >/dev/null || fail "keys make: status $?"
ctl() { "$bin/picketctl" --store "$tmp/picket.db" "$@"; }
collector_up() {
	exec=exec collect --set "control.sign-key=$tmp/key" \
		--feed "$tmp/feed.json" "$@" 2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
	eventually 20 ctl status >/dev/null || fail "the collector does not start"
}
collector_up

# watch SITE : its sensor, without a list of its own: what it knows of addresses
# is what it was told.
watch() {
	ip netns exec "$ns" "$sensor" --interface "$1" --site "$1" \
		--rules "$top/rules/dist/*.rules" \
		--set "vars.address-groups.HOME_NET=[192.0.2.0/24]" \
		--set 'vars.address-groups.EXTERNAL_NET=!$HOME_NET' \
		--set "classification-file=$top/rules/dist/classification.config" \
		--set "reference-config-file=$top/rules/dist/reference.config" \
		--sensor tap1 --owner "$(owner_of "$1")" \
		--eve "$tmp/$1.json" --eve-types alert \
		--redis "unix://$sock" --spool "$tmp/$1" \
		--set "control.public-key=$tmp/key.pub" \
		2>>"$tmp/$1.log" &
	pids="$pids $!"
}
# send SITE FILE : its packets, on that site's wire, now.
send() {
	ip netns exec "$ns" tcpreplay -q -t -i "t$1" "$2" >"$tmp/replay.log" \
		2>&1 || fail "tcpreplay: $(cat "$tmp/replay.log")"
}
for s in $sites; do
	watch "$s"
done
all_run() {
	[ "$(ctl --json indicators armed | jq '[.sensors[] |
		select(.state == "live" and .version != "" and .version != null)] | length')" = 3 ]
}
eventually 30 all_run || fail "no sensors: $(ctl indicators armed)"

for s in $sites; do
	eventually 30 grep -q 'capturing on' "$tmp/$s.log" ||
		fail "$s: $(cat "$tmp/$s.log")"
	n=$((${n:--40} + 60)) # within its network
	python3 "$top/tests/e2e/warnings.py" 192.0.2.$n 203.0.113.66 \
		"$tmp/$s.pcap"
done
send jp-east "$top/pcaps/exercise-jp-east.pcap"
warned() {
	ctl --json warnings | jq -e '[.warnings[] | select(.kind == "ip" and
		.value == "203.0.113.66")] | length == 1 and
		(.[0].state == "given" or .[0].state == "armed")' >/dev/null
}
eventually 30 warned || fail "no warning: $(ctl warnings; ctl incidents)"
armed() {
	ctl --json warnings | jq -e '[.warnings[] | select(.state == "armed")] |
		length > 0 and all(.sensors == 3)' >/dev/null &&
		! ctl --json warnings | grep -q '"given"'
}
eventually 30 armed || fail "not armed: $(ctl warnings; ctl indicators armed)"
[ -s "$tmp/us-pacific.json" ] && fail "us-pacific alerts before the warning"

# Another site, the same address.
send jp-west "$tmp/jp-west.pcap"
send us-pacific "$tmp/us-pacific.pcap"
hit() {
	jq -e 'select(.picket.indicator.value == "203.0.113.66" and
		.picket.indicator.source == "warning")' "$tmp/$1.json" >/dev/null
}
for s in jp-west us-pacific; do
	eventually 20 hit $s || fail "$s: no alert: $(cat "$tmp/$s.json")"
done
ctl warnings
ctl --json warnings >"$tmp/warnings.json"
jq -e --argjson most "${PICKET_WARN_S:-null}" '.seconds.cause.p99 |
	type == "number" and ($most == null or . < $most)' \
	"$tmp/warnings.json" >/dev/null ||
	fail "too late: $(jq -c .seconds "$tmp/warnings.json")"
jq -e '.warnings | all(.mark != "" and .incident > 0 or .kind != "ip")' \
	"$tmp/warnings.json" >/dev/null || fail "what the warnings say"
jq -se '[.[] | select(.event_type == "warning" and
	.warning.value == "203.0.113.66")] | length == 1' \
	"$tmp/feed.json" >/dev/null || fail "the feed"
# Sightings come back: both sites, by the common set.
seen() {
	ctl --json indicators show 203.0.113.66 |
		jq -e '[.indicators[0].seen[] | .site] | index("jp-west") != null and
			index("us-pacific") != null' >/dev/null
}
eventually 20 seen ||
	fail "not seen: $(ctl --json indicators show 203.0.113.66)"

# Once is enough, whoever asks again.
kill "$collector_pid"
wait "$collector_pid" || fail "collector: status $?"
collector_up
alerts=$(sql 'SELECT sum(count) FROM alert_groups')
send jp-east "$top/pcaps/exercise-jp-east.pcap"
more() { [ "$(sql 'SELECT sum(count) FROM alert_groups')" -gt "$alerts" ]; }
eventually 30 more || fail "nothing came any more"
again=$(ctl --json warnings | jq -c '[.warnings[] | [.kind, .value]] |
	length == (unique | length)')
same "each is warned of once" true "$again"
same "warnings of the attacker in the feed" 1 "$(grep -c \
	'"event_type":"warning".*"203.0.113.66"' "$tmp/feed.json")"
ctl warnings | head -3
no_sanitizer "$tmp"/*.log
finish
