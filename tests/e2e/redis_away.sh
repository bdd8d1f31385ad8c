#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whatever ends at whatever moment, each alert arrives, once: Redis is away when
# a sensor starts, is killed and comes back empty in the middle of replays, and
# the collector and a sensor are killed and start again.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 awk redis-server redis-cli
[ -x "$collector" ] || skip "picket-collector is not built"

collector_start() {
	exec=exec collect "$@" 2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
}

stored_some() {
	n=$(sql 'SELECT coalesce(sum(alerts), 0) FROM frames' 2>/dev/null)
	[ "${n:-0}" -gt "$1" ]
}

# Sensors first: there is no Redis yet.  The captures span about 11
# seconds; at this pace the replay takes about 6.
sensor_pids=
for s in $sites; do
	exec=exec replay "$s" --pace 2 --set spool.resend-seconds=1 \
		--set forward.drain-ms=60000 2>"$tmp/sensor-$s.log" &
	sensor_pids="$sensor_pids $!"
	pids="$pids $!"
done
eventually 20 test -s "$tmp/eve-jp-east.json" || fail "no sensor wrote an alert"
redis_start
collector_start
eventually 20 stored_some 5 || fail "nothing arrives after Redis came"

# Redis forgets everything: streams, groups, committed points.
redis_kill
before=$(sql 'SELECT coalesce(sum(alerts), 0) FROM frames')
redis_start
eventually 20 stored_some "$before" || fail "nothing arrives after Redis lost all"

# The collector dies between reading and committing, whenever that is.
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null
clients() { redis-cli -s "$sock" client list; }
last=$(clients | sed -n 's/^id=\([0-9]*\) .*/\1/p' | sort -n | tail -n 1)
reads() {
	clients | awk -v last="$last" '/ cmd=xreadgroup / {
		split($1, id, "="); if (id[2] > last + 0) found = 1 }
		END { exit !found }'
}
collector_start
eventually 60 reads || fail "waited 60 s for a collector that reads"
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null
collector_start

for p in $sensor_pids; do
	wait "$p" || fail "a sensor ended with status $?"
done
# What waits in spools goes out when a sensor starts again: Redis forgets once
# more, so that all that was not committed must come from the spools.
redis_kill
redis_start
for s in $sites; do
	sensor_home --read "$top/pcaps/tls.pcap" --site "$s" --sensor tap1 \
		--redis "unix://$sock" --spool "$tmp/spool-$s" \
		--forward-types alert --set forward.drain-ms=60000 \
		2>>"$tmp/sensor-$s.log" ||
		fail "$s: a second run ended with status $?"
done
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $? on SIGTERM"
collect --until-idle 2 2>>"$tmp/collector.log" ||
	fail "the collector ended with status $?"
no_sanitizer "$tmp"/*.log

for s in $sites; do
	same "$s: alerts stored" "$(alerts_written "$s")" "$(alerts_stored "$s")"
	same "$s: frames missing before the last" 0 "$(sql "
		SELECT max(f.seq) - count(*) FROM frames f
		JOIN sensors s ON s.id = f.sensor WHERE s.site = '$s'")"
done
same "alerts counted twice, or not, by groups" 0 "$(sql "SELECT
	(SELECT sum(count) FROM alert_groups) -
	(SELECT sum(alerts) FROM frames)")"
same "alerts counted twice, or not, by minutes" 0 "$(sql "SELECT
	(SELECT sum(count) FROM timeline) - (SELECT sum(alerts) FROM frames)")"
same "gaps" 0 "$(sql 'SELECT count(*) FROM gaps')"
same "incidents open" 1 \
	"$(sql "SELECT count(*) FROM incidents WHERE state = 'open'")"
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.log
finish
