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
      indicator: [times, confidence]
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
		--spool "$tmp/spool-$1" <"$tmp/$1.wire" 2>"$tmp/$1.log" &
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
sort -n "$tmp/rounds" | awk '
	{ v[NR] = $1 }
	END {
		at = int(NR * 0.95 + 0.9999)
		printf "loop of %d: p50 %s s, p95 %s s\n", NR, v[int((NR + 1) / 2)], v[at]
		exit !(NR == 10 && v[at] < 5)
	}' || fail "too late: $(cat "$tmp/rounds")"
finish
