#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a partner gets: by TLS and a user who may do no more than that, in order,
# signed, once; after its Redis was killed without a gap; what is no longer for
# it is revoked; nothing that it gave comes back; and the same as files.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"
need openssl python3
peer=$bin/tests/collector/exchange_peer
[ -x "$peer" ] || skip "exchange_peer is not built"
store=$tmp/picket.db
ctl() { "$bin/picketctl" --store "$store" "$@"; }

authority ca
certificate server ca "IP:127.0.0.1"
port=$(free_ports 1)
awk '
	/^    user [a-z]/ { if (line) print line; line = substr($0, 5); next }
	line && /^        / { line = line " " substr($0, 9); next }
	{ if (line) print line; line = "" }' "$top/docs/formats.md" |
	grep '^user from' | sed 's/FROM/JP/g; s/PASSWORD/right/' >"$tmp/acl.conf"
echo "user admin on >right ~* &* +@all" >>"$tmp/acl.conf"
echo "user default off" >>"$tmp/acl.conf"
admin() {
	redis-cli -p "$port" --tls --cacert "$tmp/ca.crt" --user admin -a right \
		--no-auth-warning "$@"
}
partner_up() {
	server partner --port 0 --tls-port "$port" --aclfile "$tmp/acl.conf" \
		--tls-ca-cert-file "$tmp/ca.crt" --tls-auth-clients no \
		--tls-cert-file "$tmp/server.crt" \
		--tls-key-file "$tmp/server.key"
	eventually 30 admin ping || fail "no Redis: $(cat "$tmp/partner.log")"
}
partner_killed() {
	kill -9 "$(cat "$tmp/partner.pid")"
	wait "$(cat "$tmp/partner.pid")" 2>/dev/null
}

mkdir "$tmp/keys" "$tmp/got" "$tmp/out" "$tmp/in"
for k in jp us au; do
	ctl keys make "$tmp/keys/$k" >/dev/null || fail "no key"
done
openssl rand -hex 32 >"$tmp/keys/secret"
chmod 600 "$tmp/keys/secret"
# policy US AU : what each may see at most.
policy() {
	cat <<EOY
producer: JP
partners:
  - {name: US, owner: US, highest: $1, kinds: [indicator, sighting],
     exercises: [KEEN-LANTERN], fields: {sighting: [times, count]},
     pseudonym-key: $tmp/keys/secret}
  - {name: AU, owner: AU, highest: $2, kinds: [indicator],
     pseudonym-key: $tmp/keys/secret}
EOY
}
policy amber green >"$tmp/policy.yaml"
cat >"$tmp/collector.yaml" <<EOY
missions: $top/pcaps/missions.yaml
partners: {policy: $tmp/policy.yaml}
gate: {enabled: no}
release: {default-mark: green}
exchange:
  sign-key: $tmp/keys/jp
  interval: 0.2
  partners:
    US:
      url: rediss://from:right@127.0.0.1:$port
      ca: $tmp/ca.crt
      public-key: [$tmp/keys/us.pub]
    AU: {outbox: $tmp/out, inbox: $tmp/in, public-key: [$tmp/keys/au.pub]}
