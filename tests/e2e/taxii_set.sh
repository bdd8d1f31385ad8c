#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A TAXII server that the settings name feeds the common set: what appears there
# is armed, what is revoked there is disarmed, a server that fails is told of
# once, and a collector that starts again goes on where it was.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 sqlite3 redis-cli
[ -x "$collector" ] || skip "picket-collector is not built"
store=$tmp/picket.db
ctl() { "$bin/picketctl" --store "$store" "$@"; }

# put N DATE REVOKED... : one object more in the server.
put() {
	python3 - "$tmp/server.log.live" "$@" <<'EOP'
import json, os, sys
path, n, date, revoked = sys.argv[1:]
rows = json.load(open(path)) if os.path.exists(path) else []
rows.append([date, {"type": "indicator", "spec_version": "2.1",
    "id": "indicator--00000000-0000-4000-8000-%012d" % int(n),
    "created": "2026-01-01T00:00:00.000Z", "modified": date,
    "valid_from": "2026-01-01T00:00:00Z", "pattern_type": "stix",
    "revoked": revoked == "yes",
    "pattern": "[domain-name:value = 'host-%s.evil-net.xyz']" % n}])
with open(path + ".new", "w") as f:
    json.dump(rows, f)
os.rename(path + ".new", path)
EOP
}
# armed LIST : exactly these are in force.
armed() {
	[ "$(sql "SELECT group_concat(value,' ') FROM (SELECT value FROM
		indicators WHERE state=2 ORDER BY 1)")" = "$1" ]
}
asked() { grep -c '^/live/' "$tmp/server.log"; }
more_than() { [ "$(asked)" -gt "$1" ]; }
collector_start() {
	"$collector" --redis "unix://$sock" --store "$store" \
		--config "$tmp/collector.yaml" "$@" 2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $collector_pid"
}
poll_row() { sql "SELECT $1 FROM indicator_polls WHERE source='partner'"; }
is_row() { [ "$(poll_row "$1")" = "$2" ]; }

redis_start
python3 "$top/tests/e2e/taxii_server.py" "$tmp/server.log" \
	>"$tmp/port" 2>"$tmp/server.err" &
pids="$pids $!"
eventually 10 test -s "$tmp/port" || fail "no server: $(cat "$tmp/server.err")"
mkdir "$tmp/login"
echo open >"$tmp/login/token"
cat >"$tmp/collector.yaml" <<EOY
indicators:
  taxii:
    - url: http://localhost:$(cat "$tmp/port")/live/collections/c1/
      source: partner
      token-file: $tmp/login/token
      interval: 1
      mark: green
EOY
"$collector" --check --redis "unix://$sock" --store "$store" \
	--config "$tmp/collector.yaml" >"$tmp/out" 2>&1 ||
	fail "--check: $(cat "$tmp/out")"
for wrong in url= intervall=3 mark=blue login-file=x; do
	"$collector" --check --redis "unix://$sock" --store "$store" \
		--config "$tmp/collector.yaml" \
		--set "indicators.taxii.0.$wrong" >"$tmp/out" 2>&1
	same "$wrong" 2 $?
	grep -q "indicators.taxii.0" "$tmp/out" ||
		fail "$wrong: $(cat "$tmp/out")"
done

# The wrong token is told of once; the right one is read when it is there.
put 1 2026-01-02T00:00:00.000Z no
collector_start
eventually 10 is_row "failed>1" 1 || fail "no polls: $(cat "$tmp/collector.log")"
same "told once" 1 "$(grep -c 'partner.*403' "$tmp/collector.log")"
ctl indicators report >"$tmp/out" || fail "report: $?"
grep -q 'failed:.*403' "$tmp/out" || fail "report: $(cat "$tmp/out")"
echo sesame >"$tmp/login/new"
mv "$tmp/login/new" "$tmp/login/token"
eventually 10 armed host-1.evil-net.xyz ||
	fail "not armed: $(ctl indicators report; cat "$tmp/collector.log")"
same "the usual mark" green "$(sql "SELECT mark FROM indicators")"
eventually 10 grep -q 'partner: polled again' "$tmp/collector.log" ||
	fail "its return was not told"

# What comes later, and what is revoked.
put 2 2026-01-03T00:00:00.000Z no
eventually 10 armed 'host-1.evil-net.xyz host-2.evil-net.xyz' ||
	fail "the second: $(ctl indicators report)"
put 1 2026-01-04T00:00:00.000Z yes
eventually 10 armed host-2.evil-net.xyz ||
	fail "not disarmed: $(ctl indicators report)"

# Polls that bring nothing leave no import.
imports=$(sql "SELECT count(*) FROM indicator_imports")
n=$(asked)
eventually 10 more_than $((n + 2)) || fail "it asks no more"
same "imports" "$imports" "$(sql "SELECT count(*) FROM indicator_imports")"

# Another run goes on where this one was.
kill "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
n=$(wc -l <"$tmp/server.log")
put 3 2026-01-05T00:00:00.000Z no
collector_start --set metrics.listen=127.0.0.1:0
eventually 10 armed 'host-2.evil-net.xyz host-3.evil-net.xyz' ||
	fail "the third: $(ctl indicators report; cat "$tmp/collector.log")"
sed -n "$((n + 1)),\$p" "$tmp/server.log" | grep '^/live/' | head -n 1 |
	grep -q 'added_after=2026-01-04T00%3A00%3A00.000Z' ||
	fail "asked from: $(sed -n "$((n + 1)),\$p" "$tmp/server.log")"
port=$(sed -n 's|.*http://127.0.0.1:\([0-9]*\)/metrics.*|\1|p' "$tmp/collector.log")
metric() {
	python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(
    "http://127.0.0.1:%s/metrics" % sys.argv[1]).read().decode())' "$port" |
		grep -q "^picket_collector_$1\$"
}
eventually 10 metric 'taxii_failing 0' || fail "metrics: failing"
eventually 10 metric 'taxii_entries_total 1' || fail "metrics: entries"
ctl indicators report --json | python3 -c '
import json, sys
p = json.load(sys.stdin)["polls"]
assert len(p) == 1 and p[0]["source"] == "partner", p
assert p[0]["added_after"] == "2026-01-05T00:00:00.000Z", p
assert p[0]["error"] == "" and p[0]["entries"] == 4, p' || fail "report --json"
kill "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
no_sanitizer "$tmp/collector.log"
finish
