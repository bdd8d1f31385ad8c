#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A capture through a pipe is inspected as it comes: alerts of what was written
# are out while the writer rests, rules change and signals work meanwhile.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need mkfifo
rules=$top/rules/dist/exercise.rules
capture=$top/pcaps/exercise-jp-east.pcap
all='alert ip any any -> any any (msg:"any"; sid:1;)'
mkfifo "$tmp/pipe"

# await WHAT COMMAND... : until it holds.
await() {
	what=$1
	shift
	eventually 30 "$@" || fail "$what"
}
has_lines() { [ "$(wc -l <"$1" 2>/dev/null || echo 0)" -ge "$2" ]; }

"$sensor" --read "$capture" --rules "$rules" --eve "$tmp/file.json" \
	--eve-types alert 2>"$tmp/log"
n=$(wc -l <"$tmp/file.json")

for workers in 1 3; do
	cp "$rules" "$tmp/some.rules"
	rm -f "$tmp/pipe.json"
	"$sensor" --read - --workers $workers --rules "$tmp/some.rules" \
		--eve "$tmp/pipe.json" --eve-types alert \
		<"$tmp/pipe" 2>"$tmp/log" &
	pid=$!
	pids="$pids $pid"
	exec 9>"$tmp/pipe"
	cat "$capture" >&9
	await "$workers workers: alerts while the writer rests" \
		has_lines "$tmp/pipe.json" "$n"
	printf '%s\n' "$all" >>"$tmp/some.rules"
	kill -USR2 "$pid"
	await "$workers workers: a reload while the writer rests" \
		grep -q "reload: .* 1 added" "$tmp/log"
	kill -USR1 "$pid"
	await "$workers workers: counters while the writer rests" \
		grep -q '"uptime"' "$tmp/log"
	kill -TERM "$pid"
	await "$workers workers: SIGTERM while the writer rests" \
		grep -q "packets inspected" "$tmp/log"
	wait "$pid" || fail "$workers workers: exit status $?"
	exec 9>&-
	same "$workers workers: alerts" "$n" \
		"$(grep -vc '"signature_id":1,' "$tmp/pipe.json")"
	no_sanitizer "$tmp/log"
done
# A writer that never comes, says nothing, or stops within a packet keeps nobody
# from ending.
catches() { # SIGTERM, which the shell that becomes it does as well
	readlink "/proc/$1/exe" | grep -q 'picket-sensor$' &&
		[ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status") >> 14 & 1)) = 1 ]
}
gone() { [ "$(cut -d ' ' -f 3 "/proc/$1/stat" 2>/dev/null || echo Z)" = Z ]; }
for bytes in none 0 20 24 60 500; do
	if [ $bytes = none ]; then
		"$sensor" --read "$tmp/pipe" --eve "$tmp/pipe.json" 2>"$tmp/log" &
	else
		exec 9<>"$tmp/pipe"
		head -c $bytes "$capture" >&9
		"$sensor" --read - --eve "$tmp/pipe.json" <"$tmp/pipe" \
			2>"$tmp/log" 9>&- &
	fi
	pid=$!
	pids="$pids $pid"
	await "$bytes bytes: it does not start" catches "$pid"
	kill -TERM "$pid"
	await "$bytes bytes: SIGTERM does not end it" gone "$pid"
	kill -9 "$pid" 2>/dev/null
	wait "$pid" || fail "$bytes bytes: exit status $?: $(cat "$tmp/log")"
	exec 9>&-
done
no_sanitizer "$tmp/log"

# Frames of a pipe are copies: however large, and however many workers, those
# under way are bounded.
need python3
for workers in 1 3; do
	python3 - "$sensor" $workers >"$tmp/peak$workers" 2>"$tmp/log" <<'PY' ||
import os, resource, struct, subprocess, sys
data = bytes(8900)
udp = struct.pack(">HHHH", 5000, 7001, 8 + len(data), 0) + data
def frame(i):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17,
                       0, bytes((10, 0, 0, i)), bytes((192, 0, 2, 7)))
    f = bytes(6) + b"\2" + bytes(5) + b"\x08\x00" + head + udp
    return struct.pack("<IIII", 1000000000, 0, len(f), len(f)) + f
frames = b"".join(frame(i) for i in range(200))
p = subprocess.Popen([sys.argv[1], "--read", "-", "--workers", sys.argv[2],
                      "--set", "memory.prealloc=1mb"], stdin=subprocess.PIPE)
p.stdin.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
for k in range(170):
    p.stdin.write(frames)
p.stdin.close()
status = p.wait()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
PY
		fail "$workers workers: $(cat "$tmp/log")"
done
# a sanitizer's own memory is another matter
if ! grep -q __asan_init "$sensor"; then
	more=$(($(cat "$tmp/peak3") - $(cat "$tmp/peak1")))
	[ $more -lt 131072 ] || fail "three workers take $more KiB more than one"
fi
finish
