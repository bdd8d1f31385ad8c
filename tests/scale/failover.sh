#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/e2e/failover.sh with 51 kills and stops instead of 7, while sensors go on
# sending all the time; nobody is missing for three seconds.
ROUNDS=${ROUNDS:-17}
PACE=${PACE:-0.15}
STALE=${STALE:-1}
MOST_MS=${MOST_MS:-3000}
export ROUNDS PACE STALE MOST_MS
exec sh "${srcdir:-$(dirname "$0")/../..}/tests/e2e/failover.sh"
