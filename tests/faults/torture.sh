#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every system call on a file of its own fails once, and every allocation: a
# sensor and a collector end as documented (status 0, 1 or 2 and never by a
# signal), in time, and each alert is stored once or counted as lost.
#
#   torture.sh               some calls
#   torture.sh full          every call, up to $LIMIT (300) of each kind
#   torture.sh full PART     sensor-io collector-io sensor-memory
#                            forward-memory reload-memory collector-memory
#                            asking-io asking-memory (picketctl, --spool-check)
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
! grep -q -a __asan_init "$bin/picket-sensor" ||
	skip "a sanitizer does not let its allocator be wrapped"
need sqlite3 awk redis-server redis-cli timeout python3
[ -x "$collector" ] || skip "picket-collector is not built"
faults=$bin/tests/faults/failing_io.so
[ -f "$faults" ] || skip "failing_io.so is not built (make check builds it)"

mode=${1:-short}
part=${2:-all}
case $mode in
full) limit=${LIMIT:-300} ;;
*) limit=${LIMIT:-2} ;;
esac
capture=$top/pcaps/exercise-jp-east.pcap
key='picket:alerts:{hq/tap1}'
n_points=0
n_recovered=0

# A few rules: what a set costs to load is not what is tested.
rules=$tmp/few.rules
grep -h '^alert' "$top"/rules/dist/*.rules | head -n 40 >"$rules"

types=alert,dns,http,flow
# Everything a program writes lies in $dir, so that a pattern finds it.  What
# makes calls fail makes calls of its own, which confinement would refuse.
sensor_run() {
	timeout -s KILL 60 "$sensor" --quiet --rules "$rules" \
		--set security.sandbox=off \
		--set "vars.address-groups.HOME_NET=[192.0.2.0/24]" \
		--set "classification-file=$top/rules/dist/classification.config" \
		--set "reference-config-file=$top/rules/dist/reference.config" \
		"$@"
}

forward_run() {
	sensor_run --read "$capture" --read "$capture" --read "$capture" \
		--site hq --sensor tap1 --redis "unix://$sock" \
		--spool "$dir/spool" --forward-types "$types" \
		--eve "$dir/eve.json" --set forward.drain-ms=20000 \
		--set forward.linger-ms=0
}

collector_run() {
	timeout -s KILL 60 "$collector" --redis "unix://$sock" \
		--store "$dir/picket.db" --feed "$dir/feed.json" \
		--set security.sandbox=off --until-idle 0.3 --missions "$top/pcaps/missions.yaml"
}

# with RULE COMMAND... : its status in $status, its words in $dir/log.
with() {
	FAILING_IO=$1
	shift
	(
		export FAILING_IO FAILING_IO_OUT="$dir/fired"
		export ASAN_OPTIONS=verify_asan_link_order=0:${LEAKS:-detect_leaks=0}
		faulty=$faults "$@"
	) >"$dir/out" 2>"$dir/log"
	status=$?
}

# Only the program itself is watched, not timeout(1).
sensor=$tmp/sensor
collector_real=$collector
collector=$tmp/collector
for p in sensor collector ctl; do
	name=picket-$p
	[ $p != ctl ] || name=picketctl
	cat >"$tmp/$p" <<-EOT
		#!/bin/sh
		[ -z "\${faulty-}" ] || export LD_PRELOAD="\$faulty"
		exec "$bin/$name" "\$@"
	EOT
	chmod +x "$tmp/$p"
done
: "$collector_real"

# hits : how many calls the first rule of the last run has counted.
hits() {
	sed -n 's/^hits 0 \([0-9]*\) .*/\1/p' "$dir/fired"
}

