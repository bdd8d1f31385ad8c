#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A collector that starts before its Redis, or while that loads its data, or
# with a password that is not right yet, waits and says so once; what cannot
# become right ends it at once.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"

port=$(free_ports 1)

# starts NAME URL : a collector whose words go to $tmp/NAME.out.
starts() {
	exec=exec take "$2" --store "$tmp/$1.db" 2>"$tmp/$1.out" &
	collector_pid=$!
	pids="$pids $collector_pid"
}
# hears NAME WORDS
hears() {
	eventually 60 grep -q -e "$2" "$tmp/$1.out" ||
		fail "$1: waited 60 s for '$2' in: $(cat "$tmp/$1.out")"
}
# works NAME URL : it did not end meanwhile; then it takes in a sensor's alerts.
works() {
	kill -0 "$collector_pid" 2>/dev/null ||
		fail "$1: it ended: $(cat "$tmp/$1.out")"
	hears "$1" "Redis answers: "
	rm -rf "$tmp/spool" "$tmp/eve.json"
	send "$2" 2>"$tmp/sensor.out" || fail "$1: the sensor: status $?"
	arrived() {
		[ "$(sql 'SELECT sum(alerts) FROM frames' "$tmp/$1.db")" = \
			"$(wrote)" ]
	}
	eventually 60 arrived "$1" || fail "$1: waited 60 s for all alerts"
	same "$1: words on it" 1 "$(grep -c "trying on" "$tmp/$1.out")"
	kill -TERM "$collector_pid"
	wait "$collector_pid" || fail "$1: the collector ended with status $?"
	no_sanitizer "$tmp/$1.out"
}
ends() {
	kill -9 "$(cat "$tmp/$1.pid")"
	wait "$(cat "$tmp/$1.pid")" 2>/dev/null
}

# There is none.
starts away "redis://127.0.0.1:$port"
hears away "not there, trying on"
server one --port "$port"
works away "redis://127.0.0.1:$port"
ends one

# One that loads: it answers whatever it is asked so.
python3 - "$port" <<'PY' >"$tmp/loading.log" 2>&1 &
import socketserver, sys
class Loading(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            if line[:1] == b"*":
                for _ in range(int(line[1:])):
                    self.rfile.read(int(self.rfile.readline()[1:]) + 2)
                self.wfile.write(b"-LOADING Redis is loading the dataset in memory\r\n")
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
Server(("127.0.0.1", int(sys.argv[1])), Loading).serve_forever()
PY
echo $! >"$tmp/loading.pid"
pids="$pids $!"
loads() {
	redis-cli -p "$port" ping | grep -q LOADING
}
eventually 30 loads || fail "waited 30 s for a server that loads:
$(cat "$tmp/loading.log")"
starts loading "redis://127.0.0.1:$port"
hears loading "trying on.*LOADING"
ends loading
server two --port "$port"
works loading "redis://127.0.0.1:$port"

# Its password is another one, for a while.
redis-cli -p "$port" flushall >/dev/null
redis-cli -p "$port" config set requirepass old >/dev/null
starts password "redis://:n3w-one@127.0.0.1:$port"
hears password "refuses us, trying on"
redis-cli -p "$port" -a old --no-auth-warning config set requirepass n3w-one \
	>/dev/null
works password "redis://:n3w-one@127.0.0.1:$port"
grep -q "n3w-one" "$tmp/password.out" &&
	fail "the password stands in the log"

# What no waiting can mend.
for url in "redis://127.0.0.1:port" "reddis://127.0.0.1" \
	"rediss+cluster://" "redis://127.0.0.1:99999"; do
	take "$url" --store "$tmp/none.db" 2>"$tmp/wrong.out"
	same "$url: exit status" 2 $?
	[ -s "$tmp/wrong.out" ] || fail "$url: no word"
done
finish
