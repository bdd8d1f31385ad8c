#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Completion in a real bash: every option of --help, commands, files.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need bash

# complete_ WORD... : what is offered for the last word.
complete_() {
	PATH=$bin:$PATH bash --norc -c '
		. "$1"; shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_picket "$1" "${COMP_WORDS[COMP_CWORD]}" ""
		printf "%s\n" "${COMPREPLY[@]}" | sort
	' bash "$top/common/service/completion.bash" "$@"
}
for p in picket-sensor picket-collector picketctl; do
	"$bin/$p" --help | grep -E '^ +-' |
		grep -oE '(^| )--[a-z][a-z0-9-]*\b' | tr -d ' ' | sort -u >"$tmp/want"
	[ "$(wc -l <"$tmp/want")" -gt 10 ] || fail "$p: few options in --help"
	complete_ "$p" -- >"$tmp/got"
	diff "$tmp/want" "$tmp/got" >"$tmp/diff" ||
		fail "$p --: $(cat "$tmp/diff")"
	bash --norc -c '. "$1"; complete -p "$2"' bash \
		"$top/common/service/completion.bash" "$p" >"$tmp/x" ||
		fail "$p: no completion is set"
done
same "one option" --indicators "$(complete_ picket-sensor --indi)"
same "a short one" -k "$(complete_ picket-sensor -k)"
same "values of -k" "all none" "$(complete_ picket-sensor -k '' | xargs)"
same "a command" incidents "$(complete_ picketctl inc)"
same "after an option" sensors "$(complete_ picketctl --store x.db sen)"
same "a command of a command" "ack close keys merge show split" \
	"$(complete_ picketctl --store x.db incidents '' | xargs)"
mkdir -p "$tmp/some"
: >"$tmp/some/day.pcap"
same "a file" "$tmp/some/day.pcap" \
	"$(complete_ picket-sensor --read "$tmp/some/d")"
same "an interface" lo "$(complete_ picket-sensor --interface lo)"
finish
