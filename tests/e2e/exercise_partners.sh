#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One exercise of two nations, a collector, store and Redis each, while a real
# attacker works on the same networks: what injects cause is in the exercise's
# lane on both sides and nowhere else; the attacker is real on both; a third,
# whose policy lists no exercise, is told of none; a drill that US did not order
# is refused there.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli openssl jq sqlite3 python3
packets() { python3 "$top/tests/e2e/exchange.py" "$@"; }
ctl() {
	nation=$1
	shift
	"$bin/picketctl" --config "$tmp/$nation.yaml" "$@"
}
# in_store NATION QUERY
in_store() { sql "$2" "$tmp/$1.db"; }

# --------------------------------------------------- what each nation has
# may NATION EXERCISES : what it may be told.
may() {
	cat <<EOY
  - name: $1
    owner: $1
    highest: amber
    kinds: [indicator, sighting, incident, consultation]
    exercises: [$2]
    fields:
      indicator: [times, confidence]
      sighting: [times, count, sites]
      incident: [times, count, sites, title, severity, owners, stages, actors,
                 victims, missions]
    redact: {addresses: pseudonym, sites: role, domains: keep}
    pseudonym-key: $tmp/secret
EOY
}
# exchanges PARTNER NATION
exchanges() {
	cat <<EOY
    $1: {url: "unix://$tmp/$1.sock", public-key: [$tmp/$1-exchange.pub]}
EOY
}
openssl rand -hex 32 >"$tmp/secret"
chmod 600 "$tmp/secret"
mkdir "$tmp/JP-AU"
for n in JP US AU; do
	for k in control exchange; do
		"$bin/picketctl" keys make "$tmp/$n-$k" >/dev/null ||
			fail "no key"
	done
done
for n in JP US; do
	redis-server --port 0 --unixsocket "$tmp/$n.sock" --save '' \
		--appendonly no --dir "$tmp" --loglevel warning \
		>>"$tmp/redis-$n.log" 2>&1 &
	pids="$pids $!"
	cat >"$tmp/$n.yaml" <<EOY
redis: {url: "unix://$tmp/$n.sock"}
store: $tmp/$n.db
feed: $tmp/feed-$n.json
missions: $top/pcaps/missions.yaml
partners: {policy: $tmp/policy-$n.yaml}
release: {default-mark: amber}
control: {sign-key: $tmp/$n-control}
gate: {enabled: no}
exchange:
  sign-key: $tmp/$n-exchange
  interval: 0.2
  partners:
EOY
done
{ echo "producer: JP"; echo "partners:"; may US "KEEN-2026, DRILL-2026"; may AU ""; } \
	>"$tmp/policy-JP.yaml"
{ echo "producer: US"; echo "partners:"; may JP "KEEN-2026"; } \
	>"$tmp/policy-US.yaml"
exchanges US JP >>"$tmp/JP.yaml"
echo "    AU: {outbox: $tmp/JP-AU, public-key: [$tmp/AU-exchange.pub]}" \
	>>"$tmp/JP.yaml"
exchanges JP US >>"$tmp/US.yaml"

moment() { date -u -d "@$(($(date +%s) + $1))" +%Y-%m-%dT%H:%M:%SZ; }
cat >"$tmp/plan.yaml" <<-EOF
	name: KEEN-2026
	from: $(moment -3600)
	until: $(moment 3600)
	ranges: [192.0.2.0/24]
	injects:
	  - id: implant
	    title: the implant is fetched and run
	    at: $(moment -60)
	    sources: [198.51.100.23]
	  - id: beacon
	    title: it asks for orders
	    at: $(moment -50)
	    names: [cdn.updates-sync.example]
	  - id: never
	    sources: [198.51.100.99]
EOF

for n in JP US; do
	eventually 20 redis-cli -s "$tmp/$n.sock" ping || fail "no Redis of $n"
	"$collector" --config "$tmp/$n.yaml" 2>>"$tmp/collector-$n.log" &
	pids="$pids $!"
done
for n in JP US; do
	eventually 20 ctl $n status ||
		fail "no collector of $n: $(cat "$tmp/collector-$n.log")"
	ctl $n exercise start "$tmp/plan.yaml" >"$tmp/out" 2>&1 ||
		fail "start at $n: $(cat "$tmp/out")"
done

