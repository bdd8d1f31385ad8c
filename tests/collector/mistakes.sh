#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A test that cannot fail proves nothing: each patch in mistakes/ plants a
# mistake in a copy of the programs by which something leaves that must not, and
# share_worlds.sh has to find it.
#
#	mistakes.sh [NAME...]
#
# "make share-mistakes" runs it; SEED (1) is the first world's, WORLDS (6) how
# many each mistake may take.
set -u
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd) || exit 99
bin=$(cd "${builddir:-$top/build}" && pwd) || exit 99
here=$top/tests/collector
work=$(mktemp -d "${TMPDIR:-/tmp}/picket-mistakes.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' INT TERM
missed=0 found=0

complain() {
	printf 'FAIL: %s\n' "$*"
	missed=$((missed + 1))
}

build_tree() {
	make -C "$work/tree/build" picketctl tests/collector/share_drive \
		CFLAGS="-O1 -w" >"$work/make.out" 2>&1
}

patch_tree() {
	(cd "$work/tree" && patch -p1 -s -f --no-backup-if-mismatch -r - $2) \
		<"$1" >"$work/patch.out" 2>&1
}

# worlds : whether all is as it should be.
worlds() {
	srcdir=$top builddir=$work/tree/build sh "$here/share_worlds.sh" \
		"${SEED:-1}" "${WORLDS:-6}" 200 8 >"$work/out" 2>&1
}

try() {
	name=$(basename "$1" .patch)
	if ! patch_tree "$1" ""; then
		complain "$name: the patch no longer applies; write it anew"
		return
	fi
	if ! build_tree; then
		complain "$name: does not build:" \
			"$(grep -m 1 error: "$work/make.out")"
	elif worlds; then
		complain "$name: not found"
	elif grep -q WRONG "$work/out"; then
		found=$((found + 1))
		printf 'found: %s: %s\n' "$name" \
			"$(grep -m 1 WRONG "$work/out" | cut -c1-160)"
	else
		complain "$name: failed, but not for this: $(tail -n 3 "$work/out")"
	fi
	patch_tree "$1" -R || complain "$name: cannot be taken out again"
}

for p in patch python3; do
	command -v $p >/dev/null || exit 77
done
mkdir "$work/tree" && tar -C "$top" --exclude=.git --exclude='./build*' -cf - . |
	tar -C "$work/tree" -xf - && mkdir -p "$work/tree/build-aux" &&
	cp -a "$top/build-aux/." "$work/tree/build-aux/" &&
	cp -a "$bin" "$work/tree/build" && build_tree || {
	tail -n 5 "$work/make.out"
	exit 99
}
worlds || {
	echo "without a mistake: $(tail -n 3 "$work/out")"
	exit 99
}
if [ $# -gt 0 ]; then
	for n in "$@"; do
		try "$here/mistakes/$n.patch"
	done
else
	for p in "$here"/mistakes/*.patch; do
		try "$p"
	done
fi
printf '%s mistakes found, %s missed\n' $found $missed
[ $missed -eq 0 ]
