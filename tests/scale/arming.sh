#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A million indicators and a thousand changes a second, from the publisher to
# the sensor: prints what docs/performance.md has.  ARMING="NAMES RATE SECONDS".
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server
[ -x "$bin/tests/scale/arming" ] || skip "make tests/scale/arming first"
# shellcheck disable=SC2086
"$bin/tests/scale/arming" ${ARMING:-1000000 1000 20} || fail "status $?"
finish