# watch SITE NATION [OPTION...] : its sensor, which reads its wire from a pipe.
watch() {
	watched=$1
	nation=$2
	shift 2
	mkfifo "$tmp/$watched.wire"
	exec=exec sensor_home --read - --site "$watched" --sensor tap1 \
		--owner "$nation" --redis "unix://$tmp/$nation.sock" \
		--set "control.public-key=$tmp/$nation-control.pub" \
		--set forward.presence-ms=300 --spool "$tmp/spool-$watched" \
		"$@" <"$tmp/$watched.wire" 2>>"$tmp/$watched.log" &
	pids="$pids $!"
}
watch jp-east JP
exec 5>"$tmp/jp-east.wire"
watch us-pacific US
exec 6>"$tmp/us-pacific.wire"
watch jp-west JP --exercise DRILL-2026
exec 7>"$tmp/jp-west.wire"
packets head | tee /dev/fd/5 /dev/fd/7 >&6
# marks NATION SITE
marks() {
	redis-cli -s "$tmp/$1.sock" HGET "picket:sensor:{$2/tap1}" exercises |
		grep -q '^KEEN-2026$'
}
eventually 20 marks JP jp-east || fail "jp-east does not mark"
eventually 20 marks US us-pacific || fail "us-pacific does not mark"

# ------------------------------------------- the injects, and the attacker
packets restamp "$top/pcaps/exercise-jp-east.pcap" >&5
# seen NATION : both injects, by its own sensor.
seen() {
	[ "$(in_store "$1" "SELECT count(DISTINCT inject) FROM exercise_hits
		WHERE inject IN (0, 1)")" = 2 ]
}
eventually 15 seen JP || fail "JP does not see its injects"
# The injects at JP alone: they are at US, in that lane.
# told NATION TABLE : what the partner told of the exercise.
told() {
	in_store "$1" "SELECT 1 FROM $2 WHERE exercise = 'KEEN-2026'" |
		grep -q 1
}
# incident_of NATION EXERCISE
incident_of() {
	in_store "$1" "SELECT 1 FROM incidents WHERE exercise = '$2'" |
		grep -q 1
}
eventually 10 told US partner_sightings || fail "US has no sighting of the lane"
packets restamp "$top/pcaps/exercise-us-pacific.pcap" >&6
eventually 15 seen US || fail "US does not see its injects"
eventually 10 told US partner_incidents || fail "US has no incident of the lane"
eventually 10 told JP partner_sightings || fail "JP has no sighting of the lane"
eventually 10 told JP partner_incidents || fail "JP has no incident of the lane"
for n in JP US; do
	eventually 10 incident_of $n KEEN-2026 || fail "$n: no exercise incident"
	eventually 10 incident_of $n '' || fail "$n: the attack is no incident"
done
# both NATION EXERCISE : one incident, consultation of both owners.
both() {
	in_store "$1" "SELECT 1 FROM consults WHERE exercise = '$2'" | grep -q 1
}
for n in JP US; do
	eventually 10 both $n KEEN-2026 || fail "$n: no consultation in the lane"
	eventually 10 both $n '' || fail "$n: no consultation on the attack"
done

# ---------------------------------------- a drill that US did not order
packets restamp "$top/pcaps/exercise-jp-west.pcap" >&7
refused() {
	[ "$(in_store US "SELECT n FROM partner_counts WHERE party = 'JP' AND
		name = 'object:exercise'")" -gt 0 ]
}
eventually 15 refused || fail "US refuses no drill"
eventually 5 grep -q 'exchange with JP: object:exercise' \
	"$tmp/collector-US.log" || fail "US does not say that it refuses"
held() {
	ctl JP --json share held --to AU >"$tmp/held.json" &&
		grep -q '"exercise"' "$tmp/held.json"
}
eventually 10 held || fail "JP does not say what it holds back from AU:
	$(ctl JP share held --to AU)"

# ------------------------------------------------------------------ reports
for n in JP US; do
	ctl $n exercise report KEEN-2026 >"$tmp/report-$n.md" ||
		fail "no report of $n"
	ctl $n --html exercise report KEEN-2026 >"$tmp/report-$n.html" ||
		fail "no page of $n"
	grep -q '^\*\*2 of 3 injects were seen\*\*' "$tmp/report-$n.md" ||
		fail "report of $n: $(cat "$tmp/report-$n.md")"
	# each knows how fast the other was, and what was real meanwhile
	knows() {
		ctl $n --json exercise report KEEN-2026 >"$tmp/report-$n.json" &&
			jq -e '[.nations | sort_by(.owner)[] |
				[.owner, .injects_seen, .median_seconds > 0]] ==
				[["JP", 2, true], ["US", 2, true]]' \
				"$tmp/report-$n.json"
	}
	eventually 10 knows || fail "nations in the report of $n: $(
		jq -c .nations "$tmp/report-$n.json")"
	same "verdicts in the report of $n" "seen seen not seen" \
		"$(jq -r '[.injects[].verdict] | join(" ")' "$tmp/report-$n.json")"
	[ "$(jq '.real.alerts' "$tmp/report-$n.json")" -gt 0 ] &&
		[ "$(jq '.real.incidents | length' "$tmp/report-$n.json")" = 1 ] ||
		fail "$n: the attack is not in the report"
	same "times in order at $n" true "$(jq '[.events[].at] | . == sort' \
		"$tmp/report-$n.json")"
