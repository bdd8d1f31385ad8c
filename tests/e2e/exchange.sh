#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Three nations, a collector, store and Redis each: JP and US by TLS with the
# least rights, AU by files that are carried.  What JP adds is armed at US, and
# JP knows seconds later that US saw it; both have one incident and one
# consultation; nothing comes back to who gave it or goes on to a third; what
# is revoked is so everywhere; and a Redis that was killed is caught up with.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"
need openssl jq
packets() { python3 "$top/tests/e2e/exchange.py" "$@"; }
ctl() {
	nation=$1
	shift
	"$bin/picketctl" --config "$tmp/$nation.yaml" "$@"
}
# in_store NATION QUERY
in_store() { sql "$2" "$tmp/$1.db"; }

# --------------------------------------------------- what each nation has
authority ca
certificate server ca "IP:127.0.0.1"
ports=$(free_ports 2)
port_JP=${ports% *}
port_US=${ports#* }
port_of() { [ "$1" = JP ] && echo "$port_JP" || echo "$port_US"; }

# acl NATION PARTNER SITE : the users that the documents give.
acl() {
	awk '
		/^    user [a-z]/ { if (line) print line; line = substr($0, 5); next }
		line && /^        / { line = line " " substr($0, 9); next }
		{ if (line) print line; line = "" }' "$top/docs/formats.md" |
		sed "s/FROM/$2/g; s,SITE/SENSOR,$3/tap1,g; s/PASSWORD/right/"
	echo "user admin on >right ~* &* +@all"
	echo "user default off"
}
acl JP US jp-east >"$tmp/acl-JP.conf"
acl US JP us-pacific >"$tmp/acl-US.conf"
admin() {
	_nation=$1
	shift
	redis-cli -s "$tmp/$_nation.sock" --user admin -a right \
		--no-auth-warning "$@"
}
redis_up() {
	server "redis-$1" --port 0 --tls-port "$(port_of "$1")" \
		--unixsocket "$tmp/$1.sock" --aclfile "$tmp/acl-$1.conf" \
		--tls-ca-cert-file "$tmp/ca.crt" --tls-auth-clients no \
		--tls-cert-file "$tmp/server.crt" --tls-key-file "$tmp/server.key"
	eventually 20 admin "$1" ping ||
		fail "no Redis of $1: $(cat "$tmp/redis-$1.log")"
}
redis_up JP
redis_up US
server redis-AU --port 0 --unixsocket "$tmp/AU.sock"

# Whatever JP gives AU lies in JP-AU; AU gives JP its points in AU-JP.
mkdir "$tmp/keys" "$tmp/JP-AU" "$tmp/AU-JP" "$tmp/US-AU" "$tmp/AU-US"
for n in JP US AU; do
	for k in control exchange; do
		"$bin/picketctl" keys make "$tmp/keys/$n-$k" >/dev/null ||
			fail "no key"
	done
	openssl rand -hex 32 >"$tmp/keys/$n-secret"
	chmod 600 "$tmp/keys/$n-secret"
done
# may NATION : what it may be told.
may() {
	cat <<EOY
  - name: $1
    owner: $1
    highest: $2
    kinds: [$3]
    fields:
      indicator: [times, confidence, labels, stages]
      sighting: [times, count, sites]
      incident: [times, count, sites, title, severity, owners, stages, actors,
                 victims, missions]
    redact: {addresses: pseudonym, sites: role, domains: keep}
    pseudonym-key: $tmp/keys/$4-secret
EOY
}
# by_redis PARTNER NATION, by_files PARTNER NATION : entries of its settings.
by_redis() {
	cat <<EOY
    $1:
      url: rediss://from:right@127.0.0.1:$(port_of "$1")
      ca: $tmp/ca.crt
      public-key: [$tmp/keys/$1-exchange.pub]
EOY
}
by_files() {
	cat <<EOY
    $1: {outbox: $tmp/$2-$1, inbox: $tmp/$1-$2, public-key: [$tmp/keys/$1-exchange.pub]}
EOY
}
all_kinds='indicator, sighting, incident, consultation'
for n in JP US AU; do
	user=collector:right@
	[ $n = AU ] && user=
	{
		echo "producer: $n"
		echo "partners:"
		[ $n = JP ] || may JP amber "$all_kinds" $n
		[ $n = US ] || may US amber "$all_kinds" $n
		[ $n = AU ] || may AU green indicator $n
	} >"$tmp/policy-$n.yaml"
	cat >"$tmp/$n.yaml" <<EOY
redis: {url: "unix://$user$tmp/$n.sock"}
store: $tmp/$n.db
missions: $top/pcaps/missions.yaml
partners: {policy: $tmp/policy-$n.yaml}
release: {default-mark: amber}
control: {sign-key: $tmp/keys/$n-control}
gate: {enabled: no}
metrics: {listen: "127.0.0.1:0"}
exchange:
  sign-key: $tmp/keys/$n-exchange
  interval: 0.2
  partners:
EOY
done
{ by_redis US JP && by_files AU JP; } >>"$tmp/JP.yaml"
{ by_redis JP US && by_files AU US; } >>"$tmp/US.yaml"
{ by_files JP AU && by_files US AU; } >>"$tmp/AU.yaml"

for n in JP US AU; do
	"$collector" --config "$tmp/$n.yaml" 2>>"$tmp/collector-$n.log" &
	pids="$pids $!"
	eval "collector_$n=$!"
done
for n in JP US AU; do
	eventually 20 ctl $n status ||
		fail "no collector of $n: $(cat "$tmp/collector-$n.log")"
done

# armed NATION VALUE : it is in force, and the sensor runs that version.
armed() {
	[ "$(ctl "$1" --json indicators show "$2" 2>/dev/null |
		jq -r '.indicators[0].state')" = armed ] && runs "$1"
}
# watch SITE NATION : its sensor, which reads its wire from a pipe.
watch() {
	mkfifo "$tmp/$1.wire"
	"$sensor" --read - --quiet --rules "$top/rules/dist/*.rules" \
		--set "vars.address-groups.HOME_NET=[192.0.2.0/24]" \
		--set 'vars.address-groups.EXTERNAL_NET=!$HOME_NET' \
		--set "classification-file=$top/rules/dist/classification.config" \
		--set "reference-config-file=$top/rules/dist/reference.config" \
		--set "control.public-key=$tmp/keys/$2-control.pub" \
		--site "$1" --sensor tap1 --owner "$2" --eve "$tmp/$1.json" \
		--eve-types alert --redis "unix://sensor:right@$tmp/$2.sock" \
		--set forward.presence-ms=300 --spool "$tmp/spool-$1" <"$tmp/$1.wire" 2>"$tmp/$1.log" &
	pids="$pids $!"
	eval "sensor_$2=$!"
}
watch jp-east JP
exec 5>"$tmp/jp-east.wire"
watch us-pacific US
exec 6>"$tmp/us-pacific.wire"
packets head | tee /dev/fd/5 >&6
runs() {
	[ "$(ctl "$1" --json indicators armed |
		jq '[.sensors[] | select(.behind == 0)] | length')" = 1 ]
}
for n in JP US; do
	eventually 20 runs $n || fail "no sensor of $n: $(ctl $n indicators armed)"
done

# ------------------------------- added at JP, seen at US, known at JP: how soon
packets loop "$bin/picketctl" "$tmp/JP.yaml" "$tmp/JP.db" \
	"$tmp/us-pacific.wire" 10 US >"$tmp/rounds" ||
	fail "the loop is not closed: $(cat "$tmp"/collector-*.log)"
# A machine that is busy makes it longer: who measures says what is allowed.
sort -n "$tmp/rounds" | awk -v most="${PICKET_LOOP_S:-60}" '
	{ v[NR] = $1 }
	END {
		at = int(NR * 0.95 + 0.9999)
		printf "loop of %d: p50 %s s, p95 %s s\n", NR, v[int((NR + 1) / 2)], v[at]
		exit !(NR == 10 && v[at] < most)
	}' || fail "too late: $(cat "$tmp/rounds")"

# ------------------------------------- one incident of both, one consultation
add() { ctl "$1" indicators add "$2" "$3" --mark "$4" >/dev/null || fail "add $3"; }
add JP domain cdn.updates-sync.example amber//JP,US
# What is longer than a key, or has letters of both cases, is sighted as well.
# The capture that is played ends now, so that it began some seconds ago: they
# are good from long before.
url=http://198.51.100.23/updates/run.sh
pattern="[url:value LIKE 'http://198.51.100.23/Updates/%' OR url:value LIKE \
'http://198.51.100.23/updates/%' OR url:value LIKE 'http://198.51.100.23/tools/%' \
OR url:value = 'http://Never.adversary.example/Stage']"
jq -n --arg url "[url:value = '$url']" --arg pattern "$pattern" '
	def id($kind; $n): $kind + "--00000000-0000-4000-8000-00000000000" + $n;
	def one($n; $what): {type: "indicator", spec_version: "2.1",
		id: id("indicator"; $n), created: "2026-01-01T00:00:00Z",
		modified: "2026-01-01T00:00:00Z", valid_from: "2026-01-01T00:00:00Z",
		pattern_type: "stix", pattern: $what, object_marking_refs:
		["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"]};
	{type: "bundle", id: id("bundle"; "1"),
	objects: [one("1"; $pattern) + {confidence: 70,
		labels: ["apt-7", "tlp:amber"], valid_until: "2096-01-01T00:00:00Z",
		kill_chain_phases: [{kill_chain_name: "mitre-attack",
		phase_name: "exfiltration"}]}, one("2"; $url)]}' >"$tmp/ours.json"
ctl JP indicators import --source ours "$tmp/ours.json" >"$tmp/out" 2>&1 ||
	fail "a URL and a pattern: $(cat "$tmp/out")"
for n in JP US; do
	eventually 10 armed $n cdn.updates-sync.example || fail "$n is not armed"
	eventually 10 armed $n "$url" || fail "$n is not armed with a URL"
done
pattern_runs() {
	[ -n "$(in_store US 'SELECT 1 FROM indicators WHERE kind = 11 AND state = 2')" ] &&
		ctl US --json indicators armed | jq -e '.sensors[0].patterns_wait == false and
		.sensors[0].behind == 0'
}
eventually 10 pattern_runs || fail "no pattern at US: $(ctl US indicators armed)"
same "all that JP's list says of it, at US" \
	"70 apt-7,malicious-activity TA0010 mitre-attack:exfiltration amber \
1767225600 3976214400" "$(in_store US "SELECT confidence || ' ' || labels || ' ' ||
		tactic || ' ' || kill_chain || ' ' || mark || ' ' || (valid_from_us / 1000000)
		|| ' ' || (valid_until_us / 1000000) FROM indicator_sources
		WHERE kill_chain <> ''")"
packets restamp "$top/pcaps/exercise-jp-east.pcap" >&5
eventually 10 armed US 203.0.113.66 ||
	fail "US is not warned of what JP saw: $(cat "$tmp/collector-US.log")"
packets restamp "$top/pcaps/exercise-us-pacific.pcap" >&6
# of_both NATION : the number of its open incident in which both have a part.
of_both() {
	ctl "$1" --json incidents | jq -r '[.incidents[] | select(.lead != "" and
		([.lead, .support] | sort) == ["JP", "US"])][0].id // empty'
}
is_of_both() { [ -n "$(of_both "$1")" ]; }
for n in JP US; do
	eventually 10 is_of_both $n || fail "$n has no incident of both:
		$(ctl $n --json incidents)"
