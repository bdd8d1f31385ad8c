#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an analyst adds to the common set is looked for on the wire at once, and
# no longer once it is taken out; a sensor is armed from its disk while Redis
# and the collector are away.  All with no more than the rights that
# docs/formats.md grants in Redis.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"
need ip jq tcpreplay curl
ns=pk$$c
store=$tmp/picket.db
leave() {
	ip netns del "$ns" 2>/dev/null
	cleanup
}
trap leave EXIT
trap 'leave; exit 99' INT TERM
ip netns add "$ns" 2>"$tmp/why" || skip "no namespace: $(head -n 1 "$tmp/why")"
ip netns exec "$ns" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null
ip -n "$ns" link add eth7 type veth peer name teth7 &&
	ip -n "$ns" link set eth7 up && ip -n "$ns" link set teth7 up ||
	skip "no link"

awk '
	/^    user [a-z]/ { if (line) print line; line = substr($0, 5); next }
	line && /^        / { line = line " " substr($0, 9); next }
	{ if (line) print line; line = "" }' "$top/docs/formats.md" |
	sed 's,SITE/SENSOR,hq/tap1,g; s/PASSWORD/right/' >"$tmp/acl.conf"
echo "user admin on >right ~* &* +@all" >>"$tmp/acl.conf"
echo "user default off" >>"$tmp/acl.conf"
sock=$tmp/r.sock
admin() {
	redis-cli -s "$sock" --user admin -a right --no-auth-warning "$@"
}
redis_up() {
	server acl --port 0 --unixsocket "$sock" --aclfile "$tmp/acl.conf"
	eventually 30 admin ping || fail "no Redis: $(cat "$tmp/acl.log")"
}
redis_up
ctl() { "$bin/picketctl" --store "$store" "$@"; }
ctl keys make "$tmp/key" >/dev/null || fail "no key"

collector_up() {
	"$collector" --redis "unix://collector:right@$sock" --store "$store" \
		--set "control.sign-key=$tmp/key" --set gate.enabled=no \
		--set metrics.listen=127.0.0.1:0 2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $!"
	eventually 30 ctl status || fail "no collector: $(cat "$tmp/collector.log")"
}
# sensor_up : on the link, once it captures.
sensor_up() {
	: >"$tmp/sensor.log"
	ip netns exec "$ns" "$sensor" --interface eth7 --site hq \
		--sensor tap1 --spool "$tmp/spool" --eve "$tmp/eve.json" \
		--eve-types alert --redis "unix://sensor:right@$sock" \
		--set "control.public-key=$tmp/key.pub" --set forward.drain-ms=1 \
		--set forward.linger-ms=1 --retro "$tmp/index" "$@" \
		2>"$tmp/sensor.log" &
	sensor_pid=$!
	pids="$pids $!"
	eventually 30 grep -q 'capturing on' "$tmp/sensor.log" ||
		fail "no sensor: $(cat "$tmp/sensor.log")"
}
end() {
	kill "-${2:-TERM}" "$1"
	wait "$1" 2>/dev/null
}
# even N : the sensor runs the newest version, with N indicators in force.
even() {
	[ "$(ctl indicators armed --json |
		jq -r '.sensors[0] | "\(.behind) \(.armed)"')" = "0 $1" ]
}
is_even() {
	eventually 30 even "$1" || {
		fail "$2: not even"
		ctl indicators armed
		cat "$tmp/sensor.log" "$tmp/collector.log"
	}
}
alerts() { jq -s "[.[] | select(.picket.indicator.value == \"$1\")] | length" \
	"$tmp/eve.json"; }
more() { [ "$(alerts "$1")" -gt "$2" ]; }
replay() {
	ip netns exec "$ns" tcpreplay -q -t -i teth7 "$top/pcaps/dns.pcap" \
		>"$tmp/replay.log" 2>&1 || fail "tcpreplay: $(cat "$tmp/replay.log")"
}

collector_up
sensor_up
eventually 30 grep -q 'indicators armed, version' "$tmp/sensor.log" ||
	fail "no base: $(cat "$tmp/sensor.log" "$tmp/collector.log")"
ctl indicators add domain nothing.example --mark amber//JP,US >/dev/null ||
	fail "not added"
found() {
	replay
	more "$1" 0
}
eventually 30 found nothing.example || fail "the first is not found"
same "its marking" '["amber",["JP","US"]]' "$(jq -cs '[.[] | select(
	.picket.indicator.value == "nothing.example")][0].picket |
	[.tlp, .releasable_to]' "$tmp/eve.json")"

# The first goes, another comes: once that is found the first is gone, too.
ctl indicators remove "$(ctl indicators list --json | jq -r '.. | objects |
	select(.value? == "nothing.example") | .id' | head -n 1)" >/dev/null ||
	fail "not removed"
