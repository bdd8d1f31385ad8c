#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The one law as a test: a consumer knows its producer, never the reverse.
# Reads tests/layers.txt (every module, lowest first; "hot" behind those of the
# hot path) and fails on an include or a linked symbol that climbs, on sensor
# and collector knowing each other, on a hot module that calls malloc, printf,
# a mutex or the log, and on a source file that is not listed.  "+ dir/file" is
# one more file of the module on the line before it: the same rank.
set -eu
src=${srcdir:-.}
obj=${builddir:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
fail() {
	printf '%s\n' "$*" >&2
	bad=1
}

grep -v -e '^#' -e '^$' "$src/tests/layers.txt" >"$work/layers"
awk '$1 == "+" { print $2, rank, $3; next } { print $1, ++rank, $2 }' \
	"$work/layers" >"$work/rank"
dup=$(awk '{ print $1 }' "$work/rank" | sort | uniq -d)
[ -z "$dup" ] || fail "layers.txt lists twice: $dup"

# Every source is listed, and every listed module exists.
(cd "$src" && ls common/*.[ch] rules/*.[ch] sensor/*.[ch] collector/*.[ch]) |
	sed 's/\.[ch]$//' | sort -u >"$work/files"
awk '{ print $1 }' "$work/rank" | sort >"$work/listed"
comm -23 "$work/files" "$work/listed" >"$work/unlisted"
[ ! -s "$work/unlisted" ] ||
	fail "not in tests/layers.txt: $(tr '\n' ' ' <"$work/unlisted")"
comm -13 "$work/files" "$work/listed" >"$work/ghosts"
[ ! -s "$work/ghosts" ] || fail "listed but absent: $(tr '\n' ' ' <"$work/ghosts")"

# Includes never climb.
(cd "$src" && grep -n '^#include "' common/*.[ch] rules/*.[ch] sensor/*.[ch] collector/*.[ch]) |
	sed 's/^\([^:]*\)\.[ch]:\([0-9]*\):#include "\([^"]*\)".*/\1 \2 \3/' |
	sed 's/\.\(h\|def\)$//' |
	awk -v ranks="$work/rank" '
		BEGIN { while ((getline l < ranks) > 0) { split(l, f, " "); r[f[1]] = f[2] } }
		$3 == "config" { next }
		{
			split($1, a, "/"); split($3, b, "/")
			if (!($3 in r)) { print $1 ":" $2 " includes unlisted " $3; next }
			if (r[$3] > r[$1]) print $1 ":" $2 " includes " $3 ", which stands above it"
			if (a[1] == "sensor" && b[1] == "collector" || a[1] == "collector" && b[1] == "sensor" || a[1] == "collector" && b[1] == "rules")
				print $1 ":" $2 " includes " $3 ": the two programs meet only in common/"
		}' >"$work/climbs"
[ ! -s "$work/climbs" ] || { cat "$work/climbs" >&2; bad=1; }

# Symbols never climb: nm tells who defines and who needs.  Two programs may use
# one name each for what is their own.
while read -r m; do
	[ ! -f "$obj/$m.o" ] || echo "$m.o"
done <"$work/files" >"$work/objects"
(cd "$obj" && xargs -r nm -A) <"$work/objects" | awk '
	{ m = $1; sub(/\.o:.*/, "", m); sub(/^[^:]*:/, "") }
	$2 ~ /^[TDBRVWC]$/ { print "D", $3, m }
	$1 == "U" { print "U", $2, m }' >"$work/symbols"
awk -v ranks="$work/rank" '
	BEGIN { while ((getline l < ranks) > 0) { split(l, f, " "); r[f[1]] = f[2]; hot[f[1]] = f[3] } }
	function where(s, m, a) {
		split(m, a, "/")
		return (a[1], s) in def ? def[a[1], s] : def["common", s] def["rules", s]
	}
	$1 == "D" { split($3, a, "/"); def[a[1], $2] = $3 }
	$1 == "U" { use[++n] = $2; by[n] = $3 }
	END {
		for (i = 1; i <= n; i++) {
			s = use[i]; m = by[i]; d = where(s, m)
			if (d != "" && r[d] > r[m])
				print m " calls " s " of " d ", which stands above it"
			if (hot[m] == "hot" && s ~ /^(malloc|calloc|realloc|reallocarray|free|strdup|asprintf|(__)?(v?s?n?printf|v?fprintf|puts|fwrite)(_chk)?|pthread_mutex_.*|log_msg)$/)
				print m " is hot and calls " s
		}
	}' "$work/symbols" | sort -u >"$work/calls"
[ ! -s "$work/calls" ] || { cat "$work/calls" >&2; bad=1; }

[ $bad -eq 0 ] && echo "layers: $(wc -l <"$work/layers") files in order"
exit $bad
