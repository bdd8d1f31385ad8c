#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/e2e/failover.sh with 51 kills and stops instead of 7, while sensors go on
# sending all the time.
ROUNDS=${ROUNDS:-17}
PACE=${PACE:-0.15}
export ROUNDS PACE
exec sh "${srcdir:-$(dirname "$0")/../..}/tests/e2e/failover.sh"
