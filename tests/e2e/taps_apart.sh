#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# taps.sh by clocks that are an hour further apart: too far to be believed unseen,
# so that what came before they were compared is joined afterwards.
TAPS_APART=3600
export TAPS_APART
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/taps.sh" # ends with: finish
