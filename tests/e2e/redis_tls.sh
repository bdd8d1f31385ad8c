#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mutual TLS from sensor to collector; each wrong certificate is refused with
# words that name what is wrong; a new certificate counts from the next
# connection on.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
. "$top/tests/redis_lib.sh"
need openssl mkfifo
mkfifo "$tmp/pipe"

authority ca
authority other
certificate server ca "IP:127.0.0.1,DNS:localhost"
certificate elsewhere ca "DNS:redis.example"
certificate expired ca "IP:127.0.0.1" 0
certificate client ca "DNS:sensor"
certificate stranger other "DNS:sensor"
cp "$tmp/server.crt" "$tmp/now.crt"
cp "$tmp/server.key" "$tmp/now.key"

# shellcheck disable=SC2046
set -- $(free_ports 3)
port=$1 old=$2 plain=$3
tls="--tls --cacert $tmp/ca.crt --cert $tmp/client.crt --key $tmp/client.key"

start_tls() {
	server tls --port 0 --tls-port "$port" --tls-ca-cert-file "$tmp/ca.crt" \
		--tls-cert-file "$tmp/now.crt" --tls-key-file "$tmp/now.key"
	# shellcheck disable=SC2086
	up "$port" $tls --insecure
}
stop() {
	kill -9 "$(cat "$tmp/$1.pid")"
	wait "$(cat "$tmp/$1.pid")" 2>/dev/null
}
start_tls
server plain --port "$plain"
up "$plain"

url=rediss://127.0.0.1:$port
ca="--set redis.tls.ca=$tmp/ca.crt"
own="--set redis.tls.cert=$tmp/client.crt --set redis.tls.key=$tmp/client.key"
# shellcheck disable=SC2086
send "$url" $ca $own 2>"$tmp/sensor.out" ||
	fail "the sensor ended with status $?: $(cat "$tmp/sensor.out")"
# shellcheck disable=SC2086
take "$url" $ca $own --until-idle 1 2>"$tmp/collector.out" ||
	fail "the collector ended with status $?: $(cat "$tmp/collector.out")"
all_there

# picketctl reads the same settings from a file
"$bin/picketctl" keys new "$tmp/control" >/dev/null || fail "no keys made"
cat >"$tmp/picket.yaml" <<Y
redis:
  url: $url
  tls:
    ca: $tmp/ca.crt
    cert: $tmp/client.crt
    key: $tmp/client.key
Y
"$bin/picketctl" rules reload --config "$tmp/picket.yaml" \
	--key "$tmp/control" >"$tmp/ctl.out" 2>&1 ||
	fail "picketctl: $(cat "$tmp/ctl.out")"

# says WHAT WORDS URL OPTION... : the collector must fail with these words
says() {
	what=$1 words=$2
	shift 2
	take "$@" --until-idle 0.1 --store "$tmp/none.db" \
		>"$tmp/says.out" 2>&1 && fail "$what: no failure"
	grep -q -e "$words" "$tmp/says.out" ||
		fail "$what: expected '$words' in: $(cat "$tmp/says.out")"
	no_sanitizer "$tmp/says.out"
}
# waits_on WHAT WORDS OPTION... : a sensor must log these words, once, and keep
# what it has
waits_on() {
	what=$1 words=$2
	shift 2
	rm -rf "$tmp/spool2"
	# Nothing more comes out of this pipe, and it does not end.
	"$sensor" --quiet --read "$tmp/pipe" --rules "$top/tests/faults/load.rules" \
		--site a --sensor b --spool "$tmp/spool2" \
		--set forward.drain-ms=500 "$@" >"$tmp/says.out" 2>&1 8<&- &
	sensor_pid=$!
	pids="$pids $sensor_pid"
	exec 8>"$tmp/pipe"
	cat "$top/pcaps/tls.pcap" >&8
	eventually 60 grep -q "; batches wait" "$tmp/says.out"
	kill -TERM "$sensor_pid"
	wait "$sensor_pid"
	exec 8>&-
	n=$(grep -e "; batches wait" "$tmp/says.out" | grep -c -e "$words")
	[ "$n" -eq 1 ] || fail "$what: '$words' $n times in: $(cat "$tmp/says.out")"
	[ -s "$tmp/spool2/meta" ] || fail "$what: nothing in the spool"
	no_sanitizer "$tmp/says.out"
}

