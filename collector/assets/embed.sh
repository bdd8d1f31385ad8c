#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh FILE... : writes the files as C arrays, and the table of them, to
# standard output.  The first is the page and answers for "/" too; those of a
# directory "vendor" are below "/vendor/".
set -eu
LC_ALL=C
export LC_ALL

echo '/* Written by embed.sh: change the files it reads instead. */'
echo '#include "collector/console_asset.h"'
n=0
for f; do
	echo
	echo "static const unsigned char asset_$n[] = {"
	od -An -v -tu1 "$f" | awk '{ gsub(/^ +/, ""); gsub(/ +/, ","); print "\t" $0 "," }'
	echo '};'
	n=$((n + 1))
done
echo
echo 'const struct console_asset console_assets[] = {'
n=0
for f; do
	case $f in
	*.html) type='text/html; charset=utf-8' ;;
	*.css) type='text/css; charset=utf-8' ;;
	*.js) type='text/javascript; charset=utf-8' ;;
	*.svg) type='image/svg+xml' ;;
	*)
		echo "embed.sh: $f: no content type is known for this name" >&2
		exit 1
		;;
	esac
	case $f in
	*/vendor/*) path=vendor/${f##*/} ;;
	*) path=${f##*/} ;;
	esac
	[ $n -ne 0 ] || printf '\t{ "/", "%s", asset_0, sizeof(asset_0) },\n' "$type"
	printf '\t{ "/%s", "%s", asset_%d, sizeof(asset_%d) },\n' "$path" "$type" $n $n
	n=$((n + 1))
done
printf '\t{ NULL, NULL, NULL, 0 },\n};\n'