ctl indicators add domain www.example --mark clear >/dev/null || fail "not added"
eventually 30 found www.example || fail "the second is not found"
n=$(alerts nothing.example)
m=$(alerts www.example)
replay
eventually 30 more www.example "$m" || fail "not found again"
same "alerts of what was removed" "$n" "$(alerts nothing.example)"
same "refused by Redis" "" "$(admin acl log | grep -A1 -E 'object|reason')"

# What was here before it was armed is told, once, with its marking.
past() {
	jq -c "select(.picket.past and .picket.indicator.value == \"$1\") |
		[.picket.tlp, .picket.releasable_to]" "$tmp/eve.json"
}
ctl indicators add ip 192.0.2.80 --mark amber//JP \
	>/dev/null || fail "not added"
told() { [ -n "$(past 192.0.2.80)" ]; }
eventually 30 told || fail "its past is not told: $(cat "$tmp/sensor.log")"
same "of the past" '["amber",["JP"]]' "$(past 192.0.2.80)"
ctl indicators remove "$(ctl indicators list --json | jq -r '.. | objects |
	select(.value? == "192.0.2.80") | .id' | head -n 1)" \
	>/dev/null || fail "not removed"
is_even 1 "after the past"

# All away, and the sensor killed: it is armed from its disk.
end "$sensor_pid" KILL
end "$collector_pid" KILL
kill -9 "$(cat "$tmp/acl.pid")"
wait "$(cat "$tmp/acl.pid")" 2>/dev/null
n=$(alerts www.example)
sensor_up
grep -q '1 indicators armed from disk' "$tmp/sensor.log" ||
	fail "not armed: $(cat "$tmp/sensor.log")"
replay
eventually 30 more www.example "$n" || fail "not found from disk"

# Redis comes back empty, the collector after it; what changed meanwhile
# arrives, and a file of packets is judged by what the disk has.
ctl indicators add domain cdn.updates-sync.example --mark red >/dev/null ||
	fail "not added"
# of other kinds, whose traffic is in other files
sum=$("$sensor" --quiet --read "$top/pcaps/http.pcap" --eve - \
	--eve-types fileinfo --set eve.files.force-hash=sha256 |
	jq -r '.fileinfo | select(.size > 100 and .state == "CLOSED") | .sha256' |
	head -n 1)
ja4=$("$sensor" --quiet --read "$top/pcaps/tls.pcap" --eve - --eve-types tls |
	jq -r '.tls.ja4 | select(.)' | head -n 1)
ctl indicators add file-sha256 "$sum" >/dev/null &&
	ctl indicators add ja4 "$ja4" >/dev/null &&
	ctl indicators add user-agent curl/7.88.1 >/dev/null || fail "not added"
redis_up
collector_up
is_even 5 "everything back"
url=$(sed -n 's/.*metrics: \(http.*\)/\1/p' "$tmp/collector.log" | tail -n 1)
same "records of the base, as measured" 1 "$(curl -s -m 10 "$url" | grep -c \
	'^picket_collector_arming_base_records [1-9]')"
end "$sensor_pid"
no_sanitizer "$tmp/sensor.log"
rm -f "$tmp/eve.json"
"$sensor" --quiet --read "$top/pcaps/dns.pcap" --retro "$tmp/index2" ||
	fail "index: status $?"
read_file() {
	"$sensor" --read "$top/pcaps/$1.pcap" --site hq --sensor tap1 \
		--spool "$tmp/spool" --eve "$tmp/eve.json" --eve-types alert \
		--redis "unix://sensor:right@$sock" --retro "$tmp/index2" \
		--set forward.drain-ms=1 --set forward.linger-ms=1 \
		--set "control.public-key=$tmp/key.pub" 2>"$tmp/sensor.log" ||
		fail "sensor: $(cat "$tmp/sensor.log")"
}
read_file dns
same "of a file" "cdn.updates-sync.example www.example" "$(jq -r \
	.picket.indicator.value "$tmp/eve.json" | sort -u | xargs)"
# What is armed from the start was perhaps here before: asked for once.
asked_for() { jq -s '[.[] | select(.picket.past)] | length' "$tmp/eve.json"; }
same "seen before it was armed" 2 "$(asked_for)"
rm -f "$tmp/eve.json"
read_file dns
same "asked for by a former run" 0 "$(asked_for)"
rm -f "$tmp/eve.json"
for f in http tls; do
	read_file $f
done
same "of all kinds" "domain file-sha256 ja4 user-agent" "$(jq -r \
	'select(.picket.past | not) | .picket.indicator.type' \
	"$tmp/eve.json" | sort -u | xargs)"
end "$collector_pid"
no_sanitizer "$tmp/collector.log" "$tmp/sensor.log"
finish
