#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The catalogue of words fits the tree: every text that people read in their
# language stands in ja.po with its translation, nothing stands there that
# nobody says, and translated formats take the same arguments.
set -eu
src=${srcdir:-.}
for tool in xgettext msgfmt msgattrib msgcomm; do
	command -v "$tool" >/dev/null || {
		echo "$tool is not here: package gettext"
		exit 77
	}
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# ids FILE : its texts, one a line, sorted.
ids() {
	msgattrib --no-wrap --no-location "$1" |
		sed -n 's/^msgid "\(..*\)"$/\1/p' | LC_ALL=C sort
}
# say FILE WORDS : its lines are what is wrong.
say() {
	[ ! -s "$1" ] && return
	sed "s|^|$2: |" "$1"
	bad=1
}

po=$src/common/words/ja.po
msgfmt --check-format --check-domain -o /dev/null "$po" 2>"$work/format" ||
	say "$work/format" 'msgfmt'
(cd "$src" && sh common/words/update.sh -n) >"$work/tree.pot"
ids "$work/tree.pot" >"$work/tree"
ids "$po" >"$work/po"
[ -s "$work/tree" ] || {
	echo "no texts were found in the tree"
	exit 1
}
LC_ALL=C comm -23 "$work/tree" "$work/po" >"$work/lacks"
LC_ALL=C comm -13 "$work/tree" "$work/po" >"$work/unused"
msgattrib --untranslated --no-wrap "$po" >"$work/un.po"
ids "$work/un.po" >"$work/untranslated"
msgattrib --only-fuzzy --no-wrap "$po" >"$work/fuzzy.po"
ids "$work/fuzzy.po" >"$work/fuzzy"
say "$work/lacks" 'ja.po lacks (make update-words)'
say "$work/unused" 'nobody says (make update-words)'
say "$work/untranslated" 'ja.po has no translation of'
say "$work/fuzzy" 'ja.po doubts its translation of'
[ $bad -ne 0 ] || echo "$(wc -l <"$work/tree") texts, all translated"
exit $bad
