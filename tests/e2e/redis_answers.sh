#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a real Redis answers when it does not serve: no memory, no disk, a
# replica, loading its file, a right or a password taken away in the middle.
# A sensor and a collector go on by themselves; nothing is lost, little is tried
# and less computed, and the log says what to do.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"
need mkfifo jq
window=3 # seconds, over which computing is measured
start=$(date +%s)

port=$(free_ports 1)
serve() {
	server answers --port "$port" --user default on nopass '~*' '&*' +@all \
		--user sensor on '>right' '~*' '&*' +@all "$@"
	redis_pid=$(cat "$tmp/answers.pid")
}
r() { redis-cli -p "$port" --raw "$@"; }
serve
up "$port"

echo 'alert ip any any -> any any (msg:"each"; sid:1;)' >"$tmp/each.rules"
mkfifo "$tmp/pipe"
exec=exec take "redis://127.0.0.1:$port" 2>"$tmp/collector.out" &
collector_pid=$!
pids="$pids $collector_pid"
"$sensor" --rules "$tmp/each.rules" --read - --site hq --sensor tap1 \
	--redis "redis://sensor:right@127.0.0.1:$port" --spool "$tmp/spool" \
	--eve "$tmp/eve.json" --eve-types alert --stats "$tmp/stats.json" \
	--set forward.drain-ms=120000 --set spool.resend-seconds=1 \
	<"$tmp/pipe" 2>"$tmp/sensor.out" &
sensor_pid=$!
pids="$pids $sensor_pid"
exec 9>"$tmp/pipe"
capture=$top/pcaps/exercise-jp-east.pcap
cat "$capture" >&9

arrived() { [ "$(wrote)" -gt "$1" ] && [ "$(stored)" = "$(wrote)" ]; }
eventually 60 arrived 0 || fail "waited 60 s for the first alerts"

# ticks PID : what it has computed so far.
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
hz=$(getconf CLK_TCK)

# rests : all that came is inspected, which is not what is measured.
rests() {
	n=$(wrote)
	sleep 0.5
	[ "$n" = "$(wrote)" ]
}
# during NAME WORDS : events while it lasts; what is said, and what it costs.
during() {
	seen=$(wrote)
	began=$(date +%s)
	before=$(r info errorstats 2>/dev/null | sed -n 's/errorstat_.*:count=//p' |
		awk '{ n += $1 } END { print n + 0 }')
	tail -c +25 "$capture" >&9
	more() { [ "$(wrote)" -gt "$seen" ]; }
	eventually 60 more || fail "$1: nothing is inspected"
	[ -z "$2" ] || eventually 60 grep -q -e "$2" "$tmp/sensor.out" ||
		fail "$1: waited 60 s for '$2': $(tail -n 3 "$tmp/sensor.out")"
	eventually 60 rests || fail "$1: it goes on inspecting"
	s=$(ticks "$sensor_pid")
	c=$(ticks "$collector_pid")
	sleep $window # a length that is measured, nothing is waited for
	s=$((($(ticks "$sensor_pid") - s) * 100 / hz / window))
	c=$((($(ticks "$collector_pid") - c) * 100 / hz / window))
	[ $s -le 20 ] || fail "$1: the sensor computes $s % of the time"
	[ $c -le 20 ] || fail "$1: the collector computes $c % of the time"
	after=$(r info errorstats 2>/dev/null | sed -n 's/errorstat_.*:count=//p' |
		awk '{ n += $1 } END { print n + 0 }')
	took=$(($(date +%s) - began))
	[ $((after - before)) -le $((200 * (took + 1))) ] ||
		fail "$1: refused $((after - before)) times in $took s"
}
# after NAME : all that was raised meanwhile is there.
after() {
	eventually 120 arrived "$seen" ||
		fail "$1: waited 120 s for $(wrote) alerts, $(stored) are stored"
}

r config set maxmemory 1mb >/dev/null
during oom "OOM .*: give it more maxmemory"
r config set maxmemory 0 >/dev/null
after oom

# No snapshot can be written: its name is a directory's.
mkdir "$tmp/answers/dump.rdb"
r config set save "1 1" >/dev/null
refuses() { r set anything 1 | grep -q MISCONF; }
eventually 60 refuses || fail "waited 60 s for a Redis that cannot save"
during misconf "MISCONF .*: it cannot save to its disk"
rmdir "$tmp/answers/dump.rdb"
saves() { r bgsave >/dev/null; ! refuses; }
eventually 60 saves || fail "waited 60 s for a Redis that saves"
r config set save "" >/dev/null
after misconf

r replicaof 127.0.0.1 1 >/dev/null
during readonly "READONLY .*: its master is elsewhere"
r replicaof no one >/dev/null
after readonly

r acl setuser sensor -xadd >/dev/null
during noperm "NOPERM .*: grant its user what docs/formats.md lists"
r acl setuser sensor +xadd >/dev/null
after noperm

r acl setuser sensor '<right' '>other' >/dev/null
r client kill user sensor >/dev/null
during wrongpass "refused user and password"
r acl setuser sensor '<other' '>right' >/dev/null
after wrongpass

# It starts with much to read, slowly enough to be asked meanwhile.
r eval "for i = 1, 20000 do
	redis.call('SET', 'k' .. i, string.rep('x', 100)) end" 0 >/dev/null
r save >/dev/null
kill -9 "$redis_pid"
wait "$redis_pid" 2>/dev/null
# it must not hold the pipe open
serve --key-load-delay 500 --loading-process-events-interval-bytes 1024 9>&-
loads() { r ping | grep -q LOADING; }
eventually 60 loads || fail "waited 60 s for a Redis that loads"
during loading ""
loads || printf 'note: it had loaded all before the measure ended\n'
eventually 120 sh -c "redis-cli -p $port ping | grep -q PONG" ||
	fail "waited 120 s for the end of loading"
after loading

exec 9>&-
wait "$sensor_pid" || fail "the sensor ended with status $?"
all_committed() {
	"$bin/picketctl" --store "$tmp/picket.db" ledger hq/tap1 --json |
		jq -e '.sensors[0] | .holds and .waiting == 0 and .ledger.ended'
}
eventually 60 all_committed || fail "the ledger: $(
	"$bin/picketctl" --store "$tmp/picket.db" ledger hq/tap1)"
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
all_there
for kind in oom misconf readonly noperm wrongpass loading; do
	n=$(jq ".picket.redis.errors.$kind" "$tmp/stats.json")
	[ "$n" -ge 1 ] && [ "$n" -le $((200 * ($(date +%s) - start))) ] || fail "$kind was counted $n times"
done
same "answers that only several keys in a command get" 0 \
	"$(jq .picket.redis.errors.tryagain "$tmp/stats.json")"
for word in OOM MISCONF READONLY NOPERM "refused user"; do
	same "words on $word" 1 "$(grep -c -e "$word" "$tmp/sensor.out")"
done
no_sanitizer "$tmp"/*.out
[ $failures -eq 0 ] || tail -n 12 "$tmp"/*.out
finish
