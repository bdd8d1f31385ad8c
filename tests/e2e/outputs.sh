#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Other consoles are told of every event at least once: by a Unix socket, a
# signed webhook and Elasticsearch's _bulk, whoever fails, refuses or is killed.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 sqlite3
redis_start

# receiver KIND WHERE [SECRET] : what it takes goes to $tmp/KIND.log
receiver() {
	python3 "$top/tests/e2e/outputs_server.py" "$1" "$2" "$tmp/$1.log" \
		${3+"$3"} 2>>"$tmp/$1.err" &
	receiver=$!
	pids="$pids $receiver"
	eventually 10 test -e "$2" || fail "no receiver: $(cat "$tmp/$1.err")"
}
receiver webhook "$tmp/webhook.port" sesame
receiver bulk "$tmp/bulk.port"
echo sesame >"$tmp/secret"

cat >"$tmp/collector.yaml" <<EOF
outputs:
  - name: lines
    type: socket
    url: unix://$tmp/out.sock
    exercises: yes
    from: start
  - name: hook
    type: webhook
    url: http://127.0.0.1:$(cat "$tmp/webhook.port")/picket
    types: [alert, incident]
    exercises: yes
    from: start
    secret-file: $tmp/secret
  - name: elastic
    type: ecs
    url: http://127.0.0.1:$(cat "$tmp/bulk.port")/_bulk
    index: logs-picket-test
    types: [alert]
    exercises: yes
    from: start
  - name: real
    type: socket
    url: unix://$tmp/out.sock
EOF
same "settings" "settings: ok" "$(collect --config "$tmp/collector.yaml" --check 2>"$tmp/check.err")"
for bad in 'outputs.0.type=fax' 'outputs.0.name=A/b' 'outputs.0.colour=red' \
	'outputs.1.url=http://192.0.2.1/' 'outputs.1.name=lines'; do
	collect --config "$tmp/collector.yaml" --set "$bad" --check \
		>/dev/null 2>"$tmp/check.err" && fail "$bad is taken"
	grep -q "${bad%%=*}" "$tmp/check.err" ||
		fail "$bad: $(cat "$tmp/check.err")"
done

replay jp-east >"$tmp/replay.log" 2>&1 || fail "$(cat "$tmp/replay.log")"
start() {
	exec=exec collect --config "$tmp/collector.yaml" --feed "$tmp/feed.json" \
		>>"$tmp/collector.log" 2>&1 &
	collector_pid=$!
	pids="$pids $collector_pid"
}
start
wrote=$(alerts_written jp-east)
[ "$wrote" -gt 20 ] || fail "only $wrote alerts"
stored() { [ "$(alerts_stored jp-east)" = "$wrote" ]; }
eventually 30 stored || fail "stored: $(cat "$tmp/collector.log")"

# ids FILE : how many alerts are in it, by the number that the store gave
ids() {
	python3 - "$1" <<-'EOF'
	import json, sys
	seen = set()
	for line in open(sys.argv[1]):
	    e = json.loads(line)
	    e = json.loads(e["event"]["original"]) if "@timestamp" in e else e
	    if "signature" in e.get("alert", {}) and "id" in e["picket"]:
	        seen.add(e["picket"]["id"])
	print(len(seen))
	EOF
}
has_all() { [ "$(ids "$1")" = "$wrote" ]; }
eventually 30 has_all "$tmp/webhook.log" ||
	fail "webhook: $(ids "$tmp/webhook.log") of $wrote; $(cat "$tmp/collector.log")"
eventually 30 has_all "$tmp/bulk.log" ||
	fail "bulk: $(ids "$tmp/bulk.log") of $wrote; $(cat "$tmp/collector.log")"
same "documents, each once" "$wrote" "$(wc -l <"$tmp/bulk.log")"
grep -q 'bad signature' "$tmp/webhook.log" && fail "a signature is wrong"
refused() { grep -q '"refused":[1-9]' "$tmp/picket.db.output-hook"; }
eventually 10 refused || fail "refused: $(cat "$tmp/picket.db.output-hook")"

# Nobody has read the socket's yet; both ends die while it is told.
receiver socket "$tmp/out.sock"
begun() { [ -s "$tmp/socket.log" ]; }
eventually 30 begun || fail "socket: $(cat "$tmp/collector.log")"
kill -9 "$receiver" "$collector_pid"
wait "$receiver" "$collector_pid" 2>/dev/null
rm -f "$tmp/out.sock"
receiver socket "$tmp/out.sock"
start
eventually 30 has_all "$tmp/socket.log" ||
	fail "socket: $(ids "$tmp/socket.log") of $wrote"
# What is no alert, too: as it is in the feed.
events() { grep -v '"alert":{' "$1" | sort -u; }
all_told() {
	events "$tmp/feed.json" >"$tmp/want"
	events "$tmp/socket.log" >"$tmp/got"
	[ -s "$tmp/want" ] && cmp -s "$tmp/want" "$tmp/got"
}
eventually 20 all_told || fail "events: $(diff "$tmp/want" "$tmp/got" | head -5)"
kill "$collector_pid"
wait "$collector_pid"
same "the collector's end" 0 $?
same "of exercises to who asked for none" 0 \
	"$(sed 's/.*"told":\([0-9]*\).*/\1/' "$tmp/picket.db.output-real")"
no_sanitizer "$tmp/collector.log"
finish
