#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Live capture: captures are sent over virtual links between two network
# namespaces.  The alerts are those of --read, and every packet sent is
# accounted for, whatever happens to the interface, the ring or the writer.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need ip jq tcpreplay tcprewrite tcpprep tcpdump
from=pk$$a
to=pk$$b

# Nobody else speaks on these links.
namespaces() {
	for ns in "$from" "$to"; do
		ip netns add "$ns" 2>"$tmp/why" || return 1
		for all in all default; do
			ip netns exec "$ns" sh -c "echo 1 \
			>/proc/sys/net/ipv6/conf/$all/disable_ipv6" 2>/dev/null
		done
	done
	tap eth7
}

# tap NAME : a link that ends as NAME where the sensor is, as tNAME where the
# packets come from.
tap() {
	ip -n "$from" link add "t$1" type veth peer name "$1" \
		netns "$to" 2>"$tmp/why" &&
		ip -n "$from" link set "t$1" up &&
		ip -n "$to" link set "$1" up
}

leave() {
	for p in $pids; do
		kill -CONT "$p" 2>/dev/null
	done
	ip netns del "$from" 2>/dev/null
	ip netns del "$to" 2>/dev/null
	cleanup
}
trap leave EXIT
trap 'leave; exit 99' INT TERM
namespaces || skip "no network namespaces: $(head -n 1 "$tmp/why")"
tap eth8 || skip "no second link"

# begin WORKERS INTERFACES [OPTION...] : a sensor there, once it captures.
begin() {
	n_workers=$1
	names=$2
	shift 2
	rm -f "$tmp/live.json" "$tmp/live.log" "$tmp/stats.json"
	# shellcheck disable=SC2086
	ip netns exec "$to" "$sensor" --interface $names \
		--workers "$n_workers" --rules "$top/rules/dist/*.rules" \
		--indicators "$top/rules/dist/exercise-indicators.csv" \
		--set "vars.address-groups.HOME_NET=[192.0.2.0/24]" \
		--set 'vars.address-groups.EXTERNAL_NET=!$HOME_NET' \
		--eve "$tmp/live.json" --stats "$tmp/stats.json" "$@" \
		2>"$tmp/live.log" &
	live_pid=$!
	pids="$pids $live_pid"
	eventually 60 grep -q 'capturing on' "$tmp/live.log" || {
		fail "no capture begins"
		cat "$tmp/live.log"
	}
}

# end : ends it well.
end() {
	kill -TERM "$live_pid"
	wait "$live_pid" || fail "$what: exit status $?"
	no_sanitizer "$tmp/live.log"
}

# send FILE [OPTION...] : over eth7; adds to $sent.
send() {
	file=$1
	shift
	ip netns exec "$from" tcpreplay -q -t -i teth7 "$@" "$file" \
		>"$tmp/replay.log" 2>&1 || {
		fail "$what: tcpreplay failed"
		cat "$tmp/replay.log"
	}
	sent=$((sent + $(sed -n 's/^Actual: \([0-9]*\) packets.*/\1/p' \
		"$tmp/replay.log")))
}

# of PATH : a counter of the last run's.
of() {
	jq -r "$1" "$tmp/stats.json"
}

# came NAME : packets that the interface has received so far.
came() {
	ip netns exec "$to" sed -n "s/^ *$1: *[0-9]* *\([0-9]*\) .*/\1/p" \
		/proc/net/dev
}

arrived() {
	[ "$(came eth7)" -ge "$1" ]
}

# alerts FILE : what each alert says of whom, sorted.
alerts() {
	jq -r 'select(.event_type == "alert") | [.alert.signature_id, .src_ip,
		.src_port, .dest_ip, .dest_port, .proto, .vlan] | @json' "$1" |
		sort
}

# read_alerts FILE : the same of --read.
read_alerts() {
	rm -f "$tmp/read.json"
	sensor_home --read "$1" --eve "$tmp/read.json" --eve-types alert
	alerts "$tmp/read.json"
}

