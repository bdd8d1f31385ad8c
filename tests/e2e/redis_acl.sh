#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Users with no more than docs/formats.md grants them: everything works, Redis
# notes no refusal, and one sensor's user cannot touch another's keys.  A
# sensor with a wrong password goes on once the password is right.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"

# The users just as the page has them: the lines that begin with "user NAME".
awk '
	/^    user [a-z]/ { if (line) print line; line = substr($0, 5); next }
	line && /^        / { line = line " " substr($0, 9); next }
	{ if (line) print line; line = "" }' "$top/docs/formats.md" >"$tmp/users"
role() {
	grep "^user $1 " "$tmp/users" |
		sed "s,SITE/SENSOR,jp-east/tap1,g; s/PASSWORD/$2/"
}
{
	role sensor right-sensor
	role collector right-collector
	role operator right-operator
	echo "user other on >right-other $(role sensor x | sed \
		's,^user sensor on >x,,; s,jp-east,us-pacific,g')"
	echo "user admin on >admin ~* &* +@all"
	echo "user default off"
} >"$tmp/acl.conf"
same "users in docs/formats.md" 6 "$(grep -c '^user [a-z]* o' "$tmp/acl.conf")"

# shellcheck disable=SC2046
set -- $(free_ports 1)
port=$1
server acl --port "$port" --aclfile "$tmp/acl.conf"
admin() {
	redis-cli -p "$port" --user admin -a admin --no-auth-warning "$@"
}
eventually 30 admin ping || {
	cat "$tmp/acl.log"
	fail "waited 30 s for the server"
	exit 99
}
at=127.0.0.1:$port
"$bin/picketctl" keys new "$tmp/control" >/dev/null || fail "no keys made"

exec=exec take "redis://collector:right-collector@$at" 2>"$tmp/collector.out" &
collector_pid=$!
pids="$pids $collector_pid"
send "redis://sensor:right-sensor@$at" --set control.public-key="$tmp/control.pub" \
	2>"$tmp/sensor.out" || fail "the sensor ended with status $?"
"$bin/picketctl" rules reload --key "$tmp/control" \
	--redis "redis://operator:right-operator@$at" >"$tmp/ctl.out" 2>&1 ||
	fail "picketctl: $(cat "$tmp/ctl.out")"
grep -q "for 1 sensor, " "$tmp/ctl.out" || fail "picketctl: $(cat "$tmp/ctl.out")"
all_stored() {
	[ "$(wrote)" = "$(stored)" ]
}
eventually 30 all_stored || fail "waited 30 s for all alerts"

# What did not parse must not hold up what follows, and is kept aside.
admin xadd 'picket:alerts:{jp-east/tap1}' '*' v 1 epoch 1 seq 1 enc zlib n 1 \
	sev 1 crc 1 data broken >/dev/null
aside() {
	[ "$(admin exists 'picket:deadletter:{jp-east/tap1}')" = 1 ]
}
eventually 30 aside || fail "waited 30 s for a dead letter"
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
all_there
# So are a part and its head with the same user.
exec=exec take "redis://collector:right-collector@$at" --store "$tmp/part.db" \
	--set parts.of=1 --set parts.number=1 2>"$tmp/part.out" &
part_pid=$!
exec=exec take "redis://collector:right-collector@$at" --store "$tmp/head.db" \
	--set parts.of=1 --set parts.head=yes 2>"$tmp/head.out" &
head_pid=$!
pids="$pids $part_pid $head_pid"
rm -f "$tmp/eve.json"
send "redis://sensor:right-sensor@$at" --spool "$tmp/spool-part" \
	2>"$tmp/sensor-part.out" || fail "the sensor ended with status $?"
all_joined() {
	[ "$(sql 'SELECT sum(alerts) FROM part_marks' "$tmp/head.db")" = "$(wrote)" ]
}
eventually 30 all_joined || fail "waited 30 s for all alerts of a part"
kill -TERM "$part_pid" "$head_pid"
wait "$part_pid" || fail "the part ended with status $?"
wait "$head_pid" || fail "the head ended with status $?"
same "commands refused" "" "$(admin acl log)"

# One sensor is not another, nor the collector.
refuses() {
	redis-cli -p "$port" --user other -a right-other --no-auth-warning "$@" \
		>"$tmp/refused" 2>&1
	grep -q NOPERM "$tmp/refused" ||
		fail "other may $*: $(cat "$tmp/refused")"
}
refuses xadd 'picket:alerts:{jp-east/tap1}' '*' v 1
refuses xrevrange 'picket:alerts:{jp-east/tap1}' + - COUNT 1
refuses get 'picket:committed:{jp-east/tap1}'
refuses hset 'picket:sensor:{jp-east/tap1}' state ended
refuses set 'picket:committed:{us-pacific/tap1}' '1 1'
refuses xtrim 'picket:alerts:{us-pacific/tap1}' MINID 0
refuses xadd picket:control '*' doc x
refuses smembers picket:sensors
refuses del 'picket:alerts:{us-pacific/tap1}'
refuses flushall
refuses keys '*'

# A wrong password is told once, keeps what there is, and ends by itself.
admin acl setuser sensor '<right-sensor' '>another' >/dev/null
rm -f "$tmp/eve.json"
exec=exec send "redis://sensor:right-sensor@$at" \
	--pace 3 --stats "$tmp/stats.json" 2>"$tmp/wrong.out" &
sensor_pid=$!
pids="$pids $sensor_pid"
eventually 30 grep -q "refused user and password" "$tmp/wrong.out" ||
	fail "waited 30 s for a word on the password: $(cat "$tmp/wrong.out")"
admin del 'picket:sensor:{jp-east/tap1}' >/dev/null
grep -q -a right-sensor /proc/"$sensor_pid"/cmdline &&
	fail "ps shows the password: $(tr '\0' ' ' </proc/"$sensor_pid"/cmdline)"
grep -q -a 'sensor:\*\*\*' /proc/"$sensor_pid"/cmdline ||
	fail "no password where one was: $(tr '\0' ' ' </proc/"$sensor_pid"/cmdline)"
# It goes on trying, and Redis says so.
tried() {
	[ "$(admin acl log | awk '$0 == "count" { getline n }
		$0 == "reason" { getline; if ($0 == "auth") { print n; exit } }
		')" -ge 3 ]
}
eventually 60 tried || fail "waited 60 s for three tries: $(admin acl log)"
admin acl setuser sensor '>right-sensor' '<another' >/dev/null
wait "$sensor_pid" || fail "the sensor ended with status $?"
same "words on the password" 1 \
	"$(grep -c "refused user and password; batches" "$tmp/wrong.out")"
grep -q '"errors":{[^}]*"wrongpass":[1-9]' "$tmp/stats.json" ||
	fail "wrong passwords are not counted"
same "presence after it was mended" 1 \
	"$(admin exists 'picket:sensor:{jp-east/tap1}')"
grep -q right-sensor "$tmp"/*.out && fail "a password stands in a log"
no_sanitizer "$tmp"/*.out
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.out
finish
