#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Both programs started as root, as somebody else once they run, with all that
# they give up in force: the sensor on a live interface through reload, rotation,
# a restart of Redis by name and an interface that goes away; the collector with
# its console.  strace sees no call that was refused for want of a right.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq strace curl python3 redis-server redis-cli sqlite3
[ "$(id -u)" -eq 0 ] || skip "needs root, to give it up"
[ -x "$collector" ] || skip "picket-collector is not built"
strace -o "$tmp/try" true 2>"$tmp/x" || skip "strace may not trace here"
net=picket-confined-$$
ip netns add $net 2>"$tmp/x" || skip "network namespaces cannot be made here"
leave() {
	ip netns del $net 2>/dev/null
	cleanup
}
trap leave EXIT
trap 'leave; exit 99' HUP INT TERM
in_net() { ip netns exec $net "$@"; }
in_net ip link set lo up
# tap : a link that ends as eth7 and is fed at teth7.
tap() {
	in_net ip link add teth7 type veth peer name eth7 2>"$tmp/x" &&
		in_net ip link set teth7 up && in_net ip link set eth7 up
}
tap || skip "no link: $(cat "$tmp/x")"

# Who is nobody can reach neither the tree nor this directory as they are.
user=65534
chmod 755 "$tmp"
mkdir "$tmp/bin" "$tmp/rules"
install -m 755 "$sensor" "$collector" "$tmp/bin/"
install -d -o $user -g $user "$tmp/log" "$tmp/state"
rule() {
	echo "alert udp any any -> any 9 (msg:\"$2\"; content:\"picket\";" \
		"pcre:\"/picket[0-9]+/\"; sid:$1;)"
}
rule 1 before >"$tmp/rules/any.rules"
port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis_at_port() {
	ip netns exec $net redis-server --port "$port" --save '' --appendonly no \
		--dir "$tmp" --loglevel warning >>"$tmp/redis.log" 2>&1 &
	redis_pid=$!
	pids="$pids $redis_pid"
	eventually 30 in_net redis-cli -p "$port" ping || {
		cat "$tmp/redis.log"
		exit 99
	}
}
redis_at_port

# traced NAME COMMAND... : $pid is strace's, which passes no signal on.
traced() {
	name=$1
	shift
	ip netns exec $net strace -f -qq -o "$tmp/$name.trace" "$@" 2>"$tmp/$name.log" &
	pid=$!
	pids="$pids $pid"
}
tracee() { cat "/proc/$pid/task/$pid/children"; }
says() { grep -q "$2" "$tmp/$1.log"; }

traced collector "$tmp/bin/picket-collector" --user $user:$user \
	--redis "redis://localhost:$port" --store "$tmp/state/picket.db" \
	--feed "$tmp/log/feed.json" --listen 127.0.0.1:0 \
	--set metrics.listen=127.0.0.1:0 --set security.sandbox=auto
collector_pid=$pid
eventually 60 says collector 'console: http' || {
	cat "$tmp/collector.log"
	fail "no console in 60 s"
}
grep -q 'confined.*off under' "$tmp/collector.log" &&
	skip "this build is not confined"
traced sensor "$tmp/bin/picket-sensor" --user $user:$user --interface eth7 \
	--workers 2 --rules "$tmp/rules/*.rules" --eve "$tmp/log/eve.json" \
	--site a --sensor s --redis "redis://localhost:$port" \
	--spool "$tmp/spool" --set spool.resend-seconds=1 \
	--set metrics.listen=127.0.0.1:0 --set file-store.enabled=yes \
	--set file-store.force-filestore=yes \
	--set "file-store.dir=$tmp/files" --stats "$tmp/log/stats.json"
sensor_pid=$pid
eventually 60 says sensor 'capturing on' || fail "not capturing in 60 s"

# --- what is left of their rights
grep -q "confined: user .*Landlock [1-9].*seccomp ([1-9]" "$tmp/sensor.log" &&
	landlock=yes || landlock=no
rights() {
	sed -n 's/^\(Uid\|Groups\|CapPrm\|CapEff\|CapBnd\|CapAmb\|NoNewPrivs\|Seccomp\):[	 ]*//p' \
		"/proc/$1/status" | xargs
}
has_rights() {
	same "$1: rights" \
		"$user $user $user $user $3 $3 $3 0000000000000000 1 2" \
		"$(rights "$2")"
}
pid=$sensor_pid
has_rights sensor "$(tracee | xargs)" 0000000000002000
for thread in /proc/"$(tracee | xargs)"/task/*; do
	same "a thread's rights" 2 \
		"$(sed -n 's/^Seccomp:[	 ]*//p' "$thread/status")"
