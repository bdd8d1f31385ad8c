#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A spool whose power is cut: what it does is written down call by call, and
# at every moment of it the disk is rebuilt as it may be then and opened; also
# when a call failed before.  See power_cut.c.
#
#   power_cut.sh         some moments
#   power_cut.sh full    every moment
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
! grep -q -a __asan_init "$bin/picket-sensor" ||
	skip "a sanitizer does not let its allocator be wrapped"
faults=$bin/tests/faults/failing_io.so
cut=$bin/tests/faults/power_cut
[ -f "$faults" ] && [ -x "$cut" ] ||
	skip "power_cut and failing_io.so are not built (make check builds them)"

case ${1:-short} in
full) step=1 variants=24 ;;
*) step=23 variants=8 ;;
esac
# Thousands of small files: memory is kinder than a disk.
work=$tmp
if [ -w /dev/shm ]; then
	work=$(mktemp -d /dev/shm/picket.XXXXXX)
	trap 'rm -rf "$work"; cleanup' EXIT
fi
mkdir "$work/disk"
all_points=0
all_recovered=0

# cuts POLICY FAULTS : one spool's life, and its power cuts.
cuts() {
	rm -rf "$work/spool" "$work/journal"
	FAILING_IO=$2 FAILING_IO_BOOT=before FAILING_IO_UNDER=$work/spool \
		FAILING_IO_JOURNAL=$work/journal LD_PRELOAD=$faults \
		ASAN_OPTIONS=verify_asan_link_order=0 \
		"$cut" write "$work/spool" "$1" 2>"$tmp/log" ||
		fail "sync $1, '$2': ended with status $?: $(cat "$tmp/log")"
	"$cut" replay "$work/journal" "$work/disk" $step $variants 1 \
		>"$tmp/out" 2>&1 || {
		fail "sync $1, '$2':"
		tail -n 5 "$tmp/out"
	}
	points=$(sed -n 's/^\([0-9]*\) points.*/\1/p' "$tmp/out")
	recovered=$(sed -n 's/.* \([0-9]*\) recovered$/\1/p' "$tmp/out")
	all_points=$((all_points + ${points:-0}))
	all_recovered=$((all_recovered + ${recovered:-0}))
	[ "${1:-}" != full ] || printf '%s %s: %s\n' "$1" "$2" "$points"
}

cuts batch ''
cuts interval ''
cuts none ''
cuts batch 'fail write *.seg 60 ENOSPC'
cuts batch 'fail write *.seg 100+ ENOSPC'
cuts batch 'fail write *.seg 60 EIO'
cuts batch 'fail write *.seg 60 EIO; fail truncate *.seg 1+ EIO'
cuts batch 'short write *.seg 50'
cuts batch 'fail fsync *.seg 30 EIO'
cuts batch 'fail fsync */spool 5 EIO'
cuts batch 'fail fsync */meta.new 5 EIO'
cuts batch 'fail write */meta.new 4+ ENOSPC'
cuts batch 'fail rename */meta 4 EIO'
cuts batch 'fail unlink *.seg 3 EIO'
cuts batch 'fail open *.seg 7 EMFILE'
printf '%s points, %s recovered\n' $all_points $all_recovered
[ $all_points -gt 1000 ] || fail "only $all_points points"
finish