# events_sent : the events that Redis was given, each batch once, without the
# ledger's own, which come by the clock.
events_sent() {
	python3 - "$sock" "$key" <<-'EOT'
	import json, socket, sys, zlib
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	f = s.makefile("rb")
	s.sendall(("XRANGE %s - +\r\n" % sys.argv[2]).encode())
	def reply():
	    line = f.readline().strip()
	    if line[:1] == b"*":
	        return [reply() for _ in range(int(line[1:]))]
	    data = f.read(int(line[1:]))
	    f.read(2)
	    return data
	batches = {}
	for entry in reply():
	    d = dict(zip(entry[1][::2], entry[1][1::2]))
	    batches[d[b"seq"]] = zlib.decompress(d[b"data"]).splitlines()
	print(sum(json.loads(line)["event_type"] != "stats"
	          for lines in batches.values() for line in lines))
	EOT
}

new_dir() {
	dir=$tmp/run
	rm -rf "$dir"
	mkdir "$dir"
}

# judge WHAT : the status is one that is documented, with a word.
judge() {
	n_points=$((n_points + 1))
	before=$failures
	case $status in
	0) ;;
	1 | 2) [ -s "$dir/log" ] || fail "$1: status $status and no word" ;;
	137) fail "$1: did not end within 60 s" ;;
	*) fail "$1: ended with status $status" ;;
	esac
	no_sanitizer "$dir/log"
}

judged() {
	if [ $failures -eq $before ]; then
		n_recovered=$((n_recovered + 1))
	else
		grep -v '^hits' "$dir/fired"
		tail -n 4 "$dir/log"
	fi
}

# steps N : 1 to N, at most $limit of them.
steps() {
	awk -v n="${1:-0}" -v limit="$limit" 'BEGIN {
		if (n <= limit)
			for (i = 1; i <= n; i++) print i
		else
			for (i = 0; i < limit; i++)
				print 1 + int((i + 0.5) * n / limit)
	}'
}

progress() {
	[ "$mode" != full ] || printf '%s: %s points, %s recovered\n' "$1" \
		$n_points $n_recovered
}

errors='ENOSPC EIO EINTR EMFILE short'
[ "$mode" = full ] || errors='ENOSPC EINTR'
# io_rule ERROR K
io_rule() {
	case $1 in
	short) echo "short write $dir/* $2" ;;
	*) echo "fail io $dir/* $2 $1" ;;
	esac
}

# --- the sensor: spool, forward, EVE ---

# check_sent WHAT ERROR : each event reached Redis or is counted as lost.
check_sent() {
	lost=$(sed -n 's/.* \([0-9]*\) events were lost before they were sent.*/\1/p' "$dir/log")
	told=$(sed -n 's/.*told by \([0-9]*\) alerts.*/\1/p' "$dir/log")
	n=$(($(events_sent) + ${lost:-0} - ${told:-0}))
	# What is shed from a full disk may have been sent.
	[ $status -eq 2 ] || [ "$n" -eq "$expected" ] ||
		[ "$2:$((n > expected))" = ENOSPC:1 ] ||
		fail "$1: $expected events, $n sent or lost"
}

# undisturbed KIND : what a run forwards, and how many such calls it makes.
undisturbed() {
	new_dir
	redis-cli -s "$sock" flushall >/dev/null
	with "count $1 0" forward_run
	[ $status -eq 0 ] || fail "the undisturbed sensor ended with $status"
	expected=$(events_sent)
	calls=$(hits)
	[ "${expected:-0}" -gt 100 ] || fail "only $expected events to lose"
}

sensor_io() {
	undisturbed "io $tmp/run/*"
	for err in $errors; do
		for k in $(steps "$calls"); do
			new_dir
			redis-cli -s "$sock" flushall >/dev/null
			with "$(io_rule "$err" "$k")" forward_run
			judge "sensor: call $k $err"
			check_sent "sensor: call $k $err" "$err"
			judged
		done
		progress "sensor $err"
	done
}

# --- the collector: store, feed ---

