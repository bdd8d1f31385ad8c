#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Redis Cluster of three masters and a replica: sensors and collector find
# their nodes, follow a slot that moves while they send, and outlive the death
# of a master.  Each alert arrives, once.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"

# shellcheck disable=SC2046
set -- $(free_ports 4)
p1=$1 p2=$2 p3=$3 p4=$4
nodes 1500 "$@"
cluster "$p1" "$p2" "$p3"

node_id() {
	redis-cli -p "$1" cluster myid
}
key_of() {
	printf 'picket:alerts:{%s/tap1}' "$1"
}
# port_of KEY : who has it, in the eyes of the first node that answers.
port_of() {
	slot=$(redis-cli -p "$p4" cluster keyslot "$1")
	for p in "$p1" "$p2" "$p3" "$p4"; do
		redis-cli -p "$p" cluster slots 2>/dev/null |
			awk -v slot="$slot" 'NR % 1 == 0 { l[NR] = $1 }
			END { for (i = 1; i < NR; i++)
				if (l[i] ~ /^[0-9]+$/ && l[i + 1] ~ /^[0-9]+$/ &&
				    l[i + 2] ~ /\./ && l[i] <= slot + 0 &&
				    slot + 0 <= l[i + 1]) { print l[i + 3]; exit } }' |
			grep . && return
	done
}

# The replica follows the master of the second site's stream.
victim=$(port_of "$(key_of jp-west)")
redis-cli --cluster add-node "127.0.0.1:$p4" "127.0.0.1:$p1" --cluster-slave \
	--cluster-master-id "$(node_id "$victim")" >>"$tmp/create.out" 2>&1 ||
	fail "no replica: $(tail -n 3 "$tmp/create.out")"
follows() {
	redis-cli -p "$p4" info replication | grep -q master_link_status:up
}
eventually 30 follows || fail "waited 30 s for the replica"

hosts=127.0.0.1:$p1,127.0.0.1:$p2,127.0.0.1:$p3
exec=exec take "redis+cluster://$hosts" --missions "$top/pcaps/missions.yaml" \
	2>"$tmp/collector.out" &
collector_pid=$!
pids="$pids $collector_pid"

# One sensor knows all nodes; the others one that is not theirs, and not that
# it is a cluster.
sensor_pids=
for s in $sites; do
	url=redis+cluster://$hosts
	if [ "$s" != jp-west ]; then
		for p in "$p1" "$p2" "$p3"; do
			if [ "$p" != "$victim" ] &&
				[ "$p" != "$(port_of "$(key_of "$s")")" ]; then
				url=redis://127.0.0.1:$p
			fi
		done
	fi
	sensor_home --read "$top/pcaps/exercise-$s.pcap" --site "$s" \
		--sensor tap1 --redis "$url" --pace 1.5 \
		--spool "$tmp/spool-$s" --eve "$tmp/eve-$s.json" \
		--set spool.resend-seconds=1 --set forward.drain-ms=60000 \
		2>"$tmp/sensor-$s.out" &
	sensor_pids="$sensor_pids $!"
	pids="$pids $!"
done
stored_more() {
	[ "$(stored)" -gt "$1" ]
}
eventually 30 stored_more 3 || fail "waited 30 s for the first alerts:
$(tail -n 3 "$tmp"/*.out)"

# The slot of us-pacific moves while it is used; in between its keys lie on the
# new node, which answers to ASKING only.
key=$(key_of us-pacific)
slot=$(redis-cli -p "$p1" cluster keyslot "$key")
from=$(port_of "$key")
for to in "$p1" "$p2" "$p3"; do
	[ "$to" = "$from" ] || [ "$to" = "$victim" ] || break
done
if [ "$to" = "$from" ] || [ "$to" = "$victim" ]; then
	to=$p1
	[ "$to" != "$from" ] || to=$p2
fi
redis-cli -p "$to" cluster setslot "$slot" importing "$(node_id "$from")" >/dev/null
redis-cli -p "$from" cluster setslot "$slot" migrating "$(node_id "$to")" >/dev/null
moved() {
	for k in $(redis-cli -p "$from" cluster getkeysinslot "$slot" 10); do
		redis-cli -p "$from" migrate 127.0.0.1 "$to" "$k" 0 5000
	done
	[ "$(redis-cli -p "$from" cluster countkeysinslot "$slot")" = 0 ]
}
eventually 20 moved || fail "waited 20 s for the keys of slot $slot to move"
before=$(stored)
eventually 30 stored_more "$before" ||
	fail "waited 30 s for alerts while slot $slot moves"
for p in "$p1" "$p2" "$p3"; do
	redis-cli -p "$p" cluster setslot "$slot" node "$(node_id "$to")" >/dev/null
done

# The master of jp-west's stream dies, and its replica takes over.
kill -9 "$(cat "$tmp/node$victim.pid")"
took_over() {
	redis-cli -p "$p4" role | head -n 1 | grep -q master
}
eventually 30 took_over || fail "waited 30 s for the replica to take over"

for p in $sensor_pids; do
	wait "$p" || fail "a sensor ended with status $?"
done
all_stored() {
	for s in $sites; do
		[ "$(alerts_written "$s")" = "$(alerts_stored "$s")" ] || return 1
	done
}
eventually 40 all_stored || fail "waited 40 s for all alerts to be stored"
kill -TERM "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
for s in $sites; do
	same "$s: alerts stored" "$(alerts_written "$s")" "$(alerts_stored "$s")"
done
counted_once
same "gaps" 0 "$(sql 'SELECT count(*) FROM gaps')"
no_sanitizer "$tmp"/*.out
[ $failures -eq 0 ] || tail -n 5 "$tmp"/*.out
finish
