#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A collector whose store came back from a backup, and one whose store is lost:
# what it once committed is freed at the sensor and cannot come again.  It is
# told as a gap, counted, and what comes from then on is committed and freed.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need jq redis-cli mkfifo sqlite3
[ -x "$collector" ] || skip "picket-collector is not built"
redis_start
ctl=$bin/picketctl
store=$tmp/picket.db
here=picket:sensor:{hq/tap1}
redis() { redis-cli -s "$sock" --raw "$@"; }

"$ctl" keys make --sensor hq/tap1 "$tmp/tap1" >/dev/null || fail "keys make"
"$ctl" keys make "$tmp/collector" >/dev/null || fail "keys make"
cat >"$tmp/collector.yaml" <<END_YAML
store: $store
redis: unix://$sock
ingest:
  signatures: require
  sign-key: $tmp/collector
  keys: [ { sensor: hq/tap1, key: $tmp/tap1.pub } ]
END_YAML
start_collector() {
	"$collector" --config "$tmp/collector.yaml" 9>&- \
		2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
}
end_collector() {
	kill -TERM "$collector_pid"
	wait "$collector_pid" || fail "collector: status $?"
}
told() { redis HGET "$here" "$1"; }
at_least() { [ "$(told "$1")" -ge "$2" ]; }
all_committed() { at_least committed "$1" && [ "$(told spool_depth)" = 0 ]; }
lost() { sql 'SELECT coalesce(sum(frames), 0) FROM gaps'; }
# more : the same packets once more, and until their batches are spooled.
more() {
	last=$(told last_seq)
	tail -c +25 "$top/pcaps/exercise-jp-east.pcap" >&9
	eventually 60 at_least last_seq $((last + 1)) ||
		fail "nothing more is spooled in 60 s"
	last=$(told last_seq)
}

mkfifo "$tmp/pipe"
exec=exec sensor_home --read - --site hq --sensor tap1 \
	--redis "unix://$sock" --spool "$tmp/spool" \
	--set forward.drain-ms=60000 --set spool.resend-seconds=1 \
	--set forward.sign.key="$tmp/tap1" \
	--set forward.sign.collector-key="$tmp/collector.pub" \
	<"$tmp/pipe" 2>>"$tmp/sensor.log" &
sensor_pid=$!
pids="$pids $sensor_pid"
exec 9>"$tmp/pipe"
cat "$top/pcaps/exercise-jp-east.pcap" >&9

start_collector
eventually 60 all_committed 3 || fail "nothing is committed in 60 s"
sqlite3 "$store" ".backup $tmp/backup.db" || fail "no backup"
backed=$(sql 'SELECT upto FROM marks' "$tmp/backup.db")
more
eventually 60 all_committed "$last" || fail "not all is committed in 60 s"
committed=$(told committed)
[ "$committed" -gt "$backed" ] || fail "nothing came after the backup"
same "lost before" 0 "$(lost)"

# --- the backup
end_collector
rm -f "$store" "$store-wal" "$store-shm"
cp "$tmp/backup.db" "$store"
more
start_collector
eventually 60 all_committed "$last" ||
	fail "the spool is not freed: $(told spool_depth) batches wait behind" \
		"$(told committed), the store has $(sql 'SELECT upto FROM marks')"
[ "$(lost)" -ge $((committed - backed)) ] ||
	fail "of batches $backed to $committed only $(lost) are told as lost"
committed=$(told committed)

# --- no store at all
end_collector
rm -f "$store" "$store-wal" "$store-shm"
more
start_collector
eventually 60 all_committed "$last" ||
	fail "the spool is not freed: $(told spool_depth) batches wait behind" \
		"$(told committed), the store has $(sql 'SELECT upto FROM marks')"
[ "$(lost)" -ge "$committed" ] ||
	fail "of batches 1 to $committed only $(lost) are told as lost"

exec 9>&-
wait "$sensor_pid" || fail "the sensor ended with status $?"
end_collector
"$ctl" --store "$store" ledger hq/tap1 >"$tmp/ledger.txt"
grep -q 'holds .*batches' "$tmp/ledger.txt" ||
	fail "batches do not add up: $(cat "$tmp/ledger.txt")"
no_sanitizer "$tmp"/*.log
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.log
finish
