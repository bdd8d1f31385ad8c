#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The common set: a bundle comes in, what is harmful is held, an analyst says,
# a source revokes, time runs out, and a collector killed in the middle of an
# import goes on where it was.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need sqlite3 redis-cli python3
[ -x "$collector" ] || skip "picket-collector is not built"
store=$tmp/picket.db
ctl() { "$bin/picketctl" --store "$store" "$@"; }

start() {
	${exec-} "$collector" --redis "unix://$sock" --store "$store" \
		--set "gate.allow=$tmp/allow" \
		--missions "$top/pcaps/missions.yaml" --feed "$tmp/feed.json" \
		"$@" 2>>"$tmp/collector.log"
}
collector_start() {
	exec=exec start "$@" &
	collector_pid=$!
	pids="$pids $collector_pid"
	eventually 20 sql "SELECT 1 FROM indicator_imports LIMIT 1" ||
		fail "no store: $(cat "$tmp/collector.log")"
}
# taken SOURCE N : the Nth import of SOURCE is done.
taken() {
	[ "$(sql "SELECT count(*) FROM indicator_imports WHERE origin='$1'
		AND state=2")" -ge "$2" ]
}
state_of() { sql "SELECT state FROM indicators WHERE value='$1'"; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
id_of() { sql "SELECT id FROM indicators WHERE value='$1'"; }

# bundle FILE VALUE-OF-MODIFIED REVOKED
bundle() {
	python3 - "$@" <<'EOF'
import json, sys, time
path, modified, revoked = sys.argv[1], sys.argv[2], sys.argv[3] == "yes"
values = ["evil-host.xyz", "t.co", "www.google.com", "rs.sh",
          "gone-tomorrow.xyz"]
o = []
for n, v in enumerate(values):
    o.append({"type": "indicator", "spec_version": "2.1",
        "id": "indicator--00000000-0000-4000-8000-%012d" % n,
        "created": "2026-01-01T00:00:00.000Z", "modified": modified,
        "pattern": "[domain-name:value = '%s']" % v, "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        "object_marking_refs":
            ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        "revoked": revoked and v == "evil-host.xyz"})
for n, v in enumerate(["8.8.8.8", "10.0.0.0/8", "45.155.205.3"]):
    o.append({"type": "indicator", "spec_version": "2.1",
        "id": "indicator--00000000-0000-4000-8000-1%011d" % n,
        "created": "2026-01-01T00:00:00.000Z", "modified": modified,
        "pattern": "[ipv4-addr:value = '%s']" % v, "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z"})
o[4]["valid_until"] = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                    time.gmtime(time.time() + 86400))
o.append({"type": "indicator", "spec_version": "2.1",
    "id": "indicator--00000000-0000-4000-8000-200000000000",
    "created": "2026-01-01T00:00:00.000Z", "modified": modified,
    "pattern": "[windows-registry-key:key = 'x']", "pattern_type": "stix",
    "valid_from": "2026-01-01T00:00:00Z"})
json.dump({"type": "bundle", "id":
    "bundle--00000000-0000-4000-8000-000000000000", "objects": o},
    open(path, "w"))
EOF
}

redis_start
cp -R "$top/rules/dist/allow" "$tmp/allow"
chmod -R u+w "$tmp/allow"
collector_start
bundle "$tmp/a.json" 2026-01-02T00:00:00.000Z no
ctl indicators import --source partner --who ann "$tmp/a.json" \
	>"$tmp/out" 2>&1 || fail "import: $(cat "$tmp/out")"
grep -q '8 of 9 supported, 1 refused' "$tmp/out" ||
	fail "the account: $(cat "$tmp/out")"
eventually 20 taken partner 1 || fail "not taken: $(ctl indicators report)"
same "armed" "45.155.205.3 evil-host.xyz gone-tomorrow.xyz" \
	"$(sql "SELECT group_concat(value,' ') FROM (SELECT value FROM indicators
		WHERE state=2 ORDER BY 1)")"
same "held" "10.0.0.0/8 8.8.8.8 rs.sh t.co www.google.com" \
	"$(sql "SELECT group_concat(value,' ') FROM (SELECT value FROM indicators
		WHERE state=1 ORDER BY 1)")"
ctl indicators held >"$tmp/held" || fail "held: $?"
grep -q 't\.co .*shorteners.txt' "$tmp/held" || fail "why: $(cat "$tmp/held")"
ctl indicators report --json | python3 -c '
import json, sys
i = json.load(sys.stdin)["imports"][0]
assert i["total"] == i["supported"] + i["refused"] == 9, i
assert i["taken"] == 8 and i["held"] == 5 and i["new"] == 8, i
assert i["state"] == "done" and len(i["refusals"]) == 1, i' ||
	fail "report --json"
