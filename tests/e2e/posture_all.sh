#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The levels that ship, ordered once at the head of two parts: at each of three
# sensors, whichever part has it, more passes a threshold, more kinds of events
# come, packets are kept, and ledgers and warnings come soon; then all of it is
# as the settings say again.  A sensor that was away meanwhile catches up.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli jq sqlite3 python3
ctl() { "$bin/picketctl" --store "$tmp/head.db" "$@"; }
[ -x "$bin/picketctl" ] || skip "picketctl is not built"

redis_start
ctl keys make "$tmp/key" >/dev/null || fail "keys make: status $?"
cat >"$tmp/few.rules" <<-EOL
	alert tcp any any -> any any (msg:"one an hour"; flow:to_server; \
	  flags:S; threshold:type limit, track by_dst, count 1, seconds 3600; \
	  sid:1; rev:1;)
	alert http any any -> any any (msg:"each"; flow:established,to_server; \
	  http.method; content:"GET"; sid:2; rev:1;)
	alert udp any any -> any 9 (msg:"the end of a capture"; sid:3; rev:1;)
EOL

# one NAME OPTION...
one() {
	_name=$1
	shift
	exec=exec collect --store "$tmp/$_name.db" --set parts.of=2 "$@" \
		2>>"$tmp/$_name.log" &
	pids="$pids $!"
}
one part1 --set parts.number=1
one part2 --set parts.number=2
one head --set parts.head=yes --set "control.sign-key=$tmp/key"

# watch SITE : a sensor that by its settings keeps little, and says it late.
watch() {
	${exec-} "$sensor" --quiet --rules "$tmp/few.rules" \
		--set "vars.address-groups.HOME_NET=[192.0.2.0/24]" \
		--read "$tmp/$1.fifo" --site "$1" --sensor tap1 \
		--eve "$tmp/$1.json" --eve-types alert \
		--redis "unix://$sock" --spool "$tmp/$1" \
		--set "control.public-key=$tmp/key.pub" \
		--set "evidence.dir=$tmp/kept-$1" --set forward.types=stats \
		--set forward.batch-ms=60000 --set ledger.interval=3600 \
		--set forward.presence-ms=1000 2>>"$tmp/$1.log" &
	watched=$!
	pids="$pids $watched"
}
for s in $sites; do
	mkfifo "$tmp/$s.fifo"
done
exec 4<>"$tmp/jp-east.fifo" 5<>"$tmp/jp-west.fifo" 6<>"$tmp/us-pacific.fifo"
# pass SITE FD N : the site's packets once more, and one that says that it was all.
pass() {
	{
		tail -c +25 "$top/pcaps/exercise-$1.pcap"
		python3 -c 'import struct, sys
head = open(sys.argv[1], "rb").read(40)
udp = struct.pack(">HHHH", 9000 + int(sys.argv[2]), 9, 8, 0)
ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0,
    b"\x0a\0\0\x01", b"\x0a\0\0\x02")
frame = bytes(12) + b"\x08\0" + ip + udp + bytes(18)
sys.stdout.buffer.write(head[24:32] + struct.pack("<II", len(frame),
    len(frame)) + frame)' "$top/pcaps/exercise-$1.pcap" "$3"
	} >&"$2"
}
passes=0
more_packets() {
	passes=$((passes + 1))
	pass jp-east 4 $passes
	pass jp-west 5 $passes
	pass us-pacific 6 $passes
}
head -c 24 "$top/pcaps/exercise-jp-east.pcap" | tee "$tmp/head" >&4
cat "$tmp/head" >&5
cat "$tmp/head" >&6
watch jp-east
watch jp-west
watch us-pacific
away=$watched

# store_of SITE : of the part that has it.
store_of() {
	for k in 1 2; do
		[ "$(sql "SELECT count(*) FROM frames f JOIN sensors s
			ON s.id=f.sensor WHERE s.site='$1'" \
			"$tmp/part$k.db")" = 0 ] || echo "$tmp/part$k.db"
	done
}
# obey LEVEL SITE... : nothing is left out, either.
field() { redis-cli -s "$sock" HGET "picket:sensor:{$1/tap1}" "$2"; }
obeys() { [ "$(field "$1" posture)/$(field "$1" posture_error)" = "$2/" ]; }
obey() {
	level=$1
	shift
	for s in "$@"; do
		eventually 60 obeys "$s" "$level" ||
			fail "$s is not at $level: $(field "$s" posture) $(field \
				"$s" posture_error)"
	done
}
# of SITE SID : its alerts; most SITE : of the victim that has most by rule 1.
of() { jq "select(.alert.signature_id == $2) | .dest_ip" "$tmp/$1.json"; }
most() { of "$1" 1 | sort | uniq -c | sort -rn | awk 'NR == 1 { print $1 }'; }
passed() { [ "$(of "$1" 3 | wc -l)" -ge "$2" ]; }

