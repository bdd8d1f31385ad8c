#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# picketctl share and audit: what is written where, what is refused, and that
# nothing leaves without a record.
set -u
here=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)/tests/collector
bin=$(cd "${builddir:-.}" && pwd)
command -v python3 >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
db=$work/s.db

fail() {
	echo "FAIL: $*" >&2
	bad=1
}

# runs STATUS ARG... : picketctl ends with STATUS; output in $work/out, err.
runs() {
	want=$1
	shift
	"$bin/picketctl" --store "$db" --who tester "$@" >"$work/out" \
		2>"$work/err"
	got=$?
	[ $got -eq "$want" ] || {
		fail "picketctl $*: exit $got, not $want: $(cat "$work/err")"
	}
	if [ "$want" -ne 0 ] && [ "$(wc -l <"$work/err")" -ne 1 ]; then
		fail "picketctl $*: not one line on standard error"
	fi
}

shows() {
	grep -qF -e "$1" "$work/out" "$work/err" || {
		fail "output lacks: $1"
		cat "$work/out" "$work/err" >&2
	}
}

records() {
	"$bin/picketctl" -s "$db" audit verify | sed 's/ .*//'
}

# sql STATEMENT... : as somebody who has the file.
sql() {
	python3 -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1])
for s in sys.argv[2:]:
    for row in d.execute(s):
        print(*row, sep="|")
d.commit()' "$db" "$@"
}

python3 "$here/share_world.py" "$work" 3 60 4 >"$work/partners" &&
	"$bin/tests/collector/share_drive" "$db" "$work/missions.yaml" \
		<"$work/lines" || exit 1
set="--set missions=$work/missions.yaml --set partners.policy=$work/policy.yaml"

# ------------------------------------------------------------------ wrong use
# shellcheck disable=SC2086
{
	runs 2 share
	runs 2 share export
	runs 2 share export --to partner0
	shows 'partners.policy'
	runs 2 $set share export --to nobody
	shows "'nobody' is no partner"
	runs 2 $set share export --to partner0 --kinds incident,payload
	shows "'payload' is not one of"
	runs 2 $set share export --to partner0 --kinds ''
	shows "'' is not one of"
	runs 2 audit burn
	runs 2 audit checkpoint
	runs 2 $set --set release.default-mark=pink share held --to partner0
	shows 'release.default-mark'
	chmod 644 "$work/partner1.key"
	runs 2 $set share export --to partner1
	[ "$(records)" = 0 ] || fail "a record of nothing: $(records)"

	# ----------------------------------------------------------- what it does
	runs 0 $set share export --to partner0 --out "$work/a.json"
	shows 'for partner0: '
	[ "$(records)" -ge 2 ] || fail "no record of a release"
	python3 "$here/stix_check.py" "$work/a.json" >"$work/check" ||
		fail "$(cat "$work/check")"
	case $(stat -c %a "$work/a.json") in
	600) ;;
	*) fail "the bundle is for others to read" ;;
	esac
	runs 0 $set share export --to partner0
	sed '$s/$//' "$work/out" | cmp -s - "$work/a.json" ||
		[ "$(cat "$work/out")" = "$(cat "$work/a.json")" ] ||
		fail "the same again is another bundle"
	n=$(records)
	runs 0 $set share export --to partner0 --dry-run
	shows 'released'
	runs 0 $set share held --to partner0 --all --json
	python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
held = sum(sum(v.values()) for v in o["held"].values())
gone = sum(o["released"].values())
assert held + gone == len(o["items"]) and held > 0, (held, gone)' \
		"$work/out" || fail "the counts do not add up"
	[ "$(records)" -eq $((n + 2)) ] || fail "looking is no record"
	# What was of an exercise is held as such, of every kind.
	python3 -c 'import json, sys
held = json.load(open(sys.argv[1]))["held"]
for kind in "indicator", "sighting", "incident":
    assert held[kind].get("exercise", 0) > 0, (kind, held)' \
		"$work/out" || fail "nothing is held for an exercise"
	sed 's/^    highest:/    exercises: yes\n&/' "$work/policy.yaml" \
		>"$work/wrong.yaml"
	runs 1 $set --set "partners.policy=$work/wrong.yaml" \
		share held --to partner0
	shows 'exercises'
	runs 0 audit
	grep -q ' read  *tester *share held for partner0: [0-9]* may go, [0-9]* held' \
		"$work/out" || fail "audit in words: $(cat "$work/out")"
	runs 0 audit --json
	shows '"what":"read"'
	shows '"who":"tester"'

	# A policy that changes is on record, once.
	sql "SELECT count(*) FROM audit WHERE record LIKE '%\"what\":\"policy\"%'" \
		>"$work/n"
	sed -i 's/ours.example/ours.example, other.example/' "$work/policy.yaml"
	runs 0 $set share held --to partner2
	runs 0 $set share held --to partner2
	sql "SELECT count(*) FROM audit WHERE record LIKE '%\"what\":\"policy\"%'" \
		>"$work/m"
	[ "$(cat "$work/m")" -eq $(($(cat "$work/n") + 1)) ] ||
		fail "policies on record: $(cat "$work/n"), then $(cat "$work/m")"

	# Nothing leaves that cannot be put on record.
	sql "CREATE TRIGGER no BEFORE INSERT ON audit BEGIN
 SELECT raise(ABORT, 'no'); END"
	runs 1 $set share export --to partner0 --out "$work/b.json"
	[ ! -e "$work/b.json" ] && [ ! -e "$work/b.json.part" ] ||
		fail "a bundle left without a record"
	runs 1 $set share export --to partner0
	[ ! -s "$work/out" ] || fail "a bundle left without a record"
	sql "DROP TRIGGER no"
}

