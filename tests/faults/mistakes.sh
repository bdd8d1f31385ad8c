#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A test that cannot fail proves nothing: each patch in mistakes/ breaks the
# programs in a way that loses alerts or counts them twice, and the fault driver
# has to find it, by the words that the patch names.
#
#	mistakes.sh [NAME...]
#
# ONLY the programs' copies are changed.  RUNS (12) is how many runs each
# mistake may take, SEED (1) the first one's.
set -u
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd) || exit 99
bin=$(cd "${builddir:-$top/build}" && pwd) || exit 99
here=$top/tests/faults
work=$(mktemp -d "${TMPDIR:-/tmp}/picket-mistakes.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' INT TERM
missed=0 found=0

complain() {
	printf 'FAIL: %s\n' "$*"
	missed=$((missed + 1))
}

# copy_tree : sources and objects, so that little has to be built anew.
copy_tree() {
	mkdir "$work/tree" &&
		tar -C "$top" --exclude=.git --exclude='./build*' \
			--exclude=__pycache__ -cf - . | tar -C "$work/tree" -xf - &&
		mkdir -p "$work/tree/build-aux" &&
		cp -a "$top/build-aux/." "$work/tree/build-aux/" &&
		cp -a "$bin" "$work/tree/build"
}

# build_tree : what the driver runs.
build_tree() {
	make -C "$work/tree/build" picket-sensor picket-collector \
		picketctl tests/faults/fault_proxy CFLAGS="-O1 -w" \
		>"$work/make.out" 2>&1
}

# patch_tree FILE [OPTION] : applies it, without leaving other files.
patch_tree() {
	(cd "$work/tree" && patch -p1 -s -f --no-backup-if-mismatch -r - $2) \
		<"$1" >"$work/patch.out" 2>&1
}

# try PATCH : plants the mistake, looks for it, takes it out.
try() {
	name=$(basename "$1" .patch)
	only=$(sed -n 's/^Faults: //p' "$1")
	words=$(sed -n 's/^Found as: //p' "$1")
	if ! patch_tree "$1" ""; then
		complain "$name: the patch no longer applies; write it anew:" \
			"$(head -n 3 "$work/patch.out" | tr '\n' ' ')"
		patch_tree "$1" -R
		return
	fi
	if ! build_tree; then
		complain "$name: does not build: $(grep -m 1 error: "$work/make.out")"
	else
		python3 "$here/drive.py" --bin "$work/tree/build" \
			--proxy "$work/tree/build/tests/faults/fault_proxy" \
			--pcaps "$top/pcaps" --only "$only" --broker single --first \
			--runs "${RUNS:-12}" --seed "${SEED:-1}" --patience 20 \
			--scrap >"$work/drive.out" 2>&1
		judge $?
	fi
	patch_tree "$1" -R || complain "$name: cannot be taken out again"
}

judge() {
	if [ "$1" -eq 0 ]; then
		complain "$name: not found; $(tail -n 1 "$work/drive.out")"
	elif grep -E -q "^     .*($words)" "$work/drive.out"; then
		found=$((found + 1))
		printf 'found: %s: %s\n' "$name" "$(grep -E -m 1 \
			"^     .*($words)" "$work/drive.out" | sed 's/^ *//')"
	else
		complain "$name: a run failed, but not for this: $(tail -n 20 \
			"$work/drive.out")"
	fi
}

command -v patch >/dev/null || {
	echo "patch is missing"
	exit 77
}
copy_tree || exit 99
build_tree || {
	tail -n 20 "$work/make.out"
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