done
# and of its kind: on top of the process's filter, the main thread's and its own
for kind in worker writer reload forward; do
	grep -l -x $kind /proc/"$(tracee | xargs)"/task/*/comm >"$tmp/x" ||
		fail "no thread $kind"
done
pid=$collector_pid
has_rights collector "$(tracee | xargs)" 0000000000000000

# --- live, through whatever happens
number=0
send() {
	number=$((number + 1))
	in_net python3 -c 'import socket, struct, sys
# Ethernet, IPv4 and UDP by hand: the link has no addresses
text = b"picket" + sys.argv[1].encode()
udp = struct.pack("!HHHH", 1000 + int(sys.argv[1]), 9, 8 + len(text), 0) + text
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                 bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
words = struct.unpack("!10H", ip)
total = sum(words)
while total >> 16:
    total = (total & 0xffff) + (total >> 16)
ip = ip[:10] + struct.pack("!H", ~total & 0xffff) + ip[12:]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("teth7", 0))
s.send(b"\2\0\0\0\0\1\2\0\0\0\0\2\10\0" + ip + udp)' $number
}
# alerted TEXT FILE : an alert of that rule, sending until there is one.
alerted() {
	send
	grep -q "\"signature\":\"$1\"" "$2" 2>/dev/null
}
eventually 60 alerted before "$tmp/log/eve.json" || fail "no alert in 60 s"
pid=$sensor_pid

rule 2 after >"$tmp/rules/new"
mv "$tmp/rules/new" "$tmp/rules/any.rules"
kill -USR2 "$(tracee)"
eventually 60 alerted after "$tmp/log/eve.json" || fail "no reload in 60 s"

mv "$tmp/log/eve.json" "$tmp/log/eve.json.1"
kill -HUP "$(tracee)"
eventually 60 alerted after "$tmp/log/eve.json" || fail "no new EVE file in 60 s"

in_net ip link set eth7 down
eventually 60 says sensor 'eth7 is down' || fail "not told in 60 s: down"
in_net ip link set eth7 up
eventually 60 says sensor 'eth7 is up again' || fail "not told in 60 s: up"
in_net ip link del eth7
eventually 60 says sensor 'eth7 is gone' || fail "not told in 60 s: gone"
tap || fail "no new link"
eventually 60 says sensor 'eth7 is open again' || fail "not opened in 60 s"
mv "$tmp/log/eve.json" "$tmp/log/eve.json.2"
kill -HUP "$(tracee)"
eventually 60 alerted after "$tmp/log/eve.json" || fail "no alert once it is back"

# --- files from the wire, kept by whom the sensor became
feed() {
	in_net python3 -c 'import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("teth7", 0))
with open(sys.argv[1], "rb") as f:
    f.read(24)
    while head := f.read(16):
        frame = f.read(struct.unpack("<I", head[8:12])[0])
        if len(frame) <= 1514:
            s.send(frame)' "$top/pcaps/exercise-jp-east.pcap"
}
kept() {
	feed
	find "$tmp/files" -type f -path '*/[0-9a-f][0-9a-f]/*' | grep -q .
}
eventually 60 kept || fail "no file from the wire in the store in 60 s"
same "whose files these are" $user \
	"$(find "$tmp/files" -type f -printf '%U\n' | sort -u | xargs)"

stored() {
	sql 'SELECT coalesce(sum(alerts), 0) FROM frames' "$tmp/state/picket.db"
}
stored_more() { [ "$(stored)" -gt "$1" ]; }
eventually 60 stored_more 0 || fail "the collector has nothing in 60 s"
kill -9 "$redis_pid"
wait "$redis_pid" 2>/dev/null
before=$(stored)
alerted after "$tmp/log/eve.json"
redis_at_port
eventually 120 stored_more "$before" || fail "nothing comes after Redis did"

# --- a file from the wire, the console, the metrics
url_in() { sed -n 's/.*'"$2"': \(http.*\)/\1/p' "$tmp/$1.log"; }
get() { in_net curl -s -f "$@"; }
get -o "$tmp/x" "$(url_in collector console)" || fail "no console"
get -o "$tmp/x" "$(url_in collector console)api/alerts" || fail "no alerts there"
for p in sensor collector; do
	get -o "$tmp/$p.metrics" "$(url_in $p metrics)" || fail "no metrics of $p"
	grep -q '_confined_system_calls [1-9]' "$tmp/$p.metrics" ||
		fail "metrics do not say that $p is confined"
done
told() {
	in_net redis-cli -p "$port" hget 'picket:sensor:{a/s}' confined |
		grep -q 'user .*, capabilities net_raw, Landlock'
}
eventually 60 told || fail "the presence does not say that it is confined"
mv "$tmp/log/feed.json" "$tmp/log/feed.json.1"
pid=$collector_pid
kill -HUP "$(tracee)"
eventually 60 test -e "$tmp/log/feed.json" || fail "no new feed in 60 s"

# --- their ends
for p in "$sensor_pid" "$collector_pid"; do
	pid=$p
	kill -TERM "$(tracee)"
	wait "$p" || fail "exit status $?: $(cat "$tmp"/*.log)"
done
[ -s "$tmp/log/stats.json" ] || fail "no statistics at the end"
same "the spool's owner" $user "$(stat -c %u "$tmp/spool")"

# Once confined, which is when the filter was installed, nothing is refused.
# The kernel's answer to a connection that nobody takes is none of these.
for p in sensor collector; do
	awk '/seccomp\(SECCOMP_SET_MODE_FILTER|prctl\(PR_SET_SECCOMP/ { on = 1; next }
		on && /= -1 (EPERM|EACCES|ENOSYS)/ && !/clone3|openat2|faccessat2/' \
		"$tmp/$p.trace" >"$tmp/$p.refused"
	[ ! -s "$tmp/$p.refused" ] ||
		fail "$p was refused: $(sort -u "$tmp/$p.refused" | head -n 5)"
	grep -q -E 'seccomp\(|PR_SET_SECCOMP' "$tmp/$p.trace" ||
		fail "$p: no filter in its trace"
done
same "Landlock and seccomp are in force" yes "$landlock"
no_sanitizer "$tmp"/*.log
finish
