#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# contacts.sh BUILD [RULES]
#
# What summing up contacts takes of a packet: counts the instructions of
# conversations of two, four and 72 packets under Valgrind, without and with it,
# by our own rules or RULES (a glob).
set -u
LC_ALL=C
export LC_ALL
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$here/../..
build=${1:?usage: contacts.sh BUILD [RULES]}
rules=${2:-$top/rules/dist/base-*.rules}

make -C "$build" -s tests/bench/count_contacts >/dev/null || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
valgrind --tool=callgrind --callgrind-out-file="$work/out" \
	--toggle-collect=counted --dump-after=counted \
	"$build/tests/bench/count_contacts" "$rules" >"$work/runs" 2>"$work/log" || {
	cat "$work/log"
	exit 1
}
i=0
while read -r name packets flows; do
	sum=0
	for minute in 1 2 3; do
		i=$((i + 1))
		n=$(awk '$1 == "totals:" || $1 == "summary:" { n = $2 } END { print n + 0 }' \
			"$work/out.$i")
		sum=$((sum + n))
	done
	echo "$name $packets $flows $sum"
done <"$work/runs" | awk '
	$1 == "without" { was = $4; next }
	{
		printf "%4.0f packets a flow: %6.0f instructions a packet, " \
			"%5.1f more for contacts (%.2f %%), %.0f a flow, %s\n",
			$2 / $3, was / $2, ($4 - was) / $2, ($4 / was - 1) * 100,
			($4 - was) / $3,
			$1 == "all" ? "in all" : "of it on the packet path"
	}'
[ -z "${KEEP:-}" ] || cp "$work"/out.* "$KEEP"
