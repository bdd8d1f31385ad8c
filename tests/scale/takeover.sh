#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How long it takes until a collector that stands by serves a large store: a
# million alerts, 10,000 incidents with 100,000 runs and as many links, all of
# them recent, whose holder is killed.
#     make scale
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 redis-server jq
alerts=${ALERTS:-1000000}
incidents=${INCIDENTS:-10000}
most_ms=${MOST_MS:-5000}
ctl() { "$bin/picketctl" --store "$tmp/picket.db" "$@"; }

"$bin/storefill" "$tmp/picket.db" --alerts "$alerts" || fail "no store"
# Ten runs of an incident in a chain: an address, a domain, eight hosts.
sqlite3 "$tmp/picket.db" "
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n
	WHERE i+1<10*$incidents),
	b(id, now) AS (SELECT coalesce(max(id),0)+1, (SELECT max(last_us) FROM
		frames) FROM runs)
INSERT INTO runs(id,exercise,kind,key,first_us,last_us,severity,confidence,
	what,said,mark) SELECT b.id+i,'',CASE i%10 WHEN 0 THEN 1 WHEN 1 THEN 2
	ELSE 4 END,CASE i%10 WHEN 0 THEN '198.51.'||i WHEN 1 THEN 'd'||i||'.example'
	ELSE 'jp-east 10.0.'||i END,now-1000000,now,1,50,12,'amber','amber'
	FROM n, b;
INSERT INTO sightings(run,site,owner,first_us,last_us,count,strong,mark,events)
	SELECT id,s.site,s.owner,first_us,last_us,3,3,'amber',3 FROM runs,
	(SELECT 'jp-east' AS site,'JP' AS owner UNION ALL
	 SELECT 'us-pacific','US') s WHERE said='amber' AND key LIKE '%.%'
	AND id NOT IN (SELECT run FROM sightings);
INSERT OR IGNORE INTO links(a,b,alert,by_hand) SELECT r.id,r.id+k.k,1,0 FROM
	runs r, (SELECT 1 AS k UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION
	SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) k
	WHERE r.key LIKE '198.51.%' AND r.kind=1 AND r.what=12;
INSERT INTO incidents(state,exercise,title,score,level,lead,support,first_us,
	last_us,created_us,updated_us,summary,mark) SELECT 'open','','t',1,1,'JP',
	'US',first_us,last_us,last_us,last_us,id,'amber' FROM runs WHERE key LIKE
	'198.51.%' AND kind=1 AND what=12;
INSERT OR IGNORE INTO incident_runs SELECT CAST(summary AS INTEGER)+k.k,id FROM
	incidents, (SELECT 0 AS k UNION SELECT 1) k WHERE title='t'" ||
	fail "the store cannot be filled"

redis_start
n=0
another() {
	n=$((n + 1))
	exec=exec collect --set lease.name="c$n" --set metrics.listen=127.0.0.1:0 \
		2>"$tmp/collector-$n.log" &
	last=$!
	pids="$pids $last"
}
is() { ctl --json collectors | jq -e --arg s "$1" --argjson p "$2" \
	'any(.collectors[]; .state == $s and .pid == $p)'; }
another
first=$last
eventually 120 is serving "$first" || fail "$(cat "$tmp/collector-1.log")"
# All that was filled in is assessed with the first batch, once.
replay jp-east 2>"$tmp/sensor.log" || fail "a sensor ended with status $?"
another
second=$last
eventually 20 is standby "$second" || fail "$(cat "$tmp/collector-2.log")"
begun=$(date +%s%N)
kill -9 "$first"
until is serving "$second" >/dev/null 2>&1; do
	kill -0 "$second" 2>/dev/null || {
		fail "$(tail -n 3 "$tmp/collector-2.log")"
		break
	}
done
ms=$((($(date +%s%N) - begun) / 1000000))
[ "$ms" -lt "$most_ms" ] || fail "taking over took $ms ms"
replay jp-west 2>"$tmp/sensor.log" || fail "a sensor ended with status $?"
kill "$second"
wait "$second" || fail "the collector ended with status $?"
echo "$(sql 'SELECT count(*) FROM incidents') incidents, $(sql 'SELECT count(*)
	FROM runs') runs: served $ms ms after the holder was killed"
tail -n 1 "$tmp/collector-2.log"
finish
