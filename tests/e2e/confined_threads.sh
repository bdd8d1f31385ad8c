#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each kind of thread of both programs, running, is made to call what an intruder
# would: it is refused or ends the process.  Those that read what strangers wrote
# are left with no more than 40 calls.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 curl redis-server
[ -x "$collector" ] || skip "picket-collector is not built"
[ -x "$bin/threadcall" ] || skip "threadcall is not built"
"$bin/threadcall" 0 getpid >"$tmp/x" 2>&1
[ $? -eq 77 ] && skip "$(cat "$tmp/x")"
redis_start
mkfifo "$tmp/pipe"
says() { grep -q "$2" "$tmp/$1.log"; }
url_in() { sed -n 's/.*'"$2"': \(http.*\)/\1/p' "$tmp/$1.log"; }
scraped() { curl -s -f -m 10 -o "$tmp/$1.metrics" "$(url_in "$1" metrics)"; }
# Threads that a library started are of a kind once somebody has connected.
thread() {
	[ "$2" != main ] || {
		echo "$1"
		return
	}
	for t in /proc/"$1"/task/*; do
		[ "$(cat "$t/comm" 2>/dev/null)" != "$2" ] || echo "${t##*/}"
	done | tail -n 1
}
is_there() { [ -n "$(thread "$1" "$2")" ]; }

# start_WHAT : sets $pid; what it says is in WHAT.log.
start_replay() {
	"$sensor" --read "$tmp/pipe" --rules "$top/rules/dist/exercise.rules" \
		--workers 2 --site a --sensor s --eve "$tmp/eve.json" \
		--redis "unix://$sock" --spool "$tmp/spool" \
		--retro "$tmp/retro" \
		--set metrics.listen=127.0.0.1:0 --set forward.drain-ms=1 \
		$more >"$tmp/replay.log" 2>&1 8<&- &
	pid=$!
	exec 8>"$tmp/pipe"
	cat "$top/pcaps/tls.pcap" >&8
	eventually 60 scraped replay
}
start_live() {
	$live "$sensor" --interface lo --rules "$top/rules/dist/exercise.rules" \
		--eve "$tmp/live.json" --set file-store.enabled=yes \
		--set "file-store.dir=$tmp/files" "$@" >"$tmp/live.log" 2>&1 &
	pid=$!
	eventually 60 says live 'capturing on'
}
start_collector() {
	"$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--listen 127.0.0.1:0 --set metrics.listen=127.0.0.1:0 \
		>"$tmp/collector.log" 2>&1 &
	pid=$!
	eventually 60 says collector 'console: http' &&
		curl -s -f -m 10 -o "$tmp/x" "$(url_in collector console)" &&
		eventually 60 scraped collector
}
end() {
	exec 8>&-
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	pid=
}
pid= more=
# begin WHAT KIND : with a thread of that kind, or the test is over.
begin() {
	if [ -z "$pid" ]; then
		: >"$tmp/$1.log" # what one said before is not what this one says
		"start_$1" || {
			cat "$tmp/$1.log"
			fail "$1: not up in 60 s"
			finish
		}
		pids="$pids $pid"
	fi
	eventually 60 is_there "$pid" "$2" || {
		cat "$tmp/$1.log"
		fail "$1: waited 60 s for a thread '$2'"
		finish
	}
}
# refuses WHAT KIND CALL... : none of these is done.
refuses() {
	what=$1 kind=$2
	shift 2
	for call in "$@"; do
		begin "$what" "$kind"
		got=$("$bin/threadcall" "$(thread "$pid" "$kind")" "$call" 2>&1)
		case $got in
		"$call killed") end ;;
		"$call EPERM" | "$call EACCES") ;;
		*) fail "$what, thread $kind: $got" ;;
		esac
	done
}
# does WHAT KIND CALL... : the control: all of these are.
does() {
	what=$1 kind=$2
	shift 2
	for call in "$@"; do
		begin "$what" "$kind"
		same "$what, thread $kind" "$call done" "$("$bin/threadcall" \
			"$(thread "$pid" "$kind")" "$call" 2>&1)"
	done
}
calls_of() {
	sed -n 's/.*_confined_thread_system_calls{kind="'"$2"'"} //p' \
		"$tmp/$1.metrics"
}

begin replay main
says replay 'off under' && {
	end
	skip "this build is not confined"
}
says replay 'Landlock [1-9].*seccomp ([1-9]' || {
	end
	skip "this kernel has not all of it"
}
# The process's filter stops these in any thread.
refuses replay writer ptrace setuid bpf map-code
# What each thread is tried with; that it is killed costs a start.
all="shadow parent owner fork execve packet"
# shellcheck disable=SC2086
for kind in main replay writer; do
	does replay $kind getpid
	refuses replay $kind $all tcp code
done
# shellcheck disable=SC2086
{
	does replay reload getpid code
	refuses replay reload $all tcp
	does replay forward getpid tcp
	refuses replay forward $all raw code
	refuses replay metrics $all tcp code
	does replay retro getpid
	refuses replay retro $all tcp code
}
begin replay main
for kind in worker replay reload metrics; do
	n=$(calls_of replay $kind)
	[ "${n:-99}" -le 40 ] || fail "thread $kind may make $n system calls"
done
end
start_collector
# shellcheck disable=SC2086
{
	does collector main getpid tcp
	refuses collector main $all raw code
	for kind in prepare console ticker metrics; do
		does collector $kind getpid
		refuses collector $kind $all tcp code
	done
}
begin collector main
n=$(calls_of collector prepare)
[ "${n:-99}" -le 40 ] || fail "thread prepare may make $n system calls"
end

# Live: only the main thread opens packet sockets, when an interface is back.
if [ "$(id -u)" -eq 0 ] && unshare -n true 2>"$tmp/x"; then
	cat >"$tmp/live.sh" <<'END'
ip link set lo up
exec "$@"
END
	live="unshare -n sh $tmp/live.sh"
	does live main getpid packet
	# shellcheck disable=SC2086
	{
		refuses live main shadow parent owner fork execve raw code
		does live worker getpid
		refuses live worker $all raw tcp code map-code
	}
	end
fi

# Without: all of that is done but for what the kernel itself refuses.
more="--set security.sandbox=off"
does replay writer tcp code fork
end
finish