eventually 5 grep -q '"event_type":"indicators"' "$tmp/feed.json" ||
	fail "the feed has no word of it"

# An analyst's word, with a name and a reason, and only once.
ctl indicators release "$(id_of t.co)" --who bob --note "our honeypot" \
	>"$tmp/out" 2>&1 || fail "release: $(cat "$tmp/out")"
same "released" 2 "$(state_of t.co)"
ctl indicators release "$(id_of t.co)" >"$tmp/out" 2>&1 &&
	fail "released twice"
ctl indicators show t.co | grep -q 'released, bob: our honeypot' ||
	fail "the log: $(ctl indicators show t.co)"
ctl indicators remove 45.155.205.3 --who bob >"$tmp/out" || fail "remove"
same "removed" 0 "$(state_of 45.155.205.3)"
ctl indicators add domain Bad.Example.NET. >"$tmp/out" || fail "add"
eventually 10 is_state bad.example.net 1 ||
	fail "added: $(state_of bad.example.net)"
ctl indicators add domain 'no domain' >"$tmp/out" 2>&1 && fail "add nonsense"

# A marking for what bears none; nothing is made of a list that is not there.
printf 'type,value,tlp,tpl,labels,tactic\ndomain,noted.xyz,green,red,apt 7,TA0011\n' >"$tmp/noted.csv"
ctl indicators import "$tmp/noted.csv" >"$tmp/out" 2>&1 || fail "noted.csv"
grep -q "^picketctl: note: .*noted.csv: column 'tpl' is not known" \
	"$tmp/out" || fail "a slip in a title is not told: $(cat "$tmp/out")"
printf '%s\n' plain-one.xyz plain-two.xyz >"$tmp/plain.txt"
ctl indicators import --source plain --mark purple "$tmp/plain.txt" \
	>"$tmp/out" 2>&1 && fail "a marking that is none"
ctl indicators import --source plain --mark amber//JP,US "$tmp/plain.txt" \
	>"$tmp/out" 2>&1 || fail "import --mark: $(cat "$tmp/out")"
eventually 10 is_state plain-two.xyz 2 || fail "plain: not taken"
eventually 10 is_state noted.xyz 2 || fail "noted: not taken"
same "what a list says of it" "apt 7 TA0011" "$(ctl indicators show noted.xyz |
	sed -n 's/^ *\(Labels\|Stage\) *//p' | xargs)"
ctl indicators show plain-one.xyz | grep -q 'Marking *amber//JP,US' ||
	fail "the marking: $(ctl indicators show plain-one.xyz)"
ctl indicators import "$tmp/plain.txt" "$tmp/nowhere" >"$tmp/out" 2>&1 &&
	fail "a list that is not there"
grep -q 'nowhere: No such file.*nothing was imported' "$tmp/out" ||
	fail "the list that is not there: $(cat "$tmp/out")"
same "imports" 0 "$(sql "SELECT count(*) FROM indicator_imports WHERE origin='plain.txt'")"

# Time runs out: of what a slow machine saw in force, if need be a later one.
# brief SECONDS : a bundle of one that is in force for so long.
brief() {
	python3 - "$tmp/brief.json" "$1" <<'EOF'
import json, sys, time
path, life = sys.argv[1], int(sys.argv[2])
json.dump({"type": "bundle", "id":
    "bundle--00000000-0000-4000-8000-000000000000", "objects": [
    {"type": "indicator", "spec_version": "2.1",
     "id": "indicator--00000000-0000-4000-8000-3%011d" % life,
     "created": "2026-01-01T00:00:00.000Z",
     "modified": "2026-01-02T00:00:00.000Z",
     "pattern": "[domain-name:value = 'gone-%d.xyz']" % life,
     "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z",
     "valid_until": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                  time.gmtime(time.time() + life))}]},
    open(path, "w"))
EOF
}
n=0
in_force=no
for life in 3 15 60; do
	n=$((n + 1))
	brief $life
	ctl indicators import --source brief "$tmp/brief.json" >"$tmp/out" 2>&1 ||
		fail "import: $(cat "$tmp/out")"
	eventually 20 taken brief $n || fail "brief: not taken"
	is_state gone-$life.xyz 2 && in_force=yes && break
done
same "in force for a while" yes "$in_force"
eventually 70 is_state gone-$life.xyz 0 || fail "it did not expire"

