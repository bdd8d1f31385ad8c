#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/e2e/taps.sh with some 7,500 connections instead of 1,100, by clocks that
# are minutes apart, and an hour.
TAPS_CLONES=${TAPS_CLONES:-40}
export TAPS_CLONES
top=${srcdir:-$(dirname "$0")/../..}
for apart in 0 3600; do
	echo "clocks further apart by $apart s"
	TAPS_APART=$apart sh "$top/tests/e2e/taps.sh" || exit
done
