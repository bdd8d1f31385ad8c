#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh SRCDIR TARGET... : runs each fuzz target for FUZZ_SECONDS.
set -eu
src=$1
shift
for target in "$@"; do
	name=${target##*fuzz_}
	mkdir -p "tests/fuzz/$name.found"
	echo "fuzz: $name for ${FUZZ_SECONDS:-60} s"
	"./$target" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="tests/fuzz/$name-" \
		"tests/fuzz/$name.found" "$src/tests/fuzz/$name.in" \
		>"tests/fuzz/$name.log" 2>&1 || {
		tail -n 30 "tests/fuzz/$name.log"
		echo "fuzz: $name FAILED; the input lies in tests/fuzz/" >&2
		exit 1
	}
	grep -E '^stat::number_of_executed_units' "tests/fuzz/$name.log" || true
done