done
sighted() {
	for word in "$url" "$(in_store JP 'SELECT value FROM indicators
		WHERE kind = 11')"; do
		ctl JP indicators show "$word" | grep -q 'Seen  *US:US,' || return
	done
}
eventually 10 sighted || fail "JP does not know that its URL and pattern were seen:
	$(in_store JP 'SELECT kind, value, count FROM partner_sightings')"
# both_see NATION PARTNER : the partner's incident beside its own.
both_see() {
	ctl "$1" --json incidents show "$(of_both "$1")" |
		jq -e ".partners[0].partner == \"$2\" and .partners[0].lead != \"\""
}
eventually 10 both_see JP US || fail "JP does not see US's incident:
	$(ctl JP incidents show "$(of_both JP)"; in_store JP 'SELECT * FROM partner_incidents')"
eventually 10 both_see US JP || fail "US does not see JP's incident"
ctl JP incidents show "$(of_both JP)" | grep -q 'US' || fail "it is not printed"
# Of all that were opened for it: how many are left, over both stores.
one_left() {
	for n in JP US; do
		in_store $n "SELECT DISTINCT root_side || '-' || root_number
			FROM consults WHERE state = 'open'"
	done >"$tmp/roots"
	[ "$(sort -u "$tmp/roots" | wc -l)" = 1 ] &&
		[ "$(wc -l <"$tmp/roots")" = 2 ]
}
eventually 15 one_left || fail "consultations: $(cat "$tmp/roots")
	$(ctl JP consult list; ctl US consult list)"
