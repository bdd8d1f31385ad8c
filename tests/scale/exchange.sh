#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A million indicators of one nation that a partner gets by exchange: how long it
# takes from the import here to the last of them there, what both collectors need
# for it, and how long the partner's loop was held at most.  INDICATORS=200000
# takes fewer.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"
need python3 sqlite3 redis-cli curl openssl
n=${INDICATORS:-1000000}
# Of a machine with nothing else to do.
max_s=${MAX_S:-300}
max_turn_ms=${MAX_TURN_MS:-250}
max_kib=${MAX_KIB:-262144}
in_store() { sql "$2" "$tmp/$1.db"; }
ctl() {
	nation=$1
	shift
	"$bin/picketctl" --config "$tmp/$nation.yaml" "$@"
}

mkdir "$tmp/keys"
openssl rand -hex 32 >"$tmp/keys/secret"
chmod 600 "$tmp/keys/secret"
for nation in JP US; do
	server "redis-$nation" --port 0 --unixsocket "$tmp/$nation.sock"
	eventually 20 redis-cli -s "$tmp/$nation.sock" ping || fail "no Redis"
	"$bin/picketctl" keys make "$tmp/keys/$nation" >/dev/null || fail "no key"
done
# nation NAME PARTNER : its settings and its collector.
nation() {
	cat >"$tmp/policy-$1.yaml" <<EOY
producer: $1
partners:
  - {name: $2, owner: $2, highest: amber, kinds: [indicator],
     pseudonym-key: $tmp/keys/secret}
EOY
	cat >"$tmp/$1.yaml" <<EOY
redis: {url: "unix://$tmp/$1.sock"}
store: $tmp/$1.db
partners: {policy: $tmp/policy-$1.yaml}
release: {default-mark: green}
gate: {allow: $top/rules/dist/allow}
metrics: {listen: "127.0.0.1:0"}
exchange:
  sign-key: $tmp/keys/$1
  partners:
    $2: {url: "unix://$tmp/$2.sock", public-key: [$tmp/keys/$2.pub]}
EOY
	"$collector" --config "$tmp/$1.yaml" 2>"$tmp/collector-$1.log" &
	pids="$pids $!"
	eval "collector_$1=$!"
	eventually 20 ctl "$1" status ||
		fail "no collector of $1: $(cat "$tmp/collector-$1.log")"
}
nation JP US
nation US JP

python3 - "$tmp/list.csv" "$n" <<'EOF'
import random, sys
random.seed(1)
with open(sys.argv[1], "w") as f:
    f.write("value,type,tlp\n")
    for i in range(int(sys.argv[2])):
        f.write("%08x-%d.evil-net.xyz,domain,green\n" % (random.getrandbits(32), i))
EOF
# has NATION : so many are in force there.
has() { in_store "$1" "SELECT count(*) FROM indicators WHERE state = 2"; }
all_at() { [ "$(has "$1")" = "$n" ]; }
# of NATION METRIC
of() {
	port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$tmp/collector-$1.log" |
		head -1)
	curl -s "http://127.0.0.1:$port/metrics" | awk -v m="$2" '$1 ~ "^[a-z_]*" m "$" { print $2 }'
}
rss() { awk '/VmHWM/{ print $2 }' "/proc/$1/status"; }

begun=$(date +%s)
ctl JP indicators import --snapshot --source list \
	"$tmp/list.csv" >"$tmp/out" || fail "$(cat "$tmp/out")"
eventually 300 all_at JP || fail "not taken at JP: $(has JP)"
here=$(($(date +%s) - begun))
eventually 480 all_at US ||
	fail "at US: $(has US) of $n: $(cat "$tmp"/collector-*.log)"
there=$(($(date +%s) - begun))
echo "$n: at JP after $here s, at US after $there s"
turn=$(of US exchange_turn_seconds_max | awk '{ print int($1 * 1000) }')
echo "longest turn at US ${turn:-?} ms; JP $(rss "$collector_JP") KiB, US $(rss "$collector_US") KiB"
same "refused" 0 "$(grep -c refused "$tmp/collector-US.log")"
[ "$there" -le "$max_s" ] || fail "$there s, more than $max_s"
[ "${turn:-9999}" -le "$max_turn_ms" ] || fail "a turn of ${turn:-?} ms"
[ "$(rss "$collector_US")" -le "$max_kib" ] || fail "US: too much memory"
[ "$(rss "$collector_JP")" -le "$max_kib" ] || fail "JP: too much memory"
finish
