#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a service manager hears of the sensor and of the collector.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3
python3 "$top/tests/e2e/watchdog.py" "$sensor" "$top/rules/dist/base-web.rules" \
	"$top/pcaps/exercise-jp-east.pcap" || fail "the sensor"

# The collector goes on telling that it is alive while Redis is away.
redis_start
python3 - "$tmp/notify" "$tmp/heard" <<'END' &
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "w", buffering=1) as out:
    while True:
        out.write(s.recv(4096).decode().replace("\n", " ") + "\n")
END
pids="$pids $!"
eventually 30 test -S "$tmp/notify" || fail "no socket in 30 s"
NOTIFY_SOCKET=$tmp/notify WATCHDOG_USEC=1000000 exec=exec collect 2>"$tmp/log" &
pid=$!
pids="$pids $pid"
heard() { [ "$(grep -c "^$1" "$tmp/heard")" -ge "$2" ]; }
eventually 30 heard "READY=1 STATUS=running" 1 ||
	fail "collector: not ready in 30 s: $(cat "$tmp/heard")"
eventually 60 heard WATCHDOG=1 3 || fail "collector: no 3 signs of life in 60 s"
redis_kill
n=$(grep -c WATCHDOG=1 "$tmp/heard")
eventually 60 heard WATCHDOG=1 $((n + 3)) ||
	fail "collector: no signs of life while Redis is away"
kill -TERM "$pid"
wait "$pid" || fail "collector: exit status $?"
eventually 30 heard STOPPING=1 1 || fail "collector: STOPPING not told"
finish
