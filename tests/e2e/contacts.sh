#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who contacts whom: what all lines of a host and an interval add up to is what
# was sent, for any number of workers; and what is telling comes first.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3

tool() { python3 "$top/tests/tools/contacts.py" "$@"; }
# contacts WORKERS NAME OPTION... : the events of all.pcap, and statistics.
contacts() {
	w=$1 name=$2
	shift 2
	"$sensor" --quiet --read "${capture:-$tmp/all.pcap}" --workers "$w" \
		--eve "$tmp/$name.eve" --eve-types contacts \
		--stats "$tmp/$name.stats" "$@" 2>"$tmp/log" ||
		fail "$name: exit status $?: $(cat "$tmp/log")"
}
# count NAME COUNTER
count() {
	python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["picket"]["contacts"][sys.argv[2]])' \
		"$tmp/$1.stats" "$2"
}
# ask NAME EXPRESSION : of the list 'v' of what the events tell.
ask() {
	python3 -c 'import json, sys
v = [json.loads(l)["contacts"] for l in open(sys.argv[1])]
def of(ip): return [c for c in v if c["ip"] == ip]
print(eval("(" + sys.argv[2] + ")"))' "$tmp/$1.eve" "$2"
}

scene=web+names+scan+outside+beacon+lateral+upload
tool pcap $scene "$tmp/all.pcap" || fail "no capture"
tool sums $scene >"$tmp/want" || fail "no sums"
[ -s "$tmp/want" ] || fail "nothing to compare with"
for w in 1 2 4; do
	contacts $w w$w
	tool merge "$tmp/w$w.eve" >"$tmp/got"
	cmp -s "$tmp/want" "$tmp/got" ||
		fail "$w workers: $(diff "$tmp/want" "$tmp/got" | head -4)"
	same "$w workers, hosts without room" "0 0" \
		"$(count w$w early) $(count w$w hosts_dropped)"
done
same "lines" "$(wc -l <"$tmp/w1.eve")" "$(count w1 lines)"
contacts 1 again
cmp -s "$tmp/w1.eve" "$tmp/again.eve" || fail "twice the same gives two texts"

# What a collector would go by.
same "scan" "True True 5" "$(ask w1 'sum(c["failed"] for c in of("10.0.1.66")) > 550,
	100 < max(c["peers"] for c in of("10.0.1.66")) < 140,
	max(c["ports"] for c in of("10.0.1.66"))' | tr -d '(),')"
same "scan from outside" "300 298" "$(ask w1 'sum(c["flows"] for c in of("203.0.113.9")),
	sum(c["failed"] for c in of("203.0.113.9"))' | tr -d '(),')"
same "beacon among others" "203.0.113.77 8443 [7, 47]" \
	"$(ask w1 '[(t["ip"], t["port"], [s // 1000 for s in t["starts"]])
	for c in of("10.0.1.7") if c["flows"] > 30 for t in c["to"]][0]' |
		tr -d "()'" | sed 's/,//; s/,//')"
same "lateral" "10.0.2.10 10.0.2.20 10.0.2.30 10.0.2.40" \
	"$(ask w1 '" ".join(sorted({t["ip"] for c in v for t in c["to"][:2]
	if t["port"] in (445, 5985) and t["flows"] and not t["failed"]}))')"
same "destinations" "16 True" "$(ask w1 'max(len(c["to"]) for c in v),
	max(len(t["starts"]) for c in v for t in c["to"]) <= 16' | tr -d '(),')"
# a long transfer is counted while it goes on
same "upload" "True" "$(ask w1 'of("10.0.1.5")[0]["bytes_out"] > 800000')"

# Little room: who gives way is told of early, and nothing is counted twice.
contacts 1 little --set contacts.max-hosts=40
sums_of() { cut -d' ' -f1-4,7- | grep -v 'flows=0 failed=0'; }
[ "$(count little early)" -gt 0 ] || fail "40 hosts are enough"
same "dropped" 0 "$(count little hosts_dropped)"
tool merge "$tmp/little.eve" | sums_of >"$tmp/got"
sums_of <"$tmp/want" | cmp -s - "$tmp/got" ||
	fail "little room: $(sums_of <"$tmp/want" | diff - "$tmp/got" | head -4)"

# An exercise is said of each line; another interval; not at all.
contacts 2 play --exercise KEEN --site hq
same "exercise" "$(wc -l <"$tmp/play.eve")" \
	"$(grep -c '"exercise":"KEEN"' "$tmp/play.eve")"
contacts 2 second --set contacts.interval=1
same "seconds" "$(ask w1 'sum(c["flows"] for c in v)')" \
	"$(ask second 'sum(c["flows"] for c in v)')"
contacts 1 none --set contacts.enabled=no
[ ! -s "$tmp/none.eve" ] || fail "not enabled, and told of"
"$sensor" --quiet --read "$tmp/all.pcap" --eve "$tmp/x" \
	--set 'vars.address-groups.HOME_NET=[10.0.0.0/99]' 2>"$tmp/log" &&
	fail "a HOME_NET that is none passes"
grep -q HOME_NET "$tmp/log" || fail "HOME_NET: $(cat "$tmp/log")"

# Captures of others: the sums do not depend on the workers.
for capture in "$top/pcaps" $(find "${PICKET_CORPUS:-/nonexistent}" \
	-name '*.pcap' -size -4096k 2>/dev/null | sort | awk 'NR % 5 == 1' | head -n 10); do
	for w in 1 4; do
		rm -f "$tmp/c$w.eve"
		contacts $w c$w --set vars.address-groups.HOME_NET=any
		touch "$tmp/c$w.eve"
		tool merge "$tmp/c$w.eve" >"$tmp/got$w"
	done
	[ "$(count c1 early)" -gt 0 ] || [ "$(count c4 early)" -gt 0 ] ||
		cmp -s "$tmp/got1" "$tmp/got4" ||
		fail "$capture: $(diff "$tmp/got1" "$tmp/got4" | head -4)"
done
[ -s "$tmp/got1" ] || fail "no contacts in $capture"
no_sanitizer "$tmp/log"
finish