# Of all rules and only alerts, which are what is stored one by one.
fill_stream() {
	new_dir
	redis-cli -s "$sock" flushall >/dev/null
	few=$rules rules=$top/rules/dist/*.rules
	types=alert
	with "" forward_run
	rules=$few types=alert,dns,http,flow
	redis-cli -s "$sock" COPY "$key" backup >/dev/null
	n_alerts=$(grep -c '"event_type":"alert"' "$dir/eve.json")
	n_batches=$(redis-cli -s "$sock" XLEN "$key")
	[ "${n_batches:-0}" -gt 3 ] || fail "only $n_batches batches to store"
}

refill_stream() {
	redis-cli -s "$sock" EVAL 'for _, k in ipairs(redis.call("KEYS",
		"*")) do if k ~= "backup" then redis.call("DEL", k) end end
		redis.call("COPY", "backup", KEYS[1])
		redis.call("SADD", "picket:sensors", "hq/tap1")' 1 "$key" \
		>/dev/null
}

# check_stored WHAT : what was acknowledged is stored, and then all is.
check_stored() {
	said=$(redis-cli -s "$sock" GET 'picket:committed:{hq/tap1}')
	have=$(sql 'SELECT count(*) FROM frames' "$dir/picket.db" 2>/dev/null)
	[ "${have:-0}" -ge "$(echo "${said:-0 0}" | awk '{ print $2 }')" ] ||
		fail "$1: acknowledged $said, stored ${have:-0}"
	[ $status -eq 0 ] || { # what is left is read by the next start
		collector_run >"$dir/again" 2>&1 ||
			fail "$1: the next start ended with $?: $(cat "$dir/again")"
	}
	same "$1: batches stored" "$n_batches" \
		"$(sql 'SELECT count(DISTINCT seq) FROM frames' "$dir/picket.db")"
	same "$1: alerts stored" "$n_alerts" "$(sql 'SELECT
		coalesce(sum(alerts), 0) FROM frames' "$dir/picket.db")"
}

collector_io() {
	fill_stream
	new_dir
	refill_stream
	with "count io $dir/* 0" collector_run
	[ $status -eq 0 ] || fail "the undisturbed collector ended with $status"
	calls=$(hits)
	for err in $errors; do
		for k in $(steps "$calls"); do
			new_dir
			refill_stream
			with "$(io_rule "$err" "$k")" collector_run
			judge "collector: call $k $err"
			check_stored "collector: call $k $err"
			judged
		done
		progress "collector $err"
	done
}

# --- memory ---

small_replay() {
	sensor_run --read "$top/pcaps/http.pcap" --eve "$dir/eve.json" \
		--stats "$dir/stats"
}

events_written() {
	cat "$dir/eve.json" "$dir/feed.json" 2>/dev/null | wc -l
}

lost_counted() {
	grep -q -E '"(events_lost|lost_no_memory|memcap|no_memory)":[1-9]' \
		"$dir/stats" 2>/dev/null
}

# memory WHO COMMAND... : each allocation of the command fails once.
memory() {
	who=$1
	shift
	new_dir
	with 'count alloc * 0' "$@"
	[ $status -eq 0 ] || fail "the undisturbed $who ended with $status"
	calls=$(hits)
	want=$(events_written)
	for k in $(steps "$calls"); do
		new_dir
		with "fail alloc * $k" "$@"
		judge "$who: allocation $k"
		# Less than all, and neither a word nor a count of it.
		[ $status -ne 0 ] || [ -s "$dir/log" ] || lost_counted ||
			same "$who: allocation $k: events" "$want" \
				"$(events_written)"
		# A line without memory is no bad line.
		[ "$who" != collector ] ||
			check_stored "collector: allocation $k"
		judged
	done
	progress "$who memory"
}

# The sensor that forwards: allocations on the way to Redis fail too.
forward_memory() {
	undisturbed 'alloc *'
	for k in $(steps "$calls"); do
		new_dir
		redis-cli -s "$sock" flushall >/dev/null
		with "fail alloc * $k" forward_run
		judge "forwarding sensor: allocation $k"
		[ $status -ne 0 ] || lost_counted ||
			check_sent "forwarding sensor: allocation $k" ENOMEM
		judged
	done
	progress "forwarding sensor memory"
}

# A sensor that is told to reload, and to end once it has.
reloading() {
	"$sensor" --rules "$rules" --read "$capture" --pace 1 \
		--set security.sandbox=off \
		--eve "$dir/eve.json" \
		--set "classification-file=$top/rules/dist/classification.config" \
		--set "reference-config-file=$top/rules/dist/reference.config" &
	reading=$!
	eventually 30 reading_or_gone
	kill -USR2 $reading 2>/dev/null
	eventually 30 reloaded_or_gone || echo "no reload within 30 s"
	kill -TERM $reading 2>/dev/null
	wait $reading
}

gone() {
	! kill -0 $reading
}

reading_or_gone() {
	[ -s "$dir/eve.json" ] || gone
}

reloaded_or_gone() {
	grep -q -E 'reload: [0-9]* rules|reload failed' "$dir/log" || gone
}

# Only the allocations of the reload: those behind the start's.
reload_memory() {
	new_dir
	with 'count alloc * 0' sensor_run --read "$top/pcaps/http.pcap" \
		--eve "$dir/eve.json"
	at_start=$(hits)
	new_dir
	with 'count alloc * 0' reloading
	[ $status -eq 0 ] || fail "the undisturbed reload ended with $status"
	calls=$(hits)
	for k in $(steps $((calls - at_start))); do
		new_dir
		with "fail alloc * $((at_start + k))" reloading
		judge "reload: allocation $((at_start + k))"
		! grep -q 'no reload within' "$dir/out" ||
			fail "reload: allocation $((at_start + k)): no reload"
		judged
	done
	progress "reload memory"
}

collect_small() {
	refill_stream
	collector_run
}

# --- who asks: what it says is whole, or it says that it is not ---

# What there is to ask: a store, and a spool with batches.
fill_asked() {
	fill_stream
	asked=$tmp/asked
	rm -rf "$asked"
	mkdir "$asked"
	cp -r "$dir/spool" "$asked/spool"
	collector_run >"$dir/out" 2>&1 || fail "no store to ask: $(cat "$dir/out")"
	cp "$dir/picket.db" "$asked/picket.db"
}

# ask WHAT... : one question.
ask() {
	case $1 in
	spool) timeout -s KILL 60 "$sensor" --spool-check "$asked/spool" ;;
	*) timeout -s KILL 60 "$tmp/ctl" --store "$asked/picket.db" --all "$@" ;;
	esac
}

# asking RULE-KIND RULE-TAIL... : each question, each such call failing once.
asking() {
	kind=$1
	shift
	for question in 'ledger --json' 'alerts --order time' \
		'incidents show' spool; do
		new_dir
		# shellcheck disable=SC2086 # a question is words
		with "count $kind 0" ask $question
		[ $status -eq 0 ] || fail "undisturbed: $question: $status"
		cp "$dir/out" "$tmp/answer"
		[ -s "$tmp/answer" ] || fail "$question: no answer"
		calls=$(hits)
		for k in $(steps "$calls"); do
			for err in "$@"; do
				new_dir
				# shellcheck disable=SC2086
				with "fail $kind $k $err" ask $question
				# The report of a spool is its word.
				[ "$question" != spool ] ||
					cat "$dir/out" >>"$dir/log"
				judge "$question: ${kind%% *} $k $err"
				[ $status -ne 0 ] ||
					cmp -s "$dir/out" "$tmp/answer" ||
					fail "$question: ${kind%% *} $k $err: status 0, another answer"
				judged
			done
		done
	done
	progress "asking $kind"
}

redis_start
wanted() {
	[ "$part" = all ] || [ "$part" = "$1" ]
}
if wanted sensor-io; then sensor_io; fi
if wanted collector-io; then collector_io; fi
if wanted sensor-memory; then memory sensor small_replay; fi
if wanted forward-memory; then forward_memory; fi
if wanted reload-memory; then reload_memory; fi
if wanted collector-memory; then
	fill_stream
	memory collector collect_small
fi
if wanted asking-io || wanted asking-memory; then fill_asked; fi
if wanted asking-io; then asking "io $tmp/asked/*" EIO EMFILE EINTR; fi
if wanted asking-memory; then asking 'alloc *' ''; fi
printf '%s points, %s recovered\n' $n_points $n_recovered
finish