# balanced : the last run accounts for each of $sent packets.
balanced() {
	# shellcheck disable=SC2046
	set -- $(of '.capture.kernel_packets,
		([.picket.capture[].wire_packets] | add),
		([.picket.capture[] | .delivered + .kernel_dropped] | add),
		([.picket.capture[] | .waiting + .unread] | add),
		([.picket.capture[].delivered] | add),
		(.picket.frames | .inspected + .skipped.not_ip +
			.skipped.invalid +
			([.skipped | to_entries[] | select(.key |
				startswith("shed_")) | .value] | add)),
		.picket.frames.in')
	same "$what: numbers" 7 $#
	same "$what: seen by the kernel" "$sent" "$1"
	same "$what: on the wire" "$sent" "$2"
	same "$what: delivered and dropped" "$sent" "$3"
	same "$what: waiting" 0 "$4"
	same "$what: inspected and skipped" "$5" "$6"
	same "$what: frames" "$7" "$5"
}

# --- the same alerts, every packet, with one worker and with two
for name in exercise-jp-east scan icmp-fragments vxlan; do
	read_alerts "$top/pcaps/$name.pcap" >"$tmp/want"
	for n in 1 2; do
		what="$name, $n workers"
		sent=0
		begin $n eth7
		send "$top/pcaps/$name.pcap"
		end
		balanced
		same "$what: drops" 0 "$(of .capture.kernel_drops)"
		alerts "$tmp/live.json" >"$tmp/got"
		cmp -s "$tmp/want" "$tmp/got" || {
			fail "$what: other alerts than --read"
			diff "$tmp/want" "$tmp/got" | head -n 5
		}
	done
done
same "events without in_iface" 0 "$(jq -c 'select(.event_type != "stats" and
	.event_type != "contacts" and .in_iface != "eth7")' "$tmp/live.json" | wc -l)"
same "events with pcap_cnt" 0 "$(grep -c pcap_cnt "$tmp/live.json")"

# --- tags that the kernel takes off are there again
what=VLAN
sent=0
tcprewrite --enet-vlan=add --enet-vlan-tag=5 --enet-vlan-cfi=0 \
	--enet-vlan-pri=0 -i "$top/pcaps/exercise-jp-east.pcap" -o "$tmp/tagged.pcap" \
	>"$tmp/x" 2>&1 || fail "tcprewrite: $(cat "$tmp/x")"
read_alerts "$tmp/tagged.pcap" >"$tmp/want"
begin 2 eth7
send "$tmp/tagged.pcap"
end
balanced
alerts "$tmp/live.json" >"$tmp/got"
grep -q '\[5\]' "$tmp/got" || fail "VLAN: no alert with the tag"
cmp -s "$tmp/want" "$tmp/got" || fail "VLAN: other alerts than --read"

# --- a filter: what it refuses nobody sees
what=filter
sent=0
want=$(tcpdump -n -r "$top/pcaps/exercise-jp-east.pcap" 'udp port 53' \
	2>/dev/null | wc -l)
begin 2 eth7 --set 'bpf-filter=udp port 53'
send "$top/pcaps/exercise-jp-east.pcap"
end
same "filter: on the wire" "$sent" "$(of '.picket.capture[0].wire_packets')"
same "filter: seen" "$want" "$(of .capture.kernel_packets)"
same "filter: delivered" "$want" "$(of .picket.frames.in)"

# --- the two directions of a link from two taps
what="two taps"
sent=0
read_alerts "$top/pcaps/exercise-jp-east.pcap" >"$tmp/want"
tcpprep --cidr=192.0.2.0/24 -i "$top/pcaps/exercise-jp-east.pcap" -o "$tmp/cache" \
	>"$tmp/x" 2>&1 || fail "tcpprep: $(cat "$tmp/x")"
begin 2 "eth7 eth8"
send "$top/pcaps/exercise-jp-east.pcap" --cachefile="$tmp/cache" -I teth8
end
balanced
alerts "$tmp/live.json" >"$tmp/got"
cmp -s "$tmp/want" "$tmp/got" || fail "two taps: other alerts than --read"
for i in 0 1; do
	[ "$(of ".picket.capture[$i].delivered")" -gt 0 ] ||
		fail "two taps: nothing came by the tap number $i"
done

# --- set down and up again
what="down and up"
sent=0
says() {
	grep -q "$1" "$tmp/live.log"
}
begin 2 eth7
ip -n "$to" link set eth7 down
eventually 30 says 'eth7 is down' || fail "nothing told that it is down"
ip -n "$to" link set eth7 up
eventually 30 says 'eth7 is up again' || fail "nothing told that it is up"
send "$top/pcaps/http.pcap"
end
balanced
same "down and up: downs" 1 "$(of '.picket.capture[0].downs')"
same "down and up: told" 2 "$(grep -c 'eth7 is' "$tmp/live.log")"

