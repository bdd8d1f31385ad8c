#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is taken out and given again comes into force again, whoever was away
# meanwhile: every order of adding and removing, with the collector there or
# not, and the sensor there or not; with ARMING_ORDERS=1 the less likely ones too.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq
ns=po$$
store=$tmp/picket.db
leave() {
	ip netns del "$ns" 2>/dev/null
	cleanup
}
trap leave EXIT
trap 'leave; exit 99' INT TERM
ip netns add "$ns" 2>"$tmp/why" || skip "no namespace: $(head -n 1 "$tmp/why")"
ip -n "$ns" link set lo up || skip "no link"
redis_start
ctl() { "$bin/picketctl" --store "$store" "$@"; }
ctl keys make "$tmp/key" >/dev/null || fail "no key"

collector_up() {
	"$collector" --redis "unix://$sock" --store "$store" \
		--set "control.sign-key=$tmp/key" --set gate.enabled=no \
		2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $!"
	eventually 30 ctl status || fail "no collector: $(cat "$tmp/collector.log")"
}
sensor_up() {
	: >"$tmp/sensor.log"
	ip netns exec "$ns" "$sensor" --interface lo --site hq --sensor tap1 \
		--spool "$tmp/spool" --redis "unix://$sock" \
		--set "control.public-key=$tmp/key.pub" --set forward.drain-ms=1 \
		--set forward.linger-ms=1 2>"$tmp/sensor.log" &
	sensor_pid=$!
	pids="$pids $!"
}
end() {
	kill "$1"
	wait "$1" 2>/dev/null
}
state() { ctl indicators list --json | jq -r "[.. | objects |
	select(.value? == \"$1\") | .state][0] // \"off\""; }
is_state() { [ "$(state "$1")" = "$2" ]; }
id() { jq -r "[.. | objects | select(.value? == \"$1\") | .id][0]" "$tmp/ids"; }
add() { ctl indicators add domain "$1" >/dev/null || fail "$1 is not added"; }
remove() { ctl indicators remove "$(id "$1")" >/dev/null || fail "$1 stays"; }
even() {
	[ "$(ctl indicators armed --json |
		jq -r '.sensors[0] | "\(.state) \(.behind) \(.armed)"')" = "live 0 $1" ]
}

# pass NAME COLLECTOR SENSOR : who is away ("-") while things change.
total=0
pass() {
	for d in a b c; do
		add "$d$1.example"
	done
	for d in a b c; do
		eventually 30 is_state "$d$1.example" armed ||
			fail "$1: $d is not armed"
	done
	total=$((total + 3))
	ctl indicators list --json >"$tmp/ids"
	[ "$2" = + ] || end "$collector_pid"
	[ "$3" = + ] || end "$sensor_pid"
	remove "a$1.example"
	remove "b$1.example"
	remove "c$1.example"
	add "a$1.example"
	add "c$1.example"
	remove "c$1.example"
	add "d$1.example"
	if [ "$4" = first ]; then
		[ "$3" = + ] || sensor_up
		[ "$2" = + ] || collector_up
	else
		[ "$2" = + ] || collector_up
		eventually 30 is_state "d$1.example" armed || fail "$1: d"
		[ "$3" = + ] || sensor_up
	fi
	total=$((total - 1))
	for want in "a armed" "b off" "c off" "d armed"; do
		eventually 30 is_state "${want% *}$1.example" "${want#* }" ||
			fail "$1: ${want% *} is not ${want#* }"
	done
	eventually 30 even $total || {
		fail "$1: not even"
		ctl indicators armed
		cat "$tmp/sensor.log" "$tmp/collector.log"
	}
}
collector_up
sensor_up
pass 1 - + last
pass 2 - - first
if [ -n "${ARMING_ORDERS:-}" ]; then
	pass 3 + + last
	pass 4 + - last
	pass 5 - - last
fi
end "$sensor_pid"
end "$collector_pid"
no_sanitizer "$tmp/sensor.log" "$tmp/collector.log"
finish