# ------------------------------------------- indicators of the common set
sql "CREATE TABLE IF NOT EXISTS indicators(
 id INTEGER PRIMARY KEY, key INTEGER NOT NULL, kind INTEGER NOT NULL,
 value TEXT NOT NULL, state INTEGER NOT NULL, verdict INTEGER NOT NULL,
 change INTEGER NOT NULL, reason TEXT NOT NULL, exact INTEGER NOT NULL,
 severity INTEGER NOT NULL, confidence INTEGER NOT NULL, mark TEXT NOT NULL,
 valid_from_us INTEGER NOT NULL, valid_until_us INTEGER NOT NULL,
 modified_us INTEGER NOT NULL, best INTEGER NOT NULL, due_us INTEGER NOT NULL,
 first_us INTEGER NOT NULL, changed_us INTEGER NOT NULL)"
# arms ID KIND VALUE STATE MARK
arms() {
	sql "INSERT INTO indicators VALUES($1,$1,$2,'$3',$4,0,$1,'',0,1,255,
 '$5',0,0,0,0,0,1763600000000000,1763600000000000)"
}
arms 1 1 Listed.example 2 clear
arms 2 2 http://listed.example/Path 2 clear
arms 3 1 held.example 1 clear
arms 4 1 secret.example 2 red
arms 5 1 x.ours.example 2 clear
arms 7 1 over.example 2 clear
sql "UPDATE indicators SET valid_until_us=1700000000000000 WHERE id=7"
# One that was seen is red by now: neither it nor its sightings go any more.
seen=$(sed -n "s/.*\[domain-name:value = '\([^']*\)'\].*/\1/p" "$work/a.json" |
	head -n 1)
[ -n "$seen" ] || fail "no domain in the bundle"
arms 6 1 "$seen" 2 red
# shellcheck disable=SC2086
runs 0 $set share export --to partner0
shows "[domain-name:value = 'Listed.example']"
shows "[url:value = 'http://listed.example/Path']"
for word in over.example held.example secret.example ours.example "$seen"; do
	if grep -qF "'$word'" "$work/out"; then
		fail "$word was released"
	fi
done
cp "$work/out" "$work/c.json"
python3 "$here/stix_check.py" "$work/c.json" >"$work/check" ||
	fail "$(cat "$work/check")"

# -------------------------------------------------------------- the audit log
runs 0 keys make "$work/audit.key"
runs 0 audit checkpoint --key "$work/audit.key"
cp "$work/out" "$work/head.json"
runs 0 audit verify --checkpoint "$work/head.json" --key "$work/audit.key.pub"
runs 0 audit export
n=$(wc -l <"$work/out")
# Whoever has the export can check it with any SHA-256.
python3 -c 'import hashlib, sys
h = bytes(32)
for line in open(sys.argv[1], "rb"):
    record, want = line.rstrip(b"\n").split(b"\t")
    h = hashlib.sha256(h + record).digest()
    assert h.hex().encode() == want, record' "$work/out" ||
	fail "the export's chain is another"
sed 's/"id":[0-9]*/"id":1/' "$work/head.json" >"$work/forged.json"
runs 1 audit verify --checkpoint "$work/forged.json" --key "$work/audit.key.pub"
shows 'not signed by this key'
cp "$db" "$work/copy.db"
sql "DROP TRIGGER audit_stays" "DELETE FROM audit WHERE id>=$n-3"
runs 0 audit verify
runs 1 audit verify --checkpoint "$work/head.json" --key "$work/audit.key.pub"
shows 'the log ends at record'
sql "DROP TRIGGER audit_kept" \
	"UPDATE audit SET record=replace(record,'tester','nobody') WHERE id=2"
runs 1 audit verify
shows 'record 2 does not fit'

[ $bad -eq 0 ] && echo "share: all as it should be"
exit $bad
