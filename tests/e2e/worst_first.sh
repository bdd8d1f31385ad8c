#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A backlog of every severity, over a link of 40 KiB a second: whatever order it
# was raised in, all of severity 1 is in the collector's store before the first
# of severity 3 is.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 sqlite3 redis-server redis-cli mkfifo
[ -x "$collector" ] || skip "picket-collector is not built"
proxy=$bin/tests/faults/fault_proxy
[ -x "$proxy" ] || skip "fault_proxy is not built"
export PYTHONDONTWRITEBYTECODE=1
RATE=40960

# Thousands of alerts of all severities, by turns; and a capture of nothing.
python3 - "$top" "$tmp" <<'PY' || fail "no capture was made"
import os, sys
top, tmp = sys.argv[1:]
sys.path.insert(0, os.path.join(top, "tests", "faults"))
import scene
scene.capture(os.path.join(top, "pcaps"), 0, os.path.join(tmp, "load.pcap"), 4, 6000)
scene.empty_capture(os.path.join(tmp, "empty.pcap"))
PY

# sends URL CAPTURE OPTION... : the sensor whose backlog it is.
sends() {
	_url=$1 _capture=$2
	shift 2
	"$sensor" --quiet --read "$_capture" --rules "$top/tests/faults/load.rules" \
		--site a --sensor tap1 --redis "$_url" --spool "$tmp/spool" \
		--forward-types alert --eve-types alert "$@"
}

# The backlog: there is no Redis yet.
sends "unix://$sock" "$tmp/load.pcap" --pace 2 --eve "$tmp/eve.json" \
	--set forward.drain-ms=0 2>"$tmp/raise.out"
raised() {
	grep -c "\"severity\":$1}" "$tmp/eve.json"
}
size=$(du -s --apparent-size -B 1 "$tmp/spool" | cut -f 1)
[ "$size" -gt $((RATE * 2)) ] ||
	fail "a backlog of $size bytes is no two seconds' work: $(cat "$tmp/raise.out")"

redis_start
mkfifo "$tmp/orders"
"$proxy" <"$tmp/orders" >"$tmp/answers" 2>&1 &
pids="$pids $!"
exec 8>"$tmp/orders"
echo "listen a $sock" >&8
eventually 20 test -s "$tmp/answers" || fail "no answer from fault_proxy"
port=$(head -n 1 "$tmp/answers")
echo "slow a $RATE" >&8
exec=exec "$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
	2>"$tmp/collector.out" &
collector_pid=$!
pids="$pids $collector_pid"
has_store() {
	sql 'SELECT count(*) FROM frames'
}
eventually 30 has_store || fail "no store: $(cat "$tmp/collector.out")"

# Severity 1 takes less than twenty seconds on a machine of its own
# (PICKET_WORST_FIRST_S=20 makes it a check).
begun=$(date +%s)
sends "redis://127.0.0.1:$port" "$tmp/empty.pcap" \
	--set forward.drain-ms=120000 2>"$tmp/send.out" &
sensor_pid=$!
pids="$pids $sensor_pid"
stored_of() {
	[ "$(sql "SELECT coalesce(sum(alerts), 0) FROM frames
		WHERE sev = $1")" -ge "$2" ]
}
eventually 120 stored_of 1 "$(raised 1)" ||
	fail "waited 120 s for $(raised 1) alerts of severity 1 to be stored"
took=$(($(date +%s) - begun))
less=$(sql 'SELECT coalesce(sum(alerts), 0) FROM frames WHERE sev > 1')
echo "$(raised 1) alerts of severity 1 stored after $took s, $less of others;" \
	"a backlog of $size bytes"
[ $took -le "${PICKET_WORST_FIRST_S:-$took}" ] ||
	fail "severity 1 took $took s, not $PICKET_WORST_FIRST_S"
# The rest need not be as slow.
eventually 60 stored_of 2 1 || fail "waited 60 s for an alert of severity 2"
echo "pass a" >&8
wait "$sensor_pid" || fail "the sensor ended with status $?"
eventually 60 stored_of 3 "$(raised 3)" ||
	fail "waited 60 s for $(raised 3) alerts of severity 3 to be stored"
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"

# The store numbers batches as they come in, the sensor as they were made.
for pair in "1 2" "2 3" "1 3"; do
	worse=${pair% *} better=${pair#* }
	same "batches of severity $worse stored behind one of $better" 0 \
		"$(sql "SELECT count(*) FROM frames WHERE sev = $worse AND id >
			(SELECT min(id) FROM frames WHERE sev = $better)")"
	[ "$(sql "SELECT count(*) FROM frames WHERE sev = $worse AND seq >
		(SELECT min(seq) FROM frames WHERE sev = $better)")" -gt 0 ] ||
		fail "nothing of severity $worse was raised behind one of" \
			"$better: this tests nothing"
done
for s in 1 2 3; do
	same "alerts of severity $s" "$(raised $s)" \
		"$(sql "SELECT sum(alerts) FROM frames WHERE sev = $s")"
done
same "gaps" 0 "$(sql 'SELECT count(*) FROM gaps')"
no_sanitizer "$tmp"/*.out
finish
