#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# security.sandbox on, auto and off, of both programs, where the kernel has all of
# it and where a part is missing.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server
[ -x "$collector" ] || skip "picket-collector is not built"
[ -x "$bin/without" ] || skip "without is not built"
"$bin/without" uname true 2>"$tmp/x" || skip "no seccomp: $(cat "$tmp/x")"
redis_start
# run NAME MODE [PREFIX...] : one of the programs, to its end.
run() {
	what=$1 mode=$2
	shift 2
	case $what in
	sensor) "$@" "$sensor" --read "$top/pcaps/tls.pcap" --workers 2 \
		--rules "$top/rules/dist/exercise.rules" --eve "$tmp/eve.json" \
		--set security.$mode ;;
	*) "$@" "$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--until-idle 0.1 --set security.$mode ;;
	esac >"$tmp/log" 2>&1 </dev/null
}
# ends WHAT MODE STATUS WORDS [PREFIX...]
ends() {
	what=$1 mode=$2 want=$3 words=$4
	shift 4
	run "$what" "$mode" "$@"
	status=$?
	case $status in
	$want) ;;
	*) fail "$what, $mode $*: exit status $status, not $want" ;;
	esac
	grep -q -e "$words" "$tmp/log" ||
		fail "$what, $mode $*: '$words' not in: $(cat "$tmp/log")"
	no_sanitizer "$tmp/log"
}
run sensor sandbox=auto || fail "sensor: $(cat "$tmp/log")"
grep -q 'off under' "$tmp/log" && skip "this build is not confined"
grep -q 'Landlock [2-9].*seccomp ([1-9]' "$tmp/log" ||
	skip "this kernel has not all of it"
for p in sensor collector; do
	ends $p sandbox=on 0 'Landlock [2-9].*seccomp ([1-9][0-9]* calls, '
	ends $p sandbox=off 0 'no Landlock, no seccomp'
	for mode in sandbox landlock; do
		ends $p $mode=on 2 'security.landlock is on, and this kernel' \
			"$bin/without" landlock_create_ruleset
	done
	for mode in sandbox seccomp; do
		ends $p $mode=on 2 'security.seccomp is on, and this kernel' \
			"$bin/without" seccomp
	done
	ends $p sandbox=auto 0 'no Landlock, seccomp' \
		"$bin/without" landlock_create_ruleset
	ends $p sandbox=auto 0 'Landlock [2-9], no seccomp' "$bin/without" seccomp
	# half of Landlock is none: what fails once begun ends the program
	ends $p sandbox=on '[12]' 'Landlock: ' \
		"$bin/without" landlock_restrict_self
	ends $p sandbox=on '[12]' 'Landlock: ' "$bin/without" landlock_add_rule
	ends $p sandbox=perhaps 2 'none of auto, on and off'
done

# What is opened only at the end: a dataset, statistics, the rules' cost; and the
# file store's directories, while packets come.
mkdir "$tmp/data" "$tmp/stats" "$tmp/cost"
echo 'alert http any any -> any any (http.uri; dataset:set,uris,type string,state uris.lst; msg:"uri"; sid:1;)' \
	>"$tmp/one.rules"
"$sensor" --read "$top/pcaps/exercise-jp-east.pcap" --workers 2 \
	--rules "$tmp/one.rules" --eve "$tmp/end.json" --stats "$tmp/stats/s.json" \
	--profile-rules="$tmp/cost/rules" --set "default-data-dir=$tmp/data" \
	--set file-store.enabled=yes --set "file-store.dir=$tmp/files" \
	--set file-store.force-filestore=yes \
	--set security.sandbox=on >"$tmp/log" 2>&1 </dev/null ||
	fail "what is opened at the end: status $?: $(cat "$tmp/log")"
for f in data/uris.lst stats/s.json cost/rules; do
	[ -s "$tmp/$f" ] || fail "$f is not there: $(cat "$tmp/log")"
done
find "$tmp/files" -type f -path '*/[0-9a-f][0-9a-f]/*' | grep -q . ||
	fail "no file in the store"
finish