# --- down from the beginning, and the EVE file is rotated meanwhile
what="down at first"
sent=0
ip -n "$to" link set eth8 down
begin 2 "eth7 eth8"
says 'eth8 is down; waiting' || fail "nothing told that it waits for eth8"
ip -n "$to" link set eth8 up
eventually 30 says 'capturing on eth8' || fail "eth8 is not taken in"
send "$top/pcaps/exercise-jp-east.pcap" --cachefile="$tmp/cache" -I teth8
eventually 30 grep -q '"event_type":"dns"' "$tmp/live.json" ||
	fail "no event while it runs"
mv "$tmp/live.json" "$tmp/rotated.json"
kill -HUP "$live_pid"
eventually 30 test -e "$tmp/live.json" || fail "no new EVE file"
end
balanced
cat "$tmp/rotated.json" "$tmp/live.json" >"$tmp/all.json"
alerts "$tmp/all.json" >"$tmp/got"
cmp -s "$tmp/want" "$tmp/got" || fail "down at first: other alerts than --read"

# --- taken away and made again
what="taken away"
sent=0
begin 2 eth7 --eve-types alert
send "$top/pcaps/exercise-jp-east.pcap"
ip -n "$to" link del eth7
eventually 30 says 'eth7 is gone' || fail "nothing told that it is gone"
tap eth7 || fail "no new link"
eventually 60 says 'eth7 is open again' || fail "it is not opened again"
send "$top/pcaps/exercise-jp-east.pcap"
end
same "taken away: seen" "$sent" "$(of .capture.kernel_packets)"
same "taken away: delivered" "$sent" "$(of .picket.frames.in)"
same "taken away: opens" 2 "$(of '.picket.capture[0].opens')"
same "taken away: downs" 1 "$(of '.picket.capture[0].downs')"
[ "$(alerts "$tmp/live.json" | wc -l)" -ge $(($(wc -l <"$tmp/want") * 2)) ] ||
	fail "taken away: fewer alerts than twice those of --read"

# --- the end comes while the ring is full of what was not read
what="full ring"
sent=0
begin 2 eth7
base=$(came eth7)
kill -STOP "$live_pid"
send "$top/pcaps/exercise-jp-east.pcap" --loop=40
eventually 30 arrived $((base + sent)) || fail "not all arrived"
kill -TERM "$live_pid"
kill -CONT "$live_pid"
end
balanced
same "full ring: drops" 0 "$(of .capture.kernel_drops)"

# --- a ring that is too small drops, and tells how much
what="small ring"
sent=0
begin 2 eth7 --set capture.ring-size=1mb
base=$(came eth7)
kill -STOP "$live_pid"
send "$top/pcaps/exercise-jp-east.pcap" --loop=40
eventually 30 arrived $((base + sent)) || fail "not all arrived"
kill -CONT "$live_pid"
end
balanced
[ "$(of .capture.kernel_drops)" -gt 0 ] || fail "small ring: no drops"

# --- a writer that stands still holds nobody up
what="slow writer"
sent=0
mkfifo "$tmp/fifo"
# opened to write as well, so that nobody waits for the other end
exec 7<>"$tmp/fifo"
begin_at_fifo() {
	rm -f "$tmp/live.log" "$tmp/stats.json"
	ip netns exec "$to" "$sensor" --interface eth7 --workers 2 \
		--rules "$top/rules/dist/*.rules" \
		--set "vars.address-groups.HOME_NET=[192.0.2.0/24]" \
		--eve "$tmp/fifo" --stats "$tmp/stats.json" \
		--set stats.interval=1 2>"$tmp/live.log" &
	live_pid=$!
	pids="$pids $live_pid"
	eventually 60 says 'capturing on' || fail "no capture begins"
}
begin_at_fifo
for i in 1 2 3 4 5 6 7 8 9 10; do
	send "$top/pcaps/exercise-jp-east.pcap" --loop=20
	sleep 0.05
