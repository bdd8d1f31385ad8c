#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# STIX patterns on a capture: each raises the alerts that the sensor's own
# records of flows and transactions account for, with any number of workers;
# what no sensor sees is refused by name; and an evaluator of its own, written
# from the specification, agrees with the sensor's on patterns drawn at random.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 cmp

n=0
pattern() {
	n=$((n + 1))
	[ $n -eq 1 ] || echo ,
	printf '{"type":"indicator","spec_version":"2.1",'
	printf '"id":"indicator--00000000-0000-4000-8000-%012d",' "$n"
	printf '"created":"2026-01-01T00:00:00Z","pattern_type":"stix",'
	printf '"modified":"2026-01-01T00:00:00Z",'
	printf '"valid_from":"2020-01-01T00:00:00Z","pattern":"%s"}' "$1"
}

header="network-traffic:extensions.'http-request-ext'.request_header"
{
	echo '{"type":"bundle","objects":['
	# 1: a name is asked for, then the host is spoken to
	pattern "([domain-name:value = 'CDN.updates-sync.example'] FOLLOWEDBY [network-traffic:dst_ref.value = '198.51.100.23' AND network-traffic:dst_port = 443]) WITHIN 5 SECONDS"
	# 2: never as soon as that
	pattern "([domain-name:value = 'CDN.updates-sync.example'] FOLLOWEDBY [network-traffic:dst_ref.value = '198.51.100.23' AND network-traffic:dst_port = 443]) WITHIN 0.001 SECONDS"
	# 3: a scan, by fifties
	pattern "[network-traffic:src_ref.value = '203.0.113.66' AND network-traffic:dst_ref.value ISSUBSET '192.0.2.0/24'] REPEATS 50 TIMES WITHIN 60 SECONDS"
	# 4: a program's name
	pattern "[$header.'User-Agent' LIKE 'Wget/%']"
	# 5: of flows that ended
	pattern "[network-traffic:src_byte_count > 1000]"
	# 6: a header that is not there
	pattern "[network-traffic:extensions.'http-request-ext'.request_method = 'GET' AND NOT EXISTS $header.'User-Agent']"
	# 7
	pattern "[url:value MATCHES '^http://www[.]example/docs/']"
	# 8: files
	pattern "[file:name = '/docs/a.txt' AND file:size = 1522]"
	# 9: long ago
	pattern "[domain-name:value = 'www.example'] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'"
	# 10, 11: what no sensor sees, what no object is
	pattern "[process:pid = 5] AND [domain-name:value = 'www.example']"
	pattern "[domain-name:value = 'a.example' AND url:value = 'http://b.example/']"
	# 12: both, in whatever order
	pattern "[network-traffic:extensions.'tls'.server_name = 'www.example'] AND [network-traffic:extensions.'http-request-ext'.request_value = '/docs/a.txt']"
	echo ']}'
} >"$tmp/bundle"

capture=$top/pcaps/exercise-jp-east.pcap
"$sensor" --check --indicators "$tmp/bundle" >"$tmp/check" 2>&1
grep -q '000000000010: process:pid is not matched by this sensor' \
	"$tmp/check" || fail "process:pid was not refused by name"
grep -q '000000000011: AND within brackets joins properties of different' \
	"$tmp/check" || fail "two objects at once were not refused"
grep -q '^indicators: 10 loaded' "$tmp/check" || fail "not 10 were loaded"

for w in 1 2 4; do
	"$sensor" --indicators "$tmp/bundle" --workers $w --read "$capture" \
		--eve "$tmp/eve.$w" --eve-types alert --stats "$tmp/stats" \
		2>"$tmp/log" || fail "$w workers: exit status $?"
	no_sanitizer "$tmp/log"
	cmp -s "$tmp/eve.1" "$tmp/eve.$w" ||
		fail "$w workers raise other alerts than one"
	grep -q '"pattern_searches_limited":0' "$tmp/stats" ||
		fail "a search was given up"
done
"$sensor" --read "$capture" --eve "$tmp/records" \
	--eve-types flow,http,dns,tls,fileinfo 2>"$tmp/log" ||
	fail "records: exit status $?"

# What the records say, and what was raised.
python3 - "$tmp/records" "$tmp/eve.1" >"$tmp/differences" <<'END' || fail "python"
import json
import sys

events = [json.loads(x) for x in open(sys.argv[1])]
alerts = [json.loads(x) for x in open(sys.argv[2])]
of = {t: [e for e in events if e["event_type"] == t]
      for t in ("flow", "http", "dns", "tls", "fileinfo")}
asked = sum(e["dns"]["type"] == "request" and
            e["dns"]["queries"][0]["rrname"] == "cdn.updates-sync.example"
            for e in of["dns"])
spoken = sum(e["dest_ip"] == "198.51.100.23" and e.get("dest_port") == 443
             for e in of["flow"])
want = {
    1: min(asked, spoken), 2: 0,
    3: sum(e["src_ip"] == "203.0.113.66" and
           e["dest_ip"].startswith("192.0.2.") for e in of["flow"]) // 50,
    4: sum(e["http"].get("http_user_agent", "").startswith("Wget/")
           for e in of["http"]),
    5: sum(e["flow"]["bytes_toserver"] > 1000 for e in of["flow"]),
    6: sum("http_user_agent" not in e["http"] and
           e["http"]["http_method"] == "GET" for e in of["http"]),
    7: sum(e["http"]["url"].startswith("/docs/") for e in of["http"]),
    8: sum(e["fileinfo"]["filename"] == "/docs/a.txt" and
           e["fileinfo"]["size"] == 1522 for e in of["fileinfo"]),
    9: 0,
    12: min(sum(e["tls"].get("sni") == "www.example" for e in of["tls"]),
            sum(e["http"]["url"] == "/docs/a.txt" for e in of["http"])),
}
got = {}
for a in alerts:
    i = a["picket"]["indicator"]
    if (a["alert"]["gid"], a["alert"]["signature_id"], i["type"]) != \
            (9000, 9000011, "pattern"):
        print("not a pattern's alert:", a)
    n = int(i["id"][-12:])
    got[n] = got.get(n, 0) + 1
for n in sorted(set(want) | set(got)):
    if want.get(n, 0) != got.get(n, 0):
        print("pattern %d: expected %d, raised %d"
              % (n, want.get(n, 0), got.get(n, 0)))
if sum(want.values()) < 30:
    print("the capture shows too little:", want)
END
[ ! -s "$tmp/differences" ] || fail "$(cat "$tmp/differences")"

python3 "$top/tests/tools/stix_pattern_oracle.py" "$bin/patterncases" 5000 \
	>"$tmp/oracle" 2>&1 || fail "the oracle disagrees: $(cat "$tmp/oracle")"
finish
