#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# update.sh [-n] : brings ja.po up to the texts of the tree: new ones come
# without a translation, those that are gone are taken away.  With -n it writes
# what the tree has, as a template, to standard output and changes nothing.
# Run in the top directory.
set -eu
here=common/words
mode=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# No places of the texts: they would change with every line of the sources.
# shellcheck disable=SC2046
xgettext --from-code=UTF-8 --no-location -L C -k -kword:2 -kWORD \
	--flag=word:2:pass-c-format -o "$work/c" \
	$(LC_ALL=C ls common/*.c collector/*.c)
# shellcheck disable=SC2046
xgettext --from-code=UTF-8 --no-location --force-po -L JavaScript -k -kt \
	-ktn:2,3 -kmark -o "$work/js" $(LC_ALL=C ls collector/assets/*.js)
sed -i 's/charset=CHARSET/charset=UTF-8/' "$work/c" "$work/js"
# One and many are texts of their own: each language has its rules, and the
# console picks one of the two.
awk '/^msgid_plural / { print "msgstr \"\"\n"; sub(/_plural/, "") }
	/^msgstr\[0\]/ { print "msgstr \"\""; next }
	/^msgstr\[/ { next }
	{ print }' "$work/js" | msguniq --force-po --use-first --no-location -o "$work/js1"
msgcat --use-first --no-location -o "$work/pot" "$work/c" "$work/js1"
if [ "$mode" = -n ]; then
	cat "$work/pot"
	exit 0
fi
msgmerge --quiet --no-fuzzy-matching --no-location -o "$work/po" \
	"$here/ja.po" "$work/pot"
msgattrib --no-obsolete --no-location -o "$here/ja.po" "$work/po"
msgfmt --check-format --statistics -o /dev/null "$here/ja.po"
