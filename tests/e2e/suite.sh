#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rules of others, below $PICKET_CORPUS: the large sets load, each rule that
# does not says why, and rules mean what the peer's own tests say they mean.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
[ -d "${PICKET_CORPUS:-}" ] || skip "PICKET_CORPUS is not set"
need awk sed python3
python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is missing"
corpus=$(cd "$PICKET_CORPUS" && pwd)

# loads FILE PER-MILLE : so many of a thousand rules must load.
loads() {
	"$sensor" --check-json --rules "$corpus/rules/$1" >"$tmp/check.json" \
		2>"$tmp/log" || fail "$1: exit status $?"
	no_sanitizer "$tmp/log"
	python3 "$top/tests/e2e/suite.py" report "$tmp/check.json" "$2" ||
		fail "$1 does not load as promised"
}

loads et-modern.rules 995
loads et-2017.rules 980

# Classes whose protocols are parsed: 92 % of the tests, 85 % as the mean over
# classes.  The others must not bring the sensor down.
python3 "$top/tests/e2e/suite.py" verify "$corpus" "$sensor" "$tmp" \
	>"$tmp/verify" 2>&1 || fail "the peer's tests: $(tail -n 4 "$tmp/verify")"
tail -n 12 "$tmp/verify"
no_sanitizer "$tmp/verify"
finish
