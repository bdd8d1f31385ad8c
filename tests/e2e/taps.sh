#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One truth at three taps, behind a NAT, inside GRE and VXLAN, by clocks that
# are minutes apart, with losses: one event is one event, attacks that look
# alike stay apart, and the clocks are measured.  TAPS_CLONES makes it larger,
# TAPS_APART sets the clocks further apart.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 python3 redis-cli
[ -x "$collector" ] || skip "picket-collector is not built"

python3 "$top/tests/tools/taps.py" make "$tmp" "${TAPS_CLONES:-6}" 11 \
	"$top/pcaps/exercise-jp-east.pcap" "$top/pcaps/dns.pcap" \
	"$top/pcaps/tls.pcap" "$top/pcaps/http.pcap" || fail "no captures"

redis_start

# watch TAP : what that sensor raises of its capture, forwarded.
watch() {
	sensor_home --set 'vars.address-groups.HOME_NET=[192.0.2.0/24,10.0.0.0/8]' \
		--read "$tmp/$1.pcap" --site "$1" --sensor tap --owner "$1" \
		--redis "unix://$sock" --spool "$tmp/spool-$1" \
		--eve "$tmp/eve-$1.json" --eve-types alert 2>"$tmp/sensor-$1.log" ||
		fail "the sensor of $1 ended with status $?"
}
take() {
	"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--feed "$tmp/feed.json" --until-idle 1 2>>"$tmp/collector.log"
}

# Another collector goes on with the last: what it knows is what the store has.
watch inside &
inside_pid=$!
watch gre
wait $inside_pid || fail "the sensor of inside failed"
take || fail "the collector ended with status $?"
watch vxlan
take || fail "the collector ended with status $?"
no_sanitizer "$tmp"/*.log

python3 "$top/tests/tools/taps.py" judge "$tmp" "$tmp/feed.json" \
	"$tmp/picket.db" >"$tmp/verdict" || fail "nothing to judge"
cat "$tmp/verdict"
# holds CONDITION : whether it is so of the verdict 'v'.
holds() {
	python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
sys.exit(not eval(sys.argv[2]))' "$tmp/verdict" "$1" || fail "not so: $1"
}
holds 'v["alerts"] > 300 and v["pairs"] > 200'
holds 'v["precision"] >= 0.99'
holds 'v["recall"] >= 0.99'
holds 'v["clocks"] == 3 and v["clock_error_s"] < 0.05'
holds 'v["states"] == ["good", "off", "off"]'

# Everything is kept, and counted as what it is.
for tap in inside gre vxlan; do
	same "$tap: alerts stored" "$(alerts_written $tap)" "$(alerts_stored $tap)"
done

same "events counted" $(($(sql 'SELECT sum(alerts) FROM sensors') -
	$(sql 'SELECT count(*) FROM twins'))) \
	"$(sql 'SELECT sum(s.events) FROM sightings s JOIN runs r ON r.id = s.run WHERE r.kind = 6')"

# Whoever asks is told.
"$bin/picketctl" -s "$tmp/picket.db" skew >"$tmp/skew" || fail "picketctl skew"
ahead=$((137 + ${TAPS_APART:-0})).250
grep -q "^off *gre *tap *+$ahead " "$tmp/skew" || fail "skew: $(cat "$tmp/skew")"
id=$(sql "SELECT id FROM incidents WHERE state = 'open' ORDER BY score DESC LIMIT 1")
"$bin/picketctl" -s "$tmp/picket.db" incidents show "$id" --json >"$tmp/incident"
same "taps of the incident" "gre inside vxlan" "$(python3 -c 'import json, sys
i = json.load(open(sys.argv[1]))
assert i["summary"]["events"] < i["summary"]["alerts"]
print(*(t["site"] for t in i["taps"]))' "$tmp/incident")"
same "clocks told of in the feed" 2 \
	"$(grep '"event_type":"clock"' "$tmp/feed.json" | grep -c '"state":"off"')"
same "alerts that name another as their event" "$(sql 'SELECT count(*) FROM twins')" \
	$(($(grep -c '"picket":.*"event":[0-9]' "$tmp/feed.json") +
		$(grep -c '"event_type":"joined"' "$tmp/feed.json")))
finish
