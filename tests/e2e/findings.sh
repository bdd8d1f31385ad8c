#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A capture in which somebody scans, calls home and goes from host to host, by
# the sensors of two sites, one after the other, and once as an exercise: the
# collector finds that and nothing else, and knows it after a restart.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 sqlite3 redis-server redis-cli
[ -x "$collector" ] || skip "picket-collector is not built"

python3 "$top/tests/tools/contacts.py" pcap \
	web+names+scan+outside+beacon+lateral "$tmp/all.pcap" ||
	fail "no capture was made"
cat >"$tmp/correlators.yaml" <<-EOF2
	correlators:
	  - kind: beacon
	    starts: 8
	  - kind: lateral
	    learn-hours: 0
	  - kind: spread
	    enabled: no
EOF2
redis_start

# sends SITE OWNER [OPTION...] : what that site's sensor sums up.
sends() {
	site=$1 owner=$2
	shift 2
	"$sensor" --quiet --read "$tmp/all.pcap" --site "$site" --sensor tap \
		--owner "$owner" --redis "unix://$sock" \
		--set "vars.address-groups.HOME_NET=[10.0.0.0/8]" \
		--spool "$tmp/spool-$site" --set forward.linger-ms=1 "$@" \
		2>"$tmp/sensor.out" ||
		fail "$site: $(cat "$tmp/sensor.out")"
}

collects() {
	"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--set "correlators=$tmp/correlators.yaml" \
		--feed "$tmp/feed.json" --until-idle 0.2 \
		2>"$tmp/collector.out" ||
		fail "collector: $(cat "$tmp/collector.out")"
	no_sanitizer "$tmp/collector.out"
}

# all EXERCISE : kind, host, peer and how many places of each.
all() {
	sql "SELECT kind || ' ' || host || ' ' || peer || ' ' ||
		json_array_length(places) FROM findings
		WHERE exercise = '$1' ORDER BY kind, host"
}

sends hq JP
collects
same "what was found" "beacon 10.0.1.7 203.0.113.77 1
lateral 10.0.1.9 10.0.2.20 1
scan 10.0.1.66  1
scan 203.0.113.9  1" "$(all '')"
same "told in the feed" 4 \
	"$(grep '"event_type":"finding"' "$tmp/feed.json" | grep -c '"what":"new"')"
same "hosts that the correlator knows" 3 "$(sql "SELECT count(*) FROM runs
	WHERE kind = 4 AND key IN ('hq 10.0.1.7', 'hq 10.0.1.9', 'hq 10.0.1.66')")"

# Another site sees the same outsider; hosts of the same address are others.
sends branch US
collects
same "after a restart" "beacon 10.0.1.7 203.0.113.77 1
beacon 10.0.1.7 203.0.113.77 1
lateral 10.0.1.9 10.0.2.20 1
lateral 10.0.1.9 10.0.2.20 1
scan 10.0.1.66  1
scan 10.0.1.66  1
scan 203.0.113.9  2" "$(all '')"
same "an incident of both owners" "203.0.113.77 at 2 sites" "$(sql "SELECT
	group_concat(k.key) || ' at ' || max((SELECT count(*) FROM sightings s
	WHERE s.run = k.id)) || ' sites' FROM incident_runs m JOIN runs k
	ON k.id = m.run WHERE k.kind = 1")"

# What an exercise does stays in it.
sends drill US --exercise KEEN
collects
same "of the exercise" 4 "$(all KEEN | wc -l)"
same "and all else as it was" 7 "$(all '' | wc -l)"

ctl() {
	"$bin/picketctl" --store "$tmp/picket.db" "$@"
}
same "shown" 7 "$(ctl findings --json | python3 -c \
	'import json, sys; print(len(json.load(sys.stdin)["findings"]))')"
same "with exercises" 11 "$(ctl findings --all --json | python3 -c \
	'import json, sys; print(len(json.load(sys.stdin)["findings"]))')"
ctl findings --kind beacon >"$tmp/text" || fail "findings --kind"
same "beacons" 2 "$(grep -c '10.0.1.7 calls 203.0.113.77 port 8443' "$tmp/text")"
ctl findings --kind noise 2>"$tmp/text" && fail "a kind that there is not"
same "what is in memory is in the store" 0 "$(sql "SELECT count(*) FROM
	contact_states WHERE length(body) = 0 OR touched_us = 0")"
finish
