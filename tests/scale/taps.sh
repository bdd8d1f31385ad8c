#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/e2e/taps.sh with some 7,500 connections instead of 1,100.
TAPS_CLONES=${TAPS_CLONES:-40}
export TAPS_CLONES
exec sh "${srcdir:-$(dirname "$0")/../..}/tests/e2e/taps.sh"
