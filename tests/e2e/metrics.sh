#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# /metrics and /healthz of both programs: well-formed to the letter, the values
# of the statistics, none where none are asked for, errors that name the mend.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need curl mkfifo python3 sqlite3
prometheus() { python3 "$top/tests/e2e/prometheus.py" "$@"; }
url_in() { sed -n 's/.*metrics: \(http.*\)/\1/p' "$1"; }
serves() { [ -n "$(url_in "$1")" ]; }
mkfifo "$tmp/pipe"

# scraped SAMPLE VALUE URL : whether it says so now.
scraped() {
	curl -s -f -m 10 -o "$tmp/now.prom" "$3" &&
		[ "$(prometheus value "$tmp/now.prom" "$1")" = "$2" ]
}

# watch NAME WORKERS : a sensor that reads the pipe, and its URL; on 9 the pipe.
watch() {
	: >"$tmp/log"
	"$sensor" --read - --workers "$2" --rules "$top/rules/dist/*.rules" \
		--site s1 --sensor "$1" --eve "$tmp/eve.json" \
		--stats "$tmp/end.json" --set metrics.listen=127.0.0.1:0 \
		<"$tmp/pipe" 2>"$tmp/log" &
	pid=$!
	pids="$pids $pid"
	exec 9>"$tmp/pipe"
	eventually 30 serves "$tmp/log" || fail "$1: no address of /metrics in 30 s"
	url=$(url_in "$tmp/log")
}

# The end of a capture ends flows, which changes counters: compared is what
# SIGUSR1 prints while all that was written is inspected.
for workers in 1 3; do
	watch tap$workers $workers
	cat "$top/pcaps/exercise-jp-east.pcap" >&9
	n=775
	eventually 60 scraped picket_sensor_decoder_pkts_total $n "$url" ||
		fail "$workers workers: $n packets not seen in 60 s: $(
			prometheus value "$tmp/now.prom" picket_sensor_decoder_pkts_total)"
	kill -USR1 "$pid"
	eventually 30 grep -q '^{"uptime"' "$tmp/log" ||
		fail "$workers workers: no statistics in 30 s"
	grep '^{"uptime"' "$tmp/log" >"$tmp/now.json"
	curl -s -f -D "$tmp/head" -o "$tmp/now.prom" "$url" ||
		fail "$workers workers: no answer"
	grep -qi '^content-type: text/plain; version=0.0.4' "$tmp/head" ||
		fail "content type: $(cat "$tmp/head")"
	prometheus check "$tmp/now.prom" || fail "$workers workers: not well-formed"
	prometheus same "$tmp/now.prom" "$tmp/now.json" ||
		fail "$workers workers: not the statistics"
	scraped "picket_sensor_worker_frames_total{worker=\"$((workers - 1))\"}" \
		none "$url" && fail "$workers workers: none for the last"
	scraped "picket_sensor_worker_frames_total{worker=\"$workers\"}" \
		none "$url" || fail "$workers workers: one too many"
	grep -q "^picket_sensor_info{.*site=\"s1\",sensor=\"tap$workers\"" \
		"$tmp/now.prom" || fail "who it is: $(grep info "$tmp/now.prom")"
	# there, but without a row in sensor/metrics.c
	sed -n 's/^# TYPE \(.*\) untyped$/note: \1 has no type yet/p' "$tmp/now.prom"
	same "health" ok "$(curl -s -f "${url%/metrics}/healthz")"
	same "another page" 404 "$(curl -s -o "$tmp/x" -w '%{http_code}' "${url%/metrics}/")"
	same "POST" 405 "$(curl -s -o "$tmp/x" -d x -w '%{http_code}' "$url")"
	same "HEAD" 200 "$(curl -s -I -o "$tmp/x" -w '%{http_code}' "$url")"
	# frames do not change any more
	frames=$(prometheus value "$tmp/now.prom" picket_sensor_frames_total)
	exec 9>&-
	wait "$pid" || fail "$workers workers: exit status $?"
	same "frames at the end" "$frames" "$(python3 -c "import json,sys
print(json.load(open(sys.argv[1]))['picket']['frames']['in'])" "$tmp/end.json")"
	no_sanitizer "$tmp/log"
done

