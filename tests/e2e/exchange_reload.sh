#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SIGHUP while two exchange: a key that is replaced, one that is no longer good,
# a policy that lets go of less and of more, and files that cannot be read, with
# which the former stay.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"
need openssl
ctl() {
	nation=$1
	shift
	"$bin/picketctl" --config "$tmp/$nation.yaml" "$@"
}
in_store() { sql "$2" "$tmp/$1.db"; }

mkdir "$tmp/keys"
for k in JP US next; do
	"$bin/picketctl" keys make "$tmp/keys/$k" >/dev/null || fail "no key"
done
openssl rand -hex 32 >"$tmp/keys/secret"
chmod 600 "$tmp/keys/secret"
for n in JP US; do
	server "redis-$n" --port 0 --unixsocket "$tmp/$n.sock"
done
# policy NATION PARTNER HIGHEST
policy() {
	cat >"$tmp/policy-$1.yaml" <<EOY
producer: $1
partners:
  - name: $2
    owner: $2
    highest: $3
    kinds: [indicator]
    fields: {indicator: [times, confidence]}
    redact: {addresses: keep, sites: role, domains: keep}
    pseudonym-key: $tmp/keys/secret
EOY
}
# settings NATION PARTNER KEY...
settings() {
	n=$1
	p=$2
	shift 2
	cat >"$tmp/$n.yaml" <<EOY
redis: {url: "unix://$tmp/$n.sock"}
store: $tmp/$n.db
partners: {policy: $tmp/policy-$n.yaml}
gate: {enabled: no}
exchange:
  sign-key: $tmp/keys/$n
  interval: 0.1
  partners:
    $p: {url: "unix://$tmp/$p.sock", public-key: [$(echo "$@" | tr ' ' ',')]}
EOY
}
policy JP US green
policy US JP green
settings JP US "$tmp/keys/US.pub"
settings US JP "$tmp/keys/JP.pub"
for n in JP US; do
	"$collector" --config "$tmp/$n.yaml" 2>>"$tmp/$n.log" &
	pids="$pids $!"
	eval "collector_$n=$!"
done
for n in JP US; do
	eventually 20 ctl $n status || { fail "no collector of $n: $(cat "$tmp/$n.log")"; finish; }
done
add() { ctl JP indicators add domain "$1" --mark "${2:-green}" >/dev/null || fail "add $1"; }
has() { [ -n "$(in_store US "SELECT 1 FROM indicators WHERE value = '$1' AND state = 2")" ]; }
has_not() { ! has "$1"; }
refused() { [ "$(in_store US "SELECT coalesce(max(n), 0) FROM partner_counts WHERE name = 'refused:$1'")" -gt 0 ]; }
# reload NATION WORDS : says so, in its log, once more than before.
reload() {
	before=$(grep -c "$2" "$tmp/$1.log")
	eval "kill -HUP \$collector_$1"
	said() { [ "$(grep -c "$2" "$tmp/$1.log")" -gt "$before" ]; }
	eventually 10 said "$1" "$2" || fail "$1 says not '$2': $(tail -5 "$tmp/$1.log")"
}
good="exchange's keys and policy are reloaded"
bad="exchange's keys and policy are not reloaded, the former ones stay"

add first.example
eventually 10 has first.example || fail "nothing goes: $(cat "$tmp"/*.log)"

# ------------------------------------------------------------ a key of JP's
# JP signs by the next key, which US does not have yet: it waits, and is sent
# again when it has.
cp "$tmp/keys/next" "$tmp/keys/JP"
reload JP "$good"
add second.example
eventually 10 refused unknown-key || fail "US takes what it cannot check"
has second.example && fail "US took it"
settings US JP "$tmp/keys/JP.pub" "$tmp/keys/next.pub"
reload US "$good"
eventually 40 has second.example || fail "the next key is not known: $(
	ctl US partners; ctl JP share status)"
# US answers by what it read, too.
acked() { [ "$(in_store JP "SELECT acked = seq FROM exchange_parties")" = 1 ]; }
eventually 10 acked || fail "no point"

# --------------------------------------------------------------- the policy
add narrow.example amber
policy JP US clear
reload JP "$good"
for v in first.example second.example; do
	eventually 10 has_not $v || fail "$v is still there, the policy is narrower"
done
has narrow.example && fail "amber went"
policy JP US amber
reload JP "$good"
for v in first.example second.example narrow.example; do
	eventually 10 has $v || fail "$v is not there, the policy is wider"
done

# ------------------------------------------------------- what cannot be read
echo "producer: [" >"$tmp/policy-JP.yaml"
reload JP "$bad"
grep "$bad" "$tmp/JP.log" | grep -q "policy-JP.yaml" || fail "it names no file"
policy JP US amber
: >"$tmp/keys/JP"
reload JP "$bad"
cp "$tmp/keys/next" "$tmp/keys/JP"
settings JP US "$tmp/keys/US.pub"
sed -i "s|US.sock\", public|other.sock\", public|" "$tmp/JP.yaml"
reload JP "$bad: exchange.partners.US.url: takes a restart"
policy JP DE amber # US may see nothing
settings JP US "$tmp/keys/US.pub"
reload JP "exchange with US: the policy lets it see nothing"
policy JP US amber
reload JP "$good"
add last.example
eventually 10 has last.example || fail "it went wrong for good: $(tail "$tmp/JP.log")"
for i in 1 2 3 4 5; do
	kill -HUP $collector_JP $collector_US
done
add very-last.example
eventually 10 has very-last.example || fail "five at once: $(tail "$tmp/JP.log")"
for n in JP US; do
	kill "$(eval echo "\$collector_$n")"
	wait "$(eval echo "\$collector_$n")"
	same "the end of $n's collector" 0 $?
done
no_sanitizer "$tmp"/*.log
finish
