#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A source gives what hundreds of our hosts use, though it never raised anything:
# it is armed, the sensor says how many of ours used it, and it is taken back; so
# is what it had raised of the past.  A beacon of three hosts stays armed, and so
# does what an analyst releases.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli sqlite3 jq python3 mkfifo
store=$tmp/picket.db
ctl() { "$bin/picketctl" --store "$store" "$@"; }
redis_start
ctl keys make "$tmp/key" >/dev/null || fail "no key"
exec=exec collect --set "control.sign-key=$tmp/key" --set warn.enabled=no \
	2>"$tmp/collector.log" &
pids="$pids $!"
eventually 60 ctl status || fail "no collector: $(cat "$tmp/collector.log")"

mkfifo "$tmp/pipe"
"$sensor" --read - --site hq --sensor tap1 --redis "unix://$sock" \
	--spool "$tmp/spool" --retro "$tmp/index" --eve "$tmp/eve.json" \
	--eve-types alert --set "control.public-key=$tmp/key.pub" \
	--set forward.drain-ms=1 --set forward.linger-ms=1 \
	--set 'vars.address-groups.HOME_NET=[10.0.0.0/8]' \
	<"$tmp/pipe" 2>"$tmp/sensor.log" &
pids="$pids $!"
exec 9>"$tmp/pipe"
# Requests: of HOSTS hosts of NET each one, to a name, by an agent.
python3 - >&9 <<'PY'
import struct, sys
out, at = sys.stdout.buffer, 1790000000
out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
def packet(src, dst, sport, dport, seq, ack, flags, data=b""):
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 8192,
                      0, 0) + data
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0,
                     src, dst)
    s = sum(struct.unpack(">10H", ip))
    while s > 0xffff:
        s = (s & 0xffff) + (s >> 16)
    ip = ip[:10] + struct.pack(">H", s ^ 0xffff) + ip[12:]
    words = src + dst + struct.pack(">HH", 6, len(tcp)) + tcp
    s = sum(struct.unpack(">%dH" % (len(words) // 2 + len(words) % 2),
                          words + b"\0" * (len(words) % 2)))
    while s > 0xffff:
        s = (s & 0xffff) + (s >> 16)
    tcp = tcp[:16] + struct.pack(">H", s ^ 0xffff) + tcp[18:]
    f = bytes(6) + b"\2" + bytes(5) + b"\x08\x00" + ip + tcp
    out.write(struct.pack("<IIII", at, 0, len(f), len(f)) + f)
def get(src, host, agent, sport):
    global at
    at += 1
    dst = bytes((198, 51, 100, 7))
    req = ("GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n\r\n" %
           (host, agent)).encode()
    packet(src, dst, sport, 80, 1000, 0, 2)
    packet(dst, src, 80, sport, 5000, 1001, 18)
    packet(src, dst, sport, 80, 1001, 5001, 16)
    packet(src, dst, sport, 80, 1001, 5001, 24, req)
    packet(dst, src, 80, sport, 5001, 1001 + len(req), 16)
for n in range(60):
    get(bytes((10, 0, n % 4, 10 + n)), "cdn.popular-host.net",
        "Common/1.0 (any of ours)", 4000)
for n in range(3):
    get(bytes((10, 0, 0, 10 + n)), "c2.evil-host.net", "Beacon/2.0 (rare)",
        4001)
for n in range(60): # strangers make nothing common
    get(bytes((203, 0, 113, n + 1)), "c3.evil-host.net", "Beacon/3.0 (rare)",
        4002)
PY
# noted VALUE : another process sees it in the index.
noted() { "$sensor" --quiet --retro "$tmp/index" --retro-ask "$1"; }
eventually 60 noted c3.evil-host.net >/dev/null || fail "nothing is kept"
noted cdn.popular-host.net >"$tmp/asked"
grep -q 'about [4-9][0-9] hosts of ours' "$tmp/asked" ||
	fail "hosts: $(cat "$tmp/asked")"
eventually 60 grep -q 'indicators armed, version' "$tmp/sensor.log" ||
	fail "no base: $(cat "$tmp/sensor.log")"

cat >"$tmp/list.csv" <<'END'
type,value
domain,cdn.popular-host.net
domain,c2.evil-host.net
domain,c3.evil-host.net
user-agent,Common/1.0 (any of ours)
user-agent,Beacon/2.0 (rare)
END
ctl indicators import --source partner "$tmp/list.csv" >"$tmp/imported" ||
	fail "not imported: $(cat "$tmp/imported")"
# told VALUE N : the collector has N answers that it was seen before.
told() {
	[ "$(ctl --json --all alerts | jq --arg v "$1" '[.. | objects |
		select(.past? and (.indicator | endswith($v)))] | length')" -ge "$2" ]
}
state_of() { sql "SELECT state FROM indicators WHERE value='$1'"; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
for v in c2.evil-host.net c3.evil-host.net 'Beacon/2.0 (rare)'; do
	eventually 60 told "$v" 1 || fail "no answer: $v"
done
for v in cdn.popular-host.net 'Common/1.0 (any of ours)'; do
	eventually 60 is_state "$v" 1 || fail "armed: $v"
done
for v in c2.evil-host.net c3.evil-host.net 'Beacon/2.0 (rare)'; do
	same "armed: $v" 2 "$(state_of "$v")"
done
ctl indicators held >"$tmp/held"
grep -q 'held by gate: too common: used by about [4-9][0-9] hosts of ours at hq since 2026-' \
	"$tmp/held" || fail "no reason: $(cat "$tmp/held")"
# even N : the sensor runs the newest version, with N in force.
even() {
	[ "$(ctl indicators armed --json |
		jq -r '.sensors[0] | "\(.behind) \(.armed)"')" = "0 $1" ]
}
eventually 60 even 3 || fail "in force: $(ctl indicators armed)"

# An analyst's word stands: what is asked for once more is not taken back.
ctl indicators release cdn.popular-host.net --note "known" >/dev/null ||
	fail "not released"
eventually 60 told cdn.popular-host.net 2 || fail "not asked once more"
eventually 60 even 4 || fail "in force: $(ctl indicators armed)"
same "released" 2 "$(state_of cdn.popular-host.net)"
exec 9>&-
no_sanitizer "$tmp/sensor.log" "$tmp/collector.log"
finish
