#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A million decisions on what may leave: made-up worlds of missions, markings,
# policies and incidents, against an oracle that shares no code with the
# programs (tests/collector/share_worlds.sh).  WORLDS: how many, 15; SEED: of the
# first, 100.
set -u
src=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 1' INT TERM
worlds=${WORLDS:-15}
sh "$src/tests/collector/share_worlds.sh" "${SEED:-100}" "$worlds" 250 60 >"$out" 2>&1
rc=$?
[ $rc -eq 77 ] && { echo "release: no python3: skipped"; exit 0; }
if [ $rc -ne 0 ]; then
	cat "$out"
	exit 1
fi
awk -v worlds="$worlds" '
	/ decisions, / { d += $3; r += $5; w += $7; n++ }
	END {
		printf "%d worlds: %d decisions, %d released, %d wrong\n", n, d, r, w
		if (n != worlds || d < worlds * 66667 || r == 0 || w != 0) exit 1
	}' "$out" || { echo "release: too few decisions, or wrong ones"; exit 1; }
