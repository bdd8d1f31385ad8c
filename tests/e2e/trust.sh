#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Somebody else who may write to Redis: a committed point that the collector did
# not sign frees nothing, a presence that the sensor did not sign, or that is
# played back, is nobody's, and all of it is counted and told.  Keys change
# while both programs run.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need jq redis-cli mkfifo curl python3 sqlite3
[ -x "$collector" ] || skip "picket-collector is not built"
redis_start
ctl=$bin/picketctl
store=$tmp/picket.db
here=picket:sensor:{hq/tap1}
point=picket:committed:{hq/tap1}
redis() { redis-cli -s "$sock" --raw "$@"; }

"$ctl" keys make --sensor hq/tap1 "$tmp/tap1" >/dev/null || fail "keys make"
"$ctl" keys make "$tmp/collector" >/dev/null || fail "keys make"
"$ctl" keys make "$tmp/control" >/dev/null || fail "keys make"
cat >"$tmp/collector.yaml" <<END
store: $store
redis: unix://$sock
metrics: { listen: 127.0.0.1:0 }
ingest:
  signatures: require
  sign-key: $tmp/collector
  keys:
    - sensor: hq/tap1
      key: $tmp/tap1.pub
END

mkfifo "$tmp/pipe"
start_sensor() {
	sensor_home --read - --site hq --sensor tap1 --redis "unix://$sock" \
		--spool "$tmp/spool" --set forward.drain-ms=60000 \
		--set spool.resend-seconds=1 --stats "$tmp/stats.json" \
		--set control.public-key="$tmp/control.pub" \
		--set forward.sign.key="$tmp/tap1" \
		--set forward.sign.collector-key="$tmp/collector.pub" "$@"
}
sensor_there() {
	exec=exec start_sensor <"$tmp/pipe" 2>>"$tmp/sensor.log" &
	sensor_pid=$!
	pids="$pids $sensor_pid"
	exec 9>"$tmp/pipe"
	cat "$top/pcaps/exercise-jp-east.pcap" >&9
}
start_collector() {
	"$collector" --config "$tmp/collector.yaml" 9>&- \
		2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
}
told() { redis HGET "$here" "$1"; }
at_least() { [ "$(told "$1")" -ge "$2" ]; }
state() {
	"$ctl" --store "$store" sensors --json | jq -r '.sensors[0].state'
}
is_state() { [ "$(state)" = "$1" ]; }
refused() {
	"$ctl" --store "$store" sensors --json |
		jq "[.refused[] | select(.cause == \"$1\").count][0] // 0"
}
refused_some() { [ "$(refused "$1")" -gt "${2:-0}" ]; }

# --- --check reads the keys
for bad in forward.sign.key forward.sign.collector-key control.public-key; do
	start_sensor --check --set "$bad=$tmp/none" >/dev/null 2>"$tmp/check.log"
	same "--check with no file for $bad" 2 $?
	grep -q "$tmp/none: No such file" "$tmp/check.log" ||
		fail "--check: $(cat "$tmp/check.log")"
done
start_sensor --check >/dev/null 2>"$tmp/check.log" ||
	fail "--check: $(cat "$tmp/check.log")"
"$collector" --config "$tmp/collector.yaml" --check >/dev/null 2>"$tmp/check.log" ||
	fail "--check: $(cat "$tmp/check.log")"
"$collector" --config "$tmp/collector.yaml" --check \
	--set ingest.sign-key="$tmp/none" >/dev/null 2>"$tmp/check.log" &&
	fail "--check without the collector's key"

# --- a committed point of somebody else's, and no collector yet
sensor_there
eventually 60 at_least last_seq 3 || fail "nothing is spooled in 60 s"
redis SET "$point" "$(told epoch) 3" >/dev/null
eventually 60 at_least points_refused 1 || fail "a forged point is not counted"
same "committed by a forged point" 0 "$(told committed)"
depth=$(told spool_depth)
[ "$depth" -ge 3 ] || fail "a forged point freed the spool: $depth batches"
same "words on the forged point" 1 "$(grep -c 'refused and nothing is freed' \
	"$tmp/sensor.log")"

# --- the collector's own is believed
start_collector
all_committed() { [ "$(told committed)" -ge 3 ] && [ "$(told spool_depth)" = 0 ]; }
eventually 60 all_committed || fail "the collector's point is not believed"
old=$(redis GET "$point")
eventually 60 is_state live || fail "a signed presence is not believed"
same "refused so far" 0 "$("$ctl" --store "$store" sensors --json |
	jq '.refused | length')"

# --- other keys, while both run; a file that is none changes nothing
url=$(sed -n 's/.*metrics: \(http.*\)/\1/p' "$tmp/collector.log")
metric() {
	curl -s -m 10 -o "$tmp/now.prom" "$url"
	python3 "$top/tests/e2e/prometheus.py" value "$tmp/now.prom" "$1"
}
metric_is() { [ "$(metric "$1")" = "$2" ]; }
"$ctl" keys make --sensor hq/tap1 "$tmp/next" >/dev/null || fail "keys make"
cp "$tmp/collector.yaml" "$tmp/good.yaml"
echo "    - { sensor: hq/tap1, key: $tmp/nowhere }" >>"$tmp/collector.yaml"
kill -HUP "$collector_pid"
eventually 60 metric_is picket_collector_keys_failed_total 1 ||
	fail "keys that cannot be read are not counted"
