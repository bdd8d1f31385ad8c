#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A live sensor that goes blind right behind its alerts makes their incident
# worse, and its log says so; one that is ended in order does not.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq sqlite3 tcpreplay
from=pk$$e
to=pk$$f

leave() {
	ip netns del "$from" 2>/dev/null
	ip netns del "$to" 2>/dev/null
	cleanup
}
trap leave EXIT
trap 'leave; exit 99' INT TERM
ip netns add "$from" 2>"$tmp/why" && ip netns add "$to" 2>"$tmp/why" &&
	ip -n "$from" link add tap8 type veth peer name eth8 netns "$to" \
		2>"$tmp/why" &&
	ip -n "$from" link set tap8 up && ip -n "$to" link set eth8 up ||
	skip "no network namespaces: $(head -n 1 "$tmp/why")"
redis_start
"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
	--set blind.tap-silent=60 2>>"$tmp/collector.log" &
pids="$pids $!"

# live TAP : a sensor on the link, until it captures.
live() {
	ip netns exec "$to" "$sensor" --interface eth8 --workers 1 \
		--rules "$top/rules/dist/*.rules" --site hq --sensor "$1" \
		--indicators "$top/rules/dist/exercise-indicators.csv" \
		--set "vars.address-groups.HOME_NET=[192.0.2.0/24]" \
		--set 'vars.address-groups.EXTERNAL_NET=!$HOME_NET' \
		--set "classification-file=$top/rules/dist/classification.config" \
		--set "reference-config-file=$top/rules/dist/reference.config" \
		--redis "unix://$sock" --spool "$tmp/$1" 2>>"$tmp/$1.log" &
	eval "$1=$!"
	pids="$pids $!"
	eventually 30 grep -q 'capturing on' "$tmp/$1.log" || fail "no capture"
}
live tap1
live tap2
watched() {
	[ "$(sql 'SELECT count(*) FROM blind_watch WHERE live=1')" = 2 ]
}
eventually 30 watched || fail "the sensors are not seen"
ip netns exec "$from" tcpreplay -q -t -i tap8 \
	"$top/pcaps/exercise-jp-east.pcap" >"$tmp/replay.log" 2>&1 ||
	fail "tcpreplay: $(cat "$tmp/replay.log")"
opened() {
	[ "$(sql 'SELECT count(*) FROM incidents')" = 1 ]
}
eventually 30 opened || fail "no incident"

# Ended in order: that is nobody's attack.
kill -TERM "$tap2"
wait "$tap2"
ended() {
	sql "SELECT cause FROM blind" | grep -q ended
}
eventually 30 ended || fail "the end of a sensor is not noticed"
factor() {
	sql "SELECT json_extract(summary,'\$.factors.silence') FROM incidents"
}
same "by an orderly end" 0 "$(factor)"
before=$(sql 'SELECT score FROM incidents')

# The other's interface goes down.
ip -n "$to" link set eth8 down
worse() {
	[ "$(factor)" = 5 ]
}
eventually 30 worse || fail "not worse: $(sql 'SELECT * FROM blind')"
same "score" $((before + 5)) "$(sql 'SELECT score FROM incidents')"
same "evidence" "hq tap1 interface_down" \
	"$(sql "SELECT site,sensor,cause FROM incident_silences" | tr '|' ' ')"
"$bin/picketctl" --store "$tmp/picket.db" incidents show 1 >"$tmp/out"
grep -q 'Silence .*sensor hq/tap1: interface_down' "$tmp/out" &&
	grep -q 'silence, correlate: sensor hq/tap1 went blind at' "$tmp/out" &&
	grep -q 'silence 5 of 10' "$tmp/out" || fail "shown: $(cat "$tmp/out")"
no_sanitizer "$tmp"/*.log
finish
