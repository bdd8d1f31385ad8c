#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Indicators of each kind and format find what is in captures; what cannot be
# loaded is said by --check and costs nothing else.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3

# alerts CAPTURE FILE SIGNATURE : how many alerts of it.
alerts() {
	"$sensor" --read "$top/pcaps/$1" --indicators "$2" --eve - \
		2>"$tmp/err" | grep -c "\"signature\":\"PICKET indicator: $3\""
	no_sanitizer "$tmp/err"
}

# What is in the capture, by the sensor's own file events.
"$sensor" --read "$top/pcaps/http.pcap" --set eve.files.force-hash.0=md5 \
	--set eve.files.force-hash.1=sha1 --set eve.files.force-hash.2=sha256 \
	--eve - 2>/dev/null | grep '"event_type":"fileinfo"' >"$tmp/files"
for kind in md5 sha1 sha256; do
	sed -n "s/.*\"$kind\":\"\([0-9a-f]*\)\".*/\1/p" "$tmp/files" |
		sort | uniq -c | sort -rn | head -1 >"$tmp/most"
	read -r n sum <"$tmp/most" || fail "no $kind in the capture"
	printf '# type: %s\n%s\n' $kind "$sum" >"$tmp/$kind.list"
	name=$(printf %s $kind | sed 's/md5/MD5/; s/sha/SHA-/')
	same "files by $kind" "$n" \
		"$(alerts http.pcap "$tmp/$kind.list" "known-bad file ($name)")"
done

# A MISP event whose tags stand behind its attributes.
cat >"$tmp/event.json" <<'EOF'
{"Event":{"Attribute":[
{"uuid":"1","type":"user-agent","to_ids":true,"value":"curl/7.88.1"},
{"uuid":"2","type":"user-agent","to_ids":false,"value":"Wget/1.21.3"},
{"uuid":"3","type":"ja4","to_ids":true,
 "value":"t12d2808h1_d943125447b4_e7e480e5a997"}],
"info":"late","Tag":[{"name":"tlp:amber"}]}}
EOF
same 'user agents' "$(grep -a -c '^User-Agent: curl/7.88.1' "$top/pcaps/http.pcap")" \
	"$(alerts http.pcap "$tmp/event.json" 'known-bad user agent')"
same 'JA4' 1 "$(alerts tls.pcap "$tmp/event.json" 'known-bad TLS client (JA4)')"
"$sensor" --read "$top/pcaps/tls.pcap" --indicators "$tmp/event.json" \
	--eve - 2>/dev/null | grep '"type":"ja4"' | grep -q '"tlp":"amber"' ||
	fail "the mark behind the attributes is lost"
"$sensor" --read "$top/pcaps/tls.pcap" --indicators "$tmp/event.json" \
	--eve - 2>/dev/null | grep -q '"labels":"tlp:amber"' ||
	fail "the labels are lost"

# The same in a feed's directory, one of whose events is broken.
mkdir "$tmp/feed"
good=00000000-0000-4000-8000-000000000001
bad=00000000-0000-4000-8000-000000000002
printf '{"%s":{},"%s":{}}' $bad $good >"$tmp/feed/manifest.json"
cp "$tmp/event.json" "$tmp/feed/$good.json"
printf '{"Event":{"Attribute":[{"uuid"' >"$tmp/feed/$bad.json"
same 'JA4 of a feed' 1 \
	"$(alerts tls.pcap "$tmp/feed" 'known-bad TLS client (JA4)')"
"$sensor" --check --indicators "$tmp/feed" >"$tmp/out" 2>&1
grep -q "$bad.*ends within a value" "$tmp/out" ||
	fail "the broken event is not told: $(cat "$tmp/out")"
grep -q 'to_ids is not set' "$tmp/out" ||
	fail "what is not for detection is not told: $(cat "$tmp/out")"
# A line where there is one, an id where there is one, and no holes for others.
printf 'good.example\nnot a thing\n' >"$tmp/list.txt"
"$sensor" --check --indicators "$tmp/event.json" "$tmp/list.txt" >"$tmp/out" 2>&1
grep -q '/event.json: skipped: indicator 2: to_ids' "$tmp/out" &&
	grep -q '/list.txt:2: skipped: indicator: more than one word' "$tmp/out" ||
	fail "what was refused, and where: $(cat "$tmp/out")"
finish
