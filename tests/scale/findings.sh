#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How much of what is planted among days of contacts is found, and how much that
# is not: precision and recall of each kind, over three worlds.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
findings=$bin/tests/scale/findings
[ -x "$findings" ] || skip "tests/scale/findings is not built"

# world SITES HOSTS DAYS PLANTED WORKERS INTERVAL SEED
world() {
	echo "-- $1 sites of $2 hosts, $3 days, $4 of each planted, seed $7"
	rm -f "$tmp/world.db"*
	"$findings" "$@" "$tmp/world.db" >"$tmp/out" || fail "ended with $?"
	cat "$tmp/out"
	[ "$(tail -n 1 "$tmp/out")" = good ] || fail "below 0.95"
}

world 2 30 4 8 2 60 1
world 2 30 4 8 2 60 2
world 4 100 5 24 2 300 7
finish