# shellcheck disable=SC2086
{
	waits_on "no certificate" "asks for a certificate of ours" \
		--redis "$url" $ca
	waits_on "stranger's certificate" "refuses the certificate of redis.tls.cert" \
		--redis "$url" $ca --set redis.tls.cert="$tmp/stranger.crt" \
		--set redis.tls.key="$tmp/stranger.key"
	waits_on "unknown authority" "authority that is not in redis.tls.ca" \
		--redis "$url" $own --set redis.tls.ca="$tmp/other.crt"
	waits_on "no TLS there" "does it speak TLS there" \
		--redis "rediss://127.0.0.1:$plain" $ca $own \
		--set redis.connect-timeout=1
	waits_on "wrong name" "not for redis.wrong but for 127.0.0.1, localhost" \
		--redis "$url" $ca $own --set redis.tls.server-name=redis.wrong
	waits_on "TLS there" "write rediss:// for redis://\|closed by Redis\|reset by peer" \
		--redis "redis://127.0.0.1:$port"
	says "CA missing" "redis.tls.ca $tmp/nowhere: No such file" \
		"$url" $own --set redis.tls.ca="$tmp/nowhere"
	says "CA is no PEM" "redis.tls.ca $tmp/picket.yaml" \
		"$url" $own --set redis.tls.ca="$tmp/picket.yaml"
	says "key of another" "is not the key of the certificate" "$url" $ca \
		--set redis.tls.cert="$tmp/client.crt" \
		--set redis.tls.key="$tmp/server.key"
	says "key alone" "belong together" "$url" $ca \
		--set redis.tls.key="$tmp/server.key"
	says "version" "neither 1.2 nor 1.3" "$url" $ca \
		--set redis.tls.min-version=1.1
}

# TLS 1.2 only where it is allowed.
server old --port 0 --tls-port "$old" --tls-ca-cert-file "$tmp/ca.crt" \
	--tls-cert-file "$tmp/server.crt" --tls-key-file "$tmp/server.key" \
	--tls-protocols TLSv1.2
# shellcheck disable=SC2086
{
	up "$old" $tls
	waits_on "1.2 not allowed" "no version of TLS in common" \
		--redis "rediss://localhost:$old" $ca $own
	sensor_home --read "$top/pcaps/tls.pcap" --site a --sensor b \
		--spool "$tmp/spool2" --set forward.drain-ms=20000 \
		--redis "rediss://localhost:$old" $ca $own \
		--set redis.tls.min-version=1.2 2>"$tmp/old.out" ||
		fail "1.2 allowed: status $?"
	same "entries sent by TLS 1.2" 1 "$(redis-cli -p "$old" $tls exists \
		'picket:alerts:{a/b}')"
}

# A sensor that is already there when certificates go bad, and good again:
# it goes on by itself, with the client's new certificate too.
stop tls
for c in elsewhere expired; do
	cp "$tmp/$c.crt" "$tmp/now.crt"
	cp "$tmp/$c.key" "$tmp/now.key"
	start_tls
	case $c in
	elsewhere) words="not for 127.0.0.1 but for redis.example" ;;
	*) words="certificate has expired" ;;
	esac
	cp "$tmp/stranger.crt" "$tmp/mine.crt"
	cp "$tmp/stranger.key" "$tmp/mine.key"
	# shellcheck disable=SC2086
	exec=exec send "$url" $ca --set redis.tls.cert="$tmp/mine.crt" \
		--set redis.tls.key="$tmp/mine.key" 2>"$tmp/$c.out" &
	sensor_pid=$!
	pids="$pids $sensor_pid"
	eventually 30 grep -q "$words" "$tmp/$c.out" ||
		fail "$c: waited 30 s for '$words' in: $(cat "$tmp/$c.out")"
	stop tls
	cp "$tmp/client.crt" "$tmp/mine.crt"
	cp "$tmp/client.key" "$tmp/mine.key"
	cp "$tmp/server.crt" "$tmp/now.crt"
	cp "$tmp/server.key" "$tmp/now.key"
	start_tls
	wait "$sensor_pid" || fail "$c: the sensor ended with status $?"
	# shellcheck disable=SC2086
	same "$c: streams" 1 "$(redis-cli -p "$port" $tls exists \
		'picket:alerts:{jp-east/tap1}')"
	[ $c = expired ] || stop tls
done
no_sanitizer "$tmp"/*.out
finish