done

# -------------------------------------------- nothing of it where it is real
# What only the injects have, and what only the attacker has.
played="198.51.100.23 updates-sync"
ctl JP share export --to US >"$tmp/export-US.json" 2>/dev/null || fail "export"
ctl JP share export --to AU >"$tmp/export-AU.json" 2>/dev/null || fail "export"
told_AU() {
	cat "$tmp"/JP-AU/*.json >"$tmp/told-AU.json" 2>/dev/null &&
		grep -q 203.0.113.66 "$tmp/told-AU.json"
}
eventually 10 told_AU || fail "AU is not told of the attack: this proves nothing"
for v in $played x_picket_exercise KEEN DRILL; do
	for f in told-AU export-AU; do
		grep -q "$v" "$tmp/$f.json" && fail "$f has $v"
	done
done
same "real objects of the exercise for US" 0 "$(jq '[.objects[] |
	select(.x_picket_exercise == null and .type != "identity" and
	(tostring | test("198.51.100.23|updates-sync")))] | length' \
	"$tmp/export-US.json")"
for n in JP US; do
	for v in $played; do
		for q in \
			"FROM runs WHERE exercise = '' AND key LIKE '%$v%'" \
			"FROM warnings WHERE value LIKE '%$v%'" \
			"FROM partner_sightings WHERE exercise = '' AND value LIKE '%$v%'" \
			"FROM indicators WHERE value LIKE '%$v%'" \
			"FROM partner_incidents WHERE exercise = '' AND title LIKE '%$v%'" \
			"FROM incidents WHERE exercise = '' AND title LIKE '%$v%'"; do
			same "$n: $q" 0 "$(in_store $n "SELECT count(*) $q")"
		done
		same "$n: real lines of the feed with $v" 0 "$(jq -c "select(
			((.picket.exercise // .incident.exercise //
			.consultation.exercise // .exercise // \"\") == \"\") and
			([.src_ip, .dest_ip] | index(\"203.0.113.66\") | not) and
			(tostring | test(\"$v\")))" "$tmp/feed-$n.json" | wc -l)"
	done
	same "$n: incidents of two lanes" 0 "$(in_store $n "SELECT count(*)
		FROM incidents i JOIN incident_runs m ON m.incident = i.id
		JOIN runs r ON r.id = m.run WHERE r.exercise <> i.exercise")"
	# The other's bear the other's number of the incident, which is another here.
	same "$n: consultations across lanes" 0 "$(in_store $n "SELECT count(*)
		FROM consults c JOIN incidents i ON i.id = c.incident
		WHERE c.local = 1 AND c.exercise <> i.exercise")"
	# Who is told of one, whoever opened it, is told our number of the incident.
	ctl $n consult list --all | sed -n 's/^[A-Z]*-[0-9]*  .* incident \([0-9]*\)\( (.*)\)\{0,1\}  lead [A-Z]*  since [^ ]* [^ ]*\(  EXERCISE \)\{0,1\}\(.*\)$/\1 \4/p' >"$tmp/lanes"
	[ -s "$tmp/lanes" ] || fail "$n: no consultations: $(ctl $n consult list --all)"
	while read -r incident lane; do
		same "$n: the lane of incident $incident" "$lane" \
			"$(in_store $n "SELECT exercise FROM incidents WHERE id = $incident")"
	done <"$tmp/lanes"
	grep -q 203.0.113.66 "$tmp/feed-$n.json" || fail "$n: no attack in the feed"
done
same "of the drill at US" 0 "$(in_store US "SELECT
	(SELECT count(*) FROM partner_sightings WHERE exercise = 'DRILL-2026') +
	(SELECT count(*) FROM partner_incidents WHERE exercise = 'DRILL-2026') +
	(SELECT count(*) FROM runs WHERE exercise = 'DRILL-2026') +
	(SELECT count(*) FROM consults WHERE exercise = 'DRILL-2026')")"
no_sanitizer "$tmp"/*.log
finish
