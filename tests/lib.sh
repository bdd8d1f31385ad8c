# SPDX-License-Identifier: Apache-2.0
# Sourced by the test scripts: where things lie, a private Redis, and words for
# checks.  Scripts also run by hand, from anywhere, against build/ or $builddir.
#
# Sets $top (sources), $bin (programs), $tmp (emptied at the end).
# shellcheck shell=sh
set -u
LC_ALL=C
export LC_ALL

top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd) || exit 99
if [ -x ./picket-sensor ]; then
	bin=$(pwd)
else
	bin=$(cd "${builddir:-$top/build}" && pwd) || exit 77
fi
sensor=$bin/picket-sensor
collector=$bin/picket-collector

skip() {
	printf '%s\n' "$*"
	exit 77
}

[ -x "$sensor" ] || skip "picket-sensor is not built"
# Names of the scripts to run; unset: all.
if [ -n "${PICKET_ONLY:-}" ]; then
	case " $PICKET_ONLY " in
	*" $(basename "$0" .sh) "*) ;;
	*) skip "not in PICKET_ONLY" ;;
	esac
fi

# A unix socket's path may not be long.
tmp=$(mktemp -d "${TMPDIR:-/tmp}/picket.XXXXXX") || exit 99
if [ ${#tmp} -gt 60 ]; then
	rmdir "$tmp"
	tmp=$(mktemp -d /tmp/picket.XXXXXX) || exit 99
fi
pids=
failures=0
# How many times longer than it should take a script waits for what is to happen:
# the machine may be slow, run much else, and the programs have sanitizers.
patience=${PICKET_PATIENCE:-6}

# is_ours PID : whether that is below this script, or was and nobody's is it now.
# Of what ended long ago another test's program may have the number.
is_ours() {
	up=$1
	while [ "$up" -gt 1 ]; do
		{ read -r stat <"/proc/$up/stat"; } 2>/dev/null || return 1
		set -- ${stat##*) }
		up=$2
		[ "$up" != $$ ] || return 0
	done
	[ "$up" -eq 1 ]
}

cleanup() {
	trap - EXIT HUP INT TERM
	for p in $pids; do
		is_ours "$p" || continue
		# A killed strace lets go of what it traced: that dies first.
		if grep -q -x strace "/proc/$p/comm" 2>/dev/null; then
			kill -9 $(cat "/proc/$p/task/$p/children") 2>/dev/null
		fi
		kill -9 "$p" 2>/dev/null
	done
	wait 2>/dev/null
	[ -n "${PICKET_KEEP:-}" ] || rm -rf "$tmp"
}
trap cleanup EXIT
trap 'cleanup; exit 99' HUP INT TERM

# need PROGRAM... : skips the test when one is missing.
need() {
	for p in "$@"; do
		command -v "$p" >/dev/null 2>&1 || skip "$p is missing"
	done
}

fail() {
	printf 'FAIL: %s\n' "$*"
	failures=$((failures + 1))
	# The script fails anyhow: what is left of it is soon told.
	patience=1
}

# same WHAT WANT GOT
same() {
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# finish : the exit status of the whole script.
finish() {
	[ $failures -eq 0 ] || printf '%s checks failed\n' $failures
	[ $failures -eq 0 ]
	exit
}

# no_sanitizer FILE... : no report of a sanitizer in what a program said.
no_sanitizer() {
	if grep -l -E 'Sanitizer|runtime error:' "$@" >"$tmp/reports"; then
		fail "a sanitizer reported: $(grep -h -m 1 -E \
			'Sanitizer|runtime error:' $(cat "$tmp/reports"))"
	fi
}

# eventually SECONDS COMMAND... : whether COMMAND succeeds in that time, which is
# what a machine of its own may take.
eventually() {
	tries=$(($1 * 10 * patience))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# Functions that start programs run in the background with "exec=exec NAME &",
# so that $! is the program and not a shell that waits for it.

# The networks and lists that the recorded captures were made for.
sensor_home() {
	${exec-} "$sensor" --quiet --rules "$top/rules/dist/*.rules" \
		--indicators "$top/rules/dist/exercise-indicators.csv" \
		--set "vars.address-groups.HOME_NET=[192.0.2.0/24]" \
		--set 'vars.address-groups.EXTERNAL_NET=!$HOME_NET' \
		--set "classification-file=$top/rules/dist/classification.config" \
		--set "reference-config-file=$top/rules/dist/reference.config" \
		"$@"
}

# A private Redis that keeps nothing: what it forgets, Picket must not.
sock=$tmp/redis.sock
redis_pid=

redis_start() {
	need redis-server redis-cli
	rm -f "$sock"
	redis-server --port 0 --unixsocket "$sock" --save '' --appendonly no \
		--dir "$tmp" --loglevel warning >>"$tmp/redis.log" 2>&1 &
	redis_pid=$!
	pids="$pids $redis_pid"
	eventually 20 redis-cli -s "$sock" ping || {
		cat "$tmp/redis.log"
		exit 99
	}
}

redis_kill() {
	kill -9 "$redis_pid"
	wait "$redis_pid" 2>/dev/null
}

# sql QUERY [STORE]
sql() {
	sqlite3 -readonly "file:${2:-$tmp/picket.db}?mode=ro" "$1"
}

# The exercise's sites and who owns them.
sites="jp-east jp-west us-pacific"
owner_of() {
	case $1 in
	jp-*) echo JP ;;
	*) echo US ;;
	esac
}

# replay SITE [OPTION...] : that site's sensor, forwarding to the Redis.
replay() {
	site=$1
	shift
	sensor_home --read "$top/pcaps/exercise-$site.pcap" \
		--site "$site" --sensor tap1 --owner "$(owner_of "$site")" \
		--exercise KEEN-LANTERN --redis "unix://$sock" \
		--spool "$tmp/spool-$site" --eve "$tmp/eve-$site.json" "$@"
}

# collect OPTION... : the collector on that Redis and the exercise's map.
collect() {
	${exec-} "$collector" --redis "unix://$sock" --store "$tmp/picket.db" \
		--missions "$top/pcaps/missions.yaml" "$@"
}

# alerts_written SITE : how many the sensor wrote to its own file.
alerts_written() {
	grep -c '"event_type":"alert"' "$tmp/eve-$1.json"
}

# alerts_stored SITE
alerts_stored() {
	sql "SELECT sum(f.alerts) FROM frames f JOIN sensors s
		ON s.id = f.sensor WHERE s.site = '$1'"
}
