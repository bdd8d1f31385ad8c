#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The units' filters let the programs do what they do: traced are a sensor that
# forwards, stores files, reloads and is scraped, and the collector with its
# console behind it.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need strace systemd-analyze python3 curl
strace -o "$tmp/try" true 2>"$tmp/x" || skip "strace may not trace here"
ldd "$sensor" | grep -q -E 'libasan|libtsan' && skip "a sanitizer needs more"
allowed() { python3 "$top/tests/package/syscalls.py" "$@"; }
redis_start
url_in() { sed -n 's/.*metrics: \(http.*\)/\1/p' "$1"; }
serves() { [ -n "$(url_in "$1")" ]; }
says() { grep -q "$2" "$1"; }
# traced NAME COMMAND... : in the background; $pid is strace's, which passes
# signals on to nobody: see tracee.
traced() {
	name=$1
	shift
	strace -f -qq -o "$tmp/$name.trace" "$@" 2>"$tmp/$name.log" &
	pid=$!
	pids="$pids $pid"
}
tracee() { cat "/proc/$pid/task/$pid/children"; }

traced collector "$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
	--missions "$top/pcaps/missions.yaml" --listen 127.0.0.1:0 \
	--feed "$tmp/feed.json" --set metrics.listen=127.0.0.1:0
collector_pid=$pid
eventually 60 says "$tmp/collector.log" 'console: http' ||
	fail "collector: no console in 60 s"
console=$(sed -n 's/.*console: \(http.*\)/\1/p' "$tmp/collector.log")

mkfifo "$tmp/pipe"
cp "$top/rules/dist/base-web.rules" "$tmp/some.rules"
traced sensor "$sensor" --read "$tmp/pipe" --workers 2 \
	--rules "$tmp/some.rules" "$top/rules/dist/exercise.rules" \
	--site jp-east --sensor tap1 --redis "unix://$sock" \
	--spool "$tmp/spool" --eve "$tmp/eve.json" --stats "$tmp/stats.json" \
	--set metrics.listen=127.0.0.1:0 --set file-store.enabled=yes \
	--set file-store.force-filestore=yes --set "file-store.dir=$tmp/files"
exec 9>"$tmp/pipe"
cat "$top/pcaps/exercise-jp-east.pcap" >&9
eventually 60 serves "$tmp/sensor.log" || fail "sensor: not up in 60 s"
curl -s -f -o "$tmp/x" "$(url_in "$tmp/sensor.log")" || fail "sensor: metrics"
kill -USR2 "$(tracee)"
eventually 60 says "$tmp/sensor.log" 'reload: ' || fail "no reload in 60 s"
kill -HUP "$(tracee)"
kill -USR1 "$(tracee)"
eventually 60 says "$tmp/sensor.log" '"uptime"' || fail "no statistics in 60 s"
exec 9>&-
wait "$pid" || fail "sensor: exit status $?: $(cat "$tmp/sensor.log")"

stored() { [ "$(alerts_stored jp-east)" -ge 1 ]; }
eventually 60 stored || fail "collector: no alert in 60 s"
curl -s -f -o "$tmp/x" "$(url_in "$tmp/collector.log")" ||
	fail "collector: metrics"
for page in '' api/alerts; do
	curl -s -f -o "$tmp/x" "$console$page" || fail "collector: console, $page"
done
pid=$collector_pid
kill -USR1 "$(tracee)"
kill -HUP "$(tracee)"
kill -TERM "$(tracee)"
wait "$pid" || fail "collector: exit status $?: $(cat "$tmp/collector.log")"

allowed "$top/common/service/picket-sensor.service.in" "$tmp/sensor.trace" ||
	fail "the sensor's unit"
# As root, and only then, SQLite gives its log the owner of the store, and the
# collector gives up capabilities.
grep -v -E '^([0-9]+ +)?(fchown|capset)\(' "$tmp/collector.trace" >"$tmp/collector.not"
allowed "$top/common/service/picket-collector.service.in" \
	"$tmp/collector.not" || fail "the collector's unit"
finish