# What the forwarder says, while Redis is away.
mkfifo "$tmp/pipe2"
"$sensor" --read - --rules "$top/rules/dist/*.rules" --site s1 \
	--sensor forwards --spool "$tmp/spool-metrics" \
	--redis "unix://$tmp/nobody.sock" --set metrics.listen=127.0.0.1:0 \
	--set forward.drain-ms=0 <"$tmp/pipe2" 2>"$tmp/log.forward" &
pid=$!
pids="$pids $pid"
exec 9>"$tmp/pipe2"
eventually 30 serves "$tmp/log.forward" || fail "forwards: no address in 30 s"
url=$(url_in "$tmp/log.forward")
cat "$top/pcaps/exercise-jp-east.pcap" >&9
eventually 60 scraped picket_sensor_redis_up 0 "$url" ||
	fail "forwards: does not say that Redis is away in 60 s"
told() {
	curl -s -f -m 10 -o "$tmp/now.prom" "$url" &&
		[ "$(prometheus value "$tmp/now.prom" \
			'picket_sensor_redis_errors_total{kind="unreachable"}')" -gt 0 ]
}
eventually 60 told || fail "forwards: no failed connection counted in 60 s"
prometheus check "$tmp/now.prom" || fail "forwards: not well-formed"
grep "^picket_sensor_stats_picket_\(redis\|forward\)_" "$tmp/now.prom" &&
	fail "forwards: the same under two names"
exec 9>&-
wait "$pid" || fail "forwards: exit status $?"
no_sanitizer "$tmp/log.forward"

# A snapshot waits for workers that are busy: while files are read as fast as
# it goes, what is scraped is well-formed and consistent.
watch busy 2
(i=0
while [ $i -lt 40 ]; do
	i=$((i + 1))
	tail -c +25 "$top/pcaps/exercise-jp-east.pcap"
done >"$tmp/more"
head -c 24 "$top/pcaps/exercise-jp-east.pcap"
cat "$tmp/more" "$tmp/more" "$tmp/more") >&9 &
pids="$pids $!"
answers() { curl -s -f -m 60 -o "$tmp/now.prom" "$url"; }
for i in 1 2 3 4 5 6; do
	# a machine that has too much to do is told of by 503
	eventually 20 answers || fail "busy: no answer"
	prometheus check "$tmp/now.prom" >"$tmp/x" || fail "busy: $(cat "$tmp/x")"
	in=$(prometheus value "$tmp/now.prom" picket_sensor_frames_total)
	through=$(prometheus value "$tmp/now.prom" picket_sensor_frames_inspected_total)
	[ "$through" -le "$in" ] || fail "busy: inspected $through of $in"
done
kill -TERM "$pid"
exec 9>&-
wait "$pid"

# Bad addresses, and none.
bad() {
	"$sensor" --read "$top/pcaps/dns.pcap" --set "metrics.listen=$1" \
		2>"$tmp/log"
	same "metrics.listen=$1: exit status" 2 $?
	grep -q "$2" "$tmp/log" || fail "metrics.listen=$1: $(cat "$tmp/log")"
	"$collector" --redis "unix://$sock" --store "$tmp/none.db" \
		--set "metrics.listen=$1" 2>"$tmp/log"
	same "collector, metrics.listen=$1: exit status" 2 $?
	grep -q "$2" "$tmp/log" || fail "metrics.listen=$1: $(cat "$tmp/log")"
}
bad 9108 "give ADDRESS:PORT, as in metrics.listen 127.0.0.1:9108"
bad localhost "give ADDRESS:PORT"
bad example.org:1 "'example.org' is no address"
bad 127.0.0.1:99999 "give ADDRESS:PORT"
bad 192.0.2.1:0 "not loopback.*metrics.allow-remote=yes"
"$sensor" --read "$top/pcaps/dns.pcap" --set metrics.listn=127.0.0.1:0 \
	2>"$tmp/log"
same "a misspelt setting" 2 $?

# The collector.
redis_start
exec=exec collect --set metrics.listen=127.0.0.1:0 2>"$tmp/log" &
pid=$!
pids="$pids $pid"
eventually 30 serves "$tmp/log" || fail "collector: no address in 30 s"
url=$(url_in "$tmp/log")
replay jp-east >"$tmp/out" 2>&1
alerts=$(alerts_written jp-east)
eventually 60 scraped picket_collector_alerts_total "$alerts" "$url" ||
	fail "collector: not $alerts alerts in 60 s: $(
		prometheus value "$tmp/now.prom" picket_collector_alerts_total)"
