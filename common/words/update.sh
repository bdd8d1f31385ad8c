#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# update.sh [-n] : brings ja.po up to the texts of the tree: new ones come
# without a translation, those that are gone are taken away.  With -n it writes
# what the tree has, as a template, to standard output and changes nothing.
# Run in the top directory.
set -eu
here=common/words
pot=$(mktemp)
js=$(mktemp)
trap 'rm -f "$pot" "$js"' EXIT

# No places of the texts: they would change with every line of the sources.
set -- "${1:-}" --from-code=UTF-8 --no-location --omit-header
mode=$1
shift
# shellcheck disable=SC2046
xgettext "$@" -L C -k -kword:2 -kWORD --flag=word:2:pass-c-format \
	-o "$pot" $(LC_ALL=C ls common/*.c collector/*.c)
# shellcheck disable=SC2046
xgettext "$@" -L JavaScript -k -kt -ktn:2 -ktn:3 -kmark -o "$js" \
	$(LC_ALL=C ls collector/assets/*.js)
{
	printf 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
	# Of C only what has conversions is a format, whatever xgettext thinks.
	cat "$pot"
} >"$pot.new"
mv "$pot.new" "$pot"
if [ -s "$js" ]; then
	{
		printf 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
		cat "$js"
	} >"$js.new"
	mv "$js.new" "$js"
	msgcat --use-first --no-location -o "$pot.all" "$pot" "$js"
	mv "$pot.all" "$pot"
fi
if [ "$mode" = -n ]; then
	cat "$pot"
	exit 0
fi
msgmerge --quiet --no-fuzzy-matching --no-location -o "$here/ja.po.new" \
	"$here/ja.po" "$pot"
msgattrib --no-obsolete --no-location -o "$here/ja.po" "$here/ja.po.new"
rm -f "$here/ja.po.new"
msgfmt --check --statistics -o /dev/null "$here/ja.po"