EOY
collector_up() {
	"$collector" --redis "unix://$sock" --store "$store" \
		--config "$tmp/collector.yaml" 2>>"$tmp/collector.log" &
	collector_pid=$!
	pids="$pids $!"
	eventually 30 ctl status || fail "no collector: $(cat "$tmp/collector.log")"
}
# dump : what lies in the stream, judged; texts in $tmp/got.
dump() {
	"$peer" dump "rediss://admin:right@127.0.0.1:$port" "$tmp/ca.crt" \
		"$tmp/keys/jp.pub" JP US "$tmp/got" >"$tmp/dump" 2>"$tmp/dump.err"
}
# has TEXT : some bundle that came says so.
has() {
	dump && grep -qF -e "$1" "$tmp/got"/*.json
}
ack() {
	"$peer" point "$tmp/keys/us" JP US "$1" "$2" |
		admin -x set 'picket:exchanged:{JP}' >/dev/null
}
# Up to there the store has freed.
acked() { [ "$(sql "SELECT acked FROM exchange_parties WHERE party='US'")" = "$1" ]; }
newest() { sql "SELECT seq FROM exchange_parties WHERE party='US'"; }

redis_start
partner_up
collector_up

# --- what is entered here is there soon, what is not for it is not
ctl indicators add domain secret.example --mark red >/dev/null || fail "add"
ctl indicators add domain evil.example --mark amber >/dev/null || fail "add"
eventually 5 has "[domain-name:value = 'evil.example']" ||
	fail "it never came: $(cat "$tmp/dump.err" "$tmp/collector.log")"
has secret.example && fail "red left"
same "all are signed" "" "$(grep -v ' ok$' "$tmp/dump")"
python3 "$top/tests/collector/stix_check.py" "$tmp/got/1.json" \
	>"$tmp/check" || fail "$(cat "$tmp/check")"
epoch=$(head -n 1 "$tmp/dump" | cut -d' ' -f1)

# --- a point that another signed frees nothing; the right one does
"$peer" point "$tmp/keys/jp" JP US "$epoch" 1 |
	admin -x set 'picket:exchanged:{JP}' >/dev/null
eventually 5 grep -q 'unknown-key: not heeded' "$tmp/collector.log" ||
	fail "no word of a forged point"
acked 0 || fail "a forged point was heeded"
n=$(newest)
ack "$epoch" "$n"
eventually 5 acked "$n" || fail "the point was not heeded"
same "freed" 0 "$(sql "SELECT count(*) FROM exchange_outbox WHERE party='US'")"

# --- sightings, of an exercise that the policy lists
replay jp-east 2>"$tmp/sensor.log" || fail "sensor: $(cat "$tmp/sensor.log")"
eventually 10 has '"type":"sighting"' ||
	fail "no sighting: $(cat "$tmp/collector.log")"
has '"x_picket_exercise":"KEEN-LANTERN"' || fail "an exercise is not marked"

# --- its Redis is killed and forgets: what waits follows, in order, once
partner_killed
ctl indicators add domain while-down.example --mark green >/dev/null
eventually 10 grep -q 'exchange with US: .*waits' "$tmp/collector.log" ||
	fail "no word that it is down"
is_down() { ctl share status | grep -q '^US  *down'; }
eventually 5 is_down || fail "the status says it is up"
rm -f "$tmp/got"/*
partner_up
ack "$epoch" "$n"
eventually 15 has while-down.example || fail "nothing followed"
first=$(head -n 1 "$tmp/dump" | cut -d' ' -f2)
same "nothing that was acknowledged comes again" $((n + 1)) "$first"
cut -d' ' -f2 "$tmp/dump" | awk -v n="$n" '$1 != n + NR { exit 1 }' ||
	fail "a gap or a repeat: $(cat "$tmp/dump")"

# --- a collector that is killed goes on where it was
kill -9 "$collector_pid"
wait "$collector_pid" 2>/dev/null
collector_up
ctl indicators add domain after.example --mark green >/dev/null
eventually 10 has after.example || fail "nothing after a restart"
cut -d' ' -f2 "$tmp/dump" | awk -v n="$n" '$1 != n + NR { exit 1 }' ||
	fail "after a restart: $(cat "$tmp/dump")"
last=$(newest)
ack "$epoch" "$last"
eventually 10 acked "$last" || fail "not freed"

# --- what it has and may no longer see is revoked, once, with nothing new said
id=$(sql "SELECT id FROM indicators WHERE value='evil.example'")
ctl indicators remove "$id" >/dev/null || fail "remove"
eventually 5 has '"revoked":true' || fail "a removed one is not revoked"
grep -h -o '"revoked":true,"pattern":"[^"]*"' "$tmp/got"/*.json >"$tmp/revoked"
same "revoked" "\"revoked\":true,\"pattern\":\"[domain-name:value = 'evil.example']\"" \
	"$(cat "$tmp/revoked")"

# --- what a partner gave is not sent on, to nobody
printf 'type,value,tlp\ndomain,theirs.example,clear\n' >"$tmp/theirs.csv"
ctl indicators import --source partner:US "$tmp/theirs.csv" >/dev/null ||
	fail "import"
ctl indicators add domain last.example --mark green >/dev/null
eventually 10 has last.example || fail "the last one did not come"
has theirs.example && fail "an echo"

# --- files, for who is on no network
written() { grep -qF -e "$1" "$tmp/out"/*.json; }
eventually 5 written last.example ||
	fail "no file: $(ls "$tmp/out")"
grep -lF -e theirs.example -e evil.example -e secret.example \
	"$tmp/out"/*.json && fail "a file has what it must not"
for sig in "$tmp/out"/*.sig; do
	same "$sig" ok "$("$peer" judge "$tmp/keys/jp.pub" JP AU "$sig" \
		"${sig%.sig}.json")"
done
# --- a policy that is narrowed takes back what lies there
policy amber clear >"$tmp/policy.yaml"
kill -HUP "$collector_pid"
eventually 10 grep -q 'AU: the policy changed' "$tmp/collector.log" ||
	fail "nothing was taken back: $(cat "$tmp/collector.log")"
taken_back() { written '"revoked":true' && ! written last.example; }
eventually 5 taken_back || fail "files of a former policy stay"
grep -lF -e last.example -e after.example -e while-down.example \
	"$tmp/out"/*.json && fail "it says what it may not say any more"
for sig in "$tmp/out"/*.sig; do
	same "$sig" ok "$("$peer" judge "$tmp/keys/jp.pub" JP AU "$sig" \
		"${sig%.sig}.json")"
done
ls "$tmp/out" | sed -n 's/^JP-AU-[0-9]*-\([0-9]*\)\.sig$/\1/p' | sort -n |
	awk '$1 != NR { exit 1 }' || fail "a gap: $(ls "$tmp/out")"
same "on record" 1 "$(($(sql "SELECT count(*) FROM audit WHERE record
	LIKE '%\"what\":\"recalled\"%' AND record LIKE '%\"partner\":\"AU\"%'") > 0))"
name=$(basename "$sig" .sig)
at=${name#JP-AU-}
seq=$(ls "$tmp/out" | sed -n 's/^JP-AU-[0-9]*-\([0-9]*\)\.sig$/\1/p' | sort -n |
	tail -n 1)
"$peer" point "$tmp/keys/au" JP AU "${at%-*}" "$seq" >"$tmp/in/AU-JP-point"
none_left() { [ -z "$(ls "$tmp/out")" ]; }
eventually 5 none_left || fail "files stay: $(ls "$tmp/out")"

# --- how it stands
ctl share status >"$tmp/status" || fail "status: $?"
grep -q '^US  *up  *'"$(newest) " "$tmp/status" ||
	fail "status: $(cat "$tmp/status")"
ctl share status --json | grep -q '"partner":"AU"' || fail "status --json"

# --- each that left is on record
same "audit" "" "$(ctl audit verify 2>&1 >/dev/null)"
[ "$(sql "SELECT count(*) FROM audit WHERE record LIKE '%\"released\"%'
	AND record LIKE '%\"partner\":\"US\"%'")" -ge "$(newest)" ] ||
	fail "bundles without a record"
same "refused by Redis" "" "$(admin acl log | grep -A1 -E 'object|reason')"
kill "$collector_pid"
wait "$collector_pid"
same "the collector's end" 0 $?
no_sanitizer "$tmp/collector.log"
finish