grep -q "keys are not reloaded.*nowhere" "$tmp/collector.log" ||
	fail "the collector does not say which key"
cp "$tmp/good.yaml" "$tmp/collector.yaml"
echo "    - { sensor: hq/tap1, key: $tmp/next.pub }" >>"$tmp/collector.yaml"
kill -HUP "$collector_pid"
eventually 60 metric_is picket_collector_keys_reloads_total 1 ||
	fail "keys are not reloaded"
mv "$tmp/tap1" "$tmp/aside"
echo nothing >"$tmp/tap1"
chmod 600 "$tmp/tap1"
kill -HUP "$sensor_pid"
eventually 60 grep -q "keys are not reloaded, the former ones stay: $tmp/tap1" \
	"$tmp/sensor.log" || fail "the sensor does not say which key"
mv "$tmp/next" "$tmp/tap1"
"$ctl" rules reload --key "$tmp/control" --redis "unix://$sock" \
	>"$tmp/ctl.log" 2>&1 || fail "picketctl: $(cat "$tmp/ctl.log")"
by_next() {
	[ "$("$ctl" --store "$store" sensors --json |
		jq -r '.sensors[0].presence.signed_by')" = "$next" ]
}
next=$(openssl pkey -pubin -in "$tmp/next.pub" -outform DER | tail -c 32 |
	sha256sum | cut -c 1-16)
eventually 60 by_next || fail "an order to reload reads no keys"
# revoked: the former one, by a file that is only read when told to
sed "s|  keys:|  revoked: [ $tmp/tap1.pub ]\n&|" "$tmp/collector.yaml" \
	>"$tmp/revoked.yaml"
mv "$tmp/revoked.yaml" "$tmp/collector.yaml"
kill -HUP "$collector_pid"
eventually 60 metric_is picket_collector_keys_reloads_total 2 ||
	fail "the revoked key is not read"

# --- the sensor is killed; somebody keeps it alive
redis EVAL "local all = redis.call('HGETALL', KEYS[1])
	redis.call('HSET', 'kept', unpack(all))" 1 "$here" >/dev/null
newer() { [ "$(told order)" -gt "$(redis HGET kept order)" ]; }
eventually 60 newer || fail "presence does not go on"
kill -9 "$sensor_pid"
wait "$sensor_pid" 2>/dev/null
exec 9>&-
redis PERSIST "$here" >/dev/null
eventually 60 is_state silent || fail "a dead sensor looks alive: it is kept"
[ "$(refused presence-replayed)" -gt 0 ] || fail "what is kept is not counted"
# an older one, in front of another collector
redis EVAL "redis.call('DEL', KEYS[1])
	redis.call('HSET', KEYS[1], unpack(redis.call('HGETALL', 'kept')))" 1 \
	"$here" >/dev/null
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "collector: status $?"
: >"$tmp/collector.log"
n=$(refused presence-replayed)
start_collector
eventually 60 refused_some presence-replayed "$n" ||
	fail "a presence of before is not refused"
same "state with a presence of before" silent "$(state)"
# one of his own, and one that he changed
redis EVAL "redis.call('DEL', KEYS[1])
	redis.call('HSET', KEYS[1], 'state', 'running', 'epoch', '1')" 1 \
	"$here" >/dev/null
eventually 60 refused_some presence-unsigned || fail "unsigned is not refused"
redis EVAL "redis.call('HSET', KEYS[1], unpack(redis.call('HGETALL', 'kept')))
	redis.call('HSET', KEYS[1], 'order', '9999999999999999')" 1 \
	"$here" >/dev/null
eventually 60 refused_some presence-bad-signature ||
	fail "a changed one is not refused"
same "state with forged ones" silent "$(state)"
url=$(sed -n 's/.*metrics: \(http.*\)/\1/p' "$tmp/collector.log")
shown() { [ "$(metric "picket_collector_refused_total{cause=\"$1\"}")" -ge 1 ]; }
for cause in presence-unsigned presence-bad-signature presence-replayed; do
	eventually 60 shown $cause || fail "no metric of $cause"
done

# --- it is back, and its own word counts; an old point moves nothing
sensor_there
eventually 60 is_state live || fail "it is back, and not believed"
redis SET "$point" "$old" >/dev/null
exec 9>&-
wait "$sensor_pid" || fail "the sensor ended with status $?"
same "events left in the spool" 0 "$(told spool_depth)"
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "collector: status $?"
"$ctl" --store "$store" ledger hq/tap1 >/dev/null || fail "the ledger is broken"
no_sanitizer "$tmp"/*.log
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.log
finish
