#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# New rules while packets flow: by signal and by a signed document, with what
# does not load, is forged, old or for somebody else.  The alerts are those of
# a run that was left alone.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need redis-server redis-cli awk
ctl=$bin/picketctl
[ -x "$ctl" ] || skip "picketctl is not built"

mkdir "$tmp/rules"
cp "$top"/rules/dist/*.rules "$tmp/rules"

# sensor_on OPTION... : jp-east's capture, which takes ten seconds, by our rules.
sensor_on() {
	${exec-} "$sensor" --read "$top/pcaps/exercise-jp-east.pcap" \
		--rules "$tmp/rules/*.rules" \
		--indicators "$top/rules/dist/exercise-indicators.csv" \
		--set "vars.address-groups.HOME_NET=[192.0.2.0/24]" \
		--set "classification-file=$top/rules/dist/classification.config" \
		--eve-types alert,http,dns,tls,flow "$@"
}

# presence FIELD
presence() {
	redis-cli -s "$sock" HGET 'picket:sensor:{jp-east/tap1}' "$1"
}

presence_is() {
	[ "$(presence "$1")" = "$2" ]
}

# comes FIELD VALUE : the sensor says so within a while.
comes() {
	eventually 30 presence_is "$1" "$2" ||
		fail "$1 is '$(presence "$1")', expected '$2'"
}

order() {
	"$ctl" rules reload --redis "unix://$sock" --key "$tmp/key" --json "$@" |
		sed 's/.*"version":\([0-9]*\).*/\1/'
}

sensor_on --quiet --site jp-east --sensor tap1 --eve "$tmp/plain.json" || fail "plain run: status $?"
redis_start
"$ctl" keys new "$tmp/key" >/dev/null || fail "keys new: status $?"
"$ctl" keys new "$tmp/other" >/dev/null || fail "keys new: status $?"
if "$ctl" keys new "$tmp/key" 2>/dev/null; then
	fail "a key was written over"
fi
same "mode of the private key" -rw------- \
	"$(ls -l "$tmp/key" | cut -c 1-10)"

run() {
	exec=exec sensor_on --pace 1 --site jp-east --sensor tap1 \
		--redis "unix://$sock" --spool "$tmp/spool" \
		--set "control.public-key=$tmp/key.pub" \
		--set arming.files=no "$@" \
		2>>"$tmp/sensor.log" &
	run_pid=$!
	pids="$pids $run_pid"
	eventually 20 presence_is state running || fail "no presence"
}

run --eve "$tmp/eve.json" --stats "$tmp/stats.json"
digest=$(presence rules_digest)
kill -USR2 "$run_pid"
comes reloads 1

# The counters, whole, on a line of their own.
counters_told() {
	grep -q '^{"uptime".*}$' "$tmp/sensor.log"
}
kill -USR1 "$run_pid"
eventually 30 counters_told || fail "SIGUSR1: no counters on a line"

# What cannot be read changes nothing, and is told.
mv "$tmp/rules" "$tmp/away"
kill -USR2 "$run_pid"
comes reloads_failed 1
[ -n "$(presence reload_error)" ] || fail "no reload_error"
same "digest after a failure" "$digest" "$(presence rules_digest)"
mv "$tmp/away" "$tmp/rules"

# One rule more, by order; the error is over.  One that is wrong is named.
echo 'alert tcp any any -> any any (msg:"new"; flags:SFRPAU; sid:9109999;)' \
	>"$tmp/rules/new.rules"
echo 'alert tcp any any -> any any (nonsense:1; sid:9109998;)' \
	>>"$tmp/rules/new.rules"
version=$(order --site jp-east)
"$ctl" rules reload --redis "unix://$sock" --key "$tmp/other" --site jp-east |
	grep -q ' for 1 sensor, 1 of them running' || fail "an order for one"
comes control_refused 1
comes rules_version "$version"
comes reload_error ""
[ "$(presence rules_digest)" != "$digest" ] || fail "the same digest"
rm "$tmp/rules/new.rules"

# For another site, which nobody is at; with another key; an old one once more.
if "$ctl" rules reload --redis "unix://$sock" --key "$tmp/key" \
	--site us-pacific >/dev/null 2>"$tmp/nobody"; then
	fail "an order for nobody: status 0"
fi
grep -q 'no sensor us-pacific/\*' "$tmp/nobody" || fail "an order for nobody"
"$ctl" rules reload --redis "unix://$sock" --key "$tmp/other" >/dev/null
comes control_refused 2
redis-cli -s "$sock" EVAL "local e = redis.call('XRANGE', KEYS[1], '-', '+',
	'COUNT', 1)[1][2] return redis.call('XADD', KEYS[1], '*', unpack(e))" \
	1 picket:control >/dev/null
comes control_refused 3
same "version taken" "$version" "$(presence control_version)"
same "reloads" 2 "$(presence reloads)"

wait "$run_pid" || fail "the sensor ended with status $?"
no_sanitizer "$tmp/sensor.log"
cmp -s "$tmp/plain.json" "$tmp/eve.json" || {
	fail "other events than without reloads"
	diff "$tmp/plain.json" "$tmp/eve.json" | head -n 4 | cut -c 1-300
}
grep -q '"dropped":{"stopped":0}' "$tmp/stats.json" || fail "packets dropped"
grep -q '"reload_failed":1' "$tmp/stats.json" || fail "no failure counted"
for words in 'reload failed' '1 added, 0 removed' 'not signed' \
	'warning: reload: 1 of ' 'new.rules:2:31: sid 9109998: unknown keyword' \
	'reload: run with --check' \
	'is not newer'; do
	grep -q -- "$words" "$tmp/sensor.log" || fail "the log lacks '$words'"
done

# After a restart an old order is still old; without a key none counts.
run --workers 3
comes control_version "$version"
comes control_refused 3
same "reloads after a restart" 0 "$(presence reloads)"
kill -USR2 "$run_pid"
comes reloads 1
kill "$run_pid" 2>/dev/null
wait "$run_pid" || fail "the sensor ended with status $?"
finish
