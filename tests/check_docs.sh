#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Man pages and programs say the same: every option in --help of a program has
# its entry in the man page and the reverse; every rule keyword stands in
# picket-rules(7) and every setting in picket-sensor.yaml(5) or in
# picket-collector(8).
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

# differences WHAT-A A WHAT-B B : what stands in one sorted list only.
differences() {
	comm -23 "$2" "$4" | while read -r word; do
		printf '%s is in %s but not in %s\n' "$word" "$1" "$3"
	done
	comm -13 "$2" "$4" | while read -r word; do
		printf '%s is in %s but not in %s\n' "$word" "$3" "$1"
	done
}

# Options begin the lines of --help that describe them.
help_options() {
	grep -E '^ +-' | grep -oE '(^| )(--[a-z][a-z0-9-]*|-[A-Za-z])\b' |
		tr -d ' ' | sort -u
}

# ".It Fl r , Fl -read Ar path" : of one item every flag.
page_options() {
	sed -n 's/^\.It Fl/Fl/p' "$1" | grep -oE 'Fl [A-Za-z0-9-]+' |
		sed 's/^Fl /-/' | sort -u
}

for page in picket-sensor.8 picket-collector.8 picketctl.1; do
	program=$obj/${page%.*}
	[ -x "$program" ] || continue
	"$program" --help >"$work/help"
	help_options <"$work/help" >"$work/a"
	page_options "$src/docs/$page" >"$work/b"
	[ -s "$work/a" ] || fail "no options found in --help of ${page%.*}"
	differences "${page%.*} --help" "$work/a" "docs/$page" "$work/b" \
		>"$work/diff"
	[ ! -s "$work/diff" ] || fail "$(cat "$work/diff")"
done

# The first word of each row of the table in rules/keyword.c.
sed -n '/^static const struct keyword table/,/^};/p' "$src/rules/keyword.c" |
	sed -n -e 's/^	[A-Z]*("\([^"]*\)".*/\1/p' -e 's/^	{ "\([^"]*\)", KW_.*/\1/p' |
	sort -u >"$work/a"
sed -n 's/^\.It Ic //p' "$src/docs/picket-rules.7" | sed 's/ , Ic /\n/g' |
	sed 's/ .*//' | sort -u >"$work/b"
differences rules/keyword.c "$work/a" docs/picket-rules.7 "$work/b" >"$work/diff"
[ ! -s "$work/diff" ] || fail "$(cat "$work/diff")"

# settings FILE : the keys of its table of struct conf_key, without ".*".
settings() {
	{
		sed -n '/^static const struct conf_key keys/,/^};/p' "$1" |
			sed -n 's/^	{ "\([^"]*\)", .*/\1/p' | sed 's/\.\*$//'
		# rows that programs share
		! grep -q REDIS_OPTION_ROWS "$1" ||
			grep -o '{ "redis\.[a-z.-]*"' \
				"$src/common/redis_options.h" | tr -d '{ "'
	} |
		grep . || echo "(no settings found in $1)"
}
settings "$src/sensor/options_settings.c" | while read -r key; do
	grep -q "^\.It Ic $key\b" "$src/docs/picket-sensor.yaml.5" ||
		echo "$key is not in docs/picket-sensor.yaml.5"
done >"$work/diff"
settings "$src/collector/options_settings.c" | while read -r key; do
	grep -q "^\.It Ic $key\b" "$src/docs/picket-collector.8" ||
		echo "$key is not in docs/picket-collector.8"
done >>"$work/diff"
[ ! -s "$work/diff" ] || fail "$(cat "$work/diff")"

if command -v mandoc >/dev/null 2>&1; then
	mandoc -Tlint -W warning "$src"/docs/*.[1578] >"$work/lint" 2>&1 ||
		fail "$(cat "$work/lint")"
fi

[ $bad -eq 0 ] && echo "docs: man pages and programs agree"
exit $bad