# Nobody speaks here for who has a collector of his own: it would take a number
# of his words, and leave the two sides with two accounts of one consultation.
talk=$(sort -u "$tmp/roots")
lead=$(ctl JP --json consult show "$talk" | jq -r .lead)
away=$([ "$lead" = JP ] && echo US || echo JP)
said() { in_store "$1" "SELECT count(*) FROM consult_events WHERE side = '$2'"; }
before=$(said "$away" "$lead")
for words in "ack $talk --as $lead" "handover $talk --to $away --why x" \
	"close $talk --why x"; do
	# shellcheck disable=SC2086
	ctl "$away" consult $words 2>"$tmp/err" && fail "$away speaks as $lead: $words"
	grep -q "$lead has a collector of its own" "$tmp/err" || fail "$(cat "$tmp/err")"
done
same "what $away has of $lead" "$before" "$(said "$away" "$lead")"
ctl "$lead" consult ack "$talk" --as "$lead" --who hana >/dev/null || fail "own ack"
came() { ctl "$away" consult list | grep -q "$lead acknowledged"; }
eventually 10 came || fail "the ack of $lead is not there: $(ctl "$away" consult list)"

# ------------------------------------------------------- a third, and no echo
# is_in NATION VALUE : in force there, whoever has sensors.
is_in() { [ -n "$(in_store "$1" "SELECT 1 FROM indicators WHERE value = '$2' AND state = 2")" ]; }
add JP domain for-all.example green
for n in US AU; do
	eventually 10 is_in $n for-all.example || fail "$n did not get for-all"
