#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A source gives what many of our hosts use, though it never raised anything: it
# is armed, the sensor says how many of ours used it, and it is taken back; the
# incident that it had begun at other sites falls apart.  A beacon of three hosts
# stays armed, and so does what an analyst releases.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli sqlite3 jq python3 mkfifo
store=$tmp/picket.db
ctl() { "$bin/picketctl" --store "$store" "$@"; }
redis_start
ctl keys make "$tmp/key" >/dev/null || fail "no key"
exec=exec collect --set "control.sign-key=$tmp/key" --set warn.enabled=no \
	--feed "$tmp/feed.json" \
	2>"$tmp/collector.log" &
pids="$pids $!"
eventually 60 ctl status || fail "no collector: $(cat "$tmp/collector.log")"

# sensor_up SITE : it reads a pipe, so that it is armed as it goes.
sensor_up() {
	mkfifo "$tmp/$1.pipe"
	exec "$sensor" --read - --site "$1" --sensor tap1 \
		--redis "unix://$sock" --spool "$tmp/$1.spool" \
		--retro "$tmp/$1.index" --eve "$tmp/$1.json" --eve-types alert \
		--set "control.public-key=$tmp/key.pub" \
		--set forward.drain-ms=1 --set forward.linger-ms=1 \
		--set 'vars.address-groups.HOME_NET=[10.0.0.0/8]' \
		<"$tmp/$1.pipe" 2>"$tmp/$1.log"
}
# requests ROW... : a capture of requests, each by so many hosts from an address
# on: COUNT FIRST-ADDRESS SERVER HOST AGENT.
requests() {
	python3 - "$@" <<'PY'
import ipaddress, struct, sys, time
out, at = sys.stdout.buffer, int(time.time()) - 1000
if at // 604800 != (at + 600) // 604800: # hosts are counted by the week
    at -= 1200
out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
def folded(b):
    s = sum(struct.unpack(">%dH" % ((len(b) + 1) // 2), b + b"\0" * (len(b) % 2)))
    while s > 0xffff:
        s = (s & 0xffff) + (s >> 16)
    return struct.pack(">H", s ^ 0xffff)
def packet(src, dst, sport, dport, seq, ack, flags, data=b""):
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 8192,
                      0, 0) + data
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0,
                     src, dst)
    ip = ip[:10] + folded(ip) + ip[12:]
    tcp = (tcp[:16] + folded(src + dst + struct.pack(">HH", 6, len(tcp)) + tcp)
           + tcp[18:])
    f = bytes(6) + b"\2" + bytes(5) + b"\x08\x00" + ip + tcp
    out.write(struct.pack("<IIII", at, 0, len(f), len(f)) + f)
for row in sys.argv[1:]:
    n, first, server, host, agent = row.split(" ", 4)
    dst = ipaddress.ip_address(server).packed
    for k in range(int(n)):
        at += 3
        src = (ipaddress.ip_address(first) + k).packed
        req = ("GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n\r\n" %
               (host, agent)).encode()
        packet(src, dst, 4000, 80, 1000, 0, 2)
        packet(dst, src, 80, 4000, 5000, 1001, 18)
        packet(src, dst, 4000, 80, 1001, 5001, 16)
        packet(src, dst, 4000, 80, 1001, 5001, 24, req)
        packet(dst, src, 80, 4000, 5001, 1001 + len(req), 16)
PY
}
# noted SITE VALUE : another process sees it in the index.
noted() { "$sensor" --quiet --retro "$tmp/$1.index" --retro-ask "$2"; }
# is_up SITE VALUE : what was written up to it is kept, and the sensor armed.
is_up() {
	eventually 60 noted "$1" "$2" || fail "$1: nothing is kept"
	eventually 60 grep -q 'indicators armed, version' "$tmp/$1.log" ||
		fail "$1: no base: $(cat "$tmp/$1.log")"
}

# Two branches, of which few hosts each use what is common at the headquarters.
for s in north south; do
	sensor_up $s &
	pids="$pids $!"
done
eventually 60 test -p "$tmp/north.pipe" -a -p "$tmp/south.pipe"
exec 7>"$tmp/north.pipe" 8>"$tmp/south.pipe"
popular='198.51.100.8 cdn.popular-host.net Common/1.0 (any of ours)'
requests "3 10.1.0.10 $popular" "1 10.1.0.99 198.51.100.6 end.popular-host.net x" >&7
requests "3 10.2.0.10 $popular" "1 10.2.0.99 198.51.100.6 end.popular-host.net x" >&8
for s in north south; do
	is_up $s end.popular-host.net
done

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
eventually 60 told cdn.popular-host.net 2 || fail "no answers of the branches"
same "few hosts" 2 "$(state_of cdn.popular-host.net)"
# open_of VALUE : open incidents that the indicator is part of.
open_of() {
	sql "SELECT count(*) FROM incidents i JOIN incident_runs m ON
		m.incident=i.id JOIN runs r ON r.id=m.run WHERE
		i.state='open' AND r.key='$1'"
}
is_open() { [ "$(open_of "$1")" = "$2" ]; }
eventually 60 is_open cdn.popular-host.net 1 || fail "two sites are no incident"

# The headquarters come: most hosts use it, few a beacon, strangers another name.
requests "60 10.0.0.10 $popular" \
	"3 10.0.0.10 198.51.100.7 c2.evil-host.net Beacon/2.0 (rare)" \
	"60 203.0.113.1 198.51.100.5 c3.evil-host.net Beacon/3.0 (rare)" \
	"1 10.0.0.99 198.51.100.6 end.popular-host.net x" >"$tmp/hq.pcap"
"$sensor" --quiet --read "$tmp/hq.pcap" --retro "$tmp/hq.index" \
	--set 'vars.address-groups.HOME_NET=[10.0.0.0/8]' ||
	fail "the headquarters' index: status $?"
noted hq cdn.popular-host.net >"$tmp/asked"
grep -q 'about [4-9][0-9] hosts of ours' "$tmp/asked" ||
	fail "hosts: $(cat "$tmp/asked")"
sensor_up hq &
pids="$pids $!"
eventually 60 test -p "$tmp/hq.pipe"
exec 9>"$tmp/hq.pipe"
requests "1 10.0.0.99 198.51.100.6 end.popular-host.net x" >&9
is_up hq end.popular-host.net
for v in c2.evil-host.net c3.evil-host.net 'Beacon/2.0 (rare)'; do
	eventually 60 told "$v" 1 || fail "no answer: $v"
done
for v in cdn.popular-host.net 'Common/1.0 (any of ours)'; do
	eventually 60 is_state "$v" 1 || fail "armed: $v"
done
for v in c2.evil-host.net c3.evil-host.net 'Beacon/2.0 (rare)'; do
	same "armed: $v" 2 "$(state_of "$v")"
done
eventually 60 is_open cdn.popular-host.net 0 ||
	fail "its incident stays: $(ctl incidents)"
ctl incidents show 1 --json | jq -r '.log[] | .what + ": " + .text' >"$tmp/why"
grep -q '^dissolved: .*: held by gate: too common: about' "$tmp/why" ||
	fail "why: $(cat "$tmp/why")"
same "told" 'domain cdn.popular-host.net hq
user-agent Common/1.0 (any of ours) hq' "$(jq -r 'select(.event_type == "held") |
	"\(.held.type) \(.held.value) \(.picket.site)"' "$tmp/feed.json" | sort)"
ctl --all alerts | grep 'known-bad domain.* indicator domain:cdn' >"$tmp/shown"
grep -q ' seen 20.*, about [4-9][0-9] hosts of ours in a week' "$tmp/shown" ||
	fail "not shown: $(cat "$tmp/shown")"
ctl indicators held >"$tmp/held"
grep -q 'held by gate: too common: about [4-9][0-9] hosts of ours at hq used it in a week' \
	"$tmp/held" || fail "no reason: $(cat "$tmp/held")"
# even N : the sensor runs the newest version, with N in force.
even() {
	[ "$(ctl indicators armed --json |
		jq -r '[.sensors[] | "\(.behind) \(.armed)"] | unique | join(",")'
		)" = "0 $1" ]
}
eventually 60 even 3 || fail "in force: $(ctl indicators armed)"

# An analyst's word stands: what is asked for once more is not taken back.
ctl indicators release cdn.popular-host.net --note "known" >/dev/null ||
	fail "not released"
eventually 60 told cdn.popular-host.net 6 || fail "not asked once more"
eventually 60 even 4 || fail "in force: $(ctl indicators armed)"
same "released" 2 "$(state_of cdn.popular-host.net)"
exec 7>&- 8>&- 9>&-
no_sanitizer "$tmp"/*.log
finish
