#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every frame is accounted for: in = inspected + skipped + dropped, and every
# alert raised is written, suppressed or lost; for whole and damaged captures,
# behind a filter, and when the run is stopped.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need awk tr

# balance NAME [LEAST] : checks $tmp/stats; at least LEAST frames came in.
balance() {
	[ -s "$tmp/stats" ] || {
		fail "$1: no statistics"
		return
	}
	# "picket" is the last object; within it names are unique.
	sed 's/.*"picket":{//' "$tmp/stats" | tr '{},:' '\n\n\n\n' | tr -d '"' |
		awk -v name="$1" -v least="${2:-1}" '
		$1 ~ /^[a-z]/ { key = $1; next }
		$1 ~ /^[0-9]+$/ { v[key] = $1 }
		END {
			out = v["inspected"] + v["not_ip"] + v["invalid"] + \
				v["bpf_filter"] + v["oversized"] + v["stopped"]
			if (v["in"] != out || v["in"] < least)
				print name ": " v["in"] " frames in, " out " out"
			out = v["written"] + v["suppressed_by_threshold"] + \
				v["suppressed_by_list"] + \
				v["beyond_packet_alert_max"] + \
				v["held_by_shared_state"] + \
				v["lost_no_memory"]
			if (v["raised"] != out)
				print name ": " v["raised"] " alerts raised, " \
					out " accounted for"
			if (!("raised" in v) || !("inspected" in v))
				print name ": the ledger has no such entry"
		}' >"$tmp/wrong"
	while read -r line; do
		fail "$line"
	done <"$tmp/wrong"
}

for capture in "$top"/pcaps/*.pcap*; do
	for n in 1 3; do
		rm -f "$tmp/stats"
		sensor_home --read "$capture" --workers $n --stats "$tmp/stats" \
			--eve /dev/null 2>"$tmp/log" ||
			fail "${capture##*/}: exit status $?"
		balance "${capture##*/} with $n workers"
	done
done
no_sanitizer "$tmp/log"

head -c 100000 "$top/pcaps/exercise-jp-east.pcap" >"$tmp/cut.pcap"
sensor_home --read "$tmp/cut.pcap" --stats "$tmp/stats" 2>"$tmp/log"
balance "a truncated capture"

sensor_home --read "$top/pcaps" --stats "$tmp/stats" --set bpf-filter=udp \
	2>"$tmp/log" || fail "with a filter: exit status $?"
balance "a directory behind a filter" 2000

# Stopped in the middle: what was read is inspected, and the rest never came.
exec=exec sensor_home --read "$top/pcaps/exercise-jp-east.pcap" --pace 1 \
	--stats "$tmp/stopped" --eve "$tmp/eve.json" 2>"$tmp/log" &
pid=$!
pids="$pids $pid"
eventually 20 test -s "$tmp/eve.json"
kill -TERM $pid
wait $pid || fail "stopped by SIGTERM: exit status $?"
mv "$tmp/stopped" "$tmp/stats"
balance "a run stopped by SIGTERM"
no_sanitizer "$tmp/log"
finish