done
same "what AU has" for-all.example \
	"$(in_store AU "SELECT value FROM indicators WHERE state <> 0")"
same "what else AU has" "0 0 0" "$(in_store AU "SELECT
	(SELECT count(*) FROM partner_sightings) || ' ' ||
	(SELECT count(*) FROM partner_incidents) || ' ' ||
	(SELECT count(*) FROM consult_events)")"
# settled : all that was made was taken, everywhere.
settled() {
	for n in JP US; do
		[ "$(in_store $n "SELECT count(*) FROM exchange_outbox WHERE party <> 'AU'")" = 0 ] ||
			return 1
	done
}
made() { in_store "$1" "SELECT seq FROM exchange_parties WHERE party = '$2'"; }
points() { [ "$(in_store JP "SELECT acked FROM exchange_parties
	WHERE party = 'AU' AND acked = seq")" -ge 1 ]; }
eventually 10 points || fail "AU's point does not come back: $(
	grep -h 'exchange with' "$tmp"/collector-*.log)"
# Silent: words of JP's reach US, and US has nothing to say for it.
silent=no
for trip in 1 2 3 4 5 6; do
	eventually 10 settled || fail "bundles wait: $(ctl JP share status; ctl US share status)"
	before=$(made US JP)
	add JP domain trip-$trip.example amber//JP,US
	eventually 10 is_in US trip-$trip.example || fail "no trip"
	eventually 10 settled || fail "bundles wait"
	[ "$(made US JP)" != "$before" ] || silent=yes
	[ $silent = no ] || break
