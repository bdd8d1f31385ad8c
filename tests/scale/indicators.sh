#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A bundle of half a gigabyte with a million patterns is read whole, in less
# than 40 MiB and a minute of processor time; so is one that is hostile.
#     make scale
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3
reader=$bin/tests/scale/read_indicators
max_kib=${MAX_KIB:-40960}
max_ms=${MAX_MS:-60000}

# read_it WHAT WANT : the account of $tmp/bundle.json begins with WANT.
read_it() {
	"$reader" "$tmp/bundle.json" >"$tmp/out" 2>"$tmp/err"
	printf '%s: %s %s\n' "$1" "$(cat "$tmp/out")" "$(cat "$tmp/err")"
	grep -q "^$2 " "$tmp/out" || fail "$1: not '$2'"
	rss=$(sed -n 's/.*rss_kib=\([0-9]*\).*/\1/p' "$tmp/out")
	cpu=$(sed -n 's/.*cpu_ms=\([0-9]*\).*/\1/p' "$tmp/out")
	[ "$rss" -le "$max_kib" ] || fail "$1: $rss KiB, more than $max_kib"
	[ "$cpu" -le "$max_ms" ] || fail "$1: $cpu ms, more than $max_ms"
}

# A million indicators whose marking stands at the end.
python3 - "$tmp/bundle.json" <<'EOF'
import sys
with open(sys.argv[1], "w") as f:
    f.write('{"type":"bundle","id":"bundle--1","objects":[')
    for n in range(1000000):
        f.write('{"type":"indicator","spec_version":"2.1","id":'
                '"indicator--%08d-0000-4000-8000-000000000000","created":'
                '"2026-01-01T00:00:00.000Z","modified":'
                '"2026-01-01T00:00:00.000Z","name":"host %d of a campaign",'
                '"description":"%s","object_marking_refs":["m"],'
                '"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z",'
                '"pattern":"[domain-name:value = \'d%d.test\']"},\n'
                % (n, n, "x" * 130, n))
    f.write('{"type":"marking-definition","id":"m",'
            '"definition":{"tlp":"green"}}]}')
EOF
ls -l "$tmp/bundle.json" | awk '{ print $5, "bytes" }'
read_it 'a million patterns' 'total=1000000 loaded=1000000 refused=0 others=1'

# Objects of 60 MB, nesting a million deep, one id a million times.
python3 - "$tmp/bundle.json" <<'EOF'
import sys
with open(sys.argv[1], "w") as f:
    f.write('{"objects":[{"type":"indicator","id":"big","x":"')
    for n in range(60):
        f.write("x" * 1000000)
    f.write('"},{"type":"indicator","id":"deep","x":')
    f.write("[" * 1000000 + "]" * 1000000 + "}")
    for n in range(1000000):
        f.write(',{"type":"indicator","id":"same","modified":'
                '"2026-01-01T00:00:00.%06dZ","pattern":"x"}' % (n % 1000000))
    f.write(',{"type":"indicator","id":"i","pattern":'
            '"[domain-name:value = \'a.test\']"}')
EOF
read_it 'a hostile bundle, cut off' 'total=1000003 loaded=1 refused=1000002 others=0'
grep -q 'ends within a value' "$tmp/err" || fail "the cut is not told"
finish
