#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A million indicators go into the common set, then half of them out again, in
# less than a minute each, and no slice of it keeps batches waiting for long.
#     make scale
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 sqlite3 redis-cli curl
# Of a machine with nothing else to do.
max_s=${MAX_S:-60}
max_slice_ms=${MAX_SLICE_MS:-100}
max_kib=${MAX_KIB:-163840}
n=${INDICATORS:-1000000}

redis_start
"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
	--set "gate.allow=$top/rules/dist/allow" \
	--set metrics.listen=127.0.0.1:0 2>"$tmp/collector.log" &
collector_pid=$!
pids="$pids $collector_pid"
eventually 20 sql "SELECT 1 FROM indicator_imports LIMIT 1" || fail "no store"

python3 - "$tmp" "$n" <<'EOF'
import random, sys
random.seed(1)
n = int(sys.argv[2])
with open(sys.argv[1] + "/all.txt", "w") as f, \
        open(sys.argv[1] + "/half.txt", "w") as g:
    for i in range(n):
        line = "%08x-%d.evil-net.xyz\n" % (random.getrandbits(32), i)
        f.write(line)
        if i % 2 == 0:
            g.write(line)
EOF
done_imports() {
	[ "$(sql "SELECT count(*) FROM indicator_imports WHERE state=2")" = "$1" ]
}
# import_it WHAT FILE NTH
import_it() {
	begun=$(date +%s)
	"$bin/picketctl" -s "$tmp/picket.db" indicators import --snapshot \
		--source list "$tmp/$2" >"$tmp/out" || fail "$1: $(cat "$tmp/out")"
	eventually 300 done_imports "$3" || fail "$1: not taken"
	took=$(($(date +%s) - begun))
	echo "$1: $took s"
	[ "$took" -le "$max_s" ] || fail "$1: $took s, more than $max_s"
}
import_it "$n new" all.txt 1
same "armed" "$n" "$(sql "SELECT count(*) FROM indicators WHERE state=2")"
import_it "half withdrawn" half.txt 2
same "armed" $((n / 2)) "$(sql "SELECT count(*) FROM indicators WHERE state=2")"

port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$tmp/collector.log" | head -1)
slice_ms() {
	curl -s "http://127.0.0.1:$port/metrics" |
		awk '/^[a-z_]*indicators_slice_seconds_max /{ print int($2 * 1000) }'
}
known() { [ -n "$(slice_ms)" ]; }
eventually 20 known || fail "no metrics: $(cat "$tmp/collector.log")"
slice=$(slice_ms)
rss=$(awk '/VmHWM/{ print $2 }' "/proc/$collector_pid/status")
echo "longest slice $slice ms, $rss KiB"
[ "${slice:-9999}" -le "$max_slice_ms" ] || fail "a slice of $slice ms"
[ "$rss" -le "$max_kib" ] || fail "$rss KiB, more than $max_kib"
finish
