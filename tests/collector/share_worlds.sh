#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Worlds at random (share_world.py), their alerts through the collector's own
# steps into a store, a bundle for every partner, and an oracle that shares no
# code with the programs: everything that may leave does, nothing else, with
# the right marking and without a word of ours.
#
#	share_worlds.sh [FIRST-SEED WORLDS CAMPAIGNS PARTNERS]
set -u
here=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)/tests/collector
bin=$(cd "${builddir:-.}" && pwd)
seed=${1:-1} worlds=${2:-1} campaigns=${3:-200} partners=${4:-40}
command -v python3 >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 99' INT TERM
last=$((seed + worlds))
while [ "$seed" -lt "$last" ]; do
	w=$work/$seed
	mkdir "$w"
	python3 "$here/share_world.py" "$w" "$seed" "$campaigns" "$partners" \
		>"$w/partners" || exit 1
	"$bin/tests/collector/share_drive" "$w/s.db" "$w/missions.yaml" \
		<"$w/lines" || exit 1
	while read -r p; do
		"$bin/picketctl" -s "$w/s.db" --set "missions=$w/missions.yaml" \
			--set "partners.policy=$w/policy.yaml" --who test \
			share export --to "$p" --out "$w/$p.json" \
			>"$w/said" || exit 1
	done <"$w/partners"
	printf 'seed %s: ' "$seed"
	python3 "$here/share_oracle.py" "$w" || exit 1
	# One bundle of each world is looked at object by object.
	python3 "$here/stix_check.py" "$w/partner0.json" || exit 1
	"$bin/picketctl" -s "$w/s.db" audit verify || exit 1
	rm -rf "$w"
	seed=$((seed + 1))
done
