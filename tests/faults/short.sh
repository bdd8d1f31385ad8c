#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A few runs of the random fault driver, of seeds that together meet most of
# the faults; "make faults" has any number of others.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 redis-server
[ -x "$collector" ] || skip "picket-collector is not built"
[ -x "$bin/tests/faults/fault_proxy" ] || skip "fault_proxy is not built"
exec python3 "$top/tests/faults/drive.py" --bin "$bin" \
	--proxy "$bin/tests/faults/fault_proxy" --runs "${RUNS:-8}" \
	--seed "${SEED:-105}"
