#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The settings that ship: every key there is and no other, accepted as they are
# and with every comment taken away.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 openssl
python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is missing"
ships=$top/common/service
settings() { python3 "$top/tests/e2e/settings.py" "$@"; }

settings compare "$ships/sensor.yaml" "$top/sensor/options_settings.c" \
	"$top/sensor/option_keys.c" || fail "sensor.yaml"
settings compare "$ships/collector.yaml" "$top/collector/options_settings.c" ||
	fail "collector.yaml"
# a key that is missing, and one too many, are found
grep -v 'resend-seconds' "$ships/sensor.yaml" >"$tmp/less.yaml"
settings compare "$tmp/less.yaml" "$top/sensor/options_settings.c" \
	"$top/sensor/option_keys.c" >"$tmp/x" 2>&1 && fail "a missing key passes"
sed 's/^#workers:/#wrokers:/' "$ships/sensor.yaml" >"$tmp/odd.yaml"
settings compare "$tmp/odd.yaml" "$top/sensor/options_settings.c" \
	"$top/sensor/option_keys.c" >"$tmp/x" 2>&1 && fail "a misspelt key passes"

# What they name, here instead of where an installation has it.
mkdir -p "$tmp/etc/rules" "$tmp/etc/reputation" "$tmp/etc/indicators" \
	"$tmp/var" "$tmp/log"
: >"$tmp/etc/threshold.config"
echo '1,bad,Bad' >"$tmp/etc/reputation/categories.txt"
echo '192.0.2.1,1,50' >"$tmp/etc/reputation/scores.list"
cp "$top/rules/dist/exercise-indicators.stix.json" \
	"$tmp/etc/indicators/partner.stix.json"
cp "$top/rules/dist/exercise.rules" "$tmp/etc/rules/"
cp "$top/pcaps/missions.yaml" "$tmp/etc/missions.yaml"
printf "levels:\n  - name: calm\n" >"$tmp/etc/posture.yaml"
printf "correlators: []\n" >"$tmp/etc/correlators.yaml"
echo 192.0.2.1 >"$tmp/var/known-hosts.lst"
openssl genpkey -algorithm ed25519 -out "$tmp/key" 2>"$tmp/x" &&
	openssl pkey -in "$tmp/key" -pubout -out "$tmp/etc/control.pub"
mkdir -p "$tmp/etc/keys"
"$bin/picketctl" keys make --sensor hq/tap1 "$tmp/etc/keys/hq-tap1.key" >"$tmp/x" 2>&1 ||
	fail "keys make: $(cat "$tmp/x")"
for key in site1.pem collector.key control.key exchange us head parts; do
	"$bin/picketctl" keys make "$tmp/etc/keys/$key" >"$tmp/x" 2>&1 ||
		fail "keys make: $(cat "$tmp/x")"
done
mkdir -p "$tmp/etc/tls"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -days 2 \
	-keyout "$tmp/etc/tls/site1.key" -out "$tmp/etc/tls/site1.pem" 2>"$tmp/x"
for f in ca.pem collector.pem us-ca.pem us.pem; do
	cp "$tmp/etc/tls/site1.pem" "$tmp/etc/tls/$f"
done
cp "$tmp/etc/tls/site1.key" "$tmp/etc/tls/collector.key"
cp "$tmp/etc/tls/site1.key" "$tmp/etc/tls/us.key"
(umask 077 && openssl rand -hex 32 >"$tmp/etc/secret")
mkdir -p "$tmp/var/us-out" "$tmp/var/us-in"
cat >"$tmp/etc/partners.yaml" <<EOY
producer: JP
partners:
  - {name: US, owner: US, kinds: [indicator], pseudonym-key: $tmp/etc/secret}
EOY
here() {
	sed -e "s|/etc/picket|$tmp/etc|" -e "s|/var/log/picket|$tmp/log|" \
		-e "s|/var/lib/picket/[a-z]*|$tmp/var|" \
		-e "s|/usr/share/picket/rules|$top/rules/dist|" \
		-e "s|/usr/share/picket/allow|$top/rules/dist/allow|" \
		-e "s|{user: picket-[a-z]*, group: picket-[a-z]*}|{user: $(id -un), group: $(id -gn)}|"
}
# No database of countries may be shipped.
without_geo() { sed '/^geoip/d'; }

