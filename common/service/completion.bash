# SPDX-License-Identifier: Apache-2.0
# Completion of picket-sensor, picket-collector and picketctl for bash.
#
# Options and commands are read from the program's own --help when they are
# first asked for, so that this file cannot know less than the program does.
# shellcheck shell=bash

# _picket_words PROGRAM : its options, from the lines of --help that begin
# with one, and picketctl's commands, once a shell.
_picket_words()
{
	local cache=_picket_words_${1//[^a-z]/_}

	if [[ -z ${!cache-} ]]; then
		printf -v "$cache" '%s' "$("$1" --help 2>/dev/null |
			grep -E '^ +-' |
			grep -oE -- '(^| |,)(--[a-z][a-z0-9-]*|-[A-Za-z])\b' |
			tr -d ' ,' | sort -u | tr '\n' ' ')"
	fi
	printf '%s' "${!cache}"
}

# _picket_commands PROGRAM [COMMAND] : the commands that --help lists, or what
# may follow COMMAND.
_picket_commands()
{
	local lines
	lines=$("$1" --help 2>/dev/null | sed -n '/^Commands/,/^$/p' |
		sed -nE 's/^  ([a-z]+)( ([a-z]+))?.*/\1 \3/p')
	if [[ $# -eq 1 ]]; then
		cut -d ' ' -f 1 <<<"$lines" | sort -u
	else
		sed -n "s/^$2 \([a-z]\)/\1/p" <<<"$lines" | sort -u
	fi
}

_picket()
{
	local program=$1 current=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]} i command=

	COMPREPLY=()
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_picket_words "$program")" -- "$current")
		return
	fi
	# whether a command is there already
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == [a-z]* && ${COMP_WORDS[i - 1]} != -* ]]; then
			command=${COMP_WORDS[i]}
			break
		fi
	done
	case ${program##*/}:$previous in
	picket-sensor:--interface | picket-sensor:-i)
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$current")
		return
		;;
	picket-sensor:-k)
		mapfile -t COMPREPLY < <(compgen -W "none all" -- "$current")
		return
		;;
	picket-sensor:--spool | picket-sensor:--data-dir | picket-sensor:-l)
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		return
		;;
	esac
	if [[ ${program##*/} == picketctl && $previous != -* ]]; then
		local words
		words=$(_picket_commands "$program" "$previous")
		[[ -n $words || -n $command ]] || words=$(_picket_commands "$program")
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
		[[ ${#COMPREPLY[@]} -gt 0 ]] && return
	fi
	mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
complete -o filenames -F _picket picket-sensor picket-collector picketctl
