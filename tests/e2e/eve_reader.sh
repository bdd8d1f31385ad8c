#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whoever reads the events may go, or take nothing: a filter ends with its
# reader, a sensor with other outputs goes on, and one that was told to end does.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need mkfifo jq python3
mkfifo "$tmp/pipe" "$tmp/eve"
echo 'alert udp any any -> any 7001 (msg:"each"; content:"needle"; sid:1;)' >"$tmp/each.rules"

# packets COUNT : a capture of so many; 0: without end, until nobody reads it.
packets() {
	python3 - "$1" <<'PY'
import os, struct, sys
count = int(sys.argv[1])
data = b"needle" + bytes(94)
udp = struct.pack(">HHHH", 5000, 7001, 8 + len(data), 0) + data
head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                   bytes((10, 0, 0, 1)), bytes((192, 0, 2, 7)))
frame = bytes(6) + b"\2" + bytes(5) + b"\x08\x00" + head + udp
one = struct.pack("<IIII", 1000000000, 0, len(frame), len(frame)) + frame
try:
    os.write(1, struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    out = os.fdopen(1, "wb")
    done = 0
    while count == 0 or done < count:
        out.write(one * 100)
        done += 100
    out.flush()
except BrokenPipeError:
    os._exit(0)
PY
}

# ended PID : it is no more, or a zombie.
ended() {
	! kill -0 "$1" 2>/dev/null ||
		grep -q '^State:	Z' "/proc/$1/status" 2>/dev/null
}

# Nothing else is wanted: the sensor ends although there is always more to read.
for workers in 1 3; do
	packets 0 >"$tmp/pipe" &
	pids="$pids $!"
	{
		"$sensor" --read - --workers $workers --rules "$tmp/each.rules" \
			--eve - --eve-types alert <"$tmp/pipe" 2>"$tmp/log"
		echo $? >"$tmp/status"
	} | head -n 1 >"$tmp/first" &
	last=$!
	pids="$pids $last"
	rm -f "$tmp/status"
	eventually 120 test -s "$tmp/status" || {
		fail "$workers workers: does not end with its reader"
		break
	}
	same "$workers workers: exit status" 1 "$(cat "$tmp/status")"
	grep -q "nobody reads standard output any more: stopping" "$tmp/log" ||
		fail "$workers workers: does not say why it stops"
	grep -q "not written to standard output" "$tmp/log" ||
		fail "$workers workers: does not say what was not written"
	same "$workers workers: the first line is there" 1 "$(wc -l <"$tmp/first")"
	no_sanitizer "$tmp/log"
done

# The statistics are wanted as well: all is read, and all is accounted for.
n=200000
packets $n >"$tmp/some.pcap"
{
	"$sensor" --read "$tmp/some.pcap" --rules "$tmp/each.rules" --eve - \
		--eve-types alert --stats "$tmp/stats.json" 2>"$tmp/log"
	echo $? >"$tmp/status2"
} | head -n 1 >"$tmp/first"
same "with --stats: exit status" 1 "$(cat "$tmp/status2")"
grep -q "going on for --stats" "$tmp/log" || fail "does not say that it goes on"
same "with --stats: packets" $n "$(jq .picket.frames.in "$tmp/stats.json")"
[ "$(jq .picket.eve_unwritten "$tmp/stats.json")" -gt 0 ] ||
	fail "what was not written is not counted"
no_sanitizer "$tmp/log"

# Told to end while whoever has the pipe takes nothing.
exec 9<>"$tmp/eve"
packets 0 >"$tmp/pipe" &
pids="$pids $!"
"$sensor" --read - --rules "$tmp/each.rules" --eve "$tmp/eve" \
	--eve-types alert --set eve.drain-ms=300 <"$tmp/pipe" 2>"$tmp/log" &
pid=$!
pids="$pids $pid"
# in the pipe, which holds 64 KiB; the sensor writes 4 KiB at a time
full() {
	[ "$(python3 -c 'import array, fcntl, termios
n = array.array("i", [0])
fcntl.ioctl(0, termios.FIONREAD, n)
print(n[0])' <&9)" -gt 61440 ]
}
eventually 60 full || fail "does not wait for the pipe's reader"
kill -TERM "$pid"
eventually 120 ended "$pid" || fail "SIGTERM does not end it"
wait "$pid"
same "unread pipe: exit status" 1 $?
grep -q "is too slow, or takes nothing" "$tmp/log" ||
	fail "does not say that nobody reads: $(cat "$tmp/log")"
grep -q "events were not written to $tmp/eve" "$tmp/log" ||
	fail "does not say how much was not written"
no_sanitizer "$tmp/log"
exec 9>&-

# Nobody has it open at all: told to end, it does.
"$sensor" --read "$tmp/some.pcap" --rules "$tmp/each.rules" --eve "$tmp/eve" \
	2>"$tmp/log" &
pid=$!
pids="$pids $pid"
eventually 60 grep -q "waiting for somebody to read it" "$tmp/log" ||
	fail "does not say that it waits for a reader"
kill -TERM "$pid"
eventually 120 ended "$pid" || fail "SIGTERM does not end the wait for a reader"
wait "$pid"
same "FIFO without reader: exit status" 2 $?
finish
