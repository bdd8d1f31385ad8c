#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Allow lists while the collector runs: SIGHUP has them read again, also a file
# that was replaced; one that is broken changes nothing and is told by its line.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"
store=$tmp/picket.db
ctl() { "$bin/picketctl" --store "$store" "$@"; }
mkdir "$tmp/lists"
echo 'first.example' >"$tmp/lists/a.txt"
echo '203.0.113.0/24' >"$tmp/one.txt"
cat >"$tmp/collector.yaml" <<EOF2
gate: {allow: ["$tmp/lists", "$tmp/one.txt"]}
EOF2
redis_start
"$collector" --redis "unix://$sock" --store "$store" \
	--config "$tmp/collector.yaml" 2>"$tmp/collector.log" &
collector_pid=$!
pids="$pids $!"
eventually 20 ctl status || fail "no collector: $(cat "$tmp/collector.log")"
# state VALUE : "armed", or why it is held.
state() { sql "SELECT CASE state WHEN 2 THEN 'armed' ELSE reason END FROM indicators WHERE value='$1'"; }
is() { [ "$(state "$1")" = "$2" ]; }
says() { eventually 10 is "$1" "$2" || fail "$1: '$(state "$1")' instead of '$2': $(cat "$tmp/collector.log")"; }
reload() {
	kill -HUP "$collector_pid"
	eventually 10 grep -q "$1" "$tmp/collector.log" ||
		fail "no word of it: $(cat "$tmp/collector.log")"
}
import() {
	echo "$1" >"$tmp/new.list"
	ctl indicators import --source test "$tmp/new.list" >/dev/null || fail "import"
}

import first.example
says first.example 'shared by many: on the allow list a.txt'
import second.example
says second.example armed
# Another file beside it, and one in place of the one that was named.
echo 'third.example' >"$tmp/lists/b.txt"
printf '203.0.113.0/24\nfourth.example\n' >"$tmp/one.new"
mv "$tmp/one.new" "$tmp/one.txt"
reload 'allow lists are reloaded: 4 entries'
import third.example
says third.example 'shared by many: on the allow list b.txt'
import fourth.example
says fourth.example 'shared by many: on the allow list one.txt'
# A broken one: all stay.
echo '203.0.113.0/99' >"$tmp/lists/c.txt"
reload 'allow lists are not reloaded, the former ones stay: .*c.txt:1'
import third-too.example
says third-too.example armed
import 203.0.113.9
says 203.0.113.9 'shared by many: on the allow list one.txt'
kill "$collector_pid"
wait "$collector_pid"
same "the collector's end" 0 $?
no_sanitizer "$tmp/collector.log"
finish