is_live() { [ "$(sql "SELECT count(*) FROM sensors WHERE state='live'" \
	"$tmp/head.db")" = 3 ]; }
eventually 60 is_live || fail "the head does not see all sensors"
more_packets
for s in $sites; do
	eventually 60 passed "$s" 1 || fail "$s: no alert"
	same "$s: alerts of one victim" 1 "$(most "$s")"
done

# One of them is away when it is ordered.
kill -9 "$away"
wait "$away" 2>/dev/null
ctl posture contingency --note 'a storm' >/dev/null || fail "no order"
obey contingency jp-east jp-west
redis-cli -s "$sock" DEL 'picket:sensor:{us-pacific/tap1}' >/dev/null
watch us-pacific
cat "$tmp/head" >&6
obey contingency us-pacific

more_packets
# came SITE : event types that its part has stored.
came() {
	python3 - "$(store_of "$1")" "$1" <<-'EOP'
		import json, sqlite3, sys, zlib
		db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
		seen = set()
		for (d,) in db.execute("SELECT data FROM frames f JOIN sensors s"
		        " ON s.id=f.sensor WHERE s.site=?", (sys.argv[2],)):
		    for line in zlib.decompress(d).splitlines():
		        e = json.loads(line)
		        ledger = "ledger" in e["picket"] and "stats" not in e
		        seen.add("ledger" if ledger else e["event_type"])
		print(*sorted(seen & {"alert", "anchor", "dns", "http", "ledger"}))
	EOP
}
# By the settings none of it before a minute has passed, ledgers after an hour.
all_came() { [ "$(came "$1")" = "alert anchor dns http ledger" ]; }
has_packets() { [ -n "$(find "$tmp/kept-$1" -name '*.pcap' -size +0)" ]; }
for s in $sites; do
	eventually 60 passed "$s" 2 || fail "$s: no more alerts"
	eventually 45 all_came "$s" || fail "$s: only $(came "$s") came"
	[ "$(most "$s")" -gt 1 ] ||
		fail "$s: a threshold lets $(most "$s") through"
	eventually 30 has_packets "$s" || fail "$s: no packet is kept"
done
all_obey() {
	ctl --json posture | jq -e '.posture == "contingency" and
		([.sensors[] | select(.obeys)] | length) == 3'
}
eventually 30 all_obey || fail "the head shows: $(ctl posture)"

ctl posture peacetime --note over >/dev/null || fail "no order"
obey peacetime jp-east jp-west us-pacific
for s in $sites; do
	most "$s" >"$tmp/most-$s"
	cp "$tmp/$s.json" "$tmp/before-$s"
done
more_packets
for s in $sites; do
	eventually 60 passed "$s" 3 || fail "$s: no more alerts"
	same "$s: by rule 1, as before" "$(cat "$tmp/most-$s")" "$(most "$s")"
	same "$s: alerts with packets" 0 "$(tail -n \
		"+$(($(wc -l <"$tmp/before-$s") + 1))" "$tmp/$s.json" |
		jq 'select(.capture_file != null)' | wc -l)"
	grep -q capture_file "$tmp/before-$s" || fail "$s: no alert has a packet"
done

# The first order once more, as whoever may write to the stream can repeat it.
redis-cli -s "$sock" EVAL "return redis.call('XADD', KEYS[1], '*',
	unpack(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][2]))" \
	1 picket:control >/dev/null || fail "the order is not there"
refused() { [ "$(field "$1" control_refused)" -gt 0 ]; }
for s in $sites; do
	eventually 60 refused "$s" || fail "$s takes an old order"
	obeys "$s" peacetime || fail "$s obeys an old order"
done
no_sanitizer "$tmp"/*.log
finish
