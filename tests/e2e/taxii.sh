#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Indicators of a TAXII 2.1 server: found by discovery, paged through, resumed
# where the last poll ended; by TLS with each kind of login; and servers that
# are slow, endless, broken or something else cost a bounded time and say so.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 openssl
fetch=$bin/tests/collector/taxii_fetch
[ -x "$fetch" ] || skip "taxii_fetch is not built"

# serve NAME [CERT KEY [CA]] : a server, whose port is in $port.
serve() {
	python3 "$top/tests/e2e/taxii_server.py" "$tmp/$1.log" \
		${2+"$2"} ${3+"$3"} ${4+"$4"} >"$tmp/$1.port" 2>"$tmp/$1.err" &
	pids="$pids $!"
	eventually 10 test -s "$tmp/$1.port" || fail "no server: $(cat "$tmp/$1.err")"
	port=$(cat "$tmp/$1.port")
}

# poll STATUS ERROR ARG... : the output is in $tmp/out.
poll() {
	want=$1
	error=$2
	shift 2
	"$fetch" dir="$tmp" "$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ $got -eq "$want" ] || fail "$*: status $got: $(cat "$tmp/out" "$tmp/err")"
	grep -q "error=.*$error" "$tmp/out" || fail "$*: $(cat "$tmp/out")"
	no_sanitizer "$tmp/err"
}
has() {
	grep -q -F -e "$1" "$tmp/out" || fail "no '$1' in $(cat "$tmp/out")"
}

serve plain
base=http://127.0.0.1:$port
# A marking on the last page holds for indicators on the first.
poll 0 '' url=$base/taxii2/
has 'total=5 loaded=5 refused=0 others=1 pages=3'
has '+ domain d0.test amber'
has '+ domain d4.test green'
has 'after=2026-01-03T00:00:00.005Z'
grep -q '^/good/collections/c1/objects/?limit=2 application/taxii+json;version=2.1 -$' \
	"$tmp/plain.log" || fail "what was asked: $(cat "$tmp/plain.log")"
poll 0 '' url=$base/good/ after=2026-01-02T00:00:00.003Z
has 'total=1 loaded=1 refused=0 others=2 pages=1'
poll 0 '' url=$base/good/collections/c1/ after=2026-01-03T00:00:00.005Z
has 'total=0 loaded=0'
has 'after=2026-01-03T00:00:00.005Z'
poll 0 '' url=$base/two/ collection=Tc1
has 'loaded=5'

# Pages by their dates, where a server does not say which is the next; and what
# is new may bear a marking of old.
poll 0 '' url=$base/bydate/collections/c1/
has 'loaded=5'
has '+ domain d4.test green'
has 'after=2026-01-03T00:00:00.005Z'
poll 1 'not where' url=$base/sameday/collections/c1/
poll 0 '' url=$base/late/collections/c1/ after=2025-12-31T00:00:00.000Z
has '+ domain d0.test amber'
has 'total=5 loaded=5'
has 'after=2026-01-03T00:00:00.004Z'
grep -q '^/late/.*match%5Btype%5D=marking-definition' "$tmp/plain.log" ||
	fail "definitions are not asked for: $(cat "$tmp/plain.log")"

# What is asked of the user is said.
poll 1 'name one' url=$base/two/
poll 1 'another server' url=$base/elsewhere/
poll 1 'https is needed' url=http://192.0.2.1/taxii2/
poll 1 'name or password' url=http://u:p@127.0.0.1:$port/

# Hostile and broken ones; what was whole before is taken, and asked for again.
poll 1 'not where' url=$base/circle/collections/c1/
poll 1 "not TAXII 2.1 but 'text/html'" url=$base/html/collections/c1/
poll 1 'not TAXII 2.1' url=$base/old/collections/c1/
poll 1 'busy (503)' url=$base/busy/collections/c1/
has 'retry=17'
poll 1 'busy (429)' url=$base/slow-down/collections/c1/
has 'retry=60'
poll 1 'answered with 302' url=$base/moved/collections/c1/
poll 1 '404' url=$base/nothing/
poll 1 'imed out' url=$base/drip/collections/c1/ timeout=1
poll 1 'more than 300000 bytes' url=$base/endless/collections/c1/ page_bytes=300000
poll 1 'ends within a value' url=$base/broken/collections/c1/
has 'loaded=2'
has 'after=2025-12-31T23:59:59.999999Z'
poll 1 'more than one poll takes' url=$base/good/collections/c1/ pages=2
has 'loaded=4'
has 'after=2026-01-02T00:00:00.001999Z'

# Logins: from files, and by TLS only with who is trusted.
printf 'u:p w\n' >"$tmp/basic"
printf 'sesame\n' >"$tmp/token"
poll 0 '' url=$base/basic/collections/c1/ basic="$tmp/basic"
has 'loaded=5'
poll 1 'refused (401)' url=$base/basic/collections/c1/
poll 0 '' url=$base/token/collections/c1/ token="$tmp/token"
poll 1 'refused (403)' url=$base/token/collections/c1/ token="$tmp/basic"
for who in ca server client; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$tmp/$who.key" -out "$tmp/$who.pem" -days 2 \
		-subj "/CN=$who" -addext subjectAltName=IP:127.0.0.1 \
		2>/dev/null || fail "openssl"
done
serve tls "$tmp/server.pem" "$tmp/server.key" "$tmp/client.pem"
base=https://127.0.0.1:$port
poll 0 '' url=$base/good/ ca="$tmp/server.pem" cert="$tmp/client.pem" \
	key="$tmp/client.key"
has 'loaded=5'
poll 1 '' url=$base/good/ ca="$tmp/server.pem"
poll 1 'ertificate' url=$base/good/ ca="$tmp/ca.pem" cert="$tmp/client.pem" \
	key="$tmp/client.key"
finish