prometheus check "$tmp/now.prom" || fail "collector: not well-formed"
same "sensors" 1 "$(prometheus value "$tmp/now.prom" picket_collector_sensors)"
same "Redis" 1 "$(prometheus value "$tmp/now.prom" picket_collector_redis_up)"
same "alerts stored" "$alerts" "$(alerts_stored jp-east)"

# What the store knows: the sensor's ledger, once it came with its presence.
who='site="jp-east",sensor="tap1"'
eventually 60 scraped "picket_collector_ledger_holds{$who}" 1 "$url" ||
	fail "collector: the ledger does not hold after 60 s: $(
		grep ledger "$tmp/now.prom")"
prometheus check "$tmp/now.prom" || fail "collector: not well-formed"
now() { prometheus value "$tmp/now.prom" "picket_collector_$1"; }
for e in raised spooled files frames; do
	same "equation $e" 1 "$(now "ledger_equation_holds{$who,equation=\"$e\"}")"
done
for c in spool_full overload shed damaged unreadable killed; do
	same "lost by $c" 0 "$(now "ledger_events_lost{$who,cause=\"$c\"}")"
done
same "ledgers broken" 0 "$(now ledgers_broken)"
[ "$(now "ledger_events_raised{$who}")" -ge "$alerts" ] ||
	fail "raised: $(now "ledger_events_raised{$who}"), $alerts alerts"
same "expired" 0 "$(now store_frames_expired_total)"
same "blind" 0 "$(now blind_open)"

# A ledger that is short of ten events, of a sensor that says of itself that it
# watches with rules that it could not load; then nothing more of it.
sql "SELECT l.text FROM ledgers l" >"$tmp/ledger.json"
python3 - "$tmp/ledger.json" <<'PY' >"$tmp/bad.json"
import json, sys, time
d = json.load(open(sys.argv[1]))
d["live"], d["ended"] = True, False
for name in ("raised", "spooled"):
    where = d if name in d else d["events"]
    where[name][0] += 10 if name == "raised" else 0
print(json.dumps(d))
PY
redis-cli -s "$sock" sadd picket:sensors annex/tap9 >/dev/null
redis-cli -s "$sock" -x hset 'picket:sensor:{annex/tap9}' state running \
	reload_error 'no such file' ledger <"$tmp/bad.json" >/dev/null
bad='site="annex",sensor="tap9"'
eventually 60 scraped "picket_collector_ledger_holds{$bad}" 0 "$url" ||
	fail "collector: a ledger that is short holds: $(
		grep ledger "$tmp/now.prom")"
same "equation raised, short" 0 \
	"$(now "ledger_equation_holds{$bad,equation=\"raised\"}")"
same "ledgers broken" 1 "$(now ledgers_broken)"
same "the other" 1 "$(now "ledger_holds{$who}")"
blind='picket_collector_blind_open_by_cause{site="annex",cause="rules_failed"}'
eventually 60 scraped "$blind" 1 "$url" ||
	fail "collector: not blind: $(grep blind "$tmp/now.prom")"
redis-cli -s "$sock" del 'picket:sensor:{annex/tap9}' >/dev/null
blind='picket_collector_blind_open_by_cause{site="annex",cause="silent"}'
eventually 60 scraped "$blind" 1 "$url" ||
	fail "collector: not silent: $(grep blind "$tmp/now.prom")"
prometheus check "$tmp/now.prom" || fail "collector: not well-formed"
same "fell silent" 1 "$(now store_sensors_fell_silent_total)"
redis_kill
eventually 60 scraped picket_collector_redis_up 0 "$url" ||
	fail "collector: still up 60 s after Redis went"
[ "$(($(now 'redis_troubles_total{kind="closed"}') + \
	$(now 'redis_troubles_total{kind="unreachable"}')))" -ge 1 ] ||
	fail "troubles: $(grep troubles "$tmp/now.prom")"
same "refusals" 0 "$(now 'redis_troubles_total{kind="wrongpass"}')"
same "health without Redis" ok "$(curl -s -f "${url%/metrics}/healthz")"
kill -TERM "$pid"
wait "$pid" || fail "collector: exit status $?"
no_sanitizer "$tmp/log"
finish
