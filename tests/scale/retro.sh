#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The index of what was seen at size: ENTRIES (100 million) distinct entries,
# then questions.  Fails above its promises: memory of 64 MiB, any question 2 s,
# 500,000 entries a second on one processor.  Needs 13 GiB of disk in SCALE_DIR.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
entries=${ENTRIES:-100000000}
bench=$bin/tests/bench/bench_retro
[ -x "$bench" ] || skip "bench_retro is not built"
dir=${SCALE_DIR:-$tmp}/retro-index
mkdir -p "$dir"
"$bench" "$dir" "$entries" >"$tmp/out" || fail "bench_retro: status $?"
cat "$tmp/out"

# of NAME
of() {
	sed -n "s/^$1 //p" "$tmp/out"
}
same "entries lost" 0 "$(of lost)"
same "entries dropped" 0 "$(of dropped)"
[ "$(of memory_kib)" -le 65536 ] || fail "memory: $(of memory_kib) KiB"
[ "$(of max_us)" -le 2000000 ] || fail "a question took $(of max_us) us"
[ "$(of entries_per_cpu_second)" -ge 500000 ] ||
	fail "slow: $(of entries_per_cpu_second) entries a second"
rm -rf "$dir"
finish