done
same "silent" yes $silent
same "bundles in the streams" "0 0" "$(admin JP xlen 'picket:exchange:{US}') $(
	admin US xlen 'picket:exchange:{JP}')"
# Of what came from a partner alone, nobody was told.
for n in JP US AU; do
	same "echo of $n" 0 "$(in_store $n "SELECT count(*) FROM exchange_had h
		JOIN indicators i ON h.kind = 0 AND i.id = h.local WHERE NOT EXISTS
		(SELECT 1 FROM indicator_sources s JOIN indicator_origins o
		ON o.id = s.origin WHERE s.indicator = i.id AND
		o.name NOT LIKE 'partner:%')")"
done
same "JP's own, as given by US" 0 "$(in_store JP "SELECT count(*)
	FROM indicators i JOIN indicator_sources s ON s.indicator = i.id
	JOIN indicator_origins o ON o.id = s.origin
	WHERE o.name = 'partner:US' AND (i.value LIKE 'round-%' OR
	i.value LIKE 'trip-%' OR i.value = 'for-all.example')")"
same "AU's, as given by US" 0 "$(in_store AU "SELECT count(*)
	FROM indicator_sources s JOIN indicator_origins o ON o.id = s.origin
	WHERE o.name = 'partner:US'")"
in_store US "SELECT count(*) FROM exchange_had" | grep -q '^0$' &&
	fail "US told nothing: this proves nothing"

# -------------------------------------------------------------------- revoked
ctl JP indicators remove "$(in_store JP "SELECT id FROM indicators
	WHERE value = 'for-all.example'")" >/dev/null || fail "remove"
is_off() { ! is_in "$1" for-all.example; }
for n in US AU; do
	eventually 10 is_off $n || fail "$n still has what was removed"
done
eventually 10 runs US || fail "US's sensor does not follow"

# ----------------------------------------------------- US's Redis killed, back
kill -9 "$(cat "$tmp/redis-US.pid")"
wait "$(cat "$tmp/redis-US.pid")" 2>/dev/null
add JP domain while-down.example amber//JP,US
is_down() { ctl JP share status | grep -q '^US  *down'; }
eventually 10 is_down || fail "JP does not say that US is away"
redis_up US
eventually 15 armed US while-down.example ||
	fail "it is not caught up: $(ctl JP share status)"
packets loop "$bin/picketctl" "$tmp/JP.yaml" "$tmp/JP.db" \
	"$tmp/us-pacific.wire" 1 US again >"$tmp/rounds" ||
	fail "the loop stays open"
# What metrics say of that.
need curl
url=$(sed -n 's/.*metrics: \(http.*\)/\1/p' "$tmp/collector-US.log")
curl -s -f -m 10 -o "$tmp/US.prom" "$url" || fail "no metrics at $url"
python3 "$top/tests/e2e/prometheus.py" check "$tmp/US.prom" || fail "not well-formed"
metric() { python3 "$top/tests/e2e/prometheus.py" value "$tmp/US.prom" "picket_collector_exchange_$1"; }
[ "$(metric 'received_total{partner="JP",what="bundles"}')" -gt 20 ] ||
	fail "bundles by metrics: $(grep exchange_rec "$tmp/US.prom")"
same "forged" 0 "$(metric 'refused_total{partner="JP",cause="forged"}')"
[ "$(metric 'received_bundle{partner="JP"}')" -gt 20 ] || fail "no point in metrics"
for n in JP US; do
	same "refused by $n's Redis" "" "$(admin $n acl log | grep -A1 -E 'object|reason')"
	kill "$(eval echo "\$collector_$n")"
	wait "$(eval echo "\$collector_$n")"
	same "the end of $n's collector" 0 $?
done
no_sanitizer "$tmp"/*.log
finish