# The source revokes; what was removed stays so.
bundle "$tmp/b.json" 2026-01-03T00:00:00.000Z yes
ctl indicators import --source partner "$tmp/b.json" >"$tmp/out" 2>&1
eventually 20 taken partner 2 || fail "not taken: $(ctl indicators report)"
same "revoked" 0 "$(state_of evil-host.xyz)"
same "still removed" 0 "$(state_of 45.155.205.3)"
same "still released" 2 "$(state_of t.co)"

# The allow lists are read again: another file in place of one, and a damaged one.
printf '%s\n' clouds.evil-list.xyz >"$tmp/allow.new"
mv "$tmp/allow.new" "$tmp/allow/top.txt"
kill -HUP "$collector_pid"
eventually 20 grep -q 'allow lists are reloaded: [1-9]' "$tmp/collector.log" ||
	fail "allow: not reread: $(tail -3 "$tmp/collector.log")"
ctl indicators add domain clouds.evil-list.xyz >"$tmp/out" || fail "add"
eventually 10 is_state clouds.evil-list.xyz 1 || fail "on a list: $(
	state_of clouds.evil-list.xyz)"
printf '%s\n' '10.0.0.0/99' >"$tmp/allow/top.txt"
kill -HUP "$collector_pid"
eventually 20 grep -q 'allow lists are not reloaded.*allow/top.txt' \
	"$tmp/collector.log" ||
	fail "allow: not refused: $(tail -3 "$tmp/collector.log")"
ctl indicators remove "$(id_of clouds.evil-list.xyz)" >"$tmp/out" ||
	fail "remove"
ctl indicators add domain www.clouds.evil-list.xyz >"$tmp/out" || fail "add"
eventually 10 is_state www.clouds.evil-list.xyz 1 ||
	fail "the former lists do not stay: $(state_of www.clouds.evil-list.xyz)"
cp "$top/rules/dist/allow/top.txt" "$tmp/allow/top.txt"

# A list of the settings: read, and read again when it is another one.
kill "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
printf 'type,value,tpl\ndomain,%s,red\n' first.evil-list.xyz >"$tmp/feed.txt"
echo domain,second.evil-list.xyz >>"$tmp/feed.txt"
collector_start --set "indicators.files=$tmp/feed.txt"
eventually 20 is_state second.evil-list.xyz 2 || fail "feed.txt: not read"
grep -q "feed.txt: column 'tpl' is not known" "$tmp/collector.log" ||
	fail "a slip in a title is not told: $(tail -3 "$tmp/collector.log")"
echo first.evil-list.xyz >"$tmp/feed.new"
mv "$tmp/feed.new" "$tmp/feed.txt"
kill -USR2 "$collector_pid"
eventually 20 is_state second.evil-list.xyz 0 || fail "feed.txt: not reread"
same "the list's other one" 2 "$(state_of first.evil-list.xyz)"

# A list that the store refused is read again, though it did not change.
sqlite3 -cmd '.timeout 5000' "$store" "CREATE TRIGGER no BEFORE INSERT ON
	indicator_imports BEGIN SELECT RAISE(ABORT,'no room'); END" ||
	fail "the trigger"
printf '%s\n' first.evil-list.xyz third.evil-list.xyz >"$tmp/feed.new"
mv "$tmp/feed.new" "$tmp/feed.txt"
eventually 20 grep -q 'feed.txt: .*no room' "$tmp/collector.log" ||
	fail "feed.txt: not refused: $(tail -3 "$tmp/collector.log")"
sqlite3 -cmd '.timeout 5000' "$store" 'DROP TRIGGER no' || fail "drop"
eventually 20 is_state third.evil-list.xyz 2 || fail "feed.txt: not taken"

# Killed in the middle: nothing twice, nothing missing.
python3 -c '
for i in range(60000): print("name-%d.evil-net.xyz" % i)' >"$tmp/many.txt"
ctl indicators import --source many "$tmp/many.txt" >"$tmp/out" 2>&1 ||
	fail "import: $(cat "$tmp/out")"
begun() {
	[ "$(sql "SELECT taken FROM indicator_imports WHERE origin='many'")" \
		-gt 0 ]
}
eventually 20 begun || fail "the import did not begin"
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null
collector_start
eventually 60 taken many 1 || fail "not taken: $(ctl indicators report)"
same "all, once" "60000 60000 60000" "$(sql "SELECT taken || ' ' || added ||
	' ' || (SELECT count(*) FROM indicators WHERE value GLOB 'name-*')
	FROM indicator_imports WHERE origin='many'")"
same "changes are unique" 0 "$(sql "SELECT count(*)-count(DISTINCT change)
	FROM indicators")"
kill "$collector_pid"
wait "$collector_pid" || fail "the collector ended with status $?"
no_sanitizer "$tmp/collector.log"
finish