check() {
	what=$1
	shift
	"$@" >"$tmp/out" 2>"$tmp/err"
	same "$what: exit status" 0 $?
	# a setting that has no effect would be warned of
	grep -i -E 'warning|error|no effect' "$tmp/err" >"$tmp/x" &&
		fail "$what: $(cat "$tmp/x")"
}
here <"$ships/sensor.yaml" >"$tmp/sensor.yaml"
check "sensor.yaml" "$sensor" --check --config "$tmp/sensor.yaml"
same "rules that ship" "0 failed, 0 skipped" \
	"$(sed -n 's/^rules: [1-9][0-9]* loaded, //p' "$tmp/out")"
settings plain "$ships/sensor.yaml" | here | without_geo >"$tmp/all.yaml"
check "sensor.yaml, all of it" "$sensor" --check --config "$tmp/all.yaml"
here <"$ships/collector.yaml" >"$tmp/collector.yaml"
check "collector.yaml" "$collector" --check --config "$tmp/collector.yaml"
same "collector.yaml" "settings: ok" "$(cat "$tmp/out")"
settings plain "$ships/collector.yaml" | here | without_geo >"$tmp/all.yaml"
check "collector.yaml, all of it" "$collector" --check --config "$tmp/all.yaml"

# What is wrong is named.
wrong() {
	"$collector" --check --config "$tmp/collector.yaml" --set "$1" \
		>"$tmp/out" 2>"$tmp/err"
	same "collector --check, $1: exit status" 2 $?
	grep -q -- "$2" "$tmp/err" || fail "$1: $(cat "$tmp/err")"
}
wrong redis=http://x "redis"
wrong redis.tls.ca="$tmp/nowhere.pem" "nowhere.pem"
wrong listen=8080 "ADDRESS:PORT"
wrong metrics.listen=8080 "ADDRESS:PORT"
wrong missions="$tmp/nowhere.yaml" "nowhere.yaml"
printf 'correlators:\n  - kind: flood\n    alrts: 500\n' >"$tmp/corr.yaml"
wrong correlators="$tmp/corr.yaml" "corr.yaml:3: alrts"
wrong correlators="$tmp/nowhere.yaml" "nowhere.yaml"
wrong exchange.partners.US.urll=x "US.urll: there is no such setting"
wrong exchange.partners.US.url=redis://x "partners.policy"

# What is exchanged with whom: a half that is the wrong one, a secret that is not
# there, and what starts and would never work.
cp "$tmp/collector.yaml" "$tmp/alone.yaml"
cp "$tmp/all.yaml" "$tmp/collector.yaml"
wrong exchange.sign-key="$tmp/etc/keys/exchange.pub" "exchange.pub: this is the public half"
wrong exchange.partners.US.public-key.0="$tmp/etc/keys/us" \
	"etc/keys/us: this is the private half"
sed "s|$tmp/etc/secret|$tmp/nosecret|" "$tmp/etc/partners.yaml" >"$tmp/p.yaml"
wrong partners.policy="$tmp/p.yaml" "partner 'US': pseudonym-key: $tmp/nosecret: No such"
sed "s/name: US, owner: US/name: FR, owner: FR/" "$tmp/etc/partners.yaml" >"$tmp/p.yaml"
warned() {
	"$collector" --check --config "$tmp/collector.yaml" --set "$1" \
		>"$tmp/out" 2>"$tmp/err"
	same "collector --check, $1: exit status" 0 $?
	grep -q -- "$2" "$tmp/err" || fail "$1: $(cat "$tmp/err")"
}
warned partners.policy="$tmp/p.yaml" "US: partners.policy has no partner of this name"
warned exchange.partners.US.inbox="$tmp/nobox" "US.inbox: $tmp/nobox: No such"
cp "$tmp/alone.yaml" "$tmp/collector.yaml"

wrong geoip.0="$tmp/nowhere.mmdb" "nowhere.mmdb"
wrong correlate.windw=1 "correlate.windw"
# What may be otherwise the next time is no wrong setting: the service manager
# does not start again who ends with 2.
"$collector" --config "$tmp/collector.yaml" \
	--set store="$tmp/nowhere/picket.db" >"$tmp/out" 2>"$tmp/err"
same "collector, a store that cannot be made: exit status" 1 $?
grep -q nowhere "$tmp/err" || fail "no word of the store: $(cat "$tmp/err")"
"$sensor" --check --config "$tmp/sensor.yaml" --set metrics.listen=9108 \
	>"$tmp/out" 2>"$tmp/err"
same "sensor --check, metrics.listen=9108" 2 $?
[ ! -e "$tmp/var/picket.db" ] || fail "--check makes a store"
finish
