#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An analyst asks for the packets of an alert, and has them from the sensor that
# keeps them: what comes raises the same alert again.  Who has no key, a wrong
# one, or asks for what nobody keeps, is told.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli jq sqlite3 tar cmp
ctl=$bin/picketctl
[ -x "$ctl" ] || skip "picketctl is not built"

redis_start
for k in key other; do
	"$ctl" keys make "$tmp/$k" >/dev/null || fail "keys make: status $?"
done
cat >"$tmp/get.rules" <<-EOL
	alert tcp any any -> any any (msg:"a request"; flow:established,to_server; \
	  content:"GET"; startswith; sid:1; rev:1;)
EOL
"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
	2>>"$tmp/collector.log" &
pids="$pids $!"
mkfifo "$tmp/in.fifo"
exec 4<>"$tmp/in.fifo"
"$sensor" --rules "$tmp/get.rules" --read "$tmp/in.fifo" --site jp-east \
	--sensor tap1 --redis "unix://$sock" --spool "$tmp/spool" \
	--set "control.public-key=$tmp/key.pub" --set forward.batch-ms=20 \
	--set "evidence.dir=$tmp/kept" --set evidence.mode=flows \
	2>>"$tmp/sensor.log" &
pids="$pids $!"
cat "$top/pcaps/exercise-jp-east.pcap" >&4

stored() {
	[ "$(sql 'SELECT count(*) FROM frames WHERE alerts > 0')" -ge 1 ]
}
eventually 30 stored || fail "no alerts: $(cat "$tmp/sensor.log")"
# get FILE ALERT [OPTION...] : into the file of that number.
get() {
	file=$1 n=$2
	shift 2
	"$ctl" --store "$tmp/picket.db" evidence get "$n" \
		--redis "unix://$sock" --out "$tmp/$file.pcapng" --json "$@" \
		>"$tmp/get.json" 2>"$tmp/get.err"
}
get 1 1 --key "$tmp/key" || fail "get 1: status $?: $(cat "$tmp/get.err")"
same "packets are whole" false "$(jq .cut "$tmp/get.json")"
same "digest" "$(sha256sum "$tmp/1.pcapng" | cut -d' ' -f1)" \
	"$(jq -r .sha256 "$tmp/get.json")"
same "mode of the file" 600 "$(stat -c %a "$tmp/1.pcapng")"

# What came is a capture of that flow and of no other, and alerts likewise.
"$sensor" --quiet --rules "$tmp/get.rules" --read "$tmp/1.pcapng" \
	--eve "$tmp/again.json" --stats "$tmp/again.stats" \
	2>"$tmp/again.log" || fail "again: $(cat "$tmp/again.log")"
same "packets" "$(jq .packets "$tmp/get.json")" \
	"$(jq '[.. | .frames? // empty] | first | .in' "$tmp/again.stats")"
one() {
	jq -r 'select(.event_type == "alert") | [.timestamp, .src_ip, .src_port,
		.dest_ip, .dest_port, .alert.signature_id] | @tsv' "$@"
}
"$ctl" --store "$tmp/picket.db" alerts show 1 --json >"$tmp/alert.json"
same "ends of all that came" 1 \
	"$(one "$tmp/again.json" | cut -f2-5 | sort -u | wc -l)"
same "ends" "$(jq -r '.alerts[0] | [.src_port, .dest_port] | @tsv' \
	"$tmp/alert.json")" "$(one "$tmp/again.json" | head -n 1 | cut -f3,5)"

# The same as one file, that tells when it was changed, and where.
"$ctl" --store "$tmp/picket.db" evidence bundle 1 --redis "unix://$sock" \
	--key "$tmp/key" --out "$tmp/1.tar" >/dev/null 2>"$tmp/get.err" ||
	fail "bundle: status $?: $(cat "$tmp/get.err")"
"$ctl" evidence verify "$tmp/1.tar" --key "$tmp/key.pub" >/dev/null \
	2>"$tmp/get.err" || fail "verify: status $?: $(cat "$tmp/get.err")"
"$ctl" evidence verify "$tmp/1.tar" --key "$tmp/other.pub" 2>"$tmp/get.err" &&
	fail "a bundle of another's key"
grep -q 'not signed with this key' "$tmp/get.err" || fail "$(cat "$tmp/get.err")"
tar -xOf "$tmp/1.tar" packets.pcapng >"$tmp/out.pcapng" || fail "tar: $?"
cmp "$tmp/out.pcapng" "$tmp/1.pcapng" || fail "the bundle has other packets"
same "the bundle's alert" 1 \
	"$(tar -xOf "$tmp/1.tar" alert.json | jq .alert.signature_id)"
printf 'X' | dd of="$tmp/1.tar" bs=1 conv=notrunc status=none \
	seek=$(($(stat -c %s "$tmp/1.tar") - 1024 - 512))
"$ctl" evidence verify "$tmp/1.tar" --key "$tmp/key.pub" 2>"$tmp/get.err" &&
	fail "a bundle that was changed"
grep -q 'packets.pcapng' "$tmp/get.err" || fail "$(cat "$tmp/get.err")"

# It is on record, who was given it.
"$ctl" --store "$tmp/picket.db" audit list >"$tmp/audit.txt"
grep -q 'evidence get' "$tmp/audit.txt" || fail "audit: $(cat "$tmp/audit.txt")"
# A file that is there stays as it is.
get 1 1 --key "$tmp/key" && fail "a file was written over"
grep -q 'exists' "$tmp/get.err" || fail "$(cat "$tmp/get.err")"

# The one who is no operator of the sensor's gets nothing.
"$ctl" --store "$tmp/picket.db" evidence get 1 --redis "unix://$sock" \
	2>"$tmp/get.err" && fail "no key was taken"
grep -q -e '--key' "$tmp/get.err" || fail "$(cat "$tmp/get.err")"
same "answers so far" 3 "$(redis-cli -s "$sock" --raw XRANGE \
	'picket:evidence:{jp-east/tap1}' - + | grep -a -c '^whole$')"
refused() {
	redis-cli -s "$sock" HGET 'picket:sensor:{jp-east/tap1}' \
		control_refused | grep -qx '[1-9][0-9]*'
}
get 2 1 --key "$tmp/other" --set evidence.wait=1 && fail "a foreign key was taken"
eventually 20 refused || fail "a forged question is not counted"
grep -q 'no answer' "$tmp/get.err" || fail "$(cat "$tmp/get.err")"
[ ! -e "$tmp/2.pcapng" ] || fail "a file of nothing"

# What had to go is gone.
find "$tmp/kept" -name '*.pcap' -delete
get 3 1 --key "$tmp/key" && fail "what is gone came"
grep -q 'keeps no packet' "$tmp/get.err" || fail "$(cat "$tmp/get.err")"
get 4 999999 --key "$tmp/key" && fail "an alert that there is not"
grep -q 'no alert 999999' "$tmp/get.err" || fail "$(cat "$tmp/get.err")"

no_sanitizer "$tmp"/*.log
finish
