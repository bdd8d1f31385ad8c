#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A million indicators and a thousand changes a second, from the publisher to
# the sensor: prints what docs/performance.md has.  ARMING="NAMES RATE SECONDS";
# more than twice the list in memory, or MAX_MS for 99 % of changes, is a failure.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server
[ -x "$bin/tests/scale/arming" ] || skip "make tests/scale/arming first"
# Of a machine with nothing else to do.
max_ms=${MAX_MS:-50}
# shellcheck disable=SC2086
"$bin/tests/scale/arming" ${ARMING:-1000000 1000 20} >"$tmp/out" ||
	fail "status $?"
cat "$tmp/out"
awk -v max="$max_ms" '
	/times the list/ { size = $(NF - 3) + 0 }
	/in force after/ { late = $0; sub(/.*median\), /, "", late); late += 0 }
	END { exit !(size > 0 && size <= 2 && late > 0 && late <= max) }' \
	"$tmp/out" || fail "more than twice the list, or later than $max_ms ms"
finish