done
told=$(grep -c '^{"uptime"' "$tmp/live.log")
kill -USR1 "$live_pid"
more_told() {
	[ "$(grep -c '^{"uptime"' "$tmp/live.log")" -gt "$told" ]
}
eventually 30 more_told || fail "counters wait for the writer"
cat <&7 >/dev/null &
reader=$!
pids="$pids $reader"
end
kill "$reader"
exec 7>&-
balanced
same "slow writer: drops" 0 "$(of .capture.kernel_drops)"
[ "$(of .picket.events_lost_writer_behind)" -gt 0 ] ||
	fail "slow writer: no event lost"
same "slow writer: alerts" "$(of .picket.alerts.raised)" \
	"$(of '.picket.alerts | .written + .suppressed_by_threshold +
		.lost_writer_behind')"

# --- packets of alerts are kept, under all filters
what=evidence
sent=0
begin 2 eth7 --set "evidence.dir=$tmp/evidence" --set evidence.mode=flows
base=$(came eth7)
send "$top/pcaps/exercise-jp-east.pcap"
eventually 30 arrived $((base + sent)) || fail "not all arrived"
end
balanced
kept=$(of .picket.evidence.packets)
[ "$kept" -gt 0 ] || fail "evidence: no packet was kept"
same "evidence: lost" 0 \
	"$(of '.picket.evidence | .lost + .lost_full + .errors')"
same "evidence: packets in the files" "$kept" \
	"$(for f in "$tmp"/evidence/*.pcap; do
		tcpdump -nr "$f" 2>/dev/null
	done | grep -c '^[0-9]')"
same "evidence: alerts whose file there is not" 0 \
	"$(jq -r 'select(.event_type == "alert") | .capture_file' \
		"$tmp/live.json" | sort -u | while read -r f; do
		[ -s "$f" ] || echo "$f"
	done | wc -l)"

# --- new rules lose no packet
what=reload
sent=0
begin 2 eth7
for i in 1 2 3; do
	kill -USR2 "$live_pid"
	send "$top/pcaps/exercise-jp-east.pcap" --loop=20
done
kill -USR2 "$live_pid"
eventually 60 says 'reload: .* rules loaded' || fail "nothing loaded"
end
balanced
same "reload: drops" 0 "$(of .capture.kernel_drops)"
[ "$(of .picket.rules.reloads)" -gt 0 ] || fail "no reload is counted"

# --- flows end though nothing comes any more
what=idle
sent=0
begin 2 eth7 --set flow-timeouts.default.new=1 --set flow-timeouts.udp.new=1 \
	--set flow-timeouts.udp.established=1 --eve-types flow
send "$top/pcaps/dns.pcap"
flow_ended() {
	grep -q '"event_type":"flow"' "$tmp/live.json"
}
eventually 90 flow_ended || fail "no flow ends by the clock"
end
balanced

# --- what cannot be
ip netns exec "$to" "$sensor" --interface eht7 --eve - >"$tmp/x" 2>&1
same "misspelt: exit status" 2 $?
grep -q 'did you mean eth7' "$tmp/x" || fail "misspelt: $(cat "$tmp/x")"
ip netns exec "$to" "$sensor" --interface eth7 --read x.pcap >"$tmp/x" 2>&1
same "two inputs: exit status" 2 $?
ip netns exec "$to" "$sensor" --interface eth7 \
	--set capture.fanout=pairs >"$tmp/x" 2>&1
same "fanout: exit status" 2 $?
ip netns exec "$to" "$sensor" --interface eth7 \
	--set 'bpf-filter=no such thing' >"$tmp/x" 2>&1
same "wrong filter: exit status" 2 $?
grep -q "bpf-filter 'no such thing'" "$tmp/x" || fail "wrong filter: $(cat "$tmp/x")"
if command -v setpriv >"$tmp/x"; then
	ip netns exec "$to" setpriv --reuid=65534 --regid=65534 \
		--clear-groups --bounding-set=-all --inh-caps=-all \
		"$sensor" --interface eth7 --eve - >"$tmp/x" 2>&1
	same "no rights: exit status" 2 $?
	grep -q 'not permitted; run as root' "$tmp/x" ||
		fail "no rights: $(cat "$tmp/x")"
fi
ip netns exec "$to" "$sensor" --list-interfaces >"$tmp/x" 2>&1 ||
	fail "--list-interfaces: status $?"
grep -q '^eth7: up.*link type EN10MB' "$tmp/x" ||
	fail "--list-interfaces: $(cat "$tmp/x")"
finish
