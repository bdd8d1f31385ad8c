#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A store of a million alerts: the first page of the inbox, and each filter.
#     make scale SCALE=inbox
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3
# Of a machine with nothing else to do.
max_page_ms=${MAX_PAGE_MS:-200}
max_filter_ms=${MAX_FILTER_MS:-500}
alerts=${ALERTS:-1000000}

"$bin/storefill" "$tmp/s.db" --alerts "$alerts" >/dev/null 2>&1 ||
	fail "no store"
python3 - "$bin/storefill" "$tmp/s.db" "$max_page_ms" "$max_filter_ms" <<'EOF' ||
import json, subprocess, sys, time, urllib.parse, urllib.request
served = subprocess.Popen([sys.argv[1], sys.argv[2], "--serve"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
port = int(served.stdout.readline())
most = {"page": int(sys.argv[3]), "filter": int(sys.argv[4])}
slow = 0
def ask(bound, **words):
    global slow
    url = "http://127.0.0.1:%d/api/inbox?%s" % (
        port, urllib.parse.urlencode(dict(words, exercise="*")))
    best = 1e9
    for _ in range(3):
        begun = time.monotonic()
        doc = json.load(urllib.request.urlopen(url))
        best = min(best, 1000 * (time.monotonic() - begun))
    slow += best > most[bound]
    print("%7.1f ms  %5d groups  %s" % (best, doc["total"], words or "first"))
ask("page")
for q in ("sid:2001000-2001100", "sev:1", "sev:3", "site:site3", "ip:10.3.0.0/16",
          "src:198.18.44.0/24", "sig:*rule*", "rule", '"100"', "is:new",
          "is:escalated", "owner:nobody", "mission:none", "from:-1h",
          "from:2026-11-23 to:2026-11-24", "-sid:2000000-2001000 sev:1", "notthere"):
    ask("filter", q=q)
for sort in ("first", "count", "severity"):
    ask("filter", sort=sort)
served.stdin.close()
served.wait()
sys.exit(slow != 0)
EOF
	fail "an answer took longer than $max_page_ms or $max_filter_ms ms"
finish
